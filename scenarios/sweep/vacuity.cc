#include "scenarios/sweep/vacuity.h"

#include <fmt/format.h>

namespace powercut::scenarios {

using faults::FaultClass;
using faults::FileRole;
using faults::Target;

std::string_view unreachable(FaultClass fault, FileRole role) {
  const faults::ClassRow& row = faults::row(fault);
  const bool clock = row.target == Target::kClock;
  if (role == FileRole::kNone) {
    const bool alone = clock || row.target == Target::kAnywhere;
    return alone ? "" : "strikes a call or a file, never the clock alone";
  }
  if (clock) return "strikes the clock, no file";
  // "Other" is the mark of a first generation: an empty file, made, found and removed.
  if (role == FileRole::kOther && row.spares_empty)
    return "an empty file is not read, written, synced";
  if (role == FileRole::kSegment || role == FileRole::kBase) return row.no_log;
  return role == FileRole::kDirectory ? row.no_directory : "";
}

bool expects_everything(const SweepOptions& options, const Tally& tally) {
  return options.policies.size() == all_policies().size() &&
         options.personas.size() == faults::all_personas().size() &&
         options.faults == faults::FaultSet::all() && options.mutant == nullptr &&
         !options.beside && tally.runs >= kVacuitySeeds;
}

std::vector<std::string> vacuity_zeros(const Tally& tally) {
  std::vector<std::string> zeros;
  for (int i = 0; i < faults::kFaultClasses; ++i) {
    const auto fault = static_cast<FaultClass>(i);
    for (int j = 0; j < faults::kFileRoles; ++j) {
      const auto role = static_cast<FileRole>(j);
      if (tally.hits[static_cast<size_t>(i)][static_cast<size_t>(j)] != 0) continue;
      if (!unreachable(fault, role).empty()) continue;
      zeros.push_back(fmt::format("{} x {}", faults::name(fault), faults::name(role)));
    }
  }
  for (int i = 0; i < kBranches; ++i) {
    if (tally.branches[static_cast<size_t>(i)] != 0) continue;
    zeros.push_back(fmt::format("branch {}", branch_name(static_cast<Branch>(i))));
  }
  return zeros;
}

}  // namespace powercut::scenarios
