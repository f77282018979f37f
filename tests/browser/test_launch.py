#!/usr/bin/env python3
"""mitm-proxy --browser: the installed Firefox and Chromium load a page with a fresh profile, ask for nothing else, and
leave nothing behind, however they end.
"""
import contextlib
import http.server
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
import harness
import session
from harness import Skip, check, equal, wait_until

QUIET_SECONDS = 10
TMPDIR_MAX_BYTES = 32  # of what mitm-proxy takes
PROGRAMS = {"firefox": ["firefox-esr", "firefox"], "chromium": ["chromium"]}


def short_folder(box):
    """A folder for the browser's files, whose name is as long as it may be."""
    parent = tempfile.mkdtemp(prefix="mitm-")
    box.closing.callback(shutil.rmtree, parent, ignore_errors=True)
    folder = Path(parent, "t" * (TMPDIR_MAX_BYTES - len(parent) - 1))
    folder.mkdir()
    return folder


def launch(box, browser, *more, hosts, url, temporary=None, wrapper=(), env=os.environ):
    """Start mitm-proxy with a browser; return (program, its session, the folder where the browser's files go)."""
    temporary = temporary or short_folder(box)
    if not any(map(shutil.which, PROGRAMS[browser])):
        raise Skip(f"there is no {browser}")
    path = box.folder / "session.mitm"
    words = [*wrapper, box.proxy_program, "-l", "127.0.0.1:0", "-u", "direct", "--hosts", hosts, "-w", path, "--browser", browser,
             "--headless", *more, url]
    proxy = box.program("mitm-proxy", words, env={**env, "TMPDIR": str(temporary)})
    return proxy, path, temporary


def wait_for_page(log, proxy):
    """Wait until the page has sent its own report: it is complete then."""
    def complete():
        check(proxy.process.poll() is None, f"it ended: {proxy.err()}")
        return log.exists() and '"report"' in log.read_text(encoding="utf-8")
    wait_until(complete, f"the page is complete: {proxy.err()}", 60)


def browser_processes(temporary):
    """The processes that have the browser's folder in their command line."""
    found = subprocess.run(["pgrep", "-f", str(temporary)], capture_output=True, text=True, check=False).stdout.split()
    return [int(pid) for pid in found if int(pid) != os.getpid()]


def check_gone(temporary):
    wait_until(lambda: not browser_processes(temporary), "the browser's processes end")
    equal(list(temporary.iterdir()), [], "left behind")


def hosts_asked(records):
    return {entry["host"].decode() for entry in session.of(records, "SocksRequestStart")}


def loads_only_the_page(box, browser):
    """Nothing but the page is asked for until it is complete and QUIET_SECONDS longer; then the user ends it."""
    _, url, log, hosts = box.site()
    proxy, path, temporary = launch(box, browser, hosts=hosts, url=url)
    wait_for_page(log, proxy)
    while session.read_beginning(path)[-1]["t_ns"] < QUIET_SECONDS * 1e9 and proxy.process.poll() is None:
        try:
            proxy.process.wait(QUIET_SECONDS)  # what is looked for is that nothing happens
        except subprocess.TimeoutExpired:
            break
    proxy.process.send_signal(signal.SIGINT)
    equal(proxy.wait(), 0, f"status: {proxy.err()}")
    check_gone(temporary)
    records = session.read(path)
    wanted = {line.split()[1] for line in hosts.read_text(encoding="ascii").splitlines()}
    equal(hosts_asked(records) - wanted, set(), f"{browser} asks for more than the page")
    check(len(session.of(records, "HttpRequestStart")) >= 50, "the page's requests")
    equal(session.of(records, "SessionEnd")[0]["cause"], "COMMAND_ENDED", "cause")
    start = session.of(records, "SessionStart")[0]
    command = start["command"]
    equal(start["label"], url, "label")
    check(any(url.encode() in word for word in command), f"command: {command}")


def test_firefox(box):
    loads_only_the_page(box, "firefox")


def test_chromium(box):
    loads_only_the_page(box, "chromium")


def browser_of(proxy):
    """The browser's first process: the leader of its group. Others come and go meanwhile."""
    for pid in harness.descendants(proxy.pid):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            if "profile" in Path(f"/proc/{pid}/cmdline").read_text() and os.getpgid(pid) == pid:
                return pid
    raise AssertionError("no browser runs")


def ends_with_the_browser(box, browser):
    _, url, log, hosts = box.site()
    proxy, path, temporary = launch(box, browser, hosts=hosts, url=url)
    wait_for_page(log, proxy)
    os.kill(browser_of(proxy), signal.SIGTERM)
    proxy.wait(30)
    check_gone(temporary)
    equal(session.of(session.read(path), "SessionEnd")[0]["cause"], "COMMAND_ENDED", "cause")


def test_firefox_ends(box):
    ends_with_the_browser(box, "firefox")


def test_chromium_ends(box):
    ends_with_the_browser(box, "chromium")


def shows_the_view(box, browser):
    """The page and the live view, each in its tab, without windows as well."""
    _, url, log, hosts = box.site()
    proxy, _, temporary = launch(box, browser, hosts=hosts, url=url)
    wait_for_page(log, proxy)
    view = next(pid for pid in harness.descendants(proxy.pid) if Path(f"/proc/{pid}/comm").read_text() == "mitm-view\n")

    def connections():
        """Its sockets but for the one that listens and the one for changes."""
        return sum(os.readlink(link).startswith("socket:") for link in Path(f"/proc/{view}/fd").iterdir()) - 2
    wait_until(lambda: connections() > 0, f"{browser} shows the live view: {connections()}")
    equal(proxy.stop(signal.SIGINT), 0, "status")
    check_gone(temporary)


def test_firefox_shows_the_view(box):
    shows_the_view(box, "firefox")


def test_chromium_shows_the_view(box):
    shows_the_view(box, "chromium")


def test_long_folder(box):
    """Where TMPDIR is so long that Chromium's sockets would not fit, its files go to /tmp."""
    _, url, log, hosts = box.site()
    temporary = box.folder / ("t" * 100)
    temporary.mkdir()
    proxy, _, _ = launch(box, "chromium", hosts=hosts, url=url, temporary=temporary)
    wait_for_page(log, proxy)
    equal([path for path in temporary.iterdir() if path.name.startswith("mitm-browser-")], [], "files in TMPDIR")
    equal(len(list(Path("/tmp").glob(f"mitm-browser-{proxy.pid}-*"))), 1, "folder in /tmp")
    equal(proxy.stop(signal.SIGINT), 0, "status")
    equal(list(Path("/tmp").glob(f"mitm-browser-{proxy.pid}-*")), [], "left behind")


PEER_PAGE = b"""<!DOCTYPE html><title>WebRTC</title><script>
const peer = new RTCPeerConnection({iceServers: [{urls: "stun:127.0.0.1:%d"}]});
const gathered = () => fetch("/gathered");
peer.onicegatheringstatechange = () => { if (peer.iceGatheringState == "complete") gathered(); };
setTimeout(gathered, 5000); // Firefox that may only use a proxy for it does not say that it is done
peer.createDataChannel("x");
peer.createOffer().then(offer => peer.setLocalDescription(offer));
</script>"""


class PeerPage(http.server.BaseHTTPRequestHandler):
    """Serves PEER_PAGE and notes what is asked for."""

    def do_GET(self):
        self.server.asked.append(self.path)
        body = PEER_PAGE % self.server.stun_port if self.path == "/" else b""
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def keeps_peers_behind_the_proxy(box, browser):
    """WebRTC has no datagrams around the proxy, which would show the user's address."""
    stun = box.closing.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    stun.bind(("127.0.0.1", 0))
    stun.setblocking(False)
    server = box.closing.enter_context(http.server.ThreadingHTTPServer(("127.0.0.1", 0), PeerPage))
    server.asked, server.stun_port = [], stun.getsockname()[1]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    box.closing.callback(server.shutdown)
    hosts = box.folder / "hosts"
    hosts.write_text("", encoding="ascii")
    proxy, _, temporary = launch(box, browser, hosts=hosts, url=f"http://127.0.0.1:{server.server_port}/")
    wait_until(lambda: "/gathered" in server.asked, f"the page has gathered its addresses: {server.asked}", 60)
    equal(proxy.stop(signal.SIGINT), 0, "status")
    check_gone(temporary)
    try:
        raise AssertionError(f"a datagram around the proxy: {stun.recv(2000)}")
    except BlockingIOError:
        pass


def test_firefox_peers(box):
    keeps_peers_behind_the_proxy(box, "firefox")


def test_chromium_peers(box):
    keeps_peers_behind_the_proxy(box, "chromium")


def pretend(box, script, **environment):
    """Put a browser that is a shell script in the place of Chromium; return (status, standard error) of mitm-proxy."""
    folder = box.folder / "bin"
    folder.mkdir()
    program = folder / "chromium"
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(0o755)
    result = subprocess.run([box.proxy_program, "-l", "127.0.0.1:0", "-w", box.folder / "s.mitm", "--browser", "chromium"],
                            check=False, capture_output=True, timeout=30,
                            env={**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "TMPDIR": str(box.folder), **environment})
    return result.returncode, result.stderr


def test_last_words(box):
    """What the browser writes does not reach the terminal, but for the last line of one that fails, and that as text."""
    status, err = pretend(box, r"echo out; echo first >&2; printf 'no \033[2J display\302\233\n\n' >&2; exit 7")
    equal(status, 7, err)
    check(b"ended with status 7; its last words: no ?[2J display??\n" in err, err)
    check(b"out\n" not in err and b"first" not in err, err)


def test_no_last_words(box):
    """A browser that has written nothing, or that ends well, has no last words; it has no input, and no bus is started."""
    status, err = pretend(box, "exit 3")
    equal(status, 3, err)
    check(b"ended with status 3\n" in err, err)


def test_surroundings(box):
    """No input from the terminal, none of our descriptors, a bus that is not started, files in the folder."""
    status, err = pretend(box, "echo all is well >&2; env >&2; test -z \"$(cat)\" || exit 8\n"
                               "for fd in /proc/$$/fd/*; do case ${fd##*/} in [012]|10|255) ;; *) test ! -e \"$fd\" || exit 9;; esac; done\n"
                               "test \"${DBUS_SESSION_BUS_ADDRESS-unset}\" != unset || exit 10\n")
    equal(status, 0, err)
    check(b"last words" not in err and b"all is well" not in err, err)


def test_no_key_log_inherited(box):
    """An SSLKEYLOGFILE that is empty names none: the browser has its own."""
    status, err = pretend(box, "case $SSLKEYLOGFILE in */mitm-browser-*/keys) ;; *) exit 8;; esac", SSLKEYLOGFILE="")
    equal(status, 0, err)


def test_killed(box):
    """kill -9: the browser ends too, and the next one removes the files that were left."""
    _, url, log, hosts = box.site()
    proxy, _, temporary = launch(box, "chromium", hosts=hosts, url=url)
    wait_for_page(log, proxy)
    proxy.process.kill()
    proxy.wait()
    wait_until(lambda: not browser_processes(temporary), "the browser's processes end")
    left = list(temporary.iterdir())
    equal(len(left), 1, "left behind")
    log.unlink()
    proxy, path, _ = launch(box, "chromium", "--force", hosts=hosts, url=url, temporary=temporary)
    wait_until(lambda: not left[0].exists(), "what was left is removed")
    proxy.wait_for("recording to")
    equal(proxy.stop(), 0, "status")
    check_gone(temporary)


def test_words(box):
    """Wrong use, and a browser that is not there."""
    def run(*words, path=os.environ["PATH"]):
        result = subprocess.run([box.proxy_program, "-l", "127.0.0.1:0", "-w", box.folder / "none.mitm", *words], check=False,
                                capture_output=True, text=True, timeout=30, env={**os.environ, "PATH": path})
        return result.returncode, result.stderr

    for words in (["--browser", "netscape"], ["--browser", "firefox", "a", "b"], ["--browser", "firefox", "file:///etc/passwd"],
                  ["--browser", "firefox", "--", "-x"], ["--headless"]):
        status, err = run(*words)
        equal((status, err.count("\n")), (2, 1), f"{words}: {err}")
    status, err = run("--browser", "firefox", path="/nowhere")
    equal(status, 127, err)
    check("apt install firefox-esr" in err, err)
    check(not (box.folder / "none.mitm").exists(), "a session was begun")


if __name__ == "__main__":
    harness.run(globals())
