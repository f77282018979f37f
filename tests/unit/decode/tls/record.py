#!/usr/bin/env python3
"""Records TLS connections between openssl's s_client and s_server as test data, one file each, in this folder.

    tests/unit/decode/tls/record.py [--corpus FOLDER] [NAME…]

A relay on the loopback interface notes what each side sends, in the order in which it arrived. A file is a sequence of
items: a letter, the length of what follows in 4 bytes (big endian), and so many bytes:
    >  bytes of the client       <  bytes of the server       )  the client's FIN       (  the server's FIN
    K  the client's key log      C  what the client was given to send      S  the same for the server
With --corpus shorter ones are recorded, as inputs of the fuzz target tls (tests/fuzz/tls.c tells the format).
"""
import argparse
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time

CORPUS = None  # the folder, with --corpus
HERE = pathlib.Path(__file__).resolve().parent
WAIT_S = 20


class Relay:
    """Passes one connection on to `port` and notes what it sees."""

    def __init__(self, port):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.target = port
        self.items = []
        self.lock = threading.Lock()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        client, _ = self.listener.accept()
        server = socket.create_connection(("127.0.0.1", self.target))
        up = threading.Thread(target=self.pump, args=(client, server, b">", b")"), daemon=True)
        up.start()
        self.pump(server, client, b"<", b"(")
        up.join(WAIT_S)
        client.close()
        server.close()

    def sent_by_server(self):
        with self.lock:
            return sum(len(data) for letter, data in self.items if letter == b"<")

    def pump(self, source, sink, letter, end):
        while True:
            try:
                data = source.recv(65536)
            except ConnectionResetError:
                data = b""
            with self.lock:
                self.items.append((letter if data else end, data))
                try:
                    sink.sendall(data) if data else sink.shutdown(socket.SHUT_WR)
                except OSError:
                    pass
            if not data:
                return


class Program:
    """An openssl program with its standard input, and what it has printed so far."""

    def __init__(self, *args):
        self.process = subprocess.Popen(["openssl", *map(str, args)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT)
        self.output = b""
        self.changed = threading.Condition()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        while data := os.read(self.process.stdout.fileno(), 65536):
            with self.changed:
                self.output += data
                self.changed.notify_all()

    def wait_for(self, pattern):
        with self.changed:
            if not self.changed.wait_for(lambda: re.search(pattern, self.output, re.S), WAIT_S):
                sys.exit(f"no {pattern!r} in\n{self.output.decode(errors='replace')}")
            return re.search(pattern, self.output, re.S)

    def write(self, data):
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def close(self):
        self.process.stdin.close()
        return self.process.wait(WAIT_S)

    def kill(self):
        self.process.kill()
        self.process.wait()


class Server(Program):
    def __init__(self, folder, *args):
        super().__init__("s_server", "-accept", "127.0.0.1:0", "-cert", folder / "cert.pem", "-key",
                         folder / "key.pem", "-naccept", 9, *args)
        self.port = int(self.wait_for(rb"ACCEPT 127\.0\.0\.1:(\d+)").group(1))


def text(name, n):
    """Return `n` lines that no command of s_client and s_server begins with."""
    n = 1 if CORPUS else n
    return b"".join(b"%s line %d %s\n" % (name, i, b"x" * (i * 7 % 61)) for i in range(n))


def corpus_input(items):
    """Return `items` as a script for the fuzz target: the keys come when half of the pieces have been sent."""
    controls = {b">": 0x00, b"<": 0x01, b")": 0x00, b"(": 0x01}
    steps = [(controls[letter], data) for letter, data in items if letter in controls]
    half = len(steps) // 2
    keys = [(0x04, line) for line in dict(items)[b"K"].splitlines() if not line.startswith(b"#")]
    steps[half:half] = keys
    return b"\x01" + b"".join(bytes([control]) + len(data).to_bytes(2, "big") + data for control, data in steps)


class Recording:
    def __init__(self, folder, server, *args, early=b""):
        self.sent = {b"C": early, b"S": b""}
        self.keys = folder / "keys.txt"
        self.keys.unlink(missing_ok=True)
        self.server = server
        self.relay = Relay(server.port)
        if early:
            (folder / "early").write_bytes(early)
            args += ("-early_data", folder / "early")
        self.client = Program("s_client", "-connect", f"127.0.0.1:{self.relay.port}", "-servername", "example.com",
                              "-keylogfile", self.keys, *args)

    def say(self, letter, data):
        """Let one side send `data`, and wait until the other one has shown its last line."""
        source, sink = (self.client, self.server) if letter == b"C" else (self.server, self.client)
        source.write(data)
        self.sent[letter] += data
        sink.wait_for(re.escape(data.splitlines()[-1]))

    def command(self, data, done):
        """Give s_server (or the client, if `done` is a pattern that it then prints) a command; wait for its effect."""
        if done:
            before = len(self.client.output)
            self.client.write(data)
            self.until(lambda: re.search(done, self.client.output[before:]), data)
        else:
            before = self.relay.sent_by_server()
            self.server.write(data)
            self.until(lambda: self.relay.sent_by_server() > before, data)

    def until(self, condition, what):
        deadline = time.monotonic() + WAIT_S
        while not condition():
            if time.monotonic() > deadline:
                sys.exit(f"{what!r} had no effect")
            time.sleep(0.01)

    def finish(self, name):
        self.client.close()
        self.relay.thread.join(WAIT_S)
        items = self.relay.items + [(letter, data) for letter, data in self.sent.items()]
        items.append((b"K", self.keys.read_bytes() if self.keys.exists() else b""))
        if CORPUS:
            (CORPUS / name).write_bytes(corpus_input(items))
            return
        path = HERE / f"{name}.bin"
        path.write_bytes(b"".join(letter + len(data).to_bytes(4, "big") + data for letter, data in items))
        print(f"{name}: {path.stat().st_size} bytes")


def exchange(recording, client_lines=20, server_lines=60):
    recording.client.wait_for(rb"Verif[a-z]* (return code|error)[^\n]*\n")
    recording.say(b"C", text(b"client", client_lines))
    recording.say(b"S", text(b"server", server_lines))
    recording.say(b"C", text(b"client again", 2))


def plain(*client_args, server_args=()):
    def make(folder, name):
        server = Server(folder, "-alpn", "http/1.1", *server_args)
        recording = Recording(folder, server, "-alpn", "h2,http/1.1", *client_args)
        exchange(recording)
        recording.finish(name)
        server.kill()
    return make


def key_update(folder, name):
    server = Server(folder)
    recording = Recording(folder, server, "-tls1_3")
    exchange(recording)
    recording.command(b"k\n", rb"KEYUPDATE")
    recording.say(b"C", text(b"client, second key", 5))
    recording.command(b"K\n", None)
    recording.say(b"S", text(b"server, second key", 5))
    recording.say(b"C", text(b"client, third key", 5))
    recording.command(b"K\n", rb"KEYUPDATE")
    recording.say(b"C", text(b"client, fourth key", 5))
    recording.say(b"S", text(b"server, third key", 5))
    recording.finish(name)
    server.kill()


def get_session(folder, server, *args):
    session = folder / "session"
    session.unlink(missing_ok=True)
    recording = Recording(folder, server, "-sess_out", session, *args)
    exchange(recording)
    deadline = time.monotonic() + WAIT_S
    while not session.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    recording.client.close()
    recording.relay.thread.join(WAIT_S)
    return session


def resumed(*args):
    def make(folder, name):
        server = Server(folder)
        session = get_session(folder, server, *args)
        server.output = b""
        recording = Recording(folder, server, "-sess_in", session, *args)
        exchange(recording)
        recording.finish(name)
        server.kill()
    return make


def early(*args, server_args=(), reject=None):
    def make(folder, name):
        server = Server(folder, "-early_data", "-max_early_data", 16384, *server_args)
        session = get_session(folder, server, "-tls1_3", *args)
        if reject:
            server.kill()
            server = Server(folder, "-early_data", "-max_early_data", 16384, *server_args, *reject)
        server.output = b""
        data = text(b"early", 30)
        recording = Recording(folder, server, "-tls1_3", "-sess_in", session, *args, early=data)
        recording.client.wait_for(rb"Early data was rejected" if reject else rb"Early data was accepted")
        if reject:
            recording.sent[b"C"] = b""
        exchange(recording)
        recording.finish(name)
        server.kill()
    return make


def renegotiation(folder, name):
    server = Server(folder)
    recording = Recording(folder, server, "-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256")
    exchange(recording)
    recording.command(b"r\n", None)
    server.write(b"server, afterwards\n")  # not to be decrypted
    recording.client.wait_for(rb"server, afterwards")
    recording.finish(name)
    server.kill()


def alert(folder, name):
    """The server wants another version: a fatal alert in the clear."""
    server = Server(folder, "-tls1_2")
    recording = Recording(folder, server, "-tls1_3")
    recording.client.process.wait(WAIT_S)
    recording.finish(name)
    server.kill()


SCENARIOS = {
    "13_aes128": plain("-tls1_3", "-ciphersuites", "TLS_AES_128_GCM_SHA256"),
    "13_aes256": plain("-tls1_3", "-ciphersuites", "TLS_AES_256_GCM_SHA384"),
    "13_chacha": plain("-tls1_3", "-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256"),
    "13_retry": plain("-tls1_3", "-groups", "X25519:P-384", server_args=("-groups", "P-384")),
    "13_padded": plain("-tls1_3", "-record_padding", "256", server_args=("-record_padding", "128")),
    "13_key_update": key_update,
    "13_resumed": resumed("-tls1_3"),
    "13_early_accepted": early("-ciphersuites", "TLS_AES_128_GCM_SHA256"),
    "13_early_accepted_chacha": early("-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256"),
    "13_early_rejected": early(reject=("-no_ticket",)),
    "13_early_retry": early("-groups", "X25519:P-384", reject=("-groups", "P-384")),
    "12_aes128": plain("-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"),
    "12_aes256": plain("-tls1_2", "-cipher", "ECDHE-ECDSA-AES256-GCM-SHA384"),
    "12_chacha": plain("-tls1_2", "-cipher", "ECDHE-ECDSA-CHACHA20-POLY1305"),
    "12_resumed": resumed("-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"),
    "12_cbc": plain("-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA"),
    "12_renegotiation": renegotiation,
    "alert": alert,
}


def main():
    global CORPUS
    parser = argparse.ArgumentParser()
    parser.add_argument("--corpus", type=pathlib.Path)
    parser.add_argument("names", nargs="*", default=SCENARIOS)
    options = parser.parse_args()
    CORPUS = options.corpus
    with tempfile.TemporaryDirectory() as path:
        folder = pathlib.Path(path)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-keyout", folder / "key.pem", "-out", folder / "cert.pem", "-days", "30", "-subj",
                        "/CN=example.com"], check=True, capture_output=True)
        for name in options.names:
            SCENARIOS[name](folder, name)


if __name__ == "__main__":
    main()
