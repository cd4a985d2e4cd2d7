#!/usr/bin/env bash
# LevelDB, as Debian ships it: puts with sync=true into a database that is there, recorded and cut. Installs
# libleveldb-dev if it is missing, builds what is missing, and writes results/programs/leveldb.txt.
source "$(dirname "${BASH_SOURCE[0]}")/../common.sh"
need /usr/include/leveldb/db.h libleveldb-dev

mkdir "$folder/data"
g++ -O1 -o "$folder/puts" "$here/../puts.cc" -lleveldb
"$folder/puts" "$folder/data/db" put first >/dev/null
recorded -o "$folder/trace" --dir "$folder/data" -- "$folder/puts" "$folder/data/db" put a b
explored --trace "$folder/trace" --persona posix-min,ext4,xfs,btrfs --ack '^kept' \
  --recover "$folder/puts db get" >results/programs/leveldb.txt
cat results/programs/leveldb.txt
