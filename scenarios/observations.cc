#include "scenarios/observations.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <sstream>
#include <stdexcept>

namespace powercut::scenarios {

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
    {"ext4-nodelalloc", "ext4-ordered"},
    {"ext4-dioread_lock", "ext4-ordered"},
};

const faults::Persona* stands_for(std::string_view config) {
  for (const Stand& stand : kStands) {
    if (stand.config == config) return faults::find_persona(stand.persona);
  }
  return faults::find_persona(config);
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
  if (verb != "rename") return true;
  if (words.size() < 3) return false;
  names.erase(name);
  names.insert(words[2]);
  return true;
}

bool is_modelled(const std::string& step) {
  const auto words = words_of(step);
  constexpr std::string_view kNotModelled[] = {"falloc", "exchange", "link", "symlink"};
  return std::find(std::begin(kNotModelled), std::end(kNotModelled),
                   words.empty() ? "" : words[0]) == std::end(kNotModelled);
}

// The first thing that is wrong with a program, or nothing.
std::string what_is_wrong(const faults::ObservedProgram& program) {
  std::set<std::string> names;
  for (const auto* steps : {&program.setup, &program.steps}) {
    for (const std::string& step : *steps) {
      if (!is_modelled(step)) return "";  // it will not be run
      if (!makes_sense(step, names)) return fmt::format("the step \"{}\" makes no sense", step);
    }
  }
  return "";
}

// Throws json::exception, std::invalid_argument.
faults::ObservedProgram parse(const json& line) {
  faults::ObservedProgram program{
      line.at("config"), line.at("litmus"), line.at("setup"), line.at("steps"), {}};
  for (const json& seen : line.at("observed")) {
    faults::ObservedState state;
    state.step_min = seen.at("min_returned_step");
    state.step_max = seen.at("max_returned_step");
    state.torn = seen.at("only_with_512B_tearing");
    for (const auto& [path, runs] : seen.at("state").items()) {
      const std::string text = runs;
      // "..." or "~": only the beginning of what was read.
      state.abbreviated |= text.find("...") != std::string::npos || text.starts_with('~') ||
                           text.find(" ~") != std::string::npos;
      if (state.abbreviated) break;
      if (text.starts_with("ERR")) {  // the kernel refused to read it: no image of ours
        state.image.push_back({path, "unreadable"});
      } else if (!are_runs(text)) {
        throw std::invalid_argument(fmt::format("\"{}\" is no content of a file", text));
      } else {
        state.image.push_back({text == "dir" ? path + "/" : path, faults::parse_runs(text)});
      }
    }
    std::sort(state.image.begin(), state.image.end());
    program.states.push_back(std::move(state));
  }
  if (const auto wrong = what_is_wrong(program); !wrong.empty()) throw std::invalid_argument(wrong);
  return program;
}

}  // namespace

Result<std::vector<faults::ObservedProgram>> load_observations(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return Error{Errc::kNotFound, fmt::format("{}: cannot be opened", path)};
  std::vector<faults::ObservedProgram> programs;
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

std::vector<FilesystemCalibration> calibrate_all(
    const std::vector<faults::ObservedProgram>& programs, uint64_t tapes_max) {
  std::vector<FilesystemCalibration> rows;
  for (const faults::ObservedProgram& program : programs) {
    auto row = std::find_if(rows.begin(), rows.end(),
                            [&](const auto& r) { return r.config == program.config; });
    if (row == rows.end()) {
      FilesystemCalibration fresh;
      fresh.config = program.config;
      fresh.persona = stands_for(program.config);
      row = rows.insert(rows.end(), std::move(fresh));
    }
    ++row->programs;
    if (row->persona == nullptr) continue;
    const auto one = faults::calibrate(program, row->persona->rules, tapes_max);
    if (!one.unsupported.empty()) {
      ++row->not_modelled;
      continue;
    }
    row->observed += one.observed;
    row->contained += one.contained;
    row->unchecked += one.unchecked;
    row->legal += one.legal;
    row->legal_observed += one.legal_observed;
    if (row->first_missing.empty() && !one.missing.empty()) {
      row->first_missing = fmt::format("{}: {}", one.program, one.missing.front());
    }
  }
  return rows;
}

}  // namespace powercut::scenarios
