// Streams in RDB files: what Redis wrote is read, and what is written is read back, whole.
#include "engine/checkpoint/rdb_stream.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "engine/checkpoint/rdb_dump.h"
#include "engine/checkpoint/rdb_encode.h"
#include "engine/checkpoint/rdb_harness.h"

namespace powercut::engine {
namespace {

using Words = std::vector<std::string_view>;

// XADD s 1-1 a 1 b two; XADD s 1-2 a x b y; XADD s 5-0 other z; XDEL s 1-2; XGROUP CREATE s g 0;
// XREADGROUP GROUP g alice COUNT 1 STREAMS s >; XGROUP CREATECONSUMER s g bob.
Value sample() {
  auto stream = std::make_unique<Stream>();
  stream->append({1, 1}, Words{"a", "1", "b", "two"}, {});
  stream->append({1, 2}, Words{"a", "x", "b", "y"}, {});
  stream->append({5, 0}, Words{"other", "z"}, {});
  stream->erase({1, 2});
  StreamGroup* group = stream->add_group("g", {1, 1}, 1);
  group->deliver({1, 1}, group->add_consumer("alice", 1'700'000'000'123), 1'700'000'000'123, 1);
  group->add_consumer("bob", 1'700'000'000'456);
  return Value(std::move(stream));
}

Value read_back(std::string_view bytes, RdbType type) {
  RdbReader reader(bytes, "a stream");
  auto stream = std::make_unique<Stream>();
  EXPECT_TRUE(read_rdb_stream(reader, type, *stream)) << reader.error().message;
  EXPECT_EQ(reader.remaining(), 0u);
  return Value(std::move(stream));
}

std::string wrong_with(std::string_view bytes, RdbType type = RdbType::kStream2) {
  RdbReader reader(bytes, "a stream");
  Stream stream;
  EXPECT_FALSE(read_rdb_stream(reader, type, stream));
  return reader.failed() ? reader.error().message : "";
}

TEST(RdbStream, IsReadBackAsItWas) {
  const Value value = sample();
  EXPECT_EQ(rdb_type_of(value), RdbType::kStream2);
  std::string bytes;
  append_rdb_value(bytes, value);
  EXPECT_EQ(plain(read_back(bytes, RdbType::kStream2)), plain(value));
}

// DUMP of such a stream by redis-server 7.0.15.
TEST(RdbStream, WhatRedisWroteIsWrittenAgainByteForByte) {
  const std::string payload = unhex(
      "130110000000000000000100000000000000014047470000001900020101010201816102816202000102"
      "010001000101018374776f040501030100010101817802817902050100010401dfff020101856f746865"
      "7206817a020601ff0205000101010203010167010181ffffffffffffffff010000000000000001000000"
      "00000000017b68e5cf8b010000010205616c6963651fa4ec2ba201000001000000000000000100000000"
      "0000000103626f6256a4ec2ba2010000000a0023dbbfc34a74ea74");
  const auto value = restore_payload(payload);
  ASSERT_TRUE(value.ok()) << value.error().message;
  EXPECT_EQ(dump_payload(*value), payload);
  const Stream& stream = *value->stream();
  EXPECT_EQ(stream.size(), 2u);
  EXPECT_EQ(stream.max_deleted_id(), (StreamId{1, 2}));
  const StreamGroup* group = stream.find_group("g");
  ASSERT_NE(group, nullptr);
  EXPECT_EQ(group->entries_read, StreamGroup::kUnknown);
  EXPECT_EQ(group->find_pending({1, 1})->owner->first, "alice");
  EXPECT_EQ(group->find_pending({1, 1})->delivered_ms, 1'700'000'000'123);
  EXPECT_NE(group->find_consumer("bob"), nullptr);
}

TEST(RdbStream, IsTheSameInSlices) {
  Object object{sample()};
  std::string whole;
  append_rdb_entry(whole, "key", object);
  std::string sliced;
  RdbEntryEncoder encoder("key", object);
  int slices = 1;
  while (!encoder.append(sliced, 1)) ++slices;
  EXPECT_EQ(sliced, whole);
  EXPECT_GT(slices, 5);
}

// What Redis 5 and 6 wrote has neither the first entry, nor the last deleted one, nor counts.
TEST(RdbStream, OlderOnesAreCountedAnew) {
  auto stream = std::make_unique<Stream>();
  for (uint64_t i = 1; i <= 3; ++i) stream->append({i, 0}, Words{"f", "v"}, {});
  std::string bytes;
  append_rdb_length(bytes, 1);
  append_rdb_string(bytes, std::string("\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\0", 16));
  append_rdb_string(bytes, stream->blocks().begin()->second.listpack());
  for (const uint64_t n : {3, 3, 0, 1})
    append_rdb_length(bytes, n);  // entries, the last ID, groups
  append_rdb_string(bytes, "g");
  for (const uint64_t n : {3, 0, 0, 0}) append_rdb_length(bytes, n);
  const Value read = read_back(bytes, RdbType::kStream);
  EXPECT_EQ(read.stream()->entries_added(), 3u);
  EXPECT_EQ(read.stream()->first_id(), (StreamId{1, 0}));
  EXPECT_EQ(read.stream()->find_group("g")->entries_read, 3);
}

// Redis 7.2 says when a consumer was active.
TEST(RdbStream, NewerOnesHaveATimeMore) {
  std::string bytes;
  for (const uint64_t n : {0, 0, 9, 0, 0, 0, 0, 0, 0, 1}) append_rdb_length(bytes, n);
  append_rdb_string(bytes, "g");
  for (const uint64_t n : {9, 0, 0, 0, 1}) append_rdb_length(bytes, n);
  append_rdb_string(bytes, "c");
  bytes += std::string(16, '\1');
  append_rdb_length(bytes, 0);
  const Value read = read_back(bytes, RdbType::kStream3);
  EXPECT_EQ(read.stream()->last_id(), (StreamId{9, 0}));
  EXPECT_NE(read.stream()->find_group("g")->find_consumer("c"), nullptr);
}

TEST(RdbStream, DamageIsNamed) {
  std::string bytes;
  append_rdb_value(bytes, sample());
  for (size_t i = 0; i < bytes.size(); ++i)
    EXPECT_NE(wrong_with(bytes.substr(0, i)), "") << i << " bytes of " << bytes.size();
  const auto block = [](std::string_view listpack_items, uint64_t entries = 0, int times = 1) {
    std::string out;
    append_rdb_length(out, static_cast<uint64_t>(times));
    std::string listpack(6, '\0');
    listpack += listpack_items;
    listpack += '\xff';
    listpack[0] = static_cast<char>(listpack.size());
    listpack[4] = listpack[5] = '\xff';
    for (int i = 0; i < times; ++i) {
      append_rdb_string(out, std::string("\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\1", 16));
      append_rdb_string(out, listpack);
    }
    append_rdb_length(out, entries);
    for (int i = 0; i < 8; ++i) append_rdb_length(out, 0);
    return out;
  };
  const auto items = [](std::initializer_list<std::string_view> texts) {
    std::string out;
    for (const std::string_view text : texts) append_listpack_item(out, text);
    return out;
  };
  const std::initializer_list<std::string_view> right = {"1", "0", "1", "f", "0",
                                                         "2", "0", "0", "v", "4"};
  EXPECT_NE(wrong_with(block(items(right))).find("counts its entries wrongly"), std::string::npos);
  EXPECT_NE(wrong_with(block(items(right), 2, 2)).find("out of order"), std::string::npos);
  EXPECT_NE(wrong_with(block(items(right), 1)).find("last ID is before its last entry"),
            std::string::npos);
  EXPECT_NE(wrong_with(block(items({"x"}))).find("text where a number belongs"), std::string::npos);
  EXPECT_NE(wrong_with(block(items({"1", "0", "0"}))).find("number of fields"), std::string::npos);
  EXPECT_NE(wrong_with(block(items({"1", "0", "1", "f", "0", "9"}))).find("unknown kind"),
            std::string::npos);
  EXPECT_NE(wrong_with(block(items({"1", "0", "1", "f", "0", "2", "-1", "0", "v", "4"})))
                .find("out of order"),
            std::string::npos);
  EXPECT_NE(wrong_with(block(items({"1", "0", "1", "f", "0", "2", "0", "0", "v", "9"})))
                .find("wrong number of items"),
            std::string::npos);
  EXPECT_NE(wrong_with(block(items({"1", "0", "1", "f", "0", "2", "0", "0", "v"})))
                .find("ends within an entry"),
            std::string::npos);
  EXPECT_NE(wrong_with(block(items({"2", "0", "1", "f", "0", "2", "0", "0", "v", "4"})))
                .find("block counts its entries wrongly"),
            std::string::npos);
  EXPECT_NE(wrong_with(block(items({"0", "0", "1", "f", "0"}))).find("block without entries"),
            std::string::npos);
}

RC_GTEST_PROP(RdbStream, AnyIsReadBack, ()) {
  auto stream = random_stream();
  const Value value(std::move(stream));
  std::string bytes;
  append_rdb_value(bytes, value);
  RC_ASSERT(plain(read_back(bytes, RdbType::kStream2)) == plain(value));
  const auto restored = restore_payload(dump_payload(value));
  RC_ASSERT(restored.ok());
  RC_ASSERT(plain(*restored) == plain(value));
}

}  // namespace
}  // namespace powercut::engine
