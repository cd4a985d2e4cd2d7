#include "scenarios/zoo/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "scenarios/base/json_text.h"
#include "scenarios/base/table.h"

namespace powercut::scenarios {

using Json = nlohmann::ordered_json;

namespace {

struct Summary {
  uint64_t observable = 0;
  uint64_t found = 0;     // of the observable ones, by one start at least
  uint64_t always = 0;    // by every start
  uint64_t by_kills = 0;  // by the baseline
  uint64_t explored = 0;  // by the explorer
  uint64_t unexpected = 0;
};

Summary summary_of(const ZooReport& report) {
  Summary summary;
  for (const Json& mutant : report.mutants) {
    const bool found = mutant.at("found").get<bool>();
    const bool explored = mutant.at("explorer").at("found").get<bool>();
    if (!mutant.at("observable").get<bool>()) {
      summary.unexpected += found || explored ? 1 : 0;
      continue;
    }
    ++summary.observable;
    summary.found += found ? 1 : 0;
    summary.always += mutant.at("found_starts") == mutant.at("starts") ? 1 : 0;
    summary.by_kills += mutant.at("kill_only").at("found").get<bool>() ? 1 : 0;
    summary.explored += explored ? 1 : 0;
  }
  return summary;
}

template <class T>
Json or_null(const std::optional<T>& figure) {
  return figure ? Json(*figure) : Json(nullptr);
}

Json row_json(const ZooRow& row) {
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

}  // namespace

ZooReport report_of(const std::vector<ZooRow>& rows, const ZooOptions& options) {
  ZooReport report;
  report.starts = options.starts;
  report.seeds_most = options.seeds_most;
  for (const ZooRow& row : rows) {
    for (const Search& one : row.searches)
      if (!one.harness_fault.empty()) report.harness_fault = one.harness_fault;
    if (row.mutant != nullptr) {
      report.mutants.push_back(row_json(row));
      continue;
    }
    ZooReport::Clean clean;
    for (const Search& one : row.searches) {
      clean.seeds += one.seeds;
      clean.states += one.states;
      if (one.violation && clean.first_violation.empty()) clean.first_violation = one.id;
    }
    clean.explored = row.exploring.depth != 0;
    report.clean = clean;
  }
  return report;
}

Status status_of(const ZooReport& report) {
  if (!report.harness_fault.empty()) return kHarness;
  const Summary summary = summary_of(report);
  const bool clean =
      !report.clean || (report.clean->first_violation.empty() && !report.clean->explored);
  return summary.found == summary.observable && summary.unexpected == 0 && clean ? kHeld : kBroken;
}

Json outcome_json(const ZooReport& report, const std::string& verb,
                  std::optional<double> elapsed_s) {
  const Summary summary = summary_of(report);
  Json json = {{"version", POWERCUT_VERSION},
               {"verb", verb},
               {"starts", report.starts},
               {"seeds_most", report.seeds_most},
               {"elapsed_s", nullptr},
               {"observable", summary.observable},
               {"found", summary.found},
               {"found_from_every_start", summary.always},
               {"found_with_kills_alone", summary.by_kills},
               {"found_by_the_explorer", summary.explored},
               {"clean", nullptr},
               {"mutants", report.mutants}};
  if (elapsed_s) json["elapsed_s"] = *elapsed_s;
  if (const auto& clean = report.clean) {
    json["clean"] = {
        {"seeds", clean->seeds}, {"crash_states", clean->states}, {"first_violation", nullptr}};
    if (!clean->first_violation.empty()) json["clean"]["first_violation"] = clean->first_violation;
  }
  return json;
}

nlohmann::json to_json(const ZooReport& report) {
  nlohmann::json mutants = nlohmann::json::array();
  for (const Json& mutant : report.mutants) {
    nlohmann::json row = mutant;
    row["seconds_to_find"] = row["seconds_to_find_worst"] = nullptr;
    row["explorer"]["seconds"] = nullptr;
    mutants.push_back(std::move(row));
  }
  nlohmann::json json = {{"starts", report.starts},
                         {"seeds_most", report.seeds_most},
                         {"harness_fault", report.harness_fault},
                         {"mutants", mutants}};
  if (const auto& clean = report.clean)
    json["clean"] = {clean->seeds, clean->states, clean->first_violation, clean->explored};
  return json;
}

ZooReport zoo_report_from_json(const nlohmann::json& json) {
  ZooReport report;
  json.at("starts").get_to(report.starts);
  json.at("seeds_most").get_to(report.seeds_most);
  json.at("harness_fault").get_to(report.harness_fault);
  for (const auto& mutant : json.at("mutants")) report.mutants.emplace_back(mutant);
  if (json.contains("clean")) {
    const auto& clean = json.at("clean");
    report.clean = ZooReport::Clean{clean.at(0).get<uint64_t>(), clean.at(1).get<uint64_t>(),
                                    clean.at(2).get<std::string>(), clean.at(3).get<bool>()};
  }
  return report;
}

ZooReport together(const std::map<uint64_t, ZooReport>& shards) {
  ZooReport all;
  for (const auto& [number, shard] : shards) {
    all.starts = shard.starts;
    all.seeds_most = shard.seeds_most;
    if (all.harness_fault.empty()) all.harness_fault = shard.harness_fault;
    if (shard.clean) all.clean = shard.clean;
    all.mutants.insert(all.mutants.end(), shard.mutants.begin(), shard.mutants.end());
  }
  std::sort(all.mutants.begin(), all.mutants.end(), [](const Json& a, const Json& b) {
    return a.at("name").get<std::string>() < b.at("name").get<std::string>();
  });
  return all;
}

NamedValues named_options(const ZooOptions& options) {
  NamedValues stated = {{"starts", std::to_string(options.starts)},
                        {"seeds", std::to_string(options.seeds_most)},
                        {"steered", options.sweep.steer ? "yes" : "no"}};
  std::string& names = stated["mutants"];
  for (const auto* mutant : options.mutants)
    names += fmt::format("{}{}", names.empty() ? "" : ",", mutant->name);
  return stated;
}

void take_part(ZooOptions& options, const Shard& shard) {
  std::vector<const faults::MutantInfo*> ours;
  for (size_t i = 0; i < options.mutants.size(); ++i)
    if (shard.has(i)) ours.push_back(options.mutants[i]);
  options.clean = shard.has(options.mutants.size());
  options.mutants = std::move(ours);
}

namespace {

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

std::string clean_text(const Json& clean) {
  if (clean.is_null()) return "The engine without a bug is in another shard.";
  const Json& broken = clean.at("first_violation");
  return fmt::format("The engine without a bug, {} seeds, {} crash states: {}.",
                     clean.at("seeds").get<uint64_t>(), clean.at("crash_states").get<uint64_t>(),
                     broken.is_null() ? "clean" : "NOT CLEAN: " + broken.get<std::string>());
}

}  // namespace

void print_zoo(std::FILE* out, const Json& zoo) {
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
                     !explorer.at("found").get<bool>() ? "no"
                     : explorer.at("seconds").is_null()
                         ? "found"
                         : fmt::format("{:.2f} s", explorer.at("seconds").get<double>()),
                     remark_on(mutant)});
  }
  print_columns(out, table);
  std::string text;
  text += '\n';
  for (const std::string& oracle : oracles)
    text += fmt::format("{}: {}.\n", oracle, sentence_of(breach_of(oracle).value()));
  text += fmt::format(
      "\nSeeds, crash states and seconds to find: median / worst of {} starts; - is more "
      "than the budget of {} seeds.\n"
      "{} of {} observable mutants found, {} of them from every start; with kills alone, "
      "{}; by the explorer, which makes no errors, {}. {} more are listed that do not "
      "count.\n"
      "{}{}\n",
      zoo.at("starts").get<uint64_t>(), zoo.at("seeds_most").get<uint64_t>(),
      zoo.at("found").get<uint64_t>(), zoo.at("observable").get<uint64_t>(),
      zoo.at("found_from_every_start").get<uint64_t>(),
      zoo.at("found_with_kills_alone").get<uint64_t>(),
      zoo.at("found_by_the_explorer").get<uint64_t>(),
      zoo.at("mutants").size() - zoo.at("observable").get<uint64_t>(), clean_text(zoo.at("clean")),
      zoo.at("elapsed_s").is_null() ? ""
                                    : fmt::format(" {:.0f} s.", zoo.at("elapsed_s").get<double>()));
  size_t begin = 0;
  for (size_t end; (end = text.find('\n', begin)) != text.npos; begin = end + 1)
    fmt::print(out, "{}", folded(text.substr(begin, end - begin), 0));
}

}  // namespace powercut::scenarios
