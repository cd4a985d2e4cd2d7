// A Site names a point in the code: where a choice is made, or which fence a sync is. Choices,
// traces, coverage and whoever takes a fence out refer to it by name, so it outlives line numbers.
#pragma once

#include <cstdint>
#include <string_view>

namespace powercut {

struct Site {
  const char* name;
  uint64_t hash;  // FNV-1a of the name: the same on every compiler

  consteval Site(const char* literal) : Site(literal, 0xcbf29ce484222325u) {}
  // Of a name that was read from elsewhere. It must outlive the Site.
  static constexpr Site named(const char* name) { return {name, 0xcbf29ce484222325u}; }

  bool operator==(const Site& other) const { return hash == other.hash; }

 private:
  constexpr Site(const char* text, uint64_t basis) : name(text), hash(basis) {
    for (const char* p = text; *p != '\0'; ++p) {
      hash ^= static_cast<unsigned char>(*p);
      hash *= 0x100000001b3u;
    }
  }
};

}  // namespace powercut
