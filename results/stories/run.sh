#!/usr/bin/env bash
# Makes the stories in this folder again: five of the subtlest planted bugs, each found by exploring or by a
# sweep, made small, and told; and what SQLite loses, in which nothing is planted. Takes some seconds after the build.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
powercut=$root/build/powercut
here=$root/results/stories
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# What breaks a promise ends with status 1, and that is what is looked for here.
expect_broken() {
  local status=0
  "$@" || status=$?
  [[ $status -eq 1 ]] || { echo "run.sh: status $status of: $*" >&2; exit 1; }
}

tell() {
  expect_broken "$powercut" shrink "$2" -o "$work/$1" >"$here/$1.txt" 2>"$work/log"
  cp "$work/$1"/*.scn "$here/$1.scn"
}

explored() {
  local mutant=$1 policy=$2 persona=$3
  shift 3
  local name=${mutant//[:.]/-}
  expect_broken "$powercut" explore --policy "$policy" --persona "$persona" --mutant "$mutant" --first \
    -o "$work/$name.scn" "$@" >"$work/log" 2>&1
  tell "$name" "$work/$name.scn"
}

swept() {
  local mutant=$1 id
  shift
  expect_broken "$powercut" sweep --workload mixed --seeds 4000 --mutant "$mutant" --json "$@" >"$work/sweep.json"
  id=$(sed -n 's/.*"first_violation": "\(.*\)",/\1/p' "$work/sweep.json")
  tell "${mutant//[:.]/-}" "$id"
}

# A bug of powercut's own, put back.
regressed() {
  sed "0,/^store.*/s//& mutant=$1/" "$root/scenarios/regressions/$2.scn" >"$work/$1.scn"
  tell "$1" "$work/$1.scn"
}

# SQLite, as it is.
of_sqlite() {
  local name=sqlite-${1/\//-}
  expect_broken "$powercut" explore --target "sqlite:$1" --policy always --persona "$2" --first \
    -o "$work/$name.scn" >"$work/log" 2>&1
  tell "$name" "$work/$name.scn"
}

explored select-not-repeated hybrid-always ext4-writeback
explored recovery-crosses-hole everysec ext4-ordered
explored synced-offset-ahead everysec posix-min
swept failed-sync-retried --policy everysec --persona ext4-ordered
regressed replaced-forgotten replaced_manifest_outlived_by_a_delayed_write
of_sqlite delete/full ext4-ordered/sector=4096
