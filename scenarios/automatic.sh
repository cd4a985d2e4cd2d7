#!/usr/bin/env bash
# Builds the store with its automatic mutants (faults/automatic/README.md) into build-automatic/, draws a
# thousand, runs each, and writes results/zoo/automatic.json and the table of it, automatic.txt.
# automatic.sh ARGUMENT...: only builds, and runs that powercut with these arguments.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
cd "$root"
scenarios/setup.sh libclang-dev

mkdir -p build-automatic
log=build-automatic/build.log
tests=(engine_{store,checkpoint,command,aof,tier,recovery,backup,replication,sink,os_posix}_test engine_test scenarios_store_test
  scenarios_posix_test)
if ! { cmake --preset automatic &&
  cmake --build build-automatic --parallel "$(nproc)" --target powercut "${tests[@]}"; } >"$log" 2>&1; then
  echo "automatic: does not build; the end of $log:" >&2
  tail -n 40 "$log" >&2
  exit 1
fi

powercut=build-automatic/powercut
if (($# > 0)); then exec "$powercut" "$@"; fi
results=results/zoo/automatic
status=0
"$powercut" zoo --automatic 1000 --seed 1 --tests build-automatic --json >"$results.json" || status=$?
((status <= 1)) || exit "$status"
"$powercut" zoo --from "$results.json" | tee "$results.txt"
