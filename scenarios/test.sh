#!/usr/bin/env bash
# Builds everything and runs every test. Arguments go to ctest: test.sh -R sim
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
cd "$root"
scenarios/setup.sh chromium redis-server redis-tools  # a browser for the pages, and Redis to compare with
scenarios/build.sh

log=build/test.log
rm -f "$log"
status=0
ctest --test-dir build --parallel 2 --output-on-failure --no-tests=error --output-log "$log" "$@" ||
  status=$?

# ctest's summary in plain numbers, as the last line.
summary='^[0-9]+% tests passed, ([0-9]+) tests? failed out of ([0-9]+)$'
while IFS= read -r line; do
  if [[ $line =~ $summary ]]; then
    echo "$((BASH_REMATCH[2] - BASH_REMATCH[1])) passed, ${BASH_REMATCH[1]} failed"
  fi
done < <(cat "$log" 2>/dev/null)
exit "$status"
