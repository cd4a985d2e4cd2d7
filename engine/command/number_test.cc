#include "engine/command/number.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

namespace powercut::engine {
namespace {

TEST(ParseInteger, TakesWhatRedisTakes) {
  EXPECT_EQ(parse_integer("0"), 0);
  EXPECT_EQ(parse_integer("-1"), -1);
  EXPECT_EQ(parse_integer("9223372036854775807"), INT64_MAX);
  EXPECT_EQ(parse_integer("-9223372036854775808"), INT64_MIN);
}

TEST(ParseInteger, RefusesEverythingElse) {
  for (const std::string_view text :
       {"", "-", "+1", " 1", "1 ", "01", "-0", "00", "1.0", "1e3", "0x1", "9223372036854775808",
        "-9223372036854775809", "99999999999999999999", "18446744073709551617"}) {
    EXPECT_FALSE(parse_integer(text)) << text;
  }
  EXPECT_FALSE(parse_integer(std::string_view("1\0", 2)));
}

RC_GTEST_PROP(ParseInteger, RoundTrips, (int64_t value)) {
  RC_ASSERT(parse_integer(format_integer(value)) == value);
}

TEST(ParseDouble, TakesWhatRedisTakes) {
  EXPECT_EQ(parse_double("1.5"), 1.5);
  EXPECT_EQ(parse_double("+1.5"), 1.5);
  EXPECT_EQ(parse_double(".5"), 0.5);
  EXPECT_EQ(parse_double("5."), 5.0);
  EXPECT_EQ(parse_double("-1e3"), -1000.0);
  EXPECT_EQ(parse_double("0x1p3"), 8.0);
  EXPECT_EQ(parse_double("inf"), INFINITY);
  EXPECT_EQ(parse_double("-Infinity"), -INFINITY);
  EXPECT_EQ(parse_double("5e-324"), 5e-324);
  EXPECT_EQ(parse_double(std::string(100, '0') + "7"), 7.0);
}

TEST(ParseDouble, RefusesEverythingElse) {
  for (const std::string_view text : {"", "nan", "-nan", " 1", "1 ", "1x", "1e999", "-1e999",
                                      "1e-999", "--1", "+-1", "e5", "0x"}) {
    EXPECT_FALSE(parse_double(text)) << text;
  }
  EXPECT_FALSE(parse_double(std::string_view("1\0", 2)));
}

TEST(FormatDouble, AsPrintfWithSeventeenDigits) {
  EXPECT_EQ(format_double(3), "3");
  EXPECT_EQ(format_double(-0.0), "-0");
  EXPECT_EQ(format_double(0.1), "0.10000000000000001");
  EXPECT_EQ(format_double(1e17), "1e+17");
  EXPECT_EQ(format_double(99999999999999984), "99999999999999984");
  EXPECT_EQ(format_double(INFINITY), "inf");
  EXPECT_EQ(format_double(-INFINITY), "-inf");
}

RC_GTEST_PROP(FormatDouble, IsPrintfAndRoundTrips, (uint64_t bits)) {
  double value = 0;
  std::memcpy(&value, &bits, sizeof(value));
  RC_PRE(std::isfinite(value));
  char expected[40];
  std::snprintf(expected, sizeof(expected), "%.17g", value);
  RC_ASSERT(format_double(value) == expected);
  RC_ASSERT(parse_double(expected) == value);
}

RC_GTEST_PROP(FormatDouble, WholeNumbersToo, (int64_t whole)) {
  const auto value = static_cast<double>(whole);
  char expected[40];
  std::snprintf(expected, sizeof(expected), "%.17g", value);
  RC_ASSERT(format_double(value) == expected);
}

TEST(LongDouble, ParsesAndFormats) {
  EXPECT_EQ(format_long_double(*parse_long_double("3.0")), "3");
  EXPECT_EQ(format_long_double(*parse_long_double("10.5") + *parse_long_double("0.1")), "10.6");
  EXPECT_EQ(format_long_double(*parse_long_double("5.0e3")), "5000");
  EXPECT_EQ(format_long_double(-0.0L), "0");
  EXPECT_EQ(format_long_double(*parse_long_double("1e4932")).size(), 4933u);
  EXPECT_EQ(format_long_double(INFINITY), "inf");
  for (const std::string_view text : {"", "nan", " 1", "1 ", "1e9999", "1e-9999", "x"}) {
    EXPECT_FALSE(parse_long_double(text)) << text;
  }
  EXPECT_FALSE(parse_long_double(std::string(6000, '1')));
}

TEST(EqualsIgnoringCase, ComparesLetters) {
  EXPECT_TRUE(equals_ignoring_case("keepTTL", "KEEPTTL"));
  EXPECT_FALSE(equals_ignoring_case("KEEPTT", "KEEPTTL"));
  EXPECT_FALSE(equals_ignoring_case("", "X"));
}

TEST(GlobMatch, Elements) {
  EXPECT_FALSE(glob_match("*", ""));
  EXPECT_TRUE(glob_match("a*", "a"));
  EXPECT_TRUE(glob_match("", ""));
  EXPECT_FALSE(glob_match("", "a"));
  EXPECT_FALSE(glob_match("a", ""));
  EXPECT_TRUE(glob_match("h?llo", "hallo"));
  EXPECT_FALSE(glob_match("h?llo", "hllo"));
  EXPECT_TRUE(glob_match("h*llo", "heeeello"));
  EXPECT_TRUE(glob_match("h[ae]llo", "hello"));
  EXPECT_FALSE(glob_match("h[^e]llo", "hello"));
  EXPECT_TRUE(glob_match("h[^e]llo", "hallo"));
  EXPECT_TRUE(glob_match("h[b-a]llo", "hallo"));
  EXPECT_TRUE(glob_match("\\*", "*"));
  EXPECT_FALSE(glob_match("\\*", "a"));
  EXPECT_TRUE(glob_match("[\\]]", "]"));
  EXPECT_FALSE(glob_match("[]", "a"));
  EXPECT_TRUE(glob_match("[abc", "c"));
  EXPECT_TRUE(glob_match("a\\", "a\\"));
  EXPECT_TRUE(glob_match("a**b*", "axxb"));
  EXPECT_FALSE(glob_match("H*", "hello"));
  EXPECT_TRUE(glob_match("[\x80-\xff]", "\xe4"));
}

TEST(GlobMatch, ManyStarsAreNotExponential) {
  std::string pattern;
  for (int i = 0; i < 200; ++i) pattern += "a*";
  EXPECT_FALSE(glob_match(pattern + "b", std::string(5000, 'a')));
}

RC_GTEST_PROP(GlobMatch, EscapedTextMatchesItself, (std::string text)) {
  std::string pattern;
  for (const char c : text) {
    pattern += '\\';
    pattern += c;
  }
  RC_ASSERT(glob_match(pattern, text));
  RC_ASSERT(glob_match("*" + pattern, text) == !text.empty());
  RC_ASSERT(glob_match(pattern + "*", text + "more"));
}

}  // namespace
}  // namespace powercut::engine
