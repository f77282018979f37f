#!/usr/bin/env python3
"""The command line of mitm-proxy: a command under measurement, the session's file, signals, wrong use."""
import json
import os
import re
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
import harness
import session
import socks
from harness import check, equal, wait_until

FETCH = """
import os, sys
sys.path.insert(0, sys.argv[1])
import socks
port = int(os.environ["ALL_PROXY"].rsplit(":", 1)[1])
with socks.client(port, "127.0.0.1", int(sys.argv[2])) as peer:
    peer.sendall(b"GET /from-the-command HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n")
    print(peer.recv(100))
sys.exit(int(sys.argv[3]))
"""


def invoke(box, *words, **more):
    """Run mitm-proxy to its end."""
    more = {"capture_output": True, "timeout": 30, "stdin": subprocess.DEVNULL, "check": False, "text": True, "cwd": box.folder, **more}
    return subprocess.run([str(box.proxy_program), "-l", "127.0.0.1:0", "-u", "direct", *map(str, words)], **more)


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_environment_of_the_command(box):
    path = box.folder / "s.mitm"
    result = invoke(box, "-w", path, "--", sys.executable, "-c", "import json, os; print(json.dumps(dict(os.environ)))")
    equal(result.returncode, 0, f"exit status; {result.stderr}")
    environment = json.loads(result.stdout)
    port = re.search(r"listening on (127\.0\.0\.1:\d+)", result.stderr)[1]
    for name in ("ALL_PROXY", "all_proxy", "HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"):
        if name != "HTTP_PROXY":  # not set by everybody: CGI programs take it for a header
            equal(environment.get(name), f"socks5h://{port}", name)
    for name in ("NO_PROXY", "no_proxy"):
        check(not environment.get(name), f"{name} would lead around the proxy: {environment.get(name)}")
    records = session.read(path)
    equal([word.decode() for word in records[0]["command"]][:2], [sys.executable, "-c"], "recorded command")
    equal((records[-1]["cause"], records[-1]["command_status"]), ("COMMAND_ENDED", 0), "end of the session")
    equal(records[-1]["records"], len(records), "number of records")
    equal(mode(path), 0o600, "mode of the file")


def test_traffic_and_status_of_the_command(box):
    listener = box.listener()
    library = Path(socks.__file__).parent
    program, path = box.record([sys.executable, "-c", FETCH, library, listener.getsockname()[1], 42])
    with socks.accept(listener) as server:
        server.recv(1000)
        server.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
        equal(program.wait(), 42, "exit status")
    check("204 No Content" in program.out(), "the command's output")
    exchange, = session.exchanges(session.read(path))
    equal((exchange["path"], exchange["status"]), ("/from-the-command", 204), "recorded exchange")


def test_status_of_a_command_that_dies_or_is_not_there(box):
    result = invoke(box, "-w", "killed.mitm", "--", "sh", "-c", "kill -TERM $$")
    equal(result.returncode, 128 + signal.SIGTERM, "exit status after a signal")
    equal(session.read(box.folder / "killed.mitm")[-1]["command_status"], 128 + signal.SIGTERM, "recorded status")
    result = invoke(box, "-w", "missing.mitm", "--", box.folder / "no-such-program")
    equal(result.returncode, 127, f"exit status where there is no such program; {result.stderr}")
    check("no-such-program" in result.stderr, f"the message names it: {result.stderr}")


def test_command_inherits_nothing_unasked(box):
    """The command sees standard input, output and error, nothing of the proxy's, and no blocked or ignored signals of it."""
    result = invoke(box, "-w", "s.mitm", "--", "sh", "-c", "ls /proc/self/fd | wc -l; grep -E 'SigBlk|SigIgn' /proc/self/status")
    lines = result.stdout.split()
    equal(int(lines[0]), 4, f"open files of the command (with ls's own): {result.stdout}")
    blocked, ignored = int(lines[2], 16), int(lines[4], 16)
    internal = 1 << 31 | 1 << 32  # signals 32 and 33, which glibc's posix_spawn(3) leaves ignored
    equal((blocked, ignored & ~internal), (0, 0), "blocked and ignored signals")


def test_signals_reach_the_command(box):
    """SIGTERM to the proxy, and SIGINT from the terminal to all, end the command as well, and the session is whole."""
    for number in (signal.SIGTERM, signal.SIGINT):
        marker = box.folder / f"{number}.started"
        proxy, path = box.record(["sh", "-c", f"echo $$ > {marker}; exec sleep 60"], name=f"mitm-proxy-{number}", start_new_session=True)
        pid = int(wait_until(lambda marker=marker: marker.exists() and marker.read_text(encoding="ascii").strip(), "the command runs"))
        if number == signal.SIGINT:
            os.killpg(proxy.pid, number)
        equal(proxy.stop(signal.SIGTERM) if number == signal.SIGTERM else proxy.wait(), 128 + number, "exit status")
        wait_until(lambda pid=pid: not alive(pid), "the command has ended", 5)
        equal(session.read(path)[-1]["command_status"], 128 + number, "recorded status")


def test_a_command_that_ignores_signals(box):
    """The second signal ends the recording, cleanly, without the command."""
    marker, asked = box.folder / "started", box.folder / "asked"
    stubborn = f"trap 'echo > {asked}' TERM; echo $$ > {marker}; while :; do sleep 0.1; done"
    proxy, path = box.record(["sh", "-c", stubborn])
    pid = int(wait_until(lambda: marker.exists() and marker.read_text(encoding="ascii").strip(), "the command runs"))
    try:
        proxy.process.send_signal(signal.SIGTERM)
        wait_until(asked.exists, "the command has been asked to end", 5)
        equal(proxy.process.poll(), None, "the proxy waits for its command")
        equal(proxy.stop(signal.SIGTERM), 128 + signal.SIGTERM, "exit status")
        check(alive(pid) and "has not ended" in proxy.err(), f"the command goes on: {proxy.err()}")
    finally:
        os.kill(pid, signal.SIGKILL)
    end = session.read(path)[-1]
    equal((end["cause"], "command_status" in end), ("SIGNAL", False), "end of the session")


def test_nohup(box):
    """Who is started with SIGHUP ignored goes on when the terminal is gone."""
    proxy = box.proxy(preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    proxy.process.send_signal(signal.SIGHUP)
    for _ in range(3):  # in turns of its loop that come after the signal
        with socks.dial(proxy.port) as client:
            client.sendall(socks.greeting(0))
            equal(socks.receive(client, 2), b"\x05\x00", "answer after SIGHUP")
    equal(proxy.process.poll(), None, "exit status")
    proxy.end()


def test_closed_standard_files(box):
    """No file of ours takes the place of standard error."""
    words = f"for n in 0 1 2; do readlink /proc/$PPID/fd/$n; done > {box.folder}/files"
    result = invoke(box, "-w", "s.mitm", "--", "sh", "-c", words, preexec_fn=lambda: [os.close(n) for n in (0, 1, 2)], capture_output=False)
    equal(result.returncode, 0, "exit status")
    equal((box.folder / "files").read_text(encoding="ascii").split(), ["/dev/null"] * 3, "standard files of the proxy")
    session.read(box.folder / "s.mitm")


def alive(pid):
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except FileNotFoundError:
        return False


def test_sigint_and_sigterm_end_cleanly(box):
    for number in (signal.SIGTERM, signal.SIGINT):
        listener = box.listener()
        proxy = box.proxy(name=f"mitm-proxy-{number}")
        client = box.closing.enter_context(socks.client(proxy.port, "127.0.0.1", listener.getsockname()[1]))
        server = box.closing.enter_context(socks.accept(listener))
        client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        server.recv(100)
        equal(proxy.stop(number), 0, "exit status")
        records = session.read(proxy.path)
        equal(records[-1]["cause"], "SIGNAL", "cause")
        equal(session.of(records, "ConnectionEnd")[0]["cause"], "SESSION_ENDED", "the open connection's end")
        summary = proxy.err().partition("listening on")[2]
        check(re.search(r"\b1 connections?\b.*\b1 HTTP requests?\b", summary), f"summary: {summary!r}")


def test_file_name(box):
    before = time.time()
    result = invoke(box, "--", "true")
    equal(result.returncode, 0, f"exit status; {result.stderr}")
    path, = box.folder.glob("*.mitm")
    check(time.strftime("%Y", time.localtime(before)) in path.name, f"the name has the date: {path.name}")
    equal(mode(path), 0o600, "mode")
    check(path.name in result.stderr, f"the name is told: {result.stderr}")
    session.read(path)


def test_names_do_not_clash(box):
    """Recordings that begin within the same second get files of their own."""
    for _ in range(5):
        equal(invoke(box, "-q", "--", "true").returncode, 0, "exit status")
    paths = list(box.folder.glob("*.mitm"))
    equal(len(paths), 5, f"files: {paths}")


def test_no_overwriting(box):
    path = box.folder / "precious.mitm"
    path.write_text("precious", encoding="ascii")
    result = invoke(box, "-w", path, "--", "true")
    check(result.returncode in (2, 3), f"exit status {result.returncode}")
    equal(len(result.stderr.strip().splitlines()), 1, f"one line: {result.stderr}")
    equal(path.read_text(encoding="ascii"), "precious", "the file")
    equal(invoke(box, "-w", path, "--force", "--", "true").returncode, 0, "with --force")
    session.read(path)
    equal(mode(path), 0o600, "mode")


def test_mode_does_not_depend_on_umask(box):
    result = invoke(box, "-w", "s.mitm", "--", "true", preexec_fn=lambda: os.umask(0))
    equal((result.returncode, mode(box.folder / "s.mitm")), (0, 0o600), "exit status and mode")


def test_unwritable(box):
    result = invoke(box, "-w", box.folder / "no" / "folder.mitm", "--", "true")
    equal(result.returncode, 3, "exit status")
    equal(len(result.stderr.strip().splitlines()), 1, f"one line: {result.stderr}")


def test_address_in_use(box):
    port = box.listener().getsockname()[1]
    result = invoke(box, "-l", f"127.0.0.1:{port}", "-w", "s.mitm", "--", "true")
    equal(result.returncode, 3, f"exit status; {result.stderr}")
    check(str(port) in result.stderr, f"the message names the address: {result.stderr}")


def test_wrong_use(box):
    for words in (["--no-such-option"], ["-l"], ["-l", "nonsense"], ["-l", "127.0.0.1:99999"], ["-u", "http://127.0.0.1:1"],
                  ["-u", "tor.example:9050"], ["--body-limit", "much"], ["--body-limit", "-1"], ["stray"], ["--hosts"]):
        result = invoke(box, *words)
        equal(result.returncode, 2, f"exit status of {words}; {result.stderr}")
        equal(len(result.stderr.strip().splitlines()), 1, f"one line for {words}: {result.stderr}")
    equal(list(box.folder.glob("*.mitm")), [], "no file is left behind")


def test_help_and_version(box):
    for program in (box.proxy_program, box.analyze_program):
        for words in (["--help"], ["--version"]):
            result = subprocess.run([program, *words], capture_output=True, text=True, timeout=10, check=False)
            equal((result.returncode, result.stderr), (0, ""), f"{program.name} {words}")
            check(program.name in result.stdout, f"{program.name} {words}: {result.stdout}")


def test_label_and_header(box):
    label = "größer than life"
    proxy = box.proxy("--label", label)
    header = proxy.end()[0]
    seen = header["magic"], header["format_version"], header["upstream_kind"], header["label"]
    equal(seen, ("MITM session", 1, "DIRECT", label), "header")
    check(header["listen_address"].endswith(f":{proxy.port}"), "listen_address")
    check(abs(header["wall_clock_ns"] - time.time_ns()) < 60e9 and 0 <= time.monotonic_ns() - header["monotonic_ns"] < 60e9, "clocks")
    check("upstream_address" not in header and header["body_limit_bytes"] == 65536, "settings")


def test_events_agree_with_the_file(box):
    """`mitm-analyze events` tells the same records as an independent reader."""

    listener = box.listener()
    proxy = box.proxy()
    with socks.client(proxy.port, "127.0.0.1", listener.getsockname()[1]) as client, socks.accept(listener) as server:
        client.sendall(b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n")
        server.recv(100)
        server.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc")
        socks.receive(client, 3)
    records = proxy.end()
    result = box.analyze("events", proxy.path, "--format", "jsonl")
    equal(result.returncode, 0, f"exit status; {result.stderr}")
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    keys = ("t_ns", "connection", "exchange", "event", "status", "body_bytes", "port", "reply", "len_bytes")
    equal([{key: line.get(key) for key in keys} for line in lines], [{key: entry.get(key) for key in keys} for entry in records], "events")
    equal(next(line["target"] for line in lines if line["event"] == "HttpRequestStart"), "/a", "target")


if __name__ == "__main__":
    harness.run(globals())
