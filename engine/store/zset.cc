#include "engine/store/zset.h"

#include <cmath>
#include <cstring>
#include <string>
#include <utility>

namespace powercut::engine {

// --- Packed ---

Zset::Item Zset::item_at(size_t offset) const {
  Item item{packed_.string_at(offset), 0};
  std::memcpy(&item.score, packed_.at(packed_.behind(offset)), sizeof(double));
  return item;
}

size_t Zset::offset_of(size_t rank) const {
  if (rank < place_) place_ = offset_ = 0;
  for (; place_ < rank; ++place_) offset_ = static_cast<uint16_t>(end_of(offset_));
  return offset_;
}

void Zset::changed(int count) {
  count_ = static_cast<uint16_t>(count_ + count);
  place_ = offset_ = 0;
}

void Zset::places(uint16_t* offsets, size_t count) const {
  size_t offset = 0;
  for (size_t i = 0; i < count; ++i, offset = end_of(offset))
    offsets[i] = static_cast<uint16_t>(offset);
}

size_t Zset::find_packed(std::string_view member) const {
  size_t offset = 0;
  while (offset < packed_.size() && packed_.string_at(offset) != member) offset = end_of(offset);
  return offset;
}

void Zset::insert_packed(std::string_view member, double score) {
  size_t offset = 0;
  for (; offset < packed_.size(); offset = end_of(offset)) {
    const Item item = item_at(offset);
    if (item.score > score || (item.score == score && item.member > member)) break;
  }
  char* to = packed_.open(offset, Packed::bytes_of(member) + sizeof(double));
  to = Packed::put(to, member);
  std::memcpy(to, &score, sizeof(double));
  changed(1);
}

void Zset::unpack() {
  large_ = std::make_unique<Large>();
  for (size_t offset = 0; offset < packed_.size(); offset = end_of(offset)) {
    const Item item = item_at(offset);
    set_large(item.member, item.score);
  }
  CHECK(large_->scores.size() == count_);
  packed_ = Packed();
  changed(-count_);
}

// --- Either ---

std::optional<double> Zset::score(std::string_view member) const {
  if (large_ == nullptr) {
    const size_t offset = find_packed(member);
    if (offset == packed_.size()) return std::nullopt;
    return item_at(offset).score;
  }
  const auto* entry = large_->scores.find(member);
  if (entry == nullptr) return std::nullopt;
  return entry->value;
}

bool Zset::set(std::string_view member, double score) {
  CHECK(!std::isnan(score));
  score += 0.0;  // of the two zeros, the positive one
  if (large_ != nullptr) return set_large(member, score);
  const std::string copy(member);  // it may be a view into what moves
  const size_t offset = find_packed(copy);
  const bool is_new = offset == packed_.size();
  if (copy.size() > kLongestPacked || (is_new && count_ == kMostPacked)) {
    unpack();
    return set_large(copy, score);
  }
  if (!is_new) {
    if (item_at(offset).score == score) return false;
    packed_.close(offset, end_of(offset) - offset);
    changed(-1);
  }
  insert_packed(copy, score);
  return is_new;
}

bool Zset::set_large(std::string_view member, double score) {
  auto [entry, is_new] = large_->scores.insert(member);
  if (is_new) {
    large_->order.insert(score, member);
  } else if (entry->value != score) {
    large_->order.move(entry->value, member, score);
  } else {
    return false;
  }
  CHECK(large_->scores.size() == large_->order.size());
  entry->value = score;
  return is_new;
}

bool Zset::erase(std::string_view member) {
  if (large_ == nullptr) {
    const size_t offset = find_packed(member);
    if (offset == packed_.size()) return false;
    packed_.close(offset, end_of(offset) - offset);
    changed(-1);
    return true;
  }
  const auto* entry = large_->scores.find(member);
  if (entry == nullptr) return false;
  const double score = entry->value;
  // The map first: `member` may be a view into the node.
  large_->scores.erase(member);
  large_->order.erase(score, member);
  CHECK(large_->scores.size() == large_->order.size());
  return true;
}

std::optional<size_t> Zset::rank(std::string_view member) const {
  if (large_ == nullptr) {
    const size_t before = count_while([&](const Item& item) { return item.member != member; });
    return before == count_ ? std::nullopt : std::optional(before);
  }
  const auto* entry = large_->scores.find(member);
  if (entry == nullptr) return std::nullopt;
  const size_t rank = large_->order.rank(entry->value, member);
  CHECK(rank < size());
  return rank;
}

Zset::Item Zset::at_rank(size_t rank) const {
  CHECK(rank < size());
  if (large_ == nullptr) return item_at(offset_of(rank));
  const Skiplist::Node* node = large_->order.at(rank);
  return {node->member(), node->score()};
}

size_t Zset::count_below(double score, bool or_equal) const {
  if (large_ != nullptr) return large_->order.count_below(score, or_equal);
  return count_while(
      [&](const Item& item) { return item.score < score || (or_equal && item.score == score); });
}

size_t Zset::count_below_lex(std::string_view member, bool or_equal) const {
  if (large_ != nullptr) return large_->order.count_below_lex(member, or_equal);
  return count_while([&](const Item& item) {
    return item.member < member || (or_equal && item.member == member);
  });
}

Zset::Entries::Item Zset::Entries::at(size_t position) const {
  if (packed()) {
    const Zset::Item item = zset_.at_rank(position);
    return {item.member, item.score};
  }
  const auto& entry = zset_.large_->scores.at(position);
  return {entry.key, entry.value};
}

size_t Zset::memory_bytes() const {
  const size_t own = heap_bytes(sizeof(Zset));
  if (large_ == nullptr) return own + heap_bytes(packed_.size());
  return own + heap_bytes(sizeof(Large)) + large_->scores.memory_bytes() +
         large_->order.memory_bytes();
}

}  // namespace powercut::engine
