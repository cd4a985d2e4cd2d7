#include "scenarios/sweep/subject.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <utility>

#include "scenarios/run/names.h"

namespace powercut::scenarios {

std::vector<std::string> comma_separated(const std::string& text) {
  std::vector<std::string> parts;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

namespace {

// "a,b" or "all" -> what `find` knows by these names.
template <class T, class Find, class All>
Result<std::vector<T>> look_up_list(Named what, std::string_view noun, const std::string& text,
                                    Find find, All all) {
  std::vector<T> found;
  if (text == "all") return all();
  for (const std::string& word : comma_separated(text)) {
    TRY_ASSIGN(T one, find(word));
    if (one == nullptr)
      return Error{Errc::kInvalid, fmt::format("{}: {}", noun, no_such(what, word))};
    found.push_back(std::move(one));
  }
  return found;
}

template <class T>
std::vector<const T*> pointers(std::span<const T> all) {
  std::vector<const T*> list;
  for (const T& one : all) list.push_back(&one);
  return list;
}

// `all` is what the target itself promises, or each way to run it.
Result<std::vector<const Policy*>> look_up_policies(const std::string& text,
                                                    const TargetType& target) {
  const std::vector<std::string_view> own = target.policies();
  if (text == "all" && !own.empty()) {
    std::vector<const Policy*> meant{find_policy(own.front())};
    for (size_t i = 1; i < own.size() && target.runs_under_each(); ++i)
      meant.push_back(find_policy(own[i]));
    return meant;
  }
  TRY_ASSIGN(std::vector<const Policy*> found,
             look_up_list<const Policy*>(
                 Named::kPolicy, "policy", text,
                 [](const std::string& name) -> Result<const Policy*> { return find_policy(name); },
                 [] { return pointers(all_policies()); }));
  for (const Policy* policy : found)
    if (!own.empty() && std::find(own.begin(), own.end(), policy->name) == own.end())
      return Error{Errc::kInvalid, fmt::format("policy: {} is not held to {}, but to {}",
                                               target.name(), policy->name, fmt::join(own, ", "))};
  return found;
}

// `all` and `legal` are those of them that the target can be put to.
Result<faults::FaultSet> look_up_faults(const std::string& text, const TargetType& target) {
  TRY_ASSIGN(faults::FaultSet found, faults::parse_fault_set(text));
  for (const faults::ClassRow& row : faults::kClassRows) {
    if (!found.has(row.fault) || target.faults().has(row.fault)) continue;
    if (text != "all" && text != "legal")
      return Error{Errc::kInvalid,
                   fmt::format("faults: {} has no answer to {}; it is put to {}", target.name(),
                               row.name, faults::print(target.faults()))};
    found.remove(row.fault);
  }
  return found;
}

// `all` is those that the target can be put to.
Result<void> leave_out_liars(const std::string& text, const TargetType& target,
                             std::vector<const faults::Persona*>& personas) {
  if (target.answers_lies()) return {};
  for (const faults::Persona* persona : personas)
    if (!persona->keeps_synced && text != "all")
      return Error{Errc::kInvalid,
                   fmt::format("persona: {} has no answer to {}, a device that lies about syncs",
                               target.name(), persona->name)};
  std::erase_if(personas, [](const faults::Persona* persona) { return !persona->keeps_synced; });
  return {};
}

Result<std::vector<WorkloadPtr>> look_up_workloads(const std::string& name,
                                                   const TargetType& target) {
  std::vector<WorkloadPtr> own = target.workloads();
  if (name.empty() && !own.empty()) return std::vector{own.front()};
  if (name == "all" && !own.empty()) return own;
  if (name == "all") {
    for (const WorkloadEntry& entry : list_workloads()) {
      TRY_ASSIGN(WorkloadPtr workload, find_workload(entry.name, target));
      own.push_back(std::move(workload));
    }
    return own;
  }
  TRY_ASSIGN(WorkloadPtr workload, find_workload(name.empty() ? "mixed" : name, target));
  return std::vector{std::move(workload)};
}

}  // namespace

std::string default_workload() {
  const auto own = all_targets().front()->workloads();
  return own.empty() ? "mixed" : own.front()->name;
}

std::string workload_to_explore(const std::string& target, const std::string& workload) {
  const TargetType* type = find_target(target);
  if (workload != kExplored || type == nullptr) return workload;
  const auto own = type->workloads();
  const auto shortest = std::min_element(own.begin(), own.end(), [](const auto& a, const auto& b) {
    return a->operations() < b->operations();
  });
  return shortest == own.end() ? workload : (*shortest)->name;
}

Result<SweepOptions> look_up(const CommonOptions& o) {
  SweepOptions options;
  const auto* planted = o.mutant.empty() ? nullptr : faults::find_mutant(o.mutant);
  options.target = !o.target.empty()                                ? find_target(o.target)
                   : planted != nullptr && !planted->target.empty() ? find_target(planted->target)
                                                                    : all_targets().front();
  if (options.target == nullptr) {
    return Error{Errc::kInvalid, "target: " + no_such(Named::kTarget, o.target)};
  }
  TRY_ASSIGN(options.policies, look_up_policies(o.policy, *options.target));
  TRY_ASSIGN(options.personas, look_up_list<const faults::Persona*>(
                                   Named::kPersona, "persona", o.persona,
                                   [](const std::string& name) -> Result<const faults::Persona*> {
                                     return faults::find_persona(name);
                                   },
                                   [] { return pointers(faults::all_personas()); }));
  TRY(leave_out_liars(o.persona, *options.target, options.personas));
  TRY_ASSIGN(options.faults, look_up_faults(o.faults, *options.target));
  if (!o.mutant.empty()) {
    options.mutant = faults::find_mutant(o.mutant);
    if (options.mutant == nullptr) {
      return Error{Errc::kInvalid, "mutant: " + no_such(Named::kMutant, o.mutant)};
    }
    if (!may_be_planted(*options.mutant, options.target))
      return Error{Errc::kInvalid, "mutant: " + not_planted(*options.mutant, options.target)};
  }
  if (!o.beside.empty()) options.beside = parse_beside(o.beside);
  TRY(check_beside(options.beside, options.faults));
  options.operations = o.operations;
  options.schedule = o.schedule == "pct"   ? SweepSchedule::kPct
                     : o.schedule == "mix" ? SweepSchedule::kMix
                                           : SweepSchedule::kRandom;
  TRY_ASSIGN(options.workloads, look_up_workloads(o.workload, *options.target));
  return options;
}

}  // namespace powercut::scenarios
