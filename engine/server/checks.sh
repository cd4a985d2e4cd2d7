# Sourced by this folder's tests of a running server: a directory `dir` that goes away at the end, and with it the server
# `pid` and those of `pids`; what is expected, and whether it was so (`failed`).
dir=$(mktemp -d)
pid=
pids=()
finish() {
  for one in $pid "${pids[@]}"; do kill -9 "$one" 2>/dev/null; done
  rm -rf "$dir"
}
trap finish EXIT

failed=0
fail() {
  local test=${0##*/}
  echo "${test%_test.sh}: $*" >&2
  failed=1
}
is() { [ "$2" = "$3" ] || fail "$1: '$2' instead of '$3'"; }
has() { [[ $2 == *"$3"* ]] || fail "$1: '$3' is not in '$2'"; }
