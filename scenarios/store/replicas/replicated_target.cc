#include "scenarios/store/replicas/replicated_target.h"

#include <fmt/format.h>

#include <algorithm>

#include "scenarios/store/keyspace/digest.h"
#include "scenarios/store/replicas/served.h"
#include "sim/request.h"

namespace powercut::scenarios {

namespace {

constexpr Duration kLookAgain = milliseconds(500);
constexpr Duration kPatience = seconds(30);
constexpr size_t kMostAsides = 4;
// A transaction comes in several pieces, and a break may leave any of them.
constexpr size_t kPieces[] = {64, 200, 1460};
constexpr Site kPieceBytes("replicated.piece");

}  // namespace

ReplicatedTarget::ReplicatedTarget(engine::Os& os, const sim::Settings& settings, size_t replicas)
    : os_(os),
      settings_(settings),
      settings_of_others_(settings),
      network_(os, {.segment_bytes = kPieces[os.choose(kPieceBytes, std::size(kPieces))]}),
      world_{.os = os,
             .network = network_,
             .history = history_,
             .accuse = [this](std::string text) { accuse(std::move(text)); },
             .on_loss = [this] { note_loss(); },
             .several = replicas > 1},
      master_machine_(os),
      survivor_(std::make_unique<WatchedReplica>(
          world_, kSurvivor, std::make_unique<RunMachine>(os, settings.crash_machine), settings)) {
  settings_of_others_.log_off = settings_of_others_.gives_up = false;
  if (replicas > 1)
    third_ = std::make_unique<WatchedReplica>(world_, kThird, std::make_unique<OtherMachine>(os),
                                              settings_of_others_);
}

ReplicatedTarget::~ReplicatedTarget() = default;

Result<std::unique_ptr<sim::Target>> ReplicatedTarget::open(engine::Os& os,
                                                            const sim::Settings& settings,
                                                            size_t replicas) {
  std::unique_ptr<ReplicatedTarget> target(new ReplicatedTarget(os, settings, replicas));
  TRY(target->survivor_->start());
  target->recovery = target->survivor_->store().recovery;
  target->recovery.numbered = false;
  return std::unique_ptr<sim::Target>(std::move(target));
}

// --- Clients ---

void ReplicatedTarget::apply(uint64_t client, std::string_view request) {
  look();
  const std::vector<std::string_view> words = sim::words_of(request);
  if (is_network_event(words)) {
    const auto event = parse_network_event(words, replicas().size());
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
  if (reply->served_by != 0) reply->served_by = history_.number_of(reply->served_by);
  if (reply->in_vain) *reply->in_vain = history_.number_of(*reply->in_vain);
  return reply;
}

// --- What they are told of replicas ---

void ReplicatedTarget::hear_confirmation() {
  const auto told = another_.hear();
  if (!told) return;
  if (world_.several) return hear_of_several(*told);
  if (!told->synced) {
    // A link of before may be counted yet, whose side has lost it since: that is a second loss, which WAIT 1 says nothing of.
    if (told->replicas == 1 && !survivor_->anew()) survivor_->tell(told->number);
    return;
  }
  if (told->replicas == 1) survivor_->tell_synced(told->number);
  if (told->here) cut_master_aside(told->number);
}

void ReplicatedTarget::hear_of_several(const AnotherClient::Told& told) {
  const uint64_t number = told.number;
  const int64_t most = chained_ ? 1 : 2;
  if (told.replicas > most)
    return accuse(fmt::format("{} counts {} replicas, and {} follow the master",
                              told.synced ? "WAITAOF" : "WAIT", told.replicas, most));
  const bool all = told.replicas == most;
  // As above, of each of them.
  const bool lost = survivor_->anew() || (!chained_ && third_->anew());
  if (!told.synced && !lost) {
    if (all) survivor_->tell(number);
    if (all && !chained_) third_->tell(number);
    if (told.replicas > 0 && !chained_) told_of_one_ = std::max(told_of_one_, number);
    return;
  }
  if (!told.synced) return;
  if (all) survivor_->tell_synced(number);
  if (all && !chained_) {
    third_->tell_synced(number);
    cut_third_aside(number);
  }
  const bool up = !lost && !survivor_->down() && !third_->down();
  if (!all && told.replicas > 0 && up && !survivor_->says_synced(number) &&
      !third_->says_synced(number))
    accuse(fmt::format(
        "WAITAOF told a client that operation {} is synced at a replica, and neither says so",
        number));
  if (told.here) cut_master_aside(number);
}

// Its power is cut, on a copy of its disk.
void ReplicatedTarget::cut_master_aside(uint64_t number) {
  told_here_ = std::max(told_here_, number);
  if (asides_.size() >= kMostAsides) return;
  Aside& aside = asides_.emplace_back();
  aside.os = master_machine_.copy_behind_a_cut();
  aside.engine = engine_on(*aside.os, kMaster);
  os_.spawn("aside", [this, os = aside.os.get(), engine = aside.engine.get(), told = told_here_] {
    const auto loaded = engine->load();
    if (!loaded.ok())
      accuse("the master does not start behind a power cut: " + loaded.error().message);
    else if (engine->applied_lsn() < history_.lsn_of(told))
      accuse(fmt::format(
          "WAITAOF told a client that the master's log has operation {}, and a power cut left {}",
          told, history_.number_of(engine->applied_lsn())));
    os->die();
  });
}

// The same of c, which has LSNs of its own.
void ReplicatedTarget::cut_third_aside(uint64_t number) {
  if (third_->down() || asides_of_third_.size() >= kMostAsides) return;
  const auto least = third_->lsn_of(number);
  if (!least)
    return accuse(fmt::format(
        "WAITAOF told a client that operation {} is synced at the replica c, which never had it",
        number));
  Aside& aside = asides_of_third_.emplace_back();
  aside.os = static_cast<OtherMachine&>(third_->machine()).copy_behind_a_cut();
  aside.engine = engine_on(*aside.os, kThird);
  os_.spawn(
      "aside", [this, os = aside.os.get(), engine = aside.engine.get(), number, least = *least] {
        const auto loaded = engine->load();
        if (!loaded.ok())
          accuse("the replica c does not start behind a power cut: " + loaded.error().message);
        else if (engine->applied_lsn() < least)
          accuse(fmt::format(
              "WAITAOF told a client that operation {} is synced at the replica c, and a "
              "power cut left "
              "less",
              number));
        os->die();
      });
}

// --- What happens to them ---

std::vector<WatchedReplica*> ReplicatedTarget::replicas() const {
  std::vector<WatchedReplica*> all{survivor_.get()};
  if (third_ != nullptr) all.push_back(third_.get());
  return all;
}

void ReplicatedTarget::heal_in(Duration time) {
  os_.spawn("network", [this, time] {
    os_.park(os_.now() + time);
    network_.heal();
    for (WatchedReplica* replica : replicas()) replica->end_silence();
  });
}

// Every link there is.
void ReplicatedTarget::cut_links() {
  network_.cut(kSurvivor, kMaster);
  if (third_ == nullptr) return;
  network_.cut(kThird, kMaster);
  network_.cut(kThird, kSurvivor);
}

void ReplicatedTarget::break_links(Duration later) {
  if (later.ns == 0) return cut_links();
  os_.spawn("network", [this, later] {
    os_.park(os_.now() + later);
    cut_links();
  });
}

// What `from` says does not reach `to`, nor the reverse where both are parted.
void ReplicatedTarget::part(const NetworkEvent& event) {
  const std::string from(1, event.from), to(1, event.to);
  if (event.kind == NetworkEvent::Kind::kPartition) {
    network_.partition_both(to, from);
    network_.cut(to, from);
  } else {
    network_.partition(from, to);
  }
  for (WatchedReplica* replica : replicas())
    if ((replica->name() == to && replica->follows() == from) ||
        (replica->name() == from && replica->follows() == to))
      replica->note_silence();
  heal_in(event.time);
}

void ReplicatedTarget::happen(const NetworkEvent& event) {
  using Kind = NetworkEvent::Kind;
  WatchedReplica& one = event.node == 'c' ? *third_ : *survivor_;
  switch (event.kind) {
    case Kind::kBreak:
      return break_links(event.time);
    case Kind::kForget:
      say(master_->engine(), "CONFIG SET repl-backlog-size 64");
      return break_links({});
    case Kind::kHalfOpen:
      return network_.forget_way(one.name(), one.follows());
    case Kind::kPartition:
    case Kind::kSilence:
      return part(event);
    case Kind::kAnew:
      return one.begin_anew();
    case Kind::kKill:
      return one.end(sim::CrashKind::kKill);
    case Kind::kCut:
      return one.end(sim::CrashKind::kPowerCut);
    case Kind::kAsk:
      return another_.ask(master_->engine(), event.question, history_.last());
  }
}

// What WAIT told of one of two that has lost it may have been there alone.
void ReplicatedTarget::note_loss() {
  if (third_ == nullptr) return;
  told_of_one_ = std::min(told_of_one_, std::max(survivor_->number(), third_->number()));
  if (chained_) third_->forget_links();
}

// --- What is looked at ---

void ReplicatedTarget::on_operation(uint64_t lsn) {
  history_.note_operation(lsn, master_->engine());
  ledger_.note(master_->engine());
  happened(history_.last());
}

void ReplicatedTarget::note_released() {
  history_.note_released(master_->engine().executor().log().released_lsn(), os_.now());
}

void ReplicatedTarget::look() {
  hear_confirmation();
  if (another_.is_kept_waiting(master_->engine()))
    accuse("replicas have confirmed what a client asked for by WAIT, and it is not told");
  for (WatchedReplica* replica : replicas()) replica->look_at_lag();
  note_released();
  if (!broken_.empty()) return;
  for (WatchedReplica* replica : replicas()) replica->look();
  if (third_ != nullptr) look_at_one_of_two();
  look_at_streams();
}

void ReplicatedTarget::look_at_streams() {
  std::vector<StreamLedger::Machine> machines{{kMaster, &master_->engine()}};
  for (WatchedReplica* replica : replicas())
    if (!replica->down()) machines.push_back({replica->name(), &replica->engine()});
  if (std::string amiss = ledger_.look(machines); !amiss.empty()) accuse(std::move(amiss));
}

// WAIT counted one of them, and does not say which.
void ReplicatedTarget::look_at_one_of_two() {
  for (const WatchedReplica* replica : replicas())
    if (replica->down() || replica->anew()) return;
  if (!survivor_->holds(told_of_one_) && !third_->holds(told_of_one_))
    accuse(fmt::format("WAIT told a client that operation {} is on a replica, and both hold less",
                       told_of_one_));
}

void ReplicatedTarget::accuse(std::string text) {
  if (broken_.empty()) broken_ = std::move(text);
}

// --- What it promises ---

sim::Promise ReplicatedTarget::promise() {
  if (master_ != nullptr) return survivor_->promise();
  sim::Promise promise = survivor_->store().promise();
  promise.given = false;
  promise.saves = false;
  promise.snapshot = 0;
  promise.synced = promise.written = first_;
  return promise;
}

std::vector<std::string> ReplicatedTarget::recovery_story() {
  std::vector<std::string> story = survivor_->store().recovery_story();
  story.insert(story.begin(),
               third_ == nullptr
                   ? "The master is gone for good. Its replica takes its place, with its own log."
                   : "The master and the replica c are gone for good. The replica b takes the "
                     "master's place, with its own log.");
  return story;
}

Result<void> ReplicatedTarget::shut_down() {
  const Instant last = os_.now() + kPatience;
  for (WatchedReplica* replica : replicas()) {
    while (replica->down() && os_.now() < last) os_.park(os_.now() + kLookAgain);
    if (replica->down())
      return Error{Errc::kIo, "the replica does not start again: " + replica->not_started()};
  }
  for (WatchedReplica* replica : replicas()) {
    if (replica->started()) TRY(replica->store().shut_down());
  }
  if (master_ != nullptr) TRY(master_->shut_down());
  return {};
}

std::vector<sim::Span> ReplicatedTarget::blocked() {
  std::vector<sim::Span> spans;
  for (const auto& dead : survivor_->dead()) {
    const auto before = dead->blocked();
    spans.insert(spans.end(), before.begin(), before.end());
  }
  const auto now = survivor_->store().blocked();
  spans.insert(spans.end(), now.begin(), now.end());
  return spans;
}

std::string ReplicatedTarget::undone(const sim::WorldState&) {
  for (WatchedReplica* replica : replicas()) {
    if (replica->down()) return "the replica does not start again: " + replica->not_started();
    if (state_of(master_->keyspace()) == state_of(replica->store().keyspace())) continue;
    const engine::Replica& link = replica->engine().replica();
    const std::string who = third_ == nullptr ? "the replica" : "the replica " + replica->name();
    return fmt::format("{} has not caught up with its master ({})", who,
                       link.linked() ? "linked" : link.stats().last_error);
  }
  return {};
}

}  // namespace powercut::scenarios
