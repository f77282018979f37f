#!/usr/bin/env python3
"""The session's times against those of the packets: tcpdump records loopback while a browser loads the sample page.

For each request and response, first and last byte: the session's time minus the packet's time, which must be below 1 ms at
the 99th percentile, idle and under load. In a network namespace of its own. The figures are printed.
"""
import os
import shutil
import signal
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
import harness
import packets
import session
import socks
from harness import SITE, check, equal, in_time, wait_until

LIMIT_NS = 1_000_000
LOAD_CONNECTIONS = 16
BROWSERS = {"chromium": "chromium", "firefox": "firefox-esr", "curl": "curl"}
MIN_MEASURED_SHARE = 0.98  # tcpdump may miss some packets


class Load:
    """Requests over many keep-alive connections through the proxy."""

    BODY = b"HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\n" + bytes(400)
    PAUSE_SECONDS = 0.003  # of each connection between two requests
    REQUEST = b"GET /load HTTP/1.1\r\nHost: load\r\n\r\n"

    def __init__(self, box, proxy):
        listener = box.listener()
        self.port = listener.getsockname()[1]
        self.ending, self.count, self.threads = False, 0, []
        for _ in range(LOAD_CONNECTIONS):
            client = socks.client(proxy.port, "127.0.0.1", listener.getsockname()[1])
            server = socks.accept(listener)
            for work, peer in ((self.serve, server), (self.ask, client)):
                self.threads.append(threading.Thread(target=work, args=(peer,), daemon=True))
                self.threads[-1].start()

    def serve(self, peer):
        with peer:
            while socks.receive(peer, len(self.REQUEST)):
                peer.sendall(self.BODY)

    def ask(self, peer):
        with peer:
            while not self.ending:
                peer.sendall(self.REQUEST)
                socks.receive(peer, len(self.BODY))
                self.count += 1
                time.sleep(self.PAUSE_SECONDS)

    def end(self):
        self.ending = True
        for thread in self.threads:
            thread.join()
        return self.count


def handshake_bytes(records):
    """Length of what a client of this connection has sent before its payload."""
    total = 2 + len(session.of(records, "SocksMethodsOffered")[0]["methods"])
    check(not session.of(records, "SocksAuthStart"), "no credentials are expected here")
    asked, = session.of(records, "SocksRequestStart")
    return total + 4 + {1: 4, 3: 1 + len(asked["host"]), 4: 16}[asked["address_type"]] + 2


def marks(records, direction):
    """(event, offset of its byte in the direction, what) of the HTTP messages of a connection in one direction."""
    kind = "Request" if direction == "TO_SERVER" else "Response"
    starts = session.of(records, f"Http{kind}Start")
    ends = {entry["exchange"]: entry for entry in session.of(records, f"Http{kind}End")}
    interim = {}  # bytes of the 1xx responses before the response of an exchange
    if kind == "Response":
        for entry in session.of(records, "HttpInformational"):
            interim[entry["exchange"]] = interim.get(entry["exchange"], 0) + entry["head_bytes"]
    total = session.of(records, "ConnectionEnd")[0]["to_server_bytes" if direction == "TO_SERVER" else "to_client_bytes"]
    for entry in starts:
        yield entry, entry["offset_bytes"], f"{kind} first byte"
    for entry, following in zip(starts, [*starts[1:], None]):
        end = ends.get(entry["exchange"])
        if end and end["cause"] in ("NO_BODY", "CONTENT_LENGTH", "LAST_CHUNK"):
            behind = following["offset_bytes"] - interim.get(following["exchange"], 0) if following else total
            yield end, behind - 1, f"{kind} last byte"


def differences(records, streams, proxy_port):
    """[(session's time - packet's time in ns, what, the server's port)], and how many marks had no packet."""
    start = records[0]
    result, missed = [], 0
    for number, connection in session.connections(records).items():
        accepted, = session.of(connection, "ConnectionStart")
        reached = [entry for entry in session.of(connection, "ConnectEnd") if "error" not in entry]
        if not reached:
            continue
        sides = {"TO_SERVER": (streams.get((accepted["client_port"], proxy_port), []), handshake_bytes(connection)),
                 "TO_CLIENT": (streams.get((reached[0]["port"], reached[0]["local_port"]), []), 0)}
        for direction, (candidates, skipped) in sides.items():
            check(len(candidates) == 1, f"{len(candidates)} streams for connection {number}")
            for entry, offset, what in marks(connection, direction):
                time_ns = candidates[0].time_of(skipped + offset) if candidates[0].whole else None
                if time_ns is None:
                    missed += 1
                else:
                    tell_outlier(start["wall_clock_ns"] + entry["t_ns"] - time_ns, entry, what)
                    result.append((start["wall_clock_ns"] + entry["t_ns"] - time_ns, what, reached[0]["port"]))
            if candidates[0].whole:
                check_offsets(connection, direction, candidates[0].data()[skipped:])
    return result, missed


def tell_outlier(difference_ns, entry, what):
    """Print a difference above the limit, with what the session itself says of that time's uncertainty."""
    if abs(difference_ns) >= LIMIT_NS:
        print(f"{what} of connection {entry['connection']}, exchange {entry['exchange']}: {difference_ns / 1e6:.3f} ms; "
              f"t_slack_ns says {entry.get('t_slack_ns', 0) / 1e6:.3f} ms")


def check_offsets(records, direction, data):
    """What the session calls the beginning of a message is one in the packets."""
    for entry in session.of(records, "HttpRequestStart" if direction == "TO_SERVER" else "HttpResponseStart"):
        if direction == "TO_SERVER":
            text = entry["method"] + b" " + entry["target"]
        else:
            text = f"HTTP/{entry['version']} {entry['status']}".encode()
        found = data[entry["offset_bytes"]:entry["offset_bytes"] + len(text)]
        equal(found, text, f"packet bytes at {entry['offset_bytes']}")


def figures(name, values):
    """Print p50, p99 and max of the differences; return p99 of their absolute values."""
    for what in sorted({kind for _, kind, _ in values}) + [""]:
        part = sorted(value for value, kind, _ in values if what in kind)
        sizes = sorted(map(abs, part))
        p50, p99 = (part[round(share * (len(part) - 1))] for share in (0.5, 0.99))
        print(f"{name}: {what or 'all':20} n={len(part):6}  p50={p50 / 1000:8.1f} µs  p99={p99 / 1000:8.1f} µs  "
              f"min={part[0] / 1000:8.1f} µs  max={part[-1] / 1000:8.1f} µs")
    return sizes[round(0.99 * (len(sizes) - 1))]


def wait_for_capture(box, capture):
    """Wait until tcpdump has written all packets so far, by means of one more that can be told from the others."""
    marker = os.urandom(32)
    with socks.dial(box.listener().getsockname()[1]) as peer:
        peer.sendall(marker)
    wait_until(lambda: marker in capture.read_bytes()[-100_000:], "the capture is complete")


def measure(box, with_load):
    harness.need_programs("tcpdump", "ip")
    browser = next((name for name, program in BROWSERS.items() if shutil.which(program)), None)
    if not browser:
        raise harness.Skip(f"not installed: any of {', '.join(BROWSERS.values())}")
    _, url, log, hosts = box.site()
    capture = box.folder / "capture.pcap"
    tcpdump = box.program("tcpdump", ["tcpdump", "-i", "lo", "-U", "-s", "0", "-B", "65536", "--time-stamp-precision=nano", "-w", capture, "tcp"])
    tcpdump.wait_for("listening on")
    proxy = box.proxy("--hosts", hosts)
    load = Load(box, proxy) if with_load else None
    loading = box.program("browse", [sys.executable, SITE / "browse.py", browser, "--url", url, "--log", log],
                          env={**os.environ, "ALL_PROXY": f"socks5h://127.0.0.1:{proxy.port}"})
    equal(loading.wait(60), 0, f"{browser}: {loading.err()}")
    count = load.end() if load else 0
    records = proxy.end(verify=False)
    wait_for_capture(box, capture)
    tcpdump.stop(signal.SIGINT)
    values, missed = differences(records, packets.read_streams(capture), proxy.port)
    page = [value for value in values if not load or value[2] != load.port]
    p99 = figures(f"{browser}, under load" if load else f"{browser}, idle", page)
    if load:
        p99 = max(p99, figures(f"the load, {count} requests", [value for value in values if value[2] == load.port]))
    check(len(page) >= 200, f"only {len(page)} times to compare")
    in_time(len(values) >= MIN_MEASURED_SHARE * (len(values) + missed), f"{missed} of {len(values) + missed} times have no packet")
    if not box.sanitized():
        in_time(p99 < LIMIT_NS, f"the 99th percentile is {p99} ns")


def test_idle(box):
    measure(box, with_load=False)


def test_under_load(box):
    measure(box, with_load=True)


if __name__ == "__main__":
    harness.enter_namespaces("--net", as_root=True)
    harness.run(globals())
