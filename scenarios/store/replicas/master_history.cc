#include "scenarios/store/replicas/master_history.h"

#include <algorithm>

#include "engine/base/check.h"
#include "scenarios/store/keyspace/digest.h"

namespace powercut::scenarios {

namespace {

// How many of them are not above that.
template <class T>
size_t count_up_to(const std::vector<T>& sorted, T most) {
  return static_cast<size_t>(std::upper_bound(sorted.begin(), sorted.end(), most) - sorted.begin());
}

}  // namespace

uint64_t state_of(const engine::Keyspace& keyspace) { return keyspace_digest(keyspace, INT64_MIN); }

void MasterHistory::begin(uint64_t number, engine::Engine& master, Instant now) {
  first_ = number;
  before_ = master.applied_lsn();
  states_ = {state_of(master.keyspace())};
  offsets_ = {master.master().offset()};
  released_ = {now};
}

void MasterHistory::note_operation(uint64_t lsn, engine::Engine& master) {
  CHECK(lsn == before_ + states_.size());
  states_.push_back(state_of(master.keyspace()));
  offsets_.push_back(master.master().offset());
}

void MasterHistory::note_released(uint64_t lsn, Instant now) {
  while (before_ + released_.size() <= lsn && released_.size() < states_.size())
    released_.push_back(now);
}

std::optional<uint64_t> MasterHistory::first_with(uint64_t digest, uint64_t from) const {
  for (uint64_t number = std::max(from, first_); number <= last(); ++number)
    if (state_at(number) == digest) return number;
  return std::nullopt;
}

std::optional<uint64_t> MasterHistory::last_with(uint64_t digest, uint64_t to) const {
  for (uint64_t number = std::min(to, last()) + 1; number-- > first_;)
    if (state_at(number) == digest) return number;
  return std::nullopt;
}

std::optional<uint64_t> MasterHistory::at_offset(uint64_t offset) const {
  const size_t count = count_up_to(offsets_, offset);
  return count == 0 ? std::nullopt : std::optional(first_ + count - 1);
}

std::optional<uint64_t> MasterHistory::released_by(Instant until) const {
  const size_t count = count_up_to(released_, until);
  return count == 0 ? std::nullopt : std::optional(first_ + count - 1);
}

}  // namespace powercut::scenarios
