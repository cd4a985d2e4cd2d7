#include "engine/command/call.h"

#include "engine/command/client.h"
#include "engine/command/events.h"
#include "engine/command/number.h"

namespace powercut::engine {

bool Call::integer_arg(size_t i, int64_t& out, std::string_view message) {
  const auto parsed = parse_integer(arg(i));
  if (!parsed) {
    fail(message);
    return false;
  }
  out = *parsed;
  return true;
}

bool Call::float_arg(size_t i, double& out, std::string_view message) {
  const auto parsed = parse_double(arg(i));
  if (!parsed) {
    fail(message);
    return false;
  }
  out = *parsed;
  return true;
}

void Call::announce_in(int other_db, char kind, std::string_view event, std::string_view key) {
  if (events != nullptr) events->add(kind, event, other_db, key);
}

void Call::announce_taken(char kind, std::string_view event, std::string_view key) {
  if (events == nullptr || !events->any()) return;
  announce(kind, event, key);
  if (keyspace.peek(db, key) == nullptr) announce('g', "del", key);
}

bool Call::may_wait() const { return client != nullptr && !client->in_exec; }

bool Call::is(size_t i, std::string_view upper_word) const {
  return equals_ignoring_case(arg(i), upper_word);
}

}  // namespace powercut::engine
