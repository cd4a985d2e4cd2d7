#include "engine/command/effects.h"

#include <algorithm>
#include <charconv>

namespace powercut::engine {

namespace {

constexpr size_t kLongestHeader = 1 + 20 + 2;

char* put_header(char* at, char marker, size_t count) {
  *at++ = marker;
  at = std::to_chars(at, at + 20, count).ptr;
  *at++ = '\r';
  *at++ = '\n';
  return at;
}

}  // namespace

// Writes through a pointer: every logged command passes here.
void append_command(std::string& out, std::span<const std::string_view> args) {
  const size_t begin = out.size();
  size_t most = kLongestHeader;
  for (const std::string_view arg : args) most += kLongestHeader + arg.size() + 2;
  out.resize(begin + most);
  char* at = put_header(out.data() + begin, '*', args.size());
  for (const std::string_view arg : args) {
    at = put_header(at, '$', arg.size());
    at = std::copy(arg.begin(), arg.end(), at);
    *at++ = '\r';
    *at++ = '\n';
  }
  out.resize(static_cast<size_t>(at - out.data()));
}

void Effects::add(int db, std::span<const std::string_view> args) {
  if (!logged_) return;
  const size_t begin = bytes_.size();
  append_command(bytes_, args);
  items_.push_back({db, begin, bytes_.size()});
}

}  // namespace powercut::engine
