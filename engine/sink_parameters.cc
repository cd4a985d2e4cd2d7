// The parameters of the database behind the store (engine/sink/sink.h).
#include "engine/parameter_values.h"
#include "engine/parameters.h"
#include "engine/sink/url.h"

namespace powercut::engine {

namespace {

using Config = const EngineConfig&;

constexpr std::string_view kOneOfTwo =
    "sink-file and sink-url are both given: a store has one database behind it";

// Beside the log: a name that no file of the store has.
Result<void> set_sink_file(EngineConfig& config, std::string_view value) {
  if (value == "." || value == ".." || value.find('/') != value.npos)
    return invalid("it must be the name of a file, not a path");
  const ServiceConfig& service = config.service;
  if (!value.empty() && (value == service.checkpoint_name || value == service.log_name ||
                         value == service.log_directory))
    return invalid("a file of the store has that name");
  if (!value.empty() && !config.sink.url.empty()) return invalid(kOneOfTwo);
  config.sink.file = value;
  return {};
}

Result<void> set_sink_url(EngineConfig& config, std::string_view value) {
  if (!value.empty() && !config.sink.file.empty()) return invalid(kOneOfTwo);
  config.sink.url = value;
  return {};
}

Result<void> set_sink_mode(EngineConfig& config, std::string_view value) {
  TRY_ASSIGN(const size_t which, word(value, {"behind", "through"}));
  config.sink.mode = which == 0 ? SinkMode::kBehind : SinkMode::kThrough;
  return {};
}

Result<void> set_sink_tables(EngineConfig& config, std::string_view value) {
  TRY_ASSIGN(config.sink.tables, parse_sink_tables(value));
  return {};
}

Result<void> set_sink_interval(EngineConfig& config, std::string_view value) {
  TRY_ASSIGN(const int64_t ms, integer(value, 0, 3'600'000));
  config.sink.interval = milliseconds(ms);
  return {};
}

Result<void> set_sink_window(EngineConfig& config, std::string_view value) {
  TRY_ASSIGN(const int64_t ms, integer(value, 1, 3'600'000));
  config.sink.window = milliseconds(ms);
  return {};
}

Result<void> set_sink_read_ttl(EngineConfig& config, std::string_view value) {
  TRY_ASSIGN(const int64_t ms, integer(value, 1, 86'400'000));
  config.sink.read_ttl = milliseconds(ms);
  return {};
}

constexpr Parameter kSinkParameters[] = {
    {"sink-file", Settable::kSame, [](Config c) { return c.sink.file; }, set_sink_file,
     "a SQLite file in dir that gets what the log applied; empty: none"},
    {"sink-interval-ms", Settable::kSame,
     [](Config c) { return std::to_string(c.sink.interval.ms()); }, set_sink_interval,
     "how long changes are collected for one transaction"},
    {"sink-mode", Settable::kSame,
     [](Config c) -> std::string {
       return c.sink.mode == SinkMode::kBehind ? "behind" : "through";
     },
     set_sink_mode, "behind, or through: replies to writes wait for the database's commit"},
    {"sink-read-through", Settable::kSame, [](Config c) { return yes_no(c.sink.read_through); },
     [](EngineConfig& c, std::string_view value) { return set_bool(c.sink.read_through, value); },
     "yes: rows of others in its tables are shown as well, to commands that name their keys"},
    {"sink-read-ttl-ms", Settable::kSame,
     [](Config c) { return std::to_string(c.sink.read_ttl.ms()); }, set_sink_read_ttl,
     "how long what was read of a row is shown"},
    {"sink-resync", Settable::kRunTime, [](Config c) { return yes_no(c.sink.resync); },
     [](EngineConfig& c, std::string_view value) { return set_bool(c.sink.resync, value); },
     "yes, or no: tables that lack what the log has no more are written anew when it is said"},
    {"sink-tables", Settable::kSame, [](Config c) { return format_sink_tables(c.sink.tables); },
     set_sink_tables, "\"PATTERN TABLE ...\": which keys go where; the first that matches counts"},
    {"sink-url", Settable::kSame, [](Config c) { return without_password(c.sink.url); },
     set_sink_url,
     "postgresql://USER@HOST/DATABASE, or words as libpq takes them: as sink-file, in PostgreSQL"},
    {"sink-window-ms", Settable::kSame, [](Config c) { return std::to_string(c.sink.window.ms()); },
     set_sink_window, "without a log: what is acknowledged and not in the database spans no more"},
};

}  // namespace

std::span<const Parameter> sink_parameters() { return kSinkParameters; }

}  // namespace powercut::engine
