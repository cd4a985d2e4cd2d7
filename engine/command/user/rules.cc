#include "engine/command/user/rules.h"

#include <algorithm>

#include "engine/base/sha256.h"
#include "engine/base/words.h"

namespace powercut::engine {

namespace {

constexpr std::string_view kSyntax = "Syntax error";
constexpr std::string_view kAfterAllKeys =
    "Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not have "
    "any effect. Try 'resetkeys' to start with an empty list of patterns";
constexpr std::string_view kAfterAllChannels =
    "Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and does not "
    "have any effect. Try 'resetchannels' to start with an empty list of channels";
constexpr std::string_view kNoSuchPassword =
    "The password you are trying to remove from the user does not exist";
constexpr std::string_view kNoHash =
    "The password hash must be exactly 64 characters and contain only lowercase hexadecimal "
    "characters";
constexpr std::string_view kArgumentOfSubcommand =
    "Allowing first-arg of a subcommand is not supported";

bool is_digest(std::string_view text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == text.npos;
}

// --- Commands ---

void allow(Selector& selector, size_t number, bool allowed) {
  selector.commands.set(number, allowed);
  selector.first_arguments.erase(number);
  const CommandSet& subcommands = subcommands_of(number);
  allowed ? selector.commands |= subcommands : selector.commands &= ~subcommands;
}

void allow_all(Selector& selector, bool allowed) {
  allowed ? selector.commands.set() : selector.commands.reset();
  selector.unnamed_commands = allowed;
  selector.first_arguments.clear();
}

std::string_view allow_category(Selector& selector, const std::string& name, bool allowed) {
  const CommandCategory* category = find_category(name);
  if (category == nullptr) return kUnknownCommand;
  const CommandSet& changed = category->with_subcommands;
  allowed ? selector.commands |= changed : selector.commands &= ~changed;
  std::erase_if(selector.first_arguments,
                [&](const auto& one) { return category->members.test(one.first); });
  return {};
}

// "select|0": behind the last bar stands a subcommand, or the first argument of what has none.
std::string_view allow_with_argument(Selector& selector, const std::string& name) {
  const size_t bar = name.rfind('|');
  const std::string_view command = std::string_view(name).substr(0, bar);
  const auto parent = command_number(command);
  if (!parent) return kUnknownCommand;
  if (command.find('|') != command.npos) return kArgumentOfSubcommand;
  if (bar + 1 == name.size()) return kSyntax;
  if (subcommands_of(*parent).any()) {
    const auto number = command_number(name);
    if (!number) return kUnknownCommand;
    allow(selector, *number, true);
    return {};
  }
  auto& arguments = selector.first_arguments[*parent];
  const std::string argument = name.substr(bar + 1);
  if (std::find(arguments.begin(), arguments.end(), argument) == arguments.end())
    arguments.push_back(argument);
  return {};
}

std::string_view apply_command(Selector& selector, std::string_view rule) {
  const bool allowed = rule[0] == '+';
  const std::string name = lower_case(rule.substr(1));
  if (name.starts_with('@')) return allow_category(selector, name.substr(1), allowed);
  if (allowed && name.find('|') != name.npos) return allow_with_argument(selector, name);
  const auto number = command_number(name);
  if (!number) return kUnknownCommand;
  allow(selector, *number, allowed);
  return {};
}

// --- Keys and channels ---

// "~cache:*", "%R~cache:*"
std::string_view add_keys(Selector& selector, std::string_view rule) {
  if (selector.all_keys) return kAfterAllKeys;
  KeyPattern added{.pattern = "", .reads = rule[0] == '~', .writes = rule[0] == '~'};
  size_t i = 1;
  if (rule[0] == '%') {
    for (; i < rule.size() && rule[i] != '~'; ++i) {
      bool& which = rule[i] == 'R' || rule[i] == 'r' ? added.reads : added.writes;
      if (std::string_view("RrWw").find(rule[i]) == std::string_view::npos || which) return kSyntax;
      which = true;
    }
    if (i == rule.size() || i == 1) return kSyntax;
    ++i;
  }
  added.pattern = rule.substr(i);
  if (!fits_a_rule(added.pattern)) return kSyntax;
  const auto same =
      std::find_if(selector.keys.begin(), selector.keys.end(),
                   [&](const KeyPattern& one) { return one.pattern == added.pattern; });
  if (same == selector.keys.end()) {
    selector.keys.push_back(std::move(added));
  } else {
    same->reads = same->reads || added.reads;
    same->writes = same->writes || added.writes;
  }
  return {};
}

std::string_view add_channels(Selector& selector, std::string_view pattern) {
  if (selector.all_channels) return kAfterAllChannels;
  if (!fits_a_rule(pattern)) return kSyntax;
  auto& channels = selector.channels;
  if (std::find(channels.begin(), channels.end(), pattern) == channels.end())
    channels.emplace_back(pattern);
  return {};
}

void set_all_keys(Selector& selector, bool all) {
  selector.all_keys = all;
  selector.keys.clear();
}

void set_all_channels(Selector& selector, bool all) {
  selector.all_channels = all;
  selector.channels.clear();
}

// --- The user itself ---

// ">secret", "#digest"; "<secret", "!digest".
std::string_view change_password(User& user, std::string_view rule) {
  const bool is_hash = rule[0] == '#' || rule[0] == '!';
  const std::string_view given = rule.substr(1);
  if (is_hash && !is_digest(given)) return kNoHash;
  const std::string digest = is_hash ? std::string(given) : sha256_hex(given);
  const auto known = std::find(user.passwords.begin(), user.passwords.end(), digest);
  if (rule[0] == '>' || rule[0] == '#') {
    if (known == user.passwords.end()) user.passwords.push_back(digest);
    user.no_password = false;
    return {};
  }
  if (known == user.passwords.end()) return kNoSuchPassword;
  user.passwords.erase(known);
  return {};
}

void reset(User& user, bool all_channels) {
  user.on = user.no_password = false;
  user.sanitize = User::Sanitize::kYes;
  user.passwords.clear();
  user.selectors.assign(1, {});
  user.selectors[0].all_channels = all_channels;
}

std::string_view add_selector(User& user, std::string_view rules, bool all_channels) {
  Selector selector;
  selector.all_channels = all_channels;
  std::vector<std::string> words;
  if (!split_words(rules, words)) return kSyntax;
  for (const std::string& word : words)
    if (const auto why = apply_selector_rule(selector, word); !why.empty()) return why;
  user.selectors.push_back(std::move(selector));
  return {};
}

// True if it is a rule of the user, and not of what it may do.
bool apply_plain(User& user, std::string_view word, bool all_channels) {
  if (word == "on" || word == "off") {
    user.on = word == "on";
  } else if (word == "skip-sanitize-payload") {
    user.sanitize = User::Sanitize::kSkip;
  } else if (word == "sanitize-payload") {
    user.sanitize = User::Sanitize::kYes;
  } else if (word == "nopass" || word == "resetpass") {
    user.no_password = word == "nopass";
    user.passwords.clear();
  } else if (word == "clearselectors") {
    user.selectors.resize(1);
  } else if (word == "reset") {
    reset(user, all_channels);
  } else {
    return false;
  }
  return true;
}

}  // namespace

std::string_view apply_selector_rule(Selector& selector, std::string_view rule) {
  const std::string word = lower_case(rule);
  if (word == "allkeys" || word == "~*" || word == "resetkeys") {
    set_all_keys(selector, word != "resetkeys");
  } else if (word == "allchannels" || word == "&*" || word == "resetchannels") {
    set_all_channels(selector, word != "resetchannels");
  } else if (word == "allcommands" || word == "+@all") {
    allow_all(selector, true);
  } else if (word == "nocommands" || word == "-@all") {
    allow_all(selector, false);
  } else if (word.starts_with('~') || word.starts_with('%')) {
    return add_keys(selector, rule);
  } else if (word.starts_with('&')) {
    return add_channels(selector, rule.substr(1));
  } else if (word.starts_with('+') || word.starts_with('-')) {
    return apply_command(selector, rule);
  } else {
    return kSyntax;
  }
  return {};
}

std::string_view apply_rule(User& user, std::string_view rule, bool all_channels) {
  if (rule.empty() || apply_plain(user, lower_case(rule), all_channels)) return {};
  if (std::string_view("><#!").find(rule[0]) != std::string_view::npos)
    return change_password(user, rule);
  if (rule[0] == '(' && rule.back() == ')' && rule.size() > 1)
    return add_selector(user, rule.substr(1, rule.size() - 2), all_channels);
  return apply_selector_rule(user.selectors[0], rule);
}

}  // namespace powercut::engine
