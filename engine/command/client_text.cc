#include "engine/command/client_text.h"

#include <fmt/format.h>

#include <string>

namespace powercut::engine {

namespace {

std::string flags_of(const Client& client) {
  std::string flags;
  const auto add = [&](bool is, char flag) {
    if (is) flags += flag;
  };
  add(client.is_master, 'M');
  add(client.replicates(), 'S');
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

}  // namespace

std::string describe_client(const Client& client) {
  // What a socket takes at once is no queue.
  constexpr size_t kAtOnce = 16 << 10;
  const Instant now = client.peers().now();
  const auto seconds_since = [&](Instant then) { return (now - then).ms() / 1000; };
  const int64_t queued = client.in_multi ? static_cast<int64_t>(client.queued.size()) : -1;
  const size_t unsent = client.outbox.unsent();
  const size_t waits = unsent > kAtOnce ? unsent - kAtOnce : 0;
  const bool redirects = client.tracking != nullptr;
  const auto* listens = client.subscriptions.get();
  return fmt::format(
      "id={} addr={} laddr={} fd={} name={} age={} idle={} flags={} db={} sub={} psub={} ssub={} "
      "multi={} qbuf={} qbuf-free={} argv-mem={} multi-mem={} rbs={} rbp={} obl={} oll={} omem={} "
      "tot-mem={} events={} cmd={} user={} redir={} resp={}",
      client.id(), client.address, client.local_address, client.descriptor, client.name,
      seconds_since(client.opened_at), seconds_since(client.active_at), flags_of(client), client.db,
      listens == nullptr ? 0 : listens->channels.size(),
      listens == nullptr ? 0 : listens->patterns.size(),
      listens == nullptr ? 0 : listens->shards.size(), queued, client.request_bytes,
      client.request_room, client.argument_bytes, client.queued_bytes, client.outbox.room(), unsent,
      unsent - waits, waits == 0 ? 0 : 1, waits, client.memory(), unsent == 0 ? "r" : "rw",
      client.last_command, client.user->name,
      redirects ? static_cast<int64_t>(client.tracking->redirect) : -1, client.protocol);
}

void note_denial(const Client& client, std::string_view reason, std::string_view object,
                 std::string_view user, std::string_view context) {
  Clients& peers = client.peers();
  const bool in_transaction = client.in_multi || client.in_exec;
  peers.denials.note({.reason = std::string(reason),
                      .context = !context.empty() ? std::string(context)
                                 : in_transaction ? "multi"
                                                  : "toplevel",
                      .object = std::string(object),
                      .user = std::string(user),
                      .client = describe_client(client),
                      .at = peers.now()});
}

}  // namespace powercut::engine
