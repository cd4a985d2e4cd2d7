#include "sim/sim_os.h"

#include <algorithm>
#include <new>
#include <stdexcept>
#include <utility>

#include "engine/base/check.h"
#include "engine/base/hash.h"

namespace powercut::sim {

using engine::File;
using engine::Open;

Site op_site(Op op) {
  static constexpr Site kSites[kOps] = {"open",           "read",   "write",         "truncate",
                                        "sync",           "rename", "link",          "remove",
                                        "make_directory", "list",   "sync_directory"};
  return kSites[static_cast<size_t>(op)];
}

namespace {
constexpr size_t kWaitsExpected = 256;  // most lives have fewer
constexpr Site kEvict("disk.evict");
constexpr Site kMachine("machine.cut");
}  // namespace

class SimFile final : public File {
 public:
  SimFile(SimOs& os, InodeId inode, std::string_view path, bool writable)
      : os_(os), inode_(inode), path_(path), writable_(writable), machine_(os.machine_) {
    os_.open_handle(inode_);
  }
  ~SimFile() override {
    if (machine_ == os_.machine_) os_.close_handle(inode_);
  }

  Result<size_t> read_at(uint64_t offset, char* out, size_t size) override;
  Result<size_t> write_at(uint64_t offset, std::string_view data) override;
  Result<void> truncate(uint64_t size) override;
  Result<void> sync(Site fence) override;
  Result<uint64_t> size() override {
    if (os_.resolver_ != nullptr) os_.resolver_->before_size(inode_);
    return os_.world_.disk.size(inode_);
  }
  engine::Found search(const engine::Search& what) override {
    return os_.resolver_ == nullptr ? engine::Found::kReadOn : os_.resolver_->search(inode_, what);
  }

 private:
  // Writes and syncs are most of the calls; a file is mostly synced under one fence.
  uint32_t write_place() {
    if (!write_place_) write_place_ = os_.place_of(Op::kWrite, path_);
    return *write_place_;
  }
  uint32_t sync_place(const Site& fence) {
    if (!sync_place_ || fence_ != fence.hash) sync_place_ = os_.place_of(Op::kSync, path_, &fence);
    fence_ = fence.hash;
    return *sync_place_;
  }
  Result<size_t> write_blocks(const Injection& injection, uint64_t offset, std::string_view data);
  Error refused(Op op) const {
    return os_.named({Errc::kInvalid, "opened for reading"}, op, path_);
  }

  SimOs& os_;
  InodeId inode_;
  std::string path_;
  bool writable_;
  const uint64_t machine_;
  std::optional<uint32_t> write_place_;
  std::optional<uint32_t> sync_place_;  // of fence_
  uint64_t fence_ = 0;
};

SimOs::SimOs(WorldState& world, Choices& choices, Trace& trace, Injector* injector,
             const LatencyProfile& latency)
    : world_(world),
      choices_(choices),
      trace_(trace),
      injector_(injector),
      latency_(latency),
      random_(choices) {
  CHECK(latency.sync_min <= latency.sync_max);
  waits_.reserve(kWaitsExpected);
}

SimOs::~SimOs() { destroy_tasks(); }

void SimOs::destroy_tasks() {
  stopped_ = true;  // no call of a stack that unwinds waits, or meets a fault
  if (died_.empty())
    tasks_.destroy_all();
  else
    tasks_.drop_all();
}

// --- The step loop ---

CrashKind SimOs::run() {
  CheckWitness* const before = check_witness;
  if (outlives_checks_) check_witness = this;
  tasks_.run_each([this] { return next(); });
  check_witness = before;
  return crashed_;
}

void SimOs::on_check_failed(const char* file, const std::string& text) {
  const std::string_view path = file;
  const bool planted = path.ends_with(".mutant");  // a line of the engine's that a page has changed
  const size_t engine = planted ? 0 : path.rfind("engine/");
  // Where it is not the engine that is wrong, or nothing is left to be stopped, the process ends.
  if (engine == std::string_view::npos || tasks_.current() == nullptr || tasks_.destroying())
    return;
  die(std::string(path.substr(engine)) + ": " + text);
  stop_for_good();
}

void SimOs::die(std::string why) {
  died_ = std::move(why);
  trace_.add(world_.now, "died", "", 0, calls_, false);
  stopped_ = true;
}

void SimOs::spawn(std::string_view name, std::function<void()> body) {
  if (!outlives_checks_) {
    tasks_.spawn(name, std::move(body));
    return;
  }
  tasks_.spawn(name, [this, body = std::move(body)] {
    try {
      body();
      return;
    } catch (const std::bad_alloc&) {
      throw;
    } catch (const std::exception& thrown) {
      if (died_.empty()) die(std::string("an exception that nobody catches: ") + thrown.what());
    }
    stop_for_good();  // with the exception handled: no other task may run before that
  });
}

std::optional<size_t> SimOs::next() {
  while (!stopped_) {
    if (const Ready& ready = tasks_.ready(); !ready.empty()) {
      const size_t picked = scheduler_->pick(ready);
      CHECK(picked < ready.size());
      return picked;
    }
    if (!advance_clock()) break;
  }
  return std::nullopt;
}

bool SimOs::advance_clock() {
  Instant next = tasks_.next_deadline();
  if (injector_ != nullptr) next = std::min(next, injector_->next_moment());
  if (next == kForever) return false;
  const bool beyond = next > time_limit_ || calls_ > call_limit_;
  advance_to(std::min(next, time_limit_));
  if (beyond) {
    out_of_time_ = true;
    return false;
  }
  if (injector_ != nullptr && injector_->next_moment() <= world_.now) {
    const auto moment = injector_->on_moment(world_.now);
    world_.wall_offset_ms += moment.wall_jump_ms;
    if (moment.crash != CrashKind::kNone) {
      trace_.add(world_.now, "moment", "", static_cast<uint64_t>(moment.crash), 0, true);
      crashed_ = moment.crash;
      stopped_ = true;
      return true;
    }
  }
  tasks_.expire_timers(world_.now);
  return true;
}

void SimOs::advance_to(Instant next) {
  // The kernel's own clock ticks only where it can matter.
  while (world_.disk.next_writeback() < next && world_.disk.anything_pending()) {
    world_.now = std::max(world_.now, world_.disk.next_writeback());
    world_.disk.writeback(world_.now, choices_);
  }
  world_.now = std::max(world_.now, next);
  world_.disk.set_now(world_.now);
}

// Where nothing can happen before `due`, the task that waits for it goes on, as next() would have
// it, without the search for who does.
bool SimOs::skip_to(Instant due) {
  if (scheduler_ != &random_ || due > time_limit_) return false;
  if (injector_ != nullptr && injector_->next_moment() <= due) return false;
  if (!tasks_.skip_wait(due)) return false;
  advance_to(due);
  return true;
}

// --- A seam call ---

uint32_t SimOs::place_of(Op op, std::string_view path, const Site* fence) {
  const uint64_t seed = op_site(op).hash ^ (fence != nullptr ? fence->hash : 0);
  return occurrences_.place_of(hash_bytes(path, seed));
}

Injection SimOs::begin_call(uint32_t place, Op op, std::string_view path, uint64_t offset,
                            uint64_t size, const Site* fence) {
  Injection injection;
  const uint64_t number = calls_++;
  const uint64_t identity = occurrences_.next_at(place);
  if (injector_ != nullptr && !stopped_)
    injection = injector_->on_call({number, op, path, offset, size, fence, identity});
  injection.number = number;
  injection.identity = identity;
  point(injection, op, CrashPoint::kBefore);
  crash_if(injection, CrashPoint::kBefore);
  return injection;
}

void SimOs::end_call(const Injection& injection, Op op, std::string_view path, uint64_t a,
                     uint64_t b, bool ok) {
  trace_.add(world_.now, op_site(op), path, a, b, ok);
  failed_sync_unseen_ = !ok && (op == Op::kSync || op == Op::kSyncDirectory);
  point(injection, op, CrashPoint::kAfter);
  crash_if(injection, CrashPoint::kAfter);
  failed_sync_unseen_ = false;
}

void SimOs::crash(CrashKind kind) {
  if (stopped_) return;
  CHECK(crashed_ == CrashKind::kNone);
  trace_.add(world_.now, "crash", "", static_cast<uint64_t>(kind), calls_, true);
  crashed_ = kind;
  stopped_ = true;
  stop_for_good();
}

// The task that was running never runs again; its stack unwinds when the world is destroyed.
void SimOs::stop_for_good() {
  for (;;) tasks_.block(kForever);
}

void SimOs::pass(Duration base, Duration spread, bool sync, const Injection& injection) {
  if (tasks_.current() == nullptr || stopped_) return;
  if (latency_.instant && injection.extra_latency.ns == 0) return tasks_.yield();
  Duration latency = base + injection.extra_latency;
  const uint64_t key = injection.identity;
  if (spread.ns > 0) {
    latency.ns +=
        static_cast<int64_t>(choices_.choose("latency", key, static_cast<uint64_t>(spread.ns)));
  }
  const bool immediate = injection.extra_latency.ns == 0 && latency_.immediate_one_in != 0 &&
                         choices_.choose("immediate", key, latency_.immediate_one_in) == 0;
  if (immediate) return;
  const Instant due = world_.now + latency;
  if (sync || injection.extra_latency.ns > 0) waits_.push_back({world_.now, due});
  if (skip_to(due)) return;
  while (world_.now < due && !stopped_) tasks_.block(due);
}

void SimOs::pass_sync(Op op, const Injection& injection) {
  pass(latency_.sync_min, latency_.sync_max - latency_.sync_min, true, injection);
  // No time has passed, yet others have run: a crash may also strike at the end of it.
  if (latency_.instant) point(injection, op, CrashPoint::kReturning);
  crash_if(injection, CrashPoint::kReturning);
}

Error SimOs::injected(Errc code, Op op, std::string_view path) const {
  return named({code, to_string(code)}, op, path);
}

// The disk knows inodes; people know names.
Error SimOs::named(Error error, Op op, std::string_view path) const {
  if (path.empty()) path = ".";
  if (error.message.find(path) != std::string::npos && path != ".") return error;
  const std::string_view name = op_site(op).name;
  std::string message;
  message.reserve(name.size() + path.size() + error.message.size() + 3);
  message += name;
  message += ' ';
  message += path;
  message += ": ";
  message += error.message;
  error.message = std::move(message);
  return error;
}

template <class Effect>
Result<void> SimOs::plain_call(Op op, std::string_view path, const Effect& effect) {
  const Injection injection = begin_call(op, path);
  pass(latency_.metadata, injection);
  Result<void> outcome;
  if (injection.error && !injection.happens) {
    outcome = injected(*injection.error, op, path);
  } else {
    crash_if(injection, CrashPoint::kInside);
    outcome = world_.disk.check_read();
    if (outcome.ok()) outcome = effect();
    if (!outcome.ok()) outcome = named(outcome.error(), op, path);
    if (injection.happens) outcome = injected(*injection.error, op, path);
  }
  end_call(injection, op, path, 0, 0, outcome.ok());
  return outcome;
}

// --- Directories ---

Result<std::unique_ptr<File>> SimOs::open(std::string_view path, Open mode) {
  std::unique_ptr<File> file;
  TRY(plain_call(Op::kOpen, path, [&]() -> Result<void> {
    if (mode == Open::kCreateNew) {
      TRY(world_.disk.check_change());
      TRY_ASSIGN(const InodeId inode, world_.disk.create(path));
      file = std::make_unique<SimFile>(*this, inode, path, true);
      return {};
    }
    TRY_ASSIGN(const InodeId inode, world_.disk.lookup(path));
    if (world_.disk.is_directory(inode)) return Error{Errc::kInvalid, "a directory"};
    if (mode == Open::kReadWrite) TRY(world_.disk.check_change());
    if (!is_open(inode)) world_.disk.evict_inode(inode, choices_, occurrences_.next(kEvict.hash));
    file = std::make_unique<SimFile>(*this, inode, path, mode == Open::kReadWrite);
    return {};
  }));
  return file;
}

Result<void> SimOs::rename(std::string_view from, std::string_view to) {
  return plain_call(Op::kRename, to, [&]() -> Result<void> {
    TRY(world_.disk.check_change());
    return world_.disk.rename(from, to);
  });
}

Result<void> SimOs::link(std::string_view existing, std::string_view name) {
  return plain_call(Op::kLink, name, [&]() -> Result<void> {
    TRY(world_.disk.check_change());
    return world_.disk.hard_link(existing, name);
  });
}

Result<void> SimOs::remove(std::string_view path) {
  return plain_call(Op::kRemove, path, [&]() -> Result<void> {
    TRY(world_.disk.check_change());
    TRY_ASSIGN(const InodeId inode, world_.disk.lookup(path));
    if (!is_open(inode)) world_.disk.release(inode);
    return world_.disk.remove(path);
  });
}

Result<void> SimOs::make_directory(std::string_view path) {
  return plain_call(Op::kMakeDirectory, path, [&]() -> Result<void> {
    TRY(world_.disk.check_change());
    return path == kElsewhere ? world_.disk.make_elsewhere(path) : world_.disk.make_directory(path);
  });
}

Result<std::vector<std::string>> SimOs::list(std::string_view path) {
  std::vector<std::string> names;
  TRY(plain_call(Op::kList, path, [&]() -> Result<void> {
    TRY_ASSIGN(names, world_.disk.list(path));
    return {};
  }));
  return names;
}

Result<void> SimOs::sync_directory(std::string_view path, Site fence) {
  const Injection injection = begin_call(Op::kSyncDirectory, path, &fence);
  notice_shut(injection);
  const auto ticket = world_.disk.begin_sync_directory(path);
  point(injection, Op::kSyncDirectory, CrashPoint::kInside);
  crash_if(injection, CrashPoint::kInside);
  pass_sync(Op::kSyncDirectory, injection);
  Result<void> outcome;
  if (!ticket.ok()) {
    outcome = named(ticket.error(), Op::kSyncDirectory, path);
  } else {
    outcome = !injection.error    ? world_.disk.finish_sync(*ticket)
              : injection.journal ? world_.disk.fail_journal(*ticket)
                                  : world_.disk.fail_sync_directory(*ticket);
    if (!outcome.ok()) outcome = named(outcome.error(), Op::kSyncDirectory, path);
  }
  end_call(injection, Op::kSyncDirectory, path, fence.hash, 0, outcome.ok());
  return outcome;
}

namespace {
// Memory of this world: neither a kill nor a power cut leaves anything of it.
class SimScratch final : public engine::Scratch {
 public:
  explicit SimScratch(uint64_t size) : bytes_(size, '\0') {}
  uint64_t size() const override { return bytes_.size(); }
  Result<void> write(uint64_t offset, std::string_view bytes) override {
    CHECK(offset <= size() && bytes.size() <= size() - offset);
    bytes_.replace(offset, bytes.size(), bytes);
    return {};
  }
  Result<void> read(uint64_t offset, char* out, size_t size) override {
    CHECK(offset <= bytes_.size() && size <= bytes_.size() - offset);
    bytes_.copy(out, size, offset);
    return {};
  }

 private:
  std::string bytes_;
};
}  // namespace

Result<std::unique_ptr<engine::Scratch>> SimOs::open_scratch(uint64_t size) {
  constexpr std::string_view kName = "scratch";
  const Injection injection = begin_call(Op::kOpen, kName);
  Result<void> outcome;
  if (injection.error) {
    outcome = injected(*injection.error, Op::kOpen, kName);
  } else {
    crash_if(injection, CrashPoint::kInside);
    outcome = world_.disk.check_change();
    if (!outcome.ok()) outcome = named(outcome.error(), Op::kOpen, kName);
  }
  end_call(injection, Op::kOpen, kName, size, 0, outcome.ok());
  if (!outcome.ok()) return outcome.error();
  return std::unique_ptr<engine::Scratch>(std::make_unique<SimScratch>(size));
}

// What the kernel does by itself may meet the failure of the journal before a sync does.
void SimOs::notice_shut(const Injection& injection) {
  if (!world_.disk.is_shut()) return;
  const bool noticed = choices_.chance("disk.shut.noticed", injection.identity, 1, 4);
  const bool forgets = world_.disk.rules().sync_failure == SyncFailure::kBtrfs;
  if (noticed || forgets) world_.disk.set_noticed(noticed);
}

void SimOs::crash_machine(CrashKind kind) {
  Disk& disk = world_.disk;
  // Not 0: that is the world's own cut.
  const uint64_t key = kMachine.hash ^ ++machine_;
  disk = kind == CrashKind::kPowerCut ? disk.after_power_cut(choices_, key) : disk.after_kill();
  const auto checked = disk.self_check();
  CHECK(checked.ok());
  handles_.clear();
}

void SimOs::open_handle(InodeId inode) {
  if (inode >= handles_.size()) handles_.resize(inode + 1);
  if (handles_[inode]++ == 0) world_.disk.retain(inode);
}

void SimOs::close_handle(InodeId inode) {
  CHECK(inode < handles_.size() && handles_[inode] > 0);
  if (--handles_[inode] == 0) world_.disk.release(inode);
}

// --- Files ---

Result<size_t> SimFile::read_at(uint64_t offset, char* out, size_t size) {
  const Injection injection =
      os_.begin_call(os_.place_of(Op::kRead, path_), Op::kRead, path_, offset, size);
  os_.crash_if(injection, CrashPoint::kInside);
  os_.pass(os_.latency_.read, injection);
  if (os_.resolver_ != nullptr) size = os_.resolver_->before_read(inode_, offset, size);
  Disk& disk = os_.world_.disk;
  const auto read = [&]() -> Result<size_t> {
    if (injection.error) return os_.injected(*injection.error, Op::kRead, path_);
    TRY(disk.check_read());
    if (disk.may_refuse_pages() && os_.choices_.chance("disk.shut.read", injection.identity, 1, 4))
      return os_.injected(Errc::kIo, Op::kRead, path_);
    disk.evict(inode_, offset, size, os_.choices_, injection.identity);
    return disk.read(inode_, offset, out,
                     std::min<uint64_t>(size, injection.short_size.value_or(size)));
  };
  Result<size_t> outcome = read();
  CHECK(!outcome.ok() || *outcome <= size);
  if (!outcome.ok() && !injection.error) outcome = os_.named(outcome.error(), Op::kRead, path_);
  os_.end_call(injection, Op::kRead, path_, offset, outcome.ok() ? *outcome : 0, outcome.ok());
  return outcome;
}

Result<size_t> SimFile::write_at(uint64_t offset, std::string_view data) {
  if (!writable_) return refused(Op::kWrite);
  if (data.empty()) return size_t{0};
  const Injection injection = os_.begin_call(write_place(), Op::kWrite, path_, offset, data.size());
  Disk& disk = os_.world_.disk;
  if (injection.error ||
      (injection.crash != CrashKind::kNone && injection.point == CrashPoint::kInside)) {
    // A prefix of the bytes reaches the page cache: none, some or all.
    const uint64_t prefix =
        disk.is_shut() ? 0
                       : os_.choices_.choose("write.prefix", injection.identity, data.size() + 1);
    if (prefix > 0) (void)disk.write(inode_, offset, data.substr(0, prefix));
    os_.crash_if(injection, CrashPoint::kInside);
    os_.pass(os_.latency_.write, injection);
    os_.end_call(injection, Op::kWrite, path_, offset, prefix, false);
    return os_.injected(*injection.error, Op::kWrite, path_);
  }
  os_.pass(os_.latency_.write, injection);
  data = data.substr(0, injection.short_size.value_or(data.size()));
  CHECK(!data.empty());  // a short write is one byte at least
  if (os_.resolver_ != nullptr) os_.resolver_->before_write(inode_, offset, data.size());
  const auto write = [&]() -> Result<size_t> {
    TRY(disk.check_change());
    disk.evict(inode_, offset, data.size(), os_.choices_, injection.identity);
    return os_.watcher_ == nullptr ? disk.write(inode_, offset, data)
                                   : write_blocks(injection, offset, data);
  };
  Result<size_t> outcome = write();
  CHECK(!outcome.ok() || (*outcome > 0 && *outcome <= data.size()));
  if (!outcome.ok()) outcome = os_.named(outcome.error(), Op::kWrite, path_);
  os_.end_call(injection, Op::kWrite, path_, offset, outcome.ok() ? *outcome : 0, outcome.ok());
  return outcome;
}

// The page cache is filled a page at a time, and a page that is being filled is not written back.
Result<size_t> SimFile::write_blocks(const Injection& injection, uint64_t offset,
                                     std::string_view data) {
  size_t done = 0;
  while (done < data.size()) {
    const size_t piece = kBlockBytes - (offset + done) % kBlockBytes;
    const auto written = os_.world_.disk.write(inode_, offset + done, data.substr(done, piece));
    if (!written.ok()) return done > 0 ? Result<size_t>(done) : written;
    done += *written;
    if (done < data.size()) os_.point(injection, Op::kWrite, CrashPoint::kInside);
  }
  return done;
}

Result<void> SimFile::truncate(uint64_t size) {
  if (!writable_) return refused(Op::kTruncate);
  return os_.plain_call(Op::kTruncate, path_, [&]() -> Result<void> {
    TRY(os_.world_.disk.check_change());
    if (os_.resolver_ != nullptr) os_.resolver_->before_truncate(inode_, size);
    os_.world_.disk.truncate(inode_, size);
    return {};
  });
}

Result<void> SimFile::sync(Site fence) {
  const Injection injection = os_.begin_call(sync_place(fence), Op::kSync, path_, 0, 0, &fence);
  Disk& disk = os_.world_.disk;
  os_.notice_shut(injection);
  const SyncTicket ticket = disk.begin_sync(inode_);
  os_.point(injection, Op::kSync, CrashPoint::kInside);
  os_.crash_if(injection, CrashPoint::kInside);
  os_.pass_sync(Op::kSync, injection);
  auto outcome = !injection.error    ? disk.finish_sync(ticket)
                 : injection.journal ? disk.fail_journal(ticket)
                                     : disk.fail_sync(ticket, disk.rules().sync_failure);
  // The pages fare alike, whatever the reason is called.
  if (!outcome.ok())
    outcome = injection.error ? os_.injected(*injection.error, Op::kSync, path_)
                              : os_.named(outcome.error(), Op::kSync, path_);
  os_.end_call(injection, Op::kSync, path_, fence.hash, 0, outcome.ok());
  return outcome;
}

}  // namespace powercut::sim
