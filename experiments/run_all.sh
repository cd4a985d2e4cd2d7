#!/usr/bin/env bash
# Makes everything in results/ again: run_all.sh [--figures] [--measured] [STEP...]. Takes up what was interrupted: a step
# is skipped if it was done with these sources (build/run_all has a mark for each). Figures take ten minutes on two cores,
# the rest twenty, what is measured fifty.
# --figures: only what has a program in experiments/. --measured: what is of this machine as well, into build/measured; leave
# the machine alone meanwhile. STEP: only these. --list: what there is.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
cd "$root"
powercut=build/powercut

figures() { for main in experiments/e[0-9]*/main.cc; do basename "${main%/main.cc}"; done; }
measured() { for script in experiments/e[0-9]*/measured.sh; do basename "${script%/measured.sh}"; done; }

calibration() {
  local table file
  for table in table:observed failed-sync:failed-sync; do
    file=faults/testdata/kernel-6.18/${table#*:}.jsonl
    { echo "# $powercut calibrate $file"; "$powercut" calibrate "$file"; } >"results/calibration/${table%:*}.txt"
  done
}
step() {
  case $1 in
    e[0-9]*)
      if [[ -f experiments/$1/main.cc ]]; then experiments/run.sh "$1"; else experiments/measure.sh --runs 3 "$1"; fi ;;
    calibration) calibration ;;
    *) bash "results/$1/run.sh" ;;
  esac
}

steps=($(figures))
others=(calibration stories fences view zoo)
only=() with_others=1 with_measured=0
for argument in "$@"; do
  case $argument in
    --figures) with_others=0 ;;
    --measured) with_measured=1 ;;
    --list) printf '%s\n' "${steps[@]}" "${others[@]}" $(measured); exit ;;
    -*) echo "run_all.sh: $argument is not known" >&2; exit 2 ;;
    *) only+=("$argument") ;;
  esac
done
if ((with_others)); then steps+=("${others[@]}"); fi
if ((with_measured)); then steps+=($(measured)); fi
if ((${#only[@]})); then steps=("${only[@]}"); fi

# What a step was done with: every tracked file as it stands, but for documents and what the steps write.
sources() {
  git ls-files -z -- . ':!results/*.csv' ':!results/*.svg' ':!results/*.pdf' ':!results/*.json' ':!results/*.txt' \
    ':!results/*.scn' ':!results/*.png' ':!results/*.gif' ':!*.md' | xargs -0 sha256sum | sha256sum | cut -d' ' -f1
}
marks=build/run_all
mkdir -p "$marks"
scenarios/build.sh powercut toy_log $(figures)
done_with=$(sources)

number=0 failed=()
began=$SECONDS
for name in "${steps[@]}"; do
  number=$((number + 1))
  if [[ $(cat "$marks/$name" 2>/dev/null) == "$done_with" ]]; then
    printf '[%d/%d] %s: done before\n' $number ${#steps[@]} "$name"
    continue
  fi
  printf '[%d/%d] %s ...\n' $number ${#steps[@]} "$name"
  start=$SECONDS
  if step "$name" >"$marks/$name.log" 2>&1; then
    echo "$done_with" >"$marks/$name"
    printf '      %d s\n' $((SECONDS - start))
  else
    failed+=("$name")
    printf '      FAILED; the end of %s:\n' "$marks/$name.log"
    tail -n 5 "$marks/$name.log"
  fi
done
printf '%d min in all\n' $(((SECONDS - began + 59) / 60))
if ((${#failed[@]})); then echo "failed: ${failed[*]}" >&2; exit 1; fi
