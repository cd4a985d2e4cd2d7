#include "engine/command/user/user.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/base/sha256.h"
#include "engine/command/user/rules.h"

namespace powercut::engine {

namespace {

constexpr std::string_view kDefault = "default";
constexpr std::string_view kBlanks = " \t\r\n";

void note_unrestricted(User& user) {
  user.unrestricted = std::any_of(user.selectors.begin(), user.selectors.end(),
                                  [](const Selector& one) { return one.unrestricted(); });
}

std::string_view trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(kBlanks);
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

std::vector<std::string_view> words_at_blanks(std::string_view line) {
  std::vector<std::string_view> words;
  for (size_t begin = 0; begin <= line.size();) {
    const size_t end = std::min(line.find(' ', begin), line.size());
    if (end > begin) words.push_back(trimmed(line.substr(begin, end - begin)));
    begin = end + 1;
  }
  return words;
}

}  // namespace

bool fits_a_rule(std::string_view text) {
  return text.find_first_of(std::string_view(" \t\n\v\f\r\0", 7)) == text.npos;
}

bool User::accepts(std::string_view password) const {
  if (no_password) return true;
  const std::string digest = sha256_hex(password);
  bool accepted = false;
  for (const std::string& known : passwords) {
    unsigned char difference = 0;
    for (size_t i = 0; i < digest.size(); ++i)
      difference |= static_cast<unsigned char>(digest[i] ^ known[i]);
    accepted |= difference == 0;
  }
  return accepted;
}

Result<std::vector<std::string>> joined_selectors(std::span<const std::string_view> rules) {
  std::vector<std::string> joined;
  std::string_view opened;
  std::string selector;
  for (const std::string_view rule : rules) {
    if (rule.starts_with('(') && !rule.ends_with(')')) {
      opened = rule;
      selector = rule;
    } else if (opened.empty()) {
      joined.emplace_back(rule);
    } else {
      selector += fmt::format(" {}", rule);
      if (!rule.ends_with(')')) continue;
      joined.push_back(std::move(selector));
      opened = {};
    }
  }
  if (opened.empty()) return joined;
  return Error{Errc::kInvalid,
               fmt::format("Unmatched parenthesis in acl selector starting at '{}'.", opened)};
}

// --- All users ---

Users::Users() {
  static const User kAsItBegins = [] {
    User user;
    user.name = kDefault;
    user.selectors.resize(1);
    for (const std::string_view rule : {"+@all", "~*", "&*", "on", "nopass"})
      CHECK(apply_rule(user, rule, false).empty());
    note_unrestricted(user);
    return user;
  }();
  default_ = users_.emplace(kDefault, std::make_unique<User>(kAsItBegins)).first->second.get();
}

User* Users::find(std::string_view name) const {
  const auto found = users_.find(name);
  return found == users_.end() ? nullptr : found->second.get();
}

User Users::fresh(std::string_view name) const {
  User user;
  user.name = name;
  user.selectors.resize(1);
  user.selectors[0].all_channels = all_channels_;
  return user;
}

void Users::put(const User& user) {
  auto& place = users_[user.name];
  if (place == nullptr) place = std::make_unique<User>();
  *place = user;
  note_unrestricted(*place);
}

void Users::set_default_password(std::string_view password) {
  default_->passwords.clear();
  default_->no_password = password.empty();
  if (!password.empty())
    CHECK(apply_rule(*default_, fmt::format(">{}", password), all_channels_).empty());
}

Result<User> Users::staged(std::string_view name, std::span<const std::string_view> rules) const {
  if (!fits_a_rule(name))
    return Error{Errc::kInvalid, "Usernames can't contain spaces or null characters"};
  TRY_ASSIGN(const auto words, joined_selectors(rules));
  const User* known = find(name);
  User user = known != nullptr ? *known : fresh(name);
  for (const std::string& rule : words) {
    if (const auto why = apply_rule(user, rule, all_channels_); !why.empty())
      return Error{Errc::kInvalid,
                   fmt::format("Error in ACL SETUSER modifier '{}': {}", rule, why)};
  }
  return user;
}

Result<void> Users::define(std::string_view name, std::span<const std::string_view> rules) {
  if (name != kDefault && find(name) != nullptr)
    return Error{Errc::kInvalid,
                 "Duplicate user found. A user can only be defined once in config files"};
  std::vector<std::string_view> words(rules.begin(), rules.end());
  if (name == kDefault) words.insert(words.begin(), "reset");
  return set(name, words, [](const User&, const User&) {});
}

std::unique_ptr<User> Users::remove(std::string_view name) {
  CHECK(name != kDefault);
  const auto found = users_.find(name);
  if (found == users_.end()) return nullptr;
  std::unique_ptr<User> removed = std::move(found->second);
  users_.erase(found);
  return removed;
}

// --- A file of users ---

// What is wrong with one line; nothing: it is in `found`.
std::string Users::read_line(std::string_view line, const std::string& where, size_t number,
                             ByName& found) const {
  const auto words = words_at_blanks(line);
  if (words.size() < 2 || words[0] != "user")
    return fmt::format("{} should start with user keyword followed by the username. ", where);
  if (!fits_a_rule(words[1]))
    return fmt::format("'{}: username '{}' contains invalid characters. ", where, words[1]);
  if (found.count(words[1]) != 0)
    return fmt::format("WARNING: Duplicate user '{}' found on line {}. ", words[1], number);
  auto user = std::make_unique<User>(fresh(words[1]));
  const auto rules = joined_selectors(std::span(words).subspan(2));
  std::string wrong;
  if (!rules.ok()) return fmt::format("{}: Unmatched parenthesis in selector definition. ", where);
  bool said = false;  // the first of a line is said; what follows may come of it
  for (const std::string& rule : *rules) {
    const auto why = apply_rule(*user, rule, all_channels_);
    if (why == kUnknownCommand) {
      wrong += fmt::format("{}: Error in applying operation '{}': {}. ", where, rule, why);
    } else if (!why.empty() && !said) {
      wrong += fmt::format("{}: {}. ", where, why);  // it may show a password
      said = true;
    }
  }
  found[user->name] = std::move(user);
  return wrong;
}

Result<Users::ByName> Users::replace(std::string_view text, std::string_view file) {
  ByName found;
  std::string wrong;
  size_t number = 0;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line = trimmed(text.substr(begin, end - begin));
    begin = end + 1;
    ++number;
    if (!line.empty()) wrong += read_line(line, fmt::format("{}:{}", file, number), number, found);
  }
  if (!wrong.empty())
    return Error{Errc::kInvalid, wrong +
                                     "WARNING: ACL errors detected, no change to the "
                                     "previously active ACL rules was performed"};
  // A file that says nothing of it leaves `default` as a store without one has it.
  const User as_it_begins = *Users().default_;
  const auto given = found.find(kDefault);
  const User next = given == found.end() ? as_it_begins : *given->second;
  ByName old = std::move(users_);
  users_ = std::move(found);
  users_[std::string(kDefault)] = std::move(old.find(kDefault)->second);
  old.erase(old.find(kDefault));
  for (const auto& [name, user] : users_) note_unrestricted(*user);
  put(next);
  return old;
}

}  // namespace powercut::engine
