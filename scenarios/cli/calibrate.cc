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

std::string verdict(const FilesystemCalibration& row) {
  if (row.persona == nullptr) return "no persona stands for it";
  if (row.forbids()) return "FORBIDS what was observed";
  return row.sound() ? "sound" : "nothing observed";
}

void print_rows(std::FILE* out, const std::vector<FilesystemCalibration>& rows) {
  constexpr std::string_view kLine =
      "{:<29}{:<29}{:>8}{:>9}{:>10}{:>10}{:>11}{:>11}{:>8}{:>7}{:>8}{:>8}  {}\n";
  fmt::print(out, kLine, "filesystem", "persona", "programs", "not run", "observed", "contained",
             "truncated", "unreadable", "counted", "legal", "seen", "tight", "verdict");
  for (const auto& row : rows) {
    const Calibration& sum = row.sum;
    const uint64_t skipped = row.skipped();
    fmt::print(out, kLine, row.config, row.persona == nullptr ? "none" : row.persona->name,
               row.programs.size(), skipped, sum.observed, sum.contained, sum.unchecked,
               sum.unreadable, row.programs.size() - skipped - row.not_enumerated, sum.legal,
               sum.legal_observed, tightness(sum), verdict(row));
    if (!sum.missing.empty()) fmt::print(out, "  {}\n", sum.missing.front());
    for (const auto& [why, count] : row.not_run)
      if (row.persona != nullptr) fmt::print(out, "  not run: {} with {}\n", count, why);
  }
}

// The loosest first.
void print_programs(std::FILE* out, const FilesystemCalibration& row) {
  std::vector<Calibration> programs = row.programs;
  std::stable_sort(programs.begin(), programs.end(), [](const auto& a, const auto& b) {
    return a.legal - a.legal_observed > b.legal - b.legal_observed;
  });
  fmt::print(out, "\n{}\n", row.config);
  for (const Calibration& one : programs) {
    const std::string why = !one.not_run.empty() ? "not run: " + one.not_run
                            : !one.enumerated    ? "too many legal states to count"
                                                 : "";
    fmt::print(out, "  {:<36}{:>5} observed{:>5} contained{:>6} legal{:>5} seen{:>8}  {}\n",
               one.program, one.observed, one.contained, one.legal, one.legal_observed,
               tightness(one), why);
  }
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

std::string verdict(const FailedSyncCalibration& row) {
  if (row.persona == nullptr) return "no persona stands for it";
  if (row.forbids()) return "FORBIDS what was observed";
  return row.sound() ? "sound" : "nothing observed";
}

void print_rows(std::FILE* out, const std::vector<FailedSyncCalibration>& rows, bool all) {
  constexpr std::string_view kLine = "{:<17}{:<17}{:>8}{:>9}{:>10}{:>10}{:>7}{:>6}{:>8}  {}\n";
  fmt::print(out, kLine, "filesystem", "persona", "programs", "not run", "observed", "contained",
             "legal", "seen", "tight", "verdict");
  std::map<std::string, uint64_t> not_run;
  for (const auto& row : rows) {
    Calibration sum;
    sum.legal = row.legal;
    sum.legal_observed = row.legal_observed;
    fmt::print(out, kLine, row.fs, row.persona == nullptr ? "none" : row.persona->name,
               row.programs, row.skipped(), row.observed, row.contained, row.legal,
               row.legal_observed, tightness(sum), verdict(row));
    for (size_t i = 0; i < row.missing.size() && (all || i == 0); ++i)
      fmt::print(out, "  {}\n", row.missing[i]);
    for (const auto& [why, count] : row.not_run) not_run[why] += count;
  }
  for (const auto& [why, count] : not_run) fmt::print(out, "not run: {} with {}\n", count, why);
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
