#!/usr/bin/env python3
"""Does looking at the live view disturb what is measured? 200 connections download through mitm-proxy, with and without
somebody who loads http://mitm.proxy in a loop, in pairs; pairs without anybody show how much the machine itself varies.

Prints, for each figure, the median of the pairs' ratios and their range. The exit code says whether everything was measured.
"""
import argparse
import http.client
import json
import multiprocessing
import os
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from peers import Unmeasured, end_with_parent, wait_for

CONNECTIONS = 200
BODY_BYTES = 1 << 25
# Paced: each connection gets 1 MiB/s, so that the machine is not busy all the time.
PACED_BODY_BYTES, PACED = 1 << 22, ["--rate-down", "1M"]
ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "lib"))
import socks  # noqa: E402


class Looker(multiprocessing.Process):
    """Loads the view's page and its picture again and again, as a browser does; yields to everything else, so that what
    shows is what the view does."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.port = port
        self.ending, self.pages, self.failed = multiprocessing.Event(), multiprocessing.Value("L", 0), multiprocessing.Event()
        self.start()

    def get(self, path):
        connection = http.client.HTTPConnection("mitm.proxy")
        connection.sock = socks.client(self.port, "mitm.proxy", 80)
        with connection.sock:
            connection.request("GET", path, headers={"Accept": "text/html,*/*"})
            response = connection.getresponse()
            body = response.read()
        if response.status != 200:
            raise Unmeasured(f"GET {path}: {response.status}")
        return body

    def run(self):
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
        try:
            while not self.ending.is_set():
                page = self.get("/").decode()
                picture = re.search(r'<img[^>]* src="([^"]+)"', page)
                if picture:
                    self.get("/" + picture[1].replace("&amp;", "&").lstrip("/"))
                self.pages.value += 1
        except Exception:
            self.failed.set()
            raise


class Bench:
    def __init__(self, build, folder, paced):
        self.folder, self.paced = folder, paced
        self.body_bytes = PACED_BODY_BYTES if paced else BODY_BYTES
        self.proxy_program = build / "capture" / "mitm-proxy"
        self.analyze = build / "analyze" / "mitm-analyze"
        self.load = build / "tests" / "bench" / "bench_load"

    def start(self, name, argv, pattern):
        log = self.folder / f"{name}.log"
        with open(log, "wb") as out:
            process = subprocess.Popen([str(word) for word in argv], stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                       preexec_fn=end_with_parent)
        return process, wait_for(lambda: re.search(pattern, log.read_text()), 30, name)[1]

    def run_once(self, number, looked_at):
        session = self.folder / f"{number}.mitm"
        origin, port = self.start("origin", [self.load, "origin"], r"listening on (\d+)")
        proxy, proxy_port = self.start("proxy", [self.proxy_program, "-q", "-l", "127.0.0.1:0", "-u", "direct", "-w", session,
                                                 "--force", "--body-limit", "none", *(PACED if self.paced else [])], r"listening on 127\.0\.0\.1:(\d+)")
        looker = Looker(int(proxy_port)) if looked_at else None
        try:
            if looker:
                wait_for(lambda: looker.pages.value or looker.failed.is_set(), 60, "the first page")
            load = subprocess.run([str(self.load), "run", "-o", f"127.0.0.1:{port}", "-x", f"127.0.0.1:{proxy_port}", "-n",
                                   str(CONNECTIONS), "-c", str(CONNECTIONS), "-b", str(self.body_bytes), "-t", "120"],
                                  capture_output=True, text=True, timeout=150)
            if load.returncode:
                raise Unmeasured(f"load: {load.stderr} {load.stdout}")
            pages = looker.pages.value if looker else 0
            if looker:
                looker.ending.set()
                looker.join(60)
                if looker.failed.is_set():
                    raise Unmeasured("the view could not be loaded")
        finally:
            proxy.terminate()
            proxy.wait(60)
            origin.kill()
            origin.wait()
        stats = json.loads(subprocess.run([str(self.analyze), "stats", "--format", "json", str(session)], capture_output=True,
                                          check=True, timeout=60).stdout)["sessions"][0]
        session.unlink()
        total, delay = stats["total"], stats["proxy_delay"]
        if total["responses"] != CONNECTIONS or total["incomplete_responses"]:
            raise Unmeasured(f"responses: {total}")
        return pages, {
            "throughput, MB/s": CONNECTIONS * self.body_bytes / json.loads(load.stdout)["seconds"] / 1e6,
            **{f"recorded {name} time, median, ms": total[f"{name}_ns"]["median"] / 1e6
               for name in ("socks", "waiting", "transfer") if total[f"{name}_ns"]["n"]},
            "delay added by the proxy, mean, ms": delay["sum_ns"] / delay["n"] / 1e6,
        }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=Path, default=Path("build"), help="build folder (default: build)")
    parser.add_argument("--pairs", type=int, default=10)
    parser.add_argument("--paced", action="store_true", help="at 1 MiB/s a connection, not as fast as it goes")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mitm-bench-view-") as folder:
        bench = Bench(options.build.resolve(), Path(folder), options.paced)
        bench.run_once("warm", False)
        ratios = {"looked at": [], "nobody": []}
        values, pages, number = {"looked at": [], "nobody": []}, 0, 0
        for pair in range(options.pairs * 2):
            kind = "looked at" if pair % 2 else "nobody"
            order = [False, kind == "looked at"] if pair // 2 % 2 else [kind == "looked at", False]
            results = []
            for position, looked_at in enumerate(order):
                count, figures = bench.run_once(number, looked_at)
                number, pages = number + 1, pages + count
                results.append(figures)
            second, first = results if order[0] else results[::-1]
            ratios[kind].append({key: second[key] / first[key] for key in first})
            values[kind].append(second)
            values["nobody"].append(first)
    print(f"{CONNECTIONS} connections, {bench.body_bytes >> 20} MiB each{', paced' if options.paced else ''}; {options.pairs} pairs; {pages} pages of the view were loaded "
          f"meanwhile ({pages / options.pairs:.0f} in a run)")
    print(f"{'':38}{'nobody looks':>14}{'with / without the view':>34}{'without / without':>34}")
    for key in ratios["nobody"][0]:
        cells = []
        for kind in ("looked at", "nobody"):
            each = [ratio[key] for ratio in ratios[kind]]
            cells.append(f"{statistics.median(each):.3f} ({min(each):.3f} … {max(each):.3f})")
        usual = statistics.median(value[key] for value in values["nobody"])
        print(f"{key:38}{usual:14.4g}{cells[0]:>34}{cells[1]:>34}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Unmeasured as problem:
        print(f"view: {problem}", file=sys.stderr)
        sys.exit(1)
