// For tests of the history and the oracle: a store without persistence whose clock stands still
// until it is set, with a history attached.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/command/control.h"
#include "engine/command/executor.h"
#include "engine/command/session.h"
#include "scenarios/store/keyspace/digest.h"
#include "scenarios/store/keyspace/holds_keyspace.h"
#include "scenarios/store/store_history.h"
#include "sim/sim_os.h"

namespace powercut::scenarios {

inline constexpr int64_t kWallMs = 1'700'000'000'000;

class CountingLog final : public engine::OperationLog {
 public:
  explicit CountingLog(engine::Os& os) : progress_(os) {}
  uint64_t append(const engine::Effects&) override { return ++lsn; }
  uint64_t applied_lsn() const override { return lsn; }
  uint64_t released_lsn() const override { return lsn; }
  engine::WaitQueue& progress() override { return progress_; }
  bool make_room() override { return false; }
  const std::string& refusal() const override { return refusal_; }

  uint64_t lsn = 0;

 private:
  engine::WaitQueue progress_;
  std::string refusal_;
};

class NoControl final : public engine::Control {
 public:
  Result<void> save() override { return {}; }
  Result<std::string> background_save() override { return std::string(); }
  Result<std::string> rewrite_aof() override { return std::string(); }
  int64_t last_save_unix_s() override { return 0; }
  Result<void> shutdown(bool) override { return {}; }
  std::vector<std::pair<std::string, std::string>> config_get(std::string_view) override {
    return {};
  }
  Result<void> config_set(std::string_view, std::string_view) override { return {}; }
  void reset_stats() override {}
  std::string info_section(std::string_view) override { return {}; }
};

// One life of such a store. Several may share a history, one after the other.
class HistoryStore final : public sim::Target,
                           public HoldsKeyspace,
                           private engine::OperationListener {
 public:
  // With `attached` false, or in S(lsn): fill it first, then attach().
  explicit HistoryStore(StoreHistory* history = nullptr, uint64_t lsn = 0, bool attached = true)
      : history_(history) {
    executor.set_listener(this);
    log.lsn = lsn;
    if (history_ != nullptr && lsn == 0 && attached) attach();
  }
  ~HistoryStore() override {
    if (history_ != nullptr) history_->detach();
    os.destroy_tasks();
  }
  void attach() { history_->attach(os, *this, log.lsn); }
  // Runs a command that the history does not see, as recovery does.
  void fill(const std::string& line) {
    const uint64_t lsn = log.lsn;
    run(line);
    log.lsn = lsn;
  }

  // One inline command, or several lines; returns the reply.
  std::string run(const std::string& line) {
    std::string reply;
    os.spawn("client", [&] {
      session.feed(line + "\r\n");
      // Nobody else is there that it could wait for.
      if (session.waits()) executor.clients().end_wait(session.client(), false);
      reply = session.ready();
      session.consume(reply.size());
    });
    os.run();
    return reply;
  }
  // The same at an instant of the monotonic clock, acknowledged `wait` later; its LSN.
  uint64_t acked(const std::string& line, Instant at, Duration wait = {}) {
    world.now = at;
    run(line);
    history_->ack(log.lsn, at + wait);
    return log.lsn;
  }
  void set_wall(int64_t ms) { world.wall_offset_ms = ms - world.now.ns / 1'000'000; }
  uint64_t digest() { return digest(kWallMs); }

  // --- Target: only what a history asks for ---
  uint64_t digest(int64_t wall_ms) override { return keyspace_digest(keyspace_, wall_ms); }
  engine::Keyspace& keyspace() override { return keyspace_; }
  bool evicts() const override { return executor.evicts(); }
  void apply(uint64_t, std::string_view request) override { run(std::string(request)); }
  std::optional<sim::Reply> acknowledged(uint64_t, Instant) override { return std::nullopt; }
  sim::Promise promise() override { return {}; }
  Result<void> shut_down() override { return {}; }

  sim::WorldState world{sim::Disk(), Instant{0}, kWallMs};
  sim::SeededChoices choices{1};
  sim::Trace trace;
  sim::LatencyProfile latency;
  sim::SimOs os{world, choices, trace, nullptr, latency};
  CountingLog log{os};

 private:
  void on_operation(uint64_t lsn) override { happened(lsn); }

  NoControl control_;
  engine::Keyspace keyspace_;

 public:
  engine::Executor executor{os, keyspace_, log, control_};
  engine::Session session{executor};

 private:
  StoreHistory* history_;
};

}  // namespace powercut::scenarios
