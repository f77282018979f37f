#!/usr/bin/env python3
"""The live view in real browsers: Chromium and Firefox browse through mitm-proxy, open http://mitm.proxy, and use it.

What they do stands in live.mjs; here is what they meet: a site, a hostile one, and hostile clients beside them.
"""
import contextlib
import json
import os
import shutil
import socketserver
import sys
import threading
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "lib")]
import harness
import session
import socks
from harness import Skip, check, equal

PROGRAMS = {"chromium": ["/usr/lib/chromium/chromium", "chromium"], "firefox": ["firefox-esr", "firefox"]}
SCRIPT = "<script>pwned()</script>"
IMAGE = "\"'><img/src=x/onerror=pwned()>"
# Seven places that an attacker fills, and what must be shown of each.
TARGET = f"/target{IMAGE}"
HEADER_NAME, HEADER_VALUE = "X-'name`&lt", f"value{SCRIPT}"  # what a field's name may hold (RFC 9110, 5.6.2)
USER_AGENT = f"agent{IMAGE}"
REASON = f"reason{SCRIPT}"
HOST = "<svg/onload=pwned()>.evil.test"
USER_NAME = f"user{SCRIPT}:0"
MARK = f"mark{IMAGE}"
TEXTS = [TARGET, HEADER_NAME, HEADER_VALUE, USER_AGENT, REASON, HOST, USER_NAME, MARK]


def program(browser):
    found = next((path for path in map(shutil.which, PROGRAMS[browser]) if path), None)
    if not found:
        raise Skip(f"there is no {browser}")
    if not shutil.which("node") or not (HERE / "node_modules" / "puppeteer-core").is_dir():
        raise Skip("puppeteer-core is not installed (npm ci in tests/browser)")
    return found


class Site(socketserver.ThreadingTCPServer):
    """Answers every request with a small page; keeps what it was asked for."""

    allow_reuse_address, daemon_threads = True, True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answer)
        self.paths = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def url(self, host):
        return f"http://{host}:{self.server_address[1]}/"


class Answer(socketserver.StreamRequestHandler):
    PAGE = b"<!doctype html><title>page</title><link rel=icon href='data:,'><p>A page."

    def handle(self):
        with contextlib.suppress(ConnectionError):  # browsers come and go
            self.answer()

    def answer(self):
        while line := self.rfile.readline(65536):
            target = line.split(b" ", 1)[1].rsplit(b" ", 1)[0].decode("latin-1")
            while self.rfile.readline(65536) not in (b"\r\n", b""):
                pass
            self.server.paths.append(target)
            reason = REASON if "hostile" in target or "target" in target else "OK"
            field = f"{HEADER_NAME}: {HEADER_VALUE}\r\n" if reason == REASON else ""
            head = f"HTTP/1.1 200 {reason}\r\nContent-Type: text/html\r\n{field}Content-Length: {len(self.PAGE)}\r\n\r\n"
            self.wfile.write(head.encode("latin-1") + self.PAGE)


def attack_with_bytes(proxy, site):
    """What no browser would send: markup in the request target, in header fields, as a host name, as SOCKS user name."""
    port = site.server_address[1]
    with socks.dial(proxy.port) as client:
        client.sendall(socks.greeting(socks.PASSWORD))
        equal(socks.receive(client, 2), b"\x05\x02", "method")
        client.sendall(socks.credentials(USER_NAME.encode(), b"secret"))
        equal(socks.receive(client, 2), b"\x01\x00", "status")
        client.sendall(socks.request(socks.CONNECT, socks.DOMAIN, "127.0.0.1", port))
        equal(socks.receive(client, 10)[1], 0, "reply")
        request = f"GET {TARGET} HTTP/1.1\r\nHost: evil.test\r\nUser-Agent: {USER_AGENT}\r\nConnection: close\r\n\r\n"
        client.sendall(request.encode("latin-1"))
        socks.receive(client, 40)
    with socks.dial(proxy.port) as client:
        client.sendall(socks.greeting(socks.NO_AUTH))
        socks.receive(client, 2)
        client.sendall(socks.request(socks.CONNECT, socks.DOMAIN, HOST, 80))
        check(socks.receive(client, 10)[1] != 0, "a host of markup was found")


def drive(box, browser, scenario, *options, scripts=True, hostile=False):
    """Run one scenario; return (what it has seen, the session's records)."""
    path = program(browser)
    site = box.closing.enter_context(Site())
    hosts = box.folder / "hosts"
    hosts.write_text("127.0.0.1 www.site.test www.evil.test nosuch.proxy\n", encoding="ascii")  # nothing listens at nosuch.proxy:80
    proxy = box.proxy("--hosts", hosts, *options)
    if hostile:
        attack_with_bytes(proxy, site)
    plan = {"browser": browser, "program": path, "proxy": proxy.port, "scenario": scenario, "scripts": scripts,
            "site": site.url("www.site.test"), "hostile": site.url("www.evil.test") + "hostile", "texts": TEXTS}
    node = box.program("node", ["node", HERE / "live.mjs", json.dumps(plan)], env={**os.environ, "HOME": str(box.folder)})
    status = node.wait(150)
    equal(status, 0, node.err()[-4000:])
    seen = json.loads(node.out())
    print(f"{browser}, {scenario}{'' if scripts else ', no scripts'}: {seen}")
    records = proxy.end()
    asked = {entry["host"] for entry in session.of(records, "SocksRequestStart")}
    check(not any(b"mitm.proxy" in host for host in asked), f"the view's connections are in the session: {asked}")
    return seen, records


def settings_of(records):
    return [entry for entry in session.of(records, "Settings")]


def check_settings(records):
    asked = [entry.get("request_delay") for entry in settings_of(records)]
    wanted = {"min_ns": 400_000_000, "max_ns": 400_000_000}
    check(wanted in asked, f"request delays set: {asked}")
    equal(asked[-1], None, "the last request delay")
    delays = session.of(records, "Delay")
    check(delays and all(entry["drawn_ns"] == 400_000_000 for entry in delays), f"delays: {delays}")
    equal([entry["text"] for entry in session.of(records, "Mark")], [b"now with the new relay"], "marks")


def check_untouched(records):
    equal(session.of(records, "Mark"), [], "marks")
    check(not any("request_delay" in entry for entry in settings_of(records)), "a foreign page has changed the settings")


def test_chromium_follow(box):
    drive(box, "chromium", "follow")


def test_firefox_follow(box):
    drive(box, "firefox", "follow")


def test_chromium_follow_without_scripts(box):
    drive(box, "chromium", "follow", scripts=False)


def test_firefox_follow_without_scripts_and_svg(box):
    drive(box, "firefox", "follow", scripts=False)


def test_chromium_settings(box):
    check_settings(drive(box, "chromium", "settings")[1])


def test_firefox_settings(box):
    check_settings(drive(box, "firefox", "settings")[1])


def test_firefox_settings_without_scripts(box):
    check_settings(drive(box, "firefox", "settings", scripts=False)[1])


def test_chromium_hostile(box):
    drive(box, "chromium", "hostile", "--mark", MARK, hostile=True)


def test_firefox_hostile(box):
    drive(box, "firefox", "hostile", "--mark", MARK, hostile=True)


def test_chromium_foreign(box):
    check_untouched(drive(box, "chromium", "foreign")[1])


def test_firefox_foreign(box):
    check_untouched(drive(box, "firefox", "foreign")[1])


def test_chromium_accessible(box):
    drive(box, "chromium", "accessible", hostile=True)


if __name__ == "__main__":
    harness.run(globals())
