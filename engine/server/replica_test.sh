# This store as a replica: of the real redis-server, with a checkpoint of known length and one as it is made, behind breaks,
# kills and restarts; of itself; in a chain; promoted. Needs redis-server and redis-cli.
# usage: replica_test.sh POWERCUT-SERVER
set -eu
server=$1
test=replica
. "$(dirname "$0")/replication_parts.sh"

linked() { until_is "$1 is linked" up info_of "$1" master_link_status; }
# Everything that was written to $1 has been confirmed by $2 replicas.
confirmed() { is "WAIT at $1" "$(printf 'SET marker %s\nWAIT %s 10000\n' "$$" "$2" | say "$1" | tail -n 1)" "$2"; }
lines() { grep -c "$2" "$dir/$1.log" || true; }

# --- Of redis-server: a checkpoint as it is made, and what comes behind it ---
start_redis master --repl-diskless-sync-delay 0
open_port master
write_to master before
say master SETRANGE big 3000000 x >/dev/null
head -c 300000 /dev/zero | tr '\0' y | say master -x SET big2 >/dev/null
start_node one --appendonly yes --appendfsync always --replicaof "127.0.0.1 $(port_of master)"
one=$process
linked one
until_is "all of it is there" same same_content master one
is "its identity" "$(info_of one master_replid)" "$(info_of master master_replid)"
write_to master behind
confirmed master 1
until_is "what came behind is there" same same_content master one
# Asked again: what expires at the master comes between the two answers.
role_as_in_info() {
  role=$(say one ROLE | paste -sd' ')
  [ "$role" != "slave 127.0.0.1 $(port_of master) connected $(info_of one slave_repl_offset)" ] || role=agrees
  echo "$role"
}
until_is "ROLE, with the offset in INFO" agrees role_as_in_info
is "role in INFO" "$(info_of one role)" slave
is "as the master lists it" "$(say master ROLE | sed -n 4p)" "$(port_of one)"
is "a client's write" "$(say one SET a 1)" "READONLY You can't write against a read only replica."
is "a script's write" "$(say one EVAL 'return redis.call("SET", "a", 1)' 0 | grep -c READONLY)" 1
is "a transaction's write" "$(printf 'MULTI\nSET a 1\nEXEC\n' | say one | tail -n 2 | grep -c EXECABORT)" 1
is "WAIT at a replica" "$(say one WAIT 0 0 | cut -c1-42)" "ERR WAIT cannot be used with replica insta"
is "CLIENT LIST" "$(say one CLIENT LIST TYPE master | grep -c ' flags=M ')" 1

# --- What expires does so by the master's word, and is not shown before ---
say master SET short lived EX 1000 >/dev/null
confirmed master 1
is "before it expires" "$(say one GET short)" lived
say master PEXPIRE short 200 >/dev/null
until_is "it is not shown" "" say one GET short
until_is "it is gone" 0 say one EXISTS short

# --- A break: what it missed is all that it asks for ---
full=$(info_of master sync_full stats)
say master CLIENT KILL TYPE replica >/dev/null
write_to master meanwhile
confirmed master 1
until_is "what it missed is there" same same_content master one
say one CLIENT KILL TYPE master >/dev/null
write_to master "meanwhile once more"
confirmed master 1
until_is "what it missed then is there" same same_content master one
is "full resynchronisations behind a break" "$(info_of master sync_full stats)" "$full"

# --- Many writes, while it is killed and starts again ---
for i in $(seq 2000); do echo "SET key:$i $i"; done | say master --pipe >/dev/null
kill -9 "$one"
wait "$one" 2>/dev/null || true
write_to master "while it was down"
start_node one --appendonly yes --appendfsync always --replicaof "127.0.0.1 $(port_of master)" --replica-serve-stale-data no
one=$process
is "it has what it had" 1 "$(lines one 'entries from')"
linked one
until_is "all is there behind a kill" same same_content master one
is "keys" "$(say one DBSIZE)" "$(say master DBSIZE)"
is "it begins anew" "$(info_of master sync_full stats)" $((full + 1))

# --- A master that is gone ---
master_process=$redis
kill -9 "$master_process"
until_is "the link is down" down info_of one master_link_status
is "stale data" "$(say one GET n | cut -c1-10)" MASTERDOWN
is "what is no data" "$(say one CONFIG GET maxmemory | tail -n 1)" 0
say one CONFIG SET replica-serve-stale-data yes >/dev/null
is "stale data, where that may be" "$(say one EXISTS n)" 1
sleep 2.5
is "it is said once" 1 "$(lines one 'Connection refused\|nobody listens')"

# --- A checkpoint of known length, behind a password; the old data set is served until then ---
login="-a secret --no-auth-warning"
start_redis master --repl-diskless-sync no --requirepass secret
login=
say master CONFIG SET port "$(port_of master)" >/dev/null
write_to master "second life"
until_is "a password is wanted" 1 lines one "wants a password"
is "the old data set" "$(say one EXISTS key:1)" 1
say one CONFIG SET masterauth wrong >/dev/null
until_is "a wrong one is told" 1 lines one "refuses masterauth"
say one CONFIG SET masterauth secret >/dev/null
linked one
until_is "the second life is there" same same_content master one
is "nothing of the first" "$(say one EXISTS key:1)" 0

# --- Ours of ours, and a redis-server of that: one identity and one offset ---
start_node two --appendonly yes --replicaof "127.0.0.1 $(port_of one)"
two=$process
linked two
start_redis three --replicaof 127.0.0.1 "$(port_of two)" --repl-diskless-sync-delay 0
linked three
write_to master "down the chain"
same_offsets() { [ "$(info_of three slave_repl_offset)" = "$(info_of master master_repl_offset)" ] && echo same; }
until_is "the offsets at both ends" same same_offsets
for node in one two three; do
  until_is "$node has all" same same_content master $node
  is "the identity at $node" "$(info_of $node master_replid)" "$(info_of master master_replid)"
done

# --- Stopped for a moment: news of its own replica wait, and nothing is to be read ---
kill -STOP "$two"
write_to master "while it stands still"
sleep 1
kill -CONT "$two"
is "it answers" "$(timeout 20 redis-cli $(cat "$dir/two.at") PING)" PONG
until_is "it has what came meanwhile" same same_content master two

# --- Promoted: what followed goes on with it ---
start_node four --appendonly yes --replicaof "127.0.0.1 $(port_of one)"
linked four
before=$(info_of one master_replid)
full=$(info_of one sync_full stats)
is "REPLICAOF NO ONE" "$(say one REPLICAOF NO ONE)" OK
is "the role" "$(info_of one role)" master
[ "$(info_of one master_replid)" != "$before" ] || fail "promoted, and the identity is the old one"
is "the identity before" "$(info_of one master_replid2)" "$before"
is "REPLICAOF" "$(say four REPLICAOF 127.0.0.1 "$(port_of two)")" OK
write_to one "promoted"
for node in two three four; do
  linked $node
  until_is "$node has what the promoted one has" same same_content one $node
done
is "full resynchronisations with it" "$(info_of one sync_full stats)" "$full"
is "WAITAOF" "$(printf 'SET marker synced\nWAITAOF 1 1 10000\n' | say one | paste -sd' ')" "OK 1 1"
is "WAITAOF at a replica" "$(say two WAITAOF 0 0 0 | cut -c1-45)" "ERR WAITAOF cannot be used with replica insta"
say one CONFIG SET appendonly no >/dev/null
is "WAITAOF without a log" "$(say one WAITAOF 1 0 0 | grep -c 'appendonly is disabled')" 1
say one CONFIG SET appendonly yes >/dev/null

# --- FAILOVER: its replica takes over; nothing is lost, and nothing had anew ---
is "FAILOVER at a replica" "$(say two FAILOVER)" "ERR FAILOVER is not valid when server is a replica."
is "FAILOVER to a stranger" "$(say one FAILOVER TO 127.0.0.1 1)" "ERR FAILOVER target HOST and PORT is not a replica."
is "nothing to give up" "$(say one FAILOVER ABORT)" "ERR No failover in progress."
is "FORCE alone" "$(say one FAILOVER FORCE | cut -c1-30)" "ERR FAILOVER with force option"
is "FAILOVER where it would have to say a password that is none" "$(say one FAILOVER)" OK
until_is "it is told" 1 lines one "has not taken over (the master refuses masterauth"
is "it is a master still" "$(say one SET behind 0)" OK
say one CONFIG SET masterauth "" >/dev/null
for node in two four; do linked $node; done  # a history has two names at most: one behind it would begin anew
for there in two one; do
  if [ $there = two ]; then here=one; else here=two; fi
  full=$(info_of $there sync_full stats)
  is "FAILOVER" "$(say $here FAILOVER TO 127.0.0.1 "$(port_of $there)" TIMEOUT 10000)" OK
  until_is "$there has taken over" master info_of $there role
  linked $here
  write_to $there "handed over to $there"
  for node in $here four; do until_is "$node has what $there has" same same_content $there $node; done
  is "full resynchronisations with $there" "$(info_of $there sync_full stats)" "$full"
done

# --- The old master has what nobody else has, and becomes a replica: it drops that ---
say master SET only-here 1 >/dev/null
say master REPLICAOF 127.0.0.1 "$(port_of one)" >/dev/null
linked master
until_is "the old master has what the new one has" same same_content one master
is "what it alone had" "$(say master EXISTS only-here)" 0

# --- What the replica has stands in its log ---
kill "$one"
wait "$one" || fail "did not end cleanly"
say two REPLICAOF NO ONE >/dev/null
content two >"$dir/before"
two=$process
for pid in $pids; do case $(ps -o args= "$pid" 2>/dev/null) in *"/two "*) two=$pid ;; esac; done
kill -9 "$two"
wait "$two" 2>/dev/null || true
start_node two --appendonly yes
content two >"$dir/after"
cmp -s "$dir/before" "$dir/after" || fail "the log of a replica does not hold what it held"

# --- Over TLS: to redis-server, to itself, and to whom it does not trust ---
certify() {  # NAME
  openssl req -x509 -newkey rsa:2048 -nodes -keyout "$dir/$1.key" -out "$dir/$1.crt" -subj "/CN=$1" -days 2 2>/dev/null
}
certify ours
certify others
own="--tls-cert-file $dir/ours.crt --tls-key-file $dir/ours.key --tls-ca-cert-file $dir/ours.crt"
free_port
echo $chosen >"$dir/sealed.port"
# shellcheck disable=SC2086
start_redis sealed --tls-port $chosen $own --repl-diskless-sync-delay 0
write_to sealed "over TLS"
say sealed SETRANGE big 3000000 x >/dev/null
say sealed SET big2 y >/dev/null
free_port
echo $chosen >"$dir/six.tls"
# shellcheck disable=SC2086
start_node six --appendonly yes --tls-port $chosen $own --tls-replication yes --replicaof "127.0.0.1 $(port_of sealed)"
six=$process
linked six
until_is "all of it is there over TLS" same same_content sealed six
is "the port that it announces" "$(say sealed ROLE | sed -n 4p)" "$(cat "$dir/six.tls")"
say sealed CLIENT KILL TYPE replica >/dev/null
write_to sealed "behind a break"
confirmed sealed 1
until_is "what it missed is there over TLS" same same_content sealed six
# shellcheck disable=SC2086
start_node seven --appendonly yes $own --tls-replication yes --replicaof "127.0.0.1 $(cat "$dir/six.tls")"
linked seven
until_is "its own replica has it over TLS" same same_content sealed seven
start_node eight --tls-ca-cert-file "$dir/others.crt" --tls-replication yes --replicaof "127.0.0.1 $(port_of sealed)"
until_is "whom it does not trust" 1 lines eight "TLS with 127.0.0.1:$(port_of sealed): certificate verify failed: self-signed certificate"
is "nothing of it is taken" "$(say eight DBSIZE)" 0
# shellcheck disable=SC2086
start_node nine $own --tls-replication yes --replicaof "127.0.0.1 $(port_of two)"
until_is "who speaks no TLS" 1 lines nine "TLS with 127.0.0.1:$(port_of two): "
"$server" --dir "$dir" --port 0 --tls-replication yes 2>"$dir/refused.log" >/dev/null && fail "nobody is trusted"
grep -q "tls-replication wants tls-ca-cert-file or tls-ca-cert-dir" "$dir/refused.log" || fail "$(cat "$dir/refused.log")"

# --- What is no master ---
start_node five --appendonly no
is "a port" "$(say five REPLICAOF 127.0.0.1 70000)" "ERR Invalid master port"
is "a host that there is not" "$(say five REPLICAOF no-such-host.invalid 6379)" OK
until_is "it is told" 1 lines five "the master at no-such-host.invalid:6379 is not followed"
is "its data are served" "$(say five DBSIZE)" 0
"$server" --dir "$dir" --replicaof nonsense >"$dir/refused.log" 2>&1 && fail "a master without a port is taken"
grep -q "must be the host and the port" "$dir/refused.log" || fail "$(cat "$dir/refused.log")"
echo "replica: follows redis-server and itself, behind breaks, kills and promotions"
