#include "faults/failed_syncs.h"

#include <fmt/format.h>

#include <algorithm>
#include <istream>
#include <nlohmann/json.hpp>
#include <set>

#include "engine/base/check.h"
#include "faults/json_lines.h"

namespace powercut::faults {
namespace {

using nlohmann::json;

// Which persona stands for a mount of the kernel's; "" where an option has a model of its own.
struct Mount {
  std::string_view fs;
  std::string_view persona;
};
constexpr Mount kMounts[] = {
    {"ext4", "ext4-ordered"},     {"ext4-noauto", "ext4-noda"}, {"ext4-remount-ro", "ext4-ordered"},
    {"btrfs-nodatacow", "btrfs"}, {"ext4-data_err", ""},
};

const Persona* persona_of_mount(std::string_view fs) {
  for (const Mount& stand : kMounts)
    if (stand.fs == fs) return find_persona(stand.persona);
  return find_persona(fs);
}

std::string text_of(const json& result) {
  return result.is_null() ? "" : result.is_string() ? result.get<std::string>() : result.dump();
}

FileContents contents_of(const json& files) {
  FileContents contents;
  for (const auto& [name, content] : files.items()) contents[name] = text_of(content);
  return contents;
}

// Throws json::exception.
FailedSyncProgram parse_failed_sync(const json& line) {
  FailedSyncProgram program{line.at("fs"), line.at("program"), line.at("variant"), {}};
  for (const json& outcome : line.at("outcomes")) {
    FailedSyncRun run;
    for (const json& step : outcome.at("steps"))
      run.steps.push_back({step.at("call"), text_of(step.value("result", json()))});
    if (outcome.contains("after_cut"))
      for (const auto& [label, files] : outcome["after_cut"].items())
        run.after_cut[label] = contents_of(files);
    if (outcome.contains("after_clean_remount"))
      run.after_remount = contents_of(outcome["after_clean_remount"]);
    program.runs.push_back(std::move(run));
  }
  return program;
}

void calibrate_one(const FailedSyncProgram& program, FailedSyncCalibration& row) {
  std::string why = row.persona == nullptr ? "no persona" : not_modelled(program);
  if (!why.empty()) {
    ++row.not_run[why];
    return;
  }
  std::map<std::string, std::set<sim::Image>> legal;
  std::map<std::string, std::set<sim::Image>> seen;
  for (const FailedSyncRun& run : program.runs) {
    ++row.observed;
    const ReplayedRun replayed = replay(program, run, row.persona->rules);
    if (!replayed.departs.empty()) {
      row.missing.push_back(
          fmt::format("{} {}: {}", program.program, program.variant, replayed.departs));
      continue;
    }
    ++row.contained;
    for (const auto& [label, images] : replayed.legal) {
      legal[label].insert(images.begin(), images.end());
      seen[label].insert(*image_of(run.after_cut.at(label)));
    }
  }
  for (const auto& [label, images] : legal) {
    row.legal += images.size();
    for (const sim::Image& image : seen[label]) row.legal_observed += images.count(image);
  }
}

}  // namespace

bool are_failed_syncs(const std::string& line) {
  const json first = json::parse(line, nullptr, false);
  return first.is_object() && first.contains("outcomes");
}

Result<std::vector<FailedSyncProgram>> read_failed_syncs(std::istream& file,
                                                         const std::string& path) {
  return read_json_lines(file, path, "failed sync",
                         [](const json& line) { return parse_failed_sync(line); });
}

uint64_t FailedSyncCalibration::skipped() const {
  uint64_t skipped = 0;
  for (const auto& [why, count] : not_run) skipped += count;
  return skipped;
}

std::vector<FailedSyncCalibration> calibrate_failed_syncs(
    const std::vector<FailedSyncProgram>& programs) {
  std::vector<FailedSyncCalibration> rows;
  for (const FailedSyncProgram& program : programs) {
    auto row =
        std::find_if(rows.begin(), rows.end(), [&](const auto& r) { return r.fs == program.fs; });
    if (row == rows.end()) {
      FailedSyncCalibration fresh;
      fresh.fs = program.fs;
      fresh.persona = persona_of_mount(program.fs);
      row = rows.insert(rows.end(), std::move(fresh));
    }
    ++row->programs;
    calibrate_one(program, *row);
  }
  for (const FailedSyncCalibration& row : rows) {
    CHECK(row.contained + row.missing.size() == row.observed);
    CHECK(row.skipped() <= row.programs && row.legal_observed <= row.legal);
  }
  return rows;
}

}  // namespace powercut::faults
