// The seam over the simulated disk, on virtual time.
//
// Models: every call takes virtual time, drawn from a latency profile, and may complete at once; tasks run in
// any order that choices allow; faults and crashes as an Injector says; a crash stops the world at once, and
// what the tasks' destructors do afterwards reaches only this world's disk, which nobody reads.
// Does not model: CPU time (tasks run in no time), signals, memory pressure.
// Source of the idea that one trait makes every choice: Shuttle (scheduler/mod.rs).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/check.h"
#include "engine/os/os.h"
#include "engine/os/tasks.h"
#include "sim/choices.h"
#include "sim/disk.h"
#include "sim/injector.h"
#include "sim/occurrences.h"
#include "sim/resolver.h"
#include "sim/schedule.h"
#include "sim/trace.h"

namespace powercut::sim {

struct LatencyProfile {
  Duration read{2'000};
  Duration write{5'000};      // into the page cache
  Duration metadata{10'000};  // open, rename, remove, list, truncate
  Duration sync_min{100'000};
  Duration sync_max{1'500'000};
  // One call in this many completes at once, without yielding; 0: none does.
  uint64_t immediate_one_in = 4;
  // Calls take no time, and each lets others run before it completes: the schedule decides the order.
  bool instant = false;
};

struct WorldState {
  Disk disk;
  Instant now{0};  // monotonic; goes on across crashes, so that one run has one time line
  int64_t wall_offset_ms = 0;  // wall clock = offset + now
};

// Told of every point at which a crash may strike: before and after each seam call, inside a sync (under way), and
// inside a write that crosses a block (its first blocks are written). The watcher may copy the disk, and change
// nothing.
class Watcher {
 public:
  virtual ~Watcher() = default;
  virtual void on_point(uint64_t call, Op op, CrashPoint point) = 0;
};

class SimOs final : public engine::Os, private CheckWitness {
 public:
  // `injector` may be null: nothing goes wrong.
  SimOs(WorldState& world, Choices& choices, Trace& trace, Injector* injector,
        const LatencyProfile& latency = {});
  ~SimOs() override;

  // Runs tasks until all have ended, a crash, or stop(). Says which crash, if any. kNone with tasks left
  // means that every task waits for ever.
  CrashKind run();
  // From a task: run() returns after this task's next yield.
  void stop() { stopped_ = true; }
  bool tasks_left() const { return !tasks_.empty(); }
  uint64_t calls() const { return calls_; }
  // Of the call whose point the watcher is being told of: see SeamCall::identity.
  uint64_t call_identity() const { return point_identity_; }
  void set_watcher(Watcher* watcher) { watcher_ = watcher; }
  void set_resolver(Resolver* resolver) { resolver_ = resolver; }
  // Instead of a RandomScheduler over the world's choices. It must outlive the run.
  void set_scheduler(Scheduler& scheduler) { scheduler_ = &scheduler; }
  // When syncs and slowed calls were under way: D of the everysec promise is made of these.
  struct Wait {
    Instant begin;
    Instant end;
  };
  const std::vector<Wait>& waits() const { return waits_; }
  // Time goes at most this far: run() returns kNone with out_of_time().
  void set_time_limit(Instant limit) { time_limit_ = limit; }
  bool out_of_time() const { return out_of_time_; }
  // Nor are more calls made than that, but in the step that makes them: likewise.
  void set_call_limit(uint64_t calls) { call_limit_ = calls; }
  // From now on a CHECK of the engine that fails in a task, or an exception that nobody there catches (of one that wants
  // more memory than there is the process ends), ends the world and not the process: run() returns, died() says which it
  // was, and what the tasks hold is leaked.
  void outlive_checks() { outlives_checks_ = true; }
  const std::string& died() const { return died_; }
  // A sync has failed, and the call has not returned: the engine cannot know.
  bool failed_sync_unseen() const { return failed_sync_unseen_; }
  // Its machine alone is killed, or loses its power: the disk is what that leaves, and files that are open are those of a
  // dead process. REQUIRES: no call is under way.
  void crash_machine(CrashKind kind);
  // Destroys the tasks, as the end of a world does.
  void destroy_tasks();

  // --- Os ---
  Result<std::unique_ptr<engine::File>> open(std::string_view path, engine::Open mode) override;
  Result<void> rename(std::string_view from, std::string_view to) override;
  Result<void> link(std::string_view existing, std::string_view name) override;
  Result<void> remove(std::string_view path) override;
  Result<void> make_directory(std::string_view path) override;
  Result<std::vector<std::string>> list(std::string_view path) override;
  Result<void> sync_directory(std::string_view path, Site fence) override;
  // The call is one that opens a file of the name "scratch"; it takes no time.
  Result<std::unique_ptr<engine::Scratch>> open_scratch(uint64_t size) override;
  Instant now() override { return world_.now; }
  WallTime wall_now() override { return {world_.wall_offset_ms + world_.now.ns / 1'000'000}; }
  uint64_t choose(Site site, uint64_t n) override {
    return choices_.choose(site, occurrences_.next(site.hash), n);
  }
  void spawn(std::string_view name, std::function<void()> body) override;
  engine::Task* current() override { return tasks_.current(); }
  bool park(Instant deadline) override { return tasks_.park(deadline); }
  void unpark(engine::Task* task) override { tasks_.unpark(task); }

 private:
  friend class SimFile;

  // Where the calls like this one are counted.
  uint32_t place_of(Op op, std::string_view path, const Site* fence = nullptr);
  Injection begin_call(uint32_t place, Op op, std::string_view path, uint64_t offset, uint64_t size,
                       const Site* fence = nullptr);
  Injection begin_call(Op op, std::string_view path, const Site* fence = nullptr) {
    return begin_call(place_of(op, path, fence), op, path, 0, 0, fence);
  }
  void end_call(const Injection& injection, Op op, std::string_view path, uint64_t a, uint64_t b,
                bool ok);
  void pass(Duration latency, const Injection& injection) { pass(latency, {}, false, injection); }
  void pass(Duration base, Duration spread, bool sync, const Injection& injection);
  void pass_sync(Op op, const Injection& injection);
  // Stops the world; does not return to a task.
  void crash(CrashKind kind);
  void die(std::string why);
  [[noreturn]] void stop_for_good();
  void on_check_failed(const char* file, const std::string& text) override;
  void crash_if(const Injection& injection, CrashPoint point) {
    if (injection.crash != CrashKind::kNone && injection.point == point) [[unlikely]]
      crash(injection.crash);
  }
  template <class Effect>
  Result<void> plain_call(Op op, std::string_view path, const Effect& effect);
  void notice_shut(const Injection& injection);
  bool is_open(InodeId inode) const { return inode < handles_.size() && handles_[inode] > 0; }
  void open_handle(InodeId inode);
  void close_handle(InodeId inode);
  Error injected(Errc code, Op op, std::string_view path) const;
  Error named(Error error, Op op, std::string_view path) const;
  std::optional<size_t> next();
  bool advance_clock();
  void advance_to(Instant next);
  bool skip_to(Instant due);

  WorldState& world_;
  Choices& choices_;
  Trace& trace_;
  Injector* injector_;
  LatencyProfile latency_;
  void point(const Injection& call, Op op, CrashPoint point) {
    if (watcher_ == nullptr || stopped_) return;
    point_identity_ = call.identity;
    watcher_->on_point(call.number, op, point);
  }

  Watcher* watcher_ = nullptr;
  Resolver* resolver_ = nullptr;  // null: everything is decided
  std::vector<Wait> waits_;
  std::vector<uint32_t> handles_;  // open handles by inode
  uint64_t machine_ = 0;           // counts the lives of the machine: whose handles those are
  engine::Tasks tasks_;
  uint64_t calls_ = 0;
  uint64_t point_identity_ = 0;
  Occurrences occurrences_;  // of calls, and of the engine's own draws
  RandomScheduler random_;
  Scheduler* scheduler_ = &random_;
  Instant time_limit_{INT64_MAX};
  uint64_t call_limit_ = UINT64_MAX;
  bool stopped_ = false;
  bool out_of_time_ = false;
  bool outlives_checks_ = false;
  bool failed_sync_unseen_ = false;
  std::string died_;
  CrashKind crashed_ = CrashKind::kNone;
};

}  // namespace powercut::sim
