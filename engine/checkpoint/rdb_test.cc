#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "engine/base/crc64.h"
#include "engine/checkpoint/lzf.h"
#include "engine/checkpoint/rdb_decode.h"
#include "engine/checkpoint/rdb_encode.h"
#include "engine/checkpoint/rdb_harness.h"

namespace powercut::engine {

std::string file_contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

namespace {

using ::testing::HasSubstr;

const std::string kTestdata = POWERCUT_SOURCE_DIR "/engine/checkpoint/testdata/redis-7.0.15/";

std::string encoded_length(uint64_t n) {
  std::string out;
  append_rdb_length(out, n);
  return hex(out);
}

std::string encoded_string(std::string_view bytes) {
  std::string out;
  append_rdb_string(out, bytes);
  return hex(out);
}

TEST(RdbEncode, LengthsTakeTheShortestForm) {
  EXPECT_EQ(encoded_length(0), "00");
  EXPECT_EQ(encoded_length(63), "3f");
  EXPECT_EQ(encoded_length(64), "4040");
  EXPECT_EQ(encoded_length(16383), "7fff");
  EXPECT_EQ(encoded_length(16384), "8000004000");
  EXPECT_EQ(encoded_length(0xffffffff), "80ffffffff");
  EXPECT_EQ(encoded_length(0x100000000), "810000000100000000");
}

TEST(RdbEncode, StringsThatAreIntegers) {
  EXPECT_EQ(encoded_string("0"), "c000");
  EXPECT_EQ(encoded_string("-128"), "c080");
  EXPECT_EQ(encoded_string("128"), "c18000");
  EXPECT_EQ(encoded_string("-32768"), "c10080");
  EXPECT_EQ(encoded_string("32768"), "c200800000");
  EXPECT_EQ(encoded_string("-2147483648"), "c200000080");
  // These are not how an integer is written, or do not fit.
  EXPECT_EQ(encoded_string(""), "00");
  EXPECT_EQ(encoded_string(std::string_view()), "00");
  EXPECT_EQ(encoded_string("-"), "012d");
  EXPECT_EQ(encoded_string("-0"), "022d30");
  EXPECT_EQ(encoded_string("+1"), "022b31");
  EXPECT_EQ(encoded_string("01"), "023031");
  EXPECT_EQ(encoded_string("1 "), "023120");
  EXPECT_EQ(encoded_string("2147483648"), "0a" + hex("2147483648"));
}

TEST(RdbEncode, StringsThatCompress) {
  EXPECT_EQ(encoded_string(std::string(20, 'a')), "14" + hex(std::string(20, 'a')));
  EXPECT_EQ(encoded_string(std::string(21, 'a')),
            "c30515"
            "0061"
            "e00b00");
  EXPECT_EQ(encoded_string("abcdefghijklmnopqrstuvwxyz"), "1a" + hex("abcdefghijklmnopqrstuvwxyz"));
}

TEST(Lzf, RoundTripsAndNeverWritesBeyondItsCapacity) {
  EXPECT_TRUE(rc::check([] {
    const std::string in = random_string();
    const auto capacity = *rc::gen::inRange<size_t>(0, in.size() + 50);
    std::string out(capacity + 1, '#');
    const size_t size = lzf_compress(in, out.data(), capacity);
    RC_ASSERT(size <= capacity && out[capacity] == '#');
    if (size == 0) return;
    std::string back(in.size(), '\0');
    RC_ASSERT(lzf_expand({out.data(), size}, back.data(), back.size()));
    RC_ASSERT(back == in);
  }));
}

TEST(Lzf, LongAndFarMatches) {
  std::string in;
  for (int i = 0; i < 3000; ++i)
    in += std::to_string(i * i % 1009) + (i % 300 == 0 ? in.substr(0, 500) : "");
  std::string out(in.size(), '\0');
  const size_t size = lzf_compress(in, out.data(), out.size());
  ASSERT_GT(size, 0u);
  EXPECT_LT(size, in.size() * 2 / 3);
  std::string back(in.size(), '\0');
  EXPECT_TRUE(lzf_expand({out.data(), size}, back.data(), back.size()));
  EXPECT_EQ(back, in);
}

// One key of each type, byte for byte.
TEST(RdbEncode, AFile) {
  Keyspace keyspace;
  Object* object = keyspace.put(0, "s", Value(String("7")));
  keyspace.set_expiry(0, "s", object, 0x0102030405);
  List list;
  list.push_back("a");
  list.push_back("");
  keyspace.put(0, "l", Value(std::move(list)));
  Set set;
  set.add("m");
  keyspace.put(0, "t", Value(std::move(set)));
  Hash hash;
  hash.set("f", "v");
  keyspace.put(3, "h", Value(std::move(hash)));
  Zset zset;
  zset.set("m", 1.5);
  keyspace.put(3, "z", Value(std::move(zset)));
  keyspace.settle();

  RdbHeader header{1'800'000'000, 1000, true, {{"powercut-keys", "5"}, {"powercut-lsn", "77"}}};
  const std::string file = encode_rdb(keyspace, header);
  std::string expected = unhex(
      "52454449533030 3130"
      "fa09 72656469732d766572 06 372e302e3135"  // redis-ver
      "fa0a 72656469732d62697473 c040"           // redis-bits
      "fa05 6374696d65 c200d2496b"               // ctime
      "fa08 757365642d6d656d c1e803"             // used-mem
      "fa08 616f662d62617365 c001"               // aof-base
      "fa0d 706f7765726375742d6b657973 c005"     // powercut-keys
      "fa0c 706f7765726375742d6c736e c04d"       // powercut-lsn
      "fe00 fb0301"
      "fc0504030201000000 00 0173 c007"
      "01 016c 02 0161 00"
      "02 0174 01 016d"
      "fe03 fb0200"
      "04 0168 01 0166 0176"
      "05 017a 01 016d 000000000000f83f"
      "ff");
  const uint64_t crc = crc64(expected);
  for (int i = 0; i < 8; ++i) expected += static_cast<char>(crc >> (8 * i));
  EXPECT_EQ(hex(file), hex(expected));

  Keyspace loaded;
  loaded.set_loading(true);
  const auto info = load_rdb(file, "checkpoint", loaded);
  ASSERT_TRUE(info.ok()) << info.error().message;
  EXPECT_EQ(plain(loaded), plain(keyspace));
  EXPECT_EQ(info->version, 10);
  EXPECT_EQ(info->keys, 5u);
  EXPECT_EQ(info->expiring, 1u);
  EXPECT_EQ(info->bytes, file.size());
  EXPECT_TRUE(info->checksum_present);
  EXPECT_EQ(*info->find_aux("powercut-lsn"), "77");
  EXPECT_EQ(*info->find_aux("aof-base"), "1");
  EXPECT_EQ(info->find_aux("powercut"), nullptr);
}

// --- What redis-server 7.0.15 wrote ---

PlainKeyspace expected_keyspace() {
  PlainKeyspace out;
  const auto json = nlohmann::json::parse(file_contents(kTestdata + "expected.json"));
  for (const auto& [name, object] : json.items()) {
    const size_t colon = name.find(':');
    PlainValue value{object["type"], object["expire_at_ms"], {}};
    const auto& content = object["value"];
    if (value.type == "string") {
      value.items.emplace_back(unhex(content.get<std::string>()), "");
    } else if (value.type == "hash") {
      for (const auto& pair : content) {
        value.items.emplace_back(unhex(pair[0].get<std::string>()),
                                 unhex(pair[1].get<std::string>()));
      }
    } else if (value.type == "zset") {
      for (const auto& pair : content) {
        const double score = std::strtod(pair[1].get<std::string>().c_str(), nullptr);
        value.items.emplace_back(unhex(pair[0].get<std::string>()), bits_of(score));
      }
    } else {
      for (const auto& item : content) value.items.emplace_back(unhex(item.get<std::string>()), "");
    }
    if (value.type == "hash" || value.type == "set")
      std::sort(value.items.begin(), value.items.end());
    out[{std::stoi(name.substr(0, colon)), unhex(name.substr(colon + 1))}] = value;
  }
  return out;
}

TEST(RdbDecode, FilesOfRedis) {
  const PlainKeyspace expected = expected_keyspace();
  ASSERT_GT(expected.size(), 300u);
  for (const char* name : {"rdb/dump.rdb", "aof-hybrid/appendonlydir/appendonly.aof.2.base.rdb"}) {
    const std::string bytes = file_contents(kTestdata + name);
    for (const size_t read_max : {size_t{1000}, SIZE_MAX}) {
      MemoryFile file(bytes, read_max);
      Keyspace keyspace;
      keyspace.set_loading(true);
      const auto info = load_rdb(file, name, keyspace);
      ASSERT_TRUE(info.ok()) << info.error().message;
      EXPECT_TRUE(plain(keyspace) == expected) << name;
      EXPECT_EQ(info->keys, expected.size());
      EXPECT_EQ(*info->find_aux("redis-ver"), "7.0.15");
      EXPECT_TRUE(info->checksum_present);
      const auto checked = check_rdb(file, name);
      ASSERT_TRUE(checked.ok());
      EXPECT_EQ(checked->keys, expected.size());
    }
  }
}

// --- There and back ---

TEST(Rdb, AnyKeyspaceComesBack) {
  EXPECT_TRUE(rc::check([] {
    Keyspace keyspace;
    fill_at_random(keyspace);
    const std::string bytes = encode_rdb(keyspace);
    RC_ASSERT(bytes == encode_rdb(keyspace));

    MemoryFile file(bytes, *rc::gen::inRange<size_t>(1, 5000));
    Keyspace loaded;
    loaded.set_loading(true);
    const auto info = load_rdb(file, "checkpoint", loaded);
    RC_ASSERT(info.ok());
    RC_ASSERT(plain(loaded) == plain(keyspace));
    RC_ASSERT(info->bytes == bytes.size());
  }));
}

// Entries in slices, pieces taken at any time, and entries encoded elsewhere give the same bytes.
TEST(RdbWriter, PiecesMakeTheWhole) {
  EXPECT_TRUE(rc::check([] {
    Keyspace keyspace;
    fill_at_random(keyspace);
    RdbWriter writer({});
    std::string file;
    std::string piece = "spare";
    const auto take_maybe = [&] {
      if (*rc::gen::inRange(0, 2) == 0) return;
      writer.take(piece);
      file += piece;
    };
    for (int db = 0; db < Keyspace::kDatabases; ++db) {
      const Table& table = keyspace.database(db).table();
      if (table.empty()) continue;
      writer.begin_database(db, table.size(), keyspace.database(db).expires_count());
      for (size_t i = 0; i < table.size(); ++i) {
        const auto& entry = table.at(i);
        if (*rc::gen::inRange(0, 2) == 0) {
          writer.begin_entry(db, entry.key, entry.value);
          while (!writer.slice(*rc::gen::inRange<size_t>(1, 100))) take_maybe();
        } else {
          std::string elsewhere;
          append_rdb_entry(elsewhere, entry.key, entry.value);
          writer.add_encoded(db, elsewhere);
        }
        take_maybe();
      }
    }
    writer.finish();
    writer.take(piece);
    file += piece;
    RC_ASSERT(file == encode_rdb(keyspace));
    RC_ASSERT(writer.keys() == plain(keyspace).size());
    RC_ASSERT(writer.pending() == 0u);
  }));
}

TEST(RdbDecode, ExpiredKeysAreDroppedOnRequest) {
  Keyspace keyspace;
  keyspace.set_loading(true);
  for (const auto& [key, at] :
       std::map<std::string, int64_t>{{"past", 999}, {"now", 1000}, {"soon", 1001}}) {
    keyspace.set_expiry(0, key, keyspace.put(0, key, Value(String("x"))), at);
    keyspace.settle();
  }
  const std::string bytes = encode_rdb(keyspace, {0, 0, false, {{"powercut-keys", "3"}}});
  Keyspace kept;
  kept.set_loading(true);
  kept.set_now({1000});
  ASSERT_TRUE(load_rdb(bytes, "base", kept).ok());
  EXPECT_EQ(kept.size(0), 3u);
  Keyspace dropped;
  dropped.set_loading(true);
  dropped.set_now({1000});
  const auto info = load_rdb(bytes, "dump", dropped, {.drop_expired = true});
  ASSERT_TRUE(info.ok());
  EXPECT_EQ(dropped.size(0), 1u);
  EXPECT_EQ(info->expired_dropped, 2u);
  EXPECT_EQ(info->keys, 1u);
}

// Libraries of functions stand before every key, as redis-server writes them.
TEST(RdbEncode, HasTheLibraries) {
  const std::string text = "#!lua name=one\nredis.register_function('f', function() end)";
  Keyspace keyspace;
  keyspace.put_library("one", text);
  keyspace.put_library("two", "#!lua name=two\n");
  keyspace.put(0, "key", "value");
  const std::string bytes = encode_rdb(keyspace);
  EXPECT_LT(bytes.find("name=two"), bytes.find("value"));
  Keyspace loaded;
  loaded.set_loading(true);
  const auto info = load_rdb(bytes, "base", loaded);
  ASSERT_TRUE(info.ok()) << info.error().message;
  EXPECT_EQ(info->libraries, 2u);
  EXPECT_EQ(info->keys, 1u);
  EXPECT_EQ(loaded.libraries(), keyspace.libraries());
}

#ifdef POWERCUT_REDIS_CHECK_RDB
TEST(RdbEncode, RedisFindsNothingWrong) {
  Keyspace keyspace;
  keyspace.set_loading(true);
  ASSERT_TRUE(load_rdb(file_contents(kTestdata + "rdb/dump.rdb"), "dump", keyspace).ok());
  keyspace.put_library("one", "#!lua name=one\nredis.register_function('f', function() end)");
  const std::string path = ::testing::TempDir() + "powercut-check.rdb";
  std::ofstream(path, std::ios::binary) << encode_rdb(keyspace);
  EXPECT_EQ(std::system((POWERCUT_REDIS_CHECK_RDB " " + path + " > /dev/null").c_str()), 0);
}
#endif

}  // namespace
}  // namespace powercut::engine
