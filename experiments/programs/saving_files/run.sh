#!/usr/bin/env bash
# Twelve ways to save a file, each recorded and cut at every point: what survives on which persona. Builds
# what is missing, and writes results/programs/saving_files.txt.
source "$(dirname "${BASH_SOURCE[0]}")/../common.sh"
cc -O1 -Wall -o "$folder/save" "$here/save.c"

old=$(printf 'red%.0s' {1..200})
new=$(printf 'blue%.0s' {1..160})
ways=(truncate truncate-fsync in-place in-place-fsync rename rename-dirsync fsync-rename copy-kept
  fsync-rename-dirsync fdatasync-rename-dirsync osync-rename-dirsync nameless)
for way in "${ways[@]}"; do
  mkdir "$folder/$way"
  printf %s "$old" >"$folder/$way/settings"
  (cd "$folder/$way" && recorded -o "$folder/$way.trace" -- "$folder/save" "$way" settings "$new")
  explored --trace "$folder/$way.trace" --observe 'cat settings' --json >"$folder/$way.json"
done
python3 "$here/../table.py" "$folder" "${ways[@]}" >results/programs/saving_files.txt
cat results/programs/saving_files.txt
