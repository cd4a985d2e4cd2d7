#include "sim/request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace powercut::sim {
namespace {

using ::testing::ElementsAre;

TEST(Request, WordsOfAnyBytesComeBack) {
  const std::string request = encode_request({"SET", "", std::string("\r\n\0*", 4)});
  EXPECT_EQ(request, std::string("*3\r\n$3\r\nSET\r\n$0\r\n\r\n$4\r\n\r\n\0*\r\n", 29));
  EXPECT_THAT(words_of(request), ElementsAre("SET", "", std::string_view("\r\n\0*", 4)));
}

TEST(Request, EveryPrefixIsCutShort) {
  const std::string whole = encode_request({"APPEND", "key", "value"});
  for (size_t length = 0; length < whole.size(); ++length) {
    std::vector<std::string_view> words;
    size_t at = 0;
    EXPECT_EQ(parse_request(std::string_view(whole).substr(0, length), at, words),
              RequestParse::kCut)
        << length;
    EXPECT_EQ(at, 0u);
    EXPECT_TRUE(words.empty());
  }
}

TEST(Request, WhatIsNoRequestIsBad) {
  for (const std::string_view bytes :
       {"SET a 1\r\n", "*x\r\n", "*0\r\n", "*1\r\n:1\r\n", "*1\r\n$1\r\nab\r\n", "*-1\r\n",
        "*1\r\n$99999999999\r\n", "*11111111111111111111111111"}) {
    std::vector<std::string_view> words;
    size_t at = 0;
    EXPECT_EQ(parse_request(bytes, at, words), RequestParse::kBad) << bytes;
    EXPECT_TRUE(words.empty());
  }
}

TEST(Request, TheSecondBeginsWhereTheFirstEnds) {
  const std::string both = encode_request({"A"}) + encode_request({"B", "C"});
  std::vector<std::string_view> words;
  size_t at = 0;
  EXPECT_EQ(parse_request(both, at, words), RequestParse::kWhole);
  EXPECT_EQ(parse_request(both, at, words), RequestParse::kWhole);
  EXPECT_THAT(words, ElementsAre("A", "B", "C"));
  EXPECT_EQ(at, both.size());
}

TEST(Request, WordsCompareWithoutCase) {
  EXPECT_TRUE(same_word("Multi", "MULTI"));
  EXPECT_FALSE(same_word("MULTI2", "MULTI"));
}

}  // namespace
}  // namespace powercut::sim
