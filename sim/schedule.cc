#include "sim/schedule.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/base/check.h"
#include "engine/base/hash.h"

namespace powercut::sim {

namespace {

constexpr uint64_t kPriorities = uint64_t{1} << 40;

// `next`: of what was stated, the first that did not come; `decisions`: there were.
template <class Stated>
Result<void> finished(const std::string& problem, const std::vector<Stated>& stated, size_t next,
                      uint64_t decisions) {
  if (!problem.empty()) return Error{Errc::kInvalid, problem};
  if (next == stated.size()) return {};
  return Error{Errc::kInvalid,
               fmt::format("at decision {}: there were only {}", stated[next].decision, decisions)};
}

}  // namespace

size_t RandomScheduler::pick(const Ready& ready) {
  if (ready.size() == 1) return 0;
  size_t first = 0;
  uint64_t highest = 0;
  for (size_t i = 0; i < ready.size(); ++i) {
    const uint64_t key = nth_key(ready[i]->identity(), ready[i]->runs());
    const uint64_t priority = choices_.choose("schedule", key, kPriorities);
    if (i > 0 && priority <= highest) continue;
    first = i;
    highest = priority;
  }
  return first;
}

PctScheduler::PctScheduler(Choices& choices, uint64_t depth, uint64_t steps) : choices_(choices) {
  CHECK(depth >= 1 && steps >= 1);
  for (uint64_t i = 0; i + 1 < depth; ++i)
    changes_.push_back(choices.choose("pct.change", i, steps));
}

PctScheduler::Priority& PctScheduler::priority_of(const engine::Task& task) {
  for (Priority& known : priorities_)
    if (known.task == task.identity()) return known;
  const uint64_t drawn = choices_.choose("pct.priority", task.identity(), kPriorities);
  priorities_.push_back({task.identity(), changes_.size() + drawn});
  return priorities_.back();
}

size_t PctScheduler::highest(const Ready& ready) {
  size_t first = 0;
  for (size_t i = 1; i < ready.size(); ++i)
    if (priority_of(*ready[i]).value > priority_of(*ready[first]).value) first = i;
  return first;
}

size_t PctScheduler::pick(const Ready& ready) {
  size_t picked = highest(ready);
  for (size_t i = 0; i < changes_.size(); ++i) {
    if (changes_[i] != step_) continue;
    priority_of(*ready[picked]).value = i;
    picked = highest(ready);
  }
  ++step_;
  for (const engine::Task* task : ready)
    CHECK(priority_of(*task).value <= priority_of(*ready[picked]).value);
  return picked;
}

size_t FifoScheduler::pick(const Ready& ready) {
  if (ready.size() == 1) return 0;
  const uint64_t decision = decision_++;
  if (next_ == deviations_.size() || deviations_[next_].decision != decision) return 0;
  const uint64_t choice = deviations_[next_++].choice;
  if (choice < ready.size()) return choice;
  // No longer the run that the deviations were made for.
  if (problem_.empty())
    problem_ = fmt::format("at decision {}: only {} are ready", decision, ready.size());
  return ready.size() - 1;
}

Result<void> FifoScheduler::finish() const {
  return finished(problem_, deviations_, next_, decision_);
}

std::string task_name(const engine::Task& task) {
  const uint64_t number = task.identity() ^ hash_bytes(task.name());
  return number == 0 ? std::string(task.name()) : fmt::format("{}@{}", task.name(), number);
}

size_t StatedScheduler::pick(const Ready& ready) {
  if (ready.size() == 1) return 0;
  const uint64_t decision = decision_++;
  if (next_ == turns_.size() || turns_[next_].decision != decision) return 0;
  const std::string& task = turns_[next_++].task;
  std::string others;
  for (size_t i = 0; i < ready.size(); ++i) {
    const std::string name = task_name(*ready[i]);
    if (name == task) return i;
    others += (i == 0 ? "" : ", ") + name;
  }
  if (problem_.empty())
    problem_ = fmt::format("at decision {}: {} is not ready; ready: {}", decision, task, others);
  return 0;
}

Result<void> StatedScheduler::finish() const {
  return finished(problem_, turns_, next_, decision_);
}

size_t ScheduleWalk::pick(const Ready& ready) {
  if (ready.size() == 1) return 0;
  const uint64_t choice =
      odometer_.choose("schedule", 0, std::min<uint64_t>(ready.size(), left_ + 1));
  if (choice > 0) deviations_.push_back({decision_, choice});
  CHECK(choice <= left_);
  left_ -= choice;
  ++decision_;
  return choice;
}

bool ScheduleWalk::next() {
  left_ = delays_;
  decision_ = 0;
  deviations_.clear();
  return odometer_.next();
}

}  // namespace powercut::sim
