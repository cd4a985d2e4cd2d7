// Commands about the server itself: PING, INFO, CONFIG and the like. CLIENT and HELLO stand in connection.cc,
// COMMAND in command.cc.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "engine/command/client.h"
#include "engine/command/command_table.h"
#include "engine/command/control.h"
#include "engine/command/number.h"
#include "engine/command/server/server_commands.h"

namespace powercut::engine {

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  return lower;
}

std::string upper_case(std::string_view text) {
  std::string upper(text);
  for (char& c : upper) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - ('a' - 'A')) : c;
  return upper;
}

void dispatch(Call& call, std::string_view container, std::span<const Subcommand> subcommands) {
  const std::string name = lower_case(call.arg(1).substr(0, 64));
  const std::string upper = upper_case(container);
  for (const Subcommand& subcommand : subcommands) {
    if (subcommand.name != name) continue;
    const bool fits = subcommand.arity >= 0 ? call.argc() == static_cast<size_t>(subcommand.arity)
                                            : call.argc() >= static_cast<size_t>(-subcommand.arity);
    if (fits) return subcommand.handler(call);
    return call.fail(
        fmt::format("ERR wrong number of arguments for '{}|{}' command", container, name));
  }
  if (name == "help" && call.argc() == 2) {
    call.reply.array(subcommands.size() + 3);
    call.reply.simple(
        fmt::format("{} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:", upper));
    for (const Subcommand& subcommand : subcommands) call.reply.simple(upper_case(subcommand.name));
    call.reply.simple("HELP");
    call.reply.simple("    Prints this help.");
    return;
  }
  call.fail(
      fmt::format("ERR unknown subcommand '{}'. Try {} HELP.", call.arg(1).substr(0, 128), upper));
}

namespace server {

namespace {

void ping(Call& call) {
  if (call.argc() > 2) return call.fail("ERR wrong number of arguments for 'ping' command");
  if (call.argc() == 2) return call.reply.bulk(call.arg(1));
  call.reply.simple("PONG");
}

void echo(Call& call) { call.reply.bulk(call.arg(1)); }

void time_of_day(Call& call) {
  const int64_t now_ms = call.now_ms();
  call.reply.array(2);
  call.reply.bulk(std::to_string(now_ms / 1000));
  call.reply.bulk(std::to_string(now_ms % 1000 * 1000));
}

// --- INFO ---

constexpr std::string_view kSections[] = {"Server",     "Clients",     "Memory",  "Persistence",
                                          "Stats",      "Replication", "CPU",     "Commandstats",
                                          "Errorstats", "Cluster",     "Keyspace"};
// Those that are told only to who asks for them, or for all.
constexpr std::string_view kOnRequest = "Commandstats";

void info(Call& call) {
  if (call.control == nullptr) return;
  std::set<std::string> wanted;
  for (size_t i = 1; i < call.argc(); ++i) wanted.insert(lower_case(call.arg(i)));
  const bool whole = wanted.count("all") != 0 || wanted.count("everything") != 0;
  const bool all = whole || wanted.empty() || wanted.count("default") != 0;
  std::string text;
  for (const std::string_view section : kSections) {
    const std::string name = lower_case(section);
    const bool by_default = all && (whole || section != kOnRequest);
    if (!by_default && wanted.count(name) == 0) continue;
    if (!text.empty()) text += "\r\n";
    text += fmt::format("# {}\r\n{}", section, call.control->info_section(name));
  }
  call.reply.verbatim(text);
}

// --- CONFIG ---

void config_get(Call& call) {
  std::map<std::string, std::string> found;
  for (size_t i = 2; i < call.argc(); ++i)
    found.merge([&] {
      const auto some = call.control->config_get(lower_case(call.arg(i)));
      return std::map<std::string, std::string>(some.begin(), some.end());
    }());
  call.reply.map(found.size());
  for (const auto& [name, value] : found) {
    call.reply.bulk(name);
    call.reply.bulk(value);
  }
}

// All or nothing: after an error the parameters set before it get their old values again.
void config_set(Call& call) {
  if (call.argc() % 2 != 0)
    return call.fail("ERR wrong number of arguments for 'config|set' command");
  std::map<std::string, std::string> before;
  for (size_t i = 2; i < call.argc(); i += 2) {
    const std::string name = lower_case(call.arg(i));
    const auto found = call.control->config_get(name);
    // An unknown name is config_set's to report.
    if (!before.emplace(name, found.empty() ? "" : found[0].second).second) {
      return call.fail(fmt::format(
          "ERR CONFIG SET failed (possibly related to argument '{}') - duplicate parameter",
          call.arg(i)));
    }
    if (name == "appendonly" && call.client != nullptr && call.client->in_exec) {
      return call.fail(
          "ERR CONFIG SET failed (possibly related to argument 'appendonly') - it waits for the "
          "disk, so it is not "
          "allowed inside a transaction");
    }
  }
  for (size_t i = 2; i < call.argc(); i += 2) {
    const auto set = call.control->config_set(lower_case(call.arg(i)), call.arg(i + 1));
    if (set.ok()) continue;
    for (size_t done = 2; done < i; done += 2) {
      const std::string name = lower_case(call.arg(done));
      (void)call.control->config_set(name, before[name]);  // it held this value a moment ago
    }
    return call.fail("ERR " + set.error().message);
  }
  call.reply.ok();
}

void config_resetstat(Call& call) {
  call.control->reset_stats();
  call.reply.ok();
}

void config_rewrite(Call& call) {
  const auto rewritten = call.control->config_rewrite();
  if (!rewritten.ok()) return call.fail("ERR " + rewritten.error().message);
  call.reply.ok();
}

void config(Call& call) {
  static constexpr Subcommand kSubcommands[] = {{"get", config_get, -3},
                                                {"set", config_set, -4},
                                                {"resetstat", config_resetstat, 2},
                                                {"rewrite", config_rewrite, 2}};
  if (call.control != nullptr) dispatch(call, "config", kSubcommands);
}

// --- Small ones ---

void memory_usage(Call& call) {
  for (size_t i = 3; i < call.argc(); i += 2) {
    int64_t samples = 0;
    if (!call.is(i, "SAMPLES") || i + 1 == call.argc()) return call.fail(kSyntaxError);
    if (!call.integer_arg(i + 1, samples)) return;
    if (samples < 0) return call.fail(kSyntaxError);
  }
  const Object* object = call.keyspace.find(call.db, call.arg(2));
  if (object == nullptr) return call.reply.null();
  call.reply.integer(
      static_cast<int64_t>(sizeof(Object) + call.arg(2).size() + object->value.memory_bytes()));
}

void memory(Call& call) {
  static constexpr Subcommand kSubcommands[] = {{"usage", memory_usage, -3}};
  dispatch(call, "memory", kSubcommands);
}

// There are no functions: flushing them is done, listing them is short.
void function_flush(Call& call) {
  if (call.argc() > 3 || (call.argc() == 3 && !call.is(2, "SYNC") && !call.is(2, "ASYNC"))) {
    return call.fail("ERR FUNCTION FLUSH only supports SYNC|ASYNC option");
  }
  call.reply.ok();
}

void empty_array(Call& call) { call.reply.array(0); }
void zero(Call& call) { call.reply.integer(0); }

void function(Call& call) {
  static constexpr Subcommand kSubcommands[] = {{"flush", function_flush, -2},
                                                {"list", empty_array, -2}};
  dispatch(call, "function", kSubcommands);
}

void slowlog_get(Call& call) {
  int64_t most = 10;
  if (call.argc() > 3) return call.fail("ERR wrong number of arguments for 'slowlog|get' command");
  if (call.argc() == 3 && !call.integer_arg(2, most)) return;
  if (most < -1) return call.fail("ERR count should be greater than or equal to -1");
  const SlowLog* log = call.control == nullptr ? nullptr : call.control->slow_log();
  const size_t there = log == nullptr ? 0 : log->entries().size();
  const size_t shown = most < 0 ? there : std::min(there, static_cast<size_t>(most));
  call.reply.array(shown);
  for (size_t i = 0; i < shown; ++i) {
    const SlowEntry& entry = log->entries()[i];
    call.reply.array(6);
    call.reply.integer(static_cast<int64_t>(entry.id));
    call.reply.integer(entry.unix_s);
    call.reply.integer(entry.took_us);
    call.reply.array(entry.words.size());
    for (const std::string& word : entry.words) call.reply.bulk(word);
    call.reply.bulk(entry.address);
    call.reply.bulk(entry.name);
  }
}

void slowlog_len(Call& call) {
  const SlowLog* log = call.control == nullptr ? nullptr : call.control->slow_log();
  call.reply.integer(log == nullptr ? 0 : static_cast<int64_t>(log->entries().size()));
}

void slowlog_reset(Call& call) {
  if (call.control != nullptr) call.control->reset_slow_log();
  call.reply.ok();
}

void slowlog(Call& call) {
  static constexpr Subcommand kSubcommands[] = {
      {"get", slowlog_get, -2}, {"len", slowlog_len, 2}, {"reset", slowlog_reset, 2}};
  dispatch(call, "slowlog", kSubcommands);
}

void latency(Call& call) {
  static constexpr Subcommand kSubcommands[] = {
      {"latest", empty_array, 2}, {"history", empty_array, 3}, {"reset", zero, -2}};
  dispatch(call, "latency", kSubcommands);
}

// No replica ever acknowledges.
void wait(Call& call) {
  int64_t replicas = 0;
  int64_t timeout_ms = 0;
  if (!call.integer_arg(1, replicas)) return;
  if (!call.integer_arg(2, timeout_ms, "ERR timeout is not an integer or out of range")) return;
  if (timeout_ms < 0) return call.fail("ERR timeout is negative");
  call.reply.integer(0);
}

void role(Call& call) {
  call.reply.array(3);
  call.reply.bulk("master");
  call.reply.integer(0);
  call.reply.array(0);
}

void lolwut(Call& call) { call.reply.verbatim("powercut: pull the plug, keep the data.\n"); }

}  // namespace

}  // namespace server

std::span<const CommandSpec> server_commands() {
  using namespace server;
  static constexpr CommandSpec kCommands[] = {
      {"ping", ping, -1, 0},
      {"echo", echo, 2, kLoading},
      {"time", time_of_day, 1, kLoading},
      {"command", command, -1, kLoading},
      {"info", info, -1, kLoading},
      {"config", config, -2, kAdmin | kLoading},
      {"memory", memory, -2, kReadOnly, 2, 2, 1},
      {"function", function, -2, 0},
      {"slowlog", slowlog, -2, kAdmin | kLoading},
      {"latency", latency, -2, kAdmin | kLoading},
      {"wait", wait, 3, 0},
      {"role", role, 1, kLoading},
      {"lolwut", lolwut, -1, kReadOnly},
      {"client", client, -2, kLoading},
      {"hello", hello, -1, kLoading | kNoAuth},
      {"auth", auth, -2, kLoading | kNoAuth},
      {"reset", reset, 1, kImmediate | kLoading | kNoAuth},
      {"quit", quit, -1, kImmediate | kLoading | kNoAuth},
  };
  return kCommands;
}

}  // namespace powercut::engine
