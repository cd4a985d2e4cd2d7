#!/usr/bin/env bash
# A campaign as an array of Slurm jobs: slurm.sh DIR SHARDS VERB ARGUMENT...
# DIR must be one that all nodes see. It waits for the array, and puts together what it came to. A job whose node is
# lost is started again by Slurm; the same command again makes what is missing, and nothing twice.
# Environment:
#   POWERCUT  the program [powercut]
#   SBATCH    further flags for sbatch, as --partition=long
#   MERGE     flags for `powercut merge`, as --junit FILE
set -euo pipefail

usage() {
  sed -n '2,8s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
  exit 2
}
(($# >= 3)) && [[ $2 =~ ^[1-9][0-9]*$ ]] || usage
dir=$1 shards=$2
shift 2
powercut=${POWERCUT:-powercut}
mkdir -p "$dir"
dir=$(cd "$dir" && pwd -P)

missing() {
  for shard in $(seq "$shards"); do [[ -e $dir/$shard.jsonl ]] || echo "$shard"; done
}
array=$(missing | paste -sd, -)
if [[ -n $array ]]; then
  # Which shard it is, each job reads from its number; how many there are, it cannot see in a part of the array.
  export POWERCUT_SHARDS=$shards
  # shellcheck disable=SC2086
  sbatch --array="$array" --wait --requeue --parsable --export=ALL --chdir="$dir" --output="$dir/%a.log" \
    ${SBATCH:-} /dev/stdin "$powercut" "$@" >"$dir/job" <<'END' &
#!/bin/sh
"$@" --jobs 1 --shard auto --out "$SLURM_ARRAY_TASK_ID.jsonl" --json >/dev/null || [ -e "$SLURM_ARRAY_TASK_ID.jsonl" ]
END
  waiting=$!
  seen=-1
  while kill -0 "$waiting" 2>/dev/null; do
    left=$(missing | wc -l)
    ((left == seen)) || echo "campaign: $((shards - left)) of $shards shards" >&2
    seen=$left
    sleep 2
  done
  wait "$waiting" || echo "campaign: a job of the array has failed: look into $dir/*.log" >&2
fi

mapfile -t left < <(missing)
if ((${#left[@]})); then
  echo "campaign: without results: shards ${left[*]}; the same command makes them" >&2
fi
files=("$dir"/[0-9]*.jsonl)
[[ -e ${files[0]} ]] || exit 3
# shellcheck disable=SC2086
exec "$powercut" merge "${files[@]}" ${MERGE:-}
