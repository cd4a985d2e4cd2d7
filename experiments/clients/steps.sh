# Steps that are counted, for the clients that are programs: to be sourced.
# shellcheck shell=bash
set -uo pipefail

client=
steps=0
failed=0
same() { # WHAT GOT WANTED
  steps=$((steps + 1))
  [[ $2 == "$3" ]] && return
  failed=1
  echo "$client: $1: '$2' instead of '$3'" >&2
}
has() { # WHAT GOT PATTERN
  steps=$((steps + 1))
  # shellcheck disable=SC2053  # a pattern
  [[ $2 == $3 ]] && return
  failed=1
  echo "$client: $1: '$3' is not in '$2'" >&2
}
kill_server() { $CLIENTS_KILL; }
end() {
  ((failed == 0)) || exit 1
  echo "$client: $steps steps, a kill -9 between, nothing acknowledged was lost"
}
