#include "engine/store/digest.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/store/list.h"
#include "engine/store/stream.h"
#include "engine/store/zset.h"

namespace powercut::engine {
namespace {

std::string hex(const Sha1& digest) {
  std::string text;
  for (const uint8_t byte : digest) text += fmt::format("{:02x}", byte);
  return text;
}

class Digest : public ::testing::Test {
 protected:
  // What redis-server 7.0.15 was given as well.
  Digest() {
    keyspace.set_now({1'700'000'000'000});
    List list;
    for (const char* item : {"a", "b", "3"}) list.push_back(item);
    put(0, "l", Value(std::move(list)));
    Set set;
    for (const char* member : {"1", "2", "x"}) set.add(member);
    put(0, "s", Value(std::move(set)));
    Hash hash;
    hash.set("f", "1");
    hash.set("g", "x");
    put(0, "h", Value(std::move(hash)));
    Zset zset;
    zset.set("a", 1);
    zset.set("b", 2.5);
    put(0, "z", Value(std::move(zset)));
    put(0, "str", Value(String("hello")));
    put(0, "n", Value(String("12")), 1'700'001'000'000);
    put(3, "n", Value(String("12")));
  }
  void put(int db, std::string_view key, Value value, int64_t expires = Object::kNoExpiry) {
    Object* object = keyspace.put(db, key, std::move(value));
    if (expires != Object::kNoExpiry) keyspace.set_expiry(db, key, object, expires);
    keyspace.settle();
  }
  std::string of(std::string_view key) { return hex(digest_of(*keyspace.peek(0, key))); }

  Keyspace keyspace;
};

TEST_F(Digest, IsThatOfRedis) {
  EXPECT_EQ(of("l"), "09eb1fc9381ee92790d59930ab462945f8cd948b");
  EXPECT_EQ(of("s"), "4c6eef6b7853d1b76391c849d71b0d35d3faf18f");
  EXPECT_EQ(of("h"), "cc9cdbb46c5ff000497e1954a353620ed67a4cb9");
  EXPECT_EQ(of("z"), "c45c5b051acd64070e5ed1a949939d5145f806c5");
  EXPECT_EQ(of("str"), "36b23a1456b2dce2c3ed252c456761301dba8060");
  EXPECT_EQ(of("n"), "83df3a94c43338a2db2a05ddb5dbb794b842c619");
  EXPECT_EQ(hex(digest_of(keyspace)), "8dfaa4de664d307220eccaa6826c4785b1455115");
  EXPECT_EQ(hex(digest_of(Keyspace())), std::string(40, '0'));
  auto stream = std::make_unique<Stream>();
  stream->append({1, 1}, std::vector<std::string_view>{"a", "1", "b", "two"}, {});
  stream->append({1, 2}, std::vector<std::string_view>{"a", "x", "b", "y"}, {});
  stream->append({5, 0}, std::vector<std::string_view>{"other", "z"}, {});
  stream->erase({1, 2});
  put(0, "stream", Value(std::move(stream)));
  EXPECT_EQ(of("stream"), "bf0f79e58fbb4799ad595e0b21056b7dd129e54e");
}

TEST_F(Digest, OfWhatHasExpiredThereIsNothing) {
  const Sha1 before = digest_of(keyspace);
  put(0, "gone", Value(String("x")), 1'600'000'000'000);
  EXPECT_EQ(digest_of(keyspace), before);
  put(5, "gone", Value(String("x")), 1'600'000'000'000);
  EXPECT_EQ(digest_of(keyspace), before);
  put(0, "here", Value(String("x")));
  EXPECT_NE(digest_of(keyspace), before);
}

}  // namespace
}  // namespace powercut::engine
