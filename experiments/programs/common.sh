# Sourced by the script of each program. Goes to the root, builds powercut if it is not there, and makes a folder that
# goes away at the end. Sets `here` (the script's folder), `powercut` and `folder`.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[1]}")" && pwd -P)
cd "$here/../../.."
powercut=${POWERCUT:-$PWD/build/powercut}
[[ -x $powercut ]] || scenarios/build.sh powercut
mkdir -p results/programs
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# need COMMAND-OR-FILE PACKAGE...: installs the packages if it is not there.
need() {
  local what=$1
  shift
  command -v "$what" >/dev/null || [[ -e $what ]] || scenarios/setup.sh "$@"
}

# recorded ARGUMENT...: powercut record; what it says is only shown if it fails.
recorded() {
  "$powercut" record "$@" >/dev/null 2>"$folder/said" || { cat "$folder/said"; exit 1; }
}

# explored ARGUMENT...: powercut explore; a broken promise is a result, and so is one that was not judged in full.
explored() {
  local status=0
  "$powercut" explore "$@" || status=$?
  ((status <= 1 || status == 5)) || exit "$status"
}
