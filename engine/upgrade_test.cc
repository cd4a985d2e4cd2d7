// Directories that other servers left: each is loaded whole, or refused by name and left as it is.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "engine/base/crc64.h"
#include "engine/engine.h"
#include "engine/os/posix/posix_os.h"

namespace powercut::engine {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

std::string command(std::initializer_list<std::string_view> words) {
  std::string text = fmt::format("*{}\r\n", words.size());
  for (const std::string_view word : words) text += fmt::format("${}\r\n{}\r\n", word.size(), word);
  return text;
}

std::string text_of(std::string_view text) {
  return std::string(1, static_cast<char>(text.size())) + std::string(text);
}

// A checkpoint of another server, with these bytes for entries.
std::string checkpoint(std::string_view entries, std::string_view magic = "REDIS0009") {
  std::string file(magic);
  file += entries;
  file += '\xff';
  uint64_t crc = crc64(file, 0);
  for (int i = 0; i < 8; ++i, crc >>= 8) file += static_cast<char>(crc);
  return file;
}
std::string string_entry(std::string_view key, std::string_view value) {
  return '\0' + text_of(key) + text_of(value);
}

// A listpack of short strings.
std::string listpack(std::initializer_list<std::string_view> items) {
  std::string body;
  for (const std::string_view item : items) {
    body += static_cast<char>(0x80 + item.size());
    body += item;
    body += static_cast<char>(item.size() + 1);
  }
  const size_t bytes = body.size() + 7;
  std::string whole;
  for (int i = 0; i < 4; ++i) whole += static_cast<char>(bytes >> (8 * i));
  for (int i = 0; i < 2; ++i) whole += static_cast<char>(items.size() >> (8 * i));
  return whole + body + '\xff';
}

class Upgrade : public testing::Test {
 protected:
  Upgrade() {
    std::string name = (fs::temp_directory_path() / "powercut-upgrade-XXXXXX").string();
    CHECK(mkdtemp(name.data()) != nullptr);
    root_ = name;
    config_.recovery.on_newer = OnNewer::kRefuse;
  }
  ~Upgrade() override { fs::remove_all(root_); }

  void write(const fs::path& name, std::string_view bytes) {
    fs::create_directories((root_ / name).parent_path());
    std::ofstream(root_ / name, std::ios::binary) << bytes;
  }
  std::string read(const fs::path& name) {
    std::ifstream file(root_ / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  std::map<std::string, std::string> files() {
    std::map<std::string, std::string> all;
    for (const auto& entry : fs::recursive_directory_iterator(root_))
      if (entry.is_regular_file()) {
        const auto name = fs::relative(entry.path(), root_);
        all[name.string()] = read(name);
      }
    return all;
  }
  void set_time(const fs::path& name, int hours_ago) {
    fs::last_write_time(root_ / name,
                        fs::file_time_type::clock::now() - std::chrono::hours(hours_ago));
  }

  // Starts, asks, ends; the replies on one line, or the refusal.
  std::string start(std::initializer_list<std::string_view> lines) {
    auto os = PosixOs::open(root_.string(), {.use_io_uring = false});
    CHECK(os.ok());
    std::string outcome;
    std::unique_ptr<Engine> engine;
    std::unique_ptr<Session> session;
    (*os)->spawn("test", [&] {
      auto opened = Engine::open(**os, config_);
      if (!opened.ok()) return void(outcome = "refused: " + opened.error().message);
      engine = std::move(*opened);
      session = engine->connect();
      for (const std::string_view line : lines) {
        session->feed(std::string(line) + "\r\n");
        std::string reply(session->wait_ready());
        session->consume(reply.size());
        for (const char c : reply) outcome += c == '\r' ? ' ' : c == '\n' ? '\0' : c;
        std::erase(outcome, '\0');
      }
      summary_ = engine->recovery().summary();
      EXPECT_TRUE(engine->shut_down(true).ok());
    });
    (*os)->run();
    (*os)->destroy_tasks();
    session.reset();
    engine.reset();
    return outcome;
  }
  // It is refused, this is said, and nothing was changed.
  void refuses(const testing::Matcher<const std::string&>& says) {
    const auto before = files();
    const std::string outcome = start({});
    EXPECT_THAT(outcome, AllOf(HasSubstr("refused: "), says));
    EXPECT_EQ(files(), before);
  }

  fs::path root_;
  EngineConfig config_;
  std::string summary_;
};

// --- The single log of a server before Redis 7 ---

TEST_F(Upgrade, ASingleLogIsTakenOver) {
  const std::string commands = command({"SELECT", "2"}) + command({"SET", "a", "1"});
  for (const std::string& log :
       {commands, checkpoint(string_entry("base", "x")) + commands,
        checkpoint(string_entry("base", "x")) + commands + "*3\r\n$3\r\nSE"}) {
    fs::remove_all(root_);
    write("appendonly.aof", log);
    EXPECT_EQ(start({"SELECT 2", "GET a", "SET b 2"}), "+OK $1 1 +OK ");
    EXPECT_FALSE(fs::exists(root_ / "appendonly.aof"));
    EXPECT_EQ(read("appendonlydir/appendonly.aof"), log);  // until ours has been started from
    EXPECT_EQ(start({"SELECT 2", "MGET a b"}), "+OK *2 $1 1 $1 2 ");
    EXPECT_FALSE(fs::exists(root_ / "appendonlydir/appendonly.aof"));
  }
}

TEST_F(Upgrade, ASingleLogThatIsDamagedStaysWhereItIs) {
  write("appendonly.aof", command({"SET", "a", "1"}) + "garbage\r\n" + command({"SET", "b", "1"}));
  refuses(HasSubstr("appendonly.aof offset 27: not a command; "));
  config_.recovery.on_corruption = OnCorruption::kTruncate;
  EXPECT_EQ(start({"DBSIZE"}), ":1 ");
}

TEST_F(Upgrade, ASingleLogThatBeginsWithADamagedCheckpointIsRefusedWithWhatHelps) {
  std::string log = checkpoint(string_entry("base", "x")) + command({"SET", "a", "1"});
  log[log.find("base")] ^= 1;
  write("appendonly.aof", log);
  refuses(AllOf(HasSubstr("appendonly.aof: offset "), HasSubstr("checksum "),
                HasSubstr("; restore the file from a copy")));
}

TEST_F(Upgrade, ABaseIsReadByItsContent) {
  const std::string manifest =
      "file appendonly.aof seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n";
  write("appendonlydir/appendonly.aof.manifest", manifest);
  write("appendonlydir/appendonly.aof.1.incr.aof", command({"SET", "c", "3"}));
  write("appendonlydir/appendonly.aof",
        checkpoint(string_entry("a", "1")) + command({"SELECT", "0"}) + command({"SET", "b", "2"}));
  EXPECT_EQ(start({"MGET a b c"}), "*3 $1 1 $1 2 $1 3 ");
  fs::remove_all(root_);
  write("appendonlydir/appendonly.aof.manifest",
        "file appendonly.aof.1.base.rdb seq 1 type b\n" + std::string(manifest.substr(33)));
  write("appendonlydir/appendonly.aof.1.incr.aof", command({"SET", "c", "3"}));
  write("appendonlydir/appendonly.aof.1.base.rdb", command({"SET", "a", "1"}));
  EXPECT_EQ(start({"MGET a c"}), "*2 $1 1 $1 3 ");
}

// A base is whole: only behind it may a log be cut. What is said helps.
TEST_F(Upgrade, ABaseThatIsCutIsRefusedWithItsOffsetInTheFile) {
  write("appendonlydir/appendonly.aof.manifest", "file old.aof seq 1 type b\n");
  const std::string preamble = checkpoint(string_entry("a", "1"));
  write("appendonlydir/old.aof", preamble + command({"SET", "b", "2"}) + "*3\r\n$3");
  refuses(HasSubstr(fmt::format("appendonlydir/old.aof offset {}: ", preamble.size() + 27)));
  config_.recovery.on_corruption = OnCorruption::kTruncate;
  EXPECT_EQ(start({"MGET a b"}), "*2 $1 1 $1 2 ");
}

// --- Manifests ---

TEST_F(Upgrade, AManifestMayHaveBlanksQuotesAndOtherLineEnds) {
  for (const std::string manifest :
       {"file appendonly.aof.1.incr.aof seq 1 type i\r\n",
        "file\tappendonly.aof.1.incr.aof\tseq 1  type i \n",
        "file \"appendonly.aof.1.incr.aof\" seq \"1\" type 'i'\n",
        "# a comment\nfile appendonly.aof.1.incr.aof seq 1 type i\n"}) {
    fs::remove_all(root_);
    write("appendonlydir/appendonly.aof.manifest", manifest);
    write("appendonlydir/appendonly.aof.1.incr.aof", command({"SET", "a", "1"}));
    EXPECT_EQ(start({"GET a"}), "$1 1 ") << manifest;
  }
  fs::remove_all(root_);
  write("appendonlydir/appendonly.aof.manifest", "file \"my log.1.incr.aof\" seq 1 type i\n");
  write("appendonlydir/my log.1.incr.aof", command({"SET", "a", "1"}));
  EXPECT_EQ(start({"GET a"}), "$1 1 ");
  EXPECT_EQ(start({"GET a"}), "$1 1 ");
}

// --- Checkpoints ---

TEST_F(Upgrade, CheckpointsOfNewerServersAreLoadedAsFarAsTheyMeanSomethingHere) {
  config_.recovery.append_only = false;
  const auto loads = [&](const std::string& file, std::string_view line) {
    write("dump.rdb", file);
    return start({line});
  };
  EXPECT_EQ(loads(checkpoint(string_entry("k", "v"), "REDIS0011"), "GET k"), "$1 v ");
  EXPECT_EQ(loads(checkpoint(string_entry("k", "v"), "REDIS0012"), "GET k"), "$1 v ");
  EXPECT_EQ(loads(checkpoint(string_entry("k", "v"), "VALKEY080"), "GET k"), "$1 v ");
  EXPECT_EQ(loads(checkpoint("\x14" + text_of("s") + text_of(listpack({"a", "b"})), "REDIS0011"),
                  "SCARD s"),
            ":2 ");
  const std::string no_expiry(8, '\0');
  EXPECT_EQ(loads(checkpoint(
                      "\x18" + text_of("h") + no_expiry + '\1' + '\0' + text_of("f") + text_of("v"),
                      "REDIS0012"),
                  "HGET h f"),
            "$1 v ");
  EXPECT_EQ(loads(checkpoint("\x19" + text_of("h") + no_expiry + text_of(listpack({"f", "v", "0"})),
                             "REDIS0012"),
                  "HGET h f"),
            "$1 v ");
  // Idle times and use counts, and the slots of a cluster.
  EXPECT_EQ(loads(checkpoint("\xf8\x05" + string_entry("a", "1") + "\xf9\x07" +
                             string_entry("b", "2") + "\xf4\x01\x02\x03" + string_entry("c", "3")),
                  "MGET a b c"),
            "*3 $1 1 $1 2 $1 3 ");
  EXPECT_EQ(loads(checkpoint(string_entry("k", "v")) + "\n", "GET k"), "$1 v ");
  EXPECT_EQ(loads(checkpoint(string_entry("k", "v")) + "x", "GET k"), "$1 v ");
}

TEST_F(Upgrade, WhatCannotBeKeptIsRefusedByName) {
  config_.recovery.append_only = false;
  const auto refused = [&](const std::string& file, const std::string& says) {
    write("dump.rdb", file);
    refuses(AllOf(HasSubstr("dump.rdb: offset "), HasSubstr(says), HasSubstr("; ")));
  };
  const std::string soonest("\1\0\0\0\0\0\0\0", 8);
  refused(checkpoint(string_entry("k", "v"), "REDIS0013"), "version 13");
  refused(checkpoint(string_entry("k", "v"), "VALKEY081"), "version 81");
  refused(checkpoint("\x18" + text_of("h") + soonest + '\1' + '\1' + text_of("f") + text_of("v"),
                     "REDIS0012"),
          "a field of a hash expires: not supported: key \"h\"");
  refused(
      checkpoint("\x19" + text_of("h") + soonest + text_of(listpack({"f", "v", "9"})), "REDIS0012"),
      "a field of a hash expires: not supported: key \"h\"");
  write("dump.rdb", checkpoint("\xf5" + text_of("#!lua name=lib\n?")));
  refuses(AllOf(HasSubstr("the library lib: Error compiling function"), HasSubstr("; ")));
  // ReJSON-RL, version 3.
  const std::string module = "\x81" + std::string("\x46\x24\xca\x38\x3f\x91\x1c\x03", 8);
  refused(checkpoint("\xf7" + module), "data of the module ");
  refused(checkpoint("\x07" + text_of("k") + module),
          "values of modules are not supported: key \"k\", of the module ");
  refused(checkpoint("\xfe\x28" + string_entry("k", "v")),
          "database 40, of 16: start with a higher --databases");
  refused(checkpoint(string_entry("k", "v")) + command({"SET", "a", "1"}), "bytes follow the end");
  config_.databases = 64;
  write("dump.rdb", checkpoint("\xfe\x28" + string_entry("k", "v")));
  EXPECT_EQ(start({"SELECT 40", "GET k"}), "+OK $1 v ");
}

TEST_F(Upgrade, AsManyDatabasesAsAreAskedFor) {
  write("appendonlydir/appendonly.aof.manifest", "file a.aof seq 1 type i\n");
  write("appendonlydir/a.aof", command({"SELECT", "12345"}) + command({"SET", "k", "v"}));
  refuses(HasSubstr("a.aof offset 0: 'SELECT 12345' cannot be done again"));
  config_.databases = 20'000;
  EXPECT_EQ(start({"SELECT 12345", "GET k", "SELECT 9", "SET l w", "SELECT 12346", "SET m x"}),
            "+OK $1 v +OK +OK +OK +OK ");
  EXPECT_EQ(start({"SELECT 12346", "GET m", "SELECT 9", "GET l"}), "+OK $1 x +OK $1 w ");
}

// --- Two sources in one directory ---

TEST_F(Upgrade, ACheckpointThatWasCopiedBesideALogIsRefused) {
  EXPECT_EQ(start({"PING"}), "+PONG ");
  write("dump.rdb", checkpoint(string_entry("precious", "1")));
  set_time("dump.rdb", 48);  // of a backup: the log is empty all the same
  refuses(AllOf(HasSubstr("dump.rdb, of 2"),
                HasSubstr("is newer than the log in appendonlydir, of 2"),
                HasSubstr("--appendonly no"), HasSubstr("move dump.rdb away")));
  config_.recovery.on_newer = OnNewer::kPassOver;
  EXPECT_EQ(start({"SET a 1"}), "+OK ");
  config_.recovery.on_newer = OnNewer::kRefuse;
  EXPECT_EQ(start({"GET a"}), "$1 1 ");
  EXPECT_THAT(summary_, HasSubstr("beside it and not read: dump.rdb"));
  set_time("dump.rdb", -1);
  refuses(HasSubstr("is newer"));
}

TEST_F(Upgrade, ACheckpointOfOursThatIsAheadOfTheLogIsRefused) {
  EXPECT_EQ(start({"SET old 1", "CONFIG SET appendonly no", "SET new 2", "SAVE"}),
            "+OK +OK +OK +OK ");
  refuses(AllOf(HasSubstr("up to entry 2"), HasSubstr("up to entry 1")));
  config_.recovery.append_only = false;
  EXPECT_EQ(start({"MGET old new", "CONFIG SET appendonly yes"}), "*2 $1 1 $1 2 +OK ");
  config_.recovery.append_only = true;
  EXPECT_EQ(start({"MGET old new", "SET more 3"}), "*2 $1 1 $1 2 +OK ");
  config_.recovery.append_only = false;
  refuses(AllOf(HasSubstr("the log in appendonlydir"), HasSubstr("is newer than dump.rdb"),
                HasSubstr("--appendonly yes")));
}

// Numbers of entries that a crash has taken from the log are given again.
TEST_F(Upgrade, ACheckpointThatACrashLeftAheadOfTheLogIsWrittenAgain) {
  EXPECT_EQ(start({"SET a 1"}), "+OK ");
  const auto log = files();
  EXPECT_EQ(start({"SET b 2", "SET c 3", "SAVE"}), "+OK +OK +OK ");
  // A crash before the log was synced: what was written since the first end is gone, the closed mark as well.
  for (const auto& [name, bytes] : log)
    if (name.ends_with(".incr.aof")) write(name, bytes.substr(0, bytes.rfind("#pc closed")));
  EXPECT_EQ(start({"MGET a b c", "SET d 4"}), "*3 $1 1 $-1 $-1 +OK ");
  EXPECT_THAT(
      summary_,
      HasSubstr("; dump.rdb has entries that a crash took from the log, and is written again"));
  EXPECT_EQ(start({"MGET a b c d"}), "*4 $1 1 $-1 $-1 $1 4 ");
  EXPECT_THAT(summary_, Not(HasSubstr("dump.rdb")));
}

// It writes one whenever it ends, after its log.
TEST_F(Upgrade, OfTheTwoThatAServerWithALogLeavesTheLogCounts) {
  write("appendonlydir/appendonly.aof.manifest", "file a.aof seq 1 type i\n");
  write("appendonlydir/a.aof", command({"SET", "k", "log"}));
  set_time("appendonlydir/a.aof", 3);
  set_time("appendonlydir/appendonly.aof.manifest", 3);
  write("dump.rdb", checkpoint(string_entry("k", "dump")));
  EXPECT_EQ(start({"GET k"}), "$3 log ");
  EXPECT_THAT(summary_, HasSubstr("beside it and not read: dump.rdb"));
}

TEST_F(Upgrade, ASingleLogThatIsNewerThanOursIsRefused) {
  EXPECT_EQ(start({"SET a 1"}), "+OK ");
  write("appendonly.aof", command({"SET", "a", "2"}));
  set_time("appendonly.aof", -1);
  refuses(AllOf(HasSubstr("appendonly.aof, of 2"),
                HasSubstr("is newer than the log in appendonlydir")));
  set_time("appendonly.aof", 5);
  EXPECT_EQ(start({"GET a"}), "$1 1 ");
  EXPECT_TRUE(fs::exists(root_ / "appendonly.aof"));
}

TEST_F(Upgrade, ASingleLogBesideACheckpointIsRefusedIfItIsNewer) {
  config_.recovery.append_only = false;
  write("dump.rdb", checkpoint(string_entry("k", "dump")));
  write("appendonly.aof", command({"SET", "k", "log"}));
  set_time("dump.rdb", 5);
  refuses(AllOf(HasSubstr("the log appendonly.aof, of 2"),
                HasSubstr("is newer than dump.rdb, of 2"), HasSubstr("--appendonly yes")));
  set_time("appendonly.aof", 6);
  EXPECT_EQ(start({"GET k"}), "$4 dump ");
  EXPECT_THAT(summary_, HasSubstr("beside it and not read: the log appendonly.aof"));
  fs::last_write_time(root_ / "appendonly.aof", fs::last_write_time(root_ / "dump.rdb"));
  EXPECT_EQ(start({"GET k"}), "$4 dump ") << "of the same moment is no newer";
  fs::remove(root_ / "appendonly.aof");
  EXPECT_EQ(start({"GET k"}), "$4 dump ");
  EXPECT_THAT(summary_, Not(HasSubstr("beside it")));
}

// A start that goes by the checkpoint does not read it.
TEST_F(Upgrade, ALogWhoseManifestIsDamagedIsNoReasonNotToGoByACheckpoint) {
  config_.recovery.append_only = false;
  write("dump.rdb", checkpoint(string_entry("k", "dump")));
  write("appendonlydir/appendonly.aof.manifest", "no manifest\n");
  set_time("dump.rdb", 5);
  EXPECT_EQ(start({"GET k"}), "$4 dump ");
}

}  // namespace
}  // namespace powercut::engine
