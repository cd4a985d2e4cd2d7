// What clients are told unasked: keys that changed, for those that cache them; messages; what others ask for. All of it
// is made while a command runs, and goes out behind its reply, when the log has released what it rests on.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/time.h"
#include "engine/command/client.h"
#include "engine/command/command_table.h"
#include "engine/command/events.h"

namespace powercut::engine {

struct ChangedKey {
  std::string key;
  uint64_t by;  // a client; 0: nobody, it expired
};

// `client` was shown these keys.
void remember_keys(Client& client, std::span<const std::string_view> args,
                   std::span<const size_t> positions);
// Tells who has read it, or who wants to hear of all keys that begin so.
void invalidate_remembered(Clients& clients, const ChangedKey& changed);
void invalidate_prefixes(Clients& clients, std::span<const ChangedKey> changed);
// Tells all who cache anything: nothing is left of it.
void invalidate_all(Clients& clients);
// Forgets, and tells, until no more keys are remembered than may be.
void limit_remembered(Clients& clients);

// Shows a command to those who watch (MONITOR), but not to who sent it. `by_script`: a script of the client did.
void show_to_monitors(Clients& clients, const Client& client, int db, const CommandSpec& spec,
                      std::span<const std::string_view> args, WallTime now, bool by_script = false);

// Sends a message, to a sharded channel in the second form; how many get it.
size_t publish(Clients& clients, std::string_view channel, std::string_view message);
size_t publish_sharded(Clients& clients, std::string_view channel, std::string_view message);

// Tells of what happened to keys until now, on the channels that `events` has.
void publish_events(Clients& clients, Events& events);

// Sends what has been made.
void tell_news(Clients& clients, uint64_t lsn);

// Words that are not for other eyes stand as "(redacted)".
std::vector<std::string_view> redacted(const CommandSpec& spec,
                                       std::span<const std::string_view> args);

}  // namespace powercut::engine
