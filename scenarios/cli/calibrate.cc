// `powercut calibrate`.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <fstream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "faults/failed_syncs.h"
#include "faults/observations.h"
#include "scenarios/base/json_text.h"
#include "scenarios/base/table.h"
#include "scenarios/base/terminal.h"
#include "scenarios/cli/cli.h"

namespace powercut::scenarios {

namespace {

// More tapes than this, and the legal states of a program are not counted.
constexpr uint64_t kTapesMax = 5'000;

struct CalibrateArguments {
  std::string file;
  bool programs = false;
  bool json = false;
};

using faults::Calibration;
using faults::FailedSyncCalibration;
using faults::FilesystemCalibration;

// The share of legal states that were observed.
std::string tightness(const Calibration& c) {
  if (c.legal == 0) return "-";
  const uint64_t per_mille = c.legal_observed * 1'000 / c.legal;
  return fmt::format("{}.{}%", per_mille / 10, per_mille % 10);
}

void say(std::FILE* out, const std::string& line) { fmt::print(out, "{}", folded(line)); }

// Which persona stands for which filesystem, where their names differ.
template <class Rows, class NameOf>
void print_personas(std::FILE* out, const Rows& rows, const NameOf& name_of) {
  std::vector<std::string> pairs;
  for (const auto& row : rows)
    if (row.persona != nullptr && row.persona->name != name_of(row))
      pairs.push_back(fmt::format("{} by {}", name_of(row), row.persona->name));
  if (!pairs.empty()) say(out, fmt::format("\nheld against: {}", fmt::join(pairs, ", ")));
}

template <class Calibrated>
std::string verdict(const Calibrated& row) {
  if (row.persona == nullptr) return "no persona stands for it";
  if (row.forbids()) return "FORBIDS what was observed";
  return row.sound() ? "sound" : "nothing observed";
}

void print_rows(std::FILE* out, const std::vector<FilesystemCalibration>& rows) {
  std::vector<Row> table{{"filesystem", "verdict", "programs", "not run", "observed", "contained",
                          "truncated", "unreadable", "counted", "legal", "seen", "tight"}};
  for (const auto& row : rows) {
    const Calibration& sum = row.sum;
    const uint64_t skipped = row.skipped();
    table.push_back(
        {row.config, verdict(row), std::to_string(row.programs.size()), std::to_string(skipped),
         std::to_string(sum.observed), std::to_string(sum.contained), std::to_string(sum.unchecked),
         std::to_string(sum.unreadable),
         std::to_string(row.programs.size() - skipped - row.not_enumerated),
         std::to_string(sum.legal), std::to_string(sum.legal_observed), tightness(sum)});
  }
  print_columns(out, table, true, 2);
  print_personas(out, rows, [](const auto& row) { return row.config; });
  for (const auto& row : rows) {
    if (!row.sum.missing.empty()) say(out, fmt::format("{}: {}", row.config, row.sum.missing[0]));
    for (const auto& [why, count] : row.not_run)
      if (row.persona != nullptr)
        say(out, fmt::format("{}: not run: {} with {}", row.config, count, why));
  }
}

// The loosest first.
void print_programs(std::FILE* out, const FilesystemCalibration& row) {
  std::vector<Calibration> programs = row.programs;
  std::stable_sort(programs.begin(), programs.end(), [](const auto& a, const auto& b) {
    return a.legal - a.legal_observed > b.legal - b.legal_observed;
  });
  fmt::print(out, "\n{}\n", row.config);
  std::vector<Row> table{{"program", "observed", "contained", "legal", "seen", "tight", ""}};
  for (const Calibration& one : programs)
    table.push_back({one.program, std::to_string(one.observed), std::to_string(one.contained),
                     std::to_string(one.legal), std::to_string(one.legal_observed), tightness(one),
                     !one.not_run.empty() ? "not run"
                     : !one.enumerated    ? "not counted"
                                          : ""});
  print_columns(out, table);
  for (const Calibration& one : programs)
    if (!one.not_run.empty()) say(out, fmt::format("{}: not run: {}", one.program, one.not_run));
}

void print_json(std::FILE* out, const std::vector<FilesystemCalibration>& rows, double elapsed_s) {
  nlohmann::ordered_json filesystems = nlohmann::ordered_json::array();
  for (const auto& row : rows) {
    nlohmann::ordered_json one = {{"config", row.config},
                                  {"persona", nullptr},
                                  {"programs", row.programs.size()},
                                  {"observed", row.sum.observed},
                                  {"contained", row.sum.contained},
                                  {"legal", row.sum.legal},
                                  {"legal_observed", row.sum.legal_observed},
                                  {"unchecked", row.sum.unchecked},
                                  {"unreadable", row.sum.unreadable},
                                  {"not_modelled", row.skipped()},
                                  {"not_run", row.not_run},
                                  {"not_counted", row.not_enumerated},
                                  {"first_missing", nullptr}};
    if (row.persona != nullptr) one["persona"] = row.persona->name;
    if (!row.sum.missing.empty()) one["first_missing"] = row.sum.missing.front();
    filesystems.push_back(std::move(one));
  }
  const nlohmann::ordered_json json = {{"version", POWERCUT_VERSION},
                                       {"verb", "calibrate"},
                                       {"elapsed_s", elapsed_s},
                                       {"filesystems", filesystems}};
  fmt::print(out, "{}\n", json_text(json));
}

// --- What failed syncs leave ---

void print_rows(std::FILE* out, const std::vector<FailedSyncCalibration>& rows, bool all) {
  std::vector<Row> table{{"filesystem", "verdict", "programs", "not run", "observed", "contained",
                          "legal", "seen", "tight"}};
  std::map<std::string, uint64_t> not_run;
  for (const auto& row : rows) {
    Calibration sum;
    sum.legal = row.legal;
    sum.legal_observed = row.legal_observed;
    table.push_back({row.fs, verdict(row), std::to_string(row.programs),
                     std::to_string(row.skipped()), std::to_string(row.observed),
                     std::to_string(row.contained), std::to_string(row.legal),
                     std::to_string(row.legal_observed), tightness(sum)});
    for (const auto& [why, count] : row.not_run) not_run[why] += count;
  }
  print_columns(out, table, true, 2);
  print_personas(out, rows, [](const auto& row) { return row.fs; });
  for (const auto& row : rows)
    for (size_t i = 0; i < row.missing.size() && (all || i == 0); ++i)
      say(out, fmt::format("{}: {}", row.fs, row.missing[i]));
  for (const auto& [why, count] : not_run) say(out, fmt::format("not run: {} with {}", count, why));
}

void print_json(std::FILE* out, const std::vector<FailedSyncCalibration>& rows, double elapsed_s) {
  nlohmann::ordered_json filesystems = nlohmann::ordered_json::array();
  for (const auto& row : rows) {
    nlohmann::ordered_json one = {{"config", row.fs},
                                  {"persona", nullptr},
                                  {"programs", row.programs},
                                  {"observed", row.observed},
                                  {"contained", row.contained},
                                  {"legal", row.legal},
                                  {"legal_observed", row.legal_observed},
                                  {"not_modelled", row.skipped()},
                                  {"not_run", row.not_run},
                                  {"first_missing", nullptr}};
    if (row.persona != nullptr) one["persona"] = row.persona->name;
    if (row.forbids()) one["first_missing"] = row.missing.front();
    filesystems.push_back(std::move(one));
  }
  const nlohmann::ordered_json json = {{"version", POWERCUT_VERSION},
                                       {"verb", "calibrate"},
                                       {"elapsed_s", elapsed_s},
                                       {"filesystems", filesystems}};
  const auto replace = nlohmann::ordered_json::error_handler_t::replace;
  fmt::print(out, "{}\n", json.dump(2, ' ', false, replace));
}

int calibrate_failed(const CalibrateArguments& arguments, const Streams& streams,
                     std::istream& file) {
  const Stopwatch watch;
  const auto programs = faults::read_failed_syncs(file, arguments.file);
  if (!programs.ok()) return fail(streams, programs.error());
  const auto rows = faults::calibrate_failed_syncs(*programs);
  if (arguments.json)
    print_json(streams.out, rows, watch.seconds());
  else
    print_rows(streams.out, rows, arguments.programs);
  const bool forbids =
      std::any_of(rows.begin(), rows.end(), [](const auto& r) { return r.forbids(); });
  return forbids ? kBroken : kHeld;
}

int calibrate(const CalibrateArguments& arguments, const Streams& streams) {
  const Stopwatch watch;
  std::ifstream file(arguments.file, std::ios::binary);
  if (!file)
    return fail(streams, {Errc::kNotFound, fmt::format("{}: cannot be opened", arguments.file)});
  std::string first;
  std::getline(file, first);
  file.clear();
  file.seekg(0);
  if (faults::are_failed_syncs(first)) return calibrate_failed(arguments, streams, file);
  const auto programs = faults::read_observations(file, arguments.file);
  if (!programs.ok()) return fail(streams, programs.error());
  const auto rows = calibrate_all(*programs, kTapesMax);
  if (arguments.json) {
    print_json(streams.out, rows, watch.seconds());
  } else {
    print_rows(streams.out, rows);
    for (const auto& row : rows)
      if (arguments.programs) print_programs(streams.out, row);
  }
  const bool forbids =
      std::any_of(rows.begin(), rows.end(), [](const auto& r) { return r.forbids(); });
  return forbids ? kBroken : kHeld;
}

}  // namespace

Verb add_calibrate(CLI::App& app) {
  CLI::App* verb = app.add_subcommand(
      "calibrate", "Is every crash state seen on a real kernel among those its persona allows?");
  verb->footer(
      "truncated: states of which the file gives only the beginning; unreadable: the kernel "
      "refused "
      "a file. Neither is checked.\n"
      "legal, seen, tight: distinct states that a persona allows, how many of them were seen, and "
      "the share, over the programs small enough to be counted.\n"
      "Example:\n  powercut calibrate faults/testdata/kernel-6.18/observed.jsonl");
  auto a = std::make_shared<CalibrateArguments>();
  verb->add_option("file", a->file, "observations, as JSON lines")->required();
  verb->add_flag("--programs", a->programs, "a line for each program, the loosest first");
  verb->add_flag("--json", a->json, "one JSON object on standard output, and nothing else");
  return {verb, [a](const std::string&, const Streams& streams) { return calibrate(*a, streams); }};
}

}  // namespace powercut::scenarios
