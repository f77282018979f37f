#!/usr/bin/env python3
"""Chromium, Firefox and curl load the sample page through mitm-proxy: the session equals the origin's access log, request
for request, and every body arrives unchanged: at the proxy (data recorded whole) and in the page (its script's checksums).
"""
import hashlib
import json
import sys
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "lib"), str(ROOT / "samples" / "site")]
import content
import harness
import session
from harness import check, equal


def logged(log):
    return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]


def from_log(entry):
    return (entry["method"], entry["host"], entry["path"], entry["status"], entry["request_bytes"], entry["response_bytes"],
            entry["response_sha256"], entry["complete"])


def from_session(exchange):
    data = hashlib.sha256(exchange["response_data"]).hexdigest()
    return (exchange["method"], exchange["host"], exchange["path"], exchange["status"], exchange["request_bytes"],
            exchange["response_bytes"], data, exchange["response_cause"] != "TRUNCATED")


def expected_content(entry, resources):
    """SHA-256 and length of what the page's script must have got for one entry of its report."""
    url = urlsplit(entry["url"])
    resource = resources[url.hostname, url.path]
    if "Location" in resource.headers:
        return expected_content({**entry, "url": resource.headers["Location"]}, resources)
    body = resource.body
    if resource.echo:
        body = next(item["body"] for item in content.flat(content.items(lambda host: f"http://{host}:{url.port}"))
                    if item.get("method") == entry["method"]).encode()
    if entry["method"] == "HEAD" or entry["status"] in (204, 304):
        body = b""
    return hashlib.sha256(body).hexdigest(), len(body)


def check_report(log, port):
    """What the page's script has got is what the site holds."""
    reports = [entry["report"] for entry in log if "report" in entry]
    equal(len(reports), 1, "reports of the page")
    base = lambda host: f"http://{host}:{port}"  # noqa: E731
    resources = content.resources(base)
    wanted = sorted(item["id"] for item in content.flat(content.items(base)))
    equal(sorted(entry["id"] for entry in reports[0]), wanted, "fetched by the script")
    for entry in reports[0]:
        if entry["id"] != "broken":
            equal((entry.get("sha256"), entry.get("bytes")), expected_content(entry, resources), f"content of {entry}")


def load(box, browser):
    _, url, log_path, hosts = box.site()
    records = box.browse(browser, url, log_path, "--hosts", hosts, "--body-limit", "all")
    log = logged(log_path)
    exchanges = session.exchanges(records)
    check(all("response_cause" in exchange for exchange in exchanges), "a request without a response: "
          + str([(exchange["path"], exchange.keys()) for exchange in exchanges if "response_cause" not in exchange]))
    in_session, in_log = Counter(map(from_session, exchanges)), Counter(map(from_log, log))
    equal(list((in_session - in_log).elements()), [], "only in the session")
    equal(list((in_log - in_session).elements()), [], "only in the log")
    equal({exchange["port"] for exchange in exchanges}, {urlsplit(url).port}, "ports")
    hosts_asked = {entry["host"].decode() for entry in session.of(records, "SocksRequestStart")}
    equal(hosts_asked - set(content.HOSTS), set(), "connections elsewhere")
    equal(session.faults(records), [], "faults")
    total = sum(entry["response_bytes"] for entry in log)
    print(f"{browser}: {len(log)} requests, {len(session.connections(records))} connections, {total} bytes")
    return log, urlsplit(url).port


def test_chromium(box):
    log, port = load(box, "chromium")
    check_report(log, port)
    check(len(log) >= 58, f"only {len(log)} requests")


def test_firefox(box):
    log, port = load(box, "firefox")
    check_report(log, port)
    check(len(log) >= 58, f"only {len(log)} requests")


def test_curl(box):
    log, port = load(box, "curl")
    equal(len(log), len(content.requests(lambda host: f"http://{host}:{port}")), "requests")


if __name__ == "__main__":
    harness.run(globals())
