# Nothing is lost at the door: signals, a log that cannot be written, a directory that is taken away, strangers, older
# servers' files. Needs bash alone: it speaks the protocol itself.
# usage: door_test.sh POWERCUT-SERVER POWERCUT-CHECK-AOF
set -u
server=$1 check_aof=$2

source "${BASH_SOURCE[0]%/*}/checks.sh"

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
  find_port && return
  kill -9 "$pid" 2>/dev/null && fail "it does not get ready: $(cat "$dir/log")"
  wait "$pid"
  status=$?
}
# lives_on WHAT: the server that was started last, with a socket at $dir/s; or WHAT failed.
lives_on() {
  pid=$!
  pids+=("$pid")
  for _ in $(seq 100); do [ -S "$dir/s" ] && break || sleep 0.02; done
  sleep 0.1
  kill -0 "$pid" || fail "$1"
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
lives_on "a full log ends the store"
stop

"$server" --no-such-directive 1 2>/dev/full
is "a refusal that cannot be written" $? 2

# Closed: what is opened in its place must not get the messages.
fresh
"$server" --port 0 --bind 127.0.0.1 --dir "$dir/data" --unixsocket "$dir/s" --appendfsync always 0<&- >&- 2>&- &
lives_on "closed descriptors end the store"
stop
grep -rq "Server initialized" "$dir/data" && fail "a message is in the data"

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

# --- A look at a directory whose last publication was not finished ---
cp "$dir/data/appendonlydir/appendonly.aof.manifest" "$dir/data/appendonlydir/appendonly.aof.manifest.replaced.1"
timeout 20 "$check_aof" "$dir/data" >"$dir/said"
is "a look" $? 0
[ -e "$dir/data/appendonlydir/appendonly.aof.manifest.replaced.1" ] || fail "a look changes something"

# --- A predecessor that still holds the port and the directory ---
start
used=$port
old=$pid
(sleep 0.3; kill -9 "$old") &
launch --port "$used" --bind 127.0.0.1
wait_ready
is "a start while it dies" "$port" "$used"
stop

# --- A unix socket among the data: its own, and one that a killed server left ---
fresh
start --port $((20002 + $$ % 20000)) --unixsocket "$dir/data/s"
is "its own socket" "$(ask 'SET k v')" +OK
kill -9 "$pid"
{ wait "$pid"; } 2>/dev/null
rm -r "$dir/data/appendonlydir"
[ -S "$dir/data/s" ] || fail "no socket is left behind"
start
is "a socket that was left" "$(ask 'SET k v')" +OK
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
is "many words of a stranger" "$(ask '*11')" "-ERR Protocol error: unauthenticated multibulk length"
is "a long one" "$(ask $'*1\r\n$20000')" "-ERR Protocol error: unauthenticated bulk length"
is "of who is none" "$(ask 'AUTH secret' "$(words SET k "$(printf 'x%.0s' {1..20000})")" 'STRLEN k' 'SET k v')" "+OK +OK :20000 +OK"
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

# --- Clients and their connections ---
fresh
start
is "RESP3" "$(ask 'HELLO 3' | cut -c1-2)" "%7"
is "no such protocol" "$(ask 'HELLO 4')" "-NOPROTO unsupported protocol version"
is "an answer left out" "$(ask $'CLIENT REPLY SKIP\r\nSET a 1\r\nGET a')" 1
exec 4<>"/dev/tcp/127.0.0.1/$port"
printf 'CLIENT ID\r\n' >&4
IFS= read -r id <&4
id=${id%$'\r'}
is "a client that is killed" "$(ask "CLIENT KILL ID ${id#:}")" :1
IFS= read -r -t 5 _ <&4 && fail "it lives on"
exec 4>&-
# Requests of a few bytes for replies of a megabyte each, and nobody who takes them: memory stays within bounds.
ask "SETRANGE big 1000000 x" >/dev/null
exec 4<>"/dev/tcp/127.0.0.1/$port"
for _ in $(seq 2000); do echo 'GET big'; done >&4
is "beside a reader that is slow" "$(ask PING)" +PONG
kib=$(sed -n 's/^VmRSS:[[:space:]]*\([0-9]*\).*/\1/p' "/proc/$pid/status")
((kib < 200000)) || fail "a slow reader costs $kib KiB"
exec 4>&-
ask 'CONFIG SET timeout 1' >/dev/null
exec 4<>"/dev/tcp/127.0.0.1/$port"
IFS= read -r -t 5 _ <&4
(($? < 128)) || fail "an idle client stays"
exec 4>&-
stop

# --- Clients that wait for a key ---
fresh
start --appendfsync always
waits() {  # FD REQUESTS...: on a connection of its own; its client's number goes to $id
  eval "exec $1<>/dev/tcp/127.0.0.1/$port"
  printf 'CLIENT ID\r\n' >&"$1"
  IFS= read -r id <&"$1"
  id=${id%$'\r'}
  id=${id#:}
  printf '%s\r\n' "${@:2}" >&"$1"
  for _ in $(seq 200); do [[ $(ask "CLIENT LIST ID $id") == *flags=b* ]] && return; sleep 0.02; done
  fail "$2 does not wait"
}
line() { local text; IFS= read -r -t 5 text <&"$1"; printf '%s' "${text%$'\r'}"; }
pair() { printf '%s %s %s %s %s' "$(line "$1")" "$(line "$1")" "$(line "$1")" "$(line "$1")" "$(line "$1")"; }
waits 4 'BLPOP q 0' 'RPUSH back 1'
waits 5 'BLPOP q 0'
is "what it says meanwhile" "$(ask 'EXISTS back')" :0
exec 4>&-  # it has gone: the next one gets it, and what it said behind is not done
for _ in $(seq 200); do [ "$(ask 'CLIENT UNBLOCK '"$((id - 1))")" = :0 ] && break || sleep 0.02; done
is "a push" "$(ask 'RPUSH q a' 'EXISTS q back')" ":1 :0"
is "what it waited for" "$(pair 5)" '*2 $1 q $1 a'
printf 'BLPOP q 0.05\r\nPING\r\n' >&5
is "its time is over" "$(line 5) $(line 5)" '*-1 +PONG'
exec 5>&-
waits 4 'BLPOP q 0' 'GET k'
is "it is unblocked" "$(ask "CLIENT UNBLOCK $id ERROR")" :1
is "by another" "$(line 4) $(line 4)" '-UNBLOCKED client unblocked via CLIENT UNBLOCK $-1'
exec 4>&-
waits 4 'BLPOP q 0'
is "it is killed" "$(ask "CLIENT KILL ID $id")" :1
is "and gets nothing" "$(ask 'RPUSH q b' 'LPOP q')" ":1 b"
exec 4>&-
ask 'CONFIG SET timeout 1' >/dev/null
waits 4 'BLPOP q 0'
before=$(cut -d' ' -f14,15 "/proc/$pid/stat")
sleep 2.2
after=$(cut -d' ' -f14,15 "/proc/$pid/stat")
spent=$((${after% *} + ${after#* } - ${before% *} - ${before#* }))
((spent < 20)) || fail "who waits costs $spent hundredths of a second in two"
is "who waits is not idle" "$(ask 'RPUSH q c')" :1
is "and is served" "$(pair 4)" '*2 $1 q $1 c'
exec 4>&-
waits 4 'BLPOP q 0'
kill -9 "$pid"
exec 4>&-
start --appendfsync always
is "after a crash" "$(ask 'EXISTS q back')" :0
waits 4 'BLPOP q 0'
stop
exec 4>&-

# --- A disk that is full: whoever meets it is told, and what it was told of is not there ---
fresh
(ulimit -f 1500; exec "$server" --port 0 --bind 127.0.0.1 --dir "$dir/data" --appendfsync always) >"$dir/log" 2>&1 &
pid=$!
pids+=("$pid")
wait_ready
piece=$(printf 'x%.0s' {1..40000})
for i in $(seq 60); do
  reply=$(ask "SET k$i $piece")
  [ "$reply" = +OK ] || break
done
has "a full disk" "$reply" "-MISCONF Errors writing to the AOF file"
is "what was refused" "$(ask "GET k$i" PING)" '$-1 +PONG'
sleep 0.3
has "its log" "$(cat "$dir/log")" "writes are refused: write appendonlydir"
stop
start
is "behind it" "$(ask DBSIZE)" ":$((i - 1))"
is "with space again" "$(ask "SET k$i 1")" +OK
stop

# --- Configuration ---
fresh
cat >"$dir/redis.conf" <<END
# a comment
include "$dir/more.conf"
maxmemory 100mb   
save 900 1
SAVE 300 10
rename-command-is-not-here yes
END
echo 'timeout 17' >"$dir/more.conf"
status=$("$server" "$dir/redis.conf" --dir "$dir/data" 2>"$dir/said"; echo $?)
is "an unknown directive" "$status" 2
has "where it stands" "$(cat "$dir/said")" "redis.conf line 6: 'rename-command-is-not-here yes': there is no such directive"
for refused in 'cluster-enabled yes' 'replicaof host' 'maxmemory-policy allkeys-lately' 'appendfilename a/b'; do
  printf '%s\n' "$refused" >"$dir/bad.conf"
  "$server" "$dir/bad.conf" --dir "$dir/data" 2>"$dir/said"
  is "$refused" $? 2
  has "$refused" "$(cat "$dir/said")" "bad.conf line 1: '$refused': "
done
echo 'user me on >secret +nosuch' >"$dir/bad.conf"
"$server" "$dir/bad.conf" --dir "$dir/data" 2>"$dir/said"
is "a rule that is none" $? 2
has "a rule that is none" "$(cat "$dir/said")" "bad.conf line 1: 'user me': Error in ACL SETUSER modifier '+nosuch'"
grep -q secret "$dir/said" && fail "a password on the terminal"
sed -i /is-not-here/d "$dir/redis.conf"
: >"$dir/log"
"$server" "$dir/redis.conf" --port 0 --bind 127.0.0.1 --dir "$dir/data" --appendfilename other.aof --appenddirname logs \
  --dbfilename other.rdb --databases 64 --hash-max-ziplist-entries 7 >"$dir/log" 2>&1 &
pid=$!
pids+=("$pid")
wait_ready
config() { ask "CONFIG GET $1" x >/dev/null; exec 3<>"/dev/tcp/127.0.0.1/$port"; printf 'CONFIG GET %s\r\n' "$1" >&3; for _ in 1 2 3 4; do IFS= read -r line <&3; done; IFS= read -r line <&3; exec 3>&-; printf '%s' "${line%$'\r'}"; }
is "of the file" "$(config maxmemory)" 104857600
is "of the file that it includes" "$(config timeout)" 17
is "of several lines" "$(config save)" "900 1 300 10"
is "an older name" "$(config hash-max-listpack-entries)" 7
is "the 41st database" "$(ask 'SELECT 40' 'SET k v' SAVE)" "+OK +OK +OK"
[ -e "$dir/data/logs/other.aof.manifest" ] && [ -e "$dir/data/other.rdb" ] || fail "files under other names"
is "what is accepted" "$(ask 'CONFIG SET hz 50' 'CONFIG SET maxclients 77')" "+OK +OK"
is "what is not" "$(ask 'CONFIG SET databases 7' | cut -c1-26)" "-ERR CONFIG SET failed (po"
is "the file again" "$(ask 'CONFIG REWRITE')" +OK
for line in '# a comment' 'maxmemory 104857600' 'save 900 1' 'save 300 10' 'hz 50' 'maxclients 77' "include \"$dir/more.conf\""; do
  grep -qxF "$line" "$dir/redis.conf" || fail "CONFIG REWRITE: no '$line'"
done
stop
start --appendfilename other.aof --appenddirname logs --dbfilename other.rdb --databases 64
is "found again" "$(ask 'SELECT 40' 'GET k')" "+OK v"
stop

# --- Another port while it runs ---
fresh
start
old=$port
is "the same port is no other" "$(ask "CONFIG SET port $old")" "+OK"
has "an address that there is not" "$(ask 'CONFIG SET bind 999.999.999.999')" "Failed to bind to specified addresses"
is "and the old one answers on" "$(ask PING)" "+PONG"
new=$old
answer='already in use'
while [[ $answer == *'already in use'* ]]; do  # by whatever else runs on this machine
  new=$((new < 60000 ? new + 1 : 20000))
  answer=$(ask "CONFIG SET port $new")
done
is "another port" "$answer" "+OK"
(exec 3<>"/dev/tcp/127.0.0.1/$old") 2>/dev/null && fail "the old port answers still"
port=$new
is "the new one answers" "$(ask PING 'CONFIG GET port')" "+PONG *2"
stop

# --- The same in TOML, and who watches it ---
metrics=$((20000 + $$ % 20000))
fresh
cat >"$dir/powercut.toml" <<END
[network]
port = 0
bind = ["127.0.0.1", "-::1"]
idle_timeout = "2min"
[persistence]
aof_sync_policy = "always"
aof_loss_window = "1500ms"
checkpoint_rules = [{seconds = 900, changes = 1}, {changes = 10, seconds = 300}]
[recovery]
max_recovery_time = "5min"
on_corruption = "truncate"
[storage]
directory = "$dir/data"
databases = 41
max_memory = "100mb"
[redis]
hz = 50
END
"$server" "$dir/powercut.toml" --metrics-port $metrics >"$dir/log" 2>&1 &
pid=$!
pids+=("$pid")
wait_ready
for pair in 'timeout 120' 'appendfsync always' 'aof-loss-window-ms 1500' 'recovery-time-limit-ms 300000' \
  'on-corruption truncate' 'databases 41' 'maxmemory 104857600' 'hz 50'; do
  is "TOML" "${pair% *} $(config "${pair% *}")" "$pair"
done
is "TOML" "$(config save)" "900 1 300 10"
has "a file that is no redis.conf" "$(ask 'CONFIG REWRITE')" "writes a redis.conf"
is "a write" "$(ask 'SET k v')" +OK
sleep 1.2
exec 3<>/dev/tcp/127.0.0.1/$metrics
printf 'GET /metrics HTTP/1.0\r\n\r\n' >&3
scraped=$(cat <&3)
exec 3>&-
for metric in 'powercut_up 1' 'powercut_writes_refused 0' 'powercut_aof_synced_lsn 1' 'powercut_db0_keys 1' \
  'powercut_aof_loss_window_ms 1500' 'powercut_aof_last_write_status 1'; do
  has "a scrape" "$scraped" "$metric"
done
"$server" --port 0 --bind 127.0.0.1 --dir "$dir" --metrics-port $metrics >"$dir/said" 2>&1
is "its address is taken" $? 1
has "its address is taken" "$(cat "$dir/said")" "metrics on 127.0.0.1:$metrics: the address cannot be taken"
stop
for wrong in '[persistence]
aof_sync_polizy = "always"' '[recovery]
max_recovery_time = 5' 'port = 1' '[persistence]
checkpoint_rules = [900, 1]' '[storage
' '[network]
port = "x"' '[backup]
retain_count = [1]'; do
  printf '%s\n' "$wrong" >"$dir/wrong.toml"
  "$server" "$dir/wrong.toml" --dir "$dir/data" 2>"$dir/said"
  is "$wrong" $? 2
  has "$wrong" "$(cat "$dir/said")" "wrong.toml line "
done

# --- TLS ---
fresh
tls_port=$((20001 + $$ % 20000))
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$dir/key.pem" -out "$dir/cert.pem" -subj /CN=powercut -days 2 2>/dev/null
with_tls=(--tls-port "$tls_port" --tls-cert-file "$dir/cert.pem" --tls-key-file "$dir/key.pem" --tls-ca-cert-file "$dir/cert.pem")
tls_ask() {  # s_client's options..., --, requests...
  local options=()
  while [ "$1" != -- ]; do options+=("$1"); shift; done
  shift
  { printf '%s\r\n' "$@"; printf 'QUIT\r\n'; } |
    timeout 10 openssl s_client -quiet -connect "127.0.0.1:$tls_port" "${options[@]}" 2>/dev/null | tr -d '\r' | tr '\n' ' '
}
start --port $((tls_port + 1)) "${with_tls[@]}"
own=(-CAfile "$dir/cert.pem" -verify_return_error -cert "$dir/cert.pem" -key "$dir/key.pem")
is "over TLS" "$(tls_ask "${own[@]}" -- 'SET k v' 'GET k')" '+OK $1 v +OK '
is "more than a record" "$(tls_ask "${own[@]}" -- 'SETRANGE big 199999 x' 'GET big' | wc -c)" $((8 + 8 + 200001 + 4))
is "many requests" "$(tls_ask "${own[@]}" -- $(for i in $(seq 3000); do echo "ECHO-$i-x"; done) | grep -o ERR | wc -l)" 3000
is "in plain beside it" "$(ask 'GET k')" v
is "without a certificate" "$(tls_ask -- 'GET k')" ""
printf 'no handshake' >"/dev/tcp/127.0.0.1/$tls_port"
is "after a stranger" "$(tls_ask "${own[@]}" -- PING)" '+PONG +OK '
stop
start --port $((tls_port + 1)) "${with_tls[@]}" --tls-auth-clients no --tls-protocols TLSv1.3
is "nor wanted" "$(tls_ask -- 'GET k')" '$1 v +OK '
is "an older version" "$(tls_ask -tls1_2 -- 'GET k')" ""
stop
for wrong in "--tls-cert-file $dir/none.pem" '--tls-protocols SSLv3' '--tls-key-file ""'; do
  # shellcheck disable=SC2086
  "$server" --port 0 --dir "$dir/data" "${with_tls[@]}" $wrong 2>"$dir/said" >/dev/null
  is "$wrong" $? 1
  has "$wrong" "$(cat "$dir/said")" tls-
done

# --- A log, looked at and mended: by its directory, its manifest, one file ---
fresh
start --aof-timestamp-enabled yes --appendfilename other.aof
ask 'SET a 1' >/dev/null
then=$(date +%s)
sleep 2.1
ask 'SET b 2' 'SET c 3' >/dev/null
stop
manifest=$dir/data/appendonlydir/other.aof.manifest
segment=$(ls "$dir"/data/appendonlydir/*.incr.aof)
for what in "$dir/data" "$dir/data/appendonlydir/" "$manifest" "$segment"; do
  "$check_aof" "$what" >"$dir/said" || fail "a look at $what: $(cat "$dir/said")"
  has "a look at $what" "$(cat "$dir/said")" whole
done
before=$(sha256sum <"$segment")
"$check_aof" "$manifest" --truncate-to-timestamp $((then + 9)) >"$dir/said"
is "nothing is later" $? 0
is "nothing is later" "$(sha256sum <"$segment")" "$before"
"$check_aof" "$manifest" --truncate-to-timestamp $((then + 1)) >"$dir/said"
is "what is later" $? 0
has "what is later" "$(cat "$dir/said")" "whole up to entry 1; given up: "
is "a copy is kept" "$(sha256sum <"$dir/data/appendonlydir.kept/${segment##*/}")" "$before"
start --appendfilename other.aof
is "what is earlier" "$(ask 'GET a' 'GET b' DBSIZE)" '1 $-1 :1'
ask 'SET d 4' >/dev/null
stop
segment=$(ls -t "$dir"/data/appendonlydir/*.incr.aof | head -1)
printf '*3\r\n$3' >>"$segment"
"$check_aof" "$segment" >"$dir/said"
is "torn" $? 1
"$check_aof" "$segment" --fix >"$dir/said"
is "mended" $? 0
has "mended" "$(cat "$dir/said")" "a copy is kept: $segment.kept"
"$check_aof" "$dir/data" >"$dir/said"
is "and whole" $? 0
"$check_aof" "$dir" >/dev/null 2>"$dir/said"
is "nothing there" $? 3

exit $failed
