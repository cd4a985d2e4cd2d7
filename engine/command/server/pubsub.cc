// SUBSCRIBE, PUBLISH and their kind. A message goes out behind what was applied before it, once the log has released that.
#include <algorithm>

#include "engine/command/client.h"
#include "engine/command/news.h"
#include "engine/command/number.h"
#include "engine/command/server/server_commands.h"

namespace powercut::engine {

namespace server {

namespace {

// The two kinds of names, and how their replies begin.
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

void answer(Call& call, std::string_view verb, std::string_view name) {
  const auto* listens = call.client->subscriptions.get();
  call.reply.push(3);
  call.reply.bulk(verb);
  name.data() == nullptr ? call.reply.null() : call.reply.bulk(name);
  call.reply.integer(listens == nullptr ? 0 : static_cast<int64_t>(listens->count()));
}

void begin(Call& call, const Kind& kind) {
  if (call.client == nullptr) return;
  Client& client = *call.client;
  if (client.in_exec && client.protocol == 2) {
    return call.fail(
        "ERR (P)SUBSCRIBE isn't allowed for a DENY BLOCKING client unless it uses RESP3");
  }
  if (client.subscriptions == nullptr)
    client.subscriptions = std::make_unique<Client::Subscriptions>();
  Channels& all = client.peers().channels;
  call.reply.several(call.argc() - 1);
  for (size_t i = 1; i < call.argc(); ++i) {
    if ((client.subscriptions.get()->*kind.own).emplace(call.arg(i)).second)
      all.subscribe(all.*kind.all, client.id(), call.arg(i));
    answer(call, kind.begins, call.arg(i));
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
  if (names.empty()) return answer(call, kind.ends, {});
  call.reply.several(names.size());
  for (const std::string& name : names) {
    if (client.subscriptions != nullptr) {
      (client.subscriptions.get()->*kind.own).erase(name);
      all.unsubscribe(all.*kind.all, client.id(), name);
      if (client.subscriptions->count() == 0) client.subscriptions.reset();
    }
    answer(call, kind.ends, name);
  }
}

void subscribe(Call& call) { begin(call, kChannels); }
void psubscribe(Call& call) { begin(call, kPatterns); }
void unsubscribe(Call& call) { end(call, kChannels); }
void punsubscribe(Call& call) { end(call, kPatterns); }

void publish_message(Call& call) {
  if (call.client == nullptr) return;
  call.reply.integer(static_cast<int64_t>(publish(call.client->peers(), call.arg(1), call.arg(2))));
}

void channels(Call& call) {
  if (call.argc() > 3) return call.fail(kSyntaxError);
  const Channels& all = call.client->peers().channels;
  const size_t mark = call.reply.begin_deferred();
  size_t count = 0;
  for (const auto& [name, ids] : all.channels) {
    if (call.argc() == 3 && !glob_match(call.arg(2), name)) continue;
    call.reply.bulk(name);
    ++count;
  }
  call.reply.end_deferred(mark, count);
}

void numpat(Call& call) {
  call.reply.integer(static_cast<int64_t>(call.client->peers().channels.patterns.size()));
}

void numsub(Call& call) {
  const Channels& all = call.client->peers().channels;
  call.reply.array(2 * (call.argc() - 2));
  for (size_t i = 2; i < call.argc(); ++i) {
    const auto found = all.channels.find(call.arg(i));
    call.reply.bulk(call.arg(i));
    call.reply.integer(found == all.channels.end() ? 0
                                                   : static_cast<int64_t>(found->second.size()));
  }
}

void pubsub(Call& call) {
  if (call.client != nullptr) dispatch(call);
}

}  // namespace

}  // namespace server

std::span<const CommandSpec> pubsub_commands() {
  using namespace server;
  static constexpr CommandSpec kSubcommands[] = {{"pubsub|channels", channels, -2, kLoading},
                                                 {"pubsub|help", help, 2, kLoading},
                                                 {"pubsub|numpat", numpat, 2, kLoading},
                                                 {"pubsub|numsub", numsub, -2, kLoading}};
  static constexpr CommandSpec kCommands[] = {
      {"subscribe", subscribe, -2, kLoading},
      {"unsubscribe", unsubscribe, -1, kLoading},
      {"psubscribe", psubscribe, -2, kLoading},
      {"punsubscribe", punsubscribe, -1, kLoading},
      {"publish", publish_message, 3, kLoading | kTells},
      container("pubsub", pubsub, -2, kLoading, kSubcommands),
  };
  return kCommands;
}

}  // namespace powercut::engine
