// A sorted set: members with scores, ordered by (score, member), with ranks.
//
// Scores are doubles and never NaN; -0.0 becomes 0.0, so equal contents are equal to the bit. Ranks
// count from 0 in ascending order.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/check.h"
#include "engine/store/skiplist.h"
#include "engine/store/slab_map.h"

namespace powercut::engine {

class Zset {
 public:
  size_t size() const { return scores_.size(); }
  std::optional<double> score(std::string_view member) const;
  // Adds the member or moves it to `score`; true if it is new.
  bool set(std::string_view member, double score);
  // `member` may be an Item's, not a key of entries().
  bool erase(std::string_view member);
  std::optional<size_t> rank(std::string_view member) const;

  struct Item {
    std::string_view member;  // valid until the set changes
    double score = 0;
  };
  // The item of a rank; O(log n). REQUIRES: rank < size().
  Item at_rank(size_t rank) const {
    const Skiplist::Node* node = order_.at(rank);
    return {node->member(), node->score()};
  }
  // Calls f(Item) for ranks first..last inclusive in order (or from last to first when reverse);
  // stops when f returns false. REQUIRES: first <= last < size(); f does not change the set.
  template <class F>
  void for_ranks(size_t first, size_t last, bool reverse, F&& f) const {
    CHECK(first <= last && last < size());
    const Skiplist::Node* node = order_.at(reverse ? last : first);
    for (size_t left = last - first + 1; left > 0; --left) {
      CHECK(node != nullptr);
      if (!f(Item{node->member(), node->score()})) return;
      node = reverse ? node->previous() : node->next();
    }
  }

  // How many items are before the first with score >= s (or > s, with or_equal): the rank where
  // such a range begins.
  size_t count_below(double score, bool or_equal) const {
    return order_.count_below(score, or_equal);
  }
  // The same by member, for sets whose scores are all equal (the LEX commands).
  size_t count_below_lex(std::string_view member, bool or_equal) const {
    return order_.count_below_lex(member, or_equal);
  }

  // Members in dense slab order, for ZSCAN and ZRANDMEMBER.
  const SlabMap<double>& entries() const { return scores_; }
  size_t memory_bytes() const;

 private:
  SlabMap<double> scores_;
  Skiplist order_;
};

}  // namespace powercut::engine
