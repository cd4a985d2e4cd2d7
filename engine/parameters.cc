#include "engine/parameters.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/command/events.h"
#include "engine/command/number.h"
#include "engine/parameter_values.h"

namespace powercut::engine {

namespace {

struct PolicyName {
  std::string_view name;
  SyncPolicy policy;
};
constexpr PolicyName kPolicies[] = {
    {"everysec", SyncPolicy::kEverysec}, {"always", SyncPolicy::kAlways}, {"no", SyncPolicy::kNo}};

std::string get_policy(const EngineConfig& config) {
  for (const auto& known : kPolicies) {
    if (known.policy == config.aof.policy) return std::string(known.name);
  }
  return {};
}

Result<void> set_policy(EngineConfig& config, std::string_view value) {
  TRY_ASSIGN(const size_t which,
             word(value, {kPolicies[0].name, kPolicies[1].name, kPolicies[2].name}));
  config.aof.policy = kPolicies[which].policy;
  return {};
}

Result<void> set_window(EngineConfig& config, std::string_view value) {
  TRY_ASSIGN(const int64_t ms, integer(value, 2, 3'600'000));
  config.aof.window = milliseconds(ms);
  // A sync must come round within the window, or every reply would wait for one.
  config.aof.sync_interval = std::min(seconds(1), milliseconds(ms / 2));
  return {};
}

Result<void> set_percentage(EngineConfig& config, std::string_view value) {
  TRY_ASSIGN(const int64_t percentage, integer(value, 0, INT32_MAX));
  config.rewrite_percentage = static_cast<uint64_t>(percentage);
  return {};
}

Result<void> set_on_corruption(EngineConfig& config, std::string_view value) {
  TRY_ASSIGN(const size_t which, word(value, {"abort", "truncate"}));
  config.recovery.on_corruption = which == 0 ? OnCorruption::kAbort : OnCorruption::kTruncate;
  return {};
}

std::string get_save(const EngineConfig& config) {
  std::string text;
  for (const SaveRule& rule : config.save) {
    text += fmt::format("{}{} {}", text.empty() ? "" : " ", rule.seconds, rule.changes);
  }
  return text;
}

// "3600 1 300 100": seconds and changes, in pairs. Empty: no rules.
Result<void> set_save(EngineConfig& config, std::string_view value) {
  std::vector<int64_t> numbers;
  for (const std::string& word : words_of(value)) {
    const auto number = parse_integer(word);
    if (!number || *number < (numbers.size() % 2 == 0 ? 1 : 0))
      return invalid("Invalid save parameters");
    numbers.push_back(*number);
  }
  if (numbers.size() % 2 != 0) return invalid("Invalid save parameters");
  config.save.clear();
  config.save_given = true;
  for (size_t i = 0; i < numbers.size(); i += 2) {
    config.save.push_back({numbers[i], static_cast<uint64_t>(numbers[i + 1])});
  }
  return {};
}

Result<void> set_memory_policy(EngineConfig& config, std::string_view value) {
  TRY_ASSIGN(const size_t which, word(value, kEvictionPolicies));
  config.eviction = static_cast<EvictionPolicy>(which);
  return {};
}

Result<void> set_told_events(EngineConfig& config, std::string_view value) {
  const auto flags = Events::parse(value);
  if (!flags) return invalid("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.");
  config.told_events = *flags;
  return {};
}

Result<void> set_time_limit(EngineConfig& config, std::string_view value) {
  TRY_ASSIGN(const int64_t ms, integer(value, 0, INT32_MAX));
  config.recovery.time_limit = milliseconds(ms);
  return {};
}

Result<void> set_on_newer(EngineConfig& config, std::string_view value) {
  TRY_ASSIGN(const size_t which, word(value, {"refuse", "pass-over"}));
  config.recovery.on_newer = which == 0 ? OnNewer::kRefuse : OnNewer::kPassOver;
  return {};
}

Result<void> set_databases(EngineConfig& config, std::string_view value) {
  TRY_ASSIGN(const int64_t databases, integer(value, 1, 1'000'000));
  config.databases = static_cast<int>(databases);
  return {};
}

Result<void> set_retained_count(EngineConfig& config, std::string_view value) {
  TRY_ASSIGN(const int64_t count, integer(value, 0, INT32_MAX));
  config.retention.count = static_cast<uint64_t>(count);
  return {};
}

Result<void> set_retained_age(EngineConfig& config, std::string_view value) {
  TRY_ASSIGN(config.retention.age_s, integer(value, 0, INT32_MAX));
  return {};
}

// A base is always a checkpoint. Who asks for another kind gets what holds the same.
Result<void> set_preamble(EngineConfig&, std::string_view value) {
  bool yes = true;
  return set_bool(yes, value);
}

using Config = const EngineConfig&;

constexpr Parameter kParameters[] = {
    {"aof-load-truncated", Settable::kRunTime,
     [](Config c) { return yes_no(c.recovery.drops_torn_end); },
     [](EngineConfig& c, std::string_view value) {
       return set_bool(c.recovery.drops_torn_end, value);
     },
     "yes, or no: what a crash cut short is refused at a start, damage always"},
    {"aof-loss-window-ms", Settable::kRunTime,
     [](Config c) { return std::to_string(c.aof.window.ms()); }, set_window,
     "everysec: acked and unsynced writes span no more than this"},
    {"aof-timestamp-enabled", Settable::kRunTime, [](Config c) { return yes_no(c.aof.timestamps); },
     [](EngineConfig& c, std::string_view value) { return set_bool(c.aof.timestamps, value); },
     "yes or no: #TS lines in the log"},
    {"aof-use-rdb-preamble", Settable::kRunTime, [](Config) -> std::string { return "yes"; },
     set_preamble, ""},
    {"appendfsync", Settable::kRunTime, get_policy, set_policy, "always, everysec or no"},
    {"appendonly", Settable::kRunTime, [](Config c) { return yes_no(c.recovery.append_only); },
     [](EngineConfig& c, std::string_view value) {
       return set_bool(c.recovery.append_only, value);
     },
     "yes or no: keep a log"},
    {"auto-aof-rewrite-min-size", Settable::kRunTime,
     [](Config c) { return std::to_string(c.rewrite_min_bytes); },
     [](EngineConfig& c, std::string_view value) { return set_bytes(c.rewrite_min_bytes, value); },
     "a log smaller than this is not rewritten by itself"},
    {"auto-aof-rewrite-percentage", Settable::kRunTime,
     [](Config c) { return std::to_string(c.rewrite_percentage); }, set_percentage,
     "growth after which the log is rewritten; 0: never by itself"},
    {"backup-retain-count", Settable::kRunTime,
     [](Config c) { return std::to_string(c.retention.count); }, set_retained_count,
     "so many backups are kept, the newest; what is more goes when one is sealed; 0: all"},
    {"backup-retain-seconds", Settable::kRunTime,
     [](Config c) { return std::to_string(c.retention.age_s); }, set_retained_age,
     "older backups go when one is sealed, but for the newest; 0: none"},
    {"databases", Settable::kStart, [](Config c) { return std::to_string(c.databases); },
     set_databases, "how many there are"},
    {"dir", Settable::kProtected, [](Config c) { return c.directory; }, nullptr, ""},
    {"maxmemory", Settable::kRunTime, [](Config c) { return std::to_string(c.max_memory_bytes); },
     [](EngineConfig& c, std::string_view value) { return set_bytes(c.max_memory_bytes, value); },
     "above this keys go, or writes are refused (maxmemory-policy); 0: no limit"},
    {"maxmemory-policy", Settable::kRunTime,
     [](Config c) { return std::string(kEvictionPolicies[static_cast<size_t>(c.eviction)]); },
     set_memory_policy, "which keys go above maxmemory, as Redis names it; noeviction: none"},
    {"notify-keyspace-events", Settable::kRunTime,
     [](Config c) { return Events::format(c.told_events); }, set_told_events,
     "letters: which events of keys are told to subscribers"},
    {"on-corruption", Settable::kSame,
     [](Config c) -> std::string {
       return c.recovery.on_corruption == OnCorruption::kAbort ? "abort" : "truncate";
     },
     set_on_corruption, "abort, or truncate: keep what precedes the damage"},
    {"on-newer", Settable::kSame,
     [](Config c) -> std::string {
       return c.recovery.on_newer == OnNewer::kRefuse ? "refuse" : "pass-over";
     },
     set_on_newer, "refuse a start beside newer data than it reads, or pass-over"},
    {"recovery-time-limit-ms", Settable::kSame,
     [](Config c) { return std::to_string(c.recovery.time_limit.ms()); }, set_time_limit,
     "give up a start that takes longer; 0: no limit"},
    {"save", Settable::kRunTime, get_save, set_save,
     "\"SECONDS CHANGES ...\": when to write a checkpoint"},
    {"stop-writes-on-bgsave-error", Settable::kRunTime,
     [](Config c) { return yes_no(c.refuse_after_failed_save); },
     [](EngineConfig& c, std::string_view value) {
       return set_bool(c.refuse_after_failed_save, value);
     },
     "yes or no: refuse writes after a checkpoint that failed"},
};

}  // namespace

std::span<const Parameter> parameters() {
  static const std::vector<Parameter> all = [] {
    std::vector<Parameter> both(std::begin(kParameters), std::end(kParameters));
    const auto service = service_parameters();
    both.insert(both.end(), service.begin(), service.end());
    const auto sink = sink_parameters();
    both.insert(both.end(), sink.begin(), sink.end());
    const auto tier = tier_parameters();
    both.insert(both.end(), tier.begin(), tier.end());
    std::sort(both.begin(), both.end(),
              [](const Parameter& a, const Parameter& b) { return a.name < b.name; });
    return both;
  }();
  return all;
}

const Parameter* find_parameter(std::string_view name) {
  const auto all = parameters();
  const auto found = std::find_if(
      all.begin(), all.end(), [&](const Parameter& parameter) { return parameter.name == name; });
  return found == all.end() ? nullptr : &*found;
}

std::optional<uint64_t> parse_bytes(std::string_view text) {
  static constexpr struct {
    std::string_view suffix;
    int64_t factor;
  } kUnits[] = {{"KB", 1 << 10},  {"MB", 1 << 20},      {"GB", 1 << 30}, {"K", 1'000},
                {"M", 1'000'000}, {"G", 1'000'000'000}, {"B", 1},        {"", 1}};
  for (const auto& unit : kUnits) {
    if (text.size() < unit.suffix.size()) continue;
    const std::string_view number = text.substr(0, text.size() - unit.suffix.size());
    if (!equals_ignoring_case(text.substr(number.size()), unit.suffix)) continue;
    const auto value = parse_integer(number);
    if (!value || *value < 0 || *value > INT64_MAX / unit.factor) return std::nullopt;
    return static_cast<uint64_t>(*value * unit.factor);
  }
  return std::nullopt;
}

}  // namespace powercut::engine
