// The ID of a stream's entry: a time and a number within it.
#pragma once

#include <charconv>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>

namespace powercut::engine {

struct StreamId {
  uint64_t ms = 0;  // Unix time, where the server made it
  uint64_t seq = 0;

  auto operator<=>(const StreamId&) const = default;

  static constexpr StreamId most() { return {UINT64_MAX, UINT64_MAX}; }
  // The one behind, or before; nullopt: there is none.
  constexpr std::optional<StreamId> next() const {
    if (*this == most()) return std::nullopt;
    return seq == UINT64_MAX ? StreamId{ms + 1, 0} : StreamId{ms, seq + 1};
  }
  constexpr std::optional<StreamId> previous() const {
    if (*this == StreamId{}) return std::nullopt;
    return seq == 0 ? StreamId{ms - 1, UINT64_MAX} : StreamId{ms, seq - 1};
  }
  // "1700000000000-0"
  std::string text() const {
    char digits[41];
    char* end = std::to_chars(digits, digits + 20, ms).ptr;
    *end++ = '-';
    return {digits, std::to_chars(end, end + 20, seq).ptr};
  }
};

}  // namespace powercut::engine
