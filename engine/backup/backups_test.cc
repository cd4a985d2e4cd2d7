// Backups over files in memory: in which order one comes to stand and goes, and what of each call that fails.
#include "engine/backup/backups.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "engine/os/memory_os_testing.h"

namespace powercut::engine {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

ManifestFile base(uint64_t sequence, uint64_t lsn) {
  return {base_name(sequence), sequence, lsn, 100, 1, 5};
}
ManifestFile segment(uint64_t sequence, uint64_t lsn, std::optional<uint64_t> length = {}) {
  return {segment_name(sequence), sequence, lsn, length, {}, 6};
}

class BackupsTest : public ::testing::Test {
 protected:
  BackupsTest() {
    EXPECT_TRUE(os.make_directory("appendonlydir").ok());
    log.base = base(1, 10);
    log.segments = {segment(1, 11, 30), segment(2, 15)};
    add(*log.base);
    for (const ManifestFile& file : log.segments) add(file);
  }
  void add(const ManifestFile& file) { os.put("appendonlydir/" + file.name, file.name); }
  // The segment in use is closed, and another one is.
  void next_segment(uint64_t lsn) {
    log.segments.back().length = 40;
    log.segments.push_back(segment(log.segments.back().sequence + 1, lsn));
    add(log.segments.back());
  }
  void make(const std::string& id, int64_t unix_s = 1000) {
    ASSERT_TRUE(backups.start(id, log).ok());
    next_segment(log.segments.back().lsn.value() + 5);
    ASSERT_TRUE(backups.seal(log, log.segments.back().lsn.value() - 1, unix_s).ok());
  }
  std::vector<std::string> ids() {
    std::vector<std::string> all;
    const auto listed = backups.list();
    EXPECT_TRUE(listed.ok());
    for (const BackupFacts& facts : *listed) all.push_back(facts.id);
    return all;
  }
  std::vector<std::string> in(const std::string& folder) {
    const auto names = os.list(folder);
    return names.ok() ? *names : std::vector<std::string>{"no folder"};
  }
  std::string why(const Result<void>& result) { return result.ok() ? "" : result.error().message; }

  const std::string mark = "appendonlydir/backup-a.unsealed";
  const std::string removed = "appendonlydir/backup-a.removed";
  const std::string kBase = "appendonly.aof.1.base.rdb";
  const std::string kFirst = "appendonly.aof.1.incr.aof";
  const std::string kSecond = "appendonly.aof.2.incr.aof";
  MemoryOs os;
  Manifest log;
  Backups backups{os};
};

// --- Names ---

TEST(BackupId, IsAPlainName) {
  for (const std::string& id : {std::string("a"), std::string("Az0-_."), std::string("9"),
                                std::string("Z"), std::string(64, 'x')})
    EXPECT_TRUE(is_backup_id(id)) << id;
  for (const std::string& id :
       {std::string(), std::string(".a"), std::string("a/b"), std::string("a b"),
        std::string(65, 'x'), std::string("\xc3\xa4"), std::string("a@"), std::string("a["),
        std::string("a`"), std::string("a{"), std::string("a:")})
    EXPECT_FALSE(is_backup_id(id)) << id;
}

TEST_F(BackupsTest, OneMayBeBegunWhereNoneIsAndNoneIsUnderWay) {
  EXPECT_EQ(why(backups.check_start("a")), "");
  EXPECT_THAT(why(backups.check_start("a/b")), HasSubstr("a backup's name has"));
  EXPECT_TRUE(os.make_directory("backups").ok());
  EXPECT_TRUE(os.make_directory("backups/a").ok());
  EXPECT_EQ(why(backups.check_start("a")), "") << "nothing is in it";
  os.put("backups/a/x", "");
  EXPECT_EQ(why(backups.check_start("a")), "backups/a: there is one of that name");
  os.fail_on("list backups/b");
  EXPECT_EQ(backups.check_start("b").error().code, Errc::kIo);
  os.breaks = nullptr;
  ASSERT_TRUE(backups.start("b", log).ok());
  EXPECT_EQ(why(backups.check_start("c")), "backup b is under way");
}

// --- Making one ---

TEST_F(BackupsTest, TheMarkIsDurableBeforeTheFolderAndEachNameBeforeWhatStandsInIt) {
  os.calls.clear();
  ASSERT_TRUE(backups.start("a", log).ok());
  EXPECT_THAT(os.calls, ElementsAre("create " + mark, "sync appendonlydir/", "make backups",
                                    "sync /", "make backups/a", "sync backups/",
                                    "link appendonlydir/" + kBase + " backups/a/" + kBase,
                                    "link appendonlydir/" + kFirst + " backups/a/" + kFirst));
  EXPECT_TRUE(backups.open());
  EXPECT_EQ(backups.facts().id, "a");
  EXPECT_EQ(backups.facts().first_lsn, 10u);
  EXPECT_EQ(backups.facts().bytes, 130u);
  EXPECT_FALSE(backups.facts().sealed);
}

TEST_F(BackupsTest, ItsManifestComesLast) {
  ASSERT_TRUE(backups.start("a", log).ok());
  next_segment(20);
  os.calls.clear();
  const auto facts = backups.seal(log, 19, 1234);
  ASSERT_TRUE(facts.ok());
  const std::string temporary = "backups/a/temp-appendonly.aof.manifest";
  EXPECT_THAT(os.calls, ElementsAre("link appendonlydir/" + kSecond + " backups/a/" + kSecond,
                                    "sync backups/a/", "create " + temporary, "write " + temporary,
                                    "sync " + temporary,
                                    "rename " + temporary + " backups/a/appendonly.aof.manifest",
                                    "sync backups/a/", "remove " + mark));
  EXPECT_FALSE(backups.open());
  EXPECT_EQ(facts->id, "a");
  EXPECT_TRUE(facts->sealed);
  EXPECT_EQ(facts->first_lsn, 10u);
  EXPECT_EQ(facts->last_lsn, 19u);
  EXPECT_EQ(facts->sealed_unix_s, 1234);
  EXPECT_EQ(facts->bytes, 170u);
  const auto listed = backups.list();
  ASSERT_TRUE(listed.ok());
  ASSERT_EQ(listed->size(), 1u);
  EXPECT_EQ(listed->front().last_lsn, 19u);
  EXPECT_EQ(listed->front().sealed_unix_s, 1234);
  const Manifest kept = parse_manifest(os.at("backups/a/appendonly.aof.manifest")).value();
  EXPECT_EQ(kept.base, log.base);
  EXPECT_THAT(kept.segments, ElementsAre(log.segments[0], log.segments[1]));
}

TEST_F(BackupsTest, ALogWithoutABaseIsKeptFromItsFirstEntry) {
  log.base.reset();
  log.segments.front().lsn = 1;
  ASSERT_TRUE(backups.start("a", log).ok());
  EXPECT_EQ(backups.facts().first_lsn, 0u);
  next_segment(20);
  EXPECT_EQ(backups.seal(log, 19, 1).value().first_lsn, 0u);
}

TEST_F(BackupsTest, SaysFromWhereAsFarAsItHasCome) {
  log.segments = {segment(1, 11)};
  ASSERT_TRUE(backups.start("a", log).ok());
  EXPECT_EQ(backups.facts().first_lsn, 10u) << "of the base alone";
  backups.discard();
  log.base.reset();
  log.segments = {segment(1, 5, 30), segment(2, 9)};
  os.breaks = [&](const std::string& call) -> std::optional<Errc> {
    if (call == "make backups/b") {
      EXPECT_EQ(backups.facts().bytes, 0u) << "not of the one before";
    }
    return std::nullopt;
  };
  ASSERT_TRUE(backups.start("b", log).ok());
  os.breaks = nullptr;
  EXPECT_EQ(backups.facts().first_lsn, 4u);
  backups.discard();
  log.segments = {segment(1, 5)};
  ASSERT_TRUE(backups.start("c", log).ok());
  EXPECT_EQ(backups.facts().first_lsn, 0u) << "it has nothing yet";
}

TEST_F(BackupsTest, WhatCouldNotBeKeptIsNotCounted) {
  os.fail_on("link appendonlydir/" + kFirst + " backups/a/" + kFirst);
  EXPECT_FALSE(backups.start("a", log).ok());
  EXPECT_EQ(backups.facts().bytes, 100u) << "of the base alone";
}

TEST_F(BackupsTest, TheNextOneIsItsOwn) {
  make("a");
  ASSERT_TRUE(backups.start("b", log).ok());
  backups.discard();
  EXPECT_THAT(in("backups/b"), ElementsAre("no folder")) << "its manifest never stood";
}

TEST_F(BackupsTest, WhatABaseRestsOnIsKeptOrItIsNoBackup) {
  backups.set_rests_on([](const std::string&) { return std::vector<std::string>{"cold/1.cold"}; });
  EXPECT_EQ(backups.start("a", log).error().code, Errc::kNotFound);
  EXPECT_EQ(backups.given_up(), "");
  backups.discard();
  EXPECT_THAT(in("backups/a"), ElementsAre("no folder"));
}

TEST_F(BackupsTest, TakesInWhatIsNotAppendedToAnyMore) {
  ASSERT_TRUE(backups.start("a", log).ok());
  ASSERT_TRUE(backups.follow(log).ok());
  EXPECT_THAT(in("backups/a"), ElementsAre(kBase, kFirst)) << "nothing is new";
  next_segment(20);
  next_segment(25);
  ASSERT_TRUE(backups.follow(log).ok());
  EXPECT_EQ(in("backups/a").size(), 4u);
  EXPECT_TRUE(os.same("backups/a/" + kSecond, "appendonlydir/" + kSecond)) << "no copy";
}

TEST_F(BackupsTest, BeginsAnewWithALogThatIsBegunAnew) {
  std::vector<std::string> asked;
  backups.set_rests_on([&](const std::string& name) {
    asked.push_back(name);
    return std::vector<std::string>{name == kBase ? "cold/1.cold" : "cold/2.cold"};
  });
  os.put("cold/1.cold", "1");
  os.put("cold/2.cold", "2");
  ASSERT_TRUE(backups.start("a", log).ok());
  EXPECT_THAT(in("backups/a"), ElementsAre("1.cold", kBase, kFirst));
  log.base = base(7, 40);
  log.segments = {segment(7, 41, 3), segment(8, 43)};
  add(*log.base);
  for (const ManifestFile& file : log.segments) add(file);
  ASSERT_TRUE(backups.follow(log).ok());
  EXPECT_THAT(in("backups/a"), ElementsAre("2.cold", base_name(7), segment_name(7)));
  EXPECT_THAT(asked, ElementsAre(kBase, base_name(7)));
  next_segment(50);
  const auto facts = backups.seal(log, 49, 1);
  ASSERT_TRUE(facts.ok());
  EXPECT_EQ(facts->first_lsn, 40u);
  EXPECT_EQ(facts->bytes, 143u) << "of the new log alone";
}

TEST_F(BackupsTest, WhatItDroppedIsNotDroppedAgain) {
  int begun = 0;
  backups.set_rests_on([&](const std::string&) {
    return std::vector<std::string>{"cold/" + std::to_string(++begun) + ".cold"};
  });
  for (const char* name : {"cold/1.cold", "cold/2.cold", "cold/3.cold"}) os.put(name, "");
  ASSERT_TRUE(backups.start("a", log).ok());
  for (uint64_t n = 7; n <= 8; ++n) {
    log.base = base(n, 10 * n);
    log.segments = {segment(n, 10 * n + 1)};
    add(*log.base);
    os.calls.clear();
    ASSERT_TRUE(backups.follow(log).ok());
  }
  EXPECT_THAT(os.calls,
              ElementsAre("remove backups/a/" + base_name(7), "remove backups/a/2.cold",
                          "link appendonlydir/" + base_name(8) + " backups/a/" + base_name(8),
                          "link cold/3.cold backups/a/3.cold"));
}

TEST_F(BackupsTest, OneThatStoodEmptyIsMadeAnew) {
  EXPECT_TRUE(os.make_directory("backups").ok());
  EXPECT_TRUE(os.make_directory("backups/a").ok());
  EXPECT_TRUE(os.make_directory("backups/other").ok());
  os.calls.clear();
  ASSERT_TRUE(backups.start("a", log).ok());
  EXPECT_THAT(os.calls,
              ElementsAre("create " + mark, "sync appendonlydir/", "sync /", "remove backups/a",
                          "make backups/a", "sync backups/", ::testing::_, ::testing::_))
      << "the sync of its name may have failed; nobody's folder is removed";
  backups.discard();
  EXPECT_TRUE(os.make_directory("backups/a").ok());
  os.fail_on("remove backups/a");
  EXPECT_FALSE(backups.start("a", log).ok());
  os.breaks = nullptr;
  backups.discard();
  EXPECT_TRUE(os.make_directory("backups/a").ok());
  int made = 0;
  os.breaks = [&](const std::string& call) {
    return call == "make backups/a" && ++made == 2 ? std::optional(Errc::kNoSpace) : std::nullopt;
  };
  EXPECT_EQ(backups.start("a", log).error().code, Errc::kNoSpace);
}

TEST_F(BackupsTest, EachCallThatFailsIsTold) {
  for (const std::string& call :
       {"create " + mark, std::string("sync appendonlydir/"), std::string("make backups"),
        std::string("sync /"), std::string("make backups/a"), std::string("sync backups/"),
        "link appendonlydir/" + kBase + " backups/a/" + kBase,
        "link appendonlydir/" + kFirst + " backups/a/" + kFirst}) {
    os.fail_on(call, Errc::kNoSpace);
    const auto begun = backups.start("a", log);
    ASSERT_FALSE(begun.ok()) << call;
    EXPECT_EQ(begun.error().code, Errc::kNoSpace) << call;
    os.breaks = nullptr;
    backups.give_up(begun.error());
    EXPECT_EQ(backups.given_up(), "backup a was given up: " + begun.error().message);
    EXPECT_FALSE(backups.open());
    EXPECT_THAT(in("backups/a"), ElementsAre("no folder")) << call;
    EXPECT_FALSE(os.there(mark)) << call;
  }
  ASSERT_TRUE(backups.start("b", log).ok());
  EXPECT_EQ(backups.given_up(), "");
}

TEST_F(BackupsTest, WhereThereAreNoHardLinksThatIsSaid) {
  os.fail_on("link appendonlydir/" + kBase + " backups/a/" + kBase, Errc::kRefused);
  const auto begun = backups.start("a", log);
  ASSERT_FALSE(begun.ok());
  EXPECT_EQ(begun.error().code, Errc::kUnsupported);
  EXPECT_THAT(begun.error().message, HasSubstr("a backup is made of hard links"));
}

TEST_F(BackupsTest, ASealThatFailsLeavesAWholeOneAloneAndRemovesTheRest) {
  const std::string temporary = "backups/a/temp-appendonly.aof.manifest";
  const std::string renames = "rename " + temporary + " backups/a/appendonly.aof.manifest";
  for (const std::string& call :
       {"link appendonlydir/" + kSecond + " backups/a/" + kSecond, std::string("sync backups/a/"),
        "create " + temporary, "write " + temporary, "sync " + temporary, renames}) {
    ASSERT_TRUE(backups.start("a", log).ok());
    Manifest longer = log;
    longer.segments.back().length = 40;
    longer.segments.push_back(segment(3, 20));
    os.fail_on(call);
    const auto sealed = backups.seal(longer, 19, 1);
    ASSERT_FALSE(sealed.ok()) << call;
    EXPECT_TRUE(os.there(mark)) << call;
    os.breaks = nullptr;
    backups.discard();
    EXPECT_FALSE(backups.open());
    if (call == renames) continue;
    EXPECT_THAT(in("backups/a"), ElementsAre("no folder")) << call;
    EXPECT_FALSE(os.there(mark)) << call;
  }
  EXPECT_EQ(in("backups/a").size(), 4u) << "a rename that reports an error may have happened";
  EXPECT_TRUE(os.there(mark)) << "the next start tells";
}

TEST_F(BackupsTest, TheSyncBehindTheRenameIsAskedToo) {
  ASSERT_TRUE(backups.start("a", log).ok());
  next_segment(20);
  bool renamed = false;
  os.breaks = [&](const std::string& call) {
    renamed = renamed || call.starts_with("rename ");
    return renamed && call == "sync backups/a/" ? std::optional(Errc::kIo) : std::nullopt;
  };
  EXPECT_FALSE(backups.seal(log, 19, 1).ok());
  os.breaks = nullptr;
  backups.discard();
  EXPECT_THAT(ids(), ElementsAre("a"));
  EXPECT_TRUE(os.there(mark));
}

TEST_F(BackupsTest, WhatIsDiscardedGoesBeforeItsMark) {
  ASSERT_TRUE(backups.start("a", log).ok());
  os.calls.clear();
  backups.discard();
  EXPECT_THAT(os.calls, ElementsAre("remove backups/a/" + kBase, "remove backups/a/" + kFirst,
                                    "remove backups/a", "sync backups/", "remove " + mark));
  os.calls.clear();
  backups.discard();
  EXPECT_THAT(os.calls, IsEmpty()) << "there is none";
  for (const std::string& call :
       {"remove backups/a/" + kFirst, std::string("remove backups/a"), std::string("sync backups/"),
        std::string("list backups/a"), std::string("list backups")}) {
    ASSERT_TRUE(backups.start("a", log).ok()) << call;
    os.fail_on(call);
    backups.discard();
    os.breaks = nullptr;
    EXPECT_TRUE(os.there(mark)) << call << ": what it marks is not gone for good";
    backups.remove_leftovers({"a"}, {});
    EXPECT_FALSE(os.there(mark)) << call;
  }
}

// --- What a start finds ---

TEST_F(BackupsTest, AStartRemovesWhatIsHalfAndKeepsWhatIsWhole) {
  make("whole");
  os.put("appendonlydir/backup-whole.unsealed", "");  // a power cut brings it back
  ASSERT_TRUE(backups.start("half", log).ok());
  os.calls.clear();
  Backups next(os);
  next.remove_leftovers({"half", "whole", "nothing"}, {});
  EXPECT_THAT(ids(), ElementsAre("whole"));
  EXPECT_THAT(in("backups/half"), ElementsAre("no folder"));
  EXPECT_FALSE(os.there("appendonlydir/backup-whole.unsealed"));
  EXPECT_FALSE(os.there("appendonlydir/backup-half.unsealed"));
  EXPECT_EQ(os.calls[os.calls.size() - 3], "sync backups/whole/")
      << "a kill may have come between the rename and its sync";
}

TEST_F(BackupsTest, AStartThatCannotTellLeavesAllForTheNext) {
  make("whole");
  os.put("appendonlydir/backup-whole.unsealed", "");
  os.fail_on("open backups/whole/appendonly.aof.manifest");
  backups.remove_leftovers({"whole"}, {});
  EXPECT_TRUE(os.there("appendonlydir/backup-whole.unsealed"));
  os.fail_on("sync backups/whole/");
  backups.remove_leftovers({"whole"}, {});
  EXPECT_TRUE(os.there("appendonlydir/backup-whole.unsealed"));
  os.breaks = nullptr;
  EXPECT_THAT(ids(), ElementsAre("whole"));
}

TEST_F(BackupsTest, ListsThoseThatAreSealed) {
  EXPECT_THAT(ids(), IsEmpty()) << "there is no folder yet";
  make("a", 77);
  ASSERT_TRUE(backups.start("b", log).ok());
  os.put("backups/file", "");
  EXPECT_TRUE(os.make_directory("backups/theirs").ok());
  os.put("backups/theirs/appendonly.aof.manifest", "file appendonly.aof.1.incr.aof seq 1 type i\n");
  EXPECT_THAT(ids(), ElementsAre("a"));
  os.fail_on("list backups");
  EXPECT_FALSE(backups.list().ok());
  os.fail_on("read backups/a/appendonly.aof.manifest");
  EXPECT_FALSE(backups.list().ok()) << "one that cannot be read may be the newest";
}

TEST(BackupManifest, SaysFromWhereToWhereAndWhen) {
  Manifest manifest;
  manifest.base = base(1, 10);
  const auto parsed = [&](const std::string& note) {
    return parse_backup(encode_manifest(manifest, note), "x");
  };
  const auto facts = parsed("# backup from 10 to 19 at -5\n");
  ASSERT_TRUE(facts.ok());
  EXPECT_EQ(facts->id, "x");
  EXPECT_EQ(facts->first_lsn, 10u);
  EXPECT_EQ(facts->last_lsn, 19u);
  EXPECT_EQ(facts->sealed_unix_s, -5);
  EXPECT_EQ(facts->bytes, 100u);
  for (const char* note :
       {"", "# backup from x to 19 at 5\n", "# backup from  to 19 at 5\n",
        "# backup from 10 till 19 at 5\n", "# backup from 10 to 19\n",
        "# backup from 10 to 19 at x\n", "# backup from 10 to 19 at 5 and more\n"}) {
    const auto none = parsed(note);
    ASSERT_FALSE(none.ok()) << note;
    EXPECT_EQ(none.error().code, Errc::kInvalid) << note;
  }
  EXPECT_EQ(parse_backup("no manifest", "x").error().code, Errc::kCorrupt);
}

// --- Removing one that is whole ---

TEST_F(BackupsTest, OneThatIsRemovedIsMarkedUntilItIsGoneForGood) {
  make("a");
  os.calls.clear();
  ASSERT_TRUE(backups.remove("a").ok());
  EXPECT_THAT(os.calls,
              ElementsAre("create " + removed, "sync appendonlydir/",
                          "remove backups/a/appendonly.aof.manifest", "remove backups/a/" + kBase,
                          "remove backups/a/" + kFirst, "remove backups/a/" + kSecond,
                          "remove backups/a", "sync backups/", "remove " + removed));
  EXPECT_THAT(ids(), IsEmpty());
}

// A manifest that came back would name all that is there.
TEST_F(BackupsTest, WithSegmentsOfTheColdTierItsManifestIsGoneForGoodFirst) {
  make("a");
  os.put("backups/a/7.cold", "7");
  os.fail_on("sync backups/a/");
  EXPECT_FALSE(backups.remove("a").ok());
  EXPECT_TRUE(os.there("backups/a/7.cold")) << "all of it is there if it comes back";
  EXPECT_TRUE(os.there(removed));
  os.breaks = nullptr;
  backups.remove_leftovers({}, {"a"});
  EXPECT_THAT(in("backups/a"), ElementsAre("no folder"));
}

TEST_F(BackupsTest, ARemovalThatFailsIsToldUntilItIsGone) {
  make("a");
  for (const std::string& call : {"create " + removed, std::string("sync appendonlydir/"),
                                  std::string("remove backups/a/appendonly.aof.manifest")}) {
    os.fail_on(call);
    EXPECT_FALSE(backups.remove("a").ok()) << call;
    os.breaks = nullptr;
    EXPECT_THAT(ids(), ElementsAre("a")) << call;
    EXPECT_EQ(in("backups/a").size(), 4u) << call;
  }
  os.fail_on("sync backups/");
  EXPECT_FALSE(backups.remove("a").ok()) << "a power cut may bring it back";
  EXPECT_TRUE(os.there(removed));
  os.breaks = nullptr;
  backups.remove_leftovers({}, {"a"});
  EXPECT_THAT(in("backups/a"), ElementsAre("no folder"));
}

TEST_F(BackupsTest, WhatCannotBeRemovedBehindItsManifestIsLeftToTheNextStart) {
  make("a");
  os.fail_on("remove backups/a/" + kBase);
  EXPECT_FALSE(backups.remove("a").ok());
  EXPECT_THAT(ids(), IsEmpty());
  EXPECT_TRUE(os.there(removed));
}

TEST_F(BackupsTest, AStartEndsARemovalUnlessAllOfItIsThere) {
  const std::string manifest = "backups/a/appendonly.aof.manifest";
  make("a");
  const std::string whole = os.at(manifest);
  for (const std::string& there : {std::string("*3\r\n$3\r\nSET\r\n"), std::string(), whole}) {
    os.put(manifest, there);  // a power cut brings its name back
    os.put(removed, "");
    if (there == whole) {
      EXPECT_TRUE(os.remove("backups/a/" + kFirst).ok());
    }
    backups.remove_leftovers({}, {"a"});
    EXPECT_THAT(in("backups/a"), ElementsAre("no folder")) << there;
    EXPECT_FALSE(os.there(removed)) << there;
    make("a");
  }
  os.put(removed, "");  // a power cut brings it back, and a later one of that name was sealed
  backups.remove_leftovers({}, {"a"});
  EXPECT_THAT(ids(), ElementsAre("a"));
  EXPECT_FALSE(os.there(removed));
  os.put(removed, "");
  os.fail_on("open " + manifest);
  backups.remove_leftovers({}, {"a"});
  EXPECT_TRUE(os.there(removed)) << "it cannot tell";
  os.breaks = nullptr;
  EXPECT_THAT(ids(), ElementsAre("a"));
}

TEST_F(BackupsTest, ARemovalInTheMidstOfWhichABackupIsMadeAnewIsEnded) {
  ASSERT_TRUE(backups.start("a", log).ok());
  os.put(removed, "");
  Backups(os).remove_leftovers({"a"}, {"a"});
  EXPECT_THAT(in("backups/a"), ElementsAre("no folder"));
  EXPECT_FALSE(os.there(removed) || os.there(mark));
}

TEST_F(BackupsTest, NothingIsRemovedThatIsNotTheStores) {
  make("a");
  for (const char* theirs : {"notes.txt", "appendonly.aof.9.incr.aof"}) {
    os.put(std::string("backups/a/") + theirs, "");
    EXPECT_EQ(why(backups.remove("a")),
              std::string("backups/a: '") + theirs +
                  "' in it is not the store's; remove the folder by hand");
    EXPECT_TRUE(os.remove(std::string("backups/a/") + theirs).ok());
  }
  EXPECT_EQ(in("backups/a").size(), 4u);
  for (const char* none : {"b", "../a", ""})
    EXPECT_THAT(why(backups.remove(none)), HasSubstr("there is no sealed backup there")) << none;
  const std::string whole = os.at("backups/a/appendonly.aof.manifest");
  os.put("backups/../a/appendonly.aof.manifest", whole);
  EXPECT_TRUE(os.make_directory("backups/../a").ok());
  EXPECT_THAT(why(backups.remove("../a")), HasSubstr("there is no sealed backup there"));
  os.put("backups/a/appendonly.aof.manifest", whole.substr(0, whole.find("# backup")));
  EXPECT_THAT(why(backups.remove("a")), HasSubstr("there is no sealed backup there"))
      << "it is a log's";
  os.put("backups/a/appendonly.aof.manifest", whole);
  os.put("backups/a/3.cold", "");
  os.put("backups/a/temp-appendonly.aof.manifest", "");
  EXPECT_EQ(why(backups.remove("a")), "") << "those are";
}

// --- Retention ---

TEST_F(BackupsTest, TheOldestGoUntilSoManyAreLeft) {
  make("c", 100);
  make("a", 300);
  make("b", 200);
  make("d", 50);  // the clock was set back
  EXPECT_TRUE(backups.retain({}, "d", 1000).ok());
  EXPECT_EQ(ids().size(), 4u);
  EXPECT_TRUE(backups.retain({.count = 4}, "d", 1000).ok());
  EXPECT_EQ(ids().size(), 4u);
  EXPECT_TRUE(backups.retain({.count = 3}, "d", 1000).ok());
  EXPECT_THAT(ids(), ElementsAre("a", "b", "d"));
  EXPECT_TRUE(backups.retain({.count = 1}, "d", 1000).ok());
  EXPECT_THAT(ids(), ElementsAre("d")) << "the newest always stays";
}

TEST_F(BackupsTest, ThoseThatAreOlderGo) {
  make("a", 100);
  make("b", 101);
  make("c", 50);
  EXPECT_TRUE(backups.retain({.age_s = 200}, "c", 301).ok());
  EXPECT_THAT(ids(), ElementsAre("b", "c")) << "b is just as old as may be, and c the newest";
}

TEST_F(BackupsTest, OfTwoOfOneSecondTheEarlierEntryIsTheOlder) {
  make("z", 100);
  make("y", 100);
  make("x", 100);
  EXPECT_TRUE(backups.retain({.count = 2}, "x", 100).ok());
  EXPECT_THAT(ids(), ElementsAre("x", "y"));
}

TEST_F(BackupsTest, OneThatCannotBeRemovedStaysAlone) {
  make("a", 1);
  make("b", 2);
  make("c", 3);
  os.put("backups/a/notes.txt", "");
  const auto retained = backups.retain({.count = 1}, "c", 10);
  EXPECT_THAT(why(retained), HasSubstr("notes.txt"));
  EXPECT_THAT(ids(), ElementsAre("a", "c"));
  EXPECT_TRUE(os.remove("backups/a/notes.txt").ok());
  make("d", 4);
  os.fail_on("sync appendonlydir/");
  EXPECT_EQ(backups.retain({.count = 1}, "d", 10).error().code, Errc::kIo);
  os.fail_on("create appendonlydir/backup-a.removed");
  EXPECT_EQ(backups.retain({.count = 1}, "d", 10).error().code, Errc::kIo);
  EXPECT_THAT(ids(), ElementsAre("a", "c", "d")) << "what fails there may fail for each";
  os.fail_on("list backups");
  EXPECT_FALSE(backups.retain({.count = 1}, "d", 10).ok());
  EXPECT_TRUE(backups.retain({}, "d", 10).ok()) << "nothing is asked for";
}

}  // namespace
}  // namespace powercut::engine
