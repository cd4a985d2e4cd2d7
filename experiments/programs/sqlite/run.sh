#!/usr/bin/env bash
# SQLite's own command line, as Debian ships it, recorded and cut: which journal mode keeps what with which
# `synchronous`. Installs sqlite3 if it is missing, builds what is missing, and writes results/programs/sqlite.txt.
source "$(dirname "${BASH_SOURCE[0]}")/../common.sh"
need sqlite3 sqlite3

# Sectors of 4 KiB: a page is written whole or not.
personas=posix-min/sector=4096,ext4/sector=4096,xfs/sector=4096,btrfs/sector=4096
modes=(delete:off delete:normal delete:full delete:extra wal:off wal:normal wal:full)
for mode in "${modes[@]}"; do
  data=$folder/$mode
  mkdir "$data"
  sqlite3 "$data/bank.db" "PRAGMA journal_mode=${mode%:*}; CREATE TABLE t(v); INSERT INTO t VALUES('first');" >/dev/null
  # One line for each transaction that is done.
  {
    echo "PRAGMA synchronous=${mode#*:};"
    for i in 1 2; do echo "INSERT INTO t VALUES('number $i'); SELECT 'kept $i';"; done
  } >"$folder/statements"
  recorded -o "$folder/$mode.trace" --dir "$data" --ignore '*-shm' -- \
    stdbuf -oL sqlite3 "$data/bank.db" <"$folder/statements"
  explored --trace "$folder/$mode.trace" --persona "$personas" --ack '^kept' --json \
    --recover "sqlite3 bank.db 'PRAGMA integrity_check'" --observe "sqlite3 bank.db 'SELECT v FROM t'" \
    >"$folder/$mode.json"
done
python3 "$here/../table.py" "$folder" "${modes[@]}" >results/programs/sqlite.txt
cat results/programs/sqlite.txt
