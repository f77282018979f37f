"""The contents of the sample site: a page with all it needs, generated; equal in every run.

`resources(base)` maps (host, path) to a Resource. Nothing here knows about sockets.
"""
import gzip
import hashlib
import json
import math
import struct
import zlib
from dataclasses import dataclass, field

DOMAIN = "example.test"
WWW, STATIC, IMAGES, API = (f"{name}.{DOMAIN}" for name in ("www", "static", "images", "api"))
HOSTS = (WWW, STATIC, IMAGES, API)
START_PATH = "/"
DONE_PATH = "/report"
FAVICON_PATH = "/favicon.png"
PICTURES = 30
LARGE_EDGE = 1024
LONG_CACHE = {"Cache-Control": "max-age=600"}
NO_STORE = {"Cache-Control": "no-store"}


@dataclass
class Resource:
    """What the server answers to a path, and in which manner."""

    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"
    status: int = 200
    headers: dict = field(default_factory=dict)
    gzip: bool = False  # compressed
    chunk_bytes: int = 0  # > 0: Transfer-Encoding: chunked, in chunks of that size
    chunk_extension: str = ""
    trailers: dict = field(default_factory=dict)
    until_close: bool = False  # as HTTP/1.0 did: no length, the end of the connection ends the body
    wait_ms: int = 0  # before the first byte
    piece_bytes: int = 0  # > 0: the body in pieces of that size, with pauses
    pause_ms: int = 0
    early_hints: bool = False  # 103 before the response
    cut_bytes: int = 0  # > 0: the connection ends after so many bytes of the body
    etag: bool = False  # has a validator, and answers 304
    echo: bool = False  # the response's body is the request's
    methods: tuple = ("GET", "HEAD")

    def encoded(self):
        """The body as it goes over the wire, without the framing of chunks."""
        return gzip.compress(self.body, 6, mtime=0) if self.gzip else self.body

    def tag(self):
        return '"' + hashlib.sha256(self.body).hexdigest()[:16] + '"'


def png(width, height, rows, level=9):
    """A PNG picture (RGB, 8 bits) of `rows`, each of 3 * width bytes."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = b"".join(b"\0" + row for row in rows)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(pixels, level)) + chunk(b"IEND", b"")


def blend(low, high, share):
    return bytes(round(a + (b - a) * share) for a, b in zip(low, high))


PALETTES = (((244, 241, 232), (38, 84, 124)), ((250, 243, 221), (200, 90, 60)), ((237, 246, 249), (0, 109, 119)),
            ((255, 247, 237), (131, 56, 120)), ((241, 250, 238), (69, 123, 70)))


def picture(index):
    """A small picture of overlapping waves; its size on the wire grows with its number."""
    width, height = 112 + 4 * (index % 5), 84
    colours = [blend(*PALETTES[index % len(PALETTES)], step / 63) for step in range(64)]
    sin_x = [math.sin(x / (5 + index % 7)) for x in range(width)]
    sin_y = [math.sin(y / (4 + index % 5) + index) for y in range(height)]
    sin_sum = [math.sin(n / (9 + index % 11)) for n in range(width + height)]
    rows = (b"".join(colours[int((sin_x[x] + sin_y[y] + sin_sum[x + y] + 3) * 10.6)] for x in range(width))
            for y in range(height))
    return png(width, height, rows, level=9 if index % 3 else 1)


def large_picture():
    """A picture of some 3 MB: a smooth gradient, stored without compression."""
    line = b"".join(blend((24, 40, 72), (238, 186, 120), (1 + math.sin(n / 260)) / 2) for n in range(3 * LARGE_EDGE))
    rows = (line[3 * y:3 * (y + LARGE_EDGE)] for y in range(LARGE_EDGE))
    return png(LARGE_EDGE, LARGE_EDGE, rows, level=0)


def wave(width, height, amplitude, phase):
    points = " ".join(f"{x},{height / 2 + amplitude * math.sin(x / 34 + phase):.1f}" for x in range(0, width + 1, 8))
    return f'<polyline points="{points}" fill="none" stroke-width="2" stroke-linecap="round"/>'


def hero():
    lines = "".join(f'<g stroke="hsl({200 + 8 * n} 55% {32 + 5 * n}%)" opacity="{0.9 - 0.07 * n:.2f}">'
                    f"{wave(1040, 150, 14 + 4 * n, n / 2)}</g>" for n in range(9))
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1040 150">{lines}</svg>'.encode()


def logo():
    return (b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 48 48"><circle cx="24" cy="24" r="21" fill="none" '
            b'stroke="#26547c" stroke-width="4"/><circle cx="24" cy="24" r="8" fill="#c85a3c"/></svg>')


def text(kilobytes):
    """Readable filler of that size."""
    line = "The proxy passes every byte on and writes down when it came. "
    return (line * (kilobytes * 1024 // len(line) + 1))[:kilobytes * 1024].encode()


STYLE = """@import url("theme.css");
*{box-sizing:border-box}
body{margin:0 auto;max-width:68rem;padding:1.5rem;font:16px/1.5 "DejaVu Sans",sans-serif;color:var(--ink);background:var(--paper)}
header{display:flex;align-items:center;gap:1rem}
header img{width:3rem}
h1{font-size:1.6rem;margin:0}
h2{font-size:1.1rem;margin:2rem 0 .6rem}
.hero{width:100%;display:block;margin:1rem 0}
.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(15rem,1fr));gap:.7rem}
.card{border:1px solid var(--line);border-radius:.5rem;padding:.6rem .8rem;background:var(--card)}
.card b{display:block;font-size:.95rem}
.card span{font-size:.85rem;color:var(--soft)}
.card.good{border-left:4px solid var(--good)}
.card.bad{border-left:4px solid var(--bad)}
.gallery{display:flex;flex-wrap:wrap;gap:.5rem}
.gallery img{height:4.5rem;border-radius:.3rem}
#large{width:14rem;height:5rem;object-fit:cover;border-radius:.4rem;display:block;margin-top:.4rem}
footer{margin:2rem 0 0;color:var(--soft);font-size:.9rem}
"""
THEME = (":root{--ink:#1d2b36;--soft:#5c6b77;--paper:#fbfaf6;--card:#fff;--line:#e3ddcf;--good:#2f7d4f;--bad:#b3402e}\n"
         + "".join(f"/* {n:03} a comment, so that compression has something to do */\n" for n in range(60)))

# SHA-256 (FIPS 180-4), since crypto.subtle is not there on pages without TLS.
SHA256_JS = """"use strict";
const sha256 = (() => {
  const primes = [];
  for (let n = 2; primes.length < 64; n++) if (primes.every((p) => n % p)) primes.push(n);
  const fraction = (root) => Math.floor((root - Math.floor(root)) * 4294967296) | 0;
  const K = Int32Array.from(primes, (p) => fraction(Math.cbrt(p)));
  const H = Int32Array.from(primes.slice(0, 8), (p) => fraction(Math.sqrt(p)));
  const turn = (x, n) => (x >>> n) | (x << (32 - n));
  return (bytes) => {
    const padded = new Uint8Array((bytes.length + 72) & ~63);
    padded.set(bytes);
    padded[bytes.length] = 0x80;
    const view = new DataView(padded.buffer);
    view.setUint32(padded.length - 8, Math.floor(bytes.length / 536870912));
    view.setUint32(padded.length - 4, bytes.length * 8);
    const state = H.slice(), w = new Int32Array(64);
    for (let at = 0; at < padded.length; at += 64) {
      for (let i = 0; i < 16; i++) w[i] = view.getInt32(at + 4 * i);
      for (let i = 16; i < 64; i++) {
        const x = w[i - 15], y = w[i - 2];
        w[i] = w[i - 16] + (turn(x, 7) ^ turn(x, 18) ^ (x >>> 3)) + w[i - 7] + (turn(y, 17) ^ turn(y, 19) ^ (y >>> 10));
      }
      let [a, b, c, d, e, f, g, h] = state;
      for (let i = 0; i < 64; i++) {
        const t1 = (h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + K[i] + w[i]) | 0;
        const t2 = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
        h = g; g = f; f = e; e = (d + t1) | 0; d = c; c = b; b = a; a = (t1 + t2) | 0;
      }
      [a, b, c, d, e, f, g, h].forEach((value, i) => { state[i] += value; });
    }
    return Array.from(state, (value) => (value >>> 0).toString(16).padStart(8, "0")).join("");
  };
})();
"""

APP_JS = """"use strict";
const report = [];
const size = (n) => (n < 10000 ? n + " bytes" : Math.round(n / 1024) + " KiB");
async function fetchInto(item) {
  const card = document.getElementById(item.id), begin = performance.now();
  const entry = { id: item.id, method: item.method || "GET", url: item.url };
  try {
    const response = await fetch(item.url, { method: entry.method, headers: item.headers, body: item.body, cache: item.cache });
    entry.status = response.status;
    const bytes = new Uint8Array(await response.arrayBuffer());
    entry.bytes = bytes.length;
    entry.sha256 = sha256(bytes);
    if (item.id === "large_body") document.getElementById("large").src = URL.createObjectURL(new Blob([bytes], { type: "image/png" }));
  } catch (error) {
    entry.error = String(error);
  }
  report.push(entry);
  const seen = entry.error ? "broken off" : entry.status + ", " + size(entry.bytes);
  card.querySelector("span").textContent = seen + ", " + Math.round(performance.now() - begin) + " ms";
  card.classList.add(item.broken || (entry.status === item.status && !entry.error) ? "good" : "bad");
  for (const next of item.then || []) await fetchInto(next);
}
addEventListener("load", async () => {
  const icon = fetch(ICON, { cache: "reload" });
  await Promise.all(ITEMS.map(fetchInto));
  await icon;
  document.getElementById("sum").textContent = report.length + " answers were fetched by the script and checked.";
  await fetch(DONE, { method: "POST", body: JSON.stringify(report) });
});
"""


def items(base):
    """What the page's script fetches: (id, title, how). `then`: fetched after it."""
    api, www = base(API), base(WWW)
    news = www + "/news.json"
    tag = Resource(body=news_body()).tag()
    return [
        dict(id="slow", title="A slow answer: 400 ms until the first byte", url=api + "/slow"),
        dict(id="drip", title="A slow body: five pieces", url=api + "/drip"),
        dict(id="stream", title="Chunks with an extension and a trailer", url=api + "/stream"),
        dict(id="until_close", title="The old way: a body until the connection closes", url=api + "/until-close"),
        dict(id="large_body", title="A large body", url=base(IMAGES) + "/large.png"),
        dict(id="head", title="HEAD: a length, but no body", url=api + "/drip", method="HEAD"),
        dict(id="no_content", title="204: no content", url=api + "/no-content", status=204),
        dict(id="empty", title="200 with an empty body", url=api + "/empty"),
        dict(id="echo", title="POST with a body, echoed", url=api + "/echo", method="POST", body="What is sent comes back. " * 40),
        dict(id="put", title="PUT, after the browser asked with OPTIONS", url=api + "/echo", method="PUT", body="put"),
        dict(id="missing", title="404: not there", url=api + "/missing", status=404),
        dict(id="moved", title="A redirect: 302", url=api + "/moved"),
        dict(id="hints", title="103 Early Hints before the answer", url=api + "/hints"),
        dict(id="broken", title="A broken transfer: 12,000 of 20,000 bytes", url=api + "/cut", broken=True),
        dict(id="news", title="Something to come back for", url=news, then=[
            dict(id="again", title="Fetched again: 304, from the browser's cache", url=news, cache="no-cache"),
            dict(id="not_modified", title="304: not modified", url=news, status=304, headers={"If-None-Match": tag})]),
    ]


def news_body():
    return json.dumps([{"number": n, "title": f"News number {n}"} for n in range(40)]).encode()


def flat(entries):
    for entry in entries:
        yield entry
        yield from flat(entry.get("then", []))


def script_item(item):
    """An entry of items() as the page's script takes it."""
    script = {key: value for key, value in item.items() if key != "title"}
    script.setdefault("status", 200)
    script["then"] = [script_item(entry) for entry in item.get("then", [])]
    return script


def page(base):
    cards = "\n".join(f'<div class="card" id="{item["id"]}"><b>{item["title"]}</b><span>…</span>'
                      + ('<img id="large" alt="">' if item["id"] == "large_body" else "") + "</div>" for item in flat(items(base)))
    gallery = "\n".join(f'<img src="{base(IMAGES)}/{n:02}.png" alt="waves, number {n}">' for n in range(PICTURES))
    names = ", ".join(HOSTS)
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>A page to be measured</title>
<meta name="viewport" content="width=device-width">
<link rel="icon" type="image/png" href="{FAVICON_PATH}">
<link rel="stylesheet" href="{base(STATIC)}/style.css">
<script src="{base(STATIC)}/sha256.js" defer></script><script src="{base(STATIC)}/app.js" defer></script></head>
<body><header><img src="{base(STATIC)}/old/logo.svg" alt=""><div><h1>A page to be measured</h1>
A bit of everything that HTTP can do, from four hosts: {names}.</div></header>
<img class="hero" src="{base(IMAGES)}/hero.svg" alt="">
<h2>What the script fetches</h2>
<div class="cards">{cards}</div>
<h2>{PICTURES} pictures over a few parallel connections</h2>
<div class="gallery">{gallery}</div>
<footer id="sum">Fetching …</footer></body></html>
""".encode()


def script(base):
    values = {"ITEMS": [script_item(item) for item in items(base)], "DONE": base(WWW) + DONE_PATH, "ICON": base(WWW) + FAVICON_PATH}
    return ("".join(f"const {name} = {json.dumps(value)};\n" for name, value in values.items()) + APP_JS).encode()


def resources(base):
    """All resources of the site, {(host, path): Resource}; base(host) gives a host's "http://name:port".

    Without the waits and pauses everything would be over in a moment on loopback, and a timeline would show nothing.
    """
    static, css, js = {**LONG_CACHE, "Vary": "Accept-Encoding"}, "text/css", "text/javascript"
    svg = "image/svg+xml"
    open_to_all = {**NO_STORE, "Access-Control-Allow-Origin": "*"}
    table = {
        (WWW, "/"): Resource(status=301, headers={"Location": base(WWW) + "/tour/", **NO_STORE}, body=b"Moved.\n"),
        (WWW, "/tour/"): Resource(page(base), "text/html; charset=utf-8", gzip=True, chunk_bytes=400, wait_ms=90,
                                 piece_bytes=800, pause_ms=50, headers=NO_STORE),
        (WWW, "/news.json"): Resource(news_body(), "application/json", etag=True, wait_ms=50, headers={"Cache-Control": "no-cache"}),
        (WWW, FAVICON_PATH): Resource(png(16, 16, [b"\x26\x54\x7c" * 16] * 16), "image/png", headers=LONG_CACHE),
        (WWW, DONE_PATH): Resource(status=204, methods=("POST",), headers=NO_STORE),
        (STATIC, "/style.css"): Resource(STYLE.encode(), css, gzip=True, wait_ms=30, headers=static),
        (STATIC, "/theme.css"): Resource(THEME.encode(), css, gzip=True, chunk_bytes=512, wait_ms=40, headers=static),
        (STATIC, "/app.js"): Resource(script(base), js, gzip=True, wait_ms=60, headers=static),
        (STATIC, "/sha256.js"): Resource(SHA256_JS.encode(), js, wait_ms=25, headers=static),
        (STATIC, "/old/logo.svg"): Resource(status=302, headers={"Location": base(STATIC) + "/logo.svg", **NO_STORE}),
        (STATIC, "/logo.svg"): Resource(logo(), svg, headers=static),
        (IMAGES, "/hero.svg"): Resource(hero(), svg, gzip=True, wait_ms=70, headers=LONG_CACHE),
        (IMAGES, "/large.png"): Resource(large_picture(), "image/png", wait_ms=80, piece_bytes=1 << 18, pause_ms=35, headers=open_to_all),
        (API, "/slow"): Resource(text(2), wait_ms=400, headers=open_to_all),
        (API, "/drip"): Resource(text(10), piece_bytes=2048, pause_ms=100, headers=open_to_all),
        (API, "/stream"): Resource(text(6), chunk_bytes=1500, chunk_extension=";part=text", piece_bytes=3000, pause_ms=40,
                                   trailers={"X-Checksum": hashlib.sha256(text(6)).hexdigest()}, headers=open_to_all),
        (API, "/until-close"): Resource(text(20), until_close=True, headers=open_to_all),
        (API, "/no-content"): Resource(status=204, headers=open_to_all),
        (API, "/empty"): Resource(headers=open_to_all),
        (API, "/echo"): Resource(echo=True, methods=("POST", "PUT"), headers=open_to_all),
        (API, "/missing"): Resource(b"Nothing is here.\n", status=404, headers=open_to_all),
        (API, "/moved"): Resource(status=302, headers={"Location": base(API) + "/moved/here", **open_to_all}),
        (API, "/moved/here"): Resource(text(1), headers=open_to_all),
        (API, "/hints"): Resource(text(1), early_hints=True, wait_ms=60, headers=open_to_all),
        (API, "/cut"): Resource(text(20)[:20000], cut_bytes=12000, headers=open_to_all),
    }
    table.update({(IMAGES, f"/{n:02}.png"): Resource(picture(n), "image/png", wait_ms=20 + n * 37 % 110, piece_bytes=0 if n % 3 else 2048,
                                                     pause_ms=25, headers=LONG_CACHE) for n in range(PICTURES)})
    return table


def requests(base):
    """The requests of the page without a browser's cleverness: [(method, url, headers, body)]."""
    by_script = [(item.get("method", "GET"), item["url"], item.get("headers", {}), item.get("body")) for item in flat(items(base))]
    seen = {(method, url) for method, url, _, _ in by_script}
    plain = [("GET", base(host) + path, {}, None) for (host, path), resource in resources(base).items()
             if "GET" in resource.methods and ("GET", base(host) + path) not in seen]
    done = ("POST", base(WWW) + DONE_PATH, {}, "[]")
    return plain + by_script + [done]
