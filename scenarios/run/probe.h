// Crash states beside the one a run goes on with: at chosen calls the disk is copied while the run
// goes on, and afterwards the copies are cut, recovered and judged. One run so yields many crash
// points, and each crash point several images.
#pragma once

#include <cstdint>
#include <optional>

#include "engine/config.h"
#include "faults/mutants.h"
#include "scenarios/judge/coverage.h"
#include "scenarios/judge/oracle.h"
#include "sim/choices.h"
#include "sim/disk.h"
#include "sim/sim_os.h"

namespace powercut::scenarios {

// The world as it stood at one instant, and what the judge knew then.
struct Exposure {
  sim::WorldState world;
  CrashFacts facts;
  uint64_t images = 2;  // to draw of it
  uint64_t call = 0;    // of this life
  sim::CrashPoint point = sim::CrashPoint::kBefore;
  uint64_t identity = 0;  // of the call: SeamCall::identity
  EngineState state = EngineState::kStarting;
  bool served = false;  // by then; if not, the facts are those of the life before
};

// What recovery made of one image.
struct ImageOutcome {
  std::optional<Error> refusal;  // it did not start
  bool hangs = false;
  uint64_t digest = 0;
  uint64_t lsn = 0;  // that recovery says it reached
  uint64_t failed_commands = 0;
  BranchSet branches;  // of a recovery that has completed
  int64_t wall_ms = 0;
};

// Recovers from `disk` in a world of its own, where nothing goes wrong. `mutant` may be null.
ImageOutcome recover_image(sim::Disk disk, const Exposure& exposure,
                           const engine::EngineConfig& config, const faults::MutantInfo* mutant,
                           sim::Choices& choices);

}  // namespace powercut::scenarios
