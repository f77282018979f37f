#!/usr/bin/env python3
"""Measures mitm-analyze stats on sessions of 1.25 to 10 million events: CPU time and memory; both should grow with the
session, not faster. With Rscript, the quantiles of the largest are compared with R's, which gets the values as CSV.

usage: large.py --build BUILD [--events N]
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

R = r"""
arguments <- commandArgs(trailingOnly = TRUE)
values <- read.csv(arguments[1])
for (name in arguments[-1]) {
    x <- values[[name]]
    x <- x[!is.na(x)]
    cat(name, length(x), sprintf("%.17g", quantile(x, c(0, .25, .5, .75, .9, .99, 1), type = 7, names = FALSE)), "\n")
}
"""
SHOWN = ("min", "q1", "median", "q3", "p90", "p99", "max")


def run(command, output):
    """Run `command`; return its CPU seconds, wall-clock seconds and peak memory in bytes."""
    with open(output, "wb") as out:
        start = time.monotonic()
        process = subprocess.Popen(command, stdout=out)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"{' '.join(command)}: exit code {process.returncode}")
    return usage.ru_utime + usage.ru_stime, time.monotonic() - start, usage.ru_maxrss * 1024


def distributions(path):
    """Return the distributions of the JSON file, whose rows need not be parsed."""
    with open(path, "rb") as file:
        file.seek(0, os.SEEK_END)
        size = file.tell()
        file.seek(max(0, size - 100_000))
        tail = file.read()
    at = tail.rindex(b'"distributions":')
    return json.loads(b"{" + tail[at:])["distributions"]


def compare(analyze, session, folder):
    """Return the greatest relative difference between our quantiles and R's, and of how many values they are."""
    csv, ours, script = (os.path.join(folder, name) for name in ("requests.csv", "requests.json", "quantiles.R"))
    run([analyze, "stats", "--by", "request", "--format", "csv", session], csv)
    run([analyze, "stats", "--by", "request", "--format", "json", session], ours)
    with open(script, "w", encoding="ascii") as file:
        file.write(R)
    names = {
        row["measure"].replace("-", "_") + {"ns": "_ns", "bit/s": "_bit_per_s"}.get(row["unit"], ""): row
        for row in distributions(ours)
    }
    lines = subprocess.run(["Rscript", script, csv, *names], check=True, capture_output=True, text=True).stdout
    worst, most = 0.0, 0
    for line in lines.splitlines():
        name, n, *quantiles = line.split()
        row = names[name]
        if int(n) != row["n"]:
            sys.exit(f"{name}: R has {n} values, mitm-analyze {row['n']}")
        if int(n) == 0:
            continue
        most = max(most, int(n))
        for ours_name, theirs in zip(SHOWN, map(float, quantiles)):
            worst = max(worst, abs(row[ours_name] - theirs) / max(abs(theirs), 1e-300) if row[ours_name] != theirs else 0)
    return worst, most


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    parser.add_argument("--events", type=int, default=10_000_000)
    options = parser.parse_args()
    analyze = os.path.join(options.build, "analyze", "mitm-analyze")
    maker = os.path.join(options.build, "tests", "bench", "bench_make_large")
    verbs = (["stats"], ["stats", "--by", "page"], ["stats", "--by", "request", "--format", "csv"])
    print(f"{'events':>10}  {'command':32}  {'CPU s':>6}  {'wall s':>6}  {'events/s':>10}  {'peak MB':>7}  {'bytes/event':>11}")
    with tempfile.TemporaryDirectory() as folder:
        session, output = os.path.join(folder, "large.mitm"), os.path.join(folder, "output")
        for events in (options.events // 8, options.events // 4, options.events // 2, options.events):
            subprocess.run([maker, str(events), session], check=True)
            for verb in verbs:
                cpu, wall, peak = run([analyze, *verb, session], output)
                print(f"{events:10,}  {' '.join(verb):32}  {cpu:6.2f}  {wall:6.2f}  {events / cpu:10,.0f}  "
                      f"{peak / 1e6:7.0f}  {peak / events:11.1f}")
        if not shutil.which("Rscript"):
            print("no Rscript: quantiles are not compared")
            return
        worst, most = compare(analyze, session, folder)
        print(f"quantiles of up to {most:,} values differ from R's type 7 by at most {worst:.2g} (relative)")
        if worst > 1e-12:
            sys.exit("that is too much")


main()
