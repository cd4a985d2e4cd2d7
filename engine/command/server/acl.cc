// ACL: users and their rules (engine/command/user/), what they were denied, and passwords for them.
#include <fmt/format.h>

#include <algorithm>

#include "engine/base/words.h"
#include "engine/command/client.h"
#include "engine/command/control.h"
#include "engine/command/execute.h"
#include "engine/command/permission.h"
#include "engine/command/server/server_commands.h"

namespace powercut::engine {

namespace server {

namespace {

Users& users_of(Call& call) { return call.client->peers().users; }

// Of the subcommands that take one argument, or none.
bool takes_so_many(Call& call) {
  if (call.argc() <= 3) return true;
  call.fail(
      fmt::format("ERR unknown subcommand or wrong number of arguments for '{}'. Try ACL HELP.",
                  call.arg(1).substr(0, 128)));
  return false;
}

// --- Who there is ---

void whoami(Call& call) { call.reply.bulk(call.client->user->name); }

void users(Call& call) {
  const auto& all = users_of(call).all();
  call.reply.array(all.size());
  for (const auto& [name, user] : all) call.reply.bulk(name);
}

void list(Call& call) {
  const auto& all = users_of(call).all();
  call.reply.array(all.size());
  for (const auto& [name, user] : all) call.reply.bulk(describe(*user));
}

void show_selector(Call& call, const Selector& selector) {
  call.reply.bulk("commands");
  call.reply.bulk(describe_commands(selector));
  call.reply.bulk("keys");
  call.reply.bulk(describe_keys(selector));
  call.reply.bulk("channels");
  call.reply.bulk(describe_channels(selector));
}

void getuser(Call& call) {
  const User* user = users_of(call).find(call.arg(2));
  if (user == nullptr) return call.reply.null();
  call.reply.map(6);
  call.reply.bulk("flags");
  const auto flags = flags_of(*user);
  call.reply.set(flags.size());
  for (const std::string_view flag : flags) call.reply.bulk(flag);
  call.reply.bulk("passwords");
  call.reply.array(user->passwords.size());
  for (const std::string& password : user->passwords) call.reply.bulk(password);
  show_selector(call, user->selectors[0]);
  call.reply.bulk("selectors");
  call.reply.array(user->selectors.size() - 1);
  for (size_t i = 1; i < user->selectors.size(); ++i) {
    call.reply.map(3);
    show_selector(call, user->selectors[i]);
  }
}

// --- Changing them ---

using Names = std::set<std::string, std::less<>>;

// What any of a user's selectors lets it listen to.
std::vector<std::string> channels_of(const User& user) {
  std::vector<std::string> all;
  for (const Selector& selector : user.selectors)
    all.insert(all.end(), selector.channels.begin(), selector.channels.end());
  return all;
}

bool hears_all(const User& user) {
  return std::any_of(user.selectors.begin(), user.selectors.end(),
                     [](const Selector& selector) { return selector.all_channels; });
}

// Ends who listens to what the user may not listen to any more.
void end_listeners(Call& call, const User& user, const User& next) {
  if (hears_all(next)) return;
  const std::vector<std::string> allowed = channels_of(next);
  const auto may = [&](const Names& names, bool patterns) {
    return std::all_of(names.begin(), names.end(), [&](const std::string& name) {
      return may_listen(allowed, name, patterns);
    });
  };
  for (Client* client : call.client->peers().all()) {
    if (client->user != &user || client->subscriptions == nullptr) continue;
    const Client::Subscriptions& own = *client->subscriptions;
    if (may(own.channels, false) && may(own.patterns, true) && may(own.shards, false)) continue;
    client == call.client ? void(client->closing = true) : client->end();
  }
}

void setuser(Call& call) {
  const auto set = users_of(call).set(
      call.arg(2), call.args.subspan(3),
      [&](const User& user, const User& next) { end_listeners(call, user, next); });
  set.ok() ? call.reply.ok() : call.fail("ERR " + set.error().message);
}

void deluser(Call& call) {
  for (size_t i = 2; i < call.argc(); ++i)
    if (call.arg(i) == "default") return call.fail("ERR The 'default' user cannot be removed");
  int64_t removed = 0;
  for (size_t i = 2; i < call.argc(); ++i) {
    const auto user = users_of(call).remove(call.arg(i));
    if (user == nullptr) continue;
    call.client->peers().log_out(*user, call.client);
    ++removed;
  }
  call.reply.integer(removed);
}

void load(Call& call) {
  const auto loaded = call.control->load_users(call.client);
  loaded.ok() ? call.reply.ok() : call.fail("ERR " + loaded.error().message);
}

void save(Call& call) {
  const auto saved = call.control->save_users();
  saved.ok() ? call.reply.ok() : call.fail("ERR " + saved.error().message);
}

// --- Commands, passwords, denials ---

void cat(Call& call) {
  if (!takes_so_many(call)) return;
  const auto categories = command_categories();
  if (call.argc() == 2) {
    call.reply.array(categories.size());
    for (const CommandCategory& category : categories) call.reply.bulk(category.name);
    return;
  }
  const CommandCategory* category = find_category(lower_case(call.arg(2)));
  if (category == nullptr)
    return call.fail(fmt::format("ERR Unknown category '{}'", call.arg(2).substr(0, 128)));
  const size_t mark = call.reply.begin_deferred();
  size_t count = 0;
  for (const CommandSpec* spec : all_commands_and_subcommands()) {
    const auto number = command_number(spec->name);
    if (!number || !category->members.test(*number)) continue;
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
  if (!takes_so_many(call)) return;
  if (call.argc() == 3 && !call.integer_arg(2, bits)) return;
  if (bits < 1 || bits > kMostBits) return call.fail(kNoBits);
  const size_t digits = (static_cast<size_t>(bits) + 3) / 4;
  const std::string secret = call.control->secret_bytes((digits + 1) / 2);
  if (secret.empty()) return call.fail("ERR there is no source of secrets around this store");
  std::string text;
  for (const char byte : secret) text += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  call.reply.bulk(text.substr(0, digits));
}

// Says in words what would be denied.
void dryrun(Call& call) {
  const User* user = users_of(call).find(call.arg(2));
  if (user == nullptr) return call.fail(fmt::format("ERR User '{}' not found", call.arg(2)));
  const auto args = call.args.subspan(3);
  const CommandSpec* spec = resolve(args);
  const bool no_such_subcommand =
      spec != nullptr && spec->subcommand_count != 0 && args.size() > 1 && spec->name != "debug";
  if (spec == nullptr || no_such_subcommand)
    return call.fail(fmt::format("ERR Command '{}' not found", args[0]));
  if (!arity_fits(*spec, args.size())) return call.fail(wrong_arity_error(*spec));
  const Verdict verdict = check_permission(*user, *spec, args);
  if (verdict.what == Denied::kNothing) return call.reply.ok();
  const std::string_view object = object_of(verdict, *spec, args);
  call.reply.bulk(verdict.what == Denied::kCommand
                      ? fmt::format("This user has no permissions to run the '{}' command", object)
                      : fmt::format("This user has no permissions to access the '{}' {}", object,
                                    reason_of(verdict.what)));
}

void show_denial(Call& call, const Denial& denial, Instant now) {
  call.reply.map(7);
  call.reply.bulk("count");
  call.reply.integer(static_cast<int64_t>(denial.count));
  for (const auto& [name, value] : {std::pair{"reason", &denial.reason},
                                    {"context", &denial.context},
                                    {"object", &denial.object},
                                    {"username", &denial.user}}) {
    call.reply.bulk(name);
    call.reply.bulk(*value);
  }
  call.reply.bulk("age-seconds");
  call.reply.number(static_cast<double>((now - denial.at).ms()) / 1000);
  call.reply.bulk("client-info");
  call.reply.bulk(denial.client);
}

void log(Call& call) {
  Clients& peers = call.client->peers();
  if (!takes_so_many(call)) return;
  if (call.argc() == 3 && call.is(2, "RESET")) {
    peers.denials.forget();
    return call.reply.ok();
  }
  int64_t most = 10;
  if (call.argc() == 3 && !call.integer_arg(2, most)) return;
  const auto& entries = peers.denials.entries();
  size_t left = std::min(entries.size(), static_cast<size_t>(std::max<int64_t>(most, 0)));
  call.reply.array(left);
  for (auto one = entries.begin(); left > 0; ++one, --left) show_denial(call, *one, peers.now());
}

void acl(Call& call) {
  if (call.client != nullptr && call.control != nullptr) dispatch(call);
}

}  // namespace

}  // namespace server

std::span<const CommandSpec> acl_commands() {
  using namespace server;
  constexpr uint32_t kFlags = kAdmin | kLoading;
  static constexpr CommandSpec kSubcommands[] = {
      {"acl|cat", cat, -2, kLoading},        {"acl|deluser", deluser, -3, kFlags},
      {"acl|dryrun", dryrun, -4, kFlags},    {"acl|genpass", genpass, -2, kLoading},
      {"acl|getuser", getuser, 3, kFlags},   {"acl|help", help, 2, kLoading},
      {"acl|list", server::list, 2, kFlags}, {"acl|load", load, 2, kFlags},
      {"acl|log", server::log, -2, kFlags},  {"acl|save", save, 2, kFlags},
      {"acl|setuser", setuser, -3, kFlags},  {"acl|users", server::users, 2, kFlags},
      {"acl|whoami", whoami, 2, kLoading}};
  static constexpr CommandSpec kCommands[] = {container("acl", acl, -2, kLoading, kSubcommands)};
  return kCommands;
}

}  // namespace powercut::engine
