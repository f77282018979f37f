#!/usr/bin/env python3
"""Comparisons with a known truth: loads of one page whose ways differ by an added round trip of 100 ms, and loads that differ
in nothing. Verdicts and intervals must contain the truth; of the same condition nothing may be proven, in at least 95 of 100
comparisons. R and an independent reader of the files check the figures.
"""
import atexit
import functools
import json
import random
import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
import comparing
import harness
import page
import referee
import ways
from harness import check, equal

LOADS = 20
SAME = 40  # loads of one condition, from which two times 20 are drawn
REPETITIONS, MOST_FALSE = 100, 5
# Processes that slept for 50 ms wake up slower than those that have just run: allowed beyond the forwarder's own lateness.
WAKING_NS = 2_000_000  # for each round trip
TRANSFER_NS = 5_000_000
R_TOLERANCE = 1e-9

RECORDED = Path(tempfile.mkdtemp(prefix="mitm-truth-"))
atexit.register(shutil.rmtree, RECORDED, ignore_errors=True)


@functools.cache
def recorded(build):
    """Record all loads that the tests here need, once; return ({way: files}, {way: the forwarder's lateness})."""
    folder = RECORDED / "work"
    folder.mkdir()
    box = harness.Box(build, folder)
    try:
        roads = ways.Ways(box)
        files = roads.record_mixed({"direct": range(SAME), "behind": range(LOADS), "near": range(LOADS), "far": range(LOADS)})
        late = {way: ways.lateness(program) for way, program in roads.forwarders.items()}
        for program in box.programs:
            program.check_clean()
    finally:
        box.close()
    return files, late


def check_truth(box, before, after, round_trips):
    """Compare the loads of two ways; the truth must be in every row."""
    files, late = recorded(box.build)
    rows = comparing.rows(box, files[before][:LOADS], files[after], "--metric", ",".join(round_trips))
    late_ns = 2e6 * late[after]["mean_ms"]
    print(f"{after}: the forwarder was late by {late[after]}")
    for name, count in round_trips.items():
        row, truth = rows[name], count * ways.RTT_NS
        low, high = row["shift_low"], row["shift_high"]
        most = count * (ways.RTT_NS + late_ns + WAKING_NS) if count else TRANSFER_NS
        inside = "contains" if low <= truth <= high else "reaches beyond"
        print(f"{name:16} {row['verdict']:7} shift {row['shift'] / 1e6:8.3f} ms, interval {low / 1e6:.3f} … {high / 1e6:.3f} ms "
              f"{inside} the truth, {truth / 1e6:.0f} ms")
        check(low <= most and high >= (truth if count else -TRANSFER_NS), f"{name}: {low} … {high} ns, but {truth} … {most} is true")
        if count:
            equal(row["verdict"], "slower", name)
            check(row["p"] < 1e-6, f"{name}: p is {row['p']}")
            check(row["cliffs_delta"] == 1, f"{name}: Cliff's delta is {row['cliffs_delta']}")
    return rows


def test_forwarder_behind_the_built_in_server(box):
    check_truth(box, "direct", "behind", page.BEHIND)


def test_forwarder_before_the_upstream(box):
    check_truth(box, "near", "far", page.BEFORE)


def test_load_time_contains_the_truth_itself(box):
    """Of load time the server's thinking makes intervals wide enough to contain the truth without allowances."""
    files, _ = recorded(box.build)
    row = comparing.rows(box, files["direct"][:LOADS], files["behind"], "--metric", "load-time")["load-time"]
    check(row["shift_low"] <= page.BEHIND["load-time"] * ways.RTT_NS <= row["shift_high"], f"{row}")


def test_fail_if(box):
    """Only what is proven fails a build."""
    files, _ = recorded(box.build)
    direct, behind = files["direct"], files["behind"]
    equal(comparing.run(box, direct[:LOADS], behind, "--fail-if", "load-time > +5%").returncode, 1, "slower, and 5 % are too much")
    equal(comparing.run(box, direct[:LOADS], behind, "--fail-if", "load-time > +5000%").returncode, 0, "slower, but allowed")
    equal(comparing.run(box, behind, direct[:LOADS], "--fail-if", "load-time > +5%").returncode, 0, "faster")
    equal(comparing.run(box, direct[::2], direct[1::2], "--fail-if", "load-time > +5%").returncode, 0, "the same condition")


def test_same_condition(box):
    """Sessions of one condition, recorded among those of others, drawn by chance into two groups: nothing is proven."""
    files, _ = recorded(box.build)
    chance, false = random.Random(20), {}
    for _ in range(REPETITIONS):
        drawn = chance.sample(files["direct"], 2 * LOADS)
        rows = comparing.rows(box, drawn[:LOADS], drawn[LOADS:])
        for name, row in rows.items():
            false[name] = false.get(name, 0) + (row["verdict"] != "~")
        false["any"] = false.get("any", 0) + any(row["verdict"] != "~" for row in rows.values())
    print(f"verdicts other than ~ in {REPETITIONS} comparisons of the same condition: {false}")
    check("load-time" in false, "load time was not compared")
    check(false["load-time"] <= MOST_FALSE, "load time was called different too often")
    # Holm's method holds the chance of any false verdict to 5 %; more than 15 in 100 have a chance of less than 1e-4 then.
    check(false["any"] <= 15, "something was called different too often")


def close(ours, theirs, what):
    check(abs(ours - theirs) <= R_TOLERANCE * max(1, abs(theirs)), f"{what}: {ours}, but R says {theirs}")


def test_referee(box):
    """Every figure of a comparison is what R computes from values that mitm-analyze has had no part in."""
    harness.need_programs("Rscript")
    files, _ = recorded(box.build)
    sides = [[referee.measures(path) for path in paths] for paths in (files["near"], files["far"])]
    samples = {name: tuple(comparing.sample(loads, name) for loads in sides) for name in page.BEFORE}
    theirs = referee.compare(samples)
    ours = comparing.rows(box, files["near"], files["far"], "--metric", ",".join(samples))
    equal(sorted(ours), sorted(theirs), "rows")
    exact = 0
    for name, row in ours.items():
        other = theirs[name]
        equal((row["before_n"], row["after_n"]), (other["n_before"], other["n_after"]), f"{name}: numbers of values")
        for mine, its in comparing.BY_R.items():
            close(row[mine], other[its], f"{name}, {mine}")
        if other["low"] is not None:
            close(row["shift_low"], other["low"], f"{name}, lower end of the interval")
            close(row["shift_high"], other["high"], f"{name}, upper end of the interval")
            exact += 1
    check(exact >= 2, "R had no exact interval to compare")
    print(json.dumps(theirs["load-time"]))


if __name__ == "__main__":
    harness.run(globals())
