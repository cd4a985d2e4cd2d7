#include "scenarios/store/keyspace/twins.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "engine/base/hash.h"
#include "engine/command/command_table.h"
#include "engine/command/number.h"
#include "scenarios/store/keyspace/at_edges.h"
#include "scenarios/store/keyspace/digest.h"
#include "scenarios/store/keyspace/laws.h"
#include "scenarios/store/keyspace/lone_keyspace.h"
#include "scenarios/store/keyspace/other_ways.h"
#include "scenarios/store/keyspace/seldom_said.h"
#include "sim/request.h"

namespace powercut::scenarios {

using engine::CommandSpec;
using engine::EncodingLimits;

namespace {

constexpr uint64_t kMoreOneIn = 8;  // writes that are followed by more of the same
constexpr uint64_t kMembers = 40;   // of which a collection is made that grows
constexpr uint64_t kLargest = 200;
constexpr uint64_t kOtherWaysOneIn = 3;  // writes behind which a value is looked at in other ways
constexpr int kEdits = 24;

// What may differ, since it picks, walks, or tells of how a value is held.
constexpr std::string_view kLeftOut[] = {
    "spop",  "srandmember", "hrandfield", "zrandmember", "randomkey", "scan", "hscan",
    "sscan", "zscan",       "sort",       "sort_ro",     "dump",      "keys", "migrate"};
// Whose order is nobody's promise.
constexpr std::string_view kUnordered[] = {"hgetall", "hkeys",  "hvals", "smembers",
                                           "sinter",  "sunion", "sdiff"};

template <size_t kCount>
bool is_one_of(std::string_view name, const std::string_view (&names)[kCount]) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

// The bulk strings of a flat array, sorted.
std::string in_order(std::string_view reply) {
  std::vector<std::string_view> items;
  size_t at = reply.find("\r\n") + 2;
  while (at < reply.size() && reply[at] == '$') {
    const size_t head = reply.find("\r\n", at) + 2;
    const auto size = parse_integer(reply.substr(at + 1, head - at - 3)).value_or(-1);
    const size_t end =
        std::min(head + static_cast<size_t>(std::max<int64_t>(size, 0)) + 2, reply.size());
    items.push_back(reply.substr(at, end - at));
    at = end;
  }
  std::sort(items.begin(), items.end());
  std::string text(reply.substr(0, reply.find("\r\n") + 2));
  for (const std::string_view item : items) text += item;
  return text + std::string(reply.substr(std::min(at, reply.size())));
}

std::string shown(std::string_view text) { return fmt::format("{:?}", text.substr(0, 80)); }

// Commands of keys alone, which need neither a client nor what runs the store.
bool takes(const CommandSpec& spec) {
  constexpr uint32_t kOthers =
      engine::kAdmin | engine::kImmediate | engine::kRunsScript | engine::kNoAuth | engine::kTells;
  if (spec.name == "flushdb" || spec.name == "flushall" || spec.name == "swapdb") return true;
  if ((spec.flags & kOthers) != 0 || is_one_of(spec.name, kLeftOut)) return false;
  if (spec.name.starts_with("georadius") || spec.name.starts_with("geosearch")) return false;
  if (spec.name.find('|') != spec.name.npos && !spec.name.starts_with("xgroup|")) return false;
  return spec.first_key != 0 || (spec.flags & engine::kMovableKeys) != 0;
}

}  // namespace

struct Twins::Twin final : LoneKeyspace {
  explicit Twin(const EncodingLimits& limits) { keyspace.set_encoding_limits(limits); }
  // In which order it names what it found is nobody's promise.
  std::string logged() const {
    std::string text;
    for (const auto& item : effects.items())
      text += fmt::format("{} {}", item.db, in_order(effects.bytes_of(item)));
    return text;
  }
};

Twins::Twins() : packed_(std::make_unique<Twin>(kPacked)), loose_(std::make_unique<Twin>(kLoose)) {}
Twins::~Twins() = default;

uint64_t Twins::draw(uint64_t n) {
  ++drawn_;
  return hash_bytes({reinterpret_cast<const char*>(&drawn_), sizeof drawn_}, said_) % n;
}

Drawn Twins::drawn(std::string_view look, std::string_view key) const {
  return
      [seed = hash_bytes(key, hash_bytes(look, said_)), count = uint64_t{0}](uint64_t n) mutable {
        ++count;
        return hash_bytes({reinterpret_cast<const char*>(&count), sizeof count}, seed) % n;
      };
}

// By name there is an order among equal scores alone.
bool Twins::finds_by_name(const CommandSpec& spec, Words words, int db) const {
  const bool says = std::any_of(words.begin(), words.end(), [](std::string_view word) {
    return sim::same_word(word, "BYLEX");
  });
  if (!says && spec.name.find("lex") == spec.name.npos) return false;
  std::vector<size_t> positions;
  engine::key_positions(spec, words, positions);
  return std::any_of(positions.begin(), positions.end(), [&](size_t at) {
    const engine::Object* object = packed_->keyspace.peek(db, words[at]);
    const engine::Zset* zset = object == nullptr ? nullptr : object->value.zset();
    return zset != nullptr && zset->at_rank(0).score != zset->at_rank(zset->size() - 1).score;
  });
}

std::string Twins::hear(uint64_t client, std::string_view request, int64_t wall_ms) {
  const std::vector<std::string_view> words = sim::words_of(request);
  if (words.empty()) return {};
  if (databases_.size() <= client) databases_.resize(client + 1);
  int& db = databases_[client];
  if (sim::same_word(words[0], "SELECT") && words.size() == 2) {
    const auto number = parse_integer(words[1]);
    if (number && *number >= 0 && *number < packed_->keyspace.databases())
      db = static_cast<int>(*number);
    return {};
  }
  for (Twin* twin : {packed_.get(), loose_.get()}) twin->keyspace.set_now({wall_ms});
  said_ = hash_bytes(request);
  drawn_ = 0;
  return say(words, db);
}

// Of what a command is to give another name, or a copy.
Twins::Moved Twins::before_it_moves(Words words, const CommandSpec& spec, int db) const {
  constexpr std::string_view kMovers[] = {"copy", "rename", "renamenx", "move"};
  const engine::Object* object =
      is_one_of(spec.name, kMovers) ? packed_->keyspace.peek(db, words[1]) : nullptr;
  if (object == nullptr) return {};
  return {value_hash(object->value), object->expire_at_ms, db};
}

// It holds what that held, for as long.
std::string Twins::arrived(const Moved& moved, Words words, const CommandSpec& spec) const {
  if (moved.hash == 0) return {};
  int db = moved.db;
  const bool moves = spec.name == "move";
  for (size_t i = moves ? 2 : 3; i < words.size(); ++i)
    if (moves || (i > 3 && sim::same_word(words[i - 1], "DB")))
      db = static_cast<int>(parse_integer(words[i]).value_or(db));
  const engine::Object* object = packed_->keyspace.peek(db, words[moves ? 1 : 2]);
  if (object != nullptr && value_hash(object->value) == moved.hash &&
      object->expire_at_ms == moved.expire_at_ms)
    return {};
  return fmt::format("{} {}: what arrives is not what was there", words[0], shown(words[1]));
}

// What a write has left, another way.
std::string Twins::look_otherwise(std::string_view key, int db) {
  const Drawn draw = drawn("otherwise", key);
  const engine::Object* object = packed_->keyspace.peek(db, key);
  if (object == nullptr || draw(kOtherWaysOneIn) != 0) return {};
  std::string wrong = kept_otherwise(object->value, draw(2) == 0 ? kPacked : kLoose);
  if (wrong.empty() && object->value.list() != nullptr)
    wrong = edited_otherwise(*object->value.list(), kEdits, draw);
  return wrong.empty() ? wrong : fmt::format("key {}: {}", shown(key), wrong);
}

// Seldom met by what clients say: infinite scores, an item of the largest number that some width has, the same time again.
std::string Twins::look_at_edges(std::string_view key, int db) {
  constexpr uint64_t kOneIn = 3;
  const Drawn draw = drawn("at edges", key);
  const engine::Object* object = packed_->keyspace.peek(db, key);
  if (object == nullptr || draw(kOneIn) != 0) return {};
  std::string wrong = read_from_older_words(object->value, draw);
  if (wrong.empty() && object->value.zset() != nullptr) wrong = united_at_edges(draw);
  if (wrong.empty() && object->value.zset() != nullptr) wrong = added_twice(draw);
  if (wrong.empty() && object->expires()) wrong = expires_at_edges(draw);
  return wrong.empty() ? wrong : fmt::format("key {}: {}", shown(key), wrong);
}

// What becomes of a stream's entries, beside a row of them.
std::string Twins::look_at_entries(std::string_view key, int db) {
  constexpr uint64_t kOneIn = 2;
  const Drawn draw = drawn("at entries", key);
  const engine::Object* object = packed_->keyspace.peek(db, key);
  if (object == nullptr || object->value.stream() == nullptr || draw(kOneIn) != 0) return {};
  return stream_edited_otherwise(kEdits, draw);
}

// What they seldom say of it.
std::string Twins::say_seldom_said(std::string_view key, int db) {
  constexpr uint64_t kOneIn = 2, kCountedOneIn = 10;
  const Drawn draw = drawn("seldom said", key);
  const engine::Object* object = packed_->keyspace.peek(db, key);
  if (object == nullptr || draw(kOneIn) != 0) return {};
  const int64_t now_ms = packed_->keyspace.now().unix_ms;
  std::string wrong = logged_otherwise(*object, now_ms, draw);
  if (wrong.empty() && draw(kCountedOneIn) == 0) wrong = counted_again(now_ms, draw);
  return wrong.empty() ? wrong : fmt::format("key {}: {}", shown(key), wrong);
}

// What the commands say of each other.
std::string Twins::look_at_laws() {
  constexpr uint64_t kOneIn = 6;
  const Drawn draw = drawn("laws");
  return draw(kOneIn) == 0 ? broken_law(packed_->keyspace.now().unix_ms, draw) : std::string();
}

std::string Twins::say(Words words, int& db) {
  const CommandSpec* spec = engine::resolve(words);
  if (spec == nullptr || !engine::arity_fits(*spec, words.size()) || !takes(*spec) ||
      finds_by_name(*spec, words, db))
    return {};
  const int before = db;
  int other = db;
  const Moved moved = before_it_moves(words, *spec, db);
  const bool answered = packed_->run(words, *spec, db);
  if (answered != loose_->run(words, *spec, other) || db != other)
    return fmt::format("{} waits, or moves, in one alone", words[0]);
  if (auto wrong = compare(words, *spec, before); !wrong.empty()) return wrong;
  if ((spec->flags & engine::kWrite) == 0 || packed_->effects.empty()) return {};
  if (auto wrong = arrived(moved, words, *spec); !wrong.empty()) return wrong;
  std::vector<size_t> positions;
  engine::key_positions(*spec, words, positions);
  for (const size_t at : positions)
    if (auto wrong = look_otherwise(words[at], before); !wrong.empty()) return wrong;
  for (const size_t at : positions)
    if (auto wrong = look_at_edges(words[at], before); !wrong.empty()) return wrong;
  for (const size_t at : positions)
    if (auto wrong = look_at_entries(words[at], before); !wrong.empty()) return wrong;
  for (const size_t at : positions)
    if (auto wrong = say_seldom_said(words[at], before); !wrong.empty()) return wrong;
  for (const size_t at : positions)
    if (auto wrong = ask_more(words[at], before); !wrong.empty()) return wrong;
  if (auto wrong = look_at_laws(); !wrong.empty()) return wrong;
  if (positions.empty() || draw(kMoreOneIn) != 0) return {};
  return grow(words[positions[0]], before);
}

// What both have just done.
std::string Twins::compare(Words words, const CommandSpec& spec, int db) {
  ++compared_;
  const auto differs = [&](std::string_view what, std::string_view one, std::string_view other) {
    return fmt::format("{} {}: {} is {} where it is packed, and {} where it is not", words[0],
                       words.size() > 1 ? shown(words[1]) : "", what, shown(one), shown(other));
  };
  const bool same =
      packed_->reply == loose_->reply ||
      (is_one_of(spec.name, kUnordered) && in_order(packed_->reply) == in_order(loose_->reply));
  if (!same) return differs("the answer", packed_->reply, loose_->reply);
  if ((spec.flags & engine::kWrite) == 0) return {};
  if (!packed_->logs_as(*loose_) && packed_->logged() != loose_->logged())
    return differs("what is logged", packed_->logged(), loose_->logged());
  std::vector<size_t> positions;
  engine::key_positions(spec, words, positions);
  for (const size_t at : positions) {
    const engine::Object* one = packed_->keyspace.peek(db, words[at]);
    const engine::Object* other = loose_->keyspace.peek(db, words[at]);
    const auto hash = [&](const engine::Object* object) {
      return object == nullptr ? 0 : entry_hash(words[at], *object);
    };
    if (hash(one) != hash(other))
      return differs("what key " + shown(words[at]) + " holds", "one thing", "another");
  }
  return {};
}

// Each in another way than the one before.
std::string Twins::ask_more(std::string_view key, int db) {
  const engine::Object* object = packed_->keyspace.peek(db, key);
  if (object == nullptr) return {};
  const engine::Zset* zset = object->value.zset();
  if (zset == nullptr && object->value.hash() == nullptr && object->value.set() == nullptr)
    return {};
  const std::string member = fmt::format("m{}", draw(kMembers)), rank = std::to_string(draw(60));
  std::vector<std::vector<std::string_view>> lines;
  if (zset != nullptr) {
    const std::string any(zset->at_rank(draw(zset->size())).member);
    const std::string score = std::to_string(static_cast<int64_t>(draw(40)) - 20);
    lines = {{"ZRANGE", key, "0", "-1", "WITHSCORES"},
             {"ZREVRANGE", key, rank, "-2", "WITHSCORES"},
             {"ZRANK", key, any},
             {"ZREVRANK", key, member},
             {"ZCOUNT", key, score, "(19"},
             {"ZCOUNT", key, "-inf", score},
             {"ZRANGEBYSCORE", key, score, "+inf", "LIMIT", "1", rank},
             {"ZREVRANGEBYSCORE", key, score, "-inf", "LIMIT", "0", "3"},
             {"ZRANGE", key, rank, rank},
             {"ZSCORE", key, any}};
    return say(lines[draw(lines.size())], db);
  }
  if (object->value.hash() != nullptr)
    lines = {{"HGETALL", key}, {"HGET", key, member}, {"HLEN", key}, {"HEXISTS", key, member}};
  else
    lines = {
        {"SMEMBERS", key}, {"SISMEMBER", key, rank}, {"SCARD", key}, {"SISMEMBER", key, member}};
  return say(lines[draw(lines.size())], db);
}

std::string Twins::grow(std::string_view key, int db) {
  const engine::Object* object = packed_->keyspace.peek(db, key);
  if (object == nullptr) return {};
  const engine::Zset* zset = object->value.zset();
  const engine::Hash* hash = object->value.hash();
  const engine::Set* set = object->value.set();
  if (zset == nullptr && hash == nullptr && set == nullptr) return {};
  const size_t size = zset != nullptr ? zset->size() : hash != nullptr ? hash->size() : set->size();
  const bool more = size < kLargest && draw(3) != 0;
  std::vector<std::string> made;
  if (zset != nullptr && !more) {
    const uint64_t first = draw(size);
    made = {"ZREMRANGEBYRANK", std::string(key), std::to_string(first),
            std::to_string(first + draw(size))};
  } else {
    made = {zset != nullptr   ? "ZADD"
            : hash != nullptr ? (more ? "HSET" : "HDEL")
            : more            ? "SADD"
                              : "SREM",
            std::string(key)};
    for (uint64_t n = 1 + draw(2 * kMembers); n > 0; --n) {
      const uint64_t which = draw(10 * kMembers);
      if (zset != nullptr) made.push_back(std::to_string(static_cast<int64_t>(draw(41)) - 20));
      made.push_back(set != nullptr && which % 2 == 0 ? std::to_string(which)
                                                      : fmt::format("m{}", which));
      if (hash != nullptr && more) made.push_back(std::string(which % 80, 'v'));
    }
  }
  const std::vector<std::string_view> words(made.begin(), made.end());
  const CommandSpec* spec = engine::resolve(words);
  int one = db, other = db;
  (void)packed_->run(words, *spec, one);
  (void)loose_->run(words, *spec, other);
  if (auto wrong = compare(words, *spec, db); !wrong.empty()) return wrong;
  return ask_more(key, db);
}

}  // namespace powercut::scenarios
