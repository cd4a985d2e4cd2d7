// Backups: one that a client was told to be sealed is whole after any legal crash, and restores to a state there was;
// one that a client was told to be removed is gone.
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
  int64_t unix_s = 0;  // when, by the wall clock
  bool operator==(const SealedBackup&) const = default;
};

// What a client is about to ask for.
struct BackupRequest {
  enum class Kind : uint8_t { kStart, kSeal, kRemove, kRetain };
  Kind kind;
  std::string name;     // of kStart: empty where one is made up; of kRemove
  uint64_t retain = 0;  // of kRetain: what is sealed from then on leaves so many; 0: all
};

// What clients asked and were told of backups, in order, so that what was so at any moment can be asked for later.
class BackupLedger {
 public:
  struct Entry {
    SealedBackup backup;
    bool owed = true;  // nobody has asked for its removal
    bool gone = false;
  };
  void ask(const BackupRequest& request);
  // One was told to be sealed; that there was none to seal.
  void seal(SealedBackup backup);
  void seal_nothing();
  // What asked for one of that name to be begun was answered.
  void start(const std::string& name);
  // What asked for the removal of that one was answered: it is done, or not.
  void remove(const std::string& name, bool done);
  // A life of the engine begins with the first `k` operations: what has more is another's. It retains all.
  void begin(uint64_t k);

  size_t moment() const { return steps_; }
  // As it was then; SIZE_MAX: as it is.
  std::vector<Entry> at(size_t moment) const;

 private:
  static constexpr size_t kNever = SIZE_MAX;
  struct Kept {
    SealedBackup backup;
    size_t sealed;           // the steps at which: it was
    size_t asked = kNever;   // ... it may have been removed
    size_t gone = kNever;    // ... it was told to be
    size_t reused = kNever;  // ... another may have taken its name
  };
  struct Removal {
    std::string name;
    size_t step;
    bool answered = false;  // while another is sealed, which may have been this one
  };
  void retain();
  void may_go(Kept& kept);
  void note_reuse(Kept& kept);

  std::vector<Kept> kept_;
  std::vector<std::string> starts_;  // asked for, and not answered
  std::vector<Removal> removals_;    // likewise
  size_t steps_ = 0;
  uint64_t retained_ = 0;
  uint64_t unknown_ = 0;    // that may be sealed, and nobody was told
  uint64_t under_way_ = 0;  // of these, in this life
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
    bool operator==(const State&) const = default;
  };
  std::vector<State> states = {};  // the last it says there is, and others
  bool operator==(const FoundBackup&) const = default;
};

struct BackupsAsked {
  std::span<const BackupLedger::Entry> told;  // by then
  int64_t wall_ms = 0;                        // of the digests
  bool errors = false;  // calls were made to fail: what was left half may lie there still
};

// kBackup, or nothing.
std::optional<Violation> judge_backups(History& history, const BackupsAsked& asked,
                                       std::span<const FoundBackup> found);
// The same of an answer: sealed, when `before` operations had been done before it was asked for and `now` when the
// answer came.
std::optional<Violation> judge_sealed(const SealedBackup& sealed, uint64_t before, uint64_t now);

}  // namespace powercut::scenarios
