#include "scenarios/store/replicated_target.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/base/check.h"
#include "scenarios/store/digest.h"
#include "scenarios/store/served.h"
#include "sim/request.h"

namespace powercut::scenarios {

namespace {

// Of the two machines: who has survived, and stands on the run's disk; and the other one.
constexpr const char* kSurvivor = "b";
constexpr const char* kOther = "a";

constexpr Duration kLook = milliseconds(1);
// From a master to its replica and back, with what each of the two does meanwhile.
constexpr Duration kThereAndBack = milliseconds(2);
constexpr Site kFailsOver("replicated.fails_over");
constexpr Site kOldDies("replicated.old_dies");
constexpr Site kCutOld("replicated.old_cut");
constexpr Site kMasterDies("replicated.master_dies");
constexpr Site kCutMaster("replicated.master_cut");
constexpr Site kRests("replicated.rests");
constexpr Site kOff("replicated.off");
constexpr Duration kTryAgain = milliseconds(500);
constexpr Duration kPatience = seconds(30);
constexpr size_t kMostAsides = 4;

// Changes nothing, and is an operation all the same.
constexpr std::string_view kNothing =
    "MULTI\r\nSET powercut:nothing 0123456789\r\nDEL powercut:nothing\r\nEXEC";

// What only the old master has: as long as that in the stream, so that what its successor says next begins where it ends.
constexpr std::string_view kAlone =
    "MULTI\r\nSET powercut:alone12 0123456789\r\nSET powercut9 ab\r\nEXEC";
// A transaction comes in several pieces, and a break may leave any of them.
constexpr size_t kPieces[] = {64, 200, 1460};
constexpr Site kPieceBytes("replicated.piece");

uint64_t state_of(const engine::Keyspace& keyspace) { return keyspace_digest(keyspace, INT64_MIN); }

}  // namespace

class ReplicatedTarget::ReplicaObserver final : public sim::OperationObserver {
 public:
  explicit ReplicaObserver(ReplicatedTarget& target) : target_(target) {}
  void on_operation(uint64_t lsn) override { target_.on_replica(lsn); }

 private:
  ReplicatedTarget& target_;
};

ReplicatedTarget::ReplicatedTarget(engine::Os& os, const sim::Settings& settings)
    : os_(os),
      settings_(settings),
      network_(os, {.segment_bytes = kPieces[os.choose(kPieceBytes, std::size(kPieces))]}),
      of_replica_(std::make_unique<ReplicaObserver>(*this)) {}

ReplicatedTarget::~ReplicatedTarget() = default;

Result<std::unique_ptr<sim::Target>> ReplicatedTarget::open(engine::Os& os,
                                                            const sim::Settings& settings) {
  std::unique_ptr<ReplicatedTarget> target(new ReplicatedTarget(os, settings));
  sim::ProcessOs& process = *target->processes_.emplace_back(std::make_unique<sim::ProcessOs>(os));
  auto engine = engine::Engine::make(process, config_of(settings));
  engine->set_net(&target->network_.node(kSurvivor));
  TRY(engine->load());
  target->replica_ = StoreTarget::over(std::move(engine), settings);
  target->recovery = target->replica_->recovery;
  target->recovery.numbered = false;
  return std::unique_ptr<sim::Target>(std::move(target));
}

// --- How the master is made ---

std::string ReplicatedTarget::say(engine::Engine& engine, std::string_view line) {
  const auto session = engine.connect();
  session->feed(std::string(line) + "\r\n");
  return std::string(session->ready());
}

// Until it is linked, and has all that the other has.
void ReplicatedTarget::follow(engine::Engine& replica, engine::Engine& master,
                              std::string_view name) {
  const auto said = say(replica, fmt::format("REPLICAOF {} {}", name, kNodePort));
  CHECK(said.starts_with("+OK"));
  while (!replica.replica().linked() || replica.master().offset() != master.master().offset())
    os_.park(os_.now() + kLook);
}

// As the other machine is set up, whatever befalls the run's own.
void ReplicatedTarget::put_engine(Machine& machine, sim::Disk disk) const {
  machine.os = std::make_unique<sim::NodeOs>(os_, std::move(disk));
  sim::Settings settings = settings_;
  settings.log_off = settings.gives_up = false;
  machine.engine = engine::Engine::make(*machine.os, config_of(settings));
}

// Another life of the other machine, on what it finds there.
void ReplicatedTarget::start_machine(sim::Disk disk) {
  Machine& machine = machines_.emplace_back();
  put_engine(machine, std::move(disk));
  engine::Net& net = network_.node(kOther);
  machine.engine->set_net(&net);
  const auto loaded = machine.engine->load();
  CHECK(loaded.ok());  // nothing is wrong with its disk
  serve_links(*machine.os, net, kOther, *machine.engine);
}

void ReplicatedTarget::begin(uint64_t number) {
  first_ = number;
  serve_links(*processes_.back(), network_.node(kSurvivor), kSurvivor, survivor());
  start_machine(sim::Disk());
  follow(*machines_.back().engine, survivor(), kSurvivor);
  say(*machines_.back().engine, "REPLICAOF NO ONE");
  follow(survivor(), *machines_.back().engine, kOther);
  if (os_.choose(kFailsOver, 3) == 0) fail_over_and_back();
  if (os_.choose(kMasterDies, 3) == 0) start_master_again();
  engine::Engine& engine = *machines_.back().engine;
  if (state_of(engine.keyspace()) != state_of(survivor().keyspace()))
    accuse("a master that was replaced holds what its successor never held");
  master_ = StoreTarget::over(std::move(machines_.back().engine), settings_);
  before_ = engine.applied_lsn();
  states_ = {state_of(engine.keyspace())};
  offsets_ = {engine.master().offset()};
  released_ = {os_.now()};
  at_ = 0;
  confirmed_at_ = os_.now();
  reached_ = {{survivor().applied_lsn(), first_}};
  master_->observe(this);
  replica_->observe(of_replica_.get());
}

// The master is cut off, and writes what nobody else has; its replica is promoted, and goes further than it. Then it follows,
// in some lives from what a crash of its own has left.
void ReplicatedTarget::fail_over_and_back() {
  engine::Engine* old = machines_.back().engine.get();
  network_.partition_both(kSurvivor, kOther);
  network_.cut(kSurvivor, kOther);
  say(*old, kAlone);
  say(survivor(), "REPLICAOF NO ONE");
  for (int i = 0; i < 2; ++i) say(survivor(), kNothing);
  if (os_.choose(kOldDies, 2) == 0) {
    os_.park(os_.now() + milliseconds(5));  // its log has it, or not yet
    end_machine();
    start_machine(machines_.back().os->left(os_.choose(kCutOld, 2) == 0));
    old = machines_.back().engine.get();
  }
  network_.heal();
  follow(*old, survivor(), kSurvivor);
  say(*old, "REPLICAOF NO ONE");
  follow(survivor(), *old, kOther);
}

void ReplicatedTarget::end_machine() {
  machines_.back().os->die();
  network_.kill(kOther);
  network_.restart(kOther);
}

// The master is another one then, also where it has all that it had, and its stream begins anew: no offset of before, which is
// further than it comes for a while, counts.
void ReplicatedTarget::start_master_again() {
  constexpr int kOften = 60;
  for (int i = 0; i < kOften; ++i) say(*machines_.back().engine, kNothing);
  // What it said is synced at both, or not yet.
  os_.park(os_.now() + milliseconds(os_.choose(kRests, 2) == 0 ? 2 : 1'200));
  end_machine();
  start_machine(machines_.back().os->left(os_.choose(kCutMaster, 2) == 0));
  engine::Engine& again = *machines_.back().engine;
  follow(survivor(), again, kOther);
  if (state_of(again.keyspace()) != state_of(survivor().keyspace()))
    accuse("a replica holds what its master, which has started again, does not");
}

// --- Clients ---

void ReplicatedTarget::apply(uint64_t client, std::string_view request) {
  look();
  const std::vector<std::string_view> words = sim::words_of(request);
  if (is_network_event(words)) {
    const auto event = parse_network_event(words);
    if (event.ok()) happen(*event);
    request = "PING\r\n";  // whoever says it is answered in its turn
  }
  master_->apply(client, request);
  look();
}

std::optional<sim::Reply> ReplicatedTarget::acknowledged(uint64_t client, Instant deadline) {
  auto reply = master_->acknowledged(client, deadline);
  look();
  if (!reply) return reply;
  if (reply->served_by != 0) reply->served_by += first_ - before_;
  if (reply->in_vain) *reply->in_vain += first_ - before_;
  return reply;
}

// As a client that has made all operations there are asks for it.
void ReplicatedTarget::ask_for_confirmation(const std::string& question) {
  if (asking_) return;
  engine::Engine& engine = master_->engine();
  if (waiter_ == nullptr) waiter_ = engine.connect();
  if (engine.executor().scripts().busy() || engine.stopped()) return;
  asking_ = true;
  asked_ = last_number();
  waiter_->client().written_offset = engine.master().offset();
  waiter_->client().written_lsn = engine.applied_lsn();
  waiter_->feed(question + "\r\n");
}

// Whatever it is told, also when it has waited long enough, is so.
void ReplicatedTarget::hear_confirmation() {
  const std::string reply(waiter_->ready());
  if (reply.empty()) return;
  waiter_->consume(reply.size());
  asking_ = false;
  // A link of before may be counted yet, whose side has lost it since: that is a second loss, which WAIT 1 says nothing of.
  if (reply == ":1\r\n" && !anew_) told_ = std::max(told_, asked_);
  if (!reply.starts_with("*2\r\n:")) return;
  if (reply.ends_with(":1\r\n")) told_synced_ = std::max(told_synced_, asked_);
  if (!reply.starts_with("*2\r\n:1\r\n")) return;
  told_here_ = std::max(told_here_, before_ + asked_ - first_);
  if (asides_.size() < kMostAsides) cut_master_aside();
}

// Its power is cut, on a copy of its disk.
void ReplicatedTarget::cut_master_aside() {
  Machine& aside = asides_.emplace_back();
  put_engine(aside, machines_.back().os->left(true));
  os_.spawn("aside", [this, os = aside.os.get(), engine = aside.engine.get(), told = told_here_] {
    const auto loaded = engine->load();
    if (!loaded.ok())
      accuse("the master does not start behind a power cut: " + loaded.error().message);
    else if (engine->applied_lsn() < told)
      accuse(fmt::format(
          "WAITAOF told a client that the master's log has operation {}, and a power cut left {}",
          told - before_ + first_, engine->applied_lsn() - before_ + first_));
    os->die();
  });
}

// --- What happens to them ---

void ReplicatedTarget::heal_in(Duration time) {
  os_.spawn("network", [this, time] {
    os_.park(os_.now() + time);
    network_.heal();
    if (!silences_.empty()) silences_.back().end = std::min(silences_.back().end, os_.now());
  });
}

void ReplicatedTarget::note_silence() {
  if (silences_.empty() || silences_.back().end != kForever)
    silences_.push_back({os_.now(), kForever});
}

void ReplicatedTarget::break_links(Duration later) {
  if (later.ns == 0) return network_.cut(kSurvivor, kOther);
  os_.spawn("network", [this, later] {
    os_.park(os_.now() + later);
    network_.cut(kSurvivor, kOther);
  });
}

void ReplicatedTarget::begin_anew() {
  if (down_) return;
  say(survivor(), "REPLICAOF NO ONE");
  say(survivor(), fmt::format("REPLICAOF {} {}", kOther, kNodePort));
}

void ReplicatedTarget::happen(const NetworkEvent& event) {
  using Kind = NetworkEvent::Kind;
  switch (event.kind) {
    case Kind::kBreak:
      return break_links(event.time);
    case Kind::kForget:
      say(master_->engine(), "CONFIG SET repl-backlog-size 64");
      return break_links({});
    case Kind::kPartition:
      network_.partition_both(kSurvivor, kOther);
      network_.cut(kSurvivor, kOther);
      note_silence();
      return heal_in(event.time);
    case Kind::kSilence:
      network_.partition(kOther, kSurvivor);
      note_silence();
      return heal_in(event.time);
    case Kind::kAnew:
      return begin_anew();
    case Kind::kKill:
      return end_replica(sim::CrashKind::kKill);
    case Kind::kCut:
      return end_replica(sim::CrashKind::kPowerCut);
    case Kind::kAsk:
      return ask_for_confirmation(event.question);
  }
}

// --- The replica alone ---

void ReplicatedTarget::end_replica(sim::CrashKind kind) {
  if (down_ || !settings_.crash_machine) return;
  down_ = true;
  died_ = processes_.size() - 1;
  processes_.back()->die();
  network_.kill(kSurvivor);
  os_.spawn("machine", [this, kind] { start_replica_again(kind); });
}

// With a log of its own, and the master that its configuration names.
std::unique_ptr<engine::Engine> ReplicatedTarget::load_replica() {
  sim::ProcessOs& process = *processes_.emplace_back(std::make_unique<sim::ProcessOs>(os_));
  engine::EngineConfig config = config_of(settings_);
  config.accepted["replicaof"] = fmt::format("{} {}", kOther, kNodePort);
  auto engine = engine::Engine::make(process, std::move(config));
  engine->set_net(&network_.node(kSurvivor));
  if (const auto loaded = engine->load(); !loaded.ok()) {
    not_started_ = loaded.error().message;
    process.die();
    return nullptr;
  }
  return engine;
}

void ReplicatedTarget::start_replica_again(sim::CrashKind kind) {
  while (!processes_.back()->still()) os_.park(os_.now() + kLook);
  const sim::Promise promised = replica_->promise();
  cut_ = kind == sim::CrashKind::kPowerCut;
  settings_.crash_machine(kind);
  os_.park(os_.now() + milliseconds(static_cast<int64_t>(os_.choose(kOff, 50))));
  network_.restart(kSurvivor);
  std::unique_ptr<engine::Engine> engine;
  for (;;) {
    engine = load_replica();
    if (engine != nullptr) break;
    os_.park(os_.now() + kTryAgain);  // a call of it was made to fail
  }
  const bool loses = cut_ || promised.indeterminate || sync_failed_unseen();
  judge_comeback(engine->applied_lsn(), loses ? promised.synced : promised.written);
  // What the dead one said last may come in still.
  for (const engine::Client* client : master_->engine().executor().clients().all())
    last_link_ = std::max(last_link_, client->id());
  dead_.push_back(std::exchange(replica_, StoreTarget::over(std::move(engine), settings_)));
  replica_->observe(of_replica_.get());
  serve_links(*processes_.back(), network_.node(kSurvivor), kSurvivor, survivor());
  not_started_.clear();
  down_ = cut_ = false;
  anew_ = true;
}

// By the operating system for the one that had died, or in a start that is not over: what was written may be in no page any
// more.
bool ReplicatedTarget::sync_failed_unseen() const {
  return std::any_of(processes_.begin() + static_cast<std::ptrdiff_t>(died_), processes_.end(),
                     [](const auto& process) { return process->sync_failed(); });
}

// What it has is of its own log alone, and what WAIT told of it may be gone: with the master there that is no loss.
void ReplicatedTarget::judge_comeback(uint64_t lsn, uint64_t least) {
  const uint64_t number = number_of(lsn);
  if (lsn < least)
    accuse(fmt::format("the replica alone started again with operation {}, and its log had {}",
                       number, number_of(least)));
  // Two operations that undo each other leave one state twice: the number of one that was taken over whole is the least.
  if (!held(states_[number - first_], told_synced_))
    accuse(
        fmt::format("the replica alone started again with operation {}, and a client was told "
                    "that {} is synced there",
                    number, told_synced_));
  std::erase_if(reached_, [&](const Reached& reached) { return reached.lsn > lsn; });
  at_ = number - first_;
  told_ = std::min(told_, number);
}

// --- What is looked at ---

void ReplicatedTarget::on_operation(uint64_t lsn) {
  CHECK(lsn == before_ + states_.size());
  const engine::Engine& engine = master_->engine();
  states_.push_back(state_of(master_->keyspace()));
  offsets_.push_back(engine.master().offset());
  happened(last_number());
}

bool ReplicatedTarget::held(uint64_t digest, uint64_t from) const {
  const size_t begin = from > first_ ? from - first_ : 0;
  return begin < states_.size() && std::find(states_.begin() + static_cast<std::ptrdiff_t>(begin),
                                             states_.end(), digest) != states_.end();
}

void ReplicatedTarget::on_replica(uint64_t lsn) {
  const uint64_t now = state_of(replica_->keyspace());
  const auto found =
      std::find(states_.begin() + static_cast<std::ptrdiff_t>(at_), states_.end(), now);
  if (found == states_.end())
    return accuse("behind an operation of its own the replica holds what the master never held");
  at_ = static_cast<size_t>(found - states_.begin());
  anew_ = false;
  reached_.push_back({lsn, first_ + at_});
}

void ReplicatedTarget::look() {
  if (asking_) hear_confirmation();
  look_at_lag();
  note_released();
  // What it started with may lack keys that have expired since: recovery is judged elsewhere.
  if (!broken_.empty() || down_ || anew_) return;
  const uint64_t digest = state_of(replica_->keyspace());
  if (!held(digest, first_ + at_)) return accuse("the replica holds what the master never held");
  look_at_floors(digest);
}

void ReplicatedTarget::look_at_floors(uint64_t digest) {
  if (!held(digest, told_))
    return accuse(fmt::format(
        "WAIT told a client that operation {} is on the replica, which holds less", told_));
  for (const engine::Client* client : master_->engine().executor().clients().replicas) {
    const engine::ReplicaState& replica = *client->replica;
    if (replica.phase != engine::ReplicaState::Phase::kOnline || client->id() <= last_link_)
      continue;
    if (std::exchange(link_, client->id()) != client->id()) linked_at_ = os_.now();
    const auto above = std::upper_bound(offsets_.begin(), offsets_.end(), replica.confirmed);
    if (above == offsets_.begin()) continue;
    const auto confirmed = first_ + static_cast<uint64_t>(above - offsets_.begin()) - 1;
    if (!held(digest, confirmed))
      return accuse(fmt::format(
          "the replica has confirmed operation {} to its master, and holds less", confirmed));
    const Instant until = reached_until(replica.confirmed_at);
    const auto later = std::upper_bound(released_.begin(), released_.end(), until);
    if (later == released_.begin()) continue;
    const auto owed = first_ + static_cast<uint64_t>(later - released_.begin()) - 1;
    if (!held(digest, owed))
      return accuse(fmt::format(
          "the replica, which last confirmed {} ms ago, lacks operation {}, of which clients could "
          "be told {} ms ago",
          (os_.now() - replica.confirmed_at).ms(), owed,
          (os_.now() - released_[owed - first_]).ms()));
  }
}

void ReplicatedTarget::note_released() {
  const uint64_t lsn = master_->engine().executor().log().released_lsn();
  while (before_ + released_.size() <= lsn && released_.size() < states_.size())
    released_.push_back(os_.now());
}

// What clients could be told of until then has reached it, when it said something that came in at `confirmed_at`. A new link
// is owed nothing before all that was missed had its way.
Instant ReplicatedTarget::reached_until(Instant confirmed_at) const {
  Instant heard = confirmed_at;
  for (auto silence = silences_.rbegin(); silence != silences_.rend(); ++silence)
    if (heard >= silence->begin && heard - kThereAndBack < silence->end) heard = silence->begin;
  const Instant until = heard - kThereAndBack;
  return until < linked_at_ ? Instant{-1} : until;
}

// Where no link is, it is as of the last one.
void ReplicatedTarget::look_at_lag() {
  for (const engine::Client* client : master_->engine().executor().clients().replicas)
    if (client->replica->phase == engine::ReplicaState::Phase::kOnline)
      confirmed_at_ = std::max(confirmed_at_, client->replica->confirmed_at);
}

void ReplicatedTarget::accuse(std::string text) {
  if (broken_.empty()) broken_ = std::move(text);
}

// --- What it promises ---

uint64_t ReplicatedTarget::number_of(uint64_t replica_lsn) const {
  uint64_t number = first_;
  for (const Reached& reached : reached_)
    if (reached.lsn <= replica_lsn) number = reached.number;
  return number;
}

// An acknowledgement of the master's promises nothing of the replica.
sim::Promise ReplicatedTarget::promise() {
  sim::Promise promise = replica_->promise();
  promise.given = false;
  promise.saves = false;
  promise.snapshot = 0;
  if (master_ == nullptr) {
    promise.synced = promise.written = first_;
    return promise;
  }
  promise.synced = number_of(promise.synced);
  promise.indeterminate |= down_ && sync_failed_unseen();
  const bool loses = cut_ || promise.indeterminate;
  promise.written = loses ? promise.synced : std::max(promise.synced, number_of(promise.written));
  promise.confirmed = told_synced_;
  look_at_lag();
  promise.lag_ms = (os_.now() - confirmed_at_).ms();
  return promise;
}

std::vector<std::string> ReplicatedTarget::recovery_story() {
  std::vector<std::string> story = replica_->recovery_story();
  story.insert(story.begin(),
               "The master is gone for good. Its replica takes its place, with its own log.");
  return story;
}

Result<void> ReplicatedTarget::shut_down() {
  const Instant last = os_.now() + kPatience;
  while (down_ && os_.now() < last) os_.park(os_.now() + kTryAgain);
  if (down_) return Error{Errc::kIo, "the replica does not start again: " + not_started_};
  TRY(replica_->shut_down());
  if (master_ != nullptr) TRY(master_->shut_down());
  return {};
}

std::vector<sim::Span> ReplicatedTarget::blocked() {
  std::vector<sim::Span> spans;
  for (const auto& dead : dead_) {
    const auto before = dead->blocked();
    spans.insert(spans.end(), before.begin(), before.end());
  }
  const auto now = replica_->blocked();
  spans.insert(spans.end(), now.begin(), now.end());
  return spans;
}

std::string ReplicatedTarget::undone(const sim::WorldState&) {
  if (down_) return "the replica does not start again: " + not_started_;
  if (state_of(master_->keyspace()) == state_of(replica_->keyspace())) return {};
  const engine::Replica& replica = survivor().replica();
  return fmt::format("the replica has not caught up with its master ({})",
                     replica.linked() ? "linked" : replica.stats().last_error);
}

}  // namespace powercut::scenarios
