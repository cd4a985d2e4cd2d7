// The speed of the judge: full cycles of run, power cut, recovery and verdict, on one thread.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <fstream>
#include <string>

#include "engine/base/check.h"
#include "scenarios/run/run.h"

namespace powercut {
namespace {

using scenarios::RunSpec;

// One cycle: 100 acknowledged SETs under `always` on ext4-ordered, one power cut, recovery,
// verdict.
struct Set100 {
  Set100() : workload(scenarios::make_builtin("set100", 1)) {
    spec.workload = workload.get();
    spec.policy = scenarios::find_policy("always");
    spec.persona = faults::find_persona("ext4-ordered");
    spec.faults = {faults::FaultClass::kPowerCut};
    spec.operations = 100;
  }
  void cycle() {
    const auto result = scenarios::run_once(spec);
    CHECK(result.acked == 100 && result.recoveries == 1 && !result.violation);
    ++spec.seed;
  }

  std::shared_ptr<const scenarios::Workload> workload;
  RunSpec spec;
};

void set100(benchmark::State& state) {
  Set100 run;
  for (auto _ : state) run.cycle();
  state.counters["cycles/s"] =
      benchmark::Counter(static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
}
BENCHMARK(set100)->Unit(benchmark::kMicrosecond);

// Pages of this process that are in memory now.
uint64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  uint64_t size = 0;
  uint64_t resident = 0;
  CHECK(static_cast<bool>(statm >> size >> resident));
  return resident * 4096;
}

// A hundred thousand cycles must need no more memory than a thousand: the program ends with a
// CHECK if they do.
void set100_memory(benchmark::State& state) {
  Set100 run;
  for (int i = 0; i < 1000; ++i) run.cycle();
  const uint64_t before = resident_bytes();
  for (auto _ : state) run.cycle();
  const uint64_t after = resident_bytes();
  const uint64_t growth = after > before ? after - before : 0;
  CHECK(growth < (4u << 20));
  state.counters["rss_kib"] = static_cast<double>(after >> 10);
  state.counters["growth_kib"] = static_cast<double>(growth >> 10);
}
BENCHMARK(set100_memory)->Iterations(100'000)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace powercut

BENCHMARK_MAIN();
