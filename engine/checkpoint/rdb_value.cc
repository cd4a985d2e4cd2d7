#include "engine/checkpoint/rdb_value.h"

#include <bit>
#include <charconv>
#include <cmath>
#include <limits>
#include <memory>
#include <string>

#include "engine/checkpoint/rdb_format.h"
#include "engine/checkpoint/rdb_packed.h"
#include "engine/checkpoint/rdb_stream.h"
#include "engine/store/list.h"
#include "engine/store/zset.h"

namespace powercut::engine {

namespace {

constexpr const char* kTwice = "an item comes twice";

// What is being read, and up to where it is packed.
template <class T>
struct Into {
  T& made;
  const EncodingLimits& limits;
};

const char* add_to_set(Into<Set> set, std::string_view member) {
  return set.made.add(member, set.limits) ? nullptr : kTwice;
}

const char* add_to_hash(Into<Hash> hash, std::string_view field, std::string_view value) {
  return hash.made.set(field, value, hash.limits) ? nullptr : kTwice;
}

const char* add_to_zset(Into<Zset> zset, std::string_view member, double score) {
  if (std::isnan(score)) return "a score that is not a number";
  return zset.made.set(member, score, zset.limits) ? nullptr : kTwice;
}

bool parse_score(std::string_view text, double& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size();
}

// --- One string or length an item ---

bool read_list(RdbReader& reader, List& list) {
  uint64_t count;
  if (!reader.read_count(count, 1)) return false;
  std::string_view item;
  for (; count > 0; --count) {
    if (!reader.read_string_view(item)) return false;
    list.push_back(item);
  }
  return true;
}

bool read_set(RdbReader& reader, Into<Set> set) {
  uint64_t count;
  if (!reader.read_count(count, 1)) return false;
  std::string_view member;
  for (; count > 0; --count) {
    if (!reader.read_string_view(member)) return false;
    if (const char* wrong = add_to_set(set, member)) return reader.fail(wrong);
  }
  return true;
}

bool read_hash(RdbReader& reader, Into<Hash> hash) {
  uint64_t count;
  if (!reader.read_count(count, 2)) return false;
  std::string field;
  std::string_view value;
  for (; count > 0; --count) {
    if (!reader.read_string(field) || !reader.read_string_view(value)) return false;
    if (const char* wrong = add_to_hash(hash, field, value)) return reader.fail(wrong);
  }
  return true;
}

bool read_text_score(RdbReader& reader, double& score) {
  uint8_t size;
  if (!reader.read_byte(size)) return false;
  switch (size) {
    case kRdbScoreNan:
      score = std::numeric_limits<double>::quiet_NaN();
      return true;
    case kRdbScoreInf:
      score = std::numeric_limits<double>::infinity();
      return true;
    case kRdbScoreMinusInf:
      score = -std::numeric_limits<double>::infinity();
      return true;
  }
  char text[256];
  for (size_t i = 0; i < size; ++i) {
    uint8_t c;
    if (!reader.read_byte(c)) return false;
    text[i] = static_cast<char>(c);
  }
  return parse_score({text, size}, score) || reader.fail("a score that is not a number");
}

bool read_zset(RdbReader& reader, Into<Zset> zset, bool scores_are_text) {
  uint64_t count;
  if (!reader.read_count(count, scores_are_text ? 2 : 9)) return false;
  std::string member;
  for (; count > 0; --count) {
    double score;
    if (!reader.read_string(member)) return false;
    if (scores_are_text) {
      if (!read_text_score(reader, score)) return false;
    } else {
      uint64_t bits;
      if (!reader.read_little(bits, 8)) return false;
      score = std::bit_cast<double>(bits);
    }
    if (const char* wrong = add_to_zset(zset, member, score)) return reader.fail(wrong);
  }
  return true;
}

// --- Packed in one string ---

using Walk = const char* (*)(std::string_view blob, const PackedSink& sink);

bool read_packed(RdbReader& reader, Walk walk, const PackedSink& sink) {
  const uint64_t at = reader.offset();
  std::string_view blob;
  if (!reader.read_string_view(blob)) return false;
  const char* wrong = walk(blob, sink);
  return wrong == nullptr || reader.fail_at(at, wrong);
}

bool read_packed_list(RdbReader& reader, Walk walk, List& list) {
  return read_packed(reader, walk, [&list](std::string_view item) -> const char* {
    list.push_back(item);
    return nullptr;
  });
}

bool read_packed_set(RdbReader& reader, Walk walk, Into<Set> set) {
  return read_packed(reader, walk, [&set](std::string_view item) { return add_to_set(set, item); });
}

// Calls `add` with each pair of items.
template <class Add>
bool read_packed_pairs(RdbReader& reader, Walk walk, Add add) {
  const uint64_t at = reader.offset();
  std::string first;
  bool have_first = false;
  const auto sink = [&](std::string_view item) -> const char* {
    have_first = !have_first;
    if (have_first) {
      first.assign(item);
      return nullptr;
    }
    return add(first, item);
  };
  if (!read_packed(reader, walk, sink)) return false;
  return !have_first || reader.fail_at(at, "an item without its second half");
}

bool read_packed_hash(RdbReader& reader, Walk walk, Into<Hash> hash) {
  return read_packed_pairs(reader, walk, [&hash](std::string_view field, std::string_view value) {
    return add_to_hash(hash, field, value);
  });
}

// Since Redis 7.4 a hash of which fields expire, or did once: as long as none does, a hash as any.
constexpr const char* kFieldExpires = "a field of a hash expires: not supported";

bool read_hash_fields(RdbReader& reader, Into<Hash> hash) {
  uint64_t soonest, count, expiry;
  if (!reader.read_little(soonest, 8) || !reader.read_count(count, 3)) return false;
  std::string field;
  std::string_view value;
  for (; count > 0; --count) {
    if (!reader.read_length(expiry) || !reader.read_string(field) ||
        !reader.read_string_view(value))
      return false;
    if (expiry != 0) return reader.fail(kFieldExpires, Errc::kUnsupported);
    if (const char* wrong = add_to_hash(hash, field, value)) return reader.fail(wrong);
  }
  return true;
}

bool read_packed_hash_fields(RdbReader& reader, Into<Hash> hash) {
  const uint64_t at = reader.offset();
  uint64_t soonest;
  if (!reader.read_little(soonest, 8)) return false;
  std::string words[2];
  size_t seen = 0;
  bool expires = false;
  const auto sink = [&](std::string_view item) -> const char* {
    const size_t place = seen++ % 3;
    if (place < 2) {
      words[place].assign(item);
      return nullptr;
    }
    expires = expires || item != "0";
    return add_to_hash(hash, words[0], words[1]);
  };
  if (!read_packed(reader, walk_listpack, sink)) return false;
  if (expires) return reader.fail_at(at, kFieldExpires, Errc::kUnsupported);
  return seen % 3 == 0 || reader.fail_at(at, "an item without the rest of it");
}

bool read_packed_zset(RdbReader& reader, Walk walk, Into<Zset> zset) {
  return read_packed_pairs(reader, walk,
                           [&zset](std::string_view member, std::string_view text) -> const char* {
                             double score;
                             if (!parse_score(text, score)) return "a score that is not a number";
                             return add_to_zset(zset, member, score);
                           });
}

// Nodes of many items, or with `plain_nodes`, of one or many.
bool read_quicklist(RdbReader& reader, Walk walk, bool plain_nodes, List& list) {
  uint64_t count;
  if (!reader.read_count(count, plain_nodes ? 2 : 1)) return false;
  for (; count > 0; --count) {
    uint64_t kind = kRdbNodePacked;
    if (plain_nodes && !reader.read_length(kind)) return false;
    if (kind == kRdbNodePacked) {
      if (!read_packed_list(reader, walk, list)) return false;
    } else if (kind == kRdbNodePlain) {
      std::string_view item;
      if (!reader.read_string_view(item)) return false;
      list.push_back(item);
    } else {
      return reader.fail("a list node of an unknown kind");
    }
  }
  return true;
}

bool read_stream(RdbReader& reader, RdbType type, Value& out) {
  auto made = std::make_unique<Stream>();
  if (!read_rdb_stream(reader, type, *made)) return false;
  out = Value(std::move(made));
  return true;
}

template <class T, class Read>
bool read_new(Value& out, const EncodingLimits& limits, Read read) {
  T made;
  if (!read(Into<T>{made, limits})) return false;
  out = Value(std::move(made));
  return true;
}

}  // namespace

bool rdb_type_known(uint8_t type) {
  constexpr uint8_t kNeverUsed = 8;
  return type <= static_cast<uint8_t>(RdbType::kHashListpackFields) && type != kNeverUsed;
}

const char* rdb_type_refused(uint8_t type) {
  switch (static_cast<RdbType>(type)) {
    case RdbType::kHash2:
    case RdbType::kHashListpackRc:
      return "hashes whose fields expire are not supported";
    case RdbType::kModule:
    case RdbType::kModule2:
      return "values of modules are not supported";
    default:
      return nullptr;
  }
}

bool read_rdb_value(RdbReader& reader, uint8_t type, Value& out, const EncodingLimits& limits) {
  const auto list = [&](auto read) {
    List made;
    if (!read(made)) return false;
    out = Value(std::move(made));
    return true;
  };
  const auto hash = [&](auto read) { return read_new<Hash>(out, limits, read); };
  const auto set = [&](auto read) { return read_new<Set>(out, limits, read); };
  const auto zset = [&](auto read) { return read_new<Zset>(out, limits, read); };
  switch (static_cast<RdbType>(type)) {
    case RdbType::kString: {
      std::string string;
      if (!reader.read_string(string)) return false;
      out = Value(String(string));
      return true;
    }
    case RdbType::kList:
      return list([&](List& l) { return read_list(reader, l); });
    case RdbType::kListZiplist:
      return list([&](List& l) { return read_packed_list(reader, walk_ziplist, l); });
    case RdbType::kListQuicklist:
      return list([&](List& l) { return read_quicklist(reader, walk_ziplist, false, l); });
    case RdbType::kListQuicklist2:
      return list([&](List& l) { return read_quicklist(reader, walk_listpack, true, l); });
    case RdbType::kSet:
      return set([&](Into<Set> s) { return read_set(reader, s); });
    case RdbType::kSetIntset:
      return set([&](Into<Set> s) { return read_packed_set(reader, walk_intset, s); });
    case RdbType::kSetListpack:
      return set([&](Into<Set> s) { return read_packed_set(reader, walk_listpack, s); });
    case RdbType::kHash:
      return hash([&](Into<Hash> h) { return read_hash(reader, h); });
    case RdbType::kHashZipmap:
      return hash([&](Into<Hash> h) { return read_packed_hash(reader, walk_zipmap, h); });
    case RdbType::kHashZiplist:
      return hash([&](Into<Hash> h) { return read_packed_hash(reader, walk_ziplist, h); });
    case RdbType::kHashListpack:
      return hash([&](Into<Hash> h) { return read_packed_hash(reader, walk_listpack, h); });
    case RdbType::kHashFields:
      return hash([&](Into<Hash> h) { return read_hash_fields(reader, h); });
    case RdbType::kHashListpackFields:
      return hash([&](Into<Hash> h) { return read_packed_hash_fields(reader, h); });
    case RdbType::kZsetText:
      return zset([&](Into<Zset> z) { return read_zset(reader, z, true); });
    case RdbType::kZset:
      return zset([&](Into<Zset> z) { return read_zset(reader, z, false); });
    case RdbType::kZsetZiplist:
      return zset([&](Into<Zset> z) { return read_packed_zset(reader, walk_ziplist, z); });
    case RdbType::kZsetListpack:
      return zset([&](Into<Zset> z) { return read_packed_zset(reader, walk_listpack, z); });
    case RdbType::kStream:
    case RdbType::kStream2:
    case RdbType::kStream3:
      return read_stream(reader, static_cast<RdbType>(type), out);
    default:
      break;
  }
  const char* refused = rdb_type_refused(type);
  if (refused != nullptr) return reader.fail(refused, Errc::kUnsupported);
  return reader.fail("unknown type " + std::to_string(type));
}

}  // namespace powercut::engine
