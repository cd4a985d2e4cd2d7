#include "engine/sink/url.h"

#include <algorithm>

#include "engine/base/words.h"

namespace powercut::engine {

namespace {

constexpr std::string_view kStars = "***";

int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

std::string decoded(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool coded =
        text[i] == '%' && i + 2 < text.size() && hex(text[i + 1]) >= 0 && hex(text[i + 2]) >= 0;
    out += coded ? static_cast<char>(hex(text[i + 1]) * 16 + hex(text[i + 2])) : text[i];
    if (coded) i += 2;
  }
  return out;
}

// password, sslpassword.
bool is_secret(std::string_view name) {
  return lower_case(std::string(name)).find("password") != std::string::npos;
}

std::string url_without(std::string_view url, size_t host) {
  const size_t path = std::min(url.find_first_of("/?#", host), url.size());
  std::string out(url.substr(0, host));
  std::string_view rest = url.substr(host);
  // A password may have an unescaped '/' or '?' in it, which libpq takes for the end: it is not to be shown all the same.
  const size_t at = rest.rfind('@');
  const size_t colon = rest.find(':');
  if (at != rest.npos && colon < at && host + colon < path) {
    out += std::string(rest.substr(0, colon + 1)) + std::string(kStars);
    rest.remove_prefix(at);
  }
  const size_t query = std::min(rest.find('?'), rest.size());
  out += rest.substr(0, query);
  rest.remove_prefix(query);
  while (!rest.empty()) {  // "?name=value" or "&name=value"
    const size_t end = std::min(rest.find('&', 1), rest.size());
    const std::string_view one = rest.substr(0, end);
    const size_t equals = std::min(one.find('='), one.size());
    out += is_secret(decoded(one.substr(1, std::max<size_t>(equals, 1) - 1))) && equals < one.size()
               ? std::string(one.substr(0, equals + 1)) + std::string(kStars)
               : std::string(one);
    rest.remove_prefix(end);
  }
  return out;
}

bool blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// Behind a value that begins at `at`: bare up to a blank, or in quotes; a backslash takes the next one as it is.
size_t end_of_value(std::string_view words, size_t at) {
  const bool quoted = at < words.size() && words[at] == '\'';
  if (quoted) ++at;
  for (; at < words.size(); ++at) {
    if (words[at] == '\\') {
      ++at;
    } else if (quoted ? words[at] == '\'' : blank(words[at])) {
      return quoted ? at + 1 : at;
    }
  }
  return words.size();
}

std::string words_without(std::string_view words) {
  std::string out;
  for (size_t at = 0; at < words.size();) {
    if (blank(words[at])) {
      out += words[at++];
      continue;
    }
    const size_t equals = words.find('=', at);
    if (equals == words.npos) return out + std::string(kStars);  // nobody knows what it is
    std::string_view name = words.substr(at, equals - at);
    size_t value = equals + 1;
    while (value < words.size() && blank(words[value])) ++value;
    const size_t end = end_of_value(words, value);
    out += words.substr(at, value - at);
    out += is_secret(name) ? kStars : words.substr(value, end - value);
    at = end;
  }
  return out;
}

}  // namespace

std::string without_password(std::string_view url) {
  for (const std::string_view scheme : {"postgresql://", "postgres://"})
    if (url.starts_with(scheme)) return url_without(url, scheme.size());
  return words_without(url);
}

}  // namespace powercut::engine
