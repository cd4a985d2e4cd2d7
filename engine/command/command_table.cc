#include "engine/command/command_table.h"

#include <algorithm>
#include <array>

#include "engine/store/slab_map.h"

namespace powercut::engine {

namespace {

struct Index {
  SlabMap<const CommandSpec*> by_name;
  std::vector<const CommandSpec*> sorted;

  Index() {
    for (const auto family :
         {string_commands(), key_commands(), list_commands(), hash_commands(), set_commands(),
          sorted_set_commands(), dump_commands(), transaction_commands(), server_commands(),
          persistence_commands()}) {
      for (const CommandSpec& spec : family) {
        auto [entry, is_new] = by_name.insert(spec.name);
        CHECK(is_new);
        entry->value = &spec;
        sorted.push_back(&spec);
      }
    }
    std::sort(sorted.begin(), sorted.end(),
              [](const CommandSpec* a, const CommandSpec* b) { return a->name < b->name; });
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
  for (size_t i = 0; i < name.size(); ++i) {
    lower[i] = name[i] >= 'A' && name[i] <= 'Z' ? static_cast<char>(name[i] + ('a' - 'A')) : name[i];
  }
  const auto* entry = index().by_name.find(std::string_view(lower.data(), name.size()));
  return entry == nullptr ? nullptr : entry->value;
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
