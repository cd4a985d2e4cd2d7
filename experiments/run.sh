#!/usr/bin/env bash
# Builds an experiment, runs it twice, holds the tables against each other, plots, and puts all into
# results/: run.sh EXPERIMENT
# Are the committed tables what this build gives? run.sh --check [--sample] [--built] [EXPERIMENT...]: status 1
# if one is not. --sample: some of their rows, in seconds; --built: build nothing.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
cd "$root"

check() {
  local sample=0 build=1 status=0 name table work
  while [[ ${1:-} == --* ]]; do
    case $1 in
      --sample) sample=1 ;;
      --built) build=0 ;;
      *) echo "run.sh: $1 is not known" >&2; return 2 ;;
    esac
    shift
  done
  if (($# == 0)); then set -- $(cd experiments && ls -d e[0-9]*); fi
  if ((build)); then scenarios/build.sh "$@"; fi
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  for name in "$@"; do
    mkdir "$work/$name"
    POWERCUT_SAMPLE=$sample "build/$name" "$work/$name"
    for table in "$work/$name"/*.csv; do
      if ((sample)); then
        # Each row is one of the committed, in whatever order.
        grep -vxFf "results/$name/${table##*/}" "$table" | sed "s|^|$name/${table##*/}: not committed: |" | head -3
        grep -qvxFf "results/$name/${table##*/}" "$table" && status=1
      elif ! cmp "$table" "results/$name/${table##*/}"; then
        status=1
      fi
    done
  done
  if ((status)); then echo "stale: experiments/run.sh EXPERIMENT makes it again" >&2; fi
  return $status
}
if [[ ${1:-} == --check ]]; then
  shift
  check "$@"
  exit
fi

name=${1:-}
if [[ $# -ne 1 || ! -f experiments/$name/main.cc ]]; then
  echo "usage: experiments/run.sh EXPERIMENT; there are:" >&2
  (cd experiments && ls -d e[0-9]*) >&2
  exit 2
fi

scenarios/build.sh "$name"
POWERCUT_COMMAND="experiments/run.sh $name"
POWERCUT_COMMIT=$(git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
if [[ -n $(git status --porcelain --untracked-files=no -- . ':!results' 2>/dev/null) ]]; then
  POWERCUT_COMMIT+=-modified
fi
export POWERCUT_COMMAND POWERCUT_COMMIT

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/first" "$work/second"
"build/$name" "$work/first"
"build/$name" "$work/second"
for table in "$work"/first/*.csv; do
  cmp "$table" "$work/second/${table##*/}" || { echo "$name: two runs differ" >&2; exit 4; }
done
(cd "$work/first" && gnuplot "$root/experiments/$name/plot.gp")

mkdir -p "results/$name"
cp "$work"/first/* "results/$name/"
echo "results/$name:" "$(cd "results/$name" && ls | tr '\n' ' ')"
