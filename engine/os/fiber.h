// One fiber on Boost.Context: the only file pair that knows it. A fiber runs on a stack of its own,
// taken from a pool of the running thread, until it suspends or its body returns.
//
// Destroying a suspended fiber unwinds its stack from suspend() on, as the end of a thread does, so
// the destructors on it run. It may happen while an exception is on its way, but not inside a catch:
// that terminates. Hence three rules for code that runs in a fiber:
//   - catch (...) is banned: it would swallow the unwind;
//   - never suspend below a noexcept function or a destructor: the unwind would terminate there;
//   - any other exception that leaves the body terminates the program.
#pragma once

#include <cstddef>
#include <functional>

namespace powercut::engine {

class Fiber {
 public:
  // What a body may use of the stack; a guard page lies below it. 256 KiB, and four times
  // that under AddressSanitizer, which fattens the frames.
  static const size_t kStackBytes;
  // For what recurses as deep as others please: 64 times that, of which only what is used takes memory.
  enum class Size : unsigned char { kUsual, kLarge };

  explicit Fiber(std::function<void()> body, Size stack = Size::kUsual);
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  // From outside: runs the fiber until it suspends or ends. REQUIRES: !done().
  void resume();
  // From inside: goes back to the resumer. While the fiber is being unwound it returns at once, so
  // a destructor that suspends cannot hang.
  void suspend();
  // From inside: suspends this one and runs `next` in its place. Who comes back to the resumer may
  // be any of those that took over. REQUIRES: `next` is neither running nor done.
  void hand_over(Fiber& next);
  // From outside, before the destructor: gives the stack up as it is, and runs no destructor on it.
  // That is a few instructions where unwinding is thousands. Under AddressSanitizer, which keeps
  // books of frames, it does nothing, and the destructor unwinds. REQUIRES: suspended, and nothing
  // on the stack would be missed.
  void drop();
  bool done() const;
  // True while the destructor unwinds the stack.
  bool unwinding() const;

 private:
  struct State;  // a stack with a context on it; outlives the fiber in the pool
  struct Pool;

  State* state_;
};

}  // namespace powercut::engine
