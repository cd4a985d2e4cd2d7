// Every bug that a sweep found in powercut itself, as a file with its story
// (scenarios/regressions/).
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "scenarios/catalog.h"
#include "scenarios/run.h"

namespace powercut::scenarios {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kSeeds = 60;

std::vector<fs::path> files() {
  std::vector<fs::path> found;
  for (const auto& entry :
       fs::directory_iterator(fs::path(POWERCUT_SOURCE_DIR) / "scenarios/regressions")) {
    if (entry.path().extension() == ".txt") found.push_back(entry.path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

std::map<std::string, std::string> fields_of(const fs::path& path) {
  std::map<std::string, std::string> fields;
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) {
    const size_t colon = line.find(": ");
    if (line.starts_with('#') || colon == std::string::npos) continue;
    fields[line.substr(0, colon)] = line.substr(colon + 2);
  }
  return fields;
}

std::vector<std::string> words(const std::string& line) {
  std::istringstream in(line);
  return {std::istream_iterator<std::string>(in), {}};
}

class Regression : public testing::TestWithParam<fs::path> {};

TEST_P(Regression, Passes) {
  auto fields = fields_of(GetParam());
  const auto workload = find_workload(fields["workload"]);
  ASSERT_TRUE(workload.ok()) << workload.error().message;
  const auto plan = faults::parse_plan(fields["plan"]);
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  uint64_t mishaps = 0;
  for (const std::string& policy : words(fields["policies"])) {
    for (const std::string& persona : words(fields["personas"])) {
      for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
        RunSpec spec;
        spec.workload = workload->get();
        spec.policy = find_policy(policy);
        spec.persona = faults::find_persona(persona);
        ASSERT_NE(spec.policy, nullptr) << policy;
        ASSERT_NE(spec.persona, nullptr) << persona;
        spec.seed = seed;
        spec.plan = *plan;
        const RunResult result = run_once(spec);
        mishaps +=
            result.crashes + result.branches[static_cast<size_t>(Branch::kFailedOnInjectedError)];
        EXPECT_EQ(result.harness_fault, "");
        EXPECT_FALSE(result.violation.has_value())
            << run_id(spec) << ": " << result.violation->oracle << ": " << result.violation->text;
      }
    }
  }
  EXPECT_GT(mishaps, 0u) << "nothing happened";
}

INSTANTIATE_TEST_SUITE_P(Found, Regression, testing::ValuesIn(files()),
                         [](const auto& info) { return info.param.stem().string(); });

}  // namespace
}  // namespace powercut::scenarios
