#!/usr/bin/env python3
"""Measure what seeing into TLS costs: a plain relay (the floor), mitm-proxy without keys and mitm-proxy with them pass on the same
downloads and the same small requests over TLS 1.3 (AES-128-GCM) from nginx, in turn, round by round.

Each figure is the median of the rounds. CPU time is that of the whole process in user and system mode. The exit code says
whether everything was measured, never how fast it was.
"""
import argparse
import os
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
import harness  # noqa: E402
import https  # noqa: E402
import socks  # noqa: E402
from peers import Peer, Unmeasured, pinned  # noqa: E402

GIB = 1 << 30
SUITE = "TLS_AES_128_GCM_SHA256"
WARM_UP_REQUESTS = 50
SECONDS = 120
PLANS = {"full": dict(rounds=5, bulk=GIB, requests=5000), "quick": dict(rounds=3, bulk=GIB // 8, requests=1000),
         "smoke": dict(rounds=1, bulk=GIB // 256, requests=100)}
FLOOR, WITHOUT, WITH = "floor", "mitm-proxy", "mitm-proxy --keylog"
ROWS = [("bulk_h1", "CPU s / GiB, HTTP/1.1", 3), ("bulk_h2", "CPU s / GiB, HTTP/2", 3),
        ("small", "CPU s / 100,000 requests, 117 B, HTTP/1.1", 3),
        ("latency_us", "added latency p50, µs", 1), ("latency_one_core_us", "added latency p50, all on one core, µs", 1)]


class Bench:
    def __init__(self, plan, build, folder):
        self.plan, self.folder = plan, folder
        self.box = harness.Box(build, folder)
        self.certificates = https.Certificates(folder)
        self.hosts, self.keylog = https.write_hosts(folder), folder / "keys.log"
        cores = sorted(os.sched_getaffinity(0))
        self.load_core, self.proxy_core = cores[0], cores[-1]
        self.peers = self.all_peers(build)
        self.figures = {peer.name: {} for peer in self.peers}
        self.direct_us = []

    def all_peers(self, build):
        proxy = str(build / "capture" / "mitm-proxy")
        words = ["-u", "direct", "--hosts", str(self.hosts), "--force", "--no-view", "--keylog"]

        def command(program, port, file, keylog):
            return [program, "-l", f"127.0.0.1:{port}", "-w", str(file), *words, str(keylog)]

        return [Peer(FLOOR, str(build / "tests/bench/bench_floor"), lambda program, port, file, folder: [program, "-l", f"127.0.0.1:{port}"]),
                Peer(WITHOUT, proxy, lambda program, port, file, folder: command(program, port, file, "none")),
                Peer(WITH, proxy, lambda program, port, file, folder: command(program, port, file, self.keylog))]

    def start(self):
        self.nginx = https.Nginx(self.box, self.certificates)
        os.sched_setaffinity(self.nginx.program.pid, {self.load_core})
        os.truncate(self.make("large"), self.plan["bulk"])
        self.make("small").write_bytes(b"s" * 117)

    def make(self, name):
        path = self.nginx.folder / "root" / name
        path.touch()
        return path

    def add(self, peer, key, value):
        self.figures[peer.name].setdefault(key, []).append(value)

    def measure_bulk(self, peer, way):
        before = peer.settled_cpu_seconds()
        # The floor is no name server: it gets the address, as the others could.
        words = ["curl", "--silent", "--show-error", "--cacert", self.certificates.ca, "--proxy", f"socks5://127.0.0.1:{peer.port}", "--tls13-ciphers",
                 SUITE, "--tlsv1.3", "-o", "/dev/null", "--write-out", "%{size_download} %{http_version}", "--http2" if way == "h2" else "--http1.1",
                 self.nginx.url("/large", way, "127.0.0.1")]
        done = subprocess.run(words, env={**os.environ, "SSLKEYLOGFILE": str(self.keylog)}, capture_output=True, text=True, timeout=SECONDS, check=False,
                              preexec_fn=pinned(self.load_core))
        if done.stdout != f"{self.plan['bulk']} {'2' if way == 'h2' else '1.1'}":
            raise Unmeasured(f"{peer.name}: {done.stdout} {done.stderr}")
        self.add(peer, f"bulk_{way}", (peer.settled_cpu_seconds() - before) / self.plan["bulk"] * GIB)

    def ask(self, peer):
        """Small requests one behind the other over one connection (through `peer`; None: directly); return how long they took at the median, in µs."""
        context = ssl.create_default_context(cafile=self.certificates.ca)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.keylog_filename = str(self.keylog)
        port = self.nginx.port["h1"]
        plain = socks.dial(port) if peer is None else socks.client(peer.port, "127.0.0.1", port, socks.IPV4)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        request, times = f"GET /small HTTP/1.1\r\nHost: {https.SITE}\r\n\r\n".encode(), []
        with context.wrap_socket(plain, server_hostname=https.SITE) as tls:
            for _ in range(self.plan["requests"] + WARM_UP_REQUESTS):
                begin = time.perf_counter_ns()
                tls.sendall(request)
                answer = tls.recv(1 << 14)
                while not answer.endswith(b"s" * 117):
                    answer += tls.recv(1 << 14)
                times.append((time.perf_counter_ns() - begin) / 1000)
        return statistics.median(times[WARM_UP_REQUESTS:])

    def measure_small(self, peer):
        """One request at a time; the proxy has a core of its own, then all share one. The same without a proxy right before."""
        for core, key in ((self.proxy_core, "latency_us"), (self.load_core, "latency_one_core_us")):
            direct = self.ask(None)
            peer.pin(core)
            before = peer.settled_cpu_seconds()
            through = self.ask(peer)
            if core == self.proxy_core:
                self.add(peer, "small", (peer.settled_cpu_seconds() - before) / (self.plan["requests"] + WARM_UP_REQUESTS) * 100_000)
            self.direct_us.append(direct)
            self.add(peer, key, through - direct)
        peer.pin(self.proxy_core)

    def round(self):
        for peer in self.peers:
            peer.start(self.folder, self.proxy_core)
        try:
            for measure, arguments in ((self.measure_small, []), (self.measure_bulk, ["h1"]), (self.measure_bulk, ["h2"])):
                for peer in self.peers:
                    measure(peer, *arguments)
        finally:
            for peer in self.peers:
                peer.stop()

    def run(self):
        os.sched_setaffinity(0, {self.load_core})
        self.start()
        try:
            for number in range(self.plan["rounds"]):
                print(f"round {number + 1} of {self.plan['rounds']}", file=sys.stderr)
                self.round()
        finally:
            self.box.close()

    def median(self, name, key):
        return statistics.median(self.figures[name][key])

    def ratio(self, name, to, key):
        return statistics.median(a / b for a, b in zip(self.figures[name][key], self.figures[to][key], strict=True) if b > 0)

    def table(self):
        lines = [f"| {'TLS 1.3, AES-128-GCM':44} | {FLOOR:>10} | {WITHOUT:>18} | {WITH:>20} | keys cost |",
                 f"|:{'-' * 45}|{'-' * 11}:|{'-' * 19}:|{'-' * 21}:|----------:|"]
        for key, title, digits in ROWS:
            cells = [f"{self.median(name, key):.{digits}f}" for name in (FLOOR, WITHOUT, WITH)]
            if "latency" not in key:
                cells[1:] = [f"{cell} ({self.ratio(name, FLOOR, key):.2f}×)" for cell, name in zip(cells[1:], (WITHOUT, WITH), strict=True)]
            more = self.median(WITH, key) - self.median(WITHOUT, key)
            lines.append(f"| {title:44} | {cells[0]:>10} | {cells[1]:>18} | {cells[2]:>20} | {more:>+9.{digits}f} |")
        return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=Path("build"), help="build folder (default: build)")
    parser.add_argument("--quick", dest="plan", action="store_const", const="quick", default="full", help="coarser")
    parser.add_argument("--quick-smoke", dest="plan", action="store_const", const="smoke", help="a few seconds: only shows that it works")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mitm-bench-") as folder:
        bench = Bench(PLANS[args.plan], args.build.resolve(), Path(folder))
        try:
            bench.run()
        except harness.Skip as reason:
            print(f"bench: TLS: {reason}")
            return 0
        except (Unmeasured, OSError, subprocess.SubprocessError, AssertionError) as error:
            print(f"bench: TLS: NOT MEASURED: {error}")
            return 3
    plan = bench.plan
    print("\n".join(bench.table()))
    print(f"\n- Medians of {plan['rounds']} interleaved rounds, in brackets the ratio to the floor. Bulk: one download of {plan['bulk'] / GIB:g} GiB by curl; "
          f"small: {plan['requests']:,} requests, one at a time, {statistics.median(bench.direct_us):.1f} µs without a proxy.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
