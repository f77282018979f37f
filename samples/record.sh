#!/usr/bin/env bash
# Record a browser that loads the sample site: samples/record.sh BUILD BROWSER SESSION [mitm-proxy's options …]
# BROWSER is chromium, firefox or curl. Everything stays on this machine. Exit status: that of samples/site/browse.py.
set -euo pipefail

if (($# < 3)); then
    echo "usage: $0 BUILD chromium|firefox|curl SESSION [mitm-proxy's options …]" >&2
    exit 2
fi
build=$(readlink -f "$1") browser=$2 session=$(readlink -m "$3")
shift 3
site=$(dirname "$(readlink -f "$0")")/site
work=$(mktemp -d)
site_pid=

finish() {
    [[ -z $site_pid ]] || kill "$site_pid" 2>/dev/null || true
    [[ -z $site_pid ]] || wait "$site_pid" 2>/dev/null || true
    rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

mkfifo "$work/ready"
python3 "$site/serve.py" --log "$work/access.jsonl" --hosts "$work/hosts" >"$work/ready" &
site_pid=$!
url=
read -r -t 20 _ url <"$work/ready" || true
if [[ -z $url ]]; then
    echo "$0: the sample site did not start" >&2
    exit 3
fi

# The command becomes part of the session: it names no folder of this machine.
cd "$work"
PYTHONPATH=$site PYTHONDONTWRITEBYTECODE=1 "$build/capture/mitm-proxy" -l 127.0.0.1:0 -u direct --hosts hosts -w "$session" \
    --label "the sample page, $browser" "$@" -- python3 -m browse "$browser" --url "$url" --log access.jsonl
