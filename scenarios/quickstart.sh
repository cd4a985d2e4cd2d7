#!/usr/bin/env bash
# A minute of power cuts: quickstart.sh [SECONDS]. A web shop's traffic under every sync policy, on every
# simulated filesystem, with every fault. Prints the worst loss found beside what each policy promises, and
# the command that replays the worst case.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
cd "$root"
scenarios/setup.sh
scenarios/build.sh powercut

exec "$root/build/powercut" sweep --workload scenarios/workloads/web-shop.aof \
  --policy all --persona all --faults all --seconds "${1:-60}"
