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
for name in article chromium firefox curl; do
    for format in svg png pdf; do
        "$build/analyze/mitm-analyze" timeline "$name.mitm" -o "$name.$format"
    done
    "$build/analyze/mitm-analyze" report "$name.mitm" -o "$name.report.pdf"
    "$build/analyze/mitm-analyze" stats "$name.mitm" >"$name.stats.txt"
    "$build/analyze/mitm-analyze" connections "$name.mitm" >"$name.connections.txt"
done
