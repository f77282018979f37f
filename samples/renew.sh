#!/usr/bin/env bash
# Record the sample sessions anew and make their reports: samples/renew.sh BUILD
set -euo pipefail

if (($# != 1)); then
    echo "usage: $0 BUILD" >&2
    exit 2
fi
build=$(readlink -f "$1")
cd "$(dirname "$(readlink -f "$0")")"

for browser in chromium firefox curl; do
    ./record.sh "$build" "$browser" "$browser.mitm" --force
done
python3 ../tests/browser/record_https.py --build "$build" -o .
./reports.sh "$build"
