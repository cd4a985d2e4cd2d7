#include "scenarios/store/replicas/replica_machine.h"

#include <algorithm>

namespace powercut::scenarios {

engine::Os& RunMachine::begin_process() {
  return *processes_.emplace_back(std::make_unique<sim::ProcessOs>(os_));
}

void RunMachine::end_process() {
  ended_ = processes_.size() - 1;
  processes_.back()->die();
}

void RunMachine::lose(sim::CrashKind kind) {
  while (!processes_.back()->still()) os_.park(os_.now() + milliseconds(1));
  crash_(kind);
}

bool RunMachine::sync_failed_unseen() const {
  return std::any_of(processes_.begin() + static_cast<std::ptrdiff_t>(ended_), processes_.end(),
                     [](const auto& process) { return process->sync_failed(); });
}

engine::Os& OtherMachine::begin_process() {
  return *lives_.emplace_back(std::make_unique<sim::NodeOs>(os_, std::move(disk_)));
}

std::unique_ptr<sim::NodeOs> OtherMachine::copy_behind_a_cut() const {
  return std::make_unique<sim::NodeOs>(os_, lives_.back()->left(true));
}

}  // namespace powercut::scenarios
