// What tests of, and in, the simulated world share: an injector that they tell what to do, and a life that they live.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "sim/injector.h"
#include "sim/sim_os.h"

namespace powercut::sim {

inline constexpr int64_t kWallStartMs = 1'700'000'000'000;

// Does what a test told it to: one fault of the contract, one crash, one jump of the clock.
class TestInjector final : public Injector {
 public:
  Injection on_call(const SeamCall& call) override {
    Injection injection;
    if (short_reads && call.op == Op::kRead) injection.short_size = 1 + call.number % 7;
    if (short_writes && call.op == Op::kWrite) injection.short_size = 1 + call.number % 7;
    if (crash_op == call.op && crash != CrashKind::kNone) {
      injection.crash = crash;
      injection.point = crash_point;
    }
    if (error_op == call.op) {
      injection.error = error;
      error_op.reset();
    }
    return injection;
  }
  Instant next_moment() override { return moment; }
  Moment on_moment(Instant) override {
    moment = kForever;
    return what_then;
  }
  void fail_next(Op op, Errc code) {
    error_op = op;
    error = code;
  }

  bool short_reads = false;
  bool short_writes = false;
  std::optional<Op> error_op;
  Errc error = Errc::kIo;
  CrashKind crash = CrashKind::kNone;
  CrashPoint crash_point = CrashPoint::kInside;
  std::optional<Op> crash_op;
  Instant moment = kForever;
  Moment what_then;
};

// Runs `body` in a task of the world, which ends with it; then its tasks are destroyed. False: it waits for ever.
inline bool run_to_end(SimOs& os, const std::function<void()>& body) {
  bool ended = false;
  os.spawn("test", [&] {
    body();
    ended = true;
    os.stop();
    os.park(kForever);
  });
  os.run();
  os.destroy_tasks();
  return ended;
}

}  // namespace powercut::sim
