#!/usr/bin/env python3
"""With an upstream, mitm-proxy never goes around it: strace sees no other connection and no look-up of a name."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
import harness
import session
import socks
import tracing
from harness import check, equal, wait_until

NAMES = ["never-to-be-resolved.example", "second.example", "xn--hidden.onion"]


def test_nothing_goes_around_the_upstream(box):
    server = box.listener()
    relay = socks.Relay({name: "127.0.0.1" for name in NAMES})
    proxy, trace = tracing.traced(box, relay.port)
    port = server.getsockname()[1]
    for kind, host in [(socks.DOMAIN, name) for name in NAMES] + [(socks.IPV4, "127.0.0.1"), (socks.DOMAIN, "127.0.0.1")]:
        with socks.client(proxy.port, host, port, kind) as client, socks.accept(server) as peer:
            client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            peer.recv(1000)
            peer.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
            equal(client.recv(12), b"HTTP/1.1 204", "response")
    relay.close()

    def fails():
        with socks.dial(proxy.port) as client:
            return socks.handshake(client, socks.request(socks.CONNECT, socks.DOMAIN, NAMES[0], port))[1:2] not in (b"", b"\x00")

    wait_until(fails, "requests fail when the upstream has gone")
    for kind, host in [(socks.DOMAIN, NAMES[1]), (socks.DOMAIN, "localhost"), (socks.IPV4, "127.0.0.1")]:
        with socks.dial(proxy.port) as client:
            code = socks.handshake(client, socks.request(socks.CONNECT, kind, host, port))[1]
            equal(code, 1, f"reply for {host} when the upstream has gone")
    server.settimeout(0)
    try:
        raise AssertionError(f"a connection around the upstream: {server.accept()}")
    except BlockingIOError:
        pass
    records = tracing.end(proxy)
    equal(len(session.of(records, "HttpResponseStart")), 5, "responses recorded")
    equal(session.of(records, "ResolveStart"), [], "names resolved")
    tracing.check_trace(trace, relay.port)


def test_open_connections_die_with_the_upstream(box):
    server = box.listener()
    relay = socks.Relay({NAMES[0]: "127.0.0.1"})
    proxy = box.proxy(upstream=f"socks5://127.0.0.1:{relay.port}")
    with socks.client(proxy.port, NAMES[0], server.getsockname()[1]) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        relay.close()
        try:
            equal(socks.receive_all(client), b"", "no response any more")
        except ConnectionResetError:
            pass
    exchange, = session.exchanges(proxy.end())
    check("status" not in exchange, "a response was recorded")


if __name__ == "__main__":
    harness.run(globals())
