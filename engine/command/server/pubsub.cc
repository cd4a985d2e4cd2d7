// SUBSCRIBE, PUBLISH and their kind. Sharded channels are names beside the others: the one node has all of them. A message goes out behind what was applied before it, once the log has released that.
#include <algorithm>

#include "engine/command/client.h"
#include "engine/command/news.h"
#include "engine/command/number.h"
#include "engine/command/server/server_commands.h"

namespace powercut::engine {

namespace server {

namespace {

// The kinds of names, and how their replies begin.
struct Kind {
  Channels::Names Channels::*all;
  std::set<std::string, std::less<>> Client::Subscriptions::*own;
  std::string_view begins;
  std::string_view ends;
};
constexpr Kind kChannels = {&Channels::channels, &Client::Subscriptions::channels, "subscribe",
                            "unsubscribe"};
constexpr Kind kPatterns = {&Channels::patterns, &Client::Subscriptions::patterns, "psubscribe",
                            "punsubscribe"};
constexpr Kind kShards = {&Channels::shards, &Client::Subscriptions::shards, "ssubscribe",
                          "sunsubscribe"};

// What a reply counts: channels and patterns together, sharded channels apart.
size_t count_of(const Client::Subscriptions* listens, const Kind& kind) {
  if (listens == nullptr) return 0;
  if (kind.all == kShards.all) return listens->shards.size();
  return listens->channels.size() + listens->patterns.size();
}

void answer(Call& call, const Kind& kind, std::string_view verb, std::string_view name) {
  call.client->told = true;
  call.reply.push(3);
  call.reply.bulk(verb);
  name.data() == nullptr ? call.reply.null() : call.reply.bulk(name);
  call.reply.integer(static_cast<int64_t>(count_of(call.client->subscriptions.get(), kind)));
}

void begin(Call& call, const Kind& kind) {
  if (call.client == nullptr) return;
  Client& client = *call.client;
  if (client.in_exec && kind.all == kShards.all)
    return call.fail("ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client");
  if (client.subscriptions == nullptr)
    client.subscriptions = std::make_unique<Client::Subscriptions>();
  Channels& all = client.peers().channels;
  call.reply.several(call.argc() - 1);
  for (size_t i = 1; i < call.argc(); ++i) {
    if ((client.subscriptions.get()->*kind.own).emplace(call.arg(i)).second)
      all.subscribe(all.*kind.all, client.id(), call.arg(i));
    answer(call, kind, kind.begins, call.arg(i));
  }
}

void end(Call& call, const Kind& kind) {
  if (call.client == nullptr) return;
  Client& client = *call.client;
  Channels& all = client.peers().channels;
  std::vector<std::string> names(call.args.begin() + 1, call.args.end());
  if (names.empty() && client.subscriptions != nullptr)
    names.assign((client.subscriptions.get()->*kind.own).begin(),
                 (client.subscriptions.get()->*kind.own).end());
  if (names.empty()) return answer(call, kind, kind.ends, {});
  call.reply.several(names.size());
  for (const std::string& name : names) {
    if (client.subscriptions != nullptr) {
      (client.subscriptions.get()->*kind.own).erase(name);
      all.unsubscribe(all.*kind.all, client.id(), name);
      if (client.subscriptions->empty()) client.subscriptions.reset();
    }
    answer(call, kind, kind.ends, name);
  }
}

void subscribe(Call& call) { begin(call, kChannels); }
void psubscribe(Call& call) { begin(call, kPatterns); }
void unsubscribe(Call& call) { end(call, kChannels); }
void punsubscribe(Call& call) { end(call, kPatterns); }
void ssubscribe(Call& call) { begin(call, kShards); }
void sunsubscribe(Call& call) { end(call, kShards); }

// What the same transaction or script did to keys before is told before.
void publish_message(Call& call) {
  if (call.client == nullptr) return;
  if (call.events != nullptr) publish_events(call.client->peers(), *call.events);
  call.reply.integer(static_cast<int64_t>(publish(call.client->peers(), call.arg(1), call.arg(2))));
}

void spublish(Call& call) {
  if (call.client == nullptr) return;
  if (call.events != nullptr) publish_events(call.client->peers(), *call.events);
  call.reply.integer(
      static_cast<int64_t>(publish_sharded(call.client->peers(), call.arg(1), call.arg(2))));
}

void list_names(Call& call, const Channels::Names& names) {
  if (call.argc() > 3) return call.fail(kSyntaxError);
  const size_t mark = call.reply.begin_deferred();
  size_t count = 0;
  for (const auto& [name, ids] : names) {
    if (call.argc() == 3 && !glob_match(call.arg(2), name)) continue;
    call.reply.bulk(name);
    ++count;
  }
  call.reply.end_deferred(mark, count);
}

void numpat(Call& call) {
  call.reply.integer(static_cast<int64_t>(call.client->peers().channels.patterns.size()));
}

void count_listeners(Call& call, const Channels::Names& names) {
  call.reply.array(2 * (call.argc() - 2));
  for (size_t i = 2; i < call.argc(); ++i) {
    const auto found = names.find(call.arg(i));
    call.reply.bulk(call.arg(i));
    call.reply.integer(found == names.end() ? 0 : static_cast<int64_t>(found->second.size()));
  }
}

void channels(Call& call) { list_names(call, call.client->peers().channels.channels); }
void shardchannels(Call& call) { list_names(call, call.client->peers().channels.shards); }
void numsub(Call& call) { count_listeners(call, call.client->peers().channels.channels); }
void shardnumsub(Call& call) { count_listeners(call, call.client->peers().channels.shards); }

void pubsub(Call& call) {
  if (call.client != nullptr) dispatch(call);
}

}  // namespace

}  // namespace server

std::span<const CommandSpec> pubsub_commands() {
  using namespace server;
  static constexpr CommandSpec kSubcommands[] = {
      {"pubsub|channels", channels, -2, kLoading},
      {"pubsub|help", help, 2, kLoading},
      {"pubsub|numpat", numpat, 2, kLoading},
      {"pubsub|numsub", numsub, -2, kLoading},
      {"pubsub|shardchannels", shardchannels, -2, kLoading},
      {"pubsub|shardnumsub", shardnumsub, -2, kLoading}};
  static constexpr CommandSpec kCommands[] = {
      {"subscribe", subscribe, -2, kLoading},
      {"unsubscribe", unsubscribe, -1, kLoading},
      {"psubscribe", psubscribe, -2, kLoading},
      {"punsubscribe", punsubscribe, -1, kLoading},
      {"publish", publish_message, 3, kLoading | kTells},
      {"ssubscribe", ssubscribe, -2, kLoading},
      {"sunsubscribe", sunsubscribe, -1, kLoading},
      {"spublish", spublish, 3, kLoading | kTells},
      container("pubsub", pubsub, -2, kLoading, kSubcommands),
  };
  return kCommands;
}

}  // namespace powercut::engine
