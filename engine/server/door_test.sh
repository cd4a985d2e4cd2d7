# Nothing is lost at the door: signals, a log that cannot be written, a directory that is taken away, strangers, older
# servers' files. Needs bash alone: it speaks the protocol itself.
# usage: door_test.sh POWERCUT-SERVER
set -u
server=$1

dir=$(mktemp -d)
pids=()
finish() {
  for pid in "${pids[@]}"; do kill -9 "$pid" 2>/dev/null; done
  rm -rf "$dir"
}
trap finish EXIT

failed=0
fail() {
  echo "door: $*" >&2
  failed=1
}
is() { [ "$2" = "$3" ] || fail "$1: '$2' instead of '$3'"; }
has() { [[ $2 == *"$3"* ]] || fail "$1: '$3' is not in '$2'"; }

fresh() { rm -rf "$dir/data" && mkdir "$dir/data"; }

# start OPTIONS...: in $dir/data, on a port of its own; sets `pid` and `port`, or `port` is empty and `status` set.
start() {
  launch --port 0 --bind 127.0.0.1 "$@"
  wait_ready
}
launch() {
  : >"$dir/log"
  "$server" --dir "$dir/data" "$@" >>"$dir/log" 2>&1 &
  pid=$!
  pids+=("$pid")
}
wait_ready() {
  port=
  for _ in $(seq 400); do
    port=$(sed -n 's/.*ready on 127.*:\([0-9]*\)$/\1/p' "$dir/log")
    [ -z "$port" ] || return 0
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.02
  done
  kill -9 "$pid" 2>/dev/null && fail "it does not get ready: $(cat "$dir/log")"
  wait "$pid"
  status=$?
}
stop() {
  kill -TERM "$pid"
  wait "$pid"
  is "the end" $? 0
}
# ask REQUEST...: one connection; the lines of the reply that come within a moment, with blanks between.
ask() {
  local line reply=
  exec 3<>"/dev/tcp/127.0.0.1/$port" || return
  trap '' PIPE  # who is hung up on
  printf '%s\r\n' "$@" >&3 2>/dev/null
  trap - PIPE
  local wanted=$#
  while ((wanted > 0)) && IFS= read -r -t 5 line <&3; do
    line=${line%$'\r'}
    if [[ $line == '$'[1-9]* ]]; then IFS= read -r -t 5 line <&3 && line=${line%$'\r'}; fi
    reply+=${reply:+ }$line
    wanted=$((wanted - 1))
  done
  ((wanted == 0)) || reply+=${reply:+ }closed
  exec 3>&-
  printf '%s' "$reply"
}
words() {
  printf '*%d\r\n' $#
  local word
  for word; do printf '$%d\r\n%s\r\n' "${#word}" "$word"; done
}

# --- Signals ---
fresh
start --appendonly no --save 3600 1
ask 'SET k v' >/dev/null
kill -HUP "$pid"
kill -PIPE "$pid"
is "a terminal that closes" "$(ask 'GET k')" v
kill -TERM "$pid"
kill -TERM "$pid" 2>/dev/null
wait "$pid"
is "two SIGTERM" $? 0
start --appendonly no
is "saved at the end by rules that nobody named" "$(ask 'GET k')" v
stop

# --- The log of the process ---
fresh
"$server" --port 0 --bind 127.0.0.1 --dir "$dir/data" --unixsocket "$dir/s" >/dev/full 2>&1 &
pid=$!
pids+=("$pid")
for _ in $(seq 100); do [ -S "$dir/s" ] && break || sleep 0.02; done
sleep 0.1
kill -0 "$pid" || fail "a full log ends the store"
stop

fresh
launch --port 0 --bind 127.0.0.1 --logfile "$dir/own.log" --pidfile "$dir/own.pid" --loglevel notice
for _ in $(seq 200); do grep -q 'Ready to accept' "$dir/own.log" 2>/dev/null && break || sleep 0.02; done
is "the pid file" "$(cat "$dir/own.pid")" "$pid"
has "the log file" "$(cat "$dir/own.log")" "Server initialized"
stop
[ ! -e "$dir/own.pid" ] || fail "the pid file stays"

# --- A directory that is taken away ---
fresh
start --appendfsync always
ask 'SET a 1' >/dev/null
rm -r "$dir/data/appendonlydir"
is "a write after it" "$(ask 'SET b 2')" +OK
stop
start
is "what was acknowledged" "$(ask 'GET a' 'GET b')" "1 2"
mv "$dir/data/appendonlydir" "$dir/data/elsewhere"
stop
rm -r "$dir/data/elsewhere"
start
is "no write after it" "$(ask 'GET a' 'GET b')" "1 2"
ask BGREWRITEAOF >/dev/null
stop

# --- Orphans ---
printf x >"$dir/data/appendonlydir/appendonly.aof.1.base.rdb"
start
stop
[ -e "$dir/data/appendonlydir/appendonly.aof.1.base.rdb.orphan" ] || fail "an orphan is not set aside"
start
stop
[ ! -e "$dir/data/appendonlydir/appendonly.aof.1.base.rdb.orphan" ] || fail "orphans stay for ever"

# --- A predecessor that still holds the port and the directory ---
start
used=$port
old=$pid
(sleep 0.3; kill -9 "$old") &
launch --port "$used" --bind 127.0.0.1
wait_ready
is "a start while it dies" "$port" "$used"
stop

# --- Loading ---
fresh
mkdir "$dir/data/appendonlydir"
words SET key:123456 xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx >"$dir/piece"
for _ in $(seq 15); do
  cat "$dir/piece" "$dir/piece" >"$dir/twice"
  mv "$dir/twice" "$dir/piece"
done
for _ in $(seq 60); do cat "$dir/piece"; done >"$dir/data/appendonlydir/appendonly.aof.1.incr.aof"
printf 'file appendonly.aof.1.incr.aof seq 1 type i\n' >"$dir/data/appendonlydir/appendonly.aof.manifest"
launch --port 0 --bind 127.0.0.1 --unixsocket "$dir/s"
for _ in $(seq 200); do grep -q initialized "$dir/log" && break || sleep 0.01; done
kill -TERM "$pid"
wait "$pid"
is "SIGTERM while it loads" $? 0
grep -q "ready on" "$dir/log" && fail "SIGTERM waits for the load"
rm "$dir/data/appendonlydir/appendonly.aof.1.incr.aof"

# --- Strangers ---
fresh
start --requirepass secret
is "no password" "$(ask 'GET k')" "-NOAUTH Authentication required."
is "a wrong one" "$(ask 'AUTH wrong')" "-WRONGPASS invalid username-password pair or user is disabled."
is "the password" "$(ask 'AUTH secret' 'SET k v' 'GET k')" "+OK +OK v"
is "with the user" "$(ask 'AUTH default secret' PING)" "+OK +PONG"
is "a web page" "$(ask 'POST / HTTP/1.1' 'AUTH secret' 'FLUSHALL')" closed
is "and its next line" "$(ask 'Host: localhost' 'AUTH secret' 'FLUSHALL')" closed
stop
fresh
start --maxclients 2
exec 4<>"/dev/tcp/127.0.0.1/$port" 5<>"/dev/tcp/127.0.0.1/$port"
printf 'PING\r\n' >&4
read -r _ <&4
printf 'PING\r\n' >&5
read -r _ <&5
is "one client too many" "$(ask PING | cut -d' ' -f1-6)" "-ERR max number of clients reached"
exec 4>&- 5>&-
stop

exit $failed
