// SAVE, BGSAVE, LASTSAVE, BGREWRITEAOF, SHUTDOWN.
#include "engine/command/call.h"
#include "engine/command/client.h"
#include "engine/command/command_table.h"
#include "engine/command/control.h"

namespace powercut::engine {

namespace {

void answer(Call& call, const Result<std::string>& outcome) {
  if (outcome.ok()) return call.reply.simple(*outcome);
  call.fail("ERR " + outcome.error().message);
}

void save(Call& call) {
  if (call.control == nullptr) return;
  const auto saved = call.control->save();
  if (!saved.ok()) return call.fail("ERR " + saved.error().message);
  call.reply.ok();
}

void bgsave(Call& call) {
  if (call.control == nullptr) return;
  if (call.argc() > 2 || (call.argc() == 2 && !call.is(1, "SCHEDULE")))
    return call.fail(kSyntaxError);
  answer(call, call.control->background_save());
}

void lastsave(Call& call) {
  if (call.control != nullptr) call.reply.integer(call.control->last_save_unix_s());
}

void bgrewriteaof(Call& call) {
  if (call.control != nullptr) answer(call, call.control->rewrite_aof());
}

// NOW is what always happens: there are no replicas to wait for.
void shutdown(Call& call) {
  if (call.control == nullptr || call.client == nullptr) return;
  bool save = false;
  bool nosave = false;
  bool force = false;
  bool abort = false;
  for (size_t i = 1; i < call.argc(); ++i) {
    if (call.is(i, "SAVE"))
      save = true;
    else if (call.is(i, "NOSAVE"))
      nosave = true;
    else if (call.is(i, "FORCE"))
      force = true;
    else if (call.is(i, "ABORT"))
      abort = true;
    else if (!call.is(i, "NOW"))
      return call.fail(kSyntaxError);
  }
  if ((save && nosave) || (abort && call.argc() > 2)) return call.fail(kSyntaxError);
  if (abort) return call.fail("ERR No shutdown in progress.");
  // By itself a shutdown saves only if there are rules for saving.
  Result<void> outcome = save ? call.control->save() : Result<void>();
  if (outcome.ok() || force) outcome = call.control->shutdown(!save && !nosave);
  if (!outcome.ok() && force) outcome = call.control->shutdown(false);
  if (!outcome.ok()) return call.fail("ERR Errors trying to SHUTDOWN: " + outcome.error().message);
  call.client->closing = true;
}

constexpr CommandSpec kPersistenceCommands[] = {
    {"save", save, 1, kAdmin | kNoMulti},
    {"bgsave", bgsave, -1, kAdmin},
    {"lastsave", lastsave, 1, kLoading},
    {"bgrewriteaof", bgrewriteaof, 1, kAdmin},
    {"shutdown", shutdown, -1, kAdmin | kNoMulti | kLoading},
};

}  // namespace

std::span<const CommandSpec> persistence_commands() { return kPersistenceCommands; }

}  // namespace powercut::engine
