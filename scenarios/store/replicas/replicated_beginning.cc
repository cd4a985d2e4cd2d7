// How the master of a life is made, and what its machines have been through by then.
#include <fmt/format.h>

#include "engine/base/check.h"
#include "scenarios/store/replicas/replicated_target.h"
#include "scenarios/store/replicas/served.h"

namespace powercut::scenarios {

namespace {

constexpr Duration kLook = milliseconds(1);
constexpr Site kFailsOver("replicated.fails_over");
constexpr Site kByCommand("replicated.by_command");
constexpr Site kBreaks("replicated.breaks");
constexpr Site kThirdStays("replicated.third_stays");
constexpr Site kChained("replicated.chained");
constexpr Site kOldDies("replicated.old_dies");
constexpr Site kCutOld("replicated.old_cut");
constexpr Site kMasterDies("replicated.master_dies");
constexpr Site kCutMaster("replicated.master_cut");
constexpr Site kRests("replicated.rests");

// Changes nothing, and is an operation all the same: a crash meanwhile finds nothing of it.
constexpr std::string_view kNothing =
    "MULTI\r\nSET powercut:nothing 0123456789\r\nDEL powercut:nothing\r\nEXEC";
constexpr size_t kRepliesToNothing = 4;

// What only the old master has: as long as that in the stream, so that what its successor says next begins where it ends.
constexpr std::string_view kAlone =
    "MULTI\r\nSET powercut:alone12 0123456789\r\nSET powercut9 ab\r\nEXEC";

sim::CrashKind kind_of(uint64_t drawn) {
  return drawn == 0 ? sim::CrashKind::kPowerCut : sim::CrashKind::kKill;
}

// The complete replies at the start of `bytes`.
std::vector<std::string_view> replies_in(std::string_view bytes) {
  std::vector<std::string_view> replies;
  while (!bytes.empty()) {
    const size_t length = reply_length(bytes);
    if (length == 0) break;
    replies.push_back(bytes.substr(0, length));
    bytes.remove_prefix(length);
  }
  return replies;
}

}  // namespace

// --- Two machines, and who follows whom ---

// Where a data set is being taken over the answer comes behind that.
std::string ReplicatedTarget::tell(engine::Engine& engine, std::string_view line) {
  const auto session = engine.connect();
  session->feed(std::string(line) + "\r\n");
  while (session->ready().empty()) os_.park(os_.now() + kLook);
  return std::string(session->ready());
}

// Until it is linked, and has all that the other has.
void ReplicatedTarget::catch_up(engine::Engine& replica, engine::Engine& master) {
  while (!replica.replica().linked() || replica.master().offset() != master.master().offset())
    os_.park(os_.now() + kLook);
}

void ReplicatedTarget::follow(engine::Engine& replica, engine::Engine& master,
                              std::string_view name) {
  const auto said = tell(replica, fmt::format("REPLICAOF {} {}", name, kNodePort));
  CHECK(said.starts_with("+OK"));
  catch_up(replica, master);
}

// All have what the master has, at one moment.
void ReplicatedTarget::settle() {
  engine::Engine& master = *engines_.back();
  const auto is_there = [&](engine::Engine& replica) {
    return replica.replica().linked() && replica.master().offset() == master.master().offset();
  };
  while (!is_there(survivor()) || !is_there(third())) os_.park(os_.now() + kLook);
  const uint64_t state = state_of(master.keyspace());
  if (state_of(survivor().keyspace()) != state || state_of(third().keyspace()) != state)
    accuse("machines that follow one master, and are where it is, hold other things than it");
}

// --- The master's machine ---

std::unique_ptr<engine::Engine> ReplicatedTarget::engine_on(engine::Os& os,
                                                            const std::string& name) const {
  return engine::Engine::make(os, machine_config(settings_of_others_, name, world_.several));
}

// Another life of it, on what it finds there.
void ReplicatedTarget::start_machine() {
  engine::Os& os = master_machine_.begin_process();
  engine::Engine& engine = *engines_.emplace_back(engine_on(os, kMaster));
  engine::Net& net = network_.node(kMaster);
  engine.set_net(&net);
  const auto loaded = engine.load();
  CHECK(loaded.ok());  // nothing is wrong with its disk
  serve_links(os, net, kMaster, engine);
}

void ReplicatedTarget::end_machine() {
  master_machine_.end_process();
  network_.kill(kMaster);
  network_.restart(kMaster);
}

// --- Before a life serves ---

void ReplicatedTarget::begin(uint64_t number) {
  first_ = number;
  survivor_->serve();
  start_machine();
  follow(*engines_.back(), survivor(), kSurvivor);
  tell(*engines_.back(), "REPLICAOF NO ONE");
  follow(survivor(), *engines_.back(), kMaster);
  if (third_ != nullptr) {
    const auto started = third_->start();
    CHECK(started.ok());  // nothing is wrong with its disk
    third_->serve();
    follow(third(), *engines_.back(), kMaster);
  }
  if (os_.choose(kFailsOver, 3) == 0) {
    if (third_ != nullptr && os_.choose(kByCommand, 2) == 0)
      fail_over_by_command();
    else
      fail_over_and_back();
  }
  if (os_.choose(kMasterDies, 3) == 0) start_master_again();
  if (third_ != nullptr) {
    chained_ = os_.choose(kChained, 3) == 0;
    follow(third(), chained_ ? survivor() : *engines_.back(), chained_ ? kSurvivor : kMaster);
    while (chained_ && engines_.back()->executor().clients().replicas.size() > 1)
      os_.park(os_.now() + kLook);  // it has not heard yet that c has left it
    settle();
  }
  if (state_of(engines_.back()->keyspace()) != state_of(survivor().keyspace()))
    accuse("a master that was replaced holds what its successor never held");
  watch();
}

void ReplicatedTarget::watch() {
  engine::Engine& engine = *engines_.back();
  master_ = StoreTarget::over(std::move(engines_.back()), settings_);
  engines_.pop_back();
  history_.begin(first_, engine, os_.now());
  master_->observe(this);
  const auto released = [this] {
    note_released();
    return history_.released();
  };
  const WatchedReplica::Upstream master{kMaster, [&engine] { return &engine; }, released};
  survivor_->watch(master);
  if (third_ == nullptr) return;
  if (!chained_) return third_->watch(master);
  const auto middle = [this, &engine]() -> engine::Engine* {
    const bool follows = !survivor_->down() && !survivor_->anew() &&
                         survivor().master().id() == engine.master().id();
    return follows ? &survivor() : nullptr;
  };
  third_->watch({kSurvivor, middle, [this] { return survivor_->shown(); }, false});
}

// The master is cut off, and writes what nobody else has; its replica is promoted, and goes further than it. Then it follows,
// in some lives from what a crash of its own has left.
void ReplicatedTarget::fail_over_and_back() {
  engine::Engine* old = engines_.back().get();
  network_.partition_both(kSurvivor, kMaster);
  network_.cut(kSurvivor, kMaster);
  const bool third_stays = third_ != nullptr && leave_third_with_the_old();
  tell(*old, kAlone);
  if (third_stays) catch_up(third(), *old);
  tell(survivor(), "REPLICAOF NO ONE");
  for (int i = 0; i < 2; ++i) tell(survivor(), kNothing);
  if (os_.choose(kOldDies, 2) == 0) {
    os_.park(os_.now() + milliseconds(5));  // its log has it, or not yet
    end_machine();
    master_machine_.lose(kind_of(os_.choose(kCutOld, 2)));
    start_machine();
    old = engines_.back().get();
  }
  if (third_ != nullptr) follow(third(), survivor(), kSurvivor);
  network_.heal();
  follow(*old, survivor(), kSurvivor);
  tell(*old, "REPLICAOF NO ONE");
  follow(survivor(), *old, kMaster);
  if (third_ != nullptr) follow(third(), *old, kMaster);
}

// It has what the old master alone has, or what its successor goes on from.
bool ReplicatedTarget::leave_third_with_the_old() {
  if (os_.choose(kThirdStays, 2) == 0) return true;
  network_.partition_both(kThird, kMaster);
  network_.cut(kThird, kMaster);
  return false;
}

// The master is another one then, also where it has all that it had, and its stream begins anew: no offset of before, which is
// further than it comes for a while, counts.
void ReplicatedTarget::start_master_again() {
  constexpr int kOften = 60;
  for (int i = 0; i < kOften; ++i) tell(*engines_.back(), kNothing);
  // What it said is synced at both, or not yet.
  os_.park(os_.now() + milliseconds(os_.choose(kRests, 2) == 0 ? 2 : 1'200));
  end_machine();
  master_machine_.lose(kind_of(os_.choose(kCutMaster, 2)));
  start_machine();
  engine::Engine& again = *engines_.back();
  follow(survivor(), again, kMaster);
  if (state_of(again.keyspace()) != state_of(survivor().keyspace()))
    accuse("a replica holds what its master, which has started again, does not");
}

// --- FAILOVER ---

// A client of a master that is about to hand over: it writes on and on.
struct ReplicatedTarget::Writer {
  bool over = false;
  bool ended = false;
  uint64_t acknowledged = 0;  // the offset behind the last write that was
};

void ReplicatedTarget::write(engine::Engine& engine, Writer& writer) {
  const auto session = engine.connect();
  while (!writer.over) {
    session->feed(std::string(kNothing) + "\r\n");
    std::string said;
    while (!writer.over && replies_in(said).size() < kRepliesToNothing) {
      const std::string_view ready = session->wait_ready(os_.now() + kLook);
      said += ready;
      session->consume(ready.size());
    }
    const auto replies = replies_in(said);
    const bool done = replies.size() == kRepliesToNothing && replies.back().starts_with('*');
    if (done) writer.acknowledged = session->client().written_offset;
    os_.park(os_.now() + microseconds(300));
  }
  writer.ended = true;
}

// Nothing that was acknowledged is lost, and who has followed the one follows the other.
void ReplicatedTarget::hand_over(engine::Engine& from, engine::Engine& to,
                                 const std::string& name) {
  Writer writer;
  os_.spawn("writer", [this, &from, &writer] { write(from, writer); });
  os_.park(os_.now() + milliseconds(3));
  const std::string before = from.master().id();
  // What is under way in that moment is lost, and is to be had again first.
  if (os_.choose(kBreaks, 2) == 0) network_.cut(kMaster, kSurvivor);
  tell(from, fmt::format("FAILOVER TO {} {} TIMEOUT 5000", name, kNodePort));
  do os_.park(os_.now() + kLook);
  while (tell(from, "INFO replication").find("master_failover_state:no-failover") ==
         std::string::npos);
  os_.park(os_.now() + milliseconds(2));
  writer.over = true;
  while (!writer.ended) os_.park(os_.now() + kLook);
  const bool handed = from.replica().follows() && !to.replica().follows();
  const std::string now_follows = tell(from, "ROLE");
  if (from.replica().follows() && now_follows.find("\r\n" + name + "\r\n") == std::string::npos)
    accuse(fmt::format("FAILOVER TO {} has handed over to another", name));
  const engine::Master& stream = to.master();
  if (handed && stream.second_id() == before &&
      stream.second_offset() <= static_cast<int64_t>(writer.acknowledged))
    accuse(fmt::format("FAILOVER has lost what was acknowledged: the stream up to offset {} of {}",
                       stream.second_offset() - 1, writer.acknowledged));
  if (handed) return catch_up(from, to);
  // It has not come to it in time: then it is done by hand.
  tell(to, "REPLICAOF NO ONE");
  follow(from, to, name);
}

void ReplicatedTarget::fail_over_by_command() {
  engine::Engine& master = *engines_.back();
  hand_over(master, survivor(), kSurvivor);
  for (int i = 0; i < 2; ++i) tell(survivor(), kNothing);
  follow(third(), survivor(), kSurvivor);
  hand_over(survivor(), master, kMaster);
  follow(third(), master, kMaster);
  settle();
}

}  // namespace powercut::scenarios
