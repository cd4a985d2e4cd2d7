// Who runs next. With instant completions (LatencyProfile::instant) this alone decides which sync or
// write completes first, so a search over schedules is a search over orderings.
//
// Time passes only when no task is ready: no schedule lets a timer overtake a call under way. That is
// what latencies are for.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/os/tasks.h"
#include "sim/choices.h"
#include "sim/occurrences.h"
#include "sim/odometer.h"

namespace powercut::sim {

using Ready = std::vector<engine::Task*>;  // oldest readiness first

class Scheduler {
 public:
  virtual ~Scheduler() = default;
  // The index of the task that runs next; asked at every step. REQUIRES: a task is ready.
  virtual size_t pick(const Ready& ready) = 0;
  // After the run. Errors: kInvalid: the first thing that was stated and could not be done, in one
  // line.
  virtual Result<void> finish() const { return {}; }
};

// Every order of the tasks that become ready together is equally likely: each draws a priority
// whenever it becomes ready, for itself alone, so two tasks keep their order whoever else is there.
// Who draws low may wait long: basic partial order sampling (Yuan, Yang, Gu, CAV'18).
class RandomScheduler final : public Scheduler {
 public:
  explicit RandomScheduler(Choices& choices) : choices_(choices) {}
  size_t pick(const Ready& ready) override;

 private:
  Choices& choices_;
};

// Probabilistic concurrency testing (Burckhardt et al., ASPLOS'10): the ready task of the highest
// priority runs. Priorities are drawn once a task, and at depth - 1 steps, drawn among `steps`, the
// task that would run falls below all others. A bug that needs `depth` ordering constraints shows in
// a run of n tasks and at most `steps` steps with probability 1 / (n * steps^(depth - 1)) or more.
class PctScheduler final : public Scheduler {
 public:
  PctScheduler(Choices& choices, uint64_t depth, uint64_t steps);
  size_t pick(const Ready& ready) override;

 private:
  struct Priority {
    uint64_t task;
    uint64_t value;
  };
  Priority& priority_of(const engine::Task& task);
  size_t highest(const Ready& ready);

  Choices& choices_;
  std::vector<uint64_t> changes_;  // at which steps; the i-th leaves priority i
  std::vector<Priority> priorities_;
  uint64_t step_ = 0;
};

// At its `decision`-th decision (only steps with more than one ready task count) a schedule took the
// `choice`-th oldest task, not the oldest.
struct Deviation {
  uint64_t decision;
  uint64_t choice;
  bool operator==(const Deviation&) const = default;
};

// First in, first out, but for the deviations.
class FifoScheduler final : public Scheduler {
 public:
  explicit FifoScheduler(std::vector<Deviation> deviations) : deviations_(std::move(deviations)) {}
  size_t pick(const Ready& ready) override;
  Result<void> finish() const override;

 private:
  std::vector<Deviation> deviations_;  // in order
  size_t next_ = 0;
  uint64_t decision_ = 0;
  std::string problem_;
};

// A deviation that outlives changes of the code: at that decision this task ran, not the oldest.
struct Turn {
  uint64_t decision;
  std::string task;  // task_name()
  bool operator==(const Turn&) const = default;
};

// "aof.writer"; of several of one name the second is "client@1".
std::string task_name(const engine::Task& task);

// First in, first out, but for the turns. One that cannot be taken is left out.
class StatedScheduler final : public Scheduler {
 public:
  explicit StatedScheduler(std::vector<Turn> turns) : turns_(std::move(turns)) {}
  size_t pick(const Ready& ready) override;
  Result<void> finish() const override;

 private:
  std::vector<Turn> turns_;  // in order
  size_t next_ = 0;
  uint64_t decision_ = 0;
  std::string problem_;
};

// Every schedule of at most `delays` delays, one a run (delay-bounded scheduling: Emmi, Qadeer,
// Rakamaric, POPL'11): to take the i-th oldest ready task costs i delays.
//
//   ScheduleWalk walk(2);
//   do { run(walk); } while (walk.next());
//
// REQUIRES: the run is a function of the schedule.
class ScheduleWalk final : public Scheduler {
 public:
  explicit ScheduleWalk(uint64_t delays) : delays_(delays), left_(delays) {}
  size_t pick(const Ready& ready) override;
  // To the next schedule; false when all have been run.
  bool next();
  // Of the run since next().
  const std::vector<Deviation>& deviations() const { return deviations_; }
  uint64_t decisions() const { return decision_; }

 private:
  Odometer odometer_;
  uint64_t delays_;
  uint64_t left_;
  uint64_t decision_ = 0;
  std::vector<Deviation> deviations_;
};

}  // namespace powercut::sim
