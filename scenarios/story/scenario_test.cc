// Scenarios: text that parses back, runs that repeat, mistakes that are named.
#include "scenarios/story/scenario.h"

#include <gtest/gtest.h>

#include "scenarios/run/catalog.h"
#include "scenarios/story/scenario_file.h"

namespace powercut::scenarios {
namespace {

constexpr std::string_view kLostRename =
    "# A checkpoint whose rename was never synced.\n"
    "store policy=checkpoint persona=ext4-writeback mutant=tail-not-synced\n"
    "----\n"
    "\n"
    "start kill@rename:0:after\n"
    "SET a 1\n"
    "----\n"
    "\n"
    "recover cut@idle:0ns\n"
    "----\n"
    "\n"
    "cut\n"
    "rest lost\n"
    "----\n"
    "\n"
    "recover\n"
    "----\n";

Scenario parsed(std::string_view text) {
  auto scenario = parse_scenario(text, "test.scn");
  EXPECT_TRUE(scenario.ok()) << scenario.error().message;
  return scenario.ok() ? std::move(scenario).value() : Scenario{};
}

std::string told(const Scenario& scenario) {
  const auto account = run_scenario(scenario);
  return account.ok() ? print(scenario, *account) : account.error().message;
}

// `kLostRename` with one line put in the place of another.
std::string problem(const std::string& line, const std::string& other) {
  std::string text(kLostRename);
  const size_t at = text.find(line + '\n');
  EXPECT_NE(at, std::string::npos) << line;
  text.replace(at, line.size(), other);
  const auto scenario = parse_scenario(text, "test.scn");
  if (!scenario.ok()) return scenario.error().message;
  const auto account = run_scenario(*scenario);
  return account.ok() ? "fine" : account.error().message;
}

TEST(Scenario, IsAConversation) {
  EXPECT_EQ(told(parsed(kLostRename)),
            "# A checkpoint whose rename was never synced.\n"
            "store policy=checkpoint persona=ext4-writeback mutant=tail-not-synced\n"
            "----\n"
            "promised: nothing before the newest published checkpoint is lost\n"
            "\n"
            "start kill@rename:0:after\n"
            "SET a 1\n"
            "----\n"
            "nothing found: a fresh start\n"
            "1   acknowledged  SET a 1\n"
            "kill after rename dump.rdb\n"
            "\n"
            "recover cut@idle:0ns\n"
            "----\n"
            "1 keys from dump.rdb, 0 entries from 0 segments\n"
            "recovered operation 1 of 1; 0 acknowledged lost\n"
            "power cut between calls\n"
            "\n"
            "cut\n"
            "rest lost\n"
            "----\n"
            "dump.rdb is gone\n"
            "dump.rdb.replaced.1 is gone\n"
            "temp-dump.rdb is back, 110 bytes\n"
            "\n"
            "recover\n"
            "----\n"
            "nothing found: a fresh start\n"
            "recovered operation 0 of 1; 1 acknowledged lost\n"
            "broken: what a recovered store has served is gone (MON): recovered operation 0 of 1, "
            "but 1 was served after an earlier recovery\n");
}

TEST(Scenario, WithoutTheBugItHolds) {
  Scenario scenario = parsed(kLostRename);
  scenario.mutant = nullptr;
  EXPECT_TRUE(told(scenario).ends_with("\nheld\n")) << told(scenario);
}

TEST(Scenario, ATranscriptParsesBackToItself) {
  const std::string text = told(parsed(kLostRename));
  EXPECT_EQ(told(parsed(text)), text);
}

TEST(Scenario, StepsParseBack) {
  for (const std::string line :
       {"SET a 1", "@1 +40ms INCR n", "db2 MULTI; INCR a; EXEC", "wait BGREWRITEAOF",
        "@3 +20us db1 wait SET \"with space\" \"\\x00\\\\\\\"\\n;\"", "SET big \"L\"*11577",
        "SET \"\" \"@1\""}) {
    const auto step = parse_step(line);
    ASSERT_TRUE(step.ok()) << line << ": " << step.error().message;
    EXPECT_EQ(print(*step), line);
  }
}

TEST(Scenario, AMistakeIsNamedByFileAndLine) {
  const std::string store = "store policy=checkpoint persona=ext4-writeback mutant=tail-not-synced";
  EXPECT_EQ(problem("cut", "cat"),
            "test.scn:12: \"cat\" is no directive: store, start, schedule, cut, recover");
  EXPECT_EQ(problem("SET a 1", "SET a 1\r"),
            "test.scn:6: a carriage return; a line ends in a newline alone");
  EXPECT_EQ(problem("SET a 1", "SET a \"1"), "test.scn:6: a quoted word has no end");
  EXPECT_EQ(problem("SET a 1", "@64 SET a 1"), "test.scn:6: \"@64\": a client is @0 to @63");
  EXPECT_EQ(problem("SET a 1", "+1x SET a 1"),
            "test.scn:6: \"+1x\": a time to think is +1500ms, +20us or +7ns");
  EXPECT_EQ(problem("SET a 1", "wait"), "test.scn:6: there is no command in it");
  EXPECT_EQ(problem("recover cut@idle:0ns", "recover cut@idol:0ns"),
            "test.scn:9: fault plan: cut@idol:0ns: no such kind of call, at \"idol:0ns\"");
  EXPECT_EQ(problem("recover cut@idle:0ns", "start cut@idle:0ns"),
            "test.scn:9: `start` is the first life; the next are `recover`");
  EXPECT_EQ(
      problem(store, "store policy=sometimes persona=xfs"),
      "test.scn:2: there is no policy \"sometimes\"; `powercut list policies` names them all");
  EXPECT_EQ(problem(store, "store policy=always"), "test.scn:2: store: persona= is missing");
  EXPECT_EQ(problem(store, store + " seed=x"), "test.scn:2: store: \"x\" is no number");
  EXPECT_EQ(problem(store, store + " script=1000001"),
            "test.scn:2: store: script= is 1000000 at most");
  EXPECT_EQ(problem("rest lost", "size dump.rdb"),
            "test.scn:13: survival: \"size dump.rdb\": ends in no number");
  EXPECT_EQ(problem("rest lost", "journal 9"),
            "survival: \"journal 9\" is not legal here: 0 to 2 is");
}

// What they say to it themselves may break before what is told.
TEST(Scenario, TwinsHearItUnlessItIsToBeAlone) {
  const auto text = [](const char* twins) {
    std::string says = fmt::format(
        "store policy=always persona=ext4-ordered mutant=getex-logged-as-persist{}\n----\n\n"
        "start\nSETEX k 86400 v\n",
        twins);
    // What is looked at behind a write is drawn by its words.
    for (int n = 0; n < 40; ++n) says += fmt::format("GETEX k EX {}\n", 9000 + n);
    return says + "\nrecover\n";
  };
  EXPECT_NE(told(parsed(text(""))).find("(ANS)"), std::string::npos);
  const std::string alone = told(parsed(text(" twins=none")));
  EXPECT_NE(alone.find("(NPX)"), std::string::npos) << alone;
  EXPECT_EQ(told(parsed(alone)), alone);
}

// What a seed draws, written out, is the same run: it breaks the same promise. Seen over the runs
// of planted bugs, so that there is something to break.
TEST(Scenario, ARunWrittenOutBreaksTheSamePromise) {
  const auto workload = make_builtin("mixed", 1);
  uint64_t broken = 0;
  for (const char* mutant : {"no-sync:segment.commit", "failed-sync-retried", "ack-first"}) {
    for (uint64_t seed = 0; seed < 150; ++seed) {
      RunSpec spec;
      spec.workload = workload.get();
      spec.policy = &all_policies()[seed % all_policies().size()];
      spec.persona = &faults::all_personas()[seed % faults::all_personas().size()];
      spec.mutant = faults::find_mutant(mutant);
      spec.seed = seed;
      const RunResult result = run_once(spec);
      if (!result.violation) continue;
      ++broken;
      const auto scenario = scenario_of(spec);
      ASSERT_TRUE(scenario.ok()) << scenario.error().message << " " << run_id(spec);
      const std::string text = told(*scenario);
      EXPECT_NE(text.find(fmt::format("({})", code_of(result.violation->breach))),
                std::string::npos)
          << text;
      EXPECT_EQ(told(parsed(text)), text);
    }
  }
  EXPECT_GT(broken, 10u);
}

}  // namespace
}  // namespace powercut::scenarios
