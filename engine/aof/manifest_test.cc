// What is no manifest is told by its line; damage to ours never makes it another server's.
#include "engine/aof/manifest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace powercut::engine {
namespace {

using ::testing::HasSubstr;

Manifest example() {
  Manifest manifest;
  manifest.base = ManifestFile{.name = "b", .sequence = 7, .lsn = 120, .length = 3456, .keys = 42};
  manifest.base->check = 12648430;
  manifest.history.push_back({.name = "old", .sequence = 6});
  manifest.segments.push_back({.name = "s7", .sequence = 7, .lsn = 121, .length = 4711});
  manifest.segments.push_back({.name = "s8", .sequence = 8, .lsn = 140});
  return manifest;
}

std::string error_of(std::string_view text) {
  const auto parsed = parse_manifest(text);
  if (parsed.ok()) return "parsed";
  EXPECT_EQ(parsed.error().code, Errc::kCorrupt);
  return parsed.error().message;
}

// As a redis-server writes them: no comments, no checksum.
constexpr std::string_view kRedis =
    "file appendonly.aof.1.base.rdb seq 1 type b\n"
    "file appendonly.aof.1.incr.aof seq 1 type i\n";

TEST(Manifest, ReadsBackAsItWasWritten) {
  const auto parsed = parse_manifest(encode_manifest(example()));
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  EXPECT_EQ(*parsed, example());
  EXPECT_TRUE(parsed->names("b"));
  EXPECT_TRUE(parsed->names("s7"));
  EXPECT_FALSE(parsed->names("old"));
  EXPECT_EQ(parsed->highest_sequence(), 8u);
  Manifest old = example();
  old.history[0].sequence = 9;
  EXPECT_EQ(old.highest_sequence(), 9u);
}

TEST(Manifest, OneOfRedisNeedsNoChecksum) {
  const auto parsed = parse_manifest(kRedis);
  ASSERT_TRUE(parsed.ok());
  EXPECT_FALSE(is_our_manifest(kRedis));
  ASSERT_TRUE(parsed->base.has_value());
  EXPECT_EQ(parsed->base->name, "appendonly.aof.1.base.rdb");
  EXPECT_FALSE(parsed->base->lsn.has_value());
  ASSERT_EQ(parsed->segments.size(), 1u);
  EXPECT_TRUE(parse_manifest("# a comment\n" + std::string(kRedis)).ok());
}

// One bit could join the first line to the second, and both were a comment; then nothing was named.
TEST(Manifest, NoBitOfOursMayFlip) {
  const std::string good = encode_manifest(example());
  for (size_t i = 0; i < good.size() * 8; ++i) {
    std::string text = good;
    text[i / 8] = static_cast<char>(text[i / 8] ^ (1 << i % 8));
    EXPECT_FALSE(parse_manifest(text).ok()) << "bit " << i;
    EXPECT_TRUE(is_our_manifest(text)) << "bit " << i;
  }
}

TEST(Manifest, NoPartOfOursIsMissing) {
  const std::string good = encode_manifest(example());
  for (size_t from = 0; from < good.size(); ++from)
    for (size_t length = 1; length <= good.size() - from; ++length) {
      std::string text = good;
      text.erase(from, length);
      EXPECT_FALSE(parse_manifest(text).ok()) << from << " " << length;
    }
}

TEST(Manifest, SaysWhichLineIsWrong) {
  const std::string base(kRedis.substr(0, kRedis.find('\n') + 1));
  const std::string segment(kRedis.substr(kRedis.find('\n') + 1));
  EXPECT_THAT(error_of(""), HasSubstr("line 1: the file is empty"));
  EXPECT_THAT(error_of("# nothing\n"), HasSubstr("line 1: names no file of a log"));
  EXPECT_THAT(error_of(base + base), HasSubstr("line 2: a second base"));
  EXPECT_THAT(error_of(base + segment + segment), HasSubstr("line 3: segments out of order"));
  EXPECT_THAT(error_of(base + "\n" + segment), HasSubstr("line 2: a blank line"));
  EXPECT_THAT(error_of(base + segment.substr(0, segment.size() - 1)),
              HasSubstr("line 2: no newline at the end"));
  EXPECT_THAT(error_of(base + "file s seq 1\n"), HasSubstr("line 2: not a list of key-value"));
  EXPECT_THAT(error_of("file s seq 1 type\n"), HasSubstr("line 1: not a list of key-value"));
  EXPECT_THAT(error_of("file s seq 1 type i extra\n"), HasSubstr("not a list of key-value"));
  EXPECT_THAT(error_of("file s seq x type i\n"), HasSubstr("seq is not a number"));
  EXPECT_THAT(error_of("file s seq 1x type i\n"), HasSubstr("seq is not a number"));
  EXPECT_THAT(error_of("seq 1 type i lsn 1\n"), HasSubstr("no file name or no seq"));
  EXPECT_THAT(error_of("file s type i lsn 1\n"), HasSubstr("no file name or no seq"));
  EXPECT_THAT(error_of("file d/s seq 1 type i\n"), HasSubstr("a path instead of a file name"));
  EXPECT_THAT(error_of("file s seq 1 type x\n"), HasSubstr("unknown type of file"));
}

TEST(Manifest, ASequenceHasAHighestNumber) {
  const auto line = [](uint64_t sequence) {
    return "file s seq " + std::to_string(sequence) + " type i\n";
  };
  EXPECT_TRUE(parse_manifest(line(kHighestSequence)).ok());
  EXPECT_THAT(error_of(line(kHighestSequence + 1)), HasSubstr("or too large"));
}

TEST(Manifest, OursHasItsChecksumAtItsEnd) {
  const std::string good = encode_manifest(example());
  EXPECT_THAT(error_of(good + std::string(kRedis)), HasSubstr("text behind the checksum"));
  std::string other = good;
  other[other.find("120")] = '9';
  EXPECT_THAT(error_of(other), HasSubstr("the checksum does not match"));
  EXPECT_THAT(error_of(good.substr(0, good.rfind("# crc"))), HasSubstr("no checksum"));
}

}  // namespace
}  // namespace powercut::engine
