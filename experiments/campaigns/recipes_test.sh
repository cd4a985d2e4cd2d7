#!/usr/bin/env bash
# The recipes that need one machine: a campaign by GNU parallel whose workers are killed in the middle, and which
# comes to what one process comes to; and the steps of the workflow file, one after the other.
# usage: recipes_test.sh POWERCUT
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
powercut=$(readlink -f "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() {
  echo "recipes: $*" >&2
  exit 1
}
cd "$work"
export POWERCUT=$powercut

# --- GNU parallel ---
options=(--workload mixed --ops 60 --seeds 3000 --no-steer)
"$powercut" sweep "${options[@]}" --out whole.jsonl --json >whole.json
campaign=("$here/parallel.sh" campaign 6 sweep "${options[@]}")
POWERCUT_JOBS=2 setsid "${campaign[@]}" >first 2>err &
leader=$!
# As soon as two shards are done, a worker is killed, and then the campaign as a whole: all in its session.
for _ in $(seq 600); do
  (($(find campaign -name '*.jsonl' 2>/dev/null | wc -l) >= 2)) && break
  kill -0 "$leader" 2>/dev/null || break
  sleep 0.05
done
session=$(ps -o pid= --sid "$leader" | tr -d ' ' || true)
workers=$(for pid in $session; do [[ $(readlink "/proc/$pid/exe" 2>/dev/null) == "$powercut" ]] && echo "$pid"; done || true)
[[ -z $workers ]] || kill -9 $workers 2>/dev/null || true
[[ -z $session ]] || kill -9 $session 2>/dev/null || true
wait "$leader" 2>/dev/null || true
[[ -n $session ]] || fail "the campaign was over before anything could be killed"
(($(find campaign -name '[0-9]*.jsonl' | wc -l) < 6)) || fail "the campaign was at its end when it was killed"
"${campaign[@]}" >second 2>err || fail "the second time: $(cat err)"
grep -q 'all 6 shards' second || fail "what it says: $(cat second)"
"$powercut" merge campaign/*.jsonl --json >merged.json
/usr/bin/python3 "$here/same.py" whole.json merged.json || fail "it comes to something else than one process"

# --- The workflow: its steps line by line, as the runner would call them ---
/usr/bin/python3 - "$here/workflow.yml" >steps <<'END'
import sys, yaml
jobs = yaml.safe_load(open(sys.argv[1]))["jobs"]
for name, job in jobs.items():
    matrix = job.get("strategy", {}).get("matrix", {}).get("shard", [None])
    for shard in matrix:
        for step in job["steps"]:
            if "run" in step and "apt-get" not in step["run"]:
                line = step["run"].strip().replace("\n", "; ")
                print(line.replace("${{ matrix.shard }}", str(shard)))
END
(($(wc -l <steps) >= 4)) || fail "the workflow has no steps"
mkdir bin && ln -s "$powercut" bin/powercut
export PATH=$work/bin:$PATH GITHUB_STEP_SUMMARY=$work/summary.md
while IFS= read -r step; do
  # The runner stops at the first step that fails.
  bash -e -o pipefail -c "$step" >step.out 2>&1 </dev/null || fail "the step \"$step\": $(tail -n 3 step.out)"
done < <(sed 's/--seeds [0-9]*/--seeds 200/g; s/--seconds [0-9]*/--seconds 1/g' steps)
grep -q '| held |' summary.md || fail "the summary of the job: $(cat summary.md)"
/usr/bin/python3 -c 'import sys, xml.etree.ElementTree as e; e.parse(sys.argv[1])' junit.xml || fail "the report"

# --- The manifest for Kubernetes: what it says fits together ---
/usr/bin/python3 - "$here/kubernetes.yaml" <<'END' || fail "the manifest"
import sys, yaml
job = next(d for d in yaml.safe_load_all(open(sys.argv[1])) if d["kind"] == "Job")
spec = job["spec"]
assert spec["completionMode"] == "Indexed"
container = spec["template"]["spec"]["containers"][0]
shards = next(e["value"] for e in container["env"] if e["name"] == "POWERCUT_SHARDS")
assert int(shards) == spec["completions"], (shards, spec["completions"])
assert "--shard" in container["args"] and "auto" in container["args"]
assert any("JOB_COMPLETION_INDEX" in a for a in container["args"])
END
