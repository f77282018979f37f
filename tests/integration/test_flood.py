#!/usr/bin/env python3
"""Peers that flood within TLS: each costs the proxy little memory and time and one Violation, and every byte is passed on.

Clients and servers send frames by hand, legal up to the flood; the limits are those of capture/decode/http2/http2.h.
"""
import contextlib
import hashlib
import socket
import ssl
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
import harness
import https
import session
import socks
import tlsruns
from frames import (ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS, OPENING, PING, PRIORITY, PUSH_PROMISE, RST_STREAM,
                    SETTINGS, WINDOW_UPDATE, Asker, Origin, frame, indexed, literal, request_block)
from harness import check, equal, in_time

COUNT = 60_000
MEMORY_BYTES = 40 << 20  # the recorder's queue (16 MiB), twice the records that wait for keys, and something
CPU_SECONDS = 3
MOST_RECORDS = 40_000  # in the session, of all streams and frames before the violation
FRAME_BYTES = 16384


def head(stream=1, flags=END_HEADERS | END_STREAM, path="/flood"):
    return frame(HEADERS, flags, stream, request_block(path))


def many(make, count=COUNT):
    return b"".join(make(number) for number in range(count))


def bomb():
    """A field of 4,000 bytes in the dynamic table, and then one byte for each further one."""
    first = literal(b"x-bomb", b"b" * 4000, 0x40)
    block = first + indexed(62) * (FRAME_BYTES * 16)
    return [block[at:at + FRAME_BYTES] for at in range(0, len(block), FRAME_BYTES)]


def blocks(first, pieces):
    """A header block cut into frames: HEADERS of stream 1 with `first` and CONTINUATION with the other pieces."""
    frames = [frame(HEADERS, END_STREAM, 1, first)] + [frame(CONTINUATION, 0, 1, piece) for piece in pieces[:-1]]
    return b"".join(frames) + frame(CONTINUATION, END_HEADERS, 1, pieces[-1])


def flood(box, kind, to_server, to_client=b"", record_bytes=1 << 14):
    """Let the client send what floods, or its server what floods behind what the client has sent; `kind` is the Violation that
    must be there (None: none)."""
    run = tlsruns.Run(box)
    origin = Origin(box, run.certificates, to_client, len(OPENING["TO_SERVER"] + to_server) if to_client else len(OPENING["TO_SERVER"]))
    run.plain("/before")
    before, cpu, begin = run.proxy.memory_peak_bytes(), run.proxy.cpu_seconds(), time.monotonic()
    client = Asker(run.proxy.port, origin.port, run.certificates, run.keylog)
    answer = OPENING["TO_CLIENT"] + to_client
    asked = OPENING["TO_SERVER"] + to_server
    seen = client.converse(asked, len(answer), record_bytes)
    client.close()
    equal(origin.received(), hashlib.sha256(asked).hexdigest(), "what the server has got")
    equal(seen, hashlib.sha256(answer).hexdigest(), "what the client has got")
    run.plain("/after")
    run.recorded(2, "what came behind the flood is recorded")
    grown, used = run.proxy.memory_peak_bytes() - before, run.proxy.cpu_seconds() - cpu
    records = run.proxy.end(verify=False)
    violations = [(entry["kind"], entry["direction"], entry["detail"]) for entry in session.of(records, "Violation")]
    print(f"{len(asked) + len(answer)} bytes in {time.monotonic() - begin:.2f} s; the proxy grew by {grown / 1e6:.1f} MB, used {used:.2f} s of CPU "
          f"time, and wrote {len(records)} records, {run.proxy.path.stat().st_size} bytes; {violations}")
    direction = "TO_CLIENT" if to_client else "TO_SERVER"
    equal([violation[:2] for violation in violations], [(kind, direction)] if kind else [], "violations")
    plain = [exchange["path"] for exchange in session.exchanges(records) if exchange.get("response_data") == b"plain"]
    equal(plain, ["/before", "/after"], "other exchanges")
    check(len(records) < MOST_RECORDS, f"{len(records)} records")
    equal(session.of(records, "Loss"), [], "losses")
    if not box.sanitized():
        check(grown < MEMORY_BYTES, f"it grew by {grown} bytes")
        in_time(used < CPU_SECONDS, f"it used {used} s")
    return records


def test_continuations(box):
    """A header block without an end."""
    flood(box, "HTTP2_HEADERS", frame(HEADERS, 0, 1, request_block("/")) + many(lambda number: frame(CONTINUATION, 0, 1, literal(b"x-a", b"b" * 16000)), 300))


def test_empty_continuations(box):
    flood(box, "HTTP2_FLOOD", frame(HEADERS, 0, 1, request_block("/")) + many(lambda number: frame(CONTINUATION, 0, 1)))


def test_settings(box):
    flood(box, "HTTP2_FLOOD", many(lambda number: frame(SETTINGS)))


def test_settings_of_the_server(box):
    flood(box, "HTTP2_FLOOD", head(), many(lambda number: frame(SETTINGS, ACK if number % 2 else 0)))


def test_pings(box):
    flood(box, "HTTP2_FLOOD", many(lambda number: frame(PING, 0, 0, number.to_bytes(8, "big"))))


def test_priorities(box):
    flood(box, "HTTP2_FLOOD", many(lambda number: frame(PRIORITY, 0, 2 * number + 1, b"\0\0\0\0\x10")))


def test_window_updates(box):
    flood(box, "HTTP2_FLOOD", many(lambda number: frame(WINDOW_UPDATE, 0, 0, b"\0\0\0\1")))


def test_resets(box):
    """Rapid reset: each request is cancelled at once."""
    flood(box, "HTTP2_FLOOD", many(lambda number: head(2 * number + 1) + frame(RST_STREAM, 0, 2 * number + 1, b"\0\0\0\x08")))


def test_empty_data(box):
    flood(box, "HTTP2_FLOOD", head(1, END_HEADERS) + many(lambda number: frame(DATA, 0, 1)))


def test_unknown_frames(box):
    flood(box, "HTTP2_FLOOD", many(lambda number: frame(0xEE, number & 255, number, b"x")))


def test_open_streams(box):
    flood(box, "HTTP2_STREAM", many(lambda number: head(2 * number + 1, END_HEADERS)))


def test_promises(box):
    """The server promises and promises."""
    flood(box, "HTTP2_STREAM", head(), many(lambda number: frame(PUSH_PROMISE, END_HEADERS, 1, (2 * number + 2).to_bytes(4, "big") + request_block("/"))))


def test_header_bomb(box):
    flood(box, "HTTP2_HEADERS", blocks(request_block("/"), bomb()))


def test_header_bomb_of_the_server(box):
    flood(box, "HTTP2_HEADERS", head(), blocks(literal(b":status", b"200"), bomb()))


def test_header_bombs_one_by_one(box):
    """Each block is legal, and small on the wire, but 250 KB when decoded."""
    first = frame(HEADERS, END_HEADERS | END_STREAM, 1, request_block("/") + literal(b"x-bomb", b"b" * 4000, 0x40))
    flood(box, None, first + many(lambda number: frame(HEADERS, END_HEADERS | END_STREAM, 2 * number + 3, request_block("/") + indexed(62) * 60), 300))


def test_table_sizes(box):
    """Size updates of the dynamic table, as many as fit (RFC 7541, 4.2 allows two)."""
    flood(box, "HTTP2_HEADERS", frame(HEADERS, END_HEADERS | END_STREAM, 1, request_block("/") + b"\x20" * 10_000))


def test_tiny_records(box):
    """A body of which each byte comes in a TLS record of its own."""
    records = flood(box, None, head(1, END_HEADERS) + frame(DATA, END_STREAM, 1, b"t" * FRAME_BYTES) + frame(PING, 0, 0, b"12345678"), record_bytes=1)
    entry, = [exchange for exchange in session.exchanges(records) if exchange["path"] == "/flood"]
    equal(entry["request_data"], b"t" * FRAME_BYTES, "the body")


def client_hello():
    """The first record of a TLS client."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with contextlib.suppress(ssl.SSLWantReadError):
        ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname=https.SITE).do_handshake()
    return outgoing.read()


def tls_record(kind, payload):
    return bytes([kind, 3, 3]) + len(payload).to_bytes(2, "big") + payload


def flood_records(box, data, violations, options=()):
    """Let a client send `data` where TLS records are awaited."""
    run = tlsruns.Run(box, *options)
    listener, received = box.listener(), []
    run.plain("/before")
    before, cpu = run.proxy.memory_peak_bytes(), run.proxy.cpu_seconds()
    with socks.client(run.proxy.port, https.SITE, listener.getsockname()[1]) as client, socks.accept(listener) as server:
        reader = threading.Thread(target=lambda: received.append(socks.receive_all(server)), daemon=True)
        reader.start()
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        reader.join(harness.PATIENCE_SECONDS)
    check(received and received[0] == data, "what the server has got is not what was sent")
    run.plain("/after")
    run.recorded(2, "what came behind the flood is recorded")
    grown, used = run.proxy.memory_peak_bytes() - before, run.proxy.cpu_seconds() - cpu
    records = run.proxy.end()
    found = [(entry["kind"], entry["direction"], entry["detail"]) for entry in session.of(records, "Violation")]
    print(f"{len(data)} bytes; the proxy grew by {grown / 1e6:.1f} MB, used {used:.2f} s of CPU time, and wrote {len(records)} records; {found}")
    equal([violation[:2] for violation in found], [(kind, "TO_SERVER") for kind in violations], "violations")
    check(len(records) < 2000, f"{len(records)} records")
    check(len(session.of(records, "TlsDecryption")) <= 1, "more than one TlsDecryption")
    if not box.sanitized():
        check(grown < MEMORY_BYTES, f"it grew by {grown} bytes")
        in_time(used < CPU_SECONDS, f"it used {used} s")
    return records


def test_empty_records(box):
    flood_records(box, client_hello() + tls_record(23, b"") * COUNT, ["TLS_FLOOD"])


def test_records_without_keys(box):
    """16 MB of records, in the smallest size that can hold something, whose keys never come."""
    flood_records(box, client_hello() + tls_record(23, bytes(17)) * 800_000, [])


def test_alerts_in_the_clear(box):
    records = flood_records(box, client_hello() + tls_record(21, b"\1\x5a") * COUNT, ["TLS_FLOOD"])
    check(len(session.of(records, "TlsAlert")) <= 16, "too many alerts")


def test_endless_handshake(box):
    """A handshake message that says that it has 16 MB, and has."""
    flood_records(box, client_hello() + tls_record(22, b"\x0b\xff\xff\xff") + tls_record(22, bytes(16000)) * 1000, ["TLS_HANDSHAKE"])


def test_overlong_records(box):
    flood_records(box, client_hello() + tls_record(23, bytes(60_000)) * 100, ["TLS_RECORD"])


if __name__ == "__main__":
    harness.run(globals())
