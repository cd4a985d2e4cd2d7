// A sorted set: members with scores, ordered by (score, member), with ranks.
//
// Scores are doubles and never NaN; -0.0 becomes 0.0, so equal contents are equal to the bit. Ranks
// count from 0 in ascending order.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "engine/base/check.h"
#include "engine/store/packed.h"
#include "engine/store/skiplist.h"
#include "engine/store/slab_map.h"

namespace powercut::engine {

class Zset {
 public:
  Zset() = default;
  size_t size() const { return large_ == nullptr ? count_ : large_->scores.size(); }
  std::optional<double> score(std::string_view member) const;
  // Adds the member or moves it to `score`; true if it is new. `member` may be an Item's.
  bool set(std::string_view member, double score);
  bool erase(std::string_view member);
  std::optional<size_t> rank(std::string_view member) const;

  struct Item {
    std::string_view member;  // valid until the set changes
    double score = 0;
  };
  // The item of a rank; O(log n). REQUIRES: rank < size().
  Item at_rank(size_t rank) const;
  // Calls f(Item) for ranks first..last inclusive in order (or from last to first when reverse);
  // stops when f returns false. REQUIRES: first <= last < size(); f does not change the set.
  template <class F>
  void for_ranks(size_t first, size_t last, bool reverse, F&& f) const {
    CHECK(first <= last && last < size());
    if (large_ == nullptr) {
      uint16_t offsets[kMostPacked];
      places(offsets, last + 1);
      for (size_t n = 0; n <= last - first; ++n)
        if (!f(item_at(offsets[reverse ? last - n : first + n]))) return;
      return;
    }
    const Skiplist::Node* node = large_->order.at(reverse ? last : first);
    for (size_t left = last - first + 1; left > 0; --left) {
      CHECK(node != nullptr);
      if (!f(Item{node->member(), node->score()})) return;
      node = reverse ? node->previous() : node->next();
    }
  }

  // How many items are before the first with score >= s (or > s, with or_equal): the rank where
  // such a range begins.
  size_t count_below(double score, bool or_equal) const;
  // The same by member, for sets whose scores are all equal (the LEX commands).
  size_t count_below_lex(std::string_view member, bool or_equal) const;

  // Members at dense positions, for ZSCAN and ZRANDMEMBER: in no order, or in that of the ranks while packed.
  class Entries {
   public:
    struct Item {
      std::string_view key;
      double value;
    };
    explicit Entries(const Zset& zset) : zset_(zset) {}
    size_t size() const { return zset_.size(); }
    bool packed() const { return zset_.large_ == nullptr; }
    Item at(size_t position) const;

   private:
    const Zset& zset_;
  };
  Entries entries() const { return Entries(*this); }
  size_t memory_bytes() const;

 private:
  struct Large {
    SlabMap<double> scores;
    Skiplist order;
  };

  // --- Packed: members with their scores behind them, in order ---
  Item item_at(size_t offset) const;
  // From where it was looked last, so that a walk from rank to rank is one.
  size_t offset_of(size_t rank) const;
  void changed(int count);
  size_t end_of(size_t offset) const { return packed_.behind(offset) + sizeof(double); }
  // Of the first `count` ranks.
  void places(uint16_t* offsets, size_t count) const;
  size_t find_packed(std::string_view member) const;  // the end, if it is not there
  void insert_packed(std::string_view member, double score);
  // How many stand before the first for which f(Item) is false. REQUIRES: none behind it is true.
  template <class F>
  size_t count_while(F&& f) const {
    size_t count = 0;
    for (size_t offset = 0; offset < packed_.size() && f(item_at(offset)); offset = end_of(offset))
      ++count;
    return count;
  }
  void unpack();
  bool set_large(std::string_view member, double score);

  static_assert(kMostPacked * (1 + kLongestPacked + sizeof(double)) <= UINT16_MAX);
  Packed packed_;
  uint16_t count_ = 0;           // while packed
  mutable uint16_t place_ = 0;   // a rank,
  mutable uint16_t offset_ = 0;  // and where it is
  std::unique_ptr<Large> large_;
};

}  // namespace powercut::engine
