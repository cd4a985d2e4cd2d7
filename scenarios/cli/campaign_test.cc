// Campaigns by the real binary: shards and what is merged of them, statuses and files for somebody's CI.
#include <nlohmann/json.hpp>

#include "scenarios/base/json_text.h"
#include "scenarios/cli/cli_testing.h"

namespace powercut::scenarios {
namespace {

const std::string kBug = " --mutant no-sync:segment.commit ";
const std::string kAny =
    "sweep --workload set100 --policy always,no --persona ext4-ordered,xfs --faults power-cut ";
const std::string kPart = kAny + "--ops 20 --seeds 300 ";

class CampaignCli : public Cli {
 protected:
  nlohmann::json json_of(const std::string& arguments) const {
    const Ran ran = run(arguments + " --json");
    const auto json = nlohmann::json::parse(ran.out, nullptr, false);
    EXPECT_FALSE(json.is_discarded()) << arguments << ": " << ran.err;
    return json;
  }
  bool is_xml(const std::string& name) const {
    return run_program("/usr/bin/python3",
                       "-c 'import sys, xml.etree.ElementTree as e; e.parse(sys.argv[1])' " + name)
               .status == 0;
  }
};

TEST_F(CampaignCli, ShardsOfAnyKindMergeIntoTheSweep) {
  const std::string sweep = kPart + "--no-steer";
  EXPECT_EQ(run(sweep + " --shard 1/3 --out 1.jsonl").status, 0);
  EXPECT_EQ(run(sweep + " --shard 2/3 --campaign 2.db").status, 0);
  EXPECT_EQ(run("--version && PARALLEL_SEQ=3 POWERCUT_SHARDS=3 " POWERCUT_BINARY " " + sweep +
                " --shard auto --out 3.jsonl")
                .status,
            0);
  const Ran two = run("merge 3.jsonl 1.jsonl -o 13.jsonl");
  EXPECT_EQ(two.status, 5);
  EXPECT_THAT(two.out, HasSubstr("2 of 3 shards; missing: 2"));
  const auto all = json_of("merge 2.db 13.jsonl 1.jsonl");
  EXPECT_EQ(all["of"], "sweep");
  EXPECT_TRUE(all["missing"].empty());
  auto whole = json_of(sweep);
  auto merged = all["result"];
  for (auto* one : {&whole, &merged}) one->erase("elapsed_s");
  EXPECT_EQ(merged, whole);
  EXPECT_EQ(run("merge 2.db 13.jsonl").status, 0);
  // The campaign is as it was: it goes on.
  EXPECT_EQ(run(sweep + " --shard 2/3 --campaign 2.db --out 2.jsonl").status, 0);
  EXPECT_EQ(run("merge 2.db 2.jsonl 13.jsonl").status, 0);
}

TEST_F(CampaignCli, ASteeredCampaignIsMergedWhenItIsAtItsEnd) {
  const std::string sweep = "sweep --workload mixed --ops 20 --seeds 900 ";
  EXPECT_EQ(run(sweep + "--campaign c --out c.jsonl").status, 0);
  const Ran merged = run("merge c c.jsonl");
  EXPECT_EQ(merged.status, 0) << merged.err;
}

// What is contiguous is one sum: of a steered sweep all but a part of the last round.
TEST_F(CampaignCli, ACampaignsFileDoesNotGrowWithItsRuns) {
  const auto chunks = [&](const std::string& sweep) {
    EXPECT_EQ(run(sweep + " --campaign kept").status, 0);
    const Ran count = run_program("/usr/bin/python3",
                                  "-c 'import sqlite3; print(sqlite3.connect(\"kept\").execute("
                                  "\"SELECT count(*) FROM chunk\").fetchone()[0])'");
    fs::remove(folder_ / "kept");
    return std::stoul(count.out);
  };
  EXPECT_EQ(chunks(kPart + "--no-steer"), 0u);
  EXPECT_EQ(chunks("sweep --workload mixed --ops 9 --seeds 512"), 0u);
  EXPECT_EQ(chunks("sweep --workload mixed --ops 9 --seeds 588"), 3u);
}

TEST_F(CampaignCli, FilesThatDoNotBelongTogetherAreRefusedByTheDifference) {
  EXPECT_EQ(run(kPart + "--shard 1/2 --out a").status, 0);
  EXPECT_EQ(run(kAny + "--seeds 300 --ops 30 --shard 2/2 --out b").status, 0);
  EXPECT_EQ(run(kPart + "--shard 2/4 --out c").status, 0);
  refused("merge a b", 3, "a and b: with other options: operations: 20 and 30");
  refused("merge a c", 3, "another number of shards: 2 and 4");
  refused("merge a nosuch", 3, "nosuch: No such file");
  refused("merge a " + write("text", "hello\n"), 3, "text:1: no results of powercut");
  refused("merge a " + write("half", read("a").substr(0, 900)), 3, "half:");
  refused("merge", 2, "files");
}

TEST_F(CampaignCli, AShardIsNamedOrRefused) {
  refused(kPart + "--shard 3/2", 2, "3/2");
  refused(kPart + "--shard auto", 2, "SLURM_ARRAY_TASK_ID");
  refused("sweep --seconds 9 --shard 1/2", 2, "excludes");
  refused("sweep --corpus c --shard 1/2", 2, "excludes");
  refused("explore --first --shard 1/2", 2, "excludes");
  refused("zoo --seconds-per-mutant 3 --shard 1/2", 2, "excludes");
  EXPECT_EQ(run(kPart + "--shard 1/2 --campaign c").status, 0);
  refused(kPart + "--shard 2/2 --campaign c", 2, "shard: 1/2 and 2/2");
}

TEST_F(CampaignCli, ShardsOfAnExplorationMergeIntoItsCertificates) {
  const std::string explore = "explore --workload demo8 --policy always --persona xfs,posix ";
  for (const std::string& bug : {std::string(), kBug}) {
    const int status = bug.empty() ? 0 : 1;
    for (const char* shard : {"1/2", "2/2"})
      EXPECT_LE(run(explore + bug + "--shard " + shard + " --out e" + shard[0]).status, status);
    const Ran half = run("merge e1");
    EXPECT_GE(half.status, bug.empty() ? 5 : 1);
    EXPECT_THAT(half.out, HasSubstr("1 of 2 shards"));
    const auto merged = json_of("merge e2 e1 e2");
    const auto whole = json_of(explore + bug);
    EXPECT_EQ(merged["result"]["certificates"], whole["certificates"]);
    EXPECT_EQ(merged["result"]["complete"], true);
    EXPECT_EQ(run("merge e1 e2").status, status);
  }
}

TEST_F(CampaignCli, ShardsOfTheZooMergeIntoIt) {
  const std::string zoo = "zoo --mutant ack-first,stale-epoch --starts 2 --seeds 20 ";
  for (const char* shard : {"1/2", "2/2"})
    EXPECT_LE(run(zoo + "--shard " + shard + " --out z" + shard[0]).status, 1);
  auto merged = json_of("merge z1 z2")["result"];
  const auto whole = json_of(zoo);
  EXPECT_EQ(merged["mutants"].size(), 2u);
  for (const char* key : {"found", "observable", "clean"})
    EXPECT_EQ(merged[key], whole[key]) << key;
  EXPECT_EQ(run("merge z1").status == 0, false);
}

// --- CI ---

TEST_F(CampaignCli, WhatIsExpectedIsStatus0AndTheOtherIs6) {
  EXPECT_EQ(run(kPart + kBug).status, 1);
  EXPECT_EQ(run(kPart + kBug + "--expect broken").status, 0);
  EXPECT_EQ(run(kPart + "--expect held").status, 0);
  EXPECT_EQ(run(kPart + "--expect broken").status, 6);
  EXPECT_EQ(run("explore --workload demo8 --policy always --persona xfs --expect broken").status,
            6);
  refused("sweep --expect rain", 2, "--expect");
}

TEST_F(CampaignCli, AJUnitReportAndAnnotationsAreWritten) {
  EXPECT_EQ(run(kPart + kBug + "--junit broken.xml").status, 1);
  EXPECT_TRUE(is_xml("broken.xml"));
  EXPECT_THAT(read("broken.xml"), HasSubstr("<testcase classname=\"always\" name=\"xfs\">"));
  EXPECT_EQ(run(kPart + "--junit held.xml").status, 0);
  EXPECT_TRUE(is_xml("held.xml"));
  EXPECT_THAT(read("held.xml"), testing::Not(HasSubstr("<failure")));
  const Ran github = run("--version && GITHUB_STEP_SUMMARY=summary.md " POWERCUT_BINARY " " +
                         kPart + kBug + "--json --github");
  EXPECT_EQ(github.status, 1);
  EXPECT_THAT(github.err, HasSubstr("::error title=always on xfs::"));
  EXPECT_THAT(read("summary.md"), HasSubstr("| always | xfs | BROKEN ("));
  EXPECT_THAT(read("summary.md"), HasSubstr("| no | xfs | held |"));
  const Ran nowhere = run(kPart + "--junit no/such/folder.xml");
  EXPECT_EQ(nowhere.status, 3);
  EXPECT_THAT(nowhere.err, HasSubstr("no/such/folder.xml: cannot be written"));
  // Not all of it, and nothing that broke.
  EXPECT_EQ(run(kPart + "--shard 1/2 --out half").status, 0);
  EXPECT_EQ(run("merge half --junit half.xml").status, 5);
  EXPECT_TRUE(is_xml("half.xml"));
}

TEST_F(CampaignCli, EachDistinctFailureIsAFolder) {
  const std::string sweep =
      "sweep --workload set100 --ops 6 --seeds 40 --policy always --persona xfs --faults "
      "power-cut" +
      kBug;
  EXPECT_EQ(run(sweep + "--artifacts found").status, 1);
  const std::string folder = "found/LAW-no-sync-segment.commit-xfs/";
  const std::string scenario = folder + "LAW-no-sync-segment.commit-xfs.scn";
  EXPECT_EQ(run("replay " + scenario).status, 1);
  EXPECT_TRUE(fs::exists(folder_ / folder / "disk"));
  EXPECT_THAT(read(folder + "LAW-no-sync-segment.commit-xfs.txt"),
              HasSubstr("What would have prevented it"));
  EXPECT_THAT(read(folder + "LAW-no-sync-segment.commit-xfs.html"), HasSubstr("<html"));
  EXPECT_EQ(
      run("explore --workload demo8 --policy always --persona xfs --artifacts explored" + kBug)
          .status,
      1);
  EXPECT_TRUE(fs::exists(folder_ / "explored/smallest-LAW/smallest-LAW.scn"));
}

TEST_F(CampaignCli, WhatIsKnownIsCountedAndPassedBy) {
  const std::string sweep =
      "sweep --workload set100 --ops 6 --seeds 40 --policy always --persona xfs --faults "
      "power-cut" +
      kBug;
  write("known.json", "[]");
  const auto first = json_of(sweep + "--known known.json");
  nlohmann::json known = nlohmann::json::array();
  for (const auto& failure : first["failures"])
    known.push_back({{"promise", failure["promise"]},
                     {"cause", failure["cause"]},
                     {"personas", failure["personas"]},
                     {"note", "issue 12"}});
  ASSERT_FALSE(known.empty());
  write("known.json", json_text(known));
  const Ran ran = run(sweep + "--known known.json");
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("is known: issue 12"));
  EXPECT_EQ(run(sweep + "--known known.json --junit k.xml").status, 0);
  EXPECT_THAT(read("k.xml"), HasSubstr("<skipped message=\"known failures alone\"/>"));
  const Ran held = run("sweep --workload set100 --ops 6 --seeds 40 --known known.json");
  EXPECT_EQ(held.status, 0);
  EXPECT_THAT(held.out, HasSubstr("known, and not seen"));
  refused(sweep + "--known " + write("bad", "{") + " --json", 3, "bad: no list");
}

TEST_F(CampaignCli, ACorpusGrowsAndIsReplayedFirst) {
  const std::string sweep = "sweep --workload set100 --ops 20 --corpus corpus.txt --json ";
  const Ran first = run(sweep + "--seeds 60");
  EXPECT_EQ(first.status, 0);
  EXPECT_THAT(first.err, HasSubstr("corpus corpus.txt: 0 runs"));
  const std::string kept = read("corpus.txt");
  EXPECT_THAT(kept, HasSubstr("\nset100:"));
  const Ran second = run(sweep + "--seeds 60");
  EXPECT_THAT(second.err, HasSubstr("0 of another build"));
  const auto lines = [](const std::string& text) {
    return std::count(text.begin(), text.end(), '\n');
  };
  EXPECT_LE(lines(read("corpus.txt")), lines(kept)) << "the same sweep is no news";
  EXPECT_GT(nlohmann::json::parse(second.out)["runs"], 60);
}

TEST_F(CampaignCli, ColoursAreThereWhenTheyAreAskedFor) {
  const std::string red = "\x1b[";
  const std::string sweep = "sweep --workload set100 --ops 9 --seeds 9";
  EXPECT_THAT(run(sweep).out, testing::Not(HasSubstr(red)));
  EXPECT_THAT(run(sweep + " --color always").out, HasSubstr(red));
  EXPECT_THAT(run("--color always " + sweep).out, HasSubstr(red));
  EXPECT_THAT(run(sweep + " --color never").out, testing::Not(HasSubstr(red)));
  // On a terminal, unless NO_COLOR is set.
  const auto on_terminal = [&](const std::string& environment) {
    return run_program("/usr/bin/script",
                       "-qec '" + environment + " " POWERCUT_BINARY " " + sweep + "' /dev/null")
        .out;
  };
  EXPECT_THAT(on_terminal("TERM=xterm"), HasSubstr(red + "32m"));
  EXPECT_THAT(on_terminal("NO_COLOR=1"), testing::Not(HasSubstr(red + "32m")));
  refused("sweep --color rainbow", 2, "--color");
}

}  // namespace
}  // namespace powercut::scenarios
