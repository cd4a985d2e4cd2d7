// May a user run a request? Of all that asks for a command, keys or channels, one of the user's selectors must allow
// the whole.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "engine/command/command_table.h"
#include "engine/command/user/user.h"

namespace powercut::engine {

// In the order in which one is told before another.
enum class Denied : unsigned char { kNothing, kCommand, kKey, kChannel };

struct Verdict {
  Denied what = Denied::kNothing;
  size_t argument = 0;  // where the key or the channel stands
};

// REQUIRES: the arity fits.
Verdict check_permission(const User& user, const CommandSpec& spec,
                         std::span<const std::string_view> args);
// May a selector that allows the request read every key? SORT looks for keys that it does not name.
bool may_read_every_key(const User& user, const CommandSpec& spec,
                        std::span<const std::string_view> args);
// May a client of this user listen to a channel, or to a pattern of them?
bool may_listen(std::span<const std::string> allowed, std::string_view name, bool pattern);

// "command", "key", "channel": as ACL LOG has it; and what was denied.
std::string_view reason_of(Denied what);
std::string_view object_of(const Verdict& verdict, const CommandSpec& spec,
                           std::span<const std::string_view> args);
// What is answered: when the request comes; when EXEC comes to it.
std::string denial_error(Denied what, const CommandSpec& spec);
std::string late_denial_error(Denied what);

}  // namespace powercut::engine
