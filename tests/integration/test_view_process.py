#!/usr/bin/env python3
"""The way to the live view: who reaches it, what leaves no trace, and what happens when its process dies.

Nothing here depends on what the view answers: an HTTP response is enough.
"""
import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
import harness
import session
import socks
from harness import check, equal, wait_until

GET = b"GET / HTTP/1.1\r\nHost: mitm.proxy\r\nConnection: close\r\n\r\n"
VIEW = socks.request(socks.CONNECT, socks.DOMAIN, "mitm.proxy", 80)
NOBODY = 65534


def get(port, message=VIEW, user=None):
    """Ask for the live view; return the first bytes of the HTTP response."""
    with socks.dial(port) as peer:
        equal(socks.handshake(peer, message, user)[1], 0, "reply")
        peer.sendall(GET)
        return socks.receive_all(peer)[:12]


def code(port, message):
    """The reply to a request, which must be followed by the end of the stream."""
    with socks.dial(port) as peer:
        reply = socks.handshake(peer, message)
        equal(socks.receive_all(peer), b"", "nothing behind the reply")
        return reply[1]


def named(parent, name):
    """The processes below `parent` with this name."""
    found = []
    for pid in harness.descendants(parent):
        with contextlib.suppress(OSError):
            if Path(f"/proc/{pid}/comm").read_text(encoding="ascii").strip() == name:
                found.append(pid)
    return found


def the_view(proxy, but=None):
    """Wait for the process of the view, other than `but`; return its id."""
    return wait_until(lambda: [pid for pid in named(proxy.pid, "mitm-view") if pid != but], "there is a view")[0]


def is_gone(pid):
    """Whether a process has ended (a zombie has)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def only_of_the_session(records):
    """The records but for those of connections, which there must not be."""
    equal([record for record in records if "connection" in record], [], "records of connections")


class Upstream:
    """An upstream that notes what it is asked for, and refuses everything."""

    def __init__(self, box, behind=b""):
        self.behind = behind  # sent behind the method
        self.listener = box.listener()
        self.port = self.listener.getsockname()[1]
        self.requests, self.greeted, self.ended = [], 0, 0
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.converse, args=(peer,), daemon=True).start()

    def converse(self, peer):
        with peer:
            head = socks.receive(peer, 2)
            methods = socks.receive(peer, head[1])
            method = socks.PASSWORD if socks.PASSWORD in methods else socks.NO_AUTH
            peer.sendall(bytes([5, method]) + self.behind)
            self.greeted += 1
            if method == socks.PASSWORD:
                socks.serve_credentials(peer)
            request = socks.receive_request(peer)
            if request:
                self.requests.append(request)
                peer.sendall(socks.reply(5))
            self.ended += 1


def test_view_through_the_proxy(box):
    proxy = box.proxy()
    for host in ("mitm.proxy", "MITM.Proxy", "mitm.proxy."):
        equal(get(proxy.port, socks.request(socks.CONNECT, socks.DOMAIN, host, 80))[:5], b"HTTP/", host)
    only_of_the_session(proxy.end())
    check("0 connections, 0 HTTP requests, 0 B received, 0 B sent" in proxy.err(), proxy.err())


def test_upstream_never_hears_of_it(box):
    upstream = Upstream(box)
    proxy = box.proxy(upstream=f"socks5://127.0.0.1:{upstream.port}")
    equal(get(proxy.port)[:5], b"HTTP/", "response")
    equal(get(proxy.port, user=(b"mitm.proxy", b"secret"))[:5], b"HTTP/", "response with user name")
    refused = [(socks.CONNECT, "mitm.proxy", 443), (socks.CONNECT, "mitm.proxy", 81), (socks.CONNECT, "www.MITM.proxy", 80),
               (socks.CONNECT, "a.b.mitm.proxy.", 80), (socks.RESOLVE, "mitm.proxy", 0), (socks.RESOLVE, "mitm.proxy", 80),
               (socks.BIND, "mitm.proxy", 80)]
    for command, host, port in refused:
        equal(code(proxy.port, socks.request(command, socks.DOMAIN, host, port)), 5, f"reply for {command} {host}:{port}")
    equal(upstream.requests, [], "requests that the upstream got")
    wait_until(lambda: upstream.ended == upstream.greeted == 2 + len(refused), "its connections are closed")
    others = ["notmitm.proxy", "mitm.proxy.example", "mitm.prox", "proxy"]
    for host in others:
        code(proxy.port, socks.request(socks.CONNECT, socks.DOMAIN, host, 80))
    equal(sorted(request[5:-2].decode() for request in upstream.requests), sorted(others), "what is not for the view is passed on")
    records = proxy.end()
    equal({record["connection"] for record in records if "connection" in record}, {1, 2, 3, 4}, "connections recorded")
    equal([record["host"].decode() for record in session.of(records, "SocksRequestStart")], others, "their hosts")


def test_upstream_cannot_speak_for_the_view(box):
    """What it sends behind the method does not reach a client that has already asked for the view."""
    upstream = Upstream(box, b"HTTP/1.1 200 A lie\r\n\r\n")
    proxy = box.proxy(upstream=f"socks5://127.0.0.1:{upstream.port}")
    with socks.dial(proxy.port) as peer:
        peer.sendall(socks.greeting(socks.NO_AUTH) + VIEW + GET)
        equal(socks.receive(peer, 2), bytes([5, socks.NO_AUTH]), "method")
        equal(socks.receive_reply(peer), socks.reply(0), "reply")
        answer = socks.receive_all(peer)
        check(answer.startswith(b"HTTP/") and b"A lie" not in answer, f"the answer is the view's: {answer[:200]}")
    only_of_the_session(proxy.end())


def test_numbers_without_gaps(box):
    server = box.listener()
    port = server.getsockname()[1]
    proxy = box.proxy()
    idle = socks.dial(proxy.port)
    with socks.client(proxy.port, "127.0.0.1", port), get_open(proxy.port), socks.accept(server):
        equal(get(proxy.port, user=(b"view", b"x"))[:5], b"HTTP/", "response")
        with socks.dial(proxy.port) as named_client:
            equal(socks.handshake(named_client, socks.request(socks.CONNECT, socks.IPV4, "127.0.0.1", port), (b"a", b"b"))[1], 0, "reply")
            socks.accept(server).close()
    idle.close()
    records = proxy.end()
    first = []
    for record in records:
        if record.get("connection", first[-1] if first else None) not in first + [None]:
            first.append(record["connection"])
    equal(first, [1, 2, 3], "numbers in the order of the first records")
    starts = {record["connection"]: record["t_ns"] for record in session.of(records, "ConnectionStart")}
    equal(sorted(starts), [1, 2, 3], "each has its beginning")
    check(starts[3] < starts[1] < starts[2], "the idle one began first, as its record says, and is written last")
    equal([record["credential"] for record in session.of(records, "SocksAuthStart")], [1], "credentials are numbered without the view's")


@contextlib.contextmanager
def get_open(port):
    """A connection to the view that stays open."""
    with socks.client(port, "mitm.proxy", 80) as peer:
        peer.sendall(b"GET / HTTP/1.1\r\n")
        yield peer


def test_recording_ends_with_a_view_open(box):
    proxy = box.proxy()
    with get_open(proxy.port) as peer:
        view, keeper = the_view(proxy), named(proxy.pid, "mitm-view-keep")[0]
        only_of_the_session(proxy.end())
        with contextlib.suppress(ConnectionResetError):
            equal(socks.receive_all(peer), b"", "the view's connection ends with the recording")
    wait_until(lambda: is_gone(view) and is_gone(keeper), "view and supervisor end with the proxy")


def test_command_ends_with_a_view_open(box):
    """A page that keeps itself current does not keep the recording from ending."""
    reader, writer = os.pipe()
    proxy, path = box.record(["sh", "-c", "read line"], stdin=reader)
    port = int(proxy.wait_for(r"listening on 127\.0\.0\.1:(\d+)")[1])
    with get_open(port):
        os.close(writer)
        os.close(reader)
        equal(proxy.wait(), 1, f"status of the command; {proxy.err()}")
    only_of_the_session(session.read(path))


def test_view_killed(box):
    server = box.listener()
    proxy = box.proxy()
    equal(get(proxy.port)[:5], b"HTTP/", "response")
    total, piece = 64 << 20, os.urandom(1 << 16)
    killed = threading.Event()

    def serve(peer):
        with peer:
            for i in range(total // len(piece)):
                if i == 100:
                    killed.wait(20)
                peer.sendall(piece)

    with socks.client(proxy.port, "127.0.0.1", server.getsockname()[1]) as client:
        threading.Thread(target=serve, args=(socks.accept(server),), daemon=True).start()
        with get_open(proxy.port) as open_view:
            view = the_view(proxy)
            os.kill(view, signal.SIGKILL)
            # It ends with the view; if that had not accepted it yet, it is the next one's.
            with contextlib.suppress(ConnectionResetError, BrokenPipeError):
                open_view.sendall(GET.partition(b"\r\n")[2])
                check(socks.receive_all(open_view)[:5] in (b"", b"HTTP/"), "the page's connection ends")
        killed.set()
        equal(get(proxy.port)[:5], b"HTTP/", "response of the next view")
        check(the_view(proxy, but=view) != view, "it is another process")
        received = 0
        while data := client.recv(1 << 20):
            place = received % len(piece)
            check((piece[place:] + piece * (len(data) // len(piece) + 1)).startswith(data), "bytes are the server's")
            received += len(data)
    equal(received, total, "bytes that arrived")
    records = proxy.end()
    equal({record["connection"] for record in records if "connection" in record}, {1}, "connections recorded")
    end, = session.of(records, "ConnectionEnd")
    equal(end["to_client_bytes"], total, "bytes recorded")
    equal(records[-1]["records"], len(records), "no event is missing")
    equal(len(re.findall("the live view ended", proxy.err())), 1, proxy.err())


def test_view_killed_again_and_again(box):
    proxy = box.proxy()
    view = None
    for _ in range(4):
        view = the_view(proxy, but=view)
        os.kill(view, signal.SIGKILL)
    equal(get(proxy.port)[:5], b"HTTP/", "response")
    equal(len(re.findall("the live view ended", proxy.err())), 1, "told once in a minute")
    only_of_the_session(proxy.end())


def test_supervisor_killed(box):
    proxy = box.proxy()
    view = the_view(proxy)
    os.kill(named(proxy.pid, "mitm-view-keep")[0], signal.SIGKILL)
    wait_until(lambda: is_gone(view), "the view ends with its supervisor")
    equal(get(proxy.port), b"HTTP/1.1 503", "response")
    only_of_the_session(proxy.end())


def test_proxy_killed(box):
    proxy = box.proxy()
    view, keeper = the_view(proxy), named(proxy.pid, "mitm-view-keep")[0]
    proxy.process.kill()
    proxy.wait()
    wait_until(lambda: is_gone(view) and is_gone(keeper), "view and supervisor end with the proxy")


def test_interrupt_of_the_terminal(box):
    """What Ctrl-C sends to the view and its supervisor does nothing: they end when the proxy does."""
    proxy = box.proxy()
    view, keeper = the_view(proxy), named(proxy.pid, "mitm-view-keep")[0]
    for number in (signal.SIGINT, signal.SIGHUP):
        os.kill(keeper, number)
        os.kill(view, number)
    equal(get(proxy.port)[:5], b"HTTP/", "response")
    check(not is_gone(view) and not is_gone(keeper), "they go on")
    equal(proxy.stop(signal.SIGINT), 0, "status")
    wait_until(lambda: is_gone(view) and is_gone(keeper), "they end with the proxy")


def test_what_the_processes_hold(box):
    """Neither has the proxy's sockets or the session for writing, and no file of the socket is left."""
    folder = box.folder / "tmp"
    folder.mkdir()
    proxy = box.proxy(env={**os.environ, "TMPDIR": str(folder)})
    equal(get(proxy.port)[:5], b"HTTP/", "response")
    equal(list(folder.iterdir()), [], "files left")
    inode = re.search(rf"0100007F:{proxy.port:04X} 00000000:0000 0A .*? (\d+) 1 ", Path("/proc/net/tcp").read_text(encoding="ascii"))[1]
    for pid in [the_view(proxy), *named(proxy.pid, "mitm-view-keep")]:
        if not os.access(f"/proc/{pid}/fd", os.R_OK):  # the view has closed itself to all but root
            continue
        for fd in Path(f"/proc/{pid}/fd").iterdir():
            target = os.readlink(fd)
            check(f"[{inode}]" not in target, f"{pid} has the listening socket")
            if target == str(proxy.path):
                flags = int(re.search(r"flags:\s+(\d+)", Path(f"/proc/{pid}/fdinfo/{fd.name}").read_text(encoding="ascii"))[1], 8)
                equal(flags & os.O_ACCMODE, os.O_RDONLY, f"{pid} has the session open")
    status = Path(f"/proc/{the_view(proxy)}/status").read_text(encoding="utf-8")
    equal(re.search(r"NoNewPrivs:\s+(\d)", status)[1], "1", "no_new_privs of the view")
    equal(os.getpriority(os.PRIO_PROCESS, the_view(proxy)), 19, "nice")


def test_no_view(box):
    upstream = Upstream(box)
    proxy = box.proxy("--no-view", upstream=f"socks5://127.0.0.1:{upstream.port}")
    equal(code(proxy.port, VIEW), 5, "reply")
    equal(harness.descendants(proxy.pid), [], "processes")
    check("live view" not in proxy.err(), proxy.err())
    equal(upstream.requests, [], "requests that the upstream got")
    only_of_the_session(proxy.end())


def test_other_users_are_refused(box):
    if os.geteuid() != 0:
        raise harness.Skip("only root can become another user")
    script = ("import os, sys; sys.path.insert(0, sys.argv[1]); import socks, encodings.idna\n"
              f"os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})\n"
              "with socks.dial(int(sys.argv[2]), sys.argv[3]) as peer:\n"
              "    print(socks.handshake(peer, socks.request(1, 3, 'mitm.proxy', int(sys.argv[4])))[1])\n")
    library = Path(__file__).resolve().parents[1] / "lib"
    for listen, host in (("127.0.0.1:0", "127.0.0.1"), ("[::]:0", "127.0.0.1"), ("[::1]:0", "::1")):
        name = "proxy-" + re.sub(r"\W+", "-", listen)
        path = box.folder / f"{name}.mitm"
        proxy = box.program(name, [box.proxy_program, "-l", listen, "-u", "direct", "-w", path])
        port = int(proxy.wait_for(r"listening on \S+:(\d+)")[1])
        result = subprocess.run([sys.executable, "-c", script, str(library), str(port), host, "80"], capture_output=True, check=False, text=True)
        equal(result.stdout.strip(), "2", f"reply to another user at {listen}; {result.stderr}")
        check("another user" in proxy.err(), proxy.err())
        with socks.dial(port, host) as peer:
            equal(socks.handshake(peer, VIEW)[1], 0, f"reply to our own at {listen}")
        equal(proxy.stop(), 0, "status")
        only_of_the_session(session.read(path))


def test_proxy_of_another_user(box):
    """A proxy that is not root's shows its view to its user, and to root."""
    if os.geteuid() != 0:
        raise harness.Skip("only root can become another user")
    harness.need_programs("setpriv")
    box.folder.chmod(0o755)
    folder = box.folder / "own"
    folder.mkdir()
    os.chown(folder, NOBODY, NOBODY)
    as_nobody = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    if subprocess.run([*as_nobody, box.proxy_program, "--version"], capture_output=True, check=False).returncode:
        raise harness.Skip("another user may not run the program where it was built")
    proxy = box.proxy(wrapper=as_nobody, path=folder / "s.mitm")
    equal(get(proxy.port)[:5], b"HTTP/", "response to root")
    only_of_the_session(proxy.end())


if __name__ == "__main__":
    harness.run(globals())
