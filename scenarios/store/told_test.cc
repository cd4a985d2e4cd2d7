// What a client may take an answer of the store for.
#include <gtest/gtest.h>

#include <string>

#include "scenarios/store/store.h"
#include "sim/request.h"

namespace powercut::scenarios {
namespace {

TEST(Told, SaveAndInfoTell) {
  for (const char* name : {"SAVE", "save", "INFO", "Info"})
    EXPECT_TRUE(store_type().tells(sim::encode_request({name}))) << name;
  for (const char* name : {"EXEC", "PING"})
    EXPECT_FALSE(store_type().tells(sim::encode_request({name}))) << name;
}

TEST(Told, ASaveIsOfAllBeforeIt) {
  EXPECT_EQ(store_type().told("+OK\r\n", 7).saved, 7u);
  EXPECT_EQ(store_type().told("+OK\r\n", 7).synced, 0u);
  for (const char* reply : {"+QUEUED\r\n", "-MISCONF full\r\n"})
    EXPECT_EQ(store_type().told(reply, 7).saved, 0u) << reply;
}

std::string info(const std::string& lines) {
  const std::string text = "# Persistence\r\nloading:0\r\n" + lines;
  return "$" + std::to_string(text.size()) + "\r\n" + text + "\r\n";
}

TEST(Told, InfoSaysWhatIsSavedAndForced) {
  const auto kept = store_type().told(
      info("rdb_changes_since_last_save:3\r\naof_enabled:1\r\naof_synced_lsn:5\r\n"), 9);
  EXPECT_EQ(kept.saved, 6u);
  EXPECT_EQ(kept.synced, 5u);
  // More came to it before it was answered.
  EXPECT_EQ(store_type().told(info("rdb_changes_since_last_save:12\r\n"), 9).saved, 0u);
  EXPECT_EQ(store_type().told(info("aof_enabled:0\r\n"), 9).saved, 0u);
  EXPECT_EQ(store_type().told(info("aof_enabled:0\r\n"), 9).synced, 0u);
}

}  // namespace
}  // namespace powercut::scenarios
