# The protocol's tools against a running server: clients that are paused, killed, told what changes; DEBUG, which reads
# back what was written; LATENCY, SLOWLOG, INFO. Needs bash alone: it speaks the protocol itself.
# usage: tools_test.sh POWERCUT-SERVER
set -u
server=$1

source "${BASH_SOURCE[0]%/*}/checks.sh"

# launch ARGUMENTS...: sets `pid` and `port`. start OPTIONS...: on no data.
start() {
  rm -rf "$dir/data" && mkdir "$dir/data"
  launch --dir "$dir/data" --port 0 --bind 127.0.0.1 "$@"
}
launch() { serve "$server" "$@"; }

# Connections are descriptors from 10 on: open N; say N REQUEST; hear N: the next value, its lines with blanks between.
open() { eval "exec $1<>/dev/tcp/127.0.0.1/$port"; }
shut() { eval "exec $1>&-"; }
say() { printf '%s\r\n' "$2" >&"$1"; }
hear() {
  local line left=1 text=
  while ((left > 0)); do
    IFS= read -r -t 5 line <&"$1" || { text+="${text:+ }nothing"; break; }
    line=${line%$'\r'}
    left=$((left - 1))
    case $line in
      '*-1' | '$-1') text+="${text:+ }nil" ;;
      '*'* | '>'* | '~'*) left=$((left + ${line:1})) text+="${text:+ }$line" ;;
      '%'*) left=$((left + 2 * ${line:1})) text+="${text:+ }$line" ;;
      '$'* | '='*)
        IFS= read -r -N $((${line:1} + 2)) -t 5 line <&"$1"
        text+="${text:+ }${line%$'\r\n'}"
        ;;
      *) text+="${text:+ }$line" ;;
    esac
  done
  printf '%s' "$text"
}
ask() { say "$1" "$2" && hear "$1"; }
# silent N: nothing comes within a moment.
silent() {
  local line
  ! IFS= read -r -t 0.2 line <&"$1" || fail "$2: '$line' came"
}
info() { ask 10 "INFO $1" | tr -d '\r' | sed -n "s/^$2://p"; }

start --appendonly yes --appendfsync always --save "" --enable-debug-command yes --latency-monitor-threshold 50
open 10
open 11
open 12

# --- CLIENT PAUSE ---
is "set" "$(ask 10 'SET x 1')" +OK
is "a pause" "$(ask 10 'CLIENT PAUSE 60000 WRITE')" +OK
is "a read in a pause" "$(ask 11 'GET x')" 1
say 11 'SET x 2'
say 12 'PUBLISH a b'
silent 11 "a write in a pause"
is "clients that wait" "$(info clients blocked_clients)" 2
has "a client that waits" "$(ask 10 'CLIENT LIST')" "flags=b "
is "what it would write" "$(ask 10 'GET x')" 1
is "the end of the pause" "$(ask 10 'CLIENT UNPAUSE')" +OK
is "the write" "$(hear 11)" +OK
is "the message" "$(hear 12)" :0
is "what it wrote" "$(ask 10 'GET x')" 2
ask 10 'SET gone 1 PX 20' >/dev/null
ask 10 'CLIENT PAUSE 60000 WRITE' >/dev/null
sleep 0.1
is "an expired key in a pause" "$(ask 10 'GET gone')" nil
is "it stays" "$(info stats expired_keys)" 0
is "its place" "$(ask 10 'DBSIZE')" :2
ask 10 'CLIENT UNPAUSE' >/dev/null
is "it goes" "$(ask 10 'GET gone')" nil
is "it has gone" "$(ask 10 'DBSIZE')" :1
id=$(ask 11 'CLIENT ID')
ask 10 'CLIENT PAUSE 60000 WRITE' >/dev/null
say 11 'SET x killed'
sleep 0.1
is "kill who waits" "$(ask 10 "CLIENT KILL ID ${id:1}")" :1
ask 10 'CLIENT UNPAUSE' >/dev/null
is "nothing comes of its write" "$(hear 11)" nothing
open 11
is "x" "$(ask 11 'GET x')" 2
is "a pause of all" "$(ask 10 'CLIENT PAUSE 1500')" +OK
say 11 PING
silent 11 "a reply in a pause of all"
is "the pause ends by itself" "$(hear 11)" +PONG

# --- DEBUG: what was written is read back, and nothing is replaced ---
ask 10 'RPUSH l a b c' >/dev/null
ask 10 'HSET h f 1 g 2' >/dev/null
ask 10 'ZADD z 1.5 a' >/dev/null
ask 10 'SET e 1 PX 86400000' >/dev/null
digest=$(ask 10 'DEBUG DIGEST')
is "the digest" "${#digest}" 41
is "reload" "$(ask 10 'DEBUG RELOAD')" +OK
[ -f "$dir/data/dump.rdb" ] || fail "reload wrote no checkpoint"
is "loadaof" "$(ask 10 'DEBUG LOADAOF')" +OK
is "the digest is the same" "$(ask 10 'DEBUG DIGEST')" "$digest"
has "reload has no options" "$(ask 10 'DEBUG RELOAD NOSAVE')" "-ERR DEBUG RELOAD takes no options"
is "populate" "$(ask 10 'DEBUG POPULATE 1000 p 20')" +OK
is "what is populated" "$(ask 10 'STRLEN p:999')" :20
is "it is logged" "$(ask 10 'DEBUG LOADAOF')" +OK
is "unknown" "$(ask 10 'DEBUG SEGFAULT')" "-ERR unknown subcommand 'SEGFAULT'. Try DEBUG HELP."
# A log that is not what is stored is found, and nothing is lost by asking.
digest=$(ask 10 'DEBUG DIGEST')
for file in "$dir"/data/appendonlydir/*.incr.aof; do cp "$file" "$dir/kept" && truncate -s 100 "$file"; done
has "a log that was cut" "$(ask 10 'DEBUG LOADAOF')" "-ERR "
cp "$dir/kept" "$dir"/data/appendonlydir/*.incr.aof
is "still there" "$(ask 10 'DEBUG DIGEST')" "$digest"

# --- LATENCY, SLOWLOG ---
ask 10 'CONFIG SET slowlog-log-slower-than 50000' >/dev/null
ask 10 'DEBUG SLEEP 0.1' >/dev/null
has "an event" "$(ask 10 'LATENCY LATEST')" "*1 *4 command :"
has "its history" "$(ask 10 'LATENCY HISTORY command')" "*1 *2 :"
has "advice" "$(ask 10 'LATENCY DOCTOR')" "SLOWLOG GET"
has "a graph" "$(ask 10 'LATENCY GRAPH command')" "#"
has "a slow request" "$(ask 10 'SLOWLOG GET 1')" "*3 DEBUG SLEEP 0.1"
is "forgotten" "$(ask 10 'LATENCY RESET')" :1
has "a histogram" "$(ask 10 'LATENCY HISTOGRAM set')" "set *4 calls :"
has "subcommands are counted" "$(ask 10 'INFO commandstats')" "cmdstat_client|pause:calls="
has "and their times" "$(ask 10 'INFO latencystats')" "latency_percentiles_usec_debug|sleep:p50=1"

# --- Who is told ---
is "monitor" "$(ask 12 MONITOR)" +OK
ask 10 'SET x 3' >/dev/null
has "a command that ran" "$(hear 12)" '"SET" "x" "3"'
is "reset" "$(ask 12 RESET)" +RESET
has "resp3" "$(ask 12 'HELLO 3')" "proto :3"
is "tracking" "$(ask 12 'CLIENT TRACKING ON')" +OK
is "a read" "$(ask 12 'GET x')" 3
ask 10 'SET x 4' >/dev/null
is "it changed" "$(hear 12)" ">2 invalidate *1 x"
is "listen" "$(ask 11 'SUBSCRIBE news')" "*3 subscribe news :1"
is "publish" "$(ask 10 'PUBLISH news hello')" :1
is "a message" "$(hear 11)" "*3 message news hello"

# --- ACL: users ---
is "who" "$(ask 10 'ACL WHOAMI')" default
is "the user" "$(ask 10 'ACL LIST')" "*1 user default on nopass ~* &* +@all"
is "a secret" "$(ask 10 'ACL GENPASS 40' | tr -d '0-9a-f' | wc -c)" 0
[ "$(ask 10 'ACL GENPASS')" != "$(ask 10 'ACL GENPASS')" ] || fail "two secrets are the same"
is "another" "$(ask 10 'ACL SETUSER bob on >builder ~bob:* +@all -debug')" +OK
open 14
is "he says who he is" "$(ask 14 'AUTH bob builder')" +OK
is "and is" "$(ask 14 'ACL WHOAMI')" bob
is "his key" "$(ask 14 'SET bob:1 x')" +OK
has "another's" "$(ask 14 'SET x 5')" "-NOPERM this user has no permissions to access one of the keys"
has "what he may not" "$(ask 14 'DEBUG SLEEP 0')" "-NOPERM this user has no permissions to run the 'debug|sleep' command"
has "seen by others" "$(ask 10 'CLIENT LIST')" "user=bob"
is "deleted" "$(ask 10 'ACL DELUSER bob')" :1
is "and gone" "$(hear 14)" nothing
has "nobody" "$(ask 10 'CLIENT KILL USER bob')" "-ERR No such user 'bob'"
ask 10 'ACL LOG RESET' >/dev/null
ask 10 'CONFIG SET requirepass secret' >/dev/null
has "its digest" "$(ask 10 'ACL GETUSER default')" 2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b
open 13
has "a wrong password" "$(ask 13 'AUTH default guess')" -WRONGPASS
has "is noted" "$(ask 10 'ACL LOG')" "*14 count :1 reason auth context toplevel object AUTH username default"
is "the right one" "$(ask 13 'AUTH default secret')" +OK
ask 10 'CONFIG SET requirepass ""' >/dev/null

# --- Users in a file, and in a configuration ---
printf 'user bob on >builder ~* &* +@all\n' >"$dir/users.acl"
start --appendonly no --save "" --aclfile ../users.acl
open 10
open 14
is "of the file" "$(ask 14 'AUTH bob builder')" +OK
is "one more" "$(ask 10 'ACL SETUSER eve on nopass +get ~e*')" +OK
is "kept" "$(ask 10 'ACL SAVE')" +OK
grep -qx 'user eve on nopass ~e\* resetchannels -@all +get' "$dir/users.acl" || fail "ACL SAVE: $(cat "$dir/users.acl")"
grep -q builder "$dir/users.acl" && fail "ACL SAVE shows a password"
is "nothing beside it" "$(ls "$dir" | grep users)" users.acl
is "read again" "$(ask 10 'ACL LOAD')" +OK
is "who was there must come again" "$(hear 14)" nothing
echo 'user eve on' >>"$dir/users.acl"
has "a wrong file" "$(ask 10 'ACL LOAD')" "Duplicate user 'eve' found on line 4"
has "changes nothing" "$(ask 10 'ACL GETUSER eve')" "-@all +get"
mkdir "$dir/other"
"$server" --dir "$dir/other" --aclfile ../users.acl >"$dir/said" 2>&1 && fail "it starts with a wrong file"
has "a start says why" "$(cat "$dir/said")" "Duplicate user 'eve' found on line 4"
"$server" --dir "$dir/other" --aclfile ../users.acl --user ann on >"$dir/said" 2>&1 && fail "it starts with both"
has "a start says what" "$(cat "$dir/said")" "users stand in the configuration and in an aclfile"
"$server" --dir "$dir/other" --user ann --user ann >"$dir/said" 2>&1 && fail "it starts with one twice"
has "a start says who" "$(cat "$dir/said")" "Duplicate user"
printf 'user ann on >secret ~a* +@all (+get ~b*)\nuser default on nopass ~* +@all -flushall\n' >"$dir/redis.conf"
configured() { # with a file, which comes first
  launch "$dir/redis.conf" --dir "$dir/data" --port 0 --bind 127.0.0.1 --appendonly no
}
configured
open 10
has "of the configuration" "$(ask 10 FLUSHALL)" -NOPERM
has "no channels unless said" "$(ask 10 'PUBLISH a b')" -NOPERM
is "written down" "$(ask 10 'CONFIG REWRITE')" +OK
grep -q secret "$dir/redis.conf" && fail "CONFIG REWRITE shows a password"
grep -q '^user ann on #.* ~a\* resetchannels +@all (~b\* resetchannels -@all +get)$' "$dir/redis.conf" ||
  fail "CONFIG REWRITE: $(cat "$dir/redis.conf")"
configured
open 10
has "and read again" "$(ask 10 FLUSHALL)" -NOPERM
is "the other too" "$(ask 10 'AUTH ann secret')" +OK

# --- DEBUG is for who allows it ---
start --appendonly no --save ""
open 10
has "not allowed" "$(ask 10 'DEBUG SLEEP 0')" "-ERR DEBUG command not allowed"
start --appendonly no --save "" --enable-debug-command local
open 10
is "allowed here" "$(ask 10 'DEBUG SLEEP 0')" +OK
has "no log" "$(ask 10 'DEBUG LOADAOF')" "-ERR there is no log"

exit $failed
