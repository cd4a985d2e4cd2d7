// A machine whose process dies alone, or that loses its power alone, in a world that goes on.
#include "sim/process_os.h"

#include <gtest/gtest.h>

#include "sim/sim_os.h"
#include "sim/sim_os_testing.h"

namespace powercut::sim {
namespace {

using engine::File;
using engine::Open;

std::string content(engine::Os& os, const char* path) {
  auto file = os.open(path, Open::kRead);
  if (!file.ok()) return to_string(file.error().code);
  char bytes[16];
  const auto count = (*file)->read_at(0, bytes, sizeof bytes);
  return count.ok() ? std::string(bytes, *count) : to_string(count.error().code);
}

// What a file of 4 bytes, written and not synced, reads as behind `kind`.
std::string behind(CrashKind kind, bool synced) {
  WorldState world;
  SeededChoices choices(1);
  Trace trace;
  SimOs os(world, choices, trace, nullptr);
  ProcessOs process(os);
  bool went_on = false;
  std::string found;
  EXPECT_TRUE(run_to_end(os, [&] {
    os.spawn("process", [&] {
      auto file = process.open("f", Open::kCreateNew);
      EXPECT_TRUE((*file)->write_at(0, "full").ok());
      if (synced) {
        EXPECT_TRUE((*file)->sync("test.file").ok());
        EXPECT_TRUE(process.sync_directory("", "test.directory").ok());
      }
      process.park(os.now() + seconds(1));
      went_on = true;
    });
    os.park(os.now() + milliseconds(500));
    process.die();
    os.park(os.now() + seconds(5));
    EXPECT_TRUE(process.still());
    os.crash_machine(kind);
    ProcessOs again(os);
    found = content(again, "f");
  }));
  EXPECT_FALSE(went_on);
  return found;
}

TEST(ProcessOs, AKillLeavesWhatWasWritten) { EXPECT_EQ(behind(CrashKind::kKill, false), "full"); }

TEST(ProcessOs, APowerCutLeavesWhatWasSynced) {
  EXPECT_EQ(behind(CrashKind::kPowerCut, true), "full");
  EXPECT_EQ(behind(CrashKind::kPowerCut, false), to_string(Errc::kNotFound));
}

// The operating system goes on with it, and has nobody to tell.
TEST(ProcessOs, ASyncThatFailsBehindItsDeathIsNoted) {
  for (const bool alive : {true, false}) {
    WorldState world;
    SeededChoices choices(1);
    Trace trace;
    TestInjector injector;
    SimOs os(world, choices, trace, &injector);
    ProcessOs process(os);
    EXPECT_TRUE(run_to_end(os, [&] {
      os.spawn("process", [&] {
        auto file = process.open("f", Open::kCreateNew);
        EXPECT_TRUE((*file)->write_at(0, "full").ok());
        injector.fail_next(Op::kSync, Errc::kIo);
        if (!alive) os.spawn("kill", [&] { process.die(); });
        EXPECT_FALSE((*file)->sync("test.file").ok());
      });
      os.park(os.now() + seconds(5));
      EXPECT_TRUE(process.sync_failed());
      process.die();
      EXPECT_FALSE(process.sync_failed()) << "one that it was told of";
    }));
  }
}

}  // namespace
}  // namespace powercut::sim
