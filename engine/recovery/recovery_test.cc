#include "engine/recovery/recovery.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "engine/aof/format.h"
#include "engine/checkpoint/rdb_encode.h"
#include "engine/checkpoint/rdb_format.h"
#include "engine/os/forwarding_os.h"
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

// With one entry, and of a version that has no checksum.
constexpr std::string_view kCheckpoint("REDIS0003\0\1k\1v\xff", 15);

// How a call on a path fails, if it does.
using Breaks = std::function<std::optional<Errc>(std::string_view call, std::string_view path)>;

Result<void> broken(const Breaks& breaks, std::string_view call, std::string_view path) {
  const auto code = breaks ? breaks(call, path) : std::nullopt;
  if (!code) return {};
  return Error{*code, fmt::format("{} {} is broken", call, path)};
}

class BrokenFile final : public File {
 public:
  BrokenFile(std::unique_ptr<File> file, std::string path, const Breaks& breaks)
      : file_(std::move(file)), path_(std::move(path)), breaks_(breaks) {}
  Result<size_t> read_at(uint64_t offset, char* out, size_t size) override {
    return file_->read_at(offset, out, size);
  }
  Result<size_t> write_at(uint64_t offset, std::string_view data) override {
    TRY(broken(breaks_, "write", path_));
    return file_->write_at(offset, data);
  }
  Result<void> truncate(uint64_t size) override {
    TRY(broken(breaks_, "truncate", path_));
    return file_->truncate(size);
  }
  Result<void> sync(Site fence) override {
    TRY(broken(breaks_, "sync", path_));
    return file_->sync(fence);
  }
  Result<uint64_t> size() override { return file_->size(); }
  int64_t modified_ms() override { return file_->modified_ms(); }

 private:
  std::unique_ptr<File> file_;
  std::string path_;
  const Breaks& breaks_;
};

class BrokenOs final : public ForwardingOs {
 public:
  using ForwardingOs::ForwardingOs;
  Breaks breaks;
  std::optional<Duration> takes;  // from the first look at the clock to every later one

  Result<std::unique_ptr<File>> open(std::string_view path, Open mode) override {
    TRY(broken(breaks, "open", path));
    TRY_ASSIGN(auto file, inner_.open(path, mode));
    return std::unique_ptr<File>(
        std::make_unique<BrokenFile>(std::move(file), std::string(path), breaks));
  }
  Result<void> rename(std::string_view from, std::string_view to) override {
    TRY(broken(breaks, "rename", to));
    return inner_.rename(from, to);
  }
  Instant now() override {
    if (!takes) return inner_.now();
    return std::exchange(looked_, true) ? Instant{0} + *takes : Instant{0};
  }

 private:
  bool looked_ = false;
};

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

  void date_all(fs::file_time_type time) {
    for (const std::string& name : files())
      if (!fs::is_directory(root_ / name)) fs::last_write_time(root_ / name, time);
  }

  // The error, or what was found.
  std::string start(bool append_only = true) {
    auto os = PosixOs::open(root_.string(), {.use_io_uring = false});
    CHECK(os.ok());
    BrokenOs seen(**os);
    seen.breaks = breaks_;
    seen.takes = takes_;
    std::string outcome;
    (*os)->spawn("start", [&] {
      Keyspace keyspace;
      options_.append_only = append_only;
      const auto recovered = recover(seen, keyspace, options_);
      outcome =
          recovered.ok() ? recovered->report.summary() : "refused: " + recovered.error().message;
    });
    (*os)->run();
    return outcome;
  }

  // The log of one segment that we wrote, which `bytes` follow.
  void write_our_log(std::string_view bytes) {
    Manifest manifest;
    manifest.segments.push_back({std::string(kSegment), 1, 1, {}, {}, kNonce});
    write_log(encode_manifest(manifest), our_header() + std::string(bytes));
  }
  static std::string our_header() { return encode_header({1, kNonce}); }
  // One entry, as the first batch of our segment.
  static std::string our_batch(std::string_view value) {
    std::string batch = command({"SET", "a", value});
    append_annotation(batch, {1, 1, batch.size(), our_header().size(), 0}, kNonce,
                      our_header().size());
    return batch;
  }
  static Breaks fails(std::string call, std::string path, Errc code) {
    return [=](std::string_view of, std::string_view on) -> std::optional<Errc> {
      return of == call && on == path ? std::optional(code) : std::nullopt;
    };
  }

  fs::path root_;
  RecoveryOptions options_;
  Breaks breaks_;
  std::optional<Duration> takes_;
};

const std::string kSegmentPath = in_aof_directory(kSegment);

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

TEST_F(RecoveryTest, ARefusedCommandIsShownInPrintableCharacters) {
  write_log(kRedisManifest, command({"NOSUCH", "a ~\x1f\x7f\x80"}));
  EXPECT_THAT(start(), HasSubstr("'NOSUCH a ~\\x1f\\x7f\\x80' cannot be done again"));
}

TEST_F(RecoveryTest, OfALongRefusedCommandTheBeginningIsShown) {
  const auto shown = [&](std::initializer_list<std::string_view> words) {
    write_log(kRedisManifest, command(words));
    const std::string text = start();
    const size_t begin = text.find('\'');
    return text.substr(begin + 1, text.find("' cannot be done again") - begin - 1);
  };
  const std::string all(57, 'x');
  EXPECT_EQ(shown({"NOSUCH", all}), "NOSUCH " + all);
  EXPECT_EQ(shown({"NOSUCH", all + "y"}), "NOSUCH " + all + "...");
  EXPECT_EQ(shown({"NOSUCH", all, "y"}), "NOSUCH " + all + "...");
  EXPECT_EQ(shown({"NOSUCH", std::string(100'000, 'x'), "y"}), "NOSUCH " + all + "...");
}

TEST_F(RecoveryTest, ASegmentThatDoesNotContinueTheNumbersIsRefused) {
  Manifest manifest;
  manifest.segments.push_back({std::string(kSegment), 1, 3, {}, {}, kNonce});
  write_log(encode_manifest(manifest), our_header());
  EXPECT_THAT(start(), AllOf(HasSubstr("refused: " + kSegmentPath),
                             HasSubstr("begins with entry 3, but entry 1 must come next")));
}

// Between two batches nothing is torn: the manifest alone knows that there was more.
TEST_F(RecoveryTest, ASegmentThatEndsBeforeItsLengthIsDamage) {
  const std::string whole = our_header() + our_batch("1");
  for (const uint64_t more : {0, 1}) {
    Manifest manifest;
    manifest.segments.push_back({std::string(kSegment), 1, 1, whole.size() + more, {}, kNonce});
    write_log(encode_manifest(manifest), whole);
    EXPECT_THAT(start(), HasSubstr(more == 0 ? "1 entries" : "the file ends early"));
  }
}

// Told to give up damage, a start keeps what precedes it: also where a whole batch is gone, and another segment follows.
TEST_F(RecoveryTest, ASegmentThatEndsBeforeItsLengthIsTheLastThatIsKept) {
  const std::string whole = our_header() + our_batch("1");
  Manifest manifest;
  manifest.segments.push_back({std::string(kSegment), 1, 1, whole.size() + 1, {}, kNonce});
  manifest.segments.push_back({segment_name(2), 2, 3, {}, {}, kNonce});
  write_log(encode_manifest(manifest), whole);
  write(fs::path("appendonlydir") / segment_name(2), encode_header({2, kNonce}));
  EXPECT_THAT(start(), AllOf(HasSubstr("refused"), HasSubstr("the file ends early")));
  options_.on_corruption = OnCorruption::kTruncate;
  EXPECT_THAT(start(), AllOf(HasSubstr("1 entries from 1 segments"), HasSubstr("ends early")));
}

TEST_F(RecoveryTest, WhatWasReadIsSummedUp) {
  write_log(kRedisManifest, command({"SET", "a", "1"}));
  EXPECT_EQ(start(), "0 keys from no base, 1 entries from 1 segments");
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

// As well where there is no manifest yet: a start that was cut has left a mark, and pieces that nothing names.
TEST_F(RecoveryTest, ARefusedFirstStartMovesNothingEither) {
  write(fs::path("appendonlydir") / kFirstGenerationMark, "");
  write("appendonlydir/appendonly.aof.5.base.rdb", "a piece");
  for (const char* name : {"dump.rdb", "appendonly.aof"}) {
    write(name, "REDIS0011 cut short");
    const auto before = files();
    EXPECT_THAT(start(), HasSubstr("refused")) << name;
    EXPECT_EQ(files(), before) << name;
    fs::remove(root_ / name);
  }
  EXPECT_EQ(start(), "nothing found: a fresh start");
  EXPECT_TRUE(fs::exists(root_ / "appendonlydir/appendonly.aof.5.base.rdb.orphan"));
}

TEST_F(RecoveryTest, WhatAnEarlierStartSetAsideIsRemovedOnceAManifestOfOursIsSettled) {
  const fs::path orphan = "appendonlydir/appendonly.aof.7.incr.aof.orphan";
  write(orphan, "named by nothing");
  write_our_log("");
  EXPECT_THAT(start(), HasSubstr("0 entries"));
  EXPECT_FALSE(fs::exists(root_ / orphan));
}

// A rename leaves two names that lead to one file as they are, and says that it is done (rename(2)).
TEST_F(RecoveryTest, AFileWithBothItsNamesLosesTheOneThatItWasSetAsideFrom) {
  const fs::path orphan = "appendonlydir/appendonly.aof.7.incr.aof";
  const fs::path aside = orphan.string() + ".orphan";
  write(orphan, "named by nothing");
  fs::create_hard_link(root_ / orphan, root_ / aside);
  write_our_log("");
  EXPECT_THAT(start(), HasSubstr("0 entries"));
  EXPECT_FALSE(fs::exists(root_ / orphan));
  EXPECT_TRUE(fs::exists(root_ / aside));
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
           {"valkey.rdb", "VALKEY080\xff"},
           {"dated.log", "#TS:1700000000\r\n" + command({"SET", "a", "1"})},
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

// However far behind its header it says that it holds data.
TEST_F(RecoveryTest, DataWithoutAManifestAreRefused) {
  for (const size_t size : {1, 1 << 20}) {
    const std::string segment = our_header() + our_batch(std::string(size, 'x'));
    write(kSegmentPath, segment);
    for (const bool append_only : {true, false})
      EXPECT_THAT(start(append_only),
                  AllOf(HasSubstr("refused: " + kSegmentPath), HasSubstr("restore the manifest")))
          << size;
    EXPECT_EQ(read(kSegmentPath), segment);
  }
  write(kSegmentPath, our_header());
  EXPECT_EQ(start(false), "nothing found: a fresh start");
}

// As well where its first line is a second (aof-timestamp-enabled), or a base was written by Valkey.
TEST_F(RecoveryTest, DataOfAnotherServerWithoutAManifestAreRefused) {
  const std::string set = command({"SET", "a", "1"});
  for (const std::string& bytes : {set, "#TS:1700000000\r\n" + set, std::string("REDIS0010\xff"),
                                   std::string("VALKEY080\xff"), std::string("REDIS")}) {
    write(kSegmentPath, bytes);
    for (const bool append_only : {true, false})
      EXPECT_THAT(start(append_only),
                  AllOf(HasSubstr("refused: " + kSegmentPath), HasSubstr("restore the manifest")));
    EXPECT_EQ(read(kSegmentPath), bytes);
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
  const std::string summary = start(false);
  EXPECT_THAT(summary, HasSubstr("1 entries"));
  EXPECT_THAT(summary, HasSubstr("the log is left as it is, and dump.rdb takes over"));
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

TEST_F(RecoveryTest, AFileOfAnotherNameIsNoneOfOurs) {
  write_our_log(our_batch("1"));
  const fs::path other = fs::path("appendonlydir") / "another-server.7.aof";
  write(other, "theirs");
  EXPECT_THAT(start(), HasSubstr("1 entries"));
  EXPECT_EQ(read(other), "theirs");
}

// --- Which of two is the newer ---

TEST_F(RecoveryTest, ACheckpointOfAnotherServerAsOldAsTheLogIsNotNewer) {
  write_our_log(our_batch("1"));
  write("dump.rdb", kCheckpoint);
  options_.on_newer = OnNewer::kRefuse;
  const auto now = fs::file_time_type::clock::now();
  date_all(now);
  EXPECT_THAT(start(), HasSubstr("1 entries"));
  date_all(now);
  fs::last_write_time(root_ / "dump.rdb", now + std::chrono::milliseconds(2));
  EXPECT_THAT(start(), HasSubstr("refused: dump.rdb"));
}

// By their entries, where both are ours, whatever the clock said when they were written.
TEST_F(RecoveryTest, ALogIsNewerThanACheckpointThatHasLess) {
  options_.on_newer = OnNewer::kRefuse;
  const auto now = fs::file_time_type::clock::now();
  for (const uint64_t has : {0, 1}) {
    fs::remove_all(root_);
    write_our_log(our_batch("1"));
    RdbHeader header;
    header.aux.emplace_back(kRdbAuxLsn, std::to_string(has));
    write("dump.rdb", encode_rdb(Keyspace(), header));
    date_all(now);
    fs::last_write_time(root_ / "dump.rdb",
                        has == 0 ? now + std::chrono::hours(1) : now - std::chrono::hours(1));
    EXPECT_EQ(start(false).starts_with("refused: the log"), has == 0) << has;
  }
  write("dump.rdb", kCheckpoint);  // another server's
  fs::last_write_time(root_ / "dump.rdb", now + std::chrono::hours(1));
  EXPECT_THAT(start(false), HasSubstr("1 keys"));
}

// --- Calls that fail ---

TEST_F(RecoveryTest, ALogThatIsWholeIsNotCut) {
  write_our_log(our_batch("1"));
  breaks_ = fails("truncate", kSegmentPath, Errc::kIo);
  EXPECT_THAT(start(), HasSubstr("1 entries"));
  write_our_log(our_batch("1") + "torn");
  EXPECT_THAT(start(), HasSubstr("is broken"));
}

// Or it would say, of what is written in its place, that nothing follows.
TEST_F(RecoveryTest, WithoutSpaceToSayThatItIsOpenedTheClosedMarkGoes) {
  const std::string open = our_header() + our_batch("1");
  write_our_log(our_batch("1") + encode_mark(MarkKind::kClosed, 2, kNonce, open.size()));
  breaks_ = fails("write", kSegmentPath, Errc::kNoSpace);
  EXPECT_THAT(start(), HasSubstr("1 entries"));
  EXPECT_EQ(read(kSegmentPath), open);
}

TEST_F(RecoveryTest, WhyASegmentIsNotTrustedIsSaid) {
  write_our_log(our_batch("1"));
  breaks_ = fails("sync", kSegmentPath, Errc::kIo);
  EXPECT_THAT(start(), HasSubstr("a new generation, since a sync failed: sync " + kSegmentPath +
                                 " is broken"));
}

// A power cut could bring its predecessor back.
TEST_F(RecoveryTest, ACheckpointThatCannotBePublishedAgainIsNotServed) {
  write("dump.rdb", kCheckpoint);
  write("dump.rdb.replaced.1", "its predecessor");
  for (const auto& [call, path] :
       {std::pair("rename", "dump.rdb"), std::pair("sync", "temp-dump.rdb")}) {
    breaks_ = fails(call, path, Errc::kIo);
    EXPECT_EQ(start(false), fmt::format("refused: {} {} is broken", call, path));
    EXPECT_FALSE(fs::exists(root_ / "temp-dump.rdb")) << "a full disk may need its space";
  }
  breaks_ = {};
  EXPECT_THAT(start(false), HasSubstr("1 keys"));
}

TEST_F(RecoveryTest, ACheckpointBesideALogThatCannotBeOpenedIsRefused) {
  write_our_log(our_batch("1"));
  write("dump.rdb", kCheckpoint);
  options_.on_newer = OnNewer::kRefuse;
  breaks_ = fails("open", "dump.rdb", Errc::kIo);
  EXPECT_EQ(start(), "refused: open dump.rdb is broken");
}

TEST_F(RecoveryTest, AStartTakesAsLongAsItMayAndNoLonger) {
  write("appendonly.aof", command({"SET", "a", "1"}));
  options_.time_limit = seconds(1);
  takes_ = seconds(1);
  EXPECT_EQ(start(), "0 keys from appendonly.aof, 1 entries from 0 segments");
  takes_ = seconds(1) + milliseconds(1);
  EXPECT_THAT(start(), AllOf(HasSubstr("refused: recovery took longer than its limit of 1000 ms"),
                             HasSubstr("appendonly.aof with 0 keys of the base and 1 entries")));
}

}  // namespace
}  // namespace powercut::engine
