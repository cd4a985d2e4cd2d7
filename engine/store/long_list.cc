#include "engine/store/long_list.h"

#include <algorithm>
#include <cstring>

namespace powercut::engine {

// --- Where an item is ---

// From where one was looked for last, or from the nearer end.
LongList::Place LongList::locate(size_t index) const {
  CHECK(index < size_);
  Place& place = place_;
  const size_t away = index > place.before ? index - place.before : place.before - index;
  if (index < away) forget_place();
  if (const auto last = static_cast<uint32_t>(pieces_.size() - 1); size_ - index < away)
    place = {last, static_cast<uint32_t>(size_ - pieces_[last].count), 0, 0};
  while (index < place.before)
    place = {place.piece - 1, place.before - pieces_[place.piece - 1].count, 0, 0};
  while (index >= place.before + pieces_[place.piece].count)
    place = {place.piece + 1, place.before + pieces_[place.piece].count, 0, 0};
  const Packed& items = pieces_[place.piece].items;
  if (index - place.before < place.item) place.item = place.offset = 0;
  for (; place.item < index - place.before; ++place.item)
    place.offset = static_cast<uint16_t>(items.behind(place.offset));
  return place;
}

// --- Pieces ---

bool LongList::has_room(const Piece& piece, std::string_view item) {
  return piece.count < kMostItems && piece.items.size() + Packed::bytes_of(item) <= kMostBytes;
}

void LongList::put(size_t piece, size_t offset, std::string_view item) {
  Packed& items = pieces_[piece].items;
  const size_t before = items.size();
  Packed::put(items.open(offset, Packed::bytes_of(item)), item);
  resized(before, items.size());
  ++pieces_[piece].count;
  ++size_;
  CHECK(size_ != 0);
  forget_place();
}

void LongList::cut(Piece& piece, size_t offset, size_t count) {
  CHECK(count <= piece.count);
  size_t end = offset;
  for (size_t i = 0; i < count; ++i) end = piece.items.behind(end);
  const size_t before = piece.items.size();
  piece.items.close(offset, end - offset);
  resized(before, piece.items.size());
  piece.count -= static_cast<uint32_t>(count);
  size_ -= static_cast<uint32_t>(count);
  forget_place();
}

// What stands from there on becomes a piece of its own.
void LongList::split(const Place& place) {
  CHECK(place.item > 0);
  Piece& first = pieces_[place.piece];
  const size_t bytes = first.items.size() - place.offset;
  Piece second;
  std::memcpy(second.items.open(0, bytes), first.items.at(place.offset), bytes);
  second.count = first.count - place.item;
  resized(0, bytes);
  cut(first, place.offset, second.count);
  size_ += second.count;
  pieces_.insert(place.piece + 1, std::move(second));
}

// To half of what a piece may have: a size that swings around an edge must not join and split each time.
void LongList::join(size_t piece) {
  if (piece + 1 >= pieces_.size()) return;
  Piece& first = pieces_[piece];
  const Piece& second = pieces_[piece + 1];
  const size_t bytes = second.items.size();
  if (first.count + second.count > kMostItems / 2 || first.items.size() + bytes > kMostBytes / 2)
    return;
  const size_t before = first.items.size();
  std::memcpy(first.items.open(before, bytes), second.items.at(0), bytes);
  first.count += second.count;
  resized(before, first.items.size());
  resized(bytes, 0);
  pieces_.erase(piece + 1, piece + 2);
  forget_place();
}

void LongList::erase_at(const Place& place) {
  Piece& piece = pieces_[place.piece];
  cut(piece, place.offset, 1);
  if (piece.count == 0) {
    pieces_.erase(place.piece, place.piece + 1);
    if (pieces_.size() < pieces_.capacity() / 4) pieces_.shrink_to_fit();
  } else {
    join(place.piece);
    if (place.piece > 0) join(place.piece - 1);
  }
}

// --- Items ---

void LongList::push_front(std::string_view item) {
  if (pieces_.empty() || !has_room(pieces_.front(), item)) pieces_.emplace_front();
  put(0, 0, item);
}

void LongList::push_back(std::string_view item) {
  if (pieces_.empty() || !has_room(pieces_.back(), item)) pieces_.emplace_back();
  put(pieces_.size() - 1, pieces_.back().items.size(), item);
}

void LongList::set(size_t index, std::string_view item) {
  const Place place = locate(index);
  Piece& piece = pieces_[place.piece];
  const size_t held = piece.items.behind(place.offset) - place.offset;
  const size_t before = piece.items.size();
  if (piece.count > 1 && before - held + Packed::bytes_of(item) > kMostBytes) {
    erase_at(place);
    return insert(index, item);
  }
  piece.items.close(place.offset, held);
  Packed::put(piece.items.open(place.offset, Packed::bytes_of(item)), item);
  resized(before, piece.items.size());
  forget_place();
}

void LongList::insert(size_t index, std::string_view item) {
  CHECK(index <= size_);
  if (index == size_) return push_back(item);
  const Place place = locate(index);
  if (has_room(pieces_[place.piece], item)) return put(place.piece, place.offset, item);
  // Between two pieces: behind the first, or in one of its own.
  size_t first = place.piece;
  if (place.item > 0) {
    split(place);
    ++first;
  }
  if (first > 0 && has_room(pieces_[first - 1], item))
    return put(first - 1, pieces_[first - 1].items.size(), item);
  pieces_.insert(first, {});
  put(first, 0, item);
}

void LongList::erase(size_t index) { erase_at(locate(index)); }

void LongList::trim(size_t first, size_t last) {
  CHECK(first <= last && last < size_);
  const Place end = locate(last);
  drop(end.piece + 1, pieces_.size());
  Piece& back = pieces_[end.piece];
  cut(back, back.items.behind(end.offset), back.count - end.item - 1);
  const Place begin = locate(first);
  cut(pieces_[begin.piece], 0, begin.item);
  drop(0, begin.piece);
  CHECK(size_ == last - first + 1);
  join(0);
  if (pieces_.size() > 1) join(pieces_.size() - 2);
  if (pieces_.size() < pieces_.capacity() / 4) pieces_.shrink_to_fit();
}

// Pieces with all that they have.
void LongList::drop(size_t begin, size_t end) {
  for (size_t i = begin; i < end; ++i) {
    size_ -= pieces_[i].count;
    resized(pieces_[i].items.size(), 0);
  }
  pieces_.erase(begin, end);
  forget_place();
}

size_t LongList::remove_equal(std::string_view item, size_t limit, bool from_back) {
  std::vector<size_t> found;
  for (size_t i = 0; i < size_; ++i)
    if (at(i) == item) found.push_back(i);
  if (found.size() > limit) {
    const auto spared = static_cast<ptrdiff_t>(found.size() - limit);
    from_back ? found.erase(found.begin(), found.begin() + spared)
              : found.erase(found.end() - spared, found.end());
  }
  constexpr size_t kFew = 64;
  if (found.size() <= kFew) {
    for (size_t n = found.size(); n-- > 0;) erase(found[n]);
    return found.size();
  }
  LongList rest;
  size_t next = 0;
  for (size_t i = 0; i < size_; ++i) {
    if (next < found.size() && found[next] == i) {
      ++next;
    } else {
      rest.push_back(at(i));
    }
  }
  *this = std::move(rest);
  return found.size();
}

}  // namespace powercut::engine
