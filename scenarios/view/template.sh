#!/usr/bin/env bash
# Builds template.html from src/: one file, its script and style inside, and a policy that lets nothing else
# run. template.sh --check: says so, with status 1, if the committed one is another.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
hash_of() { openssl dgst -sha256 -binary "$1" | openssl base64 -A; }

script=$here/src/page.js
style=$here/src/page.css
built=$(mktemp)
trap 'rm -f "$built"' EXIT
awk -v script="$script" -v style="$style" -v script_hash="$(hash_of "$script")" -v style_hash="$(hash_of "$style")" '
  function inside(file,   line, text) {
    text = ""
    while ((getline line < file) > 0) text = text line "\n"
    return text
  }
  {
    at = index($0, "__SCRIPT__")
    if (at) { printf "%s%s%s\n", substr($0, 1, at - 1), inside(script), substr($0, at + 10); next }
    at = index($0, "__STYLE__")
    if (at) { printf "%s%s%s\n", substr($0, 1, at - 1), inside(style), substr($0, at + 9); next }
    sub("__SCRIPT_HASH__", script_hash)
    sub("__STYLE_HASH__", style_hash)
    print
  }' "$here/src/page.html" >"$built"

if [[ ${1:-} == --check ]]; then
  cmp -s "$built" "$here/template.html" || {
    echo "template.html is not what src/ makes: run scenarios/view/template.sh" >&2
    exit 1
  }
  exit 0
fi
cp "$built" "$here/template.html"
