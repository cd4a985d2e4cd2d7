// `powercut fences`.
#include "scenarios/explore/fences.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <nlohmann/json.hpp>

#include "faults/nearest.h"
#include "scenarios/base/json_text.h"
#include "scenarios/base/table.h"
#include "scenarios/base/terminal.h"
#include "scenarios/base/workers.h"
#include "scenarios/cli/cli.h"
#include "scenarios/cli/trace_verbs.h"
#include "scenarios/run/names.h"

namespace powercut::scenarios {

namespace {

using faults::MutantInfo;
using nlohmann::ordered_json;

struct FencesArguments {
  std::string target;
  std::string workload{kExplored};
  std::string policy = "all";
  std::string persona = "all";
  std::string fence = "all";
  std::string story;
  std::string missing;
  uint64_t seeds = 200;
  unsigned jobs = processors();
  bool json = false;
  TraceArguments trace;
};

std::vector<std::string> fence_names(const std::vector<const MutantInfo*>& fences) {
  std::vector<std::string> names;
  for (const MutantInfo* fence : fences) names.emplace_back(fence->fence.name);
  return names;
}

Result<std::vector<const MutantInfo*>> look_up_fences(const std::string& names,
                                                      const TargetType& target) {
  const auto all = known_fences(&target);
  if (all.empty())
    return Error{Errc::kInvalid, fmt::format("target: {} names none of its syncs", target.name())};
  if (names == "all") return all;
  std::vector<const MutantInfo*> found;
  for (const std::string& name : comma_separated(names)) {
    const auto one = std::find_if(all.begin(), all.end(),
                                  [&](const MutantInfo* f) { return name == f->fence.name; });
    if (one == all.end())
      return Error{Errc::kInvalid, "fence: " + faults::no_such(name, fence_names(all), "")};
    found.push_back(*one);
  }
  return found;
}

std::string_view need_name(Need need) {
  switch (need) {
    case Need::kNecessary:
      return "necessary";
    case Need::kRedundant:
      return "redundant";
    case Need::kUndecided:
      return "not decided";
  }
  return "unknown";
}

char letter(const FenceCell& cell) {
  if (cell.need == Need::kNecessary) return cell.sampled ? 'n' : 'N';
  return cell.need == Need::kRedundant ? 'r' : '?';
}

ordered_json to_json(const FenceTable& table) {
  ordered_json rows = ordered_json::array();
  for (const FenceRow& row : table.rows) {
    for (const FenceCell& cell : row.cells) {
      ordered_json one = {{"fence", row.fence->fence.name},
                          {"persona", cell.persona->name},
                          {"need", need_name(cell.need)},
                          {"evidence", cell.sampled ? "sampled" : "exhaustive at depth 1"},
                          {"classes", cell.classes},
                          {"drawn_runs", cell.drawn_runs}};
      if (cell.need == Need::kUndecided) one["because"] = cell.why;
      if (cell.counterexample) {
        one["policy"] = cell.policy->name;
        one["oracle"] = code_of(cell.counterexample->violation.breach);
        one["text"] = cell.counterexample->violation.text;
      }
      if (!cell.run_id.empty()) one["run"] = cell.run_id;
      for (const FenceCost& cost : cell.costs)
        one["costs"].push_back({{"policy", cost.policy->name},
                                {"syncs", cost.syncs},
                                {"bytes_data", cost.data},
                                {"bytes_metadata", cost.metadata},
                                {"saved_data", cost.saved_data},
                                {"saved_metadata", cost.saved_metadata}});
      rows.push_back(std::move(one));
    }
  }
  return rows;
}

void print_costs(std::FILE* out, const FenceTable& table) {
  std::vector<std::string> policies;
  for (const FenceRow& row : table.rows)
    for (const FenceCost& cost : row.cells.front().costs)
      if (std::find(policies.begin(), policies.end(), cost.policy->name) == policies.end())
        policies.emplace_back(cost.policy->name);
  std::vector<Row> rows{{"fence"}};
  rows[0].insert(rows[0].end(), policies.begin(), policies.end());
  for (const FenceRow& row : table.rows) {
    Row cells(1 + policies.size(), "-");
    cells[0] = row.fence->fence.name;
    for (const FenceCost& cost : row.cells.front().costs) {
      const auto at = std::find(policies.begin(), policies.end(), cost.policy->name);
      cells[static_cast<size_t>(1 + (at - policies.begin()))] =
          fmt::format("{}/{}+{}", cost.syncs, cost.data, cost.metadata);
    }
    rows.push_back(std::move(cells));
  }
  print_columns(out, rows, true);
}

void print_table(std::FILE* out, const FenceTable& table, const FenceOptions& options) {
  for (size_t p = 0; p < options.personas.size(); ++p)
    fmt::print(out, "{:24}{}{}\n", "", std::string(2 * p, ' '), options.personas[p]->name);
  for (const FenceRow& row : table.rows) {
    fmt::print(out, "{:24}", row.fence->fence.name);
    for (size_t p = 0; p < row.cells.size(); ++p)
      fmt::print(out, "{}{}", letter(row.cells[p]), p + 1 < row.cells.size() ? ' ' : '\n');
  }
  fmt::print(
      out,
      "\nN necessary, r redundant there: exhaustive for {} at depth 1. n necessary, sampled.\n"
      "? not decided: not issued in that run or beyond depth 1, and {} drawn runs of each "
      "policy saw nothing.\n"
      "\nWhat each costs in one run on {}, by policy: syncs/bytes of data+metadata.\n",
      options.workload->name, options.seeds, options.personas.front()->name);
  print_costs(out, table);
}

std::string in_words(const faults::SyncPlace& place) {
  return fmt::format("sync {} after the {} of {} (last fence before it: {})",
                     place.directory ? "the directory" : "the file", place.op, place.file,
                     place.preceding);
}

int propose(const FenceOptions& options, const std::string& name, bool json,
            const Streams& streams) {
  const MutantInfo* mutant = faults::find_mutant(name);
  if (mutant == nullptr)
    return fail(streams, {Errc::kInvalid, "missing: " + no_such(Named::kMutant, name, true)});
  const Proposals found = propose_fences(options, *mutant);
  if (json) {
    ordered_json rows = ordered_json::array();
    for (const Proposal& one : found.that_help)
      rows.push_back({{"after", one.place.op},
                      {"of", one.place.file},
                      {"preceding_fence", one.place.preceding},
                      {"sync", one.place.directory ? "directory" : "file"},
                      {"syncs", one.syncs},
                      {"bytes", one.bytes}});
    const ordered_json result = {{"version", POWERCUT_VERSION},
                                 {"verb", "fences"},
                                 {"missing", name},
                                 {"workload", options.workload->name},
                                 {"depth", 1},
                                 {"broken", found.broken},
                                 {"tried", found.tried},
                                 {"proposals", rows}};
    fmt::print(streams.out, "{}\n", json_text(result));
  } else if (found.broken == 0) {
    fmt::print(streams.out, "{} breaks nothing in {} at depth 1: there is nothing to repair.\n",
               name, options.workload->name);
  } else {
    fmt::print(streams.out,
               "{} breaks {} explorations of {}. Of {} places for one more sync, {}.\n", name,
               found.broken, options.workload->name, found.tried,
               found.that_help.empty() ? std::string("no single one helps")
                                       : fmt::format("{} would do", found.that_help.size()));
    for (const Proposal& one : found.that_help)
      fmt::print(streams.out, "  {:7} bytes, {:4} syncs: {}\n", one.bytes, one.syncs,
                 in_words(one.place));
    if (!found.that_help.empty())
      fmt::print(streams.out,
                 "Exhaustive at depth 1; the cost is of one run of each policy, on {}.\n",
                 options.personas.front()->name);
  }
  return status_of(streams, found.harness_fault, kHeld);
}

int fences(const FencesArguments& a, const Streams& streams) {
  if (!a.trace.trace.empty()) return fences_of_a_trace(a.trace, a.persona, a.json, streams);
  CommonOptions common;
  common.target = a.target.empty() ? std::string(store().name()) : a.target;
  common.workload = workload_to_explore(a.target, a.workload);
  common.policy = a.policy;
  common.persona = a.persona;
  auto looked_up = look_up(common);
  if (!looked_up.ok()) return fail(streams, looked_up.error());
  if (looked_up.value().workloads.size() != 1)
    return fail(streams, {Errc::kInvalid, "workload: name one: every run of it is explored"});
  const TargetType& target = *looked_up.value().target;
  auto named = look_up_fences(a.story.empty() ? a.fence : a.story, target);
  if (!named.ok()) return fail(streams, named.error());
  const auto own = target.workloads();
  const auto drawn = own.empty() ? make_builtin("mixed", 1) : own.front();
  FenceOptions options;
  options.target = &target;
  options.workload = looked_up.value().workloads.front().get();
  options.drawn = drawn.get();
  options.policies = looked_up.value().policies;
  for (const faults::Persona* persona : looked_up.value().personas)
    if (persona->keeps_synced) options.personas.push_back(persona);
  if (options.personas.empty())
    return fail(streams, {Errc::kInvalid, "persona: where the device lies no sync does anything"});
  options.fences = std::move(named).value();
  options.seeds = a.seeds;
  options.jobs = a.jobs;
  if (!a.missing.empty()) return propose(options, a.missing, a.json, streams);

  const Stopwatch watch;
  const FenceTable table = judge_fences(options);
  if (a.json) {
    const ordered_json result = {{"version", POWERCUT_VERSION},        {"verb", "fences"},
                                 {"workload", options.workload->name}, {"depth", 1},
                                 {"elapsed_s", watch.seconds()},       {"fences", to_json(table)}};
    fmt::print(streams.out, "{}\n", json_text(result));
  } else if (!a.story.empty()) {
    for (const FenceRow& row : table.rows)
      for (const FenceCell& cell : row.cells)
        fmt::print(streams.out, "{}", tell(options, row, cell));
  } else {
    print_table(streams.out, table, options);
  }
  return status_of(streams, table.harness_fault, kHeld);
}

}  // namespace

Verb add_fences(CLI::App& app) {
  CLI::App* verb =
      app.add_subcommand("fences", "Which syncs are needed where: each is taken out in turn");
  verb->footer("Example:\n  powercut fences --persona ext4-ordered,posix-min --policy always");
  auto a = std::make_shared<FencesArguments>();
  verb->add_option("--target", a->target, "the engine (`powercut list targets`)")
      ->check(not_empty())
      ->default_str(std::string(store().name()));
  verb->add_option("--workload", a->workload, "what is explored")->capture_default_str();
  verb->add_option("--policy", a->policy, "one, several with commas, or all")
      ->capture_default_str();
  verb->add_option("--persona", a->persona, "one, several with commas, or all that keep their word")
      ->capture_default_str();
  verb->add_option("--fence", a->fence, "one, several with commas, or all")->capture_default_str();
  verb->add_option("--story", a->story, "what happens without this fence, on each persona")
      ->check(not_empty())
      ->excludes("--fence");
  verb->add_option("--missing", a->missing,
                   "the reverse: where one more sync makes good for this mutant")
      ->check(not_empty())
      ->excludes("--story");
  verb->add_option("--seeds", a->seeds, "drawn runs of each policy where exploring cannot decide")
      ->capture_default_str();
  verb->add_option("--jobs", a->jobs, "threads; the results do not depend on it")
      ->check(CLI::Range(1u, 1024u))
      ->capture_default_str();
  verb->add_flag("--json", a->json, "one JSON object on standard output, and nothing else");
  add_trace_options(*verb, a->trace,
                    {"--target", "--workload", "--policy", "--fence", "--story", "--missing",
                     "--seeds", "--jobs"});
  return {verb, [a](const std::string&, const Streams& streams) { return fences(*a, streams); }};
}

}  // namespace powercut::scenarios
