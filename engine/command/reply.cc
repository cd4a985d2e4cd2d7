#include "engine/command/reply.h"

#include <charconv>

#include "engine/base/check.h"
#include "engine/command/number.h"

namespace powercut::engine {

namespace {

std::string_view header(char (&buffer)[28], char marker, int64_t value) {
  buffer[0] = marker;
  char* end = std::to_chars(buffer + 1, buffer + 24, value).ptr;
  *end++ = '\r';
  *end++ = '\n';
  return {buffer, static_cast<size_t>(end - buffer)};
}

}  // namespace

void Reply::simple(std::string_view text) {
  CHECK(text.find_first_of("\r\n") == std::string_view::npos);
  --owed_;
  out_ += '+';
  out_ += text;
  out_ += "\r\n";
}

void Reply::error(std::string_view message) {
  failed_ = true;
  --owed_;
  out_ += '-';
  for (const char c : message) out_ += c == '\r' || c == '\n' ? ' ' : c;
  out_ += "\r\n";
}

void Reply::integer(int64_t n) {
  --owed_;
  char buffer[28];
  out_ += header(buffer, ':', n);
}

void Reply::bulk(std::string_view bytes) {
  --owed_;
  char buffer[28];
  out_ += header(buffer, '$', static_cast<int64_t>(bytes.size()));
  out_ += bytes;
  out_ += "\r\n";
}

void Reply::aggregate(char marker, size_t count, size_t values) {
  owed_ += static_cast<int64_t>(values) - 1;
  char buffer[28];
  out_ += header(buffer, marker, static_cast<int64_t>(count));
}

void Reply::verbatim(std::string_view text) {
  if (!resp3_) return bulk(text);
  --owed_;
  char buffer[28];
  out_ += header(buffer, '=', static_cast<int64_t>(text.size() + 4));
  out_ += "txt:";
  out_ += text;
  out_ += "\r\n";
}

void Reply::number(double value) { number_as(format_double(value)); }

void Reply::number_as(std::string_view digits) {
  if (!resp3_) return bulk(digits);
  --owed_;
  out_ += ',';
  out_ += digits;
  out_ += "\r\n";
}

void Reply::big_number(std::string_view digits) {
  if (!resp3_) return bulk(digits);
  --owed_;
  out_ += '(';
  out_ += digits;
  out_ += "\r\n";
}

void Reply::insert(size_t mark, char marker, size_t count, size_t values) {
  CHECK(mark <= out_.size());
  owed_ += static_cast<int64_t>(values) - 1;
  char buffer[28];
  out_.insert(mark, header(buffer, marker, static_cast<int64_t>(count)));
}

}  // namespace powercut::engine
