#!/usr/bin/env python3
"""HTTP/1.1 over TLS through mitm-proxy with a key log: openssl's s_client and s_server, curl and nginx. What was said is what is
in the session; and no byte that is passed on is changed.
"""
import itertools
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
import frames
import harness
import https
import session
import socks
import tlspeers
import tlsruns
from harness import check, equal, wait_until
from tlspeers import ECDSA, RSA

TLS_1_2, TLS_1_3 = 0x0303, 0x0304
# IANA's numbers of cipher suites.
IDS = {"TLS_AES_128_GCM_SHA256": 0x1301, "TLS_AES_256_GCM_SHA384": 0x1302, "TLS_CHACHA20_POLY1305_SHA256": 0x1303,
       "ECDHE-ECDSA-AES128-GCM-SHA256": 0xC02B, "ECDHE-ECDSA-AES256-GCM-SHA384": 0xC02C, "ECDHE-RSA-AES128-GCM-SHA256": 0xC02F,
       "ECDHE-RSA-AES256-GCM-SHA384": 0xC030, "ECDHE-RSA-CHACHA20-POLY1305": 0xCCA8, "ECDHE-ECDSA-CHACHA20-POLY1305": 0xCCA9}
P_256, P_384, X25519 = 23, 24, 29
ALERT_PROTOCOL_VERSION, ALERT_UNKNOWN_CA = 70, 48
SUITES = [(TLS_1_3, suite, kind) for suite in tlspeers.SUITES_1_3 for kind in (RSA, ECDSA)] + [
    (TLS_1_2, f"ECDHE-{kind.upper()}-{suite}", kind) for suite in tlspeers.SUITES_1_2 for kind in (RSA, ECDSA)]


def test_suites(box):
    """Each suite with either kind of leaf, one connection each with two exchanges, one of a body of several records' length."""
    run = tlsruns.Run(box)
    for number, (version, suite, kind) in enumerate(SUITES):
        server = run.server(kind=kind)
        client = run.client(server, *(["-tls1_3", "-ciphersuites", suite] if version == TLS_1_3 else ["-tls1_2", "-cipher", suite]))
        run.exchange(client, server, f"/first-{number}", b"", b"x" * 12000)
        run.exchange(client, server, f"/second-{number}", f"_{number}_".encode() + b"y" * 9000, b"z" * 100, 404)
        client.close()
    records = run.end()
    found = tlsruns.check_decrypted(records)
    equal(len(found), len(SUITES), "TLS connections")
    for connection, (version, suite, _) in zip(found, SUITES, strict=True):
        hello, = session.of(connection, "TlsServerHello")
        equal((hello["version"], hello["cipher_suite"]), (version, IDS[suite]), suite)
        equal(session.of(connection, "TlsClientHello")[0]["server_name"], https.SITE.encode(), "server_name")
        check_handshake(connection, resumed=False)
        check_times(connection)


def check_handshake(connection, resumed):
    """The handshake's end is known exactly, once."""
    end, = [entry for entry in session.of(connection, "TlsHandshakeEnd") if not entry.get("inferred")]
    equal(end.get("resumed", False), resumed, f"resumed: {end}")
    hello, = session.of(connection, "TlsServerHello")
    check(session.of(connection, "TlsClientHello")[0]["t_ns"] <= hello["t_ns"] <= end["t_ns"], "the handshake's order")
    return end


def check_times(connection):
    """An exchange's times lie within the handshake's end and the connection's."""
    end_ns = session.of(connection, "ConnectionEnd")[0]["t_ns"]
    first_ns = session.of(connection, "TlsServerHello")[0]["t_ns"]
    for exchange in session.exchanges(connection):
        times = [exchange[name]["t_ns"] for name in ("request_start", "request_end", "response_start", "response_end")]
        check(times == sorted(times) and first_ns <= times[0] and times[-1] <= end_ns, f"times {times} within {first_ns} … {end_ns}")


def test_curl(box):
    """curl and nginx: each suite with kept connections, HTTP/1.1 and HTTP/2; as the access log says."""
    run = tlsruns.Run(box)
    nginx = https.Nginx(box, run.certificates)
    upload = box.folder / "upload"
    upload.write_bytes(b"u" * 100_000)
    plans = list(itertools.product(SUITES, ("1.1", "2")))
    for number, ((version, suite, kind), protocol) in enumerate(plans):
        options = ["--ciphers", suite, "--tls-max", "1.2"] if version == TLS_1_2 else ["--tlsv1.3", "--tls13-ciphers", suite]
        way = "h2" if protocol == "2" else "h1_ecdsa" if kind == ECDSA else "h1"
        if way == "h2" and kind == ECDSA:
            continue
        asked = ["--next", *options, f"--http{protocol}", "--cacert", run.certificates.ca]
        tlspeers.curl(box, run.proxy, run.certificates, run.keylog, *options, f"--http{protocol}", "-o", "/dev/null", nginx.url("/data/300000.bin", way),
                      *asked, "--proxy", f"socks5h://127.0.0.1:{run.proxy.port}", "-I", "-o", "/dev/null", nginx.url("/text.txt", way),
                      *asked, "--proxy", f"socks5h://127.0.0.1:{run.proxy.port}", "-o", "/dev/null", "-H", "Expect:", "--data-binary", f"@{upload}",
                      nginx.url("/post", way), name=f"curl-{number}")
    records, log = run.proxy.end(), nginx.end()
    https.check_log(records, log)
    equal(session.faults(records), [], "faults")
    tlsruns.check_decrypted(records)
    equal({(entry["suite"], entry["protocol"]) for entry in log}, {(suite, f"HTTP/{'2.0' if protocol == '2' else protocol}")
                                                                  for (_, suite, _), protocol in plans if protocol == "1.1" or "ECDSA" not in suite},
          "suites and protocols in the log")
    check(len(log) == 3 * 18, f"{len(log)} requests")
    for exchange in session.exchanges(records):
        if exchange["path"] == "/data/300000.bin":
            equal(exchange["response_data"], https.page_files("")["/data/300000.bin"], "body")
        if exchange["path"] == "/post":
            equal(exchange["request_data"], upload.read_bytes(), "request's body")


def test_prior_knowledge(box):
    """HTTP/2 without TLS, by prior knowledge: many streams; no word of decryption."""
    run = tlsruns.Run(box)
    nginx = https.Nginx(box, run.certificates)
    with socks.client(run.proxy.port, https.SITE, nginx.port["h2c"]) as client:  # curl 7.88 can make one such request alone
        flags = frames.END_HEADERS | frames.END_STREAM
        asked = [frames.frame(frames.HEADERS, flags, 2 * number + 1, frames.request_block(f"/script-{number % 20}.js?{number}")) for number in range(40)]
        client.sendall(frames.OPENING["TO_SERVER"] + frames.frame(frames.WINDOW_UPDATE, 0, 0, b"\0\x7f\0\0") + b"".join(asked))
        ended = 0
        while ended < len(asked):
            length, kind, flags = frames.read_head(client)
            socks.receive(client, length)
            ended += kind in (frames.DATA, frames.HEADERS) and flags & frames.END_STREAM
    records, log = run.proxy.end(), nginx.end()
    equal(len(log), 40, "requests")
    https.check_log(records, log)
    equal(session.faults(records), [], "faults")
    equal([(entry["protocol"], entry.get("inside_tls", False)) for entry in session.of(records, "ProtocolDetected")],
          [("HTTP2", False)] * len(session.connections(records)), "protocols")
    equal(session.of(records, "TlsDecryption"), [], "TlsDecryption")
    files = https.page_files("")
    for exchange in session.exchanges(records):
        equal(exchange["response_data"], files[exchange["path"].partition("?")[0]], "body")


def test_resumption(box):
    """A ticket of TLS 1.3, a ticket and a session ID of TLS 1.2."""
    for number, options in enumerate((["-tls1_3"], ["-tls1_2"], ["-tls1_2", "-no_ticket"])):
        run = tlsruns.Run(box.part(str(number)))
        server, kept = run.server(), run.box.folder / "kept"
        for more in (["-sess_out", kept], ["-sess_in", kept]):
            client = run.client(server, *options, *more)
            run.exchange(client, server, f"/{more[0]}", b"", b"x" * 20)
            client.close()
        check("Reused" in client.program.out(), f"openssl has not resumed: {client.program.out()}")
        records = run.end()
        first, second = tlsruns.check_decrypted(records)
        check_handshake(first, resumed=False)
        check_handshake(second, resumed=True)
        equal(session.of(second, "TlsClientHello")[0].get("resumption"), True, "TlsClientHello.resumption")
        if options == ["-tls1_3"]:
            equal([session.of(part, "TlsServerHello")[0].get("resumed", False) for part in (first, second)], [False, True], "TlsServerHello.resumed")


def early(box, suite, *server_options):
    """A connection, and a second one that sends early data; return (run, server, client, request's path) as the second is open."""
    run = tlsruns.Run(box)
    server, kept, data = run.server("-early_data", "-ciphersuites", suite, *server_options), box.folder / "kept", box.folder / "early"
    client = run.client(server, "-tls1_3", "-sess_out", kept)
    run.exchange(client, server, "/before", b"", b"x" * 20)
    client.close()
    data.write_bytes(tlspeers.request("/early"))
    client = run.client(server, "-tls1_3", "-sess_in", kept, "-early_data", data)
    return run, server, client


def test_early_data(box):
    for number, suite in enumerate(tlspeers.SUITES_1_3):
        run, server, client = early(box.part(str(number)), suite)
        server.heard("GET /early ")
        run.answer(client, server, "/early", b"", b"w" * 30)
        run.exchange(client, server, "/later", b"", b"v" * 30)
        client.close()
        check("Early data was accepted" in client.program.out(), client.program.out())
        records = run.end()
        _, second = tlsruns.check_decrypted(records)
        equal(session.of(second, "TlsClientHello")[0].get("early_data"), True, "TlsClientHello.early_data")
        equal(check_handshake(second, resumed=True).get("early_data_accepted"), True, "early_data_accepted")
        check(any(entry.get("early") for entry in session.of(second, "TlsData", direction="TO_SERVER")), "no TlsData is early")
        requests = session.of(second, "HttpRequestStart")
        check(requests[0]["t_ns"] < session.of(second, "TlsServerHello")[0]["t_ns"], "the early request came before the server's hello")


def test_early_data_refused(box):
    """A server that has forgotten how to resume refuses early data: the client has sent them all the same."""
    run = tlsruns.Run(box)
    first, kept, data = run.server("-early_data"), box.folder / "kept", box.folder / "early"
    client = run.client(first, "-tls1_3", "-sess_out", kept)
    run.exchange(client, first, "/before", b"", b"x" * 20)
    client.close()
    data.write_bytes(tlspeers.request("/refused"))
    other = run.server("-early_data")
    client = run.client(other, "-tls1_3", "-sess_in", kept, "-early_data", data)
    run.exchange(client, other, "/again", b"", b"w" * 30)
    client.close()
    check("Early data was rejected" in client.program.out(), client.program.out())
    for way in run.ways:
        way.check_unchanged()
    records = run.proxy.end()
    equal(session.faults(records), [], "faults")
    _, second = tlsruns.check_decrypted(records)
    equal(check_handshake(second, resumed=False).get("early_data_accepted"), False, "early_data_accepted")
    answered = [exchange for exchange in session.exchanges(second) if "status" in exchange]
    equal([tlsruns.said(exchange) for exchange in answered], [("GET", "/again", b"", 200, b"w" * 30)], "exchanges that were answered")


def test_hello_retry_request(box):
    run = tlsruns.Run(box)
    server = run.server("-groups", "P-384")
    client = run.client(server, "-groups", "X25519:P-384")
    run.exchange(client, server, "/retried", b"", b"x" * 30)
    client.close()
    connection, = tlsruns.check_decrypted(run.end())
    retry, = session.of(connection, "TlsHelloRetryRequest")
    equal(retry["group"], P_384, "group asked for")
    equal(len(session.of(connection, "TlsClientHello")), 2, "ClientHellos")
    equal(session.of(connection, "TlsServerHello")[0]["group"], P_384, "group")
    check_handshake(connection, resumed=False)


def test_key_update(box):
    """Each side updates its key, alone and asking the other side to do so as well, again and again; each suite."""
    run = tlsruns.Run(box)
    for number, suite in enumerate(tlspeers.SUITES_1_3):
        server = run.server("-ciphersuites", suite)
        client = run.client(server, "-tls1_3", "-msg")
        run.exchange(client, server, f"/{number}-before", b"", b"x" * 30)
        for updates, (peer, command) in enumerate(itertools.product((client, server), (b"K\n", b"k\n", b"K\n"))):
            update(peer, client, command)
            run.exchange(client, server, f"/{number}-{updates}", f"_{number}_{updates}_".encode(), f"v{number}_{updates}v".encode() * 50)
        client.close()
    tlsruns.check_decrypted(run.end())


def update(peer, client, command):
    """Let `peer` update its key and wait until the client has sent or got that: what follows in the same read would be lost."""
    seen = client.program.out().count(", KeyUpdate")
    peer.say(command)
    wait_until(lambda: client.program.out().count(", KeyUpdate") > seen, "a key update")


def test_records_of_all_shapes(box):
    """Padded, small and split records, no middlebox compatibility, no tickets, client certificates, several requests in one record."""
    run = tlsruns.Run(box)
    kind = run.certificates
    asks = ["-Verify", "1", "-CAfile", kind.ca]
    for number, (server_options, client_options) in enumerate((
            (["-record_padding", "4096"], ["-record_padding", "1000"]), (["-max_send_frag", "512"], ["-max_send_frag", "512"]),
            (["-split_send_frag", "600", "-max_pipelines", "1"], []), (["-no_middlebox"], ["-no_middlebox"]), (["-num_tickets", "0"], []),
            (asks, ["-tls1_2", "-cert", kind.certificate[ECDSA], "-key", kind.key[ECDSA]]),
            (asks, ["-tls1_3", "-cert", kind.certificate[RSA], "-key", kind.key[RSA]]))):
        server = run.server(*server_options)
        client = run.client(server, *client_options)
        run.exchange(client, server, f"/{number}", f"_{number}_".encode() + b"y" * 5000, b"x" * 7000)
        client.say(tlspeers.request(f"/{number}/first") + tlspeers.request(f"/{number}/second"))
        server.heard(f"GET /{number}/second ")
        for part in ("first", "second"):
            run.answer(client, server, f"/{number}/{part}", b"", part.encode())
        client.close()
    tlsruns.check_decrypted(run.end())


def test_post_handshake_authentication(box):
    """The server asks for the client's certificate behind the handshake (RFC 8446, 4.6.2), before and behind changes of keys."""
    run = tlsruns.Run(box)
    kind = run.certificates
    server = run.server("-CAfile", kind.ca)
    client = run.client(server, "-tls1_3", "-enable_pha", "-cert", kind.certificate[RSA], "-key", kind.key[RSA], "-msg")
    run.exchange(client, server, "/before", b"", b"before")
    for number, (peer, command) in enumerate(((client, b"K\n"), (server, b"K\n"))):
        server.say(b"c\n")
        wait_until(lambda: client.program.out().count(", Finished") > number + 2, "the client's Finished")
        first, second, third = (bytes([letter]) * 50 for letter in b"vyzxwu"[3 * number:][:3])
        run.exchange(client, server, f"/{number}-asked", b"", first)
        update(peer, client, command)
        run.exchange(client, server, f"/{number}-updated", second, third)
    client.close()
    tlsruns.check_decrypted(run.end())


def test_not_supported(box):
    """CBC suites, TLS 1.1, renegotiation: said once; what came before is kept, and everything is passed on."""
    run = tlsruns.Run(box)
    for options in (["-tls1_2", "-cipher", "ECDHE-RSA-AES128-SHA256"], ["-tls1_2", "-cipher", "ECDHE-RSA-AES256-SHA"],
                    ["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"]):
        server = run.server("-cipher", "ALL:@SECLEVEL=0")
        client = run.client(server, *options)
        run.exchange(client, server, f"/{options[-1]}", b"", b"x" * 50)
        client.close()
    run.expected.clear()
    server = run.server("-tls1_2", "-client_renegotiation")
    client = run.client(server, "-tls1_2")
    run.exchange(client, server, "/before", b"", b"before")
    client.say(b"R\n")
    client.program.wait_for("RENEGOTIATING")
    run.exchange(client, server, "/behind", b"", b"behind")
    client.close()
    run.expected.pop()
    for connection in tlsruns.tls_connections(run.end()):
        equal(tlsruns.fallback(connection), "NOT_SUPPORTED", f"why: {session.of(connection, 'TlsServerHello')}")


def test_no_close_notify(box):
    """Both sides end without close_notify: a response that lasts until the connection's end is no less one."""
    run = tlsruns.Run(box)
    for number, version in enumerate(("-tls1_2", "-tls1_3")):
        server = run.server()
        client = run.client(server, version)
        run.exchange(client, server, f"/{number}", b"", b"x" * 30)
        client.say(tlspeers.request(f"/{number}/until-close"))
        server.heard(f"/{number}/until-close")
        server.say(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + b"v" * 40)
        client.heard("v{40}")
        server.program.kill()
        client.program.wait()
        run.expected.append(("GET", f"/{number}/until-close", b"", 200, b"v" * 40))
        server = run.server()
        client = run.client(server, version)
        run.exchange(client, server, f"/{number}/killed", b"", b"z" * 30)
        client.program.kill()
    records = run.end()
    for connection in tlsruns.check_decrypted(records):
        causes = [exchange["response_cause"] for exchange in session.exchanges(connection) if "until-close" in exchange["path"]]
        check(all(cause == "UNTIL_CLOSE" for cause in causes), f"causes {causes}")


def test_reset(box):
    """The client resets the connection within a request of HTTP/2: what was there of it is recorded, and that it is not whole."""
    run = tlsruns.Run(box)
    origin = frames.Origin(box, run.certificates, b"")
    client = frames.Asker(run.proxy.port, origin.port, run.certificates, run.keylog)
    client.converse(frames.OPENING["TO_SERVER"] + frames.frame(frames.HEADERS, frames.END_HEADERS, 1, frames.request_block("/reset"))
                    + frames.frame(frames.DATA, 0, 1, b"part"), len(frames.OPENING["TO_CLIENT"]))
    wait_until(lambda: session.of(session.read_beginning(run.proxy.path, verify=False), "HttpRequestBody"), "the body's beginning is recorded")
    socks.reset(client.peer)
    origin.received()
    records = run.proxy.end()
    exchange, = session.exchanges(records)
    equal((exchange["path"], exchange["request_data"], exchange["request_cause"]), ("/reset", b"part", "TRUNCATED"), "the request")
    connection, = tlsruns.check_decrypted(records)
    equal([entry["cause"] for entry in session.of(connection, "EndOfStream", direction="TO_SERVER")], ["RESET"], "the direction's end")
    equal(session.faults(records), [], "faults")


def test_alerts(box):
    """In the clear: no common version. Encrypted: the client does not know the authority (TLS 1.3), or has nothing to complain of."""
    run = tlsruns.Run(box)
    server = run.server("-tls1_2")
    client = tlspeers.Client(box, server.way, run.certificates, "-tls1_3", keylog=run.keylog, name="version")
    client.program.wait()
    server = run.server()
    client = tlspeers.Client(box, server.way, run.certificates, "-tls1_3", "-CAfile", run.certificates.certificate["ecdsa"], "-verify_return_error",
                             keylog=run.keylog, name="authority")
    client.program.wait()
    server = run.server()
    client = run.client(server, "-tls1_3")
    run.exchange(client, server, "/fine", b"", b"x" * 30)
    client.close()
    version, authority, fine = tlsruns.tls_connections(run.end())
    alerts = [[(entry["direction"], entry.get("level"), entry.get("description")) for entry in session.of(connection, "TlsAlert")]
              for connection in (version, authority, fine)]
    equal(alerts[0], [("TO_CLIENT", 2, ALERT_PROTOCOL_VERSION)], "no common version")
    equal(alerts[1], [("TO_SERVER", 2, ALERT_UNKNOWN_CA)], "unknown authority")
    check(("TO_SERVER", 1, 0) in alerts[2], f"close_notify: {alerts[2]}")


if __name__ == "__main__":
    harness.run(globals())
