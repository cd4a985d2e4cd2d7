// Files and payloads that are damaged, hostile, or of forms that only other versions write.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/checkpoint/rdb_decode.h"
#include "engine/checkpoint/rdb_dump.h"
#include "engine/checkpoint/rdb_encode.h"
#include "engine/checkpoint/rdb_harness.h"

namespace powercut::engine {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

const std::string kFixture =
    POWERCUT_SOURCE_DIR "/engine/checkpoint/testdata/redis-7.0.15/rdb/dump.rdb";

// "REDIS0010", these hex digits, the end and a right checksum.
std::string file_of(std::string_view items) { return sealed("REDIS0010" + unhex(items) + "\xff"); }

Result<RdbInfo> load(const std::string& bytes, Keyspace& keyspace) {
  keyspace.set_loading(true);
  return load_rdb(bytes, "dump", keyspace);
}

Error error_of(const std::string& bytes) {
  Keyspace keyspace;
  const auto info = load(bytes, keyspace);
  return info.ok() ? Error{Errc::kIo, "loaded"} : info.error();
}

// --- Damage ---

TEST(RdbDamage, EveryFlippedBitAndEveryTruncationIsFound) {
  EXPECT_TRUE(rc::check([] {
    Keyspace keyspace;
    fill_at_random(keyspace);
    const std::string bytes = encode_rdb(keyspace);
    for (int i = 0; i < 20; ++i) {
      const size_t at = *rc::gen::inRange<size_t>(0, bytes.size());
      std::string flipped = bytes;
      flipped[at] = static_cast<char>(flipped[at] ^ 1 << *rc::gen::inRange(0, 8));
      RC_ASSERT(error_of(flipped).message != "loaded");
      RC_ASSERT(error_of(bytes.substr(0, at)).message != "loaded");
    }
  }));
}

// With the checksum made right again, what the content says is all there is to go by.
TEST(RdbDamage, DamageUnderARightChecksumDoesNotCrash) {
  const std::string bytes = file_contents(kFixture);
  ASSERT_FALSE(bytes.empty());
  uint64_t state = 1;
  const auto draw = [&state](size_t n) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return static_cast<size_t>((state >> 33) % n);
  };
  int loaded = 0;
  for (int i = 0; i < 600; ++i) {
    std::string content = bytes.substr(0, bytes.size() - 8);
    for (size_t flips = 1 + draw(4); flips > 0; --flips) {
      // Half of them in the last part, where the packed collections are.
      const size_t at = draw(2) == 0 ? draw(content.size()) : content.size() - 1 - draw(30'000);
      content[at] = static_cast<char>(draw(3) == 0 ? draw(256) : content[at] ^ (1 << draw(8)));
    }
    MemoryFile file(sealed(content), 10'000);
    Keyspace keyspace;
    keyspace.set_loading(true);
    loaded += load_rdb(file, "dump", keyspace).ok();
  }
  EXPECT_GT(loaded, 0);  // changed values go unnoticed
  EXPECT_LT(loaded, 600);
}

TEST(RdbDamage, RandomPayloadsDoNotCrash) {
  EXPECT_TRUE(rc::check([] {
    std::string payload(1, static_cast<char>(*rc::gen::inRange(0, 27)));
    payload += *rc::gen::arbitrary<std::string>();
    payload += std::string("\x0a\x00", 2);
    (void)restore_payload(sealed(payload));
  }));
}

TEST(RdbDamage, ErrorsSayFileOffsetAndWhat) {
  EXPECT_EQ(error_of("").message, "dump: offset 0: cut short: 1 bytes wanted, 0 left");
  EXPECT_EQ(error_of("*1\r\n$4\r\nPING\r\n").message, "dump: offset 0: not an RDB file");
  EXPECT_EQ(error_of("REDIS00x0").message, "dump: offset 0: not an RDB version");
  const Error newer = error_of("REDIS0013\xff");
  EXPECT_EQ(newer.code, Errc::kUnsupported);
  EXPECT_EQ(newer.message, "dump: offset 0: RDB version 13 is newer than 12, the newest supported");
  const Error module = error_of(file_of("06 056d6f6475 0a 00"));
  EXPECT_EQ(module.code, Errc::kUnsupported);
  EXPECT_EQ(module.message,
            R"(dump: offset 9: values of modules are not supported: key "modu\x0a")");
  EXPECT_EQ(error_of(file_of("07 016b 00")).code, Errc::kUnsupported);
  EXPECT_EQ(error_of("REDIS0010" + unhex("07 016b")).code, Errc::kCorrupt);  // and no module's name
  EXPECT_EQ(error_of(file_of("f7 00")).code, Errc::kUnsupported);
  EXPECT_EQ(error_of(file_of("fe10")).message,
            "dump: offset 10: database 16, of 16: start with a higher --databases");
  EXPECT_EQ(error_of(file_of("08 016b 00")).message, "dump: offset 9: unknown type 8");
  EXPECT_EQ(error_of(file_of("77 016b 00")).message, "dump: offset 9: unknown type 119");
  EXPECT_EQ(error_of(file_of("00 016b c4")).message, "dump: offset 12: unknown length byte 0xc4");
  EXPECT_EQ(error_of(file_of("00 016b 0161 00 016b 0162")).message,
            "dump: offset 14: duplicate key \"k\"");
  EXPECT_EQ(error_of(file_of("02 016b 02 0161 0161")).message,
            "dump: offset 17: an item comes twice");
  std::string extra = file_of("");
  EXPECT_EQ(error_of(extra + "x").message, "dump: offset 18: 1 bytes follow the end");
  extra[17] = static_cast<char>(extra[17] ^ 1);
  EXPECT_THAT(error_of(extra).message,
              AllOf(HasSubstr("dump: offset 10: checksum "), HasSubstr(", but the content has ")));
}

// Wherever the first one stands, among few and among many. In another database it is another key.
TEST(RdbDamage, ADuplicateIsFoundAmongMany) {
  const auto entry = [](int n) { return fmt::format(" 00 04{:08x} 0161", n); };
  for (const int others : {1, 14, 15, 16, 17, 999, 1000, 1014, 1015, 1016, 1040}) {
    std::string many = "00 016b 0161";
    for (int i = 0; i < others; ++i) many += entry(i);
    EXPECT_EQ(error_of(file_of(many + entry(1 << 20) + " 00 016b 0162")).message,
              fmt::format("dump: offset {}: duplicate key \"k\"", 9 + 5 + 8 * (others + 1)));
    Keyspace keyspace;
    ASSERT_TRUE(load(file_of(many + " fe01 00 016b 0162 fe00 00 016c 0163"), keyspace).ok());
    EXPECT_EQ(keyspace.size(0), static_cast<size_t>(others) + 2);
    EXPECT_EQ(keyspace.size(1), 1u);
    EXPECT_EQ(*keyspace.peek(0, "k")->value.string(), "a");
    EXPECT_EQ(*keyspace.peek(1, "k")->value.string(), "b");
    const Table& table = keyspace.database(0).table();
    EXPECT_EQ(table.at(0).key, "k");  // in the order of the file
    EXPECT_EQ(table.at(1).key, std::string(4, '\0'));
    EXPECT_EQ(table.at(table.size() - 1).key, "l");
  }
}

// Sizes that promise more than the file has are refused before anything is allocated for them.
TEST(RdbDamage, NoSizeIsBelieved) {
  EXPECT_EQ(error_of(file_of("00 016b 817fffffffffffffff")).message,
            "dump: offset 21: cut short: 9223372036854775807 bytes wanted, 9 left");
  for (const char* type : {"01", "02", "03", "04", "05", "0e", "12"}) {
    EXPECT_THAT(error_of(file_of(std::string(type) + "016b 80ffffffff")).message,
                HasSubstr("4294967295 items do not fit the 9 bytes left"));
  }
  EXPECT_THAT(error_of(file_of("00 016b c3 02 80ffffffff 0000")).message,
              HasSubstr("2 compressed bytes cannot be 4294967295 bytes"));
  EXPECT_THAT(error_of(file_of("00 016b c3 04 20 00616161")).message,
              HasSubstr("the compressed string is damaged"));
}

TEST(RdbDamage, FilesThatFailOrShrinkWhileTheyAreRead) {
  const std::string bytes = file_contents(kFixture);
  Keyspace keyspace;
  keyspace.set_loading(true);
  MemoryFile failing(bytes, 4096);
  failing.fail_from = 100'000;
  const auto io = load_rdb(failing, "dump", keyspace);
  ASSERT_FALSE(io.ok());
  EXPECT_EQ(io.error().code, Errc::kIo);
  EXPECT_THAT(io.error().message, HasSubstr("a sector cannot be read"));
  MemoryFile shrunk(bytes.substr(0, 100'000));
  shrunk.lies_bytes = 5000;
  const auto info = check_rdb(shrunk, "dump");
  ASSERT_FALSE(info.ok());
  EXPECT_THAT(info.error().message, HasSubstr("the file became shorter while it was read"));
}

TEST(RdbDamage, ChecksumZeroIsNoneExceptInOurs) {
  Keyspace keyspace;
  const std::string none = "REDIS0010" + unhex("00 016b 0176 ff 0000000000000000");
  const auto info = load(none, keyspace);
  ASSERT_TRUE(info.ok());
  EXPECT_FALSE(info->checksum_present);
  std::string ours = encode_rdb(keyspace, {0, 0, false, {{"powercut-lsn", "1"}}});
  EXPECT_EQ(error_of(ours).message, "loaded");
  ours.replace(ours.size() - 8, 8, 8, '\0');
  EXPECT_THAT(error_of(ours).message, HasSubstr("checksum 0000000000000000, but"));
}

TEST(RdbDecode, BytesMayFollowWhereTheCallerSaysSo) {
  Keyspace keyspace;
  keyspace.set_loading(true);
  const std::string bytes = file_of("00 016b 0176") + "*1\r\n$8\r\nFLUSHALL\r\n";
  const auto info = load_rdb(bytes, "appendonly.aof", keyspace, {.allow_tail = true});
  ASSERT_TRUE(info.ok());
  EXPECT_EQ(bytes[info->bytes], '*');
}

// --- Forms that we never write ---

PlainValue loaded_value(std::string_view type_and_value) {
  const std::string type(type_and_value.substr(0, 2));
  const std::string bytes = file_of(type + "016b" + std::string(type_and_value.substr(2)));
  Keyspace keyspace;
  const auto info = load(bytes, keyspace);
  EXPECT_TRUE(info.ok()) << info.error().message;
  if (!info.ok() || keyspace.size(0) != 1) return {};
  // The same as a DUMP payload.
  const auto restored = restore_payload(sealed(unhex(type_and_value) + std::string("\x0a\x00", 2)));
  EXPECT_TRUE(restored.ok()) << restored.error().message;
  const PlainValue value = plain(keyspace.peek(0, "k")->value);
  EXPECT_TRUE(restored.ok() && plain(*restored) == value);
  return value;
}

std::vector<std::string> firsts(const PlainValue& value) {
  std::vector<std::string> out;
  for (const auto& item : value.items) out.push_back(item.first);
  return out;
}

using Strings = std::vector<std::string>;

TEST(RdbDecode, Listpack) {
  // 5, "ab", -1 (13 bits), 12 bit string, i16, i24, i32, i64, 32 bit string
  const std::string text(64, 'y');
  const std::string items =
      "05 01"
      "82 6162 03"
      "dfff 02"
      "e040" +
      hex(text) +
      "42"
      "f1 0080 03"
      "f2 000080 04"
      "f3 00000080 05"
      "f4 0000000000000080 09"
      "f0 03000000 787a77 08";
  const size_t size = 6 + unhex(items).size() + 1;
  std::string blob = hex(std::string(1, static_cast<char>(size))) + "000000 0900" + items + "ff";
  const std::string string = hex(std::string{'\x40', static_cast<char>(size)}) + blob;
  EXPECT_EQ(firsts(loaded_value("12 01 02" + string)),
            (Strings{"5", "ab", "-1", text, "-32768", "-8388608", "-2147483648",
                     "-9223372036854775808", "xzw"}));
  EXPECT_EQ(loaded_value("14" + string).items.size(), 9u);
}

TEST(RdbDecode, ListpackOfAHashAndASortedSet) {
  const std::string pairs = "14 14000000 0400 8161 02 01 01 8162 02 83322e35 04 ff";
  EXPECT_EQ(loaded_value("10" + pairs).items,
            (std::vector<std::pair<std::string, std::string>>{{"a", "1"}, {"b", "2.5"}}));
  EXPECT_EQ(loaded_value("11" + pairs).items, (std::vector<std::pair<std::string, std::string>>{
                                                  {"a", bits_of(1)}, {"b", bits_of(2.5)}}));
  EXPECT_THAT(error_of(file_of("10 016b 0a 0a000000 0100 8161 02 ff")).message,
              HasSubstr("an item without its second half"));
  EXPECT_THAT(error_of(file_of("11 016b 0d 0d000000 0200 8161 02 8178 02 ff")).message,
              HasSubstr("a score that is not a number"));
}

TEST(RdbDecode, Ziplist) {
  // "a", 1024, 5, -1 (i8), i24, i32, i64
  const std::string items =
      "00 01 61"
      "03 c0 0004"
      "04 f6"
      "02 fe ff"
      "03 f0 000080"
      "05 d0 00000080"
      "06 e0 0000000000000080";
  const size_t size = 10 + unhex(items).size() + 1;
  const std::string blob = hex(std::string(1, static_cast<char>(size))) + "000000" +
                           hex(std::string(1, static_cast<char>(size - 1 - 10))) + "000000 0700" +
                           items + "ff";
  const std::string string = hex(std::string(1, static_cast<char>(size))) + blob;
  const Strings expected{"a", "1024", "5", "-1", "-8388608", "-2147483648", "-9223372036854775808"};
  EXPECT_EQ(firsts(loaded_value("0a" + string)), expected);
  EXPECT_EQ(firsts(loaded_value("0e 01" + string)), expected);
  const std::string pair = "10 10000000 0d000000 0200 00 01 61 03 f2 ff";
  EXPECT_EQ(loaded_value("0d" + pair).items,
            (std::vector<std::pair<std::string, std::string>>{{"a", "1"}}));
  EXPECT_EQ(loaded_value("0c" + pair).items,
            (std::vector<std::pair<std::string, std::string>>{{"a", bits_of(1)}}));
}

TEST(RdbDecode, IntsetZipmapTextScoresAndPlainNodes) {
  EXPECT_EQ(firsts(loaded_value("0b 0c 02000000 0200 0000 ffff 0700")), (Strings{"-1", "7"}));
  using Pairs = std::vector<std::pair<std::string, std::string>>;
  EXPECT_EQ(loaded_value("09 0f 02 0161 02 00 6263 0166 02 01 6465 00 ff").items,
            (Pairs{{"a", "bc"}, {"f", "de"}}));
  EXPECT_EQ(loaded_value("03 03 0161 03 312e35 0162 fe 0163 ff").items,
            (Pairs{{"c", bits_of(-HUGE_VAL)}, {"a", bits_of(1.5)}, {"b", bits_of(HUGE_VAL)}}));
  EXPECT_THAT(error_of(file_of("03 016b 01 0161 fd")).message,
              HasSubstr("a score that is not a number"));
  EXPECT_EQ(firsts(loaded_value("12 02 01 0170 02 0a 0a000000 0100 8161 02 ff")),
            (Strings{"p", "a"}));
}

TEST(RdbDecode, TimesAndHintsBeforeAnEntry) {
  Keyspace keyspace;
  const auto info = load(file_of("fb 02 01 fd 10000000 f8 05 00 016b 0176"
                                 "f9 07 fc ffffff7f00000000 00 016c 0176 00 016d 0176"
                                 "01 0165 00"),
                         keyspace);
  ASSERT_TRUE(info.ok()) << info.error().message;
  EXPECT_EQ(keyspace.peek(0, "k")->expire_at_ms, 16'000);
  EXPECT_EQ(keyspace.peek(0, "l")->expire_at_ms, 0x7fffffff);
  EXPECT_FALSE(keyspace.peek(0, "m")->expires());
  EXPECT_EQ(info->empty_skipped, 1u);
  EXPECT_EQ(info->keys, 3u);
}

// --- DUMP payloads ---

TEST(DumpPayload, GoldenBytes) {
  // As redis-server 7.0.15 answers DUMP of "10" and of a string of one byte.
  EXPECT_EQ(hex(dump_payload(Value(String("10")))), "00c00a0a006e9f57450eae63bb");
  EXPECT_EQ(hex(dump_payload(Value(String("x")))),
            "0001780a00228086"
            "5fbde848d0");
}

TEST(DumpPayload, AnyValueComesBack) {
  EXPECT_TRUE(rc::check([] {
    const Value value = random_value();
    const std::string payload = dump_payload(value);
    const auto restored = restore_payload(payload);
    RC_ASSERT(restored.ok());
    RC_ASSERT(plain(*restored) == plain(value));
    const size_t at = *rc::gen::inRange<size_t>(0, payload.size());
    RC_ASSERT(!restore_payload(payload.substr(0, at)).ok());
    std::string flipped = payload;
    flipped[at] = static_cast<char>(flipped[at] ^ 1 << *rc::gen::inRange(0, 8));
    RC_ASSERT(!restore_payload(flipped).ok());
  }));
}

TEST(DumpPayload, WhatIsRefused) {
  const auto code = [](std::string_view content, std::string_view version) {
    const auto value = restore_payload(sealed(unhex(content) + unhex(version)));
    return value.ok() ? Errc::kIo : value.error().code;
  };
  EXPECT_EQ(code("00 0178", "0900"), Errc::kIo);  // an older version is fine
  EXPECT_EQ(code("00 0178", "0b00"), Errc::kUnsupported);
  EXPECT_EQ(code("00 0178 00", "0a00"), Errc::kCorrupt);
  EXPECT_EQ(code("01 00", "0a00"), Errc::kCorrupt);
  EXPECT_EQ(code("0f 00", "0a00"), Errc::kCorrupt);
  EXPECT_EQ(code("", "0a00"), Errc::kCorrupt);
}

}  // namespace
}  // namespace powercut::engine
