// Items in the order of (score, member), with their ranks: a B+-tree whose inner nodes know how many items stand below each
// child. A search looks at few cache lines: scores lie side by side, and an item is only looked at where its score is equal.
//
// Items are one allocation each, and stay where they are until they are erased.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace powercut::engine {

class Ranking {
 public:
  class Item {
   public:
    double score() const { return score_; }
    std::string_view member() const {
      return {reinterpret_cast<const char*>(this) + kHead, member_size_};
    }

   private:
    friend class Ranking;
    // The member's bytes begin there.
    static constexpr size_t kHead = sizeof(double) + sizeof(uint32_t);
    static size_t bytes(size_t member_size);
    double score_;
    uint32_t member_size_;
  };

 private:
  struct Leaf;

 public:
  // An item by its place; valid until the ranking changes.
  class Cursor {
   public:
    const Item& operator*() const;
    // Behind the last item, and before the first, is none.
    bool valid() const { return leaf_ != nullptr; }
    void next();
    void previous();

   private:
    friend class Ranking;
    Cursor(const Leaf* leaf, size_t index) : leaf_(leaf), index_(index) {}
    const Leaf* leaf_;
    size_t index_;
  };

  Ranking() = default;
  Ranking(Ranking&& other) noexcept { swap(other); }
  Ranking& operator=(Ranking&& other) noexcept {
    swap(other);
    return *this;
  }
  ~Ranking();

  size_t size() const { return size_; }
  // REQUIRES: the item is not there.
  const Item& insert(double score, std::string_view member);
  // REQUIRES: the item is there. `member` may be its own.
  void erase(double score, std::string_view member);
  // Gives the item another score. REQUIRES: the item is there.
  void move(double score, std::string_view member, double new_score);

  // The item of a rank. REQUIRES: rank < size().
  Cursor at(size_t rank) const;
  // How many items are before (score, member).
  size_t rank(double score, std::string_view member) const;
  // How many items have a lower score (or an equal one, with or_equal).
  size_t count_below(double score, bool or_equal) const;
  // The same by member. REQUIRES: all scores are equal, for the answer to mean anything.
  size_t count_below_lex(std::string_view member, bool or_equal) const;

  // Heap bytes, members included. What was there before may show: a node that is half empty takes as much as a full one.
  size_t memory_bytes() const { return item_bytes_ + node_bytes_; }

 private:
  struct Node {
    uint32_t count = 0;  // of its items, or children
  };
  struct Inner;
  struct Place;

  template <class IsBefore>
  size_t count_while(const IsBefore& is_before) const;

  // --- Nodes; those of height 0 are leaves ---
  Leaf* new_leaf(size_t capacity);
  Inner* new_inner();
  void free_node(Node* node, size_t height);
  void free_with_items(Node* node, size_t height);
  Leaf* grown(Leaf* leaf);

  // --- Changes; what is put or taken has its score ---
  void put(Item* item);
  // Below `node`, which may become another one; the one that now stands behind it, if it was split.
  Node* put_below(Node*& node, size_t height, Item* item);
  Node* put_in_leaf(Node*& node, Item* item);
  Node* put_child(Inner& inner, size_t index, Node* child, size_t height);
  Item* take(const Place& place);
  Item* take_below(Node* node, size_t height, const Place& place);
  void fill_up(Inner& inner, size_t index, size_t height);
  void lower_root();
  static void note_child(Inner& inner, size_t index, size_t height);
  void swap(Ranking& other) noexcept;

  Node* root_ = nullptr;
  size_t height_ = 0;
  size_t size_ = 0;
  size_t item_bytes_ = 0;
  size_t node_bytes_ = 0;
};

}  // namespace powercut::engine
