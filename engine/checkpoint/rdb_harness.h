// For tests of RDB files: a keyspace as comparable text, and random keyspaces.
#pragma once

#include <rapidcheck.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/crc64.h"
#include "engine/os/memory_file_testing.h"
#include "engine/store/keyspace.h"
#include "engine/store/list.h"
#include "engine/store/stream.h"
#include "engine/store/zset.h"

namespace powercut::engine {

std::string file_contents(const std::string& path);  // in rdb_test.cc

// A number in its least bytes first, and a file with its checksum.
inline std::string little(uint64_t n, size_t bytes) {
  std::string out;
  for (size_t i = 0; i < bytes; ++i) out += static_cast<char>(n >> (8 * i));
  return out;
}
inline std::string sealed(std::string content) { return content + little(crc64(content), 8); }

inline std::string hex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    out += kDigits[static_cast<unsigned char>(c) >> 4];
    out += kDigits[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

inline std::string unhex(std::string_view digits) {
  std::string out;
  int high = -1;
  for (const char c : digits) {
    const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
    if (digit < 0) continue;
    if (high >= 0) out += static_cast<char>(high << 4 | digit);
    high = high >= 0 ? -1 : digit;
  }
  return out;
}

// A value without the order that its type does not have.
struct PlainValue {
  std::string type;
  int64_t expire_at_ms = Object::kNoExpiry;
  std::vector<std::pair<std::string, std::string>> items;
  bool operator==(const PlainValue&) const = default;
};
using PlainKeyspace = std::map<std::pair<int, std::string>, PlainValue>;

inline std::string bits_of(double score) {
  return std::string(reinterpret_cast<const char*>(&score), sizeof(score));
}

// All that is kept of a stream.
inline void add_plain(PlainValue& out, const Stream& stream) {
  stream.for_range({}, StreamId::most(), false, [&](const StreamEntry& entry) {
    out.items.emplace_back(entry.id.text(), "");
    entry.for_each([&](std::string_view field, std::string_view value) {
      out.items.emplace_back(field, value);
    });
    return true;
  });
  for (const auto& [id, block] : stream.blocks())
    out.items.emplace_back("block " + id.text(), block.listpack());
  out.items.emplace_back("last " + stream.last_id().text(),
                         "deleted " + stream.max_deleted_id().text());
  out.items.emplace_back("added", std::to_string(stream.entries_added()));
  for (const auto& [name, group] : stream.groups()) {
    out.items.emplace_back("group " + name, group.last_id.text());
    out.items.emplace_back("read", std::to_string(group.entries_read));
    for (const auto& [who, consumer] : group.consumers())
      out.items.emplace_back("consumer " + who, std::to_string(consumer.seen_ms));
    for (const auto& [id, pending] : group.pending())
      out.items.emplace_back(
          id.text() + " of " + pending.owner->first,
          std::to_string(pending.delivered_ms) + " " + std::to_string(pending.deliveries));
  }
}

inline PlainValue plain(const Value& value, int64_t expire_at_ms = Object::kNoExpiry) {
  PlainValue out{std::string(type_name(value.type())), expire_at_ms, {}};
  switch (value.type()) {
    case Type::kString:
      out.items.emplace_back(*value.string(), "");
      return out;
    case Type::kList:
      for (size_t i = 0; i < value.list()->size(); ++i)
        out.items.emplace_back(value.list()->at(i), "");
      return out;
    case Type::kHash:
      for (size_t i = 0; i < value.hash()->size(); ++i) {
        const auto& entry = value.hash()->entries().at(i);
        out.items.emplace_back(entry.key, entry.value);
      }
      break;
    case Type::kSet:
      for (size_t i = 0; i < value.set()->size(); ++i) {
        out.items.emplace_back(value.set()->entries().at(i).key, "");
      }
      break;
    case Type::kZset:
      for (size_t i = 0; i < value.zset()->size(); ++i) {
        const auto item = value.zset()->at_rank(i);
        out.items.emplace_back(item.member, bits_of(item.score));
      }
      return out;
    case Type::kAway:
    case Type::kStream:
      add_plain(out, *value.stream());
      return out;
  }
  std::sort(out.items.begin(), out.items.end());
  return out;
}

inline PlainKeyspace plain(const Keyspace& keyspace) {
  PlainKeyspace out;
  for (int db = 0; db < Keyspace::kDatabases; ++db) {
    const Table& table = keyspace.database(db).table();
    for (size_t i = 0; i < table.size(); ++i) {
      const auto& entry = table.at(i);
      out[{db, std::string(entry.key)}] = plain(entry.value.value, entry.value.expire_at_ms);
    }
  }
  return out;
}

// --- Random content ---

// Strings that are integers, that compress, that do not, and of the sizes where lengths change
// form.
inline std::string random_string() {
  switch (*rc::gen::inRange(0, 6)) {
    case 0:
      return std::to_string(*rc::gen::arbitrary<int64_t>());
    case 1:
      return std::to_string(*rc::gen::arbitrary<int16_t>());
    case 2: {
      const auto unit = *rc::gen::arbitrary<std::string>();
      std::string out;
      for (int i = *rc::gen::inRange(0, 40); i > 0; --i) out += unit;
      return out;
    }
    case 3:
      return std::string(*rc::gen::element<size_t>(20, 21, 63, 64, 16383, 16384, 70000), 'x');
    default:
      return *rc::gen::arbitrary<std::string>();
  }
}

inline double random_score() {
  return *rc::gen::oneOf(rc::gen::arbitrary<double>(),
                         rc::gen::element(0.0, 1e308, -1e-308, HUGE_VAL, -HUGE_VAL),
                         rc::gen::map(rc::gen::arbitrary<int>(), [](int n) { return double(n); }));
}

inline std::unique_ptr<Stream> random_stream() {
  auto stream = std::make_unique<Stream>();
  const StreamLimits limits{*rc::gen::inRange<uint64_t>(0, 300), *rc::gen::inRange<uint64_t>(0, 6)};
  const auto id = [] {
    return StreamId{*rc::gen::inRange<uint64_t>(0, 3), *rc::gen::inRange<uint64_t>(0, 40)};
  };
  for (int i = *rc::gen::inRange(0, 30); i > 0; --i) {
    const StreamId next = id();
    if (next <= stream->last_id()) {
      stream->erase(next);
      continue;
    }
    const std::string value = random_string();
    stream->append(next, std::vector<std::string_view>{*rc::gen::element("f", "g"), value}, limits);
  }
  for (int i = *rc::gen::inRange(0, 3); i > 0; --i) {
    StreamGroup* group =
        stream->add_group(random_string(), id(), *rc::gen::inRange<int64_t>(-1, 9));
    if (group == nullptr) continue;
    auto* consumer = group->add_consumer(random_string(), *rc::gen::inRange<int64_t>(0, 1 << 20));
    for (int n = *rc::gen::inRange(0, 9); n > 0; --n)
      group->deliver(id(), consumer, *rc::gen::inRange<int64_t>(0, int64_t{1} << 45),
                     *rc::gen::inRange<uint64_t>(0, 99));
  }
  return stream;
}

inline Value random_value() {
  const auto type = static_cast<Type>(*rc::gen::inRange(0, 6));
  const int count = *rc::gen::inRange(1, 30);
  switch (type) {
    case Type::kList: {
      List list;
      for (int i = 0; i < count; ++i) list.push_back(random_string());
      return Value(std::move(list));
    }
    case Type::kHash: {
      Hash hash;
      for (int i = 0; i < count; ++i) hash.set(random_string(), random_string());
      return Value(std::move(hash));
    }
    case Type::kSet: {
      Set set;
      for (int i = 0; i < count; ++i) set.add(random_string());
      return Value(std::move(set));
    }
    case Type::kZset: {
      Zset zset;
      for (int i = 0; i < count; ++i) zset.set(random_string(), random_score());
      return Value(std::move(zset));
    }
    case Type::kAway:
    case Type::kStream:
      return Value(random_stream());
    default:
      return Value(random_string());
  }
}

inline void fill_at_random(Keyspace& keyspace) {
  keyspace.set_loading(true);  // no expiry while it is filled
  for (int i = *rc::gen::inRange(0, 20); i > 0; --i) {
    const int db = *rc::gen::element(0, 0, 0, 1, 9, 15);
    const std::string key = random_string();
    Object* object = keyspace.put(db, key, random_value());
    if (*rc::gen::inRange(0, 3) == 0) {
      keyspace.set_expiry(db, key, object, *rc::gen::inRange<int64_t>(0, int64_t{1} << 45));
    }
    keyspace.settle();
  }
}

}  // namespace powercut::engine
