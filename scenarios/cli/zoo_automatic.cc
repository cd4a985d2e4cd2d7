#include "scenarios/cli/zoo_automatic.h"

#include <fmt/format.h>

#include <map>

#include "scenarios/base/terminal.h"

namespace powercut::scenarios {

namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kTextMost = 300;  // of a mutant's text before, and after

std::string shortened(std::string_view text, size_t most) {
  if (text.size() <= most) return std::string(text);
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xC0) == 0x80) --most;
  return std::string(text.substr(0, most)) + " ...";
}

// What the table says of a mutant.
std::string_view verdict(const AutomaticRow& row, const Equivalent* equivalent) {
  if (row.fate != Fate::kSurvived || equivalent == nullptr) return name(row.fate);
  return equivalent->function == row.mutant->function ? "equivalent" : "stale";
}

}  // namespace

Json automatic_json(const AutomaticRun& run, const std::vector<AutomaticRow>& rows,
                    const Equivalents& equivalents) {
  static constexpr const char* kVerdicts[] = {"found",      "died",  "hung",    "tested",
                                              "equivalent", "stale", "survived"};
  Json none = Json::object();
  for (const char* verdict : kVerdicts) none[verdict] = 0;
  Json simulated = none;
  Json posix = none;
  Json by = Json::object();
  Json mutants = Json::array();
  for (const AutomaticRow& row : rows) {
    const faults::AutomaticMutant& mutant = *row.mutant;
    const auto entry = equivalents.find(std::string(mutant.info.name));
    const Equivalent* equivalent = entry == equivalents.end() ? nullptr : &entry->second;
    const std::string said(verdict(row, equivalent));
    Json& counts = is_posix(mutant) ? posix : simulated;
    counts[said] = counts[said].get<uint64_t>() + 1;
    if (!row.by.empty()) by[row.by] = by.value(row.by, uint64_t{0}) + 1;
    mutants.push_back(
        {{"name", mutant.info.name},
         {"function", mutant.function},
         {"before", shortened(mutant.before, kTextMost)},
         {"after", shortened(mutant.after, kTextMost)},
         {"verdict", said},
         {"by", row.by},
         {"runs", row.runs},
         {"what", row.what},
         {"argument", equivalent == nullptr ? Json(nullptr) : Json(equivalent->argument)}});
  }
  return {{"version", POWERCUT_VERSION},
          {"verb", "zoo"},
          {"automatic", run.asked},
          {"seed", run.seed},
          {"elapsed_s", run.elapsed_s},
          {"candidates", faults::all_automatic().mutants.size()},
          {"not_compiled", faults::all_automatic().not_compiled},
          {"simulated", simulated},
          {"posix", posix},
          {"by", by},
          {"mutants", mutants}};
}

bool is_automatic(const Json& json) { return json.contains("automatic"); }

void print_automatic(std::FILE* out, const Json& json) {
  std::string text;
  for (const Json& mutant : json.at("mutants")) {
    const std::string verdict = mutant.at("verdict");
    const uint64_t runs = mutant.at("runs");
    std::string by = mutant.at("by");
    if (runs != 0) by += fmt::format(" {}", runs);
    text += fmt::format("{:<11}{:<26}{}\n", verdict, by, mutant.at("name").get<std::string>());
    const std::string after = mutant.at("after");
    text += fmt::format("    {} -> {}\n", shortened(mutant.at("before").get<std::string>(), 90),
                        after.empty() ? "nothing" : shortened(after, 90));
    const std::string what = mutant.at("what");
    if (!what.empty()) text += fmt::format("    {}\n", shortened(what, 120));
    if (verdict == "equivalent" || verdict == "stale")
      text += fmt::format("    {}\n", mutant.at("argument").get<std::string>());
  }
  const auto line = [&](const char* of, const Json& counts) {
    const auto count = [&](const char* verdict) { return counts.at(verdict).get<uint64_t>(); };
    const uint64_t found = count("found") + count("died") + count("hung");
    const uint64_t missed = count("survived") + count("stale");
    const uint64_t counted = found + count("tested") + missed;
    text += fmt::format(
        "{}: {} drawn, {} of them equivalent. Of the other {}: found {} (a promise broken {}, died "
        "{}, "
        "hung {}), by unit tests alone {}, survived {}, {} of which had an argument that is stale. "
        "Found by runs: {:.1f} %, with the unit tests {:.1f} %.\n",
        of, counted + count("equivalent"), count("equivalent"), counted, found, count("found"),
        count("died"), count("hung"), count("tested"), missed, count("stale"),
        counted == 0 ? 0.0 : 100.0 * static_cast<double>(found) / static_cast<double>(counted),
        counted == 0
            ? 0.0
            : 100.0 * static_cast<double>(found + count("tested")) / static_cast<double>(counted));
  };
  text += '\n';
  line("Simulated", json.at("simulated"));
  line("POSIX, which no simulated run executes", json.at("posix"));
  for (const auto& [stage, count] : json.at("by").items())
    text += fmt::format("  {:<26}{}\n", stage, count.get<uint64_t>());
  text += fmt::format("Seed {}; {} candidates, {} more do not compile. {:.0f} s.\n",
                      json.at("seed").get<uint64_t>(), json.at("candidates").get<uint64_t>(),
                      json.at("not_compiled").get<uint64_t>(), json.at("elapsed_s").get<double>());
  fmt::print(out, "{}", text);
}

}  // namespace powercut::scenarios
