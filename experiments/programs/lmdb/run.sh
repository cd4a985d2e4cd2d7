#!/usr/bin/env bash
# LMDB, as Debian ships it: two loads into an environment that is there, recorded and cut. Installs lmdb-utils if it is
# missing, builds what is missing, and writes results/programs/lmdb.txt.
source "$(dirname "${BASH_SOURCE[0]}")/../common.sh"
need mdb_load lmdb-utils

mkdir "$folder/data"
load() { printf '%s\n1\n' "$1" | mdb_load -T "$folder/data"; }
load first
export -f load
export folder
# The lock table is shared memory, and made anew: it need not be kept.
recorded -o "$folder/trace" --dir "$folder/data" --ignore lock.mdb -- \
  bash -c 'for key in a b; do load $key && echo "kept $key"; done'
explored --trace "$folder/trace" --persona posix-min,ext4,xfs,btrfs --ack '^kept' \
  --recover 'mdb_dump -p .' >results/programs/lmdb.txt
cat results/programs/lmdb.txt
