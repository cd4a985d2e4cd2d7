#include "scenarios/story/request_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "sim/request.h"

namespace powercut::scenarios {

namespace {

// What is not printed is shown by its number.
std::string plain(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7f)
      out += c;
    else
      out += fmt::format("\\x{:02x}", byte);
  }
  return out;
}

std::string cut_off(std::string text, size_t most) {
  if (text.size() <= most) return text;
  return text.substr(0, most < 3 ? 0 : most - 3) + "...";
}

}  // namespace

std::string request_text(std::string_view request, size_t most) {
  std::string text;
  for (const std::string_view word : sim::words_of(request)) {
    if (text.size() > most) break;
    const bool quoted = word.empty() || word.find(' ') != word.npos;
    if (!text.empty()) text += ' ';
    text += quoted ? '"' + plain(word.substr(0, most)) + '"' : plain(word.substr(0, most + 1));
  }
  return cut_off(text, most);
}

std::string reply_text(std::string_view reply, size_t most) {
  std::string_view rest = reply;
  std::string text;
  while (!rest.empty() && text.size() <= most) {
    const size_t end = std::min(rest.find("\r\n"), rest.size());
    if (!text.empty()) text += ' ';
    text += plain(rest.substr(0, std::min(end, most + 1)));
    rest.remove_prefix(std::min(end + 2, rest.size()));
  }
  return cut_off(text, most);
}

}  // namespace powercut::scenarios
