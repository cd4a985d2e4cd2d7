#!/bin/sh
# Three writes, each told when it is acknowledged, and a rewrite before the last: traffic.sh DIR SOCKET.
cd "$1"
redis-server --port 0 --unixsocket "$2" --appendonly yes --appendfsync always --save '' --logfile "$2.log" &
until redis-cli -s "$2" ping 2>/dev/null | grep -q PONG; do :; done
say() { redis-cli -s "$2" set "$1" 1 | sed "s/^/$1 /"; }
say a "$2"
say b "$2"
redis-cli -s "$2" bgrewriteaof >/dev/null
while redis-cli -s "$2" info persistence | grep -q 'aof_rewrite_in_progress:1'; do :; done
say c "$2"
redis-cli -s "$2" shutdown nosave
wait
