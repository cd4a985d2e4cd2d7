// SQLite's journal modes and its settings of `synchronous`, and what its documentation promises of each pair.
#pragma once

#include <cstdint>
#include <string_view>

namespace powercut::scenarios {

enum class Journal : uint8_t { kDelete, kTruncate, kPersist, kMemory, kOff, kWal };
inline constexpr std::string_view kJournals[] = {"delete", "truncate", "persist",
                                                 "memory", "off",      "wal"};
enum class Synchronous : uint8_t { kOff, kNormal, kFull, kExtra };
inline constexpr std::string_view kSynchronous[] = {"off", "normal", "full", "extra"};

// What is left after a power cut of what COMMIT was answered for.
enum class Kept : uint8_t {
  kAll,  // "ensures that an operating system crash or power failure will not corrupt the database", and the
  // commit is durable: PRAGMA synchronous, FULL and EXTRA; isolation.html and transactional.html (ACID)
  kPrefix,  // some state that was, perhaps an older one: NORMAL; wal.html: "a transaction might roll back"
  kNothing  // "the database might become corrupted": OFF; PRAGMA journal_mode, OFF and MEMORY
};
constexpr Kept kept_by(Journal journal, Synchronous synchronous) {
  if (journal == Journal::kOff || journal == Journal::kMemory || synchronous == Synchronous::kOff)
    return Kept::kNothing;
  return synchronous == Synchronous::kNormal ? Kept::kPrefix : Kept::kAll;
}

}  // namespace powercut::scenarios
