// e03: what does everysec lose, on disks of any speed, and what does it cost that it is no more? See README.md.
#include <fmt/format.h>

#include <algorithm>

#include "experiments/common/results.h"
#include "experiments/common/stream.h"
#include "experiments/e03_what_everysec_loses/redis_rule.h"

namespace powercut::experiments {
namespace {

constexpr int64_t kLatenciesUs[] = {100,       200,        500,        1'000,      2'000,
                                    5'000,     10'000,     20'000,     50'000,     100'000,
                                    200'000,   350'000,    500'000,    700'000,    1'000'000,
                                    1'400'000, 2'000'000,  2'800'000,  4'000'000,  5'600'000,
                                    8'000'000, 11'000'000, 16'000'000, 30'000'000, 60'000'000};
constexpr Duration kInterval = milliseconds(5);

void write_row(Csv& csv, std::string_view rule, bool waits, Duration sync, const Stream& stream,
               Instant warm, Instant end) {
  StreamLoss most;
  int64_t span_by_time = 0;  // ms x ms
  for (const StreamState& state : states_of(stream, warm, end)) {
    most.operations = std::max(most.operations, state.loss.operations);
    most.span = std::max(most.span, state.loss.span);
    span_by_time += state.loss.span.ms() * (state.until - state.from).ms();
  }
  csv.row(rule, waits ? "wait" : "send on", sync.ns / 1000, most.span.ms(),
          span_by_time / (end - warm).ms(), most.operations, longest_wait(stream, warm, end).ms(),
          stream.syncs);
}

void write_rows(Csv& csv, Duration sync, bool waits) {
  const Instant warm = Instant{0} + std::max(seconds(20), sync * 4);
  const Instant end = warm + std::max(seconds(40), sync * 8);
  StreamSpec spec;
  spec.policy = "everysec";
  spec.sync_min = spec.sync_max = sync;
  spec.interval = kInterval;
  spec.waits = waits;
  // Behind the end as well, or the last replies would find nobody who delays them.
  spec.length = end + std::max(seconds(10), sync * 3) - Instant{0};
  write_row(csv, "powercut", waits, sync, run_stream(spec), warm, end);
  spec.mutant = faults::find_mutant("window-not-enforced");
  write_row(csv, "powercut without its window", waits, sync, run_stream(spec), warm, end);
  for (const auto& [rule, write] :
       {std::pair{"redis: the write waits", RedisWrite::kWaitsForTheSync},
        std::pair{"redis: the write passes", RedisWrite::kPasses}})
    write_row(csv, rule, waits, sync, RedisRule(write, sync, kInterval, waits).run(spec.length),
              warm, end);
}

}  // namespace
}  // namespace powercut::experiments

int main(int argc, char** argv) {
  using namespace powercut;
  using namespace powercut::experiments;
  const Output output(argc, argv);
  Csv csv(
      "rule,clients,sync_us,lost_span_ms_max,lost_span_ms_mean,lost_ops_max,stall_ms_max,syncs");
  uint64_t runs = 0;
  for (const bool waits : {true, false}) {
    for (const int64_t us : kLatenciesUs) {
      if (output.sample() && us > 1'000) break;
      write_rows(csv, microseconds(us), waits);
      runs += 4;
    }
  }
  output.write("data.csv", csv.bytes());
  output.write_run({"e03_what_everysec_loses", 1, 1, runs});
}
