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

# The moving one: two writes that are acknowledged, a power cut, and what recovery finds.
"$root/scenarios/setup.sh" chromium python3-pil
cat >"$shots/lost.scn" <<'SCN'
store policy=always persona=posix-min mutant=no-sync:segment.commit

start cut@idle:0ns
SET a 1
SET b 2

cut
rest lost

recover
SCN
"$root/build/powercut" view "$shots/lost.scn" --personas ext4 -o "$shots/lost.html" 2>/dev/null || [[ $? -eq 1 ]]
for step in $(seq 20 2 48) verdict; do
  chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --window-size=1280,1060 \
    --virtual-time-budget=3000 --screenshot="$shots/moving-$step.png" "file://$shots/lost.html#$step" >/dev/null 2>&1
done
/usr/bin/python3 - "$shots" "$root/results/view/moving.gif" <<'PY'
import pathlib
import sys

from PIL import Image

paths = sorted(pathlib.Path(sys.argv[1]).glob("moving-*.png"), key=lambda path: (len(path.name), path.name))
frames = [Image.open(path).convert("RGB").resize((960, 795), Image.LANCZOS) for path in paths]
palette = frames[-1].quantize(64)
still = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
times = [900] * (len(still) - 1) + [5000]
still[0].save(sys.argv[2], save_all=True, append_images=still[1:], duration=times, loop=0, optimize=True)
PY
