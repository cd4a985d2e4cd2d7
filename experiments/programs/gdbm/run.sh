#!/usr/bin/env bash
# GDBM, as Debian ships it: two stores into a database that is there, recorded and cut, on disks that write sectors of
# 512 bytes and of 4 KiB; and once more with the mapping that it uses by default, sampled. Installs gdbmtool if it is missing, builds what is missing, and writes
# results/programs/gdbm.txt.
source "$(dirname "${BASH_SOURCE[0]}")/../common.sh"
need gdbmtool gdbmtool

mkdir "$folder/data"
store() { printf '%s\nopen %s\nstore %s 1\nclose\n' "${mapping:-set nommap}" "$folder/data/db" "$1" | gdbmtool -q; }
store first
export -f store
export folder
recorded -o "$folder/trace" --dir "$folder/data" -- \
  bash -c 'for key in a b; do store $key && echo "kept $key"; done'
: >results/programs/gdbm.txt
for sector in 512 4096; do
  explored --trace "$folder/trace" --ack '^kept' --recover 'gdbmtool -r db list' \
    --persona "posix-min/sector=$sector,ext4/sector=$sector,xfs/sector=$sector,btrfs/sector=$sector" \
    >>results/programs/gdbm.txt
  echo >>results/programs/gdbm.txt
done
export mapping='set mmap'
recorded -o "$folder/trace" --mmap sample --dir "$folder/data" -- \
  bash -c 'for key in c d; do store $key && echo "kept $key"; done'
{
  echo '--- with its mapping, sampled ---'
  explored --trace "$folder/trace" --ack '^kept' --recover 'gdbmtool -r db list' --persona posix-min,ext4,xfs,btrfs
} >>results/programs/gdbm.txt
cat results/programs/gdbm.txt
