// What tests of the store on the simulated disk share where all that is needed is its lives: one behind the other on one
// disk, each ended by a kill, with an injector of the test's own.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>

#include "engine/engine.h"
#include "faults/personas.h"
#include "sim/sim_os.h"
#include "sim/sim_os_testing.h"

namespace powercut::scenarios {

template <class Injector>
class EngineLifeTest : public ::testing::Test {
 protected:
  EngineLifeTest() { config.aof.policy = engine::SyncPolicy::kAlways; }

  // One life of the store, from its opening to a kill.
  void live(const std::function<void(engine::Os&, engine::Engine&)>& body) {
    in_world([&](engine::Os& os) {
      auto opened = engine::Engine::open(os, config);
      ASSERT_TRUE(opened.ok()) << opened.error().message;
      body(os, **opened);
      left_ = std::move(opened).value();
    });
  }
  void in_world(const std::function<void(engine::Os&)>& body) {
    sim::SimOs os(world_, choices_, trace_, &injector);
    EXPECT_TRUE(sim::run_to_end(os, [&] { body(os); }));
    left_.reset();
  }
  // Why it does not start.
  std::string refusal() {
    std::string text;
    in_world([&](engine::Os& os) {
      const auto opened = engine::Engine::open(os, config);
      ASSERT_FALSE(opened.ok());
      text = opened.error().message;
    });
    return text;
  }

  static std::string ask(engine::Engine& engine, const std::string& line) {
    const auto session = engine.connect();
    session->feed(line + "\r\n");
    return std::string(session->wait_ready());
  }

  engine::EngineConfig config;
  Injector injector;

 private:
  sim::WorldState world_{sim::Disk(faults::find_persona("ext4-ordered")->rules)};
  sim::SeededChoices choices_{1};
  sim::Trace trace_;
  std::unique_ptr<engine::Engine> left_;
};

}  // namespace powercut::scenarios
