// The engines that can be judged here, by name: the store, alone and with a database behind it, SQLite, and what a program adds to them.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "faults/mutants.h"
#include "scenarios/judge/target_type.h"

namespace powercut::scenarios {

const TargetType& store();
// Where nullptr stands for the store.
const TargetType& target_or_store(const TargetType* target);

// The bugs that are planted in the store's own source are in no other engine.
bool may_be_planted(const faults::MutantInfo& mutant, const TargetType* target);
// Why not, in one line.
std::string not_planted(const faults::MutantInfo& mutant, const TargetType* target);

// The first is what a command line means that names none: the one added last, else the store.
std::span<const TargetType* const> all_targets();
// nullptr if there is none of that name.
const TargetType* find_target(std::string_view name);
// `type` outlives everything. Not while a run is under way.
void add_target(const TargetType& type);

}  // namespace powercut::scenarios
