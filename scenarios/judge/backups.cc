#include "scenarios/judge/backups.h"

#include <fmt/format.h>

#include <algorithm>

#include "scenarios/judge/history.h"

namespace powercut::scenarios {

namespace {

std::optional<Violation> broken(std::string_view name, std::string_view why) {
  return Violation{Breach::kBackup, fmt::format("backup {}: {}", name, why)};
}

}  // namespace

std::optional<Violation> judge_sealed(const SealedBackup& sealed, uint64_t before, uint64_t now) {
  if (sealed.last >= before && sealed.last <= now && sealed.first <= sealed.last)
    return std::nullopt;
  return broken(sealed.name,
                fmt::format("sealed with operations {} to {}; {} were done before, and {} when the "
                            "answer came",
                            sealed.first, sealed.last, before, now));
}

std::optional<Violation> judge_backups(History& history, const BackupsAsked& asked,
                                       std::span<const FoundBackup> found) {
  for (const SealedBackup& sealed : asked.sealed) {
    const auto there = std::find_if(found.begin(), found.end(), [&](const FoundBackup& one) {
      return one.sealed && one.name == sealed.name;
    });
    if (there == found.end()) return broken(sealed.name, "it was sealed, and is not there");
    if (there->trouble.empty() && !(there->says == sealed))
      return broken(sealed.name,
                    fmt::format("it has operations {} to {}, and was sealed with {} "
                                "to {}",
                                there->says.first, there->says.last, sealed.first, sealed.last));
  }
  if (found.empty()) return std::nullopt;
  const auto& digests = history.digests_at(asked.wall_ms);
  const auto as_loaded = history.as_loaded_at(asked.wall_ms);
  for (const FoundBackup& one : found) {
    if (!one.sealed && !asked.errors) return broken(one.name, "a start has left half of it");
    if (!one.sealed) continue;
    if (!one.trouble.empty()) return broken(one.name, one.trouble);
    if (history.is_disowned(one.name)) continue;
    for (const FoundBackup::State& state : one.states) {
      const bool loaded =
          as_loaded && as_loaded->lsn == state.lsn && as_loaded->digest == state.digest;
      if (state.lsn >= digests.size() || (digests[state.lsn] != state.digest && !loaded))
        return broken(one.name, fmt::format("restored up to operation {} it is not S({})",
                                            state.lsn, state.lsn));
    }
  }
  return std::nullopt;
}

}  // namespace powercut::scenarios
