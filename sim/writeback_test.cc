#include "sim/writeback.h"

#include <gtest/gtest.h>

#include "sim/disk_testing.h"

namespace powercut::sim {
namespace {

// The `no` policy rests on this: 30 s expiry + 5 s wake-up + 5 s commit.
TEST(DiskWriteback, OldDataIsDurableWithin40Seconds) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    SeededChoices choices(seed);
    Disk disk(journaled_rules());
    const InodeId f = disk.create("f").value();
    const int64_t start = static_cast<int64_t>(seed) * 211'000'000;
    for (Instant now{0}; now.ns <= start; now = now + milliseconds(200))
      disk.writeback(now, choices);
    disk.set_now(Instant{start});
    append(disk, f, "old");
    for (Instant now{start}; now <= Instant{start} + seconds(40); now = now + milliseconds(500)) {
      disk.writeback(now, choices);
      disk.set_now(now);
      if (now < Instant{start} + seconds(36)) append(disk, f, ".");
    }
    const Disk after = disk.after_power_cut(choices, seed);
    const InodeId found = after.lookup("f").value();
    EXPECT_EQ(content(after, found).substr(0, 3), "old") << seed;
  }
}

TEST(DiskWriteback, YoungDataMayBeLostAndMayBeKept) {
  uint64_t lost = 0, kept = 0;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    SeededChoices choices(seed);
    Disk disk(journaled_rules());
    const InodeId f = durable_file(disk, "f", "a");
    disk.set_now(Instant{} + seconds(1));
    append(disk, f, "b");
    disk.writeback(Instant{} + seconds(20), choices);
    (outcomes(disk, "f").contains("a") ? lost : kept) += 1;
  }
  EXPECT_GT(lost, 20u);
  EXPECT_GT(kept, 20u);
}

}  // namespace
}  // namespace powercut::sim
