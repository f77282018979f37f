#!/usr/bin/env python3
"""A key log that is late, incomplete, wrong, garbage or missing: what can be decrypted is, with the times of arrival; what cannot
falls back to the keyless view with one event that says why. Other connections are not affected, and no byte is changed.
"""
import os
import random
import re
import resource
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
import harness
import https
import session
import tlspeers
import tlsruns
from harness import check, equal, in_time, wait_until

TRASH_BYTES = 10_000_000
MEMORY_BYTES = 16 << 20  # by which 10 MB of trash may let the proxy grow
LATE_NS = 1_000_000_000
# What waits for keys at most, on one connection and on all, and for how long: mitm-proxy(1).
HOLD_BYTES, HOLD_ALL_BYTES, WAIT_NS = 4 << 20, 64 << 20, 10_000_000_000
NEEDED_1_3 = ("CLIENT_HANDSHAKE_TRAFFIC_SECRET", "SERVER_HANDSHAKE_TRAFFIC_SECRET", "CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0")


def converse(run, server, path, *options, keylog):
    """A connection with one exchange, whose keys go to a file of its own."""
    client = run.client(server, *options, "-msg", keylog=keylog)
    if "-tls1_3" in options:
        client.heard(", NewSessionTicket")  # the first record with the server's traffic key comes before the client's
    run.exchange(client, server, path, b"", path[1:].encode() + b"x" * 500)
    return client


def private(box, name="private"):
    return box.folder / f"{name}.keys"


def check_before(records, t_ns):
    """All exchanges within TLS ended before t_ns: their times are those of arrival, not of the keys."""
    for connection in tlsruns.tls_connections(records):
        for exchange in session.exchanges(connection):
            check(exchange["response_end"]["t_ns"] < t_ns, f"{exchange['path']} has the time of its keys")


def test_late(box):
    """The keys come a second after the connection began, while it is open; later exchanges follow."""
    run = tlsruns.Run(box)
    for version in ("-tls1_2", "-tls1_3"):
        server, kept = run.server(), private(box, version)
        begin_ns = time.monotonic_ns()
        client = converse(run, server, f"/early{version}", version, keylog=kept)
        run.plain(f"/plain{version}")
        wait_until(lambda: time.monotonic_ns() > begin_ns + LATE_NS, "a second has passed")  # noqa: B023
        tlspeers.append(run.keylog, kept.read_bytes())
        run.recorded(len(run.expected), "the exchanges before the keys are recorded while the connection is open")
        run.exchange(client, server, f"/later{version}", b"", b"later" + version[1:].encode())
        client.close()
    records = run.end()
    for connection in tlsruns.check_decrypted(records):
        early, later = session.exchanges(connection)
        check(early["response_end"]["t_ns"] + LATE_NS // 2 < later["request_start"]["t_ns"], "the times are those of arrival")


def test_after_the_end(box):
    """The keys come when the connection has ended, and the proxy runs on; and when the proxy is about to end."""
    run = tlsruns.Run(box)
    server, first, second = run.server(), private(box, "first"), private(box, "second")
    converse(run, server, "/first", keylog=first).close()
    server.way.before.wait_until_idle()
    tlspeers.append(run.keylog, first.read_bytes())
    came_ns = time.monotonic_ns()
    run.recorded(1, "the exchange is recorded")
    converse(run, server, "/second", keylog=second).close()
    server.way.before.wait_until_idle()
    tlspeers.append(run.keylog, second.read_bytes())
    records = run.end()
    one, _ = tlsruns.check_decrypted(records)
    check_before(one, came_ns - records[0]["monotonic_ns"])


def test_too_late(box):
    """More is downloaded than waits for keys."""
    run = tlsruns.Run(box)
    nginx, kept = https.Nginx(box, run.certificates), private(box)
    nginx.write_files({"/large": bytes(3 * HOLD_BYTES)})
    tlspeers.curl(box, run.proxy, run.certificates, kept, "-o", box.folder / "large", nginx.url("/large", "h1"))
    tlspeers.append(run.keylog, kept.read_bytes())
    run.plain()
    connection, = tlsruns.tls_connections(run.end())
    equal(tlsruns.fallback(connection), "KEYS_TOO_LATE", "why")
    equal((box.folder / "large").read_bytes() == bytes(3 * HOLD_BYTES), True, "the download is whole")


def test_many_wait(box):
    """More waits on all connections together than is held for all: some are given up; the others are decrypted when their keys come."""
    count, size = 26, HOLD_BYTES - 500_000
    run = tlsruns.Run(box, "--body-limit", "0")
    nginx, kept = https.Nginx(box, run.certificates), private(box)
    nginx.write_files({"/large": bytes(size)})
    before, words = run.proxy.memory_peak_bytes(), ["--http1.1", "--parallel", "--parallel-immediate", "--parallel-max", count]
    for number in range(count):
        words += ["-o", "/dev/null", nginx.url(f"/large?{number}", "h1")]
    tlspeers.curl(box, run.proxy, run.certificates, kept, *map(str, words))
    grown = run.proxy.memory_peak_bytes() - before
    tlspeers.append(run.keylog, kept.read_bytes())
    records, log = run.proxy.end(verify=False), nginx.end()
    equal([entry["body_bytes"] for entry in log], [size] * count, "downloads")
    found = tlsruns.tls_connections(records)
    others = {tlsruns.fallback(connection) for connection in found if tlsruns.statuses(connection) != ["DECRYPTED"]}
    decrypted = sum(tlsruns.statuses(connection) == ["DECRYPTED"] for connection in found)
    print(f"{count} connections with {size} bytes each: {decrypted} were decrypted, the others: {others}; the proxy grew by {grown / 1e6:.0f} MB")
    check(0 < decrypted * size <= HOLD_ALL_BYTES, f"{decrypted} were decrypted")
    equal(others, {"KEYS_TOO_LATE"}, "the others")
    equal(session.faults(records), [], "faults")
    if not box.sanitized():
        check(grown < 2 * HOLD_ALL_BYTES + MEMORY_BYTES, f"grew by {grown} bytes")


def test_patience(box):
    """Keys are waited for 10 s, also behind the connection's end; then the session says that they did not come."""
    run = tlsruns.Run(box)
    begin_ns = time.monotonic_ns()
    converse(run, run.server(), "/nothing", keylog=private(box)).close()
    run.expected.clear()
    wait_until(lambda: session.of(session.read_beginning(run.proxy.path, verify=False), "TlsDecryption"), "the session says that the keys did not come")
    waited_ns = time.monotonic_ns() - begin_ns
    check(waited_ns > WAIT_NS, f"it waited {waited_ns} ns")
    in_time(waited_ns < WAIT_NS + 3_000_000_000, f"it waited {waited_ns} ns")
    connection, = tlsruns.tls_connections(run.end())
    equal(tlsruns.fallback(connection), "NO_KEYS", "why")


def record_each(box, logs, versions):
    """Connections whose key logs are, in the end, `logs` (functions of the whole log's lines); return (run, records of each)."""
    run = tlsruns.Run(box)
    server = run.server()
    expected = []
    for number, (change, version) in enumerate(zip(logs, versions, strict=True)):
        kept = private(box, f"client-{number}")
        converse(run, server, f"/{number}", version, keylog=kept).close()
        tlspeers.append(run.keylog, b"".join(change(tlspeers.lines_of(kept))))
        run.plain(f"/plain-{number}")
        expected.append(run.expected[-1])
    return run, expected


def without(label):
    return lambda lines: [line for line in lines if not line.startswith(label.encode() + b" ")]


def test_incomplete(box):
    """Each line that is needed is left out once; what is not needed, too."""
    needed = [("-tls1_3", label) for label in NEEDED_1_3]
    run, plain = record_each(box, [without(label) for _, label in needed] + [without("EXPORTER_SECRET"), without("CLIENT_RANDOM")],
                             ["-tls1_3"] * 5 + ["-tls1_2"])
    run.expected = [*plain, ("GET", "/4", b"", 200, b"4" + b"x" * 500)]
    connections = tlsruns.tls_connections(run.end())
    for connection, (_, label) in zip(connections, needed, strict=False):
        equal(tlsruns.fallback(connection), "KEYS_INCOMPLETE", f"without {label}")
    equal(tlsruns.statuses(connections[4]), ["DECRYPTED"], "without EXPORTER_SECRET")
    equal(tlsruns.fallback(connections[5]), "NO_KEYS", "without CLIENT_RANDOM")


def wrong(*labels):
    """The last digit of the secrets of these labels is another one."""
    def change(lines):
        return [line if not line.startswith(tuple(f"{label} ".encode() for label in labels)) else line[:-2] + (b"0" if line[-2:-1] != b"0" else b"1") + b"\n"
                for line in lines]
    return change


def test_wrong_secrets(box):
    changes = [wrong(label) for label in NEEDED_1_3] + [wrong(*NEEDED_1_3), wrong("CLIENT_RANDOM")]
    run, plain = record_each(box, changes, ["-tls1_3"] * 5 + ["-tls1_2"])
    run.expected = plain
    connections = tlsruns.tls_connections(run.end())
    equal(len(connections), len(changes), "TLS connections")
    for number, connection in enumerate(connections):
        equal(tlsruns.fallback(connection), "DECRYPTION_FAILED", f"connection {number}")


def test_lines_of_others(box):
    """Secrets of other lengths, other randoms, cut lines, comments, CR, lower-case labels: none is taken for another."""
    def change(lines):
        client = next(line for line in lines if line.startswith(b"CLIENT_TRAFFIC_SECRET_0"))
        label, random_hex, secret = client.split()
        junk = [b"# a comment\r\n", b"\n", b"\r\n", b" " + client, b"\t", label + b" " + random_hex[:-2] + b" " + secret + b"\n",
                label + b" " + random_hex + b" " + secret[:-2] + b"\n", label + b" " + random_hex + b"\n",
                label.lower() + b" " + random_hex + b" " + b"0" * 96 + b"\n",
                b"CLIENT_TRAFFIC_SECRET_1 " + random_hex + b" " + b"0" * 96 + b"\n", b"x" * 5000 + b"\n",
                label + b" " + b"f" * 64 + b" " + secret + b"\n"]
        return junk + [line.replace(b"\n", b"\r\n") for line in lines] + junk
    run, _ = record_each(box, [change], ["-tls1_3"])
    tlsruns.check_decrypted(run.end())


def test_trash(box):
    """10 MB of trash, lines of all lengths among it; behind it the keys."""
    run = tlsruns.Run(box)
    server, kept = run.server(), private(box)
    client = converse(run, server, "/trash", keylog=kept)
    before, cpu = run.proxy.memory_peak_bytes(), run.proxy.cpu_seconds()
    trash = random.Random(7).randbytes(TRASH_BYTES // 2) + b"z" * (TRASH_BYTES // 2)
    writer = threading.Thread(target=tlspeers.append, args=(run.keylog, trash + b"\n" + kept.read_bytes()))
    writer.start()
    for number in range(50):
        run.plain(f"/plain-{number}")
    writer.join()
    run.recorded(len(run.expected), "the exchange is decrypted with the keys behind the trash")
    grown = run.proxy.memory_peak_bytes() - before
    print(f"{TRASH_BYTES} bytes of trash: the proxy grew by {grown} bytes, {run.proxy.cpu_seconds() - cpu:.2f} s of CPU time")
    client.close()
    tlsruns.check_decrypted(run.end())
    if not box.sanitized():
        check(grown < MEMORY_BYTES, f"grew by {grown} bytes")
    check(len(run.proxy.err()) < 2000, f"it complains too much: {run.proxy.err()[:3000]}")


def test_old_log(box):
    """A key log with the keys of a hundred thousand old connections."""
    chance, keylog = random.Random(8), box.folder / "keys.log"
    keylog.write_text("".join(f"CLIENT_RANDOM {chance.randbytes(32).hex()} {chance.randbytes(48).hex()}\n" for _ in range(100_000)), encoding="ascii")
    run = tlsruns.Run(box, keylog=keylog)
    converse(run, run.server(), "/new", "-tls1_3", keylog=keylog).close()
    run.recorded(1, "the exchange is decrypted")
    print(f"{keylog.stat().st_size} bytes of old keys: {run.proxy.memory_peak_bytes() / 1e6:.0f} MB of memory, {run.proxy.cpu_seconds():.2f} s of CPU time")
    if not box.sanitized():
        check(run.proxy.memory_peak_bytes() < 3 * MEMORY_BYTES, f"memory: {run.proxy.memory_peak_bytes()} bytes")
    tlsruns.check_decrypted(run.end())


def test_missing(box):
    """The file never comes."""
    run = tlsruns.Run(box)
    converse(run, run.server(), "/nothing", keylog=private(box)).close()
    run.plain()
    run.expected = run.expected[1:]
    connection, = tlsruns.tls_connections(run.end())
    equal(tlsruns.statuses(connection), ["NO_KEYS"], "statuses")
    equal(tlsruns.fallback(connection), "NO_KEYS", "why")
    check(not run.keylog.exists(), "the proxy has made the file")


def test_unmentioned(box):
    """Without a key log there is no word of decryption."""
    certificates = tlsruns.certificates()
    nginx = https.Nginx(box, certificates)
    environment = {name: value for name, value in os.environ.items() if name != "SSLKEYLOGFILE"}
    proxy = box.proxy("--hosts", https.write_hosts(box.folder), env=environment)
    tlspeers.curl(box, proxy, certificates, None, "-o", "/dev/null", nginx.url("/data/65536.bin"))
    records = proxy.end()
    equal(records[0].get("decrypted", False), False, "SessionStart.decrypted")
    connection, = tlsruns.tls_connections(records)
    tlsruns.check_shape(connection, 1)
    equal(session.of(records, "TlsDecryption"), [], "TlsDecryption")
    equal(session.faults(records), [], "faults")
    check(session.of(connection, "TlsHandshakeEnd")[0].get("inferred"), "the handshake's end is inferred")


def test_environment(box):
    """SSLKEYLOGFILE names the key log, for the proxy and for its command."""
    certificates = tlsruns.certificates()
    nginx, keylog = https.Nginx(box, certificates), box.folder / "of-environment.keys"
    command = ["curl", "--silent", "--cacert", certificates.ca, "-o", "/dev/null", nginx.url("/data/65536.bin"), nginx.url("/missing"), "-o", "/dev/null"]
    program, path = box.record(command, "--hosts", https.write_hosts(box.folder), env={**os.environ, "SSLKEYLOGFILE": str(keylog)})
    equal(program.wait(), 0, program.err())
    records = session.read(path)
    https.check_log(records, nginx.end())
    tlsruns.check_decrypted(records)


def test_command_dumps_core(box):
    """Only the proxy itself does without core dumps: its command has the limit that it would have without it."""
    if box.sanitized():
        raise harness.Skip("the sanitizer lowers the limit of core dumps")
    _, most = resource.getrlimit(resource.RLIMIT_CORE)
    limit = lambda: resource.setrlimit(resource.RLIMIT_CORE, (most, most))  # noqa: E731
    shown = [sys.executable, "-c", "import resource; print(resource.getrlimit(resource.RLIMIT_CORE)[0])"]
    program, _ = box.record(shown, "--keylog", box.folder / "keys.log", preexec_fn=limit)
    equal(program.wait(), 0, program.err())
    equal(program.out().strip(), str(most), "the command's limit of core dumps")


def test_fifo(box):
    """The key log is a FIFO; two writers, one after the other."""
    fifo = box.folder / "fifo"
    os.mkfifo(fifo)
    run = tlsruns.Run(box, keylog=fifo)
    server = run.server()
    converse(run, server, "/one", "-tls1_3", keylog=fifo).close()
    converse(run, server, "/two", "-tls1_2", keylog=fifo).close()
    equal(len(tlsruns.check_decrypted(run.end())), 2, "TLS connections")


def test_made_anew(box):
    """The file is cut, then removed and made anew, then replaced by another."""
    run = tlsruns.Run(box)
    server = run.server()
    for number, change in enumerate((lambda: None, lambda: run.keylog.write_bytes(b""), run.keylog.unlink, None)):
        kept = private(box, f"client-{number}")
        client = converse(run, server, f"/{number}", keylog=kept)
        if change:
            change()
            tlspeers.append(run.keylog, kept.read_bytes())
        else:
            os.replace(kept, run.keylog)
        run.recorded(number + 1, f"exchange {number} is decrypted")
        client.close()
    equal(len(tlsruns.check_decrypted(run.end())), 4, "TLS connections")


def test_unusable(box):
    """A key log in no folder is an error before anything begins; one line says so."""
    words = [box.proxy_program, "-l", "127.0.0.1:0", "-u", "direct", "-w", box.folder / "unused.mitm", "--keylog", box.folder / "nowhere" / "keys"]
    program = box.program("mitm-proxy", words)
    equal(program.wait(), 3, program.err())
    check(re.fullmatch(r"mitm-proxy: [^\n]*nowhere/keys[^\n]*\n", program.err()), program.err())


if __name__ == "__main__":
    harness.run(globals())
