#include "scenarios/run/manners.h"

#include <algorithm>
#include <iterator>

namespace powercut::scenarios {

namespace {

// In a third of the runs only what is said in every run. Else each is in or out (swarm testing).
std::vector<std::string> draw_admin(sim::Choices& choices,
                                    std::span<const TargetType::Administration> all) {
  const bool swarm = choices.choose("admin.swarm", 0, 3) != 0;
  std::vector<std::string> in;
  for (size_t i = 0; i < all.size(); ++i)
    if (all[i].one_in == 1 || (swarm && choices.choose("admin.in", i, all[i].one_in) == 0))
      in.push_back(all[i].request);
  return in;
}

// In a third of the runs clients go on without a break and the engine's steps are small and slow: then they meet
// in the middle of a checkpoint.
bool is_busy(sim::Choices& choices) { return choices.choose("busy", 0, 3) == 0; }

}  // namespace

Manners draw_manners(sim::Choices& choices, const Workload& workload, const Policy& policy,
                     const TargetType& type) {
  Manners manners;
  manners.log = policy.has_log();
  manners.checkpoints = policy.kind != PolicyKind::kNone;
  if (workload.cut_at_end) return manners;
  constexpr uint64_t kClients[] = {1, 1, 2, 4};
  constexpr uint64_t kPipeline[] = {1, 1, 1, 4};
  constexpr int64_t kThinkMs[] = {0, 2, 40, 200, 400};
  manners.clients = std::max(kClients[choices.choose("clients", 0, std::size(kClients))],
                             workload.clients_at_least);
  manners.pipeline = kPipeline[choices.choose("pipeline", 0, std::size(kPipeline))];
  const bool busy = is_busy(choices);
  if (!busy)
    manners.think = milliseconds(kThinkMs[choices.choose("think", 0, std::size(kThinkMs))]);
  manners.admin = draw_admin(choices, type.administer(policy));
  if (!manners.admin.empty())
    manners.admin_one_in =
        type.administer_one_in() +
        choices.choose("admin.rate", 0, (busy ? 2 : 5) * type.administer_one_in());
  if (policy.has_log() && !type.turn_log_on().empty() && choices.choose("log.late", 0, 8) == 0)
    manners.turn_on_after = 1 + choices.choose("log.on_after", 0, 20);
  return manners;
}

Duration draw_write_latency(sim::Choices& choices) {
  constexpr int64_t kUs[] = {5, 50, 200};
  return microseconds(is_busy(choices) ? kUs[choices.choose("write.latency", 0, std::size(kUs))]
                                       : 5);
}

sim::Sizes draw_sizes(sim::Choices& choices) {
  // As the engine likes, or so small that a walk over some dozens of keys stops often.
  constexpr uint64_t kStep[] = {64, 512, 4096};
  const bool small = is_busy(choices) || choices.choose("step.small", 0, 4) == 0;
  // Most scripts of the workloads have some dozens, between one write and the next a few.
  constexpr int kScriptStep[] = {5, 11, 23, 50};
  const bool lets_in = choices.choose("script.lets_in", 0, 6) == 0;
  constexpr int64_t kLagMs[] = {0, 0, 0, 20, 500, 5'000};
  return {.rewrite_bytes = 512u << choices.choose("rewrite.bytes", 0, 6),
          .step_bytes = small ? kStep[choices.choose("step.bytes", 0, std::size(kStep))] : 0,
          .script_step =
              lets_in ? kScriptStep[choices.choose("script.step", 0, std::size(kScriptStep))] : 0,
          .lag = milliseconds(kLagMs[choices.choose("lag", 0, std::size(kLagMs))])};
}

}  // namespace powercut::scenarios
