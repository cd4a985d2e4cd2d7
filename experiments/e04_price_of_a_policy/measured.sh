# For experiments/measure.sh: waits at a fixed rate, and the rate at which each connection sends when it is answered.
columns=server,policy,run,rate,answered,errors,p50_us,p99_us,p999_us,max_us,most_per_second

measure() {  # RUN
  local rate=5000 seconds=20 server policy order options line most
  ((!smoke)) || rate=500 seconds=1
  # In turn first: whoever comes second finds a warmer machine.
  order="powercut redis"
  (($1 % 2)) || order="redis powercut"
  for policy in none no everysec always; do
    for server in $order; do
      options="--appendonly yes --appendfsync $policy"
      [[ $policy != none ]] || options="--appendonly no"
      fresh
      # shellcheck disable=SC2086  # several words
      serve $server $options
      await
      line=$(load $rate $seconds)
      most=$(load 0 $((seconds / 4 + 1)) | cut -d, -f4)
      stop
      echo "$server,$policy,$1,$rate,$(cut -d, -f2,3,5- <<<"$line"),$most"
    done
  done
}
