#!/usr/bin/env python3
"""The built-in SOCKS5 server's names and failures, with a name server and routes of the test's own (network namespace)."""
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
import harness
import names
import session
import socks
from harness import check, equal, in_time

DNS_PORT = 53


def name_server(box, table, **more):
    """A name server that this namespace's resolver asks."""
    resolv = box.folder / "resolv.conf"
    resolv.write_text("nameserver 127.0.0.1\noptions timeout:5 attempts:1\n", encoding="ascii")
    target = Path("/etc/resolv.conf").resolve()
    subprocess.run(["mount", "--bind", resolv, target], check=True)
    box.closing.callback(subprocess.run, ["umount", target], check=True)
    server = names.NameServer(table, DNS_PORT, **more)
    box.closing.callback(server.socket.close)
    return server


def code_for(proxy, kind, host, port):
    with socks.dial(proxy.port) as client:
        return socks.handshake(client, socks.request(socks.CONNECT, kind, host, port))[1]


def test_names(box):
    listener = box.listener()
    port = listener.getsockname()[1]
    server = name_server(box, {"good.example": ["127.0.0.1"], "both.example": ["::1", "127.0.0.1"]},
                         broken=["broken.example"], mute=["mute.example"])
    proxy = box.proxy()
    for host in ("good.example", "both.example"):
        equal(code_for(proxy, socks.DOMAIN, host, port), 0, f"reply for {host}")
    check("good.example" in server.asked, "the name server was asked")
    with socks.dial(proxy.port) as waiting:
        waiting.sendall(socks.greeting(0) + socks.request(socks.CONNECT, socks.DOMAIN, "mute.example", port))
        begin = time.monotonic()
        equal(code_for(proxy, socks.DOMAIN, "good.example", port), 0, "while another name is being waited for")
        in_time(time.monotonic() - begin < 1, "one slow name holds up the others")
    for host in ("missing.example", "broken.example"):
        equal(code_for(proxy, socks.DOMAIN, host, port), 4, f"reply for {host}")
    for host in ("x.onion", "UPPER.ONION"):
        equal(code_for(proxy, socks.DOMAIN, host, port), 4, f"reply for {host}")
    check(not any(name.endswith("onion") for name in server.asked), "RFC 7686: names in .onion are not to be asked for")
    records = proxy.end()
    asked = {entry["connection"]: entry["host"].decode() for entry in session.of(records, "ResolveStart")}
    answers = {asked[entry["connection"]]: (entry.get("addresses"), "error" in entry) for entry in session.of(records, "ResolveEnd")}
    equal(answers["good.example"], (["127.0.0.1"], False), "recorded answer")
    equal(sorted(answers["both.example"][0]), ["127.0.0.1", "::1"], "recorded answer with two addresses")
    equal([answers[name] for name in ("missing.example", "broken.example")], [(None, True)] * 2, "recorded failures")


def test_second_address_is_tried(box):
    """Nobody listens on the first address, so the second one is tried."""
    hosts = box.folder / "hosts"
    hosts.write_text("127.0.0.9 two.example\n127.0.0.1 two.example\n", encoding="ascii")
    proxy, listener = box.proxy("--hosts", hosts), box.listener()
    equal(code_for(proxy, socks.DOMAIN, "two.example", listener.getsockname()[1]), 0, "reply")
    records = proxy.end()
    tried = [(entry["address"], bool(entry.get("error"))) for entry in session.of(records, "ConnectEnd")]
    equal(tried, [("127.0.0.9", True), ("127.0.0.1", False)], "connects")


def test_failures(box):
    subprocess.run(["ip", "route", "add", "unreachable", "192.0.2.0/24"], check=True)
    proxy = box.proxy()
    equal(code_for(proxy, socks.IPV4, "192.0.2.1", 80), 4, "host unreachable")
    equal(code_for(proxy, socks.IPV4, "198.51.100.1", 80), 3, "network unreachable")
    equal(code_for(proxy, socks.IPV4, "127.0.0.1", box.closed_port()), 5, "connection refused")
    equal([entry["reply"] for entry in session.of(proxy.end(), "SocksResponseEnd")], [4, 3, 5], "recorded replies")


if __name__ == "__main__":
    harness.enter_namespaces("--net", "--mount")
    harness.run(globals())
