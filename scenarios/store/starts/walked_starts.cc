#include "scenarios/store/starts/walked_starts.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/engine.h"
#include "scenarios/store/keyspace/digest.h"
#include "scenarios/store/starts/copied_starts.h"
#include "scenarios/store/starts/many_changes.h"
#include "scenarios/store/starts/slow_os.h"
#include "scenarios/store/starts/strike.h"
#include "scenarios/store/store_target.h"

namespace powercut::scenarios {

namespace {

class WalkedStarts final : CopiedStarts {
 public:
  explicit WalkedStarts(const CopiedStarts& as) : CopiedStarts(as) {}
  std::optional<Violation> judge();

 private:
  // What was there behind an operation, and when that was.
  struct Moment {
    uint64_t digest;
    int64_t wall_ms;
  };
  enum class Pass { kWhole, kFails, kDies };
  uint64_t again(Site site, uint64_t n) { return choices_.choose(site, next_++, n); }
  void change(engine::Os& os, engine::Engine& engine);
  void count_in_scripts(engine::Os& os, engine::Engine& engine);
  void walk(SlowOs& os, engine::Engine& engine, Pass pass);
  std::shared_ptr<bool> ask_for_checkpoint(engine::Os& os, engine::Engine& engine);
  void note(engine::Os& os, engine::Engine& engine);
  Came go(sim::WorldState& world, Strike& strike, Pass pass);
  void judge_after(sim::WorldState& world, Pass pass, const std::string& told);
  void judge_pass(const sim::WorldState& durable, Pass pass, Strike& strike);

  uint64_t next_ = 0;
  ManyChanges changes_{[this](Site site, uint64_t n) { return again(site, n); }};
  std::string story_;
  std::string refused_;
  std::map<uint64_t, Moment> moments_;  // by its last operation
  uint64_t told_ = 0;                   // the last operation that somebody may have been told of
  uint64_t least_ = 0;                  // that a checkpoint must have, which was made
  bool kept_ = true;                    // what is there in the end is promised
  bool switches_ = false;               // the log is off for a while
  uint64_t walk_begins_ = 0;            // the calls of the one that goes well
  uint64_t walk_ends_ = 0;
};

void WalkedStarts::note(engine::Os& os, engine::Engine& engine) {
  if (engine.executor().scripts().busy()) return;  // half of it is done
  // A checkpoint alone is read without what has expired by then.
  constexpr int64_t kLater = 3'600'000;
  const int64_t wall_ms = os.wall_now().unix_ms + (options_.append_only ? 0 : kLater);
  moments_[engine.applied_lsn()] = {keyspace_digest(engine.keyspace(), wall_ms), wall_ms};
}

// While it walks, as a rule.
void WalkedStarts::change(engine::Os& os, engine::Engine& engine) {
  constexpr int kChanges = 10;
  const auto session = engine.connect();
  for (int n = 0; n < kChanges; ++n) {
    const std::string said = changes_.say(*session);
    if (story_.size() < 500) story_ += (story_.empty() ? "" : ", ") + said;
    told_ = std::max(told_, session->client().written_lsn);
    note(os, engine);
    if (again("walked.rests", 2) == 0)
      rest(os, microseconds(static_cast<int64_t>(100 + again("walked.rest", 3'000))));
  }
}

// By another client; whether it has its answers.
std::shared_ptr<bool> WalkedStarts::ask_for_checkpoint(engine::Os& os, engine::Engine& engine) {
  std::vector<std::string_view> requests = {options_.append_only ? "BGREWRITEAOF" : "BGSAVE"};
  switches_ = again("walked.switches", 4) == 0;
  if (switches_) requests = {"CONFIG SET appendonly no", "CONFIG SET appendonly yes"};
  auto done = std::make_shared<bool>(false);
  const std::shared_ptr<engine::Session> session = engine.connect();
  os.spawn("asks", [session, requests, done] {
    for (const std::string_view request : requests)
      (void)reply_to(*session, std::string(request) + "\r\n");
    *done = true;
  });
  return done;
}

// Each takes long, and lets others in, but never in the middle of what it does.
void WalkedStarts::count_in_scripts(engine::Os& os, engine::Engine& engine) {
  const auto session = engine.connect();
  for (uint64_t n = again("walked.scripts", 4); n > 0; --n) {
    (void)ask(*session, {"EVAL", "for i=1,90 do redis.call('INCR',KEYS[1]) end", "1", "counted"});
    told_ = std::max(told_, session->client().written_lsn);
    note(os, engine);
  }
}

void WalkedStarts::walk(SlowOs& os, engine::Engine& engine, Pass pass) {
  engine.set_active_expire(false);
  const auto session = engine.connect();
  changes_.lay_out(*session);
  told_ = engine.applied_lsn();
  note(os, engine);
  os.checkpoint_write_takes = microseconds(static_cast<int64_t>(50 + again("walked.slow", 1'000)));
  os.step_takes = microseconds(static_cast<int64_t>(again("walked.step_takes", 200)));
  const uint64_t saves = engine.keeper().stats().saves;
  const auto asked = ask_for_checkpoint(os, engine);
  const auto changed = std::make_shared<bool>(false);
  os.spawn("changes", [this, &os, &engine, changed] {
    count_in_scripts(os, engine);
    change(os, engine);
    *changed = true;
  });
  change(os, engine);
  do rest(os, milliseconds(1));
  while (!*asked || !*changed || !engine.keeper().busy(engine::Keeper::Job::kNone));
  os.checkpoint_write_takes = os.step_takes = {};
  if (engine.keeper().stats().saves != saves) least_ = moments_.begin()->first;
  note(os, engine);
  if (pass != Pass::kWhole) {
    rest(os, seconds(12));
    if (const std::string reply = reply_to(*session, "SET walked 1\r\n"); reply != "+OK\r\n")
      refused_ = "a write is refused with " + reply;
    const engine::KeeperStats& stats = engine.keeper().stats();
    const uint64_t made = stats.rewrites + stats.saves;
    (void)reply_to(*session, options_.append_only ? "BGREWRITEAOF\r\n" : "BGSAVE\r\n");
    wait_for_jobs(os, engine);
    if (engine.aof().active() == options_.append_only && stats.rewrites + stats.saves == made)
      refused_ = "no checkpoint is made";
  }
  rest(os, seconds(3));
  note(os, engine);
  told_ = engine.applied_lsn();
  kept_ = !options_.append_only || (engine.aof().active() && engine.config().recovery.append_only);
}

Came WalkedStarts::go(sim::WorldState& world, Strike& strike, Pass pass) {
  next_ = 0;
  story_.clear();
  refused_.clear();
  moments_.clear();
  told_ = least_ = 0;
  kept_ = true;
  return open_slow(
      world, [&](SlowOs& os, engine::Engine& engine) { walk(os, engine, pass); }, &strike);
}

// Where nothing died it is as it was; else as it was at some moment behind the last reply.
void WalkedStarts::judge_after(sim::WorldState& world, Pass pass, const std::string& told) {
  uint64_t last = 0, digest = 0;
  const Came came = open(world, nullptr, [&](engine::Os&, engine::Engine& engine) {
    engine.set_active_expire(false);
    last = engine.recovery().last_lsn;
    const auto moment = moments_.find(last);
    if (moment != moments_.end())
      digest = keyspace_digest(engine.keyspace(), moment->second.wall_ms);
  });
  const std::string behind = fmt::format("behind one {}, where clients say {}", told, story_);
  if (!came.started()) return wrong(Breach::kNoStart, behind, came.text());
  const bool whole = options_.append_only && pass != Pass::kDies;
  const uint64_t least = options_.append_only ? told_ : least_;
  if (last < least || (whole && last != told_))
    return wrong(Breach::kLost, behind, fmt::format("{}, and it held {}", came.text(), told_));
  const auto moment = moments_.find(last);
  if (moment == moments_.end()) return;  // between what one client said in one go
  if (digest != moment->second.digest)
    wrong(Breach::kNoPrefix, behind, came.text() + ", and other values are there");
}

void WalkedStarts::judge_pass(const sim::WorldState& durable, Pass pass, Strike& strike) {
  sim::WorldState copy = durable;
  const Came came = go(copy, strike, pass);
  if (pass == Pass::kWhole) walk_begins_ = came.calls_of_start, walk_ends_ = came.calls;
  const std::string told =
      fmt::format("whose checkpoint is slow{}{}", strike.met.empty() ? "" : ", with ", strike.met);
  if (!came.crashed) expect_same(came, told);
  if (!wrong_ && !refused_.empty())
    wrong(Breach::kUnavailable, told, "left alone then, " + refused_);
  if (wrong_ || !kept_) return;
  const bool synced = config_of(settings_).aof.policy != engine::SyncPolicy::kNo;
  const bool cut = !came.crashed && (synced || !options_.append_only) &&
                   choices_.choose("walked.cut", static_cast<uint64_t>(pass), 2) == 0;
  copy.disk = cut ? copy.disk.after_power_cut(choices_, 40 + static_cast<uint64_t>(pass))
                  : copy.disk.after_kill();
  judge_after(copy, pass, told);
}

std::optional<Violation> WalkedStarts::judge() {
  settings_.sizes.step_bytes = uint64_t{32} << draw("walked.step", 5);
  settings_.sizes.script_step = static_cast<int>(20 + draw("walked.script_step", 200));
  sim::WorldState durable = world_;
  durable.disk = world_.disk.after_power_cut(choices_, 39);
  sim::WorldState undisturbed = durable;
  plain_ = open(undisturbed, nullptr);
  if (!plain_.started()) return {};  // is judged elsewhere
  Strike none(choices_);
  judge_pass(durable, Pass::kWhole, none);
  for (const Pass pass : {Pass::kFails, Pass::kDies}) {
    const bool data_goes = world_.disk.rules().sync_failure == sim::SyncFailure::kExt4Data2020;
    if (wrong_ || (pass == Pass::kFails && data_goes)) continue;
    if (pass == Pass::kDies && (switches_ || !options_.append_only)) continue;
    const auto key = 50 + static_cast<uint64_t>(pass);
    const auto call = Strike::draw(none.kinds, walk_begins_, walk_ends_, key, choices_);
    if (!call) continue;
    Strike strike(choices_, *call, pass == Pass::kDies);
    judge_pass(durable, pass, strike);
  }
  return wrong_;
}

}  // namespace

std::optional<Violation> judge_walked_starts(const CopiedStarts& as) {
  return WalkedStarts(as).judge();
}

}  // namespace powercut::scenarios
