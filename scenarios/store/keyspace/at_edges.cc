#include "scenarios/store/keyspace/at_edges.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <map>
#include <utility>
#include <vector>

#include "engine/checkpoint/rdb_decode.h"
#include "engine/checkpoint/rdb_encode.h"
#include "scenarios/store/files/older_checkpoint.h"
#include "scenarios/store/keyspace/digest.h"
#include "scenarios/store/keyspace/lone_keyspace.h"
#include "sim/choices.h"

namespace powercut::scenarios {

using engine::Value;

namespace {

using Words = std::vector<std::string>;

// --- Older words ---

// The least and the largest that fits each width, and its neighbours; what is no number; lengths.
std::string item_at_edge(const Drawn& draw) {
  constexpr int kBits[] = {7, 8, 12, 13, 14, 15, 16, 23, 24, 31, 32, 63};
  constexpr size_t kLengths[] = {0, 11, 12, 20, 21, 63, 64, 253, 254, 255, 256};
  if (draw(4) == 0) return std::string(one_of(kLengths, draw), 'e');
  const int64_t power = static_cast<int64_t>(uint64_t{1} << (one_of(kBits, draw) - 1));
  const int64_t near = power - 2 + static_cast<int64_t>(draw(4));
  return std::to_string(draw(2) == 0 ? near : -near);
}

// The value with some of them, as a collection of its kind has them.
Value with_edges(const Value& value, const Drawn& draw) {
  constexpr size_t kItems = 6;
  Value made = value.clone();
  for (size_t i = 0; i < kItems; ++i) {
    const std::string item = item_at_edge(draw);
    if (engine::List* list = made.list()) list->push_back(item);
    if (engine::Set* set = made.set()) set->add(item);
    if (engine::Hash* hash = made.hash()) hash->set(item, item_at_edge(draw), {});
    if (engine::Zset* zset = made.zset())
      zset->set(item, static_cast<double>(draw(2'000'000)) / 8 - 1000);
  }
  return made;
}

}  // namespace

std::string read_from_older_words(const Value& value, const Drawn& draw) {
  if (value.away() != nullptr || value.string() != nullptr) return {};
  const Value one = with_edges(value, draw);
  engine::Keyspace keyspace;
  keyspace.put(0, "k", one.clone());
  keyspace.settle();
  sim::SeededChoices choices(draw(1 << 20));
  const auto older = in_older_words(engine::encode_rdb(keyspace), choices);
  if (!older) return "what is written of it cannot be read";
  engine::Keyspace read;
  read.set_loading(true);
  if (const auto info = engine::load_rdb(*older, "older", read); !info.ok())
    return "in older words it cannot be read: " + info.error().message;
  const engine::Object* object = read.peek(0, "k");
  if (object == nullptr || value_hash(object->value) != value_hash(one))
    return "in older words it is read as something else";
  return {};
}

// --- Commands in a keyspace of their own ---

namespace {

std::string run(LoneKeyspace& room, const Words& words) {
  (void)room.run(std::vector<std::string_view>(words.begin(), words.end()));
  return room.reply;
}

constexpr double kInfinite = std::numeric_limits<double>::infinity();
constexpr double kNumbers[] = {kInfinite, -kInfinite, 0, -0.0, 1, -1, 2, 1.5e308, -1.5e308, 5e-324};

double or_zero(double score) { return std::isnan(score) ? 0 : score; }

}  // namespace

// As Redis has it: what is no number counts as 0.
std::string united_at_edges(const Drawn& draw) {
  constexpr size_t kMembers = 4;
  constexpr std::string_view kHow[] = {"SUM", "MIN", "MAX"};
  const std::string_view how = one_of(kHow, draw);
  const double weights[] = {one_of(kNumbers, draw), one_of(kNumbers, draw)};
  LoneKeyspace room;
  std::map<std::string, double> expected;
  for (size_t n = 0; n < std::size(weights); ++n) {
    for (size_t i = 0; i < kMembers; ++i) {
      const std::string member = fmt::format("m{}", i);
      const double score = one_of(kNumbers, draw);
      (void)run(room, {"ZADD", fmt::format("z{}", n), fmt::format("{}", score), member});
      const double weighted = or_zero(score * weights[n]);
      const auto [at, is_new] = expected.emplace(member, weighted);
      if (is_new) continue;
      at->second = how == "SUM"   ? or_zero(at->second + weighted)
                   : how == "MIN" ? std::min(at->second, weighted)
                                  : std::max(at->second, weighted);
    }
  }
  (void)run(room, {"ZUNIONSTORE", "to", "2", "z0", "z1", "WEIGHTS", fmt::format("{}", weights[0]),
                   fmt::format("{}", weights[1]), "AGGREGATE", std::string(how)});
  const engine::Object* object = room.keyspace.peek(0, "to");
  const engine::Zset* zset = object == nullptr ? nullptr : object->value.zset();
  for (const auto& [member, score] : expected) {
    const auto found = zset == nullptr ? std::nullopt : zset->score(member);
    if (!found || !(*found == score))
      return fmt::format("ZUNIONSTORE with {}: of what should be {} it makes {}", how, score,
                         found ? fmt::format("{}", *found) : "nothing");
  }
  return {};
}

// One behind the other.
std::string added_twice(const Drawn& draw) {
  constexpr std::string_view kConditions[] = {"", "NX", "XX", "GT", "LT"};
  const std::string_view how = one_of(kConditions, draw);
  const bool changed_count = draw(2) == 0;
  LoneKeyspace room;
  std::map<std::string, double> expected;
  if (draw(2) == 0) {
    expected = {{"m0", 2}, {"other", 0}};
    (void)run(room, {"ZADD", "z", "2", "m0", "0", "other"});
  }
  Words words{"ZADD", "z"};
  if (!how.empty()) words.emplace_back(how);
  if (changed_count) words.emplace_back("CH");
  int64_t added = 0, changed = 0;
  for (uint64_t n = 2 + draw(4); n > 0; --n) {
    const std::string member = fmt::format("m{}", draw(2));
    const auto score = static_cast<double>(draw(4));
    words.insert(words.end(), {fmt::format("{}", score), member});
    const auto there = expected.find(member);
    if (there == expected.end()) {
      if (how == "XX") continue;
      expected[member] = score;
      ++added;
    } else if (how != "NX" && !(how == "GT" && score <= there->second) &&
               !(how == "LT" && score >= there->second) && score != there->second) {
      there->second = score;
      ++changed;
    }
  }
  const std::string reply = run(room, words);
  const std::string wanted = fmt::format(":{}\r\n", added + (changed_count ? changed : 0));
  const engine::Object* object = room.keyspace.peek(0, "z");
  const engine::Zset* zset = object == nullptr ? nullptr : object->value.zset();
  bool same = (zset == nullptr ? 0 : zset->size()) == expected.size();
  for (const auto& [member, score] : expected)
    same = same && zset != nullptr && zset->score(member) == score;
  if (same && reply == wanted) return {};
  return fmt::format("{}: it is answered {:?}, and not {:?}{}", fmt::join(words, " "), reply,
                     wanted, same ? "" : ", and comes to something else");
}

// Sooner than what is there, at that time, or later.
std::string expires_at_edges(const Drawn& draw) {
  static const std::vector<Words> kConditions = {{},     {"NX"},       {"XX"},      {"GT"},
                                                 {"LT"}, {"XX", "GT"}, {"XX", "LT"}};
  constexpr int64_t kThere = 1'000'000;
  const bool expires = draw(4) != 0;
  const int64_t at = kThere - 1 + static_cast<int64_t>(draw(3));
  const Words& conditions = kConditions[draw(kConditions.size())];
  const auto says = [&](std::string_view word) {
    return std::find(conditions.begin(), conditions.end(), word) != conditions.end();
  };
  // What does not expire counts as later than any time.
  bool done = true;
  if (says("NX") && expires) done = false;
  if (says("XX") && !expires) done = false;
  if (says("GT") && (!expires || at <= kThere)) done = false;
  if (says("LT") && expires && at >= kThere) done = false;
  LoneKeyspace room;
  (void)run(room, {"SET", "k", "v"});
  if (expires) (void)run(room, {"PEXPIREAT", "k", std::to_string(kThere)});
  Words words{"PEXPIREAT", "k", std::to_string(at)};
  words.insert(words.end(), conditions.begin(), conditions.end());
  const std::string reply = run(room, words);
  const std::string then = run(room, {"PEXPIRETIME", "k"});
  const int64_t to_be = done ? at : expires ? kThere : -1;
  if (reply == (done ? ":1\r\n" : ":0\r\n") && then == fmt::format(":{}\r\n", to_be)) return {};
  return fmt::format("PEXPIREAT {} {}, where there is {}: it answers {}, and there is {}", at,
                     fmt::join(conditions, " "), expires ? kThere : -1, reply.substr(1, 1),
                     then.substr(1, then.size() - 3));
}

}  // namespace powercut::scenarios
