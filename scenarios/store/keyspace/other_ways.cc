#include "scenarios/store/keyspace/other_ways.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "engine/checkpoint/rdb_dump.h"
#include "scenarios/store/keyspace/digest.h"
#include "scenarios/store/keyspace/lone_keyspace.h"

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

// --- Streams ---

namespace {

using engine::StreamId;

// Each entry that there ever was, and those that are there.
class EditedStream {
 public:
  explicit EditedStream(const Drawn& draw)
      : stream_(std::make_unique<engine::Stream>()), draw_(draw) {
    limits_.node_entries = draw_(6);
    limits_.node_bytes = draw_(2) == 0 ? 4096 : 40 + draw_(100);
  }
  // What is wrong behind one more.
  std::string edit() {
    const std::string what = change();
    const std::string wrong = look();
    return wrong.empty() ? wrong
                         : fmt::format("{}, {} of a stream is not what it should be", what, wrong);
  }

 private:
  void append();
  std::string trim();
  std::string change();
  std::string look();

  std::unique_ptr<engine::Stream> stream_;
  engine::StreamLimits limits_;
  std::vector<StreamId> ever_;
  std::vector<StreamId> there_;
  StreamId max_deleted_;
  std::string amiss_;
  const Drawn& draw_;
};

void EditedStream::append() {
  constexpr std::string_view kWords[] = {"f", "v", "f", "w", "g", "other"};
  StreamId id = ever_.empty() ? StreamId{1, 0} : ever_.back();
  id = draw_(3) == 0 ? StreamId{id.ms + 1 + draw_(300), draw_(3)} : *id.next();
  const size_t fields = 1 + draw_(std::size(kWords) / 2);
  stream_->append(id, std::span(kWords).first(2 * fields), limits_);
  ever_.push_back(id);
  there_.push_back(id);
}

std::string EditedStream::trim() {
  engine::StreamTrim trim;
  trim.by_id = draw_(2) == 0;
  trim.length = draw_(there_.size() + 2);
  trim.id = ever_[draw_(ever_.size())];
  trim.whole_blocks = draw_(2) == 0;
  if (trim.whole_blocks) trim.limit = draw_(8);
  const size_t older =
      static_cast<size_t>(std::lower_bound(there_.begin(), there_.end(), trim.id) - there_.begin());
  const size_t over = there_.size() - std::min<size_t>(there_.size(), trim.length);
  const size_t most = trim.by_id ? older : over;
  const size_t taken = stream_->trim(trim);
  const bool fits =
      trim.whole_blocks ? taken <= most && (trim.limit == 0 || taken <= trim.limit) : taken == most;
  if (!fits) amiss_ = "how many are taken";
  there_.erase(there_.begin(),
               there_.begin() + static_cast<ptrdiff_t>(std::min(taken, there_.size())));
  return trim.by_id ? "trimmed to an ID" : "trimmed to a length";
}

std::string EditedStream::change() {
  const uint64_t which = there_.empty() ? 0 : draw_(12);
  if (which < 5) {
    for (uint64_t n = draw_(6); n > 0; --n) append();
    append();
    return "with entries added";
  }
  if (which == 5) return trim();
  if (which == 6) {
    const auto read = engine::restore_payload(
        engine::dump_payload(Value(std::make_unique<engine::Stream>(*stream_))));
    if (!read.ok()) amiss_ = "what is written";
    if (read.ok()) stream_ = std::make_unique<engine::Stream>(*read->stream());
    return "written and read";
  }
  if (which == 7) {
    if (stream_->erase({ever_.back().ms + 1, 0})) amiss_ = "what is not there";
    return "without an entry that there never was";
  }
  // Often the first or the last.
  size_t i = draw_(there_.size());
  if (const uint64_t end = draw_(4); end < 2) i = end == 0 ? 0 : there_.size() - 1;
  const StreamId gone = there_[i];
  if (!stream_->erase(gone) || stream_->erase(gone)) amiss_ = "what is there";
  there_.erase(there_.begin() + static_cast<ptrdiff_t>(i));
  max_deleted_ = std::max(max_deleted_, gone);
  return fmt::format("without entry {} of {}", i, there_.size() + 1);
}

// What is not as it should be.
std::string EditedStream::look() {
  if (!amiss_.empty()) return amiss_;
  if (stream_->size() != there_.size()) return "the length";
  if (stream_->first_id() != (there_.empty() ? StreamId{} : there_.front())) return "the first ID";
  if (stream_->last_id() != ever_.back()) return "the last ID";
  if (stream_->max_deleted_id() != max_deleted_) return "the greatest ID that was deleted";
  if (stream_->entries_added() != ever_.size()) return "the number of all that were added";
  StreamId from = ever_[draw_(ever_.size())], to = ever_[draw_(ever_.size())];
  if (to < from) std::swap(from, to);
  std::vector<StreamId> are(std::lower_bound(there_.begin(), there_.end(), from),
                            std::upper_bound(there_.begin(), there_.end(), to));
  for (const bool reverse : {false, true}) {
    std::vector<StreamId> found;
    stream_->for_range(from, to, reverse, [&](const engine::StreamEntry& entry) {
      found.push_back(entry.id);
      return true;
    });
    if (found != are) return "a range";
    std::reverse(are.begin(), are.end());
  }
  if (stream_->has_behind(from) != (!there_.empty() && there_.back() > from))
    return "what comes behind an ID";
  // Before the first it says what a group has left to read, not what there was.
  const int64_t told = stream_->added_up_to(to);
  const auto were = std::upper_bound(ever_.begin(), ever_.end(), to) - ever_.begin();
  const bool can_tell = !there_.empty() && to >= there_.front();
  if (can_tell && told != engine::StreamGroup::kUnknown && told != were)
    return "the number of those added up to an ID";
  if (can_tell && to == ever_.back() && told != were)
    return "the number of those added up to the last";
  return {};
}

}  // namespace

std::string stream_edited_otherwise(int edits, const Drawn& draw) {
  EditedStream edited(draw);
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
