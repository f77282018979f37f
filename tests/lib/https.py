"""Servers that speak TLS: certificates of an own authority, and nginx with a page of a hundred resources and an access log.

nginx serves the same files in four ways: HTTP/2 or HTTP/1.1 over TLS, HTTP/1.1 with an ECDSA certificate, and HTTP/2 without
TLS (prior knowledge). All run as the current user, below the test's folder, on free ports of loopback.
"""
import base64
import hashlib
import json
import os
import random
import shutil
import signal
import socket
import struct
import subprocess
import zlib
from collections import Counter
from pathlib import Path

import harness
import session
from harness import check, equal, wait_until

SITE, IMAGES = "www.site.test", "img.site.test"
HOSTS = (SITE, IMAGES)
RESOURCES = 100
WAYS = ("h2", "h1", "h1_ecdsa", "h2c")

LOG_FORMAT = ('{"connection":$connection,"remote_port":$remote_port,"number":$connection_requests,"method":"$request_method",'
              '"uri":"$request_uri","host":"$host","status":$status,"body_bytes":$body_bytes_sent,"protocol":"$server_protocol",'
              '"request_bytes":"$content_length","seconds":$request_time,"tls":"$ssl_protocol","suite":"$ssl_cipher",'
              '"resumed":"$ssl_session_reused","early":"$ssl_early_data"}')


def openssl(*words, **more):
    return subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True, **more).stdout


class Certificates:
    """An authority and its leaves for all of the hosts: .ca, .certificate[kind], .key[kind], kind "rsa" or "ecdsa"."""

    KEYS = {"rsa": ["rsa:2048"], "ecdsa": ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]}

    def __init__(self, folder, hosts=HOSTS):
        harness.need_programs("openssl")
        self.folder = folder
        self.ca, ca_key = folder / "ca.crt", folder / "ca.key"
        openssl("req", "-x509", "-newkey", *self.KEYS["ecdsa"], "-nodes", "-keyout", ca_key, "-out", self.ca, "-days", "2",
                "-subj", "/CN=authority of a test")
        self.certificate, self.key = {}, {}
        names = ",".join(f"DNS:{name}" for name in (*hosts, "localhost"))
        for kind, words in self.KEYS.items():
            self.certificate[kind], self.key[kind] = folder / f"{kind}.crt", folder / f"{kind}.key"
            openssl("req", "-x509", "-newkey", *words, "-nodes", "-keyout", self.key[kind], "-out", self.certificate[kind], "-days", "2",
                    "-CA", self.ca, "-CAkey", ca_key, "-subj", f"/CN={SITE}", "-addext", f"subjectAltName={names},IP:127.0.0.1",
                    "-addext", "basicConstraints=critical,CA:FALSE", "-addext", "extendedKeyUsage=serverAuth")

    def spki(self, kind):
        """What Chromium's --ignore-certificate-errors-spki-list wants of a leaf."""
        public = openssl("x509", "-in", self.certificate[kind], "-pubkey", "-noout")
        return base64.b64encode(hashlib.sha256(openssl("pkey", "-pubin", "-outform", "der", input=public)).digest()).decode()

    def firefox_profile(self):
        """A new profile of Firefox that trusts the authority."""
        harness.need_programs("certutil")
        profile = self.folder / "firefox-profile"
        profile.mkdir()
        for words in (["-N", "--empty-password"], ["-A", "-n", "test", "-t", "C,,", "-i", self.ca]):
            subprocess.run(["certutil", words[0], "-d", f"sql:{profile}", *map(str, words[1:])], check=True, capture_output=True)
        return profile


def write_hosts(folder):
    """A hosts file for mitm-proxy --hosts."""
    path = folder / "hosts-tls"
    path.write_text(f"127.0.0.1 {' '.join(HOSTS)}\n", encoding="ascii")
    return path


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def answers(port):
    """Whether somebody listens on this port of 127.0.0.1."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


# ---------------------------------------------------------------- the page

def png(width, height, chance):
    """A picture of noise: it does not compress, so that its length is near 3 · width · height."""
    rows = b"".join(b"\0" + chance.randbytes(3 * width) for _ in range(height))

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(rows, 0)) + chunk(b"IEND", b""))


# What the page's script fetches behind the other resources: what a browser would not ask for by itself.
BINARY_BYTES = (0, 1, 9, 16383, 16384, 16385, 65535, 65536, 300_000, 1_000_000)
FETCHES = [{"url": f"/data/{size}.bin"} for size in BINARY_BYTES] + [
    {"url": "/data/65536.bin?head", "method": "HEAD"}, {"url": "/post?small", "method": "POST", "body_bytes": 5},
    {"url": "/post?large", "method": "POST", "body_bytes": 200_000}, {"url": "/nothing"}, {"url": "/missing"},
    {"url": "/moved"}, {"url": "/data/300000.bin?range", "headers": {"Range": "bytes=1000-1999"}},
    {"url": "/data/9.bin?unchanged", "headers": {"If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"}}, {"url": "/text.txt"},
]
# So many at a time are loaded by the script, again and again. Of responses that come together Chromium's network process handles
# one after the other, 1 or 2 ms for each under DevTools: a burst of all would show how busy the browser is, not when data came.
ROUNDS = (1, 1, 1, 1, 4)
SCRIPT = """
const plan = %s, rounds = %s;
function insert(name, properties) {
    return new Promise((resolve, reject) => {
        const element = Object.assign(document.createElement(name), properties, { onload: resolve, onerror: reject });
        document.head.append(element);
    });
}
async function load({ url, body_bytes, ...more }) {
    if (url.endsWith(".css")) return insert("link", { rel: "stylesheet", href: url });
    if (url.endsWith(".js")) return insert("script", { src: url });
    if (url.endsWith(".png")) return insert("img", { src: url, width: 20 });
    const body = body_bytes ? "b".repeat(body_bytes) : undefined;
    const answer = await fetch(url, { cache: "no-store", body, ...more });
    return answer.arrayBuffer();
}
addEventListener("load", async () => {
    for (let number = 0; plan.length; number++) {
        await Promise.all(plan.splice(0, rounds[number %% rounds.length]).map(load));
    }
    document.title = "complete";
});
"""


def page_files(image_origin):
    """{path: content} of the page and its RESOURCES resources; the pictures are fetched from `image_origin`."""
    chance = random.Random(5)
    files, parts = {}, []
    followed = 1  # /moved leads to a resource that is asked for nowhere else
    for number in range(20):
        files[f"/style-{number}.css"] = f".c{number} {{ color: #123 }}\n".encode() * (1 + 40 * number)
        files[f"/script-{number}.js"] = f"window.v{number} = {number};\n".encode() * (1 + 97 * number)
        parts += [f"/style-{number}.css", f"/script-{number}.js"]
    for number in range(RESOURCES - len(FETCHES) - followed - len(parts)):
        files[f"/picture-{number}.png"] = png(10 + 4 * number, 10 + 3 * number, chance)
        parts.append(f"{image_origin}/picture-{number}.png")
    for size in BINARY_BYTES:
        files[f"/data/{size}.bin"] = chance.randbytes(size)
    files["/text.txt"] = b"Text that is compressed on its way.\n" * 3000
    files["/moved-here.txt"] = b"here"
    chance.shuffle(parts)
    tags = {"css": "<link rel=stylesheet href='{}'>", ".js": "<script src='{}'></script>", "png": "<img alt='' width=20 src='{}'>"}
    first, later = parts[:12], [{"url": url} for url in parts[12:]]
    script = SCRIPT % (json.dumps(later + FETCHES), json.dumps(ROUNDS))
    files["/index.html"] = ("<!doctype html><meta charset=utf-8><title>loading</title><link rel=icon href='data:,'>"
                            + "".join(tags[url[-3:]].format(url) for url in first) + f"<script>{script}</script>").encode()
    return files


# ---------------------------------------------------------------- nginx

def server_block(way, port, certificates, behind):
    tls = "" if way == "h2c" else " ssl"
    kind = "ecdsa" if way == "h1_ecdsa" else "rsa"
    certificate = f"ssl_certificate {certificates.certificate[kind]}; ssl_certificate_key {certificates.key[kind]};" if tls else ""
    return f"""
    server {{
        listen 127.0.0.1:{port}{tls}{" http2" if way.startswith("h2") else ""};
        {certificate}
        location = /nothing {{ return 204; }}
        location = /moved {{ return 302 /moved-here.txt; }}
        location = /post {{ proxy_pass http://127.0.0.1:{behind}; }}
    }}"""


class Nginx:
    """nginx with the page; .port[way] for each of WAYS."""

    def __init__(self, box, certificates, directives="", early_data=True):
        harness.need_programs("nginx")
        self.folder = Path(box.folder, "nginx")
        for name in ("root", "tmp"):
            (self.folder / name).mkdir(parents=True)
        self.log = self.folder / "access.jsonl"
        self.port = {way: free_port() for way in WAYS}
        self.behind = free_port()
        self.write_files(page_files(f"https://{IMAGES}:{self.port['h2']}"))
        config = self.folder / "nginx.conf"
        config.write_text(self.config(certificates, directives, early_data), encoding="utf-8")
        program = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
        self.program = box.program("nginx", [program, "-p", self.folder, "-c", config, "-e", "stderr"])
        wait_until(lambda: answers(self.port["h2c"]) or check(self.program.process.poll() is None, self.program.err()), "nginx listens")

    def write_files(self, files):
        for path, data in files.items():
            target = self.folder / "root" / path[1:]
            target.parent.mkdir(exist_ok=True)
            target.write_bytes(data)

    def config(self, certificates, directives, early_data):
        temporary = "".join(f"{name}_temp_path {self.folder}/tmp/{name}; " for name in
                            ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        servers = "".join(server_block(way, port, certificates, self.behind) for way, port in self.port.items())
        user = "user root; " if os.geteuid() == 0 else ""
        return f"""
daemon off; master_process off; {user}pid {self.folder}/nginx.pid; error_log stderr warn;
events {{ worker_connections 4096; }}
http {{
    log_format session escape=json '{LOG_FORMAT}';
    access_log {self.log} session;
    {temporary}
    types {{ text/html html; text/css css; text/javascript js; image/png png; text/plain txt; }}
    default_type application/octet-stream;
    root {self.folder}/root; index index.html;
    if_modified_since before;
    gzip on; gzip_types text/plain; gzip_min_length 1000;
    client_max_body_size 1g; client_body_buffer_size 1m; keepalive_requests 10000000; lingering_close off;
    ssl_protocols TLSv1.2 TLSv1.3; ssl_prefer_server_ciphers off; ssl_session_cache shared:s:1m;
    ssl_early_data {"on" if early_data else "off"};
    {directives}
    {servers}
    # Answers when the whole body of a request has come: nginx itself does not wait for it, and HTTP/2 clients then stop.
    server {{ listen 127.0.0.1:{self.behind}; access_log off; location / {{ return 200 "posted\\n"; }} }}
}}
"""

    def url(self, path="/", way="h2", host=SITE):
        return f"http{'' if way == 'h2c' else 's'}://{host}:{self.port[way]}{path}"

    def logged(self):
        """The access log's lines, one for each request that has ended."""
        return [json.loads(line) for line in self.log.read_text(encoding="utf-8").splitlines()]

    def end(self):
        """End it when all its requests have; return its access log."""
        self.program.stop(signal.SIGQUIT)
        return self.logged()


def from_log(entry):
    """What must be equal in log and session: who sent it as which request of its connection, and what it was."""
    return (entry["remote_port"], entry["number"], entry["method"], entry["uri"], entry["status"], entry["body_bytes"],
            int(entry["request_bytes"] or 0), {"HTTP/2.0": "2", "HTTP/1.1": "1.1", "HTTP/1.0": "1.0"}[entry["protocol"]])


def from_session(records):
    """The same of a session's exchanges; None where one has no response."""
    ports = {entry["connection"]: entry["local_port"] for entry in session.of(records, "ConnectEnd") if "error" not in entry}
    return [(ports[exchange["connection"]], exchange["request_start"]["exchange"], exchange["method"], exchange["path"],
             exchange.get("status"), exchange.get("response_bytes"), exchange.get("request_bytes"), exchange["request_start"]["version"])
            for exchange in session.exchanges(records)]


def check_log(records, log):
    """Fail unless the session has exactly the exchanges of the access log, one for one."""
    in_session, in_log = Counter(from_session(records)), Counter(map(from_log, log))
    equal(sorted((in_session - in_log).elements(), key=str), [], "only in the session")
    equal(sorted((in_log - in_session).elements(), key=str), [], "only in the log")
