#!/usr/bin/env python3
"""SOCKS5 through mitm-proxy, byte by byte, with an upstream that the test plays itself."""
import random
import re
import resource
import socket
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
import harness
import session
import socks
from harness import check, equal, in_time, wait_until

REPLY_CODES = [*range(0, 9), *range(0xF0, 0xF8)]
FAILED = 1  # RFC 1928: general SOCKS server failure
UNSUPPORTED = 7


def events(records, port):
    return session.connection_from(records, port)


def one(records, name):
    found = session.of(records, name)
    equal(len(found), 1, f"number of {name} among {[entry['event'] for entry in records]}")
    return found[0]


def local_port(peer):
    return peer.getsockname()[1]


def with_upstream(box, *options):
    """A proxy in front of an upstream that the test plays: (proxy, the upstream's listener)."""
    listener = box.listener()
    return box.proxy(*options, upstream=f"socks5://127.0.0.1:{listener.getsockname()[1]}"), listener


def through(proxy, listener, message, answer):
    """One request through an upstream that answers so; returns (client, upstream's side, what the client got)."""
    client = socks.dial(proxy.port)
    client.sendall(socks.greeting(socks.NO_AUTH))
    upstream = socks.accept(listener)
    socks.serve_greeting(upstream)
    equal(socks.receive(client, 2), b"\x05\x00", "method reply")
    client.sendall(message)
    equal(socks.receive(upstream, len(message)), message, "request as the upstream got it")
    upstream.sendall(answer)
    return client, upstream, socks.receive(client, len(answer))


def test_every_reply_code_is_passed_on_and_recorded(box):
    proxy, listener = with_upstream(box)
    bound = [(socks.IPV4, "192.0.2.7", 4711), (socks.IPV6, "2001:db8::9", 4712), (socks.DOMAIN, "exit.example", 4713)]
    ports = []
    for number, code in enumerate(REPLY_CODES):
        answer = socks.reply(code, *bound[number % 3])
        message = socks.request(socks.CONNECT, socks.DOMAIN, "name.example", 80)
        client, upstream, seen = through(proxy, listener, message, answer)
        with client, upstream:
            ports.append((local_port(client), code, bound[number % 3]))
            equal(seen, answer, f"reply {code:#04x} as the client got it")
            if code:
                upstream.close()
                equal(socks.receive_all(client), b"", "after a refusal the connection ends")
            else:
                client.sendall(b"ping")
                equal(socks.receive(upstream, 4), b"ping", "data after the reply")
    records = proxy.end()
    for port, code, (_, host, bound_port) in ports:
        seen = one(events(records, port), "SocksResponseEnd")
        equal((seen["reply"], seen["origin"], seen["bound_address"], seen["bound_port"]),
              (code, "UPSTREAM", host.encode(), bound_port), "recorded reply")


def test_requests_arrive_as_sent(box):
    proxy, listener = with_upstream(box)
    cases = [(socks.CONNECT, socks.IPV4, "192.0.2.1", 80), (socks.CONNECT, socks.IPV6, "2001:db8::1", 443),
             (socks.CONNECT, socks.DOMAIN, "example.org", 80), (socks.CONNECT, socks.DOMAIN, "::1", 81),
             (socks.CONNECT, socks.DOMAIN, b"\xff\x01 odd\x80", 65535), (socks.CONNECT, socks.DOMAIN, b"n" * 255, 1),
             (socks.RESOLVE, socks.DOMAIN, "example.org", 0), (socks.RESOLVE_PTR, socks.IPV4, "192.0.2.1", 0)]
    ports = []
    for case in cases:
        answer = socks.reply(0, socks.IPV4, "192.0.2.33") if case[0] != socks.RESOLVE_PTR else socks.reply(0, socks.DOMAIN, "back.example")
        client, upstream, seen = through(proxy, listener, socks.request(*case), answer)
        with client, upstream:
            equal(seen, answer, f"reply to {case}")
            ports.append((local_port(client), case))
    records = proxy.end()
    for port, (command, kind, host, target_port) in ports:
        seen = one(events(records, port), "SocksRequestStart")
        name = host if isinstance(host, bytes) else host.encode()
        equal((seen["command"], seen["address_type"], seen["host"], seen["port"]), (command, kind, name, target_port), "recorded request")
    bound = [one(events(records, port), "SocksResponseEnd")["bound_address"] for port, case in ports if case[0] != socks.CONNECT]
    equal(bound, [b"192.0.2.33", b"back.example"], "answers to RESOLVE and RESOLVE_PTR")


def test_failed_resolve_of_tor(box):
    """Tor's reply to a RESOLVE that failed has address type 0."""
    proxy, listener = with_upstream(box)
    answer = bytes([5, 4, 0, 0, 0, 0, 0, 0, 0, 0])
    client, upstream, seen = through(proxy, listener, socks.request(socks.RESOLVE, socks.DOMAIN, "no.example", 0), answer)
    with client, upstream:
        equal(seen, answer, "reply as the client got it")
    records = proxy.end()
    equal(one(records, "SocksResponseEnd")["reply"], 4, "recorded reply")


def test_methods(box):
    proxy, listener = with_upstream(box)
    wanted = {(0,): 0, (2,): 2, (0, 2): 2, (2, 0): 0, (0, 1): 0, (0, 1, 2, 3, 0x80): 2}
    ports = []
    for offered, chosen in wanted.items():
        with socks.dial(proxy.port) as client:
            client.sendall(socks.greeting(*offered))
            with socks.accept(listener) as upstream:
                seen = socks.serve_greeting(upstream, chosen)
                equal(sorted(set(seen) & {0, 2}), sorted(set(offered) & {0, 2}), f"methods offered to the upstream for {offered}")
                check(set(seen) <= set(offered), f"offered {seen!r} to the upstream, the client {offered}")
                equal(socks.receive(client, 2), bytes([5, chosen]), "method reply")
                ports.append((local_port(client), bytes(offered), chosen))
    for offered in [(1,), (3, 0x80), ()]:
        with socks.dial(proxy.port) as client:
            client.sendall(socks.greeting(*offered))
            listener.settimeout(0.3)  # the proxy may ask the upstream or refuse by itself
            try:
                upstream = socks.accept(listener)
                socks.serve_greeting(upstream, socks.NONE_ACCEPTABLE)
            except TimeoutError:
                pass
            listener.settimeout(harness.PATIENCE_SECONDS)
            equal(socks.receive_all(client), b"\x05\xff", f"answer to the methods {offered}")
            ports.append((local_port(client), bytes(offered), 255))
    records = proxy.end()
    for port, offered, chosen in ports:
        seen = events(records, port)
        equal(one(seen, "SocksMethodsOffered").get("methods", b""), offered, "recorded methods")
        equal(one(seen, "SocksMethodChosen")["method"], chosen, f"recorded choice for {offered!r}")


def test_upstream_accepts_no_method(box):
    proxy, listener = with_upstream(box)
    with socks.dial(proxy.port) as client:
        client.sendall(socks.greeting(socks.NO_AUTH))
        with socks.accept(listener) as upstream:
            socks.serve_greeting(upstream, socks.NONE_ACCEPTABLE)
            equal(socks.receive_all(client), b"\x05\xff", "method reply, then the end")
    equal(one(proxy.end(), "SocksMethodChosen")["method"], 255, "recorded choice")


def test_credentials_of_all_lengths(box):
    proxy, listener = with_upstream(box)
    source = random.Random(1929)
    users, passwords = set(), []
    for length in range(0, 256):
        user = bytes([0, 255])[:length] + source.randbytes(max(length - 2, 0))
        password = source.randbytes(255 - length) if length < 250 else bytes([255, 0, 0])
        message = socks.credentials(user, password)
        with socks.dial(proxy.port) as client:
            client.sendall(socks.greeting(socks.PASSWORD))
            with socks.accept(listener) as upstream:
                socks.serve_greeting(upstream, socks.PASSWORD)
                equal(socks.receive(client, 2), b"\x05\x02", "method reply")
                client.sendall(message)
                equal(socks.serve_credentials(upstream), message, f"credentials of {length} bytes as the upstream got them")
                equal(socks.receive(client, 2), b"\x01\x00", "authentication reply")
        users.add(user)
        passwords.append(password)
    records = proxy.end()
    recorded = proxy.path.read_bytes()
    check(not any(password in recorded for password in passwords if len(password) >= 8), "a password is in the session")
    equal({entry["username"] for entry in session.of(records, "SocksAuthStart")}, users, "recorded user names")
    equal({entry["status"] for entry in session.of(records, "SocksAuthEnd")}, {0}, "recorded answers")
    equal(len({entry["credential"] for entry in session.of(records, "SocksAuthStart")}), 256, "different pairs")


def test_equal_credentials_have_equal_numbers(box):
    proxy, listener = with_upstream(box)
    pairs = [(b"u1", b"p1"), (b"u1", b"p2"), (b"u2", b"p1"), (b"u1", b"p1"), (b"u1p", b"1")]
    for pair in pairs:
        with socks.dial(proxy.port) as client:
            client.sendall(socks.greeting(socks.PASSWORD))
            with socks.accept(listener) as upstream:
                socks.serve_greeting(upstream, socks.PASSWORD)
                socks.receive(client, 2)
                client.sendall(socks.credentials(*pair))
                socks.serve_credentials(upstream)
                socks.receive(client, 2)
    seen = [entry["credential"] for entry in session.of(proxy.end(), "SocksAuthStart")]
    equal(seen, [1, 2, 3, 1, 4], "numbers of the pairs")


def test_refused_credentials(box):
    proxy, listener = with_upstream(box)
    with socks.dial(proxy.port) as client:
        client.sendall(socks.greeting(socks.PASSWORD))
        with socks.accept(listener) as upstream:
            socks.serve_greeting(upstream, socks.PASSWORD)
            socks.receive(client, 2)
            client.sendall(socks.credentials(b"<torS0X>1", b""))
            socks.serve_credentials(upstream, status=1)
            upstream.close()
            equal(socks.receive_all(client), b"\x01\x01", "authentication reply, then the end")
    equal(one(proxy.end(), "SocksAuthEnd")["status"], 1, "recorded answer")


def test_bind_and_udp_are_not_supported(box):
    listener = box.listener()
    for upstream in ("direct", f"socks5://127.0.0.1:{listener.getsockname()[1]}"):
        proxy = box.proxy(upstream=upstream, name=f"mitm-proxy-{upstream[:6]}")
        for command in (socks.BIND, socks.UDP_ASSOCIATE, 9):
            with socks.dial(proxy.port) as client:
                client.sendall(socks.greeting(socks.NO_AUTH))
                if upstream != "direct":
                    peer = socks.accept(listener)
                    socks.serve_greeting(peer)
                equal(socks.receive(client, 2), b"\x05\x00", "method reply")
                client.sendall(socks.request(command, socks.IPV4, "127.0.0.1", 80))
                seen = socks.receive_all(client)
                equal((len(seen), seen[:2]), (10, bytes([5, UNSUPPORTED])), f"reply to command {command} with {upstream}")
        seen = [(entry["reply"], entry["origin"]) for entry in session.of(proxy.end(), "SocksResponseEnd")]
        equal(seen, [(UNSUPPORTED, "PROXY")] * 3, "recorded replies")


def test_optimistic_data_are_forwarded_before_the_reply(box):
    proxy, listener = with_upstream(box)
    data = b"GET / HTTP/1.1\r\nHost: name.example\r\n\r\n"
    message = socks.request(socks.CONNECT, socks.DOMAIN, "name.example", 80)
    for first, method, rest in [(socks.greeting(0), 0, message + data), (socks.greeting(0) + message + data, 0, b""),
                                (socks.greeting(2), 2, socks.credentials(b"u", b"p") + message + data)]:
        with socks.dial(proxy.port) as client:
            client.sendall(first)
            with socks.accept(listener) as upstream:
                socks.serve_greeting(upstream, method)
                equal(socks.receive(client, 2), bytes([5, method]), "method reply")
                client.sendall(rest)
                if method == socks.PASSWORD:
                    socks.serve_credentials(upstream)
                    equal(socks.receive(client, 2), b"\x01\x00", "authentication reply")
                equal(socks.receive(upstream, len(message)), message, "request")
                equal(socks.receive(upstream, len(data)), data, "optimistic data, before any reply")
                upstream.sendall(socks.reply(0) + b"HTTP/1.1 204 No Content\r\n\r\n")
                equal(socks.receive(client, 10), socks.reply(0), "reply")
                equal(socks.receive(client, 27), b"HTTP/1.1 204 No Content\r\n\r\n", "response")
    for records in session.connections(proxy.end()).values():
        check(one(records, "HttpRequestStart")["t_ns"] <= one(records, "SocksResponseEnd")["t_ns"], "the request came before the reply")
        equal(one(records, "HttpResponseStart")["status"], 204, "status")


def test_bytes_one_by_one(box):
    proxy, listener = with_upstream(box)
    message = socks.request(socks.CONNECT, socks.DOMAIN, "slow.example", 8080)
    answer = socks.reply(0, socks.DOMAIN, "bound.example", 9)

    def trickle(source, sink, data):
        for byte in data:
            source.sendall(bytes([byte]))
        equal(socks.receive(sink, len(data)), data, "bytes sent one by one")

    with socks.dial(proxy.port) as client:
        for byte in socks.greeting(0, 2):
            client.sendall(bytes([byte]))
        with socks.accept(listener) as upstream:
            socks.receive(upstream, 4)
            trickle(upstream, client, b"\x05\x02")
            trickle(client, upstream, socks.credentials(b"some user", b"password"))
            trickle(upstream, client, b"\x01\x00")
            trickle(client, upstream, message)
            trickle(upstream, client, answer)
            trickle(client, upstream, b"hello")
    records = proxy.end()
    equal(one(records, "SocksRequestStart")["host"], b"slow.example", "recorded name")
    equal(one(records, "SocksResponseEnd")["bound_address"], b"bound.example", "recorded bound address")


def test_what_is_not_socks5(box):
    """The connection is ended, the fault is recorded; what comes with greetings of other protocols does no harm."""
    proxy = box.proxy()
    port = box.listener().getsockname()[1]
    cases = {
        "SOCKS4": (b"\x04\x01\x00\x50\x7f\x00\x00\x01user\x00", "SOCKS_VERSION"),
        "HTTP": (b"GET http://example.org/ HTTP/1.1\r\nHost: example.org\r\n\r\n", "SOCKS_VERSION"),
        "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "SOCKS_VERSION"),
        "zero": (bytes(64), "SOCKS_VERSION"),
        "request of version 4": (socks.greeting(0) + b"\x04\x01\x00\x01\x7f\x00\x00\x01\x00\x50", "SOCKS_VERSION"),
        "address type 9": (socks.greeting(0) + b"\x05\x01\x00\x09\x7f\x00\x00\x01\x00\x50", "SOCKS_REQUEST"),
        "auth version 5": (socks.greeting(2) + b"\x05\x01u\x01p", "SOCKS_AUTH"),
    }
    ports = {}
    for name, (data, _) in cases.items():
        with socks.dial(proxy.port) as client:
            client.sendall(data)
            answer = socks.receive_all(client)
            ports[name] = local_port(client)
            if name == "address type 9":
                equal(answer[:4], b"\x05\x00\x05\x08", "reply: address type not supported")
            if name == "SOCKS4":
                equal(answer[:2], b"\x00\x5b", "reply: request rejected")
            if name == "HTTP":
                check(b"SOCKS" in answer, f"the answer tells what this is: {answer!r}")
    with socks.dial(proxy.port) as client:  # cut off within the greeting
        client.sendall(b"\x05\x03\x00")
        client.shutdown(socket.SHUT_WR)
        socks.receive_all(client)
        ports["cut off"] = local_port(client)
    with socks.client(proxy.port, "127.0.0.1", port):
        pass
    records = proxy.end()
    for name, (_, kind) in {**cases, "cut off": (b"", "SOCKS_TRUNCATED")}.items():
        violation = one(events(records, ports[name]), "Violation")
        equal((violation["kind"], violation["direction"]), (kind, "TO_SERVER"), f"violation of {name}")


def test_random_bytes_do_no_harm(box):
    proxy = box.proxy()
    source = random.Random(5)
    for _ in range(200):
        with socks.dial(proxy.port) as client:
            data = source.choice([b"", b"\x05", b"\x05\x01\x00", b"\x05\x01\x00\x05\x01\x00"]) + source.randbytes(source.randrange(1, 40))
            client.sendall(data)
            client.shutdown(socket.SHUT_WR)
            try:
                socks.receive_all(client)
            except ConnectionResetError:
                pass
    listener = box.listener()
    with socks.client(proxy.port, "127.0.0.1", listener.getsockname()[1]):
        pass
    equal(len(session.connections(proxy.end())), 201, "connections recorded")


def test_stalled_peers_hinder_nobody(box):
    proxy, listener = with_upstream(box)
    stalled = [socks.dial(proxy.port) for _ in range(20)]
    for number, client in enumerate(stalled):
        client.sendall(b"\x05\x01\x00"[:number % 4])
    silent = []  # the upstream accepts these and says nothing
    listener.settimeout(0.3)
    try:
        while True:
            silent.append(socks.accept(listener))
    except TimeoutError:
        listener.settimeout(harness.PATIENCE_SECONDS)
    client, upstream, seen = through(proxy, listener, socks.request(socks.CONNECT, socks.DOMAIN, "a.example", 1), socks.reply(0))
    equal(seen, socks.reply(0), "reply")
    for peer in [client, upstream, *stalled, *silent]:
        peer.close()
    equal(len(session.connections(proxy.end())), 21, "connections recorded")


def test_upstream_that_lies_or_vanishes(box):
    """Whatever the upstream does, the client gets a SOCKS failure or the end of the connection, and soon."""
    proxy, listener = with_upstream(box)
    message = socks.request(socks.CONNECT, socks.DOMAIN, "name.example", 80)
    greetings = {"version": b"\x04\x00", "method not offered": b"\x05\x02", "GSSAPI": b"\x05\x01", "HTTP": b"HTTP/1.1 400 Bad\r\n\r\n"}
    for name, answer in greetings.items():
        with socks.dial(proxy.port) as client:
            client.sendall(socks.greeting(0) + message)
            with socks.accept(listener) as upstream:
                upstream.sendall(answer)
                seen = socks.receive_all(client)
                check(seen in (b"", b"\x05\xff") or failed(seen), f"{name}: client got {seen!r}")
    replies = {"version": b"\x04\x5a" + bytes(8), "address type": b"\x05\x00\x00\x09" + bytes(6), "cut": b"\x05\x00\x00\x01\x00", "nothing": b""}
    for name, answer in replies.items():
        for end in ("close", "reset"):
            with socks.dial(proxy.port) as client:
                client.sendall(socks.greeting(0))
                upstream = socks.accept(listener)
                socks.serve_greeting(upstream)
                client.sendall(message)
                socks.receive(upstream, len(message))
                upstream.sendall(answer)
                if end == "reset":
                    socks.reset(upstream)
                else:
                    upstream.close()
                try:
                    seen = socks.receive_all(client)
                except ConnectionResetError:
                    seen = b"\x05\x00"
                check(seen == b"\x05\x00" or failed(seen), f"{name}, {end}: client got {seen!r}")
    records = proxy.end()
    lies = [entry["kind"] for entry in session.of(records, "Violation", direction="TO_CLIENT")]
    check(len(lies) >= 6, f"violations of the upstream: {lies}")


def test_client_gives_up_while_it_waits(box):
    """The upstream hears of it at once; that it then does not answer is no fault of its own."""
    proxy, listener = with_upstream(box)
    message = socks.request(socks.CONNECT, socks.DOMAIN, "name.example", 80)
    for end in ("close", "reset"):
        client = socks.dial(proxy.port)
        client.sendall(socks.greeting(0) + message)
        with socks.accept(listener) as upstream:
            socks.serve_greeting(upstream)
            equal(socks.receive(upstream, len(message)), message, "request")
            equal(socks.receive(client, 2), b"\x05\x00", "method reply")
            if end == "reset":
                socks.reset(client)
            else:
                client.close()
            try:
                equal(socks.receive_all(upstream), b"", "after the client has gone")
            except ConnectionResetError:
                pass
    records = proxy.end()
    equal(session.of(records, "Violation"), [], "violations")
    equal(len(session.of(records, "ConnectionEnd")), 2, "connections ended")


def failed(seen):
    """Whether this is a method reply and a SOCKS reply that says no, and nothing else."""
    return len(seen) >= 2 and seen[:2] == b"\x05\x00" and len(seen) == 12 and seen[2] == 5 and seen[3] != 0


def test_upstream_is_not_running(box):
    """Every request gets a proper SOCKS failure; one line says what to start."""
    proxy = box.proxy(upstream=f"socks5://127.0.0.1:{box.closed_port()}")
    message = socks.request(socks.CONNECT, socks.DOMAIN, "name.example", 80)
    for _ in range(5):
        with socks.dial(proxy.port) as client:
            equal(socks.handshake(client, message)[:2], bytes([5, FAILED]), "reply")
            equal(socks.receive_all(client), b"", "then the end")
        with socks.dial(proxy.port) as client:
            equal(socks.handshake(client, message, (b"user", b"password"))[:2], bytes([5, FAILED]), "reply after credentials")
    with socks.dial(proxy.port) as client:
        client.sendall(socks.greeting(0) + message + b"GET / HTTP/1.1\r\n\r\n")
        equal(socks.receive(client, 12)[:4], bytes([5, 0, 5, FAILED]), "reply to a client that does not wait")
    lines = [line for line in proxy.err().splitlines() if "cannot use" in line]
    equal(len(lines), 1, f"log lines about the upstream: {lines}")
    check("start tor" in lines[0].lower(), f"the line says what to start: {lines[0]}")
    records = proxy.end()
    seen = session.of(records, "SocksResponseEnd")
    equal([(entry["reply"], entry["origin"]) for entry in seen], [(FAILED, "PROXY")] * 11, "recorded replies")
    check(all(entry.get("error") for entry in session.of(records, "ConnectEnd")), "ConnectEnd tells errno")


def test_built_in_server(box):
    hosts = box.folder / "hosts"
    hosts.write_text("# names\n127.0.0.1 one.example.test two.example.test  # both\n::1 six.example.test\n", encoding="ascii")
    listener = box.listener()
    proxy = box.proxy("--hosts", hosts)
    port = listener.getsockname()[1]
    for kind, host in [(socks.IPV4, "127.0.0.1"), (socks.DOMAIN, "127.0.0.1"), (socks.DOMAIN, "one.example.test"),
                       (socks.DOMAIN, "TWO.example.TEST"), (socks.DOMAIN, "any.localhost"), (socks.DOMAIN, "localhost")]:
        with socks.client(proxy.port, host, port, kind) as client, socks.accept(listener) as server:
            client.sendall(b"to server")
            server.sendall(b"to client")
            equal((socks.receive(server, 9), socks.receive(client, 9)), (b"to server", b"to client"), f"data for {host}")
    with socks.dial(proxy.port) as client:
        equal(socks.handshake(client, socks.request(socks.CONNECT, socks.IPV4, "127.0.0.1", box.closed_port()))[1], 5, "refused")
    with socks.dial(proxy.port) as client:
        message = socks.request(socks.CONNECT, socks.IPV4, "127.0.0.1", port)
        equal(socks.handshake(client, message, (b"any", b"one"))[1], 0, "with credentials")
    with socks.dial(proxy.port) as client:
        code = socks.handshake(client, socks.request(socks.RESOLVE, socks.DOMAIN, "localhost", 0))[1]
        check(code in (0, UNSUPPORTED), f"reply to RESOLVE {code:#04x}")
    equal(session.of(proxy.end(), "ResolveStart"), [], "names asked for, although they are known here")


def test_built_in_server_ipv6(box):
    try:
        listener = box.closing.enter_context(socket.create_server(("::1", 0), family=socket.AF_INET6))
    except OSError as error:
        raise harness.Skip("no IPv6 on loopback") from error
    listener.settimeout(harness.PATIENCE_SECONDS)
    hosts = box.folder / "hosts"
    hosts.write_text("::1 six.example.test\n127.0.0.1 both.example.test\n::1 both.example.test\n", encoding="ascii")
    proxy = box.proxy("--hosts", hosts)
    for kind, host in [(socks.IPV6, "::1"), (socks.DOMAIN, "::1"), (socks.DOMAIN, "six.example.test"), (socks.DOMAIN, "both.example.test")]:
        with socks.client(proxy.port, host, listener.getsockname()[1], kind) as client, socks.accept(listener) as server:
            client.sendall(b"six")
            equal(socks.receive(server, 3), b"six", f"data for {host}")
    records = proxy.end()
    check(all(entry["address"] in ("::1", "127.0.0.1") for entry in session.of(records, "ConnectStart")), "addresses")


def test_time_of_what_had_to_wait(box):
    """A read that takes what came while nothing was read tells that its beginning may be older than its time."""
    proxy, listener = with_upstream(box)
    message = socks.request(socks.CONNECT, socks.DOMAIN, "name.example", 80)
    with socks.dial(proxy.port) as client:
        client.sendall(socks.greeting(0))
        with socks.accept(listener) as upstream:
            socks.receive(upstream, 3)  # from now on the client is not read
            first = time.monotonic_ns()
            client.sendall(message[:5])
            time.sleep(0.3)
            client.sendall(message[5:])
            upstream.sendall(b"\x05\x00")
            equal(socks.receive(upstream, len(message)), message, "request")
    records = proxy.end()
    request = one(records, "SocksRequestStart")
    late = records[0]["monotonic_ns"] + request["t_ns"] - first
    check(late >= 0, f"{-late} ns early")
    in_time(late <= request.get("t_slack_ns", 0) + 1e6, f"{late} ns late, t_slack_ns is {request.get('t_slack_ns')}")


def test_upstream_that_is_no_socks_proxy(box):
    """The user is told, once."""
    proxy, listener = with_upstream(box)
    for _ in range(3):
        with socks.dial(proxy.port) as client:
            client.sendall(socks.greeting(0) + socks.request(socks.CONNECT, socks.DOMAIN, "name.example", 80))
            with socks.accept(listener) as upstream:
                upstream.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                socks.receive_all(client)
    equal(len(re.findall(r"cannot use the upstream .*-u", proxy.err())), 1, "lines about the upstream")
    proxy.end()


def test_thousand_connections(box):
    harness.raise_file_limit()
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if limit < 4200:
        raise harness.Skip(f"may open only {limit} files")
    listener = box.listener()
    proxy = box.proxy()
    pairs = []
    for _ in range(1000):
        client = box.closing.enter_context(socks.client(proxy.port, "127.0.0.1", listener.getsockname()[1]))
        pairs.append((client, box.closing.enter_context(socks.accept(listener))))
    for number, (client, _) in enumerate(pairs):
        client.sendall(b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % number)
    for number, (_, server) in enumerate(pairs):
        wanted = b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % number
        equal(socks.receive(server, len(wanted)), wanted, "request")
        server.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n%05d" % number)
    for number, (client, _) in enumerate(pairs):
        equal(socks.receive(client, 43)[-5:], b"%05d" % number, "response")
    for peers in pairs:
        for peer in peers:
            peer.close()
    exchanges = session.exchanges(proxy.end())
    equal(sorted(int(exchange["path"][1:]) for exchange in exchanges), list(range(1000)), "recorded requests")
    equal({exchange["response_bytes"] for exchange in exchanges}, {5}, "recorded sizes")


def test_no_files_left(box):
    """Out of file descriptors: the connections that are there go on, the proxy does not spin, later ones work again."""
    proxy = box.proxy(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (48, 48)))
    listener = box.listener()
    port = listener.getsockname()[1]
    first = box.closing.enter_context(socks.client(proxy.port, "127.0.0.1", port))
    first_server = box.closing.enter_context(socks.accept(listener))
    crowd = [socks.dial(proxy.port) for _ in range(80)]
    for client in crowd:
        client.sendall(socks.greeting(0) + socks.request(socks.CONNECT, socks.IPV4, "127.0.0.1", port))
    before = proxy.cpu_seconds()
    for _ in range(100):
        first.sendall(b"x" * 1000)
        equal(len(socks.receive(first_server, 1000)), 1000, "data on the first connection")
    time.sleep(0.5)  # in which nothing happens
    in_time(proxy.cpu_seconds() - before < 0.25, f"the proxy spins: {proxy.cpu_seconds() - before} s of CPU")
    equal(proxy.err().count("ulimit -n"), 1, "lines that say what to do")
    for client in crowd:
        client.close()

    def works_again():
        try:
            socks.client(proxy.port, "127.0.0.1", port).close()
            return True
        except OSError:
            return False

    wait_until(works_again, "a new connection works")
    proxy.end()


def test_no_files_left_for_the_upstream(box):
    """A client gets reply 01 then, and the user is not told to start Tor."""
    listener = box.listener()
    upstream = f"socks5://127.0.0.1:{listener.getsockname()[1]}"
    proxy = box.proxy(upstream=upstream, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (32, 32)))
    message = socks.greeting(0) + socks.request(socks.CONNECT, socks.DOMAIN, "name.example", 80)
    crowd = [box.closing.enter_context(socks.dial(proxy.port)) for _ in range(40)]
    for client in crowd:
        client.sendall(message)
    proxy.wait_for("ulimit -n")

    def refused():
        answers = []
        for client in crowd:
            client.settimeout(0.01)
            try:
                answers.append(client.recv(100, socket.MSG_PEEK))
            except (TimeoutError, OSError):
                pass
        return [answer for answer in answers if answer[:4] == bytes([5, 0, 5, FAILED])]

    wait_until(refused, "some clients get reply 01")
    check("systemctl" not in proxy.err(), proxy.err())
    equal(proxy.err().count("ulimit -n"), 1, "lines that say what to do")
    for client in crowd:
        client.close()
    proxy.end()


if __name__ == "__main__":
    harness.run(globals())
