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
  kTells = 1024,        // tells other clients something: waits where writes wait
  kImmediate = 128,     // executed at once inside MULTI, not queued (EXEC, DISCARD, WATCH, ...)
  kRunsScript = 4096,   // EVAL, FCALL: what it runs is counted and shown for itself
  kNoValue = 8192,      // asks nothing of the values that its keys have: they may lie anywhere
  kMayWrite = 2048,     // a read that keeps what it found, unless writes are refused (PFCOUNT)
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
  // Of a container such as CLIENT: its subcommands, each named "client|list", with an arity that counts both names.
  const CommandSpec* first_subcommand = nullptr;
  size_t subcommand_count = 0;

  std::span<const CommandSpec> subcommands() const;
};
inline std::span<const CommandSpec> CommandSpec::subcommands() const {
  return {first_subcommand, subcommand_count};
}
// The row of a container, whose handler sends a request on to its subcommand (dispatch()).
template <size_t kCount>
constexpr CommandSpec container(std::string_view name, void (*handler)(Call&), int arity,
                                uint32_t flags, const CommandSpec (&subcommands)[kCount],
                                int key = 0) {
  return {name, handler, arity, flags, key, key, key == 0 ? 0 : 1, nullptr, subcommands, kCount};
}

// One a family file.
std::span<const CommandSpec> string_commands();
std::span<const CommandSpec> hyperloglog_commands();
std::span<const CommandSpec> key_commands();
std::span<const CommandSpec> list_commands();
std::span<const CommandSpec> hash_commands();
std::span<const CommandSpec> set_commands();
std::span<const CommandSpec> sorted_set_commands();
std::span<const CommandSpec> geo_commands();
std::span<const CommandSpec> stream_commands();
std::span<const CommandSpec> dump_commands();
std::span<const CommandSpec> script_commands();
std::span<const CommandSpec> function_commands();
std::span<const CommandSpec> transaction_commands();
std::span<const CommandSpec> server_commands();
std::span<const CommandSpec> acl_commands();
std::span<const CommandSpec> client_commands();
std::span<const CommandSpec> command_commands();
std::span<const CommandSpec> connection_commands();
std::span<const CommandSpec> debug_commands();
std::span<const CommandSpec> memory_commands();
std::span<const CommandSpec> monitoring_commands();
std::span<const CommandSpec> object_commands();
std::span<const CommandSpec> pubsub_commands();
std::span<const CommandSpec> persistence_commands();

// By name in any case; nullptr if there is none.
const CommandSpec* find_command(std::string_view name);
// The same, and subcommands as "client|list".
const CommandSpec* find_command_or_subcommand(std::string_view name);
// The command of a request, or its subcommand; where a container has none of that name, the container.
const CommandSpec* resolve(std::span<const std::string_view> args);
// All commands in name order, without subcommands.
const std::vector<const CommandSpec*>& all_commands();
// The same, each followed by its subcommands.
const std::vector<const CommandSpec*>& all_commands_and_subcommands();
// True if argc fits the arity.
inline bool arity_fits(const CommandSpec& spec, size_t argc) {
  return spec.arity >= 0 ? argc == static_cast<size_t>(spec.arity)
                         : argc >= static_cast<size_t>(-spec.arity);
}
// Does it ask anything of the values that its keys have?
inline bool needs_values(const CommandSpec& spec, size_t argc) {
  return (spec.flags & kNoValue) == 0 && !(argc == 3 && spec.name == "set");
}
// The positions of the keys among `args`.
void key_positions(const CommandSpec& spec, std::span<const std::string_view> args,
                   std::vector<size_t>& positions);

}  // namespace powercut::engine
