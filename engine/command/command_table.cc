#include "engine/command/command_table.h"

#include <algorithm>
#include <array>

#include "engine/base/check.h"

namespace powercut::engine {

namespace {

// Every command of a client and of a log is looked up, so its place is made of little: a power of
// two of places, four times as many as there are commands.
constexpr size_t kPlaces = 1024;
constexpr size_t next_hash(size_t hash, char c) { return hash * 31 + static_cast<size_t>(c); }

struct Index {
  std::array<const CommandSpec*, kPlaces>
      places{};  // at the name's hash, or the next that was free
  std::vector<const CommandSpec*> sorted;

  Index() {
    for (const auto family : {string_commands(), key_commands(), list_commands(), hash_commands(),
                              set_commands(), sorted_set_commands(), dump_commands(),
                              transaction_commands(), server_commands(), persistence_commands()}) {
      for (const CommandSpec& spec : family) {
        size_t hash = 0;
        for (const char c : spec.name) hash = next_hash(hash, c);
        const size_t place = place_of(spec.name, hash);
        CHECK(places[place] == nullptr);
        places[place] = &spec;
        sorted.push_back(&spec);
      }
    }
    CHECK(sorted.size() * 2 < kPlaces);
    std::sort(sorted.begin(), sorted.end(),
              [](const CommandSpec* a, const CommandSpec* b) { return a->name < b->name; });
  }

  size_t place_of(std::string_view name, size_t hash) const {
    size_t at = hash % kPlaces;
    while (places[at] != nullptr && places[at]->name != name) at = (at + 1) % kPlaces;
    return at;
  }
};

const Index& index() {
  static const Index instance;
  return instance;
}

}  // namespace

const CommandSpec* find_command(std::string_view name) {
  std::array<char, 32> lower;
  if (name.size() > lower.size()) return nullptr;
  size_t hash = 0;
  for (size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    lower[i] = c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
    hash = next_hash(hash, lower[i]);
  }
  const Index& all = index();
  return all.places[all.place_of({lower.data(), name.size()}, hash)];
}

const std::vector<const CommandSpec*>& all_commands() { return index().sorted; }

bool arity_fits(const CommandSpec& spec, size_t argc) {
  return spec.arity >= 0 ? argc == static_cast<size_t>(spec.arity)
                         : argc >= static_cast<size_t>(-spec.arity);
}

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
