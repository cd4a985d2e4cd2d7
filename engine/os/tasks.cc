#include "engine/os/tasks.h"

#include <algorithm>
#include <utility>

#include "engine/base/check.h"
#include "engine/base/hash.h"

namespace powercut::engine {

namespace {
// Timers of parks that ended early stay in the heap until they outnumber the live ones.
constexpr size_t kStaleTimersMin = 64;
// No destructor of one crash parks this often unless it waits for what will never come.
constexpr uint64_t kParksWhileDestroyingMax = 100'000;
}  // namespace

Task* Tasks::spawn(std::string_view name, std::function<void()> body) {
  if (destroying_) return nullptr;
  if (ended_.empty()) ended_.push_back(std::make_unique<Task>());
  Task* task = ended_.back().get();
  CHECK(!task->fiber_ && !task->ready_ && !task->timer_live_ && task->wait_ == Task::Wait::kNone);
  task->name_.assign(name);
  task->id_ = next_id_++;
  task->identity_ = next_identity(name);
  task->runs_ = 0;
  task->slot_ = tasks_.size();
  task->fiber_.emplace(std::move(body));
  task->unpark_pending_ = false;
  tasks_.push_back(std::move(ended_.back()));
  ended_.pop_back();
  make_ready(task);
  return task;
}

uint64_t Tasks::next_identity(std::string_view name) {
  const uint64_t hash = hash_bytes(name);
  for (Namesakes& known : namesakes_)
    if (known.name == hash) return hash ^ ++known.count;
  namesakes_.push_back({hash, 0});
  return hash;
}

bool Tasks::park(Instant deadline) {
  CHECK(current_ != nullptr);
  if (std::exchange(current_->unpark_pending_, false)) return true;
  return wait(Task::Wait::kPark, deadline);
}

void Tasks::unpark(Task* task) {
  if (destroying_ || !task->fiber_) return;
  if (task->wait_ == Task::Wait::kPark) {
    end_wait(task);
  } else {
    task->unpark_pending_ = true;
  }
}

bool Tasks::block(Instant deadline) {
  CHECK(current_ != nullptr);
  return wait(Task::Wait::kBlock, deadline);
}

void Tasks::wake(Task* task) {
  if (!destroying_ && task->wait_ == Task::Wait::kBlock) end_wait(task);
}

void Tasks::yield() {
  CHECK(current_ != nullptr);
  if (!destroying_) make_ready(current_);
  wait(Task::Wait::kBlock, kForever);
}

bool Tasks::skip_wait(Instant deadline) {
  CHECK(current_ != nullptr);
  if (next_ == nullptr || !ready_.empty() || next_deadline() <= deadline) return false;
  ++current_->runs_;
  ++current_->wait_count_;
  return true;
}

bool Tasks::wait(Task::Wait how, Instant deadline) {
  Task* self = current_;
  if (destroying_) {
    CHECK(++parks_while_destroying_ < kParksWhileDestroyingMax);
    return false;
  }
  CHECK(self->wait_ == Task::Wait::kNone);
  self->wait_ = how;
  if (deadline != kForever) add_timer(self, deadline);
  if (next_ != nullptr) taken_ = current_ = take_next();
  if (next_ == nullptr || taken_ == nullptr)
    self->fiber_->suspend();
  else if (taken_ != self)
    self->fiber_->hand_over(*taken_->fiber_);
  CHECK(current_ == self && !self->ready_);
  self->wait_ = Task::Wait::kNone;
  ++self->wait_count_;
  return !std::exchange(self->timed_out_, false);
}

void Tasks::end_wait(Task* task) {
  task->timed_out_ = false;
  if (std::exchange(task->timer_live_, false)) ++stale_timers_;
  if (!task->ready_) make_ready(task);
}

Task* Tasks::take(size_t index) {
  CHECK(index < ready_.size());
  Task* task = ready_[index];
  CHECK(task->ready_ && task->fiber_);
  ready_.erase(ready_.begin() + static_cast<ptrdiff_t>(index));
  task->ready_ = false;
  ++task->runs_;
  return task;
}

Task* Tasks::take_next() {
  current_ = nullptr;
  const auto index = (*next_)();
  return index ? take(*index) : nullptr;
}

void Tasks::enter(Task* task) {
  current_ = task;
  task->fiber_->resume();
  current_ = nullptr;
}

void Tasks::run(size_t index) {
  CHECK(current_ == nullptr && next_ == nullptr);
  Task* task = take(index);
  enter(task);
  if (task->fiber_->done()) retire(task);
}

void Tasks::run_each(const Next& next) {
  CHECK(current_ == nullptr && next_ == nullptr);
  next_ = &next;
  while (Task* task = take_next()) {
    taken_ = task;
    enter(task);
    if (taken_ == nullptr) break;
    retire(taken_);
  }
  next_ = nullptr;
}

Instant Tasks::next_deadline() {
  while (!timers_.empty() && stale(timers_.front())) pop_timer();
  return timers_.empty() ? kForever : timers_.front().deadline;
}

void Tasks::expire_timers(Instant now) {
  while (next_deadline() <= now && !timers_.empty()) {
    Task* task = timers_.front().task;
    CHECK(task->wait_ != Task::Wait::kNone);
    task->timer_live_ = false;
    task->timed_out_ = true;
    ++stale_timers_;  // it is, from here on
    pop_timer();
    make_ready(task);
  }
}

void Tasks::destroy_all() { destroy(false); }

void Tasks::drop_all() { destroy(true); }

void Tasks::destroy(bool drop) {
  CHECK(current_ == nullptr && !destroying_);
  destroying_ = true;
  parks_while_destroying_ = 0;
  std::sort(tasks_.begin(), tasks_.end(),
            [](const auto& a, const auto& b) { return a->id_ > b->id_; });
  // Every Task outlives every stack: a destructor may still hold a pointer to any of them.
  for (const auto& task : tasks_) {
    current_ = task.get();
    task->unpark_pending_ = false;
    if (std::exchange(task->at_rest_, false) || (drop && task->runs_ > 0)) task->fiber_->drop();
    task->fiber_.reset();
    task->wait_ = Task::Wait::kNone;
    task->ready_ = task->unpark_pending_ = task->timed_out_ = task->timer_live_ = false;
    ++task->wait_count_;
  }
  current_ = nullptr;
  while (!tasks_.empty()) {
    ended_.push_back(std::move(tasks_.back()));
    tasks_.pop_back();
  }
  ready_.clear();
  timers_.clear();
  stale_timers_ = 0;
  destroying_ = false;
}

bool Tasks::later(const Timer& a, const Timer& b) {
  return a.deadline != b.deadline ? a.deadline > b.deadline : a.sequence > b.sequence;
}

bool Tasks::stale(const Timer& timer) {
  return !timer.task->timer_live_ || timer.wait_count != timer.task->wait_count_;
}

void Tasks::add_timer(Task* task, Instant deadline) {
  if (stale_timers_ > kStaleTimersMin && stale_timers_ > timers_.size() / 2) {
    std::erase_if(timers_, stale);
    std::make_heap(timers_.begin(), timers_.end(), later);
    stale_timers_ = 0;
  }
  CHECK(!task->timer_live_);
  task->timer_live_ = true;
  timers_.push_back({deadline, next_timer_++, task, task->wait_count_});
  std::push_heap(timers_.begin(), timers_.end(), later);
}

void Tasks::pop_timer() {
  CHECK(stale_timers_ > 0);
  std::pop_heap(timers_.begin(), timers_.end(), later);
  timers_.pop_back();
  --stale_timers_;
}

void Tasks::make_ready(Task* task) {
  CHECK(!task->ready_);
  task->ready_ = true;
  ready_.push_back(task);
}

void Tasks::retire(Task* task) {
  const size_t slot = task->slot_;
  CHECK(task->fiber_->done() && !task->ready_ && tasks_[slot].get() == task);
  task->fiber_.reset();
  std::swap(tasks_[slot], tasks_.back());
  tasks_[slot]->slot_ = slot;
  ended_.push_back(std::move(tasks_.back()));
  tasks_.pop_back();
}

}  // namespace powercut::engine
