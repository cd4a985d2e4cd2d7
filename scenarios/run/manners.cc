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

}  // namespace powercut::scenarios
