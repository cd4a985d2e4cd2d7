# For experiments/measure.sh: what share of look-ups finds its key where a fifth of the keys fit.
columns=server,policy,run,keys,maxmemory_mb,requests,hit_ratio,keys_kept,evicted

measure() {  # RUN
  local keys=50000 requests=600000 server policy hits kept evicted
  ((!smoke)) || keys=2000 requests=6400
  local limit=$((keys / 5 * 1200 / 1024 + 1024))  # KB: a fifth of the data, and what an empty server takes
  for policy in allkeys-lru allkeys-lfu allkeys-random; do
    for server in powercut redis; do
      fresh
      serve $server --appendonly no --maxmemory ${limit}kb --maxmemory-policy $policy
      await
      hits=$(experiments/e16_hit_ratio/trace.py $port $requests $keys 1000 0.99 "$1")
      kept=$(ask dbsize)
      evicted=$(ask info stats | tr -d '\r' | sed -n 's/^evicted_keys://p')
      stop
      echo "$server,$policy,$1,$keys,$((limit / 1024)),$requests,$hits,$kept,$evicted"
    done
  done
}
