// An indexable skiplist of (score, member): every link knows how many items it passes, so ranks are
// O(log n).
//
// A node's height comes from a hash of its member, so equal contents have equal shapes, whatever
// their history. Nodes own their members: the bytes lie behind the links, in one allocation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace powercut::engine {

class Skiplist {
 public:
  class Node;

  Skiplist() = default;
  Skiplist(Skiplist&& other) noexcept { swap(other); }
  Skiplist& operator=(Skiplist&& other) noexcept {
    swap(other);
    return *this;
  }
  ~Skiplist();

  size_t size() const { return size_; }
  // The node stays where it is until the item is erased. REQUIRES: the item is not there.
  const Node* insert(double score, std::string_view member);
  // REQUIRES: the item is there.
  void erase(double score, std::string_view member);
  // Gives the item another score. REQUIRES: the item is there.
  void move(double score, std::string_view member, double new_score);

  // The node of a rank. REQUIRES: rank < size().
  const Node* at(size_t rank) const;
  // How many items are before (score, member).
  size_t rank(double score, std::string_view member) const;
  // How many items have a lower score (or an equal one, with or_equal).
  size_t count_below(double score, bool or_equal) const;
  // The same by member. REQUIRES: all scores are equal, for the answer to mean anything.
  size_t count_below_lex(std::string_view member, bool or_equal) const;

  // Heap bytes, members included.
  size_t memory_bytes() const;

 private:
  static constexpr size_t kMaxHeight = 20;  // 1 in 4 nodes rises: enough for 4^20 items
  struct Link {
    Node* next = nullptr;
    size_t span =
        0;  // items from here to next inclusive; without a next, the items behind this one
  };
  // Where the search for an item turned down at each level; nullptr is the head.
  struct Path {
    Node* nodes[kMaxHeight];
    size_t ranks[kMaxHeight];  // items up to and including the node
  };

  static size_t height_of(std::string_view member);
  Link* links(Node* node) { return node == nullptr ? head_.data() : node_links(node); }
  const Link* links(const Node* node) const {
    return const_cast<Skiplist*>(this)->links(const_cast<Node*>(node));
  }
  static Link* node_links(Node* node);

  Path find_path(double score, std::string_view member);
  template <class Passes>
  size_t count_while(Passes&& passes) const;
  void link(Node* node);
  Node* unlink(double score, std::string_view member);
  void swap(Skiplist& other) noexcept;

  std::vector<Link> head_;  // as high as the highest node
  size_t size_ = 0;
  size_t node_bytes_ = 0;
};

class Skiplist::Node {
 public:
  double score() const { return score_; }
  std::string_view member() const {
    return {reinterpret_cast<const char*>(links() + height_), member_size_};
  }
  const Node* next() const { return links()[0].next; }
  const Node* previous() const { return previous_; }

 private:
  friend class Skiplist;
  const Link* links() const { return reinterpret_cast<const Link*>(this + 1); }
  static size_t bytes(size_t height, size_t member_size) {
    return sizeof(Node) + height * sizeof(Link) + member_size;
  }

  double score_;
  Node* previous_;
  uint32_t member_size_;
  uint32_t height_;
};

}  // namespace powercut::engine
