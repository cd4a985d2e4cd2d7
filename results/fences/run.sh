#!/bin/sh
# Makes both tables of this folder again: run.sh [POWERCUT]
set -eu
here=$(dirname "$0")
powercut=${1:-$here/../../build/powercut}
"$powercut" fences > "$here/table.txt"
"$powercut" list mutants | grep -o '^no-sync:[a-z_.]*' | while read -r mutant; do
  "$powercut" fences --missing "$mutant"
done > "$here/missing.txt"
