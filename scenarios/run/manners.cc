#include "scenarios/run/manners.h"

#include <iterator>

namespace powercut::scenarios {

Manners draw_manners(sim::Choices& choices, const Workload& workload, const Policy& policy,
                     const TargetType& type) {
  Manners manners;
  manners.log = policy.has_log();
  manners.checkpoints = policy.kind != PolicyKind::kNone;
  if (workload.cut_at_end) return manners;
  constexpr uint64_t kClients[] = {1, 1, 2, 4};
  constexpr uint64_t kPipeline[] = {1, 1, 1, 4};
  constexpr int64_t kThinkMs[] = {0, 2, 40, 200, 400};
  manners.clients = kClients[choices.choose("clients", 0, std::size(kClients))];
  manners.pipeline = kPipeline[choices.choose("pipeline", 0, std::size(kPipeline))];
  manners.think = milliseconds(kThinkMs[choices.choose("think", 0, std::size(kThinkMs))]);
  manners.admin = type.administer(policy);
  if (!manners.admin.empty()) manners.admin_one_in = 8 + choices.choose("admin.rate", 0, 40);
  if (policy.has_log() && !type.turn_log_on().empty() && choices.choose("log.late", 0, 8) == 0)
    manners.turn_on_after = 1 + choices.choose("log.on_after", 0, 20);
  return manners;
}

sim::Sizes draw_sizes(sim::Choices& choices) {
  // Half of the runs as the engine likes; else so small that a walk over some dozens of keys stops often.
  constexpr uint64_t kStep[] = {0, 0, 0, 64, 512, 4096};
  constexpr int64_t kLagMs[] = {0, 0, 0, 20, 500, 5'000};
  return {.rewrite_bytes = 512u << choices.choose("rewrite.bytes", 0, 6),
          .step_bytes = kStep[choices.choose("step.bytes", 0, std::size(kStep))],
          .lag = milliseconds(kLagMs[choices.choose("lag", 0, std::size(kLagMs))])};
}

}  // namespace powercut::scenarios
