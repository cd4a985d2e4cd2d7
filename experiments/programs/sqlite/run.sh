#!/usr/bin/env bash
# SQLite's own command line, as Debian ships it, recorded and cut: which journal mode keeps what with which
# `synchronous`. Installs sqlite3 if it is missing, builds what is missing, and writes results/programs/sqlite.txt.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
root=$(cd "$here/../../.." && pwd -P)
cd "$root"
command -v sqlite3 >/dev/null || scenarios/setup.sh sqlite3
powercut=${POWERCUT:-$root/build/powercut}
[[ -x $powercut ]] || scenarios/build.sh powercut

# Sectors of 4 KiB: a page is written whole or not.
personas=posix-min/sector=4096,ext4/sector=4096,xfs/sector=4096,btrfs/sector=4096
modes=(delete:off delete:normal delete:full delete:extra wal:off wal:normal wal:full)
mkdir -p results/programs
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for mode in "${modes[@]}"; do
  data=$folder/$mode
  mkdir "$data"
  sqlite3 "$data/bank.db" "PRAGMA journal_mode=${mode%:*}; CREATE TABLE t(v); INSERT INTO t VALUES('first');" >/dev/null
  # One line for each transaction that is done.
  {
    echo "PRAGMA synchronous=${mode#*:};"
    for i in 1 2; do echo "INSERT INTO t VALUES('number $i'); SELECT 'kept $i';"; done
  } >"$folder/statements"
  (cd "$data" && "$powercut" record -o "$folder/$mode.trace" --ignore '*-shm' -- \
    stdbuf -oL sqlite3 bank.db <"$folder/statements" >/dev/null 2>"$folder/said") || { cat "$folder/said"; exit 1; }
  status=0
  "$powercut" explore --trace "$folder/$mode.trace" --persona "$personas" --ack '^kept' --json \
    --recover "sqlite3 bank.db 'PRAGMA integrity_check'" --observe "sqlite3 bank.db 'SELECT v FROM t'" \
    >"$folder/$mode.json" || status=$?
  ((status <= 1 || status == 5)) || { cat "$folder/$mode.json"; exit "$status"; }
done
python3 "$here/../table.py" "$folder" "${modes[@]}" >results/programs/sqlite.txt
cat results/programs/sqlite.txt
