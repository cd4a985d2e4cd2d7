#include "engine/store/ranking.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <numeric>
#include <utility>

#include "engine/base/check.h"
#include "engine/store/slab_map.h"

namespace powercut::engine {

namespace {

constexpr size_t kMost = 32;        // items of a leaf, children of an inner node
constexpr size_t kFew = kMost / 4;  // with fewer, a node is filled up
// Two become one only where that leaves room, or the next insertion would part them again.
constexpr size_t kRoomy = kMost * 3 / 4;
constexpr size_t kFirstLeaf = 4;  // the only leaf grows with its items

// Of `count` items in order, how many are before: f(score, item) is true of those.
template <class Item, class IsBefore>
size_t count_before(const double* scores, const Item* const* items, size_t count,
                    const IsBefore& is_before) {
  constexpr size_t kLine = 64 / sizeof(double);
  for (size_t i = 0; i < count; i += kLine)
    __builtin_prefetch(scores + i);  // all at once, not one by one
  size_t low = 0;
  for (size_t high = count; low < high;) {
    const size_t middle = (low + high) / 2;
    if (is_before(scores[middle], items[middle]))
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

template <class N>
void open_slot(N& node, size_t index) {
  CHECK(index <= node.count);
  N::each_pair(node, node, [&](auto* slots, auto*) {
    std::copy_backward(slots + index, slots + node.count, slots + node.count + 1);
  });
  ++node.count;
}

template <class N>
void close_slot(N& node, size_t index) {
  CHECK(index < node.count);
  N::each_pair(node, node, [&](auto* slots, auto*) {
    std::copy(slots + index + 1, slots + node.count, slots + index);
  });
  --node.count;
}

// What the two have is divided anew: the left one has `to_left` of it.
template <class N>
void divide(N& left, N& right, size_t to_left) {
  const size_t total = left.count + right.count;
  CHECK(to_left <= std::min(total, kMost) && total - to_left <= kMost);
  N::each_pair(left, right, [&](auto* of_left, auto* of_right) {
    if (to_left > left.count) {
      const size_t moved = to_left - left.count;
      std::copy(of_right, of_right + moved, of_left + left.count);
      std::copy(of_right + moved, of_right + right.count, of_right);
    } else {
      std::copy_backward(of_right, of_right + right.count, of_right + (total - to_left));
      std::copy(of_left + to_left, of_left + left.count, of_right);
    }
  });
  left.count = static_cast<uint32_t>(to_left);
  right.count = static_cast<uint32_t>(total - to_left);
}

}  // namespace

struct Ranking::Leaf : Node {
  uint32_t capacity;  // kMost, but of the only one
  Leaf* before;
  Leaf* behind;

  static size_t bytes(size_t capacity) {
    return sizeof(Leaf) + capacity * (sizeof(double) + sizeof(Item*));
  }
  double* scores() { return reinterpret_cast<double*>(this + 1); }
  Item** items() { return reinterpret_cast<Item**>(scores() + capacity); }
  const Item* item(size_t index) const { return const_cast<Leaf*>(this)->items()[index]; }

  template <class F>
  static void each_pair(Leaf& a, Leaf& b, F&& f) {
    f(a.scores(), b.scores());
    f(a.items(), b.items());
  }
};

struct Ranking::Inner : Node {
  // The first item below each child, and how many are below it.
  double scores[kMost];
  const Item* firsts[kMost];
  uint32_t sizes[kMost];
  Node* children[kMost];

  template <class F>
  static void each_pair(Inner& a, Inner& b, F&& f) {
    f(a.scores, b.scores);
    f(a.firsts, b.firsts);
    f(a.sizes, b.sizes);
    f(a.children, b.children);
  }
  // Below which is the last item that is before, or would be.
  template <class IsBefore>
  size_t child_of(const IsBefore& is_before) const {
    return count_before(scores + 1, firsts + 1, count - 1, is_before);
  }
};

struct Ranking::Place {
  double score;
  std::string_view member;

  explicit Place(const Item* item) : score(item->score()), member(item->member()) {}
  Place(double of, std::string_view who) : score(of), member(who) {}

  auto is_behind() const {
    return [this](double other, const Item* item) {
      return other < score || (other == score && item->member() < member);
    };
  }
  auto is_behind_or_at() const {
    return [this](double other, const Item* item) {
      return other < score || (other == score && item->member() <= member);
    };
  }
};

size_t Ranking::Item::bytes(size_t member_size) {
  return std::max(sizeof(Item), kHead + member_size);
}

// --- Looks ---

const Ranking::Item& Ranking::Cursor::operator*() const {
  CHECK(valid() && index_ < leaf_->count);
  return *leaf_->item(index_);
}

void Ranking::Cursor::next() {
  if (++index_ < leaf_->count) return;
  leaf_ = leaf_->behind;
  index_ = 0;
}

void Ranking::Cursor::previous() {
  if (index_-- > 0) return;
  leaf_ = leaf_->before;
  index_ = leaf_ == nullptr ? 0 : leaf_->count - 1;
}

Ranking::Cursor Ranking::at(size_t rank) const {
  CHECK(rank < size_);
  const Node* node = root_;
  for (size_t height = height_; height > 0; --height) {
    const Inner& inner = *static_cast<const Inner*>(node);
    size_t child = 0;
    for (; rank >= inner.sizes[child]; ++child) rank -= inner.sizes[child];
    CHECK(child < inner.count);
    node = inner.children[child];
  }
  return {static_cast<const Leaf*>(node), rank};
}

template <class IsBefore>
size_t Ranking::count_while(const IsBefore& is_before) const {
  if (root_ == nullptr) return 0;
  Node* node = root_;
  size_t before = 0;
  for (size_t height = height_; height > 0; --height) {
    const Inner& inner = *static_cast<const Inner*>(node);
    const size_t child = inner.child_of(is_before);
    before = std::accumulate(inner.sizes, inner.sizes + child, before);
    node = inner.children[child];
  }
  Leaf& leaf = *static_cast<Leaf*>(node);
  return before + count_before(leaf.scores(), leaf.items(), leaf.count, is_before);
}

size_t Ranking::rank(double score, std::string_view member) const {
  return count_while(Place(score, member).is_behind());
}

size_t Ranking::count_below(double score, bool or_equal) const {
  return count_while(
      [&](double other, const Item*) { return other < score || (or_equal && other == score); });
}

size_t Ranking::count_below_lex(std::string_view member, bool or_equal) const {
  return count_while([&](double, const Item* item) {
    return or_equal ? item->member() <= member : item->member() < member;
  });
}

// --- Nodes ---

Ranking::Leaf* Ranking::new_leaf(size_t capacity) {
  Leaf* leaf = new (::operator new(Leaf::bytes(capacity))) Leaf;
  leaf->capacity = static_cast<uint32_t>(capacity);
  leaf->before = leaf->behind = nullptr;
  node_bytes_ += heap_bytes(Leaf::bytes(capacity));
  return leaf;
}

Ranking::Inner* Ranking::new_inner() {
  node_bytes_ += heap_bytes(sizeof(Inner));
  return new Inner;
}

void Ranking::free_node(Node* node, size_t height) {
  if (height > 0) {
    node_bytes_ -= heap_bytes(sizeof(Inner));
    delete static_cast<Inner*>(node);
    return;
  }
  Leaf* leaf = static_cast<Leaf*>(node);
  if (leaf->before != nullptr) leaf->before->behind = leaf->behind;
  if (leaf->behind != nullptr) leaf->behind->before = leaf->before;
  node_bytes_ -= heap_bytes(Leaf::bytes(leaf->capacity));
  ::operator delete(leaf);
}

void Ranking::free_with_items(Node* node, size_t height) {
  if (height > 0) {
    const Inner& inner = *static_cast<Inner*>(node);
    for (size_t i = 0; i < inner.count; ++i) free_with_items(inner.children[i], height - 1);
  } else {
    Leaf& leaf = *static_cast<Leaf*>(node);
    for (size_t i = 0; i < leaf.count; ++i) ::operator delete(leaf.items()[i]);
  }
  free_node(node, height);
}

Ranking::~Ranking() {
  if (root_ != nullptr) free_with_items(root_, height_);
}

void Ranking::swap(Ranking& other) noexcept {
  std::swap(root_, other.root_);
  std::swap(height_, other.height_);
  std::swap(size_, other.size_);
  std::swap(item_bytes_, other.item_bytes_);
  std::swap(node_bytes_, other.node_bytes_);
}

// REQUIRES: it is the only one.
Ranking::Leaf* Ranking::grown(Leaf* leaf) {
  CHECK(leaf->before == nullptr && leaf->behind == nullptr && leaf->capacity < kMost);
  Leaf* larger = new_leaf(leaf->capacity * 2);
  divide(*larger, *leaf, leaf->count);
  free_node(leaf, 0);
  return larger;
}

// What an inner node knows of a child.
void Ranking::note_child(Inner& inner, size_t index, size_t height) {
  Node* child = inner.children[index];
  CHECK(child->count > 0);
  if (height > 1) {
    const Inner& below = *static_cast<Inner*>(child);
    inner.scores[index] = below.scores[0];
    inner.firsts[index] = below.firsts[0];
    inner.sizes[index] = std::accumulate(below.sizes, below.sizes + below.count, uint32_t{0});
  } else {
    Leaf& below = *static_cast<Leaf*>(child);
    inner.scores[index] = below.scores()[0];
    inner.firsts[index] = below.items()[0];
    inner.sizes[index] = below.count;
  }
}

// --- Changes ---

const Ranking::Item& Ranking::insert(double score, std::string_view member) {
  CHECK(member.size() <= UINT32_MAX);
  CHECK(size_ < UINT32_MAX);
  const size_t bytes = Item::bytes(member.size());
  Item* item = new (::operator new(bytes)) Item;
  item->score_ = score;
  item->member_size_ = static_cast<uint32_t>(member.size());
  if (!member.empty())
    std::memcpy(reinterpret_cast<char*>(item) + Item::kHead, member.data(), member.size());
  item_bytes_ += heap_bytes(bytes);
  put(item);
  return *item;
}

void Ranking::erase(double score, std::string_view member) {
  Item* item = take({score, member});
  item_bytes_ -= heap_bytes(Item::bytes(item->member_size_));
  ::operator delete(item);
  CHECK(size_ > 0 || (item_bytes_ == 0 && node_bytes_ == 0));
}

void Ranking::move(double score, std::string_view member, double new_score) {
  Item* item = take({score, member});
  item->score_ = new_score;
  put(item);
}

void Ranking::put(Item* item) {
  if (root_ == nullptr) root_ = new_leaf(kFirstLeaf);
  if (Node* behind = put_below(root_, height_, item); behind != nullptr) {
    Inner* top = new_inner();
    top->count = 2;
    top->children[0] = root_;
    top->children[1] = behind;
    root_ = top;
    ++height_;
    for (const size_t child : {0, 1}) note_child(*top, child, height_);
  }
  ++size_;
}

Ranking::Node* Ranking::put_below(Node*& node, size_t height, Item* item) {
  if (height == 0) return put_in_leaf(node, item);
  Inner& inner = *static_cast<Inner*>(node);
  const size_t child = inner.child_of(Place(item).is_behind());
  Node* behind = put_below(inner.children[child], height - 1, item);
  note_child(inner, child, height);
  return behind == nullptr ? nullptr : put_child(inner, child + 1, behind, height);
}

// Where items come in order, full leaves stay full.
Ranking::Node* Ranking::put_in_leaf(Node*& node, Item* item) {
  Leaf* leaf = static_cast<Leaf*>(node);
  size_t index = count_before(leaf->scores(), leaf->items(), leaf->count, Place(item).is_behind());
  CHECK(index == leaf->count || leaf->scores()[index] != item->score_ ||
        leaf->item(index)->member() != item->member());
  if (leaf->count == leaf->capacity && leaf->capacity < kMost) node = leaf = grown(leaf);
  Leaf* behind = nullptr;
  if (leaf->count == kMost) {
    behind = new_leaf(kMost);
    behind->before = leaf;
    behind->behind = leaf->behind;
    if (leaf->behind != nullptr) leaf->behind->before = behind;
    leaf->behind = behind;
    const bool is_last = index == kMost && behind->behind == nullptr;
    divide(*leaf, *behind, is_last ? kMost : kMost / 2);
    if (index > leaf->count || is_last) {
      index -= leaf->count;
      leaf = behind;
    }
  }
  open_slot(*leaf, index);
  leaf->scores()[index] = item->score_;
  leaf->items()[index] = item;
  return behind;
}

Ranking::Node* Ranking::put_child(Inner& inner, size_t index, Node* child, size_t height) {
  Inner* to = &inner;
  Inner* behind = nullptr;
  if (inner.count == kMost) {
    behind = new_inner();
    const bool is_last = index == kMost;
    divide(inner, *behind, is_last ? kMost : kMost / 2);
    if (index > inner.count || is_last) {
      index -= inner.count;
      to = behind;
    }
  }
  open_slot(*to, index);
  to->children[index] = child;
  note_child(*to, index, height);
  return behind;
}

Ranking::Item* Ranking::take(const Place& place) {
  CHECK(size_ > 0);
  Item* item = take_below(root_, height_, place);
  --size_;
  lower_root();
  return item;
}

Ranking::Item* Ranking::take_below(Node* node, size_t height, const Place& place) {
  if (height == 0) {
    Leaf& leaf = *static_cast<Leaf*>(node);
    const size_t index = count_before(leaf.scores(), leaf.items(), leaf.count, place.is_behind());
    CHECK(index < leaf.count && leaf.scores()[index] == place.score &&
          leaf.item(index)->member() == place.member);
    Item* item = leaf.items()[index];
    close_slot(leaf, index);
    return item;
  }
  Inner& inner = *static_cast<Inner*>(node);
  const size_t child = inner.child_of(place.is_behind_or_at());
  Item* item = take_below(inner.children[child], height - 1, place);
  if (inner.children[child]->count < kFew)
    fill_up(inner, child, height);
  else
    note_child(inner, child, height);
  return item;
}

// From its neighbour, or into it. A child that has none, and nothing, goes.
void Ranking::fill_up(Inner& inner, size_t index, size_t height) {
  const size_t left = index > 0 ? index - 1 : index;
  const size_t right = left + 1;
  if (right < inner.count) {
    Node* a = inner.children[left];
    Node* b = inner.children[right];
    const size_t total = a->count + b->count;
    const size_t to_left = total <= kRoomy ? total : total / 2;
    if (height > 1)
      divide(*static_cast<Inner*>(a), *static_cast<Inner*>(b), to_left);
    else
      divide(*static_cast<Leaf*>(a), *static_cast<Leaf*>(b), to_left);
    if (b->count > 0) {
      note_child(inner, right, height);
    } else {
      free_node(b, height - 1);
      close_slot(inner, right);
    }
  } else if (inner.children[left]->count == 0) {
    free_node(inner.children[left], height - 1);
    return close_slot(inner, left);
  }
  note_child(inner, left, height);
}

void Ranking::lower_root() {
  while (height_ > 0 && root_->count <= 1) {
    Inner* root = static_cast<Inner*>(root_);
    root_ = root->count == 1 ? root->children[0] : nullptr;
    free_node(root, height_);
    height_ = root_ == nullptr ? 0 : height_ - 1;
  }
  if (size_ > 0 || root_ == nullptr) return;
  free_node(root_, 0);
  root_ = nullptr;
}

}  // namespace powercut::engine
