#!/usr/bin/env bash
# SQLite, each journal mode with each `synchronous`, judged twice: in process, on the simulated disk, and as
# Debian ships its command line, recorded and cut. Writes a table of each, and which cells differ:
# results/programs/sqlite.txt (recorded), sqlite_in_process.txt, sqlite_differences.txt. With --in-process that
# one table alone, in seconds, on standard output.
source "$(dirname "${BASH_SOURCE[0]}")/../common.sh"

# Sectors of 4 KiB: a page is written whole or not.
personas=posix-min/sector=4096,ext4/sector=4096,xfs/sector=4096,btrfs/sector=4096
modes=()
for journal in delete truncate persist memory off wal; do
  for sync in off normal full extra; do modes+=("$journal:$sync"); done
done

mkdir "$folder/in_process"
for mode in "${modes[@]}"; do
  explored --target "sqlite:${mode/://}" --workload rows --policy always --persona "$personas" --json \
    >"$folder/in_process/$mode.json"
done
if [[ ${1:-} == --in-process ]]; then
  python3 "$here/../table.py" "$folder/in_process" "${modes[@]}"
  exit
fi
mkdir "$folder/recorded"
python3 "$here/../table.py" "$folder/in_process" "${modes[@]}" >results/programs/sqlite_in_process.txt

need sqlite3 sqlite3
recorded_modes=(delete:off delete:normal delete:full delete:extra wal:off wal:normal wal:full)
for mode in "${recorded_modes[@]}"; do
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
  explored --trace "$folder/$mode.trace" --persona "$personas" --json --ack '^kept' \
    --recover "sqlite3 bank.db 'PRAGMA integrity_check'" --observe "sqlite3 bank.db 'SELECT v FROM t'" \
    >"$folder/recorded/$mode.json"
done
python3 "$here/../table.py" "$folder/recorded" "${recorded_modes[@]}" >results/programs/sqlite.txt
python3 "$here/differences.py" results/programs/sqlite.txt results/programs/sqlite_in_process.txt \
  >results/programs/sqlite_differences.txt
cat results/programs/sqlite.txt results/programs/sqlite_in_process.txt results/programs/sqlite_differences.txt
