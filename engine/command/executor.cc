#include "engine/command/executor.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "engine/base/hash.h"
#include "engine/command/announce.h"
#include "engine/command/client_text.h"
#include "engine/command/container.h"
#include "engine/command/control.h"
#include "engine/command/execute.h"
#include "engine/command/number.h"
#include "engine/command/permission.h"
#include "engine/command/request_parser.h"
#include "engine/store/fetch_ahead.h"

namespace powercut::engine {

namespace {

// Of a request that was queued.
uint32_t flags_of(const std::vector<std::string>& words) {
  const std::string_view names[] = {words[0], words.size() > 1 ? words[1] : ""};
  return resolve({names, std::min<size_t>(words.size(), 2)})->flags;
}

// What a client that listens to channels may say in RESP2, where a reply could be taken for a message.
bool says_listener(const CommandSpec& spec) {
  static constexpr std::string_view kNames[] = {"subscribe",    "unsubscribe", "psubscribe",
                                                "punsubscribe", "ssubscribe",  "sunsubscribe",
                                                "ping",         "quit",        "reset"};
  return std::find(std::begin(kNames), std::end(kNames), spec.name) != std::end(kNames);
}

// A page in a browser may send any bytes to any port, behind these words: nothing that follows is a client's.
bool begins_a_web_request(std::string_view word) {
  return equals_ignoring_case(word, "POST") || equals_ignoring_case(word, "HOST:");
}

}  // namespace

Executor::Executor(Os& os, Keyspace& keyspace, OperationLog& log, Control& control)
    : os_(os),
      keyspace_(keyspace),
      log_(log),
      control_(control),
      clients_(os),
      eviction_(keyspace, [this](Site site, uint64_t n) { return os_.choose(site, n); }),
      scripts_(keyspace, *this),
      sooner_(os) {
  clients_.end_wait = [this](Client& client, bool with_error) {
    return end_wait(client, with_error);
  };
  keyspace_.set_expiry_listener(this);
  keyspace_.add_observer(this);
}

Executor::~Executor() {
  keyspace_.remove_observer(this);
  keyspace_.set_expiry_listener(nullptr);
}

// --- One request ---

// Answers what is none, or not from somebody who has yet to say who it is.
bool Executor::is_command(Client& client, const CommandSpec* spec,
                          std::span<const std::string_view> args) {
  if (client.is_stranger() && (spec == nullptr || (spec->flags & kNoAuth) == 0)) {
    client.multi_failed |= client.in_multi;
    refuse(client, "NOAUTH Authentication required.");
    return false;
  }
  if (spec == nullptr || !arity_fits(*spec, args.size())) {
    client.multi_failed |= client.in_multi;
    if (spec == nullptr) {
      refuse(client, unknown_command_error(args));
    } else {
      ++tally_.of(spec).rejected;
      reject(client, *spec, wrong_arity_error(*spec));
    }
    return false;
  }
  if (spec->subcommand_count != 0 && args.size() > 1) {
    // DEBUG has no subcommands in Redis, so the user is asked for the whole of it.
    if (!client.user->unrestricted && spec->name == "debug" && deny(client, *spec, args))
      return false;
    client.multi_failed |= client.in_multi;
    ++tally_.of(spec).rejected;
    refuse(client, unknown_subcommand_error(args));
    return false;
  }
  return true;
}

void Executor::fetch_ahead(const Client& client, const RequestParser& parser) const {
  if (!pays_to_fetch(keyspace_, client.db)) return;
  Sought room[kFetchedAtOnce];
  const auto sought = parser.ahead(room);
  if (sought.size() > 1) powercut::engine::fetch_ahead(keyspace_, client.db, sought);
}

void Executor::run(Client& client, std::span<const std::string_view> args) {
  CHECK(!args.empty() && (effects_.empty() || scripts_.busy()));
  ++stats_.commands;
  client.skip_now = std::exchange(client.skip_next, false);
  if (client.replicates()) return hear_replica(client, args);
  const CommandSpec* spec = resolve(args);
  if (spec == nullptr && begins_a_web_request(args[0])) {
    client.closing = true;
    return;
  }
  if (!is_command(client, spec, args)) return;
  client.last_command = spec->name;
  if (!client.user->unrestricted && deny(client, *spec, args)) return;
  if (client.subscriptions != nullptr && client.protocol == 2 && !says_listener(*spec)) {
    return reject(client, *spec,
                  fmt::format("ERR Can't execute '{}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / "
                              "PING / QUIT / RESET are allowed in this context",
                              spec->name));
  }
  if (loading_ && (spec->flags & kLoading) == 0)
    return reject(client, *spec, "LOADING Redis is loading the dataset in memory");
  if (role_.replica)
    if (const char* why = why_not_of_replica(client, *spec)) return reject(client, *spec, why);
  if (const std::string why = breaks_rule(*spec, args); !why.empty())
    return reject(client, *spec, why);
  if (scripts_.busy()) return run_beside_script(client, *spec, args);
  if (must_wait(client, *spec)) {
    while (must_wait(client, *spec)) clients_.wait_for_unpause(client);
    if (!may_go_on(client, *spec, args)) return;
  }
  if (client.in_multi && (spec->flags & kImmediate) == 0) {
    queue(client, *spec, args);
    hold(client, 0);
    return;
  }
  // Whatever must wait, waits here: from now on the command runs in one step.
  if (!wait_for_all(client, *spec, args)) return;
  if (has_any(client, *spec, kWrite | kMayWrite)) {
    make_memory();
    (void)log_.has_space(bytes_of(client, *spec, args));
    const char* refusal = why_refused(client, *spec);
    if (refusal != nullptr && is_write(client, *spec)) return refuse_write(client, *spec, refusal);
  } else {
    make_memory();
  }
  // A script may have begun while this one waited.
  if (scripts_.busy()) return run_beside_script(client, *spec, args);
  keyspace_.set_now(os_.wall_now());
  keyspace_.keep_expired(clients_.writes_paused() || log_.ends() || keeps_expired(client, *spec));
  // It may have become a replica's while this one waited.
  if (role_.replica)
    if (const char* why = why_not_of_replica(client, *spec)) return reject(client, *spec, why);
  execute_timed(client, *spec, args);
}

// Of a replica all that it says is how far it has come. It is answered nothing: that would come in the middle of what it
// reads, and count as a part of it.
void Executor::hear_replica(Client& client, std::span<const std::string_view> args) {
  const bool confirms = args.size() >= 3 && equals_ignoring_case(args[0], "REPLCONF") &&
                        equals_ignoring_case(args[1], "ACK");
  const auto offset = confirms ? parse_integer(args[2]) : std::nullopt;
  const bool says_synced = args.size() >= 5 && equals_ignoring_case(args[3], "FACK");
  const auto synced = says_synced ? parse_integer(args[4]) : 0;
  if (!offset || *offset < 0 || !synced || *synced < 0) return client.end();
  control_.replica_confirms(client, static_cast<uint64_t>(*offset), static_cast<uint64_t>(*synced));
  end_confirmed_waits();
}

void Executor::refuse_write(Client& client, const CommandSpec& spec, const char* why) {
  ++stats_.refused_writes;
  ++tally_.of(&spec).rejected;
  const bool exec = spec.name == "exec";
  if (exec) client.clear_transaction();
  tally_.count_error(why);
  Reply(client.outbox.bytes(), client.protocol)
      .error(exec ? fmt::format("EXECABORT Transaction discarded because of: {}", why)
                  : std::string(why));
  hold(client, 0);
}

namespace {
// What its user's rules do not allow of a request; noted.
Denied denied(const Client& client, const CommandSpec& spec,
              std::span<const std::string_view> args) {
  const Verdict verdict = check_permission(*client.user, spec, args);
  if (verdict.what != Denied::kNothing)
    note_denial(client, reason_of(verdict.what), object_of(verdict, spec, args), client.user->name);
  return verdict.what;
}
}  // namespace

// Answers where its user's rules do not allow a request; true if they do not.
bool Executor::deny(Client& client, const CommandSpec& spec,
                    std::span<const std::string_view> args) {
  const Denied what = denied(client, spec, args);
  if (what == Denied::kNothing) return false;
  ++tally_.of(&spec).rejected;
  reject(client, spec, denial_error(what, spec));
  return true;
}

// EXEC that may not run ends the transaction; anything else that may not spoils it.
void Executor::reject(Client& client, const CommandSpec& spec, const std::string& error) {
  client.multi_failed |= client.in_multi;
  if (spec.name != "exec") return refuse(client, error);
  client.clear_transaction();
  // The code of most errors is not repeated, as in Redis; those that say something are.
  constexpr std::string_view kPlain = "ERR ";
  const std::string_view why = error;
  refuse(client, fmt::format("EXECABORT Transaction discarded because of: {}",
                             why.substr(why.starts_with(kPlain) ? kPlain.size() : 0)));
}

// While it waited, somebody may have ended it (CLIENT KILL), or changed what its user may do.
bool Executor::may_go_on(Client& client, const CommandSpec& spec,
                         std::span<const std::string_view> args) {
  return !client.closing && (client.user->unrestricted || !deny(client, spec, args));
}

bool Executor::wait_for_all(Client& client, const CommandSpec& spec,
                            std::span<const std::string_view> args) {
  const bool writes = has_any(client, spec, kWrite | kMayWrite);
  const Instant began = rows_ == nullptr ? Instant{0} : os_.now();
  bool waited = false;
  for (;;) {
    while (writes && wait_for_turn(client, spec)) waited = true;
    PlacedKeys keys;
    if (bring_back_ != nullptr) keys = away_of(client, spec, args);
    if (!keys.empty()) {
      if (!bring_back(client, spec, keys)) return false;
    } else {
      if (rows_ != nullptr) keys = unread_of(client, spec, args, began);
      if (keys.empty()) break;
      if (!read_unread(client, spec, keys, began)) return false;
    }
    waited = true;
  }
  return !waited || may_go_on(client, spec, args);
}

// True if it waited: then all is to be looked at again.
bool Executor::wait_for_turn(Client& client, const CommandSpec& spec) {
  if (!must_wait(client, spec)) return log_.make_room();
  clients_.wait_for_unpause(client);
  return true;
}

// While a client holds back the others (CLIENT PAUSE), or the store its writers.
bool Executor::must_wait(const Client& client, const CommandSpec& spec) const {
  if (!clients_.writes_paused()) return false;
  return clients_.all_paused() || (spec.flags & kTells) != 0 ||
         has_any(client, spec, kWrite | kMayWrite);
}

void Executor::execute_timed(Client& client, const CommandSpec& spec,
                             std::span<const std::string_view> args) {
  const Instant began = os_.now();
  client.begin_command();
  running_ = client.id();
  const bool failed = execute_in(client, spec, args);
  running_ = 0;
  forget_changes();  // of what changed nothing after all
  count_call(client, spec, args, began, failed);
  client.end_command();
  if (std::exchange(less_memory_, false)) make_memory();
  if (clients_.tracking.over_limit()) limit_remembered(clients_);
  send_news();
}

void Executor::count_call(const Client& client, const CommandSpec& spec,
                          std::span<const std::string_view> args, Instant began, bool failed) {
  CommandTally& tally = tally_.of(&spec);
  ++tally.calls;
  // Of one that waits, the time until it did is none, and how it ends is not known yet.
  if (!client.waits) count_time(tally, client, spec, args, began, failed);
}

void Executor::count_time(CommandTally& tally, const Client& client, const CommandSpec& spec,
                          std::span<const std::string_view> args, Instant began, bool failed) {
  const Duration took = os_.now() - began;
  tally.took_ns += took.ns;
  if (failed) ++tally.failed;
  if (latency_tracking_) tally.add_latency(took.ns);
  // Of a transaction, what it ran is kept, each for itself.
  if (spec.name == "exec") return;
  const int64_t took_us = took.ns / 1000;
  if (slow_log_.wants(took_us))
    slow_log_.add(os_.wall_now().unix_ms / 1000, took_us, redacted(spec, args), client.address,
                  client.name);
  if (latency_events_.threshold_ms() != 0)
    latency_events_.add("command", took_us / 1000, os_.wall_now().unix_ms / 1000);
}

// --- What others are told ---

void Executor::note_news(Client& client, int db, const CommandSpec& spec,
                         std::span<const std::string_view> args) {
  if (clients_.monitors != 0 && (spec.flags & kRunsScript) == 0)
    show_to_monitors(clients_, client, db, spec, args, os_.wall_now(),
                     scripts_.running() != nullptr);
  if (!effects_.empty()) settle_changes();  // what is read from now on is newer
  if (client.tracking == nullptr) return;
  // Also where the answer was an error, as in Redis: it may be another one once the key is another.
  if ((spec.flags & kReadOnly) != 0 && (spec.flags & kRunsScript) == 0 &&
      client.tracking->remembers()) {
    remember_read(client, spec, args);
    // Whoever ran a script may keep what it answered by the keys that it was given, read or not, as in Redis.
    if (const RunningScript* script = scripts_.running())
      remember_read(client, *resolve(script->words), script->words);
  }
  if (!client.in_multi && !client.in_exec && spec.name != "client|caching")
    client.tracking->caching = TrackingState::Caching::kUnsaid;
}

void Executor::remember_read(Client& client, const CommandSpec& spec,
                             std::span<const std::string_view> args) {
  positions_.clear();
  key_positions(spec, args, positions_);
  remember_keys(client, args, positions_);
}

void Executor::settle_changes() {
  for (; settled_ < changed_keys_.size(); ++settled_)
    invalidate_remembered(clients_, changed_keys_[settled_]);
}

void Executor::send_news() {
  publish_events(clients_, events_);
  if (!clients_.news.empty()) tell_news(clients_, log_.applied_lsn());
}

void Executor::refuse(Client& client, std::string_view error) {
  if (client.replicates()) return client.end();
  tally_.count_error(error);
  Reply(client.outbox.bytes()).error(error);
  hold(client, 0);
}

void Executor::hold(Client& client, uint64_t lsn) {
  if (!std::exchange(client.told, false) && (client.mute || client.skip_now)) client.outbox.drop();
  if (client.outbox.hold(lsn, log_.released_lsn())) ++stats_.held_replies;
}

bool Executor::has_any(const Client& client, const CommandSpec& spec, uint32_t flags) const {
  if ((spec.flags & flags) != 0) return true;
  if (spec.name != "exec" || client.multi_failed || client.watch_broken) return false;
  return std::any_of(client.queued.begin(), client.queued.end(),
                     [&](const auto& words) { return (flags_of(words) & flags) != 0; });
}

// Of its request, or of those that EXEC runs.
size_t Executor::bytes_of(const Client& client, const CommandSpec& spec,
                          std::span<const std::string_view> args) const {
  size_t bytes = 0;
  for (const std::string_view arg : args) bytes += arg.size() + 16;
  if (spec.name != "exec") return bytes;
  for (const auto& words : client.queued)
    for (const std::string& word : words) bytes += word.size() + 16;
  return bytes;
}

bool Executor::needs_memory(const Client& client, const CommandSpec& spec) const {
  if ((spec.flags & kDenyOom) != 0) return true;
  return spec.name == "exec" &&
         std::any_of(client.queued.begin(), client.queued.end(),
                     [](const auto& words) { return (flags_of(words) & kDenyOom) != 0; });
}

const char* Executor::why_refused(const Client& client, const CommandSpec& spec) {
  if (!log_.refusal().empty()) return log_.refusal().c_str();
  if (needs_memory(client, spec) && short_of_memory()) return kOutOfMemory;
  return nullptr;
}

size_t Executor::limited_bytes() const { return bytes_of_data() + clients_.buffered(); }

size_t Executor::bytes_of_data() const {
  return keyspace_.used_bytes() + scripts_.script_memory() + scripts_.function_memory() +
         (rows_ == nullptr ? 0 : rows_->bytes());
}

// Gives up keys until the data fits, each an operation of its own. Not many at once: the next command goes on.
void Executor::make_memory() {
  constexpr int kMost = 128;
  memory_short_ = false;
  if (max_memory_ == 0) return;
  // What clients are told of keys that go takes memory as well, and would make more of them go.
  const size_t most = max_memory_ - std::min(max_memory_, clients_.buffered());
  while (rows_ != nullptr && bytes_of_data() > most && rows_->drop_oldest()) {
  }
  if (!log_.refusal().empty() || log_.ends()) return;
  if (role_.replica && role_.keeps_all) return;
  if (clients_.writes_paused() || scripts_.busy()) return;
  keyspace_.set_now(os_.wall_now());
  keyspace_.keep_expired(false);
  evicts_ = true;
  for (int n = 0; n < kMost && bytes_of_data() > most; ++n) {
    const auto victim = eviction_.choose();
    memory_short_ = !victim;
    if (!victim) break;
    // It may have expired meanwhile: then that is what is logged.
    if (keyspace_.remove(victim->db, victim->key)) {
      ++stats_.evicted_keys;
      effects_.add(victim->db, {"DEL", victim->key});
      events_.add('e', "evicted", victim->db, victim->key);
    }
    if (!effects_.empty()) finish_operation();
  }
  evicts_ = false;
  send_news();
}

void Executor::queue(Client& client, const CommandSpec& spec,
                     std::span<const std::string_view> args) {
  CHECK(client.in_multi && !client.in_exec);
  Reply reply(client.outbox.bytes(), client.protocol);
  if ((spec.flags & kNoMulti) != 0) {
    reply.error("ERR Command not allowed inside a transaction");
    client.multi_failed = true;
    return;
  }
  if ((spec.flags & kWrite) != 0) {
    make_memory();
    if (const char* refusal = why_refused(client, spec)) {
      reply.error(refusal);
      client.multi_failed = true;
      return;
    }
  }
  client.queue(args);
  reply.simple("QUEUED");
}

bool Executor::execute_in(Client& client, const CommandSpec& spec,
                          std::span<const std::string_view> args) {
  Reply reply(client.outbox.bytes(), client.protocol);
  if (spec.name == "exec" && keyspace_.any_due()) expire_watched(client);
  const uint64_t before = log_.applied_lsn();
  uint64_t lsn = 0;
  bool failed = false;
  if (spec.name == "exec" && client.in_multi && !client.multi_failed && !client.watch_broken) {
    execute_queued(client);
    lsn = effects_.empty() ? log_.applied_lsn() : finish_operation();
    note_news(client, client.db, spec, args);
  } else {
    const uint64_t broken = spec.name == "exec" && client.watch_broken ? watched_lsn(client) : 0;
    Call call = make_call(client, args, client.db, reply, effects_);
    execute_counted(call, spec);
    if (call.waits()) {
      begin_wait(client, spec, call);
      note_news(client, client.db, spec, args);
      if (!effects_.empty()) finish_operation();  // what had expired
      return false;
    }
    failed = reply.failed();
    note_error(reply);
    if (failed && !call.error_counted) tally_.count_error(reply.text().substr(1));
    note_news(client, call.db, spec, args);
    CHECK(reply.complete() || client.closing);  // SHUTDOWN has nobody left to answer to
    client.db = call.db;
    if (!effects_.empty()) {
      lsn = finish_operation();
    } else if (log_.applied_lsn() != log_.released_lsn()) {
      lsn = read_lsn(client, spec, args);
      lsn = std::max(lsn, broken);
      CHECK(lsn <= log_.applied_lsn());
    }
  }
  if (log_.applied_lsn() != before) {
    client.written_offset = control_.replication_offset();
    client.written_lsn = log_.applied_lsn();
  }
  hold(client, lsn);
  return failed;
}

// A key that has expired since it was watched has changed.
void Executor::expire_watched(const Client& client) {
  const auto watched = client.watched();  // breaks while it is looked at
  for (const Client::Watched& one : watched) (void)keyspace_.find(one.db, one.key);
}

// What has expired is gone before databases change places: a watch follows its number, and finds no key there that
// expired before it came.
void Executor::expire_watched_everywhere() {
  for (const Client* client : clients_.all()) {
    const auto watched = client->watched();
    for (const Client::Watched& one : watched)
      for (int db = 0; db < keyspace_.databases(); ++db) (void)keyspace_.find(db, one.key);
  }
}

Call Executor::make_call(Client& client, std::span<const std::string_view> args, int db,
                         Reply& reply, Effects& effects) {
  Call call(args, keyspace_, db, reply, effects, *this);
  call.control = &control_;
  call.client = &client;
  call.events = &events_;
  call.scripts = &scripts_;
  call.writes_refused = !log_.refusal().empty();
  call.writes_only_followed = role_.takes_no_write() && !client.is_master;
  return call;
}

void Executor::execute_counted(Call& call, const CommandSpec& spec) {
  if (spec.name == "swapdb" && clients_.watching() && keyspace_.any_due())
    expire_watched_everywhere();
  if (bring_back_ != nullptr)
    if (const std::string why = reads_away(call, spec); !why.empty()) return call.fail(why);
  const bool runs_script = (spec.flags & kRunsScript) != 0;
  if (runs_script && clients_.monitors != 0)  // before what it runs
    show_to_monitors(clients_, *call.client, call.db, spec, call.args, os_.wall_now());
  execute_with_rows(call, spec);
  stats_.hits += call.hits;
  stats_.misses += call.misses;
}

void Executor::execute_queued(Client& client) {
  Reply reply(client.outbox.bytes(), client.protocol);
  reply.array(client.queued.size());
  // The transaction's state is cleared first: the commands run as if outside it.
  const auto queued = std::move(client.queued);
  client.clear_transaction();
  client.in_exec = true;
  std::vector<std::string_view> args;
  for (const auto& words : queued) {
    args.assign(words.begin(), words.end());
    const Instant began = os_.now();
    const CommandSpec& spec = *resolve(args);
    Reply one(client.outbox.bytes(), client.protocol);
    if (!client.user->unrestricted && deny_late(client, spec, args, one)) continue;
    Call call = make_call(client, args, client.db, one, effects_);
    execute_counted(call, spec);
    CHECK(one.complete());
    client.db = call.db;
    note_error(one);
    if (one.failed() && !call.error_counted) tally_.count_error(one.text().substr(1));
    count_call(client, spec, args, began, one.failed());
    note_news(client, client.db, spec, args);
    find_ready();
  }
  client.in_exec = false;
}

// The rules may have changed since it was queued.
bool Executor::deny_late(const Client& client, const CommandSpec& spec,
                         std::span<const std::string_view> args, Reply& reply) {
  const Denied what = denied(client, spec, args);
  if (what == Denied::kNothing) return false;
  reply.error(late_denial_error(what));
  tally_.count_error(reply.text().substr(1));
  return true;
}

uint64_t Executor::finish_operation() {
  CHECK(!effects_.empty());
  find_ready();
  serve_waits();
  const uint64_t before = log_.applied_lsn();
  const uint64_t lsn = log_.append(effects_);
  CHECK(lsn == before + 1 && lsn == log_.applied_lsn());
  effects_.clear();
  for (const uint16_t slot : touched_slots_) touched_lsn_[slot] = lsn;
  touched_slots_.clear();
  if (touched_everything_) everything_lsn_ = lsn;
  if (clients_.tracking.clients != 0) {
    if (touched_everything_) invalidate_all(clients_);
    settle_changes();
    invalidate_prefixes(clients_, changed_keys_);
  }
  forget_changes();
  touched_everything_ = false;
  if (listener_ != nullptr) listener_->on_operation(lsn);
  release_served(lsn);
  return lsn;
}

size_t Executor::expire_some(size_t limit) {
  if (scripts_.busy()) return 0;  // for it no time passes
  CHECK(effects_.empty());
  keyspace_.set_now(os_.wall_now());
  if (clients_.writes_paused() || role_.replica) return 0;
  keyspace_.keep_expired(false);
  const Instant began = os_.now();
  size_t removed = 0;
  while (removed < limit && keyspace_.remove_expired(1) == 1) {
    if (!effects_.empty()) finish_operation();
    ++removed;
  }
  send_news();
  const Duration took = os_.now() - began;
  stats_.expiring = stats_.expiring + took;
  if (latency_events_.threshold_ms() != 0)
    latency_events_.add("expire-cycle", took.ms(), os_.wall_now().unix_ms / 1000);
  return removed;
}

void Executor::on_expired(int db, std::string_view key) {
  ++stats_.expired_keys;
  effects_.add(db, {"DEL", key});
  events_.add('x', "expired", db, key);
  // Nobody did that: it passed the door just now, as the last.
  if (!changed_keys_.empty()) changed_keys_.back().by = 0;
}

// --- What a read rests on ---

size_t Executor::slot_of(int db_identity, std::string_view key) {
  return hash_bytes(key, static_cast<uint64_t>(db_identity) + 1) % kSlots;
}

uint64_t Executor::read_lsn(const Client& client, const CommandSpec& spec,
                            std::span<const std::string_view> args) {
  if ((spec.flags & kWholeKeyspace) != 0) return log_.applied_lsn();
  uint64_t lsn = everything_lsn_;
  positions_.clear();
  key_positions(spec, args, positions_);
  const int identity = keyspace_.database(client.db).identity();
  for (const size_t i : positions_) lsn = std::max(lsn, touched_lsn_[slot_of(identity, args[i])]);
  return lsn;
}

// That nothing was done says that one of them has changed.
uint64_t Executor::watched_lsn(const Client& client) const {
  uint64_t lsn = everything_lsn_;
  for (const Client::Watched& watched : client.watched()) {
    const int identity = keyspace_.database(watched.db).identity();
    lsn = std::max(lsn, touched_lsn_[slot_of(identity, watched.key)]);
  }
  return lsn;
}

void Executor::before_change(Database& db, std::string_view key, Object* object) {
  if (keyspace_.loading()) return;  // what is replayed is durable: no reply rests on it
  touched_slots_.push_back(static_cast<uint16_t>(slot_of(db.identity(), key)));
  if (!clients_.waiters.empty()) note_touched(db, key);
  if (object == nullptr && events_.any()) events_.add('n', "new", keyspace_.number_of(db), key);
  if (keyspace_.changes_beside()) return;
  if (clients_.tracking.clients != 0) changed_keys_.push_back({std::string(key), running_});
  if (!clients_.watching()) return;
  clients_.break_watches([&](int number, std::string_view watched) {
    return watched == key && &keyspace_.database(number) == &db;
  });
}

// What has expired is not there, so that nothing becomes of it.
bool Executor::has_live(const Database& db, std::string_view key) const {
  const auto* entry = db.table().find(key);
  return entry != nullptr && !keyspace_.expired(entry->value);
}

void Executor::before_flush(Database& db) {
  touched_everything_ = !keyspace_.loading();
  for (int number = 0; number < keyspace_.databases() && !clients_.waiters.empty(); ++number)
    if (&keyspace_.database(number) == &db)
      for (Place& place : clients_.waiters.places(number))
        touched_places_.push_back(std::move(place));
  if (!clients_.watching()) return;
  clients_.break_watches([&](int number, std::string_view watched) {
    return &keyspace_.database(number) == &db && has_live(db, watched);
  });
}

void Executor::before_swap(int a, int b) {
  touched_everything_ = !keyspace_.loading();
  for (const int db : {a, b})
    for (Place& place : clients_.waiters.places(db)) touched_places_.push_back(std::move(place));
  if (!clients_.watching()) return;
  const Database& one = keyspace_.database(a);
  const Database& other = keyspace_.database(b);
  // A watched key breaks if it exists on either side of the swap.
  clients_.break_watches([&](int number, std::string_view watched) {
    return (number == a || number == b) && (has_live(one, watched) || has_live(other, watched));
  });
}

}  // namespace powercut::engine
