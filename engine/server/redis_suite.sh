#!/bin/bash
# Redis 7.0.15's own test suite against powercut-server and against redis-server. Only checks that redis-server passes
# count, and of these not those that redis_suite.skip names.
# usage: redis_suite.sh [--native] CHECKOUT [UNIT...]     such as: redis_suite.sh ~/redis-7.0.15 unit/type/string unit/multi
#
# CHECKOUT is a source tree of Redis 7.0.15; nothing has to be built there. Needs tclsh 8.5 or newer, redis-server and
# redis-cli. In the suite's external mode one server answers all checks; in its native mode the suite starts servers
# itself, hands them configurations and files, and reads their logs.
# Environment:
#   SERVER  the powercut-server to ask      [build/powercut-server beside this tree]
#   STOCK   the redis-server to compare to  [redis-server]
#   OUT     where the outputs are kept      [build/redis_suite]; what redis-server passed is read there again
#   LIMIT   seconds for one unit            [300]
set -u

all_units="unit/type/string unit/type/incr unit/type/list unit/type/list-2 unit/type/list-3 unit/type/set
  unit/type/zset unit/type/hash unit/type/stream unit/type/stream-cgroups unit/keyspace unit/expire unit/multi unit/other unit/dump unit/sort unit/scan unit/quit
  unit/slowlog unit/introspection unit/introspection-2 unit/latency-monitor unit/lazyfree unit/info-command
  unit/protocol unit/tracking unit/pause unit/bitops unit/bitfield unit/geo unit/hyperloglog unit/pubsub
  unit/scripting unit/functions"
native_units="integration/aof integration/aof-multi-part integration/rdb integration/logging integration/redis-cli
  integration/redis-benchmark integration/convert-zipmap-hash-on-load integration/convert-ziplist-hash-on-load
  integration/convert-ziplist-zset-on-load unit/aofrw unit/acl unit/acl-v2 unit/auth unit/querybuf unit/limits unit/info
  unit/networking unit/shutdown unit/oom-score-adj unit/maxmemory unit/wait unit/client-eviction unit/obuf-limits
  unit/violations"

complain() {
  echo "redis_suite: $*" >&2
  exit 2
}

root=$(cd "$(dirname "$0")/../.." && pwd)
native=
[ "${1:-}" != --native ] || { native=yes && shift; }
[ $# -ge 1 ] || complain "usage: redis_suite.sh [--native] CHECKOUT [UNIT...]"
checkout=$(cd "$1" 2>/dev/null && pwd) || complain "$1: no such directory"
shift
[ -f "$checkout/tests/test_helper.tcl" ] || complain "$checkout has no tests/test_helper.tcl: name a source tree of Redis"
command -v tclsh >/dev/null || complain "tclsh is missing: apt-get install tcl"
server=${SERVER:-$root/build/powercut-server}
stock=${STOCK:-redis-server}
out=${OUT:-$root/build/redis_suite}
limit=${LIMIT:-300}
skip=$root/engine/server/redis_suite.skip
[ -x "$server" ] || complain "$server is not built"
command -v "$stock" >/dev/null || complain "redis-server is missing: apt-get install redis-server"
if [ $# -eq 0 ] && [ $native ]; then set -- $native_units; fi
[ $# -gt 0 ] || set -- $all_units

running=
data=$(mktemp -d)
finish() {
  [ -z "$running" ] || kill -9 "$running" 2>/dev/null
  rm -rf "$data"
}
trap finish EXIT

answers() { # PORT
  exec 3<>"/dev/tcp/127.0.0.1/$1" || return 1
  printf 'PING\r\n' >&3
  read -r -t 2 line <&3
  exec 3>&-
  case $line in +PONG*) return 0 ;; esac
  return 1
} 2>/dev/null

# start BINARY: sets `running` and `port`.
start() {
  rm -rf "${data:?}/store"
  mkdir "$data/store"
  for _ in 1 2 3 4 5; do
    port=$((20000 + RANDOM % 10000))
    "$1" --port $port --bind 127.0.0.1 --dir "$data/store" --save "" --enable-debug-command yes \
      --enable-protected-configs yes >"$data/log" 2>&1 &
    running=$!
    for _ in $(seq 100); do
      answers $port && return
      kill -0 $running 2>/dev/null || break
      sleep 0.05
    done
    kill -9 $running 2>/dev/null
  done
  complain "$1 does not start: $(tail -1 "$data/log")"
}

# tree BINARY: what the suite expects to stand in, with BINARY as its server, in $data/tree. The tools are Redis's own.
tree() {
  rm -rf "$data/tree"
  mkdir -p "$data/tree/src" "$data/tree/tests/tmp" "$data/tree/tests/assets" "$data/tree/tests/support"
  for part in "$checkout"/tests/* "$checkout"/tests/assets/* "$checkout"/tests/support/*; do
    case ${part##*/} in
      tmp | assets | support) ;;
      *) ln -s "$part" "$data/tree/${part#"$checkout/"}" ;;
    esac
  done
  for tool in redis-cli redis-benchmark redis-check-aof redis-check-rdb; do
    ln -s "$(command -v $tool)" "$data/tree/src/$tool" || complain "$tool is missing: apt-get install redis-server redis-tools"
  done
  ln -s "$(realpath "$(command -v "$1")")" "$data/tree/src/redis-server"
  # Who refuses its configuration will not get ready: two minutes are not waited for it.
  changed support/server.tcl \
    's/^        after $checkperiod$/&; if {[catch {exec kill -0 $pid}] \&\& ![regexp {Failed listening} [exec cat $stdout]]} break/'
  # A manifest may have comments, which Redis skips and the suite does not. And a server that a check expected to have
  # ended is ended before the next check.
  changed support/aofmanifest.tcl '
    s/^        lappend lines $line$/        if {![string match "#*" $line]} { lappend lines $line }/
    /^proc start_server_aof/,/^}/ s/^    uplevel 1 $code$/    catch {uplevel 1 $code} said how/
    /^proc start_server_aof/,/^}/ s/^    kill_server $srv$/&; return -options $how $said/'
}
changed() { # PATH SED-SCRIPT
  rm "$data/tree/tests/$1"
  sed "$2" "$checkout/tests/$1" >"$data/tree/tests/$1"
  ! cmp -s "$checkout/tests/$1" "$data/tree/tests/$1" || complain "$checkout/tests/$1 is not that of 7.0.15"
}

# suite BINARY UNIT FILE: the suite's own words go to FILE.
suite() {
  if [ $native ]; then
    tree "$1"
    (cd "$data/tree" && timeout "$limit" tclsh tests/test_helper.tcl --single "$2" --clients 1 --durable --skipfile "$skip") 2>&1 |
      sed 's/\x1b\[[0-9;]*m//g' >"$3"
    for process in /proc/[0-9]*; do # what a unit that took too long leaves
      [ "$(readlink "$process/cwd" 2>/dev/null)" != "$data/tree" ] || kill -9 "${process##*/}"
    done
    return
  fi
  start "$1"
  (cd "$checkout" && timeout "$limit" tclsh tests/test_helper.tcl --host 127.0.0.1 --port $port --single "$2" \
    --durable --dump-logs --skipfile "$skip") 2>&1 | sed 's/\x1b\[[0-9;]*m//g' >"$3"
  kill -0 $running 2>/dev/null || echo "[gone]: the server ended" >>"$3"
  kill -9 $running 2>/dev/null
  wait $running 2>/dev/null
  running=
}

# What passed, one name a line, sorted; a name that is there twice stands there twice.
passed() { sed -n 's/^\[ok\]: \(.*\) ([0-9]* ms)$/\1/p' "$1" | LC_ALL=C sort; }
failed() { sed -n 's/^\[err\]: \(.*\) in tests\/.*$/\1/p' "$1" | LC_ALL=C sort; }

mkdir -p "$out/stock" "$out/ours"
total=0
kept=0
skipped=0
printf '%-28s %6s %6s\n' unit passed of
for unit in "$@"; do
  name=$(echo "$unit" | tr / _)
  theirs=$out/stock/$name ours=$out/ours/$name
  [ -s "$theirs" ] || suite "$stock" "$unit" "$theirs"
  suite "$server" "$unit" "$ours"
  passed "$theirs" >"$data/theirs"
  passed "$ours" >"$data/ours"
  failed "$ours" >"$data/failed"
  LC_ALL=C comm -23 "$data/theirs" "$data/ours" >"$data/missing"
  skipped=$((skipped + $(grep -c "^\[skip\]" "$theirs")))
  count=$(wc -l <"$data/theirs")
  missing=$(wc -l <"$data/missing")
  printf '%-28s %6d %6d\n' "$unit" $((count - missing)) "$count"
  while IFS= read -r check; do
    if grep -qxF -- "$check" "$data/failed"; then word=failed; else word="not reached"; fi
    echo "    $word: $check"
  done <"$data/missing"
  sed -n 's/^\[gone\]: /    /p; /^\[exception\]/,$p' "$ours" | grep -v '^$' | head -4 | sed 's/^/    /'
  total=$((total + count))
  kept=$((kept + count - missing))
done
printf '%-28s %6d %6d   (%d left out: redis_suite.skip)\n' total "$kept" "$total" "$skipped"
