#!/usr/bin/env bash
# The main job, shown: record a browser loading the sample site, and draw and count what was recorded.
# samples/demo.sh BUILD [OUT]: the programs are in BUILD, the results go into the folder OUT (default: mitm-demo).
set -euo pipefail

if (($# < 1 || $# > 2)); then
    echo "usage: $0 BUILD [OUT]" >&2
    exit 2
fi
build=$1
out=${2:-mitm-demo}
here=$(dirname "$(readlink -f "$0")")
analyze=$build/analyze/mitm-analyze
session=$out/session.mitm

for program in "$build/capture/mitm-proxy" "$analyze"; do
    if [[ ! -x $program ]]; then
        echo "$0: $program is not there; build it first" >&2
        exit 2
    fi
done

browser=curl
for candidate in chromium firefox-esr firefox; do
    if command -v "$candidate" >/dev/null; then
        browser=${candidate%-esr}
        break
    fi
done

mkdir -p "$out"
echo "Recording: $browser loads the sample page through mitm-proxy …"
"$here/record.sh" "$build" "$browser" "$session" --force

for format in svg png pdf; do
    "$analyze" timeline "$session" -o "$out/timeline.$format"
done
"$analyze" report "$session" -o "$out/report.html"
"$analyze" report "$session" -o "$out/report.pdf"
"$analyze" figure ecdf --metric waiting "$session" -o "$out/waiting.pdf"
"$analyze" stats "$session" >"$out/stats.txt"
"$analyze" stats "$session" --format json >"$out/stats.json"

echo
sed -n '1,24p' "$out/stats.txt"
echo
echo "The session:     $session"
echo "The report:      $out/report.html, report.pdf"
echo "A figure:        $out/waiting.pdf (the distribution of waiting times, 84 mm wide)"
echo "The timeline:    $out/timeline.svg, timeline.png, timeline.pdf"
echo "The statistics:  $out/stats.txt (shown above: its beginning), stats.json"
