#!/usr/bin/env python3
"""The PDF reports: sound for other tools, searchable, with outline and links that lead where they should."""
import json
import re
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
import harness
from harness import check, equal

SAMPLES = sorted((harness.ROOT / "samples").glob("*.mitm"))
A4 = 595.276, 841.89  # points
MAX_BYTES = 5_000_000  # of a report on 500 connections


def report(box, name, *arguments):
    """Return the path of the PDF report that mitm-analyze makes with these arguments."""
    path = box.folder / name
    subprocess.run([box.build / "analyze" / "mitm-analyze", "report", "-o", path, *arguments], check=True)
    return path


def tool(*command):
    return subprocess.run(command, check=True, capture_output=True).stdout.decode("utf-8")


def large(box, connections):
    """Return the path of a session of so many connections."""
    path = box.folder / f"large-{connections}.mitm"
    with path.open("wb") as out:
        subprocess.run([box.build / "tests" / "unit" / "report" / "make_large", str(connections)], stdout=out, check=True)
    return path


def info(path):
    return dict(re.findall(r"^([^:]+):\s+(.*)$", tool("pdfinfo", path), re.MULTILINE))


def check_sound(path):
    """qpdf finds nothing wrong, all fonts are embedded, and each page has its number."""
    done = subprocess.run(["qpdf", "--check", path], capture_output=True)
    check(done.returncode == 0 and b"WARNING" not in done.stderr, f"{path.name}: {done.stderr}")
    fonts = tool("pdffonts", path).splitlines()[2:]
    check(fonts, f"{path.name} has no fonts")
    for line in fonts:
        embedded, subset, unicode = line[line.index("yes") if "yes" in line else 0:].split()[:3]
        equal((embedded, subset, unicode), ("yes",) * 3, f"{path.name}: {line}")
    pages = tool("pdftotext", "-layout", path, "-").split("\f")[:-1]
    equal(len(pages), int(info(path)["Pages"]), f"pages of {path.name}")
    for number, page in enumerate(pages, 1):
        check(page.rstrip().endswith(f"page {number} of {len(pages)}"), f"{path.name}: the foot of page {number}")
    return pages


class Structure:
    """The outline, the places and the links of a PDF, as qpdf sees them."""

    def __init__(self, path):
        document = json.loads(tool("qpdf", "--json", path))
        self.objects = {name.removeprefix("obj:"): value for name, value in document["objects"].items()} \
            if "objects" in document else {name.removeprefix("obj:"): value.get("value") or value.get("stream", {}).get("dict")
                                           for name, value in document["qpdf"][1].items()}
        self.pages = [page["object"] for page in document["pages"]]
        root = self.get(self.objects["trailer"]["/Root"])
        self.places = {}
        self.read_names(self.get(self.get(root["/Names"])["/Dests"]))
        self.outline = self.read_outline(self.get(root["/Outlines"]))
        self.links = [(number, annotation["/Rect"], annotation["/Dest"].removeprefix("u:"))
                      for number, page in enumerate(self.pages)
                      for annotation in map(self.get, self.get(self.get(page).get("/Annots", [])))]

    def get(self, value):
        while isinstance(value, str) and re.fullmatch(r"\d+ \d+ R", value):
            value = self.objects[value]
        return value

    def read_names(self, node):
        for kid in node.get("/Kids", []):
            self.read_names(self.get(kid))
        names = self.get(node.get("/Names", []))
        for name, place in zip(names[::2], names[1::2]):
            self.places[name.removeprefix("u:")] = (self.pages.index(self.get_page(place)), self.get(place)[3])

    def get_page(self, place):
        return self.get(place)[0]

    def read_outline(self, node):
        items, at = [], node.get("/First")
        while at:
            item = self.get(at)
            items.append((item["/Title"].removeprefix("u:"), self.read_outline(item)))
            at = item.get("/Next")
        return items


def page_words(path, number):
    """Return the words of a page with their boxes, in points from the page's top left corner."""
    text = tool("pdftotext", "-bbox", "-f", str(number), "-l", str(number), path, "-")
    return [(word, *map(float, box)) for *box, word in
            re.findall(r'<word xMin="([\d.]+)" yMin="([\d.]+)" xMax="([\d.]+)" yMax="([\d.]+)">([^<]*)</word>', text)]


def test_samples(box):
    """Each sample's report is sound, the same again, and says what the session has."""
    harness.need_programs("qpdf", "pdffonts", "pdftotext", "pdfinfo")
    for sample in SAMPLES:
        path = report(box, sample.stem + ".pdf", sample)
        text = "\n".join(check_sound(path))
        for words in "Contents", "Summary", "How it was recorded", sample.name:
            check(words in text, f"{sample.name}: {words}")
        equal(report(box, "again.pdf", sample).read_bytes(), path.read_bytes(), "the same again")


def test_words(box):
    """What is known of the browser's session is in the text of its report."""
    text = "\n".join(check_sound(report(box, "chromium.pdf", harness.ROOT / "samples" / "chromium.mitm")))
    for words in ("Timeline", "Pages", "Servers", "Distributions", "Failures", "Appendix: connections",
                  "api.example.test:", "images.example.test:", "the kernel's", "page load time", "404 Not Found"):
        check(words in text, words)


def test_encrypted(box):
    """What is inferred has rows of its own, and so have handshakes."""
    path = box.folder / "encrypted.mitm"
    with path.open("wb") as out:
        subprocess.run([box.build / "tests" / "unit" / "report" / "make_encrypted", "20"], stdout=out, check=True)
    pages = check_sound(report(box, "encrypted.pdf", path))
    summary = re.sub(r" +", " ", next(page for page in pages if "How it was recorded" in page and "Greatest" in page))
    # Its 6 handshakes that ended, 2 of them without keys; 4 turns on each of the latter.
    for row in (r"TLS handshake, in part inferred 6 ", r"Waiting, inferred without keys 8 340.0 ms 430.0 ms 430.0 ms",
                r"Transfer, inferred without keys 8 180.0 ms "):
        check(re.search(row, summary), f"{row} is not in {summary}")


def test_no_keys(box):
    """What is not known of a page is no 0."""
    pages = check_sound(report(box, "no-keys.pdf", harness.ROOT / "samples" / "https-no-keys.mitm"))
    after = "\n".join(pages).split("once\n")[1]
    equal(after.split("\n")[0].split(), ["1", "–", "10", "3", *"–" * 5, "8", "–", "–"], "what the page took")


def test_no_connection(box):
    """Of a recording without a connection there is no summary to give."""
    proxy, session = box.record(["true"])
    equal(proxy.wait(), 0, proxy.err())
    pages = check_sound(report(box, "empty.pdf", session))
    check("no connection was recorded." in pages[0] and "0 pages" not in pages[0], pages[0])
    check("Summary" not in "".join(pages) and "How it was recorded" in pages[1], "headings of nothing")


def test_options(box):
    """Title, author, date and paper are as asked for, in the document and in its metadata."""
    sample = harness.ROOT / "samples" / "curl.mitm"
    path = report(box, "options.pdf", "--title", "Löwe & Söhne", "--author", "N. N., M. M.", "--paper", "letter", sample)
    pages = check_sound(path)
    check("Löwe & Söhne" in pages[0] and "N. N., M. M." in pages[0], pages[0])
    meta = info(path)
    equal((meta["Title"], meta["Author"]), ("Löwe & Söhne", "N. N., M. M."), "metadata")
    check("612 x 792" in meta["Page size"], meta["Page size"])
    check("595.276 x 841.89" in info(report(box, "a4.pdf", sample))["Page size"], "A4 unless asked otherwise")
    year = re.search(r"(\d{4})-\d\d-\d\d \d\d:\d\d:\d\d UTC", pages[0]).group(1)
    check(year in meta["CreationDate"], "the date is the session's")


def check_structure(path):
    structure = Structure(path)
    check(structure.links and structure.places, "links and places")
    for number, rect, target in structure.links:
        check(target in structure.places, f"a link to '{target}', which is nowhere")
        left, bottom, right, top = map(float, rect)
        check(0 <= left < right <= A4[0] and 0 <= bottom < top <= A4[1], f"a link beyond page {number + 1}: {rect}")
    return structure


def test_links(box):
    """Links lie on what they are about: the number of a connection on its lane, and that on its line."""
    path = report(box, "links.pdf", harness.ROOT / "samples" / "chromium.mitm")
    structure = check_structure(path)
    seen = {"lane-": 0, None: 0}
    for number, rect, target in structure.links:
        match = re.fullmatch(r"(lane-)?connection-(\d+)", target)
        if not match:
            continue
        left, bottom, right, top = map(float, rect)
        inside = [word for word, x0, y0, x1, y1 in page_words(path, number + 1)
                  if left - 1 <= (x0 + x1) / 2 <= right + 1 and A4[1] - top - 1 <= (y0 + y1) / 2 <= A4[1] - bottom + 1]
        check(match.group(2) in inside, f"{target}: {inside}")
        seen[match.group(1)] += 1
    check(seen["lane-"] == 23 and seen[None] >= 23, f"23 connections lead to and fro: {seen}")
    for target, (number, top) in structure.places.items():
        match = re.fullmatch(r"connection-(\d+)", target)
        if match:
            below = [word for word, x0, y0, x1, y1 in page_words(path, number + 1)
                     if 0 <= y0 - (A4[1] - float(top)) <= 10 and x1 < 100]
            check(match.group(1) in below, f"{target}: {below}")
    equal([title for title, _ in structure.outline],
          ["Summary", "How it was recorded", "Timeline", "Pages", "Servers", "Distributions", "Failures",
           "Appendix: connections"], "the outline")


def test_chapters(box):
    """Several sessions are chapters, each with its own places."""
    files = [harness.ROOT / "samples" / name for name in ("chromium.mitm", "firefox.mitm")]
    path = report(box, "chapters.pdf", *files)
    check_sound(path)
    structure = check_structure(path)
    equal([title.split(":")[0] for title, _ in structure.outline], ["Session 1", "Session 2"], "chapters")
    for _, sections in structure.outline:
        check("Timeline" in [title for title, _ in sections], f"sections: {sections}")
    for name in "s1-connection-1", "s2-connection-1", "s1-lane-connection-1", "s2-lane-connection-1":
        check(name in structure.places, name)
    both = box.folder / "both.mitm"
    both.write_bytes(b"".join(file.read_bytes() for file in files))
    equal(len(Structure(report(box, "both.pdf", both)).outline), 2, "sessions of one file")
    equal(len(Structure(report(box, "one.pdf", "--session", "2", both)).outline), 8, "one session of it")


def test_large(box):
    """A session of 500 connections: every connection has its line, and the file is small."""
    session = large(box, 500)
    began = time.monotonic()
    path = report(box, "large.pdf", session)
    seconds = time.monotonic() - began
    size = path.stat().st_size
    print(f"500 connections: {size} bytes, {seconds:.2f} s")
    check(size < MAX_BYTES, f"{size} bytes")
    check_sound(path)
    structure = check_structure(path)
    for connection in range(1, 501):
        check(f"connection-{connection}" in structure.places and f"lane-connection-{connection}" in structure.places,
              f"connection {connection} has no place")


def test_hostile(box):
    """What somebody else chose is text; nothing of it breaks the document."""
    program = box.build / "tests" / "unit" / "report" / "make_hostile"
    for seed in range(2):
        path = box.folder / f"hostile-{seed}.pdf"
        path.write_bytes(subprocess.run([program, "pdf", str(seed)], check=True, capture_output=True).stdout)
        text = "".join(check_sound(path))
        check("<script>alert(1)</script>" in text and "<U+202E>" in text, "it is shown as it is")
        check(not set(map(chr, range(0x202A, 0x202F))) & set(text), "a change of direction")
        equal(tool("pdfinfo", "-js", path).strip(), "", "scripts")
        check("http://evil" not in tool("pdfinfo", "-url", path), "a link to elsewhere")


def test_wrong_use(box):
    program = box.build / "analyze" / "mitm-analyze"
    sample = SAMPLES[0]
    for arguments, words in [(["-o", "x.ps", sample], b".pdf"), (["-o", "x.pdf"], b"session file"),
                             (["-o", "x.pdf", "--paper", "a3", sample], b"--paper"),
                             (["-o", "x.pdf", "--page-gap", "-1", sample], b"--page-gap")]:
        done = subprocess.run([program, "report", *arguments], cwd=box.folder, capture_output=True)
        equal(done.returncode, 2, f"exit status of {arguments}")
        check(words in done.stderr and done.stderr.count(b"\n") == 1, f"one line: {done.stderr}")
    done = subprocess.run([program, "report", "-o", "/nowhere/x.pdf", sample], capture_output=True)
    equal((done.returncode, done.stderr.count(b"\n")), (3, 1), "a folder that is not there")


if __name__ == "__main__":
    harness.run(globals())
