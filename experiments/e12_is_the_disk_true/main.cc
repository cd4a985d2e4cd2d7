// e12: is the simulated disk true? What real kernels left, held against what is legal here. See README.md.
#include <fmt/format.h>

#include <algorithm>
#include <fstream>

#include "experiments/common/results.h"
#include "faults/failed_syncs.h"
#include "faults/observations.h"

namespace powercut::experiments {
namespace {

// From the root of the tree, where experiments/run.sh starts this.
constexpr std::string_view kCrashes = "faults/testdata/kernel-6.18/observed.jsonl";
constexpr std::string_view kFailedSyncs = "faults/testdata/kernel-6.18/failed-sync.jsonl";
constexpr uint64_t kTapesMax = 5'000;  // as `powercut calibrate`

std::ifstream open(std::string_view path) {
  std::ifstream file(std::string(path), std::ios::binary);
  CHECK(file.good());
  return file;
}

std::string_view name_of(const faults::Persona* persona) {
  return persona == nullptr ? "none" : persona->name;
}

uint64_t crash_rows(Csv& csv, bool sample) {
  auto file = open(kCrashes);
  auto programs = faults::read_observations(file, std::string(kCrashes)).value();
  if (sample) std::erase_if(programs, [](const auto& one) { return one.config != "btrfs"; });
  for (const auto& row : faults::calibrate_all(programs, kTapesMax))
    csv.row("crash", row.config, name_of(row.persona), row.programs.size(), row.skipped(),
            row.sum.observed, row.sum.contained, row.sum.unchecked, row.sum.unreadable,
            row.sum.missing.size(), row.not_enumerated, row.sum.legal, row.sum.legal_observed);
  return programs.size();
}

uint64_t failed_sync_rows(Csv& csv, bool sample) {
  auto file = open(kFailedSyncs);
  auto programs = faults::read_failed_syncs(file, std::string(kFailedSyncs)).value();
  if (sample) return 0;
  for (const auto& row : faults::calibrate_failed_syncs(programs))
    csv.row("failed sync", row.fs, name_of(row.persona), row.programs, row.skipped(), row.observed,
            row.contained, 0, 0, row.missing.size(), 0, row.legal, row.legal_observed);
  return programs.size();
}

}  // namespace
}  // namespace powercut::experiments

int main(int argc, char** argv) {
  using namespace powercut::experiments;
  const Output output(argc, argv);
  Csv csv(
      "after,filesystem,persona,programs,not_run,observed,contained,truncated,unreadable,outside,"
      "programs_not_counted,legal,legal_observed");
  uint64_t programs = crash_rows(csv, output.sample());
  programs += failed_sync_rows(csv, output.sample());
  output.write("data.csv", csv.bytes());
  output.write_run({"e12_is_the_disk_true", 1, 1, programs});
}
