#!/bin/bash
# The public resp-compatibility suite against powercut-server and against redis-server: how many of its checks of Redis 7.0
# does each pass?
# usage: resp_compatibility.sh CHECKOUT
#
# CHECKOUT is a tree of it, such as `git clone https://github.com/tair-opensource/resp-compatibility`. Needs redis-server and,
# for the suite itself, python3-redis and python3-yaml.
# Environment:
#   SERVER  the powercut-server to ask      [build/powercut-server beside this tree]
#   STOCK   the redis-server to compare to  [redis-server]
#   PYTHON  what has the suite's modules    [/usr/bin/python3]
set -u

complain() {
  echo "resp_compatibility: $*" >&2
  exit 2
}

root=$(cd "$(dirname "$0")/../.." && pwd)
[ $# -eq 1 ] || complain "usage: resp_compatibility.sh CHECKOUT"
checkout=$(cd "$1" 2>/dev/null && pwd) || complain "$1: no such directory"
[ -f "$checkout/resp_compatibility.py" ] || complain "$checkout has no resp_compatibility.py: name a tree of the suite"
server=${SERVER:-$root/build/powercut-server}
stock=${STOCK:-redis-server}
python=${PYTHON:-/usr/bin/python3}
[ -x "$server" ] || complain "$server is not built"
command -v "$stock" >/dev/null || complain "redis-server is missing: apt-get install redis-server"
"$python" -c 'import redis, yaml' 2>/dev/null || complain "the suite's modules are missing: apt-get install python3-redis python3-yaml"

running=
data=$(mktemp -d)
finish() {
  [ -z "$running" ] || kill -9 "$running" 2>/dev/null
  rm -rf "$data"
}
trap finish EXIT

# passed BINARY: its own words go to $data/said.
passed() {
  rm -rf "$data/store"
  mkdir "$data/store"
  port=$("$python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  "$1" --port "$port" --bind 127.0.0.1 --dir "$data/store" --save "" >"$data/log" 2>&1 &
  running=$!
  for _ in $(seq 100); do
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && break
    kill -0 $running 2>/dev/null || complain "$1 does not start: $(tail -1 "$data/log")"
    sleep 0.05
  done
  (cd "$checkout" && PYTHONDONTWRITEBYTECODE=1 timeout 300 "$python" resp_compatibility.py --host 127.0.0.1 --port "$port" --testfile cts.json \
    --specific-version 7.0.0 --show-failed) >"$data/said" 2>&1
  kill -9 $running
  wait $running 2>/dev/null
  running=
  sed -n 's/^Summary: .*total tests: \([0-9]*\), passed: \([0-9]*\).*/\2 of \1/p' "$data/said"
}
failed() { sed -n "s/^FailedTest(name='\(.*\)', reason=\(.*\))$/\1: \2/p" "$data/said" | LC_ALL=C sort; }

theirs=$(passed "$stock")
[ -n "$theirs" ] || complain "the suite does not run: $(tail -1 "$data/said")"
failed >"$data/theirs"
ours=$(passed "$server")
failed >"$data/ours"
echo "redis-server passes $theirs, powercut-server $ours"
cut -d: -f1 "$data/theirs" >"$data/names"
grep -vFf "$data/names" "$data/ours" | sed 's/^/    /'
[ -s "$data/theirs" ] && sed 's/^/    redis-server fails too: /' "$data/theirs"
exit 0
