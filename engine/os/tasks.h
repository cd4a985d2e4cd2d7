// Tasks: fibers with a ready list and timers. Both implementations of the seam run their tasks on
// this; they differ in which ready task runs next and in how idle time passes.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/time.h"
#include "engine/os/fiber.h"

namespace powercut::engine {

// Lives as long as its Tasks: after its end it is used again for a task spawned later. So unpark()
// on a task that has ended is harmless; at worst a later task's park returns early.
class Task {
 public:
  std::string_view name() const { return name_; }
  uint64_t id() const { return id_; }  // counts from 0 in spawn order
  // A hash of the name and of its number among the tasks of that name: the same in a program that
  // spawns other tasks besides.
  uint64_t identity() const { return identity_; }
  uint64_t runs() const { return runs_; }  // how often it has been run
  // Says that nothing on the task's stack would be missed. While that is so, destroy_all() drops
  // the stack instead of unwinding it.
  void set_at_rest(bool at_rest) { at_rest_ = at_rest; }

 private:
  friend class Tasks;
  std::string name_;
  uint64_t id_ = 0;
  uint64_t identity_ = 0;
  uint64_t runs_ = 0;
  size_t slot_ = 0;             // its place in Tasks::tasks_
  std::optional<Fiber> fiber_;  // none once it has ended
  bool ready_ = false;
  enum class Wait : unsigned char { kNone, kPark, kBlock };
  Wait wait_ = Wait::kNone;  // from the call of park or block until its return
  bool unpark_pending_ = false;
  bool timed_out_ = false;
  bool timer_live_ = false;
  bool at_rest_ = false;
  uint64_t wait_count_ = 0;  // of waits; a timer of an earlier one is stale
};

class Tasks {
 public:
  Tasks() = default;
  ~Tasks() { destroy_all(); }
  Tasks(const Tasks&) = delete;
  Tasks& operator=(const Tasks&) = delete;

  // Makes a ready task. During destroy_all() it only destroys `body` and returns nullptr.
  Task* spawn(std::string_view name, std::function<void()> body);
  Task* current() const { return current_; }

  // From inside a task: suspends it until unpark() or `deadline`; true if it was unparked, which
  // wins when both came before the task ran again. With kForever only unpark() wakes it. A deadline
  // that has passed still lets every task that is ready now run first.
  //
  // On a stack that destroy_all() unwinds, park returns false at once. A destructor that waits for
  // another task to do something would then spin: that is a bug, and a CHECK ends it.
  bool park(Instant deadline);
  // From anywhere on this thread.
  void unpark(Task* task);

  // The same pair for the calls of the seam that yield: a file call must not swallow the unpark
  // that was meant for its task's next park. Suspends the running task until wake() or `deadline`;
  // true if woken. A wake() of a task that is not in block() does nothing, so look at the condition
  // first.
  bool block(Instant deadline);
  void wake(Task* task);
  // Lets every task that is ready now run first.
  void yield();
  // From inside a task, instead of block(deadline) where nothing but time would pass: no task is
  // ready, and no timer is due by then. True: count it as waited, and let the clock be `deadline`.
  bool skip_wait(Instant deadline);

  // From outside every task:
  // The ready tasks, oldest readiness first.
  const std::vector<Task*>& ready() const { return ready_; }
  // Runs ready()[index] until it parks or ends.
  void run(size_t index);
  // An index of ready(), or nothing: that is the end.
  using Next = std::function<std::optional<size_t>()>;
  // Runs one task after the other, as `next` says, until it says nothing. It is asked on the stack
  // of the task that waits, and that one hands over to who is next: if that is itself, it just goes
  // on. current() is nullptr meanwhile.
  void run_each(const Next& next);
  // The earliest live timer, or kForever.
  Instant next_deadline();
  // Makes ready every task whose deadline is at or before `now`, earliest deadline first.
  void expire_timers(Instant now);
  bool empty() const { return tasks_.empty(); }
  bool destroying() const { return destroying_; }
  // Destroys all tasks, youngest first, as a crash does: each stack unwinds, and a body that never
  // ran is destroyed. Meanwhile current() is the task that unwinds, and unpark() and spawn() do
  // nothing.
  void destroy_all();
  // The same, but that no stack unwinds: what is on them is leaked. Where something on them is broken.
  void drop_all();

 private:
  struct Timer {
    Instant deadline;
    uint64_t sequence;  // ties go to the earlier park
    Task* task;
    uint64_t wait_count;
  };
  static bool later(const Timer& a, const Timer& b);
  static bool stale(const Timer& timer);
  void add_timer(Task* task, Instant deadline);
  void pop_timer();
  bool wait(Task::Wait how, Instant deadline);
  void end_wait(Task* task);
  Task* take(size_t index);
  Task* take_next();
  void enter(Task* task);
  void make_ready(Task* task);
  void retire(Task* task);
  uint64_t next_identity(std::string_view name);
  void destroy(bool drop);

  std::vector<std::unique_ptr<Task>> tasks_;  // in no order
  std::vector<std::unique_ptr<Task>> ended_;  // to be used again
  std::vector<Task*> ready_;
  std::vector<Timer> timers_;  // a heap, soonest first
  size_t stale_timers_ = 0;    // how many of them are stale
  struct Namesakes {
    uint64_t name;  // its hash
    uint64_t count;
  };
  std::vector<Namesakes> namesakes_;
  Task* current_ = nullptr;
  const Next* next_ = nullptr;  // of run_each(), while it is under way
  Task* taken_ = nullptr;       // by a task that waits, for run_each(); null: the end
  uint64_t next_id_ = 0;
  uint64_t next_timer_ = 0;
  bool destroying_ = false;
  uint64_t parks_while_destroying_ = 0;
};

}  // namespace powercut::engine
