#!/bin/sh
# Makes the table of this folder again: run.sh [POWERCUT]. Two hours on two cores. Where a search was
# stopped by its seconds, and in the seconds themselves, a slower machine says something else.
set -eu
here=$(dirname "$0")
powercut=${1:-$here/../../build/powercut}
"$powercut" zoo --seeds 2000 --seconds-per-mutant 12 --json > "$here/zoo.json"
"$powercut" zoo --from "$here/zoo.json" > "$here/table.txt"
