// The registry, put together: what was changed, and where sweeps saw it.
#include "faults/mutants.h"

namespace powercut::faults {

namespace {

std::vector<MutantInfo> put_together() {
  std::vector<MutantInfo> all(seam_mutants().begin(), seam_mutants().end());
  all.insert(all.end(), engine_mutants().begin(), engine_mutants().end());
  for (MutantInfo& mutant : all) {
    for (const Observed& seen : observed_mutants()) {
      if (seen.name == mutant.name) mutant.observed = seen;
    }
  }
  return all;
}

bool has_word(std::string_view words, std::string_view word) {
  for (size_t at = words.find(word); at != words.npos; at = words.find(word, at + 1)) {
    const size_t end = at + word.size();
    if ((at == 0 || words[at - 1] == ' ') && (end == words.size() || words[end] == ' '))
      return true;
  }
  return false;
}

}  // namespace

bool lists(std::string_view names, std::string_view name) {
  if (names == "all") return true;
  const bool listed = has_word(names, name);
  return names.starts_with("all but ") ? !listed : listed;
}

std::span<const MutantInfo> all_mutants() {
  static const std::vector<MutantInfo> all = put_together();
  return all;
}

const MutantInfo* find_mutant(std::string_view name) {
  for (const MutantInfo& mutant : all_mutants()) {
    if (mutant.name == name) return &mutant;
  }
  return nullptr;
}

}  // namespace powercut::faults
