#!/usr/bin/env python3
"""A longer way: forwards TCP connections on loopback and delivers every byte a fixed time after it was read, in each direction.

Neither early nor out of order; ends of streams and resets take the same time. What waits for delivery is bounded, so that
back-pressure is passed on. One thread, one loop.

What it cannot delay: the kernel answers a client's SYN by itself, and the forwarder connects onwards at once. So a connection's
establishment through it takes no longer, and everything that is said on the connection afterwards takes `delay` longer each
way: a question with its answer twice the delay, an answer's bytes among themselves nothing.
"""
import argparse
import collections
import errno
import json
import select
import signal
import socket
import statistics
import struct
import sys
import time

BOUND_BYTES = 4 << 20  # waiting in one direction of one connection
PIECE_BYTES = 1 << 16
END, RESET = object(), object()


class Way:
    """One direction of a connection: what was read from `source` and when it is due at `sink`."""

    def __init__(self, source, sink):
        self.source, self.sink = source, sink
        self.waiting = collections.deque()  # (due_ns, bytes | END | RESET)
        self.waiting_bytes = 0
        self.reading, self.blocked, self.done = True, False, False

    def wants_input(self):
        return self.reading and self.waiting_bytes < BOUND_BYTES

    def read(self, delay_ns):
        try:
            data = self.source.recv(PIECE_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = None
        self.reading = bool(data)
        self.waiting.append((time.monotonic_ns() + delay_ns, RESET if data is None else data or END))
        self.waiting_bytes += len(data or b"")

    def deliver(self, now_ns, late_ns):
        """Deliver what is due, as far as the sink takes it; return False if the connection is over by a reset."""
        while self.waiting and self.waiting[0][0] <= now_ns:
            due_ns, what = self.waiting.popleft()
            if not self.blocked:
                late_ns.append(time.monotonic_ns() - due_ns)
            self.blocked = False
            if what is RESET or not self.pass_on(due_ns, what):
                return False
            if self.blocked:
                break
        return True

    def pass_on(self, due_ns, what):
        try:
            if what is END:
                self.done = True
                self.sink.shutdown(socket.SHUT_WR)
                return True
            sent = self.sink.send(what)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            return what is END and error.errno == errno.ENOTCONN
        self.waiting_bytes -= sent
        if sent < len(what):
            self.waiting.appendleft((due_ns, what[sent:]))
            self.blocked = True
        return True


class Forwarder:
    def __init__(self, listener, target, delay_ns):
        self.listener, self.target, self.delay_ns = listener, target, delay_ns
        self.ways = {}  # by source
        self.late_ns = []

    def accept(self):
        client, _ = self.listener.accept()
        ways = [client]
        try:
            ways.append(socket.create_connection(self.target, 5))
        except OSError:
            reset(client)
            return
        for peer in ways:
            peer.setblocking(False)
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.ways[ways[0]], self.ways[ways[1]] = Way(*ways), Way(*reversed(ways))

    def close(self, way, how):
        for peer in (way.source, way.sink):
            del self.ways[peer]
            how(peer)

    def step(self):
        """Wait for the next thing to do and do it."""
        ways = list(self.ways.values())
        due = [way.waiting[0][0] for way in ways if way.waiting and not way.blocked]
        timeout = max(min(due) - time.monotonic_ns(), 0) / 1e9 if due else None
        readers = [way.source for way in ways if way.wants_input()]
        ready, writable, _ = select.select([self.listener, *readers], [way.sink for way in ways if way.blocked], [], timeout)
        for peer in ready:
            if peer is self.listener:
                self.accept()
            else:
                self.ways[peer].read(self.delay_ns)
        for way in ways:
            if way.source not in self.ways or way.blocked and way.sink not in writable:
                continue
            if not way.deliver(time.monotonic_ns(), self.late_ns):
                self.close(way, reset)
            elif way.done and self.ways[way.sink].done:
                self.close(way, socket.socket.close)

    def report(self):
        """How late it was, in milliseconds: to be said beside what was measured with it."""
        late_ms = sorted(value / 1e6 for value in self.late_ns) or [0]
        return {"deliveries": len(self.late_ns), "earliest_ms": late_ms[0], "median_ms": statistics.median(late_ms),
                "mean_ms": statistics.fmean(late_ms), "p99_ms": late_ms[int(0.99 * (len(late_ms) - 1))], "latest_ms": late_ms[-1]}


def reset(peer):
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()


def address(text):
    host, _, port = text.rpartition(":")
    return host, int(port)


def main():
    parser = argparse.ArgumentParser(description="Forward TCP connections, every byte later.")
    parser.add_argument("--listen", type=address, default=("127.0.0.1", 0), metavar="HOST:PORT")
    parser.add_argument("--target", type=address, required=True, metavar="HOST:PORT")
    parser.add_argument("--delay-ms", type=float, required=True, help="in each direction")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with socket.create_server(options.listen, backlog=1024) as listener:
        forwarder = Forwarder(listener, options.target, round(options.delay_ms * 1e6))
        print(f"forwarder: {listener.getsockname()[1]}", flush=True)
        try:
            while True:
                forwarder.step()
        finally:
            print("lateness:", json.dumps(forwarder.report()), flush=True)


if __name__ == "__main__":
    main()
