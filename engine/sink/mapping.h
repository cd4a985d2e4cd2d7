// Which keys go to which table of the database behind the store.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"

namespace powercut::engine {

// Keys that match `pattern` (as KEYS does) have their rows in `name` if they are strings, and in `name`_fields if hashes.
struct SinkTable {
  std::string pattern;
  std::string name;
  bool operator==(const SinkTable&) const = default;
};

// "PATTERN TABLE PATTERN TABLE ...": the first pattern that matches counts.
//   Errors: kInvalid: the word that is none.
Result<std::vector<SinkTable>> parse_sink_tables(std::string_view text);
std::string format_sink_tables(const std::vector<SinkTable>& tables);
// The place in `tables` of the key's; none: the key stays in the store alone.
std::optional<size_t> sink_table_of(const std::vector<SinkTable>& tables, std::string_view key);

}  // namespace powercut::engine
