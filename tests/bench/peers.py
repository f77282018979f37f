"""The proxies that the bench compares: how each is started, found, pinned to a core, and what it has cost so far."""

import ctypes
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

START_SECONDS = 30
STOP_SECONDS = 20
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)


class Unmeasured(Exception):
    """Something could not be measured; the text says what."""


def wait_for(condition, seconds, what):
    """Poll `condition` until it returns something true; raise Unmeasured after `seconds`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        result = condition()
        if result:
            return result
        time.sleep(0.01)
    raise Unmeasured(f"{what}: not within {seconds} s")


def free_port():
    """Return a TCP port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def stat_fields(pid):
    """Return the fields of /proc/PID/stat from the third one (state) on, or None if there is no such process."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return text.rpartition(")")[2].split()


def process_tree(root):
    """Return the ids of process `root` and of its descendants."""
    parents = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            fields = stat_fields(entry)
            if fields is not None:
                parents.setdefault(int(fields[1]), []).append(int(entry))
    tree = [root]
    for pid in tree:
        tree.extend(parents.get(pid, []))
    return tree


def process_cpu_seconds(pid):
    """Return the CPU time of all threads of a process, ended ones too, and of its children that it has waited for."""
    fields = stat_fields(pid)
    if fields is None:
        return 0.0
    try:
        # The kernel's CPU clock of another process: clock_getcpuclockid(3), in nanoseconds where stat counts ticks.
        own = time.clock_gettime((~pid << 3) | 2)
    except OSError:
        own = (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND
    return own + (int(fields[13]) + int(fields[14])) / TICKS_PER_SECOND


def process_memory_kib(pid):
    """Return the proportional set size of a process: its own memory and its share of what it shares."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def end_with_parent():
    """To be called in a child process: it ends when this one does, however that happens."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def pinned(core):
    """Return a function that a child process calls to pin itself to `core` and to raise its limit of open files."""

    def prepare():
        end_with_parent()
        os.sched_setaffinity(0, {core})
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    return prepare


class Peer:
    """One proxy. `command` makes its command line from the port, the file to record to, and a folder of its own."""

    def __init__(self, name, program, command, scale=1.0, version=None):
        self.name, self.program, self.command = name, program, command
        self.scale = scale  # share of the usual counts that it is given
        self.version_option = version
        self.process = None
        self.port = 0
        self.file = None
        self.log = None
        self.recorded_bytes = 0  # in all files

    def missing(self):
        return self.program is None

    def slow(self):
        return self.scale < 1

    def version(self):
        if self.version_option is None:
            return ""
        done = subprocess.run([self.program, self.version_option], capture_output=True, text=True, timeout=60)
        return (done.stdout + done.stderr).strip().splitlines()[0]

    def start(self, folder, core):
        self.port = free_port()
        self.file = folder / f"{self.name.replace(' ', '')}.out"
        self.log = folder / f"{self.name.replace(' ', '')}.log"
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                self.command(self.program, self.port, self.file, folder),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=pinned(core), start_new_session=True)
        wait_for(self.answers, START_SECONDS, f"{self.name} answers")

    def answers(self):
        if self.process.poll() is not None:
            last = self.log.read_text(errors="replace").strip().splitlines()[-1:] or ["no message"]
            raise Unmeasured(f"{self.name} ended with {self.process.returncode}: {last[0]}")
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self):
        """End the process, and remove what it has recorded."""
        if self.process is None:
            return
        tree = process_tree(self.process.pid)
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            print(f"bench: {self.name} did not end when asked to, killed", file=sys.stderr)
        for pid in tree:
            try:
                if os.getsid(pid) == self.process.pid:
                    os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait()
        self.process = None
        if self.file.exists():
            self.recorded_bytes += self.file.stat().st_size
            self.file.unlink()

    def tree(self):
        if self.process.poll() is not None:
            raise Unmeasured(f"{self.name} ended with {self.process.returncode} during the run")
        return process_tree(self.process.pid)

    def pin(self, core):
        """Move every thread to `core`."""
        for pid in self.tree():
            for task in os.listdir(f"/proc/{pid}/task"):
                os.sched_setaffinity(int(task), {core})

    def cpu_seconds(self):
        return sum(process_cpu_seconds(pid) for pid in self.tree())

    def settled(self, read, tolerance):
        """Return what `read` says once it says nearly the same twice: work behind the traffic (writing) is counted."""
        before = read()
        for _ in range(20):
            time.sleep(0.08)
            now = read()
            if abs(now - before) <= tolerance(now):
                break
            before = now
        return now

    def settled_cpu_seconds(self):
        return self.settled(self.cpu_seconds, lambda now: 0.002)

    def settled_memory_kib(self):
        return self.settled(lambda: sum(process_memory_kib(pid) for pid in self.tree()), lambda now: 0.005 * now)


def danted_command(program, port, _, folder):
    conf = folder / "danted.conf"
    user = "nobody" if os.geteuid() == 0 else os.environ.get("USER", "nobody")
    conf.write_text(
        f"errorlog: stderr\ninternal: 127.0.0.1 port = {port}\nexternal: 127.0.0.1\n"
        f"clientmethod: none\nsocksmethod: none\nuser.unprivileged: {user}\n"
        "client pass { from: 127.0.0.0/8 to: 0.0.0.0/0 }\nsocks pass { from: 127.0.0.0/8 to: 127.0.0.0/8 }\n")
    return [program, "-f", str(conf), "-p", str(folder / "danted.pid")]


def mitmdump_command(program, port, file, folder):
    return [program, "--mode", "socks5", "--listen-host", "127.0.0.1", "--listen-port", str(port), "-q", "-w", str(file),
            "--set", f"confdir={folder.parent / 'mitmdump'}"]


def all_peers(build):
    """Return all peers; those whose program is not there are missing()."""

    def built(path):
        return str(build / path) if (build / path).exists() else None

    def found(name):
        return shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")

    return [
        Peer("floor", built("tests/bench/bench_floor"),
             lambda program, port, file, folder: [program, "-l", f"127.0.0.1:{port}"]),
        Peer("floor -w", built("tests/bench/bench_floor"),
             lambda program, port, file, folder: [program, "-l", f"127.0.0.1:{port}", "-w", str(file)]),
        Peer("mitm-proxy", built("capture/mitm-proxy"),
             lambda program, port, file, folder: [
                 program, "-l", f"127.0.0.1:{port}", "-u", "direct", "-w", str(file), "--force"],
             version="--version"),
        Peer("danted", found("danted"), danted_command, version="-v"),
        Peer("microsocks", found("microsocks"),
             lambda program, port, file, folder: [program, "-i", "127.0.0.1", "-p", str(port)]),
        Peer("mitmdump", found("mitmdump"), mitmdump_command, scale=0.03, version="--version"),
    ]
