#!/usr/bin/env bash
# A PostgreSQL behind a running server: rows, kills of either, an older backup, a row that is refused, another store, and why it
# cannot be had. It starts the distribution's PostgreSQL (engine/postgres/cluster.sh).
# usage: postgres_test.sh POWERCUT-SERVER
set -u
server=$1

source "${BASH_SOURCE[0]%/*}/checks.sh"
source "${BASH_SOURCE[0]%/*}/../postgres/cluster.sh"
trap 'remove_cluster; finish' EXIT
make_cluster && start_postgres || exit 1
url="host=$cluster user=owner dbname=postgres password=not-to-be-seen"

# launch OPTIONS...: on the data that are there; sets `pid` and `port`. With `url`, unless it is said otherwise.
launch() {
  serve "$server" --dir "$dir/data" --port 0 --bind 127.0.0.1 --appendonly yes --appendfsync always \
    --sink-tables 'user:* users *:1 rest' --sink-url "$url" "$@"
}
sql() { "$programs/psql" -h "$cluster" -U "${as:-owner}" -d postgres -XAtqc "$1" 2>&1; }
value_of() { sql "SELECT encode(value, 'escape') FROM users WHERE key = '$1'"; }

mkdir "$dir/data"
# --- Behind, and read while it runs ---
launch
for n in $(seq 20); do ask "SET user:$n name$n" >/dev/null; done
ask 'HSET user:h name ann age 30' 'SET user:2 new PX 100000000' 'DEL user:3' 'RPUSH list:1 x' 'SET elsewhere x' >/dev/null
caught_up
is "rows" "$(sql 'SELECT count(*) FROM users')" 19
is "a row" "$(sql "SELECT db, encode(value, 'escape'), expires_ms IS NULL FROM users WHERE key = 'user:1'")" "0|name1|t"
is "it expires" "$(sql "SELECT expires_ms > 1e12 FROM users WHERE key = 'user:2'")" "t"
is "fields" "$(sql "SELECT encode(field, 'escape'), encode(value, 'escape') FROM users_fields ORDER BY field" | tr '\n' ' ')" \
  "age|30 name|ann "
is "no table" "$(sql "SELECT encode(key, 'escape'), reason FROM powercut_set_aside")" "list:1|a list has no table"
is "no pattern" "$(sql "SELECT count(*) FROM rest")" 0

# --- Its password stands nowhere ---
for said in "$(ask 'CONFIG GET sink-url')" "$(ask 'INFO everything')" "$(cat "$dir/log")"; do
  [[ $said == *not-to-be-seen* ]] && fail "the password is shown: $said"
done
has "but where it is" "$(ask 'CONFIG GET sink-url')" "host=$cluster user=owner dbname=postgres password=***"

# --- A row that is refused ---
sql "ALTER TABLE users ADD CHECK (value <> 'bad')"
ask 'MSET user:1 bad user:4 good' >/dev/null
caught_up
has "set aside" "$(sql "SELECT reason FROM powercut_set_aside WHERE key = 'user:1'")" "violates check constraint"
is "the rest goes on" "$(value_of user:4)" good
is "it is counted" "$(ask 'INFO persistence' | grep -o 'sink_set_aside_keys:2')" sink_set_aside_keys:2

# --- PostgreSQL is killed in the middle: exactly once, in order ---
sql 'CREATE TABLE seen(lsn bigint); CREATE FUNCTION note() RETURNS trigger AS $$ BEGIN INSERT INTO seen VALUES(NEW.lsn);
  RETURN NEW; END $$ LANGUAGE plpgsql; CREATE TRIGGER note BEFORE UPDATE ON powercut_sink FOR EACH ROW EXECUTE FUNCTION note()'
before=$(sql 'SELECT lsn FROM powercut_sink')
(for n in $(seq 400); do echo "SET user:n $n"; echo "INCR user:count"; done) >"$dir/requests"
(
  exec 9<>"/dev/tcp/127.0.0.1/$port"
  while read -r request; do
    printf '%s\r\n' "$request" >&9
    read -r -u 9 _ 2>/dev/null || exit 1
  done <"$dir/requests"
) &
writer=$!
until_so "1" sql "SELECT count(*) FROM (SELECT FROM seen LIMIT 1) s"
kill_postgres
until_so "sink_status:err" ask 'INFO persistence'
has "it says why" "$(ask 'INFO persistence')" "sink_waits_because:host=$cluster user=owner dbname=postgres password=***: "
start_postgres || fail "it does not start again"
wait "$writer" || fail "the store stood still"
caught_up
is "all of it" "$(value_of user:n) $(value_of user:count)" "400 400"
is "in order, once" "$(sql "SELECT count(*) = count(DISTINCT lsn), bool_and(lsn > $before), (SELECT lsn FROM powercut_sink) = max(lsn)
  FROM seen")" "t|t|t"

# --- The store is killed in the middle ---
(
  exec 9<>"/dev/tcp/127.0.0.1/$port"
  n=0
  while printf 'INCR user:count\r\n' >&9 2>/dev/null && read -r -u 9 reply 2>/dev/null; do echo "$reply" >"$dir/acknowledged"; done
) &
writer=$!
until_so "5" value_of user:count
end -9
wait "$writer" 2>/dev/null
launch
caught_up
is "it goes on" "$(value_of user:count)" "$(ask 'GET user:count' | tail -n 1 | sed 's/.* //')"
acknowledged=$(tr -d ':\r' <"$dir/acknowledged")
[ "$(value_of user:count)" -ge "$acknowledged" ] || fail "$acknowledged was acknowledged: $(value_of user:count)"
is "nothing is written anew" "$(ask 'INFO persistence' | grep -o 'sink_resyncs:0')" sink_resyncs:0

# --- Through: what is acknowledged is there, whatever happens ---
end -TERM
launch --sink-mode through
for n in $(seq 30); do ask "SET user:$n through$n" >/dev/null; done
end -9
kill_postgres
start_postgres
is "acknowledged" "$(value_of user:30)" through30

# --- An older backup ---
launch
caught_up
"$programs/pg_dump" -h "$cluster" -U owner -d postgres --clean --if-exists >"$dir/backup.sql"
ask 'SET user:later 1' 'DEL user:5' >/dev/null
ask BGREWRITEAOF >/dev/null
caught_up
until_so ' aof_rewrite_in_progress:0 ' ask 'INFO persistence'
end -TERM
"$programs/psql" -h "$cluster" -U owner -d postgres -Xq -f "$dir/backup.sql" >/dev/null 2>&1
launch --sink-resync no
until_so "sink_waits_because:host=$cluster" ask 'INFO persistence'
has "it says so" "$(ask 'INFO persistence')" "is at operation"
has "in the log" "$(cat "$dir/log")" "CONFIG SET sink-resync yes writes its tables anew"
is "unasked nothing" "$(value_of user:later)" ""
is "offered" "$(ask 'CONFIG SET sink-resync yes')" +OK
caught_up
is "written anew" "$(value_of user:later)-$(value_of user:5)" "1-"

# --- Restored under the running store ---
ask 'SET user:last 1' >/dev/null
caught_up
"$programs/psql" -h "$cluster" -U owner -d postgres -Xq -f "$dir/backup.sql" >/dev/null 2>&1
ask 'SET user:last 2' >/dev/null
until_so "2" value_of user:last
caught_up
is "written anew too" "$(value_of user:later)-$(value_of user:5)" "1-"
has "and said" "$(cat "$dir/log")" "its tables are written anew"

# --- Without a log, in a schema of its own: all that persists ---
end -TERM
mkdir "$dir/alone"
sql 'CREATE SCHEMA alone' >/dev/null
alone() {
  end -9
  : >"$dir/log"
  "$server" --dir "$dir/alone" --port 0 --bind 127.0.0.1 --appendonly no --sink-tables 'user:* users' \
    --sink-url "$url options='-c search_path=alone'" --sink-window-ms 300 "$@" >>"$dir/log" 2>&1 &
  pid=$!
}
alone && must_be_ready
for n in $(seq 1200); do echo "SET user:$n name$n"; done >"$dir/requests"
mapfile -t requests <"$dir/requests"
ask "${requests[@]}" 'HSET user:h name ann age 30' 'HDEL user:h age' 'SET user:2 new PX 100000000' 'DEL user:3' 'SELECT 3' \
  'SET user:1 three' >/dev/null
caught_up
end -9
kill_postgres
start_postgres
alone && must_be_ready
is "all keys" "$(ask DBSIZE 'SELECT 3' DBSIZE)" ":1200 +OK :1"
is "what they hold" "$(ask 'GET user:1200' 'HGETALL user:h' 'EXISTS user:3' 'SELECT 3' 'GET user:1')" \
  '$8 name1200 *2 $4 name $3 ann :0 +OK $5 three'
is "it expires" "$(ask 'PTTL user:2' | tr -d '0-9')" ":"
kill_postgres
is "within the window" "$(ask 'SET user:4 1')" +OK
until [ "$(ask 'INFO persistence' | sed 's/.*sink_queued_ms:\([0-9]*\).*/\1/')" -gt 300 ]; do sleep 0.05; done
(for n in $(seq 20); do ask "SET user:4 $n" >/dev/null; done; echo done >"$dir/writes") &
writer=$!
until_so 'sink_delayed_replies:1' ask 'INFO persistence'
is "reads go on" "$(ask 'GET user:1')" '$5 name1'
[ -e "$dir/writes" ] && fail "writes are answered while the database is away"
start_postgres
wait "$writer"
caught_up
end -9
kill_postgres
alone
until_so "it is waited for" cat "$dir/log"
start_postgres
must_be_ready
is "it waits for its database" "$(ask 'GET user:4')" '$2 20'
end -TERM
sql "ALTER TABLE alone.users ALTER value DROP NOT NULL; UPDATE alone.users SET value = NULL WHERE key = 'user:2'" >/dev/null
alone
wait "$pid" && fail "it starts"
pid=
has "a row that was altered" "$(cat "$dir/log")" "table users: the value of key 'user:2' is not there"
launch

# --- Another store ---
mkdir "$dir/other"
"$server" --dir "$dir/other" --port 0 --bind 127.0.0.1 --appendonly yes --sink-url "$url" >"$dir/other.log" 2>&1 &
pids+=($!)
until_so "another store writes it (session " cat "$dir/other.log"
kill -9 "${pids[@]}" && wait "${pids[@]}" 2>/dev/null

# --- Why it cannot be had ---
sql "CREATE ROLE stranger LOGIN PASSWORD 'right'" >/dev/null
for case in "host=$cluster user=owner dbname=none|does not exist" "host=$dir dbname=x|No such file or directory" \
  "postgresql://127.0.0.1:1/x|Connection refused" "host=$cluster user=stranger dbname=postgres|permission denied for table powercut_sink" \
  "$url|powercut_sink is another program's"; do
  [ "${case%|*}" = "$url" ] && sql 'DROP TABLE powercut_sink; CREATE TABLE powercut_sink(x int)'
  url=${case%|*} launch
  until_so "${case#*|}" cat "$dir/log"
  until_so "${case#*|}" ask 'INFO persistence'
  is "the store goes on" "$(ask 'SET user:1 x')" +OK
  is "one line" "$(grep -c "${case#*|}" "$dir/log")" 1
done
end -TERM
as_postgres tee "$cluster/data/pg_hba.conf" >/dev/null <<<'local all all scram-sha-256'
stop_postgres
start_postgres
url="host=$cluster user=stranger dbname=postgres password=wrong" launch
until_so 'password authentication failed for user "stranger"' cat "$dir/log"
[[ $(cat "$dir/log") == *wrong* ]] && fail "the password is in the log"

# --- What cannot be ---
end -TERM
refused() { "$server" "$@" --dir "$dir/data" --port 0 2>&1; }
has "needs the log" "$(refused --appendonly yes --appendfsync no --sink-url "$url")" "sink-url needs the log"
has "one of two" "$(refused --appendonly yes --sink-file a.db --sink-url "$url")" "both given"
has "no url" "$(refused --appendonly yes --sink-url 'nonsense')" "sink-url: it is neither"
printf 'sink-url "%s"\n' "$url" >"$dir/conf"
printf '[sink]\nurl = "%s"\nfile = "a.db"\n' "$url" >"$dir/conf.toml"
has "in a file too" "$(refused "$dir/conf.toml")" "both given"
[[ $(refused "$dir/conf.toml") == *not-to-be-seen* ]] && fail "the password is shown by a refusal"

# --- CONFIG REWRITE keeps it ---
"$server" "$dir/conf" --dir "$dir/data" --port 0 --bind 127.0.0.1 --appendonly yes --sink-tables 'user:* users' \
  >"$dir/log" 2>&1 &
pid=$!
must_be_ready
is "rewritten" "$(ask 'CONFIG REWRITE')" +OK
has "with its password" "$(cat "$dir/conf")" "password=not-to-be-seen"

[ "$failed" = 0 ] && echo "postgres: all as it should be"
exit "$failed"
