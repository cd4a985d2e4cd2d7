// The store, whole: open, connect sessions, run, shut down. Everything happens in tasks of the Os it is given;
// the caller drives them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/aof/aof_log.h"
#include "engine/command/control.h"
#include "engine/command/executor.h"
#include "engine/command/session.h"
#include "engine/config.h"
#include "engine/generations.h"
#include "engine/keeper.h"
#include "engine/recovery/recovery.h"
#include "engine/replication/failover.h"
#include "engine/replication/master.h"
#include "engine/replication/replica.h"
#include "engine/sink/copies.h"
#include "engine/sink/sink.h"
#include "engine/store/keyspace.h"
#include "engine/tier/archiver.h"
#include "engine/tier/tier.h"

namespace powercut::engine {

class Engine final : public OperationLog, public Control {
 public:
  // Recovers what the Os's root holds and starts the store's tasks. Call it in a task. Yields.
  //   Errors: as recover(); as the seam's where a first generation cannot be made. Nothing is lost.
  static Result<std::unique_ptr<Engine>> open(Os& os, EngineConfig config);
  // The same in two steps: until load() has returned, clients may connect, and are told that it loads.
  static std::unique_ptr<Engine> make(Os& os, EngineConfig config);
  Result<void> load();
  bool loading() const { return loading_; }
  // The tasks must have ended (shut_down, or a crash that destroyed them).
  ~Engine() override;

  std::unique_ptr<Session> connect() { return std::make_unique<Session>(executor_); }
  // Waits for every write and sync in flight, syncs the rest, ends the tasks; writers wait from its beginning.
  // With `save`, writes a checkpoint if save rules exist. On an error the store stays up. Yields.
  Result<void> shut_down(bool save);
  bool stopped() const { return stopped_; }

  Keyspace& keyspace() { return keyspace_; }
  Executor& executor() { return executor_; }
  AofLog& aof() { return aof_; }
  const AofLog& aof() const { return aof_; }
  Generations& generations() { return generations_; }
  Keeper& keeper() { return keeper_; }
  const Keeper& keeper() const { return keeper_; }
  const Master& master() const { return master_; }
  const Replica& replica() const { return replica_; }
  // The network that it may follow a master over. Call it before load(); it outlives the tasks.
  void set_net(Net* net) { replica_.set_net(net); }
  // Where the archive is, if there is to be one (archive-url). Call it before load(); it outlives the tasks.
  void set_object_store(ObjectStore* store) { object_store_ = store; }
  Archiver* archiver() { return archiver_.get(); }        // null: there is no archive
  const Sink* sink() const { return sink_.get(); }        // null: there is no database behind it
  const Copies* copies() const { return copies_.get(); }  // null: no rows of it are read through
  Tier* tier() { return tier_.get(); }                    // null: there is no cold tier
  const Tier* tier() const { return tier_.get(); }
  const RecoveryReport& recovery() const { return report_; }
  const LoadProgress& load_progress() const { return progress_; }
  const EngineConfig& config() const { return config_; }
  // Called after each CONFIG SET.
  void set_on_config(std::function<void()> on_config) { on_config_ = std::move(on_config); }
  // How clients are listened for: called when `port` or `bind` is to change, and has to do that at once or not at all.
  void set_listener(std::function<Result<void>(const ServiceConfig&)> listen) {
    listen_ = std::move(listen);
  }
  // What INFO has of the process, by section: lines to add to the store's own.
  void set_process_info(std::function<std::string(std::string_view)> info) {
    process_info_ = std::move(info);
  }
  // What else the process around the store can do, for DEBUG and MEMORY; a store by itself has none of it.
  struct Process {
    std::function<void(Duration)> stall;  // it stands still
    std::function<void(std::string_view)> log_line;
    std::function<void()> purge;
    std::function<std::string(size_t)> secret_bytes;
    std::function<Result<std::string>()> read_users;  // the aclfile
    std::function<Result<void>(const std::string&)> write_users;
  };
  void set_process(Process process) { process_ = std::move(process); }
  // Those of the configuration, or of its aclfile. Call it before clients connect.
  //   Errors: kInvalid, with the rule or the line that is none.
  Result<void> begin_users();
  // Those that CONFIG REWRITE writes down, a line each: not those of an aclfile, nor what requirepass says.
  std::vector<std::string> user_lines();
  // What CONFIG REWRITE does: the file is the process's, not the store's.
  void set_config_rewriter(std::function<Result<void>()> rewrite) {
    rewrite_config_ = std::move(rewrite);
  }

  // --- OperationLog; synced_lsn() is also Control's ---
  uint64_t append(const Effects& effects) override;
  uint64_t applied_lsn() const override { return aof_.applied_lsn(); }
  uint64_t released_lsn() const override {
    const uint64_t lsn = aof_.released_lsn();
    return sink_ == nullptr ? lsn : sink_->released(lsn);
  }
  std::optional<uint64_t> synced_lsn() const override;
  WaitQueue& progress() override { return aof_.progress(); }
  bool make_room() override;
  bool ends() const override { return shutting_down_; }
  bool has_space(size_t bytes) override { return aof_.has_space(bytes); }
  const std::string& refusal() const override;

  // --- Control (control.cc, info.cc, replicas.cc, behind.cc) ---
  Result<void> save() override;
  Result<std::string> background_save() override;
  Result<std::string> rewrite_aof() override;
  int64_t last_save_unix_s() override;
  Result<std::string> start_backup(std::string_view id) override;
  Result<BackupFacts> seal_backup() override;
  Result<void> abort_backup() override;
  Result<void> remove_backup(std::string_view id) override;
  Result<std::vector<BackupFacts>> sealed_backups() override;
  std::optional<BackupFacts> backup_under_way() override;
  Result<void> shutdown(bool save) override { return shut_down(save); }
  std::vector<std::pair<std::string, std::string>> config_get(std::string_view pattern) override;
  Result<void> config_set(std::string_view name, std::string_view value) override;
  void reset_stats() override;
  Result<void> config_rewrite() override;
  // users.cc
  Result<void> load_users(Client* asking) override;
  Result<void> save_users() override;
  uint64_t sparse_sketch_most() override;
  StreamLimits stream_limits() override { return stream_limits_; }
  MemoryReport memory_report() override;
  void purge() override {
    if (process_.purge) process_.purge();
  }
  void let_others_run(bool wrote) override;
  void set_lax_scripts(bool lax) override { executor_.scripts().set_lax(lax); }
  LatencyEvents& latency() override { return executor_.latency_events(); }
  Tally* tally() override { return &executor_.tally(); }
  const SlowLog* slow_log() override { return &executor_.slow_log(); }
  void reset_slow_log() override { executor_.slow_log().reset(); }
  uint64_t replication_offset() override { return master_.offset(); }
  uint64_t confirmed_replicas(uint64_t offset) override { return master_.confirmed(offset); }
  void ask_replicas() override { master_.ask(); }
  uint64_t synced_replicas(uint64_t offset) override { return master_.synced(offset); }
  Result<void> begin_replica(Client& client, std::string_view id, int64_t offset) override {
    return master_.begin(client, id, offset);
  }
  void replica_confirms(Client& client, uint64_t offset, uint64_t synced) override {
    master_.confirm(client, offset, synced);
  }
  const MasterLink* master_link() override { return replica_.master_link(); }
  Result<void> follow_master(std::string_view host, int port) override;
  void follow_nobody() override;
  Result<void> take_over_from(std::string_view id) override;
  Result<void> fail_over(FailoverWish wish) override;
  Result<void> abort_failover() override { return failover_.abort(); }
  std::string info_section(std::string_view section) override;
  // read_back.cc
  Result<void> check_checkpoint() override;
  Result<void> check_log() override;
  bool debug_allowed(const Client& client) override;
  Result<void> stall(Duration duration) override;
  void set_active_expire(bool on) override;
  std::string secret_bytes(size_t count) override {
    return process_.secret_bytes ? process_.secret_bytes(count) : std::string();
  }
  void log_line(std::string_view text) override {
    if (process_.log_line) process_.log_line(text);
  }

 private:
  Engine(Os& os, EngineConfig&& config);
  void expire_loop();
  Result<void> finish(bool save);
  void apply_config();
  Result<void> check_all_in_memory() const;
  Result<void> compare(Keyspace& found, std::string_view what);
  std::string own_info(std::string_view section);
  std::string info_commands();
  std::string info_errors();
  std::string info_clients();
  std::string info_latencies();
  size_t used_memory() const;
  size_t not_counted_for_eviction() const;
  std::string info_server();
  std::string info_memory();
  std::string info_loading();
  std::string info_persistence();
  std::string info_stats();
  std::string info_keyspace();
  std::string info_replication();
  // behind.cc
  Result<void> look_at_sink(RecoveryOptions& options);
  Result<Recovered> start_from_sink(const RecoveryOptions& options);
  Result<void> check_all_have_rows() const;
  Result<void> check_sink(const EngineConfig& next) const;
  void begin_read_through();
  bool sink_alone() const { return sink_ != nullptr && sink_->options().alone; }
  std::string info_sink() const;
  // tiers.cc
  Result<void> look_at_tier(RecoveryOptions& options);
  Result<void> begin_tier();
  std::string info_tier() const;
  Result<void> look_at_archive();
  // replicas.cc
  Master::Store lend_to_master();
  void set_master_options();
  std::string why_not_sent() const;
  Replica::Store lend_to_replica();
  Failover::Store lend_to_failover();
  std::unique_ptr<Keyspace> make_keyspace();
  void set_replica_options();
  void set_role();
  Result<void> begin_following();
  std::string info_replicas();
  std::string info_master_link();

  Os& os_;
  EngineConfig config_;
  StreamLimits stream_limits_;  // of config_, where every XADD asks
  Keyspace keyspace_;
  AofLog aof_;
  Generations generations_;
  Keeper keeper_;
  Executor executor_;
  Master master_;
  Replica replica_;
  Failover failover_;
  std::unique_ptr<Sink> sink_;
  std::unique_ptr<Copies> copies_;
  std::unique_ptr<ColdFolder> cold_;
  std::unique_ptr<Tier> tier_;
  ObjectStore* object_store_ = nullptr;
  std::unique_ptr<Archiver> archiver_;
  WaitQueue wake_expirer_;
  WaitQueue shutdown_over_;
  RecoveryReport report_;
  Instant started_at_;
  mutable std::string refusal_;
  bool shutting_down_ = false;
  bool stopping_ = false;
  bool stopped_ = false;
  bool loading_ = false;
  std::function<void()> on_config_;
  std::function<Result<void>(const ServiceConfig&)> listen_;
  std::function<Result<void>()> rewrite_config_;
  std::function<std::string(std::string_view)> process_info_;
  Process process_;
  bool active_expire_ = true;
  uint64_t least_replicas_ = 0;  // min-replicas-to-write
  size_t peak_memory_ = 0;
  uint64_t appends_ = 0;
  Instant load_began_;
  LoadProgress progress_;
};

}  // namespace powercut::engine
