#!/usr/bin/env python3
"""Let other tools read the files that render/ writes: xmllint, and poppler's pdfinfo, pdffonts and pdftotext."""
import argparse
import pathlib
import shutil
import subprocess
import sys
import tempfile

TOOLS = ["xmllint", "pdfinfo", "pdffonts", "pdftotext"]


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def check(condition, message):
    if not condition:
        sys.exit(f"failed: {message}")


def check_pdf(pdf):
    info = run("pdfinfo", pdf)
    check("842 x 595 pts (A4)" in info, f"{pdf.name}: page size\n{info}")
    check("Nov 26 00:00:00 2011 UTC" in subprocess.run(["pdfinfo", pdf], check=True, capture_output=True, text=True,
                                                       env={"TZ": "UTC", "PATH": "/usr/bin:/bin"}).stdout,
          f"{pdf.name}: date\n{info}")
    fonts = [line.split() for line in run("pdffonts", pdf).splitlines()[2:]]
    check(fonts, f"{pdf.name}: no fonts")
    for font in fonts:
        check(font[-5:-2] == ["yes", "yes", "yes"], f"{pdf.name}: font not embedded as a subset: {font}")
    check("http" not in run("pdfinfo", "-url", pdf), f"{pdf.name}: a link leads out of the document")


def check_fivehundred(pdf):
    text = run("pdftotext", "-layout", pdf, "-")
    pages = text.split("\f")[:-1]
    for number, page in enumerate(pages, 1):
        check(f"{number} / {len(pages)}" in page, f"no page number on page {number}")
    for server in range(40):
        check(f"www{server}.example.org:80" in text, f"server {server} is missing")
    for lane in range(435, 935):
        check(any(line.split()[:1] == [str(lane)] for line in text.splitlines()), f"the index lacks {lane}")
    destinations = run("pdfinfo", "-dests", pdf)
    for lane in range(435, 935):
        check(f'"connection-{lane}"' in destinations, f"no destination connection-{lane}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=pathlib.Path, required=True)
    build = parser.parse_args().build
    missing = [tool for tool in TOOLS if not shutil.which(tool)]
    if missing:
        print("missing:", *missing)
        sys.exit(77)
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([build / "tests/render/render_figures", folder], check=True)
        files = sorted(pathlib.Path(folder).iterdir())
        check(len(files) == 24, f"{len(files)} files")
        for file in files:
            if file.suffix == ".svg":
                run("xmllint", "--noout", "--huge", "--nonet", file)
            elif file.suffix == ".pdf":
                check_pdf(file)
        check_fivehundred(pathlib.Path(folder) / "fivehundred.pdf")
        check("No connections recorded." in run("pdftotext", pathlib.Path(folder) / "none.pdf", "-"), "empty label")


main()
