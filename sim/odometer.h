// Every tape, one after the other: a Choices that walks the whole tree of decisions.
//
//   Odometer odometer;
//   do { run(odometer); } while (odometer.next());
//
// Method: stateless search by re-execution. The tape of the last run, its last digit incremented,
// is the prefix of the next; digits behind it start at zero. REQUIRES: run() is deterministic.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/base/check.h"
#include "sim/choices.h"

namespace powercut::sim {

class Odometer final : public Choices {
 public:
  uint64_t choose(Site, uint64_t, uint64_t n) override {
    CHECK(n >= 1);
    if (at_ == tape_.size()) tape_.push_back({0, n});
    CHECK(tape_[at_].n == n);  // the run is not deterministic
    return tape_[at_++].value;
  }

  // Moves to the next tape. False when all have been seen.
  bool next() {
    CHECK(at_ >= given_);  // the run has read on to the digit that was turned last
    tape_.resize(at_);
    at_ = 0;
    while (!tape_.empty()) {
      if (++tape_.back().value < tape_.back().n) break;
      tape_.pop_back();
    }
    given_ = tape_.size();
    return given_ > 0;
  }

 private:
  struct Digit {
    uint64_t value;
    uint64_t n;
  };
  std::vector<Digit> tape_;
  size_t at_ = 0;
  size_t given_ = 0;  // of the tape: what next() decided
};

}  // namespace powercut::sim
