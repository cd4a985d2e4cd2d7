// What hangs on each moment of a run: how many images a power cut may leave there, and how many of them
// break the promise. The numbers are those of `explore`, of the run as it went: exact.
//
// Method: recovery runs once for all images it cannot tell apart (recoveries.h); the images of those
// classes that break the promise are united on a decision diagram and counted (sim/image_count.h). At
// the end of the life all are, and it is checked that the parts sum up to the whole.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "scenarios/explore/recoveries.h"
#include "scenarios/judge/oracle.h"
#include "scenarios/run/run.h"
#include "sim/image_count.h"
#include "sim/survival.h"

namespace powercut::scenarios {

// One moment at which a crash can strike.
struct RiskPoint {
  uint64_t events = 0;  // of the run's trace, by then
  Instant at;
  std::string images;          // decimal; empty: too many to count
  std::string broken;          // of these break the promise; empty: not known
  bool kill_breaks = false;    // so does a kill here
  uint64_t lost_most = 0;      // operations that one of the images loses
  std::string violation = {};  // of the first that breaks it
};

// What some images of one disk come to.
struct RiskOutcome {
  sim::Survival survival;  // one of them
  std::string images;      // how many come to this; empty: not known
  Recovered recovered;
  Verdict verdict;
};

// Of one life: between begin() and end() it takes what a PointObserver is told.
class Risk {
 public:
  struct Options {
    const Policy* policy = nullptr;
    const faults::Persona* persona = nullptr;
    uint64_t classes_most = 5'000;  // of one disk; beyond, what they come to is not known
    uint64_t classes_all = 50'000;  // of all disks, the latest first
  };
  explicit Risk(const Options& options) : options_(options) {}

  // `served`: what the life had recovered, and so must never lose.
  void begin(uint64_t served);
  void note(uint64_t events, const sim::WorldState& world, const Promised& promised);
  // The life has ended, with this disk, and this having been promised.
  void end(History& history, const sim::WorldState& world, const Promised& promised,
           const Delays& delays, const Opening& opening);

  const std::vector<RiskPoint>& points() const { return points_; }
  // Of the disk that the life ended with, if its power was cut: all that may come of it.
  const std::vector<RiskOutcome>& outcomes() const { return outcomes_; }
  const std::string& images_at_end() const { return images_at_end_; }
  // Judged as the end was; while end() runs, and after.
  Verdict judge(const Recovered& recovered);

 private:
  struct At {
    Promised promised;
    size_t state;
  };
  struct State {
    explicit State(const sim::Disk& d) : disk(d) {}
    sim::Disk disk;
    bool complete = false;  // every class was seen
    std::string images;
    struct Part {
      uint32_t outcome;
      std::string images;  // empty: not known
      bool wanted;
    };
    std::vector<Part> parts;
    uint32_t killed = 0;
  };
  void look(State& state);
  void count(State& state);
  void judge_point(size_t i, const State& state);
  bool add_class(const Recoveries::Class& one, sim::ImageCount& count, size_t part);
  Verdict judge(const Promised& promised, const Recovered& recovered);

  Options options_;
  uint64_t served_ = 0;
  std::vector<State> states_;
  std::vector<At> at_;
  std::vector<RiskPoint> points_;
  std::vector<RiskOutcome> outcomes_;
  std::string images_at_end_;
  std::optional<Oracle> oracle_;
  std::optional<Recoveries> recoveries_;
  std::unique_ptr<sim::ImageCount> count_;
  uint64_t classes_ = 0;
  size_t singles_ = 0;  // images that were taken one by one
  History* history_ = nullptr;
  Delays delays_;
  Promised promised_;
};

}  // namespace powercut::scenarios
