#!/usr/bin/env python3
"""mitm-analyze compare as a whole: what it says of what the data cannot say, its formats, its options, its errors."""
import csv
import io
import json
import re
import struct
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
import comparing
import harness
import page
import ways
from harness import check, equal

SAMPLES = harness.ROOT / "samples"
LOADS = 12
ARTICLE, CURL, CHROMIUM = (SAMPLES / f"{name}.mitm" for name in ("article", "curl", "chromium"))


def loads(box):
    """Page loads, all over the same way."""
    return ways.recorded(box.build, box.attempt, direct=LOADS)[0]["direct"]


def load_otherwise(box, *options, name):
    """Record one more load, with these options of mitm-proxy."""
    return ways.Ways(box).record("direct", 1, *options, name=name)


def notes(box, before, after, *options):
    """What a comparison says of what the data cannot say: {code: text}."""
    return {note["code"]: note["text"] for note in comparing.document(box, before, after, *options)["notes"]}


def refused(box, status, *words):
    """Run compare with what it cannot do; return the one line that it gives for a reason."""
    result = box.analyze("compare", *words)
    equal(result.returncode, status, f"exit status of {words}: {result.stderr}")
    equal(result.stdout, b"", f"output of {words}")
    text = result.stderr.decode()
    equal(text.count("\n"), 1, f"lines of the reason: {text}")
    check(text.startswith("mitm-analyze"), text)
    return text


def test_too_few_samples(box):
    """Three against three can prove nothing: the exact test's p is 0.1 at the least; of four 2/70, of five 2/252."""
    files = loads(box)
    document = comparing.document(box, files[:3], files[3:6], *comparing.metrics("load-time", "page-ttfb"))
    equal({row["verdict"] for row in document["rows"]}, {"~"}, "verdicts of 3 against 3")
    equal({row["shift_low"] for row in document["rows"]}, {None}, "intervals at 95 % of 3 against 3")
    for names, least in (["load-time"], {"4"}), (["load-time", "page-ttfb"], {"4", "5"}):  # Holm's of two rows needs p < 0.025
        text = notes(box, files[:3], files[3:6], *comparing.metrics(*names)).get("few-samples", "")
        equal(set(re.findall(r"\b[4-9]\b", text)), least, f"numbers of values that would do: {text}")


def test_no_variation(box):
    """Copies of one recording: not a difference, and said to be without variation."""
    for name in ("before", "after"):
        (box.folder / name).mkdir()
    sides = [[box.folder / name / f"{number}.mitm" for number in range(6)] for name in ("before", "after")]
    for path in sides[0] + sides[1]:
        path.write_bytes(CURL.read_bytes())
    document = comparing.document(box, *sides, "--metric", "load-time")
    row, = document["rows"]
    equal((row["verdict"], row["p"], row["shift"]), ("~", None, 0), "verdict, p and shift of what does not vary")
    codes = [note["code"] for note in document["notes"]]
    check("no-variation" in codes and "same-recording" in codes, f"{document['notes']}")


def test_same_file_on_both_sides(box):
    text = notes(box, [ARTICLE], [ARTICLE])
    check("same-recording" in text, f"{text}")
    equal({row["verdict"] for row in comparing.document(box, [ARTICLE], [ARTICLE])["rows"]}, {"~"}, "verdicts")


def test_different_settings(box):
    """Delays added on purpose on one side alone: said, since the comparison then shows them."""
    plain, held = loads(box), load_otherwise(box, "--request-delay", "30ms", name="held")
    text = notes(box, plain, [held])
    check("different-delays" in text, f"{text}")
    check("30" in text["different-delays"], text["different-delays"])
    limited = load_otherwise(box, "--rate-down", "2M", name="limited")
    check("different-limits" in notes(box, plain, [limited]), "rate limits")
    check(not {"different-delays", "different-limits"} & notes(box, plain[:6], plain[6:]).keys(), "the same settings")


def test_pages_on_one_side_alone(box):
    text = notes(box, [ARTICLE], [CURL], "--by", "page")
    check("one-sided" in text, f"{text}")


def parsed(box, words, form):
    """The rows and heads of a comparison in a format that programs read."""
    result = box.analyze("compare", *words, "--format", form)
    equal(result.returncode, 0, form)
    said = result.stderr.decode().splitlines()  # formats without room for notes leave them to standard error
    check(all(line.startswith("mitm-analyze: ") for line in said), f"{said}")
    equal(result.stdout, box.analyze("compare", *words, "--format", form).stdout, f"{form}, twice")
    return result.stdout.decode()


def test_formats(box):
    """CSV and JSON carry the same numbers; Markdown and LaTeX as many rows; the same input gives the same bytes."""
    files = loads(box)
    words = ["--before", *files[:6], "--after", *files[6:]]
    rows = json.loads(parsed(box, words, "json"))["rows"]
    table = list(csv.DictReader(io.StringIO(parsed(box, words, "csv"), newline="")))
    equal(len(table), len(rows), "rows of CSV")
    for line, row in zip(table, rows, strict=True):
        equal(line["measure"], row["measure"], "measure")
        for name in comparing.BY_R:
            equal(float(line[name] or "nan") if row[name] is not None else line[name], row[name] if row[name] is not None else "", name)
    markdown = [line for line in parsed(box, words, "markdown").splitlines() if line.startswith("|")]
    equal(len(markdown), len(rows) + 2, "lines of the Markdown table")
    equal(len({line.replace(r"\|", "").count("|") for line in markdown}), 1, "different numbers of cells")
    latex = parsed(box, words, "latex")
    for word in (r"\begin{tabular}", r"\toprule", r"\midrule", r"\bottomrule", r"\end{tabular}"):
        equal(latex.count(word), 2, f"{word}: one table would be too wide")
    equal(latex.count("{"), latex.count("}"), "braces of LaTeX")
    for half in latex.split(r"\midrule")[1:]:
        equal(half.partition(r"\bottomrule")[0].count(r"\\"), len(rows), "rows of LaTeX")
    check(parsed(box, words, "text").count("~") >= len(rows), "verdicts in the text")


def test_documents(box):
    """A comparison as a document, twice the same, in each kind."""
    files = loads(box)
    for kind, magic in (("pdf", b"%PDF-"), ("html", b"<!DOCTYPE html>"), ("svg", b"<?xml"), ("png", b"\x89PNG\r\n\x1a\n")):
        pages = []
        for attempt in (1, 2):
            path = box.folder / f"{attempt}.{kind}"
            result = box.analyze("compare", "--before", *files[:6], "--after", *files[6:], "-o", path)
            equal((result.returncode, result.stderr), (0, b""), kind)
            pages.append(path.read_bytes())
        check(pages[0].startswith(magic), f"{kind} begins with {pages[0][:20]}")
        check(pages[0] == pages[1], f"{kind}: not the same bytes twice")


def tooltips(svg):
    """What an SVG tells where one points at it."""
    return [title.text for title in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}title")]


def picture(box, kind, *words):
    path = box.folder / f"picture.{kind}"
    result = box.analyze("compare", *words, "-o", path)
    equal((result.returncode, result.stdout, result.stderr), (0, b"", b""), f"{kind} of {words}")
    return path.read_bytes()


def test_pictures(box):
    """SVG and PNG hold the distributions of all rows, and a timeline of each group."""
    files = loads(box)
    three = [f"--group={name}=" for name in ("one", "two", "a third one with a name of 40 characters")]
    cases = ((["--before", *files[:4], "--after", *files[4:8]], ("before", "after")),
             ([three[0], *files[:4], three[1], *files[4:8], three[2], *files[8:]], ("one", "two", "a third one with a name of 40 characters")))
    for words, groups in cases:
        for more in ([], ["--metric", "load-time"], ["--by", "server"]):
            svg = picture(box, "svg", *words, *more)
            check(b"<image" not in svg, "the SVG is no vector graphic")
            told = tooltips(svg)
            rows = json.loads(box.analyze("compare", *words, *more, "--format", "json").stdout)["rows"]
            labels = {line.split()[0]: line.partition("  ")[2].strip() for line in measures(box)}
            for row in rows:
                name = labels[row["measure"]] + (f", {row['subject']}" if row["subject"] else "")
                equal(told.count(name), 1, f"distributions of {name} in {told}")
            for group in groups:
                for host in page.HOSTS:
                    check(any(text.startswith(f"{group}: {host}:") for text in told), f"the timeline of '{group}' lacks {host}: {told}")
            width, height = (float(re.search(rb'<svg[^>]* %s="([0-9.]+)' % name, svg)[1]) for name in (b"width", b"height"))
            if more != ["--metric", "load-time"]:
                continue  # it takes time
            size = struct.unpack(">II", picture(box, "png", *words, *more)[16:24])
            equal(size, (2 * width, 2 * height), f"pixels of the PNG of an SVG of {width} x {height}")


def measures(box):
    """The lines of the list of measures: name, label, definition."""
    listed = box.analyze("compare", "--metric", "help").stdout.decode().splitlines()
    return [line[2:].partition(":")[0] for line in listed if ":" in line]


def text_of(box, kind, *words):
    path = box.folder / f"document.{kind}"
    result = box.analyze("compare", *words, "-o", path)
    equal((result.returncode, result.stderr), (0, b""), f"{kind} of {words}")
    return subprocess.run(["pdftotext", path, "-"], check=True, capture_output=True, text=True).stdout if kind == "pdf" else path.read_text()


def test_what_is_not_drawn(box):
    """Single values have no distribution, and without a page load there is no timeline: said in each document."""
    harness.need_programs("pdftotext")
    idle = box.proxy("--no-view", name="idle")
    idle.end(verify=False)
    for kind in ("pdf", "html"):
        text = text_of(box, kind, "--before", ARTICLE, "--after", CURL)
        check("no side has more than one value" in text, f"{kind}: {text}")
        check("No time graphs" not in text, f"{kind}: {text}")
        text = text_of(box, kind, "--before", idle.path, "--after", ARTICLE)
        check("No time graphs" in text, f"{kind}: {text}")
    for kind in ("svg", "png"):
        both = picture(box, kind, "--before", ARTICLE, "--after", CURL)
        check(both != picture(box, kind, "--before", idle.path, "--after", ARTICLE), "the same picture")
        picture(box, kind, "--before", idle.path, "--after", idle.path)


def test_divisions(box):
    """--by says what rows there are; --paired what is compared; --group names more than two."""
    files = loads(box)
    words = files[:3], files[3:6]
    for by, subjects in (("page", 1), ("server", 3), ("session", 0)):
        found = {row.get("subject") for row in comparing.document(box, *words, "--by", by)["rows"]}
        equal(len(found - {None, ""}), subjects, f"subjects by {by}: {found}")
    for row in comparing.document(box, *words, "--paired", "--metric", "load-time")["rows"]:
        equal((row["before_n"], row["after_n"]), (3, 3), "pairs of load times")
    result = box.analyze("compare", *[f"--group=g{number}={path}" for number, path in enumerate(files[:3])], "--format", "json")
    equal(result.returncode, 0, f"three groups: {result.stderr}")
    equal({row["group"] for row in json.loads(result.stdout)["rows"]}, {"g1", "g2"}, "groups that are compared with the first")


def test_files_that_cannot_be_read(box):
    empty, text = box.folder / "empty.mitm", box.folder / "text.mitm"
    empty.write_bytes(b"")
    text.write_text("this is not a session\n", encoding="utf-8")
    for path in (box.folder / "absent.mitm", box.folder, empty, text):
        check(str(path) in refused(box, 3, "--before", ARTICLE, "--after", path), f"the reason does not name {path}")
        check(str(path) in refused(box, 3, "--before", path, "--after", ARTICLE), f"the reason does not name {path}")


def test_damaged_files(box):
    """What is whole in a damaged file is compared; that it is damaged is said."""
    damaged = box.folder / "damaged.mitm"
    data = bytearray(ARTICLE.read_bytes())
    data[len(data) // 2] ^= 0xFF
    damaged.write_bytes(data)
    result = comparing.run(box, [ARTICLE], [damaged])
    check(result.returncode in (0, 1), f"exit status {result.returncode}: {result.stderr}")
    check(str(damaged).encode() in result.stderr, f"{result.stderr}")
    cut = box.folder / "cut.mitm"
    cut.write_bytes(ARTICLE.read_bytes()[:-20])
    result = comparing.run(box, [ARTICLE], [cut], "--format", "json")
    check("cut-off" in result.stdout.decode(), f"{result.stdout} {result.stderr}")


def test_wrong_use(box):
    both = ["--before", ARTICLE, "--after", CURL]
    refused(box, 2)
    refused(box, 2, "--before", ARTICLE)
    refused(box, 2, "--after", ARTICLE)
    refused(box, 2, f"--group=one={CHROMIUM}")
    check("'two' has no files" in refused(box, 2, f"--group=one={CHROMIUM}", "--group=two="), "a group without files")
    refused(box, 2, f"--group=one={CHROMIUM}", f"--group=one={CURL}")
    check("--metric help" in refused(box, 2, *both, "--metric", "speed"), "how to list the measures")
    check(b"load-time" in box.analyze("compare", "--metric", "help").stdout, "the list of the measures")
    check("markdown" in refused(box, 2, *both, "--format", "xml"), "the formats that there are")
    check("session" in refused(box, 2, *both, "--by", "country"), "what --by knows")
    for rule in ("load-time", "load-time > five", "speed > +5%", "load-time > 5% 6%", "", "load-time + 5%"):
        refused(box, 2, *both, "--fail-if", rule)
    refused(box, 2, *both, "--no-such-option")
    refused(box, 2, *both, "-o", box.folder / "comparison.xyz")


def test_output_that_cannot_be_written(box):
    both = ["--before", ARTICLE, "--after", CURL]
    path = box.folder / "absent" / "comparison.pdf"
    check(str(path) in refused(box, 3, *both, "-o", path), "the reason does not name the file")
    with open("/dev/full", "wb") as full:
        result = box.program("full", [box.analyze_program, "compare", *both], stdout=full)
        equal(result.wait(), 3, "exit status with a full disk")


if __name__ == "__main__":
    harness.run(globals())
