// The toy log, from outside the judge's folder: swept, explored, shrunk and told.
#include "experiments/toy_log/toy_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scenarios/explore/smallest.h"
#include "scenarios/run/targets.h"
#include "scenarios/shrink/shrink.h"
#include "scenarios/story/story.h"
#include "scenarios/sweep/subject.h"

namespace powercut::toy_log {
namespace {

using scenarios::Breach;
using ::testing::HasSubstr;

const ToyLogType kBuggy(false);
const ToyLogType kFixed(true);

scenarios::SweepOptions options_for(const scenarios::TargetType& type) {
  static const bool known = [] {
    scenarios::add_target(kFixed);
    scenarios::add_target(kBuggy);
    return true;
  }();
  EXPECT_TRUE(known);
  scenarios::CommonOptions common;
  common.target = type.name();
  common.policy = "always";
  common.faults = "kill,power-cut,torn,short-io,recovery-cut";
  auto options = scenarios::look_up(common);
  EXPECT_TRUE(options.ok());
  return std::move(options).value();
}

std::optional<scenarios::RunSpec> first_broken(const scenarios::SweepOptions& options) {
  for (uint64_t seed = 1; seed <= 400; ++seed) {
    const scenarios::RunSpec spec = scenarios::spec_of(options, seed);
    if (scenarios::run_once(spec).violation) return spec;
  }
  return std::nullopt;
}

TEST(ToyLog, ASweepFindsTheBugAndNothingInTheSoundOne) {
  EXPECT_TRUE(first_broken(options_for(kBuggy)).has_value());
  const auto sound = first_broken(options_for(kFixed));
  EXPECT_FALSE(sound.has_value()) << scenarios::run_id(*sound);
}

TEST(ToyLog, WhatASweepFoundShrinksToOneLineAndIsTold) {
  const auto options = options_for(kBuggy);
  const auto spec = first_broken(options);
  ASSERT_TRUE(spec.has_value());
  const auto scenario = scenarios::scenario_of(*spec);
  ASSERT_TRUE(scenario.ok()) << scenario.error().message;
  const auto shrunk = scenarios::shrink(*scenario);
  ASSERT_TRUE(shrunk.ok()) << shrunk.error().message;
  EXPECT_EQ(scenarios::operations(shrunk->scenario), 1u);
  EXPECT_EQ(shrunk->account.result.violation->breach, Breach::kLost);
  EXPECT_THAT(scenarios::tell_story(shrunk->scenario, shrunk->account,
                                    scenarios::missing_fences(shrunk->scenario)),
              HasSubstr("A sync of the directory that all is in (the root)\n"
                        "    after   the open of log"));
  // The file names its engine, and reads back.
  const std::string text = scenarios::print(shrunk->scenario, shrunk->account);
  EXPECT_THAT(text, HasSubstr(" target=toy-log\n"));
  const auto read = scenarios::parse_scenario(text, "toy.scn");
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(scenarios::print(*read, *scenarios::run_scenario(*read)), text);
}

TEST(ToyLog, TheExplorerFindsItAndProvesTheSoundOne) {
  const auto few = kBuggy.workloads()[1];
  const auto persona = faults::find_persona("posix-min");
  scenarios::ExploreSpec spec;
  spec.workload = few.get();
  spec.policy = scenarios::find_policy("always");
  spec.personas = {persona};
  spec.depth = 2;
  spec.target = &kFixed;
  const auto sound = scenarios::explore(spec);
  EXPECT_TRUE(sound.by_persona[0].complete);
  EXPECT_EQ(sound.by_persona[0].violations, 0u);
  EXPECT_GT(sound.by_persona[0].classes, 100u);

  spec.target = &kBuggy;
  const auto broken = scenarios::explore(spec);
  ASSERT_FALSE(broken.by_persona[0].first.empty());
  const auto small = scenarios::smallest(spec, broken.by_persona[0].first[0]);
  ASSERT_TRUE(small.ok()) << small.error().message;
  EXPECT_EQ(scenarios::operations(small->scenario), 1u);
}

TEST(ToyLog, ARunsIdNamesItsTarget) {
  const auto options = options_for(kBuggy);
  const std::string id = scenarios::run_id(scenarios::spec_of(options, 7));
  EXPECT_THAT(id, ::testing::StartsWith("toy-log+lines:always:"));
  const auto recipe = scenarios::parse_run_id(id);
  ASSERT_TRUE(recipe.ok()) << recipe.error().message;
  EXPECT_EQ(recipe->spec.target, &kBuggy);
  EXPECT_EQ(scenarios::run_id(recipe->spec), id);
  const auto unknown = scenarios::parse_run_id("no-log+lines:always:xfs:all:200:1");
  ASSERT_FALSE(unknown.ok());
  EXPECT_THAT(unknown.error().message, HasSubstr("no target \"no-log\""));
}

}  // namespace
}  // namespace powercut::toy_log
