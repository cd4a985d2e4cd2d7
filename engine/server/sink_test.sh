#!/usr/bin/env bash
# A SQLite file behind a running server, read by another program: rows, a reply that waits for the commit, a kill, a row that is
# refused, an older file, another schema. Needs python3, for its sqlite3.
# usage: sink_test.sh POWERCUT-SERVER
set -u
server=$1

source "${BASH_SOURCE[0]%/*}/checks.sh"

# launch OPTIONS...: on the data that are there; sets `pid` and `port`.
launch() {
  serve "$server" --dir "$dir/data" --port 0 --bind 127.0.0.1 --appendonly yes --appendfsync always \
    --sink-file shop.db --sink-tables 'user:* users *:1 rest' "$@"
}

sql() { sql_of shop.db "$1"; }

mkdir "$dir/data"
# --- Behind, and read while it runs ---
launch
for n in $(seq 20); do
  ask "SET user:$n name$n" >/dev/null
  sql 'SELECT 1' >/dev/null
done
ask 'HSET user:h name ann age 30' >/dev/null
ask 'SET user:2 new PX 100000000' >/dev/null
ask 'DEL user:3' >/dev/null
ask 'RPUSH list:1 x' >/dev/null
ask 'SET elsewhere x' >/dev/null
caught_up
is "rows" "$(sql 'SELECT count(*) FROM users')" 19
is "a row" "$(sql "SELECT db, value, expires_ms IS NULL FROM users WHERE key='user:1'")" "0|name1|1"
is "it expires" "$(sql "SELECT value, expires_ms > 1e12 FROM users WHERE key='user:2'")" "new|1"
is "fields" "$(sql "SELECT field, value FROM users_fields ORDER BY field" | tr '\n' ' ')" "age|30 name|ann "
is "no table" "$(sql 'SELECT key, reason FROM powercut_set_aside')" "list:1|a list has no table"
is "no pattern" "$(sql "SELECT count(*) FROM rest")" 0

# --- Held by another program ---
/usr/bin/python3 - "$dir/data/shop.db" <<'END' &
import sqlite3, sys, time
db = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=10)
db.execute("BEGIN EXCLUSIVE")
open(sys.argv[1] + ".held", "w").close()
time.sleep(1.5)
END
holder=$!
until [ -e "$dir/data/shop.db.held" ]; do sleep 0.02; done
is "the store goes on" "$(ask 'SET user:1 later')" +OK
sleep 0.5
has "and says why" "$(ask 'INFO persistence')" "sink_waits_because:shop.db: database is locked"
wait "$holder"
caught_up
is "then it has it" "$(sql "SELECT value FROM users WHERE key='user:1'")" later

# --- A row that is refused ---
sql "CREATE TRIGGER t BEFORE INSERT ON users WHEN NEW.value='bad' BEGIN SELECT RAISE(ABORT, 'not that'); END" >/dev/null
ask 'MSET user:1 bad user:4 good' >/dev/null
caught_up
has "set aside" "$(sql "SELECT reason FROM powercut_set_aside WHERE key='user:1'")" "not that"
is "the rest goes on" "$(sql "SELECT value FROM users WHERE key='user:4'")" good

# --- Through: what is acknowledged is there, whatever happens ---
end -TERM
cp "$dir/data/shop.db" "$dir/older.db"
launch --sink-mode through
for n in $(seq 50); do
  ask "SET user:$n through$n" >/dev/null
done
end -9
is "acknowledged" "$(sql "SELECT value FROM users WHERE key='user:50'")" through50

# --- An older file ---
launch
ask BGREWRITEAOF >/dev/null
sleep 0.5
end -TERM
cp "$dir/older.db" "$dir/data/shop.db"
launch --sink-resync no
sleep 0.3
has "it says so" "$(ask 'INFO persistence')" "sink_waits_because:shop.db is at operation"
has "in the log" "$(cat "$dir/log")" "CONFIG SET sink-resync yes writes its tables anew"
is "unasked nothing" "$(sql "SELECT count(*) FROM users WHERE key='user:50'")" 0
is "offered" "$(ask 'CONFIG SET sink-resync yes')" +OK
caught_up
is "written anew" "$(sql "SELECT value FROM users WHERE key='user:50'")" through50

# --- Another schema ---
end -TERM
sql 'UPDATE powercut_sink SET schema=9' >/dev/null
launch
is "the store goes on" "$(ask 'SET user:1 x')" +OK
has "in one line" "$(cat "$dir/log")" "shop.db: it has schema 9, and this build writes schema 1"

# --- What cannot be ---
end -TERM
has "refused" "$("$server" --dir "$dir/data" --port 0 --appendonly yes --appendfsync no --sink-file shop.db 2>&1)" \
  "sink-file needs the log"
has "by its word" "$("$server" --dir "$dir/data" --port 0 --sink-tables '* a-b' 2>&1)" "'a-b'"

[ "$failed" = 0 ] && echo "sink: all as it should be"
exit "$failed"
