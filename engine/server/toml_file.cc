#include "engine/server/toml_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string_view>
#include <toml.hpp>
#include <utility>

namespace powercut::engine {

namespace {

enum class Kind : uint8_t {
  kPlain,    // as in redis.conf: a bool is yes or no
  kWords,    // the same, or an array of several
  kMs,       // a duration: "250ms", "5min"; redis.conf has milliseconds
  kSeconds,  // the same in seconds
  kRules,    // [{seconds = 900, changes = 1}, ...]
};

struct Setting {
  std::string_view table;
  std::string_view key;
  std::string_view directive;
  Kind kind = Kind::kPlain;
};

constexpr Setting kSettings[] = {
    {"backup", "retain_age", "backup-retain-seconds", Kind::kSeconds},
    {"backup", "retain_count", "backup-retain-count"},
    {"network", "acl_file", "aclfile"},
    {"network", "bind", "bind", Kind::kWords},
    {"network", "idle_timeout", "timeout", Kind::kSeconds},
    {"network", "keepalive", "tcp-keepalive", Kind::kSeconds},
    {"network", "max_clients", "maxclients"},
    {"network", "password", "requirepass"},
    {"network", "port", "port"},
    {"network", "protected_mode", "protected-mode"},
    {"network", "unix_socket", "unixsocket"},
    {"network", "unix_socket_mode", "unixsocketperm"},
    {"persistence", "aof_enabled", "appendonly"},
    {"persistence", "aof_loss_window", "aof-loss-window-ms", Kind::kMs},
    {"persistence", "aof_rewrite_min_size", "auto-aof-rewrite-min-size"},
    {"persistence", "aof_rewrite_percentage", "auto-aof-rewrite-percentage"},
    {"persistence", "aof_sync_policy", "appendfsync"},
    {"persistence", "aof_timestamps", "aof-timestamp-enabled"},
    {"persistence", "checkpoint_rules", "save", Kind::kRules},
    {"persistence", "refuse_writes_after_failed_checkpoint", "stop-writes-on-bgsave-error"},
    {"process", "background", "daemonize"},
    {"process", "log_file", "logfile"},
    {"process", "log_level", "loglevel"},
    {"process", "pid_file", "pidfile"},
    {"process", "supervised", "supervised"},
    {"recovery", "max_recovery_time", "recovery-time-limit-ms", Kind::kMs},
    {"recovery", "on_corruption", "on-corruption"},
    {"recovery", "on_newer", "on-newer"},
    {"sink", "file", "sink-file"},
    {"sink", "interval", "sink-interval-ms", Kind::kMs},
    {"sink", "window", "sink-window-ms", Kind::kMs},
    {"sink", "mode", "sink-mode"},
    {"sink", "read_through", "sink-read-through"},
    {"sink", "read_ttl", "sink-read-ttl-ms", Kind::kMs},
    {"sink", "resync", "sink-resync"},
    {"sink", "tables", "sink-tables", Kind::kWords},
    {"sink", "url", "sink-url"},
    {"storage", "aof_directory", "appenddirname"},
    {"storage", "aof_file", "appendfilename"},
    {"storage", "archive.after", "archive-after", Kind::kSeconds},
    {"storage", "archive.endpoint", "archive-endpoint"},
    {"storage", "archive.region", "archive-region"},
    {"storage", "archive.url", "archive-url"},
    {"storage", "checkpoint_file", "dbfilename"},
    {"storage", "cold_tier_compression", "cold-tier-compression"},
    {"storage", "cold_tier_path", "cold-tier-path"},
    {"storage", "cold_tier_size", "cold-tier-size"},
    {"storage", "databases", "databases"},
    {"storage", "directory", "dir"},
    {"storage", "directory_lock", "directory-lock"},
    {"storage", "directory_sync", "directory-sync"},
    {"storage", "hot_tier_size", "hot-tier-size"},
    {"storage", "max_memory", "maxmemory"},
    {"storage", "warm_tier_size", "warm-tier-size"},
};

// By the directives' own names.
constexpr std::string_view kDirectives = "redis";

Error wrong(const std::string& at, const std::string& name, std::string_view why) {
  return {Errc::kInvalid, fmt::format("{}: '{}': {}", at, name, why)};
}

struct Unit {
  std::string_view name;
  int64_t ms;
};
constexpr Unit kUnits[] = {{"ms", 1}, {"s", 1000}, {"min", 60'000}, {"h", 3'600'000}};

// "1500ms", "5min" in milliseconds; -1 if it is none.
int64_t duration_ms(const std::string& text) {
  const size_t digits = text.find_first_not_of("0123456789");
  if (digits == 0 || digits > 12 || digits == text.npos) return -1;
  const std::string_view name = std::string_view(text).substr(digits);
  const auto unit = std::find_if(std::begin(kUnits), std::end(kUnits),
                                 [&](const Unit& known) { return known.name == name; });
  return unit == std::end(kUnits) ? -1 : std::stoll(text.substr(0, digits)) * unit->ms;
}

Result<std::string> word_of(const toml::value& value) {
  if (value.is_boolean()) return std::string(value.as_boolean() ? "yes" : "no");
  if (value.is_integer()) return std::to_string(value.as_integer());
  if (value.is_string()) return value.as_string().str;
  return Error{Errc::kInvalid, "a string, an integer or a bool is wanted"};
}

Result<std::string> duration_of(const toml::value& value, int64_t unit_ms) {
  const int64_t ms = value.is_string() ? duration_ms(value.as_string().str) : -1;
  if (ms < 0) return Error{Errc::kInvalid, "a duration is wanted, as \"250ms\", \"2s\", \"5min\""};
  if (ms % unit_ms != 0) return Error{Errc::kInvalid, "whole seconds are wanted"};
  return std::to_string(ms / unit_ms);
}

Result<std::string> rules_of(const toml::value& value) {
  const Error error{Errc::kInvalid, "rules are wanted, as [{seconds = 900, changes = 1}]"};
  if (!value.is_array()) return error;
  std::string words;
  for (const toml::value& rule : value.as_array()) {
    if (!rule.is_table() || rule.as_table().size() != 2) return error;
    for (const char* key : {"seconds", "changes"}) {
      if (!rule.contains(key) || !rule.at(key).is_integer()) return error;
      words += (words.empty() ? "" : " ") + std::to_string(rule.at(key).as_integer());
    }
  }
  return words;
}

Result<std::string> word_of(const toml::value& value, Kind kind) {
  if (kind == Kind::kMs) return duration_of(value, 1);
  if (kind == Kind::kSeconds) return duration_of(value, 1000);
  if (kind == Kind::kRules) return rules_of(value);
  return word_of(value);
}

Result<std::vector<std::string>> words_of(const toml::value& value, Kind kind) {
  std::vector<toml::value> values{value};
  if (kind == Kind::kWords && value.is_array()) values = value.as_array();
  std::vector<std::string> words;
  for (const toml::value& one : values) {
    TRY_ASSIGN(std::string word, word_of(one, kind));
    words.push_back(std::move(word));
  }
  return words;
}

// With its line: a table has no order, and what stands first in the file is said first.
using Placed = std::pair<size_t, Directive>;

Result<void> take(const std::string& path, const std::string& table, const std::string& key,
                  const toml::value& value, std::vector<Placed>& all) {
  const auto known = std::find_if(
      std::begin(kSettings), std::end(kSettings),
      [&](const Setting& setting) { return setting.table == table && setting.key == key; });
  const size_t line = value.location().line();
  const std::string at = fmt::format("{} line {}", path, line);
  const std::string name = table.empty() ? key : table + '.' + key;
  Directive directive;
  directive.where = at;
  Kind kind = Kind::kPlain;
  if (known != std::end(kSettings)) {
    directive.words = {std::string(known->directive)};
    kind = known->kind;
  } else if (table == kDirectives) {
    directive.words = {key};
    kind = Kind::kWords;
  } else {
    return wrong(at, name, "there is no such setting");
  }
  const auto words = words_of(value, kind);
  if (!words.ok()) return wrong(at, name, words.error().message);
  directive.words.insert(directive.words.end(), words->begin(), words->end());
  all.emplace_back(line, std::move(directive));
  return {};
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

}  // namespace

bool is_toml(const std::string& path) { return path.ends_with(".toml"); }

Result<std::vector<Directive>> read_toml(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  if (!in) return Error{Errc::kInvalid, path + ": cannot be read"};
  return read_toml(text, path);
}

Result<std::vector<Directive>> read_toml(std::string_view text, const std::string& path) {
  toml::value root;
  try {
    std::istringstream in{std::string(text)};
    root = toml::parse(in, path);
  } catch (const toml::syntax_error& error) {
    return Error{Errc::kInvalid, fmt::format("{} line {}: {}", path, error.location().line(),
                                             first_line(error.what()))};
  } catch (const std::exception& error) {
    return Error{Errc::kInvalid,
                 fmt::format("{}: cannot be read: {}", path, first_line(error.what()))};
  }
  std::vector<Placed> found;
  for (const auto& [table, value] : root.as_table()) {
    if (!value.is_table()) {
      TRY(take(path, "", table, value, found));
      continue;
    }
    for (const auto& [key, one] : value.as_table()) {
      if (!one.is_table()) {
        TRY(take(path, table, key, one, found));
        continue;
      }
      for (const auto& [inner, setting] : one.as_table())
        TRY(take(path, table, key + "." + inner, setting, found));
    }
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const Placed& a, const Placed& b) { return a.first < b.first; });
  std::vector<Directive> all;
  for (auto& [line, directive] : found) all.push_back(std::move(directive));
  return all;
}

}  // namespace powercut::engine
