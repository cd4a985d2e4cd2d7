#!/usr/bin/env bash
# A campaign on all cores of this machine, or of several: parallel.sh DIR SHARDS VERB ARGUMENT...
# GNU parallel deals out the shards; what they came to stands in DIR, and is put together at the end. The same
# command again makes what is missing, and nothing twice: after a kill, a reboot, or with more machines.
# Environment:
#   POWERCUT        the program [powercut]
#   POWERCUT_HOSTS  for ssh, with commas, each with the program under the same name, and rsync (`:` is this one) [:]
#   POWERCUT_JOBS   shards at a time on each [the cores]; a shard has one thread
#   MERGE           flags for `powercut merge`, as --junit FILE
set -euo pipefail

source "$(dirname "${BASH_SOURCE[0]}")/campaign.sh"
begin "$@"
shift 2

# What a shard came to is fetched from the host that made it, and removed there.
# shellcheck disable=SC2016
one='out=$1; number=$2; shift 2
"$@" --jobs 1 --shard "$number" --out "$out" --json >/dev/null 2>"$out.err" || :
[ -e "$out" ] || { echo "campaign: shard $number ended without results: $(tail -n 1 "$out.err")" >&2; exit 1; }
rm -f "$out.err"'
missing | parallel --will-cite --sshlogin "${POWERCUT_HOSTS:-:}" --jobs "${POWERCUT_JOBS:-100%}" --retries 3 \
  --workdir "$dir" --return "$dir/{}.jsonl" --cleanup --line-buffer \
  --quote sh -c "$one" sh "$dir/{}.jsonl" "{}/$shards" "$powercut" "$@" &
watch $! || :

put_together
