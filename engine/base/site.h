// A Site names a point in the code: where a choice is made, or which fence a sync is. Choices,
// traces, mutants and coverage refer to it by name, so it outlives line numbers.
#pragma once

#include <cstdint>
#include <string_view>

namespace powercut {

struct Site {
  const char* name;
  uint64_t hash;  // FNV-1a of the name: the same on every compiler

  consteval Site(const char* literal) : name(literal), hash(0xcbf29ce484222325u) {
    for (const char* p = literal; *p != '\0'; ++p) {
      hash ^= static_cast<unsigned char>(*p);
      hash *= 0x100000001b3u;
    }
  }
  bool operator==(const Site& other) const { return hash == other.hash; }
};

}  // namespace powercut
