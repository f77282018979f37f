#!/usr/bin/env python3
"""Odd HTTP through mitm-proxy: every byte arrives unchanged in both directions, and the events say what it was.

A case is a conversation, step by step: ("C", bytes) the client sends, ("S", bytes) the server sends, the other side gets
exactly that before the next step; "C." and "S." are half-closes, "S!" is a reset. Expected are the events of each direction.
"""
import random
import socket
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
import harness
import session
import socks
from harness import check, equal

GET = b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
GET_EVENTS = ["HTTP1", "GET /", "end 0 NO_BODY"]
OK_EVENTS = ["200 OK", "end 5 CONTENT_LENGTH"]
BIG = b"v" * 1000

# name: (steps, events to the server, events to the client)
CASES = {
    "plain": ([("C", GET), ("S", OK)], GET_EVENTS, OK_EVENTS),
    "keep-alive": ([("C", GET), ("S", OK), ("C", GET), ("S", OK)], GET_EVENTS + GET_EVENTS[1:], OK_EVENTS * 2),
    "pipelining": ([("C", GET + GET.replace(b"/ ", b"/2 ") + GET.replace(b"/ ", b"/3 ")), ("S", OK + OK), ("S", OK)],
                   GET_EVENTS + ["GET /2", "end 0 NO_BODY", "GET /3", "end 0 NO_BODY"], OK_EVENTS * 3),
    "bare LF": ([("C", b"GET / HTTP/1.1\nHost: a\n\n"), ("S", b"HTTP/1.1 200 OK\nContent-Length: 5\n\nhello")], GET_EVENTS, OK_EVENTS),
    "empty line between requests": ([("C", GET + b"\r\n" + GET), ("S", OK + OK)], GET_EVENTS + GET_EVENTS[1:], OK_EVENTS * 2),
    "POST": ([("C", b"POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"), ("S", OK)],
             ["HTTP1", "POST /p", "end 3 CONTENT_LENGTH"], OK_EVENTS),
    "chunked request": ([("C", b"POST /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"), ("C", b"2\r\nde\r\n0\r\n\r\n"), ("S", OK)],
                        ["HTTP1", "POST /p", "end 5 LAST_CHUNK"], OK_EVENTS),
    "chunks with extensions and trailers": (
        [("C", GET), ("S", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n"), ("S", b"5;name=value\r\nhello\r\n"),
         ("S", b'6;q="a;b"\r\n world\r\n'), ("S", b"000;last\r\nX: y\r\n\r\n"), ("C", GET), ("S", OK)],
        GET_EVENTS + GET_EVENTS[1:], ["200 OK", "end 11 LAST_CHUNK"] + OK_EVENTS),
    "until close": ([("C", GET.replace(b"1.1", b"1.0")), ("S", b"HTTP/1.0 200 OK\r\n\r\nuntil "), ("S", b"the end"), "S."],
                    GET_EVENTS, ["200 OK", "end 13 UNTIL_CLOSE"]),
    "HEAD": ([("C", GET.replace(b"GET", b"HEAD")), ("S", b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n"), ("C", GET), ("S", OK)],
             ["HTTP1", "HEAD /", "end 0 NO_BODY"] + GET_EVENTS[1:], ["200 OK", "end 0 NO_BODY"] + OK_EVENTS),
    "304 and 204 with a length": (
        [("C", GET), ("S", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 999\r\n\r\n"), ("C", GET), ("S", b"HTTP/1.1 204 No Content\r\n\r\n"), ("C", GET), ("S", OK)],
        GET_EVENTS + GET_EVENTS[1:] * 2, ["304 Not Modified", "end 0 NO_BODY", "204 No Content", "end 0 NO_BODY"] + OK_EVENTS),
    "informational": (
        [("C", b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"), ("S", b"HTTP/1.1 100 Continue\r\n\r\n"), ("C", b"ab"),
         ("S", b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + OK)],
        ["HTTP1", "POST /", "end 2 CONTENT_LENGTH"], ["100 Continue (informational)", "103 Early Hints (informational)"] + OK_EVENTS),
    "CONNECT": ([("C", b"CONNECT b.example:443 HTTP/1.1\r\nHost: b.example:443\r\n\r\n"), ("S", b"HTTP/1.1 200 Connection established\r\n\r\n"),
                 ("C", b"\x16\x03\x01 anything"), ("S", b"HTTP/1.1 500 in the tunnel\r\n\r\n")],
                ["HTTP1", "CONNECT b.example:443", "end 0 NO_BODY", "opaque 12"], ["200 Connection established", "end 0 TUNNEL", "opaque 30"]),
    "CONNECT refused": ([("C", b"CONNECT b.example:443 HTTP/1.1\r\nHost: b.example:443\r\n\r\n"), ("S", b"HTTP/1.1 407 Who?\r\nContent-Length: 2\r\n\r\nno"),
                         ("C", GET), ("S", OK)],
                        ["HTTP1", "CONNECT b.example:443", "end 0 NO_BODY"] + GET_EVENTS[1:], ["407 Who?", "end 2 CONTENT_LENGTH"] + OK_EVENTS),
    "Upgrade": ([("C", b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"),
                 ("S", b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"), ("S", b"\x81\x05hello"), ("C", b"\x82\x82abcdAB")],
                ["HTTP1", "GET /ws", "end 0 NO_BODY", "message 2: 2"], ["101 Switching Protocols", "end 0 TUNNEL", "message 1: 5"]),
    "Upgrade to another": ([("C", b"GET /irc HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: irc\r\n\r\n"),
                            ("S", b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: irc\r\nConnection: Upgrade\r\n\r\n"), ("S", b"welcome"), ("C", b"hi")],
                           ["HTTP1", "GET /irc", "end 0 NO_BODY", "opaque 2"], ["101 Switching Protocols", "end 0 TUNNEL", "opaque 7"]),
    "Upgrade declined": ([("C", b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMA\r\n\r\n"), ("S", OK),
                          ("C", GET), ("S", OK)], GET_EVENTS + GET_EVENTS[1:], OK_EVENTS * 2),
    "cut by FIN": ([("C", GET), ("S", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart"), "S."], GET_EVENTS, ["200 OK", "end 4 TRUNCATED"]),
    "cut by RST": ([("C", GET), ("S", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart"), "S!"], GET_EVENTS, ["200 OK", "end 4 TRUNCATED"]),
    "chunked, cut": ([("C", GET), ("S", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel"), "S."], GET_EVENTS, ["200 OK", "end 3 TRUNCATED"]),
    "answer before the request is over": (
        [("C", b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc"), ("S", b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n"), ("C", b"def")],
        ["HTTP1", "POST /", "end 6 CONTENT_LENGTH"], ["413 Too Large", "end 0 CONTENT_LENGTH|NO_BODY"]),
    "length and chunked": ([("C", GET), ("S", b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
                            ("C", GET), ("S", OK)], GET_EVENTS + GET_EVENTS[1:], ["200 OK", "end 5 LAST_CHUNK"] + OK_EVENTS),
    "no reason": ([("C", GET), ("S", b"HTTP/1.1 200\r\nContent-Length: 1\r\n\r\nx")], GET_EVENTS, ["200 ", "end 1 CONTENT_LENGTH"]),
    "large head": ([("C", GET), ("S", b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: %b\r\n" % (n, BIG) for n in range(300)) + b"Content-Length: 5\r\n\r\nhello")],
                   GET_EVENTS, OK_EVENTS),
    "many fields": ([("C", b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 3000 + b"\r\n"), ("S", OK)], GET_EVENTS, OK_EVENTS),
    "TLS": ([("C", b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00"), ("S", b"\x15\x03\x03\x00\x02\x02\x28")], ["TLS", "violation TLS_HANDSHAKE", "TLS 10"], ["alert 40", "TLS 7"]),
    "HTTP/2": ([("C", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"), ("S", b"\x00\x00\x00\x04\x00\x00\x00\x00\x00")],
               ["HTTP2", "settings"], ["settings"]),
    "server speaks first": ([("S", b"220 mail.example ESMTP\r\n"), ("C", b"EHLO me\r\n"), ("S", b"250 hello\r\n")], ["UNKNOWN", "opaque 9"], ["opaque 35"]),
    "something else": ([("C", b"\x00\x01\x02binary"), ("S", b"\xff\xfe")], ["UNKNOWN", "opaque 9"], ["opaque 2"]),
}

# name: (steps, direction and kind of the violation)
BROKEN = {
    "different lengths": ([("C", GET), ("S", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!")], "TO_CLIENT", {"HTTP_FRAMING", "HTTP_HEADER"}),
    "absurd length": ([("C", GET), ("S", b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\nhello")], "TO_CLIENT", {"HTTP_FRAMING", "HTTP_HEADER"}),
    "negative length": ([("C", b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n"), ("S", OK)], "TO_SERVER", {"HTTP_FRAMING", "HTTP_HEADER"}),
    "absurd chunk": ([("C", GET), ("S", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nhello")], "TO_CLIENT", {"HTTP_CHUNK"}),
    "no chunk size": ([("C", GET), ("S", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzzz\r\nhello")], "TO_CLIENT", {"HTTP_CHUNK"}),
    "not a response": ([("C", GET), ("S", b"I would rather not.\r\n")], "TO_CLIENT", {"HTTP_START_LINE"}),
    "response without request": ([("C", GET), ("S", OK + b"HTTP/1.1 408 Timeout\r\nContent-Length: 0\r\n\r\n")], "TO_CLIENT", {"HTTP_UNREQUESTED_RESPONSE"}),
}

# Only that the bytes arrive and that the session stays readable is asked of these.
STRANGE = {
    "HTTP/0.9": [("C", b"GET /\r\n"), ("S", b"<html>old</html>"), "S."],
    "equal lengths": [("C", GET), ("S", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello")],
    "empty lines first": [("C", b"\r\n\r\n" + GET), ("S", OK)],
    "unknown method": [("C", b"BREW /pot HTTP/1.1\r\nHost: a\r\n\r\n"), ("S", OK)],
    "unknown method later": [("C", GET), ("S", OK), ("C", b"BREW /pot HTTP/1.1\r\nHost: a\r\n\r\n"), ("S", OK)],
    "lower case": [("C", b"get / http/1.1\r\n\r\n"), ("S", OK)],
    "NUL in a field": [("C", b"GET / HTTP/1.1\r\nA: \x00\x00\r\n\r\n"), ("S", b"HTTP/1.1 200 OK\r\nB\x00: c\r\n\r\n")],
    "no colon": [("C", b"GET / HTTP/1.1\r\nnothing\r\n\r\n"), ("S", b"HTTP/1.1 200 OK\r\nnothing\r\n\r\n")],
    "space before colon": [("C", b"GET / HTTP/1.1\r\nContent-Length : 3\r\n\r\nabc"), ("S", OK)],
    "version 9": [("C", b"GET / HTTP/9.9\r\n\r\n"), ("S", b"HTTP/9.9 200 OK\r\n\r\n")],
    "ICY": [("C", GET), ("S", b"ICY 200 OK\r\n\r\nmusic")],
    "only CR": [("C", b"GET / HTTP/1.1\rHost: a\r\r"), ("S", b"HTTP/1.1 200 OK\r\r")],
    "LF in chunks": [("C", GET), ("S", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\nhello\n0\n\n")],
    "gzip, chunked": [("C", GET), ("S", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")],
    "request in the response's direction": [("C", GET), ("S", GET)],
    "response in the request's direction": [("C", OK), ("S", OK)],
}


def story(records):
    """The events of a connection as two lists of short texts: to the server (the protocol first), to the client."""
    told = {"TO_SERVER": [], "TO_CLIENT": []}
    opaque = {"TO_SERVER": 0, "TO_CLIENT": 0}
    tls = {"TO_SERVER": 0, "TO_CLIENT": 0}
    server, client = told["TO_SERVER"], told["TO_CLIENT"]
    for entry in records:
        event = entry["event"]
        if event == "ProtocolDetected":
            server.insert(0, entry["protocol"])
        elif event == "HttpRequestStart":
            server.append(f"{entry['method'].decode()} {entry['target'].decode()}")
        elif event == "HttpRequestEnd":
            server.append(f"end {entry['body_bytes']} {entry['cause']}")
        elif event in ("HttpResponseStart", "HttpInformational"):
            client.append(f"{entry['status']} {entry.get('reason', b'').decode()}" + (" (informational)" if event == "HttpInformational" else ""))
        elif event == "HttpResponseEnd":
            client.append(f"end {entry['body_bytes']} {entry['cause']}")
        elif event == "Violation":
            told[entry["direction"]].append(f"violation {entry['kind']}")
        elif event == "OpaqueData":
            opaque[entry["direction"]] += entry["len_bytes"]
        elif event == "TlsData":
            tls[entry["direction"]] += entry["len_bytes"]
        elif event == "TlsAlert":
            told[entry["direction"]].append(f"alert {entry['description']}")
        elif event == "WebSocketMessage":
            told[entry["direction"]].append(f"message {entry['opcode']}: {entry['len_bytes']}")
        elif event == "Http2Settings":
            told[entry["direction"]].append("settings")
    for name, totals in (("opaque", opaque), ("TLS", tls)):
        for direction, total in totals.items():
            if total:
                told[direction].append(f"{name} {total}")
    return server, client


def matches(seen, expected):
    """Whether the texts are the expected ones; an expected "a|b" at the end allows both."""
    return len(seen) == len(expected) and all(
        text == wanted or text in [wanted.rsplit(" ", 1)[0] + " " + cause for cause in wanted.rsplit(" ", 1)[-1].split("|")]
        for text, wanted in zip(seen, expected))


def converse(proxy, listener, name, steps):
    """Play the steps through the proxy; return the client's port."""
    client = socks.client(proxy.port, "127.0.0.1", listener.getsockname()[1])
    server = socks.accept(listener)
    port = client.getsockname()[1]
    with client, server:
        for step in steps:
            sender, receiver = (client, server) if step[0] == "C" else (server, client)
            if step[1] == ".":
                sender.shutdown(socket.SHUT_WR)
                equal(socks.receive_all(receiver), b"", f"{name}: nothing but the half-close")
            elif step[1] == "!":
                socks.reset(sender)
                try:
                    equal(receiver.recv(1), "a reset", name)
                except ConnectionResetError:
                    pass
            else:
                sender.sendall(step[1])
                equal(socks.receive(receiver, len(step[1])), step[1], f"{name}: bytes")
    return port


def play(box, cases, *options):
    """Play all cases through one proxy; return the records of each case's connection."""
    proxy, listener = box.proxy(*options), box.listener()
    ports = {name: converse(proxy, listener, name, steps) for name, steps in cases.items()}
    records = proxy.end()
    return {name: session.connection_from(records, port) for name, port in ports.items()}


def test_odd_traffic(box):
    faults = []
    for name, records in play(box, {name: case[0] for name, case in CASES.items()}).items():
        for seen, expected in zip(story(records), CASES[name][1:]):
            if not matches(seen, expected):
                faults.append(f"{name}:\n    expected: {expected}\n    seen:     {seen}")
    check(not faults, "\n".join(faults))


def test_broken_traffic(box):
    faults = []
    for name, records in play(box, {name: case[0] for name, case in BROKEN.items()}).items():
        violations = session.of(records, "Violation")
        _, direction, kinds = BROKEN[name]
        if len(violations) != 1 or violations[0]["direction"] != direction or violations[0]["kind"] not in kinds:
            faults.append(f"{name}: expected one of {kinds} {direction}, seen {violations}")
        elif not violations[0].get("detail") or "offset_bytes" not in violations[0]:
            faults.append(f"{name}: what and where is missing: {violations}")
    check(not faults, "\n".join(faults))


def test_strange_traffic(box):
    for name, records in play(box, STRANGE).items():
        for direction in ("TO_SERVER", "TO_CLIENT"):
            check(len(session.of(records, "Violation", direction=direction)) <= 1, f"{name}: more than one violation")
        end, = session.of(records, "ConnectionEnd")
        for side, key in (("C", "to_server_bytes"), ("S", "to_client_bytes")):
            equal(end[key], sum(len(step[1]) for step in STRANGE[name] if step[0] == side and not isinstance(step, str)), f"{name}: {key}")


def test_odd_traffic_byte_by_byte(box):
    """The same events come out when every byte is a segment of its own."""
    cases = {name: case for name, case in CASES.items() if sum(len(step[1]) for step in case[0]) < 2000}
    split = {name: [part for step in case[0] for part in ([step] if isinstance(step, str) else [(step[0], bytes([byte])) for byte in step[1]])]
             for name, case in cases.items()}
    faults = []
    for name, records in play(box, split).items():
        for seen, expected in zip(story(records), cases[name][1:]):
            if not matches(seen, expected):
                faults.append(f"{name}:\n    expected: {expected}\n    seen:     {seen}")
    check(not faults, "\n".join(faults))


def test_random_traffic(box):
    """Random and mutated traffic arrives unchanged; the session stays whole."""
    source = random.Random(9112)
    samples = [step[1] for case in CASES.values() for step in case[0] if not isinstance(step, str) and len(step[1]) < 2000]

    def garbled():
        data = bytearray(source.choice(samples) if source.random() < 0.8 else source.randbytes(source.randrange(1, 300)))
        for _ in range(source.randrange(4)):
            at = source.randrange(len(data))
            data[at:at + source.randrange(3)] = source.randbytes(source.randrange(3))
            data = data or bytearray(b"\n")
        return bytes(data)

    cases = {number: [(source.choice("CS"), garbled()) for _ in range(source.randrange(1, 8))] for number in range(300)}
    for number, records in play(box, cases).items():
        end, = session.of(records, "ConnectionEnd")
        equal(end["to_server_bytes"], sum(len(data) for side, data in cases[number] if side == "C"), f"conversation {number}")
        equal(end["to_client_bytes"], sum(len(data) for side, data in cases[number] if side == "S"), f"conversation {number}")


def test_what_is_recorded_of_heads(box):
    request = (b"GET /path?q=%20 HTTP/1.1\r\nHost: a.example\r\nX-Fold: one\r\n two\r\nX-Empty:\r\nX-Bytes: \xff\xfe\r\nx-twice: 1\r\nX-Twice: 2\r\n\r\n")
    response = b"HTTP/1.1 200 Very Well\r\nServer: s\r\nContent-Length: 0\r\n\r\n"
    cases = {"heads": [("C", request), ("S", response)],
             "long": [("C", b"GET /" + b"x" * 20000 + b" HTTP/1.1\r\n\r\n"), ("S", OK)],
             "trailers": [("C", GET), ("S", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-Sum: 7\r\n\r\n")],
             "large": CASES["large head"][0]}
    seen = play(box, cases)
    headers, = session.of(seen["heads"], "HttpRequestHeaders")
    pairs = [(header["name"], header.get("value", b"")) for header in headers["headers"]]
    equal(pairs, [(b"Host", b"a.example"), (b"X-Fold", b"one\r\n two"), (b"X-Empty", b""), (b"X-Bytes", b"\xff\xfe"), (b"x-twice", b"1"), (b"X-Twice", b"2")],
          "request headers")
    equal(headers["head_bytes"], len(request), "size of the head")
    headers, = session.of(seen["heads"], "HttpResponseHeaders")
    equal(headers["head_bytes"], len(response), "size of the response's head")
    start, = session.of(seen["long"], "HttpRequestStart")
    equal((len(start["target"]), start["target_omitted_bytes"]), (16384, 20001 - 16384), "long target")
    end, = session.of(seen["trailers"], "HttpResponseEnd")
    equal(end["trailers"], [{"name": b"X-Sum", "value": b"7"}], "trailers")
    headers, = session.of(seen["large"], "HttpResponseHeaders")
    equal(len(headers["headers"]) + headers["omitted"], 301, "fields recorded and omitted")
    check(sum(len(header["name"]) + len(header["value"]) for header in headers["headers"]) <= 65536, "recorded fields are limited")


def test_body_limit(box):
    body = random.Random(1).randbytes(200000)
    steps = [("C", b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body) + body), ("S", b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)]
    for option, limit in (((), 65536), (("--body-limit", "none"), 0), (("--body-limit", "all"), len(body)), (("--body-limit", "1000"), 1000)):
        proxy, listener = box.proxy(*option, name="mitm-proxy-" + "".join(option[1:])), box.listener()
        client = socks.client(proxy.port, "127.0.0.1", listener.getsockname()[1])
        with client, socks.accept(listener) as server:
            for (_, data), sender, receiver in zip(steps, (client, server), (server, client)):
                sender.sendall(data)
                check(socks.receive(receiver, len(data)) == data, "bytes")
        records = proxy.end()
        for event in ("HttpRequestBody", "HttpResponseBody"):
            pieces = session.of(records, event)
            equal(sum(piece["len_bytes"] for piece in pieces), len(body), f"sizes with {option}")
            check(b"".join(piece.get("data", b"") for piece in pieces) == body[:limit], f"data with {option}")
            at = 0
            for piece in pieces:
                equal(piece["offset_bytes"], at, "offset")
                at += piece["len_bytes"]


if __name__ == "__main__":
    harness.run(globals())
