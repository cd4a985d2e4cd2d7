// `powercut zoo`.
#include "scenarios/zoo/zoo.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>

#include "scenarios/base/json_text.h"
#include "scenarios/base/table.h"
#include "scenarios/base/terminal.h"
#include "scenarios/cli/cli.h"
#include "scenarios/cli/zoo_automatic.h"
#include "scenarios/run/last_words.h"
#include "scenarios/story/scenario_file.h"

namespace powercut::scenarios {

namespace {

using Json = nlohmann::ordered_json;

struct ZooArguments {
  std::string mutants;
  ZooOptions options;
  unsigned jobs = processors();
  bool steer = false;
  uint64_t survey = 0;
  std::string from;
  bool json = false;
  uint64_t automatic = 0;
  uint64_t seed = 1;
  std::string tests;
};

Result<std::vector<const faults::MutantInfo*>> look_up_mutants(const std::string& names) {
  std::vector<const faults::MutantInfo*> found;
  if (names.empty()) {
    for (const auto& mutant : faults::all_mutants()) found.push_back(&mutant);
    return found;
  }
  for (const std::string& name : comma_separated(names)) {
    const auto* mutant = faults::find_mutant(name);
    if (mutant == nullptr) {
      return Error{Errc::kInvalid, fmt::format("mutant: there is no \"{}\"; `powercut list "
                                               "mutants` names them all",
                                               name)};
    }
    found.push_back(mutant);
  }
  return found;
}

// --- What it comes to ---

struct Summary {
  uint64_t observable = 0;
  uint64_t found = 0;     // of the observable ones, by one start at least
  uint64_t always = 0;    // by every start
  uint64_t by_kills = 0;  // by the baseline
  uint64_t explored = 0;  // by the explorer
  uint64_t unexpected = 0;
  bool clean = true;
  std::string harness_fault;

  Status status() const {
    if (!harness_fault.empty()) return kHarness;
    return found == observable && unexpected == 0 && clean ? kHeld : kBroken;
  }
};

Summary summary_of(const std::vector<ZooRow>& rows) {
  Summary summary;
  for (const ZooRow& row : rows) {
    for (const Search& one : row.searches) {
      if (!one.harness_fault.empty()) summary.harness_fault = one.harness_fault;
    }
    const bool explored = row.exploring.depth != 0;
    if (row.mutant == nullptr) {
      summary.clean = row.found() == 0 && !explored;
    } else if (!row.mutant->observable()) {
      summary.unexpected += row.found() != 0 || explored ? 1 : 0;
    } else {
      ++summary.observable;
      summary.found += row.found() != 0 ? 1 : 0;
      summary.always += row.found() == row.searches.size() ? 1 : 0;
      summary.by_kills += row.kill_only.violation ? 1 : 0;
      summary.explored += explored ? 1 : 0;
    }
  }
  return summary;
}

// --- JSON ---

template <class T>
Json or_null(const std::optional<T>& figure) {
  return figure ? Json(*figure) : Json(nullptr);
}

Json to_json(const ZooRow& row) {
  const faults::MutantInfo& mutant = *row.mutant;
  const size_t middle = row.searches.size() / 2;
  const size_t last = row.searches.size() - 1;
  Json first = nullptr;
  for (const Search& one : row.searches) {
    if (one.violation && first.is_null()) first = one.id;
  }
  Json observable_on = Json::array();
  for (const auto& persona : faults::all_personas()) {
    if (faults::lists(mutant.observed.personas, persona.name))
      observable_on.push_back(persona.name);
  }
  Json json = {{"name", mutant.name},
               {"story", mutant.story},
               {"source", mutant.source},
               {"trigger", mutant.trigger},
               {"found", row.found() != 0},
               {"found_starts", row.found()},
               {"starts", row.searches.size()},
               {"oracle", nullptr},
               {"oracles", row.oracles()},
               {"seeds_to_find", or_null(needed(row, &Search::seeds, middle))},
               {"seeds_to_find_worst", or_null(needed(row, &Search::seeds, last))},
               {"states_to_find", or_null(needed(row, &Search::states, middle))},
               {"states_to_find_worst", or_null(needed(row, &Search::states, last))},
               {"seconds_to_find", or_null(needed(row, &Search::seconds, middle))},
               {"seconds_to_find_worst", or_null(needed(row, &Search::seconds, last))},
               {"out_of_time", row.out_of_time()},
               {"first_violation", first},
               {"observable", mutant.observable()},
               {"not_observable_because", nullptr},
               {"observable_on", observable_on},
               {"kill_only",
                {{"found", row.kill_only.violation.has_value()}, {"seeds", row.kill_only.seeds}}},
               {"explorer",
                {{"found", row.exploring.depth != 0},
                 {"depth", row.exploring.depth},
                 {"oracle", row.exploring.oracle},
                 {"recoveries", row.exploring.classes},
                 {"seconds", row.exploring.seconds}}}};
  if (row.found() != 0) json["oracle"] = row.oracle();
  if (!mutant.observable()) json["not_observable_because"] = mutant.equivalent;
  return json;
}

Json to_json(const std::vector<ZooRow>& rows, const ZooOptions& options, double elapsed_s) {
  const Summary summary = summary_of(rows);
  Json mutants = Json::array();
  uint64_t seeds = 0;
  uint64_t states = 0;
  Json first = nullptr;
  for (const ZooRow& row : rows) {
    if (row.mutant != nullptr) mutants.push_back(to_json(row));
  }
  for (const Search& one : rows.back().searches) {
    seeds += one.seeds;
    states += one.states;
    if (one.violation && first.is_null()) first = one.id;
  }
  return {{"version", POWERCUT_VERSION},
          {"verb", "zoo"},
          {"starts", options.starts},
          {"seeds_most", options.seeds_most},
          {"elapsed_s", elapsed_s},
          {"observable", summary.observable},
          {"found", summary.found},
          {"found_from_every_start", summary.always},
          {"found_with_kills_alone", summary.by_kills},
          {"found_by_the_explorer", summary.explored},
          {"clean", {{"seeds", seeds}, {"crash_states", states}, {"first_violation", first}}},
          {"mutants", mutants}};
}

// --- The table, of what the JSON says ---

// What the middle start needed, and the last.
std::string middle_and_worst(const Json& mutant, const std::string& figure) {
  const auto text = [](const Json& value) {
    return value.is_null()           ? std::string("-")
           : value.is_number_float() ? fmt::format("{:.2f}", value.get<double>())
                                     : json_text(value, -1);
  };
  return fmt::format("{} / {}", text(mutant.at(figure)), text(mutant.at(figure + "_worst")));
}

std::string remark_on(const Json& mutant) {
  if (!mutant.at("observable").get<bool>()) return "not counted";
  if (!mutant.at("found").get<bool>()) return "NOT FOUND";
  return mutant.at("out_of_time").get<bool>() ? "out of seconds" : "";
}

void print_table(std::FILE* out, const Json& zoo) {
  std::set<std::string> oracles;
  std::vector<Row> table{{"mutant", "found", "oracle", "seeds", "crash states", "seconds",
                          "kills alone", "explored", ""}};
  for (const Json& mutant : zoo.at("mutants")) {
    const Json& explorer = mutant.at("explorer");
    const bool found = mutant.at("found");
    if (found) oracles.insert(mutant.at("oracle").get<std::string>());
    table.push_back({mutant.at("name").get<std::string>(),
                     fmt::format("{}/{}", mutant.at("found_starts").get<uint64_t>(),
                                 mutant.at("starts").get<uint64_t>()),
                     found ? mutant.at("oracle").get<std::string>() : "",
                     middle_and_worst(mutant, "seeds_to_find"),
                     middle_and_worst(mutant, "states_to_find"),
                     middle_and_worst(mutant, "seconds_to_find"),
                     mutant.at("kill_only").at("found").get<bool>() ? "found" : "no",
                     explorer.at("found").get<bool>()
                         ? fmt::format("{:.2f} s", explorer.at("seconds").get<double>())
                         : "no",
                     remark_on(mutant)});
  }
  print_columns(out, table);
  std::string text;
  const Json& clean = zoo.at("clean");
  const Json& broken = clean.at("first_violation");
  text += '\n';
  for (const std::string& oracle : oracles)
    text += fmt::format("{}: {}.\n", oracle, sentence_of(breach_of(oracle).value()));
  text += fmt::format(
      "\nSeeds, crash states and seconds to find: median / worst of {} starts; - is more "
      "than the budget of {} seeds.\n"
      "{} of {} observable mutants found, {} of them from every start; with kills alone, "
      "{}; by the explorer, which makes no errors, {}. {} more are listed that do not "
      "count.\n"
      "The engine without a bug, {} seeds, {} crash states: {}. {:.0f} s.\n",
      zoo.at("starts").get<uint64_t>(), zoo.at("seeds_most").get<uint64_t>(),
      zoo.at("found").get<uint64_t>(), zoo.at("observable").get<uint64_t>(),
      zoo.at("found_from_every_start").get<uint64_t>(),
      zoo.at("found_with_kills_alone").get<uint64_t>(),
      zoo.at("found_by_the_explorer").get<uint64_t>(),
      zoo.at("mutants").size() - zoo.at("observable").get<uint64_t>(),
      clean.at("seeds").get<uint64_t>(), clean.at("crash_states").get<uint64_t>(),
      broken.is_null() ? "clean" : "NOT CLEAN: " + broken.get<std::string>(),
      zoo.at("elapsed_s").get<double>());
  size_t begin = 0;
  for (size_t end; (end = text.find('\n', begin)) != text.npos; begin = end + 1)
    fmt::print(out, "{}", folded(text.substr(begin, end - begin), 0));
}

// --- The survey, as the lines of the pages in faults/mutants/ ---

// The names that were counted, the most frequent first; or all but those that were not.
std::string listed(const std::map<std::string, uint64_t>& counts,
                   const std::vector<std::string>& all) {
  std::vector<std::string> seen;
  std::vector<std::string> missing;
  for (const auto& [name, count] : counts) seen.push_back(name);
  std::stable_sort(seen.begin(), seen.end(), [&](const std::string& a, const std::string& b) {
    return counts.at(a) > counts.at(b);
  });
  for (const std::string& name : all) {
    if (counts.count(name) == 0) missing.push_back(name);
  }
  if (!all.empty() && missing.empty()) return "all";
  if (!all.empty() && missing.size() < seen.size()) {
    return fmt::format("all but {}", fmt::join(missing, " "));
  }
  return fmt::format("{}", fmt::join(seen, " "));
}

void print_survey(std::FILE* out, const ZooOptions& options, const std::vector<Sightings>& rows) {
  std::vector<std::string> policies;
  std::vector<std::string> personas;
  for (const Policy& policy : all_policies()) policies.emplace_back(policy.name);
  for (const auto& persona : faults::all_personas()) personas.emplace_back(persona.name);
  for (size_t i = 0; i < rows.size(); ++i) {
    fmt::print(out, "{}\noracles: {}\npolicies: {}\npersonas: {}\n\n", options.mutants[i]->name,
               listed(rows[i].oracles, {}), listed(rows[i].policies, policies),
               listed(rows[i].personas, personas));
  }
}

// The table of an earlier run.
int table_of(const std::string& path, const Streams& streams) {
  const auto text = read_file(path);
  if (!text.ok()) return fail(streams, text.error());
  try {
    const Json json = Json::parse(*text);
    if (is_automatic(json))
      print_automatic(streams.out, json);
    else
      print_table(streams.out, json);
  } catch (const Json::exception& error) {
    return fail(streams, {Errc::kCorrupt, fmt::format("{}: not what `powercut zoo --json` prints: "
                                                      "{}",
                                                      path, error.what())});
  }
  return kHeld;
}

// --- The automatic ones ---

int automatic(const ZooArguments& arguments, const ZooHooks& hooks, const Streams& streams) {
  if (faults::all_automatic().mutants.empty())
    return fail(streams, {Errc::kCorrupt,
                          "zoo: this build has no automatic mutants; "
                          "scenarios/automatic.sh makes the one that has"});
  const auto equivalents = read_equivalents();
  if (!equivalents.ok()) return fail(streams, equivalents.error());
  AutomaticOptions options;
  options.mutants = faults::draw(faults::all_automatic(), arguments.automatic, arguments.seed);
  options.jobs = arguments.jobs;
  options.tests = arguments.tests;
  const Stopwatch watch;
  const auto rows = run_automatic(options, hooks);
  if (is_terminal(streams.err)) fmt::print(streams.err, "\r\x1b[K");
  if (interrupted().load()) return kInterrupted;
  const Json json =
      automatic_json({arguments.automatic, arguments.seed, watch.seconds()}, rows, *equivalents);
  if (arguments.json)
    fmt::print(streams.out, "{}\n", json_text(json));
  else
    print_automatic(streams.out, json);
  return json["simulated"]["survived"] == 0 && json["simulated"]["stale"] == 0 ? kHeld : kBroken;
}

int zoo(const ZooArguments& arguments, const Streams& streams) {
  if (!arguments.from.empty()) return table_of(arguments.from, streams);
  ZooOptions options = arguments.options;
  auto mutants = look_up_mutants(arguments.mutants);
  if (!mutants.ok()) return fail(streams, mutants.error());
  options.mutants = std::move(mutants).value();
  auto sweep = look_up({});
  if (!sweep.ok()) return fail(streams, sweep.error());
  options.sweep = std::move(sweep).value();
  options.sweep.jobs = arguments.jobs;
  options.sweep.steer = arguments.steer;

  watch_for_interrupts();
  const Stopwatch watch;
  const bool tells = is_terminal(streams.err);
  ZooHooks hooks;
  hooks.stop = &interrupted();
  hooks.on_tick = [&](uint64_t done, uint64_t total) {
    if (tells)
      fmt::print(streams.err, "\r{} of {} searches, {:.0f} s", done, total, watch.seconds());
  };
  if (arguments.automatic != 0) return automatic(arguments, hooks, streams);
  if (arguments.survey != 0) {
    print_survey(streams.out, options, survey(options, arguments.survey, hooks));
    return interrupted().load() ? kInterrupted : kHeld;
  }
  const std::vector<ZooRow> rows = run_zoo(options, hooks);
  if (tells) fmt::print(streams.err, "\r\x1b[K");
  const Json json = to_json(rows, options, watch.seconds());
  if (arguments.json) {
    fmt::print(streams.out, "{}\n", json_text(json));
  } else {
    print_table(streams.out, json);
  }
  const Summary summary = summary_of(rows);
  const int status = status_of(streams, summary.harness_fault, summary.status());
  return interrupted().load() ? kInterrupted : status;
}

}  // namespace

Verb add_zoo(CLI::App& app) {
  CLI::App* verb = app.add_subcommand(
      "zoo", "How good are the sweeps? Each planted bug against the general sweep");
  verb->footer(
      "Each mutant is looked for from many starting seeds; beside it, with kills alone.\n"
      "Exit status: 0 if all that can be observed were found and the engine itself is clean.\n"
      "Example:\n  powercut zoo --mutant ack-first,zero-tail-refused --starts 5");
  auto a = std::make_shared<ZooArguments>();
  auto* mutant =
      verb->add_option("--mutant", a->mutants, "only these, with commas")->check(not_empty());
  verb->add_flag("--steer", a->steer, "choose seeds as a sweep does, not one after the other");
  verb->add_option("--starts", a->options.starts, "starting seeds, far apart")
      ->check(CLI::Range(uint64_t{1}, uint64_t{1'000}))
      ->capture_default_str();
  verb->add_option("--seeds", a->options.seeds_most, "from each start, at most")
      ->check(CLI::Range(uint64_t{1}, uint64_t{1} << 32))
      ->capture_default_str();
  verb->add_option("--seconds-per-mutant", a->options.seconds_per_mutant,
                   "of all threads; what begins later is skipped, and the table says so")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  auto* survey = verb->add_option(
      "--survey", a->survey,
      "instead, what so many seeds of each mutant saw: oracles, policies, personas");
  verb->add_option("--jobs", a->jobs, "threads; the counts do not depend on it")
      ->check(CLI::Range(1u, 1024u))
      ->capture_default_str();
  auto* automatic =
      verb->add_option("--automatic", a->automatic,
                       "instead, so many automatic mutants (their build: scenarios/automatic.sh)")
          ->excludes(mutant)
          ->excludes(survey);
  verb->add_option("--seed", a->seed, "which automatic mutants are drawn")
      ->needs(automatic)
      ->capture_default_str();
  verb->add_option("--tests", a->tests,
                   "a folder of test programs, for the automatic mutants that no run finds")
      ->check(not_empty())
      ->needs(automatic);
  auto* json =
      verb->add_flag("--json", a->json, "one JSON object on standard output, and nothing else");
  verb->add_option("--from", a->from, "run nothing: the table of what --json had printed")
      ->check(not_empty())
      ->excludes(mutant)
      ->excludes(survey)
      ->excludes(automatic)
      ->excludes(json);
  return {verb, [a](const std::string&, const Streams& streams) { return zoo(*a, streams); }};
}

}  // namespace powercut::scenarios
