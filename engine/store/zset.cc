#include "engine/store/zset.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <utility>

namespace powercut::engine {

namespace {

// A score takes a byte where it is a small number, as ranks and counts are; otherwise that byte says what follows it.
constexpr uint8_t kMostInByte = 252;
constexpr uint8_t kInt16 = 253;
constexpr uint8_t kInt32 = 254;
constexpr uint8_t kDouble = 255;

template <class Int>
bool is(double score) {
  return score >= std::numeric_limits<Int>::min() && score <= std::numeric_limits<Int>::max() &&
         score == static_cast<Int>(score);
}

uint8_t kind_of(double score) {
  if (is<int16_t>(score))
    return score >= 0 && score <= kMostInByte ? static_cast<uint8_t>(score) : kInt16;
  return is<int32_t>(score) ? kInt32 : kDouble;
}

size_t bytes_of_kind(uint8_t kind) {
  if (kind <= kMostInByte) return 1;
  return 1 + (kind == kInt16 ? sizeof(int16_t) : kind == kInt32 ? sizeof(int32_t) : sizeof(double));
}

template <class T>
double read(const char* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return static_cast<double>(value);
}

double read_score(const char* at) {
  const auto kind = static_cast<uint8_t>(*at++);
  if (kind <= kMostInByte) return kind;
  return kind == kInt16 ? read<int16_t>(at) : kind == kInt32 ? read<int32_t>(at) : read<double>(at);
}

template <class T>
void write(char* at, double score) {
  const auto value = static_cast<T>(score);
  std::memcpy(at, &value, sizeof value);
}

void write_score(char* at, double score) {
  const uint8_t kind = kind_of(score);
  *at++ = static_cast<char>(kind);
  if (kind == kInt16) write<int16_t>(at, score);
  if (kind == kInt32) write<int32_t>(at, score);
  if (kind == kDouble) write<double>(at, score);
}

}  // namespace

// --- Packed ---

Zset::Item Zset::item_at(size_t offset) const {
  const auto& bytes = small_.bytes();
  return {bytes.string_at(offset), read_score(bytes.at(bytes.behind(offset)))};
}

size_t Zset::end_of(size_t offset) const {
  const size_t score = small_.bytes().behind(offset);
  return score + bytes_of_kind(static_cast<uint8_t>(*small_.bytes().at(score)));
}

std::vector<uint16_t> Zset::places(size_t first, size_t last, bool reverse) const {
  std::vector<uint16_t> offsets(last - first + 1);
  size_t offset = 0;
  for (size_t rank = 0; rank <= last; ++rank, offset = end_of(offset))
    if (rank >= first)
      offsets[reverse ? last - rank : rank - first] = static_cast<uint16_t>(offset);
  return offsets;
}

size_t Zset::find_packed(std::string_view member) const {
  const size_t end = small_.bytes().size();
  size_t offset = 0;
  while (offset < end && small_.bytes().string_at(offset) != member) offset = end_of(offset);
  return offset;
}

void Zset::insert_packed(std::string_view member, double score) {
  const size_t end = small_.bytes().size();
  size_t offset = 0;
  for (; offset < end; offset = end_of(offset)) {
    const Item item = item_at(offset);
    if (item.score > score || (item.score == score && item.member > member)) break;
  }
  const size_t bytes = Packed::bytes_of(member) + bytes_of_kind(kind_of(score));
  write_score(Packed::put(small_.bytes().open(offset, bytes), member), score);
  small_.changed(1);
}

void Zset::unpack() {
  const Zset before(std::move(*this));
  small_.become_large();
  for (size_t offset = 0; offset < before.small_.bytes().size(); offset = before.end_of(offset)) {
    const Item item = before.item_at(offset);
    set_large(item.member, item.score);
  }
  CHECK(size() == before.size());
}

// --- Either ---

std::optional<double> Zset::score(std::string_view member) const {
  if (!small_.is_large()) {
    const size_t offset = find_packed(member);
    if (offset == small_.bytes().size()) return std::nullopt;
    return item_at(offset).score;
  }
  const auto* entry = small_.large().items.find(member);
  if (entry == nullptr) return std::nullopt;
  return entry->key.item->score();
}

bool Zset::set(std::string_view member, double score, const EncodingLimits& limits) {
  CHECK(!std::isnan(score));
  score += 0.0;  // of the two zeros, the positive one
  if (small_.is_large()) return set_large(member, score);
  const std::string copy(member);  // it may be a view into what moves
  const size_t offset = find_packed(copy);
  const bool is_new = offset == small_.bytes().size();
  if (copy.size() > limits.zset_value || (is_new && small_.count() >= limits.zset_entries) ||
      !small_.has_room(Packed::bytes_of(copy) + bytes_of_kind(kDouble))) {
    unpack();
    return set_large(copy, score);
  }
  if (!is_new) {
    if (item_at(offset).score == score) return false;
    small_.bytes().close(offset, end_of(offset) - offset);
    small_.changed(-1);
  }
  insert_packed(copy, score);
  return is_new;
}

bool Zset::set_large(std::string_view member, double score) {
  Large& large = small_.large();
  auto [entry, is_new] = large.items.insert(member);
  if (is_new) {
    entry->key.item = &large.order.insert(score, member);
  } else if (entry->key.item->score() != score) {
    large.order.move(entry->key.item->score(), member, score);
  }
  CHECK(large.items.size() == large.order.size());
  return is_new;
}

bool Zset::erase(std::string_view member) {
  if (!small_.is_large()) {
    const size_t offset = find_packed(member);
    if (offset == small_.bytes().size()) return false;
    small_.bytes().close(offset, end_of(offset) - offset);
    small_.changed(-1);
    return true;
  }
  Large& large = small_.large();
  const auto* entry = large.items.find(member);
  if (entry == nullptr) return false;
  const double score = entry->key.item->score();
  // The map first: its entry is a look at the item, and `member` may be one too.
  large.items.erase(member);
  large.order.erase(score, member);
  CHECK(large.items.size() == large.order.size());
  return true;
}

Zset Zset::clone() const {
  Zset copy;
  if (!small_.is_large()) {
    copy.small_.copy_packed(small_);
    return copy;
  }
  copy.small_.become_large();
  for (size_t i = 0; i < size(); ++i) copy.set_large(entries().at(i).key, entries().at(i).value);
  CHECK(copy.size() == size());
  return copy;
}

std::optional<size_t> Zset::rank(std::string_view member) const {
  if (!small_.is_large()) {
    const size_t before = count_while([&](const Item& item) { return item.member != member; });
    return before == small_.count() ? std::nullopt : std::optional(before);
  }
  const auto* entry = small_.large().items.find(member);
  if (entry == nullptr) return std::nullopt;
  const size_t rank = small_.large().order.rank(entry->key.item->score(), member);
  CHECK(rank < size());
  return rank;
}

Zset::Item Zset::at_rank(size_t rank) const {
  CHECK(rank < size());
  if (!small_.is_large())
    return item_at(small_.offset_of(rank, [this](size_t offset) { return end_of(offset); }));
  const Ranking::Item& item = *small_.large().order.at(rank);
  return {item.member(), item.score()};
}

size_t Zset::count_below(double score, bool or_equal) const {
  if (small_.is_large()) return small_.large().order.count_below(score, or_equal);
  return count_while(
      [&](const Item& item) { return item.score < score || (or_equal && item.score == score); });
}

size_t Zset::count_below_lex(std::string_view member, bool or_equal) const {
  if (small_.is_large()) return small_.large().order.count_below_lex(member, or_equal);
  return count_while([&](const Item& item) {
    return item.member < member || (or_equal && item.member == member);
  });
}

Zset::Entries::Item Zset::Entries::at(size_t position) const {
  if (packed()) {
    const Zset::Item item = zset_.at_rank(position);
    return {item.member, item.score};
  }
  const Ranking::Item& item = *zset_.small_.large().items.at(position).key.item;
  return {item.member(), item.score()};
}

size_t Zset::memory_bytes() const {
  const size_t piece = heap_bytes(small_.bytes().size());
  if (!small_.is_large()) return piece;
  return piece + small_.large().items.memory_bytes() + small_.large().order.memory_bytes();
}

}  // namespace powercut::engine
