#include "scenarios/store/other_ways.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <vector>

#include "engine/checkpoint/rdb_dump.h"
#include "scenarios/store/digest.h"
#include "scenarios/store/lone_keyspace.h"

namespace powercut::scenarios {

using engine::Value;

std::string kept_otherwise(const Value& value, const engine::EncodingLimits& limits) {
  const uint64_t hash = value_hash(value);
  if (value_hash(value.clone()) != hash) return "a copy of it is something else";
  const auto read = engine::restore_payload(engine::dump_payload(value), limits);
  if (!read.ok()) return "what is written of it cannot be read: " + read.error().message;
  if (value_hash(*read) != hash) return "what is written of it is read as something else";
  return {};
}

// --- Lists ---

namespace {

constexpr size_t kLongest = 400;
constexpr size_t kPiece = 64;  // so many items lie together: where one begins is worth a look

class Edited {
 public:
  Edited(const engine::List& list, const Drawn& draw) : list_(list.clone()), draw_(draw) {
    for (size_t i = 0; i < list_.size(); ++i) row_.emplace_back(list_.at(i));
  }
  // What is wrong behind one more.
  std::string edit() {
    const std::string what = change();
    const bool same = list_.size() == row_.size() && [&] {
      for (size_t i = 0; i < row_.size(); ++i)
        if (list_.at(i) != row_[i]) return false;
      return true;
    }();
    return same ? std::string() : fmt::format("{}, the list is not what it should be", what);
  }

 private:
  std::string item() { return std::string(draw_(40) == 0 ? 900 : draw_(12), 'a' + draw_(5)); }
  // Often near an end, or where a piece may begin.
  size_t place(size_t places) {
    if (draw_(3) == 0) return std::min(places - 1, draw_(8) * kPiece / 2);
    return draw_(places);
  }
  std::string change();

  engine::List list_;
  std::vector<std::string> row_;
  const Drawn& draw_;
};

std::string Edited::change() {
  const auto at = [this](size_t i) { return row_.begin() + static_cast<ptrdiff_t>(i); };
  const std::string one = item();
  const uint64_t which = row_.size() < 4 ? 0 : draw_(16);
  if (which < 3 && row_.size() < kLongest) {  // a lot of them, so that pieces are full
    for (uint64_t n = draw_(kPiece); n > 0; --n) {
      list_.push_back(one);
      row_.push_back(one);
    }
  }
  if (which < 9) {
    const size_t i = place(row_.size() + 1);
    list_.insert(i, one);
    row_.insert(at(i), one);
    return fmt::format("with an item put in front of item {}", i);
  }
  const size_t i = place(row_.size());
  if (which < 11) {
    list_.set(i, one);
    row_[i] = one;
    return fmt::format("with item {} set", i);
  }
  if (which < 14) {
    list_.erase(i);
    row_.erase(at(i));
    return fmt::format("without item {}", i);
  }
  if (which == 14) {
    const std::string gone(row_[i]);
    const uint64_t limit = 1 + draw_(100);
    const bool from_back = draw_(2) == 0;
    (void)list_.remove_equal(gone, limit, from_back);
    uint64_t left = limit;
    const auto goes = [&](const std::string& text) {
      return text == gone && left > 0 && left-- > 0;
    };
    if (from_back) std::reverse(row_.begin(), row_.end());
    row_.erase(std::remove_if(row_.begin(), row_.end(), goes), row_.end());
    if (from_back) std::reverse(row_.begin(), row_.end());
    return fmt::format("without the {} {} of an item", from_back ? "last" : "first", limit);
  }
  const size_t last = i + draw_(row_.size() - i);
  list_.trim(i, last);
  row_.erase(at(last + 1), row_.end());
  row_.erase(row_.begin(), at(i));
  return fmt::format("from item {} to item {}", i, last);
}

}  // namespace

std::string edited_otherwise(const engine::List& list, int edits, const Drawn& draw) {
  if (list.size() > kLongest) return {};
  Edited edited(list, draw);
  for (; edits > 0; --edits)
    if (std::string wrong = edited.edit(); !wrong.empty()) return wrong;
  return {};
}

// --- Who waited ---

namespace {

// There is something for who waits at that key of `as`; false: it cannot be said.
bool make_ready(LoneKeyspace& scene, const engine::Keyspace& as, int db, std::string_view key,
                engine::Type type) {
  scene.keyspace.set_now(as.now());
  if (const engine::Object* object = as.peek(db, key); object != nullptr) {
    if (object->value.type() != type) return false;
    scene.keyspace.put(db, key, object->value.clone());
    scene.keyspace.settle();
  }
  using Words = std::vector<std::string_view>;
  const Words line = type == engine::Type::kList     ? Words{"RPUSH", key, "one", "two", "three"}
                     : type == engine::Type::kZset   ? Words{"ZADD", key, "1", "one", "2", "two"}
                     : type == engine::Type::kStream ? Words{"XADD", key, "*", "field", "value"}
                                                     : Words();
  if (line.empty()) return false;
  (void)scene.run(line, db);
  return !scene.reply.starts_with('-');
}

}  // namespace

std::string served_otherwise(const engine::Keyspace& keyspace,
                             std::span<const std::string_view> words,
                             const engine::Waiting& waiting) {
  // Who comes late and reads several streams has something of each, or is told that one is none.
  if (waiting.word_each && waiting.keys > 1) return {};
  for (size_t i = 0; i < waiting.keys; ++i) {
    const std::string& key = waiting.words[waiting.first_key + i];
    LoneKeyspace waited, late;
    if (!make_ready(waited, keyspace, waiting.db, key, waiting.type) ||
        !make_ready(late, keyspace, waiting.db, key, waiting.type))
      continue;
    (void)waited.run(engine::request_for(waiting, key), waiting.db);
    (void)late.run(words, waiting.db);
    if (waited.logs_as(late)) continue;
    return fmt::format("{}: who waited for key {:?} gets something else than who comes later",
                       words[0], key.substr(0, 40));
  }
  return {};
}

}  // namespace powercut::scenarios
