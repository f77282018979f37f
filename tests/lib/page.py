#!/usr/bin/env python3
"""A page whose loads can be told apart by nothing but the way: its server, and a scripted client that loads it like a browser.

The page is loaded in rounds, each of which needs what the one before brought, over connections that are kept: ROUNDS. How
long the server thinks about each request is drawn by the client from a seed and asked for in a header, so that two loads with
the same seed differ in nothing but the way between client and server.

Of `rtt` more on the way between the built-in server and the page's server, nothing that SOCKS waits for is later (connections
are made as fast as before, see forwarder.py), every response is later by one rtt, and the whole page by one in each round:
BEHIND. Of `rtt` more between a recording proxy and its SOCKS upstream, the choice of a method, the request to connect and each
response take one rtt more, so that a round that makes connections is longer by three: BEFORE.
"""
import argparse
import concurrent.futures
import random
import socketserver
import time

import socks

WWW, STATIC, IMAGES = (f"{name}.page.test" for name in ("www", "static", "images"))
HOSTS = (WWW, STATIC, IMAGES)
# Small enough that the way takes the time, not the processor.
# (host, number of its connection, path, type, bytes); all of a round at the same time, over different connections.
ROUNDS = (
    ((WWW, 0, "/", "text/html", 14_000),),
    ((STATIC, 0, "/style.css", "text/css", 9_000), (STATIC, 1, "/app.js", "text/javascript", 40_000),
     (IMAGES, 0, "/hero.png", "image/png", 80_000), (IMAGES, 1, "/large.png", "image/png", 150_000)),
    ((IMAGES, 0, "/a.png", "image/png", 3_000), (IMAGES, 1, "/b.png", "image/png", 52_000),
     (STATIC, 0, "/font.woff2", "font/woff2", 20_000), (WWW, 0, "/data.json", "application/json", 700)),
)
REQUESTS = sum(map(len, ROUNDS))
CONNECTIONS = len({fetch[:2] for fetches in ROUNDS for fetch in fetches})
BODIES = {(host, path): (kind, size) for fetches in ROUNDS for host, _, path, kind, size in fetches}
THINK_MS = (2, 20)

# By how many added round trips each measure grows.
BEHIND = {"load-time": 3, "page-ttfb": 1, "socks": 0, "connection-ttfb": 1, "waiting": 1, "transfer": 0}
BEFORE = {"load-time": 7, "page-ttfb": 3, "socks": 1, "connection-ttfb": 3, "waiting": 1, "transfer": 0}


class Handler(socketserver.StreamRequestHandler):
    """Answers the requests of a connection, each after the time that it asks for."""

    disable_nagle_algorithm = True
    wbufsize = -1

    def handle(self):
        while line := self.rfile.readline():
            path = line.split()[1].decode()
            headers = {}
            while (line := self.rfile.readline().strip()):
                name, _, value = line.decode().partition(": ")
                headers[name] = value
            kind, size = BODIES[headers["Host"].partition(":")[0], path]
            time.sleep(float(headers["X-Think-Ms"]) / 1000)
            self.wfile.write(f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {size}\r\n\r\n".encode() + bytes(size))
            self.wfile.flush()


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 1024


def fetch(peers, proxy_port, port, what, think_ms):
    """Ask for one thing over its connection (made if it is not there) and read all of the answer."""
    host, number, path, kind, _ = what
    if (host, number) not in peers:
        peers[host, number] = socks.client(proxy_port, host, port)
    peer = peers[host, number]
    lines = [f"GET {path} HTTP/1.1", f"Host: {host}:{port}", f"Accept: {'text/html' if kind == 'text/html' else '*/*'}",
             f"X-Think-Ms: {think_ms:.3f}"]
    if path != "/":
        lines.append(f"Referer: http://{WWW}:{port}/")
    peer.sendall("\r\n".join([*lines, "", ""]).encode())
    data = bytearray()
    while b"\r\n\r\n" not in data:
        piece = peer.recv(1 << 16)
        if not piece:
            raise ConnectionError("the response is not whole")
        data += piece
    head = data.index(b"\r\n\r\n") + 4
    missing = int(data[:head].lower().partition(b"content-length: ")[2].split()[0]) - (len(data) - head)
    if missing and len(socks.receive(peer, missing)) != missing:
        raise ConnectionError("the response is not whole")


def load(proxy_port, port, seed):
    """Load the page that is served at `port` through a SOCKS proxy; the server's times are drawn from `seed`."""
    chance = random.Random(seed)
    peers = {}
    try:
        with concurrent.futures.ThreadPoolExecutor(CONNECTIONS) as pool:
            for fetches in ROUNDS:
                work = [pool.submit(fetch, peers, proxy_port, port, what, chance.uniform(*THINK_MS)) for what in fetches]
                for done in work:
                    done.result()
    finally:
        for peer in peers.values():
            peer.close()


def main():
    parser = argparse.ArgumentParser(description="Serve the page on a loopback address.")
    parser.add_argument("--listen", default="127.0.0.1", help="address")
    with Server((parser.parse_args().listen, 0), Handler) as server:
        print(f"page: {server.server_address[1]}", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
