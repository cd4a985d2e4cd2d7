#include "engine/os/wait_queue.h"

#include <algorithm>

namespace powercut::engine {

bool WaitQueue::wait(Instant deadline) {
  Task* self = os_.current();
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

void WaitQueue::notify_all() {
  if (waiting_.empty()) return;
  std::vector<Task*> woken;
  woken.swap(waiting_);
  for (Task* task : woken) os_.unpark(task);
  woken.clear();
  if (waiting_.empty()) waiting_.swap(woken);  // keep the capacity
}

}  // namespace powercut::engine
