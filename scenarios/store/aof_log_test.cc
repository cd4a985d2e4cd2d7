// The log alone, on a simulated disk: what its file holds and what its marks say, under each policy, and when calls
// fail.
#include "engine/aof/aof_log.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "engine/aof/manifest.h"
#include "engine/aof/segment_reader.h"
#include "engine/os/forwarding_os.h"
#include "faults/personas.h"
#include "faults/plan_injector.h"
#include "sim/sim_os.h"

namespace powercut::scenarios {
namespace {

using engine::AofLog;
using engine::AofOptions;
using engine::Segment;
using engine::SyncPolicy;

constexpr uint64_t kNonce = 0xabcdef;

std::string command(std::initializer_list<std::string_view> words) {
  std::string text = fmt::format("*{}\r\n", words.size());
  for (const std::string_view word : words) text += fmt::format("${}\r\n{}\r\n", word.size(), word);
  return text;
}

// A segment's file on a disk whose space, and whose directory, somebody else may take.
class WatchedFile final : public engine::ForwardingFile {
 public:
  struct Fate {
    bool full = false;
    bool named = true;
  };
  WatchedFile(std::unique_ptr<engine::File> file, const Fate& fate)
      : ForwardingFile(std::move(file)), fate_(fate) {}
  Result<void> reserve(uint64_t) override {
    return fate_.full ? Result<void>(Error{Errc::kNoSpace, "the disk is full"}) : Result<void>();
  }
  bool named() override { return fate_.named; }

 private:
  const Fate& fate_;
};

class AofLogTest : public ::testing::Test {
 protected:
  // `body` runs beside the log's tasks, on a disk that `plan` disturbs. Calls are counted from there on.
  void run(const AofOptions& options, std::string_view plan, const std::function<void()>& body) {
    const faults::Plan words = faults::parse_plan(plan).value();
    sim::SeededChoices choices(seed_);
    sim::Trace trace;
    faults::PlanInjector injector(words, 0, choices, world_.now, faults::no_roles);
    sim::SimOs os(world_, choices, trace, &injector);
    os.set_time_limit(world_.now + seconds(1000));
    os_ = &os;
    bool ended = false;
    os.spawn("test", [&] {
      AofLog log(os, options);
      log_ = &log;
      log.set_on_poison([this] { ++poisonings_; });
      log.start_at(0);
      log.use_segment(segment(1));
      injector.on_served();
      log.start();
      body();
      ended = true;
      os.stop();
      os.park(kForever);
    });
    os.run();
    EXPECT_TRUE(ended) << "the test waits for ever";
    os.destroy_tasks();
  }

  Segment segment(uint64_t sequence) {
    auto file = os_->open(fmt::format("{}.aof", sequence), engine::Open::kCreateNew).value();
    const std::string header = engine::encode_header({sequence, kNonce});
    EXPECT_TRUE(engine::write_whole(*file, 0, header).ok());
    EXPECT_TRUE(file->sync("segment.create").ok());
    file = std::make_unique<WatchedFile>(std::move(file), fate_);
    return {std::move(file), sequence, kNonce, header.size(), header.size()};
  }

  uint64_t set(std::string_view key, int db = 0) {
    log_->begin_entry(1);
    log_->add_command(db, command({"SET", key, "v"}));
    return log_->end_entry();
  }
  void wait(Duration time) {
    const Instant until = os_->now() + time;
    while (os_->now() < until) os_->park(until);
  }
  std::string content(uint64_t sequence) {
    const auto inode = world_.disk.lookup(fmt::format("{}.aof", sequence)).value();
    return world_.disk.read_whole(inode).value();
  }
  // The entries of a segment that is whole: their numbers and last words.
  std::string entries(uint64_t sequence, uint64_t first = 1) {
    std::string text;
    const std::string bytes = content(sequence);
    engine::SegmentBytes whole{std::string_view(bytes)};
    engine::SegmentExpectation expected;
    expected.ours = sequence;
    expected.first_lsn = first;
    const auto scan = engine::scan_segment(
        whole, expected, [&](uint64_t lsn, const engine::EntryView& entry) -> Result<void> {
          text += fmt::format("{}:", lsn);
          for (size_t i = 0; i < entry.size(); ++i) text += fmt::format("{} ", entry.command(i)[1]);
          return {};
        });
    if (!scan.ok()) return scan.error().message;
    if (!scan->dropped_reason.empty()) text += scan->dropped_reason;
    return text + (scan->closed ? "closed" : "");
  }

  sim::WorldState world_{sim::Disk(faults::find_persona("ext4-ordered")->rules)};
  sim::SimOs* os_ = nullptr;
  AofLog* log_ = nullptr;
  int poisonings_ = 0;
  uint64_t seed_ = 1;  // of the order of tasks
  WatchedFile::Fate fate_;
};

AofOptions with(SyncPolicy policy) {
  AofOptions options;
  options.policy = policy;
  return options;
}

// --- What it writes ---

TEST_F(AofLogTest, ABatchIsWhatCameMeanwhile) {
  run(with(SyncPolicy::kNo), "", [&] {
    set("a");
    set("b");
    set("c", 12);
    log_->begin_entry(2);
    log_->add_command(12, command({"SET", "d", "1"}));
    log_->add_command(0, command({"SET", "e", "2"}));
    log_->end_entry();
    wait(seconds(1));
    std::string batch = command({"SELECT", "0"}) + command({"SET", "a", "v"}) +
                        command({"SET", "b", "v"}) + command({"SELECT", "12"}) +
                        command({"SET", "c", "v"}) + command({"MULTI"}) +
                        command({"SET", "d", "1"}) + command({"SELECT", "0"}) +
                        command({"SET", "e", "2"}) + command({"EXEC"});
    std::string whole = engine::encode_header({1, kNonce});
    engine::append_annotation(batch, {1, 4, batch.size(), whole.size(), 0}, kNonce, whole.size());
    EXPECT_EQ(content(1), whole + batch);
    EXPECT_EQ(log_->segment_size(), (whole + batch).size());
  });
}

TEST_F(AofLogTest, ATimestampStandsBeforeTheFirstEntryOfASecond) {
  AofOptions options = with(SyncPolicy::kNo);
  options.timestamps = true;
  world_.wall_offset_ms = 1'700'000'000'000;
  run(options, "", [&] {
    set("a");
    set("b");
    wait(seconds(3));
    set("c");
    wait(milliseconds(100));
    const std::string text = content(1);
    EXPECT_NE(text.find("#TS:1700000000\r\n*2\r\n$6\r\nSELECT"), text.npos);
    EXPECT_NE(text.find("#TS:1700000003\r\n*3"), text.npos);
    EXPECT_EQ(text.find("#TS", text.find("#TS:1700000003") + 3), text.npos);
    EXPECT_EQ(entries(1), "1:0 a 2:b 3:c ");
  });
}

// What said it may be gone before a restore asks.
TEST_F(AofLogTest, ANewSegmentSaysItsSecondAnew) {
  AofOptions options = with(SyncPolicy::kNo);
  options.timestamps = true;
  world_.wall_offset_ms = 1'700'000'000'000;
  run(options, "", [&] {
    set("a");
    const auto publish = [](uint64_t) { return Result<void>(); };
    EXPECT_TRUE(log_->rotate({segment(2), [] {}, publish}).ok());
    set("b");
    wait(milliseconds(100));
    EXPECT_NE(content(1).find("#TS:1700000000\r\n"), std::string::npos);
    EXPECT_NE(content(2).find("#TS:1700000000\r\n"), std::string::npos);
  });
}

// --- When it syncs, and what that releases ---

TEST_F(AofLogTest, AlwaysReleasesWhatIsSynced) {
  run(with(SyncPolicy::kAlways), "", [&] {
    const uint64_t lsn = set("a");
    while (log_->released_lsn() < lsn) {
      EXPECT_LE(log_->released_lsn(), log_->synced_lsn());
      log_->progress().wait();
    }
    EXPECT_EQ(log_->synced_lsn(), lsn);
    EXPECT_EQ(log_->syncs(), 1u);
  });
}

TEST_F(AofLogTest, EverysecSyncsASecondLaterAndThenRests) {
  run(with(SyncPolicy::kEverysec), "", [&] {
    set("a");
    wait(milliseconds(100));  // the first sync comes at once
    set("b");
    wait(milliseconds(100));
    EXPECT_EQ(log_->released_lsn(), 2u);
    EXPECT_EQ(log_->synced_lsn(), 1u);
    EXPECT_GT(log_->unsynced_for(), Duration{0});
    wait(milliseconds(1000));
    EXPECT_EQ(log_->synced_lsn(), 2u);
    EXPECT_EQ(log_->unsynced_for(), Duration{0});
    const uint64_t syncs = log_->syncs();
    wait(seconds(10));
    EXPECT_EQ(log_->syncs(), syncs);
  });
}

TEST_F(AofLogTest, EverysecHoldsRepliesWhileASyncHangs) {
  run(with(SyncPolicy::kEverysec), "slow@served/sync:1=10s", [&] {
    set("a");
    wait(milliseconds(1500));
    set("b");  // its sync takes ten seconds
    wait(milliseconds(1500));
    set("c");
    wait(milliseconds(500));
    EXPECT_EQ(log_->released_lsn(), 3u);
    wait(seconds(3));
    set("d");
    wait(milliseconds(500));
    EXPECT_EQ(log_->written_lsn(), 4u);
    EXPECT_EQ(log_->released_lsn(), 3u) << "what is acked would span more than the window";
    EXPECT_GE(log_->delayed_replies(), 1u);
    wait(seconds(10));
    EXPECT_EQ(log_->released_lsn(), 4u);
  });
}

// What is released already waits for nothing.
TEST_F(AofLogTest, OnlyAReplyThatIsHeldCountsAsDelayed) {
  run(with(SyncPolicy::kEverysec), "slow@served/sync:1=10s", [&] {
    set("a");
    wait(milliseconds(1500));
    set("b");  // its sync takes ten seconds
    wait(seconds(4));
    ASSERT_EQ(log_->released_lsn(), 2u);
    ASSERT_GT(log_->unsynced_for(), log_->options().window);
    log_->set_options(with(SyncPolicy::kEverysec));
    EXPECT_EQ(log_->delayed_replies(), 0u);
  });
}

TEST_F(AofLogTest, NoNeverSyncsByItself) {
  run(with(SyncPolicy::kNo), "", [&] {
    set("a");
    wait(seconds(100));
    EXPECT_EQ(log_->released_lsn(), 1u);
    EXPECT_EQ(log_->synced_lsn(), 0u);
    EXPECT_EQ(log_->syncs(), 0u);
  });
}

// Nothing else is said: what was written before is synced as the new policy has it.
TEST_F(AofLogTest, AnotherPolicyTakesOverWhatIsUnsynced) {
  for (const SyncPolicy policy : {SyncPolicy::kEverysec, SyncPolicy::kAlways}) {
    world_.disk = sim::Disk(faults::find_persona("ext4-ordered")->rules);
    run(with(SyncPolicy::kNo), "", [&] {
      set("a");
      wait(seconds(5));
      EXPECT_EQ(log_->synced_lsn(), 0u);
      log_->set_options(with(policy));
      wait(milliseconds(1100));
      EXPECT_EQ(log_->synced_lsn(), 1u);
    });
  }
}

// --- When a call fails ---

TEST_F(AofLogTest, WithoutSpaceABatchIsTriedAgain) {
  run(with(SyncPolicy::kAlways),
      "enospc@served/write:0 enospc@served/write:1 enospc@served/write:2", [&] {
        set("a");
        wait(milliseconds(1));
        EXPECT_FALSE(log_->blocked().empty());
        set("b");
        wait(seconds(1));
        EXPECT_EQ(log_->blocked(), "");
        EXPECT_FALSE(log_->poisoned());
        EXPECT_EQ(log_->synced_lsn(), 2u);
        ASSERT_EQ(log_->blocked_spans().size(), 1u);
        EXPECT_LT(log_->blocked_spans()[0].end, os_->now());
        EXPECT_EQ(entries(1), "1:0 a 2:b ");
      });
  EXPECT_EQ(poisonings_, 0);
}

TEST_F(AofLogTest, WithoutSpaceForAnEntryItSaysWhy) {
  run(with(SyncPolicy::kAlways), "", [&] {
    EXPECT_TRUE(log_->has_space(100));
    fate_.full = true;
    EXPECT_FALSE(log_->has_space(size_t{1} << 30));
    EXPECT_EQ(log_->blocked(), "the disk is full");
    EXPECT_FALSE(log_->poisoned());
    fate_.full = false;
    EXPECT_TRUE(log_->has_space(size_t{1} << 30));
    EXPECT_EQ(log_->blocked(), "");
  });
}

TEST_F(AofLogTest, WhatIsCutOffIsNotSetAsideAnyMore) {
  run(with(SyncPolicy::kNo), "enospc@served/write:0", [&] {
    EXPECT_TRUE(log_->has_space(100));
    set("a");
    while (log_->blocked().empty()) wait(microseconds(1));
    wait(microseconds(100));  // it is cut off
    fate_.full = true;
    EXPECT_FALSE(log_->has_space(100));
    fate_.full = false;
    wait(seconds(5));
    EXPECT_TRUE(log_->has_space(100));
    EXPECT_EQ(entries(1), "1:0 a ");
  });
}

TEST_F(AofLogTest, WhatIsWrittenToAFileWithoutANameIsNotAcknowledged) {
  for (const SyncPolicy policy : {SyncPolicy::kAlways, SyncPolicy::kEverysec, SyncPolicy::kNo}) {
    world_.disk = sim::Disk(faults::find_persona("ext4-ordered")->rules);
    fate_.named = true;
    run(with(policy), "", [&] {
      set("a");
      wait(seconds(5));
      EXPECT_EQ(log_->released_lsn(), 1u);
      log_->check_name();
      EXPECT_FALSE(log_->poisoned());
      fate_.named = false;
      set("b");
      wait(seconds(1));
      EXPECT_TRUE(log_->poisoned());
      EXPECT_EQ(log_->released_lsn(), 1u);
    });
  }
}

TEST_F(AofLogTest, AFileWithoutANameIsFoundBeforeAnythingIsWritten) {
  run(with(SyncPolicy::kAlways), "", [&] {
    fate_.named = false;
    log_->check_name();
    EXPECT_TRUE(log_->poisoned());
    EXPECT_NE(log_->blocked().find("no name"), std::string::npos);
  });
}

// What was written of the batch cannot be cut off: nothing may be written behind it.
TEST_F(AofLogTest, WhatCannotBeCutOffPoisons) {
  run(with(SyncPolicy::kAlways), "enospc@served/write:0 eio@served/truncate:0", [&] {
    set("a");
    wait(seconds(1));
    EXPECT_TRUE(log_->poisoned());
    EXPECT_FALSE(log_->blocked().empty());
    EXPECT_EQ(log_->written_lsn(), 0u);
  });
  EXPECT_EQ(poisonings_, 1);
}

TEST_F(AofLogTest, AFailedWriteOrSyncPoisons) {
  for (const char* plan : {"eio@served/write:0", "eio@served/sync:0"}) {
    poisonings_ = 0;
    world_.disk = sim::Disk(faults::find_persona("ext4-ordered")->rules);
    run(with(SyncPolicy::kAlways), plan, [&] {
      set("a");
      wait(seconds(1));
      EXPECT_TRUE(log_->poisoned()) << plan;
      EXPECT_EQ(log_->released_lsn(), 0u) << plan;
      EXPECT_EQ(log_->blocked_spans().back().end, kForever);
    });
    EXPECT_EQ(poisonings_, 1) << plan;
  }
}

TEST_F(AofLogTest, AnotherFilesErrorPoisonsWhatIsUnsynced) {
  const Error journal{Errc::kIo, "the journal"};
  run(with(SyncPolicy::kNo), "", [&] {
    log_->distrust(journal);
    EXPECT_FALSE(log_->poisoned()) << "nothing is unsynced";
    set("a");
    wait(seconds(1));
    log_->distrust({Errc::kNoSpace, "full"});
    EXPECT_FALSE(log_->poisoned());
    log_->distrust(journal);
    EXPECT_TRUE(log_->poisoned());
    EXPECT_EQ(log_->blocked(), "the journal");
  });
}

// --- Healing ---

TEST_F(AofLogTest, AfterAHealItGoesOnInAnotherSegment) {
  run(with(SyncPolicy::kAlways), "eio@served/sync:0", [&] {
    set("a");
    wait(milliseconds(100));
    ASSERT_TRUE(log_->poisoned());
    set("b");
    const uint64_t cut = log_->begin_heal();
    EXPECT_EQ(cut, 2u);
    set("c", 3);
    EXPECT_EQ(log_->released_lsn(), 0u);
    log_->replace_segment(segment(2), cut);
    EXPECT_EQ(log_->synced_lsn(), 2u);
    EXPECT_EQ(log_->released_lsn(), 2u);
    EXPECT_EQ(log_->blocked(), "");
    EXPECT_LT(log_->blocked_spans().back().end, kForever);
    wait(seconds(1));
    EXPECT_EQ(log_->released_lsn(), 3u);
    EXPECT_EQ(entries(2, 3), "3:3 c ");
  });
}

// --- Rotation ---

TEST_F(AofLogTest, ARotationEndsTheOldSegmentBeforeAnythingRestsOnTheNext) {
  run(with(SyncPolicy::kEverysec), "", [&] {
    set("a");
    wait(milliseconds(10));
    set("b");
    uint64_t cut = 0, published = 0;
    const auto outcome = log_->rotate({segment(2), [&] { cut = log_->applied_lsn(); },
                                       [&](uint64_t length) -> Result<void> {
                                         published = length;
                                         EXPECT_EQ(log_->synced_lsn(), cut);
                                         set("c");
                                         wait(seconds(5));
                                         EXPECT_EQ(log_->released_lsn(), cut)
                                             << "its segment is not published yet";
                                         return {};
                                       }});
    EXPECT_TRUE(outcome.ok());
    EXPECT_EQ(cut, 2u);
    EXPECT_EQ(content(1).size(), published);
    wait(seconds(2));
    EXPECT_EQ(log_->synced_lsn(), 3u);
    EXPECT_EQ(log_->segment_sequence(), 2u);
    EXPECT_EQ(entries(1), "1:0 a 2:b ");
    EXPECT_EQ(entries(2, 3), "3:0 c ");
  });
}

// What the sync of a rotation takes, no reply waits for whose policy does not ask for one.
TEST_F(AofLogTest, ARotationHoldsOnlyRepliesThatItsPolicyHolds) {
  for (const SyncPolicy policy : {SyncPolicy::kNo, SyncPolicy::kEverysec, SyncPolicy::kAlways}) {
    SCOPED_TRACE(static_cast<int>(policy));
    world_ = sim::WorldState{sim::Disk(faults::find_persona("ext4-ordered")->rules)};
    run(with(policy), "slow@served/sync:1=5s", [&] {
      Segment next = segment(2);
      uint64_t released = 0;
      os_->spawn("meanwhile", [&] {
        wait(seconds(1));
        released = log_->released_lsn();
      });
      set("a");
      const auto outcome =
          log_->rotate({std::move(next), [] {}, [](uint64_t) { return Result<void>(); }});
      EXPECT_TRUE(outcome.ok());
      EXPECT_EQ(released, policy == SyncPolicy::kAlways ? 0u : 1u);
      EXPECT_EQ(log_->released_lsn(), 1u);
    });
  }
}

// What is set aside in its predecessor is none of it.
TEST_F(AofLogTest, WhatComesBehindTheCutNeedsSpaceInTheNextSegment) {
  run(with(SyncPolicy::kAlways), "", [&] {
    EXPECT_TRUE(log_->has_space(100));
    const auto publish = [&](uint64_t) -> Result<void> {
      fate_.full = true;
      EXPECT_FALSE(log_->has_space(100));
      fate_.full = false;
      EXPECT_TRUE(log_->has_space(100));
      fate_.full = true;
      return {};
    };
    EXPECT_TRUE(log_->rotate({segment(2), [] {}, publish}).ok());
    EXPECT_TRUE(log_->has_space(100));
    EXPECT_FALSE(log_->has_space(size_t{1} << 30));
  });
}

// A sync after one that failed would succeed, and prove nothing.
TEST_F(AofLogTest, ARotationDoesNotSyncAgainWhatASyncUnderWayHasLost) {
  run(with(SyncPolicy::kEverysec), "slow@served/sync:0=5s eio@served/sync:0", [&] {
    set("a");
    wait(seconds(1));
    ASSERT_EQ(log_->syncs(), 1u);
    ASSERT_FALSE(log_->poisoned()) << "it is under way";
    bool published = false;
    const auto outcome = log_->rotate({segment(2), [] {},
                                       [&](uint64_t) -> Result<void> {
                                         published = true;
                                         return {};
                                       }});
    EXPECT_FALSE(outcome.ok());
    EXPECT_FALSE(published);
    EXPECT_TRUE(log_->poisoned());
    EXPECT_EQ(log_->synced_lsn(), 0u);
    EXPECT_EQ(log_->segment_sequence(), 1u);
  });
}

TEST_F(AofLogTest, ARotationThatIsNotPublishedPoisons) {
  run(with(SyncPolicy::kEverysec), "", [&] {
    set("a");
    const auto outcome = log_->rotate({segment(2), [] {},
                                       [](uint64_t) -> Result<void> {
                                         return Error{Errc::kIo, "not published"};
                                       }});
    ASSERT_FALSE(outcome.ok());
    EXPECT_EQ(outcome.error().message, "not published");
    EXPECT_TRUE(log_->poisoned());
    EXPECT_EQ(log_->segment_sequence(), 1u);
  });
}

// --- The end ---

TEST_F(AofLogTest, AnEndSyncsEverythingAndClosesUnderEveryPolicy) {
  for (const SyncPolicy policy : {SyncPolicy::kAlways, SyncPolicy::kEverysec, SyncPolicy::kNo}) {
    world_.disk = sim::Disk(faults::find_persona("ext4-ordered")->rules);
    run(with(policy), "", [&] {
      set("a");
      wait(milliseconds(10));
      set("b");
      EXPECT_TRUE(log_->finish().ok());
      EXPECT_EQ(log_->synced_lsn(), 2u);
      EXPECT_EQ(entries(1), "1:0 a 2:b closed");
      const auto inode = world_.disk.lookup("1.aof").value();
      sim::SeededChoices choices(7);
      EXPECT_FALSE(world_.disk.anything_pending());
      EXPECT_EQ(world_.disk.size(inode), log_->segment_size());
    });
  }
}

// Nothing is lost, and it may be told to end again.
TEST_F(AofLogTest, AnEndThatFailsLeavesItGoingOn) {
  run(with(SyncPolicy::kNo), "enospc@served/write:1", [&] {
    set("a");
    wait(seconds(1));
    const auto outcome = log_->finish();  // its mark finds no space
    ASSERT_FALSE(outcome.ok());
    EXPECT_EQ(outcome.error().code, Errc::kNoSpace);
    EXPECT_FALSE(log_->poisoned());
    set("b");
    wait(seconds(1));
    EXPECT_EQ(log_->released_lsn(), 2u);
    EXPECT_TRUE(log_->finish().ok());
    EXPECT_EQ(entries(1), "1:0 a 2:b closed");
  });
}

TEST_F(AofLogTest, AnEndDoesNotCloseWhatIsNotWritten) {
  run(with(SyncPolicy::kNo), "enospc@served/write:0", [&] {
    set("a");
    EXPECT_FALSE(log_->finish().ok());
    EXPECT_FALSE(log_->poisoned());
    wait(seconds(1));
    EXPECT_EQ(entries(1), "1:0 a ");
    EXPECT_TRUE(log_->finish().ok());
    EXPECT_EQ(entries(1), "1:0 a closed");
  });
}

// Whoever of its tasks had come to an end by then.
TEST_F(AofLogTest, AnEndThatFailsLeavesOneSyncer) {
  for (seed_ = 1; seed_ <= 20; ++seed_) {
    world_.disk = sim::Disk(faults::find_persona("ext4-ordered")->rules);
    run(with(SyncPolicy::kEverysec), "eio@served/sync:0 slow@served/sync:2=5s", [&] {
      set("a");
      wait(seconds(1));
      ASSERT_TRUE(log_->poisoned());
      EXPECT_FALSE(log_->finish().ok());
      const uint64_t cut = log_->begin_heal();
      log_->replace_segment(segment(2), cut);
      wait(seconds(5));
      const uint64_t syncs = log_->syncs();
      set("b");  // a second one would wait for its sync, and then sync nothing
      wait(seconds(20));
      EXPECT_EQ(log_->synced_lsn(), 2u);
      EXPECT_EQ(log_->syncs(), syncs + 1);
    });
  }
}

TEST_F(AofLogTest, AnEndWhoseSyncFailsIsAnError) {
  for (const char* plan : {"eio@served/sync:0", "eio@served/sync:1"}) {
    world_.disk = sim::Disk(faults::find_persona("ext4-ordered")->rules);
    run(with(SyncPolicy::kNo), plan, [&] {
      set("a");
      wait(seconds(1));
      EXPECT_FALSE(log_->finish().ok()) << plan;
      EXPECT_TRUE(log_->poisoned()) << plan;
    });
  }
}

// All that is left to force is the mark, whatever another sync was about to.
TEST_F(AofLogTest, AnEndSyncsNothingThatASyncUnderWayForces) {
  run(with(SyncPolicy::kEverysec), "slow@served/sync:0=3s", [&] {
    set("a");
    wait(seconds(2));
    ASSERT_EQ(log_->syncs(), 1u);
    ASSERT_EQ(log_->synced_lsn(), 0u) << "it is under way";
    EXPECT_TRUE(log_->finish().ok());
    EXPECT_EQ(log_->syncs(), 2u);
    EXPECT_EQ(entries(1), "1:0 a closed");
  });
}

TEST_F(AofLogTest, ABeginningThatFailsLeavesNothingToWrite) {
  run(with(SyncPolicy::kEverysec), "", [&] {
    set("a");
    ASSERT_TRUE(log_->finish().ok());
    log_->deactivate();
    EXPECT_EQ(log_->begin_heal(), 1u);
    EXPECT_EQ(set("b"), 2u);
    EXPECT_NE(log_->buffered_bytes(), 0u) << "it would be the first of the new log";
    EXPECT_EQ(log_->released_lsn(), 1u);
    log_->abandon_heal();
    EXPECT_FALSE(log_->active());
    EXPECT_EQ(log_->buffered_bytes(), 0u);
    EXPECT_EQ(log_->released_lsn(), 2u) << "nothing is promised of it any more";
    EXPECT_EQ(log_->synced_lsn(), 2u);
    // And the next one begins with what comes behind it.
    EXPECT_EQ(log_->begin_heal(), 2u);
    log_->replace_segment(segment(2), 2);
    set("c");
    wait(seconds(2));
    EXPECT_EQ(entries(2, 3), "3:0 c ");
  });
}

TEST_F(AofLogTest, TurnedOffItOnlyCounts) {
  run(with(SyncPolicy::kEverysec), "", [&] {
    set("a");
    ASSERT_TRUE(log_->finish().ok());
    log_->deactivate();
    EXPECT_FALSE(log_->active());
    EXPECT_EQ(set("b"), 2u);
    EXPECT_EQ(log_->released_lsn(), 2u);
    EXPECT_EQ(log_->buffered_bytes(), 0u);
    wait(seconds(2));
    EXPECT_EQ(entries(1), "1:0 a closed");
  });
}

}  // namespace
}  // namespace powercut::scenarios
