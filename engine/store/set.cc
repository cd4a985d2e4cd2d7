#include "engine/store/set.h"

#include <bit>
#include <cstring>
#include <limits>
#include <utility>

#include "engine/base/check.h"

namespace powercut::engine {

namespace {

static_assert(std::endian::native == std::endian::little);

template <class Int>
bool fits(int64_t number) {
  return number >= std::numeric_limits<Int>::min() && number <= std::numeric_limits<Int>::max();
}

size_t width_of(int64_t number) {
  return fits<int16_t>(number) ? 2 : fits<int32_t>(number) ? 4 : 8;
}

int64_t read_number(const char* at, size_t width) {
  int64_t number = 0;
  std::memcpy(&number, at, width);
  const auto unused = static_cast<int>(64 - 8 * width);
  return static_cast<int64_t>(static_cast<uint64_t>(number) << unused) >> unused;
}

}  // namespace

// --- Numbers ---

int64_t Set::number_at(size_t position) const {
  return read_number(small_.bytes().at(position * width()), width());
}

size_t Set::count_below(int64_t number) const {
  size_t below = 0, end = small_.count();
  while (below < end) {
    const size_t middle = (below + end) / 2;
    if (number_at(middle) < number)
      below = middle + 1;
    else
      end = middle;
  }
  return below;
}

bool Set::insert_number(size_t position, int64_t number) {
  const size_t wide = std::max(width_of(number), small_.count() == 0 ? 0 : width());
  if (!small_.has_room((small_.count() + 1) * wide - small_.bytes().size())) return false;
  if (small_.count() > 0 && wide > width()) widen(wide);
  std::memcpy(small_.bytes().open(position * wide, wide), &number, wide);
  small_.changed(1);
  return true;
}

void Set::widen(size_t width) {
  const size_t before = this->width();
  const size_t count = small_.count();
  auto& bytes = small_.bytes();
  bytes.open(bytes.size(), count * (width - before));
  for (size_t i = count; i-- > 0;) {  // from the last, which nothing stands behind
    const int64_t number = read_number(bytes.at(i * before), before);
    std::memcpy(bytes.at(i * width), &number, width);
  }
}

void Set::spell_out() {
  const Set numbers(std::move(*this));
  small_ = {};
  for (size_t i = 0; i < numbers.size(); ++i)
    Entries::set(Member(numbers.number_at(i)), {}, kTexts);
  CHECK(size() == numbers.size());
}

// --- Either ---

bool Set::contains(std::string_view member) const {
  if (!is_numbers()) return find(member).has_value();
  const auto number = parse_integer(member);
  return number && has(*number, count_below(*number));
}

bool Set::add(std::string_view member, const EncodingLimits& limits) {
  const auto number = is_numbers() || size() == 0 ? parse_integer(member) : std::nullopt;
  if (number && packed()) {
    small_.set_form(Small<Large>::Form::kNumbers);
    const size_t position = count_below(*number);
    if (has(*number, position)) return false;
    if (size() < limits.intset_entries && insert_number(position, *number)) return true;
  }
  if (is_numbers()) spell_out();
  return Entries::set(member, {}, kTexts);
}

bool Set::erase(std::string_view member) {
  if (!is_numbers()) return Entries::erase(member);
  const auto number = parse_integer(member);
  if (!number) return false;
  const size_t position = count_below(*number);
  if (!has(*number, position)) return false;
  small_.bytes().close(position * width(), width());
  small_.changed(-1);
  return true;
}

Set Set::clone() const {
  Set copy;
  static_cast<Entries&>(copy) = Entries::clone();
  return copy;
}

Set::Members::Item Set::Members::at(size_t position) const {
  CHECK(position < size());
  return {set_.is_numbers() ? Member(set_.number_at(position))
                            : Member(set_.Entries::at(position).key)};
}

}  // namespace powercut::engine
