#!/usr/bin/env bash
# What `powercut record` adds to a write of 64 bytes: a run alone and a recorded one by turns, the median of each, and the
# load of the machine meanwhile. record_cost.sh [ROUNDS [WRITES]]. Some seconds.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
powercut=${POWERCUT:-$here/../../build/powercut}
rounds=${1:-15} writes=${2:-20000}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cc -O2 -o "$folder/cost" "$here/record_cost.c"
mkdir "$folder/data"
for ((round = 0; round < rounds; ++round)); do
  "$folder/cost" "$folder/data/f" "$writes" 2>>"$folder/alone"
  "$powercut" record -o "$folder/trace" --dir "$folder/data" -- "$folder/cost" "$folder/data/f" "$writes" 2>&1 |
    grep -x '[0-9]*' >>"$folder/recorded"
done
python3 - "$folder" <<'END'
import os, statistics, sys
alone, recorded = ([int(line) / 1000 for line in open(f"{sys.argv[1]}/{name}")] for name in ("alone", "recorded"))
added = [b - a for a, b in zip(alone, recorded)]
print(f"alone {statistics.median(alone):.1f} us, recorded {statistics.median(recorded):.1f} us; "
      f"added {statistics.median(added):.1f} us (least {min(added):.1f}), in {len(added)} pairs; "
      f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
END
