#!/usr/bin/env bash
# SQLite, each journal mode with each `synchronous`, judged twice: in process, on the simulated disk, and as
# Debian ships its command line, recorded and cut. Writes a table of each, and which cells differ:
# results/programs/sqlite.txt (recorded), sqlite_in_process.txt, sqlite_differences.txt. With --in-process that
# one table alone, in seconds, on standard output.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
root=$(cd "$here/../../.." && pwd -P)
cd "$root"
powercut=${POWERCUT:-$root/build/powercut}
[[ -x $powercut ]] || scenarios/build.sh powercut

# Sectors of 4 KiB: a page is written whole or not.
personas=posix-min/sector=4096,ext4/sector=4096,xfs/sector=4096,btrfs/sector=4096
modes=()
for journal in delete truncate persist memory off wal; do
  for sync in off normal full extra; do modes+=("$journal:$sync"); done
done
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

explored() {  # FILE ARGUMENTS...
  local file=$1 status=0
  shift
  "$powercut" explore --persona "$personas" --json "$@" >"$file" || status=$?
  ((status <= 1 || status == 5)) || { cat "$file"; exit "$status"; }
}

mkdir "$folder/in_process"
for mode in "${modes[@]}"; do
  explored "$folder/in_process/$mode.json" --target "sqlite:${mode/://}" --workload rows --policy always
done
if [[ ${1:-} == --in-process ]]; then
  python3 "$here/../table.py" "$folder/in_process" "${modes[@]}"
  exit
fi
mkdir -p results/programs "$folder/recorded"
python3 "$here/../table.py" "$folder/in_process" "${modes[@]}" >results/programs/sqlite_in_process.txt

command -v sqlite3 >/dev/null || scenarios/setup.sh sqlite3
recorded=(delete:off delete:normal delete:full delete:extra wal:off wal:normal wal:full)
for mode in "${recorded[@]}"; do
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
  explored "$folder/recorded/$mode.json" --trace "$folder/$mode.trace" --ack '^kept' \
    --recover "sqlite3 bank.db 'PRAGMA integrity_check'" --observe "sqlite3 bank.db 'SELECT v FROM t'"
done
python3 "$here/../table.py" "$folder/recorded" "${recorded[@]}" >results/programs/sqlite.txt
python3 "$here/differences.py" results/programs/sqlite.txt results/programs/sqlite_in_process.txt \
  >results/programs/sqlite_differences.txt
cat results/programs/sqlite.txt results/programs/sqlite_in_process.txt results/programs/sqlite_differences.txt
