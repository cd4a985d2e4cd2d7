// A sorted set: members with scores, ordered by (score, member), with ranks.
//
// Scores are doubles and never NaN; -0.0 and 0.0 are one score. Ranks count from 0 in ascending order.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "engine/store/slab_map.h"

namespace powercut::engine {

class Skiplist;  // engine/store/skiplist.h: (score, member) in order, with spans

class Zset {
 public:
  Zset();
  Zset(Zset&&) noexcept;
  Zset& operator=(Zset&&) noexcept;
  ~Zset();

  size_t size() const { return scores_.size(); }
  std::optional<double> score(std::string_view member) const;
  // Adds the member or moves it to `score`; true if it is new.
  bool set(std::string_view member, double score);
  bool erase(std::string_view member);
  std::optional<size_t> rank(std::string_view member) const;

  struct Item {
    std::string_view member;  // valid until the set changes
    double score = 0;
  };
  // The item of a rank; O(log n). REQUIRES: rank < size().
  Item at_rank(size_t rank) const;
  // Calls f(Item) for ranks first..last inclusive in order (or from last to first when reverse); stops when f
  // returns false. REQUIRES: first <= last < size().
  template <class F>
  void for_ranks(size_t first, size_t last, bool reverse, F&& f) const;

  // How many items are before the first with score >= s (or > s): the rank where such a range begins.
  size_t count_below(double score, bool or_equal) const;
  // The same by member, for sets whose scores are all equal (the LEX commands).
  size_t count_below_lex(std::string_view member, bool or_equal) const;

  // Members in dense slab order, for ZSCAN and ZRANDMEMBER.
  const SlabMap<double>& entries() const { return scores_; }
  size_t memory_bytes() const;

 private:
  SlabMap<double> scores_;
  std::unique_ptr<Skiplist> order_;
};

}  // namespace powercut::engine
