// Watches one run for record.h: its moments, one after the other.
#pragma once

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "scenarios/explore/risk.h"
#include "scenarios/run/watched.h"
#include "scenarios/story/scenario.h"
#include "scenarios/view/record.h"
#include "scenarios/view/shown_disk.h"

namespace powercut::scenarios {

using Json = nlohmann::ordered_json;

// One thing that happens.
struct Frame {
  Instant at;
  std::string
      kind;  // "write", "sync", ..., "request", "applied", "written", "synced", "reply", "serves"
  std::string text;
  uint32_t life = 0;
  std::optional<uint64_t> event = {};
  std::string path = {};
  std::optional<std::pair<uint64_t, uint64_t>> bytes = {};  // offset, how many
  std::string result = {};                                  // of a call that failed: the errno
  std::string task = {};
  std::optional<Instant> began = {};
  std::optional<uint64_t> client = {};
  std::optional<uint64_t> operation = {};
  size_t disk = 0;
  size_t risk = 0;
};

struct ShownOperation {
  uint64_t number = 0;
  std::string text;
  std::optional<uint64_t> client;  // none: the store's own
  // Frames; 0: it never came so far.
  size_t applied = 0;
  size_t written = 0;
  size_t synced = 0;
  size_t acked = 0;
};

// One way to come out of a cut.
struct ShownRecovery {
  std::vector<Frame> frames;  // calls alone
  std::vector<std::string> story;
  std::vector<std::string> holds;
  Recovered recovered;
  Verdict verdict;
  size_t disk = 0;  // as it was found
};

struct ShownLife {
  size_t first = 0;  // frames
  size_t last = 0;
  std::vector<ShownOperation> operations;  // that took effect in it
  uint64_t recovered = 0;                  // the operation it began with
  size_t risk_first = 0;
  std::unique_ptr<Risk> risk;  // judged, if `ended` is set
  // At its end: what had been promised, and what each of several images comes to.
  bool ended = false;
  sim::Promise promise;
  uint64_t acked = 0;  // the newest operation that was
  uint64_t done = 0;   // operations there had been
  struct Outcome {
    size_t recovery;
    std::string images;
    sim::Survival survival;
  };
  std::vector<Outcome> outcomes;
  Json tree;  // of choices, down to numbers of recoveries; null: too many
};

class ViewWatch final : public RunObserver,
                        public PointObserver,
                        public sim::TraceListener,
                        public EngineWitness {
 public:
  ViewWatch(const Policy& policy, const faults::Persona& persona, const ViewLimits& limits);
  void watch(const WatchedEngine& engine) { engine_ = &engine; }

  std::vector<Frame> frames;
  std::vector<ShownLife> lives;
  std::vector<ShownRecovery> recoveries;
  std::vector<RiskPoint> risk;  // of all lives
  ShownDisks disks;

  // The run is over.
  void finish();

  // --- Who is told ---
  void on_begin(const faults::Plan&, const sim::Disk& disk) override { disk_ = &disk; }
  void on_open(uint32_t life, Instant at, sim::Target& target, const Verdict* verdict,
               const History& history) override;
  void on_refusal(uint32_t life, Instant at, const Error& error) override;
  void on_image(Instant, const Verdict&, const Promised&) override {}
  void on_end(uint32_t life, Instant at, sim::CrashKind crash, bool served,
              const History& history) override;
  void on_point(uint64_t call, sim::Op op, sim::CrashPoint point, const sim::WorldState& world,
                const Promised& promised) override;
  void on_done(History& history, const sim::WorldState& world, const Promised& promised,
               const Delays& delays, const Opening& opening) override;
  void on_event(const sim::Event& event) override;
  void on_opening(Instant at) override;
  void on_opened(Instant at, sim::Target& target) override;
  void on_request(Instant at, uint64_t client, std::string_view request) override;
  void on_reply(Instant at, uint64_t client, const sim::Reply& reply) override;
  void on_operation(Instant at, uint64_t number, std::optional<uint64_t> client) override;
  void on_call(const Call& call) override;

 private:
  Frame& add(Instant at, std::string kind, std::string text);
  void look(Instant at);
  ShownLife& life() { return lives.back(); }
  size_t recover(const sim::Disk& disk, const sim::WorldState& world, const Opening& opening);
  Json choices(const sim::WorldState& world, const Opening& opening);

  const Policy& policy_;
  const faults::Persona& persona_;
  ViewLimits limits_;
  const WatchedEngine* engine_ = nullptr;
  const sim::Disk* disk_ = nullptr;
  std::optional<sim::Disk> shown_;  // the disk that was written down last
  size_t shown_number_ = 0;
  bool open_ = false;    // a life serves
  bool called_ = false;  // the newest frame is a call that has not returned
  uint64_t events_ = 0;
  sim::Promise known_;
  int64_t wall_offset_ms_ = 0;
  std::map<uint64_t, std::string> asked_;  // by client
  std::map<uint64_t, std::vector<std::vector<uint64_t>>>
      due_;  // by client: operations of each request
  std::map<std::string, size_t> known_recoveries_;
};

}  // namespace powercut::scenarios
