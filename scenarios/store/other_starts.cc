#include "scenarios/store/other_starts.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "engine/aof/format.h"
#include "engine/aof/manifest.h"
#include "engine/aof/replace.h"
#include "engine/backup/restore.h"
#include "engine/checkpoint/rdb_decode.h"
#include "engine/engine.h"
#include "engine/os/forwarding_os.h"
#include "engine/recovery/recovery.h"
#include "scenarios/judge/file_content.h"
#include "scenarios/judge/looked_at_os.h"
#include "scenarios/store/digest.h"
#include "scenarios/store/found_backups.h"
#include "scenarios/store/store_target.h"

namespace powercut::scenarios {

namespace {

using OtherStarts = TargetType::OtherStarts;
using engine::OnCorruption;
using engine::OnNewer;
using engine::RecoveryOptions;

constexpr Duration kLimit = seconds(60);
// What expires while a start goes on is in none of the digests.
constexpr int64_t kAheadMs = 120'000;
// When files were written, as a start may ask: what says nothing has the first.
constexpr int64_t kDate = 1'700'000'000'000;
// With one key, of a version without a checksum, by a server that has no numbers.
constexpr std::string_view kForeign("REDIS0003\0\1k\1v\xff", 15);
constexpr std::string_view kCommand = "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n";

using Files = std::map<std::string, std::string>;

void add_files(const sim::Disk& disk, const std::string& directory, Files& files) {
  const auto names = disk.list(directory);
  for (size_t i = 0; names.ok() && i < names->size(); ++i) {
    const std::string path = directory.empty() ? (*names)[i] : directory + "/" + (*names)[i];
    const auto inode = disk.lookup(path);
    if (inode.ok() && disk.is_directory(*inode))
      add_files(disk, path, files);
    else
      files[path] = file_content(disk, path).value_or("unreadable");
  }
}

// All but the manifest and its other names, which a start may publish again before it knows more.
Files data_of(const sim::Disk& disk) {
  Files files;
  add_files(disk, "", files);
  std::erase_if(files, [](const auto& file) {
    return file.first.find(engine::kManifestName) != std::string::npos &&
           !file.first.starts_with(engine::kBackupsDirectory);
  });
  return files;
}

void put(sim::Disk& disk, const std::string& path, std::string_view bytes) {
  auto inode = disk.lookup(path);
  const bool is_new = !inode.ok();
  if (is_new) inode = disk.create(path);
  disk.replace_content(*inode, bytes);
  (void)disk.sync_at_once(path);
  if (is_new) disk.release(*inode);
  (void)disk.sync_at_once(path.find('/') == path.npos ? "" : path.substr(0, path.rfind('/')));
}

// Files that have dates.
using Dates = std::map<std::string, int64_t>;

class DatedFile final : public engine::File {
 public:
  DatedFile(std::unique_ptr<File> file, int64_t date) : file_(std::move(file)), date_(date) {}
  Result<size_t> read_at(uint64_t offset, char* out, size_t size) override {
    return file_->read_at(offset, out, size);
  }
  Result<size_t> write_at(uint64_t offset, std::string_view data) override {
    return file_->write_at(offset, data);
  }
  Result<void> truncate(uint64_t size) override { return file_->truncate(size); }
  Result<void> sync(Site fence) override { return file_->sync(fence); }
  Result<uint64_t> size() override { return file_->size(); }
  engine::Found search(const engine::Search& what) override { return file_->search(what); }
  int64_t modified_ms() override { return date_; }

 private:
  std::unique_ptr<File> file_;
  int64_t date_;
};

class DatedOs final : public engine::ForwardingOs {
 public:
  DatedOs(Os& inner, const Dates& dates) : ForwardingOs(inner), dates_(dates) {}
  Result<std::unique_ptr<engine::File>> open(std::string_view path, engine::Open mode) override {
    TRY_ASSIGN(auto file, inner_.open(path, mode));
    const auto date = dates_.find(std::string(path));
    return std::unique_ptr<engine::File>(
        std::make_unique<DatedFile>(std::move(file), date == dates_.end() ? kDate : date->second));
  }
  // A call may take no time here: so from one look at the clock to the next some passes.
  Instant now() override { return inner_.now() + milliseconds(++looks_); }

 private:
  const Dates& dates_;
  int64_t looks_ = 0;
};

// The calls of a world by what they are, or the crash or the error that one of them meets.
class Strike final : public sim::Injector {
 public:
  using Kinds = std::map<std::string, std::vector<uint64_t>>;

  explicit Strike(sim::Choices& choices) : choices_(choices) {}
  // The n-th call fails; or, with `crash`, the power or the process goes there.
  Strike(sim::Choices& choices, uint64_t number, bool crash)
      : choices_(choices), number_(number), crash_(crash) {}

  sim::Injection on_call(const sim::SeamCall& call) override {
    sim::Injection injection;
    const std::string what = fmt::format("{} {}", sim::op_site(call.op).name, call.path);
    if (number_ == UINT64_MAX) kinds[what].push_back(call.number);
    if (call.number != number_) return injection;
    if (crash_) {
      met = fmt::format("a crash at call {}, {}", call.number, what);
      injection.crash = sim::CrashKind::kKill;
      injection.point = choices_.choose("starts.behind", number_, 2) == 0 ? sim::CrashPoint::kBefore
                                                                          : sim::CrashPoint::kAfter;
      return injection;
    }
    met = fmt::format("an error of call {}, {}", call.number, what);
    const bool looks = call.op == sim::Op::kRead || call.op == sim::Op::kList ||
                       call.op == sim::Op::kRemove || call.op == sim::Op::kTruncate;
    const bool full = !looks && choices_.choose("starts.full", number_, 3) == 0;
    injection.error = full ? Errc::kNoSpace : Errc::kIo;
    injection.happens =
        call.op == sim::Op::kRename && choices_.choose("starts.happens", number_, 2) == 0;
    names = call.op != sim::Op::kWrite && call.op != sim::Op::kSync && call.op != sim::Op::kRead;
    return injection;
  }

  // One of the calls from `first` on and before `end`, each kind of them as likely as another; none: there is none.
  static std::optional<uint64_t> draw(const Kinds& kinds, uint64_t first, uint64_t end,
                                      uint64_t key, sim::Choices& choices) {
    std::vector<std::vector<uint64_t>> may;
    for (const auto& [what, calls] : kinds) {
      std::vector<uint64_t> in;
      for (const uint64_t call : calls)
        if (call >= first && call < end) in.push_back(call);
      if (!in.empty()) may.push_back(std::move(in));
    }
    if (may.empty()) return std::nullopt;
    const auto& calls = may[choices.choose("starts.kind", key, may.size())];
    return calls[choices.choose("starts.call", key, calls.size())];
  }

  Kinds kinds;
  std::string met;
  bool names = false;  // what failed was about names

 private:
  sim::Choices& choices_;
  uint64_t number_ = UINT64_MAX;
  bool crash_ = false;
};

// What a start came to.
struct Came {
  std::optional<Error> refusal;
  std::string died;
  bool hangs = true;
  bool crashed = false;
  uint64_t digest = 0;
  engine::RecoveryReport report;
  uint64_t calls = 0;
  uint64_t calls_of_start = 0;  // of these, until it served
  bool started() const { return died.empty() && !hangs && !refusal; }
  std::string text() const {
    if (!died.empty()) return "it ended itself: " + died;
    if (hangs) return "it does not end";
    if (refusal) return "it refuses: " + refusal->message;
    return fmt::format("it comes to operation {}", report.last_lsn);
  }
};

class Starts {
 public:
  Starts(const sim::WorldState& world, const sim::Settings& settings, sim::Choices& choices)
      : world_(world),
        settings_(settings),
        choices_(choices),
        wall_ms_(world.wall_offset_ms + world.now.ns / 1'000'000 + kAheadMs) {}

  OtherStarts judge();

 private:
  using Body = std::function<void(engine::Os& os, Came& came)>;

  bool draw(Site site, uint64_t one_in) { return choices_.choose(site, 0, one_in) == 0; }
  Came in_world(sim::WorldState& world, sim::Injector* injector, const Body& body);
  Came start(sim::WorldState& world, const RecoveryOptions& options, const Dates& dates = {});
  Came start_on_copy(const RecoveryOptions& options, const Dates& dates = {}) {
    sim::WorldState copy = world_;
    return start(copy, options, dates);
  }
  // `then`: what it does before it ends; yields.
  using Then = std::function<void(engine::Os& os, engine::Engine& engine)>;
  Came open(sim::WorldState& world, sim::Injector* injector, const Then& then = {});

  void wrong(Breach breach, std::string_view told, std::string_view why) {
    if (!result_.wrong) result_.wrong = Violation{breach, fmt::format("a start {}: {}", told, why)};
  }
  // It is as the plain one.
  void expect_same(const Came& came, std::string_view told);
  // It is refused with words that have `named` in them, and has changed nothing.
  void expect_refusal(const RecoveryOptions& options, const Dates& dates, std::string_view told,
                      std::string_view named, const sim::Disk& disk);

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
  void judge_orphan();
  void judge_failing_call();
  void judge_failing_job();
  struct Asked;
  void do_job(engine::Os& os, engine::Engine& engine, Asked& asked);
  void judge_temporaries(const sim::Disk& disk, const std::string& told);
  void disturb_start(sim::WorldState& world);
  void judge_after(sim::WorldState& world, const Asked& asked, const std::string& told);
  void judge_litter(sim::WorldState& world);

  const sim::WorldState& world_;
  const sim::Settings& settings_;
  sim::Choices& choices_;
  const int64_t wall_ms_;
  OtherStarts result_;
  std::unique_ptr<engine::Engine> engine_;  // that is open
  const sim::SimOs* sim_os_ = nullptr;      // under it
  std::optional<sim::WorldState> durable_;  // as a power cut may leave the world

  RecoveryOptions options_;  // of the run's own start
  Came plain_;
  // What lies there.
  std::optional<engine::Manifest> manifest_;
  bool ours_ = false;    // ... is of ours
  bool closed_ = false;  // the log ends with the mark of a clean end
  bool single_ = false;
  std::optional<std::string> checkpoint_;
  std::optional<engine::RdbInfo> says_;  // that checkpoint of itself
};

Came Starts::in_world(sim::WorldState& world, sim::Injector* injector, const Body& body) {
  Came came;
  sim::Trace trace;
  sim::SimOs os(world, choices_, trace, injector);
  sim_os_ = &os;
  os.set_time_limit(world.now + kLimit);
  os.outlive_checks();
  os.spawn("main", [&] {
    body(os, came);
    came.hangs = false;
    os.stop();
  });
  came.crashed = os.run() != sim::CrashKind::kNone;
  came.calls = os.calls();
  os.destroy_tasks();
  came.died = os.died();
  if (!came.died.empty()) (void)engine_.release();  // what is broken is not taken apart
  engine_.reset();
  return came;
}

Came Starts::start(sim::WorldState& world, const RecoveryOptions& options, const Dates& dates) {
  return in_world(world, nullptr, [&](engine::Os& os, Came& came) {
    DatedOs dated(os, dates);
    engine::Keyspace keyspace;
    auto found = engine::recover(dated, keyspace, options);
    if (!found.ok()) {
      came.refusal = found.error();
      return;
    }
    came.digest = keyspace_digest(keyspace, wall_ms_);
    came.report = std::move(found->report);
  });
}

// The whole store, with what it publishes before it serves.
Came Starts::open(sim::WorldState& world, sim::Injector* injector, const Then& then) {
  return in_world(world, injector, [&](engine::Os& os, Came& came) {
    auto opened = engine::Engine::open(os, config_of(settings_));
    if (!opened.ok()) {
      came.refusal = opened.error();
      return;
    }
    engine_ = std::move(opened).value();
    came.digest = keyspace_digest(engine_->keyspace(), wall_ms_);
    came.report = engine_->recovery();
    came.calls_of_start = sim_os_->calls();
    if (then) then(os, *engine_);
  });
}

void Starts::expect_same(const Came& came, std::string_view told) {
  if (!came.died.empty()) return wrong(Breach::kDies, told, came.text());
  if (came.hangs) return wrong(Breach::kHangs, told, came.text());
  if (came.refusal) return wrong(Breach::kNoStart, told, came.text());
  if (came.digest != plain_.digest || came.report.last_lsn != plain_.report.last_lsn)
    wrong(Breach::kNoPrefix, told,
          fmt::format("{}, and the plain start to {}{}", came.text(), plain_.report.last_lsn,
                      came.digest == plain_.digest ? "" : "; the states differ"));
}

void Starts::expect_refusal(const RecoveryOptions& options, const Dates& dates,
                            std::string_view told, std::string_view named, const sim::Disk& disk) {
  sim::WorldState copy = world_;
  copy.disk = disk;
  const Files before = data_of(copy.disk);
  const Came came = start(copy, options, dates);
  if (!came.died.empty()) return wrong(Breach::kDies, told, came.text());
  if (!came.refusal) return wrong(Breach::kUntrue, told, came.text() + ", and must be refused");
  if (came.refusal->message.find(named) == std::string::npos)
    return wrong(Breach::kUntrue, told,
                 came.text() + "; that has no word of " + std::string(named));
  if (data_of(copy.disk) != before)
    wrong(Breach::kUntrue, told, came.text() + "; and it has changed files");
}

// --- What lies there ---

void Starts::read_files() {
  const sim::Disk& disk = world_.disk;
  single_ = disk.lookup(engine::kSingleLog).ok();
  checkpoint_ = file_content(disk, engine::kCheckpointName);
  if (checkpoint_) {
    LookedAtOs os(disk, 0);
    const auto file = os.open(engine::kCheckpointName, engine::Open::kRead);
    if (auto info = engine::peek_rdb(**file, engine::kCheckpointName); info.ok())
      says_ = std::move(*info);
  }
  const auto text = file_content(disk, engine::in_aof_directory(engine::kManifestName));
  if (!text) return;
  auto manifest = engine::parse_manifest(*text);
  if (!manifest.ok()) return;
  manifest_ = std::move(*manifest);
  // Behind another server's base there are no numbers.
  ours_ = text->starts_with("# powercut manifest") && (!manifest_->base || manifest_->base->lsn);
  if (manifest_->segments.empty()) return;
  const auto log = file_content(disk, engine::in_aof_directory(manifest_->segments.back().name));
  const size_t mark = log ? log->rfind("#pc ") : std::string::npos;
  closed_ = mark != std::string::npos && log->compare(mark, 11, "#pc closed ") == 0 &&
            log->find("\r\n", mark) + 2 == log->size();
}

// What it says of itself.
void Starts::judge_report() {
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

void Starts::judge_options() {
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

void Starts::judge_time_limit() {
  RecoveryOptions options = options_;
  options.time_limit = kLimit;
  expect_same(start_on_copy(options), "that has time enough");
  options.time_limit = nanoseconds(1);
  if (!plain_.report.base.empty())
    expect_refusal(options, {}, "that has no time", "longer than its limit", world_.disk);
}

void Starts::judge_progress() {
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
void Starts::judge_careful() {
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
  if (!result_.wrong && came.report.checkpoint_ahead != ahead)
    wrong(Breach::kUntrue, "that passes over nothing newer",
          fmt::format("the checkpoint is {}ahead of the log", ahead ? "" : "not "));
}

// Something of another server's lies beside our log: its date counts.
void Starts::judge_beside_log() {
  if (!options_.append_only || !manifest_ || !ours_ || single_ || checkpoint_) return;
  RecoveryOptions options = options_;
  options.on_newer = OnNewer::kRefuse;
  const bool empty = plain_.report.last_lsn == 0 && plain_.report.base_keys == 0;
  const std::pair<std::string, std::string_view> cases[] = {
      {std::string(engine::kCheckpointName), kForeign},
      {std::string(engine::kSingleLog), kCommand}};
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
    if (!result_.wrong && came.report.passed_over.find(name) == std::string::npos)
      wrong(Breach::kUntrue, "beside an older file of another server",
            "it does not say that it passes that over");
  }
}

// The log is turned off: a checkpoint is read, or the log where there is none.
void Starts::judge_without_log() {
  if (!options_.append_only || !manifest_) return;
  RecoveryOptions options = options_;
  options.append_only = false;
  if (!checkpoint_) {
    sim::WorldState copy = world_;
    const Files before = data_of(copy.disk);
    const Came came = start(copy, options);
    expect_same(came, "without the log, which is all there is");
    if (result_.wrong) return;
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
void Starts::judge_log_turned_on() {
  if (options_.append_only || manifest_ || !checkpoint_) return;
  RecoveryOptions options = options_;
  options.append_only = true;
  expect_same(start_on_copy(options), "with the log, which there was not");
}

// --- Restored ---

// Up to any entry; and into another directory, from which a store starts.
void Starts::judge_restore() {
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
  result_.states.push_back({lsn, came.digest});
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

// --- Disturbed ---

// A file that nothing names, as a crash may leave it: it is set aside by one start, and goes with its rewrite, or with the
// next start.
void Starts::judge_orphan() {
  if (!options_.append_only || !manifest_) return;
  const uint64_t sequence = manifest_->highest_sequence() + 1 + choices_.choose("starts.gap", 0, 3);
  const std::string name = choices_.choose("starts.orphan", 0, 2) == 0
                               ? engine::base_name(sequence)
                               : engine::segment_name(sequence);
  sim::WorldState copy = world_;
  put(copy.disk, engine::in_aof_directory(name), kCommand);
  const bool rewrites = choices_.choose("starts.rewrites", 0, 2) == 0;
  const Came came = open(copy, nullptr, [&](engine::Os& os, engine::Engine& engine) {
    if (!rewrites) return;
    engine.set_active_expire(false);
    (void)engine.keeper().request(engine::Keeper::Job::kRewrite);
    const engine::KeeperStats& stats = engine.keeper().stats();
    while (stats.rewrites + stats.failed_rewrites == 0) os.park(os.now() + milliseconds(1));
  });
  expect_same(came, "beside a file that nothing names");
  if (result_.wrong) return;
  if (rewrites && copy.disk.lookup(engine::in_aof_directory(name) + ".orphan").ok())
    return wrong(Breach::kUntrue, "beside a file that nothing names",
                 "its rewrite leaves that where it is");
  const auto& aside = came.report.set_aside;
  if (std::find(aside.begin(), aside.end(), name) == aside.end())
    wrong(Breach::kUntrue, "beside a file that nothing names", "it does not say so");
  copy.disk = copy.disk.after_kill();
  if (!result_.wrong) judge_litter(copy);
}

// Nothing is in its way any more: what is there is the same, and nothing lies about.
void Starts::judge_litter(sim::WorldState& world) {
  for (int i = 0; i < 3 && !result_.wrong; ++i) {
    expect_same(open(world, nullptr), "that is not disturbed any more");
    world.disk = world.disk.after_kill();
  }
  const auto text = file_content(world.disk, engine::in_aof_directory(engine::kManifestName));
  if (result_.wrong || !options_.append_only || !text) return;
  const auto manifest = engine::parse_manifest(*text);
  const auto names = world.disk.list(engine::kAofDirectory);
  if (!manifest.ok() || !names.ok()) return;
  for (const std::string& name : *names)
    if (name != engine::kManifestName && !manifest->names(name) &&
        !name.starts_with(engine::kBackupMarkPrefix))
      return wrong(Breach::kUntrue, "for the third time",
                   name + " lies about in the log's directory");
}

// Refused, or it serves what is there: and that stays, whatever a power cut then takes.
void Starts::judge_failing_call() {
  using sim::SyncFailure;
  if (world_.disk.rules().sync_failure == SyncFailure::kExt4Data2020) return;
  durable_ = world_;
  durable_->disk = world_.disk.after_power_cut(choices_, 1);
  const sim::WorldState& durable = *durable_;
  sim::WorldState undisturbed = durable;
  Strike none(choices_);
  plain_ = open(undisturbed, &none);
  if (!plain_.started()) return;
  for (uint64_t draw = 0; draw < 3 && !result_.wrong; ++draw) {
    const auto call = Strike::draw(none.kinds, 0, plain_.calls, draw, choices_);
    if (!call) return;
    Strike strike(choices_, *call, false);
    sim::WorldState copy = durable;
    const Came came = open(copy, &strike);
    const std::string told = "with " + strike.met;
    if (came.died.empty() && came.refusal) {
      if (came.refusal->message.empty()) wrong(Breach::kUntrue, told, "it refuses without a word");
    } else {
      expect_same(came, told);
    }
    copy.disk = draw == 0 ? copy.disk.after_kill() : copy.disk.after_power_cut(choices_, 2 + draw);
    if (result_.wrong) return;
    expect_same(open(copy, nullptr), "behind one " + told);
    copy.disk = copy.disk.after_kill();
    if (!result_.wrong) judge_litter(copy);
  }
}

// --- What it is asked for, with a call that fails ---

struct Starts::Asked {
  std::vector<std::string_view> requests;
  bool sealed = false;   // a client was told so
  bool removed = false;  // likewise
  bool tried = false;    // to remove it
  // What it held in the end; none: nothing is promised, the log is off.
  std::optional<uint64_t> digest = {};
  uint64_t last = 0;
  std::string refused = {};  // the write behind it all
  uint64_t calls = 0;        // that were made until all was answered
};

// Then it is left alone until it has healed, and a write is taken and stays.
void Starts::do_job(engine::Os& os, engine::Engine& engine, Asked& asked) {
  engine.set_active_expire(false);
  const auto session = engine.connect();
  const auto ask = [&](std::string_view words) {
    session->feed(std::string(words) + "\r\n");
    std::string reply(session->wait_ready());
    session->consume(reply.size());
    return reply;
  };
  const auto rest = [&](Duration time) {
    for (const Instant until = os.now() + time; os.now() < until;) os.park(until);
  };
  for (const std::string_view request : asked.requests) {
    asked.tried |= request.starts_with("BACKUP REMOVE");
    const bool done = !ask(request).starts_with('-');
    if (request.starts_with("BACKUP SEAL")) asked.sealed = done;
    if (request.starts_with("BACKUP REMOVE")) asked.removed = done;
    do rest(milliseconds(1));  // a job that was asked for begins when others run
    while (!engine.keeper().busy(engine::Keeper::Job::kNone));
  }
  asked.calls = sim_os_->calls();
  rest(seconds(12));
  if (const std::string reply = ask("SET otherwise 1"); reply != "+OK\r\n") asked.refused = reply;
  if (!options_.append_only && ask("SAVE") != "+OK\r\n") return;
  rest(seconds(3));
  if (options_.append_only && !engine.aof().active()) return;
  asked.digest = keyspace_digest(engine.keyspace(), wall_ms_);
  asked.last = engine.aof().applied_lsn();
}

// A rewrite, a checkpoint, a backup, the log turned off and on.
void Starts::judge_failing_job() {
  if (!durable_ || !plain_.started()) return;
  static const std::vector<std::string_view> kJobs[] = {
      {"SAVE"},
      {"BGREWRITEAOF"},
      {"CONFIG SET appendonly no", "CONFIG SET appendonly yes"},
      {"BACKUP START otherwise", "BACKUP SEAL"},
      {"BACKUP START otherwise", "BGREWRITEAOF", "BACKUP SEAL", "BACKUP REMOVE otherwise"},
      {"BACKUP START otherwise", "BACKUP ABORT", "BACKUP START otherwise", "BACKUP SEAL"}};
  const auto& requests = kJobs[options_.append_only ? choices_.choose("starts.job", 0, 6) : 0];
  const std::string told = fmt::format("with {}", fmt::join(requests, ", "));
  Strike none(choices_);
  uint64_t first = 0, end = 0;
  for (uint64_t draw = 0; draw < 4 && !result_.wrong; ++draw) {
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
    if (!result_.wrong && !asked.refused.empty())
      wrong(Breach::kUnavailable, how, "a write is refused then: " + asked.refused);
    if (!result_.wrong && !came.crashed && !strike.names) judge_temporaries(copy.disk, how);
    if (result_.wrong) return;
    if (draw == 0) first = came.calls_of_start, end = asked.calls;
    const bool synced =
        !options_.append_only || config_of(settings_).aof.policy != engine::SyncPolicy::kNo;
    copy.disk = (synced || came.crashed) && choices_.choose("starts.cut", draw, 2) == 0
                    ? copy.disk.after_power_cut(choices_, 5 + draw)
                    : copy.disk.after_kill();
    if (came.crashed) disturb_start(copy);
    judge_after(copy, asked, how);
  }
}

// What failed is not left where it takes space.
void Starts::judge_temporaries(const sim::Disk& disk, const std::string& told) {
  const bool lay = durable_->disk.lookup(engine::kCheckpointTemporary).ok();  // of an earlier life
  if (!lay && disk.lookup(engine::kCheckpointTemporary).ok())
    return wrong(Breach::kUntrue, told, "half a checkpoint lies about");
  const auto text = file_content(disk, engine::in_aof_directory(engine::kManifestName));
  const auto names = disk.list(engine::kAofDirectory);
  if (!options_.append_only || !text || !names.ok()) return;
  const auto manifest = engine::parse_manifest(*text);
  if (!manifest.ok() || !manifest->history.empty()) return;  // another server's files stay
  for (const std::string& name : *names)
    if (name.ends_with(".base.rdb") && !manifest->names(name))
      return wrong(Breach::kUntrue, told, name + " lies about");
}

// The start behind a crash has a call that fails; whatever it comes to, the next one has none.
void Starts::disturb_start(sim::WorldState& world) {
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
void Starts::judge_after(sim::WorldState& world, const Asked& asked, const std::string& told) {
  const Came before = std::exchange(plain_, open(world, nullptr));
  if (!plain_.started()) wrong(Breach::kNoStart, "behind one " + told, plain_.text());
  const uint64_t digest = asked.digest.value_or(before.digest);
  const uint64_t last = asked.digest ? asked.last : before.report.last_lsn;
  const bool promised = asked.digest || asked.calls == 0;
  if (!result_.wrong && promised && (plain_.digest != digest || plain_.report.last_lsn != last))
    wrong(Breach::kLost, "behind one " + told,
          fmt::format("{}, and it held operation {}{}", plain_.text(), last,
                      plain_.digest == digest ? "" : "; the states differ"));
  world.disk = world.disk.after_kill();
  if (!result_.wrong) judge_litter(world);
  plain_ = before;
  if (result_.wrong) return;
  LookedAtOs then(durable_->disk, wall_ms_), now(world.disk, wall_ms_);
  const auto found = found_backups(now, wall_ms_);
  const auto of = [&](std::string_view name) {
    const auto there = std::find_if(found.begin(), found.end(),
                                    [&](const FoundBackup& one) { return one.name == name; });
    return there == found.end() ? nullptr : &*there;
  };
  for (const FoundBackup& one : found_backups(then, wall_ms_))
    if (one.sealed && one.trouble.empty() && (of(one.name) == nullptr || !(*of(one.name) == one)))
      return wrong(Breach::kBackup, "behind one " + told, "backup " + one.name + " is another");
  const FoundBackup* own = of("otherwise");
  const auto bad = [&](std::string why) { wrong(Breach::kBackup, "behind one " + told, why); };
  if (own == nullptr && asked.sealed && !asked.tried) return bad("the sealed backup is not there");
  if (own != nullptr && asked.removed) return bad("the backup that was removed is there");
  if (own == nullptr) return;
  if (!own->sealed || !own->trouble.empty()) return bad("half a backup is left: " + own->trouble);
  const auto& state = own->states.front();
  if (state.lsn != plain_.report.last_lsn || state.digest != plain_.digest)
    bad(fmt::format("the backup goes to operation {}, and is not what the store held", state.lsn));
}

OtherStarts Starts::judge() {
  result_.wall_ms = wall_ms_;
  options_ = config_of(settings_).recovery;
  read_files();
  plain_ = start_on_copy(options_);
  if (!plain_.started() || plain_.report.dropped_corruption) return result_;  // is judged elsewhere
  using Judge = void (Starts::*)();
  constexpr Judge kAll[] = {
      &Starts::judge_report,       &Starts::judge_options,
      &Starts::judge_time_limit,   &Starts::judge_progress,
      &Starts::judge_careful,      &Starts::judge_beside_log,
      &Starts::judge_without_log,  &Starts::judge_log_turned_on,
      &Starts::judge_restore,      &Starts::judge_orphan,
      &Starts::judge_failing_call, &Starts::judge_failing_job};  // these two are of another disk
  for (const Judge judge : kAll)
    if (!result_.wrong) (this->*judge)();
  return result_;
}

}  // namespace

TargetType::OtherStarts other_starts_of_store(const sim::WorldState& world,
                                              const sim::Settings& settings,
                                              sim::Choices& choices) {
  return Starts(world, settings, choices).judge();
}

}  // namespace powercut::scenarios
