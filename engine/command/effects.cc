#include "engine/command/effects.h"

#include <charconv>

namespace powercut::engine {

namespace {

void append_header(std::string& out, char marker, size_t count) {
  char digits[24];
  digits[0] = marker;
  char* end = std::to_chars(digits + 1, digits + 22, count).ptr;
  *end++ = '\r';
  *end++ = '\n';
  out.append(digits, end);
}

}  // namespace

void append_command(std::string& out, std::span<const std::string_view> args) {
  append_header(out, '*', args.size());
  for (const std::string_view arg : args) {
    append_header(out, '$', arg.size());
    out += arg;
    out += "\r\n";
  }
}

void Effects::add(int db, std::span<const std::string_view> args) {
  const size_t begin = bytes_.size();
  append_command(bytes_, args);
  items_.push_back({db, begin, bytes_.size()});
}

}  // namespace powercut::engine
