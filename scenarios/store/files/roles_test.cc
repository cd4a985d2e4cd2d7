#include "scenarios/store/files/roles.h"

#include <gtest/gtest.h>

namespace powercut::scenarios {
namespace {

using faults::FileRole;

TEST(StoreRoles, ComeFromNames) {
  EXPECT_EQ(role_of_store_file("appendonlydir/appendonly.aof.3.incr.aof"), FileRole::kSegment);
  EXPECT_EQ(role_of_store_file("appendonlydir/appendonly.aof.3.base.rdb"), FileRole::kBase);
  EXPECT_EQ(role_of_store_file("appendonlydir/appendonly.aof.manifest"), FileRole::kManifest);
  EXPECT_EQ(role_of_store_file("appendonlydir/temp-appendonly.aof.manifest"), FileRole::kManifest);
  EXPECT_EQ(role_of_store_file("temp-dump.rdb"), FileRole::kCheckpoint);
  EXPECT_EQ(role_of_store_file("appendonlydir/appendonly.aof.3.incr.aof.orphan"), FileRole::kOther);
}

}  // namespace
}  // namespace powercut::scenarios
