// A run call by call, for people: what the store asked of the system and what it was told, what clients
// asked and were told, how far each operation has come, and the crashes.
#pragma once

#include <cstdint>
#include <cstdio>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "scenarios/run/run.h"
#include "scenarios/run/watched.h"

namespace powercut::scenarios {

// Prints as it goes. Lines fit 80 columns, or are folded where a name does not.
class TraceTeller final : public sim::TraceListener, public EngineWitness {
 public:
  // `out` may be null: then nothing is printed, and only what is asked below is known.
  explicit TraceTeller(std::FILE* out) : out_(out) {}
  // Of the engine that is run; before the run.
  void watch(const WatchedEngine& engine) { engine_ = &engine; }
  void print_head();

  void on_event(const sim::Event& event) override;
  void on_opening(Instant at) override;
  void on_opened(Instant at, sim::Target& target) override;
  void on_request(Instant at, uint64_t client, std::string_view request) override;
  void on_reply(Instant at, uint64_t client, const sim::Reply& reply) override;
  void on_operation(Instant at, uint64_t number, std::optional<uint64_t> client) override;
  void on_call(const Call& call) override;
  // What is held back of the last event is printed.
  void finish();

  // The sync that covered an operation: after it the engine held it to be synced.
  struct Cover {
    uint64_t event = 0;
    Instant at;
    std::string path;
    std::string fence;  // empty: it has no name here
  };
  struct LifeSeen {
    std::map<uint64_t, Cover> covers;          // by operation
    std::map<uint64_t, std::string> requests;  // by operation: what asked for it
  };
  const std::vector<LifeSeen>& lives() const { return lives_; }

 private:
  void line(Instant at, std::string_view what, const std::string& text);
  void look();

  std::FILE* out_;
  const WatchedEngine* engine_ = nullptr;
  std::optional<sim::Event> held_;  // it failed, and the error is still to come
  std::string held_path_;
  std::optional<Cover> last_sync_;
  std::vector<LifeSeen> lives_;
  std::map<uint64_t, std::string> asked_;  // by client: the newest request
  sim::Promise known_;
  Instant now_;
};

// "EIO", "ENOSPC", ...
std::string_view errno_name(Errc code);
// The name of the fence that an event of a sync states by its number; empty: none of that number.
std::string fence_name(uint64_t hash);

}  // namespace powercut::scenarios
