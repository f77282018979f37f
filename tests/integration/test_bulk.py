#!/usr/bin/env python3
"""A GiB down and a GiB up: the right bytes, little memory, the right size in the session."""
import hashlib
import random
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
import harness
import session
import socks
from harness import check, equal

GIB = 1 << 30
BLOCK_BYTES = 1 << 20
MEMORY_LIMIT_BYTES = 64 << 20


def send_stream(peer, digest):
    """Send a GiB in which no two blocks are equal."""
    block = bytearray(random.Random(1).randbytes(BLOCK_BYTES))
    for number in range(GIB // BLOCK_BYTES):
        block[:8] = number.to_bytes(8, "big")
        digest.update(block)
        peer.sendall(block)


def receive_stream(peer, digest):
    """Read a GiB; return how much came."""
    buffer, received = bytearray(BLOCK_BYTES), 0
    view = memoryview(buffer)
    while received < GIB and (size := peer.recv_into(buffer)):
        digest.update(view[:size])
        received += size
    return received


def receive_head(peer):
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += peer.recv(1)
    return head


def transfer(box, head_from_client, head_from_server, down):
    proxy, listener = box.proxy(), box.listener()
    client = box.closing.enter_context(socks.client(proxy.port, "127.0.0.1", listener.getsockname()[1]))
    server = box.closing.enter_context(socks.accept(listener))
    sent, received = hashlib.sha256(), hashlib.sha256()
    client.sendall(head_from_client)
    receive_head(server)
    begin = time.monotonic()
    source, sink = (server, client) if down else (client, server)
    if down:
        server.sendall(head_from_server)
        receive_head(client)
    sender = threading.Thread(target=send_stream, args=(source, sent), daemon=True)
    sender.start()
    equal(receive_stream(sink, received), GIB, "bytes received")
    sender.join()
    seconds = time.monotonic() - begin
    if not down:
        server.sendall(head_from_server)
        receive_head(client)
    equal(received.hexdigest(), sent.hexdigest(), "SHA-256")
    memory = proxy.memory_peak_bytes()
    print(f"1 GiB {'down' if down else 'up'}: {seconds:.1f} s, {proxy.cpu_seconds():.2f} CPU seconds, {memory / (1 << 20):.1f} MiB at most")
    if not box.sanitized():
        check(memory < MEMORY_LIMIT_BYTES, f"the proxy took {memory} bytes of memory")
    client.close()
    server.close()
    exchange, = session.exchanges(proxy.end())
    return exchange


def test_download(box):
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % GIB
    exchange = transfer(box, b"GET /gib HTTP/1.1\r\nHost: a\r\n\r\n", head, down=True)
    equal((exchange["response_bytes"], exchange["response_cause"]), (GIB, "CONTENT_LENGTH"), "recorded response")


def test_upload(box):
    head = b"PUT /gib HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % GIB
    exchange = transfer(box, head, b"HTTP/1.1 204 No Content\r\n\r\n", down=False)
    equal((exchange["request_bytes"], exchange["request_cause"]), (GIB, "CONTENT_LENGTH"), "recorded request")


if __name__ == "__main__":
    harness.run(globals())
