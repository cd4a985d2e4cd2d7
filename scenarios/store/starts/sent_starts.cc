#include "scenarios/store/starts/sent_starts.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/aof/replace.h"
#include "engine/engine.h"
#include "scenarios/store/keyspace/digest.h"
#include "scenarios/store/starts/copied_starts.h"
#include "scenarios/store/starts/many_changes.h"
#include "scenarios/store/starts/slow_os.h"

namespace powercut::scenarios {

namespace {

constexpr Duration kPatience = seconds(30);
constexpr size_t kMarkBytes = 40;
constexpr std::string_view kAsks = "PSYNC ? -1\r\n";

// One that takes a few bytes at a time, and confirms nothing but that it has loaded.
struct Replica {
  std::unique_ptr<engine::Session> session;
  std::string took;
  size_t begins = 0, ends = 0;  // of the checkpoint, in what it took
  bool leaves = false;

  bool loaded() const { return ends != 0; }
  void look_for_mark();
};

// "+FULLRESYNC id offset", "$EOF:mark", the checkpoint, the mark; lines that say nothing before.
void Replica::look_for_mark() {
  constexpr std::string_view kBegins = "$EOF:";
  const size_t at = took.find(kBegins);
  if (loaded() || at == took.npos) return;
  begins = at + kBegins.size() + kMarkBytes + 2;
  if (took.size() < begins) return;
  const size_t end = took.find(took.substr(at + kBegins.size(), kMarkBytes), begins);
  if (end != took.npos) ends = end + kMarkBytes;
}

class SentStarts final : CopiedStarts {
 public:
  using CopiedStarts::CopiedStarts;
  explicit SentStarts(const CopiedStarts& as) : CopiedStarts(as) {}
  bool starts() { return (plain_ = start_on_copy(options_)).started(); }
  std::optional<Violation> judge();

 private:
  void live(engine::Os& os, engine::Engine& engine);
  void attach(engine::Os& os, engine::Engine& engine, Replica& replica);
  void take_some(engine::Os& os, Replica& replica);
  void ask_for_turns(engine::Os& os, engine::Engine& engine);
  void change(engine::Os& os, engine::Engine& engine);
  void wait_for(engine::Os& os, const std::function<bool()>& what, std::string_view else_amiss);
  void judge_taken(const Replica& replica);

  std::array<Replica, 2> replicas_;
  ManyChanges changes_{[this](Site site, uint64_t n) { return draw(site, n); }};
  size_t going_on_ = 0;  // tasks of clients
  bool over_ = false;
  uint64_t digest_ = 0;
  int64_t at_ms_ = 0;
  std::string asked_;
  std::string amiss_;
};

void SentStarts::take_some(engine::Os& os, Replica& replica) {
  const std::string_view ready = replica.session->ready();
  const size_t count = std::min<size_t>(ready.size(), 1 + draw("sent.piece", 4'000));
  replica.took += ready.substr(0, count);
  replica.session->consume(count);
  if (replica.took.starts_with("-BUSY") && replica.took.ends_with("\r\n")) {
    replica.took.clear();
    replica.session->feed(kAsks);
  }
  const bool before = replica.loaded();
  replica.look_for_mark();
  if (!before && replica.loaded()) replica.session->feed("REPLCONF ACK 0\r\n");
  if (!over_) rest(os, microseconds(static_cast<int64_t>(20 + draw("sent.rest", 3'000))));
}

void SentStarts::attach(engine::Os& os, engine::Engine& engine, Replica& replica) {
  replica.leaves = draw("sent.leaves", 4) == 0;
  os.spawn("replica", [this, &os, &engine, &replica] {
    rest(os, microseconds(static_cast<int64_t>(draw("sent.begins", 20'000))));
    const size_t most = replica.leaves ? 1 + draw("sent.most", 20'000) : SIZE_MAX;
    replica.session = engine.connect();
    const auto port = 7'000 + (&replica - replicas_.data());
    // While a script runs it may be told to come again.
    const auto says = fmt::format("REPLCONF listening-port {} capa eof capa psync2\r\n", port);
    while (reply_to(*replica.session, says) != "+OK\r\n") rest(os, milliseconds(1));
    replica.session->feed(kAsks);
    while (!over_ && replica.took.size() < most) take_some(os, replica);
    if (replica.leaves) replica.session.reset();
  });
}

// What waits until the checkpoint is sent, or goes on beside it.
void SentStarts::ask_for_turns(engine::Os& os, engine::Engine& engine) {
  static constexpr std::string_view kTurns[] = {
      "SAVE",   "BGSAVE",       "BGREWRITEAOF",      "CONFIG SET appendonly no",
      "EXISTS", "BACKUP START", "BACKUP ABORT sent", "CONFIG SET appendonly yes"};
  ++going_on_;
  os.spawn("asks", [this, &os, &engine] {
    const auto session = engine.connect();
    for (uint64_t n = 1 + draw("sent.asks", 3); n > 0; --n) {
      rest(os, microseconds(static_cast<int64_t>(draw("sent.asked", 20'000))));
      const std::string_view ask = kTurns[draw("sent.ask", std::size(kTurns))];
      asked_ += fmt::format("{}{}", asked_.empty() ? "" : ", ", ask);
      (void)reply_to(*session, std::string(ask) + "\r\n");
    }
    --going_on_;
  });
}

void SentStarts::change(engine::Os& os, engine::Engine& engine) {
  ++going_on_;
  os.spawn("changes", [this, &os, &engine] {
    const auto session = engine.connect();
    for (int n = 0; n < 12; ++n) {
      (void)changes_.say(*session);
      rest(os, microseconds(static_cast<int64_t>(draw("sent.changed", 4'000))));
    }
    --going_on_;
  });
}

void SentStarts::wait_for(engine::Os& os, const std::function<bool()>& what,
                          std::string_view else_amiss) {
  const Instant last = os.now() + kPatience;
  while (!what() && os.now() < last) rest(os, milliseconds(1));
  if (!what() && amiss_.empty()) amiss_ = else_amiss;
}

void SentStarts::live(engine::Os& os, engine::Engine& engine) {
  engine.set_active_expire(false);
  changes_.lay_out(*engine.connect());
  for (Replica& replica : replicas_) attach(os, engine, replica);
  change(os, engine);
  ask_for_turns(os, engine);
  ask_for_turns(os, engine);
  wait_for(
      os, [this] { return going_on_ == 0; },
      "while a checkpoint is sent, who asks is not answered");
  const auto quiet = [&] { return engine.keeper().busy(engine::Keeper::Job::kNone); };
  wait_for(os, quiet, "a checkpoint is sent for ever");
  const auto loaded = [](const Replica& one) { return one.leaves || one.loaded(); };
  wait_for(
      os, [&] { return std::all_of(replicas_.begin(), replicas_.end(), loaded); },
      "a replica that takes it slowly gets no checkpoint");
  rest(os, seconds(3));
  over_ = true;
  rest(os, milliseconds(10));
  for (Replica& replica : replicas_)
    while (replica.session != nullptr && !replica.session->ready().empty()) take_some(os, replica);
  at_ms_ = os.wall_now().unix_ms;
  digest_ = keyspace_digest(engine.keyspace(), at_ms_);
  for (Replica& replica : replicas_) replica.session.reset();
}

// It is held by a store that starts with it as its base, and with what came behind it as its log.
void SentStarts::judge_taken(const Replica& replica) {
  if (replica.leaves || wrong_) return;
  const auto end = replica.ends - kMarkBytes;
  sim::WorldState world = world_of(
      {{engine::in_aof_directory(engine::base_name(1)),
        replica.took.substr(replica.begins, end - replica.begins)},
       {engine::in_aof_directory(engine::segment_name(1)), replica.took.substr(replica.ends)},
       manifest_of(engine::base_name(1), 1)});
  settings_.policy = "always";
  uint64_t digest = 0;
  const Came came = open(world, nullptr, [&](engine::Os&, engine::Engine& engine) {
    engine.set_active_expire(false);
    digest = keyspace_digest(engine.keyspace(), at_ms_);
  });
  const std::string told = fmt::format("that sends its data, where clients ask for {}", asked_);
  if (!came.started()) return wrong(Breach::kReplica, told, "what was sent: " + came.text());
  if (digest != digest_) wrong(Breach::kReplica, told, "what was sent comes to something else");
}

std::optional<Violation> SentStarts::judge() {
  settings_.sizes.step_bytes = uint64_t{32} << draw("sent.step", 5);
  sim::WorldState copy = world_;
  at_end_ = [this](bool died) {
    for (Replica& replica : replicas_)
      if (died)
        (void)replica.session.release();
      else
        replica.session.reset();
  };
  const Came came = open_slow(copy, [this](SlowOs& os, engine::Engine& engine) {
    os.step_takes = microseconds(static_cast<int64_t>(draw("sent.step_takes", 200)));
    live(os, engine);
    os.step_takes = {};
  });
  const std::string told = fmt::format("that sends its data, where clients ask for {}", asked_);
  expect_same(came, told);
  if (!wrong_ && !amiss_.empty()) wrong(Breach::kReplica, told, amiss_);
  at_end_ = {};
  for (const Replica& replica : replicas_) judge_taken(replica);
  return wrong_;
}

}  // namespace

std::optional<Violation> judge_sent_starts(const CopiedStarts& as) {
  return SentStarts(as).judge();
}

TargetType::OtherStarts sent_starts_of_store(const sim::WorldState& world,
                                             const sim::Settings& settings, sim::Choices& choices) {
  SentStarts judge(world, settings, choices);
  if (!judge.starts()) return {};  // is judged elsewhere
  return {judge.judge(), {}, 0};
}

}  // namespace powercut::scenarios
