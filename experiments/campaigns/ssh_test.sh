#!/usr/bin/env bash
# A campaign over two hosts by ssh, which are two sshd on loopback: each sees a folder of its own where the campaign's is, so
# that nothing but what parallel.sh fetches comes back. One host dies in the middle; the answer is that of one process.
# Needs root; stops what it started.
#   experiments/campaigns/ssh_test.sh
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
cd "$root"
((EUID == 0)) || { echo "ssh_test: needs root: it mounts a folder for each host" >&2; exit 3; }
scenarios/setup.sh openssh-server openssh-client rsync
scenarios/build.sh powercut
powercut=$root/build/powercut

work=$(mktemp -d)
pids=()
finish() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  wait 2>/dev/null || true
  rm -rf "$work"
}
trap finish EXIT
fail() {
  echo "ssh_test: $*" >&2
  exit 1
}

mkdir -p /run/sshd "$work/campaign"
ssh-keygen -q -t ed25519 -N '' -f "$work/host_key"
ssh-keygen -q -t ed25519 -N '' -f "$work/user_key"
port=26820
for host in one two; do
  port=$((port + 1))
  printf 'Host %s\n  HostName 127.0.0.1\n  Port %s\n' "$host" "$port" >>"$work/config"
  unshare --mount sh -c 'mount -t tmpfs none "$1" && shift && exec "$@"' sh "$work/campaign" \
    "$(command -v sshd)" -D -e -f /dev/null -p "$port" -h "$work/host_key" -o "AuthorizedKeysFile=$work/user_key.pub" \
    -o StrictModes=no -o PermitRootLogin=yes -o UsePAM=no -o "PidFile=$work/$host.pid" 2>"$work/$host.log" &
  pids+=($!)
done
printf '  IdentityFile %s\n  StrictHostKeyChecking no\n  UserKnownHostsFile /dev/null\n  LogLevel ERROR\n' "$work/user_key" |
  sed '1iHost *' >>"$work/config"
chmod 600 "$work/config"
export PARALLEL_SSH="ssh -F $work/config"
for host in one two; do
  for _ in $(seq 100); do $PARALLEL_SSH $host true 2>/dev/null && break; sleep 0.1; done
  $PARALLEL_SSH $host true || fail "$host does not answer: $(tail -n 1 "$work/$host.log")"
done

options=(--workload mixed --ops 60 --seeds 4000 --no-steer)
"$powercut" sweep "${options[@]}" --out "$work/whole.jsonl" --json >"$work/whole.json"
campaign=(experiments/campaigns/parallel.sh "$work/campaign" 8 sweep "${options[@]}")
export POWERCUT=$powercut POWERCUT_HOSTS=one,two POWERCUT_JOBS=1
"${campaign[@]}" >"$work/table" 2>"$work/err" &
campaign_pid=$!
pids+=("$campaign_pid")
for _ in $(seq 600); do
  (($(find "$work/campaign" -name '*.jsonl' | wc -l) >= 2)) && break
  sleep 0.1
done
pkill -9 --parent "$(cat "$work/two.pid")" || fail "nothing ran on two"
kill -9 "$(cat "$work/two.pid")"
status=0
wait "$campaign_pid" || status=$?
((status == 0 || status == 5)) || fail "without one of its hosts it ends with $status: $(cat "$work/err")"
POWERCUT_HOSTS=one "${campaign[@]}" >"$work/table" 2>>"$work/err" || fail "the second time: $(cat "$work/err")"
grep -q 'all 8 shards' "$work/table" || fail "what it says: $(cat "$work/table")"
"$powercut" merge "$work"/campaign/*.jsonl --json >"$work/merged.json"
/usr/bin/python3 "$root/experiments/campaigns/same.py" "$work/whole.json" "$work/merged.json" ||
  fail "it comes to something else than one process"
echo "ssh_test: two hosts, one of which died: all 8 shards, and what one process comes to"
