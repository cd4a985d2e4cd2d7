#!/usr/bin/env bash
# redis-cli: one command, a script, RESP3, and its special modes.
source "$(dirname "$0")/steps.sh"
client="redis-cli $(redis-cli --version | cut -d' ' -f2)"
dir=$CLIENTS_DIR
cli() { redis-cli -p "$CLIENTS_PORT" "$@"; }
knows() { [[ -n $(cli COMMAND INFO "$1") ]]; }

# --- Requests, and how the replies are shown ---
same "one command" "$(cli SET s 1)" OK
same "a number" "$(cli --no-raw INCR s)" "(integer) 2"
same "another database" "$(cli -n 5 SET s five)" OK
same "by its address" "$(redis-cli -u "redis://127.0.0.1:$CLIENTS_PORT/5" GET s)" five
same "a unix socket" "$(redis-cli -s "$dir/socket" GET s)" 2
same "again and again" "$(cli -r 3 -i 0.01 INCR s | tr '\n' ' ')" "3 4 5 "
same "a value from a file" "$(printf 'line\n\0line' | cli -x SET binary) $(cli STRLEN binary)" "OK 10"
same "in place of a tag" "$(printf value | cli -X here SET tagged here) $(cli GET tagged)" "OK value"
same "quoted" "$(cli --quoted-input SET '"quo\x00ted"' '"\xff"') $(cli --no-raw --quoted-input GET '"quo\x00ted"')" 'OK "\xff"'
cli HSET h f 1 g 2 >/dev/null
cli ZADD z 1.5 a inf b >/dev/null
same "csv" "$(cli --csv HGETALL h)" '"f","1","g","2"'
same "json" "$(cli --json HGETALL h)" '{"f":"1","g":"2"}'
same "json of RESP2" "$(cli -2 --json HGETALL h)" '["f","1","g","2"]'
same "RESP3" "$(cli -3 --no-raw ZSCORE z b)" '(double) inf'
same "a delimiter" "$(cli -d , MGET s tagged)" "5,value"
same "an error" "$(cli -e LPUSH s 1 2>&1 | head -n 1; echo "${PIPESTATUS[0]}")" $'WRONGTYPE Operation against a key holding the wrong kind of value\n1'
same "a script of requests" "$(printf '%s\n' MULTI 'SET m 1' 'INCR m' EXEC 'GET m' 'WATCH m' 'SELECT 5' 'GET s' | cli | tr '\n' ' ')" \
  "OK QUEUED QUEUED OK 2 2 OK OK five "
has "help by the server" "$(cli help zadd)" '*ZADD*since:*1.2.0*group:*sorted?set*'
cli CONFIG SET requirepass secret >/dev/null
has "no password" "$(cli GET s 2>&1)" '*NOAUTH*'
same "a password" "$(cli -a secret --no-auth-warning GET s)" 5
same "a password and a user" "$(REDISCLI_AUTH=secret redis-cli -p "$CLIENTS_PORT" --user default GET s)" 5
cli -a secret --no-auth-warning CONFIG SET requirepass '' >/dev/null

# --- Many at once, and what is there ---
for i in $(seq 20000); do printf '*3\r\n$3\r\nSET\r\n$%d\r\np%d\r\n$1\r\nx\r\n' $((1 + ${#i})) "$i"; done >"$dir/mass"
has "--pipe" "$(cli --pipe <"$dir/mass" 2>&1)" '*errors: 0, replies: 20000*'
cli RPUSH list $(seq 500) >/dev/null
cli SADD set $(seq 300) >/dev/null
same "--scan" "$(cli --scan | wc -l)" "$(cli DBSIZE)"
same "--scan --pattern" "$(cli --scan --pattern 'p1999?' | sort | tr '\n' ' ')" "$(printf 'p1999%s ' 0 1 2 3 4 5 6 7 8 9)"
said=$(cli --bigkeys)
has "--bigkeys" "$said" '*Biggest   list found '\''"list"'\'' has 500 items*'
has "--bigkeys of sets" "$said" '*Biggest    set found '\''"set"'\'' has 300 members*'
has "--memkeys" "$(cli --memkeys)" '*Sampled 2000[0-9] keys in the keyspace!*'
has "--hotkeys is refused" "$(cli --hotkeys 2>&1)" '*LFU maxmemory policy is not selected*'

# --- How fast it answers ---
has "--latency" "$(cli --latency -i 0.3)" '[0-9]* [0-9.]* [1-9]*'
has "--latency-history" "$(timeout 2 stdbuf -oL redis-cli -p "$CLIENTS_PORT" --latency-history -i 0.3 | head -n 2 | tr '\n' '|')" '*|*|'
has "--stat" "$(timeout 1 stdbuf -oL redis-cli -p "$CLIENTS_PORT" --stat -i 0.1)" '*keys*clients*requests*connections*20010*'

# --- Who is told ---
listeners=()
listen() {
  stdbuf -oL redis-cli -p "$CLIENTS_PORT" "${@:2}" >"$dir/$1" &
  listeners+=($!)
}
listen monitor MONITOR
listen subscribe -3 --show-pushes yes SUBSCRIBE news
listen psubscribe PSUBSCRIBE 'n*'
until [[ $(cli PUBSUB NUMSUB news | tail -n 1) == 1 && $(cli PUBSUB NUMPAT) == 1 && $(cli CLIENT LIST) == *flags=O* ]]; do sleep 0.02; done
same "PUBLISH" "$(cli PUBLISH news hello)" 2
for file in subscribe psubscribe monitor; do
  for _ in $(seq 100); do grep -q hello "$dir/$file" && break || sleep 0.02; done
  has "$file" "$(tr '\n' ' ' <"$dir/$file")" '*news*hello*'
done
kill "${listeners[@]}"
wait

# --- What this store may not have: done if the command is there, refused by name if not ---
if knows SYNC; then
  has "--rdb" "$(cli --rdb "$dir/copy.rdb" 2>&1)" '*Transfer finished with success*'
else
  cli --rdb "$dir/copy.rdb" >"$dir/said" 2>&1
  same "--rdb is refused" "$? $(grep -c "unknown command 'SYNC'" "$dir/said")" "1 1"
fi
if knows EVAL; then
  echo 'return redis.call("GET", KEYS[1])' >"$dir/script"
  same "--eval" "$(cli --eval "$dir/script" tagged)" value
else
  has "EVAL is refused" "$(cli EVAL 'return 1' 0)" "*unknown command 'EVAL'*"
fi

# --- A kill ---
# All keys with what they hold, in a line each.
picture() {
  for number in 0 5; do
    cli -n $number --scan | sort | sed 's/.*/DEBUG DIGEST-VALUE "&"\nPEXPIRETIME "&"/' | cli -n $number
  done
}
cli PEXPIREAT tagged 9999999999999 >/dev/null
cli --quoted-input DEL '"quo\x00ted"' >/dev/null
picture >"$dir/before"
(sleep 0.5; kill_server) &
killing=$!
seq -f 'RPUSH flight %.0f' 1000000 | stdbuf -oL redis-cli -p "$CLIENTS_PORT" >"$dir/acked" 2>"$dir/said" &
writer=$!
wait $killing || same "the server starts again" no yes
kill $writer 2>/dev/null
wait 2>/dev/null
# It connects once more behind the kill, and goes on: what was acknowledged is a number, the new length of the list.
acked=$(grep -c '^[0-9]' "$dir/acked")
same "it was killed in the middle" $((acked > 0)) 1
there=$(cli LLEN flight)
same "what was acknowledged" $((there >= acked && there <= acked + 2)) 1
same "each has its place" "$(grep '^[0-9]' "$dir/acked" | sort -nu | wc -l)" "$acked"
cli DEL flight >/dev/null
picture >"$dir/after"
same "all that was there" "$(cmp "$dir/before" "$dir/after" 2>&1)" ""
same "how much that is" $(($(wc -l <"$dir/after") > 40000)) 1
same "and it goes on" "$(cli INCR s)" 6
end
