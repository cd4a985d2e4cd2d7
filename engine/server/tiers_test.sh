#!/usr/bin/env bash
# A running server with ten times more values than may be in memory: what leaves, what comes back, a rewrite that copies none of
# it, kill -9, keys that stay gone, damage, a folder that is missing, and what goes with no cold tier yet. Needs python3.
# usage: tiers_test.sh POWERCUT-SERVER POWERCUT-CHECK-RDB POWERCUT-CHECK-AOF POWERCUT-RESTORE
set -u
server=$1
check_rdb=$2
check_aof=$3
restore=$4

source "${BASH_SOURCE[0]%/*}/checks.sh"

keys=4000
# launch OPTIONS...: on the data that are there; sets `pid` and `port`.
launch() {
  serve "$server" --dir "$dir/data" --port 0 --bind 127.0.0.1 --appendonly yes --appendfsync always \
    --save '' --cold-tier-path cold --hot-tier-size 400kb "$@"
}

# fill: key N has a value of 1,000 bytes, which tells N.
fill() {
  /usr/bin/python3 - "$port" "$keys" <<'END'
import socket, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
f = s.makefile("rb")
for n in range(int(sys.argv[2])):
    value = (f"value{n} " * 200)[:1000]
    s.sendall(f"SET key:{n} \"{value}\"\r\n".encode())
    assert f.readline() == b"+OK\r\n"
END
}
# wrong FROM: how many of the keys from there on do not have what they must.
wrong() {
  /usr/bin/python3 - "$port" "$1" "$keys" <<'END'
import socket, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
f = s.makefile("rb")
bad = 0
for n in range(int(sys.argv[2]), int(sys.argv[3])):
    s.sendall(f"GET key:{n}\r\n".encode())
    head = f.readline()
    body = f.read(1002)[:-2] if head == b"$1000\r\n" else head
    bad += body.decode() != (f"value{n} " * 200)[:1000]
print(bad)
END
}
# until NAME LEAST: that figure has come so far.
until_at_least() {
  for _ in $(seq 200); do
    [ "$(figure "$1")" -ge "$2" ] && return 0
    sleep 0.05
  done
  fail "$1 is $(figure "$1"), not $2"
}

mkdir "$dir/data"
# --- Ten times what may be in memory ---
launch
fill
until_at_least cold_values $((keys * 8 / 10))
is "all are there" "$(ask DBSIZE)" ":$keys"
is "what leaves comes back" "$(wrong 0)" 0
until_at_least cold_values $((keys * 8 / 10))
is "no value is needed" "$(ask 'EXISTS key:1' 'TYPE key:1' 'TTL key:1' 'EXPIRE key:1 1000' 'PERSIST key:1')" \
  ":1 +string :-1 :1 :1"
is "of any type" "$(ask 'RPUSH list a b' 'HSET hash f 1' 'ZADD zset 1 m' 'SADD set x')" ":2 :1 :1 :1"

# --- A base that rests on it, and kill -9 ---
ask BGREWRITEAOF >/dev/null
for _ in $(seq 100); do
  base=$(ls "$dir"/data/appendonlydir/*.base.rdb 2>/dev/null | tail -1)
  case $(ask 'INFO persistence') in *' aof_rewrite_in_progress:0 '*) [ -n "$base" ] && break ;; esac
  sleep 0.05
done
[ "$(stat -c %s "$base")" -lt $((keys * 1000 / 2)) ] || fail "the base copies what lies in the cold tier"
is "deleted" "$(ask 'DEL key:0 key:1 key:2')" :3
is "changed" "$(ask 'APPEND key:3 more')" :1004
launch
is "keys" "$(ask DBSIZE)" ":$((keys + 1))"
is "gone is gone" "$(ask 'EXISTS key:0 key:1 key:2')" :0
has "a change of what lay there" "$(ask 'GETRANGE key:3 1000 -1')" more
[ "$(figure cold_values)" -gt $((keys / 2)) ] || fail "a start brought all values back: $(figure cold_values) are away"
is "after a kill" "$(wrong 4)" 0
is "the types" "$(ask 'LRANGE list 0 -1' 'HGET hash f' 'ZSCORE zset m' 'SCARD set')" \
  '*2 $1 a $1 b $1 1 $1 1 :1'

# --- Plain for others ---
is "SAVE" "$(ask SAVE)" +OK
has "has all values" "$("$check_rdb" "$dir/data/dump.rdb" 2>&1)" "$((keys + 1)) keys"

# --- A backup has what its base rests on ---
is "begun" "$(ask 'BACKUP START one')" '$3 one'
has "sealed" "$(ask 'BACKUP SEAL')" one
ls "$dir"/data/backups/one/*.cold >/dev/null 2>&1 || fail "the backup has nothing of the cold tier"
has "restored" "$("$restore" "$dir/data/backups/one" --to "$dir/restored" 2>&1)" "restored: up to entry"
has "as plain" "$("$check_rdb" "$dir/restored/dump.rdb" 2>&1)" "$((keys + 1)) keys"
has "looked at" "$("$check_aof" "$dir/data" 2>&1)" "whole: up to entry"

# --- What is not together with it yet ---
has "REPLICAOF" "$(ask 'REPLICAOF 127.0.0.1 1')" "cold tier"
has "the log" "$(ask 'CONFIG SET appendonly no')" "cold-tier-path needs the log"

# --- Damage: some values, told by their file; the rest is served ---
before=$(ls "$dir"/data/appendonlydir/*.base.rdb)
ask BGREWRITEAOF >/dev/null
for _ in $(seq 200); do
  now=$(ls "$dir"/data/appendonlydir/*.base.rdb)
  case $(ask 'INFO persistence') in *' aof_rewrite_in_progress:0 '*) [ "$now" != "$before" ] && break ;; esac
  sleep 0.05
done
end -9
cp -a "$dir/data/cold" "$dir/whole"
# Every copy of every tenth: most values lie there, and not all.
/usr/bin/python3 - "$keys" "$dir"/data/cold/*.cold <<'END'
import sys
for name in sys.argv[2:]:
    with open(name, "rb") as f: data = f.read()
    for n in range(10, int(sys.argv[1]), 10): data = data.replace(b"value%d " % n, b"Value%d " % n)
    with open(name, "wb") as f: f.write(data)
END
launch
replies=$(for n in $(seq 4 $((keys - 1))); do echo "GET key:$n"; done | {
  /usr/bin/python3 -c '
import socket, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
f = s.makefile("rb")
for line in sys.stdin:
    s.sendall(line.strip().encode() + b"\r\n")
    head = f.readline()
    if head.startswith(b"-"): print(head.decode().strip())
    else: f.read(1002)
' "$port"
})
told=$(grep -c '^-IOERR cold/.*checksum does not fit.*key:[0-9]*0\b' <<<"$replies")
[ "$told" -ge 1 ] || fail "no damaged value is told: $replies"
is "and no other" "$(wc -l <<<"$replies")" "$told"

# --- The folder is missing, or not named ---
end -9
rm -rf "$dir/data/cold"
refused=$("$server" --dir "$dir/data" --port 0 --appendonly yes --cold-tier-path cold 2>&1)
is "status" $? 3
has "refused" "$refused" "it is missing; values of the data set lie in it"
has "unnamed" "$("$server" --dir "$dir/data" --port 0 --appendonly yes 2>&1)" "start with cold-tier-path cold"
has "without a log" "$("$server" --dir "$dir/data" --port 0 --appendonly no --cold-tier-path cold 2>&1)" \
  "cold-tier-path needs the log"
has "warm" "$("$server" --dir "$dir/data" --port 0 --warm-tier-size 1gb 2>&1)" "warm-tier-size needs a cold tier"
mv "$dir/whole" "$dir/data/cold"
launch
is "nothing was changed" "$(wrong 4)" 0

[ "$failed" = 0 ] && echo "tiers: all as it should be"
exit "$failed"
