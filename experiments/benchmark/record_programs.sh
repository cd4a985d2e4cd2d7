#!/usr/bin/env bash
# How much slower real programs are while `powercut record` watches: SQLite, redis-server and PostgreSQL, each alone and
# recorded by turns; the median of the ratios, the lowest and the highest, and the load of the machine.
# record_programs.sh [ROUNDS [NAME...]]: a minute a round; names: sqlite redis-always redis-everysec postgresql. Installs what is missing.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
cd "$root"
rounds=${1:-5}
shift || true
names=("$@")
((${#names[@]} > 0)) || names=(sqlite redis-always redis-everysec postgresql)
scenarios/setup.sh sqlite3 redis-server redis-tools postgresql-15
scenarios/build.sh powercut powercut-hand-over
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cp build/powercut "$folder/powercut"
if ((EUID == 0)); then
  chown -R postgres "$folder"
  as=(setpriv --reuid postgres --regid postgres --clear-groups)
else
  as=()
fi
export PATH=/usr/lib/postgresql/15/bin:$PATH
cd "$folder"

cat >sqlite <<'S'
{ echo 'create table t (n int);'; for n in $(seq 1000); do echo "insert into t values ($n);"; done; } | sqlite3 data/t.db
S
cat >redis <<'S'
redis-server --port 0 --unixsocket "$PWD/socket" --dir data --save '' --appendonly yes --appendfsync "$1" --daemonize no >/dev/null &
for try in $(seq 200); do redis-cli -s socket ping >/dev/null 2>&1 && break; sleep 0.02; done
redis-benchmark -s socket -t set -n "$2" -c 16 -q >/dev/null
redis-cli -s socket shutdown nosave >/dev/null 2>&1
wait
S
cat >postgresql <<'S'
initdb -D data/made --wal-segsize=1 -A trust >/dev/null 2>&1
{ echo 'create table t (n int primary key);'; for n in $(seq 500); do echo "insert into t values ($n);"; done; } >session
postgres --single -D data/made postgres <session >/dev/null 2>&1
S
command_of() {
  case $1 in
    sqlite) echo bash sqlite ;;
    redis-always) echo bash redis always 10000 ;;
    redis-everysec) echo bash redis everysec 40000 ;;
    postgresql) echo bash postgresql ;;
    *) echo "record_programs.sh: $1 is not known" >&2; exit 2 ;;
  esac
}
# seconds COMMAND...: of a run in an empty directory.
seconds() {
  local begin
  "${as[@]}" rm -rf data socket
  "${as[@]}" mkdir data
  begin=$(date +%s%N)
  "${as[@]}" "$@" >said 2>&1 || { cat said >&2; exit 1; }
  awk -v ns=$(($(date +%s%N) - begin)) 'BEGIN { printf "%.4f", ns / 1e9 }'
}
for ((round = 0; round < rounds; ++round)); do
  for name in "${names[@]}"; do
    command=($(command_of "$name"))
    alone=$(seconds "${command[@]}")
    recorded=$(seconds ./powercut record -o trace --dir data -- "${command[@]}")
    echo "$name $alone $recorded" >>table
  done
done
python3 - <<'END'
import os, statistics
rows = [line.split() for line in open("table")]
for name in dict.fromkeys(row[0] for row in rows):
    alone = [float(row[1]) for row in rows if row[0] == name]
    recorded = [float(row[2]) for row in rows if row[0] == name]
    ratios = [b / a for a, b in zip(alone, recorded)]
    print(f"{name:15} alone {statistics.median(alone):6.2f} s, recorded {statistics.median(recorded):6.2f} s: "
          f"{statistics.median(ratios):.2f} times ({min(ratios):.2f} to {max(ratios):.2f}), {len(ratios)} pairs")
print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
END
