#include "scenarios/shrink/order.h"

#include <algorithm>

#include "scenarios/base/chunks.h"

namespace powercut::scenarios {

namespace {

// 0 as well where nothing is stated of that life, or it is no more.
size_t turns_in(const Scenario& scenario, size_t life) {
  const auto& schedules = scenario.schedules;
  return life < schedules.size() && schedules[life] ? schedules[life]->size() : 0;
}

size_t turns_in(const Scenario& scenario) {
  size_t turns = 0;
  for (size_t life = 0; life < scenario.schedules.size(); ++life) turns += turns_in(scenario, life);
  return turns;
}

bool without_turns(Candidates& candidates, size_t life, size_t first, size_t count) {
  Scenario candidate = candidates.best();
  const size_t before = turns_in(candidate, life);
  if (first >= before) return false;
  auto& turns = *candidate.schedules[life];
  const auto begin = turns.begin() + static_cast<ptrdiff_t>(first);
  turns.erase(begin, begin + static_cast<ptrdiff_t>(std::min(count, before - first)));
  return candidates.accept(candidate) && turns_in(candidates.best(), life) < before;
}

bool without_schedule(Candidates& candidates, size_t life) {
  Scenario candidate = candidates.best();
  if (life >= candidate.schedules.size() || !candidate.schedules[life]) return false;
  candidate.schedules[life].reset();
  return candidates.breaks_for_other_seeds(candidate) && candidates.take(candidate);
}

}  // namespace

bool drop_turns(Candidates& candidates) {
  bool any = false;
  for (size_t life = 0; life < candidates.best().schedules.size(); ++life) {
    const auto turns = [&] { return turns_in(candidates.best(), life); };
    any |= leave_out_in_chunks(
        turns(), turns,
        [&](size_t first, size_t count) { return without_turns(candidates, life, first, count); },
        [&] { return candidates.spent(); });
  }
  // One or two elsewhere may do for several of which each is needed.
  for (const uint64_t few : {1, 2})
    if (turns_in(candidates.best()) > few)
      any |= candidates.reorder(candidates.best(), few, Beside::kNothing);
  return any;
}

bool drop_schedules(Candidates& candidates) {
  bool any = false;
  for (size_t life = 0; life < candidates.best().schedules.size(); ++life)
    if (turns_in(candidates.best(), life) == 0) any |= without_schedule(candidates, life);
  return any;
}

bool state_order(Candidates& candidates) {
  const auto stated = [](const auto& schedule) { return schedule.has_value(); };
  Scenario candidate = candidates.best();
  if (std::any_of(candidate.schedules.begin(), candidate.schedules.end(), stated)) return false;
  if (candidates.breaks_for_other_seeds(candidate)) return false;
  candidate.schedules.assign(candidate.script.lives.size(), std::vector<sim::Turn>());
  return candidates.accept(candidate) || candidates.reorder(candidate, 1, Beside::kEverything) ||
         candidates.reorder(candidate, 2, Beside::kNothing) ||
         candidates.reorder_at_random(candidate);
}

}  // namespace powercut::scenarios
