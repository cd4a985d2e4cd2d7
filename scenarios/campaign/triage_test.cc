#include "scenarios/campaign/triage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "scenarios/campaign/ci.h"
#include "scenarios/campaign/corpus.h"
#include "scenarios/story/scenario_file.h"
#include "scenarios/sweep/subject.h"

namespace powercut::scenarios {
namespace {

using testing::HasSubstr;
using testing::Not;

SweepOptions with(const std::string& mutant, uint64_t seeds) {
  CommonOptions common;
  common.workload = "set100";
  common.policy = "always,no";
  common.persona = "ext4-ordered,ext4-writeback,xfs";
  common.faults = "power-cut";
  common.mutant = mutant;
  common.operations = 20;
  SweepOptions options = look_up(common).value();
  options.seeds = seeds;
  options.jobs = 2;
  return options;
}

Outcome triaged(const SweepOptions& options) {
  Outcome outcome;
  outcome.options = options;
  outcome.canary = "found";
  SweepHooks hooks;
  hooks.on_chunk = [&](uint64_t, const Tally& chunk) { outcome.tally.merge(chunk); };
  run_sweep(options, 0, {}, 0, hooks);
  return outcome;
}

KnownFailure known(const Failure& failure, bool fixed = false) {
  return {failure.signature, "issue 12", fixed};
}

TEST(Triage, OneBugIsOneFailureOfEachPromiseAndClassOfPersonas) {
  const Outcome outcome = triaged(with("no-sync:segment.commit", 400));
  ASSERT_GT(outcome.tally.violations, 20u);
  const Triage found = triage(outcome.tally, {}, {.variants = 2, .tries_max = 500});
  ASSERT_GE(found.failures.size(), 2u);
  uint64_t alike = 0;
  for (const Failure& failure : found.failures) {
    EXPECT_EQ(failure.signature.cause, "no-sync:segment.commit");
    EXPECT_TRUE(failure.signature.personas == "ext4" || failure.signature.personas == "xfs");
    EXPECT_EQ(
        std::count_if(found.failures.begin(), found.failures.end(),
                      [&](const Failure& other) { return other.signature == failure.signature; }),
        1);
    EXPECT_LE(failure.variants.size(), 2u);
    ASSERT_TRUE(failure.small) << failure.not_small;
    EXPECT_EQ(code_of(failure.small->account.result.violation->breach), failure.signature.promise);
    alike += failure.alike;
  }
  EXPECT_EQ(alike, outcome.tally.violations);
}

// A bug that nobody planted is known by the sync that would have kept the promise: here one that is planted,
// and the IDs do not say so.
TEST(Triage, WhereNothingIsPlantedTheMissingSyncIsTheCause) {
  const Outcome outcome = triaged(with("no-sync:segment.commit", 64));
  const auto [kind, some] = *outcome.tally.kinds.begin();
  const auto recipe = parse_run_id(some.found.begin()->second.id);
  const auto scenario = scenario_of(recipe->spec);
  ASSERT_TRUE(scenario.ok());
  EXPECT_THAT(cause_of(*scenario), HasSubstr("no sync of appendonlydir/appendonly.aof.#.incr.aof"));
}

TEST(Triage, WhatIsKnownIsCountedAndFailsNoMore) {
  Outcome outcome = triaged(with("no-sync:segment.commit", 200));
  EXPECT_EQ(status_of(outcome), kBroken);
  const TriageOptions options{.variants = 0, .tries_max = 300};
  const Triage first = triage(outcome.tally, {}, options);
  EXPECT_EQ(first.known_violations, 0u);
  std::vector<KnownFailure> all;
  for (const Failure& failure : first.failures) all.push_back(known(failure));
  const Triage again = triage(outcome.tally, all, options);
  EXPECT_EQ(again.known_violations, outcome.tally.violations);
  EXPECT_TRUE(again.not_seen.empty());
  outcome.known = again.known_violations;
  EXPECT_EQ(status_of(outcome), kHeld);
  EXPECT_THAT(failures_text(again, "powercut"), HasSubstr("is known: issue 12"));
  // One that was not seen; one that was fixed, and came back.
  all.push_back({{"LAW", "no such bug", "ext4"}, "issue 3", false});
  all[0].fixed = true;
  const Triage other = triage(outcome.tally, all, options);
  ASSERT_EQ(other.not_seen.size(), 1u);
  EXPECT_EQ(other.not_seen[0].note, "issue 3");
  EXPECT_TRUE(other.failures[0].came_back);
  outcome.known = other.known_violations;
  EXPECT_EQ(status_of(outcome), kBroken);
  EXPECT_THAT(failures_text(other, "powercut"), HasSubstr("came back: issue 12"));
  EXPECT_THAT(failures_text(other, "powercut"), HasSubstr("known, and not seen"));
}

TEST(Triage, AFileOfKnownFailuresIsReadOrSaysWhatIsWrong) {
  const std::string path = ::testing::TempDir() + "known.json";
  const auto read = [&](const std::string& text) {
    EXPECT_TRUE(write_file(path, text).ok());
    return read_known(path);
  };
  const auto one = read(R"([{"promise": "LAW", "cause": "x", "personas": "ext4", "fixed": true}])");
  ASSERT_TRUE(one.ok()) << one.error().message;
  EXPECT_TRUE(one->front().fixed);
  EXPECT_EQ(read("[]")->size(), 0u);
  for (const char* wrong : {"", "[1]", "[{\"promise\": \"LAW\"}]", "[{\"promise\": 1}]"})
    EXPECT_THAT(read(wrong).error().message, HasSubstr("known.json: no list")) << wrong;
  std::filesystem::remove(path);
}

// --- What CI is told ---

TEST(Ci, AReportNamesEachCaseThatBroke) {
  const Outcome outcome = triaged(with("no-sync:segment.commit", 400));
  const CiReport report = ci_report(outcome, nullptr, "powercut");
  EXPECT_EQ(report.cases.size(), 6u);
  const std::string xml = junit_text(report);
  EXPECT_THAT(xml, HasSubstr("<testsuite name=\"always\" tests=\"3\" failures=\"3\""));
  EXPECT_THAT(xml, HasSubstr("<testsuite name=\"no\" tests=\"3\" failures=\"0\""));
  EXPECT_THAT(xml, HasSubstr("an acknowledged write is lost (LAW)"));
  EXPECT_THAT(xml, HasSubstr("powercut replay set100:always:"));
  EXPECT_THAT(github_summary(report), HasSubstr("| always | xfs | BROKEN ("));
  const std::string lines = github_annotations(report);
  EXPECT_THAT(lines, HasSubstr("::error title=always on xfs::an acknowledged write is lost"));
  EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), 3);
}

CiReport many_broken(size_t count) {
  CiReport report;
  for (size_t i = 0; i < count; ++i)
    report.cases.push_back(
        {"a,b:c", "p" + std::to_string(i), 1, false, {{"lost", "50%\nof all", "", false}}, {}});
  return report;
}

TEST(Ci, AnnotationsAreTenAtMostAndEscaped) {
  const auto lines = [](size_t count) {
    const std::string text = github_annotations(many_broken(count));
    return std::count(text.begin(), text.end(), '\n');
  };
  EXPECT_EQ(lines(0), 0);
  EXPECT_EQ(lines(10), 10);
  EXPECT_EQ(lines(11), 10);
  EXPECT_EQ(lines(500), 10);
  EXPECT_THAT(github_annotations(many_broken(12)), HasSubstr("and 3 more"));
  EXPECT_THAT(github_annotations(many_broken(1)),
              HasSubstr("::error title=a%2Cb%3Ac on p0::lost: 50%25%0Aof all"));
}

TEST(Ci, WhatIsKnownOrNotJudgedIsSkippedAndNoFailure) {
  CiReport report = many_broken(3);
  report.cases[0].known = report.cases[0].failures[0].known = true;
  report.cases[1].violations = 0;
  report.cases[1].failures.clear();
  report.cases[1].not_judged = "not all: 2 of 3 shards";
  const std::string xml = junit_text(report);
  EXPECT_THAT(xml, HasSubstr("tests=\"3\" failures=\"1\" skipped=\"2\""));
  EXPECT_THAT(xml, HasSubstr("not all: 2 of 3 shards"));
  const std::string lines = github_annotations(report);
  EXPECT_THAT(lines, Not(HasSubstr("p0")));
  EXPECT_THAT(lines, HasSubstr("p2"));
}

TEST(Ci, WhateverAWorkloadIsCalledTheReportIsXml) {
  CiReport report = many_broken(1);
  report.cases[0].failures[0].text = "a<b>&\"\x01\xff";
  EXPECT_THAT(junit_text(report), HasSubstr("a&lt;b&gt;&amp;&quot; \xEF\xBF\xBD"));
}

// --- Corpus ---

TEST(Corpus, KeepsWhatReachesSomethingNewAndIsPruned) {
  SweepOptions options = with("", 120);
  options.faults = faults::FaultSet::all();
  options.witnesses = true;
  const Outcome outcome = triaged(options);
  const auto first = new_runs(outcome.tally, {});
  ASSERT_GT(first.size(), 3u);
  EXPECT_LT(first.size(), 120u);
  const Replayed replayed = replay_corpus(first, options);
  EXPECT_EQ(replayed.of_another_build, 0u);
  uint64_t cells = 0;
  for (size_t i = 0; i < kCells; ++i) {
    cells += outcome.tally.coverage[i] != 0 ? 1 : 0;
    EXPECT_EQ(replayed.reached[i], outcome.tally.coverage[i] != 0) << i;
  }
  EXPECT_GT(cells, 20u);
  EXPECT_TRUE(new_runs(outcome.tally, replayed.reached).empty()) << "the same sweep is no news";
  // Behind themselves they reach nothing new.
  auto twice = replayed.kept;
  twice.insert(twice.end(), first.begin(), first.end());
  EXPECT_EQ(replay_corpus(twice, options).kept, replayed.kept);
  options.jobs = 1;
  EXPECT_EQ(replay_corpus(first, options).kept, replayed.kept);
}

TEST(Corpus, RecognisesRunsOfAnotherBuildAndOfAnotherStore) {
  SweepOptions options = with("", 40);
  options.witnesses = true;
  auto ids = new_runs(triaged(options).tally, {});
  ASSERT_GE(ids.size(), 2u);
  const std::string mine = ids[0];
  ids[0].back() = ids[0].back() == '0' ? '1' : '0';
  ids.emplace_back("set100:always:xfs:power-cut:20:1:no-sync:segment.commit");
  ids.emplace_back("nonsense");
  const Replayed replayed = replay_corpus(ids, options);
  EXPECT_EQ(replayed.of_another_build, 1u);
  EXPECT_EQ(replayed.kept[0], mine) << "with the fingerprint that it has now";
  ASSERT_EQ(replayed.foreign.size(), 1u);
  EXPECT_EQ(replayed.unreadable, 1u);
  EXPECT_EQ(replayed.tally.violations, 0u);
}

TEST(Corpus, IsATextFile) {
  const std::string path = ::testing::TempDir() + "corpus.txt";
  std::filesystem::remove(path);
  EXPECT_TRUE(read_corpus(path)->empty());
  ASSERT_TRUE(write_file(path, print_corpus({"a", "b"})).ok());
  EXPECT_EQ(*read_corpus(path), (std::vector<std::string>{"a", "b"}));
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace powercut::scenarios
