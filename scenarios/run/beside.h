// Crash states beside the one that a life ends in: at chosen calls the disk is copied while the run goes
// on, and afterwards the copies are cut, recovered and judged. One run so yields many crash points, and
// each crash point several images.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "scenarios/run/life.h"

namespace powercut::scenarios {

class BesideLife final : public sim::Watcher {
 public:
  // Both outlive it. Watches the life's calls, if there is something to see for anybody.
  BesideLife(RunState& run, Life& life);

  // When the life has ended: until the first violation.
  void judge();

 private:
  // The world as it stood at one instant, and what had been promised then.
  struct Exposure {
    sim::WorldState world;
    Promised promised;
    uint64_t images;  // to draw of it
    uint64_t call;    // of this life
    sim::CrashPoint point;
    uint64_t identity;  // of the call: SeamCall::identity
    EngineState state;
    bool served;  // by then; if not, what was promised is of the life before
  };

  void on_point(uint64_t call, sim::Op op, sim::CrashPoint point) override;
  void put_fence(const std::string& path);
  void expose(uint64_t call, sim::Op op, sim::CrashPoint point, uint64_t images);
  void judge_image(const Exposure& exposure, const Delays& delays, uint64_t image);
  void cover(const Exposure& exposure, const Recovered& recovered);

  RunState& run_;
  Life& life_;
  std::vector<Exposure> exposures_;
  std::unique_ptr<History> before_;  // what had happened when a recovery began that is done
};

}  // namespace powercut::scenarios
