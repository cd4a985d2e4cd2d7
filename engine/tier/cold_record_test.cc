// A value on its way into a segment of the cold tier and back, and what is no record.
#include "engine/tier/cold_record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "engine/base/crc32c.h"
#include "engine/checkpoint/rdb_encode.h"
#include "engine/store/list.h"

namespace powercut::engine {
namespace {

using ::testing::HasSubstr;

std::string dump(const Value& value) {
  std::string bytes(1, static_cast<char>(rdb_type_of(value)));
  append_rdb_value(bytes, value);
  return bytes;
}

Value text_value(std::string_view text) {
  Value value;
  value.set(text);
  return value;
}

std::string why_not(std::string_view record) {
  const auto value = decode_record(record, {});
  if (value.ok()) return "a value";
  EXPECT_EQ(value.error().code, Errc::kCorrupt);
  return value.error().message;
}

// What RDB itself compresses are long strings: these are short ones.
Value even_list() {
  List list;
  for (int i = 0; i < 100; ++i) list.push_back("the same item");
  return Value(std::move(list));
}

TEST(ColdRecord, IsCompressedWhereThatIsShorter) {
  const Value plain = text_value("0123456789abcdefghijklmnopqrstuvwxyz");
  const Value even = even_list();
  EXPECT_EQ(encode_record(plain, true), encode_record(plain, false));
  EXPECT_EQ(encode_record(even, false).size(), kRecordHead + dump(even).size());
  EXPECT_LT(encode_record(even, true).size(), 100u);
  for (const bool compress : {false, true})
    for (const Value* value : {&plain, &even}) {
      const auto back = decode_record(encode_record(*value, compress), {});
      ASSERT_TRUE(back.ok()) << back.error().message;
      EXPECT_EQ(dump(*back), dump(*value));
    }
}

TEST(ColdRecord, BeginsWithTheSizeOfTheValue) {
  const Value even = even_list();
  EXPECT_EQ(from_little(encode_record(even, true).substr(0, kRecordHead)), dump(even).size());
}

TEST(ColdRecord, WhatIsNoValueIsNamed) {
  const size_t size = dump(even_list()).size();
  const std::string whole = encode_record(even_list(), true);
  EXPECT_EQ(why_not(whole), "a value");
  EXPECT_THAT(why_not(whole.substr(0, whole.size() - 1)), HasSubstr("does not expand"));
  EXPECT_THAT(why_not(little(size + 1, 4) + whole.substr(4)), HasSubstr("does not expand"));
  EXPECT_THAT(why_not(little(size - 1, 4) + whole.substr(4)), HasSubstr("does not expand"));
  EXPECT_THAT(why_not(little(uint64_t{1} << 31, 4) + whole.substr(4)), HasSubstr("cannot expand"));
  // 255 bytes for each of it are the most: of that many the block itself is asked.
  EXPECT_THAT(why_not(little(2 * 255, 4) + "ab"), HasSubstr("does not expand"));
  EXPECT_THAT(why_not(little(2 * 255 + 1, 4) + "ab"), HasSubstr("cannot expand"));
  const std::string plain = dump(text_value("abc"));
  EXPECT_EQ(why_not(little(plain.size(), 4) + plain), "a value");
  EXPECT_EQ(why_not(little(plain.size() + 1, 4) + plain + "!"), "it is no value");
  EXPECT_EQ(why_not(little(plain.size() - 1, 4) + plain.substr(0, plain.size() - 1)),
            "it is no value");
  EXPECT_EQ(why_not(little(0, 4)), "it is no value");
  EXPECT_EQ(why_not(little(2, 4) + "\x06" + '\0'), "it is no value") << "the value of a module";
  EXPECT_EQ(why_not(little(2, 4) + "\x63" + '\0'), "it is no value") << "a type that nobody knows";
  EXPECT_EQ(why_not(little(2, 4) + "\x01" + '\0'), "it is no value") << "a list without items";
}

TEST(ColdRecord, NumbersAreLittleEndian) {
  EXPECT_EQ(little(0x01020304, 4), "\x04\x03\x02\x01");
  EXPECT_EQ(little(0xff, 8), std::string("\xff\0\0\0\0\0\0\0", 8));
  EXPECT_EQ(from_little("\x04\x03\x02\x01"), 0x01020304u);
  EXPECT_EQ(from_little(little(0xfedcba9876543210, 8)), 0xfedcba9876543210u);
}

TEST(ColdRecord, AChecksumIsBoundToFileAndPlace) {
  EXPECT_NE(bound(1, 20), bound(2, 20));
  EXPECT_NE(bound(1, 20), bound(1, 21));
  EXPECT_NE(bound(1, 2), bound(2, 1));
  EXPECT_EQ(bound(3, 5), crc32c(std::string("\3\0\0\0\0\0\0\0\5\0\0\0\0\0\0\0", 16)));
}

}  // namespace
}  // namespace powercut::engine
