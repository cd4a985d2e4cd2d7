#!/bin/sh
# Starts redis-server where a cut left its files, and prints what it holds; fails if it does not start.
redis-server --port 0 --unixsocket s.sock --dir . --appendonly yes --save '' --logfile log.txt &
server=$!
until redis-cli -s s.sock ping 2>/dev/null | grep -q PONG; do
  kill -0 $server 2>/dev/null || {
    tail -n 1 log.txt | cut -d' ' -f7- >&2
    exit 1
  }
done
redis-cli -s s.sock --raw mget a b c
redis-cli -s s.sock shutdown nosave 2>/dev/null
wait $server
