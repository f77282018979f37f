#!/usr/bin/env python3
"""A disk that is full or too slow: the traffic goes on, the loss is counted and recorded, the user is told."""
import resource
import signal
import subprocess
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
import harness
import session
import socks
from harness import check, equal, wait_until

BODY = bytes(range(256)) * 400  # 102,400 bytes
DISK_BYTES = 4 << 20
RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY


class Traffic:
    """One keep-alive connection through the proxy, on which both sides are the test."""

    def __init__(self, box, proxy):
        listener = box.listener()
        self.client = box.closing.enter_context(socks.client(proxy.port, "127.0.0.1", listener.getsockname()[1]))
        self.server = box.closing.enter_context(socks.accept(listener))
        self.count = 0

    def exchange(self, times=1):
        for _ in range(times):
            self.count += 1
            request = b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % self.count
            self.client.sendall(request)
            equal(socks.receive(self.server, len(request)), request, "request")
            sender = threading.Thread(target=self.server.sendall, args=(RESPONSE,))
            sender.start()
            check(socks.receive(self.client, len(RESPONSE)) == RESPONSE, "the response differs")
            sender.join()


def recorded_numbers(records):
    return [int(entry["target"][1:]) for entry in session.of(records, "HttpRequestStart")]


def mounted(box, *words):
    """Mount something on a new folder, until the test ends."""
    folder = box.folder / "disk"
    folder.mkdir()
    subprocess.run(["mount", *words, str(folder)], check=True)
    box.closing.callback(subprocess.run, ["umount", "-l", str(folder)], check=False)
    return folder


def test_full_disk(box):
    disk = mounted(box, "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "none")
    proxy = box.proxy("--body-limit", "all", path=disk / "full.mitm")
    traffic = Traffic(box, proxy)
    traffic.exchange(5)
    wait_until(lambda: 5 in recorded_numbers(session.read_beginning(proxy.path)), "what came before is on the disk")
    filler = disk / "filler"
    try:
        with open(filler, "wb") as file:
            while True:
                file.write(bytes(1 << 16))
                file.flush()
    except OSError:
        pass
    traffic.exchange(30)  # 3 MB that have no room
    proxy.wait_for(r"No space left on device", seconds=5)
    filler.unlink()
    wait_until(lambda: traffic.exchange() or traffic.count in recorded_numbers(session.read_beginning(proxy.path, verify=False)),
               "recording goes on when there is room again", 5)
    status = proxy.stop()
    print(f"exit status {status}; told: {[line for line in proxy.err().splitlines() if 'listening' not in line]}")
    check(status in (0, 3), f"exit status {status}")
    records = session.read(proxy.path)
    losses = session.of(records, "Loss")
    check(losses and {entry["cause"] for entry in losses} == {"DISK_FULL"}, f"losses: {losses}")
    check(sum(entry["events"] for entry in losses) > 0 and sum(entry["len_bytes"] for entry in losses) > 0, f"losses: {losses}")
    numbers = recorded_numbers(records)
    check(numbers[:5] == [1, 2, 3, 4, 5] and numbers[-1] == traffic.count, f"recorded requests: {numbers}")
    equal(len(numbers) < traffic.count, True, "some requests are missing")
    equal(box.analyze("check", proxy.path).returncode, 0, "check")


def test_disk_stays_full(box):
    disk = mounted(box, "-t", "tmpfs", "-o", f"size={1 << 20}", "none")
    proxy = box.proxy("--body-limit", "all", path=disk / "full.mitm")
    traffic = Traffic(box, proxy)
    traffic.exchange(40)
    status = proxy.stop()
    check(status in (0, 3), f"exit status {status}")
    records = session.read_beginning(proxy.path)
    check(session.of(records, "Loss"), "the loss is in the file, although the disk is full")


def test_disk_full_from_the_start(box):
    """Then there is no recording, rather than one without a beginning."""
    disk = mounted(box, "-t", "tmpfs", "-o", "size=64k", "none")
    (disk / "filler").write_bytes(bytes(60 << 10))
    path = disk / "none.mitm"
    words = [box.proxy_program, "-l", "127.0.0.1:0", "-u", "direct", "-w", path, "--", "true"]
    result = subprocess.run(words, capture_output=True, timeout=30, check=False)
    equal(result.returncode, 3, f"exit status; {result.stderr}")
    check(b"No space left" in result.stderr and len(result.stderr.splitlines()) == 1, f"one line that tells why: {result.stderr}")
    equal(path.exists(), False, "an empty file is left behind")


def test_file_size_limit(box):
    """As root or not: a write that fails with EFBIG."""
    limit = 300_000

    def limited():
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    proxy = box.proxy("--body-limit", "all", preexec_fn=limited)
    traffic = Traffic(box, proxy)
    traffic.exchange(10)
    equal(proxy.process.poll(), None, "the proxy still runs")
    check(proxy.stop() in (0, 3), "exit status")
    check(session.of(session.read_beginning(proxy.path), "HttpRequestStart"), "what had room is readable")


def test_slow_disk(box):
    """A file system that is frozen for a while."""
    harness.need_programs("fsfreeze", "mkfs.ext4", "losetup")
    image = box.folder / "image"
    with open(image, "wb") as file:
        file.truncate(128 << 20)
    made = subprocess.run(["mkfs.ext4", "-q", str(image)], capture_output=True, check=False)
    folder = box.folder / "slow"
    folder.mkdir()
    if made.returncode or subprocess.run(["mount", "-o", "loop", str(image), str(folder)], capture_output=True, check=False).returncode:
        raise harness.Skip("cannot mount an image")
    box.closing.callback(subprocess.run, ["umount", str(folder)], check=False)
    box.closing.callback(subprocess.run, ["fsfreeze", "-u", str(folder)], check=False, capture_output=True)
    proxy = box.proxy("--body-limit", "all", path=folder / "slow.mitm")
    traffic = Traffic(box, proxy)
    traffic.exchange(5)
    subprocess.run(["fsfreeze", "-f", str(folder)], check=True)
    traffic.exchange(400)  # 41 MB: more than the queue's 16 MiB
    if not box.sanitized():
        check(proxy.memory_peak_bytes() < 64 << 20, f"memory: {proxy.memory_peak_bytes()}")
    subprocess.run(["fsfreeze", "-u", str(folder)], check=True)
    wait_until(lambda: traffic.exchange() or traffic.count in recorded_numbers(session.read_beginning(proxy.path, verify=False)),
               "recording goes on when the disk does", 10)
    check(proxy.stop() in (0, 3), "exit status")
    records = session.read(proxy.path, verify=False)
    losses = session.of(records, "Loss")
    check(losses and {entry["cause"] for entry in losses} == {"QUEUE_FULL"}, f"losses: {losses}")
    proxy.wait_for(r"(?i)slow|lost|loss|missing")


if __name__ == "__main__":
    harness.enter_namespaces("--mount")
    harness.run(globals())
