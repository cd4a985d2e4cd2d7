#include "engine/command/events.h"

namespace powercut::engine {

namespace {

// In the order in which CONFIG GET has them.
constexpr std::string_view kLetters = "g$lshzxetdnKEm";
constexpr std::string_view kAll = "g$lshzxetd";

constexpr uint32_t flag_of(char letter) {
  const size_t at = kLetters.find(letter);
  return at == std::string_view::npos ? 0 : 1U << at;
}

constexpr uint32_t flags_of(std::string_view letters) {
  uint32_t flags = 0;
  for (const char letter : letters) flags |= flag_of(letter);
  return flags;
}

}  // namespace

std::optional<uint32_t> Events::parse(std::string_view letters) {
  uint32_t flags = 0;
  for (const char letter : letters) {
    if (letter != 'A' && flag_of(letter) == 0) return std::nullopt;
    flags |= letter == 'A' ? flags_of(kAll) : flag_of(letter);
  }
  return flags;
}

std::string Events::format(uint32_t flags) {
  std::string letters;
  if ((flags & flags_of(kAll)) == flags_of(kAll)) {
    letters = "A";
    flags &= flags_of("KEm");
  }
  for (const char letter : kLetters)
    if ((flags & flag_of(letter)) != 0) letters += letter;
  return letters;
}

bool Events::wants(char kind) const { return (flags_ & flag_of(kind)) != 0; }
bool Events::on_key_channel() const { return wants('K'); }
bool Events::on_event_channel() const { return wants('E'); }

}  // namespace powercut::engine
