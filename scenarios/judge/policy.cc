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
    {PolicyKind::kNone, "none", "nothing survives but what SAVE or BGSAVE has published"},
};

}  // namespace

std::span<const Policy> all_policies() { return kPolicies; }

const Policy* find_policy(std::string_view name) {
  for (const Policy& policy : kPolicies) {
    if (policy.name == name) return &policy;
  }
  return nullptr;
}

}  // namespace powercut::scenarios
