#!/usr/bin/env python3
"""A comparison with known truth, by a browser: the sample page loaded LOADS times through the built-in server and as often with
a forwarder behind it that delivers every byte 50 ms later in each direction, in mixed order; compared, the files kept.

Run by `make truth`: it takes some minutes. What is known: each response waits 100 ms longer, the first one too; SOCKS does not;
a page load takes longer by 100 ms for each round trip in the longest chain of its requests, whose number the browser decides.
"""
import argparse
import random
import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
import comparing
import harness
import ways
from harness import SITE, equal

SECOND_ADDRESS = ways.BEHIND_ADDRESS


def start_site(box, name, port, log, hosts):
    """Start the sample site; return (its program, its URL)."""
    words = [sys.executable, SITE / "serve.py", "--port", port, "--log", log, "--hosts", hosts]
    site = box.program(f"{name}-site", words)
    return site, site.wait_for(r"^site: (\S+)", site.out)[1]


def load(box, name, port, browser, behind):
    """Record one page load; the site has a fresh access log each time, by which browse.py knows that the page is complete."""
    log, hosts = box.folder / f"{name}.jsonl", box.folder / f"{name}.hosts"
    site, url = start_site(box, name, port, log, hosts)
    if behind:
        hosts.write_text(hosts.read_text(encoding="utf-8").replace("127.0.0.1", SECOND_ADDRESS), encoding="utf-8")
    command = [sys.executable, SITE / "browse.py", browser, "--url", url, "--log", log]
    proxy, path = box.record(command, "--hosts", hosts, "--body-limit", "none", "--no-view", name=name)
    status = proxy.wait(120)
    if status == harness.SKIPPED:
        sys.exit(f"truth: there is no {browser} on this machine")
    equal(status, 0, f"{browser}: {proxy.err()}")
    site.stop()
    return path


def record(box, browser, loads):
    """Record both conditions in one random order; return ({condition: files}, the forwarder's account of how late it was)."""
    first, url = start_site(box, "first", 0, box.folder / "first.jsonl", box.folder / "first.hosts")
    port = int(url.rpartition(":")[2].strip("/"))
    first.stop()
    forwarder, _ = ways.start_forwarder(box, "forwarder", ways.DELAY_MS, f"127.0.0.1:{port}", f"{SECOND_ADDRESS}:{port}")
    plan = [(condition, number) for condition in ("before", "after") for number in range(loads)]
    random.Random(1).shuffle(plan)
    files = {"before": [], "after": []}
    for done, (condition, number) in enumerate(plan):
        print(f"\rload {done + 1} of {len(plan)} ", end="", file=sys.stderr, flush=True)
        files[condition].append(load(box, f"{condition}-{number:02}", port, browser, condition == "after"))
    print(file=sys.stderr)
    return files, ways.lateness(forwarder)


def main():
    parser = argparse.ArgumentParser(description="Record and compare page loads whose ways differ by a known delay.")
    parser.add_argument("--build", type=Path, required=True, help="where the programs were built")
    parser.add_argument("-o", "--output", type=Path, required=True, help="new folder for the sessions")
    parser.add_argument("--browser", choices=["chromium", "firefox", "curl"], default="chromium")
    parser.add_argument("--loads", type=int, default=20, help="page loads of each condition")
    options = parser.parse_args()
    options.output.mkdir(parents=True)
    with tempfile.TemporaryDirectory(prefix="mitm-truth-") as folder:
        box = harness.Box(options.build.resolve(), Path(folder))
        try:
            files, late = record(box, options.browser, options.loads)
        finally:
            box.close()
        files = {side: [shutil.copy(path, options.output) for path in sorted(paths)] for side, paths in files.items()}
    print(f"The forwarder was late by {late}")
    result = box.analyze("compare", "--before", *files["before"], "--after", *files["after"],
                         *comparing.metrics("load-time", "page-ttfb", "socks", "connection-ttfb", "waiting", "transfer"))
    sys.stdout.buffer.write(result.stdout + result.stderr)
    return result.returncode


if __name__ == "__main__":
    sys.exit(main())
