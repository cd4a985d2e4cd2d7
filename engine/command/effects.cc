#include "engine/command/effects.h"

#include <algorithm>

#include "engine/base/decimal.h"

namespace powercut::engine {

namespace {

constexpr size_t kLongestHeader = 1 + 20 + 2;

char* put_header(char* at, char marker, size_t count) {
  *at++ = marker;
  at = write_digits(at, count);
  *at++ = '\r';
  *at++ = '\n';
  return at;
}

char* put_command(char* at, std::span<const std::string_view> args) {
  at = put_header(at, '*', args.size());
  for (const std::string_view arg : args) {
    at = put_header(at, '$', arg.size());
    at = std::copy(arg.begin(), arg.end(), at);
    *at++ = '\r';
    *at++ = '\n';
  }
  return at;
}

}  // namespace

// Writes through a pointer, and most of the time to the stack: every logged command passes here.
void append_command(std::string& out, std::span<const std::string_view> args) {
  size_t most = kLongestHeader;
  for (const std::string_view arg : args) most += kLongestHeader + arg.size() + 2;
  if (char small[512]; most <= sizeof small) {
    const auto written = static_cast<size_t>(put_command(small, args) - small);
    CHECK(written <= most);
    out.append(small, written);
    return;
  }
  const size_t begin = out.size();
  out.resize(begin + most);
  const auto end = static_cast<size_t>(put_command(out.data() + begin, args) - out.data());
  CHECK(end <= begin + most);
  out.resize(end);
}

void Effects::add(int db, std::span<const std::string_view> args) {
  CHECK(!args.empty() && db >= 0);
  if (!logged_) return;
  const size_t begin = bytes_.size();
  append_command(bytes_, args);
  items_.push_back({db, begin, bytes_.size()});
}

void Effects::insert(size_t at, const Effects& other) {
  CHECK(at <= items_.size() && logged_);
  std::vector<Item> moved;
  for (const Item& item : other.items_)
    moved.push_back({item.db, item.begin + bytes_.size(), item.end + bytes_.size()});
  bytes_ += other.bytes_;
  items_.insert(items_.begin() + static_cast<ptrdiff_t>(at), moved.begin(), moved.end());
}

}  // namespace powercut::engine
