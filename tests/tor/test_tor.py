#!/usr/bin/env python3
"""mitm-proxy in front of a real Tor: a private network on the loopback of a namespace carries the sample page."""
import atexit
import base64
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "lib"), str(ROOT / "samples" / "site")]
import content
import harness
import https
import names
import network
import session
import socks
import tlspeers
import tracing
from harness import equal, wait_until

UPSTREAM = f"socks5://127.0.0.1:{network.SOCKS_PORT}"
SITE_PORT = 15300


class Tor:
    """The network and the name server of its exits; started when first needed, for all tests of this run."""

    running = None

    @classmethod
    def get(cls):
        harness.need_programs("tor", "tor-gencert", "ip")
        if not cls.running:
            folder = Path(tempfile.mkdtemp(prefix="mitm-tor-"))
            atexit.register(shutil.rmtree, folder, ignore_errors=True)
            server = names.NameServer({name: ["127.0.0.1"] for name in content.HOSTS})
            cls.running = network.Network(folder, server.port, SITE_PORT)
            atexit.register(cls.running.close)
            cls.running.start()
            print(f"Tor network in {folder.name} is up", flush=True)
        return cls.running


def load(box, browser):
    """Load the sample page through mitm-proxy and Tor; compare the session with the access log."""
    Tor.get()
    _, url, log_path, _ = box.site(SITE_PORT)
    wait_for_an_exit(content.WWW)
    records = box.browse(browser, url, log_path, upstream=UPSTREAM)
    seen = sorted((exchange["method"], exchange["host"], exchange["path"], exchange.get("status"), exchange.get("response_bytes"))
                  for exchange in session.exchanges(records))
    log = [json.loads(line) for line in log_path.read_text(encoding="utf-8").splitlines()]
    expected = sorted((entry["method"], entry["host"], entry["path"], entry["status"], entry["response_bytes"]) for entry in log)
    equal(seen, expected, "requests")
    equal(records[0]["upstream_kind"], "SOCKS5", "upstream in the header")
    equal(session.faults(records), [], "faults")
    equal(session.of(records, "ResolveStart"), [], "names resolved by us")


def ask(port, message, user=None):
    """Send one request; return (the socket, the reply's code, the bound address)."""
    peer = socks.dial(port)
    answer = socks.handshake(peer, message, user)
    return peer, answer[1], answer[4:-2]


def wait_for_an_exit(host, port=SITE_PORT):
    """Tor says that it is ready a little before a stream works."""
    def works():
        peer, code, _ = ask(network.SOCKS_PORT, socks.request(socks.CONNECT, socks.DOMAIN, host, port))
        peer.close()
        return code == 0
    wait_until(works, "an exit connects to the site", 30)


def test_chromium_loads_the_page(box):
    load(box, "chromium")


def test_curl_loads_the_page(box):
    load(box, "curl")


def test_https(box):
    """HTTP/2 within TLS through Tor: seen into with the key log, equal to nginx's access log."""
    Tor.get()
    certificates = https.Certificates(box.folder, content.HOSTS)
    nginx, keylog = https.Nginx(box, certificates), box.folder / "keys.log"
    wait_for_an_exit(content.WWW, nginx.port["h2"])
    proxy = box.proxy("--keylog", keylog, "--no-view", upstream=UPSTREAM)
    words = [word for number in range(20) for word in ("-o", "/dev/null", nginx.url(f"/script-{number}.js", host=content.WWW))]
    tlspeers.curl(box, proxy, certificates, keylog, "--http2", "--parallel", *words)
    records, log = proxy.end(), nginx.end()
    seen = sorted((exchange["method"], exchange["path"], exchange.get("status"), exchange.get("response_bytes"),
                   exchange["request_start"]["version"]) for exchange in session.exchanges(records))
    equal(seen, sorted((entry["method"], entry["uri"], entry["status"], entry["body_bytes"], "2") for entry in log), "requests")
    equal({entry["status"] for entry in session.of(records, "TlsDecryption")}, {"DECRYPTED"}, "decryption")
    equal(session.faults(records), [], "faults")
    equal(session.of(records, "ResolveStart"), [], "names resolved by us")


def circuits(control, port, pairs):
    """Ask for a stream with each pair of user name and password through `port`; return the circuits that they got."""
    found = []
    for user, password in pairs:
        peer, code, _ = ask(port, socks.request(socks.CONNECT, socks.DOMAIN, content.WWW, SITE_PORT), (user, password))
        equal(code, 0, "reply")
        line = control.line_with(r"^650 STREAM \d+ SUCCEEDED (\d+) .*SOCKS_USERNAME=\"(.*?)\" SOCKS_PASSWORD=\"(.*?)\"")
        equal((line[2].encode(), line[3].encode()), (user, password), "credentials as Tor got them")
        found.append(int(line[1]))
        peer.close()
    return found


def test_credentials_choose_circuits(box):
    tor = Tor.get()
    box.site(SITE_PORT)
    wait_for_an_exit(content.WWW)
    control = network.Control(tor)
    box.closing.callback(control.close)
    control.ask("SETEVENTS STREAM")
    pairs = [(b"one", b"x"), (b"two", b"x"), (b"one", b"y"), (b"one", b"x"), (b"two", b"x")]
    pattern = [0, 1, 2, 0, 1]
    proxy = box.proxy(upstream=UPSTREAM)
    for port, how in ((network.SOCKS_PORT, "without us"), (proxy.port, "through us")):
        seen = circuits(control, port, [(user + how[:1].encode(), password) for user, password in pairs])
        equal([seen.index(circuit) for circuit in seen], [seen.index(seen[first]) for first in pattern], f"circuits {how}: {seen}")
        equal(len(set(seen)), 3, f"circuits {how}: {seen}")
    records = proxy.end()
    recorded = [entry["credential"] for entry in session.of(records, "SocksAuthStart")]
    equal(recorded, [number + 1 for number in pattern], "credentials recorded")


def test_source_address_is_recorded(box):
    """Tor's control port names the connection by our end of it, which is in the session."""
    tor = Tor.get()
    box.site(SITE_PORT)
    wait_for_an_exit(content.WWW)
    control = network.Control(tor)
    box.closing.callback(control.close)
    control.ask("SETEVENTS STREAM")
    proxy = box.proxy(upstream=UPSTREAM)
    peer, code, _ = ask(proxy.port, socks.request(socks.CONNECT, socks.DOMAIN, content.WWW, SITE_PORT))
    equal(code, 0, "reply")
    source = int(control.line_with(r"^650 STREAM \d+ NEW .*SOURCE_ADDR=127\.0\.0\.1:(\d+)")[1])
    peer.close()
    reached, = session.of(proxy.end(), "ConnectEnd")
    equal(reached["local_port"], source, "our port on the connection to Tor")


def test_resolve(box):
    Tor.get()
    box.site(SITE_PORT)
    wait_for_an_exit(content.WWW)
    proxy = box.proxy(upstream=UPSTREAM)
    peer, code, address = ask(proxy.port, socks.request(socks.RESOLVE, socks.DOMAIN, content.WWW, 0))
    peer.close()
    equal((code, address), (0, bytes([127, 0, 0, 1])), "answer to RESOLVE")
    peer, code, _ = ask(proxy.port, socks.request(socks.RESOLVE, socks.DOMAIN, "no-such-name.example.test", 0))
    peer.close()
    equal(code, 4, "answer to RESOLVE of a name that is not there")
    records = proxy.end()
    equal([entry["command"] for entry in session.of(records, "SocksRequestStart")], [socks.RESOLVE] * 2, "recorded requests")
    equal([entry["reply"] for entry in session.of(records, "SocksResponseEnd")], [0, 4], "recorded replies")
    equal(session.of(records, "SocksResponseEnd")[0]["bound_address"], b"127.0.0.1", "recorded address")


def onion_name(public_key):
    """The v3 onion address of a key (rend-spec-v3, 6)."""
    checksum = hashlib.sha3_256(b".onion checksum" + public_key + b"\x03").digest()[:2]
    return base64.b32encode(public_key + checksum + b"\x03").decode().lower() + ".onion"


def test_onion_services(box):
    tor = Tor.get()
    box.site(SITE_PORT)
    proxy = box.proxy(upstream=UPSTREAM)
    nobody = onion_name(bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"))  # RFC 8032, 7.1, test 1
    malformed = nobody[:10] + ("a" if nobody[10] != "a" else "b") + nobody[11:]
    for name, expected in ((nobody, 0xF0), (malformed, 0xF6)):
        peer, code, _ = ask(proxy.port, socks.request(socks.CONNECT, socks.DOMAIN, name, 80))
        peer.close()
        equal(f"{code:#04x}", f"{expected:#04x}", f"reply for {name}")

    def reached():
        peer, code, _ = ask(proxy.port, socks.request(socks.CONNECT, socks.DOMAIN, tor.onion(), 80))
        with peer:
            if code:
                return False
            peer.sendall(f"GET /tour/ HTTP/1.1\r\nHost: {content.WWW}\r\nConnection: close\r\n\r\n".encode())
            return socks.receive_all(peer).startswith(b"HTTP/1.1 200 OK\r\n")

    wait_until(reached, "the onion service answers", 30)
    records = proxy.end()
    replies = [(entry["reply"], entry["origin"]) for entry in session.of(records, "SocksResponseEnd")]
    equal(replies[:2], [(0xF0, "UPSTREAM"), (0xF6, "UPSTREAM")], "recorded replies")
    equal(session.exchanges(records)[-1]["status"], 200, "recorded response of the onion service")


def test_z_tor_stops_in_mid_session(box):
    """The last test, since it ends Tor's client."""
    tor = Tor.get()
    site, _, _, _ = box.site(SITE_PORT)
    wait_for_an_exit(content.WWW)
    proxy, trace = tracing.traced(box, network.SOCKS_PORT)
    curl = ["curl", "-sS", "-m", "20", "-w", "%{http_code}", "--proxy", f"socks5h://127.0.0.1:{proxy.port}", "-o", "/dev/null"]
    fetch = [*curl, f"http://{content.WWW}:{SITE_PORT}/tour/", "-o", "/dev/null", f"http://{content.API}:{SITE_PORT}/slow"]
    result = subprocess.run(fetch, capture_output=True, text=True, timeout=60, check=False)
    equal(result.stdout, "200" * 2, f"while Tor runs: {result.stderr}")
    waiting = box.program("curl", [*curl, f"http://{content.API}:{SITE_PORT}/drip"])
    wait_until(lambda: session.of(session.read_beginning(proxy.path), "HttpRequestStart", target=b"/drip"), "a request is on its way")
    tor.stop(network.CLIENT)
    for host in (f"{content.WWW}:{SITE_PORT}", f"127.0.0.1:{SITE_PORT}", f"localhost:{SITE_PORT}", "example.org"):
        result = subprocess.run([*curl, f"http://{host}/"], capture_output=True, text=True, timeout=60, check=False)
        equal((result.returncode, result.stdout), (97, "000"), f"{host} without Tor: {result.stderr}")  # 97: the proxy refused
    waiting.wait()
    records = tracing.end(proxy)
    refused = session.of(records, "SocksResponseEnd", origin="PROXY")
    equal([entry["reply"] for entry in refused], [1] * 4, "replies without Tor")
    tracing.check_trace(trace, network.SOCKS_PORT)
    site.stop()


if __name__ == "__main__":
    harness.enter_namespaces("--net")
    harness.run(globals())
