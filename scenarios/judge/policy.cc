#include "scenarios/judge/policy.h"

namespace powercut::scenarios {

namespace {

constexpr Policy kPolicies[] = {
    {PolicyKind::kAlways, "always", "nothing acknowledged is lost"},
    {PolicyKind::kEverysec, "everysec",
     "what is lost was acknowledged within the last second and the time of its sync, inside a "
     "window of 2 s"},
    {PolicyKind::kNo, "no",
     "what is lost is younger than the kernel's writeback: 30 s + 5 s + 5 s and its duration"},
    {PolicyKind::kCheckpoint, "checkpoint",
     "nothing before the newest published checkpoint is lost"},
    {PolicyKind::kHybridAlways, "hybrid-always",
     "as always, with rewrites and checkpoints as bases"},
    {PolicyKind::kHybridEverysec, "hybrid-everysec",
     "as everysec, with rewrites and checkpoints as bases"},
    {PolicyKind::kNone, "none", "nothing survives"},
};

}  // namespace

std::span<const Policy> all_policies() { return kPolicies; }

const Policy* find_policy(std::string_view name) {
  for (const Policy& policy : kPolicies) {
    if (policy.name == name) return &policy;
  }
  return nullptr;
}

engine::EngineConfig engine_config(const Policy& policy, uint64_t rewrite_bytes) {
  engine::EngineConfig config;
  config.recovery.append_only = policy.has_log();
  config.aof.policy = policy.always()     ? engine::SyncPolicy::kAlways
                      : policy.everysec() ? engine::SyncPolicy::kEverysec
                                          : engine::SyncPolicy::kNo;
  config.rewrite_percentage = 0;
  if (policy.kind == PolicyKind::kHybridAlways || policy.kind == PolicyKind::kHybridEverysec) {
    config.rewrite_percentage = 100;
    config.rewrite_min_bytes = rewrite_bytes;
  }
  if (policy.kind == PolicyKind::kCheckpoint) config.save = {{1, 10}, {5, 1}};
  return config;
}

}  // namespace powercut::scenarios
