#!/usr/bin/env bash
# A campaign on Kubernetes: kubernetes.sh. Applies kubernetes.yaml (whose image, verb and options are yours to say),
# waits with a line of progress, and puts together what the pods wrote, in a pod beside them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

kubectl apply -f kubernetes.yaml
of=$(kubectl get job powercut -o jsonpath='{.spec.completions}')
seen=
while :; do
  read -r done failed < <(kubectl get job powercut -o jsonpath='{.status.succeeded} {.status.conditions[?(@.type=="Failed")].status}{"\n"}') || true
  [[ ${done:-0} == "$seen" ]] || echo "campaign: ${done:-0} of $of shards" >&2
  seen=${done:-0}
  [[ $seen == "$of" || ${failed:-} == True ]] && break
  sleep 10
done
exec kubectl run powercut-merge --rm -i --quiet --restart=Never --image=powercut --overrides='{"spec": {"containers": [
  {"name": "powercut-merge", "image": "powercut", "command": ["sh", "-c", "powercut merge /results/*.jsonl"],
   "volumeMounts": [{"name": "results", "mountPath": "/results"}]}],
  "volumes": [{"name": "results", "persistentVolumeClaim": {"claimName": "powercut-results"}}]}}'
