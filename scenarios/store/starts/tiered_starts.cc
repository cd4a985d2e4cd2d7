#include "scenarios/store/starts/tiered_starts.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/backup/restore.h"
#include "engine/engine.h"
#include "engine/tier/archive.h"
#include "engine/tier/cold_record.h"
#include "scenarios/judge/file_content.h"
#include "scenarios/judge/looked_at_os.h"
#include "scenarios/store/keyspace/cold_hashes.h"
#include "scenarios/store/keyspace/digest.h"
#include "scenarios/store/starts/copied_starts.h"
#include "scenarios/store/starts/many_changes.h"
#include "scenarios/store/starts/strike.h"
#include "sim/sim_object_store.h"

namespace powercut::scenarios {

namespace {

constexpr std::string_view kEndTiered = "SHUTDOWN";

// Nothing fails, and what is sent takes its time.
constexpr sim::Weather kSlowBucket{milliseconds(1), milliseconds(60), {}, {}, 0};

// The n-th sync of the cold tier's files, or of its folder, fails.
class ColdSyncFails final : public sim::Injector {
 public:
  explicit ColdSyncFails(uint64_t number) : number_(number) {}
  sim::Injection on_call(const sim::SeamCall& call) override {
    const bool syncs = call.op == sim::Op::kSync || call.op == sim::Op::kSyncDirectory;
    sim::Injection injection;
    if (!serves || !syncs || !call.path.starts_with(kColdFolder) || seen_++ != number_)
      return injection;
    met = fmt::format("a failed sync of {}", call.path);
    injection.error = Errc::kIo;
    if (on_met) on_met();
    return injection;
  }
  bool serves = false;  // until then nothing fails
  std::function<void()> on_met;
  std::string met;

 private:
  const uint64_t number_;
  uint64_t seen_ = 0;
};

class TieredStarts final : CopiedStarts {
 public:
  TieredStarts(const sim::WorldState& world, const sim::Settings& settings, Tiers tiers,
               sim::Choices& choices)
      : CopiedStarts(world, settings, choices), tiers_(tiers), durable_(world) {
    durable_.disk = world.disk.after_power_cut(choices, 1);
  }
  TargetType::OtherStarts judge();

 private:
  // What it held when it was left.
  struct Held {
    std::vector<std::string_view> requests;
    uint64_t digest = 0;
    uint64_t last = 0;
    bool known = false;
    bool ended = false;   // it was shut down
    bool sealed = false;  // a client was told so
    bool tried = false;   // to remove a backup
    std::string wrong = {};
    uint64_t calls = 0;
  };

  Came open_tiered(sim::WorldState& world, sim::Injector* injector, Held* held = nullptr,
                   bool calm = false);
  void note(Held& held);
  void leave_alone(engine::Os& os, engine::Session& session, Held& held);
  void do_job(engine::Os& os, Held& held, bool calm);
  void judge_said(engine::Os& os, std::string_view info, Held& held);
  void judge_again(sim::WorldState& world, const std::string& told);
  void judge_failing_call();
  void judge_failing_job();
  void judge_left(sim::WorldState& world, const Held& held, const std::string& told);
  void judge_backups(const sim::WorldState& world, const Held& held, const std::string& told);
  void judge_restore();
  void judge_failure_told();
  void judge_backup_amid_moves();
  void judge_dispute();
  void change_much(engine::Os& os, ManyChanges& changes, bool fails, Held& held,
                   std::string& story);
  void judge_changes();

  const Tiers tiers_;
  sim::WorldState durable_;  // as a power cut may leave the world
  std::unique_ptr<sim::SimObjectStore> bucket_;
  std::unique_ptr<ColdHashes> cold_;
  std::vector<FoundBackup::State> states_;
  std::function<void(engine::Os& os)> then_;  // what a start does before it ends
};

// --- One start ---

Came TieredStarts::open_tiered(sim::WorldState& world, sim::Injector* injector, Held* held,
                               bool calm) {
  return in_world(world, injector, [&](engine::Os& os, Came& came) {
    cold_ = std::make_unique<ColdHashes>();
    bucket_ = std::make_unique<sim::SimObjectStore>(os, kSlowBucket);
    bucket_->set_fine(true);
    auto made = engine::Engine::make(os, tiered_config_of(settings_, tiers_));
    if (tiers_ == Tiers::kArchived) made->set_object_store(bucket_.get());
    engine_ = std::move(made);
    if (const auto loaded = engine_->load(); !loaded.ok()) {
      came.refusal = loaded.error();
      return;
    }
    engine_->set_active_expire(false);
    engine_->keyspace().add_observer(cold_.get());
    came.report = engine_->recovery();
    const auto read = cold_->read(engine_->keyspace(), engine_->tier()->folder());
    if (!read.ok()) {
      came.refusal = read.error();
      return;
    }
    came.digest = keyspace_digest(engine_->keyspace(), wall_ms_, cold_.get());
    came.calls_of_start = sim_os_->calls();  // with what the judge has read
    if (held != nullptr) do_job(os, *held, calm);
    if (then_) then_(os);
  });
}

void TieredStarts::note(Held& held) {
  held.digest = keyspace_digest(engine_->keyspace(), wall_ms_, cold_.get());
  held.last = engine_->aof().applied_lsn();
  held.known = engine_->aof().active();
}

// Until it has healed: then a write is taken.
void TieredStarts::leave_alone(engine::Os& os, engine::Session& session, Held& held) {
  held.calls = sim_os_->calls();
  rest(os, seconds(12));
  if (const auto reply = reply_to(session, "SET otherwise 1\r\n"); reply != "+OK\r\n")
    held.wrong = "a write is refused, with " + reply;
  rest(os, seconds(3));
}

void TieredStarts::do_job(engine::Os& os, Held& held, bool calm) {
  const auto session = engine_->connect();
  const auto ask = [&](std::string_view words) {
    return reply_to(*session, std::string(words) + "\r\n");
  };
  for (const std::string_view request : held.requests) {
    if (request == kEndTiered) {
      held.ended = engine_->shut_down(true).ok();
      held.calls = sim_os_->calls();
      if (held.ended) return note(held);
      break;
    }
    held.tried |= request.starts_with("BACKUP REMOVE");
    const bool done = !ask(request).starts_with('-');
    if (request.starts_with("BACKUP SEAL")) held.sealed = done;
    wait_for_jobs(os, *engine_);
  }
  leave_alone(os, *session, held);
  note(held);
  if (calm) judge_said(os, ask("INFO persistence"), held);
}

// What it says of its tiers is what lies there. Nothing has failed, and nothing moves any more.
void TieredStarts::judge_said(engine::Os& os, std::string_view info, Held& held) {
  const auto said = [&](std::string_view field) -> uint64_t {
    const size_t at = info.find(fmt::format("\n{}:", field));
    return at == info.npos ? 0 : std::stoull(std::string(info.substr(at + field.size() + 2, 20)));
  };
  uint64_t bytes = 0;
  const auto names = os.list(kColdFolder);
  for (size_t i = 0; names.ok() && i < names->size(); ++i) {
    if (!(*names)[i].ends_with(".cold")) continue;
    const auto file = os.open(fmt::format("{}/{}", kColdFolder, (*names)[i]), engine::Open::kRead);
    if (!file.ok()) continue;
    const auto size = (*file)->size();
    bytes += size.ok() ? *size : 0;
  }
  const uint64_t here = said("cold_bytes") - said("archive_bytes");
  if (here != bytes && held.wrong.empty())
    held.wrong = fmt::format(
        "INFO says that segments of {} bytes lie on the disk, and there are {} bytes", here, bytes);
}

// --- Starts ---

void TieredStarts::judge_again(sim::WorldState& world, const std::string& told) {
  for (int i = 0; i < 2 && !wrong_; ++i) {
    world.disk = world.disk.after_kill();
    expect_same(open_tiered(world, nullptr), told);
  }
}

void TieredStarts::judge_failing_call() {
  sim::WorldState undisturbed = durable_;
  Strike none(choices_);
  (void)open_tiered(undisturbed, &none);
  judge_again(undisturbed, "once more");
  for (uint64_t draw = 0; draw < 2 && !wrong_; ++draw) {
    const auto call = Strike::draw(none.kinds, 0, plain_.calls, draw, choices_);
    if (!call) return;
    Strike strike(choices_, *call, false);
    sim::WorldState copy = durable_;
    const Came came = open_tiered(copy, &strike);
    const std::string told = "with " + strike.met;
    if (!came.died.empty() || !came.refusal)
      expect_same(came, told);
    else if (came.refusal->message.empty())
      wrong(Breach::kUntrue, told, "it refuses without a word");
    if (draw == 1) copy.disk = copy.disk.after_power_cut(choices_, 3);
    judge_again(copy, "behind one " + told);
  }
}

void TieredStarts::judge_failing_job() {
  static const std::vector<std::string_view> kJobs[] = {
      {"BGREWRITEAOF"},
      {"DEL otherwise", "BGREWRITEAOF", "BGREWRITEAOF"},
      {"FLUSHDB", "SET otherwise 2", "BGREWRITEAOF"},
      {"BACKUP START otherwise", "BACKUP SEAL"},
      {"BGREWRITEAOF", "BACKUP START otherwise", "BACKUP SEAL"},
      {"BACKUP START otherwise", "BGREWRITEAOF", "BACKUP SEAL"},
      {"BACKUP START otherwise", "BGREWRITEAOF", "BACKUP SEAL", "BACKUP REMOVE otherwise"},
      {kEndTiered}};
  const auto& requests = kJobs[choices_.choose("starts.job", 0, std::size(kJobs))];
  const std::string told = fmt::format("with {}", fmt::join(requests, ", "));
  Strike none(choices_);
  uint64_t first = 0, end = 0;
  for (uint64_t draw = 0; draw < 4 && !wrong_; ++draw) {
    const auto call = Strike::draw(none.kinds, first, end, 10 + draw, choices_);
    if (draw != 0 && !call) return;
    Strike strike(choices_, call.value_or(0), draw == 3);
    Held held{requests};
    sim::WorldState copy = durable_;
    const Came came = open_tiered(copy, draw == 0 ? &none : &strike, &held, draw == 0);
    const std::string how = draw == 0 ? told : fmt::format("{}, and {}", told, strike.met);
    if (!came.crashed) expect_same(came, how);
    if (!wrong_ && !came.crashed && !held.wrong.empty()) wrong(Breach::kUntrue, how, held.wrong);
    if (wrong_) return;
    if (draw == 0) first = came.calls_of_start, end = held.calls;
    const bool synced = held.ended || config_of(settings_).aof.policy != engine::SyncPolicy::kNo;
    copy.disk = synced && choices_.choose("starts.cut", draw, 2) == 0
                    ? copy.disk.after_power_cut(choices_, 5 + draw)
                    : copy.disk.after_kill();
    judge_left(copy, held, how);
  }
}

void TieredStarts::judge_left(sim::WorldState& world, const Held& held, const std::string& told) {
  const Came came = open_tiered(world, nullptr);
  const std::string behind = "behind one " + told;
  if (!came.started()) return wrong(Breach::kNoStart, behind, came.text());
  if (held.known && (came.digest != held.digest || came.report.last_lsn != held.last))
    return wrong(Breach::kLost, behind,
                 fmt::format("{}, and it held operation {}{}", came.text(), held.last,
                             came.digest == held.digest ? "" : "; the states differ"));
  const Came before = std::exchange(plain_, came);
  judge_again(world, behind + ", once more");
  if (!wrong_ && held.calls != 0) judge_backups(world, held, behind);
  plain_ = before;
}

void TieredStarts::judge_backups(const sim::WorldState& world, const Held& held,
                                 const std::string& told) {
  const auto found = expect_backups(durable_.disk, world.disk, told);
  if (wrong_) return;
  const FoundBackup* own = backup_of(found, "otherwise");
  if (held.sealed && !held.tried && (own == nullptr || !own->sealed || !own->trouble.empty()))
    wrong(Breach::kBackup, told,
          own == nullptr ? "the sealed backup is not there"
                         : "the sealed backup is not whole: " + own->trouble);
}

// While values leave, a base is written, and is written anew; by two clients at once.
void TieredStarts::change_much(engine::Os& os, ManyChanges& changes, bool fails, Held& held,
                               std::string& story) {
  const auto session = engine_->connect();
  changes.lay_out(*session);
  bucket_->set_fine(false);
  const auto change = [&, fails](engine::Session& by, uint64_t who) {
    constexpr int kChanges = 12;
    for (int n = 0; n < kChanges; ++n) {
      if (n % 6 == 2) (void)reply_to(by, "BGREWRITEAOF\r\n");
      const std::string said = changes.say(by);
      if (story.size() < 500) story += (story.empty() ? "" : ", ") + said;
      if (!fails && changes.replies().find("-IOERR") != std::string::npos)
        held.wrong = "nothing fails, and a value is not had: " + said;
      const uint64_t number = 100 * who + static_cast<uint64_t>(n);
      if (choices_.choose("starts.rests", number, 2) == 0)
        rest(os, microseconds(
                     static_cast<int64_t>(100 + choices_.choose("starts.rest", number, 4'000))));
    }
  };
  bool changed = false;
  os.spawn("changes", [&] {
    change(*engine_->connect(), 1);
    changed = true;
  });
  change(*session, 0);
  while (!changed) rest(os, milliseconds(1));
  bucket_->set_fine(true);
  leave_alone(os, *session, held);
  const engine::KeeperStats& stats = engine_->keeper().stats();
  const uint64_t rewrites = stats.rewrites;
  (void)reply_to(*session, "BGREWRITEAOF\r\n");
  wait_for_jobs(os, *engine_);
  if (stats.rewrites == rewrites && held.wrong.empty()) held.wrong = "a rewrite is not made";
  note(held);
}

// Once as it goes, and once with a call that fails.
void TieredStarts::judge_changes() {
  Strike none(choices_);
  uint64_t first = 0, end = 0;
  for (uint64_t draw = 0; draw < 2 && !wrong_; ++draw) {
    const auto call = Strike::draw(none.kinds, first, end, 60 + draw, choices_);
    if (draw != 0 && !call) return;
    Strike strike(choices_, call.value_or(0), false);
    sim::WorldState copy = durable_;
    Held held;
    std::string story;
    uint64_t next = 0;
    ManyChanges changes([&](Site site, uint64_t n) { return choices_.choose(site, next++, n); });
    then_ = [&](engine::Os& os) { change_much(os, changes, draw != 0, held, story); };
    const Came came = open_tiered(copy, draw == 0 ? &none : &strike);
    then_ = {};
    const std::string told =
        fmt::format("where clients say {}{}{}", story, draw == 0 ? "" : ", with ", strike.met);
    expect_same(came, told);
    if (!wrong_ && !held.wrong.empty()) wrong(Breach::kUnavailable, told, held.wrong);
    if (wrong_) return;
    first = came.calls_of_start;
    end = std::exchange(held.calls, 0);
    const bool synced = config_of(settings_).aof.policy != engine::SyncPolicy::kNo;
    copy.disk = synced && choices_.choose("starts.cut", 60 + draw, 2) == 0
                    ? copy.disk.after_power_cut(choices_, 60 + draw)
                    : copy.disk.after_kill();
    judge_left(copy, held, told);
  }
}

// Up to any entry, and to none that is not there. What lies in an archive a tool does not reach.
void TieredStarts::judge_restore() {
  const uint64_t last = plain_.report.last_lsn;
  const uint64_t first = last - std::min(last, plain_.report.entries);
  const uint64_t lsn = first + choices_.choose("starts.restored", 0, last - first + 1);
  for (const uint64_t to : {lsn, last + 1}) {
    sim::WorldState copy = durable_;
    const Came came = in_world(copy, nullptr, [&](engine::Os& os, Came& one) {
      engine::Keyspace keyspace;
      if (const auto restored = engine::load_state(os, keyspace, {to, {}}); !restored.ok())
        one.refusal = restored.error();
      one.digest = keyspace_digest(keyspace, wall_ms_);
    });
    const std::string told = fmt::format("restored to operation {}", to);
    if (!came.died.empty()) return wrong(Breach::kDies, told, came.text());
    if (came.refusal && tiers_ == Tiers::kArchived &&
        came.refusal->message.find("archive") != std::string::npos)
      return;
    if (to <= last && came.refusal) return wrong(Breach::kNoStart, told, came.text());
    if (to > last && !came.refusal)
      return wrong(Breach::kUntrue, told, fmt::format("it is done, and there are {}", last));
    if (to <= last) states_.push_back({to, came.digest});
  }
}

// --- What fails beside the log, and what is wanted amid a move ---

// While the log has bytes that are not synced, a sync of the tier's that fails may have taken them with it.
void TieredStarts::judge_failure_told() {
  if (config_of(settings_).aof.policy == engine::SyncPolicy::kAlways) return;
  ColdSyncFails fails(choices_.choose("starts.cold_sync", 0, 10));
  std::string untold;
  then_ = [&](engine::Os& os) {
    fails.serves = true;
    const auto session = engine_->connect();
    const engine::AofLog& log = engine_->aof();
    const uint64_t heals = engine_->keeper().stats().heals;
    // What is written behind that is not in question.
    uint64_t written = 0;
    fails.on_met = [&] { written = log.written_lsn(); };
    for (uint64_t n = 0, behind = 0; n < 80 && behind < 10; ++n) {
      session->feed(fmt::format("SET told:{} {}\r\n", n % 6, std::string(90, 'x')));
      rest(os, milliseconds(3));
      behind += fails.met.empty() ? 0 : 1;
    }
    fails.on_met = {};
    const bool distrusted = log.poisoned() || engine_->keeper().stats().heals != heals;
    if (!fails.met.empty() && log.active() && log.synced_lsn() < written && !distrusted)
      untold =
          fmt::format("it is behind {}, and its log, of which operation {} is not synced, goes on",
                      fails.met, written);
  };
  sim::WorldState copy = durable_;
  const Came came = open_tiered(copy, &fails);
  then_ = {};
  const std::string told = "whose cold tier meets a failed sync";
  if (!came.died.empty()) return wrong(Breach::kDies, told, came.text());
  if (!untold.empty()) wrong(Breach::kUntrue, told, untold);
}

// A backup is begun and sealed while segments leave for the archive, which takes its time.
void TieredStarts::judge_backup_amid_moves() {
  Held held;
  then_ = [&](engine::Os& os) {
    const auto session = engine_->connect();
    const auto say = [&](std::string_view words) {
      return reply_to(*session, std::string(words) + "\r\n");
    };
    bucket_->set_fine(false);
    for (uint64_t n = 0; n < 12 && held.wrong.empty(); ++n) {
      for (uint64_t i = 0; i < 3; ++i)
        (void)say(fmt::format("SET moved:{} {}", i, std::string(60 + 10 * n, 'x')));
      const bool begins = n % 4 == 1;
      rest(os, milliseconds(static_cast<int64_t>(choices_.choose("starts.amid", n, 60))));
      if (choices_.choose("starts.rewrites", n, 3) == 0) (void)say("BGREWRITEAOF");
      if (!begins) continue;
      for (const std::string_view words :
           {"BACKUP START amid", "BACKUP SEAL", "BACKUP REMOVE amid"}) {
        rest(os, milliseconds(static_cast<int64_t>(choices_.choose("starts.between", n, 40))));
        if (n == 9 && words == "BACKUP REMOVE amid") break;  // the last stays
        const std::string reply = say(words);
        if (reply.starts_with('-') && held.wrong.empty())
          held.wrong = fmt::format("nothing fails, and {} is answered {}", words,
                                   reply.substr(0, reply.find('\r')));
      }
    }
    bucket_->set_fine(true);
  };
  sim::WorldState copy = durable_;
  const Came came = open_tiered(copy, nullptr);
  then_ = {};
  const std::string told = "with backups while segments move";
  expect_same(came, told);
  if (!wrong_ && !held.wrong.empty()) wrong(Breach::kBackup, told, held.wrong);
  if (wrong_) return;
  const auto found = expect_backups(durable_.disk, copy.disk, told);
  const FoundBackup* own = backup_of(found, "amid");
  if (own == nullptr || !own->sealed || !own->trouble.empty())
    wrong(Breach::kBackup, told, "the sealed backup is not whole");
}

// A segment's file is damaged, and its note stands: it has been sent, or was about to be. Where no object is, the file is all
// there is.
void TieredStarts::judge_dispute() {
  if (tiers_ != Tiers::kArchived) return;
  sim::WorldState base = durable_;
  if (!open_tiered(base, nullptr).started()) return;
  base.disk = base.disk.after_kill();
  auto names = base.disk.list(kColdFolder);
  if (!names.ok()) return;
  std::erase_if(*names, [](const std::string& name) { return !name.ends_with(".cold"); });
  if (names->empty()) return;
  const std::string& name = (*names)[choices_.choose("starts.disputed", 0, names->size())];
  const std::string path = fmt::format("{}/{}", kColdFolder, name);
  const std::string whole = file_content(base.disk, path).value_or("");
  if (whole.size() < 16) return;
  const uint64_t sequence = std::stoull(name);
  const uint64_t nonce = engine::from_little(std::string_view(whole).substr(8, 8));
  std::string key, damaged = whole;
  damaged[choices_.choose("starts.disputed", 1, damaged.size())] ^= 1;
  const auto in_archive = [&](const std::function<bool(engine::Archive & archive)>& body) {
    bool done = false;
    (void)in_world(base, nullptr, [&](engine::Os& os, Came&) {
      sim::SimObjectStore bucket(os, kSlowBucket);
      bucket.set_fine(true);
      engine::Archive archive(os, std::string(kColdFolder), bucket, std::string(kBucketUrl));
      done = body(archive);
    });
    return done;
  };
  const auto forget = [&](engine::Archive& archive) {
    constexpr std::string_view kBucket = "s3://bucket/";
    key = archive.object_of(sequence, nonce).substr(kBucket.size());
    return archive.remove(sequence, nonce).ok();
  };
  if (!in_archive(forget)) return;
  put(base.disk, path, damaged);
  sim::WorldState alone = base;
  if (!open_tiered(alone, nullptr).refusal) return;  // nobody misses what is damaged
  const bool sent = choices_.choose("starts.disputed", 2, 2) == 0;
  if (!in_archive([&](auto& archive) {
        return archive.write_note(sequence, nonce, whole).ok() &&
               (!sent || archive.send(sequence, nonce, whole).ok());
      }))
    return;
  then_ = [](engine::Os& os) { rest(os, seconds(2)); };
  const Came came = open_tiered(base, nullptr);
  then_ = {};
  const std::string told = fmt::format("where {} is damaged and noted, and {}", path,
                                       sent ? "was sent" : "was not sent");
  if (sent) return expect_same(came, told);
  if (!came.died.empty()) return wrong(Breach::kDies, told, came.text());
  // It may have been sent as it is.
  const auto object = file_content(base.disk, sim::SimObjectStore::path_of(key));
  if (file_content(base.disk, path) != damaged && object != damaged)
    wrong(Breach::kUntrue, told, "what was left of it is gone");
}

TargetType::OtherStarts TieredStarts::judge() {
  sim::WorldState copy = durable_;
  plain_ = open_tiered(copy, nullptr);
  if (!plain_.started() || plain_.report.dropped_corruption) return {};  // is judged elsewhere
  judge_failing_call();
  if (!wrong_) judge_failing_job();
  if (!wrong_) judge_restore();
  if (!wrong_) judge_failure_told();
  if (!wrong_) judge_backup_amid_moves();
  if (!wrong_)
    judge_removal(durable_, [this](sim::WorldState& world, sim::Injector* injector, auto requests) {
      Held held{std::move(requests)};
      const Came came = open_tiered(world, injector, &held);
      return Answered{came, held.sealed, held.calls};
    });
  if (!wrong_) judge_dispute();
  if (!wrong_) judge_changes();
  return {wrong_, states_, wall_ms_};
}

}  // namespace

TargetType::OtherStarts tiered_starts_of_store(const sim::WorldState& world,
                                               const sim::Settings& settings, Tiers tiers,
                                               sim::Choices& choices) {
  return TieredStarts(world, settings, tiers, choices).judge();
}

}  // namespace powercut::scenarios
