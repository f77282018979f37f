#!/usr/bin/env python3
"""Let R judge the library of statistics: runs referee.R with the program that answers its questions."""
import argparse
import os
import shutil
import subprocess
import sys

parser = argparse.ArgumentParser()
parser.add_argument("--build", required=True, help="the build folder")
build = parser.parse_args().build
rscript = shutil.which("Rscript")
if rscript is None:
    sys.exit("referee: Rscript is not installed, so nothing was compared; install Debian's r-base-core (make test does)")
here = os.path.dirname(os.path.abspath(__file__))
answer = os.path.join(build, "tests", "referee", "referee_answer")
sys.exit(subprocess.run([rscript, "--vanilla", os.path.join(here, "referee.R"), answer], check=False).returncode)
