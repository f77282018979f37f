#!/usr/bin/env python3
"""Single figures: exactly as wide as asked for, fonts embedded, texts searchable, the same bytes twice, errors in one line."""
import json
import re
import struct
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
import harness
from harness import check, equal

SAMPLE = harness.ROOT / "samples" / "chromium.mitm"
KINDS = {"timeline": "www.example.test", "ecdf": "page load time", "phases": "images.example.test", "throughput": "received",
         "concurrency": "open connections"}
MM = 72 / 25.4  # points


def figure(box, *arguments):
    return subprocess.run([box.build / "analyze" / "mitm-analyze", "figure", *map(str, arguments)], capture_output=True, check=False)


def made(box, name, *arguments):
    path = box.folder / name
    result = figure(box, *arguments, "-o", path)
    equal(result.returncode, 0, f"{arguments}: {result.stderr}")
    return path


def tool_bytes(*command):
    return subprocess.run(command, check=True, capture_output=True).stdout


def tool(*command):
    return tool_bytes(*command).decode("utf-8")


def test_sizes(box):
    """The outside width is the one asked for, to 0.01 pt (what pdfinfo prints), a pixel, or the digits of the SVG."""
    for kind in KINDS:
        for width in 84, 170.5:
            pdf = made(box, f"{kind}.pdf", kind, SAMPLE, "--width", f"{width}mm")
            wide = float(re.search(r"Page size:\s+([0-9.]+) x", tool("pdfinfo", pdf)).group(1))
            check(abs(wide - width * MM) < 0.01, f"{kind}: {wide} pt for {width} mm")
            equal(re.search(r"Pages:\s+(\d+)", tool("pdfinfo", pdf)).group(1), "1", "pages")
            svg = ElementTree.parse(made(box, f"{kind}.svg", kind, SAMPLE, "--width", f"{width}mm")).getroot()
            check(abs(float(svg.get("width").removesuffix("px")) * 0.75 - width * MM) < 0.01, f"{kind}: {svg.get('width')}")
            png = made(box, f"{kind}.png", kind, SAMPLE, "--width", f"{width}mm").read_bytes()
            equal(struct.unpack(">I", png[16:20])[0], -int(-width * MM / 0.75 * 2 // 1), f"{kind}: pixels, two to a CSS pixel")
            density = struct.pack(">IIB", round(192 / 0.0254), round(192 / 0.0254), 1)  # per metre (ISO/IEC 15948, 11.3.5.3)
            check(b"pHYs" + density in png, f"{kind}: it does not say how large it is")


def test_height(box):
    for kind in set(KINDS) - {"timeline"}:
        pdf = made(box, f"{kind}.pdf", kind, SAMPLE, "--height", "70mm")
        high = float(re.search(r"Page size:\s+[0-9.]+ x ([0-9.]+)", tool("pdfinfo", pdf)).group(1))
        check(abs(high - 70 * MM) < 0.01, f"{kind}: {high} pt")


def test_low(box):
    """A figure that is too low for its text becomes higher; no bar loses its name."""
    text = tool("pdftotext", made(box, "low.pdf", "phases", SAMPLE, "--width", "174mm", "--height", "20mm"), "-")
    servers = json.loads(box.analyze("stats", "--format", "json", SAMPLE).stdout)["sessions"][0]["servers"]
    for server in servers:
        check(f"{server['host']}:{server['port']}" in text, f"{server['host']} is not in {text}")


def test_texts_and_fonts(box):
    for kind, words in KINDS.items():
        pdf = made(box, f"{kind}.pdf", kind, SAMPLE)
        check(words in tool("pdftotext", "-layout", pdf, "-"), f"{kind}: '{words}' is not found")
        for line in tool("pdffonts", pdf).splitlines()[2:]:
            equal(line.split()[-5:-4], ["yes"], f"{kind}: embedded: {line}")
        subprocess.run(["qpdf", "--check", pdf], check=True, capture_output=True)
        check("A Title" not in tool("pdftotext", pdf, "-"), "no title unless asked for")
        titled = made(box, "titled.pdf", kind, SAMPLE, "--title", "A Title")
        check("A Title" in tool("pdftotext", titled, "-"), f"{kind}: the title")


def test_same_bytes(box):
    for kind in KINDS:
        for ending in "pdf", "svg", "png":
            for palette in "default", "colorblind", "gray":
                paths = [made(box, f"{n}.{ending}", kind, SAMPLE, "--palette", palette) for n in "12"]
                equal(*(path.read_bytes() for path in paths), f"{kind}, {ending}")


def svg_inks(path):
    """The colours of an SVG. Cairo writes all of them as rgb(…%,…%,…%), alpha apart; another way to name one would be missed."""
    text = path.read_text(encoding="utf-8")
    named = re.findall(r'(?:fill|stroke|stop-color|flood-color|lighting-color|color)\s*[:=]\s*"?\s*([^;"]+)', text)
    other = {name for name in named if not name.startswith("rgb(") and name not in ("none", "evenodd", "nonzero")}
    check(not other and "<image" not in text and "#" not in "".join(named), f"colours in another form: {other}")
    return {tuple(map(float, ink)) for ink in re.findall(r"rgb\(([0-9.]+)%,\s*([0-9.]+)%,\s*([0-9.]+)%\)", text)}


def pdf_inks(path):
    """The colours of a PDF (ISO 32000-1, 8.6.8): rg and RG; g and G are gray; others, shadings and images are not made."""
    text = tool_bytes("qpdf", "--qdf", "--object-streams=disable", path, "-").decode("latin-1")
    streams = "\n".join(re.findall(r"\nstream\n(.*?)\nendstream", text, re.DOTALL))
    check(not re.search(r"(?m)(?:^|\s)(?:k|K|sc|SC|scn|SCN|sh|BI)\s*$", streams) and "/Subtype /Image" not in text, f"{path}: other colours")
    return {tuple(map(float, ink)) for ink in re.findall(r"([0-9.]+) ([0-9.]+) ([0-9.]+) (?:rg|RG)\b", streams)}


def test_gray_is_gray(box):
    """In the gray palette nothing has a hue, in any kind of figure of any sample: plain, HTTP/2, inferred, with failures."""
    samples = sorted((harness.ROOT / "samples").glob("*.mitm"))
    check(len(samples) >= 6, f"samples: {samples}")
    hues = set()
    for sample in samples:
        for kind in KINDS:
            if (kind, sample.stem) == ("throughput", "article"):  # it tells no bytes received
                continue
            arguments = [kind, sample] + (["--metric", "socks"] if kind == "ecdf" else [])
            for ending, inks in ("svg", svg_inks), ("pdf", pdf_inks):
                gray = inks(made(box, f"gray.{ending}", *arguments, "--palette", "gray"))
                check(len(gray) >= 3, f"{kind} of {sample.name}: {gray}")
                colored = {ink for ink in gray if len(set(ink)) > 1}
                check(not colored, f"{kind} of {sample.name} as {ending}: {colored}")
                if sample == SAMPLE:
                    hues |= {(kind, ending) for ink in inks(made(box, f"default.{ending}", *arguments)) if len(set(ink)) > 1}
    equal(len(hues), 2 * len(KINDS), "of the usual palette the hues are found")


def test_failures_in_each_palette(box):
    """Crosses and words of failures: red; vermillion, darker; black."""
    sample = SAMPLE.with_name("https.mitm")
    for palette, ink in ("default", (0xb3, 0x2d, 0x24)), ("colorblind", (0xb0, 0x4e, 0)), ("gray", (0, 0, 0)):
        found = {tuple(round(part * 2.55) for part in color) for color in svg_inks(made(box, "x.svg", "timeline", sample, "--palette", palette))}
        check(ink in found, f"{palette}: {found}")


def test_several_files(box):
    pdf = made(box, "two.pdf", "ecdf", "--metric", "waiting", SAMPLE, SAMPLE.with_name("firefox.mitm"), "--label", "One", "--label", "Two")
    text = tool("pdftotext", pdf, "-")
    check("One (n = 60)" in text and "Two (n = 61)" in text, text)


def test_addresses(box):
    """The addresses of page loads are those of stats: with the port, where it is not the usual one."""
    rows = json.loads(box.analyze("stats", "--by", "page", "--format", "json", SAMPLE).stdout)["rows"]
    text = tool("pdftotext", made(box, "pages.pdf", "phases", SAMPLE, "--by", "page"), "-")
    for row in rows:
        check(f"{row['server']}:{row['port']}/" in text, f"{row['server']}:{row['port']} is not in {text}")


def test_errors(box):
    """One line that says what is wrong, and the documented status."""
    empty = box.folder / "empty.mitm"
    empty.touch()
    out = box.folder / "x.pdf"
    for status, said, arguments in (
            (2, "name the kind", [SAMPLE, "-o", out]), (2, "-o OUT", ["ecdf", SAMPLE]), (2, "session file", ["ecdf", "-o", out]),
            (2, ".pdf, .svg or .png", ["ecdf", SAMPLE, "-o", "x.gif"]), (2, "no metric", ["ecdf", SAMPLE, "-o", out, "--metric", "speed"]),
            (2, "--width", ["ecdf", SAMPLE, "-o", out, "--width", "84"]), (2, "--width", ["ecdf", SAMPLE, "-o", out, "--width", "1mm"]),
            (2, "--font-size", ["ecdf", SAMPLE, "-o", out, "--font-size", "big"]), (2, "--palette", ["ecdf", SAMPLE, "-o", out, "--palette", "red"]),
            (2, "--log", ["timeline", SAMPLE, "-o", out, "--log"]), (2, "one session file", ["phases", SAMPLE, SAMPLE, "-o", out]),
            (2, "not installed", ["ecdf", SAMPLE, "-o", out, "--font", "No Such Font"]), (2, "wider", ["timeline", SAMPLE, "-o", out, "--width", "60mm", "--font-size", "20pt"]),
            (2, "such as 8pt", ["ecdf", SAMPLE, "-o", out, "--font-size", "8"]), (2, "not of a server", ["ecdf", SAMPLE, "-o", out, "--server", "www.example"]),
            (1, "nothing happens", ["throughput", SAMPLE, "-o", out, "--from", "900"]), (1, "nothing happens", ["concurrency", SAMPLE, "-o", out, "--from", "900"]),
            (1, "nothing happens", ["timeline", SAMPLE, "-o", out, "--from", "900"]),
            (1, "no session 7", ["phases", SAMPLE, "-o", out, "--session", "7"]), (3, "absent", ["ecdf", box.folder / "absent.mitm", "-o", out]),
            (3, "no-folder", ["ecdf", SAMPLE, "-o", box.folder / "no-folder" / "x.pdf"]), (1, "no value", ["ecdf", SAMPLE, "-o", out, "--metric", "ttlb-5m"]),
            (1, "Of no page load", ["phases", harness.ROOT / "samples" / "https-no-keys.mitm", "-o", out, "--by", "page"])):
        result = figure(box, *arguments)
        lines = result.stderr.decode("utf-8").splitlines()
        equal(result.returncode, status, f"{arguments}: {lines}")
        check(lines and all(line.startswith("mitm-analyze") for line in lines) and any(said in line for line in lines), f"{arguments}: {lines}")
        check(not out.exists(), f"{arguments}: a file was written")
    check(figure(box, "ecdf", empty, "-o", out).returncode != 0, "an empty file")


if __name__ == "__main__":
    harness.run(globals())
