// The lines of a segment: each byte of one counts, and what is not whole is no line.
#include "engine/aof/format.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace powercut::engine {
namespace {

constexpr uint64_t kNonce = 0x0123456789abcdef;

std::string annotated(std::string_view body, uint64_t offset = 4711) {
  std::string batch(body);
  append_annotation(batch, {12, 3, batch.size(), 38, 0}, kNonce, offset);
  return batch;
}

// Tells a line of one kind apart from anything else.
template <class Parse>
void expect_every_byte_counts(const std::string& line, const Parse& parse) {
  size_t length = 0;
  const auto good = parse(std::string_view(line + "what follows"), length);
  ASSERT_TRUE(good);
  EXPECT_EQ(length, line.size());
  for (size_t size = 0; size < line.size(); ++size)
    EXPECT_FALSE(parse(std::string_view(line).substr(0, size), length)) << size;
  for (size_t i = 0; i < line.size(); ++i)
    for (int bit = 0; bit < 8; ++bit) {
      std::string other = line;
      other[i] = static_cast<char>(other[i] ^ (1 << bit));
      const auto read = parse(std::string_view(other), length);
      // A digit may have become another; a letter of a header's number is read in both cases.
      EXPECT_TRUE(!read || !(*read == *good) || bit == 5) << i << " " << bit;
    }
  for (size_t i = 0; i < line.size(); ++i) {
    std::string other = line;
    other[i] = ' ';
    if (line[i] != ' ') {
      EXPECT_FALSE(parse(std::string_view(other), length)) << i;
    }
  }
}

TEST(Format, OfAHeaderEveryByteCounts) {
  const std::string line = encode_header({17, kNonce});
  EXPECT_EQ(line, "#pc segment=17 nonce=0123456789abcdef\r\n");
  expect_every_byte_counts(
      line, [](std::string_view bytes, size_t& length) { return parse_header(bytes, length); });
}

TEST(Format, OfAnAnnotationEveryByteCounts) {
  const std::string line = annotated("body").substr(4);
  expect_every_byte_counts(
      line, [](std::string_view bytes, size_t& length) { return parse_annotation(bytes, length); });
}

TEST(Format, ALineWithoutOneOfItsPartsIsNone) {
  const std::string line = annotated("body").substr(4);
  size_t length = 0;
  for (const std::string& part : {std::string(kAnnotationPrefix), std::string(" n="),
                                  std::string(" len="), std::string(" synced=")}) {
    std::string other = line;
    const size_t at = other.find(part);
    ASSERT_NE(at, other.npos) << part;
    other.erase(at, other.find(' ', at + part.size()) - at);
    EXPECT_FALSE(parse_annotation(other, length)) << other;
  }
  EXPECT_FALSE(parse_header("\r\n", length));
}

TEST(Format, OfAMarkEveryByteCounts) {
  for (const MarkKind kind : {MarkKind::kClosed, MarkKind::kOpened})
    expect_every_byte_counts(
        encode_mark(kind, 99, kNonce, 1234),
        [](std::string_view bytes, size_t& length) { return parse_mark(bytes, length); });
}

TEST(Format, AnAnnotationSaysWhatItWasGiven) {
  const std::string batch = annotated("some bytes");
  size_t length = 0;
  const auto note = parse_annotation(std::string_view(batch).substr(10), length);
  ASSERT_TRUE(note);
  EXPECT_EQ(note->first_lsn, 12u);
  EXPECT_EQ(note->entries, 3u);
  EXPECT_EQ(note->length, 10u);
  EXPECT_EQ(note->synced_offset, 38u);
  EXPECT_EQ(10 + length, batch.size());
}

// The checksum covers the batch, its line, its place and its segment.
TEST(Format, AChecksumIsOfOneBatchInOnePlace) {
  const std::string batch = annotated("some bytes");
  const std::string_view body = std::string_view(batch).substr(0, 10);
  const std::string line = batch.substr(10);
  size_t length = 0;
  const uint32_t crc = parse_annotation(line, length)->crc;
  EXPECT_EQ(batch_crc(body, line, kNonce, 4711), crc);
  EXPECT_NE(batch_crc("other byte", line, kNonce, 4711), crc);
  EXPECT_NE(batch_crc(body, line, kNonce + 1, 4711), crc);
  EXPECT_NE(batch_crc(body, line, kNonce, 4712), crc);
  EXPECT_NE(batch_crc(body, line, kNonce, 4711 + (uint64_t{1} << 32)), crc);
  std::string other = line;
  other[8] = '9';
  EXPECT_NE(batch_crc(body, other, kNonce, 4711), crc);
}

TEST(Format, AMarkIsOfOnePlaceAndNumber) {
  const std::string mark = encode_mark(MarkKind::kClosed, 7, kNonce, 100);
  size_t length = 0;
  const auto parsed = parse_mark(mark, length);
  EXPECT_EQ(parsed->kind, MarkKind::kClosed);
  EXPECT_EQ(parsed->next_lsn, 7u);
  EXPECT_EQ(parsed->crc, batch_crc({}, mark, kNonce, 100));
  EXPECT_NE(parsed->crc, batch_crc({}, mark, kNonce, 101));
  for (const std::string& other : {encode_mark(MarkKind::kOpened, 7, kNonce, 100),
                                   encode_mark(MarkKind::kClosed, 8, kNonce, 100),
                                   encode_mark(MarkKind::kClosed, 7, kNonce + 1, 100),
                                   encode_mark(MarkKind::kClosed, 7, kNonce, 101)})
    EXPECT_NE(parse_mark(other, length)->crc, parsed->crc);
}

TEST(Format, TheOriginOfABatchIsFoundWithin4GiB) {
  EXPECT_TRUE(rc::check("its place, whatever it is looked for near", [] {
    const uint64_t offset = *rc::gen::inRange<uint64_t>(100, uint64_t{1} << 40);
    const uint64_t nonce = *rc::gen::arbitrary<uint64_t>();
    std::string batch = *rc::gen::arbitrary<std::string>();
    const size_t body = batch.size();
    append_annotation(batch, {1, 1, body, 0, 0}, nonce, offset);
    const std::string_view line = std::string_view(batch).substr(body);
    size_t length = 0;
    const uint32_t crc = parse_annotation(line, length)->crc;
    const uint64_t near = (offset >> 32 << 32) + *rc::gen::inRange<uint64_t>(0, uint64_t{1} << 32);
    RC_ASSERT(batch_origin(std::string_view(batch).substr(0, body), line, nonce, crc, near) ==
              offset);
  }));
}

}  // namespace
}  // namespace powercut::engine
