// What is looked at in another way: what agrees, and what does not.
#include "scenarios/store/keyspace/other_ways.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "scenarios/store/keyspace/at_edges.h"

namespace powercut::scenarios {
namespace {

using Words = std::vector<std::string_view>;

Drawn counted() {
  return [state = uint64_t{1}](uint64_t n) mutable {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (state >> 33) % n;
  };
}

TEST(OtherWays, AValueIsTheSameHoweverItIsKept) {
  engine::Set set;
  engine::Hash hash;
  for (const char* text : {"-0", "0", "007", "32768", "-9223372036854775808", ""}) {
    EXPECT_EQ(kept_otherwise(engine::Value(engine::String(text)), {}), "") << text;
    set.add(text);
    hash.set(text, text);
  }
  EXPECT_EQ(kept_otherwise(engine::Value(std::move(set)), {}), "");
  EXPECT_EQ(kept_otherwise(engine::Value(std::move(hash)), {}), "");
}

TEST(OtherWays, AtTheEdgesOfWhatThereIsAllIsAsItShouldBe) {
  const Drawn draw = counted();
  engine::List list;
  engine::Zset zset;
  list.push_back("one");
  zset.set("one", 1);
  const engine::Value values[] = {engine::Value(std::move(list)), engine::Value(std::move(zset))};
  for (int i = 0; i < 300; ++i) {
    for (const engine::Value& value : values) EXPECT_EQ(read_from_older_words(value, draw), "");
    EXPECT_EQ(united_at_edges(draw), "");
    EXPECT_EQ(expires_at_edges(draw), "");
  }
}

TEST(OtherWays, AListIsARowOfWords) {
  engine::List list;
  const Drawn draw = counted();
  for (int i = 0; i < 300; ++i) {
    list.push_back(std::to_string(i));
    EXPECT_EQ(edited_otherwise(list, 40, draw), "");
  }
}

TEST(OtherWays, AStreamIsARowOfEntries) {
  const Drawn draw = counted();
  for (int i = 0; i < 300; ++i) EXPECT_EQ(stream_edited_otherwise(60, draw), "");
}

// Who waits is kept with other words than it said.
TEST(OtherWays, WhoWaitedIsServedAsWhoComesLate) {
  engine::Keyspace keyspace;
  engine::Waiting waiting;
  waiting.words = {"BLPOP", "l", "0"};
  waiting.keys = 1;
  EXPECT_EQ(served_otherwise(keyspace, Words{"BLPOP", "l", "0"}, waiting), "");
  waiting.words = {"BRPOP", "l", "0"};
  EXPECT_NE(served_otherwise(keyspace, Words{"BLPOP", "l", "0"}, waiting), "");
  waiting.words = {"BLMPOP", "0", "2", "k", "l", "LEFT"};
  waiting.first_key = 3;
  waiting.keys = 2;
  EXPECT_EQ(served_otherwise(keyspace, Words{"BLMPOP", "0", "2", "k", "l", "LEFT", "COUNT", "1"},
                             waiting),
            "");
  EXPECT_NE(served_otherwise(keyspace, Words{"BLMPOP", "0", "2", "k", "l", "LEFT", "COUNT", "2"},
                             waiting),
            "");
}

}  // namespace
}  // namespace powercut::scenarios
