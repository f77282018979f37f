"""Peers that speak TLS as they are told: openssl's s_server and s_client, curl, and taps beside the proxy that keep every byte.

A client's bytes go  client → Tap (SOCKS) → mitm-proxy → Tap → server, so that what a client has sent can be compared with what
its server has got, byte for byte, and back.
"""
import contextlib
import os
import re
import socket
import subprocess
import threading

import harness
import https
import socks
from harness import check, equal, wait_until

RSA, ECDSA = "rsa", "ecdsa"
SUITES_1_3 = ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256")
SUITES_1_2 = ("AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305")  # behind ECDHE-RSA- or ECDHE-ECDSA-


class Tap:
    """Passes the connections to a port of its own on to what dial() connects to; .up and .down keep what flowed, one
    bytearray for each connection in the order in which they came."""

    def __init__(self, box, dial):
        self.dial, self.up, self.down, self.open = dial, [], [], 0
        self.listener = box.listener()
        self.port = self.listener.getsockname()[1]
        self.lock = threading.Lock()
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            up, down = bytearray(), bytearray()
            with self.lock:
                self.up.append(up)
                self.down.append(down)
                self.open += 1
            threading.Thread(target=self.converse, args=(client, up, down), daemon=True).start()

    def converse(self, client, up, down):
        with contextlib.suppress(OSError), client:
            server = self.dial()
            for peer in (client, server):
                peer.settimeout(None)
                peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with server:
                back = threading.Thread(target=self.copy, args=(server, client, down), daemon=True)
                back.start()
                self.copy(client, server, up)
                back.join()
        with self.lock:
            self.open -= 1

    @staticmethod
    def copy(source, sink, kept):
        """An end is passed on as an end, a reset by closing: nothing else is in the proxy's way."""
        try:
            while data := source.recv(1 << 16):
                kept += data
                sink.sendall(data)
        except OSError:
            pass
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)

    def wait_until_idle(self):
        wait_until(lambda: not self.open, "the connections through the tap have ended")


class Way:
    """A way through `proxy` to a port: clients connect to .port."""

    def __init__(self, box, proxy, port):
        self.behind = Tap(box, lambda: socks.dial(port))
        self.before = Tap(box, lambda: socks.client(proxy.port, https.SITE, self.behind.port))
        self.port = self.before.port

    def check_unchanged(self):
        """Fail unless every connection's bytes came out as they went in."""
        self.before.wait_until_idle()
        self.behind.wait_until_idle()
        check(self.before.up, "there was no connection at all")
        equal(sorted(map(bytes, self.behind.up)), sorted(map(bytes, self.before.up)), "bytes to the server")
        equal(sorted(map(bytes, self.before.down)), sorted(map(bytes, self.behind.down)), "bytes to the client")


class Server:
    """openssl s_server that says what it is told on its standard input: one connection at a time."""

    def __init__(self, box, certificates, *options, kind=RSA, name="s_server"):
        words = ["openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", certificates.certificate[kind], "-key", certificates.key[kind],
                 *options]
        self.program = box.program(name, words, stdin=subprocess.PIPE, cwd=box.folder)
        self.port = int(self.program.wait_for(r"^ACCEPT 127\.0\.0\.1:(\d+)", self.program.out)[1])

    def heard(self, text):
        """Wait until a client has said this."""
        self.program.wait_for(text, self.program.out)

    def say(self, data):
        say(self.program, data)


class Client:
    """openssl s_client that says what it is told on its standard input."""

    def __init__(self, box, way, certificates, *options, keylog=None, name="s_client"):
        log = ["-keylogfile", keylog] if keylog else []
        words = ["openssl", "s_client", "-connect", f"127.0.0.1:{way.port}", "-servername", https.SITE, "-CAfile", certificates.ca, *log,
                 *options]
        self.program = box.program(name, words, stdin=subprocess.PIPE)

    def connected(self):
        self.heard(r"^SSL handshake has read")

    def heard(self, text):
        """Wait until the server has said this."""
        self.program.wait_for(text, self.program.out)

    def say(self, data):
        say(self.program, data)

    def close(self):
        """End by closing standard input: close_notify, FIN."""
        self.program.process.stdin.close()
        self.program.wait()


def say(program, data):
    """One write: openssl reads it whole, and passes it on in one record (below 16 KiB)."""
    os.write(program.process.stdin.fileno(), data)


def request(path, body=b"", more=""):
    method = "POST" if body else "GET"
    length = f"Content-Length: {len(body)}\r\n" if body else ""
    return f"{method} {path} HTTP/1.1\r\nHost: {https.SITE}\r\n{length}{more}\r\n".encode() + body


def response(body, status=200, more=""):
    return f"HTTP/1.1 {status} {'OK' if status == 200 else 'Other'}\r\nContent-Length: {len(body)}\r\n{more}\r\n".encode() + body


def curl(box, proxy, certificates, keylog, *words, name="curl", tap=None):
    """Run curl through the proxy (or through a tap that leads to it); return its standard output."""
    harness.need_programs("curl")
    way = ["--connect-to", f"::127.0.0.1:{tap.port}"] if tap else ["--proxy", f"socks5h://127.0.0.1:{proxy.port}"]
    environment = {**os.environ, "SSLKEYLOGFILE": str(keylog or "")}
    program = box.program(name, ["curl", "--silent", "--show-error", "--cacert", certificates.ca, *way, *words], env=environment)
    equal(program.wait(60), 0, f"curl {words}: {program.err()}")
    return program.out_path.read_bytes()


# ---------------------------------------------------------------- key logs (RFC 9850)

def secrets_of(keylog):
    """{(label, client random): secret} of a key log's lines, bytes."""
    found = re.findall(rb"^([A-Z0-9_]+) ([0-9a-fA-F]{64}) ([0-9a-fA-F]+)\r?$", keylog.read_bytes(), re.MULTILINE)
    return {(label.decode(), bytes.fromhex(random.decode())): bytes.fromhex(secret.decode()) for label, random, secret in found}


def lines_of(keylog):
    """The lines with secrets of a key log, ends included."""
    return [line for line in keylog.read_bytes().splitlines(keepends=True) if not line.startswith(b"#")]


def append(keylog, data):
    with open(keylog, "ab") as file:
        file.write(data)
