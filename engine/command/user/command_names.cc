#include "engine/command/user/command_names.h"

#include <algorithm>
#include <iterator>
#include <vector>

#include "engine/base/check.h"
#include "engine/command/facts.h"

namespace powercut::engine {

namespace {

constexpr std::string_view kCategories[] = {
    "keyspace", "read",   "write",       "set",       "sortedset",  "list",        "hash",
    "string",   "bitmap", "hyperloglog", "geo",       "stream",     "pubsub",      "admin",
    "fast",     "slow",   "blocking",    "dangerous", "connection", "transaction", "scripting"};

bool has_word(std::string_view words, std::string_view word) {
  while (!words.empty()) {
    const size_t end = std::min(words.find(' '), words.size());
    if (words.substr(0, end) == word) return true;
    words.remove_prefix(std::min(end + 1, words.size()));
  }
  return false;
}

struct Names {
  std::vector<CommandName> all;
  std::vector<CommandSet> subcommands;
  std::vector<CommandCategory> categories;

  Names() {
    for (const CommandFacts& facts : all_facts()) all.push_back({facts.name, facts.categories});
    for (const CommandName& absent : absent_commands())
      if (find_facts(absent.name) == nullptr) all.push_back(absent);
    std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    CHECK(all.size() < kMostCommandNames);
    subcommands.resize(all.size());
    for (size_t i = 0; i < all.size(); ++i) {
      const size_t bar = all[i].name.find('|');
      if (bar != std::string_view::npos) subcommands[at(all[i].name.substr(0, bar))].set(i);
    }
    for (const std::string_view name : kCategories) categories.push_back(category(name));
  }

  size_t at(std::string_view name) const {
    const auto found = std::lower_bound(
        all.begin(), all.end(), name,
        [](const CommandName& one, std::string_view wanted) { return one.name < wanted; });
    CHECK(found != all.end() && found->name == name);
    return static_cast<size_t>(found - all.begin());
  }

  CommandCategory category(std::string_view name) const {
    CommandCategory found{name, {}, {}};
    for (size_t i = 0; i < all.size(); ++i) {
      if (!has_word(all[i].categories, name)) continue;
      found.members.set(i);
      found.with_subcommands |= subcommands[i];
    }
    found.with_subcommands |= found.members;
    return found;
  }
};

const Names& names() {
  static const Names instance;
  return instance;
}

}  // namespace

std::span<const CommandName> command_names() { return names().all; }

std::optional<size_t> command_number(std::string_view name) {
  const auto& all = names().all;
  const auto found = std::lower_bound(
      all.begin(), all.end(), name,
      [](const CommandName& one, std::string_view wanted) { return one.name < wanted; });
  if (found == all.end() || found->name != name) return std::nullopt;
  return static_cast<size_t>(found - all.begin());
}

const CommandSet& subcommands_of(size_t number) { return names().subcommands.at(number); }

std::span<const CommandCategory> command_categories() { return names().categories; }

const CommandCategory* find_category(std::string_view name) {
  for (const CommandCategory& category : names().categories)
    if (category.name == name) return &category;
  return nullptr;
}

}  // namespace powercut::engine
