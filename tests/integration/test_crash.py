#!/usr/bin/env python3
"""kill -9 during a download: at most the last 100 ms are missing, `check` says so, and `check --repair` makes it whole."""
import random
import signal
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
import harness
import session
import socks
from harness import check, equal, in_time, wait_until

MISSING_NS = 100_000_000
SCHEDULING_NS = 20_000_000  # what this machine may take to wake the threads in question
PIECE = b"x" * 5000


def download(box, kill_after_seconds, name):
    """Kill the proxy in the middle of a download; return (its session file, [(monotonic time, bytes sent)], time of the kill)."""
    proxy, listener = box.proxy(name=name), box.listener()
    client = socks.client(proxy.port, "127.0.0.1", listener.getsockname()[1])
    server = socks.accept(listener)
    sent, total = [], 0
    client.sendall(b"GET /endless HTTP/1.1\r\nHost: a\r\n\r\n")
    server.recv(1000)
    server.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
    reader = threading.Thread(target=drain, args=(client,), daemon=True)
    reader.start()
    begin = time.monotonic()
    while time.monotonic() - begin < kill_after_seconds:
        server.sendall(PIECE)
        total += len(PIECE)
        sent.append((time.monotonic_ns(), total))
        time.sleep(0.002)  # the pace of the download
    killed_ns = time.monotonic_ns()
    equal(proxy.stop(signal.SIGKILL), -signal.SIGKILL, "exit status")
    reader.join()
    client.close()
    server.close()
    return proxy.path, sent, killed_ns


def drain(peer):
    try:
        socks.receive_all(peer)
    except OSError:
        pass


def test_kill_in_the_middle_of_a_download(box):
    missing_ms = []
    for number in range(6):
        path, sent, killed_ns = download(box, 0.4 + random.random() * 0.2, f"mitm-proxy-{number}")
        records = session.read_beginning(path)
        received = sum(entry["len_bytes"] for entry in session.of(records, "HttpResponseBody"))
        at_least = max((total for time_ns, total in sent if time_ns <= killed_ns - MISSING_NS - SCHEDULING_NS), default=0)
        last_ns = records[0]["monotonic_ns"] + records[-1]["t_ns"]
        missing_ms.append((killed_ns - last_ns) / 1e6)
        in_time(received >= at_least, f"{at_least} bytes had been sent 100 ms before the end, {received} are recorded")
    print("missing at the end, in ms: " + ", ".join(f"{value:.0f}" for value in missing_ms))
    result = box.analyze("check", path)
    equal(result.returncode, 1, f"exit status of check: {result.stdout} {result.stderr}")
    check(b"cut off" in result.stdout, f"check says: {result.stdout}")
    repaired = box.folder / "repaired.mitm"
    result = box.analyze("check", "--repair", repaired, path)
    check(repaired.exists(), f"no repaired file: {result.stdout} {result.stderr}")
    result = box.analyze("check", repaired)
    equal(result.returncode, 0, f"check of the repaired file: {result.stdout} {result.stderr}")
    whole = session.read(repaired)
    kept = [entry for entry in whole if entry["event"] not in ("SessionEnd", "Loss")]
    equal(strip(kept), strip(records), "records of the repaired file")


def strip(records):
    return [{key: value for key, value in entry.items() if key != "session"} for entry in records]


def test_idle_session_is_on_disk_after_100_ms(box):
    """What has happened is in the file soon, although nothing more happens."""
    proxy, listener = box.proxy(), box.listener()
    with socks.client(proxy.port, "127.0.0.1", listener.getsockname()[1]) as client, socks.accept(listener) as server:
        client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        server.recv(1000)
        begin = time.monotonic()
        wait_until(lambda: session.of(session.read_beginning(proxy.path), "HttpRequestEnd"), "the request is in the file")
        in_time(time.monotonic() - begin < 0.15, f"it took {time.monotonic() - begin:.3f} s")
    proxy.end()


if __name__ == "__main__":
    harness.run(globals())
