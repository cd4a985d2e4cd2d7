// A device that stays broken for a while, on virtual time: how often the store tries, and that it
// goes on by itself.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <charconv>
#include <string>

#include "engine/engine.h"
#include "faults/personas.h"
#include "sim/sim_os.h"

namespace powercut::scenarios {
namespace {

using ::testing::AllOf;
using ::testing::Ge;
using ::testing::Le;

constexpr Instant kWell = Instant{0} + seconds(70);

class BrokenFrom10To70 final : public sim::Injector {
 public:
  sim::SimOs* os = nullptr;
  sim::Injection on_call(const sim::SeamCall& call) override {
    sim::Injection injection;
    const bool broken = os->now() >= Instant{0} + seconds(10) && os->now() < kWell;
    if (broken && call.op == sim::Op::kSync) injection.error = Errc::kIo;
    return injection;
  }
};

std::string ask(engine::Session& session, std::string_view line) {
  session.feed(std::string(line) + "\r\n");
  session.wait_ready();
  std::string reply(session.ready());
  session.consume(reply.size());
  return reply;
}

void park_until(engine::Os& os, Instant then) {
  while (os.now() < then) os.park(then);
}

uint64_t counted(const std::string& info, std::string_view name) {
  const size_t at = info.find("\n" + std::string(name) + ":");
  uint64_t value = 0;
  if (at != info.npos)
    (void)std::from_chars(info.data() + at + name.size() + 2, info.data() + info.size(), value);
  return value;
}

TEST(Healing, ABrokenDeviceIsTriedLessAndLessOften) {
  sim::WorldState world{sim::Disk(faults::find_persona("ext4-ordered")->rules)};
  sim::SeededChoices choices(1);
  sim::Trace trace;
  BrokenFrom10To70 injector;
  sim::SimOs os(world, choices, trace, &injector);
  injector.os = &os;
  bool ended = false;
  os.spawn("test", [&] {
    engine::EngineConfig config;
    config.aof.policy = engine::SyncPolicy::kAlways;
    auto opened = engine::Engine::open(os, config);
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    auto session = (*opened)->connect();
    EXPECT_EQ(ask(*session, "SET before 1"), "+OK\r\n");
    park_until(os, Instant{0} + seconds(11));
    Instant answered{0};
    os.spawn("a writer", [&] {
      auto writer = (*opened)->connect();
      EXPECT_EQ(ask(*writer, "SET during 1"), "+OK\r\n");  // a base that was synced holds it
      answered = os.now();
    });
    park_until(os, kWell);
    // After 0.5, 1, 2 and 4 s, and every 8 s from then on; every half second would be 118 times.
    EXPECT_THAT(counted(ask(*session, "INFO persistence"), "aof_failed_heals"),
                AllOf(Ge(8u), Le(12u)));
    park_until(os, kWell + seconds(9));
    EXPECT_THAT(answered, AllOf(Ge(kWell), Le(kWell + seconds(9))));
    EXPECT_EQ(ask(*session, "SET after 1"), "+OK\r\n");
    EXPECT_TRUE((*opened)->shut_down(true).ok());
    session.reset();
    ended = true;
  });
  os.run();
  EXPECT_TRUE(ended);
  os.destroy_tasks();
}

}  // namespace
}  // namespace powercut::scenarios
