#!/usr/bin/env bash
# Rows that another program writes in the SQLite file behind a running server: they are shown, anew behind their time to live;
# what the server changes of them is its own from then on, and a kill takes none of it; nothing else of them is touched. Needs
# python3, for its sqlite3.
# usage: read_through_test.sh POWERCUT-SERVER
set -u
server=$1

source "${BASH_SOURCE[0]%/*}/checks.sh"

# launch OPTIONS...: on the data that are there; sets `pid` and `port`.
launch() {
  serve "$server" --dir "$dir/data" --port 0 --bind 127.0.0.1 --appendonly yes --appendfsync always \
    --sink-file shop.db --sink-tables 'user:* users' --sink-read-through yes --sink-read-ttl-ms 300 "$@"
}
# refused STATUS LINE OPTIONS...: a start ends with them.
refused() {
  local status=$1 line=$2
  shift 2
  timeout 20 "$server" --dir "$dir/empty" --port 0 --sink-read-through yes "$@" >"$dir/refused" 2>&1
  is "status of a start that is refused" $? "$status"
  has "a start that is refused" "$(tail -n 1 "$dir/refused")" "$line"
}

sql() { sql_of shop.db "$1"; }
row() { sql "SELECT value FROM users WHERE key='$1'"; }

mkdir "$dir/data" "$dir/empty"
# --- Rows that were there before the store ---
sql "CREATE TABLE users(db INTEGER NOT NULL, key NOT NULL, value NOT NULL, expires_ms INTEGER, PRIMARY KEY(db, key))" >/dev/null
sql "CREATE TABLE users_fields(db INTEGER NOT NULL, key NOT NULL, field NOT NULL, value NOT NULL, expires_ms INTEGER, PRIMARY KEY(db, key, field))" >/dev/null
for n in $(seq 9); do sql "INSERT INTO users VALUES(0, 'user:$n', '${n}0', NULL)" >/dev/null; done
sql "INSERT INTO users VALUES(0, 'user:late', 'x', 9000000000000)" >/dev/null
sql "INSERT INTO users VALUES(0, 'user:over', 'x', 1000)" >/dev/null
sql "INSERT INTO users VALUES(0, 'user:bad', 5, NULL)" >/dev/null
sql "INSERT INTO users_fields VALUES(0, 'user:h', 'age', '30', NULL)" >/dev/null
launch
is "a row" "$(ask 'GET user:1')" '$2 10'
is "another time" "$(ask 'GET user:1')" '$2 10'
is "a hash" "$(ask 'HGETALL user:h')" '*2 $3 age $2 30'
is "its expiry" "$(ask 'PEXPIRETIME user:late')" ':9000000000000'
is "one that has expired" "$(ask 'GET user:over')" '$-1'
is "there is none" "$(ask 'GET user:nobody')" '$-1'
is "no pattern" "$(ask 'GET elsewhere')" '$-1'
is "copies are no keys" "$(ask DBSIZE)" ':0'
has "a row that is none" "$(ask 'GET user:bad')" "-ERR shop.db: table users: the value of key 'user:bad' is not text or a blob"

# --- Somebody changes them ---
sql "UPDATE users SET value='11' WHERE key='user:1'" >/dev/null
until_so '$2 11' ask 'GET user:1'
sql "DELETE FROM users WHERE key='user:9'" >/dev/null
until_so '$-1' ask 'GET user:9'

# --- The store changes them ---
is "added to" "$(ask 'INCR user:2')" ':21'
is "in a hash" "$(ask 'HINCRBY user:h age 1')" ':31'
is "in a transaction" "$(ask MULTI 'INCR user:3' 'GET user:4' EXEC)" '+OK +QUEUED +QUEUED *2 :31 $2 40'
is "in a script" "$(ask "EVAL \"return redis.call('INCR', KEYS[1])\" 1 user:5")" ':51'
has "not named" "$(ask "EVAL \"return redis.call('GET', 'user:6')\" 0")" 'name it (KEYS of a script)'
is "deleted" "$(ask 'DEL user:7')" ':1'
is "it stays so" "$(ask 'GET user:7')" '$-1'
has "no SWAPDB" "$(ask 'SWAPDB 0 1')" '-ERR with sink-read-through'
caught_up
is "rows" "$(row user:2) $(row user:3) $(row user:5) [$(row user:7)]" "21 31 51 []"
is "nothing else" "$(row user:1) $(row user:4) $(row user:over)" "11 40 x"

# --- A kill ---
launch
is "its own" "$(ask 'GET user:2')" '$2 21'
is "deleted before" "$(ask 'GET user:7')" '$-1'
is "added to again" "$(ask 'INCR user:2')" ':22'
is "keys of its own" "$(ask DBSIZE)" ':4'
ask BGREWRITEAOF >/dev/null
caught_up
launch --sink-mode through
is "behind a rewrite" "$(ask DBSIZE 'GET user:2' 'GET user:8')" ':4 $2 22 $2 80'
is "a flush takes what it holds" "$(ask FLUSHALL 'GET user:2' 'GET user:8')" '+OK $-1 $2 80'
caught_up
is "and no more" "$(row user:8) [$(row user:2)]" "80 []"

# --- Memory ---
for n in $(seq 50); do
  sql "INSERT INTO users VALUES(0, 'user:big$n', '$(printf 'x%.0s' $(seq 9000))', NULL)" >/dev/null
done
launch --sink-read-ttl-ms 3600000 --maxmemory 400kb
for n in $(seq 50); do ask "STRLEN user:big$n" >/dev/null; done
[ "$(figure sink_copies)" -lt 50 ] || fail "copies make no room"
is "a write finds room" "$(ask 'SET user:new 1')" '+OK'
is "rows stay" "$(sql "SELECT count(*) FROM users WHERE key LIKE 'user:big%'")" 50

# --- The database is away ---
launch --sink-read-ttl-ms 1
/usr/bin/python3 - "$dir/data/shop.db" "$dir" <<'END' &
import os, sqlite3, sys, time
db = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=10)
db.execute("BEGIN EXCLUSIVE")
open(sys.argv[2] + "/held", "w").close()
while not os.path.exists(sys.argv[2] + "/let-go"):
    time.sleep(0.02)
END
holder=$!
until [ -e "$dir/held" ]; do sleep 0.02; done
has "not read" "$(ask 'GET user:8')" "-IOERR the row of key 'user:8' is not had: shop.db: database is locked"
is "written blindly" "$(ask 'SET user:8 81' 'GET user:8')" '+OK $2 81'
: >"$dir/let-go"
wait "$holder"
until_so '$2 40' ask 'GET user:4'
end -TERM

# --- What is refused ---
refused 1 'sink-read-through needs a database behind the store' --appendonly yes
refused 1 'sink-read-through needs the log' --appendonly no --sink-file a.db
refused 1 'no key is evicted' --appendonly yes --sink-file a.db --maxmemory 1gb --maxmemory-policy allkeys-lru
refused 2 'sink-read-ttl-ms' --appendonly yes --sink-file a.db --sink-read-ttl-ms 0
refused 1 'follows no master' --appendonly yes --sink-file a.db --replicaof '127.0.0.1 1'
exit $failed
