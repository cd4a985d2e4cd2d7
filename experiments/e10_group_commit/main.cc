// e10: group commit: what many clients do to the syncs, to the wait for a reply, and to what is lost. See README.md.
#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "experiments/common/results.h"
#include "experiments/common/stream.h"

namespace powercut::experiments {
namespace {

constexpr uint64_t kClients[] = {1, 2, 4, 8, 16, 32, 64, 128};
constexpr uint64_t kPipelines[] = {1, 4, 16};
constexpr Duration kSyncs[] = {microseconds(100), milliseconds(1), milliseconds(10)};
constexpr int64_t kSyncsLong = 200;  // a run lasts as long as so many syncs

void write_row(Csv& csv, Duration sync, uint64_t clients, uint64_t pipeline) {
  StreamSpec spec;
  spec.policy = "always";
  spec.sync_min = spec.sync_max = sync;
  spec.clients = clients;
  spec.pipeline = pipeline;
  spec.length = sync * kSyncsLong;
  const Stream stream = run_stream(spec);
  std::vector<int64_t> waits_us;
  Instant last{0};
  for (const StreamOperation& operation : stream.operations) {
    waits_us.push_back((operation.acked - operation.sent).ns / 1000);
    last = std::max(last, operation.acked);
  }
  std::sort(waits_us.begin(), waits_us.end());
  uint64_t lost = 0;
  for (const StreamState& state : states_of(stream, Instant{0}, last))
    lost = std::max(lost, state.loss.operations);
  const uint64_t n = waits_us.size();
  csv.row(sync.ns / 1000, clients, pipeline, n, stream.syncs, ratio(stream.syncs, n, 5),
          waits_us[n / 2], waits_us[n * 99 / 100], waits_us.back(),
          n * 1'000'000'000 / static_cast<uint64_t>(last.ns), lost);
}

}  // namespace
}  // namespace powercut::experiments

int main(int argc, char** argv) {
  using namespace powercut::experiments;
  const Output output(argc, argv);
  Csv csv(
      "sync_us,clients,pipeline,operations,syncs,syncs_an_operation,wait_us_p50,wait_us_p99,"
      "wait_us_max,operations_a_second,lost_acknowledged_max");
  uint64_t runs = 0;
  for (const auto sync : kSyncs) {
    for (const uint64_t pipeline : kPipelines) {
      for (const uint64_t clients : kClients) {
        if (output.sample() && clients * pipeline > 16) continue;
        write_row(csv, sync, clients, pipeline);
        ++runs;
      }
    }
  }
  output.write("data.csv", csv.bytes());
  output.write_run({"e10_group_commit", 1, 1, runs});
}
