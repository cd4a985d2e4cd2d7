// Tasks that wait for a condition: wait until notified, look again, wait again.
#pragma once

#include <vector>

#include "engine/os/os.h"

namespace powercut::engine {

class WaitQueue {
 public:
  explicit WaitQueue(Os& os) : os_(os) {}
  ~WaitQueue() = default;

  // Suspends the running task until notify_all() or `deadline`; true if notified.
  bool wait(Instant deadline = kForever);
  // The same for the outermost loop of a task that the end of the world may simply forget: see
  // Task::set_at_rest(). REQUIRES: nothing on the stack has a destructor that would be missed.
  bool rest(Instant deadline = kForever);
  void notify_all();
  bool empty() const { return waiting_.empty(); }

 private:
  Os& os_;
  std::vector<Task*> waiting_;
};

}  // namespace powercut::engine
