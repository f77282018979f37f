"""Runs mitm-analyze compare and reads what it says."""
import json

from harness import check, equal

# Our names of what R computes, too.
BY_R = {"before_median": "before", "after_median": "after", "shift": "shift", "p": "p", "p_holm": "holm", "cliffs_delta": "delta"}


def metrics(*names):
    """The options that compare these measures alone."""
    return [word for name in names for word in ("--metric", name)]


def run(box, before, after, *options):
    return box.analyze("compare", "--before", *before, "--after", *after, *options)


def document(box, before, after, *options):
    """The JSON document of a comparison."""
    result = run(box, before, after, "--format", "json", *options)
    equal((result.returncode, result.stderr), (0, b""), "exit status and standard error of compare")
    return json.loads(result.stdout)


def rows(box, before, after, *options):
    """The rows of a comparison: {measure: row}."""
    found = document(box, before, after, *options)["rows"]
    check(found, "the comparison has no rows")
    return {row["measure"]: row for row in found}
