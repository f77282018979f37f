#!/usr/bin/env python3
"""Comparisons with a known truth: loads of one page whose ways differ by an added round trip of 100 ms, and loads that differ
in nothing. Verdicts and intervals must contain the truth; of the same condition nothing may be proven, in at least 95 of 100
comparisons. R and an independent reader of the files check the figures.
"""
import random
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
import comparing
import harness
import page
import referee
import ways
from harness import check, equal, in_time

LOADS = 20
SAME = 40  # loads of one condition, from which two times 20 are drawn
REPETITIONS, MOST_FALSE = 100, 5
# Allowed for each round trip, and where there is none, either way, beyond the forwarder's own lateness: processes that slept for
# 50 ms wake up slower than those that have just run, but then have the processor for themselves.
ASIDE_NS = 2_000_000
R_TOLERANCE = 1e-9



def recorded(box):
    return ways.recorded(box.build, box.attempt, direct=SAME, behind=LOADS, near=LOADS, far=LOADS)


def check_truth(box, before, after, round_trips, *options):
    """Compare the loads of two ways; the truth must be in every row."""
    files, late = recorded(box)
    rows = comparing.rows(box, files[before][:LOADS], files[after], *comparing.metrics(*round_trips), *options)
    equal(sorted(rows), sorted(round_trips), "rows")
    later_ns = 2e6 * late[after]["mean_ms"]
    print(f"{before} and {after} {' '.join(options)}: the forwarder was late by {late[after]}")
    for name, count in round_trips.items():
        row, truth = rows[name], count * ways.RTT_NS
        low, high = row["shift_low"], row["shift_high"]
        print(f"  {name:16} {row['verdict']:7} n {row['before_n']:3}, {row['after_n']:3}  shift {row['shift'] / 1e6:8.3f} ms, interval "
              f"{low / 1e6:.3f} … {high / 1e6:.3f} ms {'contains' if low <= truth <= high else 'is beside'} {truth / 1e6:.0f} ms")
        aside_ns = max(count, 1) * ASIDE_NS
        least, most = truth - aside_ns, truth + count * later_ns + aside_ns
        in_time(low <= most and high >= least, f"{name}: {low} … {high} ns, but {least} … {most} is true")
        if count:
            equal(row["verdict"], "slower", name)
            check(row["p"] < 1e-6, f"{name}: p is {row['p']}")
            equal(row["cliffs_delta"], 1, f"{name}: Cliff's delta")


def test_forwarder_behind_the_built_in_server(box):
    check_truth(box, "direct", "behind", page.BEHIND)
    check_truth(box, "direct", "behind", page.BEHIND, "--by", "session")


def test_forwarder_before_the_upstream(box):
    check_truth(box, "near", "far", page.BEFORE)
    check_truth(box, "near", "far", page.BEFORE, "--by", "session")


def test_load_time_contains_the_truth_itself(box):
    """Of load time the server's thinking makes intervals wide enough to contain the truth without allowances."""
    files, _ = recorded(box)
    row = comparing.rows(box, files["direct"][:LOADS], files["behind"], "--metric", "load-time")["load-time"]
    in_time(row["shift_low"] <= page.BEHIND["load-time"] * ways.RTT_NS <= row["shift_high"], f"{row}")


def test_fail_if(box):
    """Only what is proven fails a build."""
    files, _ = recorded(box)
    direct, behind = files["direct"], files["behind"]
    equal(comparing.run(box, direct[:LOADS], behind, "--fail-if", "load-time > +5%").returncode, 1, "slower, and 5 % are too much")
    equal(comparing.run(box, direct[:LOADS], behind, "--fail-if", "load-time > +5000%").returncode, 0, "slower, but allowed")
    equal(comparing.run(box, behind, direct[:LOADS], "--fail-if", "load-time > +5%").returncode, 0, "faster")
    rare = ["--alpha", "0.001"]  # a test that fails by chance once in ten thousand runs
    equal(comparing.run(box, direct[::2], direct[1::2], "--fail-if", "load-time > +5%", *rare).returncode, 0, "the same condition")


def count_false(files, compare):
    """Draw two groups from `files` again and again; return how often which row, or any, had another verdict than ~."""
    chance, false = random.Random(20), {}
    for _ in range(REPETITIONS):
        drawn = chance.sample(files, 2 * LOADS)
        rows = compare(drawn[:LOADS], drawn[LOADS:])
        for name, row in rows.items():
            false[name] = false.get(name, 0) + (row["verdict"] != "~")
        false["any"] = false.get("any", 0) + any(row["verdict"] != "~" for row in rows.values())
    return false


def test_same_condition(box):
    """Sessions of one condition, recorded among those of others, drawn by chance into two groups: nothing is proven."""
    files, _ = recorded(box)
    for options in [], ["--by", "session"]:
        false = count_false(files["direct"], lambda before, after: comparing.rows(box, before, after, *options))  # noqa: B023
        print(f"verdicts other than ~ in {REPETITIONS} comparisons of the same condition {' '.join(options)}: {false}")
        check("load-time" in false, "load time was not compared")
        check(false["load-time"] <= MOST_FALSE, "load time was called different too often")
        # Of independent values Holm's method holds the chance of any false verdict to 5 %: then more than 15 in 100 have a
        # chance of less than 1e-4. (The values of one page load are not independent: each load is one value.)
        check(false["any"] <= 15, "something was called different too often")


def close(ours, theirs, what):
    if theirs is None:
        equal(ours, None, what)
        return
    check(ours is not None and abs(ours - theirs) <= R_TOLERANCE * max(1, abs(theirs)), f"{what}: {ours}, but R says {theirs}")


def check_rows(ours, theirs):
    """Compare the rows of a comparison with R's; return of how many R had an exact interval."""
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
    return exact


def test_referee(box):
    """Every figure of a comparison is what R computes from values that mitm-analyze has had no part in."""
    harness.need_programs("Rscript")
    files, _ = recorded(box)
    sides = [[referee.measures(path) for path in paths] for paths in (files["near"], files["far"])]
    exact = 0
    for options in [], ["--by", "session"]:
        samples = {name: tuple(referee.medians(loads, name) for loads in sides) for name in page.BEFORE}
        ours = comparing.rows(box, files["near"], files["far"], *comparing.metrics(*samples), *options)
        exact += check_rows(ours, referee.compare(samples))
    check(exact >= 2 + 5, f"R had exact intervals of {exact} rows alone")


if __name__ == "__main__":
    harness.run(globals())
