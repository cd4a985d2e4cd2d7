#include "faults/fault_class.h"

#include <fmt/format.h>

#include <vector>

#include "faults/nearest.h"

namespace powercut::faults {

Result<FaultSet> parse_fault_set(std::string_view text) {
  FaultSet set;
  for (;;) {
    const size_t comma = text.find(',');
    const std::string_view word = text.substr(0, comma);
    if (word == "all" || word == "legal" || word == "none") {
      if (word.size() != text.size() || !set.empty()) {
        return Error{Errc::kInvalid,
                     fmt::format("faults: \"{}\" stands alone, without other names", word)};
      }
      return word == "all" ? FaultSet::all() : word == "legal" ? FaultSet::legal() : FaultSet();
    }
    bool known = false;
    for (const ClassRow& row : kClassRows) {
      if (row.name != word) continue;
      set.add(row.fault);
      known = true;
    }
    if (!known) {
      std::vector<std::string> names = {"all", "legal", "none"};
      for (const ClassRow& row : kClassRows) names.emplace_back(row.name);
      return Error{Errc::kInvalid, "faults: " + no_such(word, names, "faults")};
    }
    if (comma == std::string_view::npos) return set;
    text.remove_prefix(comma + 1);
  }
}

std::string print(FaultSet set) {
  if (set == FaultSet::all()) return "all";
  if (set == FaultSet::legal()) return "legal";
  if (set.empty()) return "none";
  std::string text;
  for (const ClassRow& row : kClassRows) {
    if (!set.has(row.fault)) continue;
    if (!text.empty()) text += ',';
    text += row.name;
  }
  return text;
}

}  // namespace powercut::faults
