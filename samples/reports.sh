#!/usr/bin/env bash
# Make the reports of the sample sessions anew: samples/reports.sh BUILD
set -euo pipefail

if (($# != 1)); then
    echo "usage: $0 BUILD" >&2
    exit 2
fi
analyze=$(readlink -f "$1")/analyze/mitm-analyze
cd "$(dirname "$(readlink -f "$0")")"

for name in article chromium firefox curl https https-no-keys; do
    for format in svg png pdf; do
        "$analyze" timeline "$name.mitm" -o "$name.$format"
    done
    "$analyze" report "$name.mitm" -o "$name.report.pdf"
    "$analyze" stats "$name.mitm" >"$name.stats.txt"
    "$analyze" connections "$name.mitm" >"$name.connections.txt"
done
