#include "scenarios/judge/history.h"

#include <fmt/format.h>

#include "engine/base/check.h"

namespace powercut::scenarios {

namespace {
constexpr size_t kOperationsExpected = 256;  // most runs have fewer
}

History::History() { operations_.reserve(kOperationsExpected); }

void History::attach(engine::Os& os, sim::Target& target, uint64_t k) {
  CHECK(k <= last_lsn());
  CHECK(target_ == nullptr);
  if (k < last_lsn() && remembers_) forgotten_.push_back(copy());
  os_ = &os;
  target_ = &target;
  on_attach(target.itself(), k);
  operations_.resize(k);
  backups_.begin(k);
  saved_ = std::min(saved_, k);
  synced_ = std::min(synced_, k);
  if (!policy_changes_.empty() && policy_changes_.back().policy != nullptr)
    put_in_force(nullptr, os.now());
  target.observe(this);
}

void History::detach() {
  if (target_ == nullptr) return;
  target_->observe(nullptr);
  target_ = nullptr;
  on_detach();
}

uint64_t History::own_operation(uint64_t after) const {
  const void* self = os_->current();
  for (uint64_t lsn = after + 1; lsn <= last_lsn(); ++lsn) {
    if (operation(lsn).task == self) return lsn;
  }
  return 0;
}

void History::ack(uint64_t lsn, Instant at, Instant from) {
  Operation& operation = operations_[lsn - 1];
  if (operation.ack != 0) return;
  operation.acked = at;
  // What the engine did for nobody, it was free to tell at once: who is shown it later lengthens no window of work.
  if (operation.task == nullptr) from = operation.executed;
  operation.acked_from = std::min(at, std::max(from, operation.executed));
  operation.ack = ++acked_;
  operation.policy_changes = policy_changes_.size();
}

void History::put_in_force(const Policy* policy, Instant at) {
  policy_changes_.push_back({at, policy});
  synced_ = 0;
}

bool History::was_forgotten(uint64_t digest, int64_t wall_ms) const {
  return std::any_of(forgotten_.begin(), forgotten_.end(), [&](const auto& before) {
    const auto& digests = before->digests_at(wall_ms);
    return std::find(digests.begin(), digests.end(), digest) != digests.end();
  });
}

void History::append(bool expiry_only, bool of_nobody) {
  operations_.push_back({.executed = os_->now(),
                         .task = of_nobody ? nullptr : os_->current(),
                         .expiry_only = expiry_only});
}

// --- Any engine ---

void PlainHistory::on_attach(sim::Target& target, uint64_t k) {
  target_ = &target;
  digests_.resize(k + 1);
}

void PlainHistory::on_operation(uint64_t number) {
  CHECK(number == last_lsn() + 1);
  append(false);
  digests_.push_back(target_->digest(os().wall_now().unix_ms));
}

std::string PlainHistory::self_check() {
  if (target_ == nullptr || target_->digest(os().wall_now().unix_ms) == digests_.back()) return {};
  return fmt::format("after operation {} the state is not the one that this operation left",
                     last_lsn());
}

}  // namespace powercut::scenarios
