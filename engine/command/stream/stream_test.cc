// Streams: what is added, found, deleted and trimmed; and what is logged of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "engine/command/command_harness.h"

namespace powercut::engine {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

class Streams : public testing::Test {
 protected:
  Streams() { run.keyspace.put(0, "str", Value(String("x"))); }
  std::vector<std::string> items(std::string_view line) { return bulks(run(line)); }
  std::vector<std::string> ids(std::string_view key) {
    std::vector<std::string> found;
    run.keyspace.peek(0, key)->value.stream()->for_range({}, StreamId::most(), false,
                                                         [&](const StreamEntry& entry) {
                                                           found.push_back(entry.id.text());
                                                           return true;
                                                         });
    return found;
  }
  // 1-1 to 1-n.
  void fill(std::string_view key, int n) {
    const std::string add = "XADD " + std::string(key);
    if (!exists(key)) run(add + " 1-1 f v"), --n;
    for (; n > 0; --n) run(add + " 1-* f v");
  }
  bool exists(std::string_view key) { return run.keyspace.peek(0, key) != nullptr; }
  CommandHarness run;
};

// --- XADD ---

TEST_F(Streams, AddsUnderTheIdThatTheClockMakesAndLogsIt) {
  EXPECT_EQ(run("XADD s * f v"), bulk("1700000000000-0"));
  EXPECT_THAT(run.log, ElementsAre("0: XADD s 1700000000000-0 f v"));
  EXPECT_EQ(run("XADD s * f v"), bulk("1700000000000-1"));
  run.advance_ms(-5);
  EXPECT_EQ(run("XADD s * f v"), bulk("1700000000000-2"));
  run.advance_ms(9);
  EXPECT_EQ(run("XADD s 1700000000004-* f v"), bulk("1700000000004-0"));
  EXPECT_EQ(run("XADD s 1700000000004-* f v"), bulk("1700000000004-1"));
  EXPECT_THAT(run.log, ElementsAre("0: XADD s 1700000000004-1 f v"));
  EXPECT_EQ(run("XLEN s"), ":5\r\n");
}

TEST_F(Streams, AddsUnderTheIdThatIsGiven) {
  EXPECT_EQ(run("XADD s 5 a 1 b 2"), bulk("5-0"));
  EXPECT_THAT(run.log, ElementsAre("0: XADD s 5 a 1 b 2"));
  EXPECT_EQ(run("XADD s 5-007 f v"), bulk("5-7"));
  constexpr char kSmaller[] =
      "-ERR The ID specified in XADD is equal or smaller than the target stream top item\r\n";
  EXPECT_EQ(run("XADD s 5-7 f v"), kSmaller);
  EXPECT_EQ(run("XADD s 4-* f v"), kSmaller);
  EXPECT_THAT(run.log, IsEmpty());
  EXPECT_EQ(run("XADD s 5-18446744073709551615 f v"), bulk("5-18446744073709551615"));
  EXPECT_EQ(run("XADD s 5-* f v"), kSmaller);
  EXPECT_EQ(run("XADD s 0-0 f v"), "-ERR The ID specified in XADD must be greater than 0-0\r\n");
  EXPECT_EQ(run("XADD z 0-* f v"), bulk("0-1"));
  run("XADD s 18446744073709551615-18446744073709551615 f v");
  EXPECT_THAT(run("XADD s * f v"),
              StartsWith("-ERR The stream has exhausted the last possible ID"));
}

TEST_F(Streams, RefusesWhatIsNoEntry) {
  constexpr char kArity[] = "-ERR wrong number of arguments for 'xadd' command\r\n";
  EXPECT_EQ(run("XADD s * f"), kArity);
  EXPECT_EQ(run("XADD s * f v g"), kArity);
  EXPECT_EQ(run("XADD s MAXLEN 3 NOMKSTREAM"), kArity);
  EXPECT_EQ(run("XADD s 1-x f v"),
            "-ERR Invalid stream ID specified as stream command argument\r\n");
  EXPECT_EQ(run("XADD s - f v"), "-ERR Invalid stream ID specified as stream command argument\r\n");
  EXPECT_EQ(run("XADD str * f v"), kWrongTypeReply);
  EXPECT_EQ(run("XADD s NOMKSTREAM * f v"), "$-1\r\n");
  EXPECT_FALSE(exists("s"));
}

// --- Trimming ---

TEST_F(Streams, TrimsAsItAdds) {
  fill("s", 5);
  EXPECT_EQ(run("XADD s MAXLEN 3 1-* f v"), bulk("1-6"));
  EXPECT_THAT(run.log, ElementsAre("0: XADD s MAXLEN 3 1-6 f v"));
  EXPECT_THAT(ids("s"), ElementsAre("1-4", "1-5", "1-6"));
  EXPECT_EQ(run("XADD s MINID = 1-6 1-7 f v"), bulk("1-7"));
  EXPECT_THAT(run.log, ElementsAre("0: XADD s MINID = 1-6 1-7 f v"));
  EXPECT_THAT(ids("s"), ElementsAre("1-6", "1-7"));
}

TEST_F(Streams, TrimmingInRoundNumbersIsLoggedAsWhatCameOfIt) {
  fill("s", 250);
  EXPECT_EQ(run("XTRIM s MAXLEN ~ 30"), ":200\r\n");
  EXPECT_THAT(run.log, ElementsAre("0: XTRIM s MAXLEN = 50"));
  fill("s", 200);
  EXPECT_EQ(run("XADD s MAXLEN ~ 10 LIMIT 120 * f v"), bulk("1700000000000-0"));
  EXPECT_THAT(run.log, ElementsAre("0: XADD s MAXLEN = 151 1700000000000-0 f v"));
  EXPECT_EQ(run("XTRIM s MINID ~ 1-399 LIMIT 0"), ":0\r\n");
  EXPECT_THAT(run.log, IsEmpty());
  EXPECT_EQ(run("XTRIM s MINID ~ 1-420 LIMIT 0"), ":100\r\n");
  EXPECT_THAT(run.log, ElementsAre("0: XTRIM s MINID = 1-401"));
  EXPECT_EQ(run("XTRIM s MAXLEN = 0"), ":51\r\n");
  EXPECT_EQ(run("XLEN s"), ":0\r\n");
  EXPECT_TRUE(exists("s"));
}

TEST_F(Streams, TrimmingHasItsErrors) {
  EXPECT_THAT(run("XTRIM s MAXLEN 3 MINID 4"), HasSubstr("not compatible"));
  EXPECT_THAT(run("XTRIM s MAXLEN -1"), HasSubstr("must be >= 0"));
  EXPECT_THAT(run("XTRIM s MAXLEN ~ 3 LIMIT -1"), HasSubstr("LIMIT argument must be >= 0"));
  EXPECT_THAT(run("XTRIM s MAXLEN 3 LIMIT 3"), HasSubstr("without the special ~ option"));
  EXPECT_THAT(run("XADD s LIMIT 3 * f v"), HasSubstr("without specifying a trimming strategy"));
  EXPECT_THAT(run("XTRIM s LIMIT 3"), HasSubstr("without specifying a trimming strategy"));
  EXPECT_EQ(run("XTRIM s NOMKSTREAM MAXLEN 3"), kSyntaxReply);
  EXPECT_EQ(run("XTRIM s MAXLEN"), "-ERR wrong number of arguments for 'xtrim' command\r\n");
  EXPECT_EQ(run("XTRIM none MAXLEN 3"), ":0\r\n");
  EXPECT_EQ(run("XTRIM str MAXLEN 3"), kWrongTypeReply);
}

// What Redis logged says LIMIT, and means nothing by it.
TEST_F(Streams, ALogIsNotLimited) {
  fill("s", 20);
  run.keyspace.set_loading(true);
  EXPECT_EQ(run("XTRIM s MAXLEN = 3 LIMIT 1"), ":17\r\n");
  EXPECT_EQ(run("XADD s MAXLEN = 2 LIMIT 1 9-9 f v"), bulk("9-9"));
  EXPECT_EQ(run("XLEN s"), ":2\r\n");
}

// --- Ranges ---

TEST_F(Streams, RangesHaveOpenEndsAndHalfIds) {
  for (const char* id : {"1-1", "1-2", "2-0", "3-5"})
    run("XADD s " + std::string(id) + " f " + std::string(id));
  EXPECT_THAT(items("XRANGE s - +"), ElementsAre("1-1", "f", "1-1", "1-2", "f", "1-2", "2-0", "f",
                                                 "2-0", "3-5", "f", "3-5"));
  EXPECT_THAT(items("XRANGE s 1 1"), ElementsAre("1-1", "f", "1-1", "1-2", "f", "1-2"));
  EXPECT_THAT(items("XRANGE s (1-1 (3-5"), ElementsAre("1-2", "f", "1-2", "2-0", "f", "2-0"));
  EXPECT_THAT(items("XREVRANGE s + 2 COUNT 1"), ElementsAre("3-5", "f", "3-5"));
  EXPECT_THAT(items("XREVRANGE s (3-5 - COUNT 1"), ElementsAre("2-0", "f", "2-0"));
  EXPECT_EQ(run("XRANGE s 9 +"), "*0\r\n");
  EXPECT_EQ(run("XRANGE none - +"), "*0\r\n");
  EXPECT_EQ(run("XRANGE s - + COUNT 0"), "*-1\r\n");
  EXPECT_EQ(run("XRANGE s (18446744073709551615-18446744073709551615 +"),
            "-ERR invalid start ID for the interval\r\n");
  EXPECT_EQ(run("XRANGE s - (0-0"), "-ERR invalid end ID for the interval\r\n");
  EXPECT_EQ(run("XRANGE s (- +"),
            "-ERR Invalid stream ID specified as stream command argument\r\n");
  EXPECT_EQ(run("XRANGE s - + COUNT"), kSyntaxReply);
  EXPECT_EQ(run("XRANGE str - +"), kWrongTypeReply);
  EXPECT_EQ(run("XRANGE s 1 1 COUNT 1"), "*1\r\n*2\r\n$3\r\n1-1\r\n*2\r\n$1\r\nf\r\n$3\r\n1-1\r\n");
}

// --- XDEL, XSETID ---

TEST_F(Streams, DeletesByIdAndKeepsTheKey) {
  fill("s", 3);
  EXPECT_EQ(run("XDEL s 1-2 9-9 1-2"), ":1\r\n");
  EXPECT_THAT(run.log, ElementsAre("0: XDEL s 1-2 9-9 1-2"));
  EXPECT_EQ(run("XDEL s 1-2"), ":0\r\n");
  EXPECT_THAT(run.log, IsEmpty());
  EXPECT_THAT(run("XDEL s 1-1 x"), HasSubstr("Invalid stream ID"));
  EXPECT_EQ(run("XDEL s 1-1 1-3"), ":2\r\n");
  EXPECT_TRUE(exists("s"));
  EXPECT_EQ(run("XADD s 1-* f v"), bulk("1-4"));
  EXPECT_EQ(run("XDEL none 1"), ":0\r\n");
}

TEST_F(Streams, SetsWhatIsRemembered) {
  fill("s", 3);
  EXPECT_EQ(run("XSETID s 9-9 ENTRIESADDED 40 MAXDELETEDID 3-3"), "+OK\r\n");
  EXPECT_THAT(run.log, ElementsAre("0: XSETID s 9-9 ENTRIESADDED 40 MAXDELETEDID 3-3"));
  const Stream& stream = *run.keyspace.peek(0, "s")->value.stream();
  EXPECT_EQ(stream.last_id(), (StreamId{9, 9}));
  EXPECT_EQ(stream.entries_added(), 40u);
  EXPECT_EQ(stream.max_deleted_id(), (StreamId{3, 3}));
  EXPECT_THAT(run("XSETID s 1-2"), HasSubstr("smaller than the target stream top item"));
  EXPECT_THAT(run("XSETID s 9 ENTRIESADDED 2"), HasSubstr("smaller than the target stream length"));
  EXPECT_THAT(run("XSETID s 9 ENTRIESADDED -1"), HasSubstr("must be positive"));
  EXPECT_THAT(run("XSETID s 9 MAXDELETEDID 10"), HasSubstr("provided max_deleted_entry_id"));
  EXPECT_EQ(run("XSETID none 9"), "-ERR no such key\r\n");
  EXPECT_EQ(run("XSETID s 9 MAXDELETEDID"), kSyntaxReply);
}

// --- XREAD ---

TEST_F(Streams, ReadsWhatIsBehindAnId) {
  fill("s", 3);
  run("XADD t 7 g w");
  EXPECT_EQ(run("XREAD COUNT 1 STREAMS s t 1-2 0"),
            "*2\r\n*2\r\n$1\r\ns\r\n*1\r\n*2\r\n$3\r\n1-3\r\n*2\r\n$1\r\nf\r\n$1\r\nv\r\n"
            "*2\r\n$1\r\nt\r\n*1\r\n*2\r\n$3\r\n7-0\r\n*2\r\n$1\r\ng\r\n$1\r\nw\r\n");
  EXPECT_THAT(items("XREAD STREAMS s none t $ 0 0"), ElementsAre("t", "7-0", "g", "w"));
  EXPECT_EQ(run("XREAD STREAMS s $"), "*-1\r\n");
  EXPECT_EQ(run("XREAD BLOCK 0 STREAMS s 1-3"), "*-1\r\n");
  run.protocol = 3;
  EXPECT_THAT(run("XREAD STREAMS t 0"), StartsWith("%1\r\n$1\r\nt\r\n*1\r\n*2\r\n$3\r\n7-0\r\n"));
}

TEST_F(Streams, ReadingHasItsErrors) {
  fill("s", 1);
  EXPECT_THAT(run("XREAD STREAMS s t 0"), HasSubstr("Unbalanced XREAD"));
  EXPECT_EQ(run("XREAD COUNT 1 s 0"), kSyntaxReply);
  EXPECT_EQ(run("XREAD COUNT x STREAMS s 0"), "-ERR value is not an integer or out of range\r\n");
  EXPECT_EQ(run("XREAD BLOCK x STREAMS s 0"), "-ERR timeout is not an integer or out of range\r\n");
  EXPECT_EQ(run("XREAD BLOCK -1 STREAMS s 0"), "-ERR timeout is negative\r\n");
  EXPECT_THAT(run("XREAD STREAMS s >"), HasSubstr("The > ID can be specified only"));
  EXPECT_THAT(run("XREAD GROUP g c STREAMS s 0"), HasSubstr("You called XREAD instead"));
  EXPECT_THAT(run("XREAD NOACK STREAMS s 0"), HasSubstr("You called XREAD instead"));
  EXPECT_EQ(run("XREAD STREAMS s str 0 0"), kWrongTypeReply);
}

// --- Whole keys ---

TEST_F(Streams, AreKeysAsOthers) {
  fill("s", 2);
  EXPECT_EQ(run("TYPE s"), "+stream\r\n");
  EXPECT_EQ(run("OBJECT ENCODING s"), bulk("stream"));
  EXPECT_EQ(run("COPY s t"), ":1\r\n");
  run("XDEL s 1-1");
  EXPECT_THAT(ids("t"), ElementsAre("1-1", "1-2"));
  EXPECT_THAT(items("SCAN 0 TYPE stream COUNT 10"), testing::UnorderedElementsAre("0", "s", "t"));
  EXPECT_EQ(run("LPUSH s x"), kWrongTypeReply);
  EXPECT_EQ(run("GET s"), kWrongTypeReply);
  const std::string payload = items("DUMP t")[0];
  EXPECT_EQ(run.run({"RESTORE", "u", "0", payload}), "+OK\r\n");
  EXPECT_THAT(ids("u"), ElementsAre("1-1", "1-2"));
  EXPECT_EQ(run("RENAME u v"), "+OK\r\n");
  EXPECT_EQ(run("SORT v"), kWrongTypeReply);
}

TEST_F(Streams, TellsWhatTheyAreMadeOf) {
  fill("s", 2);
  run("XDEL s 1-1");
  EXPECT_EQ(
      run("XINFO STREAM s"),
      "*20\r\n$6\r\nlength\r\n:1\r\n$15\r\nradix-tree-keys\r\n:1\r\n$16\r\nradix-tree-nodes\r\n"
      ":2\r\n$17\r\nlast-generated-id\r\n$3\r\n1-2\r\n$20\r\nmax-deleted-entry-id\r\n$3\r\n1-1\r\n"
      "$13\r\nentries-added\r\n:2\r\n$23\r\nrecorded-first-entry-id\r\n$3\r\n1-2\r\n"
      "$6\r\ngroups\r\n:0\r\n$11\r\nfirst-entry\r\n*2\r\n$3\r\n1-2\r\n*2\r\n$1\r\nf\r\n$1\r\nv\r\n"
      "$10\r\nlast-entry\r\n*2\r\n$3\r\n1-2\r\n*2\r\n$1\r\nf\r\n$1\r\nv\r\n");
  run("XDEL s 1-2");
  EXPECT_THAT(run("XINFO STREAM s"),
              HasSubstr("first-entry\r\n$-1\r\n$10\r\nlast-entry\r\n$-1\r\n"));
  EXPECT_EQ(run("XINFO STREAM none"), "-ERR no such key\r\n");
  EXPECT_THAT(run("XINFO STREAM s HALF"), HasSubstr("unknown subcommand or wrong number"));
  EXPECT_THAT(run("XINFO HELP"), HasSubstr("STREAM"));
}

}  // namespace
}  // namespace powercut::engine
