#include "scenarios/run/targets.h"

#include <fmt/format.h>

#include <vector>

#include "scenarios/sqlite/sqlite.h"
#include "scenarios/store/store.h"

namespace powercut::scenarios {

namespace {

void add_fences(const TargetType& type) {
  for (const Site fence : type.fences()) faults::add_fence(fence);
}

std::vector<const TargetType*>& targets() {
  static std::vector<const TargetType*> all = [] {
    std::vector<const TargetType*> known{&store_type()};
    for (const TargetType* type : store_types_with_sink()) known.push_back(type);
    for (const TargetType* type : replicated_types()) known.push_back(type);
    known.push_back(&tiered_type());
    known.push_back(&tiered_archive_type());
    known.push_back(&tiered_warm_type());
    for (const TargetType* type : sqlite_types()) {
      add_fences(*type);
      known.push_back(type);
    }
    return known;
  }();
  return all;
}

}  // namespace

const TargetType& store() { return store_type(); }

const TargetType& target_or_store(const TargetType* target) {
  return target != nullptr ? *target : store();
}

bool may_be_planted(const faults::MutantInfo& mutant, const TargetType* target) {
  if (mutant.decorates()) return true;
  if (mutant.target.empty()) return target_or_store(target).is_store();
  return target_or_store(target).name() == mutant.target;
}

std::string not_planted(const faults::MutantInfo& mutant, const TargetType* target) {
  return fmt::format("the mutant {} is a change of {}, and the target is {}", mutant.name,
                     mutant.target.empty() ? "the store's source" : mutant.target,
                     target_or_store(target).name());
}

std::span<const TargetType* const> all_targets() { return targets(); }

const TargetType* find_target(std::string_view name) {
  for (const TargetType* type : targets())
    if (type->name() == name) return type;
  return nullptr;
}

void add_target(const TargetType& type) {
  add_fences(type);
  targets().insert(targets().begin(), &type);
}

}  // namespace powercut::scenarios
