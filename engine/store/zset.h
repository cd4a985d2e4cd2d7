// A sorted set: members with scores, ordered by (score, member), with ranks.
//
// Scores are doubles and never NaN; -0.0 becomes 0.0, so equal contents are equal to the bit. Ranks
// count from 0 in ascending order.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "engine/base/check.h"
#include "engine/store/packed.h"
#include "engine/store/ranking.h"
#include "engine/store/slab_map.h"

namespace powercut::engine {

class Zset {
 public:
  size_t size() const { return small_.is_large() ? small_.large().order.size() : small_.count(); }
  std::optional<double> score(std::string_view member) const;
  // Adds the member or moves it to `score`; true if it is new. `member` may be an Item's.
  bool set(std::string_view member, double score, const EncodingLimits& limits = {});
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
    if (!small_.is_large()) {
      for (const uint16_t offset : places(first, last, reverse))
        if (!f(item_at(offset))) return;
      return;
    }
    Ranking::Cursor at = small_.large().order.at(reverse ? last : first);
    for (size_t left = last - first + 1; left > 0; --left) {
      const Ranking::Item& item = *at;
      if (!f(Item{item.member(), item.score()})) return;
      reverse ? at.previous() : at.next();
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
    bool packed() const { return !zset_.small_.is_large(); }
    Item at(size_t position) const;

   private:
    const Zset& zset_;
  };
  Entries entries() const { return Entries(*this); }
  Zset clone() const;
  size_t memory_bytes() const;

 private:
  // A member is in its item of the ranking alone.
  struct ItemKey {
    const Ranking::Item* item = nullptr;
    operator std::string_view() const { return item->member(); }  // NOLINT: it is one
    void assign(std::string_view) {}
    friend bool operator==(const ItemKey& a, std::string_view b) { return a.item->member() == b; }
    friend size_t heap_bytes(const ItemKey&) { return 0; }
  };
  struct NoValue {};
  struct Large {
    SlabMap<NoValue, ItemKey> items;
    Ranking order;
  };

  // --- Packed: members with their scores behind them, in order ---
  Item item_at(size_t offset) const;
  size_t end_of(size_t offset) const;
  // Of the ranks first..last.
  std::vector<uint16_t> places(size_t first, size_t last, bool reverse) const;
  size_t find_packed(std::string_view member) const;  // the end, if it is not there
  void insert_packed(std::string_view member, double score);
  // How many stand before the first for which f(Item) is false. REQUIRES: none behind it is true.
  template <class F>
  size_t count_while(F&& f) const {
    const size_t end = small_.bytes().size();
    size_t count = 0;
    for (size_t offset = 0; offset < end && f(item_at(offset)); offset = end_of(offset)) ++count;
    return count;
  }
  void unpack();
  bool set_large(std::string_view member, double score);

  Small<Large> small_;
};

}  // namespace powercut::engine
