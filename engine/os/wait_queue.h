// Tasks that wait for a condition: wait until notified, look again, wait again.
//
// All of it is inline: no processor predicts a return whose call was made before the switch to another task, so
// each frame between a switch and the loop that waits costs.
#pragma once

#include <algorithm>
#include <vector>

#include "engine/base/check.h"
#include "engine/os/os.h"
#include "engine/os/tasks.h"

namespace powercut::engine {

class WaitQueue {
 public:
  explicit WaitQueue(Os& os) : os_(os) {}
  ~WaitQueue() = default;

  // Suspends the running task until notify_all() or `deadline`; true if notified.
  bool wait(Instant deadline = kForever) {
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
  // The same for the outermost loop of a task that the end of the world may simply forget: see
  // Task::set_at_rest(). REQUIRES: nothing on the stack has a destructor that would be missed.
  bool rest(Instant deadline = kForever) {
    Task* self = os_.current();
    self->set_at_rest(true);
    const bool notified = wait(deadline);
    self->set_at_rest(false);
    return notified;
  }
  void notify_all() {
    for (Task* task : waiting_) os_.unpark(task);
    waiting_.clear();
  }
  bool empty() const { return waiting_.empty(); }

 private:
  Os& os_;
  std::vector<Task*> waiting_;
};

}  // namespace powercut::engine
