#!/usr/bin/env bash
# A store without a log, whose SQLite file is all that persists: kills, a database that another program holds, what lies beside
# it, and what is refused. Needs python3, for its sqlite3.
# usage: unlogged_test.sh POWERCUT-SERVER
set -u
server=$1

source "${BASH_SOURCE[0]%/*}/checks.sh"

options=(--port 0 --bind 127.0.0.1 --sink-file shop.db --sink-tables 'user:* users *:1 rest' --sink-window-ms 300)
# launch OPTIONS...: on the data that are there; sets `pid` and `port`.
launch() {
  serve "$server" --dir "$dir/data" --appendonly no "${options[@]}" "$@"
}
# refused OPTIONS...: what a start that is refused says.
refused() {
  end -9
  "$server" --dir "$dir/data" --appendonly no "${options[@]}" "$@" 2>&1 && fail "it starts: $*"
}
sql() { sql_of shop.db "$1"; }

mkdir "$dir/data"
# --- A kill: what was committed is there, and goes on under its numbers ---
launch
for n in $(seq 20); do ask "SET user:$n name$n" >/dev/null; done
ask 'HSET user:h name ann age 30' 'SET user:2 new PX 100000000' 'DEL user:3' 'HDEL user:h age' 'SELECT 2' 'SET user:1 two' >/dev/null
caught_up
lsn=$(sql 'SELECT lsn FROM powercut_sink')
launch
has "the log says what it read" "$(cat "$dir/log")" "from shop.db"
is "all keys" "$(ask DBSIZE 'SELECT 2' DBSIZE)" ":20 +OK :1"
is "a string" "$(ask 'GET user:1')" '$5 name1'
is "a hash" "$(ask 'HGETALL user:h')" '*2 $4 name $3 ann'
is "it expires" "$(ask 'PTTL user:2' | tr -d '0-9')" ":"
is "what was deleted" "$(ask 'EXISTS user:3')" ":0"
is "another database" "$(ask 'SELECT 2' 'GET user:1')" '+OK $3 two'
ask 'SET user:1 later' >/dev/null
caught_up
is "the numbers go on" "$(sql 'SELECT lsn FROM powercut_sink')" "$((lsn + 1))"

# --- A kill in the middle of writes: what the file has is what a start has ---
(
  exec 9<>"/dev/tcp/127.0.0.1/$port"
  for n in $(seq 1000000); do
    printf 'SET user:n %s\r\n' "$n" >&9
    read -r -u 9 _ || exit
  done
) 2>/dev/null &
pids+=($!)
value_of_n() { sql "SELECT CASE WHEN CAST(value AS INTEGER) > $1 THEN 'so' END FROM users WHERE db=0 AND key='user:n'"; }
until_so so value_of_n 0
seen=$(sql "SELECT value FROM users WHERE db=0 AND key='user:n'")
until_so so value_of_n "$seen"
end -9
there=$(sql "SELECT value FROM users WHERE db=0 AND key='user:n'")
[ "$there" -gt "$seen" ] || fail "it was at $seen, and is at $there"
launch
is "after a kill amid writes" "$(ask 'GET user:n')" "\$${#there} $there"

# --- Held by another program: replies wait when the window is used up, reads go on, then all go on ---
/usr/bin/python3 - "$dir/data/shop.db" <<'PY' &
import os, sqlite3, sys, time
db = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=10)
db.execute("BEGIN EXCLUSIVE")
open(sys.argv[1] + ".held", "w").close()
while not os.path.exists(sys.argv[1] + ".free"):
    time.sleep(0.02)
PY
holder=$!
pids+=("$holder")
until [ -e "$dir/data/shop.db.held" ]; do sleep 0.02; done
is "within the window" "$(ask 'SET user:w 1')" +OK
until_so 'sink_waits_because:shop.db: database is locked' ask 'INFO persistence'
until [ "$(figure sink_queued_ms)" -gt 300 ]; do sleep 0.05; done
(for n in $(seq 40); do ask "SET user:w $n" >/dev/null; done; echo done >"$dir/writes") &
writes=$!
pids+=("$writes")
until [ "$(figure sink_delayed_replies)" -gt 0 ]; do sleep 0.05; done
is "reads go on" "$(ask 'GET user:1')" '$5 later'
[ -e "$dir/writes" ] && fail "writes are answered while the database is away"
touch "$dir/data/shop.db.free"
wait "$holder" "$writes"
is "then all are answered" "$(cat "$dir/writes")" done
caught_up
[ "$(figure sink_worst_ms)" -ge 300 ] || fail "sink_worst_ms: $(figure sink_worst_ms)"
launch
is "and there" "$(ask 'GET user:w')" '$2 40'

# --- Through ---
launch --sink-mode through
for n in $(seq 30); do ask "SET user:t $n" >/dev/null; done
launch --sink-mode through
is "nothing is lost" "$(ask 'GET user:t')" '$2 30'

# --- What has no row ---
for request in 'RPUSH user:l 1' 'SADD user:s 1' 'SET elsewhere 1' 'XADD user:x * f 1'; do
  has "$request" "$(ask "$request")" "-ERR without a log the database is all that persists, and"
done
has "the log is not turned on beside it" "$(ask 'CONFIG SET appendonly yes')" "SHUTDOWN SAVE"
has "it follows nobody" "$(ask 'REPLICAOF 127.0.0.1 7000')" "follows no master"

# --- A clean end, and what lies beside ---
is "saved" "$(ask SAVE)" +OK
end -TERM
launch
has "a checkpoint that is no newer" "$(cat "$dir/log")" "beside it and not read: dump.rdb"
end -TERM
mkdir "$dir/data/appendonlydir"
printf 'file appendonly.aof.1.incr.aof seq 1 type i\n' >"$dir/data/appendonlydir/appendonly.aof.manifest"
has "a log" "$(refused)" "appendonlydir/appendonly.aof.manifest: a log, and a start with appendonly no goes by the database"
rm -r "$dir/data/appendonlydir"
mv "$dir/data/dump.rdb" "$dir/dump.rdb"

# --- A log that has less does not clear the rows ---
has "an empty log" "$("$server" --dir "$dir/data" --appendonly yes "${options[@]}" 2>&1)" \
  "written by a store without a log, and what lies here ends with operation 0"
rm -rf "$dir/data/appendonlydir"
is "the rows are there" "$(sql "SELECT value FROM users WHERE db=0 AND key='user:t'")" 30

# --- A row that was altered, and a file that is none ---
sql "UPDATE users SET value=17 WHERE db=0 AND key='user:1'" >/dev/null
has "by name" "$(refused)" "table users: the value of key 'user:1' is not text or a blob"
sql "UPDATE users SET value='back' WHERE db=0 AND key='user:1'" >/dev/null
cp "$dir/data/shop.db" "$dir/whole.db"
printf 'nothing of the kind, and long enough to be looked at, which takes a hundred bytes of it: so this goes on until then.' \
  >"$dir/data/shop.db"
has "damaged" "$(refused)" "shop.db: file is not a database"
[ ! -e "$dir/data/shop.db.damaged" ] || fail "it was put away"
cp "$dir/whole.db" "$dir/data/shop.db"
launch
is "and back" "$(ask 'GET user:1')" '$4 back'

[ "$failed" = 0 ] && echo "unlogged: all as it should be"
exit "$failed"
