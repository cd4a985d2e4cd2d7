#include "scenarios/store/starts/changing_roles.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/engine.h"
#include "scenarios/store/replicas/served.h"
#include "scenarios/store/replicas/stream_ledger.h"
#include "scenarios/store/replicas/watched_replica.h"
#include "scenarios/store/starts/copied_starts.h"
#include "scenarios/store/store_target.h"
#include "sim/node_os.h"
#include "sim/request.h"
#include "sim/sim_net.h"

namespace powercut::scenarios {

namespace {

constexpr size_t kMachines = 3;
constexpr Duration kLook = milliseconds(1);
constexpr Duration kSettles = seconds(30);
constexpr int kNumbersDb = 9;  // where each write leaves its number: nobody empties or swaps it
constexpr uint64_t kMostWrites = 160;

class ChangingRoles final : CopiedStarts {
 public:
  ChangingRoles(const sim::WorldState& world, const sim::Settings& settings, sim::Choices& choices)
      : CopiedStarts(world, settings, choices), settings_of_all_(settings) {
    settings_of_all_.log_off = settings_of_all_.gives_up = false;
  }
  TargetType::OtherStarts judge();

 private:
  struct Machine final : engine::OperationListener {
    Machine(ChangingRoles& all, std::string called) : of(all), name(std::move(called)) {}
    // A replica is where it is behind that step.
    void on_operation(uint64_t) override {
      if (engine == nullptr) return;
      std::erase_if(shown, [this](uint64_t number) { return !of.has(*this, number); });
      if (!engine->master().own()) return;
      of.ledger_.note(*engine);
      of.look();
    }
    ChangingRoles& of;
    const std::string name;
    std::vector<std::unique_ptr<sim::NodeOs>> lives;
    std::vector<std::unique_ptr<engine::Engine>> engines;  // the last is the one that lives
    engine::Engine* engine = nullptr;                      // null: it is down
    std::set<uint64_t> acknowledged;                       // as the master that it is
    std::set<uint64_t> shown;  // to who read here, and not gone with the data set since
    uint64_t first_shown = 0;  // counts what had not been shown there before
    uint64_t reign = 0;        // counts how often it was told to follow
    int tasks = 0;             // that go on, with this life of it
    std::vector<std::unique_ptr<engine::Session>> waiting;
  };

  // --- Machines ---
  void start(Machine& machine, sim::Disk disk);
  void die(Machine& machine, bool power_cut);
  bool is_master(const Machine& machine) const {
    return machine.engine != nullptr && !machine.engine->replica().follows();
  }
  Machine* upstream(const Machine& machine);
  Machine& any() { return *machines_[draw("roles.machine", kMachines)]; }
  Machine* any_master();
  uint64_t draw(Site site, uint64_t n) { return os_->choose(site, n); }
  std::string tell(Machine& machine, const std::string& line);

  // --- What happens ---
  void live();
  void step();
  void promote(Machine& machine);
  void follow(Machine& machine, Machine& master);
  void change_mind(Machine& machine);
  void hand_over(Machine& master);
  void judge_handed_over(Machine& master, Machine& next, bool forced);
  void disturb_network();
  void ask_how_many(Machine& master);
  void wait_for_key(Machine& master);
  void go_on(Machine& machine, const std::function<void(Machine& machine)>& what);
  void read_of(Machine& machine);
  void wait_for_shown(Machine& machine);
  void look_on();
  void write_to(Machine& master);
  void settle();

  // --- What is looked at ---
  std::vector<StreamLedger::Machine> living() const;
  void look();
  void look_at_reigns();
  void look_at_waits();
  void look_at_shown(const Machine& machine);
  bool has(const Machine& machine, uint64_t number) const {
    return machine.engine->keyspace().peek(kNumbersDb, std::to_string(number)) != nullptr;
  }
  void amiss(std::string text) {
    if (amiss_.empty()) amiss_ = std::move(text);
  }

  sim::Settings settings_of_all_;
  engine::Os* os_ = nullptr;
  std::unique_ptr<sim::SimNetwork> network_;
  std::array<std::unique_ptr<Machine>, kMachines> machines_;
  StreamLedger ledger_;
  uint64_t numbers_ = 0;
  uint64_t writes_ = 0;  // so many may be begun by now
  bool over_ = false;
  std::string did_;  // the last step
  std::string amiss_;
};

// --- Machines ---

void ChangingRoles::start(Machine& machine, sim::Disk disk) {
  engine::Os& os =
      *machine.lives.emplace_back(std::make_unique<sim::NodeOs>(*os_, std::move(disk)));
  engine::EngineConfig config = machine_config(settings_of_all_, machine.name, true);
  config.accepted["repl-timeout"] = "3";
  engine::Engine& engine =
      *machine.engines.emplace_back(engine::Engine::make(os, std::move(config)));
  engine::Net& net = network_->node(machine.name);
  engine.set_net(&net);
  if (const auto loaded = engine.load(); !loaded.ok())
    return amiss(fmt::format("{} does not start: {}", machine.name, loaded.error().message));
  engine.executor().set_listener(&machine);
  machine.engine = &engine;
  look_at_shown(machine);
  serve_links(os, net, machine.name, engine);
  go_on(machine, [this](Machine& of) {
    if (is_master(of) && numbers_ < writes_) write_to(of);
  });
  go_on(machine, [this](Machine& of) { read_of(of); });
  rest(*os_, kLook);  // it listens
}

void ChangingRoles::die(Machine& machine, bool power_cut) {
  if (machine.engine == nullptr) return;
  machine.engine = nullptr;
  machine.tasks = 0;
  machine.acknowledged.clear();
  ++machine.reign;
  machine.lives.back()->die();
  network_->kill(machine.name);
  rest(*os_, milliseconds(static_cast<int64_t>(1 + draw("roles.off", 50))));
  network_->restart(machine.name);
  start(machine, machine.lives.back()->left(power_cut));
}

ChangingRoles::Machine* ChangingRoles::upstream(const Machine& machine) {
  if (machine.engine == nullptr || !machine.engine->replica().follows()) return nullptr;
  for (const auto& other : machines_)
    if (other->name == machine.engine->master_link()->host) return other.get();
  return nullptr;
}

ChangingRoles::Machine* ChangingRoles::any_master() {
  std::vector<Machine*> masters;
  for (const auto& machine : machines_)
    if (is_master(*machine)) masters.push_back(machine.get());
  return masters.empty() ? nullptr : masters[draw("roles.master", masters.size())];
}

// It may die meanwhile, and then there is no answer.
std::string ChangingRoles::tell(Machine& machine, const std::string& line) {
  const engine::Engine* const asked = machine.engine;
  if (asked == nullptr) return {};
  const auto session = machine.engine->connect();
  session->feed(line + "\r\n");
  const Instant patience = os_->now() + seconds(5);
  while (session->ready().empty() && machine.engine == asked && os_->now() < patience)
    rest(*os_, kLook);
  return std::string(session->ready());
}

// --- Roles ---

void ChangingRoles::promote(Machine& machine) {
  if (machine.engine == nullptr || is_master(machine)) return;
  did_ = machine.name + " is promoted";
  if (draw("roles.apart", 2) == 0)
    if (const Machine* master = upstream(machine)) network_->cut(machine.name, master->name);
  (void)tell(machine, "REPLICAOF NO ONE");
}

void ChangingRoles::follow(Machine& machine, Machine& master) {
  if (machine.engine == nullptr || &machine == &master) return;
  for (Machine* above = &master; above != nullptr; above = upstream(*above))
    if (above == &machine) return;  // nobody follows himself
  did_ = fmt::format("{} is told to follow {}", machine.name, master.name);
  machine.acknowledged.clear();
  ++machine.reign;
  (void)tell(machine, fmt::format("REPLICAOF {} {}", master.name, kNodePort));
}

// While it is about to take over a data set, which may have to wait for its turn; or it dies then.
void ChangingRoles::change_mind(Machine& machine) {
  static constexpr int64_t kLaterUs[] = {0, 500, 1'000, 2'000, 3'000, 4'000, 6'000, 15'000};
  const auto later = [this] {
    rest(*os_, microseconds(kLaterUs[draw("roles.later", std::size(kLaterUs))]));
  };
  if (draw("roles.anew", 2) == 0) die(machine, false);  // nobody has what it lacks then
  follow(machine, any());
  later();
  if (draw("roles.busy", 2) == 0) (void)tell(machine, "BGREWRITEAOF");
  later();
  const uint64_t mind = draw("roles.mind", 4);
  if (mind == 0) return follow(machine, any());
  if (mind == 1) return promote(machine);
  did_ += ", and dies there";
  if (draw("roles.just_shown", 2) == 0) wait_for_shown(machine);
  die(machine, true);
}

void ChangingRoles::hand_over(Machine& master) {
  std::vector<Machine*> replicas;
  for (const auto& machine : machines_)
    if (upstream(*machine) == &master) replicas.push_back(machine.get());
  if (replicas.empty()) return;
  Machine& next = *replicas[draw("roles.next", replicas.size())];
  const engine::Engine *from = master.engine, *to = next.engine;
  const uint64_t reign = master.reign;
  const bool forced = draw("roles.forced", 3) == 0;  // upon one that cannot be reached
  bool give_up = draw("roles.give_up", 3) == 0;
  did_ = fmt::format("{} hands over to {}{}{}", master.name, next.name,
                     forced ? ", which it does not reach" : "", give_up ? ", and gives up" : "");
  if (forced) network_->partition_both(master.name, next.name);
  const std::string said = tell(master, fmt::format("FAILOVER TO {} {} {}", next.name, kNodePort,
                                                    forced ? "TIMEOUT 50 FORCE" : "TIMEOUT 2000"));
  if (!said.starts_with("+OK")) return;
  const Instant last = os_->now() + seconds(8);
  const auto goes_on = [&] {
    return tell(master, "INFO replication").find("state:no-failover") == std::string::npos;
  };
  do {
    rest(*os_,
         give_up ? microseconds(static_cast<int64_t>(draw("roles.given_up", 100'000))) : kLook);
    if (std::exchange(give_up, false)) (void)tell(master, "FAILOVER ABORT");
  } while (master.engine == from && os_->now() < last && goes_on());
  if (master.engine != from || next.engine != to || master.reign != reign) return;
  if (os_->now() >= last) return amiss(master.name + " hands over, and that does not end");
  judge_handed_over(master, next, forced);
}

void ChangingRoles::judge_handed_over(Machine& master, Machine& next, bool forced) {
  if (is_master(master)) {
    if (const std::string said = tell(master, "SET roles:open 1");
        master.engine != nullptr && said != "+OK\r\n")
      amiss(fmt::format("{} has not handed over, and answers a write with {}", master.name, said));
    return;
  }
  if (!is_master(next))
    return amiss(fmt::format("{} has handed over, and {} is no master", master.name, next.name));
  for (const uint64_t number : master.acknowledged)
    if (!forced && !has(next, number))
      amiss(fmt::format("{} has acknowledged a write and handed over, and {} has it not",
                        master.name, next.name));
  if (!forced) next.acknowledged.merge(master.acknowledged);
  master.acknowledged.clear();
  ++master.reign;
}

void ChangingRoles::disturb_network() {
  const Machine &one = any(), &other = any();
  if (&one == &other) return;
  switch (draw("roles.network", 4)) {
    case 0:
      did_ = fmt::format("links of {} and {} break", one.name, other.name);
      return network_->cut(one.name, other.name);
    case 1:
      did_ = fmt::format("{} is told that its links to {} are broken", one.name, other.name);
      return network_->forget_way(one.name, other.name);
    case 2:
      did_ = fmt::format("nothing that {} says reaches {}", one.name, other.name);
      return network_->partition(one.name, other.name);
    default:
      did_ = fmt::format("{} and {} are parted", one.name, other.name);
      network_->partition_both(one.name, other.name);
      return network_->cut(one.name, other.name);
  }
}

// --- Clients ---

// Writes, or is given what another writes, and asks how many have it at once or some time later.
void ChangingRoles::ask_how_many(Machine& master) {
  engine::Engine* const asked = master.engine;
  const uint64_t number = ++numbers_;
  const auto session = master.engine->connect(), other = master.engine->connect();
  const std::string wait =
      fmt::format("WAIT {} {}\r\n", 1 + draw("roles.wanted", 2), 1 + draw("roles.wait", 400));
  const std::string chosen = fmt::format("SELECT {}\r\n", kNumbersDb);
  if (draw("roles.served", 2) == 0) {
    session->feed(fmt::format("{}SET {} 1\r\n{}", chosen, number, wait));
  } else {
    // The list becomes its number, as it is given to it.
    session->feed(
        fmt::format("{}BLMOVE roles:given:{} {} LEFT LEFT 0\r\n", chosen, number, number));
    other->feed(fmt::format("{}RPUSH roles:given:{} 1\r\n", chosen, number));
    if (session->waits() || master.engine != asked) return;
    session->feed(wait);
  }
  const Instant patience = os_->now() + seconds(2);
  std::string said;
  while (master.engine == asked && os_->now() < patience && said.find("\r\n:") == said.npos) {
    said = session->ready();
    rest(*os_, microseconds(200));
  }
  const size_t at = said.find("\r\n:");
  if (at == said.npos || !said.starts_with("+OK\r\n") || said.find("\r\n-") != said.npos ||
      master.engine != asked)
    return;
  const uint64_t told = std::stoull(said.substr(at + 3));
  uint64_t have = 0;
  for (const auto& machine : machines_)
    if (machine->engine != nullptr && machine.get() != &master && has(*machine, number)) ++have;
  if (told > have)
    amiss(
        fmt::format("WAIT told a client of {} that {} replicas have what it wrote, and {} have it",
                    master.name, told, have));
}

void ChangingRoles::wait_for_key(Machine& master) {
  auto session = master.engine->connect();
  session->feed("BLPOP roles:list 0\r\n");
  master.waiting.push_back(std::move(session));
}

// In a transaction or not, in several databases: each leaves a number of its own.
void ChangingRoles::write_to(Machine& master) {
  constexpr std::string_view kWrites[] = {
      "INCR roles:n",      "RPUSH roles:list a", "APPEND roles:s b", "LPOP roles:list",
      "SADD roles:set {}", "SWAPDB 3 4",         "SET roles:x {}"};
  engine::Engine* const asked = master.engine;
  const uint64_t number = ++numbers_, reign = master.reign;
  const std::string write =
      fmt::format(fmt::runtime(kWrites[draw("roles.write", std::size(kWrites))]), number);
  const std::string own = fmt::format("SELECT {}\r\nSET {} 1\r\n", kNumbersDb, number);
  const std::string other = fmt::format("SELECT {}\r\n{}\r\n", draw("roles.db", 4), write);
  const std::string words = draw("roles.first", 2) == 0 ? own + other : other + own;
  const bool whole = draw("roles.whole", 2) == 0;
  const size_t replies = whole ? 6 : 4;
  const auto session = asked->connect();
  session->feed(whole ? "MULTI\r\n" + words + "EXEC\r\n" : words);
  const Instant patience = os_->now() + seconds(3);
  bool done = false;
  for (std::string said; master.engine == asked && !over_ && os_->now() < patience;) {
    const std::string_view ready = session->ready();
    said += ready;
    session->consume(ready.size());
    size_t count = 0, failed = 0, at = 0;
    for (size_t length; (length = reply_length(std::string_view(said).substr(at))) != 0;
         at += length, ++count)
      failed += said[at] == '-' ? 1 : 0;
    done = count == replies && failed == 0;
    if (count == replies) break;
    rest(*os_, microseconds(200));
  }
  if (done && master.engine == asked && master.reign == reign && is_master(master))
    master.acknowledged.insert(number);
}

// One task for each life: who is in the middle of a command when the machine dies never comes back from it.
void ChangingRoles::go_on(Machine& machine, const std::function<void(Machine& machine)>& what) {
  ++machine.tasks;
  os_->spawn("roles.client", [this, &machine, what, of = machine.engine] {
    while (!over_ && machine.engine == of) {
      what(machine);
      rest(*os_, microseconds(static_cast<int64_t>(100 + draw("roles.pause", 3'000))));
    }
    if (machine.engine == of) --machine.tasks;
  });
}

// Of the last that was written somewhere: is it here?
void ChangingRoles::read_of(Machine& machine) {
  const engine::Engine* const asked = machine.engine;
  if (numbers_ == 0) return;
  const uint64_t number = numbers_ - draw("roles.read", std::min<uint64_t>(numbers_, 8));
  const auto session = machine.engine->connect();
  (void)reply_to(*session, fmt::format("SELECT {}\r\n", kNumbersDb));
  if (machine.engine != asked) return;
  const bool whole = draw("roles.read_whole", 2) == 0;
  const std::string said =
      reply_to(*session,
               fmt::format(fmt::runtime(whole ? "MULTI\r\nEXISTS {}\r\nEXEC\r\n" : "EXISTS {}\r\n"),
                           number));
  if (machine.engine != asked || !said.ends_with(":1\r\n")) return;
  if (machine.shown.insert(number).second) ++machine.first_shown;
}

// Something was read there just now, which nobody had read.
void ChangingRoles::wait_for_shown(Machine& machine) {
  const uint64_t before = machine.first_shown;
  for (const Instant last = os_->now() + milliseconds(20);
       os_->now() < last && machine.first_shown == before;)
    rest(*os_, microseconds(20));
}

void ChangingRoles::look_on() {
  os_->spawn("roles.look", [this] {
    while (!over_) {
      look();
      rest(*os_, microseconds(300));
    }
  });
}

// --- What happens ---

void ChangingRoles::step() {
  writes_ = std::min(numbers_ + 12, kMostWrites);
  Machine& machine = any();
  Machine* const master = any_master();
  switch (draw("roles.step", 12)) {
    case 0:
    case 1:
      promote(machine);
      break;
    case 2:
    case 3:
      follow(machine, any());
      break;
    case 4:
      change_mind(machine);
      break;
    case 5:
      disturb_network();
      break;
    case 6:
      network_->heal();
      break;
    case 7:
      if (master != nullptr) hand_over(*master);
      if (master != nullptr && draw("roles.back", 2) == 0)
        if (Machine* const next = upstream(*master); next != nullptr && is_master(*next))
          hand_over(*next);
      break;
    case 8:
      did_ = machine.name + " dies";
      if (draw("roles.just_shown", 2) == 0) wait_for_shown(machine);
      die(machine, draw("roles.cut", 2) == 0);
      break;
    case 9:
      if (master != nullptr) wait_for_key(*master);
      break;
    case 10:
      (void)tell(machine, "BGREWRITEAOF");
      break;
    default:
      if (master != nullptr) ask_how_many(*master);
  }
  constexpr int64_t kRestUs[] = {0, 300, 1'000, 3'000, 10'000, 30'000, 100'000, 1'300'000};
  rest(*os_, microseconds(kRestUs[draw("roles.rest", std::size(kRestUs))]));
}

// All follow one, some by way of another, and have what it has.
void ChangingRoles::settle() {
  network_->heal();
  Machine& root = any();
  if (!is_master(root)) (void)tell(root, "REPLICAOF NO ONE");
  Machine* above = &root;
  for (const auto& one : machines_) {
    if (one.get() == &root) continue;
    if (upstream(*one) != above) {
      one->acknowledged.clear();
      ++one->reign;
      (void)tell(*one, fmt::format("REPLICAOF {} {}", above->name, kNodePort));
    }
    if (draw("roles.chained", 2) == 0) above = one.get();
  }
  const auto is_there = [&](const Machine& machine) {
    return &machine == &root ||
           (machine.engine->replica().linked() &&
            machine.engine->master().id() == root.engine->master().id() &&
            machine.engine->master().offset() == root.engine->master().offset());
  };
  const auto all = [&] {
    return std::all_of(machines_.begin(), machines_.end(),
                       [&](const auto& machine) { return is_there(*machine); });
  };
  for (const Instant last = os_->now() + kSettles; !all() && amiss_.empty(); rest(*os_, kLook))
    if (os_->now() > last)
      return amiss(fmt::format("{} is followed, and not all catch up", root.name));
  if (!amiss_.empty()) return;
  for (const auto& machine : machines_)
    if (lasting_state_of(machine->engine->keyspace()) != lasting_state_of(root.engine->keyspace()))
      amiss(fmt::format("{} has all that {} says, and holds other data", machine->name, root.name));
}

void ChangingRoles::live() {
  constexpr const char* kNames[] = {"b", "a", "c"};
  network_ = std::make_unique<sim::SimNetwork>(
      *os_, sim::NetProfile{.segment_bytes = draw("roles.piece", 2) == 0 ? 64u : 1460u});
  for (size_t i = 0; i < kMachines && amiss_.empty(); ++i) {
    machines_[i] = std::make_unique<Machine>(*this, kNames[i]);
    start(*machines_[i], i == 0 ? world_.disk.after_kill() : sim::Disk(world_.disk.rules()));
  }
  if (!amiss_.empty()) return;
  look_on();
  const Instant last = os_->now() + seconds(20);
  const uint64_t steps = 8 + draw("roles.steps", 12);
  follow(*machines_[0], *machines_[1]);
  for (uint64_t n = 0; n < steps && os_->now() < last && amiss_.empty(); ++n) {
    step();
    look();
  }
  over_ = true;
  const auto has_tasks = [](const auto& machine) { return machine->tasks != 0; };
  while (std::any_of(machines_.begin(), machines_.end(), has_tasks)) rest(*os_, kLook);
  for (const auto& machine : machines_)
    if (machine->engine == nullptr) amiss(machine->name + " does not start again");
  if (amiss_.empty()) settle();
  if (amiss_.empty()) look();
}

// --- What is looked at ---

std::vector<StreamLedger::Machine> ChangingRoles::living() const {
  std::vector<StreamLedger::Machine> all;
  for (const auto& machine : machines_)
    if (machine != nullptr && machine->engine != nullptr)
      all.push_back({machine->name, machine->engine});
  return all;
}

void ChangingRoles::look() {
  if (!amiss_.empty()) return;
  if (std::string said = ledger_.look(living()); !said.empty()) return amiss(std::move(said));
  look_at_reigns();
  look_at_waits();
}

void ChangingRoles::look_at_reigns() {
  for (const auto& machine : machines_) {
    if (machine == nullptr || !is_master(*machine)) continue;
    for (const uint64_t number : machine->acknowledged)
      if (!has(*machine, number))
        return amiss(fmt::format("{} lacks what it has acknowledged as a master", machine->name));
  }
}

void ChangingRoles::look_at_waits() {
  for (const auto& machine : machines_) {
    if (machine == nullptr || machine->engine == nullptr || is_master(*machine)) continue;
    for (int db = 0; db < machine->engine->keyspace().databases(); ++db)
      if (!machine->engine->executor().clients().waiters.places(db).empty())
        return amiss(
            fmt::format("a client waits for a key of {}, which is a replica", machine->name));
  }
}

// What a client has read there has been told: it is there behind a power cut.
void ChangingRoles::look_at_shown(const Machine& machine) {
  const engine::EngineConfig& config = machine.engine->config();
  if (!config.recovery.append_only || config.aof.policy != engine::SyncPolicy::kAlways) return;
  for (const uint64_t number : machine.shown)
    if (!has(machine, number))
      amiss(fmt::format("{} does not hold what it has shown a client", machine.name));
}

TargetType::OtherStarts ChangingRoles::judge() {
  sim::WorldState copy = world_;
  at_end_ = [this](bool died) {
    if (died)
      for (auto& machine : machines_) (void)machine.release();
    if (died) (void)network_.release();
    for (auto& machine : machines_) machine.reset();
    network_.reset();
  };
  const Came came = in_world(copy, nullptr, [&](engine::Os& os, Came&) {
    os_ = &os;
    live();
  });
  constexpr std::string_view kTold = "of machines that change roles";
  const std::string behind = did_.empty() ? std::string() : fmt::format(", behind one: {}", did_);
  if (!came.died.empty()) wrong(Breach::kDies, kTold, came.text() + behind);
  if (came.hangs) wrong(Breach::kHangs, kTold, came.text() + behind);
  if (!amiss_.empty()) wrong(Breach::kReplica, kTold, amiss_ + behind);
  return {wrong_, {}, wall_ms_};
}

}  // namespace

TargetType::OtherStarts changing_roles_of_store(const sim::WorldState& world,
                                                const sim::Settings& settings,
                                                sim::Choices& choices) {
  return ChangingRoles(world, settings, choices).judge();
}

}  // namespace powercut::scenarios
