// What the tasks of one life did out of turn: who ran before whom, and what each was doing.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "scenarios/judge/target_type.h"
#include "sim/schedule.h"
#include "sim/trace.h"

namespace powercut::scenarios {

// A turn that was taken.
struct TurnTaken {
  sim::Turn turn;
  std::string before;  // the task that had been ready for longest
  // The call that each completed next; without a `what`: it made none any more.
  struct Call {
    std::string what;
    std::string path;    // empty: the root
    uint64_t event = 0;  // its number in the trace
  };
  Call next;
  Call put_off;
};

// Orders as another scheduler does, and writes its turns down.
class TurnRecorder final : public sim::Scheduler, public sim::TraceListener {
 public:
  explicit TurnRecorder(sim::Scheduler& inner) : inner_(inner) {}
  size_t pick(const sim::Ready& ready) override;
  void on_event(const sim::Event& event) override;

  const std::vector<TurnTaken>& taken() const { return taken_; }
  uint64_t decisions() const { return decisions_; }

 private:
  struct Awaited {  // the next call of a task
    uint64_t task;
    size_t turn;
    TurnTaken::Call TurnTaken::*call;
  };
  sim::Scheduler& inner_;
  std::vector<TurnTaken> taken_;
  std::vector<Awaited> awaited_;
  uint64_t running_ = 0;  // a task
  uint64_t decisions_ = 0;
};

std::vector<sim::Turn> turns_of(const std::vector<TurnTaken>& taken);
// One line a turn, "12 aof.writer"; each ends in '\n'.
std::string print(const std::vector<sim::Turn>& turns);
// "12 aof.writer (next write FILE) before client".
std::string print(const TurnTaken& taken);
// For people who do not know the code; several turns for one thing are said once.
std::vector<std::string> in_words(const std::vector<TurnTaken>& taken, const TargetType& target);
// Errors: kInvalid: one line.
Result<sim::Turn> parse_turn(std::string_view line);

}  // namespace powercut::scenarios
