// ACL: there is one user, "default", whose password is requirepass. What tells of users tells of that one; what would
// make others is refused by name.
#include <fmt/format.h>

#include <algorithm>

#include "engine/base/sha256.h"
#include "engine/command/client.h"
#include "engine/command/control.h"
#include "engine/command/execute.h"
#include "engine/command/facts.h"
#include "engine/command/server/server_commands.h"

namespace powercut::engine {

namespace server {

namespace {

constexpr std::string_view kUser = "default";
// As Redis 7.0 has them.
constexpr std::string_view kCategories[] = {
    "keyspace", "read",   "write",       "set",       "sortedset",  "list",        "hash",
    "string",   "bitmap", "hyperloglog", "geo",       "stream",     "pubsub",      "admin",
    "fast",     "slow",   "blocking",    "dangerous", "connection", "transaction", "scripting"};

std::string hex(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes) text += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  return text;
}

// The password's digest; empty: there is none.
std::string password_of(Call& call) {
  const std::string& password = call.client->peers().password;
  if (password.empty()) return {};
  const Sha256 digest = sha256(password);
  return hex({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

void whoami(Call& call) { call.reply.bulk(kUser); }

void users(Call& call) {
  call.reply.array(1);
  call.reply.bulk(kUser);
}

void list(Call& call) {
  const std::string password = password_of(call);
  call.reply.array(1);
  call.reply.bulk(fmt::format("user {} on {} ~* &* +@all", kUser,
                              password.empty() ? "nopass" : "#" + password));
}

void getuser(Call& call) {
  if (call.arg(2) != kUser) return call.reply.null();
  const std::string password = password_of(call);
  call.reply.map(6);
  call.reply.bulk("flags");
  call.reply.set(password.empty() ? 2 : 1);
  call.reply.bulk("on");
  if (password.empty()) call.reply.bulk("nopass");
  call.reply.bulk("passwords");
  call.reply.array(password.empty() ? 0 : 1);
  if (!password.empty()) call.reply.bulk(password);
  for (const std::string_view word : {"commands", "+@all", "keys", "~*", "channels", "&*"})
    call.reply.bulk(word);
  call.reply.bulk("selectors");
  call.reply.array(0);
}

bool has_category(const CommandSpec& spec, std::string_view category) {
  const CommandFacts* facts = find_facts(spec.name);
  return facts != nullptr &&
         fmt::format(" {} ", facts->categories).find(fmt::format(" {} ", category)) !=
             std::string::npos;
}

void cat(Call& call) {
  if (call.argc() > 3) return call.fail("ERR wrong number of arguments for 'acl|cat' command");
  if (call.argc() == 2) {
    call.reply.array(std::size(kCategories));
    for (const std::string_view category : kCategories) call.reply.bulk(category);
    return;
  }
  const std::string wanted = lower_case(call.arg(2));
  if (std::find(std::begin(kCategories), std::end(kCategories), wanted) == std::end(kCategories))
    return call.fail(fmt::format("ERR Unknown category '{}'", call.arg(2)));
  const size_t mark = call.reply.begin_deferred();
  size_t count = 0;
  for (const CommandSpec* spec : all_commands_and_subcommands()) {
    if (!has_category(*spec, wanted)) continue;
    call.reply.bulk(spec->name);
    ++count;
  }
  call.reply.end_deferred(mark, count);
}

void genpass(Call& call) {
  constexpr int64_t kMostBits = 4096;
  constexpr std::string_view kNoBits =
      "ERR ACL GENPASS argument must be the number of bits for the output password, a positive "
      "number up to 4096";
  int64_t bits = 256;
  if (call.argc() > 3) return call.fail("ERR wrong number of arguments for 'acl|genpass' command");
  if (call.argc() == 3 && !call.integer_arg(2, bits)) return;
  if (bits < 1 || bits > kMostBits) return call.fail(kNoBits);
  const size_t digits = (static_cast<size_t>(bits) + 3) / 4;
  const std::string secret = call.control->secret_bytes((digits + 1) / 2);
  if (secret.empty()) return call.fail("ERR there is no source of secrets around this store");
  call.reply.bulk(hex(secret).substr(0, digits));
}

// Who may run what: the one user may run all there is.
void dryrun(Call& call) {
  if (call.arg(2) != kUser) return call.fail(fmt::format("ERR User '{}' not found", call.arg(2)));
  const auto args = call.args.subspan(3);
  const CommandSpec* spec = resolve(args);
  if (spec == nullptr) return call.fail(fmt::format("ERR Command '{}' not found", args[0]));
  if (!arity_fits(*spec, args.size())) return call.fail(wrong_arity_error(*spec));
  call.reply.ok();
}

void log(Call& call) {
  Clients& peers = call.client->peers();
  if (call.argc() > 3) return call.fail("ERR wrong number of arguments for 'acl|log' command");
  if (call.argc() == 3 && call.is(2, "RESET")) {
    peers.refused_logins.clear();
    return call.reply.ok();
  }
  int64_t most = 10;
  if (call.argc() == 3 && !call.integer_arg(2, most)) return;
  const size_t shown =
      std::min(peers.refused_logins.size(), static_cast<size_t>(std::max<int64_t>(most, 0)));
  call.reply.array(shown);
  for (size_t i = 0; i < shown; ++i) {
    const Clients::RefusedLogin& one = peers.refused_logins[i];
    call.reply.map(7);
    call.reply.bulk("count");
    call.reply.integer(static_cast<int64_t>(one.count));
    for (const std::string_view word : {"reason", "auth", "context", "toplevel", "object", "auth"})
      call.reply.bulk(word);
    call.reply.bulk("username");
    call.reply.bulk(one.user);
    call.reply.bulk("age-seconds");
    call.reply.number(static_cast<double>((peers.now() - one.at).ms()) / 1000);
    call.reply.bulk("client-info");
    call.reply.bulk(one.client);
  }
}

void one_user_alone(Call& call) {
  call.fail(fmt::format("ERR {} {}: there are no users but default, whose password is requirepass",
                        upper_case(call.arg(0)), upper_case(call.arg(1))));
}

void deluser(Call& call) {
  for (size_t i = 2; i < call.argc(); ++i)
    if (call.arg(i) == kUser) return call.fail("ERR The 'default' user cannot be removed");
  call.reply.integer(0);  // there was none of that name
}

void acl(Call& call) {
  if (call.client != nullptr && call.control != nullptr) dispatch(call);
}

}  // namespace

}  // namespace server

std::span<const CommandSpec> acl_commands() {
  using namespace server;
  constexpr uint32_t kFlags = kAdmin | kLoading;
  static constexpr CommandSpec kSubcommands[] = {{"acl|cat", cat, -2, kLoading},
                                                 {"acl|deluser", deluser, -3, kFlags},
                                                 {"acl|dryrun", dryrun, -4, kFlags},
                                                 {"acl|genpass", genpass, -2, kLoading},
                                                 {"acl|getuser", getuser, 3, kFlags},
                                                 {"acl|help", help, 2, kLoading},
                                                 {"acl|list", server::list, 2, kFlags},
                                                 {"acl|load", one_user_alone, 2, kFlags},
                                                 {"acl|log", server::log, -2, kFlags},
                                                 {"acl|save", one_user_alone, 2, kFlags},
                                                 {"acl|setuser", one_user_alone, -3, kFlags},
                                                 {"acl|users", users, 2, kFlags},
                                                 {"acl|whoami", whoami, 2, kLoading}};
  static constexpr CommandSpec kCommands[] = {container("acl", acl, -2, kLoading, kSubcommands)};
  return kCommands;
}

}  // namespace powercut::engine
