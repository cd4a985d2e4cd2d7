// The declarative command table: every command's name, arity, flags and keys, one family a file.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace powercut::engine {

class Call;

enum CommandFlag : uint32_t {
  kWrite = 1,           // may change the keyspace
  kReadOnly = 2,        // reads keys
  kDenyOom = 4,         // refused above maxmemory
  kNoMulti = 8,         // not allowed inside MULTI
  kAdmin = 16,          // server and persistence commands
  kWholeKeyspace = 32,  // reads or writes keys it does not name (KEYS, FLUSHALL, RANDOMKEY, SORT)
  kMovableKeys = 64,    // keys found by `keys_of` instead of by position
  kNoAuth = 512,        // answered before a client has given the password
  kLoading = 256,       // answered while the store loads: it touches no key
  kImmediate = 128,     // executed at once inside MULTI, not queued (EXEC, DISCARD, WATCH, ...)
};

struct CommandSpec {
  std::string_view name;  // lower case
  void (*handler)(Call&);
  int arity;  // counts the name; negative: at least that many
  uint32_t flags;
  int first_key = 0;  // 0: none
  int last_key = 0;   // negative: from the end
  int key_step = 0;
  // For kMovableKeys: appends the keys' argument positions.
  void (*keys_of)(std::span<const std::string_view> args, std::vector<size_t>& positions) = nullptr;
};

// One a family file.
std::span<const CommandSpec> string_commands();
std::span<const CommandSpec> key_commands();
std::span<const CommandSpec> list_commands();
std::span<const CommandSpec> hash_commands();
std::span<const CommandSpec> set_commands();
std::span<const CommandSpec> sorted_set_commands();
std::span<const CommandSpec> dump_commands();
std::span<const CommandSpec> transaction_commands();
std::span<const CommandSpec> server_commands();
std::span<const CommandSpec> persistence_commands();

// By name in any case; nullptr if there is none.
const CommandSpec* find_command(std::string_view name);
// All commands in name order.
const std::vector<const CommandSpec*>& all_commands();
// True if argc fits the arity.
inline bool arity_fits(const CommandSpec& spec, size_t argc) {
  return spec.arity >= 0 ? argc == static_cast<size_t>(spec.arity)
                         : argc >= static_cast<size_t>(-spec.arity);
}
// The positions of the keys among `args`.
void key_positions(const CommandSpec& spec, std::span<const std::string_view> args,
                   std::vector<size_t>& positions);

}  // namespace powercut::engine
