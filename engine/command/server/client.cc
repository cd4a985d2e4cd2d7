// CLIENT: the connections, as their clients see them.
#include "engine/command/client.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <vector>

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

std::string flags_of(const Client& client) {
  std::string flags;
  const auto add = [&](bool is, char flag) {
    if (is) flags += flag;
  };
  add(client.monitors, 'O');
  add(client.subscriptions != nullptr, 'P');
  add(client.in_multi, 'x');
  add(client.paused || client.waits, 'b');
  if (client.tracking != nullptr) {
    add(true, 't');
    add(client.tracking->broken, 'R');
    add(client.tracking->broadcast, 'B');
  }
  add(client.watch_broken, 'd');
  add(client.closing, 'c');
  add(client.address.find('/') == 0, 'U');
  add(client.no_evict, 'e');
  return flags.empty() ? "N" : flags;
}

size_t bytes_of(const std::vector<std::vector<std::string>>& requests) {
  size_t bytes = 0;
  for (const auto& words : requests)
    for (const std::string& word : words) bytes += word.size() + sizeof(std::string);
  return bytes;
}

}  // namespace

std::string describe_client(const Client& client) {
  // What a socket takes at once is no queue.
  constexpr size_t kAtOnce = 16 << 10;
  const Instant now = client.peers().now();
  const auto seconds_since = [&](Instant then) { return (now - then).ms() / 1000; };
  const int64_t queued = client.in_multi ? static_cast<int64_t>(client.queued.size()) : -1;
  const size_t multi = bytes_of(client.queued);
  const size_t unsent = client.outbox.unsent();
  const size_t waits = unsent > kAtOnce ? unsent - kAtOnce : 0;
  const bool redirects = client.tracking != nullptr;
  const auto* listens = client.subscriptions.get();
  return fmt::format(
      "id={} addr={} laddr={} fd={} name={} age={} idle={} flags={} db={} sub={} psub={} ssub=0 "
      "multi={} qbuf={} qbuf-free={} argv-mem={} multi-mem={} rbs={} rbp={} obl={} oll={} omem={} "
      "tot-mem={} events={} cmd={} user=default redir={} resp={}",
      client.id(), client.address, client.local_address, client.descriptor, client.name,
      seconds_since(client.opened_at), seconds_since(client.active_at), flags_of(client), client.db,
      listens == nullptr ? 0 : listens->channels.size(),
      listens == nullptr ? 0 : listens->patterns.size(), queued, client.request_bytes,
      client.request_room, client.argument_bytes, multi, client.outbox.room(), unsent,
      unsent - waits, waits == 0 ? 0 : 1, waits,
      sizeof(Client) + client.request_bytes + client.request_room + multi + client.outbox.room(),
      unsent == 0 ? "r" : "rw", client.last_command,
      redirects ? static_cast<int64_t>(client.tracking->redirect) : -1, client.protocol);
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

void client_list(Call& call) {
  std::vector<uint64_t> ids;
  bool none = false;
  std::optional<bool> listeners;
  if (call.argc() == 4 && call.is(2, "TYPE")) {
    const std::string type = lower_case(call.arg(3));
    none = type == "master" || type == "replica" || type == "slave";
    listeners = type == "pubsub";
    if (!none && !listeners && type != "normal")
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
    if (listeners && *listeners != (client->subscriptions != nullptr)) continue;
    if (none || (!ids.empty() && std::find(ids.begin(), ids.end(), client->id()) == ids.end()))
      continue;
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

void kill_one(Client& client) {
  client.give_up();
  client.hang_up();
}

// Which clients CLIENT KILL means.
struct KillFilter {
  std::optional<uint64_t> id;
  std::optional<std::string_view> address;
  std::optional<std::string_view> local_address;
  std::optional<bool> listeners;
  bool none = false;
  bool skip_me = true;

  bool matches(const Client& client, const Client* me) const {
    if (none || !client.hang_up || (skip_me && &client == me)) return false;
    return id.value_or(client.id()) == client.id() &&
           listeners.value_or(client.subscriptions != nullptr) ==
               (client.subscriptions != nullptr) &&
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
      if (type == "normal" || type == "pubsub") {
        filter.listeners = type == "pubsub";
      } else {
        filter.none = true;
      }
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
