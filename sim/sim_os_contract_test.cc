// The contract of the seam, kept by the simulated side.
#include <memory>
#include <string>
#include <utility>

#include "engine/os/os_contract.h"
#include "sim/disk_testing.h"
#include "sim/sim_os.h"
#include "sim/sim_os_testing.h"

namespace powercut {

using engine::OsFault;
using engine::OsUnderTest;

namespace sim {
namespace {

class SimOsUnderTest final : public OsUnderTest {
 public:
  SimOsUnderTest(const LatencyProfile& latency, const PersonaRules& rules)
      : latency_(latency), world_{Disk(rules), Instant{0}, kWallStartMs} {
    restart();
  }
  engine::Os& os() override { return *os_; }
  void run(std::function<void()> body) override {
    os_->spawn("test", std::move(body));
    EXPECT_EQ(os_->run(), CrashKind::kNone);
    EXPECT_FALSE(os_->tasks_left());
  }
  void kill_and_restart() override {
    Disk next = world_.disk.after_kill();
    os_.reset();
    world_.disk = std::move(next);
    restart();
  }
  bool inject(OsFault fault) override {
    switch (fault) {
      case OsFault::kShortReads:
        injector_.short_reads = true;
        return true;
      case OsFault::kShortWrites:
        injector_.short_writes = true;
        return true;
      case OsFault::kReadIo:
        injector_.fail_next(Op::kRead, Errc::kIo);
        return true;
      case OsFault::kWriteIo:
        injector_.fail_next(Op::kWrite, Errc::kIo);
        return true;
      case OsFault::kWriteNoSpace:
        injector_.fail_next(Op::kWrite, Errc::kNoSpace);
        return true;
      case OsFault::kTruncateNoSpace:
        injector_.fail_next(Op::kTruncate, Errc::kNoSpace);
        return true;
      case OsFault::kSyncIo:
        injector_.fail_next(Op::kSync, Errc::kIo);
        return true;
      case OsFault::kSyncDirectoryIo:
        injector_.fail_next(Op::kSyncDirectory, Errc::kIo);
        return true;
      case OsFault::kOpenNoSpace:
        injector_.fail_next(Op::kOpen, Errc::kNoSpace);
        return true;
      case OsFault::kRenameIo:
        injector_.fail_next(Op::kRename, Errc::kIo);
        return true;
      case OsFault::kLinkIo:
        injector_.fail_next(Op::kLink, Errc::kIo);
        return true;
      case OsFault::kRemoveIo:
        injector_.fail_next(Op::kRemove, Errc::kIo);
        return true;
    }
    return false;
  }

 private:
  void restart() { os_ = std::make_unique<SimOs>(world_, choices_, trace_, &injector_, latency_); }

  LatencyProfile latency_;
  WorldState world_;
  SeededChoices choices_{7};
  Trace trace_;
  TestInjector injector_;
  std::unique_ptr<SimOs> os_;
};

engine::OsFactory factory(std::string name, uint64_t immediate_one_in,
                          const PersonaRules& rules = {}) {
  LatencyProfile latency;
  latency.immediate_one_in = immediate_one_in;
  return {std::move(name), [=] { return std::make_unique<SimOsUnderTest>(latency, rules); }};
}

}  // namespace
}  // namespace sim

namespace engine {
INSTANTIATE_TEST_SUITE_P(Sim, OsContract,
                         ::testing::Values(sim::factory("Sometimes", 4), sim::factory("Never", 0),
                                           sim::factory("AtOnce", 1),
                                           sim::factory("Journaled", 4, sim::journaled_rules())),
                         name_of_factory);
}  // namespace engine
}  // namespace powercut
