#include "scenarios/store/starts/other_starts.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/aof/format.h"
#include "engine/aof/manifest.h"
#include "engine/aof/replace.h"
#include "engine/backup/restore.h"
#include "engine/base/decimal.h"
#include "engine/checkpoint/rdb_decode.h"
#include "engine/engine.h"
#include "scenarios/judge/file_content.h"
#include "scenarios/judge/looked_at_os.h"
#include "scenarios/store/keyspace/digest.h"
#include "scenarios/store/starts/asked_starts.h"
#include "scenarios/store/starts/backup_words.h"
#include "scenarios/store/starts/client_starts.h"
#include "scenarios/store/starts/copied_starts.h"
#include "scenarios/store/starts/counted_starts.h"
#include "scenarios/store/starts/disturbed_starts.h"
#include "scenarios/store/starts/expired_starts.h"
#include "scenarios/store/starts/foreign_starts.h"
#include "scenarios/store/starts/library_starts.h"
#include "scenarios/store/starts/one_go_starts.h"
#include "scenarios/store/starts/sent_starts.h"
#include "scenarios/store/starts/shown_starts.h"
#include "scenarios/store/starts/timed_starts.h"
#include "scenarios/store/starts/walked_starts.h"

namespace powercut::scenarios {

namespace {

using engine::OnCorruption;
using engine::OnNewer;
using engine::RecoveryOptions;

// With one key, of a version without a checksum, by a server that has no numbers.
constexpr std::string_view kForeign("REDIS0003\0\1k\1v\xff", 15);

class OtherStarts final : CopiedStarts {
 public:
  using CopiedStarts::CopiedStarts;
  TargetType::OtherStarts judge();

 private:
  void read_files();
  void judge_report();
  void judge_options();
  void judge_time_limit();
  void judge_progress();
  void judge_careful();
  void judge_beside_log();
  void judge_without_log();
  void judge_log_turned_on();
  void judge_restore();
  void judge_restore_beyond(uint64_t lsn);
  void judge_restore_to_second();
  void judge_restore_before(int64_t second);
  void judge_restore_to_any_second();
  void judge_restore_to(const sim::WorldState& world, int64_t second,
                        std::optional<uint64_t> wanted);

  std::vector<FoundBackup::State> states_;  // that were restored
  // What else lies there.
  bool closed_ = false;  // the log ends with the mark of a clean end
  std::optional<std::string> checkpoint_;
  std::optional<engine::RdbInfo> says_;  // that checkpoint of itself
};

// --- What lies there ---

void OtherStarts::read_files() {
  const sim::Disk& disk = world_.disk;
  checkpoint_ = file_content(disk, engine::kCheckpointName);
  if (checkpoint_) {
    LookedAtOs os(disk, 0);
    const auto file = os.open(engine::kCheckpointName, engine::Open::kRead);
    if (auto info = engine::peek_rdb(**file, engine::kCheckpointName); info.ok())
      says_ = std::move(*info);
  }
  if (!manifest_ || manifest_->segments.empty()) return;
  const auto log = file_content(disk, engine::in_aof_directory(manifest_->segments.back().name));
  const size_t mark = log ? log->rfind("#pc ") : std::string::npos;
  closed_ = mark != std::string::npos && log->compare(mark, 11, "#pc closed ") == 0 &&
            log->find("\r\n", mark) + 2 == log->size();
}

// What it says of itself.
void OtherStarts::judge_report() {
  const engine::RecoveryReport& report = plain_.report;
  const auto untrue = [&](std::string why) { wrong(Breach::kUntrue, "as usual", why); };
  if (report.summary().empty()) untrue("it has no summary");
  if (!options_.append_only || !manifest_ || report.dropped_corruption) return;
  if (ours_ && manifest_->base && !report.base_unix_s) untrue("its base has no date");
  if (manifest_->base && report.base != manifest_->base->name)
    untrue(fmt::format("it says that its base is '{}'", report.base));
  if (report.segments != manifest_->segments.size())
    untrue(fmt::format("it says that there are {} segments", report.segments));
  const uint64_t from = manifest_->base ? manifest_->base->lsn.value_or(0) : 0;
  if (ours_ && report.last_lsn != from + report.entries)
    untrue(fmt::format("{} entries behind {} are not {}", report.entries, from, report.last_lsn));
  if (manifest_->base && manifest_->base->keys && *manifest_->base->keys != report.base_keys)
    untrue(fmt::format("its base has {} keys", report.base_keys));
  if (closed_ && report.dropped_bytes != 0)
    untrue(fmt::format("{} bytes are dropped behind a clean end", report.dropped_bytes));
}

// --- Told otherwise ---

void OtherStarts::judge_options() {
  RecoveryOptions options = options_;
  options.on_corruption = OnCorruption::kTruncate;
  expect_same(start_on_copy(options), "that may give up damage, where there is none");

  options = options_;
  options.drops_torn_end = false;
  if (plain_.report.dropped_bytes != 0)
    expect_refusal(options, {}, "that drops no torn end", "nothing was changed", world_.disk);
  else
    expect_same(start_on_copy(options), "that drops no torn end, where there is none");
}

void OtherStarts::judge_time_limit() {
  RecoveryOptions options = options_;
  options.time_limit = kStartLimit;
  expect_same(start_on_copy(options), "that has time enough");
  options.time_limit = nanoseconds(1);
  if (!plain_.report.base.empty())
    expect_refusal(options, {}, "that has no time", "longer than its limit", world_.disk);
}

void OtherStarts::judge_progress() {
  engine::LoadProgress progress;
  RecoveryOptions options = options_;
  options.progress = &progress;
  expect_same(start_on_copy(options), "that others look on");
  if (!options_.append_only || !manifest_) return;
  const auto size = [&](const engine::ManifestFile& file) -> uint64_t {
    const auto inode = world_.disk.lookup(engine::in_aof_directory(file.name));
    return inode.ok() ? world_.disk.size(*inode) : 0;
  };
  uint64_t total = manifest_->base ? size(*manifest_->base) : 0;
  for (const engine::ManifestFile& file : manifest_->segments) total += size(file);
  if (progress.total_bytes != total)
    wrong(Breach::kUntrue, "that others look on",
          fmt::format("of {} bytes it says that there are {}", total, progress.total_bytes));
  if (progress.loaded_bytes > progress.total_bytes)
    wrong(Breach::kUntrue, "that others look on",
          fmt::format("it has loaded {} of {} bytes", progress.loaded_bytes, total));
}

// As a process starts it: nothing newer is passed over.
void OtherStarts::judge_careful() {
  RecoveryOptions options = options_;
  options.on_newer = OnNewer::kRefuse;
  if (!options_.append_only || !manifest_ || !ours_ || single_) return;
  const bool numbered = says_ && says_->lsn() && says_->keys > 0;
  const uint64_t last = plain_.report.last_lsn;
  if (checkpoint_ && !numbered && says_ && says_->keys > 0 && last == 0) return;  // by date alone
  const bool ahead = numbered && *says_->lsn() > last;
  const bool certain = plain_.report.dropped_bytes == 0;
  if (ahead && closed_ && certain)
    return expect_refusal(options, {}, "that passes over nothing newer", engine::kCheckpointName,
                          world_.disk);
  if (ahead && !certain) return;
  const Came came = start_on_copy(options);
  expect_same(came, "that passes over nothing newer");
  if (!wrong_ && came.report.checkpoint_ahead != ahead)
    wrong(Breach::kUntrue, "that passes over nothing newer",
          fmt::format("the checkpoint is {}ahead of the log", ahead ? "" : "not "));
}

// Something of another server's lies beside our log: its date counts.
void OtherStarts::judge_beside_log() {
  if (!options_.append_only || !manifest_ || !ours_ || single_ || checkpoint_) return;
  RecoveryOptions options = options_;
  options.on_newer = OnNewer::kRefuse;
  const bool empty = plain_.report.last_lsn == 0 && plain_.report.base_keys == 0;
  const std::pair<std::string, std::string_view> cases[] = {
      {std::string(engine::kCheckpointName), kForeign},
      {std::string(engine::kSingleLog), kOneCommand}};
  for (const auto& [name, bytes] : cases) {
    sim::Disk disk = world_.disk;
    put(disk, name, bytes);
    expect_refusal(options, {{name, kDate + 1}}, "beside a newer file of another server", name,
                   disk);
    if (empty) continue;
    sim::WorldState copy = world_;
    copy.disk = std::move(disk);
    const Came came = start(copy, options, {{name, kDate - 1}});
    expect_same(came, "beside an older file of another server");
    if (!wrong_ && came.report.passed_over.find(name) == std::string::npos)
      wrong(Breach::kUntrue, "beside an older file of another server",
            "it does not say that it passes that over");
  }
}

// The log is turned off: a checkpoint is read, or the log where there is none.
void OtherStarts::judge_without_log() {
  if (!options_.append_only || !manifest_) return;
  RecoveryOptions options = options_;
  options.append_only = false;
  if (!checkpoint_) {
    sim::WorldState copy = world_;
    const auto before = data_of(copy.disk);
    const Came came = start(copy, options);
    expect_same(came, "without the log, which is all there is");
    if (wrong_) return;
    if (!came.report.log_beside)
      wrong(Breach::kUntrue, "without the log", "it does not say that it has read one");
    if (data_of(copy.disk) != before)
      wrong(Breach::kUntrue, "without the log", "it has changed files that it leaves as they are");
    return;
  }
  if (!says_ || single_) return;
  options.on_newer = OnNewer::kRefuse;
  const auto lsn = says_->lsn();
  const bool newer = lsn && plain_.report.last_lsn > *lsn;
  if (newer && ours_)
    return expect_refusal(options, {}, "without the log, which is newer", "the log in",
                          world_.disk);
  if (!lsn || !ours_ || plain_.report.dropped_bytes != 0) return;
  const Came came = start_on_copy(options);
  if (!came.started())
    return wrong(Breach::kNoStart, "without the log, which is older", came.text());
  if (came.report.last_lsn != *lsn || came.report.passed_over.empty())
    wrong(Breach::kUntrue, "without the log, which is older",
          came.text() + ", or does not say what it passes over");
}

// A store without a log is started with one: it begins with the checkpoint.
void OtherStarts::judge_log_turned_on() {
  if (options_.append_only || manifest_ || !checkpoint_) return;
  RecoveryOptions options = options_;
  options.append_only = true;
  expect_same(start_on_copy(options), "with the log, which there was not");
}

// --- Restored ---

// Up to any entry; and into another directory, from which a store starts.
void OtherStarts::judge_restore() {
  if (!options_.append_only || (!manifest_ && !single_)) return;
  const uint64_t last = plain_.report.last_lsn;
  const uint64_t first = last - std::min(last, plain_.report.entries);
  const uint64_t lsn = first + choices_.choose("starts.restored", 0, last - first + 1);
  sim::WorldState copy = world_;
  engine::Keyspace keyspace;
  std::string why;
  const Came came = in_world(copy, nullptr, [&](engine::Os& os, Came& to) {
    const auto restored = engine::load_state(os, keyspace, {lsn, {}});
    if (!restored.ok()) {
      to.refusal = restored.error();
      return;
    }
    to.digest = keyspace_digest(keyspace, wall_ms_);
    const bool knows_first =
        !ours_ || restored->first_lsn == first;  // of another's base it does not
    if (restored->lsn != lsn || restored->last_lsn != last || !knows_first)
      why = fmt::format("it says {} of {} to {}", restored->lsn, restored->first_lsn,
                        restored->last_lsn);
  });
  const std::string told = fmt::format("restored to operation {}", lsn);
  if (!came.died.empty()) return wrong(Breach::kDies, told, came.text());
  if (came.refusal) return wrong(Breach::kNoStart, told, came.text());
  if (!why.empty()) return wrong(Breach::kUntrue, told, why);
  states_.push_back({lsn, came.digest});
  judge_restore_beyond(last + 1);
  if (wrong_) return;
  sim::WorldState other{sim::Disk(world_.disk.rules()), copy.now, copy.wall_offset_ms};
  const Came written = in_world(other, nullptr, [&](engine::Os& os, Came& to) {
    if (const auto done = engine::write_restored(os, keyspace, lsn); !done.ok())
      to.refusal = done.error();
  });
  if (!written.died.empty()) return wrong(Breach::kDies, told, written.text());
  if (written.refusal) return wrong(Breach::kNoStart, told, written.text());
  other.disk = other.disk.after_power_cut(choices_, 0);
  RecoveryOptions options = options_;
  options.append_only = choices_.choose("starts.log", 0, 2) == 0;
  const Came anew = start(other, options);
  if (!anew.started()) return wrong(Breach::kNoStart, told, anew.text());
  if (anew.digest != came.digest || anew.report.last_lsn != lsn)
    wrong(Breach::kNoPrefix, told, anew.text() + ", or to another state");
}

// An entry that is not there is restored by nobody.
void OtherStarts::judge_restore_beyond(uint64_t lsn) {
  sim::WorldState copy = world_;
  const Came came = in_world(copy, nullptr, [&](engine::Os& os, Came& to) {
    engine::Keyspace keyspace;
    if (const auto restored = engine::load_state(os, keyspace, {lsn, {}}); !restored.ok())
      to.refusal = restored.error();
  });
  const std::string told = fmt::format("restored to operation {}, which is not there", lsn);
  if (!came.died.empty()) return wrong(Breach::kDies, told, came.text());
  if (!came.refusal) wrong(Breach::kUntrue, told, "it is done");
}

// The last second that stands in the log has all of it.
void OtherStarts::judge_restore_to_second() {
  if (!options_.append_only || !manifest_ || !ours_) return;
  const std::string timestamp = fmt::format("\n{}", engine::kTimestampPrefix);
  std::optional<int64_t> latest;
  for (const engine::ManifestFile& file : manifest_->segments) {
    const auto text = file_content(world_.disk, engine::in_aof_directory(file.name));
    if (!text) return;
    for (size_t at = text->find(timestamp); at != text->npos; at = text->find(timestamp, at + 1)) {
      const size_t begin = at + timestamp.size();
      const auto second =
          parse_integer(std::string_view(*text).substr(begin, text->find('\r', begin) - begin));
      if (second) latest = std::max(latest.value_or(*second), *second);
    }
  }
  if (!latest || plain_.report.dropped_bytes != 0) return;
  const std::string told = fmt::format("restored to second {}, the last of the log", *latest);
  sim::WorldState copy = world_;
  engine::Keyspace keyspace;
  uint64_t reached = 0;
  const Came came = in_world(copy, nullptr, [&](engine::Os& os, Came& to) {
    const auto restored = engine::load_state(os, keyspace, {{}, *latest});
    if (!restored.ok()) {
      to.refusal = restored.error();
      return;
    }
    reached = restored->lsn;
  });
  if (!came.died.empty()) return wrong(Breach::kDies, told, came.text());
  if (came.refusal) return wrong(Breach::kNoStart, told, came.text());
  if (reached != plain_.report.last_lsn)
    wrong(Breach::kUntrue, told,
          fmt::format("it comes to operation {} of {}", reached, plain_.report.last_lsn));
  if (!wrong_ && plain_.report.base_unix_s) judge_restore_before(*plain_.report.base_unix_s - 1);
}

// What the base has was logged by its date: whoever asks for less is not given all of it.
void OtherStarts::judge_restore_before(int64_t second) {
  sim::WorldState copy = world_;
  uint64_t reached = 0, first = 0;
  const Came came = in_world(copy, nullptr, [&](engine::Os& os, Came& to) {
    engine::Keyspace keyspace;
    const auto restored = engine::load_state(os, keyspace, {{}, second});
    if (restored.ok())
      reached = restored->lsn, first = restored->first_lsn;
    else
      to.refusal = restored.error();
  });
  const std::string told = fmt::format("restored to second {}, before its base", second);
  if (!came.died.empty()) return wrong(Breach::kDies, told, came.text());
  if (came.refusal && came.refusal->message.empty())
    return wrong(Breach::kUntrue, told, "it refuses without a word");
  // Entries behind it may be dated earlier, by a clock that was set back.
  if (!came.refusal && reached == first) wrong(Breach::kUntrue, told, "it is given the base");
}

// With timestamps from now on, and a base of now: each second has what was written by its end, and none has less than the base.
void OtherStarts::judge_restore_to_any_second() {
  if (wrong_ || !options_.append_only) return;
  struct Written {
    uint64_t lsn;
    int64_t second;
  };
  std::vector<Written> all;
  std::optional<int64_t> base;
  sim::WorldState copy = world_;
  const Came came = open(copy, nullptr, [&](engine::Os& os, engine::Engine& engine) {
    engine.set_active_expire(false);
    const auto session = engine.connect();
    const auto second = [&] { return os.wall_now().unix_ms / 1'000; };
    if (ask(*session, {"CONFIG", "SET", "aof-timestamp-enabled", "yes"}) != "+OK\r\n") return;
    if (ask(*session, {"SET", "dated", "0"}) != "+OK\r\n") return;
    const uint64_t rewrites = engine.keeper().stats().rewrites;
    base = second();
    (void)ask(*session, {"BGREWRITEAOF"});
    wait_for_jobs(os, engine);
    if (engine.keeper().stats().rewrites != rewrites + 1) return;
    for (uint64_t n = 0; n < 4; ++n) {
      rest(os, milliseconds(static_cast<int64_t>(600 + choices_.choose("dated.rest", n, 1'500))));
      const int64_t before = second();
      const std::string reply = ask(*session, {"SET", "dated", std::to_string(n)});
      if (reply == "+OK\r\n" && second() == before) all.push_back({engine.applied_lsn(), before});
    }
    // One that began by itself has taken into its base what was written; the end waits for it.
    if (!engine.shut_down(false).ok() || engine.keeper().stats().rewrites != rewrites + 1)
      all.clear();
  });
  const std::string_view as = "whose log has timestamps from then on";
  expect_same(came, as);
  if (wrong_ || all.size() != 4) return;
  judge_restore_to(copy, *base - 1, std::nullopt);
  for (const Written& one : all) {
    uint64_t wanted = 0;
    for (const Written& other : all)
      if (other.second <= one.second) wanted = other.lsn;
    judge_restore_to(copy, one.second, wanted);
  }
}

// `wanted`: the operation; nothing: it is refused.
void OtherStarts::judge_restore_to(const sim::WorldState& world, int64_t second,
                                   std::optional<uint64_t> wanted) {
  if (wrong_) return;
  uint64_t reached = 0;
  sim::WorldState copy = world;
  const Came came = in_world(copy, nullptr, [&](engine::Os& os, Came& to) {
    engine::Keyspace keyspace;
    const auto restored = engine::load_state(os, keyspace, {{}, second});
    if (restored.ok())
      reached = restored->lsn;
    else
      to.refusal = restored.error();
  });
  const std::string told = fmt::format("restored to second {}", second);
  if (!came.died.empty()) return wrong(Breach::kDies, told, came.text());
  if (came.refusal && wanted) return wrong(Breach::kNoStart, told, came.text());
  if (!came.refusal && reached != wanted.value_or(UINT64_MAX))
    wrong(Breach::kUntrue, told,
          fmt::format("it comes to operation {}, and {}", reached,
                      wanted ? fmt::format("{} was the last by then", *wanted)
                             : "the log does not reach back to there"));
}

TargetType::OtherStarts OtherStarts::judge() {
  read_files();
  plain_ = start_on_copy(options_);
  if (!plain_.started() || plain_.report.dropped_corruption) return {};  // is judged elsewhere
  using Judge = void (OtherStarts::*)();
  constexpr Judge kAll[] = {&OtherStarts::judge_report,
                            &OtherStarts::judge_options,
                            &OtherStarts::judge_time_limit,
                            &OtherStarts::judge_progress,
                            &OtherStarts::judge_careful,
                            &OtherStarts::judge_beside_log,
                            &OtherStarts::judge_without_log,
                            &OtherStarts::judge_log_turned_on,
                            &OtherStarts::judge_restore,
                            &OtherStarts::judge_restore_to_second,
                            &OtherStarts::judge_restore_to_any_second};
  for (const Judge judge : kAll)
    if (!wrong_) (this->*judge)();
  if (!wrong_) wrong_ = judge_disturbed_starts(*this);
  if (!wrong_) wrong_ = judge_foreign_starts(*this);
  if (!wrong_) wrong_ = judge_asked_starts(*this);
  if (!wrong_) wrong_ = judge_timed_starts(*this);
  if (!wrong_) wrong_ = judge_backup_words(*this);
  if (!wrong_) wrong_ = judge_client_starts(*this);
  if (!wrong_) wrong_ = judge_counted_starts(*this);
  if (!wrong_) wrong_ = judge_shown_starts(*this);
  if (!wrong_) wrong_ = judge_expired_starts(*this);
  if (!wrong_) wrong_ = judge_library_starts(*this);
  if (!wrong_) wrong_ = judge_walked_starts(*this);
  if (!wrong_) wrong_ = judge_one_go_starts(*this);
  if (!wrong_) wrong_ = judge_sent_starts(*this);
  return {wrong_, states_, wall_ms_};
}

}  // namespace

TargetType::OtherStarts other_starts_of_store(const sim::WorldState& world,
                                              const sim::Settings& settings,
                                              sim::Choices& choices) {
  return OtherStarts(world, settings, choices).judge();
}

}  // namespace powercut::scenarios
