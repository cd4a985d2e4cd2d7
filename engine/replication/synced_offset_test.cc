#include "engine/replication/synced_offset.h"

#include <gtest/gtest.h>

namespace powercut::engine {
namespace {

TEST(SyncedOffset, GoesAsFarAsTheEntriesThatHaveIt) {
  SyncedOffset synced;
  EXPECT_TRUE(synced.empty());
  synced.begin(100, 7);
  EXPECT_EQ(synced.reach(6), 0u) << "the data set itself is not synced yet";
  EXPECT_EQ(synced.reach(7), 100u);
  synced.note(120, 8);
  synced.note(125, 8);  // a PING makes no entry
  synced.note(150, 9);
  EXPECT_EQ(synced.reach(8), 125u);
  synced.note(160, 9);
  EXPECT_EQ(synced.reach(100), 160u);
  synced.begin(5, 101);
  EXPECT_EQ(synced.reach(100), 0u);
}

TEST(SyncedOffset, TellsLessAndNothingWrongWhereThereAreMany) {
  SyncedOffset synced;
  synced.begin(0, 0);
  for (uint64_t lsn = 1; lsn <= 100'000; ++lsn) synced.note(10 * lsn, lsn);
  uint64_t last = 0;
  for (uint64_t lsn = 1; lsn <= 100'000; lsn += 97) {
    const uint64_t reached = synced.reach(lsn);
    EXPECT_LE(reached, 10 * lsn);
    EXPECT_GE(reached, last);
    last = reached;
  }
  EXPECT_EQ(synced.reach(100'000), 1'000'000u);
}

}  // namespace
}  // namespace powercut::engine
