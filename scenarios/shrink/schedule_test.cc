// Schedules in scenarios: a bug that one order of the tasks shows, stated turn by turn.
#include <gtest/gtest.h>

#include "scenarios/run/catalog.h"
#include "scenarios/shrink/shrink.h"
#include "scenarios/story/scenario.h"
#include "scenarios/story/story.h"

namespace powercut::scenarios {
namespace {

// A sync covers what is written when it returns: it takes a write while the sync is under way, and
// none after it.
constexpr std::string_view kRace =
    "store policy=everysec persona=ext4-ordered mutant=cover-read-late\n"
    "----\n"
    "promised: what is lost was acknowledged within the last second and the time of its sync, "
    "inside a window of 2 s\n"
    "\n"
    "start cut@idle:0ns\n"
    "@1 SET a 1\n"
    "SET b 2\n"
    "----\n"
    "nothing found: a fresh start\n"
    "2   acknowledged  SET a 1\n"
    "1   acknowledged  SET b 2\n"
    "power cut between calls\n"
    "\n"
    "schedule\n"
    "5 aof.writer\n"
    "----\n"
    "12 decisions\n"
    "5 aof.writer (next write appendonlydir/appendonly.aof.1.incr.aof) before client@1\n"
    "\n"
    "cut\n"
    "rest lost\n"
    "----\n"
    "appendonlydir/\n"
    "appendonlydir/appendonly.aof.1.incr.aof 133 bytes, of 205\n"
    "appendonlydir/appendonly.aof.manifest 114 bytes\n"
    "\n"
    "recover\n"
    "----\n"
    "0 keys from no base, 1 entries from 1 segments\n"
    "recovered operation 1 of 2; 1 acknowledged lost\n"
    "broken: more is lost than the bound allows (BND): recovered operation 1 of 2, but 2 was "
    "synced\n";

Scenario parsed(std::string_view text) {
  auto scenario = parse_scenario(text, "test.scn");
  EXPECT_TRUE(scenario.ok()) << scenario.error().message;
  return scenario.ok() ? std::move(scenario).value() : Scenario{};
}

std::string verdict(const Scenario& scenario) {
  const auto account = run_scenario(scenario);
  return account.ok() ? verdict_line(account->result) : account.error().message;
}

// `kRace` with the turn's line put otherwise.
std::string with_turn(const std::string& other) {
  constexpr std::string_view kTurn = "5 aof.writer\n";
  std::string text(kRace);
  text.replace(text.find(kTurn), kTurn.size(), other);
  const auto scenario = parse_scenario(text, "test.scn");
  return scenario.ok() ? verdict(*scenario) : scenario.error().message;
}

TEST(StatedSchedule, ShowsTheRace) {
  Scenario race = parsed(kRace);
  const auto account = run_scenario(race);
  ASSERT_TRUE(account.ok()) << account.error().message;
  EXPECT_EQ(print(race, *account), kRace);
  // Neither first in, first out alone, nor the engine without the bug.
  EXPECT_EQ(with_turn(""), "held");
  race.mutant = nullptr;
  EXPECT_EQ(verdict(race), "held");
}

TEST(StatedSchedule, TheStorySaysWhoWentFirst) {
  Scenario race = parsed(kRace);
  std::string story = tell_story(race, *run_scenario(race), {});
  EXPECT_NE(story.find("- the writer of the log goes on before client @1, to the write of\n"),
            std::string::npos)
      << story;
  // One client, and two turns for one thing.
  for (Step& step : race.script.lives[0]) step.client = 0;
  race.schedules[0] = {{6, "aof.writer"}, {7, "aof.writer"}};
  const auto account = run_scenario(race);
  ASSERT_TRUE(account.ok()) << account.error().message;
  story = tell_story(race, *account, {});
  const std::string_view line =
      "- the writer of the log goes on before the syncer of the log: so the write\n";
  EXPECT_NE(story.find(line), std::string::npos) << story;
  EXPECT_EQ(story.find(line), story.rfind(line)) << story;
}

// Whatever the seed is: nothing of the order is drawn any more.
TEST(StatedSchedule, NeedsNoLuck) {
  Scenario race = parsed(kRace);
  for (race.seed = 1; race.seed <= 40; ++race.seed)
    EXPECT_TRUE(verdict(race).starts_with("broken")) << race.seed;
}

TEST(StatedSchedule, ARunThatDepartsFromItHasNoVerdict) {
  EXPECT_EQ(with_turn("5 aof.syncer\n"),
            "the run departs from its schedule in life 0 at decision 5: aof.syncer is not ready; "
            "ready: client@1, aof.writer");
  EXPECT_EQ(with_turn("5 aof.writer\n40 keeper\n"),
            "the run departs from its schedule in life 0 at decision 40: there were only 12");
  // A search leaves out what cannot be taken.
  Scenario race = parsed(kRace);
  race.schedules[0]->push_back({40, "keeper"});
  CutManner bent;
  bent.illegal = sim::Illegal::kBent;
  EXPECT_TRUE(run_scenario(race, bent)->result.violation.has_value());
}

TEST(StatedSchedule, AMistakeIsNamedByFileAndLine) {
  EXPECT_EQ(with_turn("aof.writer\n"),
            "test.scn:15: \"aof.writer\": a turn is DECISION TASK, as in `12 aof.writer`");
  EXPECT_EQ(with_turn("5\n"), "test.scn:15: \"5\": a turn is DECISION TASK, as in `12 aof.writer`");
  EXPECT_EQ(with_turn("5 aof.writer\n4 keeper\n"),
            "test.scn:16: decision 4 comes before 5: turns stand in order");
  EXPECT_EQ(with_turn("\nschedule\n"), "test.scn:16: this life has a schedule already");
  for (const auto& [text, problem] :
       {std::pair("store policy=always persona=xfs\n\nschedule\n1 a\n",
                  "test.scn:3: `start` must come before `schedule`"),
        std::pair("store policy=always persona=xfs\n\nstart\n\nschedule fifo\n",
                  "test.scn:5: schedule: its turns stand in the lines below it")}) {
    const auto scenario = parse_scenario(text, "test.scn");
    ASSERT_FALSE(scenario.ok());
    EXPECT_EQ(scenario.error().message, problem);
  }
}

// Two clients that never wait, and a cut when all is answered: the race takes a certain order.
struct Race {
  RunSpec spec;
  Stated stated;
};
Race race_of(const Workload& workload) {
  Race race;
  RunSpec& spec = race.spec;
  Stated& stated = race.stated;
  spec.workload = &workload;
  spec.policy = find_policy("everysec");
  spec.persona = faults::find_persona("ext4-ordered");
  spec.mutant = faults::find_mutant("cover-read-late");
  spec.operations = 4;
  stated.plan = *faults::parse_plan("cut@idle:3s");
  stated.manners = Manners{};
  stated.manners->clients = 2;
  return race;
}

size_t turns(const Scenario& scenario) {
  size_t count = 0;
  for (const auto& schedule : scenario.schedules) count += schedule ? schedule->size() : 0;
  return count;
}

// It fails; with any turn left out it holds, or is no run at all; it holds without the bug.
void expect_shrinks_to_turns(const RunSpec& spec, const Stated& stated) {
  const auto scenario = scenario_of(spec, stated);
  ASSERT_TRUE(scenario.ok()) << scenario.error().message;
  EXPECT_GT(turns(*scenario), 0u);
  const auto shrunk = shrink(*scenario);
  ASSERT_TRUE(shrunk.ok()) << shrunk.error().message;
  const std::string text = print(shrunk->scenario, shrunk->account);
  SCOPED_TRACE(run_id(spec) + "\n" + text);
  EXPECT_GE(turns(shrunk->scenario), 1u);
  EXPECT_LE(turns(shrunk->scenario), 2u);
  EXPECT_LE(operations(shrunk->scenario), 3u);
  EXPECT_TRUE(verdict(shrunk->scenario).starts_with("broken"));
  EXPECT_EQ(print(parsed(text), *run_scenario(parsed(text))), text);
  for (auto& schedule : shrunk->scenario.schedules) {
    for (size_t i = 0; schedule && i < schedule->size(); ++i) {
      Scenario less = shrunk->scenario;
      auto& left = *less.schedules[static_cast<size_t>(&schedule - &shrunk->scenario.schedules[0])];
      left.erase(left.begin() + static_cast<ptrdiff_t>(i));
      EXPECT_EQ(verdict(less), "held") << "turn " << i;
    }
  }
  Scenario sound = shrunk->scenario;
  sound.mutant = nullptr;
  EXPECT_EQ(verdict(sound), "held");
}

TEST(StatedSchedule, WhatTheWalkFoundShrinksToOneTurnOrTwo) {
  const auto workload = make_builtin("mixed", 1);
  auto [spec, stated] = race_of(*workload);
  auto found = walk_schedules(spec, stated, 1, 3'000);
  for (; found.violations == 0 && spec.seed < 40; found = walk_schedules(spec, stated, 1, 3'000))
    ++spec.seed;
  ASSERT_GT(found.violations, 0u);
  spec.schedule = parse_run_id(found.first_violation)->spec.schedule;
  expect_shrinks_to_turns(spec, stated);
}

// Each of these shows with one delay and not without; this one where a sync has waited and had no
// effect yet (cut@...:returning).
TEST(StatedSchedule, WhatASyncReturningShowsIsWrittenOut) {
  const auto workload = make_builtin("mixed", 1);
  auto [spec, stated] = race_of(*workload);
  spec.mutant = faults::find_mutant("one-torn-batch");
  bool written = false;
  for (spec.seed = 1; !written && spec.seed <= 200; ++spec.seed) {
    spec.schedule = {};
    const auto found = walk_schedules(spec, stated, 1, 3'000);
    if (found.violations == 0) continue;
    spec.schedule = parse_run_id(found.first_violation)->spec.schedule;
    const auto scenario = scenario_of(spec, stated);
    ASSERT_TRUE(scenario.ok()) << scenario.error().message;
    written = print(scenario->plan).ends_with(":returning");
    EXPECT_EQ(*faults::parse_plan(print(scenario->plan)), scenario->plan);
  }
  EXPECT_TRUE(written);
}

TEST(StatedSchedule, WhatPrioritiesFoundShrinksToOneTurnOrTwo) {
  const auto workload = make_builtin("mixed", 1);
  auto [spec, stated] = race_of(*workload);
  spec.schedule.kind = ScheduleKind::kPct;
  stated.beside = Beside::kNothing;
  uint64_t found = 0;
  for (spec.seed = 1; spec.seed <= 3'000 && found < 3; ++spec.seed) {
    if (!run_once(spec, stated).violation) continue;
    ++found;
    expect_shrinks_to_turns(spec, stated);
  }
  EXPECT_GT(found, 1u);
}

}  // namespace
}  // namespace powercut::scenarios
