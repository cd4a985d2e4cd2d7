#!/usr/bin/env bash
# A Slurm of one node on loopback, from the distribution's packages, and a campaign on it in which a job is killed in
# the middle: the answer is that of one process. Needs root; stops what it started.
#   experiments/campaigns/slurm_test.sh
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
cd "$root"
((EUID == 0)) || { echo "slurm_test: needs root: munged and slurmd do" >&2; exit 3; }
scenarios/setup.sh slurmctld slurmd slurm-client munge
scenarios/build.sh powercut
powercut=$root/build/powercut

work=$(mktemp -d)
chmod 755 "$work"
pids=()
finish() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  wait 2>/dev/null || true
  rm -rf "$work"
}
trap finish EXIT
fail() {
  echo "slurm_test: $*" >&2
  tail -n 5 "$work"/*.log >&2 || true
  exit 1
}

host=$(hostname -s)
mkdir -p "$work"/{munge,state,spool}
chmod 700 "$work/munge"
head -c 128 /dev/urandom >"$work/munge/key"
chmod 400 "$work/munge/key"
munged --foreground --force --key-file="$work/munge/key" --socket="$work/munge.socket" --pid-file="$work/munge/pid" \
  --log-file="$work/munge/log" --seed-file="$work/munge/seed" >"$work/munged.log" 2>&1 &
pids+=($!)
cat >"$work/slurm.conf" <<END
ClusterName=loopback
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=26817
SlurmdPort=26818
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$work/munge.socket
StateSaveLocation=$work/state
SlurmdSpoolDir=$work/spool
SlurmctldPidFile=$work/slurmctld.pid
SlurmdPidFile=$work/slurmd.pid
SlurmctldLogFile=$work/slurmctld.log
SlurmdLogFile=$work/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=batch_sched_delay=0
ReturnToService=2
MpiDefault=none
NodeName=$host NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=all Nodes=$host Default=YES MaxTime=INFINITE State=UP
END
export SLURM_CONF=$work/slurm.conf
for _ in $(seq 100); do [[ -S $work/munge.socket ]] && break; sleep 0.1; done
slurmctld -D >"$work/slurmctld.out" 2>&1 &
pids+=($!)
slurmd -D >"$work/slurmd.out" 2>&1 &
pids+=($!)
for _ in $(seq 300); do sinfo -h -o %t 2>/dev/null | grep -qx idle && break; sleep 0.1; done
sinfo -h -o %t | grep -qx idle || fail "the node does not come up"

options=(--workload mixed --ops 60 --seeds 4000)
"$powercut" sweep "${options[@]}" --shard 1/4 --out "$work/1.jsonl" --json >/dev/null
campaign=(experiments/campaigns/slurm.sh "$work/campaign" 4 sweep "${options[@]}")
export POWERCUT=$powercut
"${campaign[@]}" >"$work/first" 2>"$work/err" &
campaign_pid=$!
pids+=("$campaign_pid")
# A worker dies in the middle.
victim=
for _ in $(seq 300); do
  victim=$(pgrep -f -- "--shard auto --out [0-9]*.jsonl" | while read -r pid; do
    [[ $(readlink "/proc/$pid/exe" 2>/dev/null) == "$powercut" ]] && echo "$pid"
  done | head -n 1) || true
  [[ -n $victim ]] && break
  sleep 0.1
done
[[ -n $victim ]] || fail "no worker to kill"
kill -9 "$victim"
status=0
wait "$campaign_pid" || status=$?
((status == 5)) || fail "a campaign without one of its shards ends with $status: $(cat "$work/err")"
"${campaign[@]}" >"$work/second" 2>>"$work/err" || fail "the second time: $(cat "$work/err")"
grep -q 'all 4 shards' "$work/second" || fail "what it says: $(cat "$work/second")"
cmp -s "$work/1.jsonl" "$work/campaign/1.jsonl" || fail "shard 1 is another one than in one process"
echo "slurm_test: a job was killed and made again: all 4 shards"
