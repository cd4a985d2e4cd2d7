#!/usr/bin/env bash
# Builds into build/ (preset release): build.sh [TARGET...], without one everything.
# Quiet: a counter on a terminal, and the log only when something fails.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
cd "$root"
mkdir -p build
log=build/build.log

fail() {
  printf 'build: %s; the end of %s:\n' "$1" "$root/$log" >&2
  tail -n 40 "$log" >&2
  exit 1
}

# Prints ninja's [done/total] over itself.
progress() {
  local line
  while IFS= read -r line; do
    if [[ -t 2 && $line =~ ^\[[0-9]+/[0-9]+\] ]]; then
      printf '\rbuilding %s ' "${BASH_REMATCH[0]}" >&2
    fi
  done
  if [[ -t 2 ]]; then printf '\r\033[K' >&2; fi
}

fresh=()  # a tree that was moved or copied brings a cache that names its old place
if [[ -f build/CMakeCache.txt ]] && ! grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$root" build/CMakeCache.txt; then
  fresh=(--fresh)
fi
cmake --preset release "${fresh[@]}" >"$log" 2>&1 || fail "cannot configure"

targets=()
if (($# > 0)); then targets=(--target "$@"); fi
cmake --build build --parallel "$(nproc)" "${targets[@]}" 2>&1 | tee -a "$log" | progress ||
  fail "does not compile"
