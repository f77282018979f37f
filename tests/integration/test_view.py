#!/usr/bin/env python3
"""The view, as mitm-analyze serve: what it shows, whom it refuses, that it keeps up with a file that grows, and its memory.

Requests are written by hand (http.client only reads the answers), so that their header lines are what a browser, curl or
a hostile page would send.
"""
import contextlib
import html
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.parse
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
import harness
import session
import socks
from harness import ROOT, check, equal, in_time, wait_until

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
HTML = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
SAMPLE = ROOT / "samples" / "firefox.mitm"
SAFE_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
POLICY = {"default-src 'none'", "img-src 'self'", "style-src 'self'", "script-src 'self'", "connect-src 'self'", "form-action 'self'",
          "base-uri 'none'", "frame-ancestors 'none'"}
FILE_POLICY = {"default-src 'none'", "img-src data:", "style-src 'unsafe-inline'", "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'"}


class View:
    """A mitm-analyze serve."""

    def __init__(self, box, path, *options):
        # LeakSanitizer stops the process from another one, which the sandbox does not let it start.
        environment = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}
        self.program = box.program("serve", [box.analyze_program, "serve", "--port", "0", *options, path], env=environment)
        self.port = int(self.program.wait_for(r"^http://127\.0\.0\.1:(\d+)/ ", self.program.out)[1])
        self.host = f"127.0.0.1:{self.port}"
        self.key = re.search(r"key=([0-9a-f]{32})", self.get("/").text)[1]

    def connect(self, receive_bytes=None):
        peer = socket.socket()
        peer.settimeout(harness.PATIENCE_SECONDS)
        if receive_bytes:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        peer.connect(("127.0.0.1", self.port))
        return peer

    def send(self, peer, target, method="GET", body=b"", **fields):
        """Send a request as Firefox would; fields override its header lines (None: leave out), '_' stands for '-'."""
        lines = {"Host": self.host, "User-Agent": FIREFOX, "Accept": HTML}
        if method == "POST":
            lines |= {"Content-Type": "application/x-www-form-urlencoded", "Content-Length": len(body)}
        lines |= {name.replace("_", "-"): value for name, value in fields.items()}
        head = f"{method} {target} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items() if value is not None)
        peer.sendall(head.encode() + b"\r\n" + body)

    def ask(self, target, method="GET", body=b"", **fields):
        with self.connect() as peer:
            self.send(peer, target, method, body, **fields)
            answer = http.client.HTTPResponse(peer, method=method)
            answer.begin()
            answer.body = answer.read()
            answer.text = answer.body.decode(errors="replace")
            return answer

    def get(self, target, **fields):
        return self.ask(target, **fields)

    def part(self, name, query="", **fields):
        return self.ask(f"/{name}?{query}{'&' if query else ''}key={self.key}", **{"Accept": "*/*", **fields})

    def events(self):
        peer = self.connect()
        self.send(peer, f"/events?key={self.key}", Accept="text/event-stream")
        return peer, peer.makefile("rb")

    def memory_bytes(self):
        status = Path(f"/proc/{self.program.pid}/status").read_text(encoding="ascii")
        return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) * 1024


def policy_of(answer):
    return {directive.strip() for directive in answer.getheader("Content-Security-Policy", "").split(";")}


def check_safe(answer, what, policy=None):
    for name, value in SAFE_HEADERS.items():
        equal(answer.getheader(name), value, f"{what}: {name}")
    equal(policy_of(answer), policy or POLICY, f"{what}: policy")


# ---------------------------------------------------------------- what is there

def test_routes(box):
    view = View(box, SAMPLE)
    parts = {  # name: (media type, how it begins)
        "graph.svg": ("image/svg+xml", b"<?xml"),
        "graph.png": ("image/png", b"\x89PNG\r\n\x1a\n"),
        "graph.pdf": ("application/pdf", b"%PDF-"),
        "requests.csv": ("text/csv; charset=utf-8; header=present", b""),
        "report.html": ("text/html; charset=utf-8", b"<!DOCTYPE html>"),
        "session.mitm": ("application/octet-stream", SAMPLE.read_bytes()[:64]),
        "style.css": ("text/css; charset=utf-8", b""),
        "script.js": ("text/javascript; charset=utf-8", b""),
    }
    page = view.get("/")
    equal(page.status, 200, "the page")
    check_safe(page, "the page")
    for prefix in ("", "sample/"):
        for name, (kind, begin) in parts.items():
            what = prefix + name
            answer = view.part(what)
            equal((answer.status, answer.getheader("Content-Type")), (200, kind), what)
            check_safe(answer, what, FILE_POLICY if name in ("report.html", "graph.svg") else None)
            if what == "sample/session.mitm":  # it is built in compressed
                begin = b"\x28\xb5\x2f\xfd"
            check(answer.body.startswith(begin) and len(answer.body) > 100, what)
            head = view.ask(f"/{what}?key={view.key}", method="HEAD", Accept="*/*")
            equal((head.status, head.body, head.getheader("Content-Length")), (200, b"", str(len(answer.body))), f"HEAD {what}")
            # The other way round: nothing of it without the key.
            equal(view.get(f"/{what}").status, 403, f"{what} without the key")
    equal(view.part("session.mitm").body, SAMPLE.read_bytes(), "the session")
    equal(view.part("session.mitm").getheader("Content-Disposition"), 'attachment; filename="firefox.mitm"', "its name")
    packed = box.folder / "sample.mitm.zst"
    packed.write_bytes(view.part("sample/session.mitm").body)
    check(b"whole" in box.analyze("check", packed).stdout, "the sample's session")
    pac = view.get("/proxy.pac")
    equal((pac.status, pac.getheader("Content-Type")), (200, "application/x-ns-proxy-autoconfig"), "proxy.pac")
    listen = json.loads(box.analyze("events", "--format", "jsonl", SAMPLE).stdout.splitlines()[0])
    check("FindProxyForURL" in pac.text and find(listen, "listen_address") in pac.text, f"proxy.pac: {pac.text}")
    equal(view.get("/nothing").status, 404, "an unknown page")
    icon = view.get("/favicon.ico", Accept="image/avif,image/webp,*/*")
    equal((icon.status, icon.body), (204, b""), "no icon, and no error")
    check_safe(icon, "no icon")
    equal(view.get("/favicon.ico").status, 403, "a window or frame of another page cannot tell it from a page")
    equal(view.get("/sample").status, 404, "an unknown page")
    equal(view.part("events").status, 204, "nothing will change")
    for method in ("PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"):
        equal(view.ask("/", method=method).status, 405, method)
    equal(view.program.stop(), 0, "status")


def find(value, name):
    """The first member `name` somewhere in the nested `value`."""
    if isinstance(value, dict):
        if name in value:
            return value[name]
        return next((found for found in (find(member, name) for member in value.values()) if found), None)
    return None


def test_queries(box):
    view = View(box, SAMPLE)
    whole = view.get("/").text
    check("?&" not in view.part("graph.png", "&dark=1").text and view.part("graph.png", "&dark=1").status == 200, "an empty piece")
    check(view.part("graph.png", "dark=1").body != view.part("graph.png").body, "dark")
    one = view.get("/?connection=1").text
    check(len(one) < len(whole), "one connection is less than all")
    for query in ("from=x", "to=1&from=2", "connection=-1", "part=zero", "headers=some", "page=99999999999999999999"):
        answer = view.get(f"/?{query}")
        equal(answer.status, 400, query)
        check("role=\"status\"" in answer.text, f"{query}: it says what is wrong")
    for query in ("session=9", "part=5", "connection=9999", "server=nowhere.example", "from=1e9", "%zz=%zz", "a=%00", "&&&=", "=", "x" * 3000):
        check(view.get(f"/?{query}").status in (200, 400), query)
    equal(view.get("/?refresh=7").getheader("Refresh"), "7", "refresh")
    equal(view.get("/?refresh=86400").getheader("Refresh"), "3600", "refresh, at most")
    equal(view.get("/").getheader("Refresh"), None, "no refresh")
    check("The mark is set." in view.get("/?done=mark").text, "a message")
    check("vile" not in view.get("/?done=vile<b>").text, "no message of somebody else's")
    headers = view.get("/?headers=all").text
    check("user-agent" not in whole.lower() and "user-agent" in headers.lower(), "header lines are read when they are asked for")
    equal(view.get("/?headers=all").text, headers, "again")
    first = view.get("/?headers=all&connection=2").text
    check(len(first) < len(headers), "of one connection")
    equal(view.get("/?headers=all").text, headers, "and of all again")


# ---------------------------------------------------------------- whom it refuses

def test_refusals(box):
    view = View(box, SAMPLE)
    own = f"http://{view.host}"
    evil = "http://evil.example"
    allowed = [{}, {"Host": f"localhost:{view.port}"}, {"Host": f"[::1]:{view.port}"}, {"Sec_Fetch_Site": "none"}, {"Sec_Fetch_Site": "same-origin"},
               {"Referer": f"{own}/?page=1"}, {"Accept": "*/*", "User_Agent": "curl/7.88.1"}, {"Accept": None, "User_Agent": None}]
    refused = [{"Host": "mitm.proxy"}, {"Host": "evil.example"}, {"Host": None}, {"Host": "127.0.0.1"}, {"Host": f"127.0.0.1:{view.port + 1}"},
               {"Sec_Fetch_Site": "cross-site"}, {"Sec_Fetch_Site": "same-site"}, {"Origin": evil}, {"Origin": "null"}, {"Referer": f"{evil}/"},
               {"Referer": f"{own}.evil.example/"}, {"Accept": "*/*"}, {"Accept": "image/avif,image/webp,*/*;q=0.8"}, {"Accept": None}]
    for fields in allowed:
        equal(view.get("/", **fields).status, 200, f"page with {fields}")
    for fields in refused:
        answer = view.get("/", **fields)
        equal(answer.status, 403, f"page with {fields}")
        check_safe(answer, f"page with {fields}")
        check("sample page" not in answer.text and view.key not in answer.text, "nothing about the session")
    for target in ("/graph.png", "/session.mitm", "/events", "/script.js", "/report.html"):
        for key in ("", "?key=", f"?key={'0' * 32}", f"?key={view.key}0", f"?key={view.key[:-1]}"):
            equal(view.get(target + key).status, 403, target + key)
        equal(view.get(f"{target}?key={view.key}", Origin=evil).status, 403, f"{target} with the key, for another origin")
        equal(view.get(f"{target}?key={view.key}", Sec_Fetch_Site="cross-site").status, 403, f"{target} with the key, cross-site")
    equal(view.get(f"http://{view.host}/").status, 403, "a target in absolute form")
    with view.connect() as peer:
        peer.sendall(f"GET / HTTP/1.1\r\nHost: {view.host}\r\nHost: {view.host}\r\nAccept: text/html\r\n\r\n".encode())
        answer = http.client.HTTPResponse(peer)
        answer.begin()
        equal(answer.status, 403, "two Host lines")


def test_changes_are_refused(box):
    view = View(box, SAMPLE)
    form = f"key={view.key}&mark=now".encode()
    equal(view.ask("/settings", "POST", b"mark=now").status, 403, "without the key")
    equal(view.ask("/settings", "POST", form, Origin="http://evil.example").status, 403, "for another origin")
    equal(view.ask("/settings", "POST", form, Origin="null", Host="evil.example").status, 403, "for another host")
    for origin in (None, "null", f"http://{view.host}"):
        answer = view.ask("/settings", "POST", form, Origin=origin)
        equal(answer.status, 422, "there is no proxy to ask")
        check("Nothing can be changed here." in answer.text, "it says so")
    equal(view.ask("/elsewhere", "POST", form).status, 404, "elsewhere")
    equal(view.ask("/settings", "POST", f"key={view.key}&mark=a%00b".encode()).status, 400, "a NUL")
    check(view.ask("/settings", "POST", f"key={view.key}&mark={'x' * 20000}".encode()).status in (400, 413), "too long")
    equal(view.get("/").status, 200, "it goes on")




def test_other_users(box):
    if os.geteuid() != 0:
        raise harness.Skip("only root can be another user")
    view = View(box, SAMPLE)
    answer = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "python3", "-c",
                             "import sys,urllib.request,urllib.error\n"
                             "try: print(urllib.request.urlopen(sys.argv[1]).status)\n"
                             "except urllib.error.HTTPError as e: print(e.code)", f"http://{view.host}/"],
                            capture_output=True, text=True, check=False, cwd="/")
    equal(answer.stdout.strip(), "403", f"another user: {answer.stderr}")
    equal(view.get("/").status, 200, "the same user")


# ---------------------------------------------------------------- live

def exchange(proxy, listener, target):
    """One request through the proxy."""
    client = socks.client(proxy.port, "127.0.0.1", listener.getsockname()[1])
    server = socks.accept(listener)
    with client, server:
        client.sendall(f"GET {target} HTTP/1.1\r\nHost: a.example\r\nX-Secret: s\r\n\r\n".encode())
        server.recv(65536)
        server.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
        socks.receive(client, 43)


def next_event(stream):
    """The data of the next event."""
    while line := stream.readline():
        if line.startswith(b"data: "):
            return line[6:].strip()
    raise AssertionError("the stream has ended")


def test_live(box):
    proxy, listener = box.proxy(), box.listener()
    wait_until(lambda: proxy.path.exists() and proxy.path.stat().st_size > 0, "the session begins")
    view = View(box, proxy.path, "--follow")
    peer, events = view.events()
    with peer:
        seen = [next_event(events)]
        for i in range(3):
            exchange(proxy, listener, f"/number-{i}")
            begin = time.monotonic()
            seen.append(next_event(events))
            in_time(time.monotonic() - begin < 10, "soon")
            wait_until(lambda: f"/number-{i}" in view.get("/").text, "the page shows the request")
        equal(len(set(seen)), len(seen), "each event has another number")
        # The session so far is a valid file.
        sofar = box.folder / "sofar.mitm"
        sofar.write_bytes(view.part("session.mitm").body)
        judged = box.analyze("check", sofar)
        check(b"cut off" in judged.stdout + judged.stderr and b"damage" not in judged.stdout + judged.stderr, judged)
        check(proxy.path.read_bytes().startswith(sofar.read_bytes()), "the same bytes")
        headers = view.get("/?headers=all").text
        check("X-Secret" in headers, "header lines of a growing file")
        exchange(proxy, listener, "/number-last")
        wait_until(lambda: "/number-last" in view.get("/?headers=all").text, "and of what has come since")
        proxy.end()
        next_event(events)
    # Live equals offline, but for the lines that say so.
    out = box.folder / "report.html"
    for query, options in (("", []), ("headers=all", ["--headers", "all"]), ("connection=2", ["--connection", "2"])):
        equal(box.analyze("report", "-o", out, *options, proxy.path).returncode, 0, "report")
        same = [[line for line in text.splitlines() if b'class="live' not in line] for text in (view.part("report.html", query).body, out.read_bytes())]
        equal(same[0], same[1], f"live equals offline: {query}")
        check(len(same[0]) > 50, "there is something to compare")
    equal(view.part("session.mitm").body, proxy.path.read_bytes(), "the whole session")
    equal(view.program.stop(), 0, "status")


def test_replaced_file(box):
    path = box.folder / "session.mitm"
    data = SAMPLE.read_bytes()
    path.write_bytes(data[:100000])
    view = View(box, path, "--follow")
    check("has been removed" not in view.get("/").text, "all is well")
    path.unlink()
    check("has been removed" in view.get("/").text, "it is removed")
    path.write_bytes(data)
    check("another file" in view.get("/").text, "another one is there")
    equal(view.part("report.html").status, 200, "still shown")


def test_damaged_file(box):
    path = box.folder / "session.mitm"
    data = bytearray(SAMPLE.read_bytes())
    data[150000:150100] = bytes(100)
    path.write_bytes(data)
    check("damaged from byte" in View(box, path).get("/").text, "damage is told")
    path.write_bytes(data[:50000])
    check("cut off" in View(box, path).get("/").text, "a cut is told")
    path.write_bytes(b"GIF89a no session at all")
    missing = box.analyze("serve", box.folder / "none.mitm")
    equal(missing.returncode, 3, "no such file")


# ---------------------------------------------------------------- settings

class LiveView(View):
    """The view of a mitm-proxy that runs, as a browser gets it: through the proxy."""

    def __init__(self, proxy):  # pylint: disable=super-init-not-called
        self.proxy = proxy
        self.host = "mitm.proxy"
        self.key = re.search(r"key=([0-9a-f]{32})", self.get("/").text)[1]

    def connect(self, receive_bytes=None):
        peer = socks.client(self.proxy.port, "mitm.proxy", 80)
        peer.settimeout(harness.PATIENCE_SECONDS)
        return peer

    def post(self, back="", **values):
        """Send a form as its button does; names have '_' for '-'."""
        form = {"key": self.key, "back": back, **{name.replace("_", "-"): value for name, value in values.items()}}
        return self.ask("/settings", "POST", urllib.parse.urlencode(form).encode(), Origin="null", Sec_Fetch_Site="same-origin")

    def change(self, done, **values):
        """Send a form and follow to the page that says `done`; return it."""
        answer = self.post(**values)
        equal((answer.status, answer.getheader("Location")), (303, f"/?done={done}"), f"{values}: {answer.text}")
        check_safe(answer, "the redirect")
        return self.get(answer.getheader("Location")).text


def value_of(page, name):
    """What the form of a page shows as the value of an input."""
    return html.unescape(re.search(rf'<input name="{name}"[^>]* value="([^"]*)"', page)[1])


def choice_of(page, name):
    choices = re.search(rf'<select name="{name}">(.*?)</select>', page)[1]
    return re.search(r'value="([^"]*)" selected', choices)[1]


FORMS = [  # (names and values, what the page shows then)
    ({"connect_delay": "300ms"}, lambda page: value_of(page, "connect-delay") == "300ms"),
    ({"connect_delay": ""}, lambda page: value_of(page, "connect-delay") == ""),
    ({"request_delay": "0.2s..1500us", "seed": "7"}, None),
    ({"request_delay": "1.5ms..20s", "seed": "7"}, lambda page: (value_of(page, "request-delay"), value_of(page, "seed")) == ("0.0015s..20s", "7")),
    ({"request_delay": "none", "seed": "18446744073709551615"}, lambda page: value_of(page, "seed") == "18446744073709551615"),
    ({"seed": ""}, lambda page: value_of(page, "seed") == ""),
    ({"rate_down": "50K"}, lambda page: value_of(page, "rate-down") == "51200"),
    ({"rate_up": "1M"}, lambda page: value_of(page, "rate-up") == "1048576"),
    ({"rate_down_total": "70000"}, lambda page: value_of(page, "rate-down-total") == "70000"),
    ({"rate_up_total": "1G", "rate_down": ""}, lambda page: (value_of(page, "rate-up-total"), value_of(page, "rate-down")) == ("1073741824", "")),
    ({"rate_up_total": "", "rate_up": "none", "rate_down_total": "none"}, lambda page: value_of(page, "rate-up-total") == ""),
    ({"upstream": "socks"}, lambda page: choice_of(page, "upstream") == "socks"),
    ({"upstream": "direct"}, lambda page: choice_of(page, "upstream") == "direct"),
    ({"headers": "all"}, lambda page: choice_of(page, "headers") == "all"),
    ({"headers": "first"}, lambda page: choice_of(page, "headers") == "first"),
    ({"recording": "pause"}, lambda page: 'value="resume"' in page),
    ({"recording": "resume"}, lambda page: 'value="pause"' in page),
    ({"mark": "now <b>with</b> the \u201cnew\u201d relay"}, lambda page: "now &lt;b&gt;with&lt;/b&gt; the \u201cnew\u201d relay" in page),
]


def test_settings(box):
    """The page that a form leads to shows what was set: the change is waited for until it has come through the file."""
    view = LiveView(box.proxy())
    for round_number in range(20):
        for values, shows in FORMS:
            if "mark" in values:
                values = {"mark": f"{values['mark']} {round_number}"}
            if shows:
                done = values.get("recording") or ("mark" if "mark" in values else "settings")
                page = view.change(done, **values)
                check(shows(page), f"round {round_number}: {values}: {re.sub('.*<h2 id=.settings.>', '', page, flags=re.S)}")
                check("role=\"status\"" in page, "it says that it was done")
            else:
                equal(view.post(**values).status, 422, f"{values}")
        check(f"relay {round_number}<" in page, "the latest mark")
    check(f"<title>{view.proxy.path.name} – MITM</title>" in page, "the title is the file's name without its folders")
    records = view.proxy.end()
    equal(len(session.of(records, "Mark")), 20, "marks")
    equal(len(session.of(records, "Pause")), 20, "pauses")


def test_unchanged_and_refused(box):
    view = LiveView(box.proxy())
    view.change("settings", rate_down="50K")
    for values, done in (({"rate_down": "51200"}, "settings"), ({"recording": "resume"}, "resume"), ({"mark": ""}, "mark")):
        begin = time.monotonic()
        view.change(done, **values)
        in_time(time.monotonic() - begin < 0.8, f"{values}: nothing is waited for where nothing changes")
    equal(view.post("connection=1&headers=all&evil=1&from=2", mark="x").getheader("Location"), "/?from=2&connection=1&headers=all&done=mark", "back where one was")
    for values, reason in (({"rate_down": "fast"}, "rate-down: give bytes per second"), ({"connect_delay": "2s..1s"}, "connect-delay: give a time"),
                           ({"seed": "-1"}, "seed: give a whole number"), ({"mark": "x" * 201}, "mark: give one line"), ({"mark": "a\tb"}, "control characters"),
                           ({"headers": "none"}, "headers: give first or all"), ({"recording": "stop"}, "give pause or resume"),
                           ({"upstream": "http://evil"}, "upstream: give socks or direct"), ({"no_such": "1"}, "There is no setting of this name."),
                           ({"mark": "y", "rate_up": "<b>"}, "rate-up: give bytes per second"), ({}, "There is nothing to change.")):
        answer = view.post(**values)
        equal(answer.status, 422, f"{values}")
        check_safe(answer, f"{values}")
        check(f'<p class="warning" role="status">{reason}' in answer.text or reason in html.unescape(answer.text), f"{values}: it says {reason}")
        equal(value_of(answer.text, "rate-down"), "51200", "all is as it was")
    marks = session.of(view.proxy.end(), "Mark")
    equal([mark["text"] for mark in marks], [b"x"], "nothing of what was refused")


class DirectView(LiveView):
    """The same view, reached past the proxy: over the Unix socket that the proxy relays to."""

    def connect(self, receive_bytes=None):
        folder = Path(f"/proc/{self.proxy.pid}/fd")
        paths = [fd for fd in folder.iterdir() if re.search(r"/mitm-view-\w+/s( \(deleted\))?$", os.readlink(fd))]
        peer = socket.socket(socket.AF_UNIX)
        peer.settimeout(harness.PATIENCE_SECONDS)
        peer.connect(str(paths[0]))
        return peer


def test_proxy_that_does_not_answer(box):
    """The view gives up after two seconds, and says that it does not know; meanwhile it serves others."""
    proxy = box.proxy()
    view = DirectView(proxy)
    form = f"key={view.key}&mark=late".encode()
    os.kill(proxy.pid, signal.SIGSTOP)
    try:
        with view.connect() as peer:
            begin = time.monotonic()
            view.send(peer, "/settings", "POST", form)
            equal(view.get("/").status, 200, "others are served")
            in_time(time.monotonic() - begin < 1.9, "at once")
            answer = http.client.HTTPResponse(peer, method="POST")
            answer.begin()
            seconds = time.monotonic() - begin
            equal(answer.status, 422, "no answer")
            check("The proxy has not answered in time" in answer.read().decode(), "it says so")
            in_time(1.9 < seconds < 5, f"after two seconds: {seconds}")
        # So many may wait; another one is refused at once. None of them harms the others.
        with contextlib.ExitStack() as stack:
            peers = [stack.enter_context(view.connect()) for _ in range(17)]
            for peer in peers:
                view.send(peer, "/settings", "POST", form)
            texts = []
            for peer in peers:
                answer = http.client.HTTPResponse(peer, method="POST")
                answer.begin()
                texts.append((answer.status, "has not answered in time" in answer.read().decode()))
            equal(sorted(texts), [(422, False)] + [(422, True)] * 16, "the 17th")
    finally:
        os.kill(proxy.pid, signal.SIGCONT)
    wait_until(lambda: view.get("/").text.count("<b>late</b>") == 17, "the changes are made when the proxy goes on")
    check("<b>now</b>" in view.change("mark", mark="now"), "and further ones at once; late answers are not taken for theirs")
    proxy.end()


# ---------------------------------------------------------------- misuse

MALFORMED = [b"\r\n\r\n", b"GET\r\n\r\n", b"GET /\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),
             b"GET / HTTP/1.1\r\nHost\r\n\r\n", b"GET /" + b"a" * 100000 + b" HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 20000 + b"\r\n",
             b"POST /settings HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"POST /settings HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
             b"POST /settings HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n", b"BREW / HTTP/1.1\r\n\r\n", b"GET / HTTP/1.0\r\n\r\n",
             b"POST /settings HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 100000, b"GET * HTTP/1.1\r\n\r\n", b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n",
             b"GET //evil.example/ HTTP/1.1\r\nHost: a\r\n\r\n", b"\x00" * 5000, b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"]


def test_malformed(box):
    view = View(box, SAMPLE)
    for data in MALFORMED:
        for cut in (len(data), len(data) // 2):
            with view.connect() as peer:
                try:
                    peer.sendall(data[:cut])
                    peer.shutdown(socket.SHUT_WR)
                    got = socks.receive_all(peer)
                except OSError:  # refused before all was sent
                    continue
                check(b" 200 " not in got[:20] and view.key.encode() not in got, f"{data[:40]!r}: {got[:100]!r}")
        equal(view.get("/").status, 200, f"it goes on after {data[:40]!r}")


def test_pipelined(box):
    view = View(box, SAMPLE, "--follow")
    one = f"GET / HTTP/1.1\r\nHost: {view.host}\r\nAccept: text/html\r\n\r\n".encode()
    for end in (b"", b"GET /x HTTP/1.1\r\nHo"):
        with view.connect() as peer:
            peer.sendall(one * 5 + end)
            peer.shutdown(socket.SHUT_WR)
            try:
                socks.receive_all(peer)
            except ConnectionResetError:
                pass
    with view.connect() as peer:
        peer.sendall(one * 2 + one.replace(b"Accept", b"Connection: close\r\nAccept"))
        got = socks.receive_all(peer)
    equal((got.count(b"HTTP/1.1 200 OK\r\n"), got.count(b"</html>\n")), (3, 3), "three requests, three answers")
    equal(view.get("/").status, 200, "it goes on")


def test_clients_that_leave(box):
    path = box.folder / "long.mitm"
    path.write_bytes(SAMPLE.read_bytes() * 40)
    view = View(box, path, "--follow")
    for target in (f"/?headers=all&x={view.key}", f"/graph.pdf?key={view.key}", f"/events?key={view.key}", f"/session.mitm?key={view.key}", "/"):
        for _ in range(20):
            with view.connect() as peer:
                view.send(peer, target)
                socks.reset(peer)
            with view.connect() as peer:
                view.send(peer, target)
        equal(view.get("/").status, 200, f"it goes on after {target}")
    equal(view.program.stop(), 0, "status")


def test_streams_are_bounded(box):
    view = View(box, SAMPLE, "--follow")
    streams = [view.events() for _ in range(16)]
    for _, events in streams:
        next_event(events)
    equal(view.part("events").status, 503, "the 17th")
    for peer, events in streams:
        events.close()
        peer.close()
    wait_until(lambda: stream_opens(view), "there is room again")
    equal(view.program.stop(), 0, "status, with streams open")


def stream_opens(view):
    peer, events = view.events()
    opens = b" 200 " in events.readline()
    events.close()
    peer.close()
    return opens


def test_many_connections(box):
    view = View(box, SAMPLE)
    idle = [view.connect() for _ in range(230)]  # more than are accepted; the others wait in the kernel
    for peer in idle[:200]:
        peer.close()
    equal(view.get("/").status, 200, "served when the others have left")
    for peer in idle[200:]:
        peer.close()


def test_memory(box):
    """Readers that stall, and floods of requests: memory stays what it was, but for a bound."""
    if box.sanitized():
        raise harness.Skip("sanitizers keep freed memory")
    path = box.folder / "long.mitm"
    path.write_bytes(SAMPLE.read_bytes() * 300)  # 100 MB
    view = View(box, path, "--follow")
    view.part("session.mitm")
    before = view.memory_bytes()
    stalled = []
    for _ in range(8):
        peer = view.connect(receive_bytes=4096)
        view.send(peer, f"/session.mitm?key={view.key}")
        stalled.append(peer)
    wait_until(lambda: view.part("session.mitm").status == 503, "the 9th download is refused")
    check(view.memory_bytes() - before < 16 << 20, f"stalled downloads: {before} → {view.memory_bytes()}")
    for peer in stalled:
        peer.close()
    wait_until(lambda: view.part("session.mitm").status == 200, "there is room again")
    for _ in range(5):
        flood(view, f"/graph.png?key={view.key}")
    settled = view.memory_bytes()
    for _ in range(15):
        flood(view, f"/graph.png?key={view.key}")
    check(view.memory_bytes() - settled < 16 << 20, f"a flood: {settled} → {view.memory_bytes()}")


def flood(view, target):
    """Ten requests at a time; nobody reads the answers of half of them."""
    peers = [view.connect() for _ in range(10)]
    for peer in peers:
        view.send(peer, target)
    for peer in peers[::2]:
        answer = http.client.HTTPResponse(peer)
        answer.begin()
        answer.read()
    for peer in peers:
        peer.close()


if __name__ == "__main__":
    harness.run(globals())
