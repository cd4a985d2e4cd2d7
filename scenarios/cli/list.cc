// `powercut list`.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "scenarios/base/table.h"
#include "scenarios/cli/cli.h"
#include "scenarios/run/names.h"

namespace powercut::scenarios {

namespace {

constexpr size_t kWidest = 22;

using Lines = std::vector<std::pair<std::string, std::string>>;

Lines policies() {
  Lines lines;
  for (const Policy& policy : all_policies()) lines.emplace_back(policy.name, policy.promise);
  return lines;
}

Lines personas() {
  Lines lines;
  for (const auto& persona : faults::all_personas()) {
    lines.emplace_back(persona.name, persona.guarantee);
  }
  for (const auto& persona : faults::further_personas()) {
    lines.emplace_back(persona.name, fmt::format("{} (by name only)", persona.guarantee));
  }
  for (const auto& alias : faults::persona_aliases())
    lines.emplace_back(alias.name, fmt::format("is {}", alias.persona));
  for (const auto& value : faults::axis_values()) {
    lines.emplace_back(fmt::format("NAME/{}={}", value.axis, value.value), value.about);
  }
  lines.emplace_back("NAME/sync=50ms", "any latency of a sync up to 60 s, or a range: 0.2ms..8ms");
  return lines;
}

Lines fault_classes() {
  Lines lines;
  for (int i = 0; i < faults::kFaultClasses; ++i) {
    const auto fault = static_cast<faults::FaultClass>(i);
    lines.emplace_back(name(fault), describe(fault));
  }
  return lines;
}

Lines mutants() {
  Lines lines;
  for (const auto& mutant : faults::all_mutants()) {
    std::string line = fmt::format("{} ({}); ", mutant.story, mutant.source);
    line += mutant.observable()
                ? fmt::format("{} on {}", mutant.observed.oracles, mutant.observed.personas)
                : fmt::format("not counted: {}", mutant.equivalent);
    lines.emplace_back(mutant.name, line);
  }
  return lines;
}

Lines workloads() {
  std::map<std::string, std::pair<std::string, std::vector<std::string>>> owned;  // what, whose
  for (const TargetType* target : all_targets()) {
    for (const auto& own : target->workloads()) {
      owned[own->name].first = own->about;
      owned[own->name].second.emplace_back(target->name());
    }
  }
  Lines lines;
  for (const auto& [name, of] : owned) {
    const size_t more = of.second.size() - 1;
    lines.emplace_back(name,
                       fmt::format("{} ({}{})", of.first, of.second.front(),
                                   more > 0 ? fmt::format(" and {} more targets", more) : ""));
  }
  for (auto& entry : list_workloads()) lines.emplace_back(entry.name, entry.about);
  return lines;
}

Lines targets() {
  Lines lines;
  for (const TargetType* target : all_targets())
    lines.emplace_back(target->name(), target->about());
  return lines;
}

// As --schedule takes them, and an ID states them.
Lines schedules() {
  return {
      {"random", "tasks that are ready run in a random order, beside drawn latencies"},
      {"pct", "by priorities with few changes (PCT); each call completes at once"},
      {"mix", "random or pct, as each seed draws (an option, in no ID)"},
      {"fifo", "first in, first out; each call completes at once (in IDs and scenarios)"},
      {"fifo+D.C+...",
       "... but at decision D, of those with more than one ready task, the one that C others are "
       "ahead of (in IDs: `powercut run --delays N` tries them all; a scenario names the task)"},
  };
}

// A scenario is a workload under a policy: how a run's ID begins.
Lines scenarios() {
  Lines lines;
  for (const auto& [workload, about] : workloads()) {
    for (const Policy& policy : all_policies()) {
      lines.emplace_back(fmt::format("{}:{}", workload, policy.name),
                         fmt::format("{}; {}", about, policy.promise));
    }
  }
  return lines;
}

// One mutant as its page tells it.
int print_page(const std::string& name, const Streams& streams) {
  const faults::MutantInfo* mutant = faults::find_mutant(name);
  if (mutant == nullptr)
    return fail(streams, {Errc::kInvalid, "list: " + no_such(Named::kMutant, name, true)});
  if (mutant->page == nullptr)
    fmt::print(streams.out, "{}\n\nstory: {}\n", mutant->name, mutant->story);
  else
    fmt::print(streams.out, "{}", mutant->page->text);
  return kHeld;
}

int list(const std::string& what, const std::string& name, const Streams& streams) {
  if (!name.empty() && what != "mutants")
    return fail(streams, {Errc::kInvalid, fmt::format("list: \"{}\": of the lists, mutants alone "
                                                      "shows one of its names",
                                                      name)});
  if (!name.empty()) return print_page(name, streams);
  const Lines lines = what == "policies"    ? policies()
                      : what == "personas"  ? personas()
                      : what == "faults"    ? fault_classes()
                      : what == "mutants"   ? mutants()
                      : what == "workloads" ? workloads()
                      : what == "schedules" ? schedules()
                      : what == "targets"   ? targets()
                                            : scenarios();
  size_t width = 0;
  for (const auto& [name, about] : lines) width = std::max(width, name.size());
  // Where names are long, what is said of one stands below it.
  const size_t column = width > kWidest ? 4 : width + 2;
  for (const auto& [name, about] : lines) {
    const bool beside = name.size() + 2 <= column;
    const std::string before = beside ? name : "";
    if (!beside) fmt::print(streams.out, "{}\n", name);
    fmt::print(streams.out, "{}", folded(fmt::format("{:<{}}{}", before, column, about), column));
  }
  return kHeld;
}

}  // namespace

Verb add_list(CLI::App& app) {
  CLI::App* verb = app.add_subcommand("list", "What there is, a line each");
  verb->footer("Example:\n  powercut list personas");
  auto what = std::make_shared<std::string>();
  auto name = std::make_shared<std::string>();
  verb->add_option("what", *what, "which list")
      ->required()
      ->check(CLI::IsMember({"scenarios", "personas", "faults", "mutants", "workloads", "policies",
                             "schedules", "targets"}));
  verb->add_option("name", *name, "of mutants: its page, with what it changes")->check(not_empty());
  return {verb, [what, name](const std::string&, const Streams& streams) {
            return list(*what, *name, streams);
          }};
}

}  // namespace powercut::scenarios
