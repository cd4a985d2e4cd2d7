#!/usr/bin/env bash
# powercut-server beside redis-server with many keys: how long what it does of itself takes, and how much memory. In pairs,
# one after the other and in turn first. Prints a table, each ratio so that more is better for us: of times Redis's by ours,
# of bytes likewise. Leave the machine alone meanwhile: half an hour for three pairs.
# usage: experiments/benchmark/server_big.sh [PAIRS]
#   KEYS=N  so many, of 64 B each [2000000]
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
cd "$root"
pairs=${1:-3}
[[ $pairs =~ ^[1-9][0-9]*$ ]] || { echo "usage: experiments/benchmark/server_big.sh [PAIRS]; $pairs is no number of pairs" >&2; exit 2; }
keys=${KEYS:-2000000}
connections=2000
port=7400
scenarios/setup.sh redis-server redis-tools python3
scenarios/build.sh powercut-server powercut-load

mkdir -p build
work=$(mktemp -d build/server-big-XXXXXX)
source experiments/common/servers.sh
ulimit -n $((connections + 200)) 2>/dev/null || true

now_ms() { echo $(($(date +%s%N) / 1000000)); }

start() {  # powercut|redis OPTIONS...: returns when it answers, loaded
  serve "$@"
  await
}
fill() { redis-benchmark -p $port -q -t set -d 64 -n "$keys" -r 1000000000 -P 64 -c 8 >/dev/null 2>&1; }

# Each says its figure of one server: what it takes, so less is better.
replay() {
  fresh
  start "$1" --appendonly yes --appendfsync no --auto-aof-rewrite-percentage 0
  fill
  stop
  restarted "$1" --appendonly yes --appendfsync no --auto-aof-rewrite-percentage 0
}
restarted() {
  local begin
  begin=$(now_ms)
  start "$@"
  echo $(($(now_ms) - begin))
  stop
}
saving() {
  local begin
  fresh
  start "$1" --appendonly no
  fill
  begin=$(now_ms)
  ask save >/dev/null
  echo $(($(now_ms) - begin))
  stop
}
loading() { saving "$1" >/dev/null; restarted "$1" --appendonly no; }
hybrid() {
  fresh
  start "$1" --appendonly yes --appendfsync no --auto-aof-rewrite-percentage 0
  fill
  ask bgrewriteaof >/dev/null
  sleep 0.3
  while busy; do sleep 0.05; done
  stop
  restarted "$1" --appendonly yes --appendfsync no --auto-aof-rewrite-percentage 0
}
# WHICH: 7 the 99.9th percentile, 8 the longest, in us.
wait_while_saving() {
  fresh
  start "$1" --appendonly no
  fill
  build/powercut-load $port 5000 8 50 64 "$keys" >"$work/line" &
  local load=$!
  sleep 1
  ask bgsave >/dev/null
  wait $load
  stop
  cut -d, -f"$2" "$work/line"
}
extra_while_rewriting() {  # per mille of the data
  local before most now data
  fresh
  start "$1" --appendonly yes --appendfsync no --auto-aof-rewrite-percentage 0
  data=$(memory_kb)
  fill
  data=$(($(memory_kb) - data))
  redis-benchmark -p $port -q -t set -d 64 -n 100000000 -r "$keys" -P 16 -c 20 >/dev/null 2>&1 &
  local load=$!
  sleep 0.5
  before=$(memory_kb) most=$before
  ask bgrewriteaof >/dev/null
  sleep 0.1
  while busy; do
    now=$(memory_kb)
    if ((now > most)); then most=$now; fi
    sleep 0.02
  done
  kill $load
  wait $load 2>/dev/null || true
  stop
  echo $(((most - before) * 1000 / data + 1))
}
bytes_a_key() {
  local empty
  fresh
  start "$1" --appendonly no
  empty=$(memory_kb)
  fill
  echo $((($(memory_kb) - empty) * 1024 / $(ask dbsize)))
  stop
}
bytes_a_connection() {
  fresh
  start "$1" --appendonly no
  python3 - "$port" "$connections" "$running" <<'PYTHON'
import socket, sys
port, count, process = map(int, sys.argv[1:])
def memory():
    return next(int(line.split()[1]) for line in open(f"/proc/{process}/smaps_rollup") if line.startswith("Pss:"))
def more(n):
    held = [socket.create_connection(("127.0.0.1", port)) for _ in range(n)]
    for one in held:
        one.sendall(b"PING\r\n")
        one.recv(16)
    return held
first = more(100)
before = memory()
rest = more(count)
print((memory() - before) * 1024 // count)
PYTHON
  stop
}

compare() {  # LABEL UNIT FUNCTION ARGUMENTS...
  local label=$1 unit=$2 what=$3 ratios=() first second ours redis
  shift 3
  for pair in $(seq "$pairs"); do
    if ((pair % 2)); then first=powercut second=redis; else first=redis second=powercut; fi
    for one in $first $second; do
      if [[ $one == powercut ]]; then ours=$($what $one "$@"); else redis=$($what $one "$@"); fi
    done
    ratios+=("$(awk "BEGIN { printf \"%.2f\", $redis / ($ours > 0 ? $ours : 1) }")")
  done
  printf '%s\n' "${ratios[@]}" | sort -n | awk -v label="$label" -v ours="$ours" -v redis="$redis" -v unit="$unit" \
    '{ r[NR] = $1 } END { printf "| %s | %.2f | %.2f to %.2f | %d %s | %d %s |\n", label, r[int((NR + 1) / 2)], r[1], r[NR], ours, unit, redis, unit }'
}

echo "$(redis-server --version | cut -d' ' -f1-3), $(nproc) cores of $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), Linux $(uname -r), $pairs pairs, $keys keys"
echo
echo '| what | Redis / ours | spread | ours, last | Redis, last |'
echo '|---|---|---|---|---|'
compare "start on a log of $keys SETs" ms replay
compare "SAVE" ms saving
compare "start on that checkpoint" ms loading
compare "start on a rewritten log" ms hybrid
compare "SET at 5,000 a second beside BGSAVE, 99.9th percentile" us wait_while_saving 7
compare "the same, the longest" us wait_while_saving 8
compare "more memory while a rewrite runs under full load, of the data" "per mille" extra_while_rewriting
compare "memory a key, 64 B" B bytes_a_key
compare "memory a connection, idle" B bytes_a_connection
