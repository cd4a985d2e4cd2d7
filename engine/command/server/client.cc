// CLIENT: the connections, as their clients see them.
#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "engine/base/words.h"
#include "engine/command/client_text.h"
#include "engine/command/number.h"
#include "engine/command/server/server_commands.h"

namespace powercut::engine {

namespace server {

bool set_client_name(Call& call, std::string_view name) {
  const bool valid =
      std::all_of(name.begin(), name.end(), [](char c) { return c >= '!' && c <= '~'; });
  if (valid) {
    call.client->name = name;
  } else {
    call.fail("ERR Client names cannot contain spaces, newlines or special characters.");
  }
  return valid;
}

namespace {

void client_id(Call& call) { call.reply.integer(static_cast<int64_t>(call.client->id())); }

void client_getname(Call& call) {
  if (call.client->name.empty()) return call.reply.null();
  call.reply.bulk(call.client->name);
}

void client_setname(Call& call) {
  if (set_client_name(call, call.arg(2))) call.reply.ok();
}

void client_info(Call& call) { call.reply.verbatim(describe_client(*call.client) + "\n"); }

// The types of clients that CLIENT LIST and KILL tell apart.
std::string_view type_of(const Client& client) {
  if (client.is_master) return "master";
  if (client.replicates()) return "replica";
  return client.subscriptions != nullptr ? "pubsub" : "normal";
}

std::optional<std::string> parse_type(Call& call, size_t i) {
  std::string type = lower_case(call.arg(i));
  if (type == "slave") type = "replica";
  if (type == "normal" || type == "master" || type == "replica" || type == "pubsub") return type;
  call.fail(fmt::format("ERR Unknown client type '{}'", call.arg(i)));
  return std::nullopt;
}

void client_list(Call& call) {
  std::vector<uint64_t> ids;
  std::optional<std::string> type;
  if (call.argc() == 4 && call.is(2, "TYPE")) {
    type = parse_type(call, 3);
    if (!type) return;
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
    if (client->hung_up) continue;
    if (type && *type != type_of(*client)) continue;
    if (!ids.empty() && std::find(ids.begin(), ids.end(), client->id()) == ids.end()) continue;
    text += describe_client(*client) + "\n";
  }
  call.reply.verbatim(text);
}

void client_reply(Call& call) {
  Client& client = *call.client;
  if (call.is(2, "ON")) {
    client.mute = client.skip_now = false;
  } else if (call.is(2, "OFF")) {
    client.mute = true;
  } else if (call.is(2, "SKIP")) {
    client.skip_now = client.skip_next = true;
  } else {
    return call.fail(kSyntaxError);
  }
  call.reply.ok();  // dropped, where nothing is to be answered
}

// Which clients CLIENT KILL means.
struct KillFilter {
  std::optional<uint64_t> id;
  std::optional<std::string_view> address;
  std::optional<std::string_view> local_address;
  const User* user = nullptr;
  std::optional<std::string> type;
  bool skip_me = true;

  bool matches(const Client& client, const Client* me) const {
    if (!client.hang_up || (skip_me && &client == me)) return false;
    return id.value_or(client.id()) == client.id() && (user == nullptr || client.user == user) &&
           (!type || *type == type_of(client)) &&
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
      constexpr std::string_view kTooSmall = "ERR client-id should be greater than 0";
      if (!call.integer_arg(i + 1, id, kTooSmall)) return false;
      if (id < 1) {
        call.fail(kTooSmall);
        return false;
      }
      filter.id = static_cast<uint64_t>(id);
    } else if (call.is(i, "ADDR")) {
      filter.address = call.arg(i + 1);
    } else if (call.is(i, "LADDR")) {
      filter.local_address = call.arg(i + 1);
    } else if (call.is(i, "USER")) {
      filter.user = call.client->peers().users.find(call.arg(i + 1));
      if (filter.user == nullptr) {
        call.fail(fmt::format("ERR No such user '{}'", call.arg(i + 1)));
        return false;
      }
    } else if (call.is(i, "TYPE")) {
      filter.type = parse_type(call, i + 1);
      if (!filter.type) return false;
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
      client->end();
    }
  }
  if (old_form && killed == 0) return call.fail("ERR No such client");
  old_form ? call.reply.ok() : call.reply.integer(killed);
  call.client->closing = call.client->closing || me;
}

void client_unblock(Call& call) {
  if (call.argc() > 4) return call.fail(kSyntaxError);
  const bool with_error = call.argc() == 4 && call.is(3, "ERROR");
  if (call.argc() == 4 && !with_error && !call.is(3, "TIMEOUT"))
    return call.fail("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR");
  int64_t id = 0;
  if (!call.integer_arg(2, id)) return;
  Clients& peers = call.client->peers();
  Client* client = peers.find(static_cast<uint64_t>(id));
  call.reply.integer(client != nullptr && peers.end_wait(*client, with_error) ? 1 : 0);
}

void client_pause(Call& call) {
  bool all = true;
  if (call.argc() > 4 || (call.argc() == 4 && !call.is(3, "WRITE") && !call.is(3, "ALL")))
    return call.fail(kSyntaxError);
  if (call.argc() == 4) all = call.is(3, "ALL");
  int64_t ms = 0;
  if (!call.integer_arg(2, ms, "ERR timeout is not an integer or out of range")) return;
  if (ms < 0) return call.fail("ERR timeout is negative");
  Clients& peers = call.client->peers();
  // More than a century is the same as for ever.
  constexpr int64_t kMostMs = int64_t{1} << 42;
  peers.pause(peers.now() + milliseconds(std::min(ms, kMostMs)), all);
  call.reply.ok();
}

void client_unpause(Call& call) {
  call.client->peers().unpause();
  call.reply.ok();
}

// There is no eviction of clients either; what was asked for is shown by CLIENT LIST.
void client_no_evict(Call& call) {
  if (!call.is(2, "ON") && !call.is(2, "OFF")) return call.fail(kSyntaxError);
  call.client->no_evict = call.is(2, "ON");
  call.reply.ok();
}

void client(Call& call) {
  if (call.client != nullptr) dispatch(call);
}

}  // namespace

}  // namespace server

std::span<const CommandSpec> client_commands() {
  using namespace server;
  static constexpr CommandSpec kSubcommands[] = {
      {"client|caching", client_caching, 3, kLoading},
      {"client|getname", client_getname, 2, kLoading},
      {"client|getredir", client_getredir, 2, kLoading},
      {"client|help", help, 2, kLoading},
      {"client|id", client_id, 2, kLoading},
      {"client|info", client_info, 2, kLoading},
      {"client|kill", client_kill, -3, kLoading | kAdmin},
      {"client|list", client_list, -2, kLoading | kAdmin},
      {"client|no-evict", client_no_evict, 3, kLoading | kAdmin},
      {"client|pause", client_pause, -3, kLoading | kAdmin},
      {"client|reply", client_reply, 3, kLoading},
      {"client|setname", client_setname, 3, kLoading},
      {"client|tracking", client_tracking, -3, kLoading},
      {"client|trackinginfo", client_trackinginfo, 2, kLoading},
      {"client|unblock", client_unblock, -3, kLoading | kAdmin},
      {"client|unpause", client_unpause, 2, kLoading | kAdmin},
  };
  static constexpr CommandSpec kCommands[] = {
      container("client", client, -2, kLoading, kSubcommands)};
  return kCommands;
}

}  // namespace powercut::engine
