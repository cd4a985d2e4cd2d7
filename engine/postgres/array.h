// A PostgreSQL array as a parameter in binary: many rows go as one statement.
// Source: PostgreSQL's array_recv() and int4recv(): counts and numbers are big-endian.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace powercut::engine::postgres {

// The types, as pg_type.dat numbers them.
inline constexpr unsigned kBytea = 17, kInt8 = 20, kInt4 = 23, kText = 25;
inline constexpr unsigned kByteaArray = 1001, kInt4Array = 1007, kInt8Array = 1016;

inline void put_number(std::string& out, uint64_t number, int bytes) {
  while (bytes-- > 0) out += static_cast<char>(number >> (8 * bytes) & 0xff);
}

class Array {
 public:
  explicit Array(unsigned element_type) : type_(element_type) {}

  void add(std::string_view bytes) {
    put_number(items_, bytes.size(), 4);
    items_ += bytes;
    ++count_;
  }
  void add_int4(int32_t number) {
    put_number(items_, 4, 4);
    put_number(items_, static_cast<uint32_t>(number), 4);
    ++count_;
  }
  void add_int8(int64_t number) {
    put_number(items_, 8, 4);
    put_number(items_, static_cast<uint64_t>(number), 8);
    ++count_;
  }
  void add_null() {
    put_number(items_, UINT32_MAX, 4);
    nulls_ = true;
    ++count_;
  }

  size_t count() const { return count_; }
  size_t bytes() const { return items_.size(); }
  unsigned array_type() const {
    return type_ == kBytea ? kByteaArray : type_ == kInt4 ? kInt4Array : kInt8Array;
  }
  std::string encoded() const {
    std::string out;
    out.reserve(items_.size() + 20);
    put_number(out, count_ == 0 ? 0 : 1, 4);  // dimensions
    put_number(out, nulls_ ? 1 : 0, 4);
    put_number(out, type_, 4);
    if (count_ == 0) return out;
    put_number(out, count_, 4);
    put_number(out, 1, 4);  // the first index
    return out + items_;
  }

 private:
  unsigned type_;
  std::string items_;
  size_t count_ = 0;
  bool nulls_ = false;
};

}  // namespace powercut::engine::postgres
