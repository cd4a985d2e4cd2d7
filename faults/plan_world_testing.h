// A store for tests of faults: one life in a simulated world, under a plan.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "faults/plan_injector.h"
#include "sim/sim_os.h"

namespace powercut::faults {

inline constexpr std::string_view kSegment = "appendonly.aof.1.incr.aof";

// One life of a store that does what a test says.
// What the files of these tests are.
inline FileRole files_of_test(std::string_view path) {
  return path.ends_with(".base.rdb") ? FileRole::kBase : FileRole::kSegment;
}

struct World : sim::TraceListener {
  explicit World(std::string_view text, uint32_t life = 0, uint64_t seed = 1)
      : plan(parse_plan(text).value()),
        choices(seed),
        injector(plan, life, choices, state.now, files_of_test),
        os(state, choices, trace, &injector) {
    trace.set_listener(this);
  }
  void on_event(const sim::Event& event) override {
    log += std::string(event.what) + (event.ok ? " " : "! ");
  }

  // Ten operations of a write and a sync each, then idle. Calls: 0 is open, operation n has 1 + 2n
  // and 2 + 2n.
  sim::CrashKind run_operations(const std::function<void(uint64_t)>& also = {}) {
    os.spawn("store", [this, also] {
      auto file = os.open(kSegment, engine::Open::kCreateNew);
      if (!file.ok()) return;
      for (uint64_t n = 0; n < 10; ++n) {
        injector.on_operation(n, os.now());
        const auto written = (*file)->write_at(n * 100, std::string(100, 'x'));
        short_writes += written.ok() && *written < 100 ? 1 : 0;
        failed += written.ok() ? 0 : 1;
        if (!(*file)->sync("segment.commit").ok()) ++failed;
        if (also) also(n);
        ++done;
      }
      idle_at = os.now();
      injector.on_idle(idle_at);
      os.park(kForever);
    });
    os.set_time_limit(Instant{0} + seconds(1'000));
    return os.run();
  }

  sim::WorldState state{sim::Disk(), Instant{0}, 1'000'000'000'000};
  Plan plan;
  sim::SeededChoices choices;
  sim::Trace trace;
  PlanInjector injector;
  std::string log;
  uint64_t done = 0;
  uint64_t failed = 0;
  uint64_t short_writes = 0;
  Instant idle_at;
  sim::SimOs os;
};

}  // namespace powercut::faults
