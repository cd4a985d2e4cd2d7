# Sourced by this folder's tests of a running server: a directory `dir` that goes away at the end, and with it the server
# `pid` and those of `pids`; what is expected, and whether it was so (`failed`); and when a server is ready.
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

# find_port: of the server `pid`, which writes to $dir/log; sets `port`. 1: it has ended, or does not get ready.
find_port() {
  port=
  for _ in $(seq 400); do
    port=$(sed -n 's/.*ready on 127.*:\([0-9]*\)$/\1/p' "$dir/log")
    [ -z "$port" ] || return 0
    kill -0 "$pid" 2>/dev/null || return 1
    sleep 0.02
  done
  return 1
}
# must_be_ready: the same, or the test ends.
must_be_ready() {
  find_port || { fail "it does not get ready: $(cat "$dir/log")" && exit 1; }
}

# end SIGNAL: of the server `pid`, if there is one.
end() { [ -z "$pid" ] || { kill "$1" "$pid" && wait "$pid" 2>/dev/null; }; pid=; }

# serve COMMAND...: a server in place of the one before, which is killed; it writes to $dir/log. Sets `pid` and `port`.
serve() {
  end -9
  : >"$dir/log"
  "$@" >>"$dir/log" 2>&1 &
  pid=$!
  must_be_ready
}

# ask REQUEST...: over a connection of its own, at `port`; the lines of the replies with blanks between.
ask() {
  exec 9<>"/dev/tcp/127.0.0.1/$port"
  printf '%s\r\n' "$@" QUIT >&9
  tr -d '\r' <&9 | sed '$d' | tr '\n' ' ' | sed 's/ $//'
  exec 9>&-
}
# figure NAME: that line of INFO persistence.
figure() { ask 'INFO persistence' | tr ' ' '\n' | sed -n "s/^$1:\(.*\)$/\1/p"; }
# until_so WHAT COMMAND...: waits until the command's output has WHAT in it.
until_so() {
  local what=$1 out
  shift
  for _ in $(seq 600); do
    out=$("$@")
    [[ $out == *"$what"* ]] && return 0
    sleep 0.05
  done
  fail "'$what' does not come: $out"
}
# caught_up: waits until the database behind the server has all.
caught_up() { until_so ' sink_behind_lsn:0 ' ask 'INFO persistence'; }
# sql_of FILE TEXT: the rows of a SQLite file of the server, fields with | between.
sql_of() {
  /usr/bin/python3 - "$dir/data/$1" "$2" <<'END'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], timeout=10)
for row in db.execute(sys.argv[2]).fetchall():
    print("|".join(str(field) for field in row))
db.commit()
END
}
