#!/usr/bin/env python3
"""The HTML documents: well-formed, every link has its target, nothing from elsewhere, and what somebody else chose is text."""
import base64
import re
import struct
import subprocess
import sys
import time
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
import harness
from harness import check, equal

VOID = {"area", "img", "input", "link", "meta", "source"}
# All elements that a document has, with their attributes.
ALLOWED = {
    "html": {"lang"}, "head": set(), "body": set(), "title": set(), "style": set(),
    "meta": {"charset", "name", "content", "http-equiv"}, "link": {"rel", "href"}, "script": {"class", "src", "defer"},
    "header": set(), "main": {"id"}, "footer": set(), "section": {"class"}, "nav": {"aria-label", "class"},
    "h1": set(), "h2": {"id"}, "h3": {"id"}, "p": {"class", "role"}, "a": {"href", "class"}, "ul": {"class"}, "ol": set(),
    "li": set(), "b": set(), "i": set(), "code": set(), "pre": set(), "span": {"class"},
    "div": {"class", "role", "aria-label", "tabindex"}, "picture": {"class"}, "source": {"media", "srcset"},
    "img": {"src", "class", "width", "height", "usemap", "alt"}, "map": {"name"},
    "area": {"shape", "coords", "href", "alt", "title", "tabindex"},
    "table": {"class"}, "caption": {"class"}, "thead": set(), "tbody": {"id"}, "tr": {"class"},
    "th": {"scope", "class", "colspan"}, "td": {"class"}, "meter": {"class", "max", "value", "aria-label"},
    "form": {"method", "action"}, "fieldset": set(), "legend": set(), "label": set(),
    "input": {"name", "type", "value", "size", "inputmode", "maxlength", "placeholder", "required"},
    "select": {"name"}, "option": {"value", "selected"}, "button": {"type", "name", "value"},
}
# All elements of a drawing, with their attributes.
DRAWN = {"svg": {"width", "height", "font-size", "{http://www.w3.org/XML/1998/namespace}space"}, "style": set(),
         "rect": {"class", "width", "height"}, "path": {"class", "d", "stroke-width"},
         "text": {"class", "x", "y", "textLength", "font-size"}}
DARK = "@media(prefers-color-scheme:dark){"
MAX_DRAWING_BYTES = 30_000
MAX_BYTES = 6_000_000  # of a report on 20 sessions
SAMPLES = sorted((harness.ROOT / "samples").glob("*.mitm"))


class Document(HTMLParser):
    """Reads a document and fails where it is not as it should be."""

    def __init__(self, text, served):
        super().__init__(convert_charrefs=True)
        self.served = served
        self.open, self.ids, self.links, self.text = [], [], [], []
        self.areas, self.maps, self.images = [], [], []
        self.labels, self.session = [], 0
        check(text.startswith("<!DOCTYPE html>\n"), "the document type")
        self.feed(text)
        self.close()
        equal(self.open, [], "elements that are not closed")
        self.verify()

    def handle_starttag(self, tag, attributes):
        check(tag in ALLOWED, f"element <{tag}> {attributes} at {self.getpos()}")
        names = [name for name, _ in attributes]
        check(set(names) <= ALLOWED[tag], f"attributes of <{tag}>: {attributes} at {self.getpos()}")
        equal(len(names), len(set(names)), f"attributes of <{tag}> that come twice")
        values = dict(attributes)
        self.ids += [values["id"]] if "id" in values else []
        self.labels += [values["aria-label"]] if tag in ("nav", "div") and "aria-label" in values else []
        if tag == "section" and values.get("class") == "session":
            self.session += 1
        for name in ("href", "src", "srcset", "action"):
            if name in values:
                self.verify_url(tag, values[name])
        if tag == "map":
            self.maps.append(values["name"])
        elif tag == "area":
            self.areas.append((len(self.maps), values))
        elif tag == "img" and "usemap" in values:
            self.images.append(values)
        elif tag == "img":
            check(values["alt"], "a picture without a map says what it shows")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        check(self.open and self.open[-1] == tag, f"</{tag}> closes {self.open[-1:]} at {self.getpos()}")
        self.open.pop()

    def handle_data(self, data):
        self.text.append(data)

    def handle_comment(self, data):
        raise AssertionError(f"a comment: {data}")

    def verify_url(self, tag, url):
        if url.startswith("#"):
            self.links.append(url[1:])
            prefix = f"s{self.session}-" if self.session > 1 else ""
            check(url.startswith(("#session-", "#sessions")) or re.match(r"s\d+-|", url[1:])[0] == prefix,
                  f"session {self.session} leads to {url}")
        elif url.startswith("data:image/svg+xml;base64,"):
            check(tag == "img" and not self.served, f"a drawing in <{tag}>")
            self.verify_svg(base64.b64decode(url.partition(",")[2], validate=True))
        elif url.startswith("data:image/png;base64,"):
            check(tag in ("img", "source") and not self.served, f"a data: URL in <{tag}>")
            self.verify_png(base64.b64decode(url.partition(",")[2], validate=True))
        else:
            check(self.served and url.startswith("/") and not url.startswith("//"), f"<{tag}> leads to {url}")

    def verify_svg(self, data):
        """A small drawing that refers to nothing, with colours for a light and for a dark page."""
        check(len(data) < MAX_DRAWING_BYTES, f"a drawing of {len(data)} bytes")
        style = ""
        for element in ElementTree.fromstring(data).iter():
            name = element.tag.rpartition("}")[2]
            check(name in DRAWN and set(element.attrib) <= DRAWN[name], f"<{name}> with {element.attrib} in a picture")
            style += element.text if name == "style" else ""
        light, dark = ({rule for rule in part.split("}") if rule.startswith(".c")} for part in style.split(DARK))
        classes = {rule.partition("{")[0] for rule in light}
        equal({rule.partition("{")[0] for rule in dark}, classes, "classes of colours")
        check(len(classes) > 2 and not light & dark and "url(" not in style and "@import" not in style, f"the style {style}")

    def verify_png(self, data):
        equal(data[:8], b"\x89PNG\r\n\x1a\n", "the picture")
        self.png_size = struct.unpack(">II", data[16:24])

    def verify(self):
        equal(len(self.ids), len(set(self.ids)), "ids that come twice")
        equal(len(self.labels), len(set(self.labels)), "names of regions that come twice")
        missing = set(self.links) - set(self.ids)
        equal(missing, set(), "targets that are missing")
        equal([image["usemap"] for image in self.images], [f"#{name}" for name in self.maps], "image maps")
        for number, area in self.areas:
            left, top, right, bottom = map(int, area["coords"].split(","))
            image = self.images[number - 1]
            check(0 <= left < right <= int(image["width"]) and 0 <= top < bottom <= int(image["height"]), f"area {area}")
            check("href" not in area or area["alt"], f"no alternative text: {area}")
            check("href" in area or "alt" not in area, f"alternative text without a link: {area}")
        for image in self.images:
            check(image["alt"], "no alternative text of the picture")
        if self.images and not self.served:
            width, height = int(self.images[-1]["width"]), int(self.images[-1]["height"])
            equal(self.png_size, (2 * width, 2 * height), "pixels of the picture")


def report(box, *arguments):
    out = box.folder / "report.html"
    subprocess.run([box.build / "analyze" / "mitm-analyze", "report", "-o", out, *arguments], check=True)
    return out.read_text(encoding="utf-8")


def test_samples(box):
    for sample in SAMPLES:
        connection = "435" if sample.stem == "article" else "1"
        for options in [], ["--headers", "all"], ["--from", "1", "--to", "2.5"], ["--connection", connection]:
            text = report(box, sample, *options)
            Document(text, served=False)
            equal(report(box, sample, *options), text, "the same again")


def test_headers(box):
    """What a request says of itself is there with --headers all alone."""
    curl = harness.ROOT / "samples" / "curl.mitm"
    check("User-Agent" not in report(box, curl, "--headers", "first"), "a header field among first lines")
    check("<b>User-Agent:</b> curl/" in report(box, curl, "--headers", "all"), "no header field")


def test_names(box):
    """A long command is no heading: its beginning is, and the whole stands once below, with the file's name."""
    command = ["true", "ä" * 60, "the end"]
    paths = []
    for name in "one", "two":
        proxy, path = box.record(command, name=name)
        equal(proxy.wait(), 0, proxy.err())
        paths.append(path)
    text = report(box, paths[0])
    check("<h1>true " + "ä" * 37 + "…</h1>" in text, "the heading")
    equal(text.count("the end"), 1, "the whole command")
    check(">File one.mitm. " in text, "the file")
    check("one.mitm</span>" in report(box, *paths) and "two.mitm</span>" in report(box, *paths), "files in the table of sessions")


def test_hostile(box):
    """All that somebody else can choose is text: no element and no attribute comes of it."""
    program = box.build / "tests" / "unit" / "report" / "make_hostile"
    for seed in range(4):
        for mode in "served", "file", "sessions":
            done = subprocess.run([program, mode, str(seed)], check=True, capture_output=True)
            document = Document(done.stdout.decode("utf-8"), served=mode == "served")
            text = "".join(document.text)
            for harm in "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "' onmouseover='alert(1)", "&lt;i&gt;":
                check(harm in text, f"{harm} is not shown as it is")
            check("<U+202E><i>gnp.exe" in text, "a change of direction is not spelt out")
            check(not set(map(chr, range(0x202A, 0x202F))) & set(text), "a change of direction")


def make_encrypted(box, streams):
    path = box.folder / f"encrypted-{streams}.mitm"
    with path.open("wb") as out:
        subprocess.run([box.build / "tests" / "unit" / "report" / "make_encrypted", str(streams)], stdout=out, check=True)
    return path


def test_encrypted(box):
    """A document says what was decrypted and what is inferred; each stream is a request of its connection."""
    text = report(box, make_encrypted(box, 100))
    document = Document(text, served=False)
    words = " ".join("".join(document.text).split())
    for sentence in ["TLS was decrypted with the client's session keys: 4 of 7 connections.",
                     "Handshakes that were not completed: 1.", "Not decrypted: 2 (no keys came: 2)",
                     "waiting for the response, inferred (encrypted)", "HTTP/2 over TLS 1.3, open",
                     "TLS 1.3 (not decrypted), closed"]:
        check(sentence in words, f"it does not say: {sentence}")
    tooltips = [values.get("title", "") for _, values in document.areas]
    equal(sum(title.startswith("stream 1 · GET / · 200 · ") for title in tooltips), 2, "areas of the first stream: waiting, transfer")
    check(any("held back by flow control 0.120 s" in title for title in tooltips), "stalls")
    check(any(title.startswith("stream 33 · ") and title.endswith("reset by the server: REFUSED_STREAM (7)") for title in tooltips),
          "the reset")
    check(any(title.startswith("encrypted, inferred from its records · waiting 0.250 s") for title in tooltips), "turns")
    for title in "TLS 1.3 handshake · took 0.303 s · server name www.example", "streams that have no lane of their own":
        check(any(tooltip.startswith(title) for tooltip in tooltips), title)


def test_no_keys(box):
    """A document of a session without a key log says why nothing was decrypted, that no requests are known, and what is inferred."""
    text = report(box, harness.ROOT / "samples" / "https-no-keys.mitm")
    document = Document(text, served=False)
    words = " ".join("".join(document.text).split())
    for sentence in ("TLS was not decrypted, since no key log was read (", "Requests cannot be seen: waiting and transfer are inferred"):
        check(sentence in words, f"it does not say: {sentence}")
    check("Not decrypted:" not in words, "it says so twice")
    unknown = '<td class="n">–</td>'
    check(f'<th scope="row" class="n">1</th>{unknown * 5}<td class="n">8</td>{unknown * 2}</tr>' in text, "the parts of the page")
    check("TLS handshake, in part inferred" in words, "the distribution of handshakes does not say that five are inferred")


def test_streams(box):
    """Whatever the number of streams: a document, and the connection alone has more lanes."""
    for streams in 1, 5, 500:
        source = make_encrypted(box, streams)
        Document(report(box, source), served=False)
        heights = [int(Document(report(box, source, *options), served=False).images[0]["height"])
                   for options in ([], ["--connection", "1"])]
        check(streams < 500 or heights[1] > heights[0], f"heights of {streams} streams: {heights}")


def test_sessions(box):
    """Of several files or sessions: one document, with a table that leads to each."""
    files = [make_encrypted(box, 60), *SAMPLES]
    text = report(box, *files)
    document = Document(text, served=False)
    names = [f"session-{number}" for number in range(1, len(files) + 1)]
    equal(document.session, len(files), "chapters")
    equal([name for name in document.ids if name.startswith("session-")], names, "headings")
    equal([name for name in document.links if name.startswith("session-")][:len(files)], names, "the table")
    equal(report(box, *files), text, "the same again")
    both = box.folder / "both.mitm"
    both.write_bytes(b"".join(file.read_bytes() for file in files[:2]))
    equal(Document(report(box, both), served=False).session, 2, "sessions of one file")
    alone = report(box, "--session", "2", *files)
    equal(Document(alone, served=False).session, 0, "one session of several")
    equal(alone.replace(f"<p>Session 2 of {len(files)}.</p>\n", ""), report(box, files[1]), "the same as alone")
    text = report(box, "--title", "A & B", "--author", "<N. N.>", "--server", "www.example.test", "--headers", "all", *files)
    document = Document(text, served=False)
    check("<title>A &amp; B – MITM</title>" in text and "<h1>A &amp; B</h1>\n<p class=\"author\">&lt;N. N.&gt;</p>" in text, "the title")
    equal("".join(document.text).count("Selected: server www.example.test; "), len(files), "selections")
    check("Session 2: A & B" not in "".join(document.text), "sessions have names of their own")


def test_unreadable(box):
    """What cannot be read is missed, and the others are there."""
    out = box.folder / "rest.html"
    done = subprocess.run([box.build / "analyze" / "mitm-analyze", "report", "-o", out, SAMPLES[0], box.folder / "none.mitm", SAMPLES[1]],
                          capture_output=True)
    equal((done.returncode, done.stderr.count(b"\n")), (3, 1), f"a file that is not there: {done.stderr}")
    equal(Document(out.read_text(encoding="utf-8"), served=False).session, 2, "the others")


def test_many(box):
    """20 sessions of 68 requests make a document that a browser still shows at once."""
    one = make_encrypted(box, 60)
    began = time.monotonic()
    text = report(box, *[one] * 20)
    print(f"20 sessions: {len(text.encode())} bytes, {time.monotonic() - began:.2f} s")
    check(len(text.encode()) < MAX_BYTES, "the size of 20 sessions")
    equal(Document(text, served=False).session, 20, "chapters")


def test_wrong_use(box):
    program = box.build / "analyze" / "mitm-analyze"
    sample = SAMPLES[0]
    for arguments, words in [(["-o", "x.txt", sample], b".html"), ([sample], b"-o"), (["-o", "x.html"], b"session file"),
                             (["-o", "x.html", "--page", "0", sample], b"--page"),
                             (["-o", "x.html", "--from", "2", "--to", "1", sample], b"later")]:
        done = subprocess.run([program, "report", *arguments], cwd=box.folder, capture_output=True)
        equal(done.returncode, 2, f"exit status of {arguments}")
        check(words in done.stderr and done.stderr.count(b"\n") == 1, f"one line: {done.stderr}")
    done = subprocess.run([program, "report", "-o", "/nowhere/x.html", sample], capture_output=True)
    equal((done.returncode, done.stderr.count(b"\n")), (3, 1), "a folder that is not there")
    done = subprocess.run([program, "report", "-o", box.folder / "x.html", "--session", "9", sample], capture_output=True)
    equal((done.returncode, done.stderr.count(b"\n")), (1, 1), "a session that is not there")
    for name in "x.html", "x.pdf":
        for option in ["--server", "nowhere.example"], ["--page", "77"], ["--connection", "7777"], ["--from", "900"]:
            done = subprocess.run([program, "report", "-o", box.folder / name, *option, *SAMPLES], capture_output=True)
            equal((done.returncode, done.stderr.count(b"no connection is selected")), (1, 1), f"{option}: nothing to show")
            check(not (box.folder / name).exists(), f"{option}: a file was written")


if __name__ == "__main__":
    harness.run(globals())
