#!/usr/bin/env bash
# redis-benchmark: its default list and its ways of asking; what it counted is there after a kill.
source "$(dirname "$0")/steps.sh"
client="redis-benchmark $(redis-benchmark --version | cut -d' ' -f2)"
cli() { redis-cli -p "$CLIENTS_PORT" "$@"; }
bench() { redis-benchmark -p "$CLIENTS_PORT" "$@" 2>&1 | tr '\r' '\n'; }

bench -n 2000 --csv >"$CLIENTS_DIR/said"
for test in PING_INLINE PING_MBULK SET GET INCR LPUSH RPUSH LPOP RPOP SADD HSET SPOP ZADD ZPOPMIN 'LPUSH (needed to benchmark LRANGE)' \
  'LRANGE_100 (first 100 elements)' 'LRANGE_300 (first 300 elements)' 'LRANGE_500 (first 500 elements)' \
  'LRANGE_600 (first 600 elements)' 'MSET (10 keys)'; do
  has "$test" "$(grep -F "\"$test\"" "$CLIENTS_DIR/said")" '"*","[1-9]*'
done
same "no errors" "$(grep -ci error "$CLIENTS_DIR/said")" 0
same "what INCR counted" "$(cli GET counter:__rand_int__)" 2000
has "a pipeline" "$(bench -q -n 20000 -P 16 -r 1000 -t set,get)" '*SET:*requests per second*GET:*'
has "threads" "$(bench -q -n 20000 --threads 2 -t incr)" '*requests per second*'
same "what they counted" "$(cli GET counter:__rand_int__)" 22000
has "values of 100 KB" "$(bench -q -n 200 -d 100000 -t set,get)" '*GET:*requests per second*'
has "one connection a request" "$(bench -q -n 500 -k 0 -t ping_mbulk)" '*requests per second*'
has "a command of one's own" "$(bench -q -n 5000 -r 100 -P 8 hset hash:__rand_int__ f __rand_int__)" '*requests per second*'
has "a unix socket, another database" "$(bench -s "$CLIENTS_DIR/socket" --dbnum 5 -q -n 3000 -t incr)" '*requests per second*'
same "what is there" "$(cli -n 5 GET counter:__rand_int__)" 3000
has "RESP3" "$(bench -3 -q -n 2000 -t get)" '*requests per second*'

before=$(cli DEBUG DIGEST)
kill_server || same "the server starts again" no yes
same "all that was counted" "$(cli DEBUG DIGEST)" "$before"
same "INCR" "$(cli GET counter:__rand_int__)" 22000
# And one that is under way: fifty clients, each with one request that was not answered.
(sleep 0.4; kill_server) &
bench -n 10000000 -t incr >"$CLIENTS_DIR/said"
has "it notices" "$(cat "$CLIENTS_DIR/said")" '*[Ee]rror*'
wait
counted=$(cli GET counter:__rand_int__)
same "it was killed in the middle" $((${counted:-0} > 22000)) 1
has "and it goes on" "$(bench -q -n 2000 -t set)" '*requests per second*'
end
