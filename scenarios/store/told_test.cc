// What a client may take an answer of the store for.
#include <gtest/gtest.h>

#include <string>

#include "scenarios/store/store.h"
#include "sim/request.h"

namespace powercut::scenarios {
namespace {

TEST(Told, SavesAndInfoTell) {
  for (const char* name :
       {"SAVE", "save", "INFO", "Info", "LASTSAVE", "lastsave", "BGSAVE", "bgrewriteaof"})
    EXPECT_TRUE(store_type().tells(sim::encode_request({name}))) << name;
  EXPECT_TRUE(store_type().tells(sim::encode_request({"backup", "SEAL"})));
  EXPECT_FALSE(store_type().tells(sim::encode_request({"BACKUP", "LIST"})));
  for (const char* name : {"EXEC", "PING", "LASTSAVES", "BGREWRITE"})
    EXPECT_FALSE(store_type().tells(sim::encode_request({name}))) << name;
}

TEST(Told, ASaveIsOfAllBeforeIt) {
  EXPECT_EQ(store_type().told("+OK\r\n", 7).saved, 7u);
  EXPECT_EQ(store_type().told("+OK\r\n", 7).synced, 0u);
  for (const char* reply : {"+QUEUED\r\n", "-MISCONF full\r\n"})
    EXPECT_EQ(store_type().told(reply, 7).saved, 0u) << reply;
}

// Now, or behind the job that is under way.
TEST(Told, WorkInTheBackgroundIsOwed) {
  for (const char* when : {"started", "scheduled"}) {
    const auto save = store_type().told(fmt::format("+Background saving {}\r\n", when), 7);
    EXPECT_TRUE(save.owes_snapshot && !save.owes_rewrite) << when;
    EXPECT_EQ(save.begins, std::string_view(when) == "started");
    const auto rewrite =
        store_type().told(fmt::format("+Background append only file rewriting {}\r\n", when), 7);
    EXPECT_TRUE(rewrite.owes_rewrite && !rewrite.owes_snapshot) << when;
  }
  const auto refused = store_type().told("-ERR There is no append only file to rewrite\r\n", 7);
  EXPECT_FALSE(refused.owes_rewrite || refused.failed);
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
  EXPECT_TRUE(store_type().told(info("aof_enabled:0\r\n"), 9).has_no_log);
  EXPECT_FALSE(store_type().told(info("aof_enabled:1\r\n"), 9).has_no_log);
}

TEST(Told, LastsaveAndInfoSayWhichSnapshotIsTheNewest) {
  EXPECT_EQ(store_type().told(":1700000000\r\n", 7).saved_at, 1'700'000'000);
  EXPECT_EQ(store_type().told(":1700000000\r\n", 7).saved, 0u);
  const auto told = store_type().told(info("rdb_last_save_time:1700000001\r\nrdb_saves:2\r\n"), 7);
  EXPECT_EQ(told.saved_at, 1'700'000'001);
  EXPECT_EQ(told.snapshots, 2u);
  EXPECT_FALSE(store_type().told("+Background saving started\r\n", 7).saved_at);
}

TEST(Told, ASaveBeginsOnlyWhereNoneIsUnderWay) {
  EXPECT_TRUE(store_type().told("+Background saving started\r\n", 7).begins);
  for (const char* reply : {"+Background saving scheduled\r\n", "+QUEUED\r\n", ":7\r\n",
                            "-ERR Background save already in progress\r\n"})
    EXPECT_FALSE(store_type().told(reply, 7).begins) << reply;
}

TEST(Told, ASaveFailsOnlyWhereItWasTried) {
  EXPECT_TRUE(store_type().told("-ERR write temp-dump.rdb: No space left on device\r\n", 7).failed);
  for (const char* reply :
       {"-ERR Background save already in progress\r\n",
        "-ERR Command not allowed inside a transaction\r\n", "-NOPERM no\r\n", "+OK\r\n"})
    EXPECT_FALSE(store_type().told(reply, 7).failed) << reply;
}

TEST(Told, ASealedBackupIsNamedWithWhatItHas) {
  const std::string reply =
      "*12\r\n$2\r\nid\r\n$5\r\nday-3\r\n$5\r\nstate\r\n$6\r\nsealed\r\n$8\r\nfrom-lsn\r\n:4\r\n"
      "$6\r\nto-lsn\r\n:17\r\n$4\r\ntime\r\n:1\r\n$5\r\nbytes\r\n:9\r\n";
  EXPECT_EQ(store_type().told(reply, 7).sealed, (SealedBackup{"day-3", 4, 17, 1}));
  const auto refused = store_type().told("-NOBACKUP no backup is under way\r\n", 7);
  EXPECT_FALSE(refused.sealed || refused.failed);
  EXPECT_TRUE(refused.seals_nothing);
}

std::string backup_request(const std::vector<std::string>& words) {
  const auto asked = store_type().backup_request(sim::encode_request(words));
  if (!asked) return "none";
  return std::to_string(static_cast<int>(asked->kind)) + asked->name +
         std::to_string(asked->retain);
}

TEST(Told, WhatIsAskedOfBackupsIsKnownBeforeItIsDone) {
  EXPECT_EQ(backup_request({"BACKUP", "START"}), "00");
  EXPECT_EQ(backup_request({"backup", "start", "day-1"}), "0day-10");
  EXPECT_EQ(backup_request({"BACKUP", "SEAL"}), "10");
  EXPECT_EQ(backup_request({"BACKUP", "REMOVE", "day-1"}), "2day-10");
  EXPECT_EQ(backup_request({"CONFIG", "SET", "backup-retain-count", "7"}), "37");
  EXPECT_EQ(backup_request({"CONFIG", "SET", "backup-retain-seconds", "60"}), "31");
  EXPECT_EQ(backup_request({"CONFIG", "SET", "backup-retain-seconds", "0"}), "30");
  EXPECT_EQ(backup_request({"CONFIG", "SET", "appendfsync", "no"}), "none");
  EXPECT_EQ(backup_request({"SET", "BACKUP", "START"}), "none");
}

TEST(Told, InfoSaysWhetherAllIsWell) {
  const auto well =
      store_type().told(info("rdb_last_bgsave_status:ok\r\naof_last_write_status:ok\r\n"), 7);
  EXPECT_TRUE(well.saves_well && well.writes_well);
  const auto ill =
      store_type().told(info("rdb_last_bgsave_status:err\r\naof_last_write_status:err\r\n"), 7);
  EXPECT_FALSE(ill.saves_well || ill.writes_well);
}

}  // namespace
}  // namespace powercut::scenarios
