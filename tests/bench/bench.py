#!/usr/bin/env python3
"""Measure what mitm-proxy costs, beside a plain relay (the floor) and other proxies, in one run.

The proxy has a core of its own; load generator and origin server share another one. All peers are measured in turn, round
by round, and each figure is the median of the rounds. The exit code says whether everything was measured, never how fast
it was.
"""

import argparse
import json
import os
import platform
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from peers import Unmeasured, all_peers, pinned, wait_for

GIB = 1 << 30
CHUNK_BYTES = 16381  # BODY_PERIOD_BYTES of body.h
PARALLEL_SMALL = 50
PARALLEL_BULK = 4
PARALLEL_NEW = 16
RUN_SECONDS = 120
WARM_UP_REQUESTS = 200

PLANS = {
    "full": dict(rounds=5, slow_rounds=3, idle_rounds=3, seconds=540, bodies=[117, 0, 512], small=100000, bulk=GIB,
                 chunked=True, new=10000, latency=10000, idle=9900),
    "quick": dict(rounds=3, slow_rounds=1, idle_rounds=1, seconds=50, bodies=[117], small=10000, bulk=GIB // 8,
                  chunked=False, new=1000, latency=2000, idle=1000),
    "smoke": dict(rounds=1, slow_rounds=1, idle_rounds=1, seconds=50, bodies=[117], small=500, bulk=GIB // 128,
                  chunked=True, new=100, latency=100, idle=50),
}


def machine_busy_seconds():
    """Return how long the cores have worked so far, waiting not counted."""
    user, nice, system, _, _, irq, softirq, steal = map(int, open("/proc/stat").readline().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def own_busy_seconds():
    """Return the CPU time of this process and of the children that have ended."""
    return sum(os.times()[:4])


class Metric:
    """A row of the table. `limit` is (what is compared: "ratio" or "value", "<=" or ">=", bound) for mitm-proxy."""

    def __init__(self, key, title, digits, limit=None):
        self.key, self.title, self.digits, self.limit = key, title, digits, limit


METRICS = [
    Metric("small_117", "CPU s / 100,000 requests, 117 B", 3, ("ratio", "<=", 2.2)),
    Metric("small_0", "CPU s / 100,000 requests, 0 B", 3, ("ratio", "<=", 2.2)),
    Metric("small_512", "CPU s / 100,000 requests, 512 B", 3, ("ratio", "<=", 2.2)),
    Metric("bulk", "CPU s / GiB, Content-Length", 3, ("ratio", "<=", 1.1)),
    Metric("bulk_chunked", "CPU s / GiB, chunked", 3, ("ratio", "<=", 1.1)),
    Metric("added_latency_us", "added latency p50, one core, µs", 1, ("value", "<=", 30)),
    Metric("idle_kib", "user memory / idle connection, KiB", 2, ("value", "<=", 4)),
    Metric("new_per_s", "new connections / s", 0, ("ratio", ">=", 0.8)),
    Metric("new_cpu_us", "CPU µs / new connection", 1),
]


class Bench:
    """One run: the origin server, the peers that are there, and the figures of each round."""

    def __init__(self, plan, build, folder, peers):
        self.plan, self.build, self.folder, self.peers = plan, build, folder, peers
        cores = sorted(os.sched_getaffinity(0))
        self.load_core, self.proxy_core = cores[0], cores[-1]
        self.load = str(build / "tests/bench/bench_load")
        self.figures = {peer.name: {} for peer in peers}
        self.direct_us = []
        self.problems = []
        self.rounds_done = 0

    def note(self, text):
        if sys.stderr.isatty():
            print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)

    def add(self, peer, key, value):
        self.figures[peer.name].setdefault(key, []).append(value)

    def start_origin(self):
        log = self.folder / "origin.log"
        with open(log, "wb") as out:
            self.origin_process = subprocess.Popen([self.load, "origin"], stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                                   preexec_fn=pinned(self.load_core))
        line = wait_for(lambda: log.read_text().endswith("\n") and log.read_text(), 10, "origin server answers")
        self.origin = f"127.0.0.1:{line.split()[-1]}"

    def load_command(self, peer, *options):
        through = [] if peer is None else ["-x", f"127.0.0.1:{peer.port}"]
        return [self.load, "run", "-o", self.origin, "-t", str(RUN_SECONDS), *through, *map(str, options)]

    def run_load(self, peer, *options):
        """Run the load generator through `peer` (None: directly) and return what it reports."""
        done = subprocess.run(self.load_command(peer, *options), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              preexec_fn=pinned(self.load_core), timeout=RUN_SECONDS + 30)
        if done.returncode != 0:
            name = "direct" if peer is None else peer.name
            raise Unmeasured(f"{name}: load {' '.join(map(str, options))} failed: {done.stderr.strip()} {done.stdout.strip()}")
        return json.loads(done.stdout)

    def cpu_of_load(self, peer, *options):
        """Return the CPU seconds that `peer` needs for a run of the load generator, and the run's report."""
        before = peer.settled_cpu_seconds()
        report = self.run_load(peer, *options)
        return peer.settled_cpu_seconds() - before, report

    def measure_small(self, peer, body):
        count = max(200, int(self.plan["small"] * peer.scale * (1 if body == self.plan["bodies"][0] else 0.5)))
        cpu, _ = self.cpu_of_load(peer, "-n", count, "-c", min(PARALLEL_SMALL, count), "-b", body)
        self.add(peer, f"small_{body}", cpu / count * 100000)

    def restart(self, peer):
        """Let the peer begin a new file: what fills the page cache with gigabytes must not weigh on what comes later."""
        if not peer.slow():
            peer.stop()
            self.start_peer(peer)

    def measure_bulk(self, peer):
        self.restart(peer)
        body = int(self.plan["bulk"] * peer.scale) // PARALLEL_BULK
        cpu, _ = self.cpu_of_load(peer, "-n", PARALLEL_BULK, "-c", PARALLEL_BULK, "-b", body)
        self.add(peer, "bulk", cpu / (body * PARALLEL_BULK) * GIB)

    def measure_bulk_chunked(self, peer):
        self.restart(peer)
        chunks = int(self.plan["bulk"] * peer.scale) // PARALLEL_BULK // CHUNK_BYTES
        cpu, _ = self.cpu_of_load(peer, "-n", PARALLEL_BULK, "-c", PARALLEL_BULK, "-C", chunks)
        self.add(peer, "bulk_chunked", cpu / (chunks * CHUNK_BYTES * PARALLEL_BULK) * GIB)

    def measure_new(self, peer):
        count = max(50, int(self.plan["new"] * peer.scale))
        cpu, report = self.cpu_of_load(peer, "-n", count, "-k", 1, "-c", PARALLEL_NEW, "-b", 117)
        self.add(peer, "new_per_s", count / report["seconds"])
        self.add(peer, "new_cpu_us", cpu / count * 1e6)
        self.add(peer, "new_core_share", cpu / report["seconds"])

    def measure_latency(self, peer):
        """One request at a time, everything on one core; the same without a proxy right before."""
        count = max(50, int(self.plan["latency"] * peer.scale))
        direct = self.run_load(None, "-n", count, "-b", 117)
        peer.pin(self.load_core)
        through = self.run_load(peer, "-n", count, "-b", 117)
        peer.pin(self.proxy_core)
        self.direct_us.append(direct["p50_ns"] / 1000)
        self.add(peer, "added_latency_us", (through["p50_ns"] - direct["p50_ns"]) / 1000)
        self.add(peer, "added_latency_p99_us", (through["p99_ns"] - direct["p99_ns"]) / 1000)

    def measure_idle(self, peer):
        """Memory of connections that have carried one request and wait for the next, in a process of its own."""
        count = max(50, int(self.plan["idle"] * (0.1 if peer.slow() else 1)))
        self.start_peer(peer)
        try:
            before = peer.settled_memory_kib()
            with subprocess.Popen(self.load_command(peer, "-n", count, "-k", 1, "-c", 64, "-b", 117, "-H"), text=True,
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  preexec_fn=pinned(self.load_core)) as load:
                report = json.loads(load.stdout.readline())
                if report["errors"] > 0 or report["requests"] < count:
                    raise Unmeasured(f"{peer.name}: {count} idle connections: {report}")
                self.add(peer, "idle_kib", (peer.settled_memory_kib() - before) / count)
                load.stdin.close()
        finally:
            peer.stop()

    def attempt(self, measure, peer, *arguments):
        self.note(f"round {self.rounds_done + 1}/{self.plan['rounds']} {measure.__name__} {peer.name}")
        try:
            measure(peer, *arguments)
        except (Unmeasured, OSError, ValueError, subprocess.SubprocessError) as error:
            self.problems.append(f"{peer.name}: {measure.__name__}: {error}")

    def interleave(self, peers, measure, *arguments):
        for peer in peers:
            self.attempt(measure, peer, *arguments)

    def start_peer(self, peer):
        """Start a peer with a file of its own, and warm it up."""
        peer.start(self.folder, self.proxy_core)
        self.run_load(peer, "-n", WARM_UP_REQUESTS, "-c", 10, "-b", 117)

    def start_peers(self, peers):
        started = []
        for peer in peers:
            try:
                self.start_peer(peer)
                started.append(peer)
            except (Unmeasured, OSError, subprocess.SubprocessError) as error:
                self.problems.append(f"{peer.name}: start: {error}")
        return started

    def round(self):
        peers = [peer for peer in self.peers if not peer.slow() or self.rounds_done < self.plan["slow_rounds"]]
        if self.rounds_done < self.plan["idle_rounds"]:
            self.interleave(peers, self.measure_idle)
        try:
            started = self.start_peers(peers)
            for body in self.plan["bodies"]:
                self.interleave(started, self.measure_small, body)
            self.interleave(started, self.measure_new)
            self.interleave(started, self.measure_latency)
            self.interleave(started, self.measure_bulk)
            if self.plan["chunked"]:
                self.interleave(started, self.measure_bulk_chunked)
        finally:
            for peer in peers:
                peer.stop()
        self.rounds_done += 1

    def run(self):
        start = time.monotonic()
        busy, own = machine_busy_seconds(), own_busy_seconds()
        self.start_origin()
        try:
            while self.rounds_done < self.plan["rounds"]:
                self.round()
                spent = time.monotonic() - start
                if self.rounds_done >= 3 and spent + spent / self.rounds_done > self.plan["seconds"]:
                    break  # another round would take too long
        finally:
            self.origin_process.terminate()
            self.origin_process.wait()
            self.note("")
        self.seconds = time.monotonic() - start
        others = machine_busy_seconds() - busy - (own_busy_seconds() - own)
        self.others_share = max(0.0, others / self.seconds / os.cpu_count())

    def value(self, name, key):
        """Return the median of a figure, or None."""
        values = self.figures.get(name, {}).get(key)
        return statistics.median(values) if values else None

    def ratio(self, name, key):
        """Return the median of the rounds' ratios to the floor, or None."""
        ours, floor = (self.figures.get(who, {}).get(key, []) for who in (name, "floor"))
        pairs = [a / b for a, b in zip(ours, floor) if b > 0]
        return statistics.median(pairs) if pairs else None

    def verdict(self, metric):
        """Return the limit as text and whether mitm-proxy meets it (None: not measured)."""
        if metric.limit is None:
            return "", None
        what, sign, bound = metric.limit
        ours = (self.ratio if what == "ratio" else self.value)("mitm-proxy", metric.key)
        text = f"{'≤' if sign == '<=' else '≥'} {bound}{'×' if what == 'ratio' else ''}"
        return text, None if ours is None else ours <= bound if sign == "<=" else ours >= bound


def cell(bench, peer, metric):
    value, ratio = bench.value(peer.name, metric.key), bench.ratio(peer.name, metric.key)
    if value is None:
        return "–"
    text = f"{value:,.{metric.digits}f}"
    return text if peer.name == "floor" or ratio is None else f"{text} ({ratio:.2f}×)"


def table(bench):
    """Return the table as lines of Markdown, padded to be read as it is."""
    rows = [["", *(peer.name for peer in bench.peers), "limit", "mitm-proxy"]]
    for metric in METRICS:
        if any(bench.value(peer.name, metric.key) is not None for peer in bench.peers):
            limit, met = bench.verdict(metric)
            rows.append([metric.title, *(cell(bench, peer, metric) for peer in bench.peers), limit,
                         "" if met is None else "met" if met else "not met"])
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    rule = [":" + "-" * (widths[0] - 1), *("-" * (width - 1) + ":" for width in widths[1:])]
    lines = [[row[0].ljust(widths[0]), *(text.rjust(width) for text, width in zip(row[1:], widths[1:]))] for row in rows]
    return ["| " + " | ".join(line) + " |" for line in [lines[0], rule, *lines[1:]]]


def notes(bench, missing):
    """Return what a reader has to know beside the table."""
    cpu = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    plan, direct = bench.plan, statistics.median(bench.direct_us) if bench.direct_us else 0
    lines = [
        f"Medians of {bench.rounds_done} interleaved rounds, in brackets the ratio to the floor (median of the rounds' ratios).",
        f"{cpu}, Linux {platform.release()}; proxy on core {bench.proxy_core}, load and origin server on core "
        f"{bench.load_core}; CPU time is user and system time of the whole process, threads and children included.",
        f"Small: {plan['small']:,} requests over {PARALLEL_SMALL} keep-alive connections. Bulk: {plan['bulk'] / GIB:g} GiB "
        f"in {PARALLEL_BULK} responses at a time. New: {plan['new']:,} connections with one request each, {PARALLEL_NEW} at "
        "a time. "
        f"Idle: {plan['idle']:,} connections after one request each. "
        f"Latency: one request at a time, proxy on the core of the others; {direct:.1f} µs without a proxy.",
        "floor: a relay that decodes and records nothing; floor -w: the same, writing every byte to a file; mitm-proxy: "
        "decoding and recording with the default options.",
    ]
    if bench.others_share > 0.05:
        lines.append(f"OTHER PROGRAMS took {bench.others_share:.0%} of the machine meanwhile: latency and connections per "
                     "second are not to be trusted, CPU times are too high.")
    busy = {peer.name: bench.value(peer.name, "new_core_share") for peer in bench.peers}
    waiting = [f"{name} {share:.0%}" for name, share in busy.items() if share is not None and share < 0.9]
    if waiting:
        lines.append("New connections: the load generator's core was the limit where the proxy's core was not busy all the "
                     f"time ({', '.join(waiting)}); CPU µs tell more there.")
    lines += [f"{peer.name} is slow: it is given {peer.scale:.0%} of requests, bytes and connections, 10% of the idle "
              f"connections, and {plan['slow_rounds']} rounds; extrapolated." for peer in bench.peers if peer.slow()]
    lines += [f"Missing: {peer.name} (not {'built' if peer.name in ('mitm-proxy', 'floor', 'floor -w') else 'installed'})."
              for peer in missing]
    lines += [f"NOT MEASURED: {problem}" for problem in bench.problems]
    return lines


def result(bench, missing):
    """Return everything that was measured, for JSON."""
    verdicts = {metric.key: dict(limit=bench.verdict(metric)[0], met=bench.verdict(metric)[1])
                for metric in METRICS if metric.limit is not None}
    return dict(
        plan=bench.plan, rounds=bench.rounds_done, seconds=round(bench.seconds, 1), kernel=platform.release(),
        others_share=round(bench.others_share, 3),
        proxy_core=bench.proxy_core, load_core=bench.load_core, direct_p50_us=bench.direct_us, rounds_of=bench.figures,
        median={peer.name: {key: bench.value(peer.name, key) for key in bench.figures[peer.name]} for peer in bench.peers},
        ratio={peer.name: {key: bench.ratio(peer.name, key) for key in bench.figures[peer.name]} for peer in bench.peers},
        limits=verdicts, versions={peer.name: peer.version() for peer in bench.peers},
        recorded_bytes={peer.name: peer.recorded_bytes for peer in bench.peers},
        missing=[peer.name for peer in missing], problems=bench.problems)


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=Path("build"), help="build folder (default: build)")
    parser.add_argument("-o", "--output", type=Path, help="folder for bench.json and bench.md")
    parser.add_argument("--quick", dest="plan", action="store_const", const="quick", default="full",
                        help="less than a minute on an idle machine, coarser")
    parser.add_argument("--quick-smoke", dest="plan", action="store_const", const="smoke",
                        help="a few seconds: only shows that the bench works")
    parser.add_argument("--peers", help="only these, separated by commas (the floor is always there)")
    parser.add_argument("--rounds", type=int, help="how many rounds")
    return parser.parse_args()


def main():
    args = options()
    plan = dict(PLANS[args.plan])
    if args.rounds is not None:
        plan["rounds"] = max(1, args.rounds)
    peers = all_peers(args.build.resolve())
    if args.peers is not None:
        peers = [peer for peer in peers if peer.name in ["floor", *args.peers.split(",")]]
    missing = [peer for peer in peers if peer.missing()]
    peers = [peer for peer in peers if not peer.missing()]
    if not peers or peers[0].name != "floor":
        print("bench: bench_floor and bench_load are not built (cmake -DBENCH=ON)", file=sys.stderr)
        return 3
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))  # cleans up on the way out
    folder = Path(tempfile.mkdtemp(prefix="mitm-bench-"))
    bench = Bench(plan, args.build.resolve(), folder, peers)
    try:
        (folder / "run").mkdir()
        bench.folder = folder / "run"
        bench.run()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    text = "\n".join([*table(bench), "", *(f"- {line}" for line in notes(bench, missing))]) + "\n"
    print(text, end="")
    if args.output is not None:
        args.output.mkdir(parents=True, exist_ok=True)
        (args.output / "bench.md").write_text(text)
        (args.output / "bench.json").write_text(json.dumps(result(bench, missing), indent=1) + "\n")
    return 3 if bench.problems else 0


if __name__ == "__main__":
    sys.exit(main())
