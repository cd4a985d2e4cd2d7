#include "engine/replication/master.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace powercut::engine {

namespace {

constexpr Duration kDrainStep = milliseconds(1);
constexpr Duration kTick = seconds(1);

std::string drawn_digits(Os& os, Site site) {
  std::string digits;
  while (digits.size() < kIdDigits)
    digits += fmt::format("{:08x}", os.choose(site, uint64_t{1} << 32));
  return digits;
}

}  // namespace

Master::Master(Os& os, Clients& clients, OperationLog& log, Store store)
    : os_(os), clients_(clients), log_(log), store_(std::move(store)), wake_(os) {}

// --- The stream ---

void Master::append(const Effects& effects, uint64_t lsn) {
  if (!active()) return;
  piece_.clear();
  encoder_.append(piece_, effects);
  add(piece_, lsn);
}

void Master::add(std::string_view bytes, uint64_t lsn) {
  backlog_.append(bytes);
  for (Client* client : clients_.replicas)
    if (client->replica->phase == Phase::kOnline) send(*client, bytes, lsn);
  trim();
}

// What a replica needs that loads its checkpoint is kept beyond the backlog's size, up to what may wait for it.
void Master::trim() {
  uint64_t needed = backlog_.end();
  for (Client* client : clients_.replicas) {
    const ReplicaState& replica = *client->replica;
    if (!replica.syncs()) continue;
    if (options_.most_behind != 0 && backlog_.end() - replica.begin > options_.most_behind) {
      drop(*client, "more was written while it loaded than client-output-buffer-limit replica");
    } else {
      needed = std::min(needed, replica.begin);
    }
  }
  backlog_.trim(options_.backlog_bytes, needed);
}

void Master::send(Client& client, std::string_view bytes, uint64_t lsn) {
  client.send_raw(std::string(bytes), lsn);
}

void Master::found() {
  if (!looked_after_) {
    looked_after_ = true;
    os_.spawn("replication", [this] { look_after(); });
  }
  if (active()) return;
  id_ = drawn_digits(os_, "replication.id");
  pinged_at_ = os_.now();
}

// --- Of a replica ---

void Master::begin_anew(std::string_view why) {
  for (Client* client : clients_.replicas)
    if (client->replica->phase != Phase::kNone) drop(*client, why);
}

void Master::begin_at(std::string_view id, uint64_t offset) {
  begin_anew("what it reads has been replaced by the master's");
  id_ = id;
  second_id_.clear();
  backlog_ = Backlog(offset);
  asked_at_ = 0;
}

void Master::rename(std::string_view id) {
  if (id == id_) return;
  second_id_ = std::exchange(id_, std::string(id));
  second_ = backlog_.end() + 1;
  begin_anew("the master has another identity");
}

void Master::promote(bool one_history) {
  source_ = Source::kOwn;
  if (!active()) return;
  rename(drawn_digits(os_, "replication.id"));
  if (!one_history) second_id_.clear();
  encoder_.begin_anew();
  pinged_at_ = os_.now();
}

// --- Replicas ---

Result<void> Master::begin(Client& client, std::string_view id, int64_t offset) {
  if (source_ == Source::kNone)
    return Error{Errc::kRefused, "NOMASTERLINK Can't SYNC while not connected with my master"};
  client.become_replica();
  ReplicaState& replica = *client.replica;
  replica.confirmed_at = os_.now();
  replica.by_psync = !id.empty();
  if (!replica.checkpoint_alone && resume(client, id, offset)) return {};
  if (!replica.takes_stream) {
    return Error{Errc::kUnsupported,
                 "a checkpoint is sent as it is made, and its length is not known before: say "
                 "REPLCONF capa eof first"};
  }
  found();
  replica.phase = Phase::kWaiting;
  store_.want_cut();
  return {};
}

// True if it goes on where it was.
bool Master::resume(Client& client, std::string_view id, int64_t offset) {
  if (id.empty() || id == "?") return false;
  const bool before = id == second_id_ && offset <= second_offset();
  const bool same = active() && (id == id_ || before) && offset > 0;
  if (!same || !backlog_.has(static_cast<uint64_t>(offset))) {
    ++stats_.partial_refused;
    return false;
  }
  ++stats_.partial;
  ReplicaState& replica = *client.replica;
  const uint64_t lsn = log_.applied_lsn();
  send(client, replica.takes_identity ? fmt::format("+CONTINUE {}\r\n", id_) : "+CONTINUE\r\n",
       lsn);
  replica.begin = static_cast<uint64_t>(offset) - 1;
  replica.confirmed = replica.begin;
  go_online(client);
  return true;
}

// It is sent what came behind its beginning, and from now on all.
void Master::go_online(Client& client) {
  ReplicaState& replica = *client.replica;
  replica.phase = Phase::kOnline;
  const std::string_view missed = backlog_.from(replica.begin + 1);
  if (!missed.empty()) send(client, missed, log_.applied_lsn());
}

void Master::confirm(Client& client, uint64_t offset, uint64_t synced) {
  ReplicaState& replica = *client.replica;
  if (offset > backlog_.end() && replica.phase != Phase::kWaiting)
    return drop(client, "it says that it has more than there is");
  replica.confirmed = offset;
  replica.synced = std::min(synced, offset);
  replica.confirmed_at = os_.now();
  if (replica.phase == Phase::kLoading) go_online(client);
}

void Master::ask() {
  if (!own() || !any(Phase::kOnline) || asked_at_ == backlog_.end()) return;
  piece_.clear();
  append_command(piece_, std::initializer_list<std::string_view>{"REPLCONF", "GETACK", "*"});
  add(piece_, log_.applied_lsn());
  asked_at_ = backlog_.end();
}

// It is online, and has not come again over another link.
bool Master::counts(const Client& client) const {
  if (client.replica->phase != Phase::kOnline) return false;
  const std::string host = client.replica_host();
  const int port = client.replica->port;
  if (host.empty() || port == 0) return true;  // nobody knows who it is
  return std::none_of(clients_.replicas.begin(), clients_.replicas.end(), [&](const Client* other) {
    return other->id() > client.id() && other->replicates() && other->replica->port == port &&
           other->replica_host() == host;
  });
}

uint64_t Master::confirmed(uint64_t offset) const {
  return static_cast<uint64_t>(
      std::count_if(clients_.replicas.begin(), clients_.replicas.end(), [&](const Client* client) {
        return counts(*client) && client->replica->confirmed >= offset;
      }));
}

uint64_t Master::synced(uint64_t offset) const {
  return static_cast<uint64_t>(std::count_if(
      clients_.replicas.begin(), clients_.replicas.end(),
      [&](const Client* client) { return counts(*client) && client->replica->synced >= offset; }));
}

uint64_t Master::good() const {
  const Instant now = os_.now();
  return static_cast<uint64_t>(
      std::count_if(clients_.replicas.begin(), clients_.replicas.end(), [&](const Client* client) {
        return counts(*client) &&
               now - client->replica->confirmed_at <= seconds(options_.most_lag_s);
      }));
}

bool Master::any(Phase phase) const {
  return std::any_of(clients_.replicas.begin(), clients_.replicas.end(),
                     [&](const Client* client) { return client->replica->phase == phase; });
}

void Master::drop(Client& client, std::string_view why) {
  store_.log_line(fmt::format("the replica at {} is disconnected: {}", client.address, why));
  client.replica->phase = Phase::kNone;
  client.end();
}

// --- Checkpoints for them ---

// What a checkpoint is written to: whoever takes it. Nothing is read back of it, and nothing kept.
class Master::Pipe final : public File {
 public:
  explicit Pipe(Master& master) : master_(master) {}

  Result<size_t> write_at(uint64_t offset, std::string_view data) override {
    CHECK(offset == written_);
    TRY(master_.pass_on(data));
    written_ += data.size();
    return data.size();
  }
  Result<size_t> read_at(uint64_t, char*, size_t) override { return no_file(); }
  Result<void> truncate(uint64_t) override { return no_file(); }
  Result<void> sync(Site) override { return no_file(); }
  Result<uint64_t> size() override { return written_; }

 private:
  static Error no_file() { return {Errc::kUnsupported, "what is sent is no file"}; }
  Master& master_;
  uint64_t written_ = 0;
};

bool Master::wanted() const { return any(Phase::kWaiting); }

Result<void> Master::stream(const Write& write) {
  if (!wanted()) return {};
  if (const std::string trouble = store_.trouble(); !trouble.empty())
    return Error{Errc::kIo, trouble};
  mark_ = drawn_digits(os_, "replication.mark");
  Pipe pipe(*this);
  const auto outcome = write(pipe, [this] {
    // What comes next is behind the cut; whoever reads from here has selected nothing yet.
    encoder_.begin_anew();
    cut_lsn_ = log_.applied_lsn();
    for (Client* client : clients_.replicas) {
      ReplicaState& replica = *client->replica;
      if (replica.phase != Phase::kWaiting) continue;
      ++stats_.full;
      replica.phase = Phase::kStreaming;
      replica.begin = replica.confirmed = backlog_.end();
      if (replica.by_psync)
        send(*client, fmt::format("+FULLRESYNC {} {}\r\n", id_, replica.begin), cut_lsn_);
      send(*client, fmt::format("$EOF:{}\r\n", mark_), cut_lsn_);
    }
  });
  end_stream(outcome);
  return outcome;
}

// Hands a piece of it over, and waits until those who take it have taken most.
Result<void> Master::pass_on(std::string_view bytes) {
  for (Client* client : clients_.replicas)
    if (client->replica->phase == Phase::kStreaming) send(*client, bytes, cut_lsn_);
  for (;;) {
    if (const std::string trouble = store_.trouble(); !trouble.empty())
      return Error{Errc::kIo, trouble};
    if (!any(Phase::kStreaming)) return Error{Errc::kNotFound, "the replica has gone"};
    size_t most = 0;
    for (Client* client : clients_.replicas) {
      if (client->replica->phase != Phase::kStreaming) continue;
      const size_t unsent = client->outbox.unsent();
      if (unsent <= options_.unsent_bytes) {
        client->replica->confirmed_at = os_.now();
      } else if (os_.now() - client->replica->confirmed_at > seconds(options_.timeout_s)) {
        drop(*client, "it takes nothing of its checkpoint (repl-timeout)");
        continue;
      }
      most = std::max(most, unsent);
    }
    if (most <= options_.unsent_bytes) return {};
    os_.park(os_.now() + kDrainStep);
  }
}

void Master::end_stream(const Result<void>& outcome) {
  for (Client* client : clients_.replicas) {
    ReplicaState& replica = *client->replica;
    if (replica.phase != Phase::kStreaming) continue;
    if (!outcome.ok()) {
      drop(*client, outcome.error().message);
      continue;
    }
    send(*client, mark_, cut_lsn_);
    replica.phase = replica.checkpoint_alone ? Phase::kDone : Phase::kLoading;
    replica.confirmed_at = os_.now();
  }
}

// --- Now and then ---

void Master::look_after() {
  left_at_ = os_.now();
  while (!stopped_ && active()) {
    wake_.wait(os_.now() + kTick);
    if (!stopped_) tick();
  }
  looked_after_ = false;
}

void Master::tick() {
  const Instant now = os_.now();
  if (clients_.replicas.empty()) {
    if (own() && options_.backlog_ttl_s != 0 && now - left_at_ >= seconds(options_.backlog_ttl_s)) {
      // Whoever comes back finds another history, and begins anew.
      id_.clear();
      second_id_.clear();
      backlog_ = Backlog();
      asked_at_ = 0;
    }
    return;
  }
  left_at_ = now;
  if (wanted()) store_.want_cut();
  for (Client* client : clients_.replicas) {
    const ReplicaState& replica = *client->replica;
    // It reads on: a line that says nothing.
    if (replica.phase == Phase::kWaiting) send(*client, "\n", 0);
    const Instant heard = std::max(replica.confirmed_at, client->active_at);
    const bool silent = now - heard > seconds(options_.timeout_s);
    if (silent && (replica.phase == Phase::kOnline || replica.phase == Phase::kLoading))
      drop(*client, "it has said nothing for longer than repl-timeout");
  }
  if (!own() || now - pinged_at_ < seconds(options_.ping_s)) return;
  pinged_at_ = now;
  if (!any(Phase::kOnline)) return;
  piece_.clear();
  append_command(piece_, std::initializer_list<std::string_view>{"PING"});
  add(piece_, log_.applied_lsn());
}

void Master::stop() {
  stopped_ = true;
  wake_.notify_all();
}

}  // namespace powercut::engine
