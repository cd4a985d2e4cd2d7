#include "engine/command/command_table.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdlib>
#include <cstring>

#include "engine/base/check.h"

namespace powercut::engine {

namespace {

// A name in lower case, eight characters to a word: every command of a client and of a log is looked
// up, so this is made of little.
struct Spelling {
  static constexpr size_t kMost = 32;
  std::array<uint64_t, kMost / 8> words{};

  // REQUIRES: at most kMost characters.
  explicit Spelling(std::string_view name) {
    CHECK(name.size() <= kMost);
    for (size_t i = 0; i * 8 < name.size(); ++i) {
      words[i] = lower(load(name.data() + i * 8, std::min<size_t>(8, name.size() - i * 8)));
    }
  }
  bool operator==(const Spelling& other) const {
    uint64_t difference = 0;
    for (size_t i = 0; i < words.size(); ++i) difference |= words[i] ^ other.words[i];
    return difference == 0;
  }

  // Of its first 16 characters.
  uint64_t hash() const {
    return (words[0] ^ words[1] * 0x9e3779b97f4a7c15u) * 0x9e3779b97f4a7c15u;
  }

 private:
  template <class Word>
  static uint64_t load_word(const char* at) {
    Word word;
    std::memcpy(&word, at, sizeof word);
    return word;
  }
  // The `n` bytes at `at`, 1 to 8; where two loads overlap, they agree.
  static uint64_t load(const char* at, size_t n) {
    static_assert(std::endian::native == std::endian::little);
    if (n == 8) return load_word<uint64_t>(at);
    if (n >= 4) return load_word<uint32_t>(at) | load_word<uint32_t>(at + n - 4) << 8 * (n - 4);
    return load_word<uint8_t>(at) | load_word<uint8_t>(at + n / 2) << 8 * (n / 2) |
           load_word<uint8_t>(at + n - 1) << 8 * (n - 1);
  }
  // In each byte's top bit: is it from 'A' to 'Z'? Then bit 5 makes it lower case.
  static uint64_t lower(uint64_t word) {
    constexpr uint64_t kEach = 0x0101010101010101u;
    const uint64_t low = word & 0x7f * kEach;
    const uint64_t from_a = low + (0x80 - 'A') * kEach;
    const uint64_t beyond_z = low + (0x7f - 'Z') * kEach;
    const uint64_t upper = ~word & (from_a ^ beyond_z) & 0x80 * kEach;
    return word | upper >> 2;
  }
};

struct Index {
  // A power of two of places, four times as many as there are commands.
  static constexpr int kPlacesLog = 10;
  static constexpr size_t kPlaces = size_t{1} << kPlacesLog;
  struct Place {
    Spelling name{""};
    const CommandSpec* spec = nullptr;
  };
  std::vector<Place> places{kPlaces};  // at the name's hash, or the next that was free
  std::vector<const CommandSpec*> sorted;
  std::vector<const CommandSpec*> whole;  // each followed by its subcommands

  Index() {
    for (const auto family :
         {string_commands(), hyperloglog_commands(), key_commands(),         list_commands(),
          hash_commands(),   set_commands(),         sorted_set_commands(),  geo_commands(),
          stream_commands(), dump_commands(),        transaction_commands(), acl_commands(),
          server_commands(), client_commands(),      command_commands(),     connection_commands(),
          debug_commands(),  memory_commands(),      monitoring_commands(),  object_commands(),
          pubsub_commands(), persistence_commands(), script_commands(),      function_commands()}) {
      for (const CommandSpec& spec : family) {
        check_row(spec);
        const Spelling name(spec.name);
        const size_t at = find(name);
        CHECK(places[at].spec == nullptr);  // two of that name
        places[at] = {name, &spec};
        sorted.push_back(&spec);
      }
    }
    CHECK(sorted.size() * 2 < kPlaces);
    std::sort(sorted.begin(), sorted.end(),
              [](const CommandSpec* a, const CommandSpec* b) { return a->name < b->name; });
    for (const CommandSpec* spec : sorted) {
      whole.push_back(spec);
      for (const CommandSpec& subcommand : spec->subcommands()) {
        check_row(subcommand);
        CHECK(subcommand.name.starts_with(spec->name) && subcommand.subcommand_count == 0);
        CHECK(subcommand.name[spec->name.size()] == '|');
        whole.push_back(&subcommand);
      }
    }
  }

  // A wrong row would execute, and be wrong in silence: a reply that leaves before what it rests on is
  // synced, a write that is refused nowhere.
  static void check_row(const CommandSpec& spec) {
    const auto has = [&](uint32_t flag) { return (spec.flags & flag) != 0; };
    CHECK(std::none_of(spec.name.begin(), spec.name.end(),
                       [](char c) { return c >= 'A' && c <= 'Z'; }));
    CHECK(spec.handler != nullptr && spec.arity != 0);
    CHECK(has(kMovableKeys) == (spec.keys_of != nullptr));
    CHECK(!has(kWrite) || !has(kReadOnly));
    CHECK(has(kReadOnly) || !has(kMayWrite));
    CHECK(has(kWrite) || !has(kDenyOom));
    const bool has_keys = spec.first_key > 0 || spec.keys_of != nullptr;
    CHECK(has_keys || (spec.last_key == 0 && spec.key_step == 0));
    CHECK(!has_keys || has(kWrite) || has(kReadOnly) || has(kImmediate));
    CHECK(has_keys || has(kWholeKeyspace) || !has(kWrite));
    CHECK(spec.first_key == 0 || spec.key_step > 0);
    CHECK(spec.first_key <= std::abs(spec.arity) && spec.last_key <= std::abs(spec.arity));
  }

  // Where `name` is, or would be.
  size_t find(const Spelling& name) const {
    size_t at = name.hash() >> (64 - kPlacesLog);
    while (places[at].spec != nullptr && places[at].name != name) at = (at + 1) % kPlaces;
    return at;
  }
};

const Index& index() {
  static const Index instance;
  return instance;
}

}  // namespace

const CommandSpec* find_command(std::string_view name) {
  if (name.size() > Spelling::kMost) return nullptr;
  const Index& all = index();
  const CommandSpec* spec = all.places[all.find(Spelling(name))].spec;
  // A name with a NUL at its end is spelled like the one without.
  return spec != nullptr && spec->name.size() == name.size() ? spec : nullptr;
}

const CommandSpec* find_command_or_subcommand(std::string_view name) {
  const size_t bar = name.find('|');
  if (bar == name.npos) return find_command(name);
  const std::string_view words[] = {name.substr(0, bar), name.substr(bar + 1)};
  const CommandSpec* spec = resolve(words);
  return spec == nullptr || spec->name.size() != name.size() ? nullptr : spec;
}

const CommandSpec* resolve(std::span<const std::string_view> args) {
  const CommandSpec* spec = find_command(args[0]);
  if (spec == nullptr || args.size() == 1 || args[1].size() > Spelling::kMost) return spec;
  for (const CommandSpec& subcommand : spec->subcommands()) {
    const std::string_view name = subcommand.name.substr(spec->name.size() + 1);
    if (name.size() == args[1].size() && Spelling(name) == Spelling(args[1])) return &subcommand;
  }
  return spec;
}

const std::vector<const CommandSpec*>& all_commands_and_subcommands() { return index().whole; }

const std::vector<const CommandSpec*>& all_commands() { return index().sorted; }

void key_positions(const CommandSpec& spec, std::span<const std::string_view> args,
                   std::vector<size_t>& positions) {
  if (spec.keys_of != nullptr) {
    spec.keys_of(args, positions);
    return;
  }
  if (spec.first_key == 0) return;
  const int argc = static_cast<int>(args.size());
  const int last = spec.last_key >= 0 ? spec.last_key : argc + spec.last_key;
  for (int i = spec.first_key; i <= last && i < argc; i += spec.key_step) {
    positions.push_back(static_cast<size_t>(i));
  }
}

}  // namespace powercut::engine
