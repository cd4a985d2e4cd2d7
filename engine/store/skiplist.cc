#include "engine/store/skiplist.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <new>
#include <utility>

#include "engine/base/check.h"
#include "engine/base/hash.h"
#include "engine/store/slab_map.h"

namespace powercut::engine {

namespace {

constexpr uint64_t kHeightSeed =
    0x7a736574;  // apart from the hash map's, whose low bits pick cells

}  // namespace

Skiplist::~Skiplist() {
  const Node* node = head_.empty() ? nullptr : head_[0].next;
  while (node != nullptr) {
    const Node* next = node->next();
    ::operator delete(const_cast<Node*>(node));
    node = next;
  }
}

void Skiplist::swap(Skiplist& other) noexcept {
  std::swap(head_, other.head_);
  std::swap(size_, other.size_);
  std::swap(node_bytes_, other.node_bytes_);
}

size_t Skiplist::height_of(std::string_view member) {
  const auto zeros = static_cast<size_t>(std::countr_zero(hash_bytes(member, kHeightSeed)));
  return std::min(1 + zeros / 2, kMaxHeight);
}

Skiplist::Link* Skiplist::node_links(Node* node) { return reinterpret_cast<Link*>(node + 1); }

Skiplist::Path Skiplist::find_path(double score, std::string_view member) {
  Path path;
  Node* node = nullptr;
  size_t rank = 0;
  for (size_t level = head_.size(); level-- > 0;) {
    for (;;) {
      const Link& link = links(node)[level];
      if (link.next == nullptr || link.next->score_ > score ||
          (link.next->score_ == score && link.next->member() >= member)) {
        break;
      }
      rank += link.span;
      node = link.next;
    }
    path.nodes[level] = node;
    path.ranks[level] = rank;
  }
  return path;
}

void Skiplist::link(Node* node) {
  if (head_.empty()) head_.reserve(4);
  while (head_.size() < node->height_) head_.push_back({nullptr, size_});
  const Path path = find_path(node->score_, node->member());
  Link* own = node_links(node);
  for (size_t level = 0; level < head_.size(); ++level) {
    Link& before = links(path.nodes[level])[level];
    if (level >= node->height_) {
      ++before.span;
      continue;
    }
    const size_t passed = path.ranks[0] - path.ranks[level];
    CHECK(passed <= before.span);
    own[level] = {before.next, before.span - passed};
    before = {node, passed + 1};
  }
  node->previous_ = path.nodes[0];
  if (Node* next = own[0].next; next != nullptr) {
    CHECK(next->previous_ == node->previous_);
    CHECK(next->score_ != node->score_ || next->member() != node->member());
    next->previous_ = node;
  }
  ++size_;
}

Skiplist::Node* Skiplist::unlink(double score, std::string_view member) {
  const Path path = find_path(score, member);
  CHECK(!head_.empty());
  Node* node = links(path.nodes[0])[0].next;
  CHECK(node != nullptr && node->score_ == score && node->member() == member);
  CHECK(node->previous_ == path.nodes[0]);
  const Link* own = node_links(node);
  for (size_t level = 0; level < head_.size(); ++level) {
    Link& before = links(path.nodes[level])[level];
    CHECK(before.span > 0);
    if (level < node->height_) {
      before = {own[level].next, before.span + own[level].span - 1};
    } else {
      --before.span;
    }
  }
  if (own[0].next != nullptr) own[0].next->previous_ = node->previous_;
  while (!head_.empty() && head_.back().next == nullptr) head_.pop_back();
  --size_;
  return node;
}

const Skiplist::Node* Skiplist::insert(double score, std::string_view member) {
  CHECK(member.size() <= UINT32_MAX);
  const size_t height = height_of(member);
  const size_t bytes = Node::bytes(height, member.size());
  Node* node = new (::operator new(bytes)) Node;
  node->score_ = score;
  node->member_size_ = static_cast<uint32_t>(member.size());
  node->height_ = static_cast<uint32_t>(height);
  Link* own = node_links(node);
  for (size_t level = 0; level < height; ++level) new (own + level) Link;
  if (!member.empty()) {
    std::memcpy(reinterpret_cast<char*>(own + height), member.data(), member.size());
  }
  node_bytes_ += heap_bytes(bytes);
  link(node);
  return node;
}

void Skiplist::erase(double score, std::string_view member) {
  Node* node = unlink(score, member);
  node_bytes_ -= heap_bytes(Node::bytes(node->height_, node->member_size_));
  ::operator delete(node);
  CHECK(size_ > 0 || (head_.empty() && node_bytes_ == 0));
}

void Skiplist::move(double score, std::string_view member, double new_score) {
  Node* node = unlink(score, member);
  node->score_ = new_score;
  link(node);
}

// --- Ranks ---

const Skiplist::Node* Skiplist::at(size_t rank) const {
  CHECK(rank < size_);
  const Node* node = nullptr;
  size_t left = rank + 1;
  for (size_t level = head_.size(); level-- > 0;) {
    for (;;) {
      const Link& link = links(node)[level];
      if (link.next == nullptr || link.span > left) break;
      left -= link.span;
      node = link.next;
    }
    if (left == 0) break;
  }
  CHECK(left == 0);
  return node;
}

template <class Passes>
size_t Skiplist::count_while(Passes&& passes) const {
  const Node* node = nullptr;
  size_t count = 0;
  for (size_t level = head_.size(); level-- > 0;) {
    for (;;) {
      const Link& link = links(node)[level];
      if (link.next == nullptr || !passes(*link.next)) break;
      count += link.span;
      node = link.next;
    }
  }
  return count;
}

size_t Skiplist::rank(double score, std::string_view member) const {
  return count_while([&](const Node& node) {
    return node.score_ < score || (node.score_ == score && node.member() < member);
  });
}

size_t Skiplist::count_below(double score, bool or_equal) const {
  return count_while(
      [&](const Node& node) { return node.score_ < score || (or_equal && node.score_ == score); });
}

size_t Skiplist::count_below_lex(std::string_view member, bool or_equal) const {
  return count_while([&](const Node& node) {
    return or_equal ? node.member() <= member : node.member() < member;
  });
}

size_t Skiplist::memory_bytes() const {
  return node_bytes_ + heap_bytes(head_.capacity() * sizeof(Link));
}

}  // namespace powercut::engine
