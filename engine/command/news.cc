#include "engine/command/news.h"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <map>

#include "engine/command/number.h"
#include "engine/command/reply.h"

namespace powercut::engine {

namespace {

constexpr std::string_view kInvalidate = "invalidate";
constexpr std::string_view kChannel = "__redis__:invalidate";
constexpr std::string_view kRedacted = "(redacted)";

void say(Clients& clients, const Client& client, std::string bytes) {
  clients.news.push_back({client.id(), std::move(bytes)});
}

// `keys` empty: all of them.
void send_invalidation(Clients& clients, Client& client, std::span<const std::string_view> keys) {
  Client* to = &client;
  TrackingState& state = *client.tracking;
  std::string out;
  if (state.redirect != 0) {
    to = clients.find(state.redirect);
    if (to == nullptr || to->closing) {
      state.broken = true;
      if (client.protocol != 3) return;
      Reply reply(out, 3);
      reply.push(2);
      reply.bulk("tracking-redir-broken");
      reply.integer(static_cast<int64_t>(state.redirect));
      return say(clients, client, std::move(out));
    }
  }
  const bool listens = to != &client && to->subscriptions != nullptr;
  if (to->protocol != 3 && !listens) return;
  Reply reply(out, to->protocol);
  if (to->protocol == 3) {
    reply.push(2);
    reply.bulk(kInvalidate);
  } else {
    reply.array(3);
    reply.bulk("message");
    reply.bulk(kChannel);
  }
  if (keys.empty()) {
    reply.null();
  } else {
    reply.array(keys.size());
    for (const std::string_view key : keys) reply.bulk(key);
  }
  say(clients, *to, std::move(out));
}

// As Redis writes it: printable characters as they are.
void add_quoted(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    switch (c) {
      case '\\':
      case '"':
        out += '\\';
        out += c;
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\a':
        out += "\\a";
        break;
      case '\b':
        out += "\\b";
        break;
      default:
        out += byte >= 0x20 && byte < 0x7f ? std::string(1, c) : fmt::format("\\x{:02x}", byte);
    }
  }
  out += '"';
}

}  // namespace

void remember_keys(Client& client, std::span<const std::string_view> args,
                   std::span<const size_t> positions) {
  Tracking& tracking = client.peers().tracking;
  for (const size_t i : positions)
    if (i < args.size()) tracking.remember(client.id(), args[i]);
}

void invalidate_remembered(Clients& clients, const ChangedKey& changed) {
  for (const uint64_t id : clients.tracking.take(changed.key)) {
    Client* client = clients.find(id);
    if (client == nullptr || client->tracking == nullptr || client->tracking->broadcast) continue;
    if (client->tracking->no_loop && id == changed.by) continue;
    const std::string_view key = changed.key;
    send_invalidation(clients, *client, {&key, 1});
  }
}

void invalidate_prefixes(Clients& clients, std::span<const ChangedKey> changed) {
  for (const auto& [prefix, ids] : clients.tracking.prefixes()) {
    std::map<std::string_view, uint64_t> keys;  // by whom each was changed last
    for (const ChangedKey& one : changed)
      if (one.key.starts_with(prefix)) keys[one.key] = one.by;
    for (const uint64_t id : ids) {
      Client* client = clients.find(id);
      CHECK(client != nullptr && client->tracking != nullptr);
      std::vector<std::string_view> told;
      for (const auto& [key, by] : keys)
        if (!client->tracking->no_loop || by != id) told.push_back(key);
      if (!told.empty()) send_invalidation(clients, *client, told);
    }
  }
}

void invalidate_all(Clients& clients) {
  clients.tracking.forget_all();
  for (Client* client : clients.all())
    if (client->tracking != nullptr) send_invalidation(clients, *client, {});
}

void limit_remembered(Clients& clients) {
  while (clients.tracking.over_limit())
    invalidate_remembered(clients, {clients.tracking.any_key(), 0});
}

void show_to_monitors(Clients& clients, const Client& client, int db, const CommandSpec& spec,
                      std::span<const std::string_view> args, WallTime now, bool by_script) {
  if ((spec.flags & kAdmin) != 0) return;
  std::string line = fmt::format("+{}.{:03d}000 [{} {}]", now.unix_ms / 1000, now.unix_ms % 1000,
                                 db, by_script ? "lua" : client.address);
  for (const std::string_view word : redacted(spec, args)) {
    line += ' ';
    add_quoted(line, word);
  }
  line += "\r\n";
  for (const Client* watcher : clients.all())
    if (watcher->monitors && watcher != &client) say(clients, *watcher, line);
}

namespace {

// To each of these clients, in these words.
size_t send_words(Clients& clients, const Channels::Ids& ids,
                  std::initializer_list<std::string_view> words) {
  for (const uint64_t id : ids) {
    Client* client = clients.find(id);
    CHECK(client != nullptr);
    std::string out;
    Reply reply(out, client->protocol);
    reply.push(words.size());
    for (const std::string_view word : words) reply.bulk(word);
    say(clients, *client, std::move(out));
  }
  return ids.size();
}

}  // namespace

size_t publish(Clients& clients, std::string_view channel, std::string_view message) {
  size_t count = 0;
  const Channels& all = clients.channels;
  if (const auto found = all.channels.find(channel); found != all.channels.end())
    count += send_words(clients, found->second, {"message", channel, message});
  for (const auto& [pattern, ids] : all.patterns)
    if (glob_match(pattern, channel))
      count += send_words(clients, ids, {"pmessage", pattern, channel, message});
  return count;
}

size_t publish_sharded(Clients& clients, std::string_view channel, std::string_view message) {
  const auto found = clients.channels.shards.find(channel);
  if (found == clients.channels.shards.end()) return 0;
  return send_words(clients, found->second, {"smessage", channel, message});
}

void publish_events(Clients& clients, Events& events) {
  if (events.empty()) return;
  for (const Events::Event& event : events.take()) {
    if (events.on_key_channel())
      publish(clients, fmt::format("__keyspace@{}__:{}", event.db, event.key), event.name);
    if (events.on_event_channel())
      publish(clients, fmt::format("__keyevent@{}__:{}", event.db, event.name), event.key);
  }
}

void tell_news(Clients& clients, uint64_t lsn) {
  for (Clients::News& news : std::exchange(clients.news, {}))
    if (Client* client = clients.find(news.client)) client->tell(std::move(news.bytes), lsn);
}

std::vector<std::string_view> redacted(const CommandSpec& spec,
                                       std::span<const std::string_view> args) {
  std::vector<std::string_view> shown(args.begin(), args.end());
  const auto hide = [&](size_t from, size_t to) {
    for (size_t i = from; i < std::min(to, shown.size()); ++i) shown[i] = kRedacted;
  };
  if (spec.name == "auth") hide(1, shown.size());
  if (spec.name == "acl|setuser") hide(2, shown.size());
  if (spec.name == "hello") {
    for (size_t i = 2; i < args.size(); ++i)
      if (equals_ignoring_case(args[i], "AUTH")) hide(i + 1, i + 3);
  }
  if (spec.name == "config|set") {
    for (size_t i = 2; i + 1 < args.size(); i += 2)
      if (equals_ignoring_case(args[i], "REQUIREPASS") ||
          equals_ignoring_case(args[i], "MASTERAUTH") ||
          equals_ignoring_case(args[i], "MASTERUSER"))
        hide(i + 1, i + 2);
  }
  return shown;
}

}  // namespace powercut::engine
