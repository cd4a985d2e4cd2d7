// The command line and the configuration file of powercut-server.
#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "engine/command/user/user.h"
#include "engine/parameters.h"
#include "engine/postgres/connection.h"
#include "engine/redis_parameters.h"
#include "engine/server/directives.h"
#include "engine/server/options.h"
#include "engine/server/server_log.h"
#include "engine/server/toml_file.h"
#include "engine/sink/url.h"

namespace powercut::engine {

namespace {

constexpr std::string_view kUsage =
    "The powercut store for clients that speak Redis's protocol.\n"
    "Usage: powercut-server [FILE] [--DIRECTIVE VALUE ...]\n\n"
    "FILE is a redis.conf, a powercut.toml, or - for standard input. Every directive of Redis 7.0 "
    "is known: those "
    "below and\nCONFIG GET's are honoured or cannot matter here; what is refused is refused with "
    "the reason.\n\nOptions:\n";

void print_help() {
  fmt::print("{}", kUsage);
  const EngineConfig defaults = server_defaults();
  fmt::print("  {:<44}{}\n", "--help", "print this");
  fmt::print("  {:<44}{}\n", "--version", "print the version");
  fmt::print("  {:<44}  {}\n", "--dir [.]", "where the data are; it must exist");
  for (const Parameter& parameter : parameters()) {
    if (parameter.help.empty()) continue;
    const std::string value = parameter.get(defaults);
    const std::string left = value.empty() ? fmt::format("--{} VALUE", parameter.name)
                             : value.find(' ') != value.npos
                                 ? fmt::format("--{} VALUE", parameter.name)
                                 : fmt::format("--{} [{}]", parameter.name, value);
    fmt::print("  {:<44}  {}\n", left, parameter.help);
  }
  fmt::print(
      "\nExample: powercut-server --port 6379 --dir data --appendfsync always --save 3600 1\n");
}

std::string joined(const Directive& directive) {
  std::string text;
  for (size_t i = 1; i < directive.words.size(); ++i)
    text += (i > 1 ? " " : "") + directive.words[i];
  return text;
}

// Takes several words, or several lines, as one value.
bool takes_many(std::string_view name) {
  return name == "save" || name == "bind" || name == "client-output-buffer-limit" ||
         name == "oom-score-adj-values" || name == "latency-tracking-info-percentiles" ||
         name == "replicaof" || name == "user" || name == "notify-keyspace-events" ||
         name == "ignore-warnings";
}

class Settings {
 public:
  explicit Settings(EngineConfig& config) : config_(config) {}

  Result<void> take(const Directive& directive) {
    const std::string& name = directive.words[0];
    if (name == "no-io-uring") return flag(directive);
    if (const auto why = why_refused_directive(name); !why.empty()) return refused(directive, why);
    if (directive.words.size() != 2 && !takes_many(newer_name(name)))
      return refused(directive, "wrong number of arguments");
    if (name == "user") return take_user(directive);
    std::string value = joined(directive);
    if (name == "save") value = save_so_far(directive);
    const Parameter* parameter = find_parameter(name);
    const RedisParameter* redis = find_redis_parameter(newer_name(name));
    if (parameter != nullptr && parameter->set != nullptr) {
      const auto set = parameter->set(config_, value);
      return set.ok() ? set : refused(directive, set.error().message);
    }
    if (name == "dir") {
      config_.directory = value;
      return {};
    }
    if (redis == nullptr) return refused(directive, "there is no such directive");
    if (redis->name == "replicaof" && value == "no one") return {};
    const auto set = set_redis_parameter(config_, *redis, value);
    return set.ok() ? set : refused(directive, set.error().message);
  }

 private:
  Result<void> flag(const Directive& directive) {
    if (directive.words.size() > 1) return refused(directive, "it takes no value");
    config_.service.io_uring = false;
    return {};
  }

  // Its rules are looked at now, to say where they stand; the store takes them when it begins.
  Result<void> take_user(const Directive& directive) {
    if (directive.words.size() < 2) return refused(directive, "wrong number of arguments");
    const std::string& name = directive.words[1];
    auto& users = config_.service.users;
    const bool known = std::any_of(users.begin(), users.end(),
                                   [&](const auto& words) { return words[0] == name; });
    if (known)
      return refused(directive,
                     "Duplicate user found. A user can only be defined once in config files");
    users.emplace_back(directive.words.begin() + 1, directive.words.end());
    const std::vector<std::string_view> rules(directive.words.begin() + 2, directive.words.end());
    Users probe;
    probe.set_all_channels(redis_text(config_, "acl-pubsub-default") == "allchannels");
    const auto defined = probe.define(name, rules);
    return defined.ok() ? defined : refused(directive, defined.error().message);
  }

  // The first one replaces the defaults, the next ones add to it, and an empty one drops them all.
  std::string save_so_far(const Directive& directive) {
    const std::string value = joined(directive);
    save_ = value.empty() ? "" : save_ + (save_.empty() ? "" : " ") + value;
    return save_;
  }

  static Error refused(const Directive& directive, std::string_view why) {
    std::string shown = directive.words[0];
    if (directive.words.size() > 1) shown += " " + joined(directive);
    // A password is not for the terminal.
    if (directive.words[0] == "requirepass" || directive.words[0] == "masterauth")
      shown = directive.words[0];
    if (directive.words[0] == "sink-url") shown = "sink-url " + without_password(joined(directive));
    if (directive.words[0] == "user" && directive.words.size() > 1)
      shown = "user " + directive.words[1];
    const bool argument = directive.where.starts_with("--");
    return {Errc::kInvalid, argument ? fmt::format("--{}: {}", shown, why)
                                     : fmt::format("{}: '{}': {}", directive.where, shown, why)};
  }

  EngineConfig& config_;
  std::string save_;
};

Result<void> parse(const std::vector<std::string>& arguments, EngineConfig& config) {
  std::vector<std::string> rest = arguments;
  Settings settings(config);
  if (!rest.empty() && (!rest[0].starts_with('-') || rest[0] == "-")) {
    TRY_ASSIGN(const auto file, is_toml(rest[0]) ? read_toml(rest[0]) : read_directives(rest[0]));
    for (const Directive& directive : file) TRY(settings.take(directive));
    if (rest[0] != "-") config.service.config_file = rest[0];
    rest.erase(rest.begin());
  }
  TRY_ASSIGN(const auto line, directives_of(rest));
  for (const Directive& directive : line) TRY(settings.take(directive));
  if (config.sink.url.empty()) return {};
  const auto checked = postgres::check_url(config.sink.url);
  return checked.ok() ? checked : Error{Errc::kInvalid, "sink-url: " + checked.error().message};
}

}  // namespace

EngineConfig server_defaults() {
  EngineConfig config;
  config.recovery.on_newer = OnNewer::kRefuse;
  config.refuse_after_failed_save = true;
  return config;
}

bool parse_server_options(int argc, char** argv, EngineConfig& config, int& exit_status) {
  config = server_defaults();
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  exit_status = kExitOk;
  if (arguments.size() == 1 && (arguments[0] == "--help" || arguments[0] == "-h")) {
    print_help();
    return false;
  }
  if (arguments.size() == 1 && (arguments[0] == "--version" || arguments[0] == "-v")) {
    fmt::print("powercut-server 0.1.0\n");
    return false;
  }
  const auto parsed = parse(arguments, config);
  if (!parsed.ok()) {
    say(fmt::format("powercut-server: {}; see powercut-server --help", parsed.error().message));
    exit_status = kExitUsage;
    return false;
  }
  // Without a log a checkpoint is all there is; Redis has these rules.
  if (!config.recovery.append_only && !config.save_given)
    config.save = {{3600, 1}, {300, 100}, {60, 10'000}};
  return true;
}

}  // namespace powercut::engine
