#include "engine/command/effects.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>
#include <vector>

#include "engine/command/request_parser.h"

namespace powercut::engine {
namespace {

using Words = std::vector<std::string>;

std::string encoded(const Words& words) {
  const std::vector<std::string_view> args(words.begin(), words.end());
  std::string out = "before";
  append_command(out, args);
  EXPECT_TRUE(out.starts_with("before"));
  return out.substr(6);
}

std::string slowly(const Words& words) {
  std::string out = "*" + std::to_string(words.size()) + "\r\n";
  for (const std::string& word : words) {
    out += "$" + std::to_string(word.size()) + "\r\n" + word + "\r\n";
  }
  return out;
}

TEST(Effects, AreEncodedAsRequests) {
  EXPECT_EQ(encoded({"DEL", "k"}), "*2\r\n$3\r\nDEL\r\n$1\r\nk\r\n");
  EXPECT_EQ(encoded({"SET", "", std::string("a\0\r\n", 4)}),
            std::string("*3\r\n$3\r\nSET\r\n$0\r\n\r\n$4\r\na\0\r\n\r\n", 29));
}

// Short commands are put together on the stack: nothing may show where that ends.
TEST(Effects, OfEverySize) {
  for (size_t size = 0; size < 700; ++size) {
    const Words one{std::string(size, 'x')};
    const Words two{"SET", std::string(size / 2, 'k'), std::string(size, 'v')};
    ASSERT_EQ(encoded(one), slowly(one)) << size;
    ASSERT_EQ(encoded(two), slowly(two)) << size;
  }
  for (const size_t size : {9'999, 10'000, 99'999, 100'000}) {
    const Words words{std::string(size, 'x')};
    ASSERT_TRUE(encoded(words) == slowly(words)) << size;
  }
  const Words many(1000, "word");
  EXPECT_EQ(encoded(many), slowly(many));
}

RC_GTEST_PROP(EffectsProperty, AreReadBackAsTheyWere, ()) {
  const Words words = *rc::gen::nonEmpty(rc::gen::arbitrary<Words>());
  RequestParser parser;
  parser.feed(encoded(words));
  RC_ASSERT(parser.next() == RequestParser::Outcome::kCommand);
  RC_ASSERT(Words(parser.args().begin(), parser.args().end()) == words);
  RC_ASSERT(parser.next() == RequestParser::Outcome::kNeedMore);
  RC_ASSERT(parser.buffered() == 0u);
}

TEST(Effects, KeepTheirOrderAndDatabase) {
  Effects effects;
  EXPECT_TRUE(effects.empty());
  effects.add(0, {"DEL", "a"});
  effects.add(15, {"SET", "b", "1"});
  ASSERT_EQ(effects.size(), 2u);
  EXPECT_FALSE(effects.empty());
  EXPECT_EQ(effects.items()[0].db, 0);
  EXPECT_EQ(effects.items()[1].db, 15);
  EXPECT_EQ(effects.bytes_of(effects.items()[0]), slowly({"DEL", "a"}));
  EXPECT_EQ(effects.bytes_of(effects.items()[1]), slowly({"SET", "b", "1"}));
  EXPECT_EQ(effects.bytes(), slowly({"DEL", "a"}).size() + slowly({"SET", "b", "1"}).size());
  effects.clear();
  EXPECT_TRUE(effects.empty());
  EXPECT_EQ(effects.bytes(), 0u);
}

TEST(Effects, ComeInFrontOfOthers) {
  Effects effects, first;
  effects.add(0, {"DEL", "a"});
  effects.add(1, {"INCR", "b"});
  first.add(1, {"SET", "b", "1"});
  effects.insert(1, first);
  ASSERT_EQ(effects.size(), 3u);
  EXPECT_EQ(effects.bytes_of(effects.items()[0]), slowly({"DEL", "a"}));
  EXPECT_EQ(effects.bytes_of(effects.items()[1]), slowly({"SET", "b", "1"}));
  EXPECT_EQ(effects.items()[1].db, 1);
  EXPECT_EQ(effects.bytes_of(effects.items()[2]), slowly({"INCR", "b"}));
}

TEST(Effects, OfAReplayAreNotKept) {
  Effects effects = Effects::unlogged();
  effects.add(0, {"DEL", "a"});
  EXPECT_TRUE(effects.empty());
  EXPECT_EQ(effects.bytes(), 0u);
}

}  // namespace
}  // namespace powercut::engine
