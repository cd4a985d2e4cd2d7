#include "engine/recovery/recovery.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "engine/aof/format.h"
#include "engine/os/posix/posix_os.h"

namespace powercut::engine {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

constexpr uint64_t kNonce = 77;
constexpr std::string_view kSegment = "appendonly.aof.1.incr.aof";
constexpr std::string_view kRedisManifest = "file appendonly.aof.1.incr.aof seq 1 type i\n";

std::string command(std::initializer_list<std::string_view> words) {
  std::string text = fmt::format("*{}\r\n", words.size());
  for (const std::string_view word : words) text += fmt::format("${}\r\n{}\r\n", word.size(), word);
  return text;
}

// A data directory made by hand, and a start in it.
class RecoveryTest : public testing::Test {
 protected:
  RecoveryTest() {
    std::string name = (fs::temp_directory_path() / "powercut-recovery-XXXXXX").string();
    CHECK(mkdtemp(name.data()) != nullptr);
    root_ = name;
  }
  ~RecoveryTest() override { fs::remove_all(root_); }

  void write(const fs::path& name, std::string_view bytes) {
    fs::create_directories((root_ / name).parent_path());
    std::ofstream(root_ / name, std::ios::binary) << bytes;
  }
  void write_log(std::string_view manifest, std::string_view segment) {
    write(fs::path("appendonlydir") / kManifestName, manifest);
    write(fs::path("appendonlydir") / kSegment, segment);
  }
  std::string read(const fs::path& name) {
    std::ifstream file(root_ / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  std::vector<std::string> files() {
    std::vector<std::string> names;
    for (const auto& entry : fs::recursive_directory_iterator(root_))
      names.push_back(fs::relative(entry.path(), root_).string());
    std::sort(names.begin(), names.end());
    return names;
  }

  // The error, or what was found.
  std::string start(bool append_only = true) {
    auto os = PosixOs::open(root_.string(), {.use_io_uring = false});
    CHECK(os.ok());
    std::string outcome;
    (*os)->spawn("start", [&] {
      Keyspace keyspace;
      RecoveryOptions options;
      options.append_only = append_only;
      const auto recovered = recover(**os, keyspace, options);
      outcome =
          recovered.ok() ? recovered->report.summary() : "refused: " + recovered.error().message;
    });
    (*os)->run();
    return outcome;
  }

  fs::path root_;
};

TEST_F(RecoveryTest, AnEmptyDirectoryIsAFreshStart) {
  EXPECT_EQ(start(), "nothing found: a fresh start");
  EXPECT_EQ(start(false), "nothing found: a fresh start");
}

// --- What is done again must do what it did ---

TEST_F(RecoveryTest, ACommandThatAnswersWithAnErrorIsRefusedByFileAndOffset) {
  const std::string first = command({"SET", "a", "1"});
  for (const std::string& bad :
       {command({"SELECT", "20"}), command({"FUNCTION", "LOAD", "#!lua name=l"}),
        command({"NOSUCH", "x"}), command({"SET", "a"}), command({"LPUSH", "a", "x"}),
        command({"INCRBY", "a", "no number"})}) {
    write_log(kRedisManifest, first + bad + command({"SET", "b", "2"}));
    const auto before = files();
    EXPECT_THAT(start(), AllOf(HasSubstr("refused"), HasSubstr(std::string(kSegment)),
                               HasSubstr(fmt::format("offset {}:", first.size()))))
        << bad;
    EXPECT_EQ(files(), before);
    EXPECT_EQ(read(fs::path("appendonlydir") / kSegment).substr(0, first.size()), first);
  }
}

TEST_F(RecoveryTest, ARefusedStartMovesAndRemovesNothing) {
  write_log(
      "file appendonly.aof.1.incr.aof seq 1 type i\nfile appendonly.aof.9.incr.aof seq 9 type h\n",
      command({"NOSUCH"}));
  write("appendonlydir/appendonly.aof.9.incr.aof", "history");
  write("appendonlydir/appendonly.aof.5.base.rdb", "named by nothing");
  const auto before = files();
  EXPECT_THAT(start(), HasSubstr("refused"));
  EXPECT_EQ(files(), before);
}

// --- What another server wrote ---

TEST_F(RecoveryTest, WhatAnotherServerHasAsHistoryStays) {
  const std::string history = "file appendonly.aof.0.incr.aof seq 0 type h\n";
  write_log(history + std::string(kRedisManifest), command({"SET", "a", "1"}));
  write("appendonlydir/appendonly.aof.0.incr.aof", "old");
  EXPECT_THAT(start(), HasSubstr("1 entries"));
  EXPECT_EQ(read("appendonlydir/appendonly.aof.0.incr.aof"), "old");
}

TEST_F(RecoveryTest, OurOwnHistoryIsRemovedOnceTheRestHasBeenLoaded) {
  const std::string header = encode_header({1, kNonce});
  Manifest manifest;
  manifest.segments.push_back({std::string(kSegment), 1, 1, {}, {}, kNonce});
  manifest.history.push_back({"appendonly.aof.0.base.rdb", 0, {}, {}, {}});
  std::string batch = command({"NOSUCH"});
  append_annotation(batch, {1, 1, batch.size(), header.size(), 0}, kNonce, header.size());
  write("appendonlydir/appendonly.aof.0.base.rdb", "old");
  write_log(encode_manifest(manifest), header + batch);
  EXPECT_THAT(start(), HasSubstr("refused"));
  EXPECT_TRUE(fs::exists(root_ / "appendonlydir/appendonly.aof.0.base.rdb"));
  write_log(encode_manifest(manifest), header);
  EXPECT_THAT(start(), HasSubstr("0 entries"));
  EXPECT_FALSE(fs::exists(root_ / "appendonlydir/appendonly.aof.0.base.rdb"));
}

// --- Nothing that looks like a store is passed over ---

TEST_F(RecoveryTest, AStoreUnderAnotherNameIsRefusedByName) {
  const std::string checkpoint = "REDIS0010\xff";
  for (const auto& [name, bytes] : std::vector<std::pair<std::string, std::string>>{
           {"backup.rdb", checkpoint},
           {"dump-2024", checkpoint},
           {"other.log", encode_header({1, 2})},
           {"logs/appendonly.aof.manifest", "file x seq 1 type i\n"}}) {
    fs::remove_all(root_);
    fs::create_directories(root_);
    write(name, bytes);
    const std::string shown = name.substr(0, name.find('/'));
    for (const bool append_only : {true, false})
      EXPECT_THAT(start(append_only),
                  AllOf(HasSubstr("refused: " + shown), HasSubstr("move it away")));
    EXPECT_EQ(read(name), bytes);
  }
}

// It is read by a start that keeps a log (engine/upgrade_test.cc).
TEST_F(RecoveryTest, ASingleLogIsNotPassedOverByAStartWithoutALog) {
  for (const std::string& bytes : {command({"SELECT", "0"}), std::string("REDIS0010\xfftail")}) {
    write("appendonly.aof", bytes);
    EXPECT_THAT(start(false), AllOf(HasSubstr("refused: appendonly.aof"),
                                    HasSubstr("--appendonly yes"), HasSubstr("move it away")));
    EXPECT_EQ(read("appendonly.aof"), bytes);
  }
}

TEST_F(RecoveryTest, WhatIsNoStoreIsNoReasonToRefuse) {
  write("README", "see the wiki");
  write("powercut.conf", "port 6379\n");
  write("temp-1234.rdb", "REDIS0010");
  write("empty.rdb", "");
  write("lib/thing.so",
        "\x7f"
        "ELF");
  EXPECT_EQ(start(), "nothing found: a fresh start");
}

TEST_F(RecoveryTest, ALogBesideAppendonlyNoIsLoadedAndLeft) {
  const std::string log = command({"SET", "a", "1"}) + "*3\r\n$3\r\nSE";
  write_log(kRedisManifest, log);
  const auto before = files();
  EXPECT_THAT(start(false), HasSubstr("1 entries"));
  EXPECT_EQ(files(), before);
  EXPECT_EQ(read(fs::path("appendonlydir") / kSegment), log);
}

TEST_F(RecoveryTest, ADirectoryBehindALinkIsTheLogsDirectory) {
  write("volume/appendonly.aof.manifest", kRedisManifest);
  write(fs::path("volume") / kSegment, command({"SET", "a", "1"}));
  fs::create_directory_symlink("volume", root_ / "appendonlydir");
  EXPECT_THAT(start(), HasSubstr("1 entries"));
  EXPECT_TRUE(fs::is_symlink(root_ / "appendonlydir"));
}

}  // namespace
}  // namespace powercut::engine
