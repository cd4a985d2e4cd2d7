#!/usr/bin/env bash
# Builds an experiment, runs it twice, holds the tables against each other, plots, and puts all into
# results/: run.sh EXPERIMENT
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
cd "$root"
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
