// e01: how many bytes reach the disk for each byte of user data? See README.md.
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "experiments/common/results.h"
#include "faults/personas.h"
#include "faults/plan_injector.h"
#include "scenarios/run/catalog.h"
#include "scenarios/store/files/roles.h"
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
// Under `always`, more of them: how the price of a sync is shared.
constexpr uint64_t kMoreBatches[] = {2, 4, 8, 32, 64, 128, 256};
constexpr std::string_view kRecorded[] = {"web-shop", "session-store", "job-queue"};
constexpr uint64_t kRecordedRewriteBytes = 64 << 10;

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
  uint64_t acked = 0;
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

// A store on a disk of its own, one client, and what reached the disk when all is said.
class Run {
 public:
  Run(const Variant& variant, uint64_t rewrite_bytes, uint64_t seed, int64_t wall_ms)
      : choices_(seed),
        variant_(variant),
        rewrite_bytes_(rewrite_bytes),
        world_{sim::Disk(faults::default_persona().rules), Instant{0}, wall_ms},
        by_role_(world_.disk),
        os_(world_, choices_, trace_, nullptr) {
    trace_.set_listener(&by_role_);
  }
  virtual ~Run() = default;

  Cell run() {
    os_.spawn("main", [this] { live(); });
    CHECK(os_.run() == sim::CrashKind::kNone);
    CHECK(engine_->stopped());
    cell_.rewrites = engine_->keeper().stats().rewrites;
    cell_.checkpoints = engine_->keeper().stats().saves;
    cell_.disk = world_.disk.stats();
    os_.destroy_tasks();
    engine_.reset();
    return cell_;
  }

 protected:
  virtual void talk(engine::Session& session) = 0;

  // Sends, and waits for every reply.
  void send(engine::Session& session, std::string_view requests) {
    session.feed(requests);
    while (!session.idle()) {
      const std::string_view replies = session.wait_ready();
      CHECK(!replies.starts_with('-'));
      session.consume(replies.size());
    }
  }
  void think(uint64_t number, uint64_t requests) {
    os_.park(os_.now() + nanoseconds(static_cast<int64_t>(
                             choices_.choose("think", number, kThinkMaxNs * requests))));
  }
  uint64_t changes() const { return engine_->aof().applied_lsn(); }

  sim::SeededChoices choices_;
  Cell cell_;

 private:
  void live() {
    // Hybrids rewrite when the log has reached so much, and doubled since.
    engine::EngineConfig config = scenarios::config_of({variant_.policy, {rewrite_bytes_}});
    if (variant_.saves) config.save = {{5, 1}};
    auto opened = Engine::open(os_, config);
    CHECK(opened.ok());
    engine_ = std::move(opened).value();
    const auto session = engine_->connect();
    talk(*session);
    // What is not yet on the disk would have gone there sooner or later: count it.
    CHECK(engine_->shut_down(false).ok());
    os_.stop();
  }

  const Variant& variant_;
  uint64_t rewrite_bytes_;
  sim::Trace trace_;
  sim::WorldState world_;
  ChargeByRole by_role_;
  std::unique_ptr<Engine> engine_;
  sim::SimOs os_;
};

class Sets final : public Run {
 public:
  // Rewritten at twice the live data.
  Sets(const Variant& variant, uint64_t batch, uint64_t value_bytes, uint64_t seed)
      : Run(variant, 2 * kKeys * (kKeyBytes + value_bytes), seed, 1'700'000'000'000),
        batch_(batch),
        value_bytes_(value_bytes) {}

 private:
  void talk(engine::Session& session) override {
    for (uint64_t sent = 0; sent < kOperations; sent += batch_) {
      think(sent, batch_);
      const uint64_t end = std::min(sent + batch_, kOperations);
      std::string requests;
      for (uint64_t i = sent; i < end; ++i) {
        const std::string key = fmt::format("key:{:06}", choices_.choose("key", i, kKeys));
        requests += sim::encode_request({"SET", key, random_text(choices_, i, value_bytes_)});
      }
      send(session, requests);
    }
    cell_.acked = kOperations;
    cell_.user_bytes = kOperations * (kKeyBytes + value_bytes_);
  }

  uint64_t batch_;
  uint64_t value_bytes_;
};

// What was recorded, one request or transaction at a time.
class Recorded final : public Run {
 public:
  Recorded(const Variant& variant, const scenarios::Workload& workload, uint64_t seed)
      : Run(variant, kRecordedRewriteBytes, seed, workload.wall_start_ms), workload_(workload) {}

 private:
  void talk(engine::Session& session) override {
    int db = 0;
    for (size_t i = 0; i < workload_.units.size(); ++i) {
      const scenarios::Unit& unit = workload_.units[i];
      think(i, 1);
      if (unit.db != db) send(session, sim::encode_request({"SELECT", std::to_string(unit.db)}));
      db = unit.db;
      const uint64_t before = changes();
      uint64_t bytes = 0;
      for (const std::string& request : unit.requests) {
        const auto words = sim::words_of(request);
        for (size_t word = 1; word < words.size(); ++word) bytes += words[word].size();
        send(session, request);
      }
      if (changes() == before) continue;
      cell_.user_bytes += bytes;
      ++cell_.acked;
    }
  }

  const scenarios::Workload& workload_;
};

void add(Cell& sum, const Cell& cell) {
  sum.user_bytes += cell.user_bytes;
  sum.acked += cell.acked;
  sum.rewrites += cell.rewrites;
  sum.checkpoints += cell.checkpoints;
  sum.disk.syncs += cell.disk.syncs;
  sum.disk.bytes_data += cell.disk.bytes_data;
  sum.disk.bytes_metadata += cell.disk.bytes_metadata;
  for (size_t i = 0; i < sum.disk.bytes_data_of.size(); ++i) {
    sum.disk.bytes_data_of[i] += cell.disk.bytes_data_of[i];
  }
}

// `what`: the columns that say what was run.
template <class One, class... What>
void write_row(Csv& csv, const One& one, const What&... what) {
  Cell sum;
  uint64_t least = UINT64_MAX;
  uint64_t most = 0;
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const Cell cell = one(seed);
    add(sum, cell);
    least = std::min(least, cell.total());
    most = std::max(most, cell.total());
  }
  const uint64_t named = sum.of(FileRole::kSegment) + sum.of(FileRole::kBase) +
                         sum.of(FileRole::kCheckpoint) + sum.of(FileRole::kManifest);
  const uint64_t user_of_one = sum.user_bytes / kSeeds;
  csv.row(what..., kSeeds, sum.acked, sum.user_bytes, sum.of(FileRole::kSegment),
          sum.of(FileRole::kBase), sum.of(FileRole::kCheckpoint), sum.of(FileRole::kManifest),
          sum.disk.bytes_data - named, sum.disk.bytes_metadata, sum.total(),
          ratio(sum.total(), sum.user_bytes), ratio(least, user_of_one), ratio(most, user_of_one),
          sum.disk.syncs, ratio(sum.acked, sum.disk.syncs), sum.rewrites, sum.checkpoints);
}

constexpr std::string_view kColumns =
    "seeds,operations,user_bytes,segment_bytes,base_bytes,checkpoint_bytes,manifest_bytes,"
    "other_bytes,metadata_bytes,total_bytes,amplification,amplification_min,amplification_max,"
    "syncs,operations_a_sync,rewrites,checkpoints";

std::string sets_table(bool sample) {
  Csv csv(fmt::format("variant,batch,value_bytes,{}", kColumns));
  const auto row = [&](const Variant& variant, uint64_t batch, uint64_t value_bytes) {
    const auto one = [&](uint64_t seed) { return Sets(variant, batch, value_bytes, seed).run(); };
    write_row(csv, one, variant.name, batch, value_bytes);
  };
  if (sample) {
    row(kVariants[0], 1, 16);
    return csv.bytes();
  }
  for (const uint64_t batch : kBatches)
    for (const Variant& variant : kVariants)
      for (const uint64_t value_bytes : kValueBytes) row(variant, batch, value_bytes);
  for (const uint64_t batch : kMoreBatches)
    for (const uint64_t value_bytes : {16, 256, 4096}) row(kVariants[0], batch, value_bytes);
  return csv.bytes();
}

std::string recorded_table(bool sample) {
  Csv csv(fmt::format("workload,variant,{}", kColumns));
  for (const std::string_view name : kRecorded) {
    const auto workload = scenarios::find_workload(std::string(name)).value();
    for (const Variant& variant : kVariants) {
      const auto one = [&](uint64_t seed) { return Recorded(variant, *workload, seed).run(); };
      write_row(csv, one, name, variant.name);
      if (sample) return csv.bytes();
    }
  }
  return csv.bytes();
}

}  // namespace
}  // namespace powercut::experiments

int main(int argc, char** argv) {
  using namespace powercut::experiments;
  const Output output(argc, argv);
  output.write("data.csv", sets_table(output.sample()));
  output.write("recorded.csv", recorded_table(output.sample()));
  const uint64_t rows = std::size(kBatches) * std::size(kVariants) * std::size(kValueBytes) +
                        std::size(kMoreBatches) * 3 + std::size(kRecorded) * std::size(kVariants);
  output.write_run({"e01_write_amplification", 1, kSeeds, kSeeds * rows});
}
