#include "scenarios/store/starts/copied_starts.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "engine/aof/manifest.h"
#include "engine/aof/replace.h"
#include "engine/backup/backups.h"
#include "engine/engine.h"
#include "engine/os/forwarding_os.h"
#include "scenarios/judge/file_content.h"
#include "scenarios/judge/looked_at_os.h"
#include "scenarios/store/files/log_manifest.h"
#include "scenarios/store/keyspace/digest.h"
#include "scenarios/store/starts/slow_os.h"
#include "scenarios/store/starts/strike.h"
#include "scenarios/store/store_target.h"
#include "sim/request.h"

namespace powercut::scenarios {

namespace {

using engine::RecoveryOptions;
using Files = std::map<std::string, std::string>;

// What expires while a start goes on is in none of the digests.
constexpr int64_t kAheadMs = 120'000;

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

// Files that have dates.
class DatedFile final : public engine::ForwardingFile {
 public:
  DatedFile(std::unique_ptr<File> file, int64_t date)
      : ForwardingFile(std::move(file)), date_(date) {}
  int64_t modified_ms() override { return date_; }

 private:
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

}  // namespace

std::map<std::string, std::string> data_of(const sim::Disk& disk) {
  Files files;
  add_files(disk, "", files);
  std::erase_if(files, [](const auto& file) {
    return file.first.find(engine::kManifestName) != std::string::npos &&
           !file.first.starts_with(engine::kBackupsDirectory);
  });
  return files;
}

void put(sim::Disk& disk, const std::string& path, std::string_view bytes) {
  put_file(disk, path, bytes);
  (void)disk.sync_at_once(path.find('/') == path.npos ? "" : path.substr(0, path.rfind('/')));
}

std::string Came::text() const {
  if (!died.empty()) return "it ended itself: " + died;
  if (hangs) return "it does not end";
  if (refusal) return "it refuses: " + refusal->message;
  return fmt::format("it comes to operation {}", report.last_lsn);
}

CopiedStarts::CopiedStarts(const sim::WorldState& world, const sim::Settings& settings,
                           sim::Choices& choices)
    : world_(world),
      settings_(settings),
      choices_(choices),
      wall_ms_(world.wall_offset_ms + world.now.ns / 1'000'000 + kAheadMs),
      options_(config_of(settings).recovery) {
  manifest_ = log_manifest(world.disk);
  // Behind another server's base, and in its segments, there are no numbers.
  const auto text = file_content(world.disk, engine::in_aof_directory(engine::kManifestName));
  ours_ = manifest_ && text->starts_with("# powercut manifest") &&
          (!manifest_->base || manifest_->base->lsn) &&
          std::all_of(manifest_->segments.begin(), manifest_->segments.end(),
                      [](const engine::ManifestFile& file) { return file.lsn.has_value(); });
  single_ = world.disk.lookup(engine::kSingleLog).ok();
}

CopiedStarts::CopiedStarts(const CopiedStarts& as)
    : world_(as.world_),
      settings_(as.settings_),
      choices_(as.choices_),
      wall_ms_(as.wall_ms_),
      options_(as.options_),
      plain_(as.plain_),
      manifest_(as.manifest_),
      ours_(as.ours_),
      single_(as.single_) {}

CopiedStarts::~CopiedStarts() = default;

std::string reply_to(engine::Session& session, std::string_view request) {
  session.feed(request);
  std::string reply(session.wait_ready());
  session.consume(reply.size());
  return reply;
}

std::string ask(engine::Session& session, const std::vector<std::string>& words) {
  return reply_to(session, sim::encode_request(words));
}

std::pair<std::string, std::string> manifest_of(std::string_view base, uint64_t segments) {
  std::string lines = fmt::format("file {} seq 1 type b\n", base);
  for (uint64_t n = 1; n <= segments; ++n)
    lines += fmt::format("file {} seq {} type i\n", engine::segment_name(n), n);
  return {engine::in_aof_directory(engine::kManifestName), lines};
}

void rest(engine::Os& os, Duration time) {
  for (const Instant until = os.now() + time; os.now() < until;) os.park(until);
}

void wait_for_jobs(engine::Os& os, const engine::Engine& engine) {
  do rest(os, milliseconds(1));
  while (!engine.keeper().busy(engine::Keeper::Job::kNone));
}

void CopiedStarts::wrong(Breach breach, std::string_view told, std::string_view why) {
  if (!wrong_) wrong_ = Violation{breach, fmt::format("a start {}: {}", told, why)};
}

Came CopiedStarts::in_world(sim::WorldState& world, sim::Injector* injector, const Body& body) {
  Came came;
  sim::Trace trace;
  sim::SimOs os(world, choices_, trace, injector);
  sim_os_ = &os;
  os.set_time_limit(world.now + kStartLimit);
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
  if (!came.died.empty()) (void)engine_.release(), (void)over_.release();  // broken: left as it is
  if (at_end_) at_end_(!came.died.empty());
  engine_.reset();
  over_.reset();
  return came;
}

sim::WorldState CopiedStarts::world_of(const NamedFiles& files, const sim::PersonaRules& rules) {
  sim::WorldState world{sim::Disk(rules), world_.now, world_.wall_offset_ms};
  (void)in_world(world, nullptr, [&](engine::Os& os, Came&) {
    CHECK(os.make_directory(engine::kAofDirectory).ok());
  });
  for (const auto& [name, bytes] : files) put(world.disk, name, bytes);
  (void)world.disk.sync_at_once("");
  return world;
}

Came CopiedStarts::start(sim::WorldState& world, const RecoveryOptions& options,
                         const Dates& dates) {
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
Came CopiedStarts::open(sim::WorldState& world, sim::Injector* injector, const Then& then) {
  return open_in(world, injector, {}, then);
}

Came CopiedStarts::open_over(sim::WorldState& world, const Over& over, const Then& then,
                             sim::Injector* injector) {
  return open_in(world, injector, over, then);
}

Came CopiedStarts::open_in(sim::WorldState& world, sim::Injector* injector, const Over& over,
                           const Then& then) {
  return in_world(world, injector, [&](engine::Os& seam, Came& came) {
    over_ = over ? over(seam) : nullptr;
    engine::Os& os = over_ != nullptr ? *over_ : seam;
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

Came CopiedStarts::open_slow(sim::WorldState& world, const SlowThen& then,
                             sim::Injector* injector) {
  SlowOs* slow = nullptr;
  const Over over = [&](engine::Os& os) {
    auto made = std::make_unique<SlowOs>(os);
    slow = made.get();
    return made;
  };
  return open_over(
      world, over, [&](engine::Os&, engine::Engine& engine) { then(*slow, engine); }, injector);
}

void CopiedStarts::see(std::string_view told, const Look& look) {
  if (wrong_) return;
  std::string amiss;
  sim::WorldState copy = world_;
  const Came came = open(copy, nullptr, [&](engine::Os& os, engine::Engine& engine) {
    engine.set_active_expire(false);
    amiss = look(os, engine);
  });
  expect_right(came, amiss, told);
}

void CopiedStarts::see_slow(std::string_view told, const SlowLook& look) {
  if (wrong_) return;
  std::string amiss;
  sim::WorldState copy = world_;
  const Came came = open_slow(copy, [&](SlowOs& os, engine::Engine& engine) {
    engine.set_active_expire(false);
    amiss = look(os, engine);
    os.sync_takes = {};
  });
  expect_right(came, amiss, told);
}

void CopiedStarts::expect_right(const Came& came, const std::string& amiss, std::string_view told) {
  expect_same(came, told);
  if (!wrong_ && !amiss.empty()) wrong(Breach::kUntrue, told, amiss);
}

void CopiedStarts::expect_same(const Came& came, std::string_view told) {
  if (!came.died.empty()) return wrong(Breach::kDies, told, came.text());
  if (came.hangs) return wrong(Breach::kHangs, told, came.text());
  if (came.refusal) return wrong(Breach::kNoStart, told, came.text());
  if (came.digest != plain_.digest || came.report.last_lsn != plain_.report.last_lsn)
    wrong(Breach::kNoPrefix, told,
          fmt::format("{}, and the plain start to {}{}", came.text(), plain_.report.last_lsn,
                      came.digest == plain_.digest ? "" : "; the states differ"));
}

std::vector<FoundBackup> CopiedStarts::expect_backups(const sim::Disk& before,
                                                      const sim::Disk& after,
                                                      std::string_view told) {
  LookedAtOs then(before, wall_ms_), now(after, wall_ms_);
  auto found = found_backups(now, wall_ms_);
  for (const FoundBackup& one : found_backups(then, wall_ms_)) {
    const FoundBackup* still = backup_of(found, one.name);
    if (one.sealed && one.trouble.empty() && (still == nullptr || !(*still == one)))
      wrong(Breach::kBackup, told, "backup " + one.name + " is another");
  }
  return found;
}

void CopiedStarts::judge_removal(const sim::WorldState& world, const Says& says) {
  sim::WorldState base = world;
  const Answered made = says(base, nullptr, {"SET before 1", "BACKUP START gone", "BACKUP SEAL"});
  if (!made.came.started() || !made.sealed) return;
  base.disk = base.disk.after_kill();
  const std::vector<std::string_view> removal = {"BACKUP REMOVE gone"};
  Strike none(choices_);
  sim::WorldState removed = base;
  const Answered calm = says(removed, &none, removal);
  std::erase_if(none.kinds, [](const auto& kind) { return !kind.first.starts_with("remove "); });
  for (uint64_t draw = 60; draw < 64 && !wrong_; ++draw) {
    const auto call =
        Strike::draw(none.kinds, calm.came.calls_of_start, calm.calls, draw, choices_);
    if (!call) return;
    Strike strike(choices_, *call, true);
    sim::WorldState copy = base;
    if (!says(copy, &strike, removal).came.crashed) continue;
    copy.disk = copy.disk.after_power_cut(choices_, draw);
    const std::string told = "behind the removal of a backup, and " + strike.met;
    if (const Came then = says(copy, nullptr, {}).came; !then.started())
      return wrong(Breach::kNoStart, told, then.text());
    LookedAtOs looked(copy.disk, wall_ms_);
    const auto found = found_backups(looked, wall_ms_);
    const FoundBackup* left = backup_of(found, "gone");
    if (left != nullptr && left->sealed && !left->trouble.empty())
      wrong(Breach::kBackup, told, "it is there, and not whole: " + left->trouble);
  }
}

void CopiedStarts::expect_refusal(const RecoveryOptions& options, const Dates& dates,
                                  std::string_view told, std::string_view named,
                                  const sim::Disk& disk) {
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

}  // namespace powercut::scenarios
