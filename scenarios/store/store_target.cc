#include "scenarios/store/store_target.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "engine/base/check.h"
#include "scenarios/judge/policy.h"
#include "scenarios/store/database/behind_rows.h"
#include "scenarios/store/held_back.h"
#include "scenarios/store/keyspace/contents.h"
#include "scenarios/store/keyspace/digest.h"
#include "scenarios/store/keyspace/other_ways.h"
#include "scenarios/store/undone.h"
#include "sim/request.h"

namespace powercut::scenarios {

namespace {
constexpr Duration kJudgedWindow = milliseconds(500);
}

engine::EngineConfig config_of(const sim::Settings& settings, std::optional<Behind> behind) {
  const Policy* policy = find_policy(settings.policy);
  CHECK(policy != nullptr);
  engine::EngineConfig config;
  config.recovery.append_only = policy->has_log() && !settings.log_off;
  config.aof.policy = policy->always()     ? engine::SyncPolicy::kAlways
                      : policy->everysec() ? engine::SyncPolicy::kEverysec
                                           : engine::SyncPolicy::kNo;
  if (settings.gives_up) config.recovery.on_corruption = engine::OnCorruption::kTruncate;
  config.rewrite_percentage = 0;
  if (policy->hybrid()) {
    config.rewrite_percentage = 100;
    config.rewrite_min_bytes = settings.sizes.rewrite_bytes;
  }
  if (const size_t step = settings.sizes.step_bytes; step != 0)
    config.sizes = {.checkpoint = {step, 2 * step}, .expire_batch = 1, .unsent_bytes = 2 * step};
  config.sizes.expire_lag = settings.sizes.lag;
  config.sizes.script_step = settings.sizes.script_step;
  if (policy->kind == PolicyKind::kCheckpoint) config.save = {{1, 10}, {5, 1}};
  if (!behind) return config;
  config.sink = {.file = kBehindFile, .mode = behind->mode, .tables = {{"*", kBehindTable}}};
  if (behind->remote) std::swap(config.sink.file, config.sink.url);
  // So that what is lost comes near its bound; one on another machine takes a while for a batch.
  if (behind->alone) config.sink.window = kJudgedWindow;
  if (behind->alone && !behind->remote) config.sink.interval = kJudgedWindow - milliseconds(50);
  return config;
}

engine::EngineConfig tiered_config_of(const sim::Settings& settings, Tiers tiers) {
  engine::EngineConfig config = config_of(settings);
  if (tiers == Tiers::kArchived) config.tier.archive_url = kBucketUrl;
  config.tier.path = kColdFolder;
  config.sizes.tier = {.segment_bytes = 512, .slice_bytes = 32, .least_bytes = 0, .restless = true};
  if (tiers != Tiers::kWarm) return config;
  config.sizes.tier.warm_regions = 6;
  config.tier.warm_bytes = 1536;  // a region has a few values: each is filled again and again
  return config;
}

namespace {

constexpr Duration kCatchUp = seconds(30);

sim::MetSet met(const engine::RecoveryReport& report) {
  sim::MetSet set;
  const auto add = [&](sim::Met one) { set.set(static_cast<size_t>(one)); };
  if (report.found_nothing) add(sim::Met::kNothing);
  if (report.base == engine::kCheckpointName) {
    add(sim::Met::kSnapshot);
  } else if (!report.base.empty()) {
    add(sim::Met::kBase);
  }
  if (report.segments > 0)
    add(report.dropped_bytes > 0 ? sim::Met::kTornTail : sim::Met::kWholeTail);
  if (report.segments > 1) add(sim::Met::kSeveralSegments);
  if (!report.set_aside.empty()) add(sim::Met::kOrphans);
  return set;
}

std::string number(uint64_t n, std::string_view what) {
  return fmt::format("{} {}{}", n, what, n == 1 ? "" : "s");
}

}  // namespace

StoreTarget::StoreTarget(std::unique_ptr<engine::Engine> engine, const sim::Settings& settings)
    : engine_(std::move(engine)),
      policy_(find_policy(settings.policy)),
      opened_sync_(engine_->config().aof.policy),
      log_off_(settings.log_off) {
  const engine::RecoveryReport& report = engine_->recovery();
  recovery = {report.last_lsn, 0, met(report)};
  if (engine_->aof().active()) kept_ = report.last_lsn;
  engine_->executor().set_listener(this);
}

StoreTarget::~StoreTarget() {
  if (cold_ != nullptr) engine_->keyspace().remove_observer(cold_.get());
}

Result<std::unique_ptr<sim::Target>> StoreTarget::open_tiered(engine::Os& os,
                                                              const sim::Settings& settings,
                                                              Tiers tiers) {
  const bool archived = tiers == Tiers::kArchived;
  std::unique_ptr<sim::SimObjectStore> bucket;
  if (archived) bucket = std::make_unique<sim::SimObjectStore>(os);
  auto engine = engine::Engine::make(os, tiered_config_of(settings, tiers));
  engine->set_object_store(bucket.get());
  TRY(engine->load());
  std::unique_ptr<StoreTarget> target(new StoreTarget(std::move(engine), settings));
  target->bucket_ = std::move(bucket);
  engine::Engine& opened = *target->engine_;
  target->cold_ = std::make_unique<ColdHashes>();
  opened.keyspace().add_observer(target->cold_.get());
  opened.set_active_expire(false);  // nothing happens meanwhile that the history would not hear of
  // That nobody is reached for a while is not what the state is judged by.
  if (archived) target->bucket_->set_fine(true);
  TRY(target->cold_->read(opened.keyspace(), opened.tier()->folder()));
  if (archived) target->bucket_->set_fine(false);
  opened.set_active_expire(true);
  return std::unique_ptr<sim::Target>(std::move(target));
}

Result<std::unique_ptr<sim::Target>> StoreTarget::open(engine::Os& os,
                                                       const sim::Settings& settings,
                                                       std::optional<Behind> behind) {
  engine::EngineConfig config = config_of(settings, behind);
  RemoteDatabase* remote = nullptr;
  config.sink.connect = [&](const engine::SinkOptions& options) {
    // Who restores what is all there is takes it back: that is nobody's promise.
    auto made = std::make_unique<RemoteDatabase>(os, options.tables, !options.alone);
    remote = made.get();
    return made;
  };
  TRY_ASSIGN(auto engine, open_engine(os, config, behind));
  std::unique_ptr<StoreTarget> target(new StoreTarget(std::move(engine), settings));
  target->remote_ = remote;
  if (behind) target->catch_up(os);
  return std::unique_ptr<sim::Target>(std::move(target));
}

// One whose database nobody reaches is started again, as an operator does.
Result<std::unique_ptr<engine::Engine>> StoreTarget::open_engine(
    engine::Os& os, const engine::EngineConfig& config, const std::optional<Behind>& behind) {
  const Instant patience = os.now() + kCatchUp;
  auto engine = engine::Engine::open(os, config);
  while (!engine.ok() && behind && behind->remote && behind->alone &&
         engine.error().message.starts_with("remote: ") && os.now() < patience) {
    os.park(os.now() + milliseconds(200));
    engine = engine::Engine::open(os, config);
  }
  return engine;
}

std::unique_ptr<StoreTarget> StoreTarget::over(std::unique_ptr<engine::Engine> engine,
                                               const sim::Settings& settings) {
  return std::unique_ptr<StoreTarget>(new StoreTarget(std::move(engine), settings));
}

// Nothing happens meanwhile that the history would not hear of.
void StoreTarget::catch_up(engine::Os& os) {
  const engine::Sink& sink = *engine_->sink();
  const Instant last = os.now() + kCatchUp;
  engine_->set_active_expire(false);
  while (!sink.caught_up() && engine_->aof().progress().wait(last)) {
  }
  if (sink.looked()) recovery.behind = sink.found_lsn();
  // What was restored while it started was not promised: what it comes to is.
  if (remote_ != nullptr && remote_->was_restored()) recovery.behind = recovery.last;
  if (sink.caught_up()) recovery.behind_differs = difference_behind(os);
  engine_->set_active_expire(true);
}

std::string StoreTarget::difference_behind(engine::Os& os) {
  const auto found = read_behind(os);
  if (!found.ok()) return found.error().message;
  if (found->lsn != recovery.last)
    return fmt::format("the database says that it is at operation {}, and it was brought to {}",
                       found->lsn, recovery.last);
  return difference(found->rows, rows_to_be(engine_->keyspace()));
}

// --- Clients ---

StoreTarget::Connection& StoreTarget::connection(uint64_t client) {
  return client < connections_.size() && connections_[client].stands() ? connections_[client]
                                                                       : connect(client);
}

StoreTarget::Connection& StoreTarget::connect(uint64_t client) {
  if (client >= connections_.size()) connections_.resize(client + 1);
  return connections_[client] = {engine_->connect()};
}

bool StoreTarget::closed(uint64_t client) {
  return client < connections_.size() && connections_[client].session != nullptr &&
         connections_[client].session->closing();
}

bool StoreTarget::waits(uint64_t client) {
  return client < connections_.size() && connections_[client].session != nullptr &&
         connections_[client].session->waits();
}

void StoreTarget::hang_up(uint64_t client) { connections_[client] = {}; }

void StoreTarget::apply(uint64_t client, std::string_view request) {
  engine::Session& session = *connection(client).session;
  CHECK(!session.waits());
  for (Connection::Served& served : connections_[client].served) ++served.behind;
  ++connections_[client].due;
  session.feed(request);  // yields: connections_ may be another by then
  if (waits(client) && served_otherwise_.empty()) look_at_wait(connections_[client], request);
}

void StoreTarget::look_at_wait(const Connection& connection, std::string_view request) {
  const auto words = sim::words_of(request);
  const engine::Waiting& waiting =
      engine_->executor().clients().waiters.of(connection.session->client().id());
  served_otherwise_ = served_otherwise(engine_->keyspace(), words, waiting);
}

std::optional<sim::Reply> StoreTarget::acknowledged(uint64_t client, Instant deadline) {
  Connection& before = connection(client);
  engine::Session& session = *before.session;
  session.consume(std::exchange(before.given, 0));
  if (before.due == 0) return std::nullopt;
  const std::string_view bytes = session.wait_ready(deadline);
  if (bytes.empty()) return std::nullopt;
  Connection& now = connections_[client];  // it may have moved meanwhile
  // A reply is released whole: with one due, what is ready is it.
  now.given = now.due == 1 ? bytes.size() : reply_length(bytes);
  CHECK(now.given != 0);
  --now.due;
  const bool error = bytes[0] == '-';
  sim::Reply reply{bytes.substr(0, now.given), error,
                   error && bytes.starts_with("-ERR unknown command"),
                   error && bytes.substr(0, now.given).find("MISCONF ") != bytes.npos};
  if (!now.served.empty() && now.served.front().behind == now.due) {
    reply.served_by = now.served.front().by;
    reply.in_vain = now.served.front().in_vain;
    now.served.erase(now.served.begin());
  }
  return reply;
}

size_t reply_length(std::string_view bytes) {
  const size_t line = bytes.find("\r\n");
  if (line == std::string_view::npos) return 0;
  size_t end = line + 2;
  int64_t count = 0;
  std::from_chars(bytes.data() + 1, bytes.data() + line, count);
  if (bytes[0] == '$' || bytes[0] == '=') {
    if (count < 0) return end;
    end += static_cast<size_t>(count) + 2;
    return end <= bytes.size() ? end : 0;
  }
  if (bytes[0] == '%') count *= 2;
  if (bytes[0] != '*' && bytes[0] != '%' && bytes[0] != '~') return end;
  for (int64_t i = 0; i < count; ++i) {
    const size_t element = reply_length(bytes.substr(end));
    if (element == 0) return 0;
    end += element;
  }
  return end;
}

// --- What stands beside its keys ---

std::string StoreTarget::may_not_go(bool expires) const {
  using engine::EvictionPolicy;
  const EvictionPolicy policy = engine_->config().eviction;
  const std::string_view name = engine::kEvictionPolicies[static_cast<size_t>(policy)];
  if (policy != EvictionPolicy::kNoEviction && (expires || !name.starts_with("volatile-")))
    return {};
  return fmt::format("maxmemory-policy is {}", name);
}

std::string StoreTarget::amiss() {
  std::string line = waits_in_vain();
  if (line.empty()) line = answers_otherwise();
  if (line.empty()) line = held_back(*engine_);
  return line.empty() ? served_otherwise_ : line;
}

namespace {
bool names_away(const engine::Keyspace& keyspace, const engine::Waiting& waiting) {
  const std::vector<std::string_view> words(waiting.words.begin(), waiting.words.end());
  std::vector<size_t> positions;
  engine::key_positions(*waiting.spec, words, positions);
  return std::any_of(positions.begin(), positions.end(), [&](size_t i) {
    const engine::Object* object = keyspace.peek(waiting.db, words[i]);
    return object != nullptr && object->value.away() != nullptr;
  });
}
}  // namespace

// Whoever waits for a key that is there should have been served by what put it there. Of one that expires a clock that was
// set back may say that it is there again.
std::string StoreTarget::waits_in_vain() const {
  const engine::Clients& clients = engine_->executor().clients();
  if (clients.waiters.empty() || clients.writes_paused() || engine_->executor().role().replica)
    return {};
  for (int db = 0; db < engine_->keyspace().databases(); ++db)
    for (const engine::Place& place : clients.waiters.places(db)) {
      const engine::Object* object = engine_->keyspace().peek(db, place.key);
      if (object == nullptr || object->expires() || object->value.away() != nullptr) continue;
      engine::Waiters::Turn next;
      while ((next = clients.waiters.next_at(place, object->value.type(), next.turn)).client != 0) {
        const engine::Waiting& waiting = clients.waiters.of(next.client);
        // A script that put it there did not name where it is to be moved to.
        if (waiting.moves && names_away(engine_->keyspace(), waiting)) continue;
        if (waiting.is_ready == nullptr ||
            waiting.is_ready(object->value, engine::request_for(waiting, place.key)))
          return fmt::format("a client waits for a {} of database {}, and it is there",
                             engine::type_name(object->value.type()), db);
      }
    }
  return {};
}

// What functions do is what the libraries say that are kept.
std::string StoreTarget::answers_otherwise() const {
  const engine::Libraries& all = engine_->keyspace().libraries();
  const auto* loaded = engine_->executor().scripts().loaded();
  if (loaded == nullptr) return {};
  for (const auto& [name, library] : *loaded)
    if (const auto kept = all.find(name); kept == all.end() || kept->second != library.text)
      return fmt::format("library {} answers with another text than the one that is kept", name);
  return {};
}

// --- What it promises, and what it is at ---

// While the keeper works on the log, that may be to end it: then what comes now may not be in it.
void StoreTarget::on_operation(uint64_t lsn) {
  const engine::AofLog& log = engine_->aof();
  if (log.active())
    kept_ = engine_->keeper().busy(engine::Keeper::Job::kRewrite)
                ? std::max(kept_, log.synced_lsn())
                : lsn;
  happened(lsn);
}

void StoreTarget::on_served(uint64_t client, uint64_t lsn) { note_served(client, {0, lsn}); }
void StoreTarget::on_in_vain(uint64_t client, uint64_t lsn) { note_served(client, {0, 0, lsn}); }

// Nothing was asked behind it since.
void StoreTarget::note_served(uint64_t client, const Connection::Served& served) {
  for (Connection& connection : connections_)
    if (connection.session != nullptr && connection.session->client().id() == client)
      connection.served.push_back(served);
}

std::string_view StoreTarget::policy_in_force() {
  const engine::EngineConfig& config = engine_->config();
  if (config.recovery.append_only) log_off_ = false;
  // The next start is told what this one was: whatever a client turns on, it reads no log then.
  if (!policy_->has_log() || log_off_) return {};
  if (!config.recovery.append_only) return "none";
  if (config.aof.policy == opened_sync_) return {};
  return config.aof.policy == engine::SyncPolicy::kAlways     ? "always"
         : config.aof.policy == engine::SyncPolicy::kEverysec ? "everysec"
                                                              : "no";
}

uint64_t StoreTarget::digest(int64_t wall_ms) {
  return keyspace_digest(engine_->keyspace(), wall_ms, cold_.get());
}

sim::Promise StoreTarget::promise() {
  const engine::AofLog& log = engine_->aof();
  sim::Promise promise;
  promise.given = log.active() || !log_off_;
  if (const engine::Sink* sink = engine_->sink()) {
    promise.behind = sink->committed_lsn();
    promise.acked_behind = sink->options().mode == engine::SinkMode::kThrough;
    if (sink->options().alone)
      promise.window_ms = promise.acked_behind ? 0 : sink->options().window.ms();
    if (remote_ != nullptr && remote_->restored()) {
      promise.behind = 0;
      promise.acked_behind = false;
    }
  }
  promise.snapshot = std::max(engine_->generations().saved_lsn(), saved_at_end_);
  const engine::KeeperStats& stats = engine_->keeper().stats();
  promise.saves =
      stats.saves != 0 || stats.failed_saves != 0 ||
      engine_->keeper().busy(engine::Keeper::Job::kSave) ||
      // A log that a client turned on, or tried to: a start without one reads it all the same.
      (!policy_->has_log() &&
       (engine_->generations().log_stands() || !stats.last_error.empty() ||
        engine_->recovery().log_beside || engine_->keeper().busy(engine::Keeper::Job::kRewrite)));
  if (!log.active()) {
    promise.synced = promise.written = promise.window_ms >= 0 ? promise.behind : kept_;
    return promise;
  }
  promise.synced = engine_->stopped() ? log.applied_lsn() : log.synced_lsn();
  // A sync failed and is not healed yet: what it covered is in an unknown state, even in the page
  // cache (btrfs takes the bytes back).
  promise.indeterminate = log.poisoned();
  promise.written = log.poisoned() ? promise.synced : log.written_lsn();
  return promise;
}

// With rules to save by, a clean end has saved, whatever the engine counts.
Result<void> StoreTarget::shut_down() {
  const bool saves = !engine_->config().save.empty() && !engine_->executor().scripts().busy();
  auto ended = engine_->shut_down(true);
  if (ended.ok() && saves) saved_at_end_ = engine_->aof().applied_lsn();
  return ended;
}

std::vector<sim::Span> StoreTarget::blocked() {
  std::vector<sim::Span> spans;
  for (const auto& span : engine_->aof().blocked_spans()) spans.push_back({span.begin, span.end});
  const engine::Sink* sink = engine_->sink();
  if (sink != nullptr && sink->options().alone)
    for (const auto& [begin, end] : sink->troubled()) spans.push_back({begin, end});
  return spans;
}

sim::Activity StoreTarget::activity(std::optional<sim::Op> op, bool of_base) {
  using engine::Keeper;
  using sim::Activity;
  const engine::AofLog& log = engine_->aof();
  const Keeper& keeper = engine_->keeper();
  if (log.poisoned()) return Activity::kHealing;
  if (keeper.busy(Keeper::Job::kRewrite)) {
    if (!log.active()) return Activity::kTurningOn;
    return engine_->generations().checkpoint().running() || of_base ? Activity::kWritingBase
                                                                    : Activity::kRewriting;
  }
  if (keeper.busy(Keeper::Job::kSave)) return Activity::kSaving;
  if (op == sim::Op::kWrite) return Activity::kWriting;
  if (op == sim::Op::kSync) return Activity::kSyncing;
  if (log.active() && log.buffered_bytes() != 0) return Activity::kWriting;
  if (log.active() && log.synced_lsn() < log.written_lsn()) return Activity::kSyncing;
  return Activity::kIdle;
}

sim::Deeds StoreTarget::deeds() {
  const auto& stats = engine_->keeper().stats();
  const engine::Tier* tier = engine_->tier();
  const std::string& failure = tier != nullptr && !tier->stats().last_error.empty()
                                   ? tier->stats().last_error
                                   : stats.last_error;
  // That the archive is not reached is in the way of a checkpoint with all values, though no fault of the plan.
  const bool weather = bucket_ != nullptr && sim::SimObjectStore::is_weather(failure);
  return {stats.heals > 0, stats.rewrites > 0, stats.saves > 0,
          engine_->executor().stats().refused_writes > 0, weather ? std::string() : failure};
}

std::string StoreTarget::undone(const sim::WorldState& world) {
  return undone_by(*engine_, world, policy_->has_log() && !log_off_, bucket_.get());
}

// --- For people ---

std::vector<std::string> StoreTarget::recovery_story() {
  const engine::RecoveryReport& report = engine_->recovery();
  if (report.found_nothing) return {"The store starts again, finds nothing, and begins anew."};
  std::vector<std::string> lines;
  std::string text = "The store starts again. It ";
  if (!report.base.empty())
    text += fmt::format("loads {} from {}", number(report.base_keys, "key"), report.base);
  if (!report.base.empty() && report.segments > 0) text += " and ";
  if (report.segments > 0)
    text += fmt::format("does again what the log says: {}", number(report.entries, "operation"));
  if (report.base.empty() && report.segments == 0) text += "finds nothing to load";
  lines.push_back(text + ".");
  if (report.dropped_bytes != 0)
    lines.push_back(fmt::format("The last {} of the log are dropped: {}.",
                                number(report.dropped_bytes, "byte"), report.dropped_reason));
  if (!report.unsynced_reason.empty())
    lines.push_back(
        fmt::format("A sync fails ({}), so it begins a new log.", report.unsynced_reason));
  if (report.untrusted_bytes != 0)
    lines.push_back(fmt::format("The last {} may be in memory alone, so it begins a new log.",
                                number(report.untrusted_bytes, "byte")));
  if (!report.set_aside.empty())
    lines.push_back(fmt::format("{} that nothing refers to: set aside.",
                                number(report.set_aside.size(), "file")));
  return lines;
}

std::vector<std::string> StoreTarget::contents(int64_t wall_ms, size_t most) {
  return contents_of(engine_->keyspace(), wall_ms, most);
}

}  // namespace powercut::scenarios
