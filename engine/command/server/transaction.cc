// MULTI, EXEC, DISCARD, WATCH, UNWATCH. Queueing and running live in the executor; here are the
// states in which each may be used.
#include "engine/command/call.h"
#include "engine/command/client.h"
#include "engine/command/command_table.h"

namespace powercut::engine {

namespace {

void multi(Call& call) {
  if (call.client == nullptr) return;
  if (call.client->in_multi) return call.fail("ERR MULTI calls can not be nested");
  call.client->in_multi = true;
  call.reply.ok();
}

// Comes here only when there is nothing to run.
void exec(Call& call) {
  Client* client = call.client;
  if (client == nullptr) return;
  if (!client->in_multi) return call.fail("ERR EXEC without MULTI");
  const bool failed = client->multi_failed;
  client->clear_transaction();
  if (failed) return call.fail("EXECABORT Transaction discarded because of previous errors.");
  call.reply.null_array();  // a watched key changed
}

void discard(Call& call) {
  if (call.client == nullptr) return;
  if (!call.client->in_multi) return call.fail("ERR DISCARD without MULTI");
  call.client->clear_transaction();
  call.reply.ok();
}

void watch(Call& call) {
  if (call.client == nullptr) return;
  if (call.client->in_multi) return call.fail("ERR WATCH inside MULTI is not allowed");
  for (size_t i = 1; i < call.argc(); ++i) {
    call.keyspace.find(call.db,
                       call.arg(i));  // an expired key goes now, and does not break the watch later
    call.client->watch(call.db, call.arg(i));
  }
  call.reply.ok();
}

void unwatch(Call& call) {
  if (call.client != nullptr) call.client->unwatch();
  call.reply.ok();
}

constexpr CommandSpec kTransactionCommands[] = {
    {"multi", multi, 1, kImmediate | kLoading},
    {"exec", exec, 1, kImmediate | kLoading},
    {"discard", discard, 1, kImmediate | kLoading},
    {"watch", watch, -2, kImmediate, 1, -1, 1},
    {"unwatch", unwatch, 1, kLoading},
};

}  // namespace

std::span<const CommandSpec> transaction_commands() { return kTransactionCommands; }

}  // namespace powercut::engine
