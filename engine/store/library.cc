#include "engine/store/library.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "engine/base/words.h"

namespace powercut::engine {

namespace {
Error invalid(std::string message) { return {Errc::kInvalid, std::move(message)}; }
}  // namespace

bool is_function_name(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

Result<LibraryHead> read_library_head(std::string_view text) {
  if (!text.starts_with("#!")) return invalid("Missing library metadata");
  LibraryHead head;
  head.body = text.find('\n');
  std::vector<std::string> words;
  if (head.body == text.npos || !split_words(text.substr(0, head.body), words) || words.empty())
    return invalid("Invalid library metadata");
  bool named = false;
  for (size_t i = 1; i < words.size(); ++i) {
    constexpr std::string_view kName = "name=";
    if (lower_case(words[i].substr(0, kName.size())) != kName)
      return invalid(fmt::format("Invalid metadata value given: {}", words[i]));
    if (named) return invalid("Invalid metadata value, name argument was given multiple times");
    named = true;
    head.name = words[i].substr(kName.size());
  }
  if (!named) return invalid("Library name was not given");
  if (!is_function_name(head.name)) return invalid(std::string(kBadFunctionName));
  if (lower_case(words[0]) != "#!lua")
    return invalid(fmt::format("Engine '{}' not found", words[0].substr(2)));
  return head;
}

}  // namespace powercut::engine
