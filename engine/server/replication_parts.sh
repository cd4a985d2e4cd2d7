# What the tests of replication share, of both roles: nodes with names, ours and redis-server's, and what is written to one
# and read of another. To be sourced, with `server` set to powercut-server.
set -eu

dir=$(mktemp -d)
pids=
finish() {
  for pid in $pids; do kill -9 "$pid" 2>/dev/null || true; done
  rm -rf "$dir"
}
trap finish EXIT

fail() {
  echo "$test: $*" >&2
  for log in "$dir"/*.log; do echo "== $log"; tail -n 15 "$log"; done >&2
  exit 1
}
# is WHAT HAVE WANTED
is() { [ "$2" = "$3" ] || fail "$1: '$2' instead of '$3'"; }
# until_is WHAT WANTED COMMAND...: asks again and again.
until_is() {
  what=$1 wanted=$2
  shift 2
  for _ in $(seq 300); do
    have=$("$@" 2>&1) || true
    [ "$have" != "$wanted" ] || return 0
    sleep 0.05
  done
  fail "$what: '$have' instead of '$wanted'"
}

# A port at which nobody answers.
free_port() {
  for try in $(seq 50); do
    tried=$((tried + 37))
    chosen=$((20000 + ($$ * 7 + tried) % 12000))
    redis-cli -p $chosen PING 2>&1 | grep -q refused && return 0
  done
  fail "no free port"
}
tried=0
# start_node NAME OPTIONS...: powercut-server in $dir/NAME, at the port where it was before; sets `process`.
start_node() {
  name=$1
  shift
  mkdir -p "$dir/$name"
  if [ -f "$dir/$name.port" ]; then before=$(cat "$dir/$name.port"); else free_port && before=$chosen; fi
  : >"$dir/$name.log"
  "$server" --port "$before" --bind 127.0.0.1 --dir "$dir/$name" "$@" >"$dir/$name.log" 2>&1 &
  process=$!
  pids="$pids $process"
  until_is "powercut-server starts" 1 grep -c "ready on .*:$before\$" "$dir/$name.log"
  sed -n 's/.*ready on .*:\([0-9]*\)$/\1/p' "$dir/$name.log" >"$dir/$name.port"
  echo "-p $(cat "$dir/$name.port")" >"$dir/$name.at"
}
login=  # how redis-cli says who it is to those that start
# start_redis NAME OPTIONS...: at the socket $dir/NAME.sock, and at no port unless told so; sets `redis`, its process.
start_redis() {
  name=$1
  shift
  mkdir -p "$dir/$name"
  redis-server --port 0 --bind 127.0.0.1 --unixsocket "$dir/$name.sock" --dir "$dir/$name" --save "" \
    --daemonize no "$@" >"$dir/$name.log" 2>&1 &
  redis=$!
  pids="$pids $redis"
  echo "-s $dir/$name.sock $login" >"$dir/$name.at"
  until_is "redis-server starts" PONG say "$name" PING
}
# open_port NAME: that redis-server listens at a port as well, $dir/NAME.port.
open_port() {
  free_port
  is "its port" "$(say "$1" CONFIG SET port $chosen)" OK
  echo $chosen >"$dir/$1.port"
}
port_of() { cat "$dir/$1.port"; }
# say NAME WORDS...: redis-cli at that node.
say() {
  at=$(cat "$dir/$1.at")
  shift
  # shellcheck disable=SC2086
  redis-cli $at "$@"
}
# info_of NAME LINE [SECTION]: of INFO.
info_of() { say "$1" INFO "${3:-replication}" | tr -d '\r' | sed -n "s/^$2://p"; }

content() {
  # When a consumer was seen is kept by nobody's log, and what a group has read is not by Redis's.
  for db in 0 3; do
    printf '%s\n' "SELECT $db" DBSIZE "MGET s1 s2 n" "LRANGE l 0 -1" "SORT_RO set ALPHA" "HMGET h f g" "HLEN h" \
      "ZRANGE z 0 -1 WITHSCORES" "PEXPIRETIME s1" "XINFO STREAM x FULL COUNT 0" "STRLEN big" "STRLEN big2"
  done | { cat; echo "FUNCTION LIST WITHCODE"; } | say "$1" --raw | sed '/^\(seen-time\|entries-read\|lag\)$/,+1d'
}
# same_content ONE OTHER: `same` if both hold the same.
same_content() { content "$1" >"$dir/$1.content" && content "$2" >"$dir/$2.content" && cmp -s "$dir/$1.content" "$dir/$2.content" && echo same; }

# write_to NAME WORD: what makes the values differ from those before.
write_to() {
  say "$1" >/dev/null <<END
SET s1 "binary\x00\r\n# $2"
PEXPIREAT s1 99999999999999
SETRANGE s2 5 $2
INCRBY n 7
RPUSH l $2 b c 12345
LPOP l
SADD set $2 2 3
SPOP set
HSET h f $2 g 2
ZADD z 1.5 $2 -inf low
XADD x MAXLEN 40 1-* job $2 n 12345
XGROUP CREATE x g 0
XREADGROUP GROUP g alice COUNT 2 STREAMS x >
XACK x g 1-4
SELECT 3
MULTI
SET s1 $2
SADD set $2 other
SELECT 0
SET s2 in-the-same-$2
EXEC
SELECT 3
SET short lived PX 1
EVAL "redis.call('RPUSH', 'l', ARGV[1]) redis.call('SELECT', 0) return redis.call('INCR', 'n')" 0 $2
FUNCTION LOAD REPLACE "#!lua name=one\nredis.register_function('said', function() return '$2' end)"
END
}
