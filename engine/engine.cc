#include "engine/engine.h"

#include <fmt/format.h>

#include <algorithm>

namespace powercut::engine {

namespace {

constexpr Duration kExpireCycle = milliseconds(100);

}  // namespace

Engine::Engine(Os& os, EngineConfig config)
    : os_(os),
      config_(std::move(config)),
      aof_(os, config_.aof),
      generations_(os, keyspace_, aof_, config_),
      keeper_(os, aof_, generations_, config_),
      executor_(os, keyspace_, *this, *this),
      wake_expirer_(os),
      shutdown_over_(os),
      started_at_(os.now()) {
  executor_.set_max_memory(config_.max_memory_bytes);
}

Engine::~Engine() = default;

Result<std::unique_ptr<Engine>> Engine::open(Os& os, EngineConfig config) {
  std::unique_ptr<Engine> engine(new Engine(os, std::move(config)));
  TRY_ASSIGN(Recovered recovered, recover(os, engine->keyspace_, engine->config_.recovery));
  engine->report_ = recovered.report;
  TRY(engine->generations_.start(std::move(recovered)));
  CHECK(engine->aof_.active() == engine->config_.recovery.append_only);
  CHECK(engine->aof_.synced_lsn() == engine->report_.last_lsn);
  engine->aof_.start();
  Engine* self = engine.get();
  os.spawn("keeper", [self] { self->keeper_.run(); });
  os.spawn("expirer", [self] { self->expire_loop(); });
  return engine;
}

uint64_t Engine::append(const Effects& effects) {
  CHECK(!stopped_);  // who writes after the end waits for ever
  aof_.begin_entry(effects.size());
  for (const auto& item : effects.items()) aof_.add_command(item.db, effects.bytes_of(item));
  const uint64_t lsn = aof_.end_entry();
  keeper_.on_entry();
  if (!wake_expirer_.empty() && keyspace_.next_expiry_ms() != INT64_MAX) wake_expirer_.notify_all();
  return lsn;
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
  return refusal_;
}

void Engine::expire_loop() {
  while (!stopping_) {
    const int64_t next_ms = keyspace_.next_expiry_ms();
    if (next_ms == INT64_MAX) {
      wake_expirer_.rest();
      continue;
    }
    // The wall clock may jump: look again at least once a cycle.
    const int64_t left_ms = next_ms - os_.wall_now().unix_ms + config_.sizes.expire_lag.ms();
    if (left_ms > 0 || !aof_.blocked().empty() || shutting_down_) {
      // In milliseconds: an expiry in the far future does not fit into nanoseconds.
      os_.park(os_.now() + milliseconds(std::clamp<int64_t>(left_ms, 1, kExpireCycle.ms())));
      continue;
    }
    executor_.expire_some(config_.sizes.expire_batch);
    os_.park(os_.now());  // let others run between batches
  }
}

Result<void> Engine::shut_down(bool save) {
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
  wake_expirer_.notify_all();
  aof_.progress().notify_all();
  shutdown_over_.notify_all();
  return {};
}

Result<void> Engine::finish(bool save) {
  if (aof_.poisoned()) return Error{Errc::kIo, aof_.blocked()};
  keeper_.pause();
  // A sync that failed just now is healed first, on another call.
  if (aof_.poisoned()) return Error{Errc::kIo, aof_.blocked()};
  if (save && !config_.save.empty()) TRY(keeper_.save_now());
  const uint64_t applied = aof_.applied_lsn();
  TRY(aof_.finish());
  CHECK(!aof_.active() || aof_.synced_lsn() >= applied);
  return {};
}

}  // namespace powercut::engine
