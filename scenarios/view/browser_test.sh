#!/usr/bin/env bash
# Opens pages of `powercut view` in the distribution's Chromium and steps through them:
# browser_test.sh POWERCUT TOY_LOG. With POWERCUT_SHOTS=DIR it leaves screenshots there.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
root=$here/../..
"$root/scenarios/setup.sh" chromium python3
"$here/template.sh" --check

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/lost.scn" <<'SCN'
store policy=always persona=posix-min mutant=no-sync:segment.commit

start cut@idle:0ns
SET a 1
SET b "<b>&amp;</script>"

cut
rest lost

recover
SCN
# What breaks a promise ends with status 1.
view() { "$@" 2>"$work/log" || [[ $? -eq 1 ]] || { cat "$work/log" >&2; exit 1; }; }
view "$1" view "$work/lost.scn" --personas ext4,plp -o "$work/lost.html"
view "$1" view set100:everysec:ext4-ordered:power-cut:60:7 --personas xfs -o "$work/held.html"
view "$2" view toy-log+lines:always:ext4-ordered:power-cut:40:3 -o "$work/toy.html"
timeout 120 python3 "$here/browser_test.py" "$work"
