#!/usr/bin/env bash
# LevelDB, as Debian ships it: puts with sync=true into a database that is there, recorded and cut. Installs
# libleveldb-dev if it is missing, builds what is missing, and writes results/programs/leveldb.txt.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
root=$(cd "$here/../../.." && pwd -P)
cd "$root"
[[ -f /usr/include/leveldb/db.h ]] || scenarios/setup.sh libleveldb-dev
powercut=${POWERCUT:-$root/build/powercut}
[[ -x $powercut ]] || scenarios/build.sh powercut

mkdir -p results/programs
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/data"
g++ -O1 -o "$folder/puts" "$here/puts.cc" -lleveldb
"$folder/puts" "$folder/data/db" put first >/dev/null
"$powercut" record -o "$folder/trace" --dir "$folder/data" -- "$folder/puts" "$folder/data/db" put a b \
  >/dev/null 2>"$folder/said" || { cat "$folder/said"; exit 1; }
status=0
"$powercut" explore --trace "$folder/trace" --persona posix-min,ext4,xfs,btrfs --ack '^kept' \
  --recover "$folder/puts db get" >results/programs/leveldb.txt || status=$?
cat results/programs/leveldb.txt
((status <= 1 || status == 5))
