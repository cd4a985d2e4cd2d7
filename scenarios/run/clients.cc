#include "scenarios/run/clients.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "engine/base/hash.h"

namespace powercut::scenarios {

namespace {
constexpr uint64_t kUnitsExpected = 256;  // most lives have fewer
constexpr int kSomeDatabase = -1;         // nobody has kept track
// Who waits for what others do, waits no longer than that: perhaps all of them wait.
constexpr Duration kWaitsAtMost = milliseconds(100);
// Refusals of a life that the judge looks into.
constexpr uint64_t kAsksWhy = 8;
}  // namespace

struct Clients::Connection {
  struct Expected {
    uint64_t lsn;                 // of the operation it answers; 0: it changed nothing
    uint64_t shown;               // then: the last operation that it shows, or 0
    std::unique_ptr<Asked> told;  // seldom
    const std::string* request;   // which lives until then
    size_t said;                  // of steps: which
    size_t requests;              // that it answers for: several are a transaction
    bool backup;                  // the request is one of backups
  };

  uint64_t client;
  std::vector<Expected> expected = {};  // replies that are due, oldest first
  Instant looked = kNever;  // since when nobody has looked for replies: a request took its time
  size_t queued = 0;        // since the transaction under way began, as it was told
  int db = 0;
  std::string selected = {};  // the request that went there
  size_t step = 0;            // of steps: under way
};

Clients::Clients(const Surroundings& around, const Workload& workload, const Manners& manners,
                 uint64_t first, uint64_t count, Hooks hooks)
    : around_(around),
      workload_(workload),
      manners_(manners),
      first_(first),
      count_(count),
      hooks_(std::move(hooks)) {}

void Clients::start() {
  left_ = manners_.clients;
  if (steps_ == nullptr) taken_.reserve(std::min(count_, kUnitsExpected));
  for (uint64_t client = 0; client < manners_.clients; ++client) {
    around_.os.spawn("client", [this, client] {
      if (steps_ != nullptr)
        read_out(client);
      else
        converse(client);
    });
  }
}

// The workload begins again at its end.
const Unit& Clients::unit_at(uint64_t number) const {
  return workload_.units[(first_ + number) % workload_.units.size()];
}

void Clients::converse(uint64_t client) {
  Connection connection{client};
  while (issued_ < count_) {
    const uint64_t number = issued_++;
    const Unit& unit = unit_at(number);
    taken_.push_back({client, {}});
    if ((unit.needs == Unit::Needs::kLog && !manners_.log) ||
        (unit.needs == Unit::Needs::kCheckpoint && !manners_.checkpoints)) {
      taken_.back().left_out = true;
      continue;
    }
    if (manners_.think.ns > 0) {
      const auto think =
          around_.choices.choose("think.time", number, static_cast<uint64_t>(manners_.think.ns));
      taken_[number].think = nanoseconds(static_cast<int64_t>(think));
      this->think(connection, around_.os.now() + taken_[number].think);
    }
    if (!promised_ && number == manners_.turn_on_after) {
      taken_[number].turned_on = true;
      turn_on(connection, around_.type.turn_log_on());
    }
    around_.injector.on_operation(number, around_.os.now());
    send(connection, unit);
    if (connection.expected.size() >= manners_.pipeline) await(connection);
    if (manners_.admin_one_in != 0 &&
        around_.choices.choose("admin", number, manners_.admin_one_in) == 0) {
      const auto which = around_.choices.choose("admin.which", number, manners_.admin.size());
      taken_[number].administered = &manners_.admin[which];
      if (!promised_ && *taken_[number].administered == around_.type.turn_log_on())
        turn_on(connection, *taken_[number].administered);
      else
        send(connection, *taken_[number].administered);
      await(connection);
    }
  }
  end_conversation(connection);
}

// The client's own steps, in order.
void Clients::read_out(uint64_t client) {
  Connection connection{client};
  for (size_t number = 0; number < steps_->size(); ++number) {
    const Step& step = (*steps_)[number];
    if (step.client != client) continue;
    ++issued_;
    if (step.think.ns > 0) think(connection, around_.os.now() + step.think);
    around_.injector.on_operation(number, around_.os.now());
    connection.step = number;
    if (!promised_ && step.turns_log_on()) {
      turn_on(connection, step.unit.requests[0]);
      continue;
    }
    send(connection, step.unit);
    if (step.wait || connection.expected.size() >= manners_.pipeline) await(connection);
  }
  end_conversation(connection);
}

void Clients::end_conversation(Connection& connection) {
  await(connection);
  if (--left_ == 0) hooks_.on_idle();
}

std::vector<Step> Clients::steps(std::vector<uint64_t>* positions) const {
  if (steps_ != nullptr) return *steps_;
  std::vector<Step> steps;
  for (uint64_t number = 0; number < taken_.size(); ++number) {
    const Taken& taken = taken_[number];
    Step step{taken.client, taken.think, unit_at(number), false};
    if (taken.turned_on) {
      steps.push_back({taken.client, taken.think, {0, {around_.type.turn_log_on()}}, true});
      step.think = {};
    }
    if (positions != nullptr) positions->push_back(steps.size());
    if (taken.left_out) continue;
    const int db = step.unit.db;
    steps.push_back(std::move(step));
    if (taken.administered != nullptr)
      steps.push_back({taken.client, {}, {db, {*taken.administered}}, true});
  }
  return steps;
}

void Clients::select(Connection& connection, int db) {
  if (db == connection.db) return;
  connection.db = db;
  connection.selected = around_.type.select(db);
  if (!connection.selected.empty()) send(connection, connection.selected);
}

// From the reply on, everything before is promised as well: the first base holds it.
void Clients::turn_on(Connection& connection, const std::string& request) {
  await(connection);
  send(connection, request);
  await(connection);
  promised_ = around_.target.promise().given;
}

void Clients::send(Connection& connection, const Unit& unit) {
  while (around_.target.waits(connection.client)) wait_a_while(connection);
  select(connection, unit.db);
  for (size_t i = 0; i < unit.requests.size(); ++i)
    send(connection, std::span(unit.requests).first(i + 1));
  if (unit.leaves_database) connection.db = kSomeDatabase;
}

void Clients::send(Connection& connection, const std::string& request) {
  send(connection, std::span(&request, 1));
}

// The last of them: those before it were sent.
void Clients::send(Connection& connection, std::span<const std::string> requests) {
  const std::string& request = requests.back();
  while (around_.target.waits(connection.client)) wait_a_while(connection);
  const uint64_t before = around_.history.last_lsn();
  const size_t said = said_.size();
  std::unique_ptr<Asked> told;
  if (around_.type.tells(request))
    told.reset(new Asked{before, around_.history.policy_changes().size(), how_it_is()});
  else if (snapshot_)
    (void)how_it_is();  // is it finished?
  const auto backups = around_.type.backup_request(request);
  if (backups) around_.history.backups().ask(*backups);
  if (steps_ != nullptr) said_.push_back({connection.step, 0, promised_, false, false});
  ++sent_;
  tell_bystander(connection, request);
  const Instant began = around_.os.now();
  around_.target.apply(connection.client, request);
  if (around_.os.now() > began) connection.looked = std::min(connection.looked, began);
  const uint64_t lsn = around_.history.own_operation(before);
  const bool waits = around_.target.waits(connection.client);
  const uint64_t shown = lsn == 0 && connection.db >= 0 && !waits
                             ? around_.history.shown_by(requests, connection.db)
                             : 0;
  connection.expected.push_back(
      {lsn, shown, std::move(told), &request, said, requests.size(), backups.has_value()});
  if (steps_ != nullptr) said_[said].lsn = lsn;
  if (around_.history.unlogged_change() && !violation_) {
    violation_ =
        Violation{Breach::kUnlogged, "a request changed the keyspace, and the log was not told"};
  }
  if (around_.history.split_request(before) && !violation_) {
    violation_ = Violation{Breach::kNoPrefix,
                           "a request became several operations: a crash may leave a part of it"};
  }
  if (std::string untrue = around_.history.untrue(); !untrue.empty() && !violation_)
    violation_ = Violation{Breach::kUntrue, std::move(untrue)};
  note_policy();
  if (around_.target.ended()) {
    hooks_.on_ended();
    around_.os.park(kForever);  // whoever is left is not answered any more
  }
  if (around_.target.closed(connection.client)) {
    await(connection);
    connection.queued = 0;
    connection.db = 0;  // of the next one
  }
}

void Clients::tell_bystander(const Connection& connection, const std::string& request) {
  if (around_.bystander == nullptr || violation_) return;
  const std::string wrong =
      around_.bystander->hear(connection.client, request, around_.os.wall_now().unix_ms);
  if (!wrong.empty()) violation_ = Violation{Breach::kAnswer, wrong};
}

bool Clients::is_refused(std::string_view request) {
  const uint64_t client = manners_.clients;
  around_.target.apply(client, request);
  const auto reply = around_.target.acknowledged(client, kForever);
  around_.trace.mix(hash_bytes(reply->bytes));
  return reply->error;
}

// Asked by the judge itself, on a connection of its own; nothing if the answer does not come at once, or another task asks.
std::optional<std::string> Clients::ask(const std::string& request) {
  if (std::exchange(asking_, true)) return std::nullopt;
  sim::Target& target = around_.target.itself();  // no story is told of it
  const uint64_t judge = manners_.clients + 1;
  target.apply(judge, request);
  const auto reply = target.acknowledged(judge, around_.os.now());
  auto answer = reply ? std::optional(std::string(reply->bytes)) : std::nullopt;
  if (!reply) target.hang_up(judge);
  asking_ = false;
  return answer;
}

std::optional<TargetType::Told> Clients::how_it_is() {
  const std::string request = around_.type.how_it_is();
  if (request.empty()) return std::nullopt;
  // What is asked may be followed by work of the store's own (an eviction), of which the answer does not know.
  const uint64_t before = around_.history.last_lsn();
  const auto answer = ask(request);
  if (!answer) return std::nullopt;
  const TargetType::Told told = around_.type.told(*answer, before);
  if (!told.disagrees.empty() && !violation_)
    violation_ = Violation{Breach::kUntrue, told.disagrees};
  around_.history.note_kept(told.saved, told.synced);
  note_snapshot(told);
  return told;
}

// One that a client had begun is finished when the newest is another one: then it has what was there before it was begun.
void Clients::note_snapshot(const TargetType::Told& told) {
  if (!snapshot_ || !told.saved_at || *told.saved_at == snapshot_->newest) return;
  around_.history.note_kept(snapshot_->behind, 0);
  snapshot_.reset();
}

void Clients::note_told(const TargetType::Told& told, const Asked& asked) {
  const bool stands = asked.policies == around_.history.policy_changes().size();
  around_.history.note_kept(told.saved, stands ? told.synced : 0);
  note_snapshot(told);
  if (told.sealed) note_sealed(*told.sealed, asked.behind);
  if (told.seals_nothing) around_.history.backups().seal_nothing();
  if (told.begins && asked.before && asked.before->saved_at)
    snapshot_ = Snapshot{asked.behind, *asked.before->saved_at};
  note_owed(told, asked);
  if (!told.failed || !asked.before || !asked.before->snapshots) return;
  // No other was finished since.
  const auto now = how_it_is();
  if (now && now->snapshots == asked.before->snapshots && now->saves_well && !violation_)
    violation_ = Violation{Breach::kUntrue, "a snapshot failed, and the last is said to be well"};
}

void Clients::note_owed(const TargetType::Told& told, const Asked& asked) {
  if (!asked.before) return;
  if (told.owes_snapshot && asked.before->snapshots)
    owed_snapshot_ = Owed{*asked.before->snapshots, asked.policies};
  if (told.owes_rewrite && asked.before->rewrites)
    owed_rewrite_ = Owed{*asked.before->rewrites, asked.policies};
}

std::string Clients::owed() {
  if (!owed_snapshot_ && !owed_rewrite_) return {};
  const auto now = how_it_is();
  if (!now) return {};
  if (owed_snapshot_ && now->snapshots == owed_snapshot_->done && now->saves_well)
    return "a client was told that a snapshot is made, and it is neither made nor said to have "
           "failed";
  // Where another policy was put in force there may have been no log for a while; under `none` that is no change.
  if (owed_rewrite_ && owed_rewrite_->policies == around_.history.policy_changes().size() &&
      !now->has_no_log && now->rewrites == owed_rewrite_->done && now->rewrites_well)
    return "a client was told that the log is rewritten, and it is neither rewritten nor said to "
           "have failed";
  return {};
}

void Clients::note_sealed(const SealedBackup& sealed, uint64_t before) {
  if (!violation_) violation_ = judge_sealed(sealed, before, around_.history.last_lsn());
  around_.history.backups().seal(sealed);
}

void Clients::note_done(const BackupRequest& request, bool error) {
  using Kind = BackupRequest::Kind;
  if (request.kind == Kind::kStart) around_.history.backups().start(request.name);
  if (request.kind == Kind::kRemove) around_.history.backups().remove(request.name, !error);
}

// Writes that are refused for want of a disk, and an engine that says in the same step that all is well.
void Clients::ask_why() {
  if (asked_why_ == kAsksWhy || violation_) return;
  ++asked_why_;
  const std::string write = around_.type.harmless_write();
  const auto refused = write.empty() ? std::nullopt : ask(write);
  if (!refused || !refused->starts_with('-')) return;
  const auto now = how_it_is();
  if (now && now->writes_well && now->saves_well)
    violation_ = Violation{Breach::kUntrue, "writes are refused, and all is said to be well"};
}

// In the step in which a request has put another one in force.
void Clients::note_policy() {
  const std::string_view policy = around_.target.policy_in_force();
  if (policy == in_force_) return;
  in_force_ = policy;
  around_.history.put_in_force(policy.empty() ? nullptr : find_policy(policy), around_.os.now());
}

// What is released meanwhile is acknowledged then, not when the client comes back to it.
void Clients::think(Connection& connection, Instant until) {
  while (!connection.expected.empty() && take(connection, until)) {
  }
  if (around_.os.now() < until) around_.os.park(until);
}

void Clients::await(Connection& connection) {
  while (!connection.expected.empty()) {
    if (around_.target.waits(connection.client))
      wait_a_while(connection);
    else
      take(connection, kForever);
  }
}

// For the next reply to one that waits for others; then it goes, and comes again.
void Clients::wait_a_while(Connection& connection) {
  if (take(connection, around_.os.now() + kWaitsAtMost)) return;
  if (!around_.target.waits(connection.client)) return;
  around_.target.hang_up(connection.client);
  connection.expected.clear();
  connection.looked = kNever;
  connection.queued = 0;
  connection.db = 0;
}

// A transaction that is done answers for each of the requests that it took.
void Clients::check_transaction(Connection& connection, std::string_view reply, bool error) {
  if (reply.starts_with("+QUEUED")) {
    ++connection.queued;
    return;
  }
  if (error && !reply.starts_with("-EXECABORT")) return;
  const size_t queued = std::exchange(connection.queued, 0);
  if (queued == 0 || !reply.starts_with('*') || reply.starts_with("*-1")) return;
  if (reply.starts_with(fmt::format("*{}\r\n", queued)) || violation_) return;
  violation_ =
      Violation{Breach::kUntrue, fmt::format("a transaction that took {} requests answers for {}",
                                             queued, reply.substr(1, reply.find('\r') - 1))};
}

// Waits for the next reply and takes it. False: it did not come until then.
bool Clients::take(Connection& connection, Instant until) {
  const Instant asked = around_.os.now();
  const auto reply = around_.target.acknowledged(connection.client, until);
  if (around_.os.now() > asked) connection.looked = kNever;
  if (!reply) return false;
  const Instant from = std::min(connection.looked, around_.os.now());
  Connection::Expected due = std::move(connection.expected.front());
  connection.expected.erase(connection.expected.begin());
  const auto& [own, known, told, request, said, requests, backup] = due;
  const bool transaction = requests > 1;
  const uint64_t lsn = reply->served_by != 0 ? reply->served_by : own;
  // Who waited in vain was shown that there is nothing.
  const uint64_t shown =
      reply->in_vain && connection.db >= 0
          ? around_.history.shown_by({request, 1}, connection.db, *reply->in_vain)
          : known;
  if (connection.expected.empty()) connection.looked = kNever;
  if (steps_ != nullptr) {
    said_[said].answered = true;
    said_[said].error = reply->error;
    said_[said].lsn = lsn;
  }
  around_.trace.mix(hash_bytes(reply->bytes));
  const bool error = reply->error;
  check_transaction(connection, reply->bytes, error);
  if (std::string wrong =
          around_.type.wrong_answer({request - (requests - 1), requests}, reply->bytes);
      !wrong.empty() && !violation_)
    violation_ = Violation{Breach::kAnswer, std::move(wrong)};
  // Whoever was shown an operation was told that it is done. A transaction that is not done shows nothing.
  const bool nothing = reply->bytes.starts_with("+QUEUED") ||
                       (transaction && (reply->bytes == "*-1\r\n" || reply->bytes == "_\r\n"));
  if (shown != 0 && !error && !nothing && promised_)
    around_.history.ack(shown, around_.os.now(), from);
  // From here on others are asked, and the reply's bytes are gone.
  const bool refused = reply->refused;
  if (backup) note_done(*around_.type.backup_request(*request), error);
  if (told) note_told(around_.type.told(reply->bytes, told->behind), *told);
  if (refused) ask_why();
  if (lsn == 0) return true;
  // Of some requests an error does not say that nothing was done.
  if (error && !(own != 0 && around_.type.may_fail_halfway(*request)) &&
      !around_.history.operation(lsn).expiry_only && !violation_) {
    violation_ = Violation{Breach::kFailedIsThere,
                           fmt::format("operation {} was answered with an error, and done", lsn)};
  }
  if (promised_) around_.history.ack(lsn, around_.os.now(), from);
  return true;
}

}  // namespace powercut::scenarios
