// The archive on the simulated disk and a simulated object store: when a segment goes, what is had of it, what each moment at
// which the store is killed leaves, and what it does while nobody is reached.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/engine.h"
#include "faults/personas.h"
#include "scenarios/store/keyspace/cold_hashes.h"
#include "sim/disk_testing.h"
#include "sim/sim_object_store.h"
#include "sim/sim_os.h"
#include "sim/sim_os_testing.h"

namespace powercut::scenarios {
namespace {

using engine::Engine;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

// A crash before that call.
class CrashAt final : public sim::Injector {
 public:
  sim::CrashKind crash = sim::CrashKind::kNone;
  uint64_t crash_at = 0;
  sim::Injection on_call(const sim::SeamCall& call) override {
    sim::Injection injection;
    if (call.number == crash_at) injection.crash = crash;
    return injection;
  }
};

class ArchiveTest : public ::testing::Test {
 protected:
  ArchiveTest() {
    config.aof.policy = engine::SyncPolicy::kAlways;
    config.rewrite_percentage = 0;
    config.tier = {.path = "cold", .hot_bytes = 1, .archive_url = kBucketUrl, .cold_bytes = 1};
    config.sizes.tier.least_bytes = 0;
  }

  using Body = std::function<void(engine::Os&, Engine&, sim::SimObjectStore&)>;
  // One life, from its opening to a kill.
  void live(const Body& body) { EXPECT_TRUE(lives(body)); }
  // False: it did not come to the end of that.
  bool lives(const Body& body) {
    return in_world([&](engine::Os& os) {
      bucket_ = std::make_unique<sim::SimObjectStore>(os);
      bucket_->set_fine(true);
      bucket_->set_out_of_reach(out_of_reach);
      left_ = Engine::make(os, config);
      left_->set_object_store(bucket_.get());
      Engine::Process process;
      process.log_line = [this](std::string_view line) { said += std::string(line) + "\n"; };
      left_->set_process(std::move(process));
      const auto loaded = left_->load();
      refused = loaded.ok() ? "" : loaded.error().message;
      if (loaded.ok() && body) body(os, *left_, *bucket_);
    });
  }
  bool in_world(const std::function<void(engine::Os&)>& body) {
    sim::SimOs os(world, choices_, trace_, &injector);
    const bool ended = sim::run_to_end(os, [&] { body(os); });
    left_.reset();
    bucket_.reset();
    return ended;
  }
  static std::string ask(Engine& engine, const std::string& line) {
    const auto session = engine.connect();
    session->feed(line + "\r\n");
    return std::string(session->wait_ready());
  }
  static void wait(engine::Os& os, int64_t ms = 2000) { os.park(os.now() + milliseconds(ms)); }
  std::vector<std::string> in(std::string_view folder) const {
    std::vector<std::string> found;
    const auto names = world.disk.list(folder);
    for (size_t i = 0; names.ok() && i < names->size(); ++i)
      if (!(*names)[i].starts_with('.')) found.push_back((*names)[i]);  // no object yet
    return found;
  }
  // Two keys, in segments that are in the archive, and a base that rests on them.
  void archive_two() {
    live([&](engine::Os& os, Engine& engine, sim::SimObjectStore&) {
      EXPECT_EQ(ask(engine, "SET a aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"), "+OK\r\n");
      wait(os);
      EXPECT_EQ(ask(engine, "SET b bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"), "+OK\r\n");
      wait(os);
      EXPECT_EQ(ask(engine, "BGREWRITEAOF")[0], '+');
      wait(os);
    });
    EXPECT_EQ(refused, "");
    EXPECT_THAT(in("elsewhere"), SizeIs(2));
    EXPECT_THAT(in("cold"), ::testing::ElementsAre("2.archive", "3.archive"));
  }

  engine::EngineConfig config;
  CrashAt injector;
  sim::WorldState world{sim::Disk(faults::find_persona("ext4-ordered")->rules)};
  bool out_of_reach = false;
  std::string refused;
  std::string said;

 private:
  sim::SeededChoices choices_{1};
  sim::Trace trace_;
  std::unique_ptr<sim::SimObjectStore> bucket_;
  std::unique_ptr<Engine> left_;
};

TEST_F(ArchiveTest, SegmentsBeyondTheSizeGoAndTheirValuesAreHad) {
  archive_two();
  live([&](engine::Os&, Engine& engine, sim::SimObjectStore&) {
    EXPECT_THAT(ask(engine, "INFO persistence"), HasSubstr("archive_segments:2\r\n"));
    EXPECT_EQ(ask(engine, "EXISTS a b"), ":2\r\n");
    EXPECT_THAT(ask(engine, "GET a"), StartsWith("$31\r\naaa"));
    EXPECT_THAT(ask(engine, "APPEND b x"), StartsWith(":32"));
  });
}

TEST_F(ArchiveTest, OneThatAnswersHoldsNoStartUp) {
  archive_two();
  const Instant before = world.now;
  live({});
  EXPECT_EQ(said, "");
  EXPECT_LT(world.now, before + milliseconds(500));
  out_of_reach = true;
  live({});
  EXPECT_THAT(said, HasSubstr("the archive is not reached"));
}

TEST_F(ArchiveTest, WhatWasNotReadForAWhileGoes) {
  config.tier.cold_bytes = 0;
  config.tier.archive_after_s = 100;
  live([&](engine::Os& os, Engine& engine, sim::SimObjectStore&) {
    ask(engine, "SET a aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    wait(os, 90'000);
    EXPECT_THAT(in("elsewhere"), IsEmpty());
    wait(os, 20'000);
    EXPECT_THAT(in("elsewhere"), SizeIs(1));
    EXPECT_EQ(engine.archiver()->stats().sent, 1u);
  });
}

TEST_F(ArchiveTest, OutOfReachAStartServesTheRestAndRemovesNothing) {
  archive_two();
  out_of_reach = true;
  live([&](engine::Os& os, Engine& engine, sim::SimObjectStore& bucket) {
    EXPECT_THAT(said, HasSubstr("the archive is not reached"));
    EXPECT_EQ(ask(engine, "EXISTS a b"), ":2\r\n");
    EXPECT_THAT(ask(engine, "GET a"), StartsWith("-IOERR s3://bucket/store/2-"));
    EXPECT_THAT(ask(engine, "APPEND a x"), StartsWith("-IOERR")) << "nothing is overwritten";
    EXPECT_EQ(ask(engine, "SET c 1"), "+OK\r\n");
    EXPECT_THAT(ask(engine, "INFO persistence"), HasSubstr("archive_not_had:2\r\n"));
    EXPECT_EQ(ask(engine, "DEL b"), ":1\r\n");
    ask(engine, "BGREWRITEAOF");
    wait(os, 60'000);
    EXPECT_THAT(in("elsewhere"), SizeIs(2));
    EXPECT_THAT(ask(engine, "INFO persistence"), HasSubstr("archive_last_status:err"));
    bucket.set_out_of_reach(false);
    wait(os, 60'000);
    EXPECT_THAT(ask(engine, "GET a"), StartsWith("$31\r\naaa"));
    for (const std::string& name : in("elsewhere")) EXPECT_THAT(name, Not(HasSubstr("%3-")));
  });
}

TEST_F(ArchiveTest, AStartWithoutItOrWithAnotherIsRefusedByName) {
  archive_two();
  config.tier.archive_url = "s3://bucket/other";
  live({});
  EXPECT_THAT(refused, HasSubstr("lie in the archive s3://bucket/store: archive-url is "
                                 "s3://bucket/other"));
  config.tier.archive_url.clear();
  config.tier.cold_bytes = 0;
  live({});
  EXPECT_THAT(refused, HasSubstr("start with archive-url s3://bucket/store"));
  config.tier.archive_url = kBucketUrl;
  live([&](engine::Os&, Engine& engine, sim::SimObjectStore&) {
    EXPECT_THAT(ask(engine, "GET b"), StartsWith("$31\r\nbbb")) << "nothing was changed";
  });
}

TEST_F(ArchiveTest, ALostFileWithoutANoteIsMissingAsBefore) {
  archive_two();
  EXPECT_TRUE(in_world([&](engine::Os& os) { EXPECT_TRUE(os.remove("cold/2.archive").ok()); }));
  live({});
  EXPECT_THAT(refused, HasSubstr("cold/2.cold: it is missing"));
}

TEST_F(ArchiveTest, ABackupHasTheFilesThemselves) {
  archive_two();
  live([&](engine::Os& os, Engine& engine, sim::SimObjectStore&) {
    EXPECT_THAT(ask(engine, "BACKUP START one"), Not(StartsWith("-")));
    EXPECT_THAT(ask(engine, "BACKUP SEAL"), Not(StartsWith("-")));
    wait(os);
    int files = 0;
    for (const std::string& name : in("backups/one")) files += name.ends_with(".cold") ? 1 : 0;
    EXPECT_EQ(files, 2);
  });
}

TEST_F(ArchiveTest, ABackupOfWhatIsNotReachedIsRefused) {
  archive_two();
  out_of_reach = true;
  live([&](engine::Os&, Engine& engine, sim::SimObjectStore&) {
    EXPECT_THAT(ask(engine, "BACKUP START one"), HasSubstr("s3://bucket/store/"));
    EXPECT_THAT(ask(engine, "SET c 1"), StartsWith("+OK"));
  });
}

// Killed, or its power cut, before each of the seam's calls of a life that moves segments: nothing is lost.
TEST_F(ArchiveTest, BeforeEachCallACrashLeavesAWholeCopy) {
  live([&](engine::Os& os, Engine& engine, sim::SimObjectStore& bucket) {
    bucket.set_out_of_reach(true);
    ask(engine, "SET k kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk");
    wait(os);
    ask(engine, "BGREWRITEAOF");
    wait(os);
  });
  const sim::WorldState before = world;
  bool crashed = true;
  size_t points = 0;
  size_t moved = 0;
  for (uint64_t call = 0; crashed; ++call, ++points) {
    world = before;
    injector.crash_at = call;
    injector.crash = call % 2 == 0 ? sim::CrashKind::kKill : sim::CrashKind::kPowerCut;
    crashed = !lives([&](engine::Os& os, Engine& engine, sim::SimObjectStore&) {
      wait(os);
      EXPECT_THAT(ask(engine, "GET k"), StartsWith("$31\r\nkkk"));
      wait(os);
    });
    injector.crash = sim::CrashKind::kNone;
    if (crashed) world.disk = call % 2 == 0 ? world.disk.after_kill() : sim::all_lost(world.disk);
    moved += in("elsewhere").empty() ? 0 : 1;
    live([&](engine::Os& os, Engine& engine, sim::SimObjectStore&) {
      EXPECT_THAT(ask(engine, "GET k"), StartsWith("$31\r\nkkk")) << "call " << call;
      EXPECT_EQ(ask(engine, "DEL k"), ":1\r\n");
      ask(engine, "BGREWRITEAOF");
      wait(os, 10'000);
    });
    EXPECT_EQ(refused, "") << "call " << call;
    EXPECT_THAT(in("elsewhere"), IsEmpty()) << "call " << call;
    EXPECT_THAT(in("cold"), IsEmpty()) << "call " << call;
  }
  EXPECT_GT(points, 40u);
  EXPECT_GT(moved, 5u);
}

}  // namespace
}  // namespace powercut::scenarios
