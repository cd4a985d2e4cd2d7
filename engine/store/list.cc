#include "engine/store/list.h"

#include <algorithm>
#include <bit>

namespace powercut::engine {

namespace {
constexpr size_t kLeastCapacity = 4;
}

void List::rebuild(size_t capacity) {
  CHECK(std::has_single_bit(capacity) && size_ <= capacity);
  std::vector<std::string> fresh(capacity);
  for (size_t i = 0; i < size_; ++i) fresh[i] = std::move(slot(i));
  slots_ = std::move(fresh);
  head_ = 0;
}

void List::make_room() {
  if (size_ == slots_.size()) rebuild(slots_.empty() ? kLeastCapacity : 2 * size_);
}

// At a quarter, not at half: a size that swings around an edge must not rebuild each time.
void List::release_room() {
  CHECK(size_ > 0 || item_bytes_ == 0);
  if (slots_.size() > kLeastCapacity && size_ <= slots_.size() / 4) {
    rebuild(std::max(kLeastCapacity, std::bit_ceil(2 * size_)));
  }
}

// Moving out by construction leaves the slot without heap; an assignment could leave it a buffer.
std::string List::take(std::string& slot) {
  CHECK(item_bytes_ >= heap_bytes(slot));
  item_bytes_ -= heap_bytes(slot);
  std::string item = std::move(slot);
  return item;
}

void List::fill(std::string& slot, std::string item) {
  CHECK(slot.empty() && heap_bytes(slot) == 0);
  item_bytes_ += heap_bytes(item);
  slot = std::move(item);
}

void List::push_front(std::string_view item) {
  std::string copy(item);  // first: `item` may view a slot that make_room() moves
  make_room();
  head_ = (head_ - 1) & (slots_.size() - 1);
  fill(slots_[head_], std::move(copy));
  ++size_;
}

void List::push_back(std::string_view item) {
  std::string copy(item);
  make_room();
  fill(slot(size_), std::move(copy));
  ++size_;
}

std::string List::pop_front() {
  CHECK(size_ > 0);
  std::string item = take(slots_[head_]);
  head_ = (head_ + 1) & (slots_.size() - 1);
  --size_;
  release_room();
  return item;
}

std::string List::pop_back() {
  CHECK(size_ > 0);
  std::string item = take(slot(size_ - 1));
  --size_;
  release_room();
  return item;
}

void List::set(size_t index, std::string_view item) {
  CHECK(index < size_);
  std::string& place = slot(index);
  std::string copy(item);
  item_bytes_ += heap_bytes(copy);
  item_bytes_ -= heap_bytes(place);
  place.swap(copy);  // an assignment would keep a larger buffer
}

void List::insert(size_t index, std::string_view item) {
  CHECK(index <= size_);
  if (index < size_ / 2) {
    push_front(item);
    for (size_t i = 0; i < index; ++i) slot(i).swap(slot(i + 1));
  } else {
    push_back(item);
    for (size_t i = size_ - 1; i > index; --i) slot(i).swap(slot(i - 1));
  }
}

void List::erase(size_t index) {
  CHECK(index < size_);
  if (index < size_ / 2) {
    for (size_t i = index; i > 0; --i) slot(i).swap(slot(i - 1));
    pop_front();
  } else {
    for (size_t i = index; i + 1 < size_; ++i) slot(i).swap(slot(i + 1));
    pop_back();
  }
}

void List::trim(size_t first, size_t last) {
  CHECK(first <= last && last < size_);
  for (size_t i = 0; i < first; ++i) take(slot(i));
  for (size_t i = last + 1; i < size_; ++i) take(slot(i));
  head_ = slot_of(first);
  size_ = last - first + 1;
  release_room();
}

size_t List::remove_equal(std::string_view item, size_t limit, bool from_back) {
  // Those that stay close up towards the end where the walk began; the matches gather at the other
  // end.
  const size_t last = size_ - 1;
  const auto walked = [&](size_t i) -> std::string& { return slot(from_back ? last - i : i); };
  const std::string wanted(item);
  size_t removed = 0;
  for (size_t i = 0; i < size_; ++i) {
    if (removed < limit && walked(i) == wanted) {
      ++removed;
    } else if (removed > 0) {
      walked(i - removed).swap(walked(i));
    }
  }
  if (removed == 0) return 0;
  if (removed == size_) {
    for (size_t i = 0; i < size_; ++i) take(slot(i));
    size_ = 0;
    release_room();
  } else if (from_back) {
    trim(removed, last);
  } else {
    trim(0, last - removed);
  }
  CHECK(removed <= limit && size_ + removed == last + 1);
  return removed;
}

}  // namespace powercut::engine
