// OBJECT: what Redis would say of a value's representation. Nothing here depends on it.
#include "engine/command/container.h"
#include "engine/command/encoding.h"
#include "engine/command/keys/key_commands.h"

namespace powercut::engine {

namespace keys {

namespace {

// The object, or nullptr: then it was answered.
const Object* find(Call& call) {
  const Object* found = call.keyspace.look(call.db, call.arg(2));
  ++(found != nullptr ? call.hits : call.misses);  // which nobody is told of
  if (found == nullptr) call.reply.null();
  return found;
}

void object_encoding(Call& call) {
  const Object* found = find(call);
  if (found == nullptr) return;
  call.reply.bulk(encoding_of(found->value, call.keyspace.encoding_limits()));
}

constexpr const char* kNotCounted =
    "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that "
    "when switching between policies at runtime LRU and LFU data will take some time to adjust.";
constexpr const char* kNotTimed =
    "ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when "
    "switching between policies at runtime LRU and LFU data will take some time to adjust.";

void object_freq(Call& call) {
  const Object* found = find(call);
  if (found == nullptr) return;
  const Accesses& accesses = call.keyspace.accesses();
  if (!accesses.by_frequency()) return call.fail(kNotCounted);
  call.reply.integer(accesses.frequency(found->access));
}

void object_idletime(Call& call) {
  const Object* found = find(call);
  if (found == nullptr) return;
  const Accesses& accesses = call.keyspace.accesses();
  if (accesses.by_frequency()) return call.fail(kNotTimed);
  call.reply.integer(accesses.idle_s(found->access));
}

// Values are never shared.
void object_refcount(Call& call) {
  if (find(call) != nullptr) call.reply.integer(1);
}

}  // namespace

}  // namespace keys

std::span<const CommandSpec> object_commands() {
  using namespace keys;
  static constexpr CommandSpec kSubcommands[] = {
      {"object|encoding", object_encoding, 3, kReadOnly, 2, 2, 1},
      {"object|freq", object_freq, 3, kReadOnly | kNoValue, 2, 2, 1},
      {"object|help", help, 2, kLoading},
      {"object|idletime", object_idletime, 3, kReadOnly | kNoValue, 2, 2, 1},
      {"object|refcount", object_refcount, 3, kReadOnly | kNoValue, 2, 2, 1}};
  static constexpr CommandSpec kCommands[] = {
      container("object", dispatch, -2, kReadOnly, kSubcommands, 2)};
  return kCommands;
}

}  // namespace powercut::engine
