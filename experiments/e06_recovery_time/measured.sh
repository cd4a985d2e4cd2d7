# For experiments/measure.sh: from the start of the process to the first answer, on a log of a given size.
columns=server,mode,megabytes,run,cache,files_kb,first_reply_ms,written_kb

# What was read lately is forgotten, if we may.
cool() {
  sync
  { echo 3 >/proc/sys/vm/drop_caches; } 2>/dev/null && echo cold || echo warm
}

# Of the process and of the children it has waited for.
written_kb() { awk '/^write_bytes:/ {print int($2 / 1024)}' "/proc/$running/io"; }

await_rewrite() {
  sleep 0.2
  while busy; do sleep 0.1; done
}

# one SERVER MODE MEGABYTES RUN
one() {
  local keys=$(($3 * 1024 / 4)) options cache begin written
  case $2 in
    checkpoint) options="--appendonly no" ;;
    rewritten_at_*) options="--appendonly yes --auto-aof-rewrite-percentage ${2##*_} --auto-aof-rewrite-min-size 4mb" ;;
    *) options="--appendonly yes --auto-aof-rewrite-percentage 0" ;;
  esac
  fresh
  # shellcheck disable=SC2086  # several words
  serve "$1" --appendfsync no $options
  await
  redis-benchmark -p $port -q -t set -d 1000 -n $((keys * 4)) -r $keys -P 64 -c 8 >/dev/null
  case $2 in
    checkpoint) ask save >/dev/null ;;
    rewritten) ask bgrewriteaof >/dev/null; await_rewrite ;;
    *) await_rewrite ;;
  esac
  sync
  written=$(written_kb)
  stop
  cache=$(cool)
  begin=$(date +%s%N)
  # shellcheck disable=SC2086
  serve "$1" --appendfsync no $options
  until [[ $(ask get key:000000000000 2>&1) != *LOADING* && $(ask ping 2>/dev/null) == PONG ]]; do sleep 0.002; done
  echo "$1,$2,$3,$4,$cache,$(du -sk "$work/data" | cut -f1),$((($(date +%s%N) - begin) / 1000000)),$written"
  stop
}

measure() {  # RUN
  local sizes="50 200 1000" thresholds="25 100 400" server mode megabytes threshold
  if ((smoke)); then sizes=5 thresholds=100; fi
  for megabytes in $sizes; do
    for server in powercut redis; do
      # log: every SET since the beginning, four to a key; rewritten: a base and nothing behind it; checkpoint: no log.
      for mode in log rewritten checkpoint; do one $server $mode "$megabytes" "$1"; done
    done
  done
  # rewritten_at_N: by itself, whenever the log has grown by N percent.
  for threshold in $thresholds; do
    for server in powercut redis; do one $server rewritten_at_"$threshold" "${sizes##* }" "$1"; done
  done
}
