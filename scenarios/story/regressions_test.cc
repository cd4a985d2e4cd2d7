// Every bug found in powercut itself, as a scenario with its history (scenarios/regressions/). Each
// goes as its file says, holds in other schedules as well, and can fail: with the bug put back, it
// does.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string_view>

#include "scenarios/story/scenario.h"
#include "scenarios/story/scenario_file.h"

namespace powercut::scenarios {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kSeeds = 60;
// What was changed by hand, and seen, where no mutant does it.
constexpr std::string_view kFailedByHand = "failed by hand: ";

std::vector<fs::path> files() {
  std::vector<fs::path> found;
  for (const auto& entry :
       fs::directory_iterator(fs::path(POWERCUT_SOURCE_DIR) / "scenarios/regressions"))
    if (entry.path().extension() == ".scn") found.push_back(entry.path());
  std::sort(found.begin(), found.end());
  return found;
}

class Regression : public testing::TestWithParam<fs::path> {
 protected:
  void SetUp() override {
    path_ = GetParam().string();
    const auto text = read_file(path_);
    ASSERT_TRUE(text.ok()) << text.error().message;
    text_ = *text;
    auto scenario = parse_scenario(text_, path_);
    ASSERT_TRUE(scenario.ok()) << scenario.error().message;
    scenario_ = std::move(scenario).value();
  }

  std::string path_;
  std::string text_;
  Scenario scenario_;
};

TEST_P(Regression, GoesAsItSays) {
  const auto account = run_scenario(scenario_);
  ASSERT_TRUE(account.ok()) << account.error().message;
  EXPECT_TRUE(verdict_line(account->result).starts_with("held")) << verdict_line(account->result);
  const std::string seen = print(scenario_, *account);
  EXPECT_EQ(seen, text_) << first_difference_line(path_, text_, seen) << "\n`powercut replay "
                         << path_
                         << " --rewrite` takes what is seen now: read the difference first";
}

// Latencies, and with them the order of tasks, are drawn from the seed.
TEST_P(Regression, HoldsUnderOtherSeeds) {
  CutManner manner;
  manner.illegal = sim::Illegal::kBent;
  for (scenario_.seed = 1; scenario_.seed <= kSeeds; ++scenario_.seed) {
    const auto account = run_scenario(scenario_, manner);
    ASSERT_TRUE(account.ok()) << account.error().message;
    EXPECT_TRUE(verdict_line(account->result).starts_with("held"))
        << "seed " << scenario_.seed << ": " << verdict_line(account->result);
  }
}

TEST_P(Regression, FailsWithItsBug) {
  bool tried = false;
  for (const std::string& line : scenario_.about) {
    tried |= line.starts_with(kFailedByHand);
    if (!line.starts_with(kFailsWith)) continue;
    tried = true;
    const std::string rest = line.substr(kFailsWith.size());
    const size_t end = rest.rfind(": ");
    ASSERT_NE(end, std::string::npos) << line;
    scenario_.mutant = faults::find_mutant(rest.substr(0, end));
    ASSERT_NE(scenario_.mutant, nullptr) << line;
    const auto account = run_scenario(scenario_);
    ASSERT_TRUE(account.ok()) << account.error().message;
    const RunResult& result = account->result;
    EXPECT_EQ(result.violation ? code_of(result.violation->breach)
              : result.refused ? "refused"
                               : "held",
              rest.substr(end + 2))
        << verdict_line(result);
  }
  EXPECT_TRUE(tried) << path_ << ": says of no change that it fails with";
}

INSTANTIATE_TEST_SUITE_P(Found, Regression, testing::ValuesIn(files()),
                         [](const auto& info) { return info.param.stem().string(); });

}  // namespace
}  // namespace powercut::scenarios
