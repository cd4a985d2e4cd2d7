#!/usr/bin/env bash
# Measures on this machine, beside redis-server: measure.sh [--smoke] [--runs N] EXPERIMENT. What comes out is of this
# machine and this hour, so it goes to build/measured/EXPERIMENT (or POWERCUT_MEASURED), and not into results/. Leave the
# machine alone meanwhile. --smoke: seconds, to see that it works; the numbers mean nothing.
# The pictures of what is kept in results/measured once more, with the style of today: measure.sh --plot [EXPERIMENT...]
# POWERCUT_MEASURE_DIRECTORY: where the servers write, and so which disk is measured; by default below build/.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
cd "$root"
source experiments/common/plot.sh

# Of the table in DIRECTORY; run.json says where and when it was measured.
plot_measured() {  # EXPERIMENT DIRECTORY
  local runs kind
  runs=$(sed -n 's/^  "runs": \([0-9]*\),$/\1/p' "$2/run.json")
  kind="measured, $runs runs, lowest to highest"
  ! grep -q '"smoke": 1' "$2/run.json" || kind="SMOKE TEST, no measurement"
  plot "$1" "$2" "$kind · $(field "$2" machine) · redis $(field "$2" redis) · commit $(field "$2" commit)"
}
if [[ ${1:-} == --plot ]]; then
  shift
  for name in ${*:-$(ls results/measured)}; do plot_measured "$name" "results/measured/$name"; done
  exit
fi

smoke=0 runs=5
while [[ ${1:-} == --* ]]; do
  case $1 in
    --smoke) smoke=1 runs=1 ;;
    --runs) runs=${2:?}; shift ;;
    *) echo "measure.sh: $1 is not known" >&2; exit 2 ;;
  esac
  shift
done
name=${1:-}
if [[ $# -ne 1 || ! -f experiments/$name/measured.sh ]]; then
  echo "usage: experiments/measure.sh [--smoke] [--runs N] EXPERIMENT; there are:" >&2
  (cd experiments && ls -d e[0-9]*/measured.sh | xargs -n 1 dirname) >&2
  exit 2
fi
scenarios/setup.sh redis-server redis-tools
scenarios/build.sh powercut-server powercut-load

mkdir -p "${POWERCUT_MEASURE_DIRECTORY:-build}"
work=$(mktemp -d "${POWERCUT_MEASURE_DIRECTORY:-build}/measure-XXXXXX")
out=${POWERCUT_MEASURED:-build/measured}/$name
mkdir -p "$out"
port=7398
source experiments/common/servers.sh
# load RATE SECONDS [CONNECTIONS [VALUE_BYTES [KEYS [FILE]]]]: a line as powercut-load prints it.
load() { build/powercut-load $port "$1" "$2" "${3:-50}" "${4:-64}" "${5:-100000}" ${6:+"$6"}; }

filesystem=$(df --output=fstype "$work" | tail -n 1)
machine="$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(nproc) cores, $filesystem, Linux $(uname -r)"
redis=$(redis-server --version | sed -n 's/.*v=\([^ ]*\).*/\1/p')

source "experiments/$name/measured.sh"
echo "$columns" >"$work/data.csv"
for run in $(seq "$runs"); do
  echo "run $run of $runs" >&2
  measure "$run" >>"$work/data.csv"
done
cp "$work/data.csv" "$out/"
commit=$(git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
cat >"$out/run.json" <<JSON
{
  "experiment": "$name",
  "command": "experiments/measure.sh $name",
  "commit": "$commit",
  "smoke": $smoke,
  "runs": $runs,
  "machine": "$machine",
  "redis": "$redis",
  "load_average": "$(cut -d' ' -f1-3 /proc/loadavg)",
  "at": "$(date -u +%Y-%m-%dT%H:%MZ)"
}
JSON
plot_measured "$name" "$out"
echo "$out:" "$(cd "$out" && ls | tr '\n' ' ')"
