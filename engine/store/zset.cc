#include "engine/store/zset.h"

#include <cmath>

namespace powercut::engine {

std::optional<double> Zset::score(std::string_view member) const {
  const auto* entry = scores_.find(member);
  if (entry == nullptr) return std::nullopt;
  return entry->value;
}

bool Zset::set(std::string_view member, double score) {
  CHECK(!std::isnan(score));
  score += 0.0;  // of the two zeros, the positive one
  auto [entry, is_new] = scores_.insert(member);
  if (is_new) {
    order_.insert(score, member);
  } else if (entry->value != score) {
    order_.move(entry->value, member, score);
  } else {
    return false;
  }
  CHECK(scores_.size() == order_.size());
  entry->value = score;
  return is_new;
}

bool Zset::erase(std::string_view member) {
  const auto* entry = scores_.find(member);
  if (entry == nullptr) return false;
  const double score = entry->value;
  // The map first: `member` may be a view into the node.
  scores_.erase(member);
  order_.erase(score, member);
  CHECK(scores_.size() == order_.size());
  return true;
}

std::optional<size_t> Zset::rank(std::string_view member) const {
  const auto* entry = scores_.find(member);
  if (entry == nullptr) return std::nullopt;
  const size_t rank = order_.rank(entry->value, member);
  CHECK(rank < size());
  return rank;
}

size_t Zset::memory_bytes() const {
  return sizeof(Zset) + scores_.memory_bytes() + order_.memory_bytes();
}

}  // namespace powercut::engine
