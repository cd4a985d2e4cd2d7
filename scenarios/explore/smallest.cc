#include "scenarios/explore/smallest.h"

#include <algorithm>
#include <utility>

#include "scenarios/base/chunks.h"
#include "scenarios/explore/scenario_of.h"

namespace powercut::scenarios {

namespace {

// Delta debugging of the workload's units. A crash point that fails may be gone with the units
// taken, so each try looks at all of them: it explores.
class Reduction {
 public:
  Reduction(const ExploreSpec& spec, const ExploredViolation& found)
      : spec_(spec), workload_(*spec.workload), found_(found) {
    spec_.workload = &workload_;
    spec_.personas = {found.persona};
    spec_.depth = static_cast<unsigned>(std::max<size_t>(1, found.crashes.size()));
    spec_.stop_at_violation = true;
  }

  void run() {
    (void)leave_out_in_chunks(
        workload_.units.size() / 2, [&] { return workload_.units.size(); },
        [&](size_t first, size_t count) { return without(first, count); }, [] { return false; });
  }
  const ExploreSpec& spec() const { return spec_; }
  const ExploredViolation& found() const { return found_; }

 private:
  bool without(size_t first, size_t count) {
    const std::vector<Unit> before = workload_.units;
    auto& units = workload_.units;
    const size_t last = std::min(units.size(), first + count);
    units.erase(units.begin() + static_cast<ptrdiff_t>(first),
                units.begin() + static_cast<ptrdiff_t>(last));
    if (!units.empty()) {
      for (Explored& explored : explore(spec_).by_persona) {
        for (ExploredViolation& one : explored.first) {
          if (one.violation.breach != found_.violation.breach) continue;
          found_ = std::move(one);
          return true;
        }
      }
    }
    units = before;
    return false;
  }

  ExploreSpec spec_;
  Workload workload_;
  ExploredViolation found_;
};

}  // namespace

Result<Shrunk> smallest(const ExploreSpec& spec, const ExploredViolation& found) {
  Reduction reduction(spec, found);
  reduction.run();
  TRY_ASSIGN(const Scenario scenario, scenario_of(reduction.spec(), reduction.found()));
  TRY_ASSIGN(Shrunk shrunk, shrink(scenario));
  shrunk.operations_before = spec.workload->units.size();
  return shrunk;
}

}  // namespace powercut::scenarios
