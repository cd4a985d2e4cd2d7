#include "faults/observations.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <istream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <sstream>
#include <stdexcept>

#include "engine/base/check.h"

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

// "o*4096 ZERO*12".
bool are_runs(const std::string& text) {
  const auto words = words_of(text);
  return !words.empty() && std::all_of(words.begin(), words.end(), [](const std::string& run) {
    const size_t star = run.find('*');
    if (star == std::string::npos) return run == "empty" || run == "dir";
    return star > 0 && count(std::string_view(run).substr(star + 1)).has_value();
  });
}

// True if the step names only what is there, and its numbers are numbers. Steps that the disk does
// not model are reported as such later on.
bool makes_sense(const std::string& step, std::set<std::string>& names) {
  const auto words = words_of(step);
  if (words.size() < 2) return false;
  const std::string& verb = words[0];
  const std::string& name = words[1];
  const auto number_at = [&](size_t i) { return words.size() > i && count(words[i]).has_value(); };
  if (verb == "creat" || verb == "mkdir") return names.insert(name).second;
  if (verb == "fsyncdir") return name == "." || names.contains(name);
  if (!names.contains(name)) return false;
  if (verb == "append") return number_at(3);
  if (verb == "pwrite" || verb == "mmapw") return number_at(2) && number_at(4);
  if (verb == "ftrunc") return number_at(2);
  if (verb == "falloc") return number_at(2) && number_at(3);
  if (verb == "exchange") return words.size() > 2 && names.contains(words[2]);
  if (verb == "link") return words.size() > 2 && names.insert(words[2]).second;
  if (verb != "rename") return true;
  if (words.size() < 3) return false;
  names.erase(name);
  names.insert(words[2]);
  return true;
}

bool is_modelled(const std::string& step) {
  const auto words = words_of(step);
  return words.empty() || words[0] != "symlink";
}

// The first thing that is wrong with a program, or nothing.
std::string what_is_wrong(const ObservedProgram& program) {
  std::set<std::string> names;
  for (const auto* steps : {&program.setup, &program.steps}) {
    for (const std::string& step : *steps) {
      if (!is_modelled(step)) return "";  // it will not be run
      if (!makes_sense(step, names)) return fmt::format("the step \"{}\" makes no sense", step);
    }
  }
  return "";
}

// Behind the content of a file with two names. Which two is seen by the paths.
constexpr std::string_view kTwoNames = " ~2";

// Throws json::exception, std::invalid_argument.
ObservedProgram parse(const json& line) {
  ObservedProgram program{
      line.at("config"), line.at("litmus"), line.at("setup"), line.at("steps"), {}};
  for (const json& seen : line.at("observed")) {
    ObservedState state;
    state.step_min = seen.at("min_returned_step");
    state.step_max = seen.at("max_returned_step");
    state.torn = seen.at("only_with_512B_tearing");
    for (const auto& [path, runs] : seen.at("state").items()) {
      std::string text = runs;
      if (text.ends_with(kTwoNames)) text.resize(text.size() - kTwoNames.size());
      if (text.ends_with("...")) {
        state.abbreviated = true;
        break;
      }
      if (text.starts_with("ERR")) {
        state.unreadable = true;
        break;
      }
      if (!are_runs(text))
        throw std::invalid_argument(fmt::format("\"{}\" is no content of a file", text));
      state.image.push_back({text == "dir" ? path + "/" : path, parse_runs(text)});
    }
    if (state.step_min > state.step_max || state.step_max > program.steps.size())
      throw std::invalid_argument(fmt::format("seen after {} to {} of {} steps", state.step_min,
                                              state.step_max, program.steps.size()));
    std::sort(state.image.begin(), state.image.end());
    program.states.push_back(std::move(state));
  }
  if (const auto wrong = what_is_wrong(program); !wrong.empty()) throw std::invalid_argument(wrong);
  if (const auto done = check_program(program); !done.ok())
    throw std::invalid_argument(done.error().message);
  return program;
}

}  // namespace

Result<std::vector<ObservedProgram>> read_observations(std::istream& file,
                                                       const std::string& path) {
  std::vector<ObservedProgram> programs;
  uint64_t number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    if (line.empty()) continue;
    try {
      programs.push_back(parse(json::parse(line)));
    } catch (const std::exception& wrong) {
      return Error{Errc::kCorrupt,
                   fmt::format("{} line {}: no observation: {}", path, number, wrong.what())};
    }
  }
  if (file.bad()) return Error{Errc::kIo, fmt::format("{}: cannot be read", path)};
  if (programs.empty())
    return Error{Errc::kCorrupt, fmt::format("{}: no observations in it", path)};
  return programs;
}

bool FilesystemCalibration::sound() const {
  const bool excused = persona != nullptr && !persona->keeps_synced;
  return sum.contained + sum.unchecked + (excused ? sum.unreadable : 0) == sum.observed;
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
      row->programs.emplace_back().program = program.name;
      continue;
    }
    Calibration one = calibrate(program, row->persona->rules, tapes_max);
    if (!one.unsupported.empty())
      ++row->not_modelled;
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
    CHECK(row.not_modelled + row.not_enumerated <= row.programs.size());
    CHECK(row.sum.contained + row.sum.missing.size() + row.sum.unchecked + row.sum.unreadable ==
          row.sum.observed);
    CHECK(row.sum.legal_observed <= row.sum.legal);
  }
  return rows;
}

}  // namespace powercut::faults
