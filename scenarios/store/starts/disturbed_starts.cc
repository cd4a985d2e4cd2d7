#include "scenarios/store/starts/disturbed_starts.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "engine/aof/manifest.h"
#include "engine/aof/replace.h"
#include "engine/backup/backups.h"
#include "engine/engine.h"
#include "scenarios/judge/file_content.h"
#include "scenarios/store/files/log_manifest.h"
#include "scenarios/store/keyspace/digest.h"
#include "scenarios/store/starts/copied_starts.h"
#include "scenarios/store/starts/strike.h"
#include "scenarios/store/store_target.h"

namespace powercut::scenarios {

namespace {

// Takes no bytes.
class FullDisk final : public sim::Injector {
 public:
  sim::Injection on_call(const sim::SeamCall& call) override {
    sim::Injection injection;
    if (is_full && call.op == sim::Op::kWrite) injection.error = Errc::kNoSpace;
    return injection;
  }
  bool is_full = true;
};

// A shutdown, of which a client would see no answer.
constexpr std::string_view kEnd = "SHUTDOWN";

class DisturbedStarts final : CopiedStarts {
 public:
  explicit DisturbedStarts(const CopiedStarts& as) : CopiedStarts(as) {}
  std::optional<Violation> judge();

 private:
  void judge_orphan();
  void judge_failing_call();
  struct Served {
    uint64_t digest;
    uint64_t last;
  };
  std::optional<Served> serve(engine::Os& os, engine::Engine& engine, bool cut);
  void judge_served(sim::WorldState& world, const std::optional<Served>& served,
                    const std::string& told);
  void judge_full_start();
  void judge_failing_job();
  struct Asked;
  // Another client's write.
  struct Beside {
    bool asked = false;
    bool answered = false;
  };
  void write_beside(engine::Os& os, engine::Engine& engine, const std::shared_ptr<Beside>& beside);
  void do_job(engine::Os& os, engine::Engine& engine, Asked& asked);
  void judge_temporaries(const sim::Disk& disk, const std::string& told);
  void disturb_start(sim::WorldState& world);
  void judge_after(sim::WorldState& world, const Asked& asked, const std::string& told);
  void judge_litter(sim::WorldState& world);

  std::optional<sim::WorldState> durable_;  // as a power cut may leave the world
};

// A file that nothing names, as a crash may leave it: it is set aside by one start, and goes with its rewrite, or with the
// next start.
void DisturbedStarts::judge_orphan() {
  if (!options_.append_only || !manifest_) return;
  const uint64_t sequence = manifest_->highest_sequence() + 1 + choices_.choose("starts.gap", 0, 3);
  const std::string name = choices_.choose("starts.orphan", 0, 2) == 0
                               ? engine::base_name(sequence)
                               : engine::segment_name(sequence);
  sim::WorldState copy = world_;
  put(copy.disk, engine::in_aof_directory(name), kOneCommand);
  const bool rewrites = choices_.choose("starts.rewrites", 0, 2) == 0;
  const Came came = open(copy, nullptr, [&](engine::Os& os, engine::Engine& engine) {
    if (!rewrites) return;
    engine.set_active_expire(false);
    (void)engine.keeper().request(engine::Keeper::Job::kRewrite);
    const engine::KeeperStats& stats = engine.keeper().stats();
    while (stats.rewrites + stats.failed_rewrites == 0) os.park(os.now() + milliseconds(1));
  });
  expect_same(came, "beside a file that nothing names");
  if (wrong_) return;
  if (rewrites && copy.disk.lookup(engine::in_aof_directory(name) + ".orphan").ok())
    return wrong(Breach::kUntrue, "beside a file that nothing names",
                 "its rewrite leaves that where it is");
  const auto& aside = came.report.set_aside;
  if (std::find(aside.begin(), aside.end(), name) == aside.end())
    wrong(Breach::kUntrue, "beside a file that nothing names", "it does not say so");
  copy.disk = copy.disk.after_kill();
  if (!wrong_) judge_litter(copy);
}

// Nothing is in its way any more: what is there is the same, and nothing lies about.
void DisturbedStarts::judge_litter(sim::WorldState& world) {
  for (int i = 0; i < 3 && !wrong_; ++i) {
    expect_same(open(world, nullptr), "that is not disturbed any more");
    world.disk = world.disk.after_kill();
  }
  const auto manifest = log_manifest(world.disk);
  const auto names = world.disk.list(engine::kAofDirectory);
  if (wrong_ || !options_.append_only || !manifest || !names.ok()) return;
  for (const std::string& name : *names)
    if (name != engine::kManifestName && !manifest->names(name) &&
        !name.starts_with(engine::kBackupMarkPrefix))
      return wrong(Breach::kUntrue, "for the third time",
                   name + " lies about in the log's directory");
}

// Refused, or it serves what is there: and that stays, whatever a power cut then takes.
void DisturbedStarts::judge_failing_call() {
  using sim::SyncFailure;
  if (world_.disk.rules().sync_failure == SyncFailure::kExt4Data2020) return;
  durable_ = world_;
  durable_->disk = world_.disk.after_power_cut(choices_, 1);
  const sim::WorldState& durable = *durable_;
  sim::WorldState undisturbed = durable;
  Strike none(choices_);
  plain_ = open(undisturbed, &none);
  if (!plain_.started()) return;
  for (uint64_t draw = 0; draw < 3 && !wrong_; ++draw) {
    const auto call = Strike::draw(none.kinds, 0, plain_.calls, draw, choices_);
    if (!call) return;
    Strike strike(choices_, *call, false);
    sim::WorldState copy = durable;
    const bool cut = draw != 0;
    std::optional<Served> served;
    const Came came = open(copy, &strike, [&](engine::Os& os, engine::Engine& engine) {
      served = serve(os, engine, cut);
    });
    const std::string told = "with " + strike.met;
    if (came.died.empty() && came.refusal) {
      if (came.refusal->message.empty()) wrong(Breach::kUntrue, told, "it refuses without a word");
    } else {
      expect_same(came, told);
    }
    copy.disk = cut ? copy.disk.after_power_cut(choices_, 2 + draw) : copy.disk.after_kill();
    if (!wrong_) judge_served(copy, served, told);
  }
}

// What it held is there; and nothing lies about.
void DisturbedStarts::judge_served(sim::WorldState& world, const std::optional<Served>& served,
                                   const std::string& told) {
  const Came before = plain_;
  if (served) plain_.digest = served->digest, plain_.report.last_lsn = served->last;
  expect_same(open(world, nullptr), "behind one " + told);
  world.disk = world.disk.after_kill();
  if (!wrong_) judge_litter(world);
  plain_ = before;
}

// There is no space until it serves, most often behind a clean end.
void DisturbedStarts::judge_full_start() {
  if (!durable_ || !plain_.started() || !options_.append_only) return;
  sim::WorldState copy = *durable_;
  if (choices_.choose("starts.ended", 0, 4) != 0) {
    const auto end = [](engine::Os&, engine::Engine& engine) {
      engine.set_active_expire(false);
      (void)engine.shut_down(true);
    };
    expect_same(open(copy, nullptr, end), "that is ended");
    copy.disk = copy.disk.after_kill();
  }
  const std::string told = "on a full disk";
  const bool cut = choices_.choose("starts.cut", 30, 2) == 0;
  FullDisk full;
  std::optional<Served> served;
  const Came came = open(copy, &full, [&](engine::Os& os, engine::Engine& engine) {
    full.is_full = false;
    served = serve(os, engine, cut);
  });
  if (wrong_) return;
  if (!came.died.empty() || !came.refusal) expect_same(came, told);
  copy.disk = cut ? copy.disk.after_power_cut(choices_, 30) : copy.disk.after_kill();
  if (!wrong_) judge_served(copy, served, told);
}

// Clients write on, whatever the start met: what it then holds stays. Nothing: it takes no write, or promises nothing.
std::optional<DisturbedStarts::Served> DisturbedStarts::serve(engine::Os& os,
                                                              engine::Engine& engine, bool cut) {
  const bool syncs = config_of(settings_).aof.policy != engine::SyncPolicy::kNo;
  if (!options_.append_only || (cut && !syncs)) return std::nullopt;
  engine.set_active_expire(false);
  const auto session = engine.connect();
  bool done = true;
  for (int n = 0; n < 3; ++n)
    done = reply_to(*session, fmt::format("SET otherwise {}\r\n", n)) == "+OK\r\n" && done;
  rest(os, seconds(3));
  if (!done || !engine.aof().active()) return std::nullopt;
  return Served{keyspace_digest(engine.keyspace(), wall_ms_), engine.aof().applied_lsn()};
}

// --- What it is asked for, with a call that fails ---

struct DisturbedStarts::Asked {
  std::vector<std::string_view> requests;
  bool sealed = false;   // a client was told so
  bool removed = false;  // likewise
  bool tried = false;    // to remove it
  // What it held in the end; none: nothing is promised, the log is off.
  std::optional<uint64_t> digest = {};
  uint64_t last = 0;
  bool ended = false;        // it was shut down: nothing is behind that
  std::string refused = {};  // what is asked for behind it all
  uint64_t calls = 0;        // that were made until all was answered
};

// A while from now.
void DisturbedStarts::write_beside(engine::Os& os, engine::Engine& engine,
                                   const std::shared_ptr<Beside>& beside) {
  const auto wait = static_cast<int64_t>(choices_.choose("starts.beside", 0, 4'000));
  const std::shared_ptr<engine::Session> session = engine.connect();
  os.spawn("beside", [&os, session, beside, wait] {
    rest(os, microseconds(wait));
    beside->asked = true;
    (void)reply_to(*session, "SET otherwise beside\r\n");
    beside->answered = true;
  });
}

// Then it is left alone until it has healed, and a write is taken and stays.
void DisturbedStarts::do_job(engine::Os& os, engine::Engine& engine, Asked& asked) {
  engine.set_active_expire(false);
  const auto session = engine.connect();
  const auto ask = [&](std::string_view words) {
    return reply_to(*session, std::string(words) + "\r\n");
  };
  const auto note_state = [&] {
    asked.digest = keyspace_digest(engine.keyspace(), wall_ms_);
    asked.last = engine.aof().applied_lsn();
  };
  auto beside = std::make_shared<Beside>();
  if (asked.requests.front() == kEnd) write_beside(os, engine, beside);
  for (const std::string_view request : asked.requests) {
    if (request == kEnd && engine.shut_down(true).ok()) {
      asked.calls = sim_os_->calls();
      asked.ended = true;
      if (options_.append_only) note_state();
      return;
    }
    if (request == kEnd) break;
    asked.tried |= request.starts_with("BACKUP REMOVE");
    const bool done = !ask(request).starts_with('-');
    if (request.starts_with("BACKUP SEAL")) asked.sealed = done;
    if (request.starts_with("BACKUP REMOVE")) asked.removed = done;
    wait_for_jobs(os, engine);
  }
  asked.calls = sim_os_->calls();
  rest(os, seconds(12));
  if (const std::string reply = ask("SET otherwise 1"); reply != "+OK\r\n")
    asked.refused = "a write, with " + reply;
  if (beside->asked && !beside->answered && asked.refused.empty())
    asked.refused = "a write beside that, which is not answered";
  if (!options_.append_only && ask("SAVE") != "+OK\r\n") return;
  rest(os, seconds(3));
  if (options_.append_only && !engine.aof().active()) return;
  note_state();
  if (asked.requests.front() != kEnd) return;
  asked.ended = engine.shut_down(true).ok();
  if (!asked.ended && asked.refused.empty()) asked.refused = "a shutdown";
}

// A rewrite, a checkpoint, a backup, the log turned off and on, an end.
void DisturbedStarts::judge_failing_job() {
  if (!durable_ || !plain_.started()) return;
  static const std::vector<std::string_view> kJobs[] = {
      {"SAVE"},
      {kEnd},
      // A rule that nothing meets.
      {"CONFIG SET save \"3600 100000\" stop-writes-on-bgsave-error yes", "SAVE"},
      {"BGREWRITEAOF"},
      {"CONFIG SET appendonly no", "CONFIG SET appendonly yes"},
      {"BACKUP START otherwise", "BACKUP SEAL"},
      {"BACKUP START otherwise", "BGREWRITEAOF", "BACKUP SEAL", "BACKUP REMOVE otherwise"},
      {"BACKUP START otherwise", "BACKUP ABORT", "BACKUP START otherwise", "BACKUP SEAL"}};
  constexpr size_t kWithoutLog = 3;  // the first of them
  const size_t jobs = options_.append_only ? std::size(kJobs) : kWithoutLog;
  const auto& requests = kJobs[choices_.choose("starts.job", 0, jobs)];
  const std::string told = fmt::format("with {}", fmt::join(requests, ", "));
  Strike none(choices_);
  uint64_t first = 0, end = 0;
  for (uint64_t draw = 0; draw < 4 && !wrong_; ++draw) {
    const bool crashes = draw == 3;
    const auto call = Strike::draw(none.kinds, first, end, 10 + draw, choices_);
    if (draw != 0 && !call) return;
    Strike strike(choices_, call.value_or(0), crashes);
    Asked asked{requests};
    sim::WorldState copy = *durable_;
    const Came came =
        open(copy, draw == 0 ? &none : &strike,
             [&](engine::Os& os, engine::Engine& engine) { do_job(os, engine, asked); });
    const std::string how = draw == 0 ? told : fmt::format("{}, and {}", told, strike.met);
    if (!came.crashed) expect_same(came, how);
    if (!wrong_ && !asked.refused.empty())
      wrong(Breach::kUnavailable, how, "this is refused then: " + asked.refused);
    if (!wrong_ && !came.crashed && !strike.names) judge_temporaries(copy.disk, how);
    if (wrong_) return;
    if (draw == 0) first = came.calls_of_start, end = asked.calls;
    const bool synced = asked.ended || !options_.append_only ||
                        config_of(settings_).aof.policy != engine::SyncPolicy::kNo;
    copy.disk = (synced || came.crashed) && choices_.choose("starts.cut", draw, 2) == 0
                    ? copy.disk.after_power_cut(choices_, 5 + draw)
                    : copy.disk.after_kill();
    if (came.crashed) disturb_start(copy);
    judge_after(copy, asked, how);
  }
}

// What failed is not left where it takes space.
void DisturbedStarts::judge_temporaries(const sim::Disk& disk, const std::string& told) {
  const bool lay = durable_->disk.lookup(engine::kCheckpointTemporary).ok();  // of an earlier life
  if (!lay && disk.lookup(engine::kCheckpointTemporary).ok())
    return wrong(Breach::kUntrue, told, "half a checkpoint lies about");
  const auto manifest = log_manifest(disk);
  const auto names = disk.list(engine::kAofDirectory);
  if (!options_.append_only || !manifest || !names.ok()) return;
  if (!manifest->history.empty()) return;  // another server's files stay
  for (const std::string& name : *names)
    if (name.ends_with(".base.rdb") && !manifest->names(name))
      return wrong(Breach::kUntrue, told, name + " lies about");
}

// The start behind a crash has a call that fails; whatever it comes to, the next one has none.
void DisturbedStarts::disturb_start(sim::WorldState& world) {
  sim::WorldState undisturbed = world;
  Strike none(choices_);
  const Came came = open(undisturbed, &none);
  const auto call = Strike::draw(none.kinds, 0, came.calls, 20, choices_);
  if (!call) return;
  Strike strike(choices_, *call, false);
  (void)open(world, &strike);
  world.disk = choices_.choose("starts.cut", 20, 2) == 0 ? world.disk.after_power_cut(choices_, 20)
                                                         : world.disk.after_kill();
}

// The state, and the backups: those there were, and the one that was asked for, whole or gone.
void DisturbedStarts::judge_after(sim::WorldState& world, const Asked& asked,
                                  const std::string& told) {
  const Came before = std::exchange(plain_, open(world, nullptr));
  if (!plain_.started()) wrong(Breach::kNoStart, "behind one " + told, plain_.text());
  const uint64_t digest = asked.digest.value_or(before.digest);
  const uint64_t last = asked.digest ? asked.last : before.report.last_lsn;
  const bool promised = asked.digest || asked.calls == 0;
  if (!wrong_ && promised && (plain_.digest != digest || plain_.report.last_lsn != last))
    wrong(Breach::kLost, "behind one " + told,
          fmt::format("{}, and it held operation {}{}", plain_.text(), last,
                      plain_.digest == digest ? "" : "; the states differ"));
  world.disk = world.disk.after_kill();
  if (!wrong_) judge_litter(world);
  plain_ = before;
  if (wrong_) return;
  const auto found = expect_backups(durable_->disk, world.disk, "behind one " + told);
  if (wrong_) return;
  const FoundBackup* own = backup_of(found, "otherwise");
  const auto bad = [&](std::string why) { wrong(Breach::kBackup, "behind one " + told, why); };
  if (own == nullptr && asked.sealed && !asked.tried) return bad("the sealed backup is not there");
  if (own != nullptr && asked.removed) return bad("the backup that was removed is there");
  if (own == nullptr) return;
  if (!own->sealed || !own->trouble.empty())
    return bad("half a backup is left" + (own->trouble.empty() ? "" : ": " + own->trouble));
  const auto& state = own->states.front();
  if (state.lsn != plain_.report.last_lsn || state.digest != plain_.digest)
    bad(fmt::format("the backup goes to operation {}, and is not what the store held", state.lsn));
}

std::optional<Violation> DisturbedStarts::judge() {
  judge_orphan();
  if (!wrong_) judge_failing_call();
  if (!wrong_) judge_full_start();
  if (!wrong_) judge_failing_job();
  return wrong_;
}

}  // namespace

std::optional<Violation> judge_disturbed_starts(const CopiedStarts& as) {
  return DisturbedStarts(as).judge();
}

}  // namespace powercut::scenarios
