#include "engine/os/fiber.h"

#include <cxxabi.h>
#include <sys/mman.h>
#include <unistd.h>
#include <unwind.h>

#include <boost/context/fiber.hpp>
#include <boost/context/preallocated.hpp>
#include <exception>
#include <memory>
#include <utility>
#include <vector>

#include "engine/base/check.h"

#if defined(__SANITIZE_ADDRESS__)
#define POWERCUT_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POWERCUT_ASAN 1
#endif
#endif

#ifdef POWERCUT_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

namespace powercut::engine {

#ifdef POWERCUT_ASAN
const size_t Fiber::kStackBytes = 1024 * 1024;
#else
const size_t Fiber::kStackBytes = 256 * 1024;
#endif

namespace {

constexpr size_t kLargeStack = 64;  // times the usual

// What a forced unwind asks before each frame. Whether somebody catches it is settled: run_body()
// does.
_Unwind_Reason_Code next_frame(int, _Unwind_Action actions, _Unwind_Exception_Class,
                               _Unwind_Exception*, _Unwind_Context*, void*) {
  CHECK((actions & _UA_END_OF_STACK) == 0);
  return _URC_NO_REASON;
}

// Boost frees the stack through an allocator when its context ends; State does that here.
struct NoAllocator {
  void deallocate(boost::context::stack_context&) noexcept {}
};

class Stack {
 public:
  explicit Stack(size_t bytes)
      : bytes_(bytes), guard_bytes_(static_cast<size_t>(sysconf(_SC_PAGESIZE))) {
    void* memory = mmap(nullptr, guard_bytes_ + bytes_, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    CHECK(memory != MAP_FAILED);
    memory_ = static_cast<char*>(memory);
    CHECK(mprotect(memory_, guard_bytes_, PROT_NONE) == 0);
    unpoison();
  }
  ~Stack() {
    unpoison();  // whoever maps these addresses next must not find our red zones
    munmap(memory_, guard_bytes_ + bytes_);
  }
  Stack(const Stack&) = delete;
  Stack& operator=(const Stack&) = delete;

  char* bottom() const { return memory_ + guard_bytes_; }
  size_t bytes() const { return bytes_; }
  boost::context::preallocated as_boost() const {
    boost::context::stack_context context;
    context.size = bytes_;
    context.sp = bottom() + bytes_;
    return {context.sp, context.size, context};
  }

 private:
  void unpoison() {
#ifdef POWERCUT_ASAN
    ASAN_UNPOISON_MEMORY_REGION(bottom(), bytes_);
#endif
  }

  size_t bytes_;
  size_t guard_bytes_;
  char* memory_ = nullptr;
};

// What AddressSanitizer must be told about each switch; nothing in other builds. The fake stack of
// a fiber is kept, like its stack, from one body to the next, and given back only after the context
// has left for good: giving it back on the last switch, as the sanitizer's manual has it, would
// pull it from under the frames that Boost still returns through.
class Switches {
 public:
#ifdef POWERCUT_ASAN
  // Boost's constructor enters the new context for a moment, unannotated. Between these two no
  // frame is a fake one, so the frame it leaves there is not in the fake stack of whoever created
  // it.
  __attribute__((no_sanitize("address"))) void before_creation() {
    __sanitizer_start_switch_fiber(&outer_fake_, this, sizeof *this);  // only to learn our bounds
    __sanitizer_finish_switch_fiber(outer_fake_, &outer_bottom_, &outer_bytes_);
    __sanitizer_start_switch_fiber(&outer_fake_, outer_bottom_, outer_bytes_);
  }
  void after_creation() { after_exit(); }
  void before_entry(const Stack& stack) {
    __sanitizer_start_switch_fiber(&outer_fake_, stack.bottom(), stack.bytes());
  }
  void after_entry(bool handed_over) {
    if (handed_over)
      __sanitizer_finish_switch_fiber(inner_fake_, nullptr, nullptr);
    else
      __sanitizer_finish_switch_fiber(inner_fake_, &outer_bottom_, &outer_bytes_);
  }
  void before_hand_over(Switches& next, const Stack& stack) {
    next.outer_bottom_ = outer_bottom_;
    next.outer_bytes_ = outer_bytes_;
    __sanitizer_start_switch_fiber(&inner_fake_, stack.bottom(), stack.bytes());
  }
  void before_exit() { __sanitizer_start_switch_fiber(&inner_fake_, outer_bottom_, outer_bytes_); }
  void after_exit() { __sanitizer_finish_switch_fiber(outer_fake_, nullptr, nullptr); }
  void before_unwind() { __asan_handle_no_return(); }  // as before a throw
  // From outside, after the last exit: the only way to free a fake stack is to leave it for good,
  // so pretend to enter it and leave.
  __attribute__((no_sanitize("address"))) void free_inner_fake() {
    if (inner_fake_ == nullptr) return;
    __sanitizer_start_switch_fiber(&outer_fake_, outer_bottom_, outer_bytes_);
    __sanitizer_finish_switch_fiber(inner_fake_, nullptr, nullptr);
    __sanitizer_start_switch_fiber(nullptr, outer_bottom_, outer_bytes_);
    __sanitizer_finish_switch_fiber(outer_fake_, nullptr, nullptr);
  }

 private:
  void* outer_fake_ = nullptr;
  void* inner_fake_ = nullptr;
  const void* outer_bottom_ = nullptr;
  size_t outer_bytes_ = 0;
#else
  void before_creation() {}
  void after_creation() {}
  void before_entry(const Stack&) {}
  void after_entry(bool) {}
  void before_hand_over(Switches&, const Stack&) {}
  void before_exit() {}
  void after_exit() {}
  void before_unwind() {}
  void free_inner_fake() {}
#endif
};

}  // namespace

// The context never ends between bodies: it runs one, leaves, and waits on the same stack for the
// next. So a warm Fiber costs no allocation and no system call.
struct Fiber::State {
  // Where the fibers that run one after the other were entered from.
  struct Outer {
    boost::context::fiber context;
    State* left = nullptr;  // the one that came back
  };

  explicit State(Fiber::Size of_size)
      : size(of_size),
        stack(of_size == Fiber::Size::kLarge ? kLargeStack * kStackBytes : kStackBytes) {
    make_context();
  }
  ~State() {
    quit = true;
    enter();
    CHECK(!inside);  // it left for good
    switches.free_inner_fake();
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  void make_context() {
    switches.before_creation();
    inside = boost::context::fiber(std::allocator_arg, stack.as_boost(), NoAllocator{},
                                   [this](boost::context::fiber&& caller) {
                                     switches.after_entry(giver != nullptr);
                                     note_caller(std::move(caller));
                                     while (!quit) {
                                       run_body();
                                       done = true;
                                       leave();
                                     }
                                     switches.before_exit();
                                     outer->left = this;
                                     return std::move(outer->context);
                                   });
    switches.after_creation();
  }

  // The old context stays undestroyed, for its destructor would unwind.
  void drop() {
    alignas(boost::context::fiber) std::byte grave[sizeof(boost::context::fiber)];
    new (grave) boost::context::fiber(std::move(inside));
    make_context();
    body = nullptr;
    done = true;
  }

  // noexcept: an exception nobody waits for terminates where it was thrown, with its stack intact.
  void run_body() noexcept {
    call_body();
    body = nullptr;  // what it captured dies in the fiber, too
  }
  // A forced unwind comes without an object: the reference is null, which the sanitizer would
  // report.
  __attribute__((no_sanitize("undefined"))) void call_body() {
    try {
      body();
    } catch (const abi::__forced_unwind&) {
    }
  }
  // From inside: runs the destructors on the stack. Forced, because a throw goes over all frames
  // twice: once to find who catches it.
  [[noreturn]] void unwind() {
    switches.before_unwind();
    _Unwind_ForcedUnwind(&forced, next_frame, nullptr);
    std::terminate();
  }
  void enter() {
    Outer here;
    outer = &here;
    running = true;
    switches.before_entry(stack);
    CHECK(inside);
    boost::context::fiber left = std::move(inside).resume();
    switches.after_exit();
    here.left->inside = std::move(left);
    CHECK(here.left->running);
    here.left->running = false;
  }
  void leave() {
    CHECK(outer != nullptr && outer->context);
    switches.before_exit();
    outer->left = this;
    boost::context::fiber caller = std::move(outer->context).resume();
    switches.after_entry(giver != nullptr);
    note_caller(std::move(caller));
  }
  void hand_over(State& next) {
    next.outer = outer;
    next.giver = this;
    next.running = true;
    running = false;
    switches.before_hand_over(next.switches, next.stack);
    boost::context::fiber caller = std::move(next.inside).resume();
    switches.after_entry(giver != nullptr);
    note_caller(std::move(caller));
  }
  void note_caller(boost::context::fiber caller) {
    (giver != nullptr ? std::exchange(giver, nullptr)->inside : outer->context) = std::move(caller);
  }

  const Fiber::Size size;
  Stack stack;
  Switches switches;
  boost::context::fiber inside;  // the fiber, while it is suspended
  Outer* outer = nullptr;        // while the fiber runs
  State* giver = nullptr;        // who has just handed over to this one
  std::function<void()> body;
  _Unwind_Exception forced{};
  bool running = false;
  bool started = false;
  bool done = false;
  bool unwinding = false;
  bool quit = false;
};

// The stacks of this thread that no fiber uses, freed when the thread ends.
struct Fiber::Pool {
  static constexpr size_t kIdleMax = 4096;

  static std::unique_ptr<State> take(Fiber::Size size) {
    Pool* pool = of_thread();
    if (pool == nullptr || pool->of_size(size).empty()) return std::make_unique<State>(size);
    auto& idle = pool->of_size(size);
    std::unique_ptr<State> state = std::move(idle.back());
    idle.pop_back();
    CHECK(!state->running && state->inside && state->body == nullptr);
    return state;
  }
  static void give(std::unique_ptr<State> state) {
    Pool* pool = of_thread();
    if (pool == nullptr) return;
    auto& idle = pool->of_size(state->size);
    if (idle.size() < (state->size == Fiber::Size::kUsual ? kIdleMax : 4))
      idle.push_back(std::move(state));
  }

  ~Pool() { closed = true; }

 private:
  // Null when the thread is past its pool's end: a Fiber in a static may outlive it.
  static Pool* of_thread() {
    if (closed) return nullptr;
    thread_local Pool pool;
    return &pool;
  }
  static inline thread_local bool closed = false;

  std::vector<std::unique_ptr<State>>& of_size(Fiber::Size size) {
    return idle[static_cast<size_t>(size)];
  }

  std::vector<std::unique_ptr<State>> idle[2];
};

Fiber::Fiber(std::function<void()> body, Size size) : state_(Pool::take(size).release()) {
  state_->body = std::move(body);
  state_->started = state_->done = state_->unwinding = false;
}

Fiber::~Fiber() {
  std::unique_ptr<State> state(state_);
  CHECK(!state->running);
  if (!state->started) {
    state->body = nullptr;
  } else if (!state->done) {
    state->unwinding = true;
    state->enter();
    CHECK(state->done);
  }
  Pool::give(std::move(state));
}

void Fiber::resume() {
  CHECK(!state_->running && !state_->done);
  state_->started = true;
  state_->enter();
}

void Fiber::suspend() {
  State& state = *state_;
  CHECK(state.running);
  if (state.unwinding) return;
  state.leave();
  if (state.unwinding) state.unwind();
}

void Fiber::hand_over(Fiber& next) {
  State& state = *state_;
  CHECK(state.running && !state.unwinding);
  CHECK(!next.state_->running && !next.state_->done);
  next.state_->started = true;
  state.hand_over(*next.state_);
  if (state.unwinding) state.unwind();
}

void Fiber::drop() {
  CHECK(!state_->running && state_->started);
#ifndef POWERCUT_ASAN
  if (!state_->done) state_->drop();
#endif
}

bool Fiber::done() const { return state_->done; }
bool Fiber::unwinding() const { return state_->unwinding; }

}  // namespace powercut::engine
