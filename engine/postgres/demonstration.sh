#!/usr/bin/env bash
# A PostgreSQL of its own behind the store, replies that wait for its commit, and both killed in the middle. Every write
# that was acknowledged is in the table, and the table is the store: demonstration.sh [WRITES], 2000 without it.
set -euo pipefail
root=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd -P)
writes=${1:-2000}
"$root/scenarios/setup.sh"
"$root/scenarios/build.sh" powercut-server
source "$root/engine/server/checks.sh"
source "$root/engine/postgres/cluster.sh"
trap 'remove_cluster; finish' EXIT

say() { printf '\n%s\n' "$*"; }
sql() { "$programs/psql" -h "$cluster" -U owner -d postgres -Xtqc "$1"; }
launch() {
  : >"$dir/log"
  "$root/build/powercut-server" --dir "$dir/data" --port 0 --bind 127.0.0.1 --appendonly yes --appendfsync always \
    --sink-mode through --sink-tables 'order:* orders' --sink-url "host=$cluster user=owner dbname=postgres" >>"$dir/log" 2>&1 &
  pid=$!
  disown
  must_be_ready
}
# Writes one order after the other until the store is gone; notes the last one that was acknowledged.
write_orders() {
  exec 9<>"/dev/tcp/127.0.0.1/$port"
  for ((n = $1; n <= writes; ++n)); do
    printf 'SET order:%d %d\r\n' "$n" "$n" >&9 2>/dev/null && read -r -u 9 reply 2>/dev/null && [[ $reply == +OK* ]] || break
    echo "$n" >>"$dir/acknowledged"
  done
}
last_acknowledged() { tail -n 1 "$dir/acknowledged"; }
until_acknowledged() { while [ "$(last_acknowledged)" -lt "$1" ]; do sleep 0.01; done; }
check() {
  local missing
  missing=$(sql "SELECT count(*) FROM generate_series(1, $(last_acknowledged)) n
    WHERE NOT EXISTS (SELECT FROM orders WHERE key = convert_to('order:' || n, 'UTF8'))" | tr -d ' ')
  echo "acknowledged: $(last_acknowledged); of these missing in the table: $missing"
  [ "$missing" = 0 ]
}

mkdir "$dir/data"
echo 0 >"$dir/acknowledged"
say "A PostgreSQL begins, and the store with it behind."
make_cluster
start_postgres
launch
write_orders 1 &
until_acknowledged $((writes / 3))
say "kill -9 of PostgreSQL, amid $writes writes. Replies wait; it starts again, and they go on."
kill_postgres
start_postgres
until_acknowledged $((writes * 2 / 3))
say "kill -9 of both."
kill -9 "$pid"
kill_postgres
wait
start_postgres
check
say "The store starts again: what the table lacks comes from the log, exactly once, and the rest of the orders follows."
launch
write_orders $(($(last_acknowledged) + 1))
check
say "The table, and the operation it is at:"
sql "SELECT db, convert_from(key, 'UTF8'), convert_from(value, 'UTF8') FROM orders ORDER BY convert_from(value, 'UTF8')::int DESC LIMIT 3"
sql "SELECT lsn, tables FROM powercut_sink"
