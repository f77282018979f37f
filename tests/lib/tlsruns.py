"""What the tests of TLS share: a proxy with a key log, conversations over TLS, and what its session must then have."""
import atexit
import functools
import shutil
import tempfile
from pathlib import Path

import https
import session
import socks
import tlspeers
from harness import check, equal, wait_until


@functools.cache
def certificates():
    """One authority for all tests of a script; removed when it ends."""
    folder = Path(tempfile.mkdtemp(prefix="mitm-certificates-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return https.Certificates(folder)


class Run:
    """A proxy that follows a key log, .keylog, and what has been said through it: .expected, in the order of connections."""

    def __init__(self, box, *options, keylog=None, view=False, **more):
        self.box, self.certificates = box, certificates()
        self.keylog = keylog or box.folder / "keys.log"
        options = ["--hosts", https.write_hosts(box.folder), "--keylog", self.keylog, "--body-limit", "all",
                   *([] if view else ["--no-view"]), *options]
        self.proxy = box.proxy(*options, **more)
        self.ways, self.expected, self.clients = [], [], 0

    def server(self, *options, **more):
        """A new s_server and a way to it."""
        server = tlspeers.Server(self.box, self.certificates, *options, name=f"s_server-{len(self.ways)}", **more)
        server.way = tlspeers.Way(self.box, self.proxy, server.port)
        self.ways.append(server.way)
        return server

    def client(self, server, *options, keylog=None):
        """A new s_client, connected; its secrets go to the key log, unless elsewhere."""
        self.clients += 1
        client = tlspeers.Client(self.box, server.way, self.certificates, *options, keylog=keylog or self.keylog, name=f"s_client-{self.clients}")
        client.connected()
        return client

    def exchange(self, client, server, path, asked=b"", answered=b"", status=200):
        """Let the client ask and the server answer; both bodies are of letters that are no commands of openssl's."""
        client.say(tlspeers.request(path, asked))
        server.heard(asked.decode() if asked else f"GET {path} ")
        self.answer(client, server, path, asked, answered, status)

    def answer(self, client, server, path, asked, answered, status=200):
        server.say(tlspeers.response(answered, status, f"X-Answers: {path}\r\n"))
        client.heard(f"X-Answers: {path}")
        if answered:
            client.heard(answered.decode())
        self.expected.append(("POST" if asked else "GET", path, asked, status, answered))

    def plain(self, path="/plain"):
        """An exchange of plain HTTP through the same proxy."""
        listener = self.box.listener()
        with socks.client(self.proxy.port, "127.0.0.1", listener.getsockname()[1]) as client, socks.accept(listener) as server:
            asked, answered = tlspeers.request(path), tlspeers.response(b"plain")
            client.sendall(asked)
            equal(socks.receive(server, len(asked)), asked, "plain request")
            server.sendall(answered)
            equal(socks.receive(client, len(answered)), answered, "plain response")
        self.expected.append(("GET", path, b"", 200, b"plain"))

    def recorded(self, count, what):
        """Wait until so many exchanges are in the session that is being written."""
        wait_until(lambda: sum(entry.get("event") == "HttpResponseEnd" for entry in session.read_beginning(self.proxy.path, verify=False))
                   >= count, what)

    def end(self):
        """End the proxy; check the exchanges, and that no byte was changed; return the records."""
        for way in self.ways:
            way.check_unchanged()
        records = self.proxy.end()
        equal(records[0].get("decrypted"), True, "SessionStart.decrypted")
        equal(sorted(map(said, session.exchanges(records))), sorted(self.expected), "exchanges")
        equal(session.faults(records), [], "faults")
        for number, connection in session.connections(records).items():
            check_shape(connection, number)
        return records


def said(exchange):
    return (exchange["method"], exchange["path"], exchange["request_data"], exchange.get("status"), exchange["response_data"])


def is_tls(connection):
    return bool(session.of(connection, "ProtocolDetected", protocol="TLS"))


def check_shape(connection, number):
    """What holds for every connection: TlsData counts all its bytes, and TlsDecryption is said once for each of its meanings."""
    end, = session.of(connection, "ConnectionEnd")
    if not is_tls(connection):
        equal(session.of(connection, "TlsData", "TlsDecryption"), [], f"TLS on connection {number}")
        return
    for direction, field in (("TO_SERVER", "to_server_bytes"), ("TO_CLIENT", "to_client_bytes")):
        total = sum(entry["len_bytes"] for entry in session.of(connection, "TlsData", direction=direction))
        equal(total, end[field], f"TlsData {direction} of connection {number}")
    said_once = [entry["status"] for entry in session.of(connection, "TlsDecryption")]
    equal(len(set(said_once)), len(said_once), f"TlsDecryption of connection {number}: {said_once}")
    check(len(said_once) - ("DECRYPTED" in said_once) <= 1, f"connection {number} falls back more than once: {said_once}")


def tls_connections(records):
    """The TLS connections' records, in order."""
    return [connection for connection in session.connections(records).values() if is_tls(connection)]


def statuses(connection):
    return [entry["status"] for entry in session.of(connection, "TlsDecryption")]


def fallback(connection):
    """The status of the one event that says why the connection is not followed; it says so in words, too."""
    entry, = [entry for entry in session.of(connection, "TlsDecryption") if entry["status"] != "DECRYPTED"]
    check(len(entry.get("detail", "")) > 5 and "\n" not in entry["detail"], f"detail: {entry}")
    return entry["status"]


def check_decrypted(records):
    """Every TLS connection was decrypted, to its end; return them."""
    found = tls_connections(records)
    for connection in found:
        equal(statuses(connection), ["DECRYPTED"], f"TlsDecryption: {session.of(connection, 'TlsDecryption')}")
    return found
