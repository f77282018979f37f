#!/usr/bin/env python3
"""How large bodies are decoded: what Python, zstd(1) and gzip(1) encoded is served, recorded, and shown in reports."""
import gzip
import re
import socketserver
import subprocess
import sys
import threading
import zlib
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
import harness
import socks
from harness import check, equal

TEXT = b"".join(b"%d bottles of beer on the wall.\n" % n for n in range(3000))
# An example of brotli's own tests (tests/testdata/10x10y.compressed): ten X and ten Y.
BROTLI = bytes.fromhex("1b130000a4b0b2ea8147028a")


def run(*command):
    return subprocess.run(command, input=TEXT, stdout=subprocess.PIPE, check=True).stdout


def raw_deflate(data):
    encoder = zlib.compressobj(wbits=-15)
    return encoder.compress(data) + encoder.flush()


def bodies():
    """Of each path: Content-Encoding, the body, and its size decoded; None: not known."""
    return {
        "/gzip": ("gzip", gzip.compress(TEXT), len(TEXT)),
        "/gnu-gzip": ("x-gzip", run("gzip", "-9"), len(TEXT)),
        "/deflate": ("deflate", zlib.compress(TEXT), len(TEXT)),
        "/raw-deflate": ("deflate", raw_deflate(TEXT), len(TEXT)),
        "/br": ("br", BROTLI, 20),
        "/zstd": ("zstd", run("zstd", "-q", "-c"), len(TEXT)),
        "/gzip-of-zstd": ("zstd, gzip", gzip.compress(run("zstd", "-q", "-c")), len(TEXT)),
        "/members": ("gzip", gzip.compress(TEXT) * 2, 2 * len(TEXT)),
        "/bomb": ("gzip, gzip", gzip.compress(gzip.compress(bytes(64 << 20))), None),
        "/truncated": ("gzip", gzip.compress(TEXT)[:-1], None),
        "/not-at-all": ("gzip", TEXT, None),
        "/identity": ("identity", TEXT, None),
    }


class Handler(socketserver.StreamRequestHandler):
    """Answers requests with the body of their path: every other one in chunks."""

    def handle(self):
        while line := self.rfile.readline():
            path = line.split()[1].decode()
            while self.rfile.readline().strip():
                pass
            coding, body, _ = self.server.bodies[path]
            head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\n"
            if len(path) % 2:
                chunks = [body[at:at + 1000] for at in range(0, len(body), 1000)] + [b""]
                body = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)
                head += "Transfer-Encoding: chunked\r\n\r\n"
            else:
                head += f"Content-Length: {len(body)}\r\n\r\n"
            self.wfile.write(head.encode() + body)


def receive_response(peer):
    """Read one response, to the end of its body."""
    data = peer.makefile("rb")
    length = 0
    while line := data.readline().strip():
        if line.lower().startswith(b"content-length:"):
            length = int(line.partition(b":")[2])
        elif line.lower() == b"transfer-encoding: chunked":
            length = None
    if length is not None:
        equal(len(data.read(length)), length, "bytes of a body")
        return
    while (size := int(data.readline(), 16)):
        data.read(size + 2)
    data.readline()


def record(box, *options):
    """Load all bodies; return the session's file, and what was served."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        server.bodies = bodies()
        threading.Thread(target=server.serve_forever, daemon=True).start()
        proxy = box.proxy(*options)
        for path in server.bodies:
            with socks.client(proxy.port, "127.0.0.1", server.server_address[1], socks.IPV4) as client:
                client.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
                receive_response(client)
        server.shutdown()
        proxy.end()
        return proxy.path, server.bodies


def shown(text):
    """Of each path in the table of connections, in the order of requests: size and decoded size, as printed."""
    paths = re.findall(r"HttpRequestStart\s+GET (\S+)", text)
    sizes = re.findall(r"HttpResponseEnd\s+(\d+)(?: \((\d+) decoded\))?", text)
    equal(len(sizes), len(paths), f"responses\n{text}")
    return dict(zip(paths, sizes))


def test_sizes(box):
    harness.need_programs("zstd", "gzip", "pdftotext")
    path, served = record(box)
    done = box.analyze("connections", path)
    expected = {name: (str(len(body)), str(size or "")) for name, (_, body, size) in served.items()}
    equal(shown(done.stdout.decode()), expected, "sizes in the table of connections")
    out = box.folder / "report.html"
    equal(box.analyze("report", "-o", out, path).returncode, 0, "mitm-analyze report")
    text = out.read_text(encoding="utf-8")
    for name, (_, body, size) in served.items():
        check(size is None or f">{len(body)} ({size} decoded)<" in text, f"{name} in the report")
        tooltips = re.findall(rf'title="GET {name} [^"]* bytes(?: \(([\d,]+) decoded\))?', text)
        equal(set(tooltips), {f"{size:,}" if size else ""}, f"{name} in the graph")
    paper = box.folder / "report.pdf"
    equal(box.analyze("report", "-o", paper, path).returncode, 0, "mitm-analyze report")
    words = subprocess.run(["pdftotext", "-raw", paper, "-"], stdout=subprocess.PIPE, check=True).stdout.decode()
    count = sum(size is not None for _, _, size in served.values())
    check(re.search(rf"\b{count} encoded bodies of [\d.]+ kB are [\d.]+ kB decoded\.", " ".join(words.split())), words)


def test_body_limit(box):
    """What was not recorded whole cannot be decoded; nothing is said of it."""
    harness.need_programs("zstd", "gzip")
    path, served = record(box, "--body-limit", "100")
    sizes = shown(box.analyze("connections", path).stdout.decode())
    for name, (_, body, size) in served.items():
        equal(sizes[name], (str(len(body)), str(size or "") if len(body) <= 100 else ""), name)


if __name__ == "__main__":
    harness.run(globals())
