#include "scenarios/judge/coverage.h"

#include <fmt/format.h>

namespace powercut::scenarios {

using faults::FaultClass;
using faults::FaultSet;
using faults::Target;

namespace {

constexpr std::array<std::string_view, kBranches> kBranchNames = {
    "fresh start",         "base loaded",         "checkpoint loaded",
    "tail whole",          "torn tail dropped",   "unnamed files set aside",
    "several segments",    "corruption refused",  "stopped by an injected error",
    "cut during recovery", "log healed",          "writes refused",
    "log rewritten",       "checkpoint published"};

constexpr std::array<std::string_view, kEngineStates> kStateNames = {
    "starting",  "recovering",   "idle",
    "writing",   "syncing",      "writing a base",
    "rewriting", "healing",      "turning the log on",
    "saving",    "shutting down"};

template <class Enum>
constexpr uint32_t bits_of(std::initializer_list<Enum> members) {
  uint32_t bits = 0;
  for (const Enum member : members) bits |= 1u << static_cast<int>(member);
  return bits;
}

// Cells that cannot exist, as long as plans are drawn as they are. An empty list: all.
struct Rule {
  uint32_t states;
  FaultSet faults;
  uint32_t branches;
  std::string_view reason;

  bool covers(Cell cell) const {
    return (states == 0 || (states >> static_cast<int>(cell.state) & 1) != 0) &&
           (faults.empty() || faults.has(cell.fault)) &&
           (branches == 0 || (branches >> static_cast<int>(cell.branch) & 1) != 0);
  }
};

// Those whose kinds strike such calls and no others.
FaultSet strike_only(faults::OpSet ops) {
  FaultSet set = FaultSet::of(Target::kCall);
  for (const faults::KindRow& kind : faults::kind_rows())
    if ((kind.ops & ~ops) != 0) set.remove(kind.fault);
  return set;
}

constexpr faults::OpSet kSyncs = faults::ops({sim::Op::kSync, sim::Op::kSyncDirectory});
constexpr FaultSet kOfCalls = FaultSet::of(Target::kCall) | FaultSet::of(Target::kCrash);
constexpr FaultSet kMedia = FaultSet::of(Target::kDisk);
using State = EngineState;

const Rule kRules[] = {
    {bits_of({State::kStarting, State::kRecovering}), FaultSet::of(Target::kClock), 0,
     "the clock jumps when an operation is issued, and a store that starts is issued none"},
    {~bits_of({State::kRecovering}), {FaultClass::kRecoveryCut}, 0, "strikes a recovery"},
    {bits_of({State::kStarting}),
     {},
     bits_of({Branch::kBaseLoaded, Branch::kCheckpointLoaded, Branch::kSeveralSegments,
              Branch::kTornTail}),
     "a store that was never open has written one empty segment at most"},
    {bits_of({State::kTurningOn}),
     {FaultClass::kKill, FaultClass::kPowerCut, FaultClass::kTorn},
     bits_of({Branch::kSeveralSegments}),
     "a log that is being turned on has one segment"},
    {bits_of({State::kWriting, State::kSyncing}),
     {FaultClass::kDeniedRename},
     0,
     "strikes a rename, and the log alone makes none"},
    {bits_of({State::kIdle}), kOfCalls, 0, "strikes a call, and an idle store makes none"},
    {bits_of({State::kWriting}), strike_only(kSyncs), 0, "strikes a sync"},
    {bits_of({State::kSyncing}), strike_only(~kSyncs), 0, "strikes what reads or writes"},
    {bits_of({State::kRecovering, State::kHealing}), kMedia, 0,
     "a contract violation comes with the first crash, and no error before it"},
    {0, kMedia, bits_of({Branch::kFailedOnInjectedError, Branch::kCutDuringRecovery}),
     "a contract violation comes with one crash, and no error after it"},
};

// "writing,syncing"; nothing if the bits are 0.
template <class Enum, class Name>
std::string names_of(uint32_t bits, int count, Name name) {
  std::string text;
  for (int i = 0; i < count; ++i) {
    if ((bits >> i & 1) == 0) continue;
    text += fmt::format("{}{}", text.empty() ? "" : ", ", name(static_cast<Enum>(i)));
  }
  return text;
}

std::string print(const Rule& rule) {
  std::string text;
  for (const std::string& part :
       {names_of<State>(rule.states, kEngineStates, [](State s) { return name(s); }),
        rule.faults.empty() ? std::string() : faults::print(rule.faults),
        names_of<Branch>(rule.branches, kRecoveryBranches, branch_name)}) {
    if (!part.empty()) text += fmt::format("{}{}", text.empty() ? "" : " x ", part);
  }
  return fmt::format("{}: {}", text, rule.reason);
}

}  // namespace

std::string_view branch_name(Branch branch) { return kBranchNames[static_cast<size_t>(branch)]; }

BranchSet branches_of(const sim::MetSet& met) {
  constexpr std::array<std::pair<sim::Met, Branch>, 7> kBranchOf = {{
      {sim::Met::kNothing, Branch::kFreshStart},
      {sim::Met::kBase, Branch::kBaseLoaded},
      {sim::Met::kSnapshot, Branch::kCheckpointLoaded},
      {sim::Met::kWholeTail, Branch::kTailWhole},
      {sim::Met::kTornTail, Branch::kTornTail},
      {sim::Met::kOrphans, Branch::kOrphansSetAside},
      {sim::Met::kSeveralSegments, Branch::kSeveralSegments},
  }};
  BranchSet set;
  for (const auto& [one, branch] : kBranchOf)
    if (met[static_cast<size_t>(one)]) set.set(static_cast<size_t>(branch));
  return set;
}

EngineState state_of(sim::Activity activity) {
  switch (activity) {
    case sim::Activity::kIdle:
      return EngineState::kIdle;
    case sim::Activity::kWriting:
      return EngineState::kWriting;
    case sim::Activity::kSyncing:
      return EngineState::kSyncing;
    case sim::Activity::kWritingBase:
      return EngineState::kWritingBase;
    case sim::Activity::kRewriting:
      return EngineState::kRewriting;
    case sim::Activity::kHealing:
      return EngineState::kHealing;
    case sim::Activity::kTurningOn:
      return EngineState::kTurningOn;
    case sim::Activity::kSaving:
      return EngineState::kSaving;
  }
  return EngineState::kIdle;
}

std::string_view name(EngineState state) { return kStateNames[static_cast<size_t>(state)]; }

std::string print(Cell cell) {
  return fmt::format("{} x {} x {}", name(cell.state), name(cell.fault), branch_name(cell.branch));
}

std::string_view impossible(Cell cell) {
  for (const Rule& rule : kRules)
    if (rule.covers(cell)) return rule.reason;
  return "";
}

CoverageReport coverage_of(const CellCounts& counts) {
  CoverageReport report;
  for (const Rule& rule : kRules) report.impossible.push_back(print(rule));
  for (size_t i = 0; i < kCells; ++i) {
    const Cell cell = cell_at(i);
    const bool reached = counts[i] != 0;
    if (!impossible(cell).empty()) {
      if (reached) report.mistaken.push_back(print(cell));
      continue;
    }
    ++report.reachable;
    if (reached)
      ++report.reached;
    else
      report.never.push_back(print(cell));
  }
  return report;
}

}  // namespace powercut::scenarios
