#!/usr/bin/env bash
# A running server whose values lie in memory, in the warm tier's file and in the cold tier, four times what the first two take:
# all of it is had; the file has no name, and kill -9 leaves nothing of it; a start has all again; rewrites, SAVE and a backup
# hold it; other sizes at run time; a disk without space is a line at the start. Needs python3.
# usage: warm_test.sh POWERCUT-SERVER POWERCUT-CHECK-RDB POWERCUT-RESTORE
set -u
server=$1
check_rdb=$2
restore=$3

source "${BASH_SOURCE[0]%/*}/checks.sh"

keys=6000
# launch OPTIONS...: on the data that are there; sets `pid` and `port`.
launch() {
  serve "$server" --dir "$dir/data" --port 0 --bind 127.0.0.1 --appendonly yes --appendfsync everysec --save '' \
    --enable-debug-command yes --cold-tier-path cold --hot-tier-size 400kb --warm-tier-size 1mb "$@"
}

# say VERB FROM: of each key from there on, SET what it must have, or how many do not have it.
say() {
  /usr/bin/python3 - "$port" "$1" "$2" "$keys" <<'END'
import socket, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
f = s.makefile("rb")
bad = 0
for n in range(int(sys.argv[3]), int(sys.argv[4])):
    value = (f"value{n} " * 200)[:1000]
    if sys.argv[2] == "set":
        s.sendall(f"SET key:{n} \"{value}\"\r\n".encode())
        assert f.readline() == b"+OK\r\n"
    else:
        s.sendall(f"GET key:{n}\r\n".encode())
        head = f.readline()
        body = f.read(1002)[:-2] if head == b"$1000\r\n" else head
        bad += body.decode() != value
print(bad)
END
}
wrong() { say get "$1"; }
# until_figure NAME TEST...: until that line of INFO is so.
until_figure() {
  for _ in $(seq 400); do
    [ "$(figure "$1")" "$2" "$3" ] && return 0
    sleep 0.05
  done
  fail "$1 is $(figure "$1"), not $2 $3"
}
# scratch: how many bytes the files take that this server has open and nobody has a name of.
scratch() {
  for one in /proc/"$pid"/fd/*; do
    case $(readlink "$one") in "$dir/data"*' (deleted)') stat -Lc '%b %B' "$one" ;; esac
  done | awk '{ sum += $1 * $2 } END { print sum + 0 }'
}
names() { (cd "$dir/data" && find . -type f | grep -v '^./appendonlydir/\|^./cold/' | sort); }
rewritten() {
  local before
  before=$(ls "$dir"/data/appendonlydir/*.base.rdb 2>/dev/null)
  ask BGREWRITEAOF >/dev/null
  for _ in $(seq 400); do
    case $(ask 'INFO persistence') in *' aof_rewrite_in_progress:0 '*)
      [ "$(ls "$dir"/data/appendonlydir/*.base.rdb 2>/dev/null)" != "$before" ] && return 0
      ;;
    esac
    sleep 0.05
  done
  fail "no rewrite: $(tail -3 "$dir/log")"
}

mkdir "$dir/data"
# --- Through all tiers and back ---
launch
[ "$(scratch)" -ge $((1 << 20)) ] || fail "its space is not set aside: $(scratch) bytes"
is "written" "$(say set 0)" 0
until_figure warm_values -gt 500
until_figure cold_values -gt 3000
[ "$(figure warm_moved_on)" -gt 3000 ] || fail "what went to the cold tier did not come from the warm one"
is "all of it" "$(wrong 0)" 0
is "the last that was read" "$(wrong $((keys - 1200)))" 0
[ "$(figure warm_came_back)" -gt 100 ] || fail "the warm tier gave $(figure warm_came_back) values"
[ "$(figure warm_tier_used)" -le "$(figure warm_tier_size)" ] || fail "more is used than there is"
is "of any type" "$(ask 'RPUSH list a b' 'HSET hash f 1' 'ZADD zset 1 m' 'SADD set x')" ":2 :1 :1 :1"

# --- kill -9 leaves nothing of it, and a start has all ---
before=$(names)
launch
is "no trace" "$(names)" "$before"
is "keys" "$(ask DBSIZE)" ":$((keys + 4))"
is "after a kill" "$(wrong 0)" 0
rewritten
is "deleted" "$(ask 'DEL key:0 key:1 key:2')" :3
is "changed" "$(ask 'APPEND key:3 more')" :1004
launch
is "gone is gone" "$(ask 'EXISTS key:0 key:1 key:2')" :0
has "a change of what lay there" "$(ask 'GETRANGE key:3 1000 -1')" more
is "from a base" "$(wrong 4)" 0
is "the types" "$(ask 'LRANGE list 0 -1' 'HGET hash f' 'ZSCORE zset m' 'SCARD set')" \
  '*2 $1 a $1 b $1 1 $1 1 :1'

# --- What is written of the data has it ---
until_figure warm_values -gt 500
is "SAVE" "$(ask SAVE)" +OK
has "has all values" "$("$check_rdb" "$dir/data/dump.rdb" 2>&1)" "$((keys + 1)) keys"
is "begun" "$(ask 'BACKUP START one')" '$3 one'
has "sealed" "$(ask 'BACKUP SEAL')" one
has "restored" "$("$restore" "$dir/data/backups/one" --to "$dir/restored" 2>&1)" "restored: up to entry"
has "as plain" "$("$check_rdb" "$dir/restored/dump.rdb" 2>&1)" "$((keys + 1)) keys"

# --- Other sizes; a digest is had of what lies there, and it is that of all in memory ---
is "larger" "$(ask 'CONFIG SET warm-tier-size 64mb' 'CONFIG SET hot-tier-size 100mb')" "+OK +OK"
is "all in memory" "$(wrong 4) $(ask 'STRLEN key:3')" "0 :1004"
is "and out of it" "$(ask 'CONFIG SET hot-tier-size 400kb')" "+OK"
until_figure warm_values -gt 5000
digest=$(ask 'DEBUG DIGEST')
[[ $digest == +???????????????????????????????????????? ]] || fail "no digest: $digest"
is "none" "$(ask 'CONFIG SET warm-tier-size 0')" "+OK"
until_figure warm_values -eq 0
is "moved on" "$(wrong 4)" 0
has "refused" "$(ask 'CONFIG SET warm-tier-size 60000gb')" "cannot be made in dir"
is "all in memory again" "$(ask 'CONFIG SET hot-tier-size 0')" "+OK"
is "the same" "$(wrong 4) $(ask 'STRLEN key:3' 'DEBUG DIGEST')" "0 :1004 $digest"

# --- A disk without space: a line at the start, and nothing was changed ---
end -9
refused=$("$server" --dir "$dir/data" --port 0 --appendonly yes --cold-tier-path cold --warm-tier-size 60000gb 2>&1)
is "status" $? 1
has "no space" "$refused" "(make space there, or a smaller warm-tier-size)"
has "without a cold tier" "$("$server" --dir "$dir/data" --port 0 --appendonly yes --warm-tier-size 1gb 2>&1)" \
  "warm-tier-size needs a cold tier"
mkdir "$dir/small"
if unshare -rm sh -c 'mount -t tmpfs -o size=8m none "$1"' - "$dir/small" 2>/dev/null; then
  refused=$(unshare -rm sh -c 'mount -t tmpfs -o size=8m none "$2" && exec "$1" --dir "$2" --port 0 --appendonly yes \
    --cold-tier-path cold --warm-tier-size 16mb' - "$server" "$dir/small" 2>&1)
  has "a small disk" "$refused" "No space left on device (make space there, or a smaller warm-tier-size)"
else
  echo "warm: SKIPPED: a start on a small filesystem (unshare -rm mount is refused here)" >&2
fi
cat >"$dir/powercut.toml" <<END
[persistence]
aof_enabled = true
[storage]
directory = "$dir/data"
cold_tier_path = "cold"
hot_tier_size = "400kb"
warm_tier_size = "2mb"
[network]
port = 0
bind = ["127.0.0.1"]
END
: >"$dir/log"
"$server" "$dir/powercut.toml" >>"$dir/log" 2>&1 &
pid=$!
must_be_ready
is "by a file" "$(figure warm_tier_size)" $((2 << 20))
is "nothing was changed" "$(wrong 4)" 0
end -9

[ "$failed" = 0 ] && echo "warm: all as it should be"
exit "$failed"
