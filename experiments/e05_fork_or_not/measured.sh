# For experiments/measure.sh: a snapshot in the middle of a load at a fixed rate.
columns=server,megabytes,run,rate,job_ms,p50_us,p99_us,p999_us,max_us,memory_before_kb,memory_most_kb,written_kb

# What the server and its children wrote.
written_kb() {
  for process in $(family); do cat "/proc/$process/io" 2>/dev/null || true; done | awk '/^write_bytes:/ {s += $2} END {print int(s / 1024)}'
}

measure() {  # RUN
  local sizes="100 400 1000" rate=5000 seconds=30 server megabytes keys before most now written begin took line
  ((!smoke)) || sizes=10 rate=500 seconds=3
  for megabytes in $sizes; do
    for server in powercut redis; do
      keys=$((megabytes * 1024))  # of 1 KiB
      fresh
      serve "$server" --appendonly yes --appendfsync everysec --auto-aof-rewrite-percentage 0
      await
      redis-benchmark -p $port -q -t set -d 1024 -n $((keys * 3)) -r $keys -P 64 -c 8 >/dev/null
      before=$(memory_kb) most=$before written=$(written_kb)
      load $rate $seconds 50 1024 $keys >"$work/line" &
      local client=$!
      sleep 1
      begin=$(date +%s%N)
      ask bgrewriteaof >/dev/null
      while busy; do
        now=$(memory_kb)
        if ((now > most)); then most=$now; fi
        local wrote
        wrote=$(written_kb)
        sleep 0.02
      done
      took=$((($(date +%s%N) - begin) / 1000000))
      wait $client
      line=$(cat "$work/line")
      stop
      echo "$server,$megabytes,$1,$rate,$took,$(cut -d, -f5- <<<"$line"),$before,$most,$((${wrote:-written} - written))"
    done
  done
}
