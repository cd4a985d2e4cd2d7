#include "engine/command/executor.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/base/hash.h"
#include "engine/command/execute.h"
#include "engine/command/session.h"

namespace powercut::engine {

Executor::Executor(Os& os, Keyspace& keyspace, OperationLog& log, Control& control)
    : os_(os), keyspace_(keyspace), log_(log), control_(control) {
  keyspace_.set_expiry_listener(this);
  keyspace_.add_observer(this);
}

Executor::~Executor() {
  keyspace_.remove_observer(this);
  keyspace_.set_expiry_listener(nullptr);
}

// --- One request ---

void Executor::run(Session& session, std::span<const std::string_view> args) {
  ++stats_.commands;
  const CommandSpec* spec = find_command(args[0]);
  Reply reply(session.out_);
  if (spec == nullptr || !arity_fits(*spec, args.size())) {
    reply.error(spec == nullptr ? unknown_command_error(args) : wrong_arity_error(*spec));
    session.multi_failed |= session.in_multi;
    session.hold(0);
    return;
  }
  session.last_command = spec->name;
  if (session.in_multi && (spec->flags & kImmediate) == 0) {
    queue(session, *spec, args);
    session.hold(0);
    return;
  }
  if (is_write(session, *spec)) {
    // Whatever must wait, waits here: from now on the command runs in one step.
    while (log_.make_room()) {
    }
    if (const char* refusal = why_refused(*spec)) {
      ++stats_.refused_writes;
      const bool exec = spec->name == "exec";
      if (exec) session.clear_transaction();
      reply.error(exec ? fmt::format("EXECABORT Transaction discarded because of: {}", refusal)
                       : std::string(refusal));
      session.hold(0);
      return;
    }
  }
  keyspace_.set_now(os_.wall_now());
  execute_in(session, *spec, args);
}

bool Executor::is_write(const Session& session, const CommandSpec& spec) const {
  if ((spec.flags & kWrite) != 0) return true;
  if (spec.name != "exec" || session.multi_failed || session.watch_broken) return false;
  return std::any_of(session.queued.begin(), session.queued.end(), [](const auto& words) {
    return (find_command(words[0])->flags & kWrite) != 0;
  });
}

const char* Executor::why_refused(const CommandSpec& spec) {
  if (!log_.refusal().empty()) return log_.refusal().c_str();
  if (max_memory_ != 0 && (spec.flags & kDenyOom) != 0 && keyspace_.memory_bytes() > max_memory_) {
    return "OOM command not allowed when used memory > 'maxmemory'.";
  }
  return nullptr;
}

void Executor::queue(Session& session, const CommandSpec& spec,
                     std::span<const std::string_view> args) {
  Reply reply(session.out_);
  if ((spec.flags & kNoMulti) != 0) {
    reply.error("ERR Command not allowed inside a transaction");
    session.multi_failed = true;
    return;
  }
  if ((spec.flags & kWrite) != 0) {
    if (const char* refusal = why_refused(spec)) {
      reply.error(refusal);
      session.multi_failed = true;
      return;
    }
  }
  session.queued.emplace_back(args.begin(), args.end());
  reply.simple("QUEUED");
}

void Executor::execute_in(Session& session, const CommandSpec& spec,
                          std::span<const std::string_view> args) {
  Reply reply(session.out_);
  uint64_t lsn = 0;
  if (spec.name == "exec" && session.in_multi && !session.multi_failed && !session.watch_broken) {
    execute_queued(session);
    lsn = effects_.empty() ? log_.applied_lsn() : finish_operation();
  } else {
    Call call(args, keyspace_, session.db, reply, effects_, *this);
    call.control = &control_;
    call.session = &session;
    execute(call, spec);
    session.db = call.db;
    if (!effects_.empty()) {
      lsn = finish_operation();
    } else if (log_.applied_lsn() != log_.released_lsn()) {
      lsn = read_lsn(session, spec, args);
    }
  }
  session.hold(lsn);
}

void Executor::execute_queued(Session& session) {
  Reply reply(session.out_);
  reply.array(session.queued.size());
  // The transaction's state is cleared first: the commands run as if outside it.
  const auto queued = std::move(session.queued);
  session.clear_transaction();
  session.in_exec = true;
  std::vector<std::string_view> args;
  for (const auto& words : queued) {
    args.assign(words.begin(), words.end());
    Reply one(session.out_);
    Call call(args, keyspace_, session.db, one, effects_, *this);
    call.control = &control_;
    call.session = &session;
    execute(call, *find_command(args[0]));
    session.db = call.db;
  }
  session.in_exec = false;
}

uint64_t Executor::finish_operation() {
  const uint64_t lsn = log_.append(effects_);
  effects_.clear();
  for (const uint16_t slot : touched_slots_) touched_lsn_[slot] = lsn;
  touched_slots_.clear();
  if (touched_everything_) everything_lsn_ = lsn;
  touched_everything_ = false;
  if (listener_ != nullptr) listener_->on_operation(lsn);
  return lsn;
}

size_t Executor::expire_some(size_t limit) {
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

uint64_t Executor::read_lsn(const Session& session, const CommandSpec& spec,
                            std::span<const std::string_view> args) {
  if ((spec.flags & kWholeKeyspace) != 0) return log_.applied_lsn();
  uint64_t lsn = everything_lsn_;
  positions_.clear();
  key_positions(spec, args, positions_);
  const int identity = keyspace_.database(session.db).identity();
  for (const size_t i : positions_) {
    if (i < args.size()) lsn = std::max(lsn, touched_lsn_[slot_of(identity, args[i])]);
  }
  return lsn;
}

void Executor::before_change(Database& db, std::string_view key, Object*) {
  if (keyspace_.loading()) return;  // what is replayed is durable: no reply rests on it
  touched_slots_.push_back(static_cast<uint16_t>(slot_of(db.identity(), key)));
  if (watching_ != 0) break_watches(db.identity(), key);
}

void Executor::before_flush(Database& db) {
  touched_everything_ = !keyspace_.loading();
  if (watching_ == 0) return;
  for (Session* session : sessions_) {
    for (const auto& [identity, key] : session->watched) {
      if (identity == db.identity() && db.table().contains(key)) session->watch_broken = true;
    }
  }
}

void Executor::before_swap(int a, int b) {
  touched_everything_ = !keyspace_.loading();
  if (watching_ == 0) return;
  // A watched key breaks if it exists on either side of the swap.
  for (Session* session : sessions_) {
    for (const auto& [identity, key] : session->watched) {
      for (const int db : {a, b}) {
        if (keyspace_.database(db).identity() != identity) continue;
        const bool there = keyspace_.database(a).table().contains(key) ||
                           keyspace_.database(b).table().contains(key);
        if (there) session->watch_broken = true;
      }
    }
  }
}

void Executor::break_watches(int db_identity, std::string_view key) {
  for (Session* session : sessions_) {
    for (const auto& [identity, watched] : session->watched) {
      if (identity == db_identity && watched == key) session->watch_broken = true;
    }
  }
}

}  // namespace powercut::engine
