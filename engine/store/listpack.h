// The items of a listpack, as Redis packs them: numbers and strings one behind the other, each with its size behind it.
// The frame around them (their size and count in front, an end byte) is not here: engine/checkpoint/rdb_packed.h has the
// whole layout.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace powercut::engine {

// Appends an item: as a number where the text is one in its shortest form.
void append_listpack_item(std::string& items, std::string_view text);
void append_listpack_number(std::string& items, int64_t number);
// The bytes that such a number takes.
size_t listpack_number_bytes(int64_t number);

// Reads items in order. REQUIRES: they are well formed, and stay where they are.
class ListpackReader {
 public:
  explicit ListpackReader(std::string_view items, size_t at = 0) : items_(items), at_(at) {}

  bool at_end() const { return at_ == items_.size(); }
  size_t position() const { return at_; }
  // Digits where it is a number; valid until the next call.
  std::string_view text();
  // REQUIRES: it is a number, or the digits of one.
  int64_t number();
  void skip();

 private:
  struct Item {
    bool is_number;
    int64_t number;
    std::string_view text;
  };
  Item next();

  std::string_view items_;
  size_t at_;
  char digits_[24];
};

}  // namespace powercut::engine
