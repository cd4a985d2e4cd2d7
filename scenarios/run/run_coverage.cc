// What a run has been through, for coverage.h. Asked only where something strikes.
#include "scenarios/run/run_lives.h"

namespace powercut::scenarios {

using engine::Persistence;
using faults::FaultClass;
using faults::FileRole;

EngineState Run::state(std::optional<sim::Op> op, FileRole role) const {
  if (!life_->clients) return crashed_before_ ? EngineState::kRecovering : EngineState::kStarting;
  if (shutting_down_) return EngineState::kShuttingDown;
  const engine::AofLog& log = life_->engine->aof();
  const Persistence& keeper = life_->engine->persistence();
  if (log.poisoned()) return EngineState::kHealing;
  if (keeper.busy(Persistence::Job::kRewrite)) {
    if (!log.active()) return EngineState::kTurningOn;
    const bool base = keeper.checkpoint().running() || role == FileRole::kBase;
    return base ? EngineState::kWritingBase : EngineState::kRewriting;
  }
  if (keeper.busy(Persistence::Job::kSave)) return EngineState::kSaving;
  if (op == sim::Op::kWrite) return EngineState::kWriting;
  if (op == sim::Op::kSync) return EngineState::kSyncing;
  if (log.active() && log.buffered_bytes() != 0) return EngineState::kWriting;
  if (log.active() && log.synced_lsn() < log.written_lsn()) return EngineState::kSyncing;
  return EngineState::kIdle;
}

void Run::on_strike(FaultClass fault, std::optional<sim::Op> op, FileRole role) {
  last_state_ = state(op, role);
  struck_.set(index_of(last_state_, fault));
}

void Run::reached(Branch branch) {
  ++result_.branches[static_cast<size_t>(branch)];
  if (static_cast<int>(branch) >= kRecoveryBranches || struck_.none()) return;
  for (size_t i = 0; i < struck_.size(); ++i)
    if (struck_[i]) result_.cells.set(i * kRecoveryBranches + static_cast<size_t>(branch));
}

void Run::cover_image(const Exposure& exposure, const ImageOutcome& outcome) {
  BranchSet branches = outcome.branches;
  if (outcome.refusal) branches.set(static_cast<size_t>(Branch::kRefusedCorruption));
  for (size_t i = 0; i < kRecoveryBranches; ++i) {
    if (!branches[i]) continue;
    const auto branch = static_cast<Branch>(i);
    result_.cells.set(index_of({exposure.state, FaultClass::kPowerCut, branch}));
    if (sim::under_way(exposure.point))
      result_.cells.set(index_of({exposure.state, FaultClass::kTorn, branch}));
  }
}

}  // namespace powercut::scenarios
