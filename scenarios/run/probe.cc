#include "scenarios/run/probe.h"

#include "engine/engine.h"
#include "scenarios/judge/digest.h"

namespace powercut::scenarios {

namespace {
constexpr Duration kRecoveryLimit = seconds(60);
}

ImageOutcome recover_image(sim::Disk disk, const Exposure& exposure,
                           const engine::EngineConfig& config, const faults::MutantInfo* mutant,
                           sim::Choices& choices) {
  ImageOutcome outcome;
  sim::WorldState world{std::move(disk), exposure.world.now, exposure.world.wall_offset_ms};
  sim::Trace trace;
  std::unique_ptr<engine::Engine> engine;
  sim::SimOs os(world, choices, trace, nullptr);
  std::optional<faults::MutantOs> mutant_os;
  if (mutant != nullptr && mutant->decorates()) mutant_os.emplace(os, *mutant);
  engine::Os& seam = mutant_os ? static_cast<engine::Os&>(*mutant_os) : os;
  os.set_time_limit(world.now + kRecoveryLimit);
  bool done = false;
  os.spawn("main", [&] {
    auto opened = engine::Engine::open(seam, config);
    done = true;
    os.stop();
    if (!opened.ok()) {
      outcome.refusal = opened.error();
      return;
    }
    engine = std::move(opened).value();
    outcome.wall_ms = os.wall_now().unix_ms;
    outcome.digest = keyspace_digest(engine->keyspace(), outcome.wall_ms);
    outcome.lsn = engine->recovery().last_lsn;
    outcome.branches = branches_of(engine->recovery());
    outcome.failed_commands = engine->recovery().failed_commands;
  });
  os.run();
  outcome.hangs = !done;
  os.destroy_tasks();
  engine.reset();
  return outcome;
}

}  // namespace powercut::scenarios
