# For experiments/measure.sh: what a campaign of GNU parallel takes on the cores there are, what a shard costs besides its
# runs, and what it takes to put shards together.
columns=what,shards,cores,run,runs,seconds

scenarios/setup.sh parallel
scenarios/build.sh powercut

# timed WHAT SHARDS CORES RUNS COMMAND...: a row. What was found is not asked here.
timed() {
  local row="$1,$2,$3,$run,$4" begin
  shift 4
  begin=$(date +%s%N)
  "$@" >/dev/null 2>&1 || :
  awk -v row="$row" -v ns=$(($(date +%s%N) - begin)) 'BEGIN { printf "%s,%.3f\n", row, ns / 1e9 }'
}
campaign() {  # SHARDS CORES RUNS
  rm -rf "$work/shards"
  POWERCUT=$root/build/powercut POWERCUT_JOBS=$2 timed campaign "$1" "$2" "$3" experiments/campaigns/parallel.sh "$work/shards" "$1" \
    sweep --workload mixed --no-steer --seeds "$3"
}

measure() {  # RUN
  local run=$1 cores long=16000 short=8192
  ((!smoke)) || long=512 short=512
  for ((cores = 1; cores <= $(nproc); cores *= 2)); do
    timed sweep 1 $cores $long build/powercut sweep --workload mixed --no-steer --seeds $long --jobs $cores
    campaign 16 $cores $long
  done
  # The smallest shards there are, a chunk of 32 runs: what is left when the runs are taken off is the shard's own.
  campaign $((short / 32)) 1 $short
  timed merge $((short / 32)) 1 $short build/powercut merge "$work"/shards/[0-9]*.jsonl
}
