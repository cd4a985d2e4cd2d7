#include "engine/aof/segment_reader.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>

#include "engine/aof/format.h"

namespace powercut::engine {
namespace {

constexpr uint64_t kNonce = 0x1234567890abcdef;

std::string command(std::initializer_list<std::string_view> words) {
  std::string text = fmt::format("*{}\r\n", words.size());
  for (const std::string_view word : words) text += fmt::format("${}\r\n{}\r\n", word.size(), word);
  return text;
}

// A segment as the log writes it, and what of it is synced.
struct Log {
  std::string bytes = encode_header({1, kNonce});
  uint64_t next_lsn = 1;
  uint64_t synced = bytes.size();
  std::vector<size_t> ends;  // of the batches

  void write(std::string_view value) {
    std::string batch = command({"SET", fmt::format("k{}", next_lsn), value});
    append_annotation(batch, {next_lsn++, 1, batch.size(), synced, 0}, kNonce, bytes.size());
    bytes += batch;
    ends.push_back(bytes.size());
  }
  void sync() { synced = bytes.size(); }
  void mark(MarkKind kind) { bytes += encode_mark(kind, next_lsn, kNonce, bytes.size()); }
};

// Synced each time, as under `always`; or every few batches.
Log log_of(size_t batches, size_t batches_a_sync = 1) {
  Log log;
  for (size_t i = 0; i < batches; ++i) {
    if (i % batches_a_sync == 0) log.sync();
    log.write("some value");
  }
  return log;
}

Result<SegmentScan> scan(std::string_view bytes) {
  SegmentBytes whole(bytes);
  SegmentExpectation expected;
  expected.name = "log";
  expected.ours = 1;
  expected.nonce = kNonce;
  return scan_segment(whole, expected, [](uint64_t, const EntryView&) { return Result<void>(); });
}

bool is_damage(const Result<SegmentScan>& scanned) {
  return !scanned.ok() && scanned.error().code == Errc::kCorrupt;
}
// So many entries, and the rest dropped as a torn tail.
bool is_torn(const Result<SegmentScan>& scanned, uint64_t entries) {
  return scanned.ok() && scanned->entries == entries && !scanned->corrupt &&
         !scanned->dropped_reason.empty();
}

TEST(SegmentReader, ReadsWhatTheLogWrites) {
  Log log = log_of(20, 3);
  log.mark(MarkKind::kClosed);
  log.mark(MarkKind::kOpened);
  log.write("more");
  const auto scanned = scan(log.bytes);
  ASSERT_TRUE(scanned.ok()) << scanned.error().message;
  EXPECT_EQ(scanned->entries, 21u);
  EXPECT_EQ(scanned->good_end, log.bytes.size());
  EXPECT_EQ(scanned->dropped_reason, "");
}

// --- Torn, or damaged? ---

TEST(SegmentReader, WhatNoSyncCoveredMayBeTornAnywhere) {
  Log log = log_of(12);
  log.sync();
  for (int i = 0; i < 30; ++i) log.write("not synced");
  const size_t from = log.synced;
  for (size_t at = from + 1; at < log.bytes.size(); ++at) {
    const auto cut = scan(std::string_view(log.bytes).substr(0, at));
    const bool whole = std::count(log.ends.begin(), log.ends.end(), at) > 0;
    ASSERT_TRUE(whole ? cut.ok() && cut->dropped_reason.empty() : cut.ok()) << at;
    ASSERT_GE(cut->entries, 12u);
  }
  for (size_t at = from; at < log.bytes.size(); at += 7) {
    std::string holes = log.bytes;
    for (size_t i = at; i < std::min(at + 64, holes.size()); ++i) holes[i] = '\0';
    const auto scanned = scan(holes);
    ASSERT_TRUE(scanned.ok()) << at << ": " << scanned.error().message;
    ASSERT_GE(scanned->entries, 12u);
  }
}

TEST(SegmentReader, BytesThatAreMissingOrTooManyAreDamage) {
  for (const size_t batches_a_sync : {1, 4}) {
    const Log log = log_of(40, batches_a_sync);
    // Behind it no batch tells that it was synced.
    const size_t vouched_for = log.synced;
    const size_t header = encode_header({1, kNonce}).size();
    const bool all = rc::check("where evidence follows, nothing is dropped", [&] {
      const size_t at = *rc::gen::inRange<size_t>(header, vouched_for - 1);
      const bool removed = *rc::gen::arbitrary<bool>();
      std::string bytes = log.bytes;
      if (removed) {
        bytes.erase(at, *rc::gen::inRange<size_t>(1, vouched_for - at));
      } else {
        bytes.insert(at, *rc::gen::nonEmpty<std::string>());
      }
      if (bytes == log.bytes) return;
      RC_ASSERT(is_damage(scan(bytes)));
    });
    EXPECT_TRUE(all);
  }
}

TEST(SegmentReader, WholeBatchesThatAreMissingAreDamage) {
  Log log = log_of(10);
  const size_t small = log.bytes.size();
  std::string bytes = log.bytes;
  bytes.erase(log.ends[2], log.ends[5] - log.ends[2]);
  EXPECT_TRUE(is_damage(scan(bytes)));
  // However many.
  for (int i = 0; i < 40; ++i) {
    log.sync();
    log.write(std::string(100'000, 'x'));
    log.write("in the same window");
  }
  bytes = log.bytes;
  bytes.erase(small, log.ends.back() - 200 - small);
  EXPECT_TRUE(is_damage(scan(bytes)));
}

TEST(SegmentReader, AClosedMarkVouchesForAllBeforeIt) {
  Log log = log_of(9, 100);  // in one window: no batch vouches for another
  std::string torn = log.bytes;
  torn.erase(log.ends[3], 5);
  EXPECT_TRUE(is_torn(scan(torn), 4));
  log.mark(MarkKind::kClosed);
  for (const size_t at : {log.ends[3], log.ends[7] + 3}) {
    std::string bytes = log.bytes;
    bytes.erase(at, 5);
    EXPECT_TRUE(is_damage(scan(bytes))) << at;
    bytes = log.bytes;
    bytes[at] ^= 4;
    EXPECT_TRUE(is_damage(scan(bytes))) << at;
  }
}

TEST(SegmentReader, AnOpenedMarkVouchesForWhatStoodBeforeTheClosedOne) {
  Log log = log_of(3, 100);
  const size_t closed = log.bytes.size();
  log.mark(MarkKind::kClosed);
  log.mark(MarkKind::kOpened);
  std::string bytes = log.bytes;
  bytes[closed - 30] ^= 1;
  EXPECT_TRUE(is_damage(scan(bytes)));
  // The closed mark itself may not have come to the disk, when the opened one did.
  bytes = log.bytes;
  bytes[closed + 9] = '\0';
  EXPECT_TRUE(is_torn(scan(bytes), 3));
}

TEST(SegmentReader, LinesOfOtherSegmentsAreNoEvidence) {
  // Old bytes in blocks that were used before: of an older segment; and of a future that a crash took back, where
  // one in two thousand is mistaken.
  for (const auto& [first, most] : {std::pair{1u, 0}, std::pair{1000u, 2}}) {
    int damage = 0;
    for (uint64_t nonce = 1; nonce <= 500; ++nonce) {
      Log log = log_of(25);
      log.sync();
      log.write("torn");
      std::string bytes = log.bytes.substr(0, log.bytes.size() - 10);
      uint64_t synced = 4096;
      for (uint64_t lsn = first; lsn < first + 20; ++lsn) {
        std::string batch = command({"SET", "old", "value"});
        append_annotation(batch, {lsn, 1, batch.size(), synced, 0}, nonce * 0x9e3779b97f4a7c15,
                          synced);
        synced += batch.size();
        bytes += batch;
      }
      damage += is_torn(scan(bytes), 25) ? 0 : 1;
    }
    EXPECT_LE(damage, most) << first;
  }
}

TEST(SegmentReader, AValueThatLooksLikeALineChangesNothing) {
  Log log = log_of(3);
  log.sync();
  log.write(std::string(log.bytes));
  EXPECT_EQ(scan(log.bytes)->entries, 4u);
  // Its own lines say the truth wherever they stand, so also in a value that is torn.
  EXPECT_TRUE(is_torn(scan(std::string_view(log.bytes).substr(0, log.bytes.size() - 3)), 3));
}

TEST(SegmentReader, TheManifestsLengthIsEvidence) {
  const Log log = log_of(4, 100);
  const std::string cut = log.bytes.substr(0, log.ends[2] + 4);
  SegmentBytes whole{std::string_view(cut)};
  SegmentExpectation expected;
  expected.ours = 1;
  expected.nonce = kNonce;
  const auto ignore = [](uint64_t, const EntryView&) { return Result<void>(); };
  EXPECT_TRUE(is_torn(scan_segment(whole, expected, ignore), 3));
  expected.synced_length = log.bytes.size();
  EXPECT_TRUE(is_damage(scan_segment(whole, expected, ignore)));
  expected.truncate_corruption = true;
  const auto kept = scan_segment(whole, expected, ignore);
  ASSERT_TRUE(kept.ok());
  EXPECT_TRUE(kept->corrupt);
  EXPECT_EQ(kept->good_end, log.ends[2]);
}

}  // namespace
}  // namespace powercut::engine
