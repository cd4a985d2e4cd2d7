// EVAL and its kin, and SCRIPT.
#include <algorithm>

#include "engine/command/call.h"
#include "engine/command/collection.h"
#include "engine/command/command_table.h"
#include "engine/command/container.h"
#include "engine/command/number.h"
#include "engine/command/script/script_commands.h"

namespace powercut::engine {

namespace script {

Scripts* scripts_of(Call& call) {
  if (call.scripts == nullptr) call.fail("ERR a log has what scripts did, not scripts");
  return call.scripts;
}

namespace {

template <bool kByDigest, bool kReadOnly>
void evaluate(Call& call) {
  if (Scripts* scripts = scripts_of(call)) scripts->eval(call, kByDigest, kReadOnly);
}

void load(Call& call) {
  Scripts* scripts = scripts_of(call);
  if (scripts == nullptr) return;
  const auto digest = scripts->learn(call.arg(2));
  if (!digest.ok()) return call.fail(digest.error().message);
  call.reply.bulk(*digest);
}

void exists(Call& call) {
  const Scripts* scripts = scripts_of(call);
  if (scripts == nullptr) return;
  call.reply.array(call.argc() - 2);
  for (size_t i = 2; i < call.argc(); ++i) call.reply.integer(scripts->knows(call.arg(i)) ? 1 : 0);
}

void flush(Call& call) {
  Scripts* scripts = scripts_of(call);
  if (scripts == nullptr) return;
  if (call.argc() > 3 || (call.argc() == 3 && !call.is(2, "SYNC") && !call.is(2, "ASYNC")))
    return call.fail("ERR SCRIPT FLUSH only support SYNC|ASYNC option");
  scripts->forget_scripts();
  call.reply.ok();
}

void kill(Call& call) {
  if (Scripts* scripts = scripts_of(call)) scripts->kill(call, false);
}

void debug(Call& call) {
  if (call.is(2, "NO")) return call.reply.ok();
  if (!call.is(2, "YES") && !call.is(2, "SYNC"))
    return call.fail("ERR Use SCRIPT DEBUG YES/SYNC/NO");
  call.fail("ERR there is no debugger for scripts here");
}

}  // namespace

}  // namespace script

std::span<const CommandSpec> script_commands() {
  using namespace script;
  static constexpr CommandSpec kScript[] = {
      {"script|debug", debug, 3, 0},  {"script|exists", exists, -3, 0},
      {"script|flush", flush, -2, 0}, {"script|help", help, 2, kLoading},
      {"script|kill", kill, 2, 0},    {"script|load", load, 3, 0}};
  // They read what they do not name, so a reply waits for the last write; and their keys by their number.
  constexpr uint32_t kReads = kReadOnly | kWholeKeyspace | kMovableKeys | kRunsScript;
  static constexpr CommandSpec kCommands[] = {
      {"eval", evaluate<false, false>, -3, kReads | kMayWrite, 0, 0, 0, counted_keys<2, false>},
      {"eval_ro", evaluate<false, true>, -3, kReads, 0, 0, 0, counted_keys<2, false>},
      {"evalsha", evaluate<true, false>, -3, kReads | kMayWrite, 0, 0, 0, counted_keys<2, false>},
      {"evalsha_ro", evaluate<true, true>, -3, kReads, 0, 0, 0, counted_keys<2, false>},
      container("script", dispatch, -2, 0, kScript),
  };
  return kCommands;
}

}  // namespace powercut::engine
