#include "engine/os/wait_queue.h"

#include <algorithm>

#include "engine/base/check.h"
#include "engine/os/tasks.h"

namespace powercut::engine {

bool WaitQueue::wait(Instant deadline) {
  Task* self = os_.current();
  CHECK(self != nullptr);
  waiting_.push_back(self);
  // A park may return early on a stale unpark: the queue itself says whether we were notified.
  for (;;) {
    const bool unparked = os_.park(deadline);
    const auto it = std::find(waiting_.begin(), waiting_.end(), self);
    if (it == waiting_.end()) return true;
    if (!unparked) {
      waiting_.erase(it);
      return false;
    }
  }
}

bool WaitQueue::rest(Instant deadline) {
  Task* self = os_.current();
  self->set_at_rest(true);
  const bool notified = wait(deadline);
  self->set_at_rest(false);
  return notified;
}

void WaitQueue::notify_all() {
  for (Task* task : waiting_) os_.unpark(task);
  waiting_.clear();
}

}  // namespace powercut::engine
