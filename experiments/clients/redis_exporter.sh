#!/usr/bin/env bash
# prometheus-redis-exporter: its metrics are filled, are what INFO says, and come back after a kill.
source "$(dirname "$0")/steps.sh"
client="prometheus-redis-exporter $(dpkg-query -W -f '${Version}' prometheus-redis-exporter 2>/dev/null)"
cli() { redis-cli -p "$CLIENTS_PORT" "$@"; }
at=127.0.0.1:$((CLIENTS_PORT % 20000 + 30000))

prometheus-redis-exporter --redis.addr "redis://127.0.0.1:$CLIENTS_PORT" --web.listen-address $at --include-system-metrics \
  --include-config-metrics --export-client-list --check-keys 'db0=k*' --check-single-keys db0=list --count-keys 'db0=p*' \
  --ping-on-connect >"$CLIENTS_DIR/exporter" 2>&1 &
exporter=$!
trap 'kill $exporter' EXIT
scrape() { curl -s --max-time 10 "http://$at/metrics"; }
# value METRIC: of the last scrape; empty if it is not there.
value() { awk -v metric="$1" 'index($0, metric " ") == 1 { print $2 }' "$CLIENTS_DIR/metrics"; }
for _ in $(seq 100); do scrape >"$CLIENTS_DIR/metrics" && break || sleep 0.05; done

for i in $(seq 100); do echo "SET p$i $i"; done | cli >/dev/null
cli MSET k1 12 k2 34 >/dev/null
cli RPUSH list a b c >/dev/null
cli SET brief x EX 5000 >/dev/null
cli -n 5 SET other x >/dev/null
cli CONFIG SET slowlog-log-slower-than 0 latency-monitor-threshold 1 >/dev/null
cli DEBUG SLEEP 0.01 >/dev/null
cli CONFIG SET slowlog-log-slower-than 10000 >/dev/null
cli LPUSH k1 x >/dev/null
cli BGSAVE >/dev/null
sleep 0.3

shown() {
  scrape >"$CLIENTS_DIR/metrics"
  same "up$1" "$(value redis_up)" 1
  same "keys$1" "$(value 'redis_db_keys{db="db0"}') $(value 'redis_db_keys{db="db5"}')" "104 1"
  same "keys that expire$1" "$(value 'redis_db_keys_expiring{db="db0"}')" 1
  same "a key's value$1" "$(value 'redis_key_value{db="db0",key="k1"}')" 12
  same "a key's size$1" "$(value 'redis_key_size{db="db0",key="list"}')" 3
  same "counted keys$1" "$(value 'redis_keys_count{db="db0",key="p*"}')" 100
}
shown ""
has "who it is" "$(cat "$CLIENTS_DIR/metrics")" '*redis_instance_info{*redis_mode="standalone"*role="master"*} 1*'
same "the log" "$(value redis_aof_enabled) $(value redis_aof_last_write_status)" "1 1"
same "the checkpoint" "$(value redis_rdb_last_bgsave_status)" 1
same "a command" "$(value 'redis_commands_total{cmd="rpush"}')" 1
same "errors" "$(value 'redis_errors_total{err="WRONGTYPE"}')" 1
has "the slow log" "$(value redis_slowlog_length)" '[1-9]*'
has "latency" "$(grep redis_latency_spike_last "$CLIENTS_DIR/metrics")" '*event_name="command"*'
has "clients" "$(grep '^redis_connected_clients_details{' "$CLIENTS_DIR/metrics" | head -n 1)" '*} 1'
same "its configuration" "$(value redis_config_maxmemory) $(value redis_config_maxclients)" "0 10000"
# All that it shows of a redis-server 7.0 with a log, besides what is of modules.
missing=
for metric in active_defrag_running allocator_active_bytes allocator_allocated_bytes allocator_frag_bytes \
  allocator_frag_ratio allocator_resident_bytes allocator_rss_bytes allocator_rss_ratio aof_base_size_bytes \
  aof_current_rewrite_duration_sec aof_current_size_bytes aof_delayed_fsync aof_enabled aof_last_bgrewrite_status \
  aof_last_cow_size_bytes aof_last_rewrite_duration_sec aof_last_write_status aof_pending_bio_fsync \
  aof_pending_rewrite aof_rewrite_in_progress aof_rewrite_scheduled blocked_clients client_recent_max_input_buffer_bytes \
  client_recent_max_output_buffer_bytes cluster_connections cluster_enabled commands_processed_total config_io_threads \
  connected_clients connected_slaves connections_received_total cpu_sys_children_seconds_total \
  cpu_sys_main_thread_seconds_total cpu_sys_seconds_total cpu_user_children_seconds_total \
  cpu_user_main_thread_seconds_total cpu_user_seconds_total defrag_hits defrag_key_hits defrag_key_misses defrag_misses \
  dump_payload_sanitizations errors_total evicted_keys_total expired_keys_total expired_stale_percentage \
  expired_time_cap_reached_total io_threaded_reads_processed io_threaded_writes_processed io_threads_active \
  keyspace_hits_total keyspace_misses_total last_slow_execution_duration_seconds latest_fork_seconds lazyfree_pending_objects \
  loading_dump_file master_repl_offset mem_clients_normal mem_clients_slaves mem_fragmentation_bytes \
  mem_fragmentation_ratio mem_not_counted_for_eviction_bytes memory_max_bytes memory_used_bytes memory_used_dataset_bytes \
  memory_used_lua_bytes memory_used_overhead_bytes memory_used_peak_bytes memory_used_rss_bytes memory_used_scripts_bytes \
  memory_used_startup_bytes migrate_cached_sockets_total net_input_bytes_total net_output_bytes_total process_id \
  pubsub_channels pubsub_patterns rdb_bgsave_in_progress rdb_changes_since_last_save rdb_current_bgsave_duration_sec \
  rdb_last_bgsave_duration_sec rdb_last_bgsave_status rdb_last_cow_size_bytes rdb_last_save_timestamp_seconds \
  rejected_connections_total repl_backlog_first_byte_offset repl_backlog_history_bytes repl_backlog_is_active \
  replica_partial_resync_accepted replica_partial_resync_denied replica_resyncs_full replication_backlog_bytes \
  second_repl_offset slave_expires_tracked_keys start_time_seconds tracking_clients tracking_total_items \
  tracking_total_keys tracking_total_prefixes total_reads_processed total_writes_processed unexpected_error_replies \
  uptime_in_seconds; do
  grep -q "^redis_$metric[ {]" "$CLIENTS_DIR/metrics" || missing+=" $metric"
done
same "nothing is missing" "$missing" ""

kill -STOP $exporter
kill_server || same "the server starts again" no yes
kill -CONT $exporter
shown " after a kill"
same "its log" "$(value redis_aof_enabled) $(value redis_aof_last_write_status)" "1 1"
same "uptime" $(($(value redis_uptime_in_seconds) < 10)) 1
end
