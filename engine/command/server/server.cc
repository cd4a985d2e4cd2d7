// Commands about the server itself: PING, INFO, CONFIG and the like. CLIENT and HELLO stand in connection.cc,
// COMMAND in command.cc.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "engine/base/words.h"
#include "engine/command/client.h"
#include "engine/command/command_table.h"
#include "engine/command/control.h"
#include "engine/command/number.h"
#include "engine/command/server/server_commands.h"

namespace powercut::engine {

namespace server {

namespace {

void ping(Call& call) {
  if (call.argc() > 2) return call.fail("ERR wrong number of arguments for 'ping' command");
  if (call.client != nullptr && call.client->subscriptions != nullptr && !call.reply.resp3()) {
    call.reply.array(2);
    call.reply.bulk("pong");
    return call.reply.bulk(call.argc() == 2 ? call.arg(1) : "");
  }
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

constexpr std::string_view kSections[] = {"Server",     "Clients",      "Memory",  "Persistence",
                                          "Stats",      "Replication",  "CPU",     "Commandstats",
                                          "Errorstats", "Latencystats", "Cluster", "Keyspace"};
// Those that are told only to who asks for them, or for all.
bool on_request(std::string_view section) {
  return section == "Commandstats" || section == "Latencystats";
}

void info(Call& call) {
  if (call.control == nullptr) return;
  std::set<std::string> wanted;
  for (size_t i = 1; i < call.argc(); ++i) wanted.insert(lower_case(call.arg(i)));
  const bool whole = wanted.count("all") != 0 || wanted.count("everything") != 0;
  const bool all = whole || wanted.empty() || wanted.count("default") != 0;
  std::string text;
  for (const std::string_view section : kSections) {
    const std::string name = lower_case(section);
    const bool by_default = all && (whole || !on_request(section));
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
  if (call.argc() % 2 != 0) return call.fail(kSyntaxError);
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
    const auto set = call.control->config_set(call.arg(i), call.arg(i + 1));
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
  if (call.control != nullptr) dispatch(call);
}

// --- Small ones ---

void lolwut(Call& call) { call.reply.verbatim("powercut: pull the plug, keep the data.\n"); }

}  // namespace

}  // namespace server

std::span<const CommandSpec> server_commands() {
  using namespace server;
  static constexpr CommandSpec kConfig[] = {
      {"config|get", config_get, -3, kAdmin | kLoading},
      {"config|help", help, 2, kLoading},
      {"config|resetstat", config_resetstat, 2, kAdmin | kLoading},
      {"config|rewrite", config_rewrite, 2, kAdmin | kLoading},
      {"config|set", config_set, -4, kAdmin | kLoading}};
  static constexpr CommandSpec kCommands[] = {
      {"ping", ping, -1, 0},
      {"echo", echo, 2, kLoading},
      {"time", time_of_day, 1, kLoading},
      {"info", info, -1, kLoading},
      container("config", config, -2, kAdmin | kLoading, kConfig),
      {"failover", failover, -1, kAdmin},
      {"psync", psync, -3, kAdmin | kNoMulti},
      {"replconf", replconf, -1, kAdmin | kLoading | kNoMulti},
      {"replicaof", replicaof, 3, kAdmin},
      {"role", role, 1, kLoading},
      {"slaveof", replicaof, 3, kAdmin},
      {"sync", sync, 1, kAdmin | kNoMulti},
      {"wait", wait, 3, 0},
      {"waitaof", waitaof, 4, 0},
      {"lolwut", lolwut, -1, kReadOnly},
  };
  return kCommands;
}

}  // namespace powercut::engine
