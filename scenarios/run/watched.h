// An engine as somebody sees it who stands between it and the rest: what clients ask and are told, how
// far each operation has come, and the error of each call that failed. The run is the same as without.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "scenarios/judge/target_type.h"

namespace powercut::scenarios {

// Told in the step in which it happens. `at`: virtual time.
class EngineWitness {
 public:
  virtual ~EngineWitness() = default;
  // A life begins to open, and is open.
  virtual void on_opening(Instant /*at*/) {}
  virtual void on_opened(Instant /*at*/, sim::Target&) {}
  virtual void on_request(Instant at, uint64_t client, std::string_view request) = 0;
  // Its bytes: until the next call of the engine.
  virtual void on_reply(Instant at, uint64_t client, const sim::Reply& reply) = 0;
  // It takes effect: applied, and in the log's buffer. Without a client it is the engine's own.
  virtual void on_operation(Instant at, uint64_t number, std::optional<uint64_t> client) = 0;
  // A call of the seam has completed: the one with the newest event. `error`: null if it did not fail.
  struct Call {
    Instant began;
    Instant ended;
    std::string_view task;
    const Error* error;
  };
  virtual void on_call(const Call& call) = 0;
};

// Stands before the engine in each life of one run. `witness` outlives it, and it outlives the run.
class WatchedEngine {
 public:
  explicit WatchedEngine(EngineWitness& witness);
  ~WatchedEngine();

  // As the type's.
  Result<std::unique_ptr<sim::Target>> open(const TargetType& type, engine::Os& os,
                                            const sim::Settings& settings);
  // What is promised now; none where no life is open.
  std::optional<sim::Promise> promise() const;

 private:
  EngineWitness& witness_;
  sim::Target* open_ = nullptr;
  std::vector<std::unique_ptr<engine::Os>> seams_;  // an engine's tasks use theirs to the end
};

}  // namespace powercut::scenarios
