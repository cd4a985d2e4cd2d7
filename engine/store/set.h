// A set of members: while all of them are numbers, and not many, their values in order, each in 2, 4 or 8 bytes (Redis's
// intset); otherwise as the fields of a hash are kept. Numbers come back as the text that they were.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "engine/base/decimal.h"
#include "engine/store/entries.h"
#include "engine/store/packed.h"

namespace powercut::engine {

class Set : private Entries<Nothing> {
 public:
  bool contains(std::string_view member) const;
  // True if the member is new. It is no view into this.
  bool add(std::string_view member, const EncodingLimits& limits = {});
  bool erase(std::string_view member);
  size_t size() const { return is_numbers() ? small_.count() : Entries::size(); }
  Set clone() const;
  size_t memory_bytes() const { return Entries::memory_bytes(); }
  using Entries::block;
  using Entries::map;

  // A member's bytes: in the set, or here. Views are valid while this is, and the set unchanged.
  class Member {
   public:
    explicit Member(std::string_view text) : text_(text) {}
    explicit Member(int64_t number)
        : length_(static_cast<size_t>(write_integer(digits_, number) - digits_)) {}
    operator std::string_view() const {  // NOLINT: it is one
      return length_ > 0 ? std::string_view(digits_, length_) : text_;
    }
    friend bool operator==(const Member& a, std::string_view b) { return std::string_view(a) == b; }

   private:
    std::string_view text_;
    size_t length_ = 0;
    char digits_[kLongestInteger];
  };

  // Members at dense positions: of numbers, in their order.
  class Members {
   public:
    struct Item {
      Member key;
    };
    explicit Members(const Set& set) : set_(set) {}
    size_t size() const { return set_.size(); }
    bool packed() const { return set_.Entries::packed(); }
    Item at(size_t position) const;

   private:
    const Set& set_;
  };
  Members entries() const { return Members(*this); }

 private:
  // Members that are no numbers stay packed up to here, as in later versions of Redis.
  static constexpr PackedLimits kTexts{128, 64};

  // --- Numbers, which all have the width of the widest ---
  bool is_numbers() const { return small_.form() == Small<Large>::Form::kNumbers; }
  size_t width() const { return small_.bytes().size() / small_.count(); }
  int64_t number_at(size_t position) const;
  // How many are less.
  size_t count_below(int64_t number) const;
  bool has(int64_t number, size_t position) const {
    return position < small_.count() && number_at(position) == number;
  }
  // False: there is no room for it.
  bool insert_number(size_t position, int64_t number);
  void widen(size_t width);
  // They become texts.
  void spell_out();
};

}  // namespace powercut::engine
