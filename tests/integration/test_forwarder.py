#!/usr/bin/env python3
"""The forwarder of tests with a known truth, by itself: bytes unchanged, never early, little late; ends, resets and back-pressure passed on."""
import hashlib
import json
import os
import socket
import sys
import threading
from pathlib import Path

LIB = Path(__file__).resolve().parents[1] / "lib"
sys.path.insert(0, str(LIB))
import harness
import socks
import timing
from harness import check, equal, in_time

DELAY_MS = 50
ROUND_TRIPS = 40


def forwarder(box, target_port, delay_ms=DELAY_MS):
    """Start a forwarder; return (its program, its port)."""
    words = [sys.executable, LIB / "forwarder.py", "--target", f"127.0.0.1:{target_port}", "--delay-ms", delay_ms]
    program = box.program("forwarder", words)
    return program, int(program.wait_for(r"^forwarder: (\d+)$", program.out)[1])


def connection(box):
    """A connection through a forwarder: (client's end, server's end, the forwarder)."""
    listener = box.listener()
    program, port = forwarder(box, listener.getsockname()[1])
    client = box.closing.enter_context(socks.dial(port))
    return client, box.closing.enter_context(socks.accept(listener)), program


def test_each_direction_is_late_by_the_delay(box):
    client, server, program = connection(box)
    late = []
    for number in range(ROUND_TRIPS):
        for source, sink in ((client, server), (server, client)):
            begin = timing.now_ms()
            source.sendall(bytes([number]))
            equal(socks.receive(sink, 1), bytes([number]), "the byte")
            late.append(timing.now_ms() - begin)
    timing.check_delays(late, [DELAY_MS] * len(late), "one way")
    equal(program.stop(), 0, "exit status of the forwarder")
    report = json.loads(program.out().partition("lateness: ")[2])
    print(f"lateness: {report}")
    equal(report["deliveries"], 2 * ROUND_TRIPS, "deliveries")
    check(report["earliest_ms"] >= 0, "early by its own account")


def test_bytes_sent_together_arrive_together(box):
    """The delay is no limit of the rate: many bytes at once take hardly longer than one."""
    client, server, _ = connection(box)
    sent = [os.urandom(size) for size in (1, 70_000, 300_000, 17)]
    begin = timing.now_ms()
    for piece in sent:
        server.sendall(piece)
    received = socks.receive(client, sum(map(len, sent)))
    took = timing.now_ms() - begin
    check(received == b"".join(sent), "the bytes have changed")
    check(took >= DELAY_MS, f"370 kB took {took} ms")
    in_time(took < 2 * DELAY_MS + timing.LATE_MOST_MS, f"370 kB took {took} ms")


def test_end_of_stream(box):
    """A half-close arrives after the delay, and the other direction goes on."""
    client, server, _ = connection(box)
    begin = timing.now_ms()
    client.sendall(b"last words")
    client.shutdown(socket.SHUT_WR)
    equal(socks.receive_all(server), b"last words", "to the server")
    timing.check_delays([timing.now_ms() - begin], [DELAY_MS], "end of the stream")
    server.sendall(b"answer")
    server.shutdown(socket.SHUT_WR)
    equal(socks.receive_all(client), b"answer", "to the client")


def test_reset(box):
    client, server, _ = connection(box)
    client.sendall(b"x")
    equal(socks.receive(server, 1), b"x", "before the reset")
    begin = timing.now_ms()
    socks.reset(client)
    try:
        seen = server.recv(1)
    except ConnectionResetError:
        seen = "reset"
    equal(seen, "reset", "at the server")
    timing.check_delays([timing.now_ms() - begin], [DELAY_MS], "reset")


def test_refused(box):
    _, port = forwarder(box, box.closed_port())
    with socks.dial(port) as client:
        try:
            seen = client.recv(1)
        except ConnectionResetError:
            seen = "reset"
    equal(seen, "reset", "at the client")


def test_back_pressure(box):
    """Who does not read stops who sends; what waited then arrives whole."""
    client, server, _ = connection(box)
    client.settimeout(1)
    piece, sent, hash_sent = os.urandom(1 << 16), 0, hashlib.sha256()
    try:
        while sent < 256 << 20:
            count = client.send(piece)
            hash_sent.update(piece[:count])
            sent += count
    except TimeoutError:
        pass
    check(sent < 64 << 20, f"{sent} bytes were taken though nobody reads")
    received = bytearray()
    reader = threading.Thread(target=lambda: received.extend(socks.receive_all(server)), daemon=True)
    reader.start()
    client.shutdown(socket.SHUT_WR)
    reader.join(harness.PATIENCE_SECONDS)
    equal(len(received), sent, "bytes received")
    equal(hashlib.sha256(received).hexdigest(), hash_sent.hexdigest(), "their hash")


if __name__ == "__main__":
    harness.run(globals())
