// A number off the front of a text.
#pragma once

#include <charconv>
#include <string_view>

namespace powercut {

// Takes a number, and what must stand behind it, off the front. False: they do not stand there; `text` may be shorter then.
bool take_number(std::string_view& text, auto& number, std::string_view behind) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return false;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  if (!text.starts_with(behind)) return false;
  text.remove_prefix(behind.size());
  return true;
}

}  // namespace powercut
