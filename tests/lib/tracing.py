"""mitm-proxy under strace: to whom does it connect, and does it look names up?"""
import os
import re
import signal
from pathlib import Path

import harness
import session
from harness import check, equal

RESOLVER_FILES = re.compile(r'"(/etc/(resolv|nsswitch|host|gai)\.conf|/etc/hosts|[^"]*libnss[^"]*|/run/systemd/resolve[^"]*|/var/run/nscd[^"]*)"')
DATAGRAMS = re.compile(r"\bsocket\(.*SOCK_DGRAM|\bsocket\(AF_NETLINK|\bsend(to|mmsg)\(.*sa_family")


def traced(box, upstream_port):
    """A proxy under strace, in front of an upstream: (proxy, the trace's file)."""
    harness.need_programs("strace")
    trace = box.folder / "trace"
    environment = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}  # LeakSanitizer does not work under strace
    proxy = box.proxy(upstream=f"socks5://127.0.0.1:{upstream_port}", env=environment,
                      wrapper=["strace", "-f", "-qq", "-e", "trace=network,open,openat,openat2", "-e", "signal=none", "-o", trace])
    return proxy, trace


def check_trace(trace, upstream_port):
    """Fail if the proxy has connected to anything but the upstream, or has asked for a name."""
    text = trace.read_text(encoding="utf-8", errors="replace")
    targets = re.findall(r"\bconnect\(\d+, \{sa_family=(\w+), ?(.*?)\}", text)
    for family, target in targets:
        is_upstream = family == "AF_INET" and f"htons({upstream_port})" in target and 'inet_addr("127.0.0.1")' in target
        check(is_upstream, f"connect to {family} {target}")
    check(targets, "the trace has no connect at all")
    equal([line for line in text.splitlines() if DATAGRAMS.search(line)], [], "datagram sockets")
    equal([match[0] for match in RESOLVER_FILES.finditer(text)], [], "files of the resolver")


def end(proxy):
    """End the proxy itself, not strace, which then ends with its status."""
    child = int(Path(f"/proc/{proxy.pid}/task/{proxy.pid}/children").read_text(encoding="ascii").split()[0])
    os.kill(child, signal.SIGTERM)
    equal(proxy.wait(), 0, f"exit status; {proxy.err()}")
    return session.read(proxy.path)
