// CLIENT, HELLO, AUTH, RESET, QUIT: a connection's own affairs.
#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "engine/command/client.h"
#include "engine/command/number.h"
#include "engine/command/server/server_commands.h"

namespace powercut::engine {

namespace server {

namespace {

std::string describe(const Client& client) {
  const Instant now = client.peers().now();
  const auto seconds_since = [&](Instant then) { return (now - then).ms() / 1000; };
  const int64_t queued = client.in_multi ? static_cast<int64_t>(client.queued.size()) : -1;
  return fmt::format(
      "id={} addr={} laddr={} name={} age={} idle={} flags={} db={} sub=0 psub=0 ssub=0 multi={} "
      "cmd={} "
      "user=default resp=2",
      client.id(), client.address, client.local_address, client.name,
      seconds_since(client.opened_at), seconds_since(client.active_at), client.in_multi ? "x" : "N",
      client.db, queued, client.last_command);
}

void client_id(Call& call) { call.reply.integer(static_cast<int64_t>(call.client->id())); }

void client_getname(Call& call) {
  if (call.client->name.empty()) return call.reply.null();
  call.reply.bulk(call.client->name);
}

bool set_name(Call& call, std::string_view name) {
  const bool valid =
      std::all_of(name.begin(), name.end(), [](char c) { return c >= '!' && c <= '~'; });
  if (valid) {
    call.client->name = name;
  } else {
    call.fail("ERR Client names cannot contain spaces, newlines or special characters.");
  }
  return valid;
}

void client_setname(Call& call) {
  if (set_name(call, call.arg(2))) call.reply.ok();
}

void client_info(Call& call) { call.reply.bulk(describe(*call.client) + "\n"); }

void client_list(Call& call) {
  std::vector<uint64_t> ids;
  bool none = false;
  if (call.argc() == 4 && call.is(2, "TYPE")) {
    const std::string type = lower_case(call.arg(3));
    none = type == "master" || type == "replica" || type == "slave" || type == "pubsub";
    if (!none && type != "normal")
      return call.fail(fmt::format("ERR Unknown client type '{}'", call.arg(3)));
  } else if (call.argc() > 3 && call.is(2, "ID")) {
    for (size_t i = 3; i < call.argc(); ++i) {
      int64_t id = 0;
      if (!call.integer_arg(i, id, "ERR Invalid client ID")) return;
      ids.push_back(static_cast<uint64_t>(id));
    }
  } else if (call.argc() != 2) {
    return call.fail(kSyntaxError);
  }
  std::string text;
  for (const Client* client : call.client->peers().all()) {
    if (none || (!ids.empty() && std::find(ids.begin(), ids.end(), client->id()) == ids.end()))
      continue;
    text += describe(*client) + "\n";
  }
  call.reply.bulk(text);
}

void client_no_evict(Call& call) {
  if (!call.is(2, "ON") && !call.is(2, "OFF")) return call.fail(kSyntaxError);
  call.reply.ok();
}

// There is one user, "default".
bool log_in(Call& call, std::string_view user, std::string_view password) {
  Clients& peers = call.client->peers();
  if (user == "default" && (peers.password.empty() || peers.accepts(password))) {
    call.client->authenticated = true;
    return true;
  }
  call.fail("WRONGPASS invalid username-password pair or user is disabled.");
  return false;
}

}  // namespace

void client(Call& call) {
  static constexpr Subcommand kSubcommands[] = {
      {"id", client_id, 2},     {"getname", client_getname, 2}, {"setname", client_setname, 3},
      {"info", client_info, 2}, {"list", client_list, -2},      {"no-evict", client_no_evict, 3},
  };
  if (call.client != nullptr) dispatch(call, "client", kSubcommands);
}

void auth(Call& call) {
  if (call.client == nullptr) return;
  if (call.argc() > 3) return call.fail(kSyntaxError);
  if (call.argc() == 2 && call.client->peers().password.empty()) {
    return call.fail(
        "ERR AUTH <password> called without any password configured for the default user. Are you "
        "sure your "
        "configuration is correct?");
  }
  const bool named = call.argc() == 3;
  if (log_in(call, named ? call.arg(1) : "default", call.arg(named ? 2 : 1))) call.reply.ok();
}

// RESP2 only.
void hello(Call& call) {
  if (call.client == nullptr) return;
  if (call.argc() > 1) {
    int64_t version = 0;
    if (!call.integer_arg(1, version, "ERR Protocol version is not an integer or out of range"))
      return;
    if (version != 2) return call.fail("NOPROTO unsupported protocol version");
  }
  for (size_t i = 2; i < call.argc(); ++i) {
    const size_t more = call.argc() - i - 1;
    if (call.is(i, "AUTH") && more >= 2) {
      if (!log_in(call, call.arg(i + 1), call.arg(i + 2))) return;
      i += 2;
    } else if (call.is(i, "SETNAME") && more >= 1) {
      if (!set_name(call, call.arg(i + 1))) return;
      ++i;
    } else {
      return call.fail(fmt::format("ERR Syntax error in HELLO option '{}'", call.arg(i)));
    }
  }
  if (!call.client->authenticated) {
    return call.fail(
        "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO "
        "<proto> AUTH <user> "
        "<pass> option can be used to authenticate the client and select the RESP protocol version "
        "at the same time");
  }
  call.reply.array(14);
  for (const std::string_view word : {"server", "redis", "version", "7.0.15", "proto"})
    call.reply.bulk(word);
  call.reply.integer(2);
  call.reply.bulk("id");
  call.reply.integer(static_cast<int64_t>(call.client->id()));
  for (const std::string_view word : {"mode", "standalone", "role", "master", "modules"})
    call.reply.bulk(word);
  call.reply.array(0);
}

void reset(Call& call) {
  if (call.client != nullptr) {
    call.client->clear_transaction();
    call.client->name.clear();
    call.client->authenticated = call.client->peers().password.empty();
  }
  call.db = 0;
  call.reply.simple("RESET");
}

void quit(Call& call) {
  call.reply.ok();
  if (call.client != nullptr) call.client->closing = true;
}

}  // namespace server

}  // namespace powercut::engine
