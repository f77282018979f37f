#!/usr/bin/env python3
"""tshark with the same key log, on a capture of the same run, is the referee: the same HTTP/2 streams with the same header blocks
and lengths of data as the session has. curl with many streams at once, and a browser. In a network namespace of its own.
"""
import json
import os
import signal
import struct
import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "lib"), str(TESTS / "browser")]
import dissect
import harness
import https
import session
import test_live
import tlspeers
from frames import (CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PADDED, PING, PREFACE, PRIORITY, RST_STREAM, SETTINGS, WINDOW_UPDATE,
                    Asker, frame, indexed, literal, request_block)
from harness import check, equal, in_time
from test_accuracy import wait_for_capture

EARLY_NS = 50_000  # of the wall clock against the monotonic one
LATE_MEDIAN_NS = 500_000
ENOUGH = 100  # times to judge by


class Captured:
    """A proxy that decrypts, nginx behind it, and tcpdump beside them."""

    def __init__(self, box):
        harness.need_programs("tcpdump", "tshark", "ip")
        self.box, self.certificates = box, https.Certificates(box.folder)
        self.nginx, self.keylog, self.capture = https.Nginx(box, self.certificates), box.folder / "keys.log", box.folder / "capture.pcap"
        self.tcpdump = box.program("tcpdump", ["tcpdump", "-i", "lo", "-U", "-s", "0", "-B", "65536", "--time-stamp-precision=nano", "-w", self.capture, "tcp"])
        self.tcpdump.wait_for("listening on")
        self.proxy = box.proxy("--hosts", https.write_hosts(box.folder), "--keylog", self.keylog, "--no-view")

    def end(self, reset=False):
        """Compare; return how many streams there were, and the session's records. `reset`: one was, so that nginx does not know what of it has arrived."""
        records, log = self.proxy.end(), self.nginx.end()
        wait_for_capture(self.box, self.capture)
        self.tcpdump.stop(signal.SIGINT)
        equal(session.faults(records), [], "faults")
        if not reset:
            https.check_log(records, log)
        ours, (theirs, times, beside) = streams_of(records), dissect.streams(self.capture, self.keylog, self.nginx.port["h2"])
        equal(sorted(ours), sorted(theirs), "streams: (client's port, identifier)")
        for key, stream in theirs.items():
            equal(ours[key], stream, f"stream {key}")
        equal(controls_of(records), beside, "frames beside the streams: {(client's port, to the server?): …}")
        self.compare_times(records, times)
        fields = sum(len(block) for stream in theirs.values() for side in ("request", "response") for block in stream[side])
        print(f"{len(theirs)} streams on {len({port for port, _ in theirs})} connections, {fields} header fields, "
              f"{sum(stream['response_bytes'] for stream in theirs.values())} bytes of data, {sum(map(len, beside.values()))} other frames are the same")
        return len(theirs), records

    def compare_times(self, records, times):
        """A response begins and ends when the packet came that made its TLS record whole; later where one read took several packets."""
        known, late = keys(records), []
        for entry in session.of(records, "HttpResponseStart", "HttpResponseEnd"):
            packet_ns = times[known[entry["connection"], entry["exchange"]]][entry["event"] == "HttpResponseEnd"]
            late.append(records[0]["wall_clock_ns"] + entry["t_ns"] - packet_ns)
        late.sort()
        print(f"the session's times of responses minus the packets': n={len(late)} min={late[0] / 1e6:.3f} ms p50={late[len(late) // 2] / 1e6:.3f} ms "
              f"p99={late[len(late) * 99 // 100] / 1e6:.3f} ms max={late[-1] / 1e6:.3f} ms")
        in_time(late[0] > -EARLY_NS, f"a time is {-late[0]} ns before the packet")
        if not self.box.sanitized() and len(late) >= ENOUGH:
            in_time(late[len(late) // 2] < LATE_MEDIAN_NS, f"at the median {late[len(late) // 2]} ns late")


def keys(records):
    """{(connection, exchange): (client's port, stream)}."""
    ports = {entry["connection"]: entry["local_port"] for entry in session.of(records, "ConnectEnd") if "error" not in entry}
    return {(entry["connection"], entry["exchange"]): (ports[entry["connection"]], entry["stream"])
            for entry in session.of(records, "HttpRequestStart")}


def controls_of(records):
    """What the frames beside the streams do, as dissect.streams() tells it."""
    ports = {entry["connection"]: entry["local_port"] for entry in session.of(records, "ConnectEnd") if "error" not in entry}
    result = {}
    for entry in session.of(records, "Http2Settings", "Http2Reset", "Http2Ping", "Http2GoAway", "Http2Priority"):
        if "field_value" in entry:
            continue  # PRIORITY_UPDATE: tshark does not say whose
        values = {"Http2Settings": lambda: (entry.get("ack", False), [(one["id"], one["value"]) for one in entry.get("settings", [])]),
                  "Http2Reset": lambda: (entry["stream"], entry["error_code"]), "Http2Ping": lambda: (entry.get("ack", False),),
                  "Http2GoAway": lambda: (entry["last_stream"], entry["error_code"]),
                  "Http2Priority": lambda: (entry["stream"], entry["weight"], entry["depends_on"], entry.get("exclusive", False))}[entry["event"]]()
        to_server = entry["event"] == "Http2Priority" or entry["direction"] == "TO_SERVER"
        result.setdefault((ports[entry["connection"]], to_server), []).append((entry["event"], *values))
    return result


def pairs(headers):
    return [(field["name"].decode("latin-1"), field.get("value", b"").decode("latin-1")) for field in headers]


def streams_of(records):
    """The session's streams, as dissect.streams() gives those of tshark."""
    known, result = keys(records), {}
    for entry in session.of(records, "HttpRequestHeaders", "HttpResponseHeaders", "HttpInformational", "HttpRequestEnd", "HttpResponseEnd"):
        key = known[entry["connection"], entry["exchange"]]
        stream = result.setdefault(key, {"request": [], "response": [], "request_bytes": 0, "response_bytes": 0})
        side = "request" if "Request" in entry["event"] else "response"
        if entry["event"].endswith("End"):
            stream[f"{side}_bytes"] = entry["body_bytes"]
            headers = entry.get("trailers", [])
        else:
            headers = entry.get("headers", [])
        if headers:
            stream[side].append(pairs(headers))
    return result


def test_curl(box):
    """Many streams at once on one connection, requests with bodies and without, long header fields, repeated ones."""
    captured = Captured(box)
    nginx, upload = captured.nginx, box.folder / "upload"
    upload.write_bytes(b"u" * 40_000)
    paths = [path for path in https.page_files("") if path != "/data/1000000.bin"]
    words = ["--parallel", "--parallel-max", "25", "--http2", "--compressed", "-H", f"X-Long: {'l' * 9000}", "-H", "Cookie: a=b; c=d"]
    for number, path in enumerate(paths):
        words += ["-o", "/dev/null", nginx.url(f"{path}?{number}")]
    tlspeers.curl(box, captured.proxy, captured.certificates, captured.keylog, *words)
    tlspeers.curl(box, captured.proxy, captured.certificates, captured.keylog, "--http2", "-o", "/dev/null", "--data-binary", f"@{upload}",
                  nginx.url("/post"), name="curl-post")
    tlspeers.curl(box, captured.proxy, captured.certificates, captured.keylog, "--http2", "-I", nginx.url("/text.txt"), name="curl-head")
    equal(captured.end()[0], len(paths) + 2, "streams")


def test_by_hand(box):
    """Frames that neither curl nor browsers send: padding, priorities, resets, pings, many settings, GOAWAY, a table that changes."""
    captured = Captured(box)
    client = Asker(captured.proxy.port, captured.nginx.port["h2"], captured.certificates, captured.keylog)
    ids = (SETTINGS, 0, 0, b"".join(struct.pack(">HI", *one) for one in ((1, 0), (2, 0), (3, 50), (4, 70_000), (5, 20_000), (6, 9999), (0xAAAA, 5))))
    block = request_block("/data/65536.bin?head")
    padded = bytes([7]) + struct.pack(">IB", 0, 219) + block + bytes(7)
    many = b"".join(literal(b"x-%d" % number, b"v" * 50, 0x40) for number in range(100))
    posted = request_block("/post").replace(literal(b":method", b"GET"), literal(b":method", b"POST"))
    client.talk(PREFACE + frame(*ids) + frame(WINDOW_UPDATE, 0, 0, b"\0\x7f\0\0") + frame(PING, 0, 0, b"the ping")
                + frame(PRIORITY, 0, 3, struct.pack(">IB", 1 << 31, 15)) + frame(HEADERS, END_HEADERS | END_STREAM | PADDED | 0x20, 1, padded)
                + frame(HEADERS, END_STREAM, 5, request_block("/text.txt")) + frame(CONTINUATION, 0, 5, many[:3000])
                + frame(CONTINUATION, END_HEADERS, 5, many[3000:]) + frame(HEADERS, END_HEADERS, 7, posted + indexed(62) + indexed(100))
                + frame(DATA, PADDED, 7, bytes([200]) + b"d" * 1000 + bytes(200)) + frame(DATA, END_STREAM, 7, b"e")
                + frame(HEADERS, END_HEADERS | END_STREAM, 9, request_block("/data/1000000.bin")), b"posted")
    client.talk(frame(RST_STREAM, 0, 9, b"\0\0\0\x08") + frame(SETTINGS, 0, 0, b"") + frame(PING, 0, 0, b"finished"), b"finished")
    client.talk(frame(GOAWAY, 0, 0, struct.pack(">II", 0, 0) + b"that is all"), b"")
    client.close()
    count, records = captured.end(reset=True)
    equal(count, 4, "streams")
    # 70,000 bytes may be sent on a stream: two have more, and wait until they are reset, or the connection ends.
    stalls = session.of(records, "Http2Stall", direction="TO_CLIENT")
    equal(sorted(entry.get("stream", 0) for entry in stalls), [5, 9], "streams that were held back")
    check(all(entry["first_t_ns"] < entry["t_ns"] for entry in stalls), f"times of {stalls}")


def test_chromium(box):
    path = test_live.program("chromium")
    captured = Captured(box)
    plan = {"browser": "chromium", "program": path, "proxy": captured.proxy.port, "url": captured.nginx.url(), "spki": captured.certificates.spki("rsa"),
            "keylog": str(captured.keylog)}
    node = box.program("node", ["node", TESTS / "browser" / "https.mjs", json.dumps(plan)], env={**os.environ, "HOME": str(box.folder)})
    equal(node.wait(60), 0, node.err()[-4000:])
    check(captured.end()[0] > https.RESOURCES, "not all was loaded")


if __name__ == "__main__":
    harness.enter_namespaces("--net", as_root=True)
    harness.run(globals())
