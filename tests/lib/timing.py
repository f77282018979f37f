"""Times in milliseconds, and what delays measured from outside must be: never early, and late by little."""
import statistics
import time

from harness import check, in_time

LATE_MEDIAN_MS, LATE_MOST_MS = 5, 50


def now_ms():
    return time.monotonic_ns() / 1e6


def check_delays(measured_ms, wanted_ms, what):
    """Fail unless each measured delay is the wanted one: not shorter, and longer by no more than the limits above (the median if there are three)."""
    late = [measured - wanted for measured, wanted in zip(measured_ms, wanted_ms, strict=True)]
    text = f"{what}: late by {[round(value, 2) for value in late]} ms"
    check(min(late) >= 0, f"{text}: early")
    if len(late) >= 3:
        in_time(statistics.median(late) <= LATE_MEDIAN_MS, text)
    in_time(max(late) <= LATE_MOST_MS, text)
