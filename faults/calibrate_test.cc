// Every state that Linux 6.18 was seen to leave must be legal on the persona of its filesystem.
#include "faults/calibrate.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

namespace powercut::faults {
namespace {

constexpr const char* kData = POWERCUT_SOURCE_DIR "/faults/testdata/kernel-6.18/observed.jsonl";
constexpr uint64_t kTapesMax = 20'000;

ObservedProgram parse(const std::string& line) {
  const nlohmann::json json = nlohmann::json::parse(line);
  ObservedProgram program{json["config"], json["litmus"], json["setup"], json["steps"], {}};
  for (const auto& seen : json["observed"]) {
    ObservedState state;
    state.step_min = seen["min_returned_step"];
    state.step_max = seen["max_returned_step"];
    state.torn = seen["only_with_512B_tearing"];
    for (const auto& [path, runs] : seen["state"].items()) {
      const std::string text = runs;
      state.abbreviated |= text.find("...") != std::string::npos || text[0] == '~' ||
                           text.find(" ~") != std::string::npos;
      if (state.abbreviated) break;
      if (text.starts_with("ERR")) {  // the kernel refused to read it: no image of ours
        state.image.push_back({path, "unreadable"});
        continue;
      }
      state.image.push_back({text == "dir" ? path + "/" : path, parse_runs(text)});
    }
    std::sort(state.image.begin(), state.image.end());
    program.states.push_back(std::move(state));
  }
  return program;
}

const std::vector<ObservedProgram>& observations() {
  static const std::vector<ObservedProgram> programs = [] {
    std::vector<ObservedProgram> found;
    std::ifstream in(kData);
    for (std::string line; std::getline(in, line);) found.push_back(parse(line));
    return found;
  }();
  return programs;
}

struct Row {
  uint64_t programs = 0, unsupported = 0, observed = 0, contained = 0, unchecked = 0;
  uint64_t enumerated = 0, legal = 0, legal_observed = 0;
  std::map<std::string, int> unsupported_steps;
};

Row calibrate_config(const std::string& config, const std::string& persona, bool print_missing) {
  Row row;
  for (const ObservedProgram& program : observations()) {
    if (program.config != config) continue;
    const Calibration one = calibrate(program, find_persona(persona)->rules, kTapesMax);
    ++row.programs;
    if (!one.unsupported.empty()) {
      ++row.unsupported;
      ++row.unsupported_steps[one.unsupported.substr(0, one.unsupported.find(' '))];
      continue;
    }
    row.observed += one.observed;
    row.contained += one.contained;
    row.unchecked += one.unchecked;
    row.enumerated += one.enumerated ? 1 : 0;
    row.legal += one.legal;
    row.legal_observed += one.legal_observed;
    if (!print_missing) continue;
    for (const std::string& what : one.missing)
      std::printf("  MISSING %s %s %s\n", config.c_str(), one.program.c_str(), what.c_str());
  }
  std::string steps;
  for (const auto& [step, count] : row.unsupported_steps)
    steps += " " + step + " x" + std::to_string(count);
  std::printf(
      "%-22s as %-14s programs %llu (not modelled %llu:%s)  observed %llu  contained %llu  "
      "abbreviated %llu  enumerated %llu  legal %llu  of these observed %llu\n",
      config.c_str(), persona.c_str(), static_cast<unsigned long long>(row.programs),
      static_cast<unsigned long long>(row.unsupported), steps.c_str(),
      static_cast<unsigned long long>(row.observed), static_cast<unsigned long long>(row.contained),
      static_cast<unsigned long long>(row.unchecked),
      static_cast<unsigned long long>(row.enumerated), static_cast<unsigned long long>(row.legal),
      static_cast<unsigned long long>(row.legal_observed));
  return row;
}

class Calibrated : public testing::TestWithParam<std::pair<const char*, const char*>> {};

TEST_P(Calibrated, ContainsEveryObservedState) {
  const Row row = calibrate_config(GetParam().first, GetParam().second, true);
  EXPECT_GT(row.programs, 20u);
  EXPECT_GT(row.observed, 100u);
  EXPECT_EQ(row.contained + row.unchecked, row.observed);
  // What the disk does not model, by name: a new kind here is a decision, not an accident.
  for (const auto& [step, count] : row.unsupported_steps)
    EXPECT_TRUE(step == "falloc" || step == "link" || step == "exchange") << step;
}

INSTANTIATE_TEST_SUITE_P(Kernel618, Calibrated,
                         testing::Values(std::pair{"ext4", "ext4-ordered"},
                                         std::pair{"ext4-noauto", "ext4-noda"},
                                         std::pair{"ext4-writeback", "ext4-writeback"},
                                         std::pair{"ext4-journal", "ext4-journal"},
                                         std::pair{"xfs", "xfs"}, std::pair{"btrfs", "btrfs"},
                                         std::pair{"ext4-nodelalloc", "ext4-ordered"},
                                         std::pair{"ext4-dioread_lock", "ext4-ordered"}),
                         [](const auto& info) {
                           std::string name = info.param.first;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

// The calibration has teeth: a persona that is too strict fails it, and a broken device does.
TEST(CalibrationTeeth, TooStrictAPersonaIsFoundOut) {
  EXPECT_LT(calibrate_config("ext4", "ext4-journal", false).contained, 1000u);
  const Row broken = calibrate_config("ext4-nobarrier", "ext4-ordered", false);
  EXPECT_LT(broken.contained + broken.unchecked, broken.observed);
}

}  // namespace
}  // namespace powercut::faults
