// The executor under a script: it runs the script's commands, as parts of the operation that the script is, and answers
// others while it takes long.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "engine/command/client_text.h"
#include "engine/command/control.h"
#include "engine/command/execute.h"
#include "engine/command/executor.h"
#include "engine/command/facts.h"
#include "engine/command/number.h"
#include "engine/command/permission.h"

namespace powercut::engine {

namespace {

bool has_word(const CommandSpec& spec, std::string_view word) {
  const CommandFacts* facts = find_facts(spec.name);
  return facts != nullptr && facts->flags.find(word) != std::string_view::npos;
}

std::string_view what_is_denied(Denied what) {
  switch (what) {
    case Denied::kCommand:
      return "can't run this command or subcommand";
    case Denied::kKey:
      return "can't access at least one of the keys mentioned in the command arguments";
    default:
      return "can't publish to the channel mentioned in the command";
  }
}

// What DEBUG SET-DISABLE-DENY-SCRIPTS allows: none of it yields.
bool is_harmless(const CommandSpec& spec) {
  return (spec.flags & kNoMulti) == 0 &&
         (spec.name.starts_with("debug|") || spec.name == "client|list");
}

// A container whose subcommand is none.
bool is_no_command(const CommandSpec* spec, std::span<const std::string_view> words) {
  return spec == nullptr || (spec->subcommand_count != 0 && words.size() > 1);
}

}  // namespace

bool Executor::short_of_memory() { return memory_short_; }

// Asked for each command of each script.
bool Executor::denied_to_scripts(const CommandSpec& spec) {
  denied_to_scripts_.resize(kScriptPlaces);
  auto& place = denied_to_scripts_[(reinterpret_cast<uintptr_t>(&spec) >> 4) % kScriptPlaces];
  if (place.first != &spec) place = {&spec, has_word(spec, "noscript")};
  return place.second;
}

// The error; empty: it may run.
std::string Executor::why_not_in_script(RunningScript& script, const CommandSpec* spec,
                                        std::span<const std::string_view> words) {
  if (is_no_command(spec, words)) return "ERR Unknown Redis command called from script";
  if (!arity_fits(*spec, words.size()))
    return "ERR Wrong number of args calling Redis command from script";
  if (denied_to_scripts(*spec) && !(scripts_.lax() && is_harmless(*spec)))
    return "ERR This Redis command is not allowed from script";
  const Client& client = *script.client;
  if (!client.user->unrestricted) {
    const Verdict verdict = check_permission(*client.user, *spec, words);
    if (verdict.what != Denied::kNothing) {
      note_denial(client, reason_of(verdict.what), object_of(verdict, *spec, words),
                  client.user->name, "lua");
      return fmt::format("ERR The user executing the script {}", what_is_denied(verdict.what));
    }
  }
  if (script.read_only && (spec->flags & (kWrite | kMayWrite | kTells)) != 0)
    return "ERR Write commands are not allowed from read-only scripts.";
  if ((spec->flags & kWrite) != 0 && role_.takes_no_write()) return kReadOnlyReplica;
  if (std::string why = breaks_rule(*spec, words); !why.empty()) return why;
  if ((spec->flags & kWrite) == 0 || script.wrote) return {};
  // Before its first write it can still be refused; then it goes on to its end.
  size_t bytes = 0;
  for (const std::string_view word : words) bytes += word.size() + 16;
  (void)log_.has_space(bytes);
  if (!log_.refusal().empty()) return log_.refusal();
  if (script.short_of_memory && (spec->flags & kDenyOom) != 0) return kOutOfMemory;
  return {};
}

void Executor::run_in_script(RunningScript& script, std::span<const std::string_view> words,
                             int protocol, std::string& out) {
  Client& client = *script.client;
  Reply reply(out, protocol);
  const CommandSpec* spec = resolve(words);
  if (const std::string why = why_not_in_script(script, spec, words); !why.empty()) {
    if (!is_no_command(spec, words)) ++tally_.of(spec).rejected;
    tally_.count_error(why);
    return reply.error(why);
  }
  script.wrote |= (spec->flags & kWrite) != 0;
  const Instant began = os_.now();
  Call call = make_call(client, words, script.db, reply, effects_);
  call.in_script = true;
  const bool in_exec = std::exchange(client.in_exec, true);
  execute_counted(call, *spec);
  CHECK(reply.complete());
  client.in_exec = in_exec;
  script.db = call.db;
  if (reply.failed()) tally_.count_error(reply.text().substr(1));
  count_call(client, *spec, words, began, reply.failed());
  note_news(client, call.db, *spec, words);
  find_ready();
}

std::optional<bool> Executor::allowed_in_script(const RunningScript& script,
                                                std::span<const std::string_view> words) {
  const CommandSpec* spec = resolve(words);
  if (is_no_command(spec, words) || !arity_fits(*spec, words.size())) return std::nullopt;
  const User& user = *script.client->user;
  return user.unrestricted || check_permission(user, *spec, words).what == Denied::kNothing;
}

void Executor::let_others_run(const RunningScript& script) {
  const uint64_t running = running_;
  running_ = 0;
  // Before it, its transaction may have written.
  control_.let_others_run(script.wrote || !effects_.empty());
  running_ = running;
}

// --- Others, meanwhile ---

// What Redis answers then is about clients, or ends the script. Nothing of it changes a key.
void Executor::run_beside_script(Client& client, const CommandSpec& spec,
                                 std::span<const std::string_view> args) {
  const bool ends = spec.name == "shutdown" &&
                    std::any_of(args.begin() + 1, args.end(), [](std::string_view word) {
                      return equals_ignoring_case(word, "NOSAVE");
                    });
  if (!ends && (!has_word(spec, "allow_busy") || spec.name == "shutdown")) {
    ++tally_.of(&spec).rejected;
    client.multi_failed |= client.in_multi;
    if (spec.name != "exec") return refuse(client, scripts_.busy_error());
    const std::string aborted =
        fmt::format("EXECABORT Transaction discarded because of: {}", scripts_.busy_error());
    client.clear_transaction();
    return refuse(client, aborted);
  }
  if (client.in_multi && (spec.flags & kImmediate) == 0) {
    queue(client, spec, args);
    return hold(client, 0);
  }
  Effects none;
  Reply reply(client.outbox.bytes(), client.protocol);
  Call call = make_call(client, args, client.db, reply, none);
  client.begin_command();
  const bool keeps = keyspace_.keeps_expired();
  keyspace_.keep_expired(true);  // WATCH looks at keys
  execute(call, spec);
  keyspace_.keep_expired(keeps);
  CHECK(none.empty() && (reply.complete() || client.closing));
  ++tally_.of(&spec).calls;
  client.db = call.db;
  if (reply.failed()) tally_.count_error(reply.text().substr(1));
  hold(client, 0);
  client.end_command();
}

}  // namespace powercut::engine
