# One server at a time, ours or Redis's, for who measures both. Set first: `work`, a folder for its data and its log, and
# `port`. What runs is `running`, and ends with whoever sourced this.
running=
finish() {
  [[ -z $running ]] || kill -9 "$running" 2>/dev/null || true
  rm -rf "$work"
}
trap finish EXIT

ask() { redis-cli -p "$port" "$@"; }

# serve powercut|redis OPTIONS...: on what is in $work/data, which `fresh` empties.
fresh() { rm -rf "$work/data"; mkdir "$work/data"; }
serve() {
  local program=redis-server
  [[ $1 == redis ]] || program=build/powercut-server
  shift
  "$program" --port "$port" --bind 127.0.0.1 --dir "$work/data" --save "" "$@" >"$work/log" 2>&1 &
  running=$!
}
await() {  # until it answers
  for _ in $(seq 60000); do
    [[ $(ask ping 2>/dev/null) != PONG ]] || return 0
    kill -0 "$running" || break
    sleep 0.005
  done
  echo "${0##*/}: it does not answer: $(cat "$work/log")" >&2
  exit 1
}
stop() {  # SIGNAL
  kill "-${1:-TERM}" "$running"
  wait "$running" 2>/dev/null || true
  running=
}

# Resident memory of the server and its children, each private page once.
family() { echo "$running"; pgrep -P "$running" || true; }
memory_kb() {
  for process in $(family); do cat "/proc/$process/smaps_rollup" 2>/dev/null || true; done | awk '/^Pss:/ {s += $2} END {print s + 0}'
}
# A save or a rewrite is under way, or due.
busy() { ask info persistence | tr -d '\r' | grep -qE '^(rdb_bgsave_in_progress|aof_rewrite_in_progress|aof_rewrite_scheduled):1'; }
