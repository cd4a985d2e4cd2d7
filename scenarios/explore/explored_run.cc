#include "scenarios/explore/explore.h"

namespace powercut::scenarios {

namespace {
// Long enough for a sync of each second to come between the operations of a short workload.
constexpr Duration kThink = milliseconds(80);
}  // namespace

faults::Persona explored_persona(faults::Persona persona) {
  persona.rules.writeback = false;  // what it forces only takes images away
  return persona;
}

RunSpec explored_run(const ExploreSpec& spec, const faults::Persona& persona) {
  RunSpec run;
  run.workload = spec.workload;
  run.policy = spec.policy;
  run.persona = &persona;
  run.faults = faults::FaultSet();
  run.operations = spec.workload->operations();
  run.seed = spec.seed;
  run.mutant = spec.mutant;
  run.plan = faults::Plan();
  run.manners = Manners();
  run.manners->think = kThink;
  run.rewrite_bytes = uint64_t{1} << 40;
  run.beside = Beside::kNothing;
  run.lingers = true;
  run.off = kExploredOff;
  return run;
}

}  // namespace powercut::scenarios
