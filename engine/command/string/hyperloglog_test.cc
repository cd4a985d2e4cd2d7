#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "engine/command/executor_harness.h"
#include "engine/command/string/sketch.h"

namespace powercut::engine {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;
using namespace std::string_literals;

constexpr std::string_view kCorrupt = "-INVALIDOBJ Corrupted HLL object detected\r\n";
constexpr std::string_view kNoSketch =
    "-WRONGTYPE Key is not a valid HyperLogLog string value.\r\n";

class HyperloglogTest : public ::testing::Test, public CommandHarness {
 protected:
  // Adds "e0", "e1", ... up to "e<count - 1>" with one command.
  std::string add(std::string_view key, int count, std::string_view prefix = "e") {
    std::vector<std::string> words{"PFADD", std::string(key)};
    for (int i = 0; i < count; ++i) words.push_back(std::string(prefix) + std::to_string(i));
    return run(std::vector<std::string_view>(words.begin(), words.end()));
  }
  std::string bytes(std::string_view key) {
    const Object* object = keyspace.find(db, key);
    return object == nullptr ? "none" : std::string(*object->value.string());
  }
  std::string hex(std::string_view key) {
    std::string out;
    for (const unsigned char c : bytes(key)) {
      out += "0123456789abcdef"[c >> 4];
      out += "0123456789abcdef"[c & 15];
    }
    return out;
  }
  // FNV-1a of a value's bytes.
  uint64_t sum(std::string_view key) {
    uint64_t hash = 0xcbf29ce484222325u;
    for (const unsigned char c : bytes(key)) hash = (hash ^ c) * 0x100000001b3u;
    return hash;
  }
  CommandHarness& run_line = *this;
};

// --- Bytes, as redis-server 7.0.15 keeps them after the same commands ---

TEST_F(HyperloglogTest, SmallOnesByteForByte) {
  EXPECT_EQ(run_line("PFADD h a b c"), ":1\r\n");
  EXPECT_THAT(log, ElementsAre("0: PFADD h a b c"));
  EXPECT_EQ(hex("h"), "48594c4c01000000000000000000008060f38050b1844bfb80425a");
  EXPECT_EQ(run_line("PFDEBUG DECODE h"), bulk("Z:8436 v:1,1 Z:4274 v:2,1 Z:3068 v:1,1 Z:603"));
  EXPECT_EQ(run_line("PFCOUNT h"), ":3\r\n");
  EXPECT_EQ(hex("h"), "48594c4c01000000030000000000000060f38050b1844bfb80425a");

  EXPECT_EQ(run_line("PFADD none"), ":1\r\n");
  EXPECT_EQ(hex("none"), "48594c4c0100000000000000000000807fff");
  EXPECT_EQ(run_line("PFADD none"), ":0\r\n");
  EXPECT_EQ(run_line("PFCOUNT none"), ":0\r\n");
  EXPECT_EQ(hex("none"), "48594c4c0100000000000000000000007fff");

  EXPECT_EQ(run({"PFADD", "nothing", ""}), ":1\r\n");
  EXPECT_EQ(hex("nothing"), "48594c4c01000000000000000000008057318468cc");
}

TEST_F(HyperloglogTest, ElementsOfAllLengths) {
  std::vector<std::string> words{"PFADD", "h"};
  for (size_t n = 0; n < 40; ++n) words.emplace_back(n, 'x');
  run(std::vector<std::string_view>(words.begin(), words.end()));
  EXPECT_EQ(sum("h"), 0x5c881e15d7951ed1u);
}

TEST_F(HyperloglogTest, GrowthByteForByte) {
  const struct {
    int elements;
    uint64_t sum;
    std::string_view count;
    bool sparse;
  } kKnown[] = {{10, 0x4afcb65d27f7d346u, ":10\r\n", true},
                {100, 0xb8de76dab4a4065eu, ":100\r\n", true},
                {500, 0xae6801a053be0586u, ":506\r\n", true},
                {1000, 0x5935de0232806824u, ":1008\r\n", true},
                {1684, 0x1dff1bb55f474a5du, ":1685\r\n", false},
                {50000, 0x0c8870be94c9ce2cu, ":49978\r\n", false}};
  for (const auto& known : kKnown) {
    run_line("DEL h");
    add("h", known.elements);
    EXPECT_EQ(sum("h"), known.sum) << known.elements;
    EXPECT_EQ(run_line("PFDEBUG ENCODING h"), known.sparse ? "+sparse\r\n" : "+dense\r\n");
    EXPECT_EQ(run_line("PFCOUNT h"), known.count);
  }
}

TEST_F(HyperloglogTest, OutgrowsTheSparseFormAtItsSize) {
  add("h", 1683);
  EXPECT_EQ(run_line("PFDEBUG ENCODING h"), "+sparse\r\n");
  EXPECT_EQ(run_line("PFADD h e1683"), ":1\r\n");
  EXPECT_EQ(run_line("PFDEBUG ENCODING h"), "+dense\r\n");
  EXPECT_EQ(sum("h"), 0x1dff1bb55f474a5du);
}

TEST_F(HyperloglogTest, ARankThatTheSparseFormCannotHold) {
  // Their hashes fall to register 5, with ranks of 32, 33 and 51.
  const std::string of_32 = "\x5d\x61\x68\xbf\x3a\xfe\xc0\x0a";
  const std::string of_33 = "\x49\x9b\xde\x5f\x61\xa0\x9c\x55";
  const std::string of_51 = "\xf4\x2f\xd7\x00\x8e\x52\x87\x12"s;
  const std::pair<std::string, uint64_t> known[] = {
      {of_32, 0xa5bb3f5f4d71141au}, {of_33, 0xd45077cc86a08373u}, {of_51, 0x2e3226bada8393b7u}};
  for (const auto& [element, counted] : known) {
    run_line("DEL h");
    run({"PFADD", "h", element});
    EXPECT_EQ(run_line("PFCOUNT h"), ":1\r\n");
    EXPECT_EQ(sum("h"), counted);
  }
  run_line("DEL h");
  run_line("PFADD h a b c");
  run_line("PFCOUNT h");
  run({"PFADD", "h", of_32});
  run({"PFADD", "h", of_33});
  EXPECT_EQ(sum("h"), 0x1228bc7a03554da9u);
  EXPECT_EQ(run_line("PFCOUNT h"), ":4\r\n");
}

TEST_F(HyperloglogTest, RunsAreSplitAndJoinedAsRedisDoes) {
  String sketch = sketch::empty();
  const auto raised = [&](size_t index, uint8_t rank) {
    EXPECT_EQ(sketch::raise(sketch, {index, rank}, 3000), sketch::Outcome::kRaised);
    return sketch::shown(sketch);
  };
  EXPECT_EQ(raised(3, 2), "z:3 v:2,1 Z:16380");
  EXPECT_EQ(raised(1, 2), "z:1 v:2,1 z:1 v:2,1 Z:16380");
  EXPECT_EQ(raised(2, 2), "z:1 v:2,3 Z:16380");
  EXPECT_EQ(raised(4, 2), "z:1 v:2,4 Z:16379");
  EXPECT_EQ(raised(5, 2), "z:1 v:2,4 v:2,1 Z:16378");
  EXPECT_EQ(raised(6, 2), "z:1 v:2,4 v:2,2 Z:16377");
  EXPECT_EQ(raised(7, 2), "z:1 v:2,4 v:2,3 Z:16376");
  EXPECT_EQ(raised(0, 2), "v:2,1 v:2,4 v:2,3 Z:16376");
  EXPECT_EQ(raised(2, 5), "v:2,2 v:5,1 v:2,2 v:2,3 Z:16376");
  raised(16383, 1);
  raised(100, 1);
  raised(164, 1);
  EXPECT_EQ(raised(164, 3), "v:2,2 v:5,1 v:2,2 v:2,3 Z:92 v:1,1 z:63 v:3,1 Z:16218 v:1,1");
  EXPECT_EQ(sketch::raise(sketch, {164, 3}, 3000), sketch::Outcome::kSame);
}

// Whatever is added, both forms hold the same registers.
RC_GTEST_PROP(Sketch, SparseAndDenseAgree, ()) {
  String sparse = sketch::empty();
  String dense = sketch::empty();
  RC_ASSERT(sketch::make_dense(dense));
  const auto indexes = *rc::gen::container<std::vector<size_t>>(
      rc::gen::inRange<size_t>(0, *rc::gen::element<size_t>(8, 200, 16'384)));
  for (const size_t index : indexes) {
    const auto rank = *rc::gen::inRange<uint8_t>(1, 5);
    const auto outcome = sketch::raise(sparse, {index, rank}, 1u << 20);
    RC_ASSERT(sketch::raise(dense, {index, rank}, 0) == outcome);
  }
  RC_ASSERT(sketch::is_sparse(sparse));
  RC_ASSERT(sketch::count(sparse) == sketch::count(dense));
  RC_ASSERT(sketch::make_dense(sparse));
  RC_ASSERT(sparse == dense);
}

// --- Merging ---

TEST_F(HyperloglogTest, MergedByteForByte) {
  for (int i = 0; i < 200; ++i) {
    run_line("PFADD one a" + std::to_string(i));
    run_line("PFADD two b" + std::to_string(i));
  }
  EXPECT_EQ(run_line("PFMERGE all one two"), "+OK\r\n");
  EXPECT_THAT(log, ElementsAre("0: PFMERGE all one two"));
  EXPECT_EQ(sum("all"), 0x37bf46b0ad002279u);
  EXPECT_EQ(run_line("PFCOUNT one two nobody"), ":401\r\n");
  EXPECT_THAT(log, IsEmpty());
  EXPECT_EQ(run_line("PFCOUNT all"), ":401\r\n");
  add("big", 50'000);
  EXPECT_EQ(run_line("PFMERGE all big"), "+OK\r\n");
  EXPECT_EQ(sum("all"), 0x2861e32b68a4131au);
  EXPECT_EQ(run_line("PFCOUNT all"), ":50487\r\n");
}

TEST_F(HyperloglogTest, AMergeOfNothingMakesAnEmptyOne) {
  EXPECT_EQ(run_line("PFMERGE h nobody"), "+OK\r\n");
  EXPECT_EQ(hex("h"), "48594c4c0100000000000000000000807fff");
}

// --- The count in the header ---

TEST_F(HyperloglogTest, ACountIsKeptAndLogged) {
  run_line("PFADD h a b c");
  EXPECT_EQ(run_line("PFCOUNT h"), ":3\r\n");
  EXPECT_THAT(log, ElementsAre("0: PFCOUNT h"));
  EXPECT_EQ(run_line("PFCOUNT h"), ":3\r\n");
  EXPECT_THAT(log, IsEmpty());
  EXPECT_EQ(run_line("PFADD h a b c"), ":0\r\n");
  EXPECT_THAT(log, IsEmpty());
  EXPECT_EQ(bytes("h")[15], '\0');
  EXPECT_EQ(run_line("PFADD h 1 2 3"), ":1\r\n");
  EXPECT_EQ(bytes("h")[15], '\x80');
  run_line("PFCOUNT h");
  EXPECT_EQ(run_line("PFMERGE h h"), "+OK\r\n");
  EXPECT_EQ(bytes("h")[15], '\x80');
}

class PfcountTest : public ExecutorTest {};

TEST_F(PfcountTest, KeepsNoCountWhileWritesAreRefused) {
  ask("PFADD h a b c");
  const std::string before = ask("GET h");
  log.take();
  log.refused = "MISCONF no";
  EXPECT_EQ(ask("PFCOUNT h"), ":3\r\n");
  EXPECT_EQ(ask("MULTI"), "+OK\r\n");
  EXPECT_EQ(ask("PFCOUNT h"), "+QUEUED\r\n");
  EXPECT_EQ(ask("EXEC"), "*1\r\n:3\r\n");
  EXPECT_THAT(ask("PFADD h d"), StartsWith("-MISCONF"));
  EXPECT_EQ(ask("GET h"), before);
  EXPECT_THAT(log.take(), IsEmpty());
  log.refused.clear();
  EXPECT_EQ(ask("PFCOUNT h"), ":3\r\n");
  EXPECT_THAT(log.take(), ElementsAre("0: PFCOUNT h;"));
}

TEST_F(PfcountTest, WaitsForRoomAndForItsEntry) {
  ask("PFADD h a b c");
  release_all = false;
  log.asked_for_room = 0;
  EXPECT_EQ(ask("PFCOUNT h"), "");
  EXPECT_GT(log.asked_for_room, 0);
  log.released = log.applied;
  EXPECT_EQ(ask("PFCOUNT h"), ":3\r\n:3\r\n");
}

// --- hll-sparse-max-bytes ---

class SparseControl : public FakeControl {
 public:
  uint64_t sparse_sketch_most() override { return most; }
  uint64_t most = 3000;
};

// A replay has the default.
TEST(SparseMost, WhatADifferentLimitDecidedIsLoggedAsBytes) {
  Clockwork os;
  Keyspace keyspace;
  FakeLog log{os};
  SparseControl control;
  Executor executor{os, keyspace, log, control};
  Session session{executor};
  const auto ask = [&](const std::string& line) {
    session.feed(line + "\r\n");
    log.released = log.applied;
    const std::string bytes(session.ready());
    session.consume(bytes.size());
    return bytes;
  };
  control.most = 20;
  EXPECT_EQ(ask("PFADD h a b c"), ":1\r\n");
  EXPECT_EQ(ask("PFDEBUG ENCODING h"), "+dense\r\n");
  ASSERT_EQ(log.entries.size(), 1u);
  EXPECT_THAT(log.take()[0], StartsWith("0: SET h HYLL"));
  EXPECT_EQ(ask("PFADD h d"), ":1\r\n");
  EXPECT_EQ(ask("PFMERGE i h"), "+OK\r\n");
  EXPECT_THAT(log.take(), ElementsAre("0: PFADD h d;", "0: PFMERGE i h;"));
  control.most = 3000;
  ask("PFADD j a b c");
  control.most = 20;
  EXPECT_EQ(ask("PFMERGE k j"), "+OK\r\n");
  EXPECT_EQ(ask("PFDEBUG ENCODING k"), "+dense\r\n");
  EXPECT_THAT(log.take()[1], HasSubstr("KEEPTTL"));
}

// --- What is no sketch, or no whole one ---

TEST_F(HyperloglogTest, OtherValues) {
  run_line("SET text bar");
  run_line("RPUSH list a");
  for (const std::string_view command : {"PFADD text 1", "PFCOUNT text", "PFCOUNT none text",
                                         "PFMERGE h text", "PFMERGE text h", "PFDEBUG GETREG text"})
    EXPECT_EQ(run_line(command), kNoSketch) << command;
  for (const std::string_view command : {"PFADD list 1", "PFCOUNT list", "PFMERGE h list"})
    EXPECT_EQ(run_line(command), kWrongTypeReply) << command;
  EXPECT_EQ(bytes("h"), "none");
  run_line("PFADD h a b c");
  run_line("COPY h other");
  run({"SETRANGE", "other", "4", "x"});
  EXPECT_EQ(run_line("PFCOUNT other"), kNoSketch);
  run({"SETRANGE", "other", "4", "\0"s});
  EXPECT_EQ(run_line("PFCOUNT other"), kNoSketch);
  run_line("SETRANGE h 0 0123");
  EXPECT_EQ(run_line("PFCOUNT h"), kNoSketch);
}

TEST_F(HyperloglogTest, RunsThatDoNotAddUp) {
  run_line("PFADD h a b c");
  run_line("APPEND h hello");
  const std::string before = bytes("h");
  for (const std::string_view command :
       {"PFCOUNT h", "PFCOUNT h x", "PFMERGE x h", "PFDEBUG TODENSE h", "PFDEBUG GETREG h"}) {
    EXPECT_EQ(run_line(command), kCorrupt) << command;
    EXPECT_THAT(log, IsEmpty());
  }
  EXPECT_EQ(bytes("h"), before);
  EXPECT_EQ(run_line("PFDEBUG DECODE h"),
            bulk("Z:8436 v:1,1 Z:4274 v:2,1 Z:3068 v:1,1 Z:603 Z:10342 Z:11373 Z:12033"));
}

// Redis keeps what it added before it found out; whoever is told of an error here finds nothing of the command.
TEST_F(HyperloglogTest, AFailedAddAddsNothing) {
  const std::string cut = "HYLL\x01\0\0\0\0\0\0\0\0\0\0\x80\x70\x00"s;
  run({"SET", "h", cut});
  EXPECT_EQ(run_line("PFADD h a b c"), kCorrupt);  // two of the registers are behind the end
  EXPECT_EQ(bytes("h"), cut);
  EXPECT_THAT(log, IsEmpty());
}

// Any five bytes changed: an answer or an error, and never a change behind an error.
RC_GTEST_PROP(Sketch, DamageIsAnswered, ()) {
  CommandHarness harness;
  std::vector<std::string> words{"PFADD", "h"};
  for (int i = *rc::gen::inRange(0, 2'500); i > 0; --i) words.push_back(std::to_string(i));
  harness.run(std::vector<std::string_view>(words.begin(), words.end()));
  const auto value = [&] { return *harness.keyspace.find(0, "h")->value.string(); };
  for (int i = 0; i < 5; ++i) {
    const auto at = *rc::gen::inRange<size_t>(4, value().size());
    const std::string byte(1, *rc::gen::arbitrary<char>());
    harness.run({"SETRANGE", "h", std::to_string(at), byte});
  }
  for (const std::string_view command : {"PFADD h a b c d e f", "PFCOUNT h", "PFCOUNT h h",
                                         "PFDEBUG DECODE h", "PFMERGE h h", "PFDEBUG GETREG h"}) {
    const std::string before(value());
    const bool failed = harness(command)[0] == '-';
    RC_ASSERT(value() == before || (!failed && !harness.log.empty()));
  }
}

TEST_F(HyperloglogTest, RegistersThatNoHashGives) {
  run({"SET", "h", "HYLL" + std::string(11, '\0') + "\x80" + std::string(12'288, '\xff')});
  EXPECT_EQ(run_line("PFCOUNT h"), ":-9223372036854775808\r\n");
  EXPECT_EQ(run_line("PFCOUNT h h"), ":-9223372036854775808\r\n");
  EXPECT_EQ(sum("h"), 0x8d95a60fca2b941au);
}

// --- PFDEBUG, PFSELFTEST ---

TEST_F(HyperloglogTest, Debug) {
  run_line("PFADD h a b c");
  EXPECT_EQ(run_line("PFDEBUG FOO h"), "-ERR Unknown PFDEBUG subcommand 'FOO'\r\n");
  EXPECT_EQ(run_line("PFDEBUG TODENSE none"), "-ERR The specified key does not exist\r\n");
  EXPECT_EQ(run_line("PFDEBUG todense h"), ":1\r\n");
  EXPECT_THAT(log, ElementsAre("0: PFDEBUG todense h"));
  EXPECT_EQ(run_line("PFDEBUG TODENSE h"), ":0\r\n");
  EXPECT_THAT(log, IsEmpty());
  EXPECT_EQ(run_line("PFDEBUG DECODE h"), "-ERR HLL encoding is not sparse\r\n");
  EXPECT_EQ(run_line("PFCOUNT h"), ":3\r\n");
  run_line("PFADD i a b c");
  EXPECT_THAT(run_line("PFDEBUG GETREG i"), StartsWith("*16384\r\n:0\r\n"));
  EXPECT_THAT(log, ElementsAre("0: PFDEBUG GETREG i"));
  EXPECT_EQ(run_line("PFDEBUG ENCODING i"), "+dense\r\n");
}

TEST_F(HyperloglogTest, SelfTest) { EXPECT_EQ(run_line("PFSELFTEST"), "+OK\r\n"); }

}  // namespace
}  // namespace powercut::engine
