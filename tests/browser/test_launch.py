#!/usr/bin/env python3
"""mitm-proxy --browser: the installed Firefox and Chromium load a page with a fresh profile, ask for nothing else, and
leave nothing behind, however they end.
"""
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
import harness
import session
from harness import Skip, check, equal, wait_until

QUIET_SECONDS = 10
PROGRAMS = {"firefox": ["firefox-esr", "firefox"], "chromium": ["chromium"]}


def launch(box, browser, *more, hosts, url, wrapper=()):
    """Start mitm-proxy with a browser; return (program, its session, the folder where the browser's files go)."""
    if not any(map(shutil.which, PROGRAMS[browser])):
        raise Skip(f"there is no {browser}")
    temporary = box.folder / "tmp"
    temporary.mkdir(exist_ok=True)
    path = box.folder / "session.mitm"
    words = [*wrapper, box.proxy_program, "-l", "127.0.0.1:0", "-u", "direct", "--hosts", hosts, "-w", path, "--browser", browser,
             "--headless", *more, url]
    proxy = box.program("mitm-proxy", words, env={**os.environ, "TMPDIR": str(temporary)})
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
    command = session.of(records, "SessionStart")[0]["command"]
    check(any(url.encode() in word for word in command), f"command: {command}")


def test_firefox(box):
    loads_only_the_page(box, "firefox")


def test_chromium(box):
    loads_only_the_page(box, "chromium")


def ends_with_the_browser(box, browser):
    _, url, log, hosts = box.site()
    proxy, path, temporary = launch(box, browser, hosts=hosts, url=url)
    wait_for_page(log, proxy)
    os.kill(next(pid for pid in harness.descendants(proxy.pid) if "profile" in Path(f"/proc/{pid}/cmdline").read_text()
                 and os.getpgid(pid) == pid), signal.SIGTERM)
    proxy.wait(30)
    check_gone(temporary)
    equal(session.of(session.read(path), "SessionEnd")[0]["cause"], "COMMAND_ENDED", "cause")


def test_firefox_ends(box):
    ends_with_the_browser(box, "firefox")


def test_chromium_ends(box):
    ends_with_the_browser(box, "chromium")


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
    proxy, path, temporary = launch(box, "chromium", "--force", hosts=hosts, url=url)
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
