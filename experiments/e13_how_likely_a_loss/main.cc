// e13: how likely is a loss of t? A steady stream, cut at any time alike. See README.md.
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "engine/engine.h"
#include "experiments/common/results.h"
#include "experiments/common/stream.h"
#include "scenarios/store/store_target.h"
#include "sim/choices.h"
#include "sim/sim_os.h"

namespace powercut::experiments {
namespace {

constexpr uint64_t kSeeds = 5;
constexpr uint64_t kCuts = 200;  // of each
constexpr uint64_t kPerSecond[] = {1, 10, 100};
constexpr std::string_view kPolicies[] = {"always", "everysec", "no", "checkpoint"};

// Of all that may be lost, all is.
class Least final : public sim::Picker {
 public:
  size_t pick(const sim::SlotNames&, const sim::SlotRef&, sim::Range range, size_t, bool) override {
    return range.lo;
  }
};

// How many operations the store finds there.
uint64_t recovered(const sim::Disk& disk, std::string_view policy) {
  sim::WorldState world{disk, Instant{0}, 1'700'000'000'000};
  sim::SeededChoices choices(1);
  sim::Trace trace;
  sim::SimOs os(world, choices, trace, nullptr);
  uint64_t last = 0;
  std::unique_ptr<engine::Engine> engine;
  os.spawn("main", [&] {
    auto opened = engine::Engine::open(os, scenarios::config_of({policy, {}}));
    CHECK(opened.ok());
    engine = std::move(opened).value();
    last = engine->recovery().last_lsn;
    os.stop();
  });
  os.run();
  os.destroy_tasks();
  return last;
}

struct Losses {
  std::vector<StreamLoss> worst;  // the least that the disk may keep
  std::vector<StreamLoss> drawn;  // any of what it may keep
};

void measure(std::string_view policy, uint64_t per_second, uint64_t seed, Losses& losses) {
  const Duration warm = seconds(policy == "no" ? 60 : 20);
  const Duration window = seconds(policy == "no" ? 120 : 60);
  sim::SeededChoices choices(seed);
  StreamSpec spec;
  spec.policy = policy;
  spec.persona = &faults::default_persona();
  spec.sync_min = spec.persona->sync_min;
  spec.sync_max = spec.persona->sync_max;
  spec.interval = nanoseconds(static_cast<int64_t>(1'000'000'000 / per_second));
  spec.even = false;
  spec.length = warm + window;
  spec.seed = seed;
  for (uint64_t i = 0; i < kCuts; ++i)
    spec.copies.push_back(Instant{0} + warm +
                          nanoseconds(static_cast<int64_t>(
                              choices.choose("e13.cut", i, static_cast<uint64_t>(window.ns)))));
  std::sort(spec.copies.begin(), spec.copies.end());
  const Stream stream = run_stream(spec);
  for (size_t i = 0; i < stream.copies.size(); ++i) {
    const sim::Disk& disk = stream.copies[i];
    Least least;
    losses.worst.push_back(
        loss_of(stream, spec.copies[i], recovered(disk.after_power_cut(least), policy)));
    losses.drawn.push_back(
        loss_of(stream, spec.copies[i], recovered(disk.after_power_cut(choices, i), policy)));
  }
}

// The value that `permille` of all do not exceed.
template <class Of>
int64_t quantile(const std::vector<StreamLoss>& losses, uint64_t permille, Of of) {
  std::vector<int64_t> values;
  for (const StreamLoss& loss : losses) values.push_back(of(loss));
  std::sort(values.begin(), values.end());
  return values[std::max<size_t>((values.size() * permille + 999) / 1000, 1) - 1];
}

int64_t age_ms(const StreamLoss& loss) { return loss.age.ms(); }
int64_t span_ms(const StreamLoss& loss) { return loss.span.ms(); }
int64_t operations(const StreamLoss& loss) { return static_cast<int64_t>(loss.operations); }

struct Tables {
  Csv data{
      "policy,sets_a_second,image,cuts,cuts_with_loss,age_ms_p50,age_ms_p90,age_ms_p99,age_ms_max,"
      "span_ms_p50,span_ms_p90,span_ms_p99,span_ms_max,lost_ops_p50,lost_ops_p90,lost_ops_p99,"
      "lost_ops_max"};
  Csv survival{"policy,sets_a_second,image,age_ms_at_least,cuts,share"};
};

void write_rows(Tables& tables, std::string_view policy, uint64_t per_second,
                std::string_view image, const std::vector<StreamLoss>& losses) {
  const auto with_loss = std::count_if(losses.begin(), losses.end(),
                                       [](const StreamLoss& loss) { return loss.operations > 0; });
  const auto at = [&](uint64_t permille, auto of) { return quantile(losses, permille, of); };
  tables.data.row(policy, per_second, image, losses.size(), with_loss, at(500, age_ms),
                  at(900, age_ms), at(990, age_ms), at(1000, age_ms), at(500, span_ms),
                  at(900, span_ms), at(990, span_ms), at(1000, span_ms), at(500, operations),
                  at(900, operations), at(990, operations), at(1000, operations));
  // A step of the curve wherever one of a hundred quantiles is.
  for (uint64_t percent = 0; percent <= 100; ++percent) {
    const int64_t from = percent == 0 ? 0 : at(percent * 10, age_ms);
    const auto count = std::count_if(losses.begin(), losses.end(), [&](const StreamLoss& loss) {
      return loss.operations > 0 && loss.age.ms() >= from;
    });
    tables.survival.row(policy, per_second, image, from, count,
                        ratio(static_cast<uint64_t>(count), losses.size(), 4));
  }
}

}  // namespace
}  // namespace powercut::experiments

int main(int argc, char** argv) {
  using namespace powercut;
  using namespace powercut::experiments;
  const Output output(argc, argv);
  Tables tables;
  uint64_t runs = 0;
  for (const std::string_view policy : kPolicies) {
    for (const uint64_t per_second : kPerSecond) {
      if (output.sample() && (policy != "everysec" || per_second > 1)) continue;
      Losses losses;
      for (uint64_t seed = 1; seed <= kSeeds; ++seed) measure(policy, per_second, seed, losses);
      write_rows(tables, policy, per_second, "worst", losses.worst);
      write_rows(tables, policy, per_second, "drawn", losses.drawn);
      runs += kSeeds;
    }
  }
  output.write("data.csv", tables.data.bytes());
  output.write("survival.csv", tables.survival.bytes());
  output.write_run({"e13_how_likely_a_loss", 1, kSeeds, runs});
}
