// The database behind the store: how it comes into a start, and what INFO says of it.
#include <fmt/format.h>

#include <span>
#include <vector>

#include "engine/base/words.h"
#include "engine/command/command_table.h"
#include "engine/command/facts.h"
#include "engine/command/number.h"
#include "engine/engine.h"
#include "engine/recovery/newer_beside.h"

namespace powercut::engine {

namespace {

constexpr std::string_view kTurnOver =
    "beside a database the log is turned on and off by a start: end with SHUTDOWN SAVE, and start "
    "with appendonly yes; or end, move appendonlydir away, and start with appendonly no";

// What no table of the database takes: the commands of Redis's groups, by what they make.
constexpr struct {
  std::string_view group;
  std::string_view what;
} kUnkept[] = {{"list", "a list"},
               {"set", "a set"},
               {"sorted-set", "a sorted set"},
               {"geo", "a sorted set"},
               {"stream", "a stream"}};

// Why a write is not taken where the database is all that persists: what it would make has no row there.
std::string why_not_kept(const SinkOptions& options, const CommandSpec& spec,
                         std::span<const std::string_view> args) {
  if ((spec.flags & kWrite) == 0) return {};  // SORT_RO, which makes nothing
  constexpr std::string_view kNo = "ERR without a log the database is all that persists, and";
  const CommandFacts* facts = find_facts(spec.name);
  for (const auto& [group, what] : kUnkept)
    if (facts != nullptr && facts->group == group)
      return fmt::format("{} {} has no table there", kNo, what);
  if (spec.name.starts_with("function|"))
    return fmt::format("{} a library of functions has no table there", kNo);
  for (const std::string_view name : {"restore", "sort", "debug|populate"})
    if (spec.name == name)
      return fmt::format("{} what {} makes may have no table there", kNo, upper_case(args[0]));
  std::vector<size_t> positions;
  key_positions(spec, args, positions);
  for (const size_t at : positions)
    if (!sink_table_of(options.tables, args[at]))
      return fmt::format("{} key '{}' matches no pattern of sink-tables", kNo, shown(args[at]));
  return {};
}

}  // namespace

Result<void> check_read_through(const EngineConfig& config) {
  const auto no = [](std::string_view why) { return Error{Errc::kInvalid, std::string(why)}; };
  if (!config.sink.read_through) return {};
  if (!config.sink.wanted())
    return no("sink-read-through needs a database behind the store: sink-file or sink-url");
  if (!config.recovery.append_only) return no("sink-read-through needs the log: appendonly yes");
  // A key that is evicted is deleted, and its row with it.
  if (config.max_memory_bytes != 0 && config.eviction != EvictionPolicy::kNoEviction)
    return no(
        "with sink-read-through copies of rows make room, and no key is evicted, which would take "
        "its row: maxmemory-policy noeviction, or no maxmemory");
  return {};
}

namespace {

// Why a command is refused where others have rows in the tables: it reaches keys that it does not name.
std::string why_not_read_through(const CommandSpec& spec, std::span<const std::string_view> args) {
  constexpr std::string_view kNo = "ERR with sink-read-through";
  if (spec.name == "swapdb") return fmt::format("{} rows stay in their databases: no SWAPDB", kNo);
  if (spec.name != "sort" && spec.name != "sort_ro") return {};
  for (size_t i = 2; i + 1 < args.size(); ++i) {
    const bool pattern =
        equals_ignoring_case(args[i], "BY") || equals_ignoring_case(args[i], "GET");
    if (pattern && args[i + 1].find('*') != std::string_view::npos)
      return fmt::format("{} SORT reads no keys that patterns name: read them before", kNo);
  }
  return {};
}

}  // namespace

void Engine::begin_read_through() {
  copies_ = std::make_unique<Copies>(os_, keyspace_, *sink_, config_.sink.read_ttl);
  copies_->set_on_leave([this](std::string_view key) { executor_.row_left(key); });
  executor_.set_rows(copies_.get());
  executor_.set_write_rule([](const CommandSpec& spec, std::span<const std::string_view> args) {
    return why_not_read_through(spec, args);
  });
  generations_.set_queue([this] { return sink_->queue_in_words(); });
}

Result<void> Engine::look_at_sink(RecoveryOptions& options) {
  TRY(check_read_through(config_));
  if (!config_.sink.wanted()) return {};
  SinkOptions wanted = config_.sink;
  wanted.alone = !config_.recovery.append_only;
  if (!wanted.alone && config_.aof.policy == SyncPolicy::kNo)
    return Error{Errc::kInvalid, std::string(why_sink_needs_log(config_.sink))};
  if (!config_.sink.url.empty() && !config_.sink.connect)
    return Error{Errc::kUnsupported, "sink-url: this program speaks to no database"};
  sink_ = std::make_unique<Sink>(os_, keyspace_, aof_, wanted);
  sink_->set_log_line([this](std::string_view text) { log_line(text); });
  if (!wanted.alone) {
    sink_->look();
    options.on_entry = [this](uint64_t lsn) { sink_->replaying(lsn); };
    if (config_.sink.read_through) begin_read_through();
    return {};
  }
  executor_.set_write_rule([this](const CommandSpec& spec, std::span<const std::string_view> args) {
    return why_not_kept(sink_->options(), spec, args);
  });
  // A checkpoint is never ahead of the database: a start that finds one that is knows that the database is an older one.
  generations_.set_before_save([this](uint64_t cut) { return sink_->wait_for(cut); });
  return {};
}

// The database is what there is. One that is new takes over what lies beside it.
Result<Recovered> Engine::start_from_sink(const RecoveryOptions& options) {
  const Instant began = os_.now();
  TRY(check_no_log_beside(os_));
  TRY_ASSIGN(const auto lsn, sink_->open_alone());
  if (!lsn) {
    TRY_ASSIGN(Recovered recovered, recover(os_, keyspace_, options));
    TRY(check_all_have_rows());
    return recovered;
  }
  Recovered recovered;
  RecoveryReport& report = recovered.report;
  TRY_ASSIGN(report.passed_over, check_beside_database(os_, sink_->name(), *lsn));
  report.base = sink_->name();
  report.last_lsn = *lsn;
  TRY_ASSIGN(report.base_keys, sink_->load());
  report.took = os_.now() - began;
  return recovered;
}

Result<void> Engine::check_all_have_rows() const {
  const auto refused = [](std::string_view what) {
    return Error{
        Errc::kInvalid,
        fmt::format("{}: {}, which has no table in the database, and without a log that is "
                    "all that persists: start with appendonly yes; nothing was changed",
                    kCheckpointName, what)};
  };
  if (!keyspace_.libraries().empty()) return refused("it has libraries of functions");
  for (int db = 0; db < keyspace_.databases(); ++db) {
    const Table& table = keyspace_.database(db).table();
    for (size_t i = 0; i < table.size(); ++i) {
      const std::string_view key = table.at(i).key;
      const Type type = table.at(i).value.value.kind();
      const std::string what = fmt::format("key '{}' of database {}", shown(key), db);
      if (type != Type::kString && type != Type::kHash)
        return refused(fmt::format("{} is a {}", what, type_name(type)));
      if (!sink_table_of(config_.sink.tables, key))
        return refused(what + " matches no pattern of sink-tables");
    }
  }
  return {};
}

// Before CONFIG SET puts that in force.
Result<void> Engine::check_sink(const EngineConfig& next) const {
  TRY(check_read_through(next));
  if (sink_ == nullptr) return {};
  if (next.recovery.append_only != config_.recovery.append_only)
    return Error{Errc::kInvalid, std::string(kTurnOver)};
  if (!sink_alone() && next.aof.policy == SyncPolicy::kNo)
    return Error{Errc::kInvalid, std::string(why_sink_needs_log(next.sink))};
  return {};
}

std::string Engine::info_sink() const {
  if (sink_ == nullptr) return {};
  const SinkStats& stats = sink_->stats();
  const bool through = sink_->options().mode == SinkMode::kThrough;
  const std::string alone = fmt::format("sink_without_log:{}\r\n", sink_alone() ? 1 : 0) +
                            (sink_alone() ? fmt::format("sink_window_ms:{}\r\nsink_worst_ms:{}\r\n"
                                                        "sink_delayed_replies:{}\r\n",
                                                        through ? 0 : sink_->options().window.ms(),
                                                        sink_->worst().ms(), stats.delayed_replies)
                                          : std::string());
  const std::string copies =
      copies_ == nullptr
          ? std::string()
          : fmt::format(
                "sink_copies:{}\r\nsink_copy_bytes:{}\r\nsink_rows_read:{}\r\n"
                "sink_adopted:{}\r\n",
                copies_->count(), copies_->bytes(), copies_->reads(), copies_->adopted());
  return fmt::format(
      "sink_mode:{}\r\nsink_status:{}\r\nsink_committed_lsn:{}\r\nsink_behind_lsn:{}\r\n"
      "sink_queued_keys:{}\r\nsink_queued_ms:{}\r\nsink_batches:{}\r\nsink_written_keys:{}\r\n"
      "sink_set_aside_keys:{}\r\nsink_resyncs:{}\r\nsink_failures:{}\r\nsink_last_error:{}\r\n"
      "sink_waits_because:{}\r\n{}",
      through ? "through" : "behind", sink_->trouble().empty() ? "ok" : "err",
      sink_->committed_lsn(), aof_.applied_lsn() - sink_->committed_lsn(), sink_->queued_keys(),
      sink_->queued_for().ms(), stats.batches, stats.keys, sink_->set_aside(), stats.resyncs,
      stats.failures, stats.last_error, sink_->trouble(), alone + copies);
}

}  // namespace powercut::engine
