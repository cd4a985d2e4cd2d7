// `powercut calibrate`.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "scenarios/cli.h"
#include "scenarios/observations.h"
#include "scenarios/terminal.h"

namespace powercut::scenarios {

namespace {

// More tapes than this, and the legal states of a program are not counted.
constexpr uint64_t kTapesMax = 20'000;

struct Arguments {
  std::string file;
  bool json = false;
};

void print_rows(std::FILE* out, const std::vector<FilesystemCalibration>& rows) {
  fmt::print(out, "{:<29}{:<16}{:>9}{:>13}{:>10}{:>11}{:>11}{:>9}{:>10}  {}\n", "filesystem",
             "persona", "programs", "not modelled", "observed", "contained", "unchecked", "legal",
             "seen", "verdict");
  for (const auto& row : rows) {
    fmt::print(out, "{:<29}{:<16}{:>9}{:>13}{:>10}{:>11}{:>11}{:>9}{:>10}  {}\n", row.config,
               row.persona == nullptr ? "none" : row.persona->name, row.programs, row.not_modelled,
               row.observed, row.contained, row.unchecked, row.legal, row.legal_observed,
               row.persona == nullptr ? "no persona stands for it"
               : row.sound()          ? "sound"
                                      : "FORBIDS what was observed");
    if (!row.first_missing.empty()) fmt::print(out, "  {}\n", row.first_missing);
  }
}

void print_json(std::FILE* out, const std::vector<FilesystemCalibration>& rows, double elapsed_s) {
  nlohmann::ordered_json filesystems = nlohmann::ordered_json::array();
  for (const auto& row : rows) {
    nlohmann::ordered_json one = {{"config", row.config},
                                  {"persona", nullptr},
                                  {"programs", row.programs},
                                  {"observed", row.observed},
                                  {"contained", row.contained},
                                  {"legal", row.legal},
                                  {"legal_observed", row.legal_observed},
                                  {"unchecked", row.unchecked},
                                  {"not_modelled", row.not_modelled},
                                  {"first_missing", nullptr}};
    if (row.persona != nullptr) one["persona"] = row.persona->name;
    if (!row.first_missing.empty()) one["first_missing"] = row.first_missing;
    filesystems.push_back(std::move(one));
  }
  const nlohmann::ordered_json json = {{"version", POWERCUT_VERSION},
                                       {"verb", "calibrate"},
                                       {"elapsed_s", elapsed_s},
                                       {"filesystems", filesystems}};
  const auto replace = nlohmann::ordered_json::error_handler_t::replace;
  fmt::print(out, "{}\n", json.dump(2, ' ', false, replace));
}

int calibrate(const Arguments& arguments, const Streams& streams) {
  const Stopwatch watch;
  const auto programs = load_observations(arguments.file);
  if (!programs.ok()) return fail(streams, programs.error());
  const auto rows = calibrate_all(*programs, kTapesMax);
  if (arguments.json) {
    print_json(streams.out, rows, watch.seconds());
  } else {
    print_rows(streams.out, rows);
  }
  const bool sound = std::all_of(rows.begin(), rows.end(), [](const auto& r) { return r.sound(); });
  return sound ? kHeld : kBroken;
}

}  // namespace

Verb add_calibrate(CLI::App& app) {
  CLI::App* verb = app.add_subcommand(
      "calibrate", "Is every crash state seen on a real kernel among those its persona allows?");
  verb->footer(
      "legal, seen: distinct states that a persona allows, and how many of them were seen, over "
      "the "
      "programs small enough to count.\n"
      "Example:\n  powercut calibrate faults/testdata/kernel-6.18/observed.jsonl");
  auto a = std::make_shared<Arguments>();
  verb->add_option("file", a->file, "observations, as JSON lines")->required();
  verb->add_flag("--json", a->json, "one JSON object on standard output, and nothing else");
  return {verb, [a](const std::string&, const Streams& streams) { return calibrate(*a, streams); }};
}

}  // namespace powercut::scenarios
