# For experiments/measure.sh: from the start of the process to the first answer, on a log of a given size.
columns=server,mode,megabytes,run,cache,files_kb,first_reply_ms

# What was read lately is forgotten, if we may.
cool() {
  sync
  { echo 3 >/proc/sys/vm/drop_caches; } 2>/dev/null && echo cold || echo warm
}

measure() {  # RUN
  local sizes="50 200 1000" server mode megabytes keys cache begin
  ((!smoke)) || sizes=5
  for megabytes in $sizes; do
    for server in powercut redis; do
      # log: every SET since the beginning, four to a key; rewritten: a base and nothing behind it; checkpoint: no log.
      for mode in log rewritten checkpoint; do
        keys=$((megabytes * 1024 / 4))
        local options="--appendonly yes --appendfsync no --auto-aof-rewrite-percentage 0"
        [[ $mode != checkpoint ]] || options="--appendonly no"
        fresh
        # shellcheck disable=SC2086  # several words
        serve $server $options
        await
        redis-benchmark -p $port -q -t set -d 1000 -n $((keys * 4)) -r $keys -P 64 -c 8 >/dev/null
        if [[ $mode == rewritten ]]; then
          ask bgrewriteaof >/dev/null
          sleep 0.2
          while ask info persistence | grep -q 'aof_rewrite_\(in_progress\|scheduled\):1'; do sleep 0.1; done
        fi
        [[ $mode != checkpoint ]] || ask save >/dev/null
        stop
        cache=$(cool)
        begin=$(date +%s%N)
        # shellcheck disable=SC2086
        serve $server $options
        until [[ $(ask get key:000000000000 2>&1) != *LOADING* && $(ask ping 2>/dev/null) == PONG ]]; do sleep 0.002; done
        echo "$server,$mode,$megabytes,$1,$cache,$(du -sk "$work/data" | cut -f1),$((($(date +%s%N) - begin) / 1000000))"
        stop
      done
    done
  done
}
