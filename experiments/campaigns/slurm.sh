#!/usr/bin/env bash
# A campaign as an array of Slurm jobs: slurm.sh DIR SHARDS VERB ARGUMENT...
# DIR must be one that all nodes see. It waits for the array, and puts together what it came to. A job whose node is
# lost is started again by Slurm; the same command again makes what is missing, and nothing twice.
# Environment:
#   POWERCUT  the program [powercut]
#   SBATCH    further flags for sbatch, as --partition=long
#   MERGE     flags for `powercut merge`, as --junit FILE
set -euo pipefail

source "$(dirname "${BASH_SOURCE[0]}")/campaign.sh"
begin "$@"
shift 2

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
  watch $! || echo "campaign: a job of the array has failed: look into $dir/*.log" >&2
fi

put_together
