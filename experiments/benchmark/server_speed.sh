#!/usr/bin/env bash
# powercut-server beside redis-server on this machine, in pairs, one after the other and in turn first: requests a second
# as redis-benchmark counts them, and the processor time a request takes of the server, all threads, in the kernel and
# outside. Prints a table: the median of the ratios, and the lowest and the highest.
# usage: experiments/benchmark/server_speed.sh [PAIRS [TEST...]]
#   TEST  of redis-benchmark, pipeline 16, AOF off; or policies: SET under each; without one all of them
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
cd "$root"
pairs=${1:-5}
[[ $pairs =~ ^[1-9][0-9]*$ ]] || { echo "usage: experiments/benchmark/server_speed.sh [PAIRS [TEST...]]; $pairs is no number of pairs" >&2; exit 2; }
tests=("${@:2}")
port=7399
scenarios/setup.sh redis-server redis-tools
scenarios/build.sh powercut-server

work=$(mktemp -d)
source experiments/common/servers.sh

# rate BENCHMARK-OPTIONS...: requests a second.
rate() {
  redis-benchmark -p $port -q "$@" 2>/dev/null | tr '\r' '\n' | sed -n 's/.*: \([0-9.]*\) requests per second.*/\1/p' | tail -n 1
}

# Processor time of the server's threads so far, in ns.
processor_ns() { cat /proc/"$running"/task/*/schedstat 2>/dev/null | awk '{s += $1} END {printf "%.0f", s}'; }

# middle FORMAT: of numbers, one a line: the median, the lowest, the highest.
middle() { sort -n | awk -v format="$1" '{ r[NR] = $1 } END { printf format, r[int((NR + 1) / 2)], r[1], r[NR] }'; }

# compare LABEL "SERVER-OPTIONS" BENCHMARK-OPTIONS...
compare() {
  local label=$1 options=$2 requests=$3 ratios=() times=() first second before
  local -A rates ns
  shift 3
  for pair in $(seq "$pairs"); do
    if ((pair % 2)); then first=powercut second=redis; else first=redis second=powercut; fi
    for one in $first $second; do
      fresh
      # shellcheck disable=SC2086  # several words
      serve $one $options
      await
      before=$(processor_ns)
      rates[$one]=$(rate -n "$requests" "$@")
      ns[$one]=$((($(processor_ns) - before) / requests))
      stop
    done
    ratios+=("$(awk "BEGIN { printf \"%.2f\", ${rates[powercut]} / ${rates[redis]} }")")
    times+=("$(awk "BEGIN { printf \"%.2f\", ${ns[powercut]} / ${ns[redis]} }")")
  done
  printf '| %s | %s | %s | %.0f | %.0f | %s, %s |\n' "$label" "$(printf '%s\n' "${ratios[@]}" | middle '%.2f | %.2f to %.2f')" \
    "$(printf '%s\n' "${times[@]}" | middle '%.2f (%.2f to %.2f)')" "${rates[powercut]}" "${rates[redis]}" "${ns[powercut]}" "${ns[redis]}"
}

echo "$(redis-server --version | cut -d' ' -f1-3), $(nproc) cores of $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), Linux $(uname -r), $pairs pairs"
echo
echo '| what | requests a second, ratio | spread | processor time, ratio | ours, last | Redis, last | ns a request, ours, Redis |'
echo '|---|---|---|---|---|---|---|'
policies() {
  local policy options deep flat
  for policy in off no everysec always; do
    options="--appendonly yes --appendfsync $policy"
    [[ $policy != off ]] || options="--appendonly no"
    deep=400000 flat=60000
    [[ $policy != always ]] || deep=100000 flat=10000
    compare "SET, 64 B, 50 clients, pipeline 16, AOF $policy" "$options" $deep -t set -d 64 -c 50 -P 16 -r 100000
    compare "the same without pipeline, AOF $policy" "$options" $flat -t set -d 64 -c 50 -r 100000
  done
}
if ((${#tests[@]} == 0)); then
  policies
  compare "hset, 500 fields of one hash, pipeline 16, AOF off" "--appendonly no" 200000 -t hset -c 50 -P 16 -r 500
  tests=(ping_inline ping_mbulk get incr lpush rpush lpop rpop sadd hset spop zadd zpopmin lrange_100 lrange_300 mset)
fi
for test in "${tests[@]}"; do
  if [[ $test == policies ]]; then policies; continue; fi
  compare "$test, pipeline 16, AOF off" "--appendonly no" 200000 -t $test -c 50 -P 16 -r 100000
done
