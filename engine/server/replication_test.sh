# The real redis-server as a replica of ours: it is sent a checkpoint as it is made, then every operation; it comes back
# behind a break and is sent what it missed, or all anew where that is gone; WAIT, ROLE and INFO say how far it is. A chain
# of them has the same. Needs redis-server and redis-cli.
# usage: replication_test.sh POWERCUT-SERVER
set -eu
server=$1
test=replication
. "$(dirname "$0")/replication_parts.sh"

start_ours() {
  start_node ours "$@"
  ours=$process port=$(port_of ours)
}
our() { say ours "$@"; }
their() { say "$@"; }
# A line of INFO replication of ours, or stats.
info() { info_of ours "$2" "$1"; }
same_as() { same_content ours "$1"; }
write_some() { write_to ours "$1"; }
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
open_port one
their one CONFIG SET repl-diskless-sync-delay 0 >/dev/null
start_redis three --replicaof 127.0.0.1 "$(port_of one)"
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

kill "$ours"
wait "$ours" || fail "did not end cleanly"
echo "replication: redis-server reads what we wrote, behind breaks and restarts"
