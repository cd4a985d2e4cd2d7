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

ExploredRun explored_run(const ExploreSpec& spec, const faults::Persona& persona) {
  ExploredRun explored;
  RunSpec& run = explored.spec;
  run.target = spec.target;
  run.workload = spec.workload;
  run.policy = spec.policy;
  run.persona = &persona;
  run.faults = faults::FaultSet();
  run.operations = spec.workload->operations();
  run.seed = spec.seed;
  run.mutant = spec.mutant;
  explored.stated.plan = faults::Plan();
  explored.stated.manners = Manners();
  explored.stated.manners->think = kThink;
  explored.stated.manners->clients = spec.workload->clients_at_least;
  explored.stated.sizes = {.rewrite_bytes = uint64_t{1} << 40};
  explored.stated.write_latency = sim::LatencyProfile{}.write;
  explored.stated.beside = Beside::kNothing;
  explored.stated.lingers = true;
  explored.stated.off = kExploredOff;
  return explored;
}

}  // namespace powercut::scenarios
