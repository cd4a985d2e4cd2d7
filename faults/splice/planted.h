// Which planted bug the engine of the calling thread has. Only the judged copies of the engine's
// sources ask (splice.h); the shipped engine knows of none.
#pragma once

#include "engine/base/site.h"

namespace powercut {

class Mutant {
 public:
  constexpr Mutant() = default;  // no bug
  consteval Mutant(const char* name) : Mutant(Site(name)) {}
  // Of a page that was read. No two pages share a number: the generator looks.
  static constexpr Mutant named(Site name) { return Mutant(name); }

  constexpr bool operator==(const Mutant&) const = default;

 private:
  constexpr explicit Mutant(Site name) : number_(static_cast<uint32_t>(name.hash)) {}
  uint32_t number_ = 0;
};

inline constinit thread_local Mutant active_mutant;
inline bool mutant(Mutant m) { return active_mutant == m; }

}  // namespace powercut
