#include "sim/request.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdint>

namespace powercut::sim {

namespace {

// "*3\r\n" or "$5\r\n" at bytes[at]: the number, and `at` behind it.
RequestParse parse_count(std::string_view bytes, size_t& at, char mark, size_t& count) {
  constexpr size_t kLongest = 24;
  if (at >= bytes.size()) return RequestParse::kCut;
  if (bytes[at] != mark) return RequestParse::kBad;
  const size_t end = bytes.substr(0, at + kLongest).find("\r\n", at + 1);
  if (end == bytes.npos)
    return bytes.size() - at < kLongest ? RequestParse::kCut : RequestParse::kBad;
  const auto [last, error] = std::from_chars(bytes.data() + at + 1, bytes.data() + end, count);
  if (error != std::errc() || last != bytes.data() + end) return RequestParse::kBad;
  at = end + 2;
  return RequestParse::kWhole;
}

}  // namespace

std::string encode_request(const std::vector<std::string>& words) {
  std::string bytes;
  const auto put_count = [&](char marker, size_t count) {
    const fmt::format_int digits(count);
    (bytes += marker).append(digits.data(), digits.size()) += "\r\n";
  };
  put_count('*', words.size());
  for (const std::string& word : words) {
    put_count('$', word.size());
    (bytes += word) += "\r\n";
  }
  return bytes;
}

RequestParse parse_request(std::string_view bytes, size_t& at,
                           std::vector<std::string_view>& words) {
  constexpr size_t kLongestWord = 512 << 20;
  const size_t before = words.size();
  size_t position = at;
  size_t count = 0;
  RequestParse parsed = parse_count(bytes, position, '*', count);
  if (parsed == RequestParse::kWhole && count == 0) parsed = RequestParse::kBad;
  for (size_t i = 0; i < count && parsed == RequestParse::kWhole; ++i) {
    size_t length = 0;
    parsed = parse_count(bytes, position, '$', length);
    if (parsed != RequestParse::kWhole) break;
    if (length > kLongestWord) {
      parsed = RequestParse::kBad;
    } else if (bytes.size() - position < length + 2) {
      parsed = RequestParse::kCut;
    } else if (bytes.substr(position + length, 2) != "\r\n") {
      parsed = RequestParse::kBad;
    } else {
      words.push_back(bytes.substr(position, length));
      position += length + 2;
    }
  }
  if (parsed != RequestParse::kWhole)
    words.resize(before);
  else
    at = position;
  return parsed;
}

std::vector<std::string_view> words_of(std::string_view request) {
  std::vector<std::string_view> words;
  size_t at = 0;
  (void)parse_request(request, at, words);
  return words;
}

bool same_word(std::string_view text, std::string_view capitals) {
  if (text.size() != capitals.size()) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if ((c >= 'a' && c <= 'z' ? c - ('a' - 'A') : c) != capitals[i]) return false;
  }
  return true;
}

}  // namespace powercut::sim
