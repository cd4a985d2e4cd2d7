#!/usr/bin/env bash
# Is the memory of a night flat? memory.sh [RUNS [OPTION...]]: one process sweeps `mixed` under all policies on all personas
# with all faults, and keeps a campaign's file; its resident size and that of the file are noted ten times a minute. The
# status is 1 if one of them is larger in the last quarter than in the second one, by more than a tenth. Options are the
# sweep's: memory.sh 10000000 --ops 5 --beside none --jobs 1
# Environment: POWERCUT, the program [build/powercut].
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
runs=${1:-1000000}
[[ $runs =~ ^[1-9][0-9]*$ ]] || { echo "usage: experiments/campaigns/memory.sh [RUNS [OPTION...]]" >&2; exit 2; }
powercut=${POWERCUT:-$root/build/powercut}
work=$(mktemp -d)
trap 'kill "$pid" 2>/dev/null || true; rm -rf "$work"' EXIT

"$powercut" sweep --workload mixed --seeds "$runs" "${@:2}" --campaign "$work/campaign" >"$work/table" 2>"$work/err" &
pid=$!
while kill -0 "$pid" 2>/dev/null; do
  resident=$(sed -n 's/^VmRSS:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$pid/status" 2>/dev/null || true)
  [[ -z $resident ]] || echo "$resident $(($(stat -c %s "$work/campaign" 2>/dev/null || echo 0) / 1024))" >>"$work/samples"
  sleep 6
done
status=0
wait "$pid" || status=$?
((status <= 1)) || { tail -n 3 "$work/err" >&2; exit "$status"; }

awk -v runs="$runs" '
  { resident[NR] = $1; file[NR] = $2 }
  function most(of, from, to, i, m) { for (i = int(from * NR) + 1; i <= int(to * NR); ++i) if (of[i] > m) m = of[i]; return m + 0 }
  END {
    if (NR < 8) { print "too few samples: more runs" > "/dev/stderr"; exit 3 }
    printf "%d runs, %d samples; at most, in KiB\n%-10s %9s %9s\n", runs, NR, "quarter", "resident", "file"
    for (q = 0; q < 4; ++q) printf "%-10d %9d %9d\n", q + 1, most(resident, q / 4, (q + 1) / 4), most(file, q / 4, (q + 1) / 4)
    exit most(resident, 0.75, 1) > 1.1 * most(resident, 0.25, 0.5) || most(file, 0.75, 1) > 1.1 * most(file, 0.25, 0.5)
  }' "$work/samples"
