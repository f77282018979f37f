#!/usr/bin/env python3
"""Test the tools of the bench: the floor is a correct relay, the load generator notices wrong answers, bench.py measures.

Says nothing about speed.
"""

import argparse
import hashlib
import json
import os
import select
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import unittest
from pathlib import Path

from peers import end_with_parent, free_port, wait_for

BUILD = Path("build")
SKIPPED = 77
MIB = 1 << 20
SECONDS = 20


def receive_all(sock):
    """Return what comes until the end of the stream."""
    parts = []
    while part := sock.recv(65536):
        parts.append(part)
    return b"".join(parts)


def receive(sock, count):
    data = b""
    while len(data) < count and (part := sock.recv(count - len(data))):
        data += part
    return data


class FloorTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.file = Path(self.folder.name) / "bytes"
        port = free_port()
        self.floor = subprocess.Popen([BUILD / "tests/bench/bench_floor", "-l", f"127.0.0.1:{port}", "-w", self.file],
                                      stderr=subprocess.DEVNULL, preexec_fn=end_with_parent)
        self.address = ("127.0.0.1", port)
        self.server = socket.create_server(("127.0.0.1", 0))
        self.server.settimeout(SECONDS)
        wait_for(self.listens, SECONDS, "floor listens")

    def tearDown(self):
        self.floor.kill()
        self.floor.wait()
        self.server.close()
        self.folder.cleanup()

    def listens(self):
        with socket.socket() as probe:
            return probe.connect_ex(self.address) == 0

    def request(self, host=None, port=None, command=1):
        """Return a request for `host` as a name, or for the server's IPv4 address."""
        port = struct.pack("!H", self.server.getsockname()[1] if port is None else port)
        if host is None:
            return bytes([5, command, 0, 1, 127, 0, 0, 1]) + port
        return bytes([5, command, 0, 3, len(host)]) + host.encode() + port

    def through(self, request, pieces=False):
        """Send greeting and request, in one piece or byte by byte. Return the socket and the reply code."""
        client = socket.create_connection(self.address, SECONDS)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        handshake = bytes([5, 2, 2, 0]) + request
        for piece in [handshake[i:i + 1] for i in range(len(handshake))] if pieces else [handshake]:
            client.sendall(piece)
        self.assertEqual(receive(client, 2), bytes([5, 0]))
        return client, receive(client, 10)[1]

    def connected(self, **options):
        client, code = self.through(self.request(**options))
        self.assertEqual(code, 0)
        served = self.server.accept()[0]
        served.settimeout(SECONDS)
        return client, served

    def test_half_close_both_ways(self):
        data = bytes(range(256)) * (3 * MIB // 256)
        client, served = self.connected()
        sender = threading.Thread(target=lambda: (client.sendall(data), client.shutdown(socket.SHUT_WR)))
        sender.start()
        received = receive_all(served)
        sender.join()
        self.assertEqual(hashlib.sha256(received).digest(), hashlib.sha256(data).digest())
        served.sendall(b"after the end")
        served.close()
        self.assertEqual(receive_all(client), b"after the end")

    def test_back_pressure(self):
        client, served = self.connected()
        client.setblocking(False)
        sent = 0
        while sent < 64 * MIB and select.select([], [client], [], 0.5)[1]:
            sent += client.send(bytes(65536))
        self.assertLess(sent, 64 * MIB, "everything was taken though nobody reads")
        client.shutdown(socket.SHUT_WR)
        self.assertEqual(len(receive_all(served)), sent)

    def test_reset(self):
        client, served = self.connected()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
        with self.assertRaises(ConnectionResetError):
            served.recv(1)

    def test_handshake_in_pieces_and_early_data(self):
        client, code = self.through(self.request() + b"early", pieces=True)
        self.assertEqual(code, 0)
        served = self.server.accept()[0]
        served.settimeout(SECONDS)
        self.assertEqual(receive(served, 5), b"early")
        client.close()
        self.assertEqual(served.recv(1), b"")

    def test_literal_name(self):
        client, served = self.connected(host="127.0.0.1")
        served.sendall(b"x")
        self.assertEqual(client.recv(1), b"x")

    def test_replies(self):
        for request, code in [(self.request(port=free_port()), 5), (self.request(host="name.invalid"), 4),
                              (self.request(command=2), 7), (bytes([5, 1, 0, 9, 0, 0, 0, 0, 0, 0]), 8)]:
            self.assertEqual(self.through(request)[1], code)

    def test_file_has_every_byte(self):
        client, served = self.connected()
        client.sendall(b"a" * MIB)
        client.shutdown(socket.SHUT_WR)
        receive_all(served)
        served.close()
        receive_all(client)
        # Written 256 KiB at a time: of 1 MiB at most the last part is still in memory.
        self.assertGreaterEqual(self.file.stat().st_size, MIB * 3 // 4)
        self.assertEqual(set(self.file.read_bytes()), {ord("a")})


class LoadTest(unittest.TestCase):
    """The load generator against a server that answers each connection with the bytes of the test."""

    def run_load(self, answer, *options):
        server = socket.create_server(("127.0.0.1", 0))
        server.settimeout(SECONDS)

        def serve():
            served = server.accept()[0]
            served.recv(4096)
            served.sendall(answer)
            served.close()

        thread = threading.Thread(target=serve)
        thread.start()
        done = subprocess.run([BUILD / "tests/bench/bench_load", "run", "-o", f"127.0.0.1:{server.getsockname()[1]}",
                               "-t", "10", *options], capture_output=True, text=True, timeout=SECONDS)
        thread.join()
        server.close()
        return done.returncode, json.loads(done.stdout)

    @staticmethod
    def body():
        """Return the first bytes of the pattern, made here a second time (Marsaglia's xorshift32)."""
        state, out = 2463534242, []
        for _ in range(8):
            state ^= state << 13 & 0xFFFFFFFF
            state ^= state >> 17
            state ^= state << 5 & 0xFFFFFFFF
            out.append(state >> 24)
        return bytes(out)

    def answer(self, body, status="200 OK", length=8):
        return f"HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n".encode() + body

    def test_right(self):
        code, report = self.run_load(self.answer(self.body()), "-b", "8")
        self.assertEqual((code, report["requests"], report["errors"], report["bytes"]), (0, 1, 0, 8))

    def test_wrong(self):
        body = self.body()
        for answer in [self.answer(body[:-1] + b"?"), self.answer(body[:-1]), self.answer(body, length=7),
                       self.answer(body, status="404 Not Found"), self.answer(body)[:20]]:
            code, report = self.run_load(answer, "-b", "8")
            self.assertEqual((code, report["requests"], report["errors"]), (1, 0, 1), answer)

    def test_chunks_missing(self):
        code, report = self.run_load(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "-C", "1")
        self.assertEqual((code, report["errors"]), (1, 1))


class BenchTest(unittest.TestCase):
    def test_measures(self):
        here = Path(__file__).resolve().parent
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run([sys.executable, here / "bench.py", "--build", BUILD, "--quick-smoke", "-o", folder,
                                   "--peers", "floor -w,mitm-proxy"], capture_output=True, text=True, timeout=100,
                                  preexec_fn=end_with_parent)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            result = json.loads((Path(folder) / "bench.json").read_text())
            self.assertEqual((Path(folder) / "bench.md").read_text(), done.stdout)
        for peer in set(result["median"]) - set(result["missing"]):
            for key in ["small_117", "bulk", "bulk_chunked", "new_per_s", "new_cpu_us"]:
                self.assertGreater(result["median"][peer][key], 0, (peer, key))
        self.assertEqual(result["ratio"]["floor"]["small_117"], 1)
        self.assertEqual(result["problems"], [])

    def test_measures_tls(self):
        if not shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin"):
            self.skipTest("nginx is not installed")
        done = subprocess.run([sys.executable, Path(__file__).resolve().parent / "tls.py", "--build", BUILD, "--quick-smoke"], capture_output=True,
                              text=True, timeout=100, preexec_fn=end_with_parent, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("CPU s / GiB, HTTP/2", done.stdout)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=Path, required=True)
    BUILD = parser.parse_args().build.resolve()
    if not (BUILD / "tests/bench/bench_load").exists():
        print("skipped: the programs of the bench are not built (BENCH is off)")
        sys.exit(SKIPPED)
    unittest.main(argv=sys.argv[:1], verbosity=2)
