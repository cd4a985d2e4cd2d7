#!/usr/bin/env bash
# Builds an experiment, runs it twice, holds the tables against each other, plots, and puts all into
# results/: run.sh EXPERIMENT
# The pictures of the committed tables once more, with the style of today: run.sh --plot [EXPERIMENT...]
# Are the committed tables what this build gives? run.sh --check [--sample] [--built] [EXPERIMENT...]: status 1
# if one is not. --sample: some of their rows, in seconds; --built: build nothing.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
cd "$root"
source experiments/common/plot.sh

# All that are simulated: those with a program.
experiments() {
  local main
  for main in experiments/e[0-9]*/main.cc; do basename "${main%/main.cc}"; done
}

# Of the tables in DIRECTORY; run.json says of which build they are.
plot_simulated() {  # EXPERIMENT DIRECTORY
  plot "$1" "$2" "simulated, the same on every machine · $(field "$2" command) · commit $(field "$2" commit)"
}

check() {
  local sample=0 build=1 status=0 name table committed strange
  while [[ ${1:-} == --* ]]; do
    case $1 in
      --sample) sample=1 ;;
      --built) build=0 ;;
      *) echo "run.sh: $1 is not known" >&2; return 2 ;;
    esac
    shift
  done
  if (($# == 0)); then set -- $(experiments); fi
  if ((build)); then scenarios/build.sh "$@"; fi
  scratch=$(mktemp -d)
  trap 'rm -rf "$scratch"' EXIT
  for name in "$@"; do
    mkdir "$scratch/$name"
    POWERCUT_SAMPLE=$sample "${POWERCUT_BUILD:-build}/$name" "$scratch/$name"
    for table in "$scratch/$name"/*.csv; do
      committed=results/$name/${table##*/}
      if ((sample)); then
        # Each row is one of the committed, in whatever order.
        strange=$(grep -vxFf "$committed" "$table" | head -3 || true)
      else
        strange=$(cmp "$table" "$committed" 2>&1 || true)
      fi
      if [[ -n $strange ]]; then
        printf '%s is not what this build gives:\n%s\n' "$committed" "$strange" >&2
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
if [[ ${1:-} == --plot ]]; then
  shift
  for name in ${*:-$(experiments)}; do plot_simulated "$name" "results/$name"; done
  exit
fi

name=${1:-}
if [[ $# -ne 1 || ! -f experiments/$name/main.cc ]]; then
  echo "usage: experiments/run.sh EXPERIMENT; there are:" >&2
  experiments >&2
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
# Beside each other: what one does must not matter to the other.
"build/$name" "$work/first" &
first=$!
"build/$name" "$work/second"
wait "$first"
for table in "$work"/first/*.csv; do
  cmp "$table" "$work/second/${table##*/}" || { echo "$name: two runs differ" >&2; exit 4; }
done
plot_simulated "$name" "$work/first"

mkdir -p "results/$name"
cp "$work"/first/* "results/$name/"
echo "results/$name:" "$(cd "results/$name" && ls | tr '\n' ' ')"
