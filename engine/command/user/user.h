// Users of the store, as Redis's ACLs have them: who may log in, and run which commands on which keys and channels.
// Rules are words ("on", ">secret", "+get", "~cache:*"); engine/command/permission.h asks what they allow.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/command/user/command_names.h"

namespace powercut::engine {

struct KeyPattern {
  std::string pattern;
  bool reads = false;
  bool writes = false;
};

// What a user may do: the user's own permissions are one, and each (...) adds another that allows by itself.
struct Selector {
  CommandSet commands;
  // +@all: also what is no command of Redis; what a user who begins with -@all is not given unnamed.
  bool unnamed_commands = false;
  // "+select|0": of a command that is not allowed, the first arguments with which it is.
  std::map<size_t, std::vector<std::string>> first_arguments;
  bool all_keys = false;
  std::vector<KeyPattern> keys;
  bool all_channels = false;
  std::vector<std::string> channels;

  bool unrestricted() const {
    return unnamed_commands && all_keys && all_channels && commands.all();
  }
};

struct User {
  enum class Sanitize : unsigned char { kUnsaid, kYes, kSkip };  // accepted: payloads are checked

  std::string name;
  bool on = false;
  bool no_password = false;  // any will do
  Sanitize sanitize = Sanitize::kUnsaid;
  std::vector<std::string> passwords;  // SHA-256, in hexadecimal digits
  std::vector<Selector> selectors;     // the first is the user's own
  bool unrestricted = false;           // it may do everything: there is nothing to check

  // Takes as long for every wrong password.
  bool accepts(std::string_view password) const;
};

class Users {
 public:
  using ByName = std::map<std::string, std::unique_ptr<User>, std::less<>>;

  Users();
  Users(const Users&) = delete;
  Users& operator=(const Users&) = delete;

  // Whom connections begin as; stays where it is. It may do everything until told otherwise.
  User& default_user() const { return *default_; }
  // nullptr: there is none.
  User* find(std::string_view name) const;
  const ByName& all() const { return users_; }
  // Must a client say who it is before it may do anything?
  bool must_log_in() const { return !default_->no_password || !default_->on; }
  // requirepass; "": any will do.
  void set_default_password(std::string_view password);

  // Changes a user, or makes one: all of the rules, or none. `changing` is called with the old and the new, if there is
  // an old one.
  //   Errors: kInvalid, with Redis's text.
  template <class Changing>
  Result<void> set(std::string_view name, std::span<const std::string_view> rules,
                   const Changing& changing) {
    TRY_ASSIGN(const User next, staged(name, rules));
    User* user = find(name);
    if (user != nullptr) changing(*user, next);
    put(next);
    return {};
  }
  // A user of a configuration file: `default` begins anew, and another must not be there yet.
  Result<void> define(std::string_view name, std::span<const std::string_view> rules);
  // Takes it away; nullptr: there was none. Not for `default`.
  std::unique_ptr<User> remove(std::string_view name);
  // Puts the users of a file, a line "user NAME RULE ..." each, in the place of all; those that were there before, but
  // `default`, which has changed in its place.
  //   Errors: kInvalid, with each line that is none; nothing was changed.
  Result<ByName> replace(std::string_view text, std::string_view file);

  // acl-pubsub-default allchannels: what a new user may listen to.
  void set_all_channels(bool all) { all_channels_ = all; }

 private:
  User fresh(std::string_view name) const;
  Result<User> staged(std::string_view name, std::span<const std::string_view> rules) const;
  void put(const User& user);
  std::string read_line(std::string_view line, const std::string& where, size_t number,
                        ByName& found) const;

  ByName users_;
  User* default_ = nullptr;
  bool all_channels_ = false;
};

// Words of one user's rules, where a selector's words may stand apart: "(+get", "~a)".
//   Errors: kInvalid: a parenthesis that is not closed.
Result<std::vector<std::string>> joined_selectors(std::span<const std::string_view> rules);
// Blanks and NUL have no place in names and patterns.
bool fits_a_rule(std::string_view text);

// As rules that make the same: what ACL GETUSER and ACL LIST show.
std::string describe_commands(const Selector& selector);
std::string describe_keys(const Selector& selector);
std::string describe_channels(const Selector& selector);
std::vector<std::string_view> flags_of(const User& user);
// "user NAME RULE ..."
std::string describe(const User& user);

}  // namespace powercut::engine
