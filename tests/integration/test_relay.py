#!/usr/bin/env python3
"""What flows behind the SOCKS handshake: every byte, in order, half-closes, resets and back-pressure as they come."""
import concurrent.futures
import hashlib
import random
import select
import socket
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
import harness
import session
import socks
from harness import check, equal

BUFFERED_BYTES = 4 << 20  # that the proxy may hold for a peer that does not read


def one(records, name):
    found = session.of(records, name)
    equal(len(found), 1, f"number of {name} among {[entry['event'] for entry in records]}")
    return found[0]


def pair(box, proxy):
    """A client and a server, connected through the proxy."""
    listener = box.listener()
    client = box.closing.enter_context(socks.client(proxy.port, "127.0.0.1", listener.getsockname()[1]))
    return client, box.closing.enter_context(socks.accept(listener))


def test_half_closes(box):
    proxy = box.proxy()
    for flip in (False, True):
        client, server = pair(box, proxy)
        first, second = (server, client) if flip else (client, server)
        first.sendall(b"last words")
        first.shutdown(socket.SHUT_WR)
        equal(socks.receive_all(second), b"last words", "data before the half-close")
        for _ in range(3):
            second.sendall(b"still here")
            equal(socks.receive(first, 10), b"still here", "data in the other direction")
        second.shutdown(socket.SHUT_WR)
        equal(socks.receive_all(first), b"", "the other half-close")
    records = proxy.end()
    for connection in session.connections(records).values():
        equal([entry["cause"] for entry in session.of(connection, "EndOfStream")], ["FIN", "FIN"], "recorded ends")
        equal(one(connection, "ConnectionEnd")["cause"], "FIN", "recorded end")
        order = [entry["direction"] for entry in session.of(connection, "EndOfStream")]
        check(order[0] != order[1], f"directions {order}")


def test_resets(box):
    proxy = box.proxy()
    for flip in (False, True):
        client, server = pair(box, proxy)
        first, second = (server, client) if flip else (client, server)
        first.sendall(b"before")
        equal(socks.receive(second, 6), b"before", "data before the reset")
        socks.reset(first)
        try:
            data = second.recv(1)
            raise AssertionError(f"instead of the reset came {data!r}")
        except ConnectionResetError:
            pass
    records = proxy.end()
    for connection, direction in zip(session.connections(records).values(), ("TO_SERVER", "TO_CLIENT")):
        check(session.of(connection, "EndOfStream", direction=direction, cause="RESET"), f"EndOfStream: {connection}")
        equal(one(connection, "ConnectionEnd")["cause"], "RESET", "recorded end")


def test_reset_after_half_close(box):
    proxy = box.proxy()
    client, server = pair(box, proxy)
    client.shutdown(socket.SHUT_WR)
    equal(socks.receive_all(server), b"", "half-close")
    socks.reset(server)
    try:
        check(client.recv(1) != b"", "the reset came as a FIN")
    except ConnectionResetError:
        pass
    proxy.end()


def test_back_pressure(box):
    """Who does not read is not sent for: the sender has to wait, memory stays small, and nothing is lost."""
    proxy = box.proxy()
    client, server = pair(box, proxy)
    data = random.Random(7).randbytes(1 << 20)
    idle = proxy.memory_peak_bytes()
    client.settimeout(0.5)
    sent = 0
    try:
        while sent < 256 << 20:
            sent += client.send(data[sent % len(data):])
    except TimeoutError:
        pass
    print(f"taken before the sender had to wait: {sent} bytes; memory: {proxy.memory_peak_bytes()} bytes")
    check(proxy.memory_peak_bytes() < idle + BUFFERED_BYTES, f"memory grew from {idle} to {proxy.memory_peak_bytes()} bytes")
    client.shutdown(socket.SHUT_WR)
    received = socks.receive_all(server)
    equal(len(received), sent, "bytes")
    check(received == (data * (sent // len(data) + 1))[:sent], "the bytes differ")
    proxy.end()


def flood(peer, data, seed):
    """Send `data` in pieces of all sizes, read in pieces of all sizes, half-close; return a digest of what came."""
    source, digest, at, ended = random.Random(seed), hashlib.sha256(), 0, False
    peer.setblocking(False)
    while at < len(data) or not ended:
        writable = [peer] if at < len(data) else []
        readable, writable, _ = select.select([] if ended else [peer], writable, [], harness.PATIENCE_SECONDS)
        check(readable or writable, f"stuck after {at} bytes sent")
        if writable:
            at += peer.send(data[at:at + source.choice([1, 20_000, 300_000])])
            if at == len(data):
                peer.shutdown(socket.SHUT_WR)
        if readable and source.random() < 0.7:
            piece = peer.recv(source.choice([1, 20_000, 300_000]))
            digest.update(piece)
            ended = not piece
    return digest.hexdigest()


def test_floods_in_both_directions(box):
    """Both sides send as much as they can and read slowly; a part was sent before it was known whether there is a server."""
    listener = box.listener()
    proxy = box.proxy(upstream=f"socks5://127.0.0.1:{listener.getsockname()[1]}")
    pool = box.closing.enter_context(concurrent.futures.ThreadPoolExecutor(12))
    message = socks.greeting(0) + socks.request(socks.CONNECT, socks.DOMAIN, "name.example", 80)
    running = []
    for number in range(6):
        up, down = (random.Random(seed).randbytes((1 << 20) + seed) for seed in (number, number + 100))
        client = box.closing.enter_context(socks.dial(proxy.port))
        early = 100_000 * number
        client.sendall(message + up[:early])
        server = box.closing.enter_context(socks.accept(listener))
        socks.serve_greeting(server)
        equal(socks.receive(client, 2), b"\x05\x00", "method reply")
        socks.receive(server, len(message) - 3)
        server.sendall(socks.reply(0))
        equal(socks.receive(client, 10), socks.reply(0), "reply")
        running.append((pool.submit(flood, client, up[early:], number), hashlib.sha256(down).hexdigest(), "to the client"))
        running.append((pool.submit(flood, server, down, number), hashlib.sha256(up).hexdigest(), "to the server"))
    for future, digest, where in running:
        equal(future.result(), digest, f"digest of the data {where}")
    for connection in session.connections(proxy.end()).values():
        equal(one(connection, "ConnectionEnd")["cause"], "FIN", "recorded end")


def test_delay_of_the_receiver_is_not_the_proxys(box):
    """What waits because the receiver does not read is no ProxyDelay."""
    proxy = box.proxy()
    client, server = pair(box, proxy)
    client.settimeout(0.2)
    try:
        while True:
            client.sendall(bytes(1 << 20))
    except TimeoutError:
        pass
    time.sleep(1)  # of the receiver's delay
    client.shutdown(socket.SHUT_WR)
    socks.receive_all(server)
    longest = max(entry["max_ns"] for entry in session.of(proxy.end(), "ProxyDelay"))
    check(longest < 0.9e9, f"longest delay: {longest / 1e9} s")


def test_urgent_data(box):
    """Not one byte is lost: urgent data arrive among the others (RFC 6093 advises so)."""
    proxy = box.proxy()
    for first, second in [pair(box, proxy), pair(box, proxy)[::-1]]:
        first.sendall(b"before")
        first.send(b"!", socket.MSG_OOB)
        first.sendall(b"after")
        equal(socks.receive(second, 12), b"before!after", "data")
    proxy.end()


if __name__ == "__main__":
    harness.run(globals())
