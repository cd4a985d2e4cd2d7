#include "engine/command/key_flags.h"

#include <algorithm>
#include <string>

#include "engine/command/facts.h"
#include "engine/command/number.h"

namespace powercut::engine {

namespace {

std::vector<std::string_view> split(std::string_view text, std::string_view at) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const size_t end = std::min(text.find(at), text.size());
    parts.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + at.size(), text.size()));
  }
  return parts;
}

// Is a BITFIELD made of GETs alone? What cannot be made out may write.
bool only_gets(std::span<const std::string_view> args) {
  for (size_t i = 2; i < args.size();) {
    const size_t behind = args.size() - i - 1;
    if (behind >= 2 && equals_ignoring_case(args[i], "GET"))
      i += 3;
    else if (behind >= 1 && equals_ignoring_case(args[i], "OVERFLOW"))
      i += 2;
    else
      return false;
  }
  return true;
}

}  // namespace

std::vector<std::string_view> split_at_blanks(std::string_view text) { return split(text, " "); }

std::vector<KeyPlace> key_places(std::string_view name) {
  std::vector<KeyPlace> places;
  const CommandFacts* facts = find_facts(name);
  if (facts == nullptr) return places;
  for (const std::string_view one : split(facts->keys, "; ")) {
    KeyPlace place;
    const size_t at = one.find('@');
    place.flags = split_at_blanks(one.substr(0, at));
    std::string where(one.substr(at + 1));
    place.anywhere = where == "?";
    place.counted = where.find('#') != where.npos;
    std::replace(where.begin(), where.end(), '#', ':');
    if (const size_t plus = where.find('+'); plus != where.npos) {
      place.keyword = one.substr(at + 1, plus);
      where.erase(0, plus + 1);
    }
    size_t i = 0;
    if (!place.anywhere)
      for (const std::string_view number : split(where, ":"))
        place.numbers[i++] = static_cast<int>(*parse_integer(number));
    places.push_back(std::move(place));
  }
  return places;
}

// SET writes over what is there unless GET asks for it; BITFIELD may read alone.
std::vector<std::string_view> key_flags(const std::vector<KeyPlace>& places,
                                        const CommandSpec& spec,
                                        std::span<const std::string_view> args, size_t position) {
  if (spec.name == "set") {
    const bool gets = std::any_of(args.begin() + 3, args.end(), [](std::string_view arg) {
      return equals_ignoring_case(arg, "GET");
    });
    return gets ? std::vector<std::string_view>{"RW", "access", "update"}
                : std::vector<std::string_view>{"OW", "update"};
  }
  if (spec.name == "bitfield") {
    return only_gets(args) ? std::vector<std::string_view>{"RO", "access"}
                           : std::vector<std::string_view>{"RW", "access", "update"};
  }
  for (const KeyPlace& place : places) {
    if (place.anywhere || !place.keyword.empty()) continue;
    const auto at = static_cast<int>(position);
    const auto argc = static_cast<int>(args.size());
    const int last = place.counted          ? argc - 1
                     : place.numbers[1] < 0 ? argc + place.numbers[1]
                                            : place.numbers[0] + place.numbers[1];
    if (at >= place.numbers[0] && at <= last) return place.flags;
  }
  return places.empty() ? std::vector<std::string_view>() : places.back().flags;
}

}  // namespace powercut::engine
