# The real redis-server as a replica of ours: it is sent a checkpoint as it is made, then every operation; it comes back
# behind a break and is sent what it missed, or all anew where that is gone; WAIT, ROLE and INFO say how far it is. A chain
# of them has the same. Needs redis-server and redis-cli.
# usage: replication_test.sh POWERCUT-SERVER
set -eu
server=$1

dir=$(mktemp -d)
pids=
finish() {
  for pid in $pids; do kill -9 "$pid" 2>/dev/null || true; done
  rm -rf "$dir"
}
trap finish EXIT

fail() {
  echo "replication: $*" >&2
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

# start_ours OPTIONS...: a master in $dir/ours; sets `port` and `ours`, its process.
start_ours() {
  mkdir -p "$dir/ours"
  : >"$dir/ours.log"
  "$server" --port "${port:-0}" --bind 127.0.0.1 --dir "$dir/ours" "$@" >"$dir/ours.log" 2>&1 &
  ours=$!
  pids="$pids $ours"
  until_is "powercut-server starts" 1 grep -c "ready on" "$dir/ours.log"
  port=$(sed -n 's/.*ready on .*:\([0-9]*\)$/\1/p' "$dir/ours.log")
}
our() { redis-cli -p "$port" "$@"; }

# start_redis NAME OPTIONS...: at the socket $dir/NAME.sock; sets `redis`, its process.
start_redis() {
  name=$1
  shift
  mkdir -p "$dir/$name"
  redis-server --port 0 --bind 127.0.0.1 --unixsocket "$dir/$name.sock" --dir "$dir/$name" --save "" \
    --daemonize no "$@" >"$dir/$name.log" 2>&1 &
  redis=$!
  pids="$pids $redis"
  until_is "redis-server starts" PONG redis-cli -s "$dir/$name.sock" ping
}
their() {
  at=$1
  shift
  redis-cli -s "$dir/$at.sock" "$@"
}
# A line of INFO replication of ours, or stats.
info() { our INFO "$1" | tr -d '\r' | sed -n "s/^$2://p"; }
info_of() { their "$1" INFO replication | tr -d '\r' | sed -n "s/^$2://p"; }

content() {
  # When a consumer was seen is kept by nobody's log, and what a group has read is not by Redis's.
  for db in 0 3; do
    printf '%s\n' "SELECT $db" DBSIZE "MGET s1 s2 n" "LRANGE l 0 -1" "SORT_RO set ALPHA" "HMGET h f g" "HLEN h" \
      "ZRANGE z 0 -1 WITHSCORES" "PEXPIRETIME s1" "XINFO STREAM x FULL COUNT 0" "STRLEN big" "STRLEN big2"
  done | { cat; echo "FUNCTION LIST WITHCODE"; } | "$@" --raw | sed '/^\(seen-time\|entries-read\|lag\)$/,+1d'
}
same_as() { content their "$1" >"$dir/$1.content" && content our >"$dir/ours.content" && cmp -s "$dir/ours.content" "$dir/$1.content" && echo same; }

# $1: what makes the values differ from those before.
write_some() {
  our >/dev/null <<END
SET s1 "binary\x00\r\n# $1"
PEXPIREAT s1 99999999999999
SETRANGE s2 5 $1
INCRBY n 7
RPUSH l $1 b c 12345
LPOP l
SADD set $1 2 3
SPOP set
HSET h f $1 g 2
ZADD z 1.5 $1 -inf low
XADD x MAXLEN 40 1-* job $1 n 12345
XGROUP CREATE x g 0
XREADGROUP GROUP g alice COUNT 2 STREAMS x >
XACK x g 1-4
SELECT 3
MULTI
SET s1 $1
SADD set $1 other
SELECT 0
SET s2 in-the-same-$1
EXEC
SELECT 3
SET short lived PX 1
EVAL "redis.call('RPUSH', 'l', ARGV[1]) redis.call('SELECT', 0) return redis.call('INCR', 'n')" 0 $1
FUNCTION LOAD REPLACE "#!lua name=one\nredis.register_function('said', function() return '$1' end)"
END
}
# Everything that was written has been confirmed.
confirmed() { is "WAIT $1" "$(printf 'SET marker %s\nWAIT 1 10000\n' "$1" | our | tail -n 1)" 1; }

start_ours --appendonly yes --appendfsync always
is "nobody waits for no replica" "$(printf 'SET a 1\nWAIT 0 0\nWAIT 1 50\n' | our | tail -n 2 | paste -sd' ')" "0 0"
write_some before
our SETRANGE big 3000000 x >/dev/null
head -c 300000 /dev/zero | tr '\0' y | our -x SET big2 >/dev/null

# --- A checkpoint, and what comes behind it ---
start_redis one --replicaof 127.0.0.1 "$port" --repl-diskless-sync-delay 0
until_is "the link is up" up info_of one master_link_status
until_is "all of it is there" same same_as one
is "its replication ID is ours" "$(info_of one master_replid)" "$(info replication master_replid)"
write_some behind
confirmed 1
until_is "what came behind is there" same same_as one
is "full resynchronisations" "$(info stats sync_full)" 1
is "a replica in INFO" "$(info replication connected_slaves)" 1
case "$(info replication slave0)" in ip=127.0.0.1,port=*,state=online,offset=*,lag=[01]) ;; *) fail "slave0: $(info replication slave0)" ;; esac
is "ROLE" "$(our ROLE | head -n 1)" master
is "CLIENT LIST" "$(our CLIENT LIST TYPE replica | grep -c ' flags=S ')" 1
same_offset() { [ "$(info_of one slave_repl_offset)" = "$(info replication master_repl_offset)" ] && echo same; }
until_is "the offsets" same same_offset

# --- It reads while writes go on ---
our FLUSHALL >/dev/null
for i in $(seq 2000); do echo "SET key:$i $i"; done | our --pipe >/dev/null 2>&1 || our SET key:1 1 >/dev/null
for i in $(seq 20); do
  write_some "under-way-$i"
  [ $i != 10 ] || start_redis two --replicaof 127.0.0.1 "$port"
done
confirmed 2
until_is "the second's link is up" up info_of two master_link_status
until_is "the first has all" same same_as one
until_is "the second has all" same same_as two
is "two have confirmed" "$(printf 'SET a 2\nWAIT 2 10000\n' | our | tail -n 1)" 2

# --- A break: what it missed is all that it is sent ---
full=$(info stats sync_full)
their two REPLICAOF NO ONE >/dev/null
our CLIENT KILL TYPE replica >/dev/null
write_some "meanwhile"
until_is "the link is up again" up info_of one master_link_status
confirmed 3
until_is "what it missed is there" same same_as one
is "full resynchronisations behind a break" "$(info stats sync_full)" "$full"
[ "$(info stats sync_partial_ok)" -ge 1 ] || fail "no partial resynchronisation"

# --- What it missed is gone from the backlog: all anew ---
our CONFIG SET repl-backlog-size 16384 >/dev/null
pid_one=$(their one INFO server | tr -d '\r' | sed -n 's/^process_id://p')
kill -STOP "$pid_one"
our CLIENT KILL TYPE replica >/dev/null
head -c 2000000 /dev/zero | tr '\0' z | our -x SET big2 >/dev/null
write_some "long-after"
kill -CONT "$pid_one"
confirmed 4
until_is "all anew is there" same same_as one
is "full resynchronisations" "$(info stats sync_full)" $((full + 1))

# --- A chain ---
for try in $(seq 50); do
  chained=$((20000 + ($$ * 7 + try * 37) % 12000))
  [ "$(their one CONFIG SET port $chained 2>&1)" != OK ] || break
done
their one CONFIG SET repl-diskless-sync-delay 0 >/dev/null
start_redis three --replicaof 127.0.0.1 "$chained"
until_is "the third's link is up" up info_of three master_link_status
write_some "down-the-chain"
until_is "the third has all" same same_as three

# --- Writes only while a replica confirms ---
our CONFIG SET min-replicas-to-write 1 >/dev/null
is "a write with a replica" "$(our SET a 3)" OK
kill -9 "$pid_one"
until_is "the replica has gone" 0 info replication connected_slaves
is "a write without one" "$(our SET a 4)" "NOREPLICAS Not enough good replicas to write."
is "it is not there" "$(our GET a)" 3
our CONFIG SET min-replicas-to-write 0 >/dev/null

# --- A checkpoint alone ---
redis-cli -p "$port" --rdb "$dir/copy.rdb" >"$dir/copy.log" 2>&1 || fail "redis-cli --rdb"
redis-check-rdb "$dir/copy.rdb" >"$dir/copy.log" || fail "redis-check-rdb: $(cat "$dir/copy.log")"

# --- A master that starts again is another one: its replicas begin anew ---
start_redis four --replicaof 127.0.0.1 "$port"
until_is "the fourth's link is up" up info_of four master_link_status
before=$(info replication master_replid)
kill -9 "$ours"
wait "$ours" 2>/dev/null || true
start_ours --appendonly yes --appendfsync always
write_some "second life"
until_is "the link to the new one is up" up info_of four master_link_status
until_is "it has what the new one has" same same_as four
[ "$(info replication master_replid)" != "$before" ] || fail "a restarted master goes by its old name"
is "full resynchronisations with the new one" "$(info stats sync_full)" 1

# --- What is not there is refused ---
case "$(our REPLICAOF 127.0.0.1 1)" in *"cannot be a replica"*) ;; *) fail "REPLICAOF: $(our REPLICAOF 127.0.0.1 1)" ;; esac
is "REPLICAOF NO ONE" "$(our REPLICAOF NO ONE)" OK

kill "$ours"
wait "$ours" || fail "did not end cleanly"
echo "replication: redis-server reads what we wrote, behind breaks and restarts"
