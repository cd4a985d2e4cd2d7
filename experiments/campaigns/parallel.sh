#!/usr/bin/env bash
# A campaign on all cores of this machine, or of several: parallel.sh DIR SHARDS VERB ARGUMENT...
# GNU parallel deals out the shards; what they came to stands in DIR, and is put together at the end. The same
# command again makes what is missing, and nothing twice: after a kill, a reboot, or with more machines.
# Environment:
#   POWERCUT        the program [powercut]
#   POWERCUT_HOSTS  for ssh, with commas, each with the program and DIR under the same names (`:` is this one) [:]
#   POWERCUT_JOBS   shards at a time on each [the cores]; a shard has one thread
#   MERGE           flags for `powercut merge`, as --junit FILE
set -euo pipefail

usage() {
  sed -n '2,10s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
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
# A shard is done when its file is there, whatever it found. How many are, is the line of progress.
# shellcheck disable=SC2016
one='out=$1; number=$2; shift 2
"$@" --jobs 1 --shard "$number" --out "$out" --json >"$out.json" 2>"$out.err" || :
[ -e "$out" ] || { echo "campaign: shard $number ended without results: $(tail -n 1 "$out.err")" >&2; exit 1; }
rm -f "$out.json" "$out.err"
echo "campaign: $(ls "${out%/*}" | grep -c "^[0-9]*\.jsonl\$") of ${number#*/} shards" >&2'
missing | parallel --will-cite --sshlogin "${POWERCUT_HOSTS:-:}" --jobs "${POWERCUT_JOBS:-100%}" --retries 3 \
  --workdir "$dir" --line-buffer --quote sh -c "$one" sh "$dir/{}.jsonl" "{}/$shards" "$powercut" "$@" || :

mapfile -t left < <(missing)
if ((${#left[@]})); then
  echo "campaign: without results: shards ${left[*]}; the same command makes them" >&2
fi
files=("$dir"/[0-9]*.jsonl)
[[ -e ${files[0]} ]] || exit 3
# shellcheck disable=SC2086
exec "$powercut" merge "${files[@]}" ${MERGE:-}
