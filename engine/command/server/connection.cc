// HELLO, AUTH, RESET, QUIT: a connection's own affairs. CLIENT stands in client.cc.
#include <fmt/format.h>

#include "engine/command/client_text.h"
#include "engine/command/server/server_commands.h"

namespace powercut::engine {

namespace server {

namespace {

bool log_in(Call& call, std::string_view name, std::string_view password) {
  Client& client = *call.client;
  const User* user = client.peers().users.find(name);
  if (user != nullptr && user->on && user->accepts(password)) {
    client.user = user;
    client.authenticated = true;
    return true;
  }
  note_denial(client, "auth", call.arg(0), name);
  call.fail("WRONGPASS invalid username-password pair or user is disabled.");
  return false;
}

void auth(Call& call) {
  if (call.client == nullptr) return;
  if (call.argc() > 3) return call.fail(kSyntaxError);
  if (call.argc() == 2 && call.client->peers().users.default_user().no_password) {
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
      if (!set_client_name(call, call.arg(i + 1))) return;
      ++i;
    } else {
      return call.fail(fmt::format("ERR Syntax error in HELLO option '{}'", call.arg(i)));
    }
  }
  if (call.client->is_stranger()) {
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
    call.client->stop_tracking();
    call.client->stop_listening();
    call.client->stop_monitoring();
    call.client->no_evict = false;
    call.client->name.clear();
    call.client->protocol = 2;
    call.client->mute = false;
    call.reply.speak(2);
    call.client->begin_as_default();
  }
  call.db = 0;
  call.reply.simple("RESET");
}

void quit(Call& call) {
  call.reply.ok();
  if (call.client != nullptr) call.client->closing = true;
}

}  // namespace

}  // namespace server

std::span<const CommandSpec> connection_commands() {
  using namespace server;
  static constexpr CommandSpec kCommands[] = {
      {"hello", hello, -1, kLoading | kNoAuth},
      {"auth", auth, -2, kLoading | kNoAuth},
      {"reset", reset, 1, kImmediate | kLoading | kNoAuth},
      {"quit", quit, -1, kImmediate | kLoading | kNoAuth},
  };
  return kCommands;
}

}  // namespace powercut::engine
