#!/usr/bin/env bash
# RocksDB, as Debian ships it: puts with sync=true into a database that is there, recorded and cut. Installs
# librocksdb-dev if it is missing, builds what is missing, and writes results/programs/rocksdb.txt. Minutes.
source "$(dirname "${BASH_SOURCE[0]}")/../common.sh"
need /usr/include/rocksdb/db.h librocksdb-dev

mkdir "$folder/data"
g++ -std=c++17 -O1 -o "$folder/puts" -DROCKSDB "$here/../puts.cc" -lrocksdb
"$folder/puts" "$folder/data/db" put first >/dev/null
recorded -o "$folder/trace" --dir "$folder/data" -- "$folder/puts" "$folder/data/db" put a b
# Where these do not suffice, the table says so.
explored --trace "$folder/trace" --persona posix-min,xfs,ext4,btrfs --recoveries 6000 --ack '^kept' \
  --recover "$folder/puts db get" >results/programs/rocksdb.txt
cat results/programs/rocksdb.txt
