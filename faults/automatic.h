// The automatic mutants of this build (faults/automatic/README.md): none, unless it is theirs.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "faults/mutants.h"

namespace powercut::faults {

struct AutomaticMutant {
  MutantInfo info;  // as a run plants it; its story is the text before and after
  std::string_view file;
  std::string_view line;      // of the source, when the build was made
  std::string_view function;  // a hash of its text
  std::string_view before;
  std::string_view after;
};

struct Automatic {
  std::vector<AutomaticMutant> mutants;
  uint64_t not_compiled = 0;  // and so none
};
// `lists`: as faults/splice/change.h writes them.
Automatic read_automatic(std::span<const std::string_view> lists);
const Automatic& all_automatic();

// `count` of `all`, every choice of so many being as likely; all if there are not more. In their order.
std::vector<const AutomaticMutant*> draw(const Automatic& all, uint64_t count, uint64_t seed);

}  // namespace powercut::faults
