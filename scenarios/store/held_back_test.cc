#include "scenarios/store/held_back.h"

#include <gtest/gtest.h>

#include "scenarios/store/engine_life_testing.h"

namespace powercut::scenarios {
namespace {

struct Nothing final : sim::Injector {
  sim::Injection on_call(const sim::SeamCall&) override { return {}; }
};

class HeldBackTest : public EngineLifeTest<Nothing> {};

// While a write is on its way nothing is held that may leave, and behind it neither.
TEST_F(HeldBackTest, NothingIsHeldThatMayLeave) {
  live([](engine::Os& os, engine::Engine& engine) {
    const auto session = engine.connect();
    for (int n = 0; n < 50; ++n) {
      session->feed("SET a 1\r\n");
      EXPECT_EQ(held_back(engine), "");
      os.park(os.now() + microseconds(40));
      EXPECT_EQ(held_back(engine), "");
    }
  });
}

}  // namespace
}  // namespace powercut::scenarios
