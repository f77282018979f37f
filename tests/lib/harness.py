"""What the scripts that test whole programs share: options, skipping, programs ended by their own pid, the proxy.

A script is a list of functions test_…(box); run(globals()) is its main. `box` holds a folder of its own and what was
started in it; all of that is ended when the test ends, however it ends. Exit status: 0 passed, 1 failed, 77 skipped.
"""
import argparse
import contextlib
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

import session

SKIPPED = 77
ATTEMPTS = 5  # of a test that was too slow
ROOT = Path(__file__).resolve().parents[2]
SITE = ROOT / "samples" / "site"
PATIENCE_SECONDS = 60
SANITIZER = re.compile(rb"AddressSanitizer|LeakSanitizer|runtime error:")


class Skip(Exception):
    """The machine lacks what the test needs; the message says what."""


class TooSlow(AssertionError):
    """Something took longer than it may: a fault of the program only if it does so each time, for the machine may be busy."""


def need_programs(*names):
    """Skip unless all these programs are installed."""
    missing = [name for name in names if not shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")]
    if missing:
        raise Skip(f"not installed: {', '.join(missing)}")


def equal(seen, expected, what):
    """Fail unless `seen` is `expected`."""
    if seen != expected:
        raise AssertionError(f"{what}\n    expected: {shorten(expected)}\n    seen:     {shorten(seen)}")


def check(condition, what):
    """Fail unless `condition` holds."""
    if not condition:
        raise AssertionError(what)


def in_time(condition, what):
    """Fail unless `condition`, which a busy machine may break, holds in one of ATTEMPTS runs of the test."""
    if not condition:
        raise TooSlow(what)


def shorten(value):
    text = repr(value)
    return text if len(text) <= 1500 else f"{text[:1000]} … {text[-400:]}"


def wait_until(condition, what, seconds=PATIENCE_SECONDS):
    """Return the first true value of condition(); fail if there is none for that long."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds} s in vain: {what}")
        time.sleep(0.005)


def descendants(pid):
    """The processes that `pid` has started, theirs first."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, task.read_text(encoding="ascii").split()):
            found += [*descendants(child), child]
    return found


class Program:
    """A program that was started; its output goes to files."""

    def __init__(self, folder, name, argv, **popen):
        self.name = name
        self.out_path, self.err_path = folder / f"{name}.out", folder / f"{name}.err"
        with open(self.out_path, "wb") as out, open(self.err_path, "wb") as err:
            popen = {"stdin": subprocess.DEVNULL, "stdout": out, "stderr": err, **popen}
            self.process = subprocess.Popen([str(word) for word in argv], **popen)
        self.pid = self.process.pid

    def out(self):
        return self.out_path.read_bytes().decode(errors="replace")

    def err(self):
        return self.err_path.read_bytes().decode(errors="replace")

    def wait_for(self, pattern, read=None, seconds=PATIENCE_SECONDS):
        """Wait until its output (standard error, or what read() gives) matches; return the match."""
        read = read or self.err

        def look():
            ended = self.process.poll() is not None
            match = re.search(pattern, read(), re.MULTILINE)
            check(match or not ended, f"{self.name} ended with {self.process.returncode}, without {pattern!r}:\n{self.err()}")
            return match

        return wait_until(look, f"{self.name} writes {pattern!r}; it wrote: {read()!r}", seconds)

    def wait(self, seconds=PATIENCE_SECONDS):
        """Wait until it ends; return its status, negative for a signal."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} has not ended after {seconds} s:\n{self.err()}") from None

    def stop(self, signal_number=signal.SIGTERM, seconds=PATIENCE_SECONDS):
        """Send a signal and wait until it ends; return its status."""
        if self.process.poll() is None:
            self.process.send_signal(signal_number)
        return self.wait(seconds)

    def kill(self):
        """End it, and what it has started, at once."""
        if self.process.poll() is None:
            for pid in [*descendants(self.pid), self.pid]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.process.wait()

    def memory_peak_bytes(self):
        """The most memory it has had so far (VmHWM)."""
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024

    def cpu_seconds(self):
        fields = Path(f"/proc/{self.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def check_clean(self):
        """Fail if a sanitizer has complained."""
        found = SANITIZER.search(self.err_path.read_bytes())
        check(not found, f"{self.name}: {self.err()[-6000:]}")


class Proxy(Program):
    """A mitm-proxy that records into `path`."""

    def __init__(self, box, options, command=(), wrapper=(), path=None, name="mitm-proxy", **popen):
        self.path = path or box.folder / f"{name}.mitm"
        words = [*wrapper, box.proxy_program, "-l", "127.0.0.1:0", "-w", self.path, *options]
        super().__init__(box.folder, name, [*words, *(["--", *command] if command else [])], **popen)
        self.port = int(self.wait_for(r"listening on 127\.0\.0\.1:(\d+)")[1])

    def end(self, verify=True):
        """End it as a user does; return the session's records (checksums checked if `verify`)."""
        status = self.stop()
        equal(status, 0, f"exit status of mitm-proxy; it wrote:\n{self.err()}")
        return session.read(self.path, verify)


class Box:
    """The folder and the programs of one test; `attempt` counts from 0 how often it was too slow."""

    def __init__(self, build, folder, attempt=0):
        self.build, self.folder, self.attempt = build, folder, attempt
        self.proxy_program = build / "capture" / "mitm-proxy"
        self.analyze_program = build / "analyze" / "mitm-analyze"
        self.programs = []
        self.closing = contextlib.ExitStack()

    def part(self, name):
        """A box within this one, with a folder of its own, which ends with it."""
        folder = self.folder / name
        folder.mkdir()
        part = Box(self.build, folder, self.attempt)
        self.closing.callback(part.close)
        return part

    def sanitized(self):
        """Whether this build has sanitizers, so that it is slow and large."""
        return b"__asan_init" in self.proxy_program.read_bytes()

    def program(self, name, argv, **popen):
        program = Program(self.folder, name, argv, **popen)
        self.programs.append(program)
        return program

    def proxy(self, *options, upstream="direct", **more):
        proxy = Proxy(self, ["-u", upstream, *options], **more)
        self.programs.append(proxy)
        return proxy

    def record(self, command, *options, upstream="direct", name="mitm-proxy", **popen):
        """Start a mitm-proxy with a command to measure; return (the program, its session file)."""
        path = self.folder / f"{name}.mitm"
        words = [self.proxy_program, "-l", "127.0.0.1:0", "-u", upstream, "-w", path, *options, "--", *command]
        return self.program(name, words, **popen), path

    def analyze(self, *words):
        """Run mitm-analyze; return its result, as subprocess.run() does."""
        result = subprocess.run([self.analyze_program, *map(str, words)], capture_output=True, timeout=60, check=False)
        check(not SANITIZER.search(result.stderr), result.stderr.decode(errors="replace"))
        return result

    def listener(self, backlog=1024):
        """A listening socket on a free loopback port."""
        listener = self.closing.enter_context(socket.create_server(("127.0.0.1", 0), backlog=backlog))
        listener.settimeout(PATIENCE_SECONDS)
        return listener

    def closed_port(self):
        """A loopback port on which nothing listens: bound, so that nobody else gets it."""
        bound = self.closing.enter_context(socket.socket())
        bound.bind(("127.0.0.1", 0))
        return bound.getsockname()[1]

    def browse(self, browser, url, log, *options, upstream="direct"):
        """Load the sample page with a browser, recorded; return the session's records. Skip if there is no such browser."""
        command = [sys.executable, SITE / "browse.py", browser, "--url", url, "--log", log]
        proxy, path = self.record(command, *options, upstream=upstream)
        status = proxy.wait(90)
        if status == SKIPPED:
            raise Skip(f"there is no {browser}")
        equal(status, 0, f"{browser}: {proxy.err()}")
        return session.read(path)

    def site(self, port=0):
        """Start the sample site; return (its program, URL, access log, hosts file)."""
        log, hosts = self.folder / "access.jsonl", self.folder / "hosts"
        site = self.program("site", [sys.executable, SITE / "serve.py", "--port", port, "--log", log, "--hosts", hosts])
        return site, site.wait_for(r"^site: (\S+)", site.out)[1], log, hosts

    def close(self):
        for program in reversed(self.programs):
            program.kill()
        self.closing.close()


def raise_file_limit():
    """Let this process and its children open as many files as the machine allows."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def enter_namespaces(*flags, as_root=False):
    """Run this script again in fresh namespaces (flags of unshare(1)), loopback up; skip where that is not allowed.

    Who is not root becomes it in a user namespace, unless it has to be the real one (`as_root`).
    """
    if os.environ.get("MITM_TEST_NAMESPACES") == " ".join(flags):
        if "--net" in flags:
            subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        return
    for command in [["unshare", *flags]] + [["unshare", "--map-root-user", *flags]] * (not as_root):
        if shutil.which("unshare") and not subprocess.run([*command, "true"], capture_output=True, check=False).returncode:
            path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
            os.execvpe(command[0], [*command, sys.executable, *sys.argv],
                       {**os.environ, "MITM_TEST_NAMESPACES": " ".join(flags), "PATH": path})
    print(f"skipped: may not run unshare {' '.join(flags)}")
    sys.exit(SKIPPED)


def run(names):
    """Run all functions test_… among `names` (a script's globals()) and exit."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=Path, required=True, help="where the programs were built")
    parser.add_argument("--only", help="run the tests whose name contains this")
    parser.add_argument("--keep", action="store_true", help="keep the folders of the tests")
    options = parser.parse_args()
    tests = [(name[5:], test) for name, test in names.items()
             if name.startswith("test_") and callable(test) and (options.only or "") in name]
    failed, skipped = 0, 0
    for name, test in tests:
        outcome = run_test(name, test, options)
        failed += outcome == "FAILED"
        skipped += outcome == "skipped"
    check(tests, f"no test is called {options.only}")
    sys.exit(1 if failed else SKIPPED if skipped == len(tests) else 0)


def run_test(name, test, options):
    """Run the test; again, with more right to the processor, while it is too slow. Return and print the outcome."""
    for attempt in range(ATTEMPTS):
        with contextlib.ExitStack() as urgent:
            if attempt:
                run_first(urgent)
            outcome = attempt_test(name, test, options, attempt)
        if outcome != "too slow":
            return outcome
    return "FAILED"


def run_first(stack):
    """Let this process and those that it starts run before all others, where that is allowed, until `stack` ends."""
    with contextlib.suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
        stack.callback(os.sched_setscheduler, 0, os.SCHED_OTHER, os.sched_param(0))


def attempt_test(name, test, options, attempt):
    folder = Path(tempfile.mkdtemp(prefix=f"mitm-{name}-"))
    box = Box(options.build.resolve(), folder, attempt)
    begin, outcome, detail = time.monotonic(), "passed", ""
    try:
        test(box)
        for program in box.programs:
            program.check_clean()
    except Skip as reason:
        outcome, detail = "skipped", f": {reason}"
    except Exception as error:  # whatever went wrong, the other tests still run
        outcome = "too slow" if isinstance(error, TooSlow) else "FAILED"
        detail = "\n" + traceback.format_exc() + "".join(f"--- {program.name}:\n{program.err()[-3000:]}" for program in box.programs)
    finally:
        box.close()
        if not options.keep:
            shutil.rmtree(folder, ignore_errors=True)
    print(f"{outcome} {name} ({time.monotonic() - begin:.1f} s){detail}", flush=True)
    return outcome
