#!/usr/bin/env python3
"""Records the samples https.mitm and https-no-keys.mitm: Chromium loads a page over HTTPS, with its keys and without.

nginx serves three hosts, two with HTTP/2 over TLS 1.3 and one with HTTP/1.1 over TLS 1.2; forwarders make the way to each of
them longer. Everything stays on this machine's loopback.
"""
import argparse
import random
import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
import harness
import https
import ways

# host: what listen(nginx) and the TLS version are, and how much longer the way is, each way.
SERVERS = {"www.site.test": ("ssl http2", "TLSv1.3", 60), "img.site.test": ("ssl http2", "TLSv1.3", 45), "api.site.test": ("ssl", "TLSv1.2", 110)}
ADDRESSES = {host: f"127.0.0.{2 + number}" for number, host in enumerate(SERVERS)}
PORT = 443
PAGE = """<!doctype html><meta charset=utf-8><title>A page</title><link rel=icon href='data:,'>
<link rel=stylesheet href=/style.css><script defer src=/app.js></script><h1>A page over HTTPS</h1>
%s
"""
SCRIPT = """const get = path => fetch("https://api.site.test" + path).then(response => response.text());
(async () => {
    await Promise.all([get("/user.json"), get("/items.json?page=1")]);
    await get("/items.json?page=2");
    for (let number = 24; number < 36; number++)
        document.body.append(Object.assign(new Image(), { src: `https://img.site.test/photo-${number}.png`, width: 40 }));
})();
"""
# So that the browser waits for the end of all of this before it leaves.
WAIT_MS = 6000


def write_site(root):
    chance = random.Random(3)
    pictures = {f"photo-{number}.png": https.png(20 + 10 * chance.randrange(30), 80, chance) for number in range(36)}
    files = {"index.html": (PAGE % "\n".join(f"<img alt='' width=40 src=https://img.site.test/{name}>" for name in list(pictures)[:24])).encode(),
             "style.css": b"img { margin: 2px }\n" * 400, "app.js": SCRIPT.encode(), "user.json": b'{"name": "somebody"}',
             "items.json": b'{"items": [' + b"0, " * 4000 + b"0]}", **pictures}
    root.mkdir()
    for name, data in files.items():
        (root / name).write_bytes(data)


def start_nginx(box, certificates, ports):
    """Start nginx with a server for each host."""
    folder = box.folder / "nginx"
    (folder / "tmp").mkdir(parents=True)
    write_site(folder / "root")
    temporary = "".join(f"{name}_temp_path {folder}/tmp/{name}; " for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    servers = "".join(f"server {{ listen 127.0.0.1:{ports[host]} {how}; ssl_protocols {version}; limit_rate 120k; }}\n" for host, (how, version, _) in SERVERS.items())
    config = folder / "nginx.conf"
    config.write_text(f"""daemon off; master_process off; pid {folder}/pid; error_log stderr warn; events {{ }}
http {{ access_log off; {temporary} root {folder}/root; index index.html; gzip on; gzip_types application/json text/css;
types {{ text/html html; text/css css; text/javascript js; image/png png; application/json json; }}
add_header Access-Control-Allow-Origin *; ssl_certificate {certificates.certificate["rsa"]}; ssl_certificate_key {certificates.key["rsa"]};
{servers} }}
""", encoding="utf-8")
    nginx = shutil.which("nginx", path="/usr/sbin:/usr/bin")
    box.program("nginx", [nginx, "-p", folder, "-c", config, "-e", "stderr"])
    for port in ports.values():
        harness.wait_until(lambda port=port: https.answers(port), "nginx listens")


def record(box, certificates, out, *words):
    """Record one page load to the file `out`."""
    hosts = box.folder / "hosts"
    hosts.write_text("".join(f"{address} {host}\n" for host, address in ADDRESSES.items()), encoding="ascii")
    profile = tempfile.mkdtemp(dir=box.folder)
    harness.need_programs("chromium")
    script = (f'exec "$1" --headless --no-sandbox --disable-gpu --disable-background-networking --disable-component-update --no-first-run '
              f'--disable-sync --disable-default-apps --disable-extensions --disable-features=OptimizationHints,MediaRouter,Translate,NetworkTimeServiceQuerying '
              f'--component-updater=url-source=http://127.0.0.1:9/ --gaia-url=http://127.0.0.1:9/ --user-data-dir={profile} '
              f'--proxy-server="socks5://${{ALL_PROXY#*//}}" --ignore-certificate-errors-spki-list={certificates.spki("rsa")} '
              f'--virtual-time-budget={WAIT_MS} --screenshot={profile}/page.png "$2" >/dev/null 2>&1')
    command = box.folder / "load"
    command.write_text(f"#!/bin/sh\n{script}\n", encoding="ascii")
    proxy, path = box.record(["sh", "load", "chromium", "https://www.site.test/"], "--hosts", hosts, "--no-view", "--body-limit", "16K", *words,
                             name=Path(out).stem, cwd=box.folder)
    harness.equal(proxy.wait(120), 0, proxy.err())
    shutil.copy(path, out)


def main():
    parser = argparse.ArgumentParser(description="Record the samples of HTTPS.")
    parser.add_argument("--build", type=Path, required=True, help="where the programs were built")
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder for the sessions")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mitm-https-") as folder:
        box = harness.Box(options.build.resolve(), Path(folder))
        try:
            certificates = https.Certificates(box.folder, tuple(SERVERS))
            ports = {host: https.free_port() for host in SERVERS}
            start_nginx(box, certificates, ports)
            for host, (_, _, delay_ms) in SERVERS.items():
                ways.start_forwarder(box, f"way-{host}", delay_ms, f"127.0.0.1:{ports[host]}", f"{ADDRESSES[host]}:{PORT}")
            record(box, certificates, options.output / "https.mitm", "--label", "a page over HTTPS, Chromium", "--keylog", box.folder / "keys")
            record(box, certificates, options.output / "https-no-keys.mitm", "--label", "the same page, its keys not known", "--keylog", "none")
        finally:
            box.close()


if __name__ == "__main__":
    main()
