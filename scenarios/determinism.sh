#!/usr/bin/env bash
# One seed is one run, bit for bit: the hash over many runs must not depend on the number of threads, the
# invocation, the build type or the compiler.
#   scenarios/determinism.sh [--seeds N] [--workload NAME|FILE] [--jobs N] [PRESET...]
# Presets: release debug clang asan; without one, the first three. Exit status 1: hashes differ.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
cd "$root"
export CCACHE_BASEDIR="$root" CCACHE_NOHASHDIR=1

seeds=1000
workload=mixed
build_jobs=2
presets=()
usage() {
  sed -n '2,5s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
  exit "$1"
}
while (($#)); do
  case $1 in
    --seeds) seeds=${2:?--seeds needs a number} && shift 2 ;;
    --workload) workload=${2:?--workload needs a name} && shift 2 ;;
    --jobs) build_jobs=${2:?--jobs needs a number} && shift 2 ;;
    -h | --help) usage 0 ;;
    release | debug | clang | asan) presets+=("$1") && shift ;;
    *) usage 2 >&2 ;;
  esac
done
((${#presets[@]})) || presets=(release debug clang)

folder_of() { if [[ $1 == release ]]; then echo build; else echo "build-$1"; fi; }

log=$(mktemp)
trap 'rm -f "$log"' EXIT
for preset in "${presets[@]}"; do
  printf 'building %s\n' "$preset" >&2
  if ! { cmake --preset "$preset" && cmake --build --preset "$preset" --parallel "$build_jobs" --target powercut; } \
    >"$log" 2>&1; then
    printf 'determinism: preset %s does not build; the end of its log:\n' "$preset" >&2
    tail -n 40 "$log" >&2
    exit 3
  fi
done

# The JSON of a sweep; a broken promise (status 1) is not the question here.
sweep() {
  local status=0
  "$(folder_of "$1")/powercut" sweep --seeds "$seeds" --policy all --persona all --faults all \
    --workload "$workload" --jobs "$2" --json 2>"$log" || status=$?
  if ((status > 1)); then
    printf 'determinism: the sweep of %s ended with status %s:\n' "$1" "$status" >&2
    tail -n 5 "$log" >&2
    exit 3
  fi
}
value() { sed -nE "s/.*\"$2\": ?\"?([0-9a-fx]+)\"?[,}]?.*/\1/p" <<<"$1" | head -n 1; }

printf '%-10s %-6s %-5s %-8s %-9s %s\n' preset jobs turn runs crashes trace_hash
reference=
differing=0
row() {  # preset jobs turn
  local json hash mark=
  json=$(sweep "$1" "$2" | tr ',' '\n')
  hash=$(value "$json" trace_hash)
  if [[ -z $hash ]]; then
    printf 'determinism: the sweep of %s reports no trace_hash\n' "$1" >&2
    exit 3
  fi
  reference=${reference:-$hash}
  if [[ $hash != "$reference" ]]; then
    mark='  differs'
    differing=$((differing + 1))
  fi
  printf '%-10s %-6s %-5s %-8s %-9s %s%s\n' "$1" "$2" "$3" "$(value "$json" runs)" \
    "$(value "$json" crashes)" "$hash" "$mark"
}
for preset in "${presets[@]}"; do
  row "$preset" 1 1
  row "$preset" 2 1
done
row "${presets[0]}" 2 2

if ((differing)); then
  printf '%s of the sweeps differ from the first: halve --seeds until one run is left, then compare\n' "$differing"
  printf '`powercut replay ID --trace` of both builds; the first event that differs names the place\n'
  exit 1
fi
printf 'all equal\n'
