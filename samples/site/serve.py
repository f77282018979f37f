#!/usr/bin/env python3
"""The sample site: an origin server for four host names on one loopback port.

It prints "site: http://www.example.test:PORT/" when it is ready, writes one JSON object per request to the access log
and ends on SIGTERM. Fields of the log:
  begin_ns, end_ns  wall clock: request head complete, response handed to the kernel
  client_port       the other end of the connection
  host, method, path, status
  request_bytes     the request's body
  response_bytes    the response's body as sent, without the framing of chunks
  response_sha256   of the same
  content_sha256    of the content, that is with Content-Encoding undone; absent where the response has no content
  complete          false where the connection ended before the response did
  report            of POST /report: what the page's script has found
"""
import argparse
import hashlib
import json
import os
import signal
import socket
import sys
import threading
import time

import content

MAX_HEAD_BYTES = 65536
MAX_BODY_BYTES = 1 << 24
IDLE_SECONDS = 60
NO_BODY = (204, 304)


class Gone(Exception):
    """The client has closed the connection, or sent what is not HTTP."""


class Request:
    """A request read from `stream`; raises Gone at the end of the connection."""

    def __init__(self, stream):
        lines = []
        while True:
            line = stream.readline(MAX_HEAD_BYTES)
            if not line.endswith(b"\n"):
                raise Gone
            line = line.rstrip(b"\r\n").decode("latin-1")
            if line:
                lines.append(line)
            elif lines:
                break
        try:
            self.method, self.target, self.version = lines[0].split(" ")
        except ValueError as error:
            raise Gone from error
        self.headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            self.headers[name.strip().lower()] = value.strip()
        self.begin_ns = time.time_ns()
        self.host = self.headers.get("host", "").rsplit(":", 1)[0]
        self.path = self.target.partition("?")[0]
        self.body = self.read_body(stream)

    def read_body(self, stream):
        if "chunked" in self.headers.get("transfer-encoding", "").lower():
            body = b""
            while size := int(stream.readline(MAX_HEAD_BYTES).split(b";")[0] or b"0", 16):
                body += self.read_exactly(stream, size)
                stream.readline(MAX_HEAD_BYTES)
                if len(body) > MAX_BODY_BYTES:
                    raise Gone
            while stream.readline(MAX_HEAD_BYTES).strip():
                pass
            return body
        return self.read_exactly(stream, int(self.headers.get("content-length", 0)))

    @staticmethod
    def read_exactly(stream, size):
        data = stream.read(size) if 0 <= size <= MAX_BODY_BYTES else b""
        if len(data) != size:
            raise Gone
        return data

    def keeps_alive(self):
        return self.version == "HTTP/1.1" and self.headers.get("connection", "").lower() != "close"


class Site:
    def __init__(self, port, log_path):
        self.listener = socket.create_server(("127.0.0.1", port), backlog=256)
        self.port = self.listener.getsockname()[1]
        self.resources = content.resources(self.base)
        self.encoded = {key: resource.encoded() for key, resource in self.resources.items()}
        if log_path:
            open(log_path, "w", encoding="utf-8").close()
        self.log = open(log_path, "a", encoding="utf-8") if log_path else None
        self.log_lock = threading.Lock()

    def base(self, host):
        return f"http://{host}:{self.port}"

    def serve(self):
        while True:
            connection, address = self.listener.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.settimeout(IDLE_SECONDS)
            threading.Thread(target=self.converse, args=(connection, address[1]), daemon=True).start()

    def converse(self, connection, client_port):
        """Answer the requests of one connection, until one of the two does not want to go on."""
        with connection, connection.makefile("rb") as stream:
            try:
                while self.answer(connection, Request(stream), client_port):
                    pass
            except (Gone, OSError, ValueError):
                pass

    def answer(self, connection, request, client_port):
        """Answer a request and log it; return whether the connection stays open."""
        key = (request.host, request.path)
        resource = self.resources.get(key)
        data = self.encoded.get(key, b"")
        if request.method == "OPTIONS" and resource:
            preflight = {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Methods": ", ".join(resource.methods),
                         "Access-Control-Allow-Headers": "*"}
            resource, data = content.Resource(status=204, headers=preflight), b""
        elif not resource:
            data = b"Nothing is here.\n"
            resource = content.Resource(body=data, status=404)
        elif request.method not in resource.methods:
            data = b"That cannot be done here.\n"
            resource = content.Resource(body=data, status=405, headers={"Allow": ", ".join(resource.methods)})
        elif resource.echo:
            data = request.body
        status = resource.status
        if resource.etag and request.headers.get("if-none-match") == resource.tag():
            status = 304
        response = Response(request, resource, status, data)
        complete = response.send(connection)
        if self.log:
            self.write_log(request, response, client_port, complete)
        return complete and request.keeps_alive() and not resource.until_close

    def write_log(self, request, response, client_port, complete):
        entry = {"begin_ns": request.begin_ns, "end_ns": time.time_ns(), "client_port": client_port, "host": request.host,
                 "method": request.method, "path": request.target, "status": response.status, "request_bytes": len(request.body),
                 "response_bytes": response.sent_bytes, "response_sha256": response.hash.hexdigest(), "complete": complete}
        if response.has_body and not response.resource.echo:
            entry["content_sha256"] = hashlib.sha256(response.resource.body).hexdigest()
        if request.path == content.DONE_PATH and request.method == "POST":
            entry["report"] = json.loads(request.body)
        with self.log_lock:
            print(json.dumps(entry), file=self.log, flush=True)


class Response:
    """The answer to a request and how much of its body has been sent."""

    def __init__(self, request, resource, status, data):
        self.resource, self.status, self.data = resource, status, data
        self.has_body = request.method != "HEAD" and status not in NO_BODY
        self.chunked = resource.chunk_bytes > 0 and request.version == "HTTP/1.1"
        self.until_close = resource.until_close or (resource.chunk_bytes > 0 and not self.chunked)
        self.keeps_alive = request.keeps_alive() and not self.until_close
        self.sent_bytes = 0
        self.hash = hashlib.sha256()

    def head(self):
        version = "1.0" if self.resource.until_close else "1.1"
        date = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime())
        lines = [f"HTTP/{version} {self.status} {REASONS[self.status]}", f"Date: {date}"]
        if self.status not in NO_BODY:
            lines.append(f"Content-Type: {self.resource.content_type}")
            if self.chunked:
                lines.append("Transfer-Encoding: chunked")
            elif not self.until_close:
                lines.append(f"Content-Length: {len(self.data)}")
        if self.chunked and self.resource.trailers:
            lines.append("Trailer: " + ", ".join(self.resource.trailers))
        if self.resource.gzip and self.status not in NO_BODY:
            lines.append("Content-Encoding: gzip")
        if self.resource.etag:
            lines.append(f"ETag: {self.resource.tag()}")
        lines += [f"{name}: {value}" for name, value in self.resource.headers.items()]
        if not self.keeps_alive:
            lines.append("Connection: close")
        return "\r\n".join(lines).encode() + b"\r\n\r\n"

    def writes(self):
        """The response in the pieces in which it is written: (bytes on the wire, those of the body among them)."""
        waiting, end = self.head(), b""
        if self.has_body:
            data = self.data[:self.resource.cut_bytes or None]
            if self.chunked:
                end = b"0\r\n" + b"".join(f"{name}: {value}\r\n".encode() for name, value in self.resource.trailers.items()) + b"\r\n"
            step = self.resource.piece_bytes or max(len(data), 1)
            for begin in range(0, len(data), step):
                piece = data[begin:begin + step]
                last = begin + step >= len(data)
                yield waiting + (self.in_chunks(piece) if self.chunked else piece) + (end if last else b""), piece
                waiting, end = b"", b"" if last else end
        if waiting:
            yield waiting + end, b""

    def in_chunks(self, piece):
        size, extension = self.resource.chunk_bytes, self.resource.chunk_extension.encode()
        return b"".join(b"%x%b\r\n%b\r\n" % (len(chunk), extension, chunk)
                        for chunk in (piece[at:at + size] for at in range(0, len(piece), size)))

    def send(self, connection):
        """Send all; return whether the response is complete."""
        try:
            if self.resource.early_hints:
                connection.sendall(b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload; as=style\r\n\r\n")
            time.sleep(self.resource.wait_ms / 1000)
            for number, (wire, piece) in enumerate(self.writes()):
                if number:
                    time.sleep(self.resource.pause_ms / 1000)
                connection.sendall(wire)
                self.sent_bytes += len(piece)
                self.hash.update(piece)
        except OSError:
            return False
        return not self.resource.cut_bytes


REASONS = {200: "OK", 204: "No Content", 301: "Moved Permanently", 302: "Found", 304: "Not Modified", 404: "Not Found",
           405: "Method Not Allowed"}


def main():
    parser = argparse.ArgumentParser(description="Serve the sample site on a loopback port.")
    parser.add_argument("--port", type=int, default=0, help="port; 0, the default, takes a free one")
    parser.add_argument("--log", help="access log to write: a JSON object per line")
    parser.add_argument("--hosts", help="hosts(5) file to write, for mitm-proxy --hosts")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    signal.signal(signal.SIGINT, lambda *_: os._exit(0))
    site = Site(options.port, options.log)
    if options.hosts:
        with open(options.hosts, "w", encoding="utf-8") as hosts:
            hosts.writelines(f"127.0.0.1 {host}\n" for host in content.HOSTS)
    print(f"site: {site.base(content.WWW)}{content.START_PATH}", flush=True)
    site.serve()


if __name__ == "__main__":
    sys.exit(main())
