# For experiments/measure.sh: real servers whose syncs are delayed by strace, and what of the acknowledged no sync had
# forced at the worst moment.
columns=server,sync_ms,run,replies,syncs,lost_span_ms_max,lost_ops_max,wait_ms_max
scenarios/setup.sh strace

# Reads the traces of all threads, then the replies. Operations are counted by "key:" in what is written, and take their
# turn in the order of the replies.
worst_cut() {  # TRACE... REPLIES
  local replies=${*: -1}
  set -- "${@:1:$#-1}"
  grep -h 'appendonly\.aof\.[0-9]*\.incr' "$@" | grep -v unfinished | sort -n | awk -v replies="$replies" '
    {
      took = $NF
      gsub(/[<>]/, "", took)
      begin = $1 * 1e6
      if ($2 ~ /^(fdatasync|fsync)/) { ++syncs; sync_begin[syncs] = begin; sync_end[syncs] = begin + took * 1e6 }
      else { ++writes; write_end[writes] = begin + took * 1e6; keys += gsub(/key:/, ""); written[writes] = keys }
    }
    END {
      # Sync i covers the writes that had ended when it began.
      for (i = 1; i <= syncs; ++i) {
        while (w < writes && write_end[w + 1] <= sync_begin[i]) ++w
        covers[i] = written[w]
      }
      while ((getline line < replies) > 0) {
        split(line, field, " ")
        acked[++n] = field[2]
        if (field[2] - field[1] > wait) wait = field[2] - field[1]
      }
      # The first operation that is lost at acked[j]: behind all that a sync had forced by then.
      for (j = 1; j <= n; ++j) {
        while (s < syncs && sync_end[s + 1] <= acked[j]) { ++s; if (covers[s] > kept) kept = covers[s] }
        first = kept + 1
        if (first <= j && acked[j] - acked[first] > span) span = acked[j] - acked[first]
        if (first <= j && j - first + 1 > lost) lost = j - first + 1
      }
      printf "%d,%d,%d,%d,%d\n", n, syncs, span / 1000, lost, wait / 1000
    }'
}

measure() {  # RUN
  local latencies="1 200 1000 2000 5000 10000" server ms seconds
  ((!smoke)) || latencies="1 1000"
  for ms in $latencies; do
    for server in powercut redis; do
      seconds=$((20 + ms * 5 / 1000))
      ((!smoke)) || seconds=6
      fresh
      # strace sees system calls, and not what io_uring is asked to do.
      local options=""
      [[ $server == redis ]] || options="--io-uring no"
      # shellcheck disable=SC2086  # several words
      serve $server --appendonly yes --appendfsync everysec --auto-aof-rewrite-percentage 0 $options
      await
      rm -f "$work"/trace.*
      strace -ff -s 1000000 -y -ttt -T -e trace=write,writev,pwrite64,pwritev,fsync,fdatasync \
        -e inject=fsync,fdatasync:delay_enter=$((ms * 1000)) -o "$work/trace" -p "$running" 2>/dev/null &
      local tracer=$!
      sleep 1
      load 200 $seconds 1 16 1000 "$work/replies" >/dev/null
      kill "$tracer"
      wait "$tracer" 2>/dev/null || true
      stop KILL
      echo "$server,$ms,$1,$(worst_cut "$work"/trace.* "$work/replies")"
    done
  done
}
