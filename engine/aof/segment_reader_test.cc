#include "engine/aof/segment_reader.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>

#include "engine/aof/format.h"
#include "engine/os/memory_file_testing.h"

namespace powercut::engine {
namespace {

constexpr uint64_t kSegmentNonce = 0x1234567890abcdef;

std::string command(std::initializer_list<std::string_view> words) {
  std::string text = fmt::format("*{}\r\n", words.size());
  for (const std::string_view word : words) text += fmt::format("${}\r\n{}\r\n", word.size(), word);
  return text;
}

// A segment as the log writes it, and what of it is synced.
struct Log {
  std::string bytes = encode_header({1, kSegmentNonce});
  uint64_t next_lsn = 1;
  uint64_t synced = bytes.size();
  std::vector<size_t> ends;  // of the batches

  void write(std::string_view value) {
    std::string batch = command({"SET", fmt::format("k{}", next_lsn), value});
    append_annotation(batch, {next_lsn++, 1, batch.size(), synced, 0}, kSegmentNonce, bytes.size());
    bytes += batch;
    ends.push_back(bytes.size());
  }
  void sync() { synced = bytes.size(); }
  void mark(MarkKind kind) { bytes += encode_mark(kind, next_lsn, kSegmentNonce, bytes.size()); }
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
  expected.nonce = kSegmentNonce;
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

TEST(SegmentReader, TheHighestThatABatchVouchesForCounts) {
  Log log = log_of(2);
  const size_t highest = log.synced;
  log.synced = log.ends[0] - 1;
  log.write("it says less");
  const auto scanned = scan(log.bytes);
  ASSERT_TRUE(scanned.ok()) << scanned.error().message;
  EXPECT_EQ(scanned->entries, 3u);
  EXPECT_EQ(scanned->synced_offset, highest);
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
    const size_t header = encode_header({1, kSegmentNonce}).size();
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
  expected.nonce = kSegmentNonce;
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

// No batch is torn, and none is missing in the middle: only the manifest knows.
TEST(SegmentReader, AFileThatEndsEarlyBetweenTwoBatchesIsDamage) {
  const Log log = log_of(4, 100);
  const std::string cut = log.bytes.substr(0, log.ends[2]);
  SegmentExpectation expected;
  expected.ours = 1;
  expected.nonce = kSegmentNonce;
  const auto scanned = [&](uint64_t synced) {
    expected.synced_length = synced;
    SegmentBytes whole{std::string_view(cut)};
    return scan_segment(whole, expected, [](uint64_t, const EntryView&) { return Result<void>(); });
  };
  EXPECT_TRUE(scanned(cut.size()).ok());
  EXPECT_TRUE(is_damage(scanned(cut.size() + 1)));
  expected.truncate_corruption = true;
  const auto kept = scanned(log.bytes.size());
  ASSERT_TRUE(kept.ok());
  EXPECT_TRUE(kept->corrupt);
  EXPECT_EQ(kept->good_end, cut.size());
  EXPECT_EQ(kept->entries, 3u);
}

// --- Commands ---

struct Read {
  Parse parse;
  size_t position;
  std::vector<std::string_view> words;
};
Read read(std::string_view bytes) {
  Read read{Parse::kBad, 0, {"before"}};
  read.parse = parse_command(bytes, read.position, read.words);
  return read;
}
Parse parse(std::string_view bytes) {
  const Read got = read(bytes);
  // What is none leaves everything as it was.
  if (got.parse != Parse::kCommand) {
    EXPECT_EQ(got.position, 0u) << bytes;
    EXPECT_EQ(got.words, std::vector<std::string_view>{"before"}) << bytes;
  }
  return got.parse;
}

TEST(ParseCommand, IsWholeCutOrNone) {
  const std::string good = command({"SET", "a key", std::string(12345, 'v'), ""});
  const Read whole = read(good + "*1\r\n");
  EXPECT_EQ(whole.parse, Parse::kCommand);
  EXPECT_EQ(whole.position, good.size());
  ASSERT_EQ(whole.words.size(), 5u);
  EXPECT_EQ(whole.words[1], "SET");
  EXPECT_EQ(whole.words[3].size(), 12345u);
  EXPECT_EQ(whole.words[4], "");
  for (size_t size = 0; size < good.size(); ++size)
    ASSERT_EQ(parse(std::string_view(good).substr(0, size)), Parse::kCut) << size;
}

TEST(ParseCommand, EveryByteBetweenTheWordsCounts) {
  const std::string good = command({"SET", "k", "value"});
  const size_t value = good.rfind("value");
  for (size_t i = 0; i < good.size(); ++i) {
    const bool in_a_word = (i >= good.find("SET") && i < good.find("SET") + 3) ||
                           i == good.find("\r\nk") + 2 || (i >= value && i < value + 5);
    if (in_a_word) continue;
    for (const char c : {' ', 'x', '-', '\0'}) {
      std::string other = good;
      other[i] = c;
      EXPECT_EQ(parse(other), Parse::kBad) << i << " " << c;
    }
  }
}

TEST(ParseCommand, NumbersHaveTheirBounds) {
  EXPECT_EQ(parse("*0\r\n"), Parse::kBad);
  EXPECT_EQ(parse("*\r\n"), Parse::kBad);
  EXPECT_EQ(parse("*-1\r\n"), Parse::kBad);
  EXPECT_EQ(parse("*1073741824\r\n"), Parse::kCut);
  EXPECT_EQ(parse("*1073741825\r\n"), Parse::kBad);
  EXPECT_EQ(parse("*1\r\n$536870912\r\n"), Parse::kCut);
  EXPECT_EQ(parse("*1\r\n$536870913\r\n"), Parse::kBad);
  EXPECT_EQ(parse("*99999999999999999999999\r\n"), Parse::kBad);
  EXPECT_EQ(parse("*1\r\n$18446744073709551615\r\n"), Parse::kBad);
  EXPECT_EQ(parse("*01\r\n$1\r\na\r\n"), Parse::kCommand);
}

// --- Batches that say something else than they hold ---

TEST(SegmentReader, ABatchHasTheEntriesItSays) {
  for (const uint64_t entries : {1u, 3u}) {
    std::string bytes = encode_header({1, kSegmentNonce});
    std::string batch = command({"SET", "a", "1"}) + command({"SET", "b", "2"});
    append_annotation(batch, {1, entries, batch.size(), bytes.size(), 0}, kSegmentNonce,
                      bytes.size());
    const auto scanned = scan(bytes + batch);
    ASSERT_FALSE(scanned.ok());
    EXPECT_NE(scanned.error().message.find("another number of entries"), std::string::npos);
  }
}

TEST(SegmentReader, NumbersContinue) {
  Log log = log_of(2);
  log.next_lsn = 7;
  log.write("from another log");
  const auto scanned = scan(log.bytes);
  ASSERT_TRUE(scanned.ok());
  EXPECT_EQ(scanned->entries, 2u);
  EXPECT_EQ(scanned->dropped_reason, "the entry numbers do not continue");
}

TEST(SegmentReader, ItsHeaderIsTheOneThatIsMeant) {
  const Log log = log_of(2);
  const auto with = [&](uint64_t sequence, uint64_t nonce, std::string_view bytes) {
    SegmentBytes whole(bytes);
    SegmentExpectation expected;
    expected.name = "log";
    expected.ours = sequence;
    expected.nonce = nonce;
    const auto scanned =
        scan_segment(whole, expected, [](uint64_t, const EntryView&) { return Result<void>(); });
    return scanned.ok() ? "" : scanned.error().message;
  };
  EXPECT_EQ(with(1, kSegmentNonce, log.bytes), "");
  EXPECT_NE(with(2, kSegmentNonce, log.bytes).find("the header is that of segment 1"),
            std::string::npos);
  EXPECT_NE(with(1, 5, log.bytes).find("an older file of the same name"), std::string::npos);
  EXPECT_NE(with(1, kSegmentNonce, log.bytes.substr(1)).find("log offset 0: the header is missing"),
            std::string::npos);
}

// The error of whoever takes the entries ends the reading; what is damage to him is told with its place.
TEST(SegmentReader, WhatIsNotTakenEndsIt) {
  const Log log = log_of(5);
  for (const Errc code : {Errc::kIo, Errc::kCorrupt}) {
    SegmentBytes whole{std::string_view(log.bytes)};
    SegmentExpectation expected;
    expected.name = "log";
    uint64_t taken = 0;
    const auto scanned =
        scan_segment(whole, expected, [&](uint64_t lsn, const EntryView&) -> Result<void> {
          taken = lsn;
          if (lsn == 3) return Error{code, "not this one"};
          return {};
        });
    ASSERT_FALSE(scanned.ok());
    EXPECT_EQ(taken, 3u);
    EXPECT_EQ(scanned.error().code, code);
    const std::string place = fmt::format("log offset {}: not this one", log.ends[1]);
    EXPECT_EQ(scanned.error().message.starts_with(place), code == Errc::kCorrupt)
        << scanned.error().message;
  }
}

// --- What Redis wrote ---

struct Plain {
  std::string text;
  uint64_t entries;
  size_t good_end;
  std::string_view dropped;  // empty: nothing is
};

TEST(SegmentReader, OfRedissLogTheEndMayBeMissing) {
  const std::string set = command({"SET", "a", "1"});
  const std::string multi = command({"MULTI"}) + set + set;
  const std::string whole = multi + command({"EXEC"});
  for (const Plain& plain : {
           Plain{set + whole, 2, set.size() + whole.size(), ""},
           Plain{set + "#TS:1700000000\r\n" + set, 2, 2 * set.size() + 16, ""},
           Plain{set + "#TS:1700000000\r\n", 1, set.size() + 16, ""},
           Plain{set + "#TS:17000", 1, set.size(), "a comment is cut short"},
           Plain{set + set.substr(0, 9), 1, set.size(), "the last command is cut short"},
           Plain{set + multi, 1, set.size(), "the last transaction has no EXEC"},
           Plain{set + multi + "#TS:1700000000\r\n", 1, set.size(),
                 "the last transaction has no EXEC"},
           Plain{set + multi + set.substr(0, 5), 1, set.size(), "the last command is cut short"},
           Plain{set + std::string(100, '\0'), 1, set.size(), "a tail of zeros"},
       }) {
    SegmentBytes bytes{std::string_view(plain.text)};
    const auto scanned =
        scan_segment(bytes, {}, [](uint64_t, const EntryView&) { return Result<void>(); });
    ASSERT_TRUE(scanned.ok()) << plain.text << scanned.error().message;
    EXPECT_FALSE(scanned->annotated);
    EXPECT_EQ(scanned->entries, plain.entries) << plain.text;
    EXPECT_EQ(scanned->next_lsn, plain.entries + 1) << plain.text;
    EXPECT_EQ(scanned->good_end, plain.good_end) << plain.text;
    EXPECT_EQ(scanned->dropped_reason, plain.dropped) << plain.text;
  }
}

TEST(SegmentReader, InRedissLogWhatIsNoCommandIsDamage) {
  const std::string set = command({"SET", "a", "1"});
  const std::string text = set + "+OK\r\n" + set;
  SegmentBytes bytes{std::string_view(text)};
  SegmentExpectation expected;
  expected.name = "log";
  expected.begin = 1000;
  const auto ignore = [](uint64_t, const EntryView&) { return Result<void>(); };
  const auto refused = scan_segment(bytes, expected, ignore);
  ASSERT_FALSE(refused.ok());
  EXPECT_TRUE(refused.error().message.starts_with(
      fmt::format("log offset {}: not a command", 1000 + set.size())))
      << refused.error().message;
  expected.truncate_corruption = true;
  const auto kept = scan_segment(bytes, expected, ignore);
  ASSERT_TRUE(kept.ok());
  EXPECT_TRUE(kept->corrupt);
  EXPECT_EQ(kept->entries, 1u);
  EXPECT_EQ(kept->good_end, set.size());
}

// A tail that is missing is damage where the manifest says that it was synced, counted in the file.
TEST(SegmentReader, OfRedissLogTheManifestsLengthIsEvidence) {
  const std::string set = command({"SET", "a", "1"});
  const std::string text = set + set.substr(0, 9);
  const auto ignore = [](uint64_t, const EntryView&) { return Result<void>(); };
  for (const auto& [length, damage] :
       {std::pair{set.size(), false}, std::pair{set.size() + 1, true}}) {
    SegmentBytes bytes{std::string_view(text)};
    SegmentExpectation expected;
    expected.begin = 500;
    expected.synced_length = 500 + length;
    EXPECT_EQ(is_damage(scan_segment(bytes, expected, ignore)), damage) << length;
  }
}

// --- Read piece by piece ---

// The evidence lies further than one read away, and its batch begins in a read before.
TEST(SegmentReader, EvidenceIsFoundHoweverFar) {
  for (const size_t value : {10u, 70'000u, 1'000'000u}) {
    Log log = log_of(3);
    log.sync();
    log.write(std::string(300'000, 'a'));
    const size_t harmed = log.ends[2] + 50;
    for (int i = 0; i < 3; ++i) {
      log.sync();
      log.write(std::string(value, 'b'));
    }
    log.bytes[harmed] ^= 1;
    for (const size_t most : {size_t{1000}, SIZE_MAX}) {
      MemoryFile file(log.bytes, most);
      SegmentBytes bytes(file);
      SegmentExpectation expected;
      expected.ours = 1;
      EXPECT_TRUE(is_damage(
          scan_segment(bytes, expected, [](uint64_t, const EntryView&) { return Result<void>(); })))
          << value << " " << most;
    }
  }
}

TEST(SegmentBytes, AreTheFilesHoweverItIsRead) {
  std::string text(500'000, '\0');
  for (size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(i * 31 + i / 257);
  for (const size_t most : {size_t{1}, size_t{977}, size_t{65536}, SIZE_MAX}) {
    const std::string_view part = std::string_view(text).substr(0, most == 1 ? 3000 : text.size());
    MemoryFile file{std::string(part), most};
    SegmentBytes bytes(file);
    size_t had = 0;
    while (bytes.more().value()) {
      EXPECT_GT(bytes.size(), had);
      had = bytes.size();
    }
    EXPECT_EQ(bytes.view(), part);
    EXPECT_FALSE(bytes.more().value());
    SegmentBytes again(file);
    EXPECT_TRUE(again.rest().ok());
    EXPECT_EQ(again.view(), part);
  }
  MemoryFile failing(text);
  failing.fail_from = 100'000;
  SegmentBytes bytes(failing);
  EXPECT_FALSE(bytes.rest().ok());
}

// --- Only what was logged up to a second ---

struct Taken {
  Result<SegmentScan> scanned = SegmentScan{};
  std::vector<std::string> keys;
};

Taken until(std::string_view bytes, int64_t second, bool ours = true) {
  SegmentBytes whole(bytes);
  SegmentExpectation expected;
  expected.name = "log";
  if (ours) expected.ours = 1;
  expected.truncate_corruption = true;
  expected.until_unix_s = second;
  Taken taken;
  taken.scanned = scan_segment(whole, expected, [&](uint64_t, const EntryView& entry) {
    taken.keys.emplace_back(entry.command(entry.size() - 1)[1]);
    return Result<void>();
  });
  return taken;
}

// Of each second two entries, all in one batch, or each second in one of its own.
std::string timed(bool one_batch) {
  std::string bytes = encode_header({1, kSegmentNonce});
  std::string batch;
  uint64_t first = 1;
  for (uint64_t lsn = 1; lsn <= 8; ++lsn) {
    if (lsn % 2 == 1) batch += fmt::format("#TS:{}\r\n", 1000 + lsn / 2);
    batch += command({"SELECT", "3"}) + command({"SET", fmt::format("k{}", lsn), "v"});
    if (lsn != 8 && (one_batch || lsn % 2 == 1)) continue;
    append_annotation(batch, {first, lsn - first + 1, batch.size(), 0, 0}, kSegmentNonce,
                      bytes.size());
    bytes += batch;
    batch.clear();
    first = lsn + 1;
  }
  return bytes;
}

TEST(SegmentReader, WhatIsLaterThanWantedIsGivenUp) {
  for (const bool one_batch : {true, false}) {
    const std::string bytes = timed(one_batch);
    for (uint64_t second = 0; second <= 4; ++second) {
      const Taken taken = until(bytes, 999 + static_cast<int64_t>(second));
      ASSERT_TRUE(taken.scanned.ok());
      EXPECT_EQ(taken.keys.size(), 2 * second);
      EXPECT_EQ(taken.scanned->next_lsn, 1 + 2 * second);
      EXPECT_EQ(taken.scanned->corrupt, second < 4);
      // A batch of which a part is wanted stays until a new generation has that part.
      const bool whole = second == 4 || (one_batch && second > 0);
      EXPECT_EQ(taken.scanned->good_end == bytes.size(), whole) << second;
    }
  }
}

TEST(SegmentReader, ALogOfRedisIsCutInFrontOfTheTimestamp) {
  const std::string early = "#TS:1000\r\n" + command({"SET", "a", "1"});
  const std::string late = "#TS:1001\r\n" + command({"SET", "b", "2"}) + command({"SET", "c", "3"});
  const Taken taken = until(early + late, 1000, false);
  ASSERT_TRUE(taken.scanned.ok());
  EXPECT_EQ(taken.keys, std::vector<std::string>{"a"});
  EXPECT_EQ(taken.scanned->good_end, early.size());
  EXPECT_TRUE(taken.scanned->corrupt);
  EXPECT_EQ(taken.scanned->dropped_reason, "later than 1000");
  EXPECT_EQ(until(early + late, 1001, false).keys.size(), 3u);
}

TEST(SegmentReader, ATransactionWithNothingInItIsNoEntry) {
  const std::string bytes =
      command({"MULTI"}) + command({"EXEC"}) + command({"EXEC"}) + command({"SET", "a", "1"});
  SegmentBytes whole(bytes);
  std::vector<size_t> sizes;
  const auto scanned = scan_segment(whole, {}, [&](uint64_t, const EntryView& entry) {
    sizes.push_back(entry.size());
    return Result<void>();
  });
  ASSERT_TRUE(scanned.ok());
  EXPECT_EQ(sizes, std::vector<size_t>{1});
  EXPECT_EQ(scanned->good_end, bytes.size());
}

TEST(SegmentReader, AloneASegmentBeginsWhereItSays) {
  Log log;
  log.next_lsn = 41;
  log.write("v");
  log.mark(MarkKind::kClosed);
  for (const bool any : {true, false}) {
    SegmentBytes whole(log.bytes);
    SegmentExpectation expected;
    expected.any_first_lsn = any;
    const auto scanned =
        scan_segment(whole, expected, [](uint64_t, const EntryView&) { return Result<void>(); });
    EXPECT_EQ(scanned.ok() && scanned->entries == 1 && scanned->closed, any);
  }
}

}  // namespace
}  // namespace powercut::engine
