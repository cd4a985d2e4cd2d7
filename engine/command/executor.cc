#include "engine/command/executor.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "engine/base/hash.h"
#include "engine/command/execute.h"
#include "engine/command/number.h"

namespace powercut::engine {

namespace {

// A page in a browser may send any bytes to any port, behind these words: nothing that follows is a client's.
bool begins_a_web_request(std::string_view word) {
  return equals_ignoring_case(word, "POST") || equals_ignoring_case(word, "HOST:");
}

}  // namespace

Executor::Executor(Os& os, Keyspace& keyspace, OperationLog& log, Control& control)
    : os_(os), keyspace_(keyspace), log_(log), control_(control), clients_(os) {
  keyspace_.set_expiry_listener(this);
  keyspace_.add_observer(this);
}

Executor::~Executor() {
  keyspace_.remove_observer(this);
  keyspace_.set_expiry_listener(nullptr);
}

// --- One request ---

void Executor::run(Client& client, std::span<const std::string_view> args) {
  CHECK(!args.empty() && effects_.empty());
  ++stats_.commands;
  client.skip_now = std::exchange(client.skip_next, false);
  const CommandSpec* spec = find_command(args[0]);
  Reply reply(client.outbox.bytes(), client.protocol);
  if (spec == nullptr && begins_a_web_request(args[0])) {
    client.closing = true;
    return;
  }
  if (!client.authenticated && (spec == nullptr || (spec->flags & kNoAuth) == 0)) {
    client.multi_failed |= client.in_multi;
    return refuse(client, "NOAUTH Authentication required.");
  }
  if (spec == nullptr || !arity_fits(*spec, args.size())) {
    client.multi_failed |= client.in_multi;
    return refuse(client, spec == nullptr ? unknown_command_error(args) : wrong_arity_error(*spec));
  }
  client.last_command = spec->name;
  if (loading_ && (spec->flags & kLoading) == 0) {
    client.multi_failed |= client.in_multi;
    return refuse(client, "LOADING Redis is loading the dataset in memory");
  }
  if (client.in_multi && (spec->flags & kImmediate) == 0) {
    queue(client, *spec, args);
    hold(client, 0);
    return;
  }
  if (is_write(client, *spec)) {
    // Whatever must wait, waits here: from now on the command runs in one step.
    while (log_.make_room()) {
    }
    (void)log_.has_space(bytes_of(client, *spec, args));
    if (const char* refusal = why_refused(client, *spec)) {
      ++stats_.refused_writes;
      ++tally_.of(spec).rejected;
      tally_.count_error(refusal);
      const bool exec = spec->name == "exec";
      if (exec) client.clear_transaction();
      reply.error(exec ? fmt::format("EXECABORT Transaction discarded because of: {}", refusal)
                       : std::string(refusal));
      hold(client, 0);
      return;
    }
  }
  keyspace_.set_now(os_.wall_now());
  execute_timed(client, *spec, args);
}

void Executor::execute_timed(Client& client, const CommandSpec& spec,
                             std::span<const std::string_view> args) {
  const Instant began = os_.now();
  const uint64_t errors = tally_.total_errors();
  execute_in(client, spec, args);
  const Duration took = os_.now() - began;
  CommandTally& tally = tally_.of(&spec);
  ++tally.calls;
  tally.took_ns += took.ns;
  if (tally_.total_errors() != errors) ++tally.failed;
  const int64_t took_us = took.ns / 1000;
  if (slow_log_.wants(took_us))
    slow_log_.add(os_.wall_now().unix_ms / 1000, took_us, args, client.address, client.name);
}

void Executor::refuse(Client& client, std::string_view error) {
  tally_.count_error(error);
  Reply(client.outbox.bytes()).error(error);
  hold(client, 0);
}

void Executor::hold(Client& client, uint64_t lsn) {
  if (client.mute || client.skip_now) client.outbox.drop();
  if (client.outbox.hold(lsn, log_.released_lsn())) ++stats_.held_replies;
}

bool Executor::is_write(const Client& client, const CommandSpec& spec) const {
  if ((spec.flags & kWrite) != 0) return true;
  if (spec.name != "exec" || client.multi_failed || client.watch_broken) return false;
  return std::any_of(client.queued.begin(), client.queued.end(), [](const auto& words) {
    return (find_command(words[0])->flags & kWrite) != 0;
  });
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
         std::any_of(client.queued.begin(), client.queued.end(), [](const auto& words) {
           return (find_command(words[0])->flags & kDenyOom) != 0;
         });
}

const char* Executor::why_refused(const Client& client, const CommandSpec& spec) {
  if (!log_.refusal().empty()) return log_.refusal().c_str();
  if (max_memory_ != 0 && keyspace_.memory_bytes() > max_memory_ && needs_memory(client, spec)) {
    return "OOM command not allowed when used memory > 'maxmemory'.";
  }
  return nullptr;
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
    if (const char* refusal = why_refused(client, spec)) {
      reply.error(refusal);
      client.multi_failed = true;
      return;
    }
  }
  client.queued.emplace_back(args.begin(), args.end());
  reply.simple("QUEUED");
}

void Executor::execute_in(Client& client, const CommandSpec& spec,
                          std::span<const std::string_view> args) {
  Reply reply(client.outbox.bytes(), client.protocol);
  uint64_t lsn = 0;
  if (spec.name == "exec" && client.in_multi && !client.multi_failed && !client.watch_broken) {
    execute_queued(client);
    lsn = effects_.empty() ? log_.applied_lsn() : finish_operation();
  } else {
    Call call(args, keyspace_, client.db, reply, effects_, *this);
    call.control = &control_;
    call.client = &client;
    execute(call, spec);
    if (reply.failed()) tally_.count_error(reply.text().substr(1));
    CHECK(reply.complete() || client.closing);  // SHUTDOWN has nobody left to answer to
    client.db = call.db;
    if (!effects_.empty()) {
      lsn = finish_operation();
    } else if (log_.applied_lsn() != log_.released_lsn()) {
      lsn = read_lsn(client, spec, args);
      CHECK(lsn <= log_.applied_lsn());
    }
  }
  hold(client, lsn);
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
    Reply one(client.outbox.bytes(), client.protocol);
    Call call(args, keyspace_, client.db, one, effects_, *this);
    call.control = &control_;
    call.client = &client;
    execute(call, *find_command(args[0]));
    CHECK(one.complete());
    client.db = call.db;
  }
  client.in_exec = false;
}

uint64_t Executor::finish_operation() {
  CHECK(!effects_.empty());
  const uint64_t before = log_.applied_lsn();
  const uint64_t lsn = log_.append(effects_);
  CHECK(lsn == before + 1 && lsn == log_.applied_lsn());
  effects_.clear();
  for (const uint16_t slot : touched_slots_) touched_lsn_[slot] = lsn;
  touched_slots_.clear();
  if (touched_everything_) everything_lsn_ = lsn;
  touched_everything_ = false;
  if (listener_ != nullptr) listener_->on_operation(lsn);
  return lsn;
}

size_t Executor::expire_some(size_t limit) {
  CHECK(effects_.empty());
  keyspace_.set_now(os_.wall_now());
  size_t removed = 0;
  while (removed < limit && keyspace_.remove_expired(1) == 1) {
    if (!effects_.empty()) finish_operation();
    ++removed;
  }
  return removed;
}

void Executor::on_expired(int db, std::string_view key) {
  ++stats_.expired_keys;
  effects_.add(db, {"DEL", key});
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

void Executor::before_change(Database& db, std::string_view key, Object*) {
  if (keyspace_.loading()) return;  // what is replayed is durable: no reply rests on it
  touched_slots_.push_back(static_cast<uint16_t>(slot_of(db.identity(), key)));
  if (!clients_.watching()) return;
  clients_.break_watches([&](int identity, std::string_view watched) {
    return identity == db.identity() && watched == key;
  });
}

void Executor::before_flush(Database& db) {
  touched_everything_ = !keyspace_.loading();
  if (!clients_.watching()) return;
  clients_.break_watches([&](int identity, std::string_view watched) {
    return identity == db.identity() && db.table().contains(watched);
  });
}

void Executor::before_swap(int a, int b) {
  touched_everything_ = !keyspace_.loading();
  if (!clients_.watching()) return;
  const Database& one = keyspace_.database(a);
  const Database& other = keyspace_.database(b);
  // A watched key breaks if it exists on either side of the swap.
  clients_.break_watches([&](int identity, std::string_view watched) {
    return (identity == one.identity() || identity == other.identity()) &&
           (one.table().contains(watched) || other.table().contains(watched));
  });
  clients_.watch_across_swap(one.identity(), other.identity());
}

}  // namespace powercut::engine
