#include "faults/fault_class.h"

#include <fmt/format.h>

#include <array>

namespace powercut::faults {

namespace {

struct Row {
  std::string_view name;
  std::string_view description;
};

// In the order of FaultClass.
constexpr std::array<Row, kFaultClasses> kRows = {{
    {"kill", "the process dies; the page cache lives"},
    {"power-cut", "the page cache dies; what no sync forced may be lost, torn or reordered"},
    {"torn", "a crash strikes inside a call: a write half done, a sync in flight"},
    {"eio", "one call fails with EIO; after a failed sync the unsynced bytes may be gone"},
    {"enospc", "no space, for one call or from one operation to another"},
    {"short-io", "reads and writes return after a part of their bytes"},
    {"slow-sync", "syncs take up to seconds"},
    {"hanging-sync", "a sync never returns before the crash"},
    {"clock-jump", "the wall clock jumps forward or back by seconds to weeks"},
    {"recovery-cut", "the recovery from a crash is itself cut"},
    {"bit-rot", "contract violation: a bit flips on the disk between crash and recovery"},
    {"unreadable", "contract violation: a sector cannot be read after the crash"},
    {"misdirect", "contract violation: a sector was written to another file's place"},
}};

constexpr FaultClass at(int i) { return static_cast<FaultClass>(i); }

}  // namespace

std::string_view name(FaultClass fault) { return kRows[static_cast<size_t>(fault)].name; }
std::string_view describe(FaultClass fault) {
  return kRows[static_cast<size_t>(fault)].description;
}

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
    for (int i = 0; i < kFaultClasses; ++i) {
      if (kRows[static_cast<size_t>(i)].name != word) continue;
      set.add(at(i));
      known = true;
    }
    if (!known) {
      return Error{Errc::kInvalid,
                   fmt::format("faults: there is no \"{}\"; `powercut list faults` names them "
                               "all",
                               word)};
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
  for (int i = 0; i < kFaultClasses; ++i) {
    if (!set.has(at(i))) continue;
    if (!text.empty()) text += ',';
    text += name(at(i));
  }
  return text;
}

}  // namespace powercut::faults
