#include "engine/checkpoint/rdb_packed.h"

#include <charconv>
#include <cstddef>
#include <cstdint>

#include "engine/base/check.h"

namespace powercut::engine {

namespace {

constexpr uint8_t kEnd = 0xff;
constexpr uint64_t kCountUnknown = 0xffff;
constexpr uint8_t kLongSize = 0xfe;

// What is left of a blob. Reads beyond the end set `bad` and give zeros.
class Cursor {
 public:
  explicit Cursor(std::string_view blob) : blob_(blob) {}

  size_t position() const { return position_; }
  bool at_end() const { return position_ == blob_.size(); }
  bool bad() const { return bad_; }

  std::string_view bytes(uint64_t n) {
    if (n > blob_.size() - position_) {
      bad_ = true;
      return {};
    }
    const auto out = blob_.substr(position_, static_cast<size_t>(n));
    position_ += static_cast<size_t>(n);
    return out;
  }
  uint64_t little(size_t n) {
    const auto raw = bytes(n);
    uint64_t out = 0;
    for (size_t i = raw.size(); i-- > 0;) out = out << 8 | static_cast<uint8_t>(raw[i]);
    return out;
  }
  uint64_t big(size_t n) {
    uint64_t out = 0;
    for (const char c : bytes(n)) out = out << 8 | static_cast<uint8_t>(c);
    return out;
  }
  // Two's complement.
  int64_t integer(size_t n) {
    CHECK(n >= 1 && n <= 8);
    const auto unused = static_cast<int>(64 - 8 * n);
    return static_cast<int64_t>(little(n) << unused) >> unused;
  }
  uint8_t byte() { return static_cast<uint8_t>(little(1)); }

 private:
  std::string_view blob_;
  size_t position_ = 0;
  bool bad_ = false;
};

// An item: a string of the blob, or the digits of an integer.
class Item {
 public:
  void set(std::string_view bytes) { view_ = bytes; }
  void set(int64_t n) {
    const char* end = std::to_chars(digits_, digits_ + sizeof(digits_), n).ptr;
    view_ = {digits_, static_cast<size_t>(end - digits_)};
  }
  std::string_view view() const { return view_; }

 private:
  std::string_view view_;
  char digits_[24];
};

// --- Listpacks ---

// False if the item has no valid encoding.
bool read_listpack_item(Cursor& cursor, uint8_t first, Item& item) {
  if (first < 0x80) {
    item.set(int64_t{first});
  } else if (first < 0xc0) {
    item.set(cursor.bytes(first & 0x3f));
  } else if (first < 0xe0) {
    const int64_t n = (first & 0x1f) << 8 | cursor.byte();
    item.set(n < 1 << 12 ? n : n - (1 << 13));
  } else if (first < 0xf0) {
    const uint64_t length = static_cast<uint64_t>(first & 0x0f) << 8 | cursor.byte();
    item.set(cursor.bytes(length));
  } else {
    switch (first) {
      case 0xf0:
        item.set(cursor.bytes(cursor.little(4)));
        break;
      case 0xf1:
        item.set(cursor.integer(2));
        break;
      case 0xf2:
        item.set(cursor.integer(3));
        break;
      case 0xf3:
        item.set(cursor.integer(4));
        break;
      case 0xf4:
        item.set(cursor.integer(8));
        break;
      default:
        return false;
    }
  }
  return true;
}

// Reads the size behind an item of `size` bytes; true if it is that. Redis takes a group more than
// it needs for the largest number of each width.
bool check_back_size(Cursor& cursor, uint64_t size) {
  const size_t groups = size <= 127        ? 1
                        : size < 16383     ? 2
                        : size < 2097151   ? 3
                        : size < 268435455 ? 4
                                           : 5;
  for (size_t i = 0; i < groups; ++i) {
    const uint64_t group = (size >> (7 * (groups - 1 - i))) & 0x7f;
    if (cursor.byte() != (group | (i == 0 ? 0 : 0x80))) return false;
  }
  return true;
}

// --- Ziplists ---

bool read_ziplist_item(Cursor& cursor, Item& item) {
  const uint8_t first = cursor.byte();
  switch (first >> 6) {
    case 0:
      item.set(cursor.bytes(first));
      return true;
    case 1: {
      const uint64_t length = static_cast<uint64_t>(first & 0x3f) << 8 | cursor.byte();
      item.set(cursor.bytes(length));
      return true;
    }
    case 2: {
      if (first != 0x80) return false;
      const uint64_t length = cursor.big(4);
      item.set(cursor.bytes(length));
      return true;
    }
  }
  switch (first) {
    case 0xc0:
      item.set(cursor.integer(2));
      return true;
    case 0xd0:
      item.set(cursor.integer(4));
      return true;
    case 0xe0:
      item.set(cursor.integer(8));
      return true;
    case 0xf0:
      item.set(cursor.integer(3));
      return true;
    case 0xfe:
      item.set(cursor.integer(1));
      return true;
  }
  if (first < 0xf1 || first > 0xfd) return false;
  item.set(int64_t{first} - 0xf1);
  return true;
}

}  // namespace

const char* walk_listpack(std::string_view blob, const PackedSink& sink) {
  Cursor cursor(blob);
  const uint64_t total = cursor.little(4);
  const uint64_t count = cursor.little(2);
  if (cursor.bad() || total != blob.size()) return "a listpack of the wrong size";
  uint64_t items = 0;
  for (;; ++items) {
    const size_t begin = cursor.position();
    const uint8_t first = cursor.byte();
    if (cursor.bad()) return "a listpack without an end";
    if (first == kEnd) break;
    Item item;
    if (!read_listpack_item(cursor, first, item)) return "an unknown encoding in a listpack";
    if (!check_back_size(cursor, cursor.position() - begin) || cursor.bad()) {
      return "an item of a listpack has the wrong size";
    }
    if (const char* wrong = sink(item.view())) return wrong;
  }
  if (!cursor.at_end()) return "a listpack that ends early";
  if (count != kCountUnknown && count != items) return "a listpack with the wrong number of items";
  return nullptr;
}

const char* walk_ziplist(std::string_view blob, const PackedSink& sink) {
  Cursor cursor(blob);
  const uint64_t total = cursor.little(4);
  const uint64_t tail = cursor.little(4);
  const uint64_t count = cursor.little(2);
  if (cursor.bad() || total != blob.size()) return "a ziplist of the wrong size";
  uint64_t items = 0;
  size_t last = cursor.position();
  uint64_t size_before = 0;
  for (;; ++items) {
    const size_t begin = cursor.position();
    const uint8_t first = cursor.byte();
    if (cursor.bad()) return "a ziplist without an end";
    if (first == kEnd) break;
    const uint64_t before = first == kLongSize ? cursor.little(4) : first;
    Item item;
    if (before != size_before) return "an item of a ziplist has the wrong size";
    if (!read_ziplist_item(cursor, item)) return "an unknown encoding in a ziplist";
    if (cursor.bad()) return "an item of a ziplist has the wrong size";
    if (const char* wrong = sink(item.view())) return wrong;
    last = begin;
    size_before = cursor.position() - begin;
  }
  if (!cursor.at_end()) return "a ziplist that ends early";
  if (tail != last) return "a ziplist with the wrong tail";
  if (count != kCountUnknown && count != items) return "a ziplist with the wrong number of items";
  return nullptr;
}

const char* walk_intset(std::string_view blob, const PackedSink& sink) {
  Cursor cursor(blob);
  const uint64_t width = cursor.little(4);
  const uint64_t count = cursor.little(4);
  if (width != 2 && width != 4 && width != 8) return "an intset of an unknown width";
  if (cursor.bad() || blob.size() - cursor.position() != width * count) {
    return "an intset of the wrong size";
  }
  int64_t before = 0;
  for (uint64_t i = 0; i < count; ++i) {
    const int64_t n = cursor.integer(static_cast<size_t>(width));
    if (i > 0 && n <= before) return "an intset out of order";
    before = n;
    Item item;
    item.set(n);
    if (const char* wrong = sink(item.view())) return wrong;
  }
  return nullptr;
}

const char* walk_zipmap(std::string_view blob, const PackedSink& sink) {
  Cursor cursor(blob);
  cursor.byte();  // the count, which is not kept above 253
  for (;;) {
    uint64_t size = cursor.byte();
    if (cursor.bad()) return "a zipmap without an end";
    if (size == kEnd) return cursor.at_end() ? nullptr : "a zipmap that ends early";
    if (size == kLongSize) size = cursor.little(4);
    const std::string_view field = cursor.bytes(size);
    size = cursor.byte();
    if (size == kEnd) return "a field of a zipmap without a value";
    if (size == kLongSize) size = cursor.little(4);
    const uint8_t free_bytes = cursor.byte();
    const std::string_view value = cursor.bytes(size);
    cursor.bytes(free_bytes);
    if (cursor.bad()) return "an item of a zipmap has the wrong size";
    if (const char* wrong = sink(field)) return wrong;
    if (const char* wrong = sink(value)) return wrong;
  }
}

}  // namespace powercut::engine
