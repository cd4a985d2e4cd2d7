// What a key holds, as strings and hashes go, and what a command answers to it: written without the store's own code.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/store/keyspace.h"

namespace powercut::scenarios {

// Of a database, by its number.
using RowName = std::pair<int, std::string>;

struct RowState {
  enum class Kind : uint8_t { kAbsent, kString, kHash, kOther };
  Kind kind = Kind::kAbsent;
  std::string value = {};
  std::map<std::string, std::string> fields = {};
  int64_t expires_ms = -1;  // -1: never
  bool operator==(const RowState&) const = default;

  // As it is read at that time.
  RowState at(int64_t wall_ms) const {
    return expires_ms >= 0 && expires_ms <= wall_ms ? RowState{} : *this;
  }
};
RowState state_of(const engine::Object* object);

// Does answer_to() know that request, one of a single key? Then words[1] is the key.
bool has_answer(const std::vector<std::string_view>& words);
// Whether it only reads.
bool only_reads(const std::vector<std::string_view>& words);
// The bytes of the answer of a store in which the key holds that. REQUIRES: has_answer().
std::string answer_to(const std::vector<std::string_view>& words, const RowState& state);

}  // namespace powercut::scenarios
