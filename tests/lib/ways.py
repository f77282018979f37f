"""Records loads of the page (page.py) whose ways to its server differ by a known delay.

The ways, all on loopback:
    direct     client → recording proxy, built-in server → page
    behind     client → recording proxy, built-in server → forwarder, 50 ms each way → page
    near       client → recording proxy → forwarder, 0 ms → second proxy, built-in server → page
    far        client → recording proxy → forwarder, 50 ms each way → second proxy, built-in server → page
"""
import atexit
import functools
import json
import random
import shutil
import sys
import tempfile
from pathlib import Path

import harness
import page

LIB = Path(__file__).resolve().parent
DELAY_MS = 50
RTT_NS = 2 * DELAY_MS * 1_000_000
BEHIND_ADDRESS = "127.0.0.2"


def start_forwarder(box, name, delay_ms, target, listen="127.0.0.1:0"):
    """Start a forwarder; return (its program, its port)."""
    words = [sys.executable, LIB / "forwarder.py", "--listen", listen, "--target", target, "--delay-ms", delay_ms]
    program = box.program(name, words)
    return program, int(program.wait_for(r"^forwarder: (\d+)$", program.out)[1])


def lateness(program):
    """End a forwarder and return its account of how late it was."""
    program.stop()
    return json.loads(program.out().partition("lateness: ")[2])


def write_hosts(box, address):
    path = box.folder / f"hosts-{address}"
    path.write_text("".join(f"{address} {host}\n" for host in page.HOSTS), encoding="utf-8")
    return path


class Ways:
    def __init__(self, box):
        self.box, self.forwarders, self.options = box, {}, {}
        served = box.program("page", [sys.executable, LIB / "page.py"])
        self.port = int(served.wait_for(r"^page: (\d+)$", served.out)[1])
        self.hosts = write_hosts(box, "127.0.0.1")

    def open(self, way):
        """Start what the way needs; return the options of its recording proxy."""
        if way == "direct":
            return {"hosts": self.hosts, "upstream": "direct"}
        if way == "behind":
            self.forwarders[way], _ = start_forwarder(self.box, "forwarder-behind", DELAY_MS, f"127.0.0.1:{self.port}",
                                                      f"{BEHIND_ADDRESS}:{self.port}")
            return {"hosts": write_hosts(self.box, BEHIND_ADDRESS), "upstream": "direct"}
        second = self.box.proxy("--hosts", self.hosts, "--no-view", name=f"second-{way}")
        delay_ms = DELAY_MS if way == "far" else 0
        self.forwarders[way], port = start_forwarder(self.box, f"forwarder-{way}", delay_ms, f"127.0.0.1:{second.port}")
        return {"upstream": f"socks5://127.0.0.1:{port}"}

    def record(self, way, seed, *more, name=None):
        """Record one load over the way, with the server's times of `seed`; return the session file."""
        if way not in self.options:
            self.options[way] = self.open(way)
        options = self.options[way]
        words = ["--hosts", options["hosts"]] if "hosts" in options else []
        proxy = self.box.proxy("--no-view", "--body-limit", "none", *words, *more, upstream=options["upstream"],
                               name=name or f"{way}-{seed:02}")
        page.load(proxy.port, self.port, seed)
        proxy.end(verify=False)
        return proxy.path

    def record_mixed(self, plan):
        """Record the loads of `plan`, {way: seeds}, in one random order, so that no drift of the machine falls on one side
        alone; return {way: files in the order of the seeds}."""
        order = [(way, seed) for way, seeds in plan.items() for seed in seeds]
        random.Random(1).shuffle(order)
        files = {pair: self.record(*pair) for pair in order}
        return {way: [files[way, seed] for seed in seeds] for way, seeds in plan.items()}


@functools.cache
def recorded(build, attempt, **loads):  # pylint: disable=unused-argument
    """Record so many loads of each way, seeds from 0 on, once for all tests of a script (again where one was too slow); kept until it ends.

    Return ({way: files}, {way: the forwarder's account of how late it was}).
    """
    folder = Path(tempfile.mkdtemp(prefix="mitm-loads-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    box = harness.Box(build, folder)
    try:
        ways = Ways(box)
        files = ways.record_mixed({way: range(count) for way, count in loads.items()})
        late = {way: lateness(program) for way, program in ways.forwarders.items()}
        for program in box.programs:
            program.check_clean()
    finally:
        box.close()
    return files, late
