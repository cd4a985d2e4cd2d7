// Which planted bug the engine of the calling thread has. Only the judged copies of the engine's
// sources ask (splice.h); the shipped engine knows of none.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/base/site.h"

namespace powercut {

class Mutant {
 public:
  constexpr Mutant() = default;  // no bug
  consteval Mutant(const char* name) : Mutant(Site(name)) {}
  // Of a page that was read. No two pages share a number: the generator looks.
  static constexpr Mutant named(Site name) { return Mutant(name); }

  constexpr bool operator==(const Mutant&) const = default;
  constexpr uint32_t number() const { return number_; }

 private:
  constexpr explicit Mutant(Site name) : number_(static_cast<uint32_t>(name.hash)) {}
  uint32_t number_ = 0;
};

inline constinit thread_local Mutant active_mutant;

// Which places a run comes to at all: not null, a byte is set for each mutant that was asked for, at its
// number in as many. Only the automatic build notes it: most of its mutants are where few runs come.
inline constexpr size_t kAskedBytes = size_t{1} << 24;
inline uint8_t* asked_mutants = nullptr;

inline bool mutant(Mutant m) {
#ifdef POWERCUT_AUTOMATIC
  if (asked_mutants != nullptr) [[unlikely]]
    asked_mutants[m.number() % kAskedBytes] = 1;
#endif
  return active_mutant == m;
}

}  // namespace powercut
