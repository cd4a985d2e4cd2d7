// The machine that an engine of the replicated targets is on: a disk, and one process after the other on it, each with an Os
// of its own. It dies alone, while the rest of the world goes on.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "sim/injector.h"
#include "sim/node_os.h"
#include "sim/process_os.h"

namespace powercut::scenarios {

class ReplicaMachine {
 public:
  virtual ~ReplicaMachine() = default;
  // It may die alone; else it falls with the world only.
  virtual bool may_die() const { return true; }
  // A process begins, on what the disk has. Its Os lives as long as this.
  virtual engine::Os& begin_process() = 0;
  // The last one is gone: none of its tasks makes another call. Says nothing of its links.
  virtual void end_process() = 0;
  // The same of one that could not start.
  virtual void give_up_process() { end_process(); }
  // Behind that: the disk is what a death of this kind leaves. Yields.
  virtual void lose(sim::CrashKind kind) = 0;
  // A sync has failed behind the end of the process that was ended last, or in a start since: what was written may be in no
  // page any more.
  virtual bool sync_failed_unseen() const { return false; }
};

// The run's own, where its faults are made.
class RunMachine final : public ReplicaMachine {
 public:
  // `crash`: as sim::Settings::crash_machine.
  RunMachine(engine::Os& os, std::function<void(sim::CrashKind)> crash)
      : os_(os), crash_(std::move(crash)) {}
  bool may_die() const override { return crash_ != nullptr; }
  engine::Os& begin_process() override;
  void end_process() override;
  void give_up_process() override { processes_.back()->die(); }
  void lose(sim::CrashKind kind) override;
  bool sync_failed_unseen() const override;

 private:
  engine::Os& os_;
  const std::function<void(sim::CrashKind)> crash_;
  std::vector<std::unique_ptr<sim::ProcessOs>> processes_;
  size_t ended_ = 0;  // of processes_: the one that was ended last
};

// Another one, with a disk on which no call fails.
class OtherMachine final : public ReplicaMachine {
 public:
  explicit OtherMachine(engine::Os& os) : os_(os) {}
  engine::Os& begin_process() override;
  void end_process() override { lives_.back()->die(); }
  void lose(sim::CrashKind kind) override {
    disk_ = lives_.back()->left(kind == sim::CrashKind::kPowerCut);
  }
  // As it would be behind a power cut now, which does not happen.
  std::unique_ptr<sim::NodeOs> copy_behind_a_cut() const;

 private:
  engine::Os& os_;
  sim::Disk disk_;  // of the next life
  std::vector<std::unique_ptr<sim::NodeOs>> lives_;
};

}  // namespace powercut::scenarios
