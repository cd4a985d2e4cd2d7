#include "scenarios/run/names.h"

#include <vector>

#include "faults/nearest.h"
#include "scenarios/run/catalog.h"

namespace powercut::scenarios {

namespace {

struct Row {
  std::string_view noun;
  std::string_view list;
};
constexpr Row kRows[] = {{"policy", "policies"},
                         {"persona", "personas"},
                         {"mutant", "mutants"},
                         {"target", "targets"},
                         {"workload", "workloads"}};

std::vector<std::string> names_of(Named what) {
  std::vector<std::string> names;
  switch (what) {
    case Named::kPolicy:
      for (const Policy& policy : all_policies()) names.emplace_back(policy.name);
      break;
    case Named::kMutant:
      for (const auto& mutant : faults::all_mutants()) names.emplace_back(mutant.name);
      break;
    case Named::kTarget:
      for (const TargetType* target : all_targets()) names.emplace_back(target->name());
      break;
    case Named::kWorkload:
      for (const TargetType* target : all_targets())
        for (const auto& own : target->workloads()) names.push_back(own->name);
      for (const WorkloadEntry& entry : list_workloads()) names.push_back(entry.name);
      break;
    case Named::kPersona:
      break;
  }
  return names;
}

}  // namespace

std::string no_such(Named what, std::string_view name, bool says_what) {
  const Row& row = kRows[static_cast<size_t>(what)];
  if (what == Named::kPersona) return faults::no_such_persona(name, says_what);
  return faults::no_such(name, names_of(what), row.list, says_what ? row.noun : "");
}

}  // namespace powercut::scenarios
