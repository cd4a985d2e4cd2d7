#include "scenarios/run/other_starts.h"

#include <fmt/format.h>

namespace powercut::scenarios {

namespace {

// Some fifty starts each time: behind one life of so many.
constexpr uint64_t kOneIn = 8;

bool looks(RunState& run, uint32_t life, const Legacy& heir) {
  if (heir.contract_broken || !run.spec.persona->keeps_synced) return false;
  // After a failed sync and a kill a page may read as it was before, or not.
  if (heir.errors && heir.world.disk.anything_pending()) return false;
  if (heir.world.disk.is_shut()) return false;  // nothing starts before somebody mounts it again
  if (run.stated.script != nullptr) return run.stated.script->starts;
  // As beside a run (scenarios/run/beside.cc): set100 is nothing but its cut, unless somebody asks.
  if (run.spec.workload->cut_at_end && !run.spec.beside) return false;
  return run.beside() != Beside::kNothing && run.seed.choose("other.starts", life, kOneIn) == 0;
}

}  // namespace

std::optional<Violation> judge_other_starts(RunState& run, uint32_t life, const Legacy& heir) {
  if (!looks(run, life, heir)) return std::nullopt;
  LifeChoices choices(run.seed, life);
  const auto starts = run.opening.type->other_starts(heir.world, run.opening.settings, choices);
  if (starts.wrong) return starts.wrong;
  if (starts.states.empty()) return std::nullopt;
  const auto& digests = run.history->digests_at(starts.wall_ms);
  const auto as_loaded = run.history->as_loaded_at(starts.wall_ms);
  for (const FoundBackup::State& state : starts.states) {
    const bool loaded =
        as_loaded && as_loaded->lsn == state.lsn && as_loaded->digest == state.digest;
    if (!loaded && (state.lsn >= digests.size() || digests[state.lsn] != state.digest))
      return Violation{Breach::kNoPrefix, fmt::format("restored up to operation {} it is not S({})",
                                                      state.lsn, state.lsn)};
  }
  return std::nullopt;
}

}  // namespace powercut::scenarios
