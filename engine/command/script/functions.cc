// FUNCTION and FCALL. What is data of a library is its text, in the keyspace, and it is logged by the commands that
// change it. Where a log is replayed nothing is compiled: it was, before it was logged.
#include <fmt/format.h>

#include <algorithm>

#include "engine/base/words.h"
#include "engine/checkpoint/rdb_dump.h"
#include "engine/command/client.h"
#include "engine/command/collection.h"
#include "engine/command/command_table.h"
#include "engine/command/container.h"
#include "engine/command/number.h"
#include "engine/command/script/script_commands.h"

namespace powercut::engine {

namespace script {

namespace {

// Libraries by name, and those of them that are to go.
struct Change {
  std::map<std::string, std::string, std::less<>> texts;
  std::vector<std::string> removed;
};

// Compiles what comes, in whichever order it stands; or answers what is wrong with it, and leaves nothing.
bool compile(Call& call, const Change& change, Scripts::LibraryMap& compiled) {
  if (call.scripts == nullptr) return true;
  const auto give_up = [&](std::string_view why) {
    for (const auto& [name, library] : compiled) call.scripts->drop(library);
    call.fail(why);
    return false;
  };
  std::map<std::string, std::string, std::less<>> taken;  // names of functions
  for (const auto& [name, library] : call.scripts->libraries()) {
    if (change.texts.contains(name)) continue;
    if (std::find(change.removed.begin(), change.removed.end(), name) != change.removed.end())
      continue;
    for (const RegisteredFunction& function : library.functions)
      taken.emplace(lower_case(function.name), name);
  }
  for (const auto& [name, text] : change.texts) {
    auto library = call.scripts->compile(text);
    if (!library.ok()) return give_up(library.error().message);
    const auto& functions = compiled.emplace(name, *std::move(library)).first->second.functions;
    for (const RegisteredFunction& function : functions)
      if (!taken.emplace(lower_case(function.name), name).second)
        return give_up(fmt::format("ERR Function {} already exists", function.name));
  }
  return true;
}

void carry_out(Call& call, const Change& change, Scripts::LibraryMap compiled) {
  for (const std::string& name : change.removed) call.keyspace.remove_library(name);
  for (const auto& [name, text] : change.texts) call.keyspace.put_library(name, text);
  if (call.scripts != nullptr) call.scripts->keep(std::move(compiled), change.removed);
  call.changed();
}

void load(Call& call) {
  bool replace = false;
  for (size_t i = 2; i + 1 < call.argc(); ++i) {
    if (!call.is(i, "REPLACE"))
      return call.fail(fmt::format("ERR Unknown option given: {}", call.arg(i)));
    replace = true;
  }
  const std::string_view text = call.arg(call.argc() - 1);
  const auto head = read_library_head(text);
  if (!head.ok()) return call.fail("ERR " + head.error().message);
  if (!replace && call.keyspace.libraries().contains(head->name))
    return call.fail(fmt::format("ERR Library '{}' already exists", head->name));
  Change change;
  change.texts.emplace(head->name, text);
  Scripts::LibraryMap compiled;
  if (!compile(call, change, compiled)) return;
  carry_out(call, change, std::move(compiled));
  call.reply.bulk(head->name);
}

void remove(Call& call) {
  Change change;
  change.removed.emplace_back(call.arg(2));
  if (!call.keyspace.libraries().contains(call.arg(2))) return call.fail("ERR Library not found");
  carry_out(call, change, {});
  call.reply.ok();
}

void refuse_arguments(Call& call) {
  call.fail(fmt::format(
      "ERR unknown subcommand or wrong number of arguments for '{}'. Try FUNCTION HELP.",
      call.arg(1).substr(0, 128)));
}

std::vector<std::string> all_names(const Call& call) {
  std::vector<std::string> names;
  for (const auto& [name, text] : call.keyspace.libraries()) names.push_back(name);
  return names;
}

void flush(Call& call) {
  if (call.argc() > 3) return refuse_arguments(call);
  if (call.argc() == 3 && !call.is(2, "SYNC") && !call.is(2, "ASYNC"))
    return call.fail("ERR FUNCTION FLUSH only supports SYNC|ASYNC option");
  Change change;
  change.removed = all_names(call);
  if (!change.removed.empty()) carry_out(call, change, {});
  call.reply.ok();
}

void dump_functions(Call& call) { call.reply.bulk(dump_libraries(call.keyspace.libraries())); }

// FUNCTION RESTORE payload [FLUSH | APPEND | REPLACE]
void restore_functions(Call& call) {
  if (call.argc() > 4) return refuse_arguments(call);
  const bool flush = call.argc() == 4 && call.is(3, "FLUSH");
  const bool replace = call.argc() == 4 && call.is(3, "REPLACE");
  if (call.argc() == 4 && !flush && !replace && !call.is(3, "APPEND"))
    return call.fail(
        "ERR Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE.");
  const auto texts = restore_libraries(call.arg(2));
  if (!texts.ok()) return call.fail("ERR " + texts.error().message);
  Change change;
  for (const std::string& text : *texts) {
    const auto head = read_library_head(text);
    if (!head.ok()) return call.fail("ERR " + head.error().message);
    if (!change.texts.emplace(head->name, text).second)
      return call.fail(fmt::format("ERR Library '{}' already exists", head->name));
    if (!flush && !replace && call.keyspace.libraries().contains(head->name))
      return call.fail(fmt::format("ERR Library {} already exists", head->name));
  }
  if (flush)
    for (std::string& name : all_names(call))
      if (!change.texts.contains(name)) change.removed.push_back(std::move(name));
  Scripts::LibraryMap compiled;
  if (!compile(call, change, compiled)) return;
  if (!change.texts.empty() || !change.removed.empty())
    carry_out(call, change, std::move(compiled));
  call.reply.ok();
}

// --- What there is ---

void describe(Call& call, const RegisteredFunction& function) {
  call.reply.map(3);
  call.reply.bulk("name");
  call.reply.bulk(function.name);
  call.reply.bulk("description");
  if (function.description)
    call.reply.bulk(*function.description);
  else
    call.reply.null();
  call.reply.bulk("flags");
  const auto has = [&](const auto& flag) { return (function.flags & flag.flag) != 0; };
  call.reply.set(
      static_cast<size_t>(std::count_if(std::begin(kScriptFlags), std::end(kScriptFlags), has)));
  for (const auto& flag : kScriptFlags)
    if (has(flag)) call.reply.simple(flag.name);
}

void describe(Call& call, std::string_view name, const Scripts::Library& library, bool with_code) {
  call.reply.map(with_code ? 4 : 3);
  call.reply.bulk("library_name");
  call.reply.bulk(name);
  call.reply.bulk("engine");
  call.reply.bulk("LUA");
  call.reply.bulk("functions");
  call.reply.array(library.functions.size());
  for (const RegisteredFunction& function : library.functions) describe(call, function);
  if (!with_code) return;
  call.reply.bulk("library_code");
  call.reply.bulk(library.text);
}

void list(Call& call) {
  Scripts* scripts = scripts_of(call);
  if (scripts == nullptr) return;
  bool with_code = false;
  std::optional<std::string_view> pattern;
  for (size_t i = 2; i < call.argc(); ++i) {
    if (!with_code && call.is(i, "WITHCODE")) {
      with_code = true;
    } else if (!pattern && call.is(i, "LIBRARYNAME")) {
      if (i + 1 == call.argc()) return call.fail("ERR library name argument was not given");
      pattern = call.arg(++i);
    } else {
      return call.fail(fmt::format("ERR Unknown argument {}", call.arg(i)));
    }
  }
  const auto wanted = [&](std::string_view name) {
    return !pattern || glob_match(lower_case(*pattern), lower_case(name));
  };
  const auto& libraries = scripts->libraries();
  call.reply.array(static_cast<size_t>(std::count_if(
      libraries.begin(), libraries.end(), [&](const auto& one) { return wanted(one.first); })));
  for (const auto& [name, library] : libraries)
    if (wanted(name)) describe(call, name, library, with_code);
}

void stats(Call& call) {
  Scripts* scripts = scripts_of(call);
  if (scripts == nullptr) return;
  const RunningScript* running = scripts->running();
  if (running != nullptr && !running->is_function) return call.fail(scripts->busy_error());
  call.reply.map(2);
  call.reply.bulk("running_script");
  if (running == nullptr) {
    call.reply.null();
  } else {
    call.reply.map(3);
    call.reply.bulk("name");
    call.reply.bulk(running->name);
    call.reply.bulk("command");
    call.reply.array(running->words.size());
    for (const std::string_view word : running->words) call.reply.bulk(word);
    call.reply.bulk("duration_ms");
    call.reply.integer((call.client->peers().now() - running->began).ms());
  }
  call.reply.bulk("engines");
  call.reply.map(1);
  call.reply.bulk("LUA");
  call.reply.map(2);
  call.reply.bulk("libraries_count");
  call.reply.integer(static_cast<int64_t>(call.keyspace.libraries().size()));
  call.reply.bulk("functions_count");
  call.reply.integer(static_cast<int64_t>(scripts->count_functions()));
}

void kill(Call& call) {
  if (Scripts* scripts = scripts_of(call)) scripts->kill(call, true);
}

template <bool kReadOnly>
void call_function(Call& call) {
  if (Scripts* scripts = scripts_of(call)) scripts->call_function(call, kReadOnly);
}

}  // namespace

}  // namespace script

std::span<const CommandSpec> function_commands() {
  using namespace script;
  constexpr uint32_t kChanges = kWrite | kWholeKeyspace;
  static constexpr CommandSpec kFunction[] = {
      {"function|delete", remove, 3, kChanges},
      {"function|dump", dump_functions, 2, kWholeKeyspace},
      {"function|flush", flush, -2, kChanges},
      {"function|help", help, 2, kLoading},
      {"function|kill", kill, 2, 0},
      {"function|list", list, -2, kWholeKeyspace},
      {"function|load", load, -3, kChanges | kDenyOom},
      {"function|restore", restore_functions, -3, kChanges | kDenyOom},
      {"function|stats", stats, 2, 0}};
  constexpr uint32_t kReads = kReadOnly | kWholeKeyspace | kMovableKeys | kRunsScript;
  static constexpr CommandSpec kCommands[] = {
      {"fcall", call_function<false>, -3, kReads | kMayWrite, 0, 0, 0, counted_keys<2, false>},
      {"fcall_ro", call_function<true>, -3, kReads, 0, 0, 0, counted_keys<2, false>},
      container("function", dispatch, -2, 0, kFunction),
  };
  return kCommands;
}

}  // namespace powercut::engine
