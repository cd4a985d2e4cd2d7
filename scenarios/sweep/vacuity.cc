#include "scenarios/sweep/vacuity.h"

#include <fmt/format.h>

namespace powercut::scenarios {

using faults::FaultClass;
using faults::FileRole;

std::string_view unreachable(FaultClass fault, FileRole role) {
  // "Other" is the mark of a first generation: an empty file, made, found and removed.
  const bool needs_bytes = fault == FaultClass::kShortIo || fault == FaultClass::kSlowSync ||
                           fault == FaultClass::kHangingSync ||
                           faults::is_contract_violation(fault);
  if (role == FileRole::kOther && needs_bytes) return "an empty file is not read, written, synced";
  if (role == FileRole::kNone) {
    const bool by_clock = fault == FaultClass::kKill || fault == FaultClass::kPowerCut ||
                          fault == FaultClass::kClockJump;
    return by_clock ? "" : "strikes a call or a file, never the clock alone";
  }
  switch (fault) {
    case FaultClass::kClockJump:
      return "strikes the clock, no file";
    case FaultClass::kHangingSync:
      return role == FileRole::kDirectory ? "plans hang syncs of files only" : "";
    case FaultClass::kShortIo:
      return role == FileRole::kDirectory ? "a directory is neither read nor written" : "";
    case FaultClass::kBitRot:
    case FaultClass::kUnreadable:
    case FaultClass::kMisdirect:
      return role == FileRole::kDirectory ? "media faults strike the bytes of files" : "";
    default:
      return "";
  }
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
