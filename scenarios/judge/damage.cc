#include "scenarios/judge/damage.h"

#include <fmt/format.h>

namespace powercut::scenarios {

namespace {
bool started(const Recovered& recovered) {
  return recovered.refusal.empty() && recovered.died.empty() && !recovered.hangs;
}
}  // namespace

std::optional<Violation> judge_damage(const Damage& damage, const Recovered& recovered) {
  if (!started(damage.intact) || !started(recovered)) return std::nullopt;
  const uint64_t whole = damage.intact.last;
  const bool same_clock = recovered.wall_ms == damage.intact.wall_ms;
  if (recovered.last == whole && (!same_clock || recovered.digest == damage.intact.digest))
    return std::nullopt;
  // Nothing was dropped. A manifest that was misdirected to where the one stood that it was to replace is that next one,
  // to the last byte, and so is the state.
  if (recovered.last > whole) return std::nullopt;
  const auto violation = [&](std::string_view why) {
    return Violation{Breach::kDamageTaken,
                     fmt::format("recovered operation {}, and {} without the damage: {}",
                                 recovered.last, whole, why)};
  };
  if (recovered.last == whole) return violation("and yet the state is another");
  if (damage.told.shows) return violation("the files show that the damaged bytes had been synced");
  if (recovered.last < damage.told.before)
    return violation(fmt::format("{} stand in front of it", damage.told.before));
  return std::nullopt;
}

}  // namespace powercut::scenarios
