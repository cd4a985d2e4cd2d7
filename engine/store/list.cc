#include "engine/store/list.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace powercut::engine {

bool List::is_long_with(size_t bytes) {
  if (small_.is_large()) return true;
  if (small_.count() < LongList::kMostItems &&
      small_.bytes().size() + bytes <= LongList::kMostBytes)
    return false;
  const List before(std::move(*this));
  small_ = {};
  LongList& list = small_.become_large();
  for (size_t i = 0; i < before.size(); ++i) list.push_back(before.at(i));
  return true;
}

void List::insert(size_t index, std::string_view item) {
  CHECK(index <= size());
  const size_t bytes = Packed::bytes_of(item);
  if (is_long_with(bytes)) {
    LongList& list = small_.large();
    return index == 0 ? list.push_front(item) : list.insert(index, item);
  }
  const size_t offset = index == small_.count() ? small_.bytes().size() : offset_of(index);
  Packed::put(small_.bytes().open(offset, bytes), item);
  small_.changed(1);
}

void List::set(size_t index, std::string_view item) {
  const size_t bytes = Packed::bytes_of(item);
  if (is_long_with(bytes)) return small_.large().set(index, item);
  const size_t offset = offset_of(index);
  small_.bytes().close(offset, small_.bytes().behind(offset) - offset);
  Packed::put(small_.bytes().open(offset, bytes), item);
  small_.changed(0);
}

void List::erase(size_t index) {
  if (small_.is_large()) {
    small_.large().erase(index);
    return forget_if_empty();
  }
  const size_t offset = offset_of(index);
  small_.bytes().close(offset, small_.bytes().behind(offset) - offset);
  small_.changed(-1);
}

void List::trim(size_t first, size_t last) {
  CHECK(first <= last && last < size());
  if (small_.is_large()) return small_.large().trim(first, last);
  const size_t head = offset_of(first);
  const size_t end = small_.bytes().behind(offset_of(last));
  const auto gone = static_cast<int>(size() - (last - first + 1));
  small_.bytes().close(end, small_.bytes().size() - end);
  small_.bytes().close(0, head);
  small_.changed(-gone);
}

size_t List::remove_equal(std::string_view item, size_t limit, bool from_back) {
  size_t removed = 0;
  if (small_.is_large()) {
    removed = small_.large().remove_equal(item, limit, from_back);
    forget_if_empty();
    return removed;
  }
  for (size_t left = size(), i = from_back ? left : 0; left > 0 && removed < limit; --left) {
    if (from_back) --i;
    if (at(i) == item) {
      erase(i);
      ++removed;
    } else if (!from_back) {
      ++i;
    }
  }
  return removed;
}

List List::clone() const {
  List copy;
  if (small_.is_large()) {
    LongList& list = copy.small_.become_large();
    for (size_t i = 0; i < size(); ++i) list.push_back(at(i));
  } else {
    copy.small_.copy_packed(small_);
  }
  return copy;
}

}  // namespace powercut::engine
