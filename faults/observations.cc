#include "faults/observations.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <istream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <stdexcept>

#include "engine/base/check.h"
#include "faults/json_lines.h"

namespace powercut::faults {

namespace {

using nlohmann::json;

// Which persona stands for a configuration of the kernel's.
struct Stand {
  std::string_view config;
  std::string_view persona;
};
constexpr Stand kStands[] = {
    {"ext4", "ext4-ordered"},
    {"ext4-noauto", "ext4-noda"},
};

const Persona* stands_for(std::string_view config) {
  for (const Stand& stand : kStands) {
    if (stand.config == config) return find_persona(stand.persona);
  }
  return find_persona(config);
}

constexpr uint64_t kBytesMost = 1 << 24;  // of one write or one file: the real ones are tiny

// A count in a step or a run; nothing if it is none, or absurd.
std::optional<uint64_t> count(std::string_view text) {
  uint64_t number = 0;
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || wrong != std::errc() || end != text.data() + text.size()) return {};
  return number <= kBytesMost ? std::optional(number) : std::nullopt;
}

std::vector<std::string> words_of(const std::string& text) {
  std::istringstream in(text);
  return {std::istream_iterator<std::string>(in), {}};
}

// "o*4096 ZERO*12"; or a word for something that we have not. A count must be one.
enum class Content : uint8_t { kRuns, kUnknown, kNonsense };
Content kind_of(const std::string& text) {
  const auto words = words_of(text);
  bool unknown = words.empty();
  for (const std::string& run : words) {
    const size_t star = run.find('*');
    if (star == std::string::npos) {
      unknown |= run != "empty" && run != "dir";
      continue;
    }
    if (!count(std::string_view(run).substr(star + 1))) return Content::kNonsense;
    const std::string what = run.substr(0, star);
    unknown |= what.size() != 1 && what != "ZERO" && what != "STALE";
  }
  return unknown ? Content::kUnknown : Content::kRuns;
}

// False if a number is missing in a step that we know. What it names is checked by running it.
bool makes_sense(const std::string& step) {
  const auto words = words_of(step);
  const auto number_at = [&](size_t i) { return words.size() > i && count(words[i]).has_value(); };
  if (words.size() < 2) return false;
  const std::string& verb = words[0];
  if (verb == "append") return number_at(3);
  if (verb == "pwrite" || verb == "mmapw") return number_at(2) && number_at(4);
  if (verb == "ftrunc") return number_at(2);
  if (verb == "falloc") return number_at(2) && number_at(3);
  return words.size() > 2 || (verb != "rename" && verb != "exchange" && verb != "link");
}

// Behind the content of a file with two names. Which two is seen by the paths.
constexpr std::string_view kTwoNames = " ~2";

// One state of files. What is in it that we have not goes to `program.not_run`.
void parse_state(const json& files, ObservedState& state, ObservedProgram& program) {
  for (const auto& [path, runs] : files.items()) {
    std::string text = runs.is_string() ? runs.get<std::string>() : runs.dump();
    if (text.ends_with(kTwoNames)) text.resize(text.size() - kTwoNames.size());
    if (text.ends_with("...")) {
      state.abbreviated = true;
      return;
    }
    if (text.starts_with("ERR")) {
      state.unreadable = true;
      return;
    }
    switch (kind_of(text)) {
      case Content::kNonsense:
        throw std::invalid_argument(fmt::format("\"{}\" is no content of a file", text));
      case Content::kUnknown:
        if (program.not_run.empty()) program.not_run = fmt::format("the state \"{}\"", text);
        return;
      case Content::kRuns:
        state.image.push_back({text == "dir" ? path + "/" : path, parse_runs(text)});
    }
  }
  std::sort(state.image.begin(), state.image.end());
}

// Throws json::exception, std::invalid_argument.
ObservedProgram parse(const json& line) {
  ObservedProgram program{
      line.at("config"), line.at("litmus"), line.at("setup"), line.at("steps"), {}, {}};
  for (const auto* steps : {&program.setup, &program.steps})
    for (const std::string& step : *steps)
      if (!makes_sense(step))
        throw std::invalid_argument(fmt::format("the step \"{}\" makes no sense", step));
  const auto checked = check_program(program);
  if (!checked.ok()) throw std::invalid_argument(checked.error().message);
  program.not_run = *checked;
  for (const json& seen : line.at("observed")) {
    ObservedState state;
    state.step_min = seen.at("min_returned_step");
    state.step_max = seen.at("max_returned_step");
    state.torn = seen.at("only_with_512B_tearing");
    if (state.step_min > state.step_max || state.step_max > program.steps.size())
      throw std::invalid_argument(fmt::format("seen after {} to {} of {} steps", state.step_min,
                                              state.step_max, program.steps.size()));
    parse_state(seen.at("state"), state, program);
    program.states.push_back(std::move(state));
  }
  return program;
}

}  // namespace

Result<std::vector<ObservedProgram>> read_observations(std::istream& file,
                                                       const std::string& path) {
  return read_json_lines(file, path, "observation", [](const json& line) { return parse(line); });
}

uint64_t FilesystemCalibration::skipped() const {
  uint64_t programs = 0;
  for (const auto& [why, count] : not_run) programs += count;
  return programs;
}

bool FilesystemCalibration::forbids() const {
  const bool excused = persona != nullptr && !persona->keeps_synced;
  return !sum.missing.empty() || (!excused && sum.unreadable > 0);
}

std::vector<FilesystemCalibration> calibrate_all(const std::vector<ObservedProgram>& programs,
                                                 uint64_t tapes_max) {
  std::vector<FilesystemCalibration> rows;
  for (const ObservedProgram& program : programs) {
    auto row = std::find_if(rows.begin(), rows.end(),
                            [&](const auto& r) { return r.config == program.config; });
    if (row == rows.end()) {
      FilesystemCalibration fresh;
      fresh.config = program.config;
      fresh.persona = stands_for(program.config);
      row = rows.insert(rows.end(), std::move(fresh));
    }
    CHECK(row->config == program.config);
    if (row->persona == nullptr) {
      Calibration& none = row->programs.emplace_back();
      none.program = program.name;
      none.not_run = "no persona";
      ++row->not_run[none.not_run];
      continue;
    }
    Calibration one = calibrate(program, row->persona->rules, tapes_max);
    if (!one.not_run.empty())
      ++row->not_run[one.not_run];
    else if (!one.enumerated)
      ++row->not_enumerated;
    row->sum.observed += one.observed;
    row->sum.contained += one.contained;
    row->sum.unchecked += one.unchecked;
    row->sum.unreadable += one.unreadable;
    row->sum.legal += one.legal;
    row->sum.legal_observed += one.legal_observed;
    for (const std::string& state : one.missing)
      row->sum.missing.push_back(one.program + ": " + state);
    row->programs.push_back(std::move(one));
  }
  for (const FilesystemCalibration& row : rows) {
    CHECK(row.skipped() + row.not_enumerated <= row.programs.size());
    CHECK(row.sum.contained + row.sum.missing.size() + row.sum.unchecked + row.sum.unreadable ==
          row.sum.observed);
    CHECK(row.sum.legal_observed <= row.sum.legal);
  }
  return rows;
}

}  // namespace powercut::faults
