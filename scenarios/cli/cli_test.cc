// The command line, by the real binary: what it prints, where, and its exit status.
#include "scenarios/cli/cli.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "scenarios/cli/cli_testing.h"
#include "scenarios/run/catalog.h"
#include "scenarios/story/scenario_file.h"
#include "sim/request.h"

namespace powercut::scenarios {
namespace {

TEST_F(Cli, WrongArgumentsAreOneLineAndStatus2) {
  refused("", 2, "subcommand");
  refused("swoop", 2, "\"swoop\"");
  refused("explore --mutant ''", 2, "--mutant");
  refused("sweep --nope", 2, "--nope");
  refused("sweep --seeds 0", 2, "--seeds");
  refused("sweep --seeds -1", 2, "--seeds");
  refused("sweep --seeds many", 2, "--seeds");
  refused("sweep --seeds 9 --seconds 9", 2, "excludes");
  refused("sweep --jobs 0", 2, "--jobs");
  refused("sweep --policy sometimes", 2, "\"sometimes\"");
  refused("sweep --policy always,", 2, "\"\"");
  refused("sweep --persona fat", 2, "\"fat\"");
  refused("sweep --faults rust", 2, "\"rust\"");
  refused("sweep --mutant ninja", 2, "\"ninja\"");
  refused("sweep --workload nosuch", 2, "\"nosuch\"");
  refused("replay nonsense", 2, "\"nonsense\"");
  refused("replay set100:always:xfs:all:100:x", 2, "no seed");
  refused("replay set100:always:xfs:all:100:1:ninja", 2, "\"ninja\"");
  refused("list dragons", 2, "dragons");
  refused("list mutants ninja", 2, "\"ninja\"");
  refused("list personas xfs", 2, "\"xfs\"");
  refused("list mutants ''", 2, "name");
}

TEST_F(Cli, WhatCannotBeReadIsOneLineAndStatus3) {
  refused("sweep --workload ./nosuch.aof", 3, "No such file");
  refused("sweep --workload " + folder_.string(), 3, "directory");
  refused("sweep --workload " + write("empty.aof", ""), 3, "no commands");
  refused("sweep --workload " + write("garbage.aof", "\x01\x02 not RESP"), 3, "offset 0");
  const std::string whole = sim::encode_request({"SET", "k", "v"});
  refused("sweep --workload " + write("cut.aof", whole + whole.substr(0, 9)), 3,
          fmt::format("offset {}", whole.size()));
  refused("sweep --workload " + write("multi.aof", sim::encode_request({"MULTI"}) + whole), 3,
          "EXEC");
  refused("replay ./nosuch.aof:always:xfs:all:100:1", 3, "No such file");
}

std::string requests(const std::vector<std::vector<std::string>>& all) {
  std::string bytes;
  for (const auto& words : all) bytes += sim::encode_request(words);
  return bytes;
}

const std::vector<std::string> kVerbsOfAWorkload = {"run", "run --delays 1", "sweep --seeds 9",
                                                    "explore", "fences --seeds 9"};

TEST_F(Cli, WhatNobodyCanJudgeIsRefusedByEveryVerb) {
  const std::string window = write(
      "window.aof", requests({{"SELECT", "1"},
                              {"SET", "a", "1"},
                              {"CONFIG", "SET", "appendfsync", "no", "aof-loss-window-ms", "9"}}));
  const std::string vacuous =
      write("vacuous.aof",
            requests({{"NOSUCH", "s", "f", "v"}, {"SET", "a"}, {"SHUTDOWN"}, {"GET", "a"}}));
  const std::string where = "window.aof request 3, offset 50: CONFIG SET appendfsync";
  const std::string counts =
      "4 requests: 1 unknown command, 1 answered with an error, 2 that change nothing";
  for (const std::string& verb : kVerbsOfAWorkload) {
    refused(verb + " --workload " + window, 3, where);
    refused(verb + " --workload " + vacuous, 3, counts);
  }
  for (const std::string verb : {"replay ", "shrink "}) {
    refused(verb + window + ":always:xfs:all:100:1", 3, where);
    refused(verb + vacuous + ":always:xfs:all:100:1", 3, counts);
    refused(verb + write("window.scn",
                         "store policy=always persona=xfs\n\nstart\nSET a 1\n"
                         "MULTI; config set AOF-LOSS-WINDOW-MS 9; EXEC\n"),
            3, "window.scn:5: MULTI; config set AOF-LOSS-WINDOW-MS 9; EXEC: not judged");
  }
}

// The whole workload writes, and what is run of it does not.
TEST_F(Cli, ARunThatWritesNothingSaysSo) {
  const std::string late =
      write("late.aof", requests({{"GET", "a"}, {"GET", "b"}, {"SHUTDOWN"}, {"SET", "a", "1"}}));
  EXPECT_EQ(run("explore --policy always --persona xfs --workload " + late).status, 3);
  const Ran ran = run("run --faults none --policy always --persona xfs --workload " + late);
  EXPECT_EQ(ran.status, 3);
  EXPECT_THAT(ran.err, HasSubstr("nothing is judged"));
  std::vector<std::vector<std::string>> reads(300, {"GET", "a"});
  reads.push_back({"SET", "a", "1"});
  const Ran sweep =
      run("sweep --seeds 7 --ops 1 --workload " + write("reads.aof", requests(reads)));
  EXPECT_EQ(sweep.status, 3);
  EXPECT_THAT(sweep.err, HasSubstr("no write was acknowledged"));
  EXPECT_THAT(sweep.out, testing::Not(HasSubstr("all promises held")));
  const Ran scenario =
      run("replay --json " + write("reads.scn",
                                   "store policy=always persona=xfs\n----\npromised: nothing "
                                   "acknowledged is lost\n\nstart\nGET a\n----\nnothing found: "
                                   "a fresh start\n    answered      GET a\nshut down, then a "
                                   "power cut\n"));
  EXPECT_EQ(scenario.status, 6) << scenario.err;
  EXPECT_EQ(run("replay --rewrite " + path("reads.scn")).status, 3);
  EXPECT_EQ(run("replay " + path("reads.scn")).status, 3);
}

TEST_F(Cli, AnExplorationThatIsNotCompleteIsStatus5) {
  EXPECT_EQ(run("explore --policy always --persona xfs").status, 0);
  const Ran few = run("explore --policy always --persona xfs --most 100 --json");
  EXPECT_EQ(few.status, 5);
  EXPECT_EQ(nlohmann::json::parse(few.out)["complete"], false);
  EXPECT_EQ(run("run --workload demo8 --delays 1 --most 2 --policy always").status, 5);
  const std::vector<std::string> set = {"SET", "a", "1"};
  const std::string options = "explore --policy always --persona xfs --workload ";
  EXPECT_EQ(run(options + write("end.aof", requests({set, {"SHUTDOWN"}}))).status, 0);
  const Ran ended = run(options + write("ends.aof", requests({set, {"SHUTDOWN"}, set, set})));
  EXPECT_EQ(ended.status, 5);
  EXPECT_THAT(ended.out, HasSubstr("a client ends the store, with 2 more"));
}

TEST_F(Cli, ALongExplorationSaysWhatItMayTake) {
  std::vector<std::vector<std::string>> all = {{"MULTI"}};
  for (int i = 0; i < 1'000; ++i)
    all.push_back({"SET", "key:" + std::to_string(i), std::to_string(i)});
  all.push_back({"EXEC"});
  // It goes on for long: once it has said so it is not waited for.
  const std::string explore =
      POWERCUT_BINARY
      " explore --policy always --persona lying --jobs 1 --most 250000 --workload " +
      write("many.aof", requests(all));
  const Ran ran = run(
      "--version && { " + explore +
      " 2>said & until grep -q . said || ! kill -0 $!; do sleep 0.1; done; kill $!; wait $!; }");
  EXPECT_NE(ran.status, 0);
  EXPECT_THAT(read("said"), HasSubstr("0 of 1 certificates"));
  EXPECT_THAT(read("said"), HasSubstr("at most, with 250000 classes each"));
}

// Any name that the disk takes, in any JSON.
TEST_F(Cli, JsonIsJsonWhateverAFileIsCalled) {
  const std::string name = "\xff\xfe.aof";
  write(name, requests({{"SET", "a", "1"}, {"INCR", "n"}}));
  const std::string options =
      " --json --policy always --persona xfs --workload '" + path(name) + "'";
  for (const std::string& verb : kVerbsOfAWorkload) {
    const Ran ran = run(verb + options);
    EXPECT_EQ(ran.status, 0) << verb << ": " << ran.err;
    EXPECT_FALSE(nlohmann::json::parse(ran.out, nullptr, false).is_discarded()) << verb;
  }
  const auto walk = nlohmann::json::parse(run("run --delays 1" + options).out);
  EXPECT_TRUE(walk["first_violation"].is_null());
  EXPECT_EQ(run("sweep --seeds 40 --campaign kept" + options).status, 0);
  const Ran broken = run("shrink --json '" + path(name) +
                         ":always:posix-min:power-cut:9:1:no-sync:segment.commit'");
  EXPECT_FALSE(nlohmann::json::parse(broken.out, nullptr, false).is_discarded()) << broken.err;
  const std::string odd =
      write("odd.scn", "store policy=always persona=xfs\n\nstart\nSET a \"\xff\"\n");
  const Ran replayed = run("replay --json " + odd);
  EXPECT_FALSE(nlohmann::json::parse(replayed.out, nullptr, false).is_discarded()) << replayed.err;
}

TEST_F(Cli, WithKillsAloneThePowerIsNeverCut) {
  // demo40, which need not be generated first.
  const auto cuts = [&](const std::string& faults) {
    int told = 0;
    for (int seed = 1; seed <= 40; ++seed) {
      const Ran ran = run(fmt::format("run --workload demo40 --faults {} --seed {}", faults, seed));
      EXPECT_EQ(ran.status, 0) << seed;
      for (const char* text : {"cut here instead", "power cut"})
        told += ran.out.find(text) != ran.out.npos ? 1 : 0;
    }
    return told;
  };
  EXPECT_EQ(cuts("kill"), 0);
  EXPECT_GT(cuts("kill,power-cut"), 20);
  refused("run --faults kill --beside some", 2, "power-cut is not among the faults");
  refused("replay set100:always:xfs:kill/beside=all:9:1", 2, "power-cut is not among the faults");
  refused("replay set100:always:xfs:kill/aside=all:9:1", 2, "aside=all");
}

TEST_F(Cli, WhatIsJudgedBesideARunIsStatedInItsId) {
  const auto recoveries = [&](const std::string& beside) {
    const Ran ran = run("sweep --seeds 70 --ops 60 --no-steer --json " + beside);
    EXPECT_EQ(ran.status, 0) << ran.err;
    return nlohmann::json::parse(ran.out)["recoveries"].get<uint64_t>();
  };
  const uint64_t none = recoveries("--beside none");
  const uint64_t some = recoveries("");
  EXPECT_LT(none, some);
  EXPECT_EQ(some, recoveries("--beside some"));
  EXPECT_GT(recoveries("--beside all"), some);
  const Ran sweep =
      run("sweep --json --policy always --persona ext4-ordered --seeds 40 --beside all --mutant "
          "no-sync:segment.commit");
  const auto json = nlohmann::json::parse(sweep.out);
  const std::string id = json["first_violation"];
  EXPECT_THAT(id, HasSubstr(":all/beside=all:200:"));
  EXPECT_EQ(run("replay " + id).status, 1);
}

// The table's worst loss of a policy is never nought where something was lost.
TEST_F(Cli, ALossWithoutABoundIsShown) {
  const Ran ran = run("sweep --policy no --persona posix-min --seeds 200 --json");
  const auto row = nlohmann::json::parse(ran.out)["policies"][0];
  EXPECT_GT(row["lost_ops_max"], 10u);
  ASSERT_TRUE(row["worst"].is_object());
  EXPECT_EQ(row["worst"]["lost_ops"], row["lost_ops_max"]);
  EXPECT_EQ(row["worst"]["bound_ms"], -1);
}

TEST_F(Cli, AScenarioSaysThatTheBugItNamesIsNotPlanted) {
  const std::string file = POWERCUT_SOURCE_DIR "/scenarios/regressions/turn_on_loses_a_write.scn";
  const Ran held = run("replay " + file);
  EXPECT_EQ(held.status, 0);
  EXPECT_THAT(held.err, HasSubstr("log-on-without-base that it fails with is not planted"));
  const Ran broken = run("replay --json --mutant log-on-without-base " + file);
  EXPECT_EQ(broken.status, 1) << broken.err;
  EXPECT_EQ(nlohmann::json::parse(broken.out)["mutant"], "log-on-without-base");
  refused("replay --mutant ninja " + file, 2, "\"ninja\"");
  refused("replay --mutant log-on-without-base --rewrite " + file, 2, "--rewrite");
  refused("replay --mutant log-on-without-base set100:always:xfs:none:9:1", 2, "FILE.scn");
  refused("shrink " + file, 2, "log-on-without-base that it fails with is not planted");
}

// What it is about is a start, and it is known to fail.
TEST_F(Cli, ARegressionWithoutAWriteIsReplayed) {
  const Ran held =
      run("replay " POWERCUT_SOURCE_DIR "/scenarios/regressions/replaced_manifest_reused.scn");
  EXPECT_EQ(held.status, 0) << held.err;
}

TEST_F(Cli, ACampaignThatCannotBeUsedIsOneLineAndStatus3AndLeftAsItIs) {
  refused("sweep --seeds 9 --campaign " + path("no/such/folder"), 3, "no/such/folder");
  refused("sweep --seeds 9 --campaign " + folder_.string(), 3, "campaign");
  const std::string garbage(5'000, 'g');
  refused("sweep --seeds 9 --campaign " + write("garbage", garbage), 3, "not a database");
  EXPECT_EQ(read("garbage"), garbage);
  refused("sweep --seeds 9 --policy never --campaign " + path("fresh"), 2, "\"never\"");
  EXPECT_FALSE(fs::exists(path("fresh"))) << "made for a command that was refused";
}

TEST_F(Cli, ACampaignGoesOnWithTheSameOptionsOnly) {
  const std::string command = "sweep --json --workload set100 --ops 20 --seeds 100 ";
  const auto whole = nlohmann::json::parse(run(command).out);
  EXPECT_EQ(run(command + "--campaign c").status, 0);
  const auto again = nlohmann::json::parse(run(command + "--campaign c --jobs 1").out);
  for (const char* key : {"runs", "crashes", "recoveries", "trace_hash", "policies"}) {
    EXPECT_EQ(whole[key], again[key]) << key;
  }
  refused("sweep --workload set100 --ops 21 --seeds 100 --campaign c", 2, "other options");
  std::string bytes = read("c");
  bytes.resize(bytes.size() / 2);
  refused(command + "--campaign " + write("c", bytes), 3, "campaign");
}

// Killed at any moment, a campaign is whole; after Ctrl-C it has all that was run. Not steered: of a round of a steered
// one nothing is kept before its end.
TEST_F(Cli, ACampaignSurvivesItsProcess) {
  const std::string options = "sweep --json --no-steer --ops 50 --seeds 700 ";
  const auto whole = nlohmann::json::parse(run(options).out);
  const std::string kept = options + "--jobs 1 --campaign c";
  const auto after = [&](const std::string& signal) {
    return run(fmt::format(
        "--version && timeout --preserve-status -s {} 0.5 " POWERCUT_BINARY " {}", signal, kept));
  };
  const Ran killed = after("KILL");
  EXPECT_NE(killed.status, 0);
  const Ran interrupted = after("INT");
  EXPECT_TRUE(interrupted.status == 130 || interrupted.status == 0) << interrupted.status;
  const auto finished = nlohmann::json::parse(run(kept).out);
  for (const char* key :
       {"runs", "crashes", "recoveries", "trace_hash", "policies", "fault_hits"}) {
    EXPECT_EQ(whole[key], finished[key]) << key;
  }
}

TEST_F(Cli, CtrlCPrintsWhatWasDone) {
  // The file is there once somebody listens.
  const Ran ran = run("--version && { " POWERCUT_BINARY
                      " sweep --seconds 60 --campaign c & until [ -s c ]; do sleep 0.05; done; "
                      "sleep 0.5; kill -INT $!; wait $!; }");
  EXPECT_EQ(ran.status, 130);
  EXPECT_THAT(ran.out, HasSubstr("interrupted"));
  EXPECT_THAT(ran.out, HasSubstr("hybrid-everysec"));
}

TEST_F(Cli, TheJsonHasItsKeys) {
  const Ran ran = run("sweep --json --workload set100 --ops 20 --seeds 70");
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_EQ(ran.err, "");
  const auto json = nlohmann::json::parse(ran.out);
  for (const char* key : {"version", "verb", "seeds", "runs", "crashes", "recoveries", "violations",
                          "first_violation", "elapsed_s", "trace_hash", "policies"}) {
    EXPECT_TRUE(json.contains(key)) << key;
  }
  EXPECT_EQ(json["verb"], "sweep");
  EXPECT_EQ(json["runs"], 70);
  EXPECT_EQ(json["policies"].size(), all_policies().size());
  for (const char* key : {"policy", "runs", "crashes", "acked_ops", "lost_ops_max", "lost_ms_max",
                          "bound_ms", "violations"}) {
    EXPECT_TRUE(json["policies"][0].contains(key)) << key;
  }
}

TEST_F(Cli, AllPoliciesAreThoseThatATargetCanBeRunUnderOrItsOwn) {
  const auto policies = [&](const std::string& target) {
    const Ran ran = run("sweep --json --ops 5 --seeds 5 --target " + target);
    return nlohmann::json::parse(ran.out)["policies"].size();
  };
  EXPECT_EQ(policies("store"), all_policies().size());
  EXPECT_EQ(policies("write-behind"), 4u);
  EXPECT_EQ(policies("tiered"), 5u);
  EXPECT_EQ(policies("sqlite:wal/full"), 1u) << "it promises what it promises";
}

TEST_F(Cli, ABrokenPromiseIsStatus1AndItsIdReproducesIt) {
  const Ran sweep = run(
      "sweep --json --workload set100 --policy always --persona ext4-ordered --faults power-cut "
      "--seeds 20 --mutant no-sync:segment.commit");
  EXPECT_EQ(sweep.status, 1);
  const auto json = nlohmann::json::parse(sweep.out);
  const std::string id = json["first_violation"];
  const Ran replay = run("replay " + id);
  EXPECT_EQ(replay.status, 1);
  EXPECT_THAT(replay.out, HasSubstr("an acknowledged write is lost"));
  const auto again = nlohmann::json::parse(run("replay --json " + id).out);
  EXPECT_THAT(replay.out, HasSubstr(again["trace_hash"].get<std::string>()));
  // The human table says the same, and how to see it again.
  const Ran table =
      run("sweep --workload set100 --policy always --persona ext4-ordered --faults power-cut "
          "--seeds 20 "
          "--mutant no-sync:segment.commit");
  EXPECT_THAT(table.out, HasSubstr("replay " + id));
  EXPECT_THAT(table.out, HasSubstr("BROKEN"));
}

// A lost sync shows where the promise depends on it, and where it does not it is no bug.
TEST_F(Cli, SideBySideATableSaysWhichPromiseHoldsWhere) {
  const std::string options =
      "--workload set100 --policy always,none --persona ext4-ordered,plp,lying/sector=1 --faults "
      "power-cut --seeds 120 --mutant no-sync:segment.commit";
  const Ran table = run("sweep " + options);
  EXPECT_THAT(table.out, testing::ContainsRegex("nearest on +always +none\n"));
  EXPECT_THAT(table.out, testing::ContainsRegex("ext4-ordered +BROKEN \\([0-9]+\\) +[0-9]+ ops\n"));
  EXPECT_THAT(table.out, testing::ContainsRegex("plp +0 +[0-9]+ ops\n"));
  EXPECT_THAT(table.out, testing::ContainsRegex("lying/sector=1 +outside +outside\n"));
  const auto json = nlohmann::json::parse(run("sweep --json " + options).out);
  uint64_t runs = 0;
  uint64_t violations = 0;
  for (const auto& cell : json["policy_by_persona"]) {
    runs += cell["runs"].get<uint64_t>();
    violations += cell["violations"].get<uint64_t>();
  }
  EXPECT_EQ(json["policy_by_persona"].size(), 6u);
  EXPECT_EQ(json["runs"], runs);
  EXPECT_EQ(json["violations"], violations);
}

TEST_F(Cli, ShrinkTellsTheStoryAndWritesTheScenarioAndTheDisk) {
  refused("shrink mixed:always", 2, "run ID");
  refused("shrink set100:always:ext4-ordered:none:20:1", 2, "every promise held");
  refused("shrink nowhere.scn", 3, "nowhere.scn: No such file");
  refused("shrink " + write("bad.scn", "store policy=always persona=xfs\n\nstart\nSET \"\n"), 3,
          "bad.scn:4: a quoted word has no end");
  refused("replay " + write("none.scn", ""), 3, "none.scn:1: there is no `store` directive");
  refused("replay --rewrite set100:always:ext4-ordered:none:20:1", 2, "FILE.scn");

  const std::string scenario =
      write("big.scn",
            "store policy=checkpoint persona=ext4-writeback mutant=tail-not-synced\n\n"
            "start kill@rename:0:after\nSET a 1\nSET b 2\n\nrecover cut@idle:0ns\n\n"
            "cut\nrest lost\n\nrecover\n");
  const Ran told = run("shrink -o small " + scenario);
  EXPECT_EQ(told.status, 1) << told.err;
  EXPECT_THAT(told.out, HasSubstr("What would have prevented it"));
  EXPECT_TRUE(fs::exists(folder_ / "small/disk/temp-dump.rdb"));
  const std::string small = "small/checkpoint-ext4-writeback-tail-not-synced.scn";
  const Ran again = run("replay " + small);
  EXPECT_EQ(again.status, 1);
  EXPECT_EQ(again.err, "");
  EXPECT_EQ(again.out, read(small));
  const auto json = nlohmann::json::parse(run("shrink --json " + scenario).out);
  EXPECT_EQ(json["operations_before"], 2);
  EXPECT_EQ(json["operations"], 1);
  EXPECT_EQ(json["oracle"], "MON");
  EXPECT_EQ(json["missing_fences"][0]["path"], "./");

  // Not as the file says any more; then it is.
  write(small, read(small) + "#\n");
  EXPECT_THAT(run("replay " + small).err, HasSubstr("the file says \"#\""));
  EXPECT_EQ(run("replay --rewrite " + small).err, "");
  EXPECT_EQ(run("replay " + small).err, "");
}

TEST_F(Cli, AScheduleThatCannotBeIsNamed) {
  refused("shrink mixed:always:xfs:none:4:1/fifo+90000.1:ack-before-sync", 2,
          "departs from its schedule at decision 90000: there were only");
  const Ran ran = run("replay mixed:always:xfs:none:4:1/fifo+90000.1");
  EXPECT_EQ(ran.status, 3);
  EXPECT_THAT(ran.out, HasSubstr("verdict  none: the run departs from its schedule"));
  refused("replay mixed:always:xfs:none:4:1/lifo", 2, "powercut list schedules");
  refused("run --delays 1 --schedule pct", 2, "leave out --schedule");
  refused("run --most 3", 2, "--delays");
  const std::string scenario =
      write("late.scn",
            "store policy=always persona=xfs\n\nstart cut@idle:0ns\nSET a 1\n\n"
            "schedule\n90000 keeper\n\nrecover\n");
  for (const char* verb : {"replay ", "shrink "})
    refused(verb + scenario, 3, "late.scn: the run departs from its schedule in life 0");
}

TEST_F(Cli, ShrinkReplacesOnlyAnEarlierImage) {
  const std::string scenario = write("law.scn",
                                     "store policy=always persona=xfs mutant=flush-not-logged\n\n"
                                     "start cut@idle:0ns\nSET a 1\nFLUSHALL\n\nrecover\n");
  fs::create_directories(folder_ / "mine/disk");
  refused("shrink -o mine " + scenario, 3, "mine/disk is there already");
  EXPECT_TRUE(fs::exists(folder_ / "mine/disk"));
  refused("shrink -o law.scn " + scenario, 3, "law.scn: Not a directory");
  refused("shrink -o '' " + scenario, 2, "an empty path");
  for (int times = 0; times < 2; ++times)
    EXPECT_EQ(run("shrink -o small " + scenario).status, 1) << times;
}

TEST_F(Cli, RunIsTheSweepsRunOfThatSeed) {
  const std::string options = " --workload set100 --ops 30 ";
  const auto sweep =
      nlohmann::json::parse(run("sweep --json --seeds 1 --first-seed 9" + options).out);
  const auto one = nlohmann::json::parse(run("run --json --seed 9" + options).out);
  EXPECT_EQ(sweep["trace_hash"], one["trace_hash"]);
  EXPECT_THAT(run("run --seed 9" + options).out, HasSubstr(one["trace_hash"].get<std::string>()));
}

TEST_F(Cli, UntilShowsTheDiskAtThatEvent) {
  const std::string id = "set100:no:ext4-ordered:power-cut:100:7";
  const Ran stopped = run("replay " + id + " --until 40");
  EXPECT_EQ(stopped.status, 0);
  EXPECT_THAT(stopped.out, HasSubstr("appendonly.aof.1.incr.aof"));
  EXPECT_THAT(stopped.out, HasSubstr("legal states"));
  EXPECT_THAT(run("replay " + id + " --trace").out, HasSubstr("make_directory"));
  EXPECT_THAT(run("replay " + id + " --until 999999").out, HasSubstr("no event 999999"));
}

TEST_F(Cli, EveryListHasLinesAndEveryVerbHelps) {
  for (const char* what :
       {"scenarios", "personas", "faults", "mutants", "workloads", "policies", "schedules"}) {
    const Ran ran = run(std::string("list ") + what);
    EXPECT_EQ(ran.status, 0);
    EXPECT_GE(std::count(ran.out.begin(), ran.out.end(), '\n'), 5) << what;
  }
  for (const char* verb : {"sweep", "run", "replay", "shrink", "list"}) {
    const Ran ran = run(std::string(verb) + " --help");
    EXPECT_EQ(ran.status, 0);
    EXPECT_THAT(ran.out, HasSubstr("Example:"));
    // The example works when pasted.
    const size_t example = ran.out.find("  powercut ", ran.out.find("Example:"));
    ASSERT_NE(example, std::string::npos);
    std::string line = ran.out.substr(example + 11, ran.out.find('\n', example) - example - 11);
    if (const size_t many = line.find("--seeds 2000"); many != line.npos)
      line.replace(many, 12, "--seeds 20");
    // What is shrunk is a failure.
    EXPECT_EQ(run(line).status, std::string(verb) == "shrink" ? 1 : 0) << line;
  }
  EXPECT_THAT(run("--version").out, HasSubstr("powercut "));
}

TEST_F(Cli, OneMoreSyncRepairsAMutantOrDoesNot) {
  const std::string explore =
      "explore --workload demo8 --policy always --persona posix --mutant no-sync:segment.commit "
      "--add-fence write:appendonly.aof.#.incr.aof";
  EXPECT_EQ(run(explore).status, 0);
  EXPECT_EQ(run(explore + ":directory").status, 1);
  refused(explore + "x", 2, "did you mean write:appendonly.aof.#.incr.aof?");
  refused("explore --workload demo8 --add-fence write:x", 2, "--mutant");
}

TEST_F(Cli, AMutantIsListedByItsPage) {
  const Ran page = run("list mutants cover-read-late");
  EXPECT_EQ(page.status, 0);
  EXPECT_EQ(page.out,
            read_file(POWERCUT_SOURCE_DIR "/faults/mutants/cover-read-late.mutant").value());
  std::string all = run("list mutants").out;
  for (size_t fold = 0; (fold = all.find("\n    ")) != all.npos;) all.replace(fold, 5, " ");
  const faults::Observed& observed = faults::find_mutant("heal-given-up")->observed;
  EXPECT_THAT(all, HasSubstr(fmt::format("(Dragonfly #4257); {} on {}\n", observed.oracles,
                                         observed.personas)));
  EXPECT_THAT(all, HasSubstr("(FAST'17); not counted: a write that reports success is"));
}

TEST_F(Cli, CalibrateReadsObservationsOrSaysWhichLineIsNone) {
  const std::string line =
      R"({"config":"CONFIG","litmus":"one","setup":[],"steps":["creat a","append a A 10"],)"
      R"("observed":[{"min_returned_step":2,"max_returned_step":2,"only_with_512B_tearing":false,)"
      R"("state":STATE}]})";
  const auto with = [&](std::string config, std::string state) {
    std::string text = line;
    text.replace(text.find("CONFIG"), 6, config);
    text.replace(text.find("STATE"), 5, state);
    return text + "\n";
  };
  write("good", with("ext4", "{}") + with("xfs", R"({"a":"A*10"})") + with("zfs", "{}"));
  const Ran good = run("calibrate --json good");
  EXPECT_EQ(good.status, 0) << good.err;
  const auto json = nlohmann::json::parse(good.out);
  EXPECT_EQ(json["filesystems"].size(), 3u);
  EXPECT_EQ(json["filesystems"][0]["persona"], "ext4-ordered");
  EXPECT_EQ(json["filesystems"][0]["contained"], 1);
  EXPECT_GT(json["filesystems"][0]["legal"], 1);
  EXPECT_TRUE(json["filesystems"][2]["persona"].is_null());
  write("bad", with("ext4", R"({"a":"B*10"})"));
  const Ran bad = run("calibrate bad");
  EXPECT_EQ(bad.status, 1);
  EXPECT_THAT(bad.out, HasSubstr("FORBIDS"));
  std::string nothing = with("ext4", "{}");
  nothing.replace(nothing.find("\"observed\""), nothing.npos, "\"observed\":{}}\n");
  write("nothing", nothing);
  EXPECT_THAT(run("calibrate nothing").out, HasSubstr("nothing observed"));
  std::string link = with("ext4", "{}");
  link.replace(link.find("append a A 10"), 13, "symlink a b");
  write("link", link);
  EXPECT_THAT(run("calibrate link").out, HasSubstr("not run: 1 with symlink"));
  EXPECT_EQ(nlohmann::json::parse(run("calibrate --json link").out)["filesystems"][0]["not_run"],
            nlohmann::json({{"symlink", 1}}));
  refused("calibrate nosuch", 3, "nosuch");
  refused("calibrate " + write("garbage", with("ext4", "{}") + "garbage\n"), 3, "line 2");
  refused("calibrate " + write("empty", ""), 3, "no observations");
  refused("calibrate " + write("runs", with("ext4", R"({"a":"A*x"})")), 3, "A*x");
  std::string step = with("ext4", "{}");
  step.replace(step.find("append a"), 8, "append b");
  refused("calibrate " + write("step", step), 3, "append b");
}

// results/calibration: a table's first line is the command, the rest what it prints.
TEST_F(Cli, TheCommittedCalibrationsAreWhatCalibratePrints) {
  const std::string root = POWERCUT_SOURCE_DIR;
  for (const auto& [table, observed] :
       {std::pair{"table.txt", "observed.jsonl"}, {"failed-sync.txt", "failed-sync.jsonl"}}) {
    std::ifstream file(root + "/results/calibration/" + table);
    std::string command;
    std::getline(file, command);
    const std::string data = std::string("faults/testdata/kernel-6.18/") + observed;
    EXPECT_EQ(command, "# build/powercut calibrate " + data);
    const std::string rest{std::istreambuf_iterator<char>(file), {}};
    const Ran ran = run("calibrate '" + root + "/" + data + "'");
    EXPECT_EQ(ran.status, 0);
    EXPECT_EQ(ran.out, rest);
  }
}

TEST_F(Cli, AFullDiskIsOneLineAndStatus3) {
  for (const char* arguments : {"list mutants", "sweep --workload set100 --seeds 9", "--help"}) {
    const Ran ran = run(arguments, "/dev/full");
    EXPECT_EQ(ran.status, 3) << arguments;
    EXPECT_THAT(ran.err, HasSubstr("cannot be written")) << arguments;
  }
}

TEST(RunId, IsTakenApartAsItWasPutTogether) {
  for (const char* id : {"set100:always:ext4-ordered:all:200:7",
                         "set100:always:xfs-2014/sector=1/sync=t500:all:200:7",
                         "mixed:hybrid-everysec:xfs:power-cut,eio:50:18446744073709551615",
                         "web-shop:no:lying:none:1:0:no-sync:segment.commit"}) {
    const auto recipe = parse_run_id(id);
    ASSERT_TRUE(recipe.ok()) << recipe.error().message;
    EXPECT_EQ(run_id(recipe->spec), id);
  }
}

TEST(RunId, APathMayHaveColonsAndSpaces) {
  const fs::path folder = fs::temp_directory_path() / "powercut a:b";
  fs::create_directories(folder);
  const fs::path file = folder / "my always:xfs.aof";
  std::ofstream(file) << sim::encode_request({"SET", "k", "v"});
  const std::string id = file.string() + ":always:xfs:all:9:7";
  const auto recipe = parse_run_id(id);
  ASSERT_TRUE(recipe.ok()) << recipe.error().message;
  EXPECT_EQ(run_id(recipe->spec), id);
  EXPECT_EQ(replay_command("powercut", id), "powercut replay '" + id + "'");
  fs::remove_all(folder);
}

}  // namespace
}  // namespace powercut::scenarios
