// The executor of a replica: what its master says is done, and clients may read.
#include <fmt/format.h>

#include "engine/command/executor.h"
#include "engine/command/facts.h"
#include "engine/command/news.h"

namespace powercut::engine {

namespace {

bool says_of_stale(const CommandSpec& spec) {
  const CommandFacts* facts = find_facts(spec.name);
  return facts == nullptr ||
         (" " + std::string(facts->flags) + " ").find(" stale ") != std::string::npos;
}

Error cannot_be_done(std::span<const std::string_view> args, std::string_view why) {
  constexpr size_t kShown = 64;
  return {Errc::kUnsupported,
          fmt::format("its '{}' cannot be done here: {}", args[0].substr(0, kShown), why)};
}

}  // namespace

// --- What clients may do ---

const char* Executor::why_not_of_replica(const Client& client, const CommandSpec& spec) const {
  if (role_.takes_no_write() && is_write(client, spec)) return kReadOnlyReplica;
  if (role_.refuses && !says_of_stale(spec))
    return "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.";
  return nullptr;
}

// What has expired is there until the master says that it is gone; to who reads it is not. Who may write here writes over it.
bool Executor::keeps_expired(const Client& client, const CommandSpec& spec) const {
  return role_.replica && (role_.read_only || !has_any(client, spec, kWrite | kMayWrite));
}

void Executor::end_all_waits() {
  for (Client* client : std::vector<Client*>(clients_.all())) end_wait(*client, true);
}

// --- What the master says ---

void Executor::note_error(const Reply& reply) {
  if (stream_error_ != nullptr && reply.failed() && stream_error_->empty())
    *stream_error_ = reply.text();
}

Result<void> Executor::follow(Client& master, std::span<const std::string_view> args) {
  CHECK(!args.empty() && effects_.empty() && may_follow());
  ++stats_.commands;
  const CommandSpec* spec = resolve(args);
  if (spec == nullptr) return cannot_be_done(args, "this store has no such command");
  if (!arity_fits(*spec, args.size()) || (spec->subcommand_count != 0 && args.size() > 1))
    return cannot_be_done(args, "it has other arguments than this store knows");
  master.last_command = spec->name;
  keyspace_.set_now(os_.wall_now());
  keyspace_.keep_expired(false);
  if (master.in_multi && (spec->flags & kImmediate) == 0) {
    master.queue(args);
    return {};
  }
  std::string error;
  stream_error_ = &error;
  keyspace_.set_following(true);
  execute_timed(master, *spec, args);
  keyspace_.set_following(false);
  stream_error_ = nullptr;
  (void)master.outbox.ready(log_.released_lsn());
  if (!error.empty()) return cannot_be_done(args, error.substr(1, error.find('\r') - 1));
  return {};
}

void Executor::take_over(Keyspace& with, const std::function<uint64_t()>& count) {
  CHECK(effects_.empty() && may_follow());
  keyspace_.take_over(with);
  touched_slots_.clear();
  forget_changes();
  touched_everything_ = false;
  const uint64_t lsn = count();
  everything_lsn_ = lsn;
  if (clients_.tracking.clients != 0) invalidate_all(clients_);
  send_news();
  if (listener_ != nullptr) listener_->on_operation(lsn);
}

}  // namespace powercut::engine
