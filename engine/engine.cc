#include "engine/engine.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/parameters.h"
#include "engine/redis_parameters.h"

namespace powercut::engine {

namespace {

constexpr Duration kExpireCycle = milliseconds(100);
constexpr uint64_t kLooksAtMemory = 64;  // entries of the log from one look at the peak to the next

}  // namespace

Engine::Engine(Os& os, EngineConfig&& config)
    : os_(os),
      config_(std::move(config)),
      keyspace_(config_.databases),
      aof_(os, config_.aof),
      generations_(os, keyspace_, aof_, config_),
      keeper_(os, aof_, generations_, config_),
      executor_(os, keyspace_, *this, *this),
      master_(os, executor_.clients(), *this, lend_to_master()),
      replica_(os, executor_, master_, lend_to_replica()),
      failover_(os, executor_, master_, replica_, lend_to_failover()),
      wake_expirer_(os),
      shutdown_over_(os),
      started_at_(os.now()) {
  executor_.clients().users.set_default_password(config_.service.password);
  keeper_.set_send([this] {
    (void)master_.stream([this](File& out, const std::function<void()>& at_cut) {
      return generations_.send(out, replica_.follows() ? replica_.stream_db() : -1, at_cut);
    });
  });
  apply_config();
}

namespace {

// Of clients all together: bytes, or a share of maxmemory; 0: no limit. As in Redis no limit is below 128 KiB.
uint64_t memory_of_clients(const EngineConfig& config) {
  std::string_view text = redis_text(config, "maxmemory-clients");
  const bool is_share = text.ends_with('%');
  if (is_share) text.remove_suffix(1);
  const uint64_t number = parse_bytes(text).value();
  const uint64_t bytes = is_share ? config.max_memory_bytes / 100 * number : number;
  return bytes == 0 ? 0 : std::max<uint64_t>(bytes, 128 << 10);
}

}  // namespace

void Engine::apply_config() {
  const uint64_t most = config_.max_memory_bytes;
  executor_.set_max_memory(most == 0 ? 0 : most - std::min<uint64_t>(most - 1, kFixedBytes));
  const auto samples = static_cast<size_t>(redis_number(config_, "maxmemory-samples"));
  executor_.eviction().set_policy(config_.eviction, samples);
  const Accesses::Rules uses{by_frequency(config_.eviction),
                             redis_number(config_, "lfu-log-factor"),
                             redis_number(config_, "lfu-decay-time")};
  keyspace_.accesses().set_rules(
      uses, [this](uint64_t n) { return n == 1 ? 0 : os_.choose("lfu.count", n); });
  executor_.set_told_events(config_.told_events);
  constexpr int64_t kLongestMs = 1'000'000'000;  // what is more does not fit into nanoseconds
  executor_.scripts().set_busy_after(
      milliseconds(std::min<int64_t>(redis_number(config_, "busy-reply-threshold"), kLongestMs)));
  executor_.scripts().set_let_in_every(config_.sizes.script_step);
  executor_.slow_log().set_limits(config_.service.slowlog_slower_us, config_.service.slowlog_most);
  executor_.latency_events().set_threshold(redis_number(config_, "latency-monitor-threshold"));
  executor_.set_latency_tracking(redis_text(config_, "latency-tracking") == "yes");
  executor_.clients().limit_memory(memory_of_clients(config_));
  executor_.clients().denials.set_most(
      static_cast<size_t>(redis_number(config_, "acllog-max-len")));
  set_master_options();
  set_replica_options();
  executor_.clients().users.set_all_channels(redis_text(config_, "acl-pubsub-default") ==
                                             "allchannels");
  executor_.clients().tracking.set_most_keys(
      static_cast<uint64_t>(redis_number(config_, "tracking-table-max-keys")));
  const auto limit = [&](KnownParameter known) {
    return static_cast<uint64_t>(redis_number(config_, known));
  };
  stream_limits_ = {limit("stream-node-max-bytes"), limit("stream-node-max-entries")};
  keyspace_.set_encoding_limits(
      {limit("hash-max-listpack-entries"), limit("hash-max-listpack-value"),
       limit("zset-max-listpack-entries"), limit("zset-max-listpack-value"),
       limit("set-max-intset-entries")});
}

Engine::~Engine() = default;

std::unique_ptr<Engine> Engine::make(Os& os, EngineConfig config) {
  return std::unique_ptr<Engine>(new Engine(os, std::move(config)));
}

Result<std::unique_ptr<Engine>> Engine::open(Os& os, EngineConfig config) {
  std::unique_ptr<Engine> engine(new Engine(os, std::move(config)));
  TRY(engine->load());
  return engine;
}

Result<void> Engine::load() {
  loading_ = true;
  load_began_ = os_.now();
  executor_.set_loading(true);
  RecoveryOptions options = config_.recovery;
  if (options.progress != nullptr) options.progress = &progress_;
  TRY(look_at_sink(options));
  TRY(look_at_tier(options));
  TRY_ASSIGN(Recovered recovered,
             sink_alone() ? start_from_sink(options) : recover(os_, keyspace_, options));
  if (stopped_) return {};  // a client has ended it meanwhile
  if (const std::string broken = executor_.scripts().broken_library(); !broken.empty()) {
    return Error{Errc::kUnsupported,
                 fmt::format("{}; nothing was changed: start the server that wrote it, and delete "
                             "the library there (FUNCTION DELETE)",
                             broken)};
  }
  report_ = recovered.report;
  if (sink_ != nullptr)
    if (const std::string why = sink_->why_not_behind(report_.last_lsn); !why.empty())
      return Error{Errc::kInvalid, why + " (nothing was changed)"};
  if (copies_ != nullptr) sink_->take_queue(report_.last_lsn - report_.entries, recovered.queue);
  const auto unsealed = std::move(recovered.unsealed_backups);
  const auto removed = std::move(recovered.removed_backups);
  const bool renumbered = recovered.foreign || recovered.single_log;
  TRY(generations_.start(std::move(recovered)));
  generations_.backups().remove_leftovers(unsealed, removed);
  if (tier_ != nullptr) TRY(begin_tier());
  if (sink_alone()) TRY(sink_->settle_alone(report_.last_lsn));
  if (stopped_) return {};
  CHECK(aof_.active() == config_.recovery.append_only);
  CHECK(aof_.synced_lsn() == report_.last_lsn);
  aof_.start();
  loading_ = false;
  executor_.set_loading(false);
  os_.spawn("keeper", [this] { keeper_.run(); });
  os_.spawn("expirer", [this] { expire_loop(); });
  if (sink_ != nullptr)
    sink_->begin(report_.last_lsn - report_.entries, report_.last_lsn, renumbered);
  if (copies_ != nullptr) os_.spawn("copies", [this] { copies_->run(); });
  return begin_following();
}

uint64_t Engine::append(const Effects& effects) {
  CHECK(!stopped_);  // who writes after the end waits for ever
  aof_.begin_entry(effects.size());
  for (const auto& item : effects.items()) aof_.add_command(item.db, effects.bytes_of(item));
  const uint64_t lsn = aof_.end_entry();
  if (master_.own()) master_.append(effects, lsn);
  if (sink_ != nullptr) sink_->on_entry();
  if (tier_ != nullptr) tier_->look();
  if (archiver_ != nullptr && config_.sizes.tier.restless) archiver_->look();
  keeper_.on_entry();
  if (++appends_ % kLooksAtMemory == 0) peak_memory_ = std::max(peak_memory_, used_memory());
  if (!wake_expirer_.empty() && keyspace_.next_expiry_ms() != INT64_MAX) wake_expirer_.notify_all();
  return lsn;
}

// No cut is taken meanwhile of a script that wrote: what it did is in the keyspace, and in no entry of the log.
void Engine::let_others_run(bool wrote) {
  if (wrote && !keeper_.busy(Keeper::Job::kNone) && !generations_.checkpoint().running()) return;
  keeper_.hold(wrote);
  if (sink_ != nullptr) sink_->hold(wrote);
  os_.park(os_.now());
  keeper_.hold(false);
  if (sink_ != nullptr) sink_->hold(false);
  while (stopped_) os_.park(kForever);
}

bool Engine::make_room() {
  if (!shutting_down_) return generations_.make_room();
  shutdown_over_.wait();
  return true;
}

const std::string& Engine::refusal() const {
  refusal_.clear();
  if (!aof_.blocked().empty()) {
    refusal_ = fmt::format("MISCONF Errors writing to the AOF file: {}", aof_.blocked());
  }
  const bool unsaved =
      config_.refuse_after_failed_save && !config_.save.empty() && !keeper_.stats().last_save_ok;
  if (refusal_.empty() && unsaved) {
    refusal_ = fmt::format(
        "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist "
        "to disk "
        "(stop-writes-on-bgsave-error): {}",
        keeper_.stats().last_error);
  }
  if (refusal_.empty() && least_replicas_ != 0 && master_.good() < least_replicas_)
    refusal_ = "NOREPLICAS Not enough good replicas to write.";
  return refusal_;
}

void Engine::expire_loop() {
  while (!stopping_) {
    if (!aof_.blocked().empty()) (void)aof_.has_space(0);  // there may be some again
    const int64_t next_ms = keyspace_.next_expiry_ms();
    if (next_ms == INT64_MAX) {
      wake_expirer_.rest();
      continue;
    }
    // The wall clock may jump: look again at least once a cycle.
    const int64_t left_ms = next_ms - os_.wall_now().unix_ms + config_.sizes.expire_lag.ms();
    const bool waits = !active_expire_ || executor_.clients().writes_paused() || replica_.follows();
    if (left_ms > 0 || !aof_.blocked().empty() || shutting_down_ || waits) {
      // In milliseconds: an expiry in the far future does not fit into nanoseconds.
      os_.park(os_.now() + milliseconds(std::clamp<int64_t>(left_ms, 1, kExpireCycle.ms())));
      continue;
    }
    executor_.expire_some(config_.sizes.expire_batch);
    os_.park(os_.now());  // let others run between batches
  }
}

Result<void> Engine::shut_down(bool save) {
  if (loading_) stopped_ = true;  // nothing was changed, and nothing is served
  while (shutting_down_ && !stopped_) shutdown_over_.wait();
  if (stopped_) return {};
  shutting_down_ = true;
  const auto finished = finish(save);
  if (!finished.ok()) {
    shutting_down_ = false;
    keeper_.resume();
    shutdown_over_.notify_all();
    return finished;
  }
  stopping_ = true;
  stopped_ = true;
  keeper_.stop();
  if (sink_ != nullptr) sink_->stop();
  if (copies_ != nullptr) copies_->stop();
  if (tier_ != nullptr) tier_->stop();
  if (archiver_ != nullptr) archiver_->stop();
  wake_expirer_.notify_all();
  executor_.stop();
  master_.stop();
  replica_.stop();
  aof_.progress().notify_all();
  shutdown_over_.notify_all();
  return {};
}

Result<void> Engine::finish(bool save) {
  if (aof_.poisoned()) return Error{Errc::kIo, aof_.blocked()};
  // The log, where there is one, has what the database does not get now.
  if (sink_ != nullptr)
    if (const auto written = sink_->finish(); !written.ok() && sink_alone()) return written;
  keeper_.pause();
  save = save && !executor_.scripts().busy();  // what a script has begun is not saved
  // A sync that failed just now is healed first, on another call.
  if (aof_.poisoned()) return Error{Errc::kIo, aof_.blocked()};
  if (save && !config_.save.empty()) TRY(keeper_.save_now());
  const uint64_t applied = aof_.applied_lsn();
  TRY(aof_.finish());
  CHECK(!aof_.active() || aof_.synced_lsn() >= applied);
  return {};
}

}  // namespace powercut::engine
