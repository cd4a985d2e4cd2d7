// The simulated object store keeps the seam's contract; and what only it can show: what it holds survives power cuts of the
// disk beside it, calls that nobody hears of again, and puts that are acknowledged and not there.
#include "sim/sim_object_store.h"

#include <gtest/gtest.h>

#include "engine/os/object_store_contract.h"
#include "sim/disk_testing.h"
#include "sim/sim_os.h"

namespace powercut::sim {
namespace {

class SimObjectStoreUnderTest final : public engine::ObjectStoreUnderTest {
 public:
  SimObjectStoreUnderTest() : os_(world_, choices_, trace_, nullptr) { store_.set_fine(true); }
  engine::Os& os() override { return os_; }
  engine::ObjectStore& store() override { return store_; }
  void set_out_of_reach(bool is) override { store_.set_out_of_reach(is); }
  void lose_next_answer() override { store_.lose_next_answer(); }
  void run(std::function<void()> body) override {
    os_.spawn("test", std::move(body));
    os_.run();
    EXPECT_FALSE(os_.tasks_left());
  }

 private:
  WorldState world_;
  SeededChoices choices_{7};
  Trace trace_;
  SimOs os_;
  SimObjectStore store_{os_};
};

class SimObjectStoreTest : public ::testing::Test {
 protected:
  void run(const std::function<void(SimObjectStore&)>& body) {
    SimOs os(world_, choices_, trace_, nullptr);
    SimObjectStore store(os);
    os.spawn("test", [&] { body(store); });
    os.run();
    EXPECT_FALSE(os.tasks_left());
  }
  WorldState world_;
  SeededChoices choices_{3};
  Trace trace_;
};

TEST_F(SimObjectStoreTest, WhatItHoldsSurvivesAPowerCutAndTheDiskBesideItDoesNot) {
  for (const PersonaRules& rules : {PersonaRules(), journaled_rules(), never()}) {
    world_.disk = Disk(rules);
    run([&](SimObjectStore& store) {
      store.set_fine(true);
      ASSERT_TRUE(store.put("a", "bytes").ok());
      ASSERT_TRUE(store.put("b", "gone").ok());
      ASSERT_TRUE(store.remove("b").ok());
    });
    append(world_.disk, world_.disk.create("beside").value(), "unsynced");
    EXPECT_TRUE(world_.disk.anything_pending());
    world_.disk = all_lost(world_.disk);
    EXPECT_TRUE(world_.disk.self_check().ok());
    EXPECT_FALSE(world_.disk.lookup("beside").ok()) << "no sync of the disk came with it";
    run([&](SimObjectStore& store) {
      store.set_fine(true);
      EXPECT_EQ(store.get("a", 0, 9).value(), "bytes");
      EXPECT_EQ(store.list("", 9).value(), std::vector<std::string>{"a"});
    });
  }
}

// Each kind of weather comes: acknowledged and there, and there later, and never; in error and there, and not.
TEST_F(SimObjectStoreTest, TheWeatherIsOfEachKind) {
  size_t there = 0, later = 0, never_there = 0, lost = 0, unheard = 0;
  run([&](SimObjectStore& store) {
    for (int n = 0; n < 400; ++n) {
      const std::string name = "n" + std::to_string(n);
      const bool acked = store.put(name, "x").ok();
      store.set_fine(true);
      const bool now = store.head(name).ok();
      ++(acked ? (now ? there : never_there) : (now ? unheard : lost));
      store.set_fine(false);
    }
  });
  run([&](SimObjectStore& store) {
    store.set_fine(true);
    later = store.list("n", 1000).value().size() - there - unheard;
  });
  for (const size_t count : {there, later, never_there - later, lost, unheard})
    EXPECT_GT(count, 3u);
}

// Who puts a name again, or removes it, is not overtaken by what came late.
TEST_F(SimObjectStoreTest, WhatComesLateDoesNotComeBack) {
  run([&](SimObjectStore& store) {
    for (int n = 0; n < 300; ++n) {
      (void)store.put("x", "old");
      store.set_fine(true);
      ASSERT_TRUE(store.remove("x").ok());
      store.set_fine(false);
    }
  });
  EXPECT_FALSE(world_.disk.lookup(SimObjectStore::path_of("x")).ok());
}

}  // namespace
}  // namespace powercut::sim

namespace powercut::engine {
INSTANTIATE_TEST_SUITE_P(Sim, ObjectStoreContract,
                         ::testing::Values(ObjectStoreFactory{
                             "SimObjectStore",
                             [] { return std::make_unique<sim::SimObjectStoreUnderTest>(); }}),
                         name_of_factory);
}  // namespace powercut::engine
