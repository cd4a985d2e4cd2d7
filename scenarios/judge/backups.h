// Backups: one that a client was told to be sealed is whole after any legal crash, and restores to a state there was.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "scenarios/judge/verdict.h"

namespace powercut::scenarios {

class History;

// As a client was told when it was sealed.
struct SealedBackup {
  std::string name;
  uint64_t first = 0;  // any state from S(first)
  uint64_t last = 0;   // ... to S(last)
  bool operator==(const SealedBackup&) const = default;
};

// What a restore makes of a folder of backups, once a start has seen the disk.
struct FoundBackup {
  std::string name;
  bool sealed = false;  // it says that it is whole
  std::string trouble;  // why it cannot be restored; empty: it can
  // What it says of itself, and the digest of what is restored up to an operation.
  SealedBackup says = {};
  struct State {
    uint64_t lsn;
    uint64_t digest;
  };
  std::vector<State> states = {};  // the last it says there is, and others
};

struct BackupsAsked {
  // Sealed by then, the oldest first.
  std::span<const SealedBackup> sealed;
  int64_t wall_ms = 0;  // of the digests
  bool errors = false;  // calls were made to fail: what was left half may lie there still
};

// kBackup, or nothing.
std::optional<Violation> judge_backups(History& history, const BackupsAsked& asked,
                                       std::span<const FoundBackup> found);
// The same of an answer: sealed, when `before` operations had been done before it was asked for and `now` when the
// answer came.
std::optional<Violation> judge_sealed(const SealedBackup& sealed, uint64_t before, uint64_t now);

}  // namespace powercut::scenarios
