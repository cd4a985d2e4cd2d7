#include "scenarios/store/replicas/watched_replica.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "scenarios/store/replicas/served.h"

namespace powercut::scenarios {

namespace {

// From a master to its replica and back, with what each of the two does meanwhile.
constexpr Duration kThereAndBack = milliseconds(2);
constexpr Site kOff("replicated.off");
constexpr Duration kTryAgain = milliseconds(500);

}  // namespace

std::string say(engine::Engine& engine, std::string_view line) {
  const auto session = engine.connect();
  session->feed(std::string(line) + "\r\n");
  return std::string(session->ready());
}

engine::EngineConfig machine_config(const sim::Settings& settings, const std::string& name,
                                    bool several) {
  engine::EngineConfig config = config_of(settings);
  if (!several) return config;
  config.accepted["replica-announce-ip"] = name;
  config.accepted["replica-announce-port"] = std::to_string(kNodePort);
  // Who asks a machine that dies before it answers waits so long: well within the minute in which all is to be caught up.
  config.accepted["repl-timeout"] = "20";
  return config;
}

WatchedReplica::WatchedReplica(World& world, std::string name,
                               std::unique_ptr<ReplicaMachine> machine,
                               const sim::Settings& settings)
    : world_(world),
      settings_(settings),
      name_(std::move(name)),
      called_(world.several ? "the replica " + name_ : "the replica"),
      machine_(std::move(machine)) {}

WatchedReplica::~WatchedReplica() = default;

// --- Its lives ---

// `again`: with the master that its configuration names.
Result<std::unique_ptr<engine::Engine>> WatchedReplica::load(bool again) {
  process_ = &machine_->begin_process();
  engine::EngineConfig config = machine_config(settings_, name_, world_.several);
  if (again) config.accepted["replicaof"] = fmt::format("{} {}", upstream_.name, kNodePort);
  auto engine = engine::Engine::make(*process_, std::move(config));
  engine->set_net(&world_.network.node(name_));
  TRY(engine->load());
  return engine;
}

Result<void> WatchedReplica::start() {
  TRY_ASSIGN(auto engine, load(false));
  store_ = StoreTarget::over(std::move(engine), settings_);
  return {};
}

void WatchedReplica::serve() {
  serve_links(*process_, world_.network.node(name_), name_, engine());
}

void WatchedReplica::watch(Upstream upstream) {
  upstream_ = std::move(upstream);
  at_ = shown_ = world_.history.first();
  confirmed_at_ = world_.os.now();
  reached_ = {{engine().applied_lsn(), at_, at_}};
  store_->observe(this);
}

void WatchedReplica::begin_anew() {
  if (down_) return;
  say(engine(), "REPLICAOF NO ONE");
  say(engine(), fmt::format("REPLICAOF {} {}", upstream_.name, kNodePort));
}

void WatchedReplica::end(sim::CrashKind kind) {
  if (down_ || !machine_->may_die()) return;
  down_ = true;
  machine_->end_process();
  world_.network.kill(name_);
  world_.os.spawn("machine", [this, kind] { start_again(kind); });
}

void WatchedReplica::start_again(sim::CrashKind kind) {
  machine_->lose(kind);
  cut_ = kind == sim::CrashKind::kPowerCut;
  const sim::Promise promised = store_->promise();
  world_.os.park(world_.os.now() + milliseconds(static_cast<int64_t>(world_.os.choose(kOff, 50))));
  world_.network.restart(name_);
  std::unique_ptr<engine::Engine> again;
  for (;;) {
    auto loaded = load(true);
    if (loaded.ok()) {
      again = std::move(loaded).value();
      break;
    }
    not_started_ = loaded.error().message;
    machine_->give_up_process();
    world_.os.park(world_.os.now() + kTryAgain);  // a call of it was made to fail
  }
  const bool loses = cut_ || promised.indeterminate || machine_->sync_failed_unseen();
  judge_comeback(again->applied_lsn(), loses ? promised.synced : promised.written);
  // What the dead one said last may come in still.
  if (engine::Engine* upstream = upstream_.engine())
    for (const engine::Client* client : upstream->executor().clients().all())
      last_link_ = std::max(last_link_, client->id());
  dead_.push_back(std::exchange(store_, StoreTarget::over(std::move(again), settings_)));
  store_->observe(this);
  serve();
  not_started_.clear();
  down_ = cut_ = false;
  anew_ = true;
  world_.on_loss();
}

// What it has is of its own log alone, and what WAIT told of it may be gone: with the master there that is no loss.
void WatchedReplica::judge_comeback(uint64_t lsn, uint64_t least) {
  const uint64_t number = number_of(lsn);
  if (lsn < least)
    accuse(fmt::format("{} alone started again with operation {}, and its log had {}", called_,
                       number, number_of(least)));
  // Two operations that undo each other leave one state twice: the number of one that was taken over whole is the least.
  if (!world_.history.held(world_.history.state_at(number), told_synced_))
    accuse(
        fmt::format("{} alone started again with operation {}, and a client was told "
                    "that {} is synced there",
                    called_, number, told_synced_));
  shown();
  std::erase_if(reached_, [&](const Reached& reached) { return reached.lsn > lsn; });
  at_ = number;
  told_ = std::min(told_, number);
}

// --- What is looked at ---

void WatchedReplica::on_operation(uint64_t lsn) {
  const uint64_t now = state_of(store_->keyspace());
  const auto found = world_.history.first_with(now, at_);
  if (!found)
    return accuse(
        fmt::format("behind an operation of its own {} holds what the master never held", called_));
  at_ = *found;
  anew_ = false;
  const auto most = world_.history.last_with(now, world_.history.last());
  reached_.push_back({lsn, at_, most.value_or(at_)});
  if (world_.several && at_ > upstream_.shown())
    accuse(fmt::format("{} holds operation {}, of which no client of {} could be told yet", called_,
                       at_, upstream_.name));
}

void WatchedReplica::look() {
  // What it started with may lack keys that have expired since: recovery is judged elsewhere.
  if (down_ || anew_) return;
  const uint64_t digest = state_of(store_->keyspace());
  if (!world_.history.held(digest, at_))
    return accuse(fmt::format("{} holds what the master never held", called_));
  look_at_floors(digest);
}

bool WatchedReplica::is_link(const engine::Client& client) const {
  return client.replica->phase == engine::ReplicaState::Phase::kOnline &&
         (!world_.several || client.replica->host == name_);
}

void WatchedReplica::look_at_floors(uint64_t digest) {
  if (!world_.history.held(digest, told_))
    return accuse(fmt::format("WAIT told a client that operation {} is on {}, which holds less",
                              told_, called_));
  engine::Engine* upstream = upstream_.engine();
  if (upstream == nullptr) return;
  for (const engine::Client* client : upstream->executor().clients().replicas) {
    if (!is_link(*client) || client->id() <= last_link_) continue;
    if (std::exchange(link_, client->id()) != client->id()) linked_at_ = world_.os.now();
    look_at_confirmed(*client->replica, digest);
    if (upstream_.is_master) look_at_owed(*client->replica, digest);
  }
}

void WatchedReplica::look_at_confirmed(const engine::ReplicaState& link, uint64_t digest) {
  const auto confirmed = world_.history.at_offset(link.confirmed);
  if (confirmed && !world_.history.held(digest, *confirmed))
    accuse(fmt::format("{} has confirmed operation {} to its master, and holds less", called_,
                       *confirmed));
}

void WatchedReplica::look_at_owed(const engine::ReplicaState& link, uint64_t digest) {
  const auto owed = world_.history.released_by(reached_until(link.confirmed_at));
  if (!owed || world_.history.held(digest, *owed)) return;
  const Instant now = world_.os.now();
  accuse(
      fmt::format("{}, which last confirmed {} ms ago, lacks operation {}, of which clients could "
                  "be told {} ms ago",
                  called_, (now - link.confirmed_at).ms(), *owed,
                  (now - world_.history.released_at(*owed)).ms()));
}

// What clients could be told of until then has reached it, when it said something that came in at `confirmed_at`. A new link
// is owed nothing before all that was missed had its way.
Instant WatchedReplica::reached_until(Instant confirmed_at) const {
  Instant heard = confirmed_at;
  for (auto silence = silences_.rbegin(); silence != silences_.rend(); ++silence)
    if (heard >= silence->begin && heard - kThereAndBack < silence->end) heard = silence->begin;
  const Instant until = heard - kThereAndBack;
  return until < linked_at_ ? Instant{-1} : until;
}

void WatchedReplica::note_silence() {
  if (silences_.empty() || silences_.back().end != kForever)
    silences_.push_back({world_.os.now(), kForever});
}

void WatchedReplica::end_silence() {
  if (!silences_.empty()) silences_.back().end = std::min(silences_.back().end, world_.os.now());
}

void WatchedReplica::forget_links() { link_ = last_link_ = 0; }

// Where no link is, it is as of the last one.
void WatchedReplica::look_at_lag() {
  engine::Engine* upstream = upstream_.engine();
  if (upstream == nullptr) return;
  for (const engine::Client* client : upstream->executor().clients().replicas)
    if (is_link(*client)) confirmed_at_ = std::max(confirmed_at_, client->replica->confirmed_at);
}

// --- Where it is ---

uint64_t WatchedReplica::number_of(uint64_t lsn) const {
  uint64_t number = world_.history.first();
  for (const Reached& reached : reached_)
    if (reached.lsn <= lsn) number = reached.number;
  return number;
}

bool WatchedReplica::holds(uint64_t number) {
  return !down_ && world_.history.held(state_of(store_->keyspace()), std::max(number, at_));
}

bool WatchedReplica::says_synced(uint64_t number) {
  const uint64_t at = number_of(store_->promise().synced);
  return world_.history.held(world_.history.state_at(at), number);
}

uint64_t WatchedReplica::shown() {
  const uint64_t released = engine().executor().log().released_lsn();
  for (const Reached& reached : reached_)
    if (reached.lsn <= released) shown_ = std::max(shown_, reached.most);
  return shown_;
}

std::optional<uint64_t> WatchedReplica::lsn_of(uint64_t number) const {
  for (const Reached& reached : reached_)
    if (world_.history.held(world_.history.state_at(reached.number), number)) return reached.lsn;
  return std::nullopt;
}

// An acknowledgement of the master's promises nothing of the replica.
sim::Promise WatchedReplica::promise() {
  sim::Promise promise = store_->promise();
  promise.given = false;
  promise.saves = false;
  promise.snapshot = 0;
  promise.synced = number_of(promise.synced);
  promise.indeterminate |= down_ && machine_->sync_failed_unseen();
  const bool loses = cut_ || promise.indeterminate;
  promise.written = loses ? promise.synced : std::max(promise.synced, number_of(promise.written));
  promise.confirmed = told_synced_;
  look_at_lag();
  promise.lag_ms = (world_.os.now() - confirmed_at_).ms();
  return promise;
}

}  // namespace powercut::scenarios
