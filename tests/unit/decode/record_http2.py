#!/usr/bin/env python3
"""Records recorded/http2-nginx.txt: nghttp asks nginx by HTTP/2 with prior knowledge, on the loopback interface.

What went over the wire, packet by packet, and what tshark reads there, in the form of http2_tally.h. Needs nginx, nghttp
(Debian's nghttp2-client), tshark, and the right to capture. Usage: record_http2.py > recorded/http2-nginx.txt
"""
import os
import socket
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree

PORT = 18443
FILES = {"small.txt": 11, "medium.css": 700, "large.js": 3000, "empty.html": 0}
CONFIG = """
daemon off; pid {dir}/pid; error_log {dir}/error.log; worker_processes 1; user root;
events {{}}
http {{
  access_log off; client_body_temp_path {dir}/b; proxy_temp_path {dir}/p; fastcgi_temp_path {dir}/f;
  uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s; etag off; http2_chunk_size 1k;
  server {{ listen 127.0.0.1:{port} http2; root {dir}/www;
    add_header Set-Cookie "session=0123456789"; add_trailer X-Sum "none"; }}
}}
"""
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY = range(8)


def wait_for(condition):
    deadline = time.monotonic() + 20
    while not condition():
        if time.monotonic() > deadline:
            sys.exit("waited in vain")
        time.sleep(0.05)


def listening():
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", PORT)) == 0


def prepare(folder):
    os.mkdir(f"{folder}/www")
    for name, size in FILES.items():
        with open(f"{folder}/www/{name}", "wb") as file:
            file.write((b"0123456789abcdef" * (size // 16 + 1))[:size])
    with open(f"{folder}/nginx.conf", "w") as file:
        file.write(CONFIG.format(dir=folder, port=PORT))


def capture(folder):
    """Return the name of the capture of one run of nghttp."""
    pcap = f"{folder}/capture.pcapng"
    nginx = subprocess.Popen(["nginx", "-p", folder, "-c", f"{folder}/nginx.conf"])
    wait_for(listening)
    tshark = subprocess.Popen(
        ["tshark", "-i", "lo", "-q", "-w", pcap, "-f", f"tcp port {PORT}"], stderr=subprocess.DEVNULL)
    wait_for(lambda: os.path.exists(pcap) and os.path.getsize(pcap) > 0)
    time.sleep(1)  # tshark does not say when it listens
    base = f"http://127.0.0.1:{PORT}"
    command = ["nghttp", "-n", "-b", "5", "-w", "11", "-H", "cookie: session=0123456789"]
    command += [f"{base}/{name}" for name in [*FILES, "missing", *(name + "?again" for name in FILES)]]
    try:
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        time.sleep(1)
    finally:
        for process in (tshark, nginx):
            process.terminate()
            process.wait()
    return pcap


def dissect(pcap, *arguments):
    command = ["tshark", "-r", pcap, "-d", f"tcp.port=={PORT},http2", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def show(field):
    return field.get("show", "")


class Tally:
    """See http2_tally.h."""

    def __init__(self):
        self.connection = ["", ""]
        self.streams = {}

    def stream(self, number, direction):
        return self.streams.setdefault((number, direction), {"text": "", "bytes": 0, "frames": 0, "sum": 0})

    def data(self, stream, payload):
        stream["frames"] += 1
        stream["bytes"] += len(payload)
        for byte in payload:
            stream["sum"] = (stream["sum"] * 31 + byte) % 2**64

    def frame(self, frame, direction):
        fields = {}
        for field in frame.iter("field"):
            fields.setdefault(field.get("name"), field)
        if "http2.type" not in fields:
            return  # the preface
        kind = int(show(fields["http2.type"]))
        flags = int(show(fields["http2.flags"]), 16)
        stream = self.stream(int(show(fields["http2.streamid"])), direction)
        if kind == DATA:
            value = fields["http2.data.data"].get("value", "") if "http2.data.data" in fields else ""
            self.data(stream, bytes.fromhex(value))
            stream["text"] += "end " if flags & 1 else ""
        elif kind == HEADERS:
            for header in frame.iter("field"):
                if header.get("name") == "http2.header":
                    parts = {part.get("name"): show(part) for part in header}
                    stream["text"] += f"{parts['http2.header.name']}={parts['http2.header.value']};"
            stream["text"] += "| end " if flags & 1 else "| "
            if flags & 0x20:
                self.priority(fields, direction)
        elif kind == PRIORITY:
            self.priority(fields, direction)
        elif kind == RST_STREAM:
            stream["text"] += f"reset {int(show(fields['http2.rst_stream.error']))} "
        elif kind == SETTINGS:
            self.settings(frame, direction, flags)
        elif kind == PING:
            self.connection[direction] += "ping ack; " if flags & 1 else "ping; "
        elif kind == GOAWAY:
            debug = bytes.fromhex(fields["http2.goaway.addata"].get("value")) if "http2.goaway.addata" in fields else b""
            self.connection[direction] += "goaway %d %d %s; " % (
                int(show(fields["http2.goaway.last_stream_id"])), int(show(fields["http2.goaway.error"])), debug.decode())

    def priority(self, fields, direction):
        names = ("http2.streamid", "http2.headers.weight_real", "http2.stream_dependency", "http2.exclusive")
        self.connection[direction] += "priority %d %d %d %d; " % tuple(int(show(fields[name])) for name in names)

    def settings(self, frame, direction, flags):
        text = "settings ack" if flags & 1 else "settings"
        for setting in frame.iter("field"):
            if setting.get("name") == "http2.settings":
                value = [part for part in setting if part.get("name") != "http2.settings.id"][0]
                number = [part for part in setting if part.get("name") == "http2.settings.id"][0]
                text += f" {int(number.get('value'), 16)}={int(value.get('value'), 16)}"
        self.connection[direction] += text + "; "

    def print(self):
        for direction in (0, 1):
            print(f"connection {direction}: {self.connection[direction]}")
            for (number, way), stream in sorted(self.streams.items()):
                if way == direction and stream["text"]:
                    print("%d %d: %s data %d in %d, %d" % (
                        number, way, stream["text"], stream["bytes"], stream["frames"], stream["sum"]))


def main():
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        prepare(folder)
        pcap = capture(folder)
        print("# nghttp and nginx, HTTP/2 with prior knowledge: recorded by record_http2.py")
        print("# > what the client sent, < what the server sent, packet by packet; then what tshark reads there")
        rows = dissect(pcap, "-Y", "tcp.len > 0", "-T", "fields", "-e", "tcp.dstport", "-e", "tcp.payload")
        for row in rows.splitlines():
            port, payload = row.split("\t")
            print(">" if int(port) == PORT else "<", payload.replace(":", ""))
        tally = Tally()
        document = ElementTree.fromstring(dissect(pcap, "-Y", "http2", "-T", "pdml"))
        for packet in document.iter("packet"):
            port = [show(field) for field in packet.iter("field") if field.get("name") == "tcp.dstport"][0]
            for proto in packet.iter("proto"):
                if proto.get("name") == "http2":
                    for frame in proto.iter("field"):
                        if frame.get("name") == "http2.stream":
                            tally.frame(frame, 0 if int(port) == PORT else 1)
        tally.print()


main()
