// e01: how many bytes reach the disk for each byte of user data? See README.md.
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "experiments/common/results.h"
#include "faults/personas.h"
#include "faults/plan_injector.h"
#include "scenarios/store/roles.h"
#include "scenarios/store/store_target.h"
#include "scenarios/workload/workload.h"
#include "sim/request.h"
#include "sim/sim_os.h"

namespace powercut::experiments {
namespace {

using engine::Engine;
using faults::FileRole;

constexpr uint64_t kSeeds = 3;
constexpr uint64_t kOperations = 1000;
constexpr uint64_t kKeys = 250;
constexpr uint64_t kKeyBytes = 10;            // "key:000000"
constexpr uint64_t kThinkMaxNs = 20'000'000;  // for each SET of a batch
constexpr uint64_t kValueBytes[] = {16, 64, 256, 1024, 4096, 16384, 65536};
constexpr uint64_t kBatches[] = {1, 16};

struct Variant {
  std::string_view name;
  std::string_view policy;
  bool saves;  // checkpoints every 5 s besides
};
constexpr Variant kVariants[] = {
    {"always", "always", false},
    {"everysec", "everysec", false},
    {"no", "no", false},
    {"hybrid-always", "hybrid-always", false},
    {"hybrid-everysec", "hybrid-everysec", false},
    {"everysec+checkpoint", "everysec", true},
    {"checkpoint", "checkpoint", false},
};

// Charges each file's data to its role, from the event of its creation on.
class ChargeByRole final : public sim::TraceListener {
 public:
  explicit ChargeByRole(sim::Disk& disk) : disk_(disk) {}
  void on_event(const sim::Event& event) override {
    if (event.what != "open" || !event.ok) return;
    const auto inode = disk_.lookup(event.path);
    if (!inode.ok()) return;
    disk_.charge_to(*inode, static_cast<uint8_t>(scenarios::role_of_store_file(event.path)));
  }

 private:
  sim::Disk& disk_;
};

struct Cell {
  uint64_t user_bytes = 0;  // key and value of every acknowledged SET
  uint64_t rewrites = 0;
  uint64_t checkpoints = 0;
  sim::DiskStats disk;
  uint64_t total() const { return disk.bytes_data + disk.bytes_metadata; }
  uint64_t of(FileRole role) const { return disk.bytes_data_of[static_cast<size_t>(role)]; }
};

// Printable and without pattern, so that the checkpoint's compression finds nothing.
std::string random_text(sim::Choices& choices, uint64_t number, uint64_t bytes) {
  std::string text(bytes, ' ');
  for (uint64_t i = 0; i < bytes; ++i) {
    text[i] = static_cast<char>('!' + choices.choose("value", number << 20 | i, 94));
  }
  return text;
}

class Run {
 public:
  Run(const Variant& variant, uint64_t batch, uint64_t value_bytes, uint64_t seed)
      : variant_(variant),
        batch_(batch),
        value_bytes_(value_bytes),
        choices_(seed),
        world_{sim::Disk(faults::default_persona().rules), Instant{0}, 1'700'000'000'000},
        by_role_(world_.disk),
        os_(world_, choices_, trace_, nullptr) {
    trace_.set_listener(&by_role_);
  }

  Cell run() {
    os_.spawn("main", [this] { live(); });
    CHECK(os_.run() == sim::CrashKind::kNone);
    CHECK(acked_ == kOperations && engine_->stopped());
    cell_.user_bytes = acked_ * (kKeyBytes + value_bytes_);
    cell_.rewrites = engine_->keeper().stats().rewrites;
    cell_.checkpoints = engine_->keeper().stats().saves;
    cell_.disk = world_.disk.stats();
    os_.destroy_tasks();
    engine_.reset();
    return cell_;
  }

 private:
  void live() {
    // Hybrids rewrite when the log has reached twice the live data, and doubled since.
    engine::EngineConfig config =
        scenarios::config_of({variant_.policy, 2 * kKeys * (kKeyBytes + value_bytes_)});
    if (variant_.saves) config.save = {{5, 1}};
    auto opened = Engine::open(os_, config);
    CHECK(opened.ok());
    engine_ = std::move(opened).value();
    const auto session = engine_->connect();
    for (uint64_t sent = 0; sent < kOperations; sent += batch_) {
      os_.park(os_.now() + think(sent));
      const uint64_t end = std::min(sent + batch_, kOperations);
      std::string requests;
      for (uint64_t i = sent; i < end; ++i) {
        const std::string key = fmt::format("key:{:06}", choices_.choose("key", i, kKeys));
        requests += sim::encode_request({"SET", key, random_text(choices_, i, value_bytes_)});
      }
      session->feed(requests);
      await(*session, end);
    }
    // What is not yet on the disk would have gone there sooner or later: count it.
    CHECK(engine_->shut_down(false).ok());
    os_.stop();
  }

  Duration think(uint64_t number) {
    return nanoseconds(
        static_cast<int64_t>(choices_.choose("think", number, kThinkMaxNs * batch_)));
  }

  void await(engine::Session& session, uint64_t until) {
    while (acked_ < until) {
      session.wait_ready();
      const std::string_view replies = session.ready();
      constexpr std::string_view kOk = "+OK\r\n";
      CHECK(replies.size() % kOk.size() == 0 && replies.starts_with(kOk));
      acked_ += replies.size() / kOk.size();
      session.consume(replies.size());
    }
  }

  const Variant& variant_;
  uint64_t batch_;
  uint64_t value_bytes_;
  sim::SeededChoices choices_;
  sim::Trace trace_;
  sim::WorldState world_;
  ChargeByRole by_role_;
  std::unique_ptr<Engine> engine_;
  uint64_t acked_ = 0;
  Cell cell_;
  sim::SimOs os_;
};

void add(Cell& sum, const Cell& cell) {
  sum.user_bytes += cell.user_bytes;
  sum.rewrites += cell.rewrites;
  sum.checkpoints += cell.checkpoints;
  sum.disk.syncs += cell.disk.syncs;
  sum.disk.bytes_data += cell.disk.bytes_data;
  sum.disk.bytes_metadata += cell.disk.bytes_metadata;
  for (size_t i = 0; i < sum.disk.bytes_data_of.size(); ++i) {
    sum.disk.bytes_data_of[i] += cell.disk.bytes_data_of[i];
  }
}

void write_row(Csv& csv, const Variant& variant, uint64_t batch, uint64_t value_bytes) {
  Cell sum;
  uint64_t least = UINT64_MAX;
  uint64_t most = 0;
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const Cell cell = Run(variant, batch, value_bytes, seed).run();
    add(sum, cell);
    least = std::min(least, cell.total());
    most = std::max(most, cell.total());
  }
  const uint64_t named = sum.of(FileRole::kSegment) + sum.of(FileRole::kBase) +
                         sum.of(FileRole::kCheckpoint) + sum.of(FileRole::kManifest);
  const uint64_t user_of_one = sum.user_bytes / kSeeds;
  csv.row(variant.name, batch, value_bytes, kSeeds, kSeeds * kOperations, sum.user_bytes,
          sum.of(FileRole::kSegment), sum.of(FileRole::kBase), sum.of(FileRole::kCheckpoint),
          sum.of(FileRole::kManifest), sum.disk.bytes_data - named, sum.disk.bytes_metadata,
          sum.total(), ratio(sum.total(), sum.user_bytes), ratio(least, user_of_one),
          ratio(most, user_of_one), sum.disk.syncs, sum.rewrites, sum.checkpoints);
}

}  // namespace
}  // namespace powercut::experiments

int main(int argc, char** argv) {
  using namespace powercut::experiments;
  const Output output(argc, argv);
  Csv csv(
      "variant,batch,value_bytes,seeds,operations,user_bytes,segment_bytes,base_bytes,"
      "checkpoint_bytes,manifest_bytes,other_bytes,metadata_bytes,total_bytes,amplification,"
      "amplification_min,amplification_max,syncs,rewrites,checkpoints");
  uint64_t runs = 0;
  for (const uint64_t batch : kBatches) {
    for (const Variant& variant : kVariants) {
      for (const uint64_t value_bytes : kValueBytes) {
        if (output.sample() && runs > 0) continue;
        write_row(csv, variant, batch, value_bytes);
        runs += kSeeds;
      }
    }
  }
  output.write("data.csv", csv.bytes());
  output.write_run({"e01_write_amplification", 1, kSeeds, runs});
}
