#!/usr/bin/env python3
"""Delays, rate limits, pauses and marks, asked for on the command line and measured at a real client and server."""
import socket
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
import harness
import session
import socks
from harness import check, equal, in_time
from timing import check_delays, now_ms

GET = b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def pair(box, proxy):
    """A client and a server, connected through the proxy."""
    listener = box.listener()
    client = box.closing.enter_context(socks.client(proxy.port, "127.0.0.1", listener.getsockname()[1]))
    return client, box.closing.enter_context(socks.accept(listener))


def check_delay_events(records, kind, drawn_ns, starts):
    """Fail unless there is one Delay for each start, with the drawn delays, not passed on early."""
    delays = session.of(records, "Delay", kind=kind)
    equal([entry["drawn_ns"] for entry in delays], drawn_ns, "drawn delays")
    equal([entry["arrived_t_ns"] for entry in delays], [entry["t_ns"] for entry in starts], "arrivals")
    equal([entry.get("exchange") for entry in delays], [entry.get("exchange") for entry in starts], "exchanges")
    for entry in delays:
        check(entry["t_ns"] >= entry["arrived_t_ns"] + entry["drawn_ns"], f"early: {entry}")


def test_command_line_is_recorded(box):
    proxy = box.proxy("--connect-delay", "200ms..0.5s", "--request-delay", "30ms", "--seed", "7", "--rate-down", "50K",
                      "--rate-up", "1M", "--rate-down-total", "70000", "--rate-up-total", "1G", "--headers", "all",
                      "--mark", "before <b>")
    records = proxy.end()
    equal([entry["event"] for entry in records], ["SessionStart", "Settings", "Mark", "SessionEnd"], "events")
    settings = {key: value for key, value in records[1].items() if key not in ("t_ns", "event", "session", "crc32c")}
    equal(settings, {"origin": "COMMAND_LINE", "connect_delay": {"min_ns": 200_000_000, "max_ns": 500_000_000},
                     "request_delay": {"min_ns": 30_000_000, "max_ns": 30_000_000}, "seed": 7, "rate_down": 51200,
                     "rate_up": 1 << 20, "rate_down_total": 70000, "rate_up_total": 1 << 30, "upstream_kind": "DIRECT",
                     "all_headers": 1}, "settings")
    equal(records[2]["text"], b"before <b>", "mark")


def test_seed_is_drawn_and_recorded(box):
    seeds = []
    for i in range(2):
        proxy = box.proxy("--request-delay", "1ms..2ms", name=f"proxy-{i}")
        seeds.append(session.of(proxy.end(), "Settings")[0]["seed"])
    check(seeds[0] != seeds[1], f"seeds {seeds}")
    proxy = box.proxy("--request-delay", "1ms", name="fixed")
    check("seed" not in session.of(proxy.end(), "Settings")[0], "no seed without a random delay")


def test_wrong_options(box):
    for option, value, remedy in (("--connect-delay", "5", "300ms"), ("--request-delay", "2s..1s", "300ms"),
                                  ("--rate-down", "fast", "50K"), ("--seed", "-1", "whole number"),
                                  ("--headers", "none", "first or all"), ("--mark", "x" * 201, "200 bytes")):
        program = box.program("wrong", [box.proxy_program, "-w", box.folder / "x.mitm", option, value])
        equal(program.wait(), 2, f"exit status of {option} {value}")
        check(remedy in program.err() and option in program.err() and program.err().count("\n") == 1, program.err())


def connect_times(box, proxy, count=5):
    """Make connections one after the other; return how long each took, from its request to its reply."""
    listener = box.listener()
    times = []
    for _ in range(count):
        with socks.dial(proxy.port) as client:
            client.sendall(socks.greeting(socks.NO_AUTH))
            socks.receive(client, 2)
            begin = now_ms()
            client.sendall(socks.request(socks.CONNECT, socks.IPV4, "127.0.0.1", listener.getsockname()[1]))
            equal(socks.receive_reply(client)[1], 0, "reply")
            times.append(now_ms() - begin)
            socks.accept(listener).close()
    return times


def test_connect_delay(box):
    proxy = box.proxy("--connect-delay", "80ms")
    check_delays(connect_times(box, proxy), [80] * 5, "CONNECT")
    records = proxy.end()
    check_delay_events(records, "CONNECT_DELAY", [80_000_000] * 5, session.of(records, "SocksRequestStart"))


def test_connect_delay_with_an_upstream(box):
    listener, seen = box.listener(), {}

    def upstream():
        peer = socks.accept(listener)
        with peer:
            socks.serve_greeting(peer)
            socks.receive_request(peer)
            seen["request"] = now_ms()
            peer.sendall(socks.reply(0))
            seen["data"] = socks.receive_all(peer)

    thread = threading.Thread(target=upstream)
    thread.start()
    proxy = box.proxy("--connect-delay", "120ms", upstream=f"socks5://127.0.0.1:{listener.getsockname()[1]}")
    with socks.dial(proxy.port) as client:
        client.sendall(socks.greeting(socks.NO_AUTH))
        socks.receive(client, 2)
        begin = now_ms()
        client.sendall(socks.request(socks.CONNECT, socks.DOMAIN, "a.example", 80) + b"early ")
        client.sendall(b"data, and a FIN")
        client.shutdown(socket.SHUT_WR)
        equal(socks.receive_reply(client)[1], 0, "reply")
        thread.join()
    check_delays([seen["request"] - begin], [120], "CONNECT at the upstream")
    equal(seen["data"], b"early data, and a FIN", "what came during the delay")
    records = proxy.end()
    check_delay_events(records, "CONNECT_DELAY", [120_000_000], session.of(records, "SocksRequestStart"))


def test_client_resets_during_the_connect_delay(box):
    proxy = box.proxy("--connect-delay", "3600s")
    client = socks.dial(proxy.port)
    client.sendall(socks.greeting(socks.NO_AUTH))
    socks.receive(client, 2)
    client.sendall(socks.request(socks.CONNECT, socks.IPV4, "127.0.0.1", box.closed_port()))
    harness.wait_until(lambda: session.of(session.read_beginning(proxy.path), "SocksRequestStart"), "the request is recorded")
    socks.reset(client)
    harness.wait_until(lambda: session.of(session.read_beginning(proxy.path), "ConnectionEnd", cause="RESET"), "its end is recorded")
    equal(session.of(proxy.end(), "Delay", "ConnectStart"), [], "delays and connections made")


def test_same_seed_same_delays(box):
    drawn = []
    for seed in (7, 7, 8):
        proxy = box.proxy("--connect-delay", "1ms..20ms", "--request-delay", "0..10ms", "--seed", seed, name=f"p{len(drawn)}")
        connect_times(box, proxy, 3)
        client, server = pair(box, proxy)
        exchange(client, server, 2)
        client.close()
        drawn.append([(entry["kind"], entry["drawn_ns"]) for entry in session.of(proxy.end(), "Delay")])
    equal(len(drawn[0]), 6, "delays")
    equal(drawn[0], drawn[1], "delays of the same seed")
    check(drawn[0] != drawn[2], "delays of another seed")
    for kind, value in drawn[0]:
        low, high = (1_000_000, 20_000_000) if kind == "CONNECT_DELAY" else (0, 10_000_000)
        check(low <= value <= high, f"{kind} {value}")


def exchange(client, server, count):
    """Let the client make requests, each after the answer to the one before; return how long each took to the server."""
    times = []
    for i in range(count):
        begin = now_ms()
        client.sendall(GET % i)
        equal(socks.receive(server, len(GET % i)), GET % i, "request")
        times.append(now_ms() - begin)
        server.sendall(ANSWER)
        equal(socks.receive(client, len(ANSWER)), ANSWER, "answer")
    return times


def test_request_delay_of_a_kept_connection(box):
    proxy = box.proxy("--request-delay", "70ms")
    client, server = pair(box, proxy)
    check_delays(exchange(client, server, 6), [70] * 6, "requests")
    records = proxy.end()
    check_delay_events(records, "REQUEST_DELAY", [70_000_000] * 6, session.of(records, "HttpRequestStart"))
    for entry in session.of(records, "ProxyDelay"):
        check(entry["max_ns"] < 50_000_000, f"the delay asked for is counted as the proxy's: {entry}")


def test_pipelined_requests(box):
    proxy = box.proxy("--request-delay", "60ms")
    client, server = pair(box, proxy)
    begin = [now_ms()]
    client.sendall(GET % 0 + GET % 1)
    time.sleep(0.03)  # the third comes later, and so is due later
    begin += [begin[0], now_ms()]
    client.sendall(GET % 2)
    client.shutdown(socket.SHUT_WR)
    arrived = []
    for i in range(3):
        equal(socks.receive(server, len(GET % i)), GET % i, "requests in order")
        arrived.append(now_ms())
    equal(socks.receive_all(server), b"", "the FIN behind them")
    check_delays([a - b for a, b in zip(arrived, begin, strict=True)], [60] * 3, "pipelined requests")
    server.close()
    records = proxy.end()
    check_delay_events(records, "REQUEST_DELAY", [60_000_000] * 3, session.of(records, "HttpRequestStart"))


def test_start_line_byte_by_byte(box):
    proxy = box.proxy("--request-delay", "40ms")
    client, server = pair(box, proxy)
    client.sendall(b"\r\n")
    equal(socks.receive(server, 2), b"\r\n", "an empty line is no request")
    begin, arrived = now_ms(), []

    def send():
        for byte in GET % 0:
            client.sendall(bytes([byte]))
            time.sleep(0.004)

    sender = threading.Thread(target=send)
    sender.start()
    equal(socks.receive(server, 1), b"G", "first byte")
    arrived.append(now_ms() - begin)
    equal(socks.receive(server, len(GET % 0) - 1), (GET % 0)[1:], "the rest")
    arrived.append(now_ms() - begin)
    sender.join()
    check_delays(arrived[:1], [40], "first byte")
    in_time(arrived[1] < 4 * len(GET % 0) + 40 + 250, f"the rest is not delayed again: {arrived}")
    client.close()
    records = proxy.end()
    check_delay_events(records, "REQUEST_DELAY", [40_000_000], session.of(records, "HttpRequestStart"))


def test_body_follows_its_request(box):
    proxy = box.proxy("--request-delay", "50ms")
    client, server = pair(box, proxy)
    body = bytes(range(256)) * 4096
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body)
    begin = now_ms()
    client.sendall(head + body[:1000])
    equal(socks.receive(server, len(head)), head, "head")
    check_delays([now_ms() - begin], [50], "POST")
    sender = threading.Thread(target=lambda: (client.sendall(body[1000:] + GET % 1), client.shutdown(socket.SHUT_WR)))
    sender.start()
    check(socks.receive(server, len(body)) == body, "body")
    equal(socks.receive_all(server), GET % 1, "the request behind it, and the FIN")
    sender.join()
    server.close()
    records = proxy.end()
    check_delay_events(records, "REQUEST_DELAY", [50_000_000] * 2, session.of(records, "HttpRequestStart"))


def test_what_is_no_request_is_not_delayed(box):
    proxy = box.proxy("--request-delay", "3600s")
    for data in (b"\x16\x03\x01\x02\x00", b"SSH-2.0-x\r\n", b"\x00", b"GETX", b"GET \x01 HTTP/1.1\r\n"):
        client, server = pair(box, proxy)
        client.sendall(data)
        equal(socks.receive(server, len(data)), data, "bytes that are no request")
        client.close()
        server.close()
    held, its_server = pair(box, proxy)
    held.sendall(GET % 0)
    client, server = pair(box, proxy)
    client.sendall(b"\x16\x03\x01 other connection")
    equal(socks.receive(server, 20), b"\x16\x03\x01 other connection", "another connection goes on")
    socks.reset(held)
    try:
        equal(its_server.recv(1), b"RST expected", "the held request's connection")
    except ConnectionResetError:
        pass
    equal(session.of(proxy.end(), "Delay"), [], "delays")


def test_the_end_decides(box):
    proxy = box.proxy("--request-delay", "3600s")
    client, server = pair(box, proxy)
    client.sendall(b"GET /unfini")
    client.shutdown(socket.SHUT_WR)
    equal(socks.receive_all(server), b"GET /unfini", "a request that is cut off is none")
    server.close()
    client.close()
    client, server = pair(box, proxy)
    client.sendall(b"GE")
    harness.wait_until(lambda: len(session.of(session.read_beginning(proxy.path), "SocksResponseEnd")) == 2, "handshake")
    server.sendall(b"220 speaks first\r\n")
    equal(socks.receive(server, 2), b"GE", "where the server speaks first there is no HTTP")
    equal(session.of(proxy.end(), "Delay"), [], "delays")


def test_refused_tunnel(box):
    proxy = box.proxy("--request-delay", "60ms")
    client, server = pair(box, proxy)
    connect = b"CONNECT b:443 HTTP/1.1\r\nHost: b\r\n\r\n"
    begin = now_ms()
    client.sendall(connect)
    equal(socks.receive(server, len(connect)), connect, "CONNECT")
    arrived = [now_ms() - begin]
    begin = now_ms()
    client.sendall(GET % 1)
    server.sendall(b"HTTP/1.1 405 No\r\nContent-Length: 0\r\n\r\n")
    equal(socks.receive(server, len(GET % 1)), GET % 1, "the request behind it")
    check_delays([*arrived, now_ms() - begin], [60, 60], "requests")
    records = proxy.end()
    check_delay_events(records, "REQUEST_DELAY", [60_000_000] * 2, session.of(records, "HttpRequestStart"))


def test_tunnel(box):
    proxy = box.proxy("--request-delay", "30ms")
    client, server = pair(box, proxy)
    connect = b"CONNECT b:443 HTTP/1.1\r\nHost: b\r\n\r\n"
    client.sendall(connect)
    equal(socks.receive(server, len(connect)), connect, "CONNECT")
    server.sendall(b"HTTP/1.1 200 Yes\r\n\r\n")
    equal(len(socks.receive(client, 20)), 20, "answer")
    times = []
    for i in range(10):
        begin = now_ms()
        client.sendall(GET % i)
        equal(socks.receive(server, len(GET % i)), GET % i, "in the tunnel")
        times.append(now_ms() - begin)
    in_time(sorted(times)[5] < 10, f"what flows in a tunnel is not delayed: {times}")
    equal(len(session.of(proxy.end(), "Delay")), 1, "delays")


def test_held_bytes_are_bounded(box):
    proxy = box.proxy("--request-delay", "3600s")
    client, _ = pair(box, proxy)
    before = proxy.memory_peak_bytes()
    client.settimeout(1)
    client.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n")
    sent = 0
    try:
        while sent < 256 << 20:
            sent += client.send(bytes(1 << 20))
    except TimeoutError:
        pass
    check(sent < 64 << 20, f"the proxy has taken {sent} bytes")
    grown = proxy.memory_peak_bytes() - before
    check(grown < 8 << 20 or box.sanitized(), f"memory grew by {grown} bytes")


def test_paused_records_nothing(box):
    proxy = box.proxy("--paused", "--mark", "nothing")
    client, server = pair(box, proxy)
    exchange(client, server, 2)
    client.close()
    server.close()
    records = proxy.end()
    equal([entry["event"] for entry in records], ["SessionStart", "Settings", "Mark", "Pause", "SessionEnd"], "events")


RATE = 200_000
RATE_SECONDS = 3


class Flow:
    """Data that flow from `source` to `sink` as fast as they may."""

    def __init__(self, source, sink):
        self.source, self.sink, self.received = source, sink, 0
        self.stopped = False
        self.threads = [threading.Thread(target=self.send), threading.Thread(target=self.receive)]
        for thread in self.threads:
            thread.start()

    def send(self):
        try:
            while not self.stopped:
                self.source.sendall(bytes(1 << 14))
        except OSError:
            pass

    def receive(self):
        try:
            while data := self.sink.recv(1 << 16):
                self.received += len(data)
        except OSError:
            pass

    def stop(self):
        self.stopped = True
        socks.reset(self.sink)
        socks.reset(self.source)
        for thread in self.threads:
            thread.join()


def flow_rates(flows, seconds=RATE_SECONDS):
    """Return the bytes per second of each flow, over this time."""
    begin, before = time.monotonic(), [flow.received for flow in flows]
    time.sleep(seconds)
    after, end = [flow.received for flow in flows], time.monotonic()
    return [(b - a) / (end - begin) for a, b in zip(before, after, strict=True)]


def check_rate(rate, wanted, what, tolerance=0.02):
    in_time(abs(rate - wanted) <= tolerance * wanted, f"{what}: {rate:.0f} instead of {wanted} bytes per second")


def start_flow(box, proxy, down):
    client, server = pair(box, proxy)
    client.sendall(b"\x16\x03\x01 not HTTP")
    socks.receive(server, 12)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
    return Flow(server, client) if down else Flow(client, server)


def limited_flows(box, count, down, *options):
    proxy = box.proxy(*options, name=f"proxy{options[0]}")
    flows = [start_flow(box, proxy, down) for _ in range(count)]
    harness.wait_until(lambda: all(flow.received for flow in flows), "data flow")
    rates = flow_rates(flows)
    for flow in flows:
        flow.stop()
    return rates, proxy.end()


def test_rate_of_each_connection(box):
    for down, option, direction in ((True, "--rate-down", "TO_CLIENT"), (False, "--rate-up", "TO_SERVER")):
        rates, records = limited_flows(box, 3, down, option, RATE)
        for rate in rates:
            check_rate(rate, RATE, option)
        for connection in session.connections(records).values():
            told = session.of(connection, "RateLimited")
            in_time(3 <= len(told) <= 6, f"RateLimited about every second: {told}")
            equal({entry["direction"] for entry in told}, {direction}, "direction")
            check(all(b["t_ns"] - a["t_ns"] >= 1e9 for a, b in zip(told[:-1], told[1:-1])), f"at most one in a second: {told}")
            check(all(0 < entry["held_ns"] <= entry["t_ns"] - entry["first_t_ns"] for entry in told), f"times: {told}")
            # One segment takes many reads here, and each of them the kernel's one stamp.
            times = [entry["t_ns"] for entry in session.of(connection, "TlsData", direction=direction)]
            in_time(len(times) > 100, f"only {len(times)} reads")
            equal(times, sorted(times), "no read is before the last one")


def test_rate_of_all(box):
    for down, option in ((True, "--rate-down-total"), (False, "--rate-up-total")):
        rates, _ = limited_flows(box, 5, down, option, RATE)
        check_rate(sum(rates), RATE, option)
        for rate in rates:
            check_rate(rate, RATE / 5, f"{option}: a fair share", 0.1)


def test_idle_connections_hoard_nothing(box):
    """What many connections have not used of a limit for all is not theirs later: together they keep to it."""
    rate, count = 100_000, 40
    proxy = box.proxy("--rate-down-total", str(rate))
    pairs = [pair(box, proxy) for _ in range(count)]
    for client, server in pairs:
        client.sendall(b"\x16\x03\x01 not HTTP")
        socks.receive(server, 12)
        server.sendall(b"x")
        equal(client.recv(1), b"x", "one byte")
    time.sleep(0.1)  # what is saved up is so by now; more is not
    begin = time.monotonic()
    for _, server in pairs:
        server.sendall(bytes(10_000))
    received = 0
    for client, _ in pairs:
        client.setblocking(False)
    while time.monotonic() < begin + 1:
        for client, _ in pairs:
            try:
                received += len(client.recv(1 << 16))
            except BlockingIOError:
                pass
        most = rate * (time.monotonic() - begin + 0.04) + 1024
        in_time(received <= most, f"{received} bytes where there may be {most:.0f}")
    in_time(received >= 0.9 * rate, f"{received} bytes in a second")
    proxy.end()


def test_limits_do_not_hinder_the_other_direction(box):
    proxy = box.proxy("--rate-down", "1000")
    client, server = pair(box, proxy)
    client.sendall(b"\x16\x03\x01" + bytes(1 << 20))
    equal(len(socks.receive(server, (1 << 20) + 3)), (1 << 20) + 3, "upload")


if __name__ == "__main__":
    harness.run(globals())
