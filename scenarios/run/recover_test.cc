// By which clock a recovery is judged.
#include "scenarios/run/recover.h"

#include <gtest/gtest.h>

#include "sim/choices.h"

namespace powercut::scenarios {
namespace {

class Empty final : public sim::Target {
 public:
  void apply(uint64_t, std::string_view) override {}
  std::optional<sim::Reply> acknowledged(uint64_t, Instant) override { return std::nullopt; }
  uint64_t digest(int64_t wall_ms) override { return static_cast<uint64_t>(wall_ms); }
  sim::Promise promise() override { return {}; }
  Result<void> shut_down() override { return {}; }
};

// Its start takes a second, in which something may expire.
class SlowType final : public TargetType {
 public:
  std::string_view name() const override { return "slow"; }
  std::string_view about() const override { return "takes a second to start"; }
  Result<std::unique_ptr<sim::Target>> open(engine::Os& os, const sim::Settings&) const override {
    (void)os.park(os.now() + seconds(1));
    return std::unique_ptr<sim::Target>(std::make_unique<Empty>());
  }
};

Recovered recovered_at(int64_t wall_ms) {
  const SlowType type;
  sim::SeededChoices choices(1);
  sim::WorldState world;
  world.wall_offset_ms = 5'000;
  return recover_in(world, {&type, {}, nullptr}, {.choices = choices, .wall_ms = wall_ms});
}

TEST(Recover, IsJudgedByItsOwnClockWhereThatIsLater) {
  for (const int64_t earlier : {0, 5'999}) {
    EXPECT_EQ(recovered_at(earlier).wall_ms, 6'000);
    EXPECT_EQ(recovered_at(earlier).digest, 6'000u);
  }
}

TEST(Recover, IsJudgedByALaterClockThanItsOwn) {
  EXPECT_EQ(recovered_at(9'000).wall_ms, 9'000);
  EXPECT_EQ(recovered_at(9'000).digest, 9'000u);
}

}  // namespace
}  // namespace powercut::scenarios
