#!/usr/bin/env bash
# redis-server, as Debian ships it, with appendfsync always, three writes and a rewrite: recorded and cut. Installs
# redis-server if it is missing, builds what is missing, and writes results/programs/redis.txt. Some minutes.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
root=$(cd "$here/../../.." && pwd -P)
cd "$root"
command -v redis-server >/dev/null || scenarios/setup.sh redis-server
powercut=${POWERCUT:-$root/build/powercut}
[[ -x $powercut ]] || scenarios/build.sh powercut

mkdir -p results/programs
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/data"
"$powercut" record -o "$folder/trace" --dir "$folder/data" -- sh "$here/traffic.sh" "$folder/data" "$folder/socket" \
  >/dev/null 2>"$folder/said" || { cat "$folder/said"; exit 1; }
status=0
: >results/programs/redis.txt
for persona in xfs btrfs ext4 posix-min; do
  "$powercut" explore --trace "$folder/trace" --persona "$persona" --ack '^[abc] OK' \
    --recover "sh $here/look.sh" >>results/programs/redis.txt || status=$?
  ((status <= 1 || status == 5)) || exit "$status"
  echo >>results/programs/redis.txt
done
cat results/programs/redis.txt
