#!/usr/bin/env python3
"""No secret of the key log, and no key derived from one, is in sessions, logs, reports, or, once the connections have ended, in the
memory of mitm-proxy, be it by a core dump or read whole: neither raw nor as hexadecimal digits.
"""
import hashlib
import hmac
import resource
import signal
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
import harness
import https
import session
import tlspeers
import tlsruns
from harness import check, equal, wait_until

REPORTS = (["stats", "{}"], ["stats", "-f", "json", "--by", "request", "{}"], ["events", "{}"], ["events", "-f", "jsonl", "{}"], ["connections", "{}"],
           ["timeline", "-o", "{}.svg", "{}"], ["report", "-H", "all", "-o", "{}.html", "{}"], ["check", "{}"])


def expand_label(secret, label, length):
    """HKDF-Expand-Label of RFC 8446, 7.1, without a context; at most one block of the hash."""
    digest = hashlib.sha384 if len(secret) == 48 else hashlib.sha256
    name = b"tls13 " + label
    return hmac.new(secret, length.to_bytes(2, "big") + bytes([len(name)]) + name + b"\0\1", digest).digest()[:length]


def needles(keylog):
    """{what: bytes} of all that must not be found: secrets and TLS 1.3 traffic keys, raw and as digits."""
    result = {}
    for (label, random), secret in tlspeers.secrets_of(keylog).items():
        name = f"{label} of {random.hex()[:8]}"
        result[name] = secret
        if "TRAFFIC" in label:
            for length in (16, 32):
                result[f"{length}-byte key of {name}"] = expand_label(secret, b"key", length)
    digits = {f"{name}, {what}": change(secret.hex()).encode() for name, secret in result.items() if "key of" not in name
              for what, change in (("in digits", str.lower), ("in capital digits", str.upper))}
    return {**result, **digits}


def found_in(data, wanted):
    return [name for name, needle in wanted.items() if needle in data]


def core_of(box, proxy, name):
    """The core dump that a crash of the proxy would leave now."""
    harness.need_programs("gcore")
    done = subprocess.run(["gcore", "-o", box.folder / name, str(proxy.pid)], capture_output=True, text=True, timeout=60, check=False)
    path = box.folder / f"{name}.{proxy.pid}"
    if not path.exists():
        raise harness.Skip(f"gcore may not: {done.stderr.strip()[-200:]}")
    data = path.read_bytes()
    path.unlink()
    return data


def memory_of(pid):
    """All memory of a process that can be read, with what is left out of core dumps."""
    parts = []
    with open(f"/proc/{pid}/maps", encoding="utf-8") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            begin, end = (int(text, 16) for text in line.split()[0].split("-"))
            try:
                memory.seek(begin)
                parts.append(memory.read(end - begin))
            except (OSError, ValueError, OverflowError):
                continue  # [vvar] and the like
    return b"\0".join(parts)


def converse(run, count):
    """Connections over TLS 1.2 and 1.3 that have ended; return as many that are still open."""
    server = run.server()
    for number in range(count):
        for version in ("-tls1_2", "-tls1_3"):
            client = run.client(server, version)
            run.exchange(client, server, f"/{number}{version}", b"", b"x" * 300)
            client.close()
    server = run.server()
    client = run.client(server, "-tls1_3")
    run.exchange(client, server, "/open", b"", b"y" * 300)
    return server, client


def secrets_of_last(keylog):
    """How needles() calls those of the last connection."""
    return f"of {list(tlspeers.secrets_of(keylog))[-1][1].hex()[:8]}"


def test_memory(box):
    """When the connections have ended, their keys are nowhere. (While one is open, libcrypto has to know its keys: gcore by root finds these.)"""
    run = tlsruns.Run(box, view=True)
    server, client = converse(run, 5)
    run.recorded(len(run.expected), "all is decrypted")
    wanted = needles(run.keylog)
    open_core = core_of(box, run.proxy, "open")
    check(b"/4-tls1_3" in open_core or b"/open" in open_core, "the core has not even the request's target")
    print(f"of {len(wanted)} needles, {len(found_in(open_core, wanted))} are in gcore's dump while their connection is open")
    still = secrets_of_last(run.keylog)
    equal([name for name in found_in(open_core, wanted) if still not in name], [], "in the dump, of connections that have ended")
    run.exchange(client, server, "/further", b"", b"z" * 300)
    client.close()
    for way in run.ways:
        way.check_unchanged()
    wait_until(lambda: sum(entry["event"] == "ConnectionEnd" for entry in session.read_beginning(run.proxy.path, verify=False)) == 11, "all have ended")
    run.plain()
    print(f"{len(wanted)} needles; core of {len(open_core)} bytes")
    equal(found_in(core_of(box, run.proxy, "ended"), wanted), [], "in the core dump, all connections ended")
    equal(found_in(memory_of(run.proxy.pid), wanted), [], "in all of the memory, all connections ended")
    for pid in harness.descendants(run.proxy.pid):
        equal(found_in(memory_of(pid), wanted), [], "in all of the memory of the live view")
    tlsruns.check_decrypted(run.end())


def crash(box, name, *options):
    """Let a proxy crash with a connection over TLS open; return the core dump, or None."""
    limit = lambda: resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))  # noqa: E731
    part = box.part(name)
    proxy = part.proxy("--hosts", https.write_hosts(part.folder), "--no-view", "--body-limit", "all", *options, cwd=part.folder, preexec_fn=limit)
    certificates, keylog = tlsruns.certificates(), part.folder / "keys.log"
    server = tlspeers.Server(part, certificates)
    client = tlspeers.Client(part, tlspeers.Way(part, proxy, server.port), certificates, keylog=keylog)
    client.connected()
    client.say(tlspeers.request("/crash"))
    server.heard("GET /crash ")
    server.say(tlspeers.response(b"crashed"))
    client.heard("crashed")
    proxy.process.send_signal(signal.SIGSEGV)
    equal(proxy.wait(), -signal.SIGSEGV, "exit status")
    found = list(part.folder.glob("core*"))
    return (found[0].read_bytes() if found else None), needles(keylog)


def test_crash(box):
    """A proxy that crashes with a connection open leaves no core dump with its keys: it leaves none at all."""
    if Path("/proc/sys/kernel/core_pattern").read_text(encoding="ascii").strip() != "core":
        raise harness.Skip("core dumps do not go to the current folder here")
    without, _ = crash(box, "without", "--keylog", "none")
    check(without, "a proxy without a key log leaves no core dump: this test finds nothing")
    with_keys, wanted = crash(box, "with", "--keylog", box.folder / "with" / "keys.log")
    check(with_keys is None, f"there is a core dump, and in it {found_in(with_keys or b'', wanted)}")


def test_files(box):
    """The session, what is written to standard output and error, reports of all kinds."""
    run = tlsruns.Run(box)
    _, client = converse(run, 2)
    wrong = box.folder / "wrong.keys"
    late = run.server()
    other = run.client(late, "-tls1_3", keylog=wrong)
    run.exchange(other, late, "/wrong", b"", b"w" * 300)
    lines = tlspeers.lines_of(wrong)
    tlspeers.append(run.keylog, b"".join(lines[:2]) + lines[2][:-21] + b"\n" + b"no line of a key log " + lines[3])
    run.expected.pop()
    other.close()
    client.close()
    nginx = https.Nginx(box, run.certificates)
    tlspeers.curl(box, run.proxy, run.certificates, run.keylog, "-o", "/dev/null", nginx.url("/"), "-o", "/dev/null", nginx.url("/missing"))
    for way in run.ways:
        way.check_unchanged()
    records = run.proxy.end()
    check(len(session.exchanges(records)) >= 7, "nothing was decrypted")
    wanted = {**needles(run.keylog), **needles(wrong)}
    path = run.proxy.path
    haystacks = {"session": path.read_bytes(), "standard output": run.proxy.out_path.read_bytes(), "standard error": run.proxy.err_path.read_bytes()}
    for words in REPORTS:
        result = box.analyze(*(word.format(path) for word in words))
        equal(result.returncode, 0, f"{words}: {result.stderr}")
        haystacks[" ".join(words)] = result.stdout + result.stderr
    for file in path.parent.glob(f"{path.name}.*"):
        haystacks[file.name] = file.read_bytes()
    for name, data in haystacks.items():
        equal(found_in(data, wanted), [], f"in {name} ({len(data)} bytes)")
    print(f"{len(wanted)} needles are in none of: {', '.join(f'{name} ({len(data)})' for name, data in haystacks.items())}")
    check(found_in(run.keylog.read_bytes(), wanted), "the key log itself has none: the search finds nothing at all")


if __name__ == "__main__":
    harness.run(globals())
