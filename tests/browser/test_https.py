#!/usr/bin/env python3
"""Chromium and Firefox load a page of a hundred resources over HTTPS with HTTP/2, and mitm-proxy sees into it by the browser's
key log: the session equals nginx's access log, request for request, and the browser's own account of responses.

The clocks: what DevTools calls a timestamp is CLOCK_MONOTONIC, of which a session's first record tells the value at its
beginning; BiDi's times count from 1970, as the wall clock of the same record. Nothing is fitted.
"""
import json
import os
import statistics
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "lib"), str(HERE)]
import harness
import https
import session
import test_launch
from harness import check, equal, in_time, wait_until
from test_live import program

LIMIT_MEDIAN_NS = 2_000_000
CERTIFICATE_ALERTS = {42, 46, 48}  # bad_certificate, certificate_unknown, unknown_ca (RFC 8446, 6.2)
EARLY_NS = 200_000  # no browser sees what has not come yet; clocks are read at different moments
APART_NS = 2_000_000  # responses that began closer together than this may be told in either order
MOST_DISORDER = 0.01  # of the pairs that are further apart


def browse(box, browser):
    """Load the page with the browser; return (the session's records, nginx's log, the browser's responses)."""
    path = program(browser)
    certificates = https.Certificates(box.folder)
    nginx = https.Nginx(box, certificates)
    keylog = box.folder / "keys.log"
    keylog.touch()
    proxy = box.proxy("--hosts", https.write_hosts(box.folder), "--keylog", keylog, "--body-limit", "all", "--no-view")
    profile = certificates.firefox_profile() if browser == "firefox" else None
    plan = {"browser": browser, "program": path, "proxy": proxy.port, "url": nginx.url(), "spki": certificates.spki("rsa"),
            "keylog": str(keylog), "profile": str(profile)}
    node = box.program("node", ["node", HERE / "https.mjs", json.dumps(plan)], env={**os.environ, "HOME": str(box.folder)})
    equal(node.wait(60), 0, node.err()[-4000:])
    records, log = proxy.end(), nginx.end()
    check_statistics(box, proxy.path, log)
    responses = [entry for entry in json.loads(node.out())["responses"] if entry["url"].startswith("https:")]
    check(len(log) > https.RESOURCES, f"only {len(log)} requests")
    equal({entry["protocol"] for entry in log}, {"HTTP/2.0"}, "protocols")
    return records, log, responses


def check_bodies(records):
    """The bodies in the session are the files, wherever they were sent as they are."""
    files = https.page_files("")
    for exchange in session.exchanges(records):
        path = exchange["path"].partition("?")[0]
        if exchange["method"] == "GET" and exchange["status"] == 200 and path in files and path != "/text.txt":
            equal(exchange["response_data"], files[path], f"body of {exchange['path']}")


def check_statistics(box, path, log):
    """mitm-analyze counts the same requests."""
    result = box.analyze("stats", "--by", "request", "-f", "json", path)
    rows = json.loads(result.stdout)["rows"]
    equal(sorted((row["method"], row["target"], row["status"], row["body_bytes"]) for row in rows),
          sorted((entry["method"], entry["uri"], entry["status"], entry["body_bytes"]) for entry in log), "requests of mitm-analyze")
    equal({row["protocol"] for row in rows}, {"HTTP/2 over TLS 1.3"}, "protocols of mitm-analyze")


def url_of(exchange):
    start = exchange["request_start"]
    return f"{start['scheme'].decode()}://{start['authority'].decode()}{exchange['path']}"


def pair(records, responses):
    """[(session's exchange, browser's response)], each of both exactly once."""
    ours = {(exchange["method"], url_of(exchange)): exchange for exchange in session.exchanges(records)}
    theirs = {(entry["method"], entry["url"]): entry for entry in responses}
    equal(sorted(ours), sorted(theirs), "requests in the session, and those that the browser tells of")
    pairs = [(exchange, theirs[key]) for key, exchange in ours.items()]
    for exchange, response in pairs:
        equal((exchange["status"], response.get("failed")), (response["status"], None), f"status of {response['url']}")
    return pairs


def disorder(times):
    """Of the pairs of (ours, theirs) that are APART_NS apart in theirs: (how many are in the other order in ours, how many there are)."""
    wrong = total = 0
    times = sorted(times, key=lambda both: both[1])
    for index, (ours, theirs) in enumerate(times):
        for our_later, their_later in times[index + 1:]:
            if their_later - theirs > APART_NS:
                total += 1
                wrong += our_later < ours
    return wrong, total


def compare_times(box, records, pairs, browser):
    """Print how the times differ, but for those that the browser does not know (0); fail if the medians are too far apart."""
    start_ns = records[0]["wall_clock_ns" if browser == "firefox" else "monotonic_ns"]
    known = [(exchange, response) for exchange, response in pairs if response["start_ns"]]
    check(len(known) >= 0.95 * len(pairs), f"{browser} tells the time of {len(known)} of {len(pairs)} responses")
    for what, event, field in (("start", "response_start", "start_ns"), ("end", "response_end", "end_ns")):
        times = [(start_ns + exchange[event]["t_ns"], response[field]) for exchange, response in known if response[field]]
        late = sorted(theirs - ours for ours, theirs in times)
        median_ns = statistics.median(map(abs, late))
        wrong, total = disorder(times)
        print(f"{browser}: response {what}, the browser's time minus the session's: n={len(late)} min={late[0] / 1e6:.3f} ms  "
              f"p50={statistics.median(late) / 1e6:.3f} ms  p90={late[len(late) * 9 // 10] / 1e6:.3f} ms  max={late[-1] / 1e6:.3f} ms; "
              f"median of absolute differences {median_ns / 1e6:.3f} ms; in another order: {wrong} of {total} pairs")
        in_time(late[0] > -EARLY_NS, f"{what}: the browser was {-late[0]} ns earlier")
        in_time(wrong <= MOST_DISORDER * total, f"{what}: {wrong} of {total} pairs are in another order")
        if not box.sanitized():
            in_time(median_ns < LIMIT_MEDIAN_NS, f"{what}: {median_ns} ns at the median")


def load(box, browser):
    """Load the page and compare."""
    records, log, responses = browse(box, browser)
    equal(records[0].get("decrypted"), True, "SessionStart.decrypted")
    https.check_log(records, log)
    check_bodies(records)
    equal(session.faults(records), [], "faults")
    carried = {entry["connection"] for entry in session.of(records, "HttpRequestStart")}
    for number in carried:
        equal([entry["status"] for entry in session.of(records, "TlsDecryption", connection=number)], ["DECRYPTED"], f"connection {number}")
    print(f"{browser}: {len(log)} requests over {len(carried)} connections, {sum(entry['body_bytes'] for entry in log)} bytes of bodies")
    compare_times(box, records, pair(records, responses), browser)


def test_chromium(box):
    load(box, "chromium")


def test_firefox(box):
    load(box, "firefox")


def private_key_log(box, browser):
    """mitm-proxy --browser gives the browser a key log by itself: its complaint of the unknown authority, which is encrypted, is read."""
    nginx = https.Nginx(box, https.Certificates(box.folder))
    environment = {name: value for name, value in os.environ.items() if name != "SSLKEYLOGFILE"}
    proxy, path, temporary = test_launch.launch(box, browser, hosts=https.write_hosts(box.folder), url=nginx.url(), env=environment)
    wait_until(lambda: path.exists() and any(entry.get("description") in CERTIFICATE_ALERTS for entry in
                                             session.of(session.read_beginning(path, verify=False), "TlsAlert", direction="TO_SERVER", level=2)),
               "the browser's alert is in the session", 60)
    proxy.stop()
    records = session.read(path)
    equal(records[0].get("decrypted"), True, "SessionStart.decrypted")
    alerts = [entry["connection"] for entry in session.of(records, "TlsAlert", direction="TO_SERVER") if entry.get("description") in CERTIFICATE_ALERTS]
    for number in alerts:
        equal([entry["status"] for entry in session.of(records, "TlsDecryption", connection=number)], ["DECRYPTED"], f"connection {number}")
    equal(list(temporary.iterdir()), [], "left behind")


def test_chromium_private_key_log(box):
    private_key_log(box, "chromium")


def test_firefox_private_key_log(box):
    private_key_log(box, "firefox")


if __name__ == "__main__":
    harness.run(globals())
