# For experiments/measure.sh: what a value costs that is not in memory, by where it is; what memory that saves; what is moved
# between tiers; and what a read of a hot key costs with tiers and without. `a` to `e` are, in rows of
#   latency   where: median and 99th percentile in us, share of requests that came from there
#   memory    which tiers, part of the values that memory may have in %: the process's own memory and what it has mapped, MB,
#             median, 99th percentile in us, share of requests that found their value in memory
#   moved     tier, the same part: MB written there, MB read from there
#   hot       pair: processor time of a GET in ns, without tiers, with, the second by the first
columns=what,which,part,run,a,b,c,d,e

base=(--appendonly yes --appendfsync no --auto-aof-rewrite-percentage 0)
client() { experiments/e19_tiers/client.py "$port" "$@"; }
figures() { client figures "$@"; }
status_kb() { awk -v name="$1:" '$1 == name {print $2}' "/proc/$running/status"; }

# begin OPTIONS...: a server with all keys, when values have come to rest where they belong.
begin() {
  fresh
  serve powercut "${base[@]}" "$@"
  await
  client fill "$keys"
  rest
}
rest() {
  local now last=
  for _ in $(seq 200); do
    now=$(figures warm_left cold_left archive_sent)
    [[ $now != "$last" ]] || return 0
    last=$now
    sleep 0.7
  done
}

archive() {
  rm -f "$work/s3.port"
  python3 engine/server/s3_server.py "$work/s3.port" 2>"$work/s3.log" &
  s3=$!
  for _ in $(seq 400); do [[ ! -s $work/s3.port ]] || break; sleep 0.05; done
  export AWS_ACCESS_KEY_ID=tester AWS_SECRET_ACCESS_KEY=secret
  archived=(--archive-url s3://bucket/one --archive-endpoint "http://127.0.0.1:$(cat "$work/s3.port")")
}

# latency WHERE COUNTER OPTIONS...: each key is asked for once at most.
latency() {
  local where=$1 counter=$2 before waits count=$((keys / 10))
  shift 2
  begin "$@"
  before=$(figures "$counter")
  waits=$(client each "$keys" "$count" "$run")
  echo "latency,$where,,$run,$waits,$(awk -v n=$(($(figures "$counter") - before)) -v c="$count" 'BEGIN {printf "%.3f", n / c}'),,"
  stop
}

# memory WHICH PART OPTIONS...
memory() {
  local which=$1 part=$2 own mapped waits away
  shift 2
  begin "$@"
  own=$(status_kb RssAnon)
  mapped=$(($(status_kb RssFile) + $(status_kb RssShmem)))
  away=$(figures warm_came_back cold_came_back)
  waits=$(client zipf "$keys" "$requests" "$run")
  echo "memory,$which,$part,$run,$((own / 1024)),$((mapped / 1024)),$waits,$(awk -v a="$away,$(figures warm_came_back cold_came_back)" \
    -v n=$((2 * requests)) 'BEGIN {split(a, x, ","); printf "%.4f", 1 - (x[3] + x[4] - x[1] - x[2]) / n}')"
  figures warm_bytes_written warm_bytes_read cold_bytes_written cold_bytes_read | awk -F, -v row="$part,$run" -v which="$which" \
    '{printf "moved,%s: warm,%s,%.1f,%.1f,,,\n", which, row, $1 / 1e6, $2 / 1e6; printf "moved,%s: cold,%s,%.1f,%.1f,,,\n", which, row, $3 / 1e6, $4 / 1e6}'
  stop
}

# Processor time of all threads of a process, in ns.
used_ns() { cat /proc/"$1"/task/*/schedstat | awk '{s += $1} END {printf "%.0f", s}'; }
# pair N: the same requests to both, one behind the other, the order changing.
pair() {
  local order=("$off:7398" "$on:7399") one before took=()
  (($1 % 2)) || order=("$on:7399" "$off:7398")
  for one in "${order[@]}"; do
    before=$(used_ns "${one%:*}")
    redis-benchmark -p "${one#*:}" -t get -r 1000 -n "$hot_requests" -P 16 -c 20 -d 100 -q >/dev/null
    took+=($((($(used_ns "${one%:*}") - before) / hot_requests)))
  done
  (($1 % 2)) || took=("${took[1]}" "${took[0]}")
  echo "hot,pair $1,,$run,${took[0]},${took[1]},$(awk -v a="${took[0]}" -v b="${took[1]}" 'BEGIN {printf "%.4f", b / a}'),,"
}
# Both have 1,000 keys that are asked for, and others that are not, nine of ten of which have left memory where there are tiers.
hot() {
  local off on n options
  for port in 7398 7399; do
    fresh
    mv "$work/data" "$work/data-$port"
    mkdir "$work/data"
    options=()
    ((port == 7398)) || options=(--cold-tier-path cold --hot-tier-size $((keys * 100 + 400000)) --warm-tier-size $((keys * 300)))
    build/powercut-server --port "$port" --bind 127.0.0.1 --dir "$work/data-$port" --save "" "${base[@]}" "${options[@]}" >"$work/log-$port" 2>&1 &
    running=$!
    await
    client fill "$keys"
    redis-benchmark -p "$port" -t set -r 1000 -n 20000 -P 16 -d 100 -q >/dev/null
    rest
    if ((port == 7398)); then off=$running; else on=$running; fi
  done
  for n in $(seq $((pairs + 1))); do  # the first warms both
    ((n == 1)) && { pair "$n" >/dev/null; continue; }
    pair "$n"
  done
  kill "$off" "$on"
  wait "$off" "$on" 2>/dev/null || true
  running=
  port=7398
  rm -rf "$work"/data-7398 "$work"/data-7399
}

measure() {  # RUN
  local run=$1 keys=30000 requests=10000 hot_requests=400000 pairs=7 part few
  ((!smoke)) || keys=4000 requests=1000 hot_requests=20000 pairs=1
  few=$((keys * 20))  # bytes: a fiftieth of the values
  latency memory none
  latency warm warm_came_back --cold-tier-path cold --hot-tier-size $few --warm-tier-size $((keys * 1200))
  latency cold cold_came_back --cold-tier-path cold --hot-tier-size $few
  archive
  latency archive archive_came_back --cold-tier-path cold --hot-tier-size $few --archive-after 0 --cold-tier-size 1 "${archived[@]}"
  kill "$s3"
  memory none 100
  for part in 50 25 10 5; do
    memory cold $part --cold-tier-path cold --hot-tier-size $((keys * 10 * part))
    memory warm $part --cold-tier-path cold --hot-tier-size $((keys * 10 * part)) --warm-tier-size $((keys * 500))
  done
  hot
}
