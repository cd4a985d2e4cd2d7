// Restoring over files in memory: up to where a log is loaded, and how its state comes to stand as a checkpoint.
#include "engine/backup/restore.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "engine/aof/format.h"
#include "engine/aof/manifest.h"
#include "engine/checkpoint/rdb_format.h"
#include "engine/command/effects.h"
#include "engine/os/memory_os_testing.h"
#include "engine/os/read_only_os.h"
#include "engine/recovery/recovery.h"

namespace powercut::engine {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr uint64_t kNonce = 77;

class RestoreTest : public ::testing::Test {
 protected:
  RestoreTest() {
    EXPECT_TRUE(os.make_directory("appendonlydir").ok());
    segment = encode_header({1, kNonce});
  }

  // An entry of the log that sets that key; with the second at which it was logged, or without.
  void entry(const std::string& key, int64_t unix_s = 0) {
    std::string batch;
    if (unix_s != 0) batch = "#TS:" + std::to_string(unix_s) + "\r\n";
    append_command(batch, std::initializer_list<std::string_view>{"SET", key, "v"});
    append_annotation(batch, {next_lsn++, 1, batch.size(), segment.size(), 0}, kNonce,
                      segment.size());
    segment += batch;
  }
  void finish() {
    Manifest manifest;
    manifest.segments = {{segment_name(1), 1, 1, {}, {}, kNonce}};
    os.put("appendonlydir/" + std::string(kManifestName), encode_manifest(manifest));
    os.put("appendonlydir/" + segment_name(1), segment);
  }
  // The keys that are there then; or why not.
  std::string restored(RestoreTo to) {
    Keyspace keyspace;
    ReadOnlyOs read_only(os);
    const auto state = load_state(read_only, keyspace, to);
    if (!state.ok()) return state.error().message;
    last = *state;
    std::string keys;
    for (const char* key : {"a", "b", "c", "d"})
      if (keyspace.peek(0, key) != nullptr) keys += key;
    return keys;
  }

  MemoryOs os;
  std::string segment;
  uint64_t next_lsn = 1;
  Restored last;
};

// --- What is loaded ---

TEST_F(RestoreTest, ALogIsLoadedUpToAnyOfItsEntries) {
  for (const char* key : {"a", "b", "c"}) entry(key);
  finish();
  os.calls.clear();
  EXPECT_EQ(restored({}), "abc");
  EXPECT_EQ(last.lsn, 3u);
  EXPECT_EQ(restored({.lsn = 3}), "abc");
  EXPECT_EQ(restored({.lsn = 2}), "ab");
  EXPECT_EQ(last.lsn, 2u);
  EXPECT_EQ(last.first_lsn, 0u);
  EXPECT_EQ(last.last_lsn, 3u) << "all of it is read and verified";
  EXPECT_EQ(last.dropped_bytes, 0u);
  EXPECT_EQ(restored({.lsn = 0}), "");
  EXPECT_EQ(restored({.lsn = 4}), "entry 4 is not there: the log has 0 to 3");
  EXPECT_THAT(os.calls, IsEmpty()) << "nothing is changed";
}

TEST_F(RestoreTest, OrUpToASecond) {
  entry("a", 100);
  entry("b", 101);
  entry("c");
  entry("d", 103);
  finish();
  EXPECT_EQ(restored({.unix_s = 100}), "a");
  EXPECT_EQ(last.lsn, 1u);
  EXPECT_EQ(restored({.unix_s = 101}), "abc");
  EXPECT_EQ(restored({.unix_s = 102}), "abc");
  EXPECT_EQ(restored({.unix_s = 103}), "abcd");
  EXPECT_EQ(restored({.unix_s = 1'000'000}), "abcd");
  EXPECT_EQ(restored({.unix_s = 99}), "the log does not reach back to 99: it begins with entry 0");
}

// Redis numbers nothing, and writes its timestamps as we do: in the log's directory, and in the single log of before.
TEST_F(RestoreTest, AnotherServersLogHasSecondsToo) {
  for (const auto& [key, second] :
       {std::pair("a", 100), std::pair("b", 101), std::pair("c", 103)}) {
    segment += "#TS:" + std::to_string(second) + "\r\n";
    append_command(segment, std::initializer_list<std::string_view>{"SET", key, "v"});
  }
  segment.erase(0, encode_header({1, kNonce}).size());
  const auto check = [&] {
    EXPECT_EQ(restored({}), "abc");
    EXPECT_EQ(restored({.unix_s = 100}), "a");
    EXPECT_EQ(last.lsn, 1u);
    EXPECT_EQ(restored({.unix_s = 102}), "ab");
    EXPECT_EQ(last.lsn, 2u);
    EXPECT_EQ(restored({.unix_s = 103}), "abc");
  };
  os.put("appendonly.aof", segment);
  check();
  EXPECT_TRUE(os.remove("appendonly.aof").ok());
  os.put("appendonlydir/" + std::string(kManifestName),
         "file appendonly.aof.1.incr.aof seq 1 type i\n");
  os.put("appendonlydir/" + segment_name(1), segment);
  check();
}

TEST_F(RestoreTest, ALogWithoutTimestampsKnowsNoSecond) {
  entry("a");
  finish();
  EXPECT_EQ(restored({.unix_s = 5}),
            "the log has no timestamps (aof-timestamp-enabled); name an entry instead");
}

TEST_F(RestoreTest, TheEndThatACrashToreIsCounted) {
  entry("a");
  entry("b");
  segment += "*3\r\n$3\r\nSE";
  finish();
  EXPECT_EQ(restored({}), "ab");
  EXPECT_EQ(last.dropped_bytes, 10u);
}

TEST_F(RestoreTest, DamageIsRefusedWhicheverEntryIsAskedFor) {
  for (const char* key : {"a", "b", "c"}) entry(key);
  segment[segment.find("SET")] = 'X';
  finish();
  EXPECT_THAT(restored({}), HasSubstr("appendonly.aof.1.incr.aof"));
  EXPECT_THAT(restored({.lsn = 0}), HasSubstr("appendonly.aof.1.incr.aof"));
}

// --- What is written ---

TEST(WriteRestored, IsACheckpointThatAStartFinds) {
  MemoryOs os;
  Keyspace keyspace;
  keyspace.put(3, "k", "v");
  keyspace.settle();
  os.put(std::string(kCheckpointTemporary), "what a restore that was cut has left");
  const auto written = write_restored(os, keyspace, 42);
  ASSERT_TRUE(written.ok()) << written.error().message;
  EXPECT_THAT(os.names(), ElementsAre(std::string(kCheckpointName)));
  Keyspace found;
  RecoveryOptions options;
  options.append_only = false;
  const auto recovered = recover(os, found, options);
  ASSERT_TRUE(recovered.ok()) << recovered.error().message;
  ASSERT_NE(found.peek(3, "k"), nullptr);
  EXPECT_THAT(os.at(std::string(kCheckpointName)), HasSubstr(std::string(kRdbAuxLsn) + "\xc0\x2a"))
      << "and its entries go on behind that one";
}

TEST(WriteRestored, NothingThatLiesThereIsReplaced) {
  MemoryOs os;
  Keyspace keyspace;
  os.put("dump.rdb", "somebody's");
  const auto written = write_restored(os, keyspace, 1);
  ASSERT_FALSE(written.ok());
  EXPECT_EQ(written.error().code, Errc::kExists);
  EXPECT_EQ(written.error().message, "dump.rdb lies there already");
  EXPECT_EQ(os.at("dump.rdb"), "somebody's");
}

TEST(WriteRestored, ACallThatFailsIsTold) {
  const std::string temporary(kCheckpointTemporary);
  for (const std::string& call :
       {std::string("list "), "create " + temporary, "write " + temporary, "sync " + temporary,
        "rename " + temporary + " " + std::string(kCheckpointName), std::string("sync /")}) {
    MemoryOs os;
    Keyspace keyspace;
    os.fail_on(call, Errc::kNoSpace);
    const auto written = write_restored(os, keyspace, 1);
    ASSERT_FALSE(written.ok()) << call;
    EXPECT_EQ(written.error().code, Errc::kNoSpace) << call;
    EXPECT_EQ(os.there(std::string(kCheckpointName)), call == "sync /") << call;
  }
}

}  // namespace
}  // namespace powercut::engine
