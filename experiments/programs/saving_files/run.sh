#!/usr/bin/env bash
# Twelve ways to save a file, each recorded and cut at every point: what survives on which persona. Builds
# what is missing, and writes results/programs/saving_files.txt.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
root=$(cd "$here/../../.." && pwd -P)
cd "$root"
powercut=${POWERCUT:-$root/build/powercut}
[[ -x $powercut ]] || scenarios/build.sh powercut

mkdir -p results/programs
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cc -O1 -Wall -o "$folder/save" "$here/save.c"

old=$(printf 'red%.0s' {1..200})
new=$(printf 'blue%.0s' {1..160})
ways=(truncate truncate-fsync in-place in-place-fsync rename rename-dirsync fsync-rename copy-kept
  fsync-rename-dirsync fdatasync-rename-dirsync osync-rename-dirsync nameless)
for way in "${ways[@]}"; do
  mkdir "$folder/$way"
  printf %s "$old" >"$folder/$way/settings"
  (cd "$folder/$way" && "$powercut" record -o "$folder/$way.trace" -- \
    "$folder/save" "$way" settings "$new" >/dev/null 2>"$folder/$way.said") || cat "$folder/$way.said"
  status=0
  "$powercut" explore --trace "$folder/$way.trace" --observe 'cat settings' --json \
    >"$folder/$way.json" || status=$?
  ((status <= 1 || status == 5)) || exit "$status"
done
python3 "$here/../table.py" "$folder" "${ways[@]}" >results/programs/saving_files.txt
cat results/programs/saving_files.txt
