# Our files and Redis's are the same files: what powercut-server wrote, redis-server loads and Redis's tools accept; what
# redis-server then wrote, powercut-server loads. Needs redis-server and redis-cli.
# usage: interchange_test.sh POWERCUT-SERVER POWERCUT-CHECK-AOF POWERCUT-CHECK-RDB
set -eu
server=$1 check_aof=$2 check_rdb=$3

dir=$(mktemp -d)
running=
finish() {
  [ -z "$running" ] || kill "$running" 2>/dev/null || true
  rm -rf "$dir"
}
trap finish EXIT

fail() {
  echo "interchange: $*" >&2
  exit 1
}

# start_ours DIR OPTIONS...: sets `cli`.
start_ours() {
  at=$1
  shift
  : >"$dir/log"
  "$server" --port 0 --bind 127.0.0.1 --dir "$at" "$@" >"$dir/log" 2>&1 &
  running=$!
  for _ in $(seq 100); do
    port=$(sed -n 's/.*ready on .*:\([0-9]*\)$/\1/p' "$dir/log")
    [ -z "$port" ] || break
    sleep 0.05
  done
  [ -n "$port" ] || fail "powercut-server did not start: $(cat "$dir/log")"
  cli="redis-cli -p $port"
}

start_redis() {
  redis-server --port 0 --unixsocket "$dir/socket" --dir "$1" --appendonly yes --save "" --daemonize no >"$dir/log" 2>&1 &
  running=$!
  cli="redis-cli -s $dir/socket"
  for _ in $(seq 100); do
    [ "$($cli ping 2>&1)" != PONG ] || return 0
    sleep 0.05
  done
  fail "redis-server did not load it: $(cat "$dir/log")"
}

stop() {
  kill "$running"
  wait "$running" || fail "did not end cleanly: $(cat "$dir/log")"
  running=
}

content() {
  for db in 0 3; do
    echo "db $db"
    $cli -n $db --raw DBSIZE
    $cli -n $db --raw MGET s1 s2 n
    $cli -n $db --raw LRANGE l 0 -1
    $cli -n $db --raw SORT set ALPHA
    $cli -n $db --raw HGETALL h | paste - - | sort
    $cli -n $db --raw ZRANGE z 0 -1 WITHSCORES
    $cli -n $db --raw PEXPIRETIME s1
    # When a consumer was seen is kept by nobody's log, and what a group has read is not by Redis's.
    $cli -n $db --raw XINFO STREAM x FULL COUNT 0 | sed '/^\(seen-time\|entries-read\|lag\)$/,+1d'
  done
  $cli --raw FUNCTION LIST WITHCODE
  $cli --raw FCALL said 0
}

# $1: what makes the values differ from those before.
write_some() {
  $cli >/dev/null <<END
SET s1 "binary\x00\r\n# $1"
PEXPIREAT s1 99999999999
SETRANGE s2 5 $1
INCRBY n 7
RPUSH l $1 b c 12345
LPOP l
SADD set $1 2 3
SPOP set
HSET h f $1 g 2
ZADD z 1.5 $1 -inf low
XADD x MAXLEN 40 1-* job $1 n 12345
XADD x MAXLEN ~ 40 1-* job $1 n -7
XADD x 1-* other $1
XDEL x 1-2
XGROUP CREATE x g 0
XGROUP CREATECONSUMER x g idle
XREADGROUP GROUP g alice COUNT 2 STREAMS x >
XREADGROUP GROUP g $1 NOACK COUNT 1 STREAMS x >
XCLAIM x g bob 0 1-1 1-3
XACK x g 1-4
XAUTOCLAIM x g carol 0 1-5 COUNT 1
SELECT 3
MULTI
SET s1 $1
SADD set $1 other
EXEC
EVAL "redis.call('RPUSH', 'l', ARGV[1]) redis.call('SELECT', 0) return redis.call('INCR', 'n')" 0 $1
FUNCTION LOAD REPLACE "#!lua name=one\nredis.register_function('said', function() return '$1' end)"
FUNCTION LOAD REPLACE "#!lua name=gone\nredis.register_function('x', function() end)"
FUNCTION DELETE gone
XYZ no such command
END
}

accepted_by_tools() {
  "$check_aof" "$1" >/dev/null || fail "powercut-check-aof refuses $1"
  redis-check-aof "$1/appendonlydir/appendonly.aof.manifest" >"$dir/log" 2>&1 || fail "redis-check-aof: $(cat "$dir/log")"
  for base in "$1"/appendonlydir/*.rdb; do
    [ -e "$base" ] || continue
    redis-check-rdb "$base" >"$dir/log" || fail "redis-check-rdb: $(cat "$dir/log")"
    "$check_rdb" "$base" >/dev/null || fail "powercut-check-rdb refuses $base"
  done
}

data=$dir/data
mkdir "$data"
start_ours "$data" --aof-timestamp-enabled yes --appendfsync always
for round in plain rewritten; do
  write_some $round
  if [ $round = rewritten ]; then
    $cli BGREWRITEAOF >/dev/null
    until $cli INFO persistence | grep -q '^aof_rewrites:1'; do sleep 0.05; done
    write_some behind-the-base
  fi
  content >"$dir/ours"
  stop
  accepted_by_tools "$data"
  rm -rf "$dir/copy"
  cp -r "$data" "$dir/copy"

  start_redis "$dir/copy"
  content >"$dir/theirs"
  cmp "$dir/ours" "$dir/theirs" || fail "redis-server reads something else ($round)"
  write_some by-redis
  [ $round = plain ] || $cli BGREWRITEAOF >/dev/null
  write_some by-redis-again
  content >"$dir/theirs"
  stop

  start_ours "$dir/copy"
  content >"$dir/ours"
  cmp "$dir/ours" "$dir/theirs" || fail "powercut-server reads something else ($round)"
  stop
  accepted_by_tools "$dir/copy"
  start_ours "$data" --aof-timestamp-enabled yes --appendfsync always
done
stop
echo "interchange: the same in both directions"
