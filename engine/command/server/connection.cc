// CLIENT, HELLO, AUTH, RESET, QUIT: a connection's own affairs.
#include <fmt/format.h>

#include <algorithm>
#include <optional>
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
      "user=default resp={}",
      client.id(), client.address, client.local_address, client.name,
      seconds_since(client.opened_at), seconds_since(client.active_at), client.in_multi ? "x" : "N",
      client.db, queued, client.last_command, client.protocol);
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

void client_info(Call& call) { call.reply.verbatim(describe(*call.client) + "\n"); }

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
  call.reply.verbatim(text);
}

void client_reply(Call& call) {
  Client& client = *call.client;
  if (call.is(2, "ON")) {
    client.mute = false;
  } else if (call.is(2, "OFF")) {
    client.mute = true;
  } else if (call.is(2, "SKIP")) {
    client.skip_now = client.skip_next = true;
  } else {
    return call.fail(kSyntaxError);
  }
  call.reply.ok();  // dropped, where nothing is to be answered
}

void kill_one(Client& client) {
  client.closing = true;
  client.hang_up();
}

// Which clients CLIENT KILL means.
struct KillFilter {
  std::optional<uint64_t> id;
  std::optional<std::string_view> address;
  std::optional<std::string_view> local_address;
  bool none = false;
  bool skip_me = true;

  bool matches(const Client& client, const Client* me) const {
    if (none || !client.hang_up || (skip_me && &client == me)) return false;
    return id.value_or(client.id()) == client.id() &&
           address.value_or(client.address) == client.address &&
           local_address.value_or(client.local_address) == client.local_address;
  }
};

bool parse_kill(Call& call, KillFilter& filter) {
  for (size_t i = 2; i < call.argc(); i += 2) {
    if (i + 1 == call.argc()) {
      call.fail(kSyntaxError);
      return false;
    }
    if (call.is(i, "ID")) {
      int64_t id = 0;
      if (!call.integer_arg(i + 1, id, "ERR client-id should be greater than 0")) return false;
      filter.id = static_cast<uint64_t>(id);
    } else if (call.is(i, "ADDR")) {
      filter.address = call.arg(i + 1);
    } else if (call.is(i, "LADDR")) {
      filter.local_address = call.arg(i + 1);
    } else if (call.is(i, "USER")) {
      if (call.arg(i + 1) != "default") {
        call.fail(fmt::format("ERR No such user '{}'", call.arg(i + 1)));
        return false;
      }
    } else if (call.is(i, "TYPE")) {
      const std::string type = lower_case(call.arg(i + 1));
      if (type != "normal" && type != "master" && type != "replica" && type != "slave" &&
          type != "pubsub") {
        call.fail(fmt::format("ERR Unknown client type '{}'", call.arg(i + 1)));
        return false;
      }
      filter.none = filter.none || type != "normal";
    } else if (call.is(i, "SKIPME") && (call.is(i + 1, "YES") || call.is(i + 1, "NO"))) {
      filter.skip_me = call.is(i + 1, "YES");
    } else {
      call.fail(kSyntaxError);
      return false;
    }
  }
  return true;
}

void client_kill(Call& call) {
  KillFilter filter;
  const bool old_form = call.argc() == 3;
  if (old_form) {
    filter.address = call.arg(2);
    filter.skip_me = false;
  } else if (!parse_kill(call, filter)) {
    return;
  }
  int64_t killed = 0;
  bool me = false;
  const std::vector<Client*> all = call.client->peers().all();
  for (Client* client : all) {
    if (!filter.matches(*client, call.client)) continue;
    ++killed;
    if (client == call.client) {
      me = true;  // when it has had its answer
    } else {
      kill_one(*client);
    }
  }
  if (old_form && killed == 0) return call.fail("ERR No such client");
  old_form ? call.reply.ok() : call.reply.integer(killed);
  call.client->closing = call.client->closing || me;
}

// Nobody waits here for a key.
void client_unblock(Call& call) {
  int64_t id = 0;
  if (!call.integer_arg(2, id)) return;
  if (call.argc() > 4 || (call.argc() == 4 && !call.is(3, "TIMEOUT") && !call.is(3, "ERROR")))
    return call.fail(kSyntaxError);
  call.reply.integer(0);
}

void client_getredir(Call& call) { call.reply.integer(-1); }

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
      {"id", client_id, 2},
      {"getname", client_getname, 2},
      {"setname", client_setname, 3},
      {"info", client_info, 2},
      {"list", client_list, -2},
      {"no-evict", client_no_evict, 3},
      {"kill", client_kill, -3},
      {"reply", client_reply, 3},
      {"unblock", client_unblock, -3},
      {"getredir", client_getredir, 2},
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

void hello(Call& call) {
  if (call.client == nullptr) return;
  int protocol = call.client->protocol;
  if (call.argc() > 1) {
    int64_t version = 0;
    if (!call.integer_arg(1, version, "ERR Protocol version is not an integer or out of range"))
      return;
    if (version != 2 && version != 3) return call.fail("NOPROTO unsupported protocol version");
    protocol = static_cast<int>(version);
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
  call.client->protocol = protocol;
  call.reply.speak(protocol);
  call.reply.map(7);
  for (const std::string_view word : {"server", "redis", "version", "7.0.15", "proto"})
    call.reply.bulk(word);
  call.reply.integer(protocol);
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
    call.client->protocol = 2;
    call.client->mute = false;
    call.reply.speak(2);
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
