// Our compressor against the library's expander, and its output to the byte.
#include "engine/checkpoint/lzf.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>

#include "engine/checkpoint/rdb_harness.h"

namespace powercut::engine {
namespace {

std::string compressed(std::string_view in, size_t capacity) {
  std::string out(capacity + 1, '#');
  const size_t size = lzf_compress(in, out.data(), capacity);
  EXPECT_EQ(out[capacity], '#');
  return out.substr(0, size);
}
std::string compressed(std::string_view in) {
  return compressed(in, in.size() + in.size() / 32 + 9);
}

std::string expanded(std::string_view in, size_t size) {
  std::string out(size, '\0');
  return lzf_expand(in, out.data(), size) ? out : "(refused)";
}

// Bytes without three in a row that come twice.
std::string unlike(size_t size) {
  std::string out;
  for (uint32_t i = 0; out.size() < size; ++i) {
    out += static_cast<char>(i & 0xff);
    out += static_cast<char>(0x80 | i >> 8);
  }
  return out.substr(0, size);
}

TEST(Lzf, ShortInputsAreNotWorthIt) {
  EXPECT_EQ(compressed(""), "");
  EXPECT_EQ(compressed("aaa"), "");
  EXPECT_EQ(compressed("abcd"),
            "\x03"
            "abcd");  // one byte longer than it was
}

TEST(Lzf, LiteralsComeInRunsOf32) {
  const std::string text = unlike(100);
  for (const size_t size : {4, 31, 32, 33, 64, 65, 100}) {
    std::string expected;
    for (size_t at = 0; at < size; at += 32) {
      const std::string run = text.substr(at, std::min<size_t>(32, size - at));
      expected += static_cast<char>(run.size() - 1) + run;
    }
    EXPECT_EQ(hex(compressed(text.substr(0, size))), hex(expected)) << size;
  }
}

TEST(Lzf, MatchesOfEveryLength) {
  // One byte, and a match of the rest at distance 1; three bytes at the end are not looked at.
  const auto of_run = [](size_t size) { return hex(compressed(std::string(size, 'a'))); };
  EXPECT_EQ(of_run(4), "0361616161");
  EXPECT_EQ(of_run(5), "00614000");
  EXPECT_EQ(of_run(8), "0061a000");
  EXPECT_EQ(of_run(9), "0061c000");
  EXPECT_EQ(of_run(10), "0061e00000");
  EXPECT_EQ(of_run(265), "0061e0ff00");
  EXPECT_EQ(of_run(266), "0061e0ff000061");
  EXPECT_EQ(of_run(268), "0061e0ff0002616161");
  EXPECT_EQ(of_run(269), "0061e0ff004107");  // where its bytes were seen first
}

TEST(Lzf, MatchesInTheWindowOnly) {
  for (const size_t distance : {3, 256, 257, 4000, 8191, 8192, 8193, 9000}) {
    // The needle, what is unlike it, the needle again.
    const std::string text = "\x01\x02\x03" + unlike(distance - 3) + "\x01\x02\x03\x04";
    const std::string out = compressed(text);
    EXPECT_TRUE(expanded(out, text.size()) == text) << distance;
    const size_t offset = distance - 1;
    const std::string match{static_cast<char>(1 << 5 | offset >> 8), static_cast<char>(offset), 0,
                            4};
    if (distance <= 8192) {
      EXPECT_TRUE(out.ends_with(match)) << distance << ": " << hex(out.substr(out.size() - 8));
    } else {
      EXPECT_TRUE(out.ends_with("\x01\x02\x03\x04")) << distance;
    }
  }
}

TEST(Lzf, UsesItsCapacityToTheByte) {
  for (const std::string& text :
       {std::string(100, 'a'), unlike(70), "abcabcabc" + unlike(40) + "abcabcabcabc",
        unlike(33) + unlike(33), std::string(300, 'a') + "b"}) {
    const std::string whole = compressed(text);
    ASSERT_FALSE(whole.empty());
    // A match asks for room for three bytes, though it may take two.
    EXPECT_EQ(hex(compressed(text, whole.size() + 1)), hex(whole));
    for (size_t capacity = 0; capacity < whole.size(); ++capacity) {
      EXPECT_EQ(compressed(text, capacity), "") << capacity;
    }
  }
  EXPECT_EQ(compressed(unlike(40), 42).size(), 42u);
  EXPECT_EQ(compressed(unlike(40), 41), "");
}

// What was compressed before must not show.
TEST(Lzf, EqualInputsHaveEqualOutputs) {
  const std::string text = "abcdefgh" + unlike(50) + "abcdefgh";
  const std::string out = compressed(text);
  for (const size_t size : {10, 1000, 20'000}) {
    compressed(unlike(size) + "abcdefgh");
    EXPECT_EQ(hex(compressed(text)), hex(out));
  }
}

TEST(Lzf, ExpandsToExactlyWhatWasSaid) {
  const std::string text = std::string(100, 'a') + "end";
  const std::string out = compressed(text);
  EXPECT_EQ(expanded(out, text.size()), text);
  EXPECT_EQ(expanded(out, text.size() - 1), "(refused)");
  EXPECT_EQ(expanded(out, text.size() + 1), "(refused)");
  EXPECT_EQ(expanded("", 0), "(refused)");
  EXPECT_EQ(expanded("", 5), "(refused)");
  for (size_t size = 0; size < out.size(); ++size) {
    EXPECT_EQ(expanded(std::string_view(out).substr(0, size), text.size()), "(refused)");
  }
}

RC_GTEST_PROP(LzfProperty, WhatRepeatsComesBackSmaller, ()) {
  const auto unit = *rc::gen::resize(60, rc::gen::arbitrary<std::string>());
  RC_PRE(unit.size() >= 4u);
  std::string text;
  for (int i = *rc::gen::inRange(3, 400); i > 0; --i) text += unit;
  const std::string out = compressed(text);
  RC_ASSERT(expanded(out, text.size()) == text);
  RC_ASSERT(out.size() < 2 * unit.size() + 16 + text.size() / 50);
}

}  // namespace
}  // namespace powercut::engine
