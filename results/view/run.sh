#!/usr/bin/env bash
# Makes the pictures in this folder again: pages of `powercut view` in the distribution's Chromium, as the
# browser test sees them.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
shots=$(mktemp -d)
trap 'rm -rf "$shots"' EXIT
POWERCUT_SHOTS=$shots "$root/scenarios/view/browser_test.sh" "$root/build/powercut" "$root/build/toy_log"
for picture in verdict-1920 cut-360 held-dark-1920; do
  cp "$shots/$picture.png" "$root/results/view/"
done
