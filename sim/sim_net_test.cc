// The simulated network keeps the seam's contract; and what only it can show: partitions, cuts, nodes that die.
#include "sim/sim_net.h"

#include <gtest/gtest.h>

#include "engine/os/net_contract.h"
#include "sim/sim_os.h"

namespace powercut::sim {
namespace {

using engine::Link;
using engine::Listener;

class SimNetUnderTest final : public engine::NetUnderTest {
 public:
  explicit SimNetUnderTest(uint64_t seed)
      : choices_(seed), os_(world_, choices_, trace_, nullptr) {}
  engine::Os& os() override { return os_; }
  engine::Net& here() override { return network_.node("here"); }
  engine::Net& there() override { return network_.node("there"); }
  std::string host_of_there() override { return "there"; }
  void run(std::function<void()> body) override {
    os_.spawn("test", std::move(body));
    os_.run();
    EXPECT_FALSE(os_.tasks_left());
  }

 private:
  WorldState world_;
  SeededChoices choices_;
  Trace trace_;
  SimOs os_;
  SimNetwork network_{os_};
};

engine::NetFactory factory(uint64_t seed) {
  return {"Seed" + std::to_string(seed), [=] { return std::make_unique<SimNetUnderTest>(seed); }};
}

// --- What goes wrong ---

class SimNetTest : public ::testing::Test {
 protected:
  void run(std::function<void()> body) {
    bool ended = false;
    os_.spawn("test", [&] {
      (void)network_.node("a");
      (void)network_.node("b");
      body();
      ended = true;
      os_.stop();
      os_.park(kForever);
    });
    os_.run();
    EXPECT_TRUE(ended);
    os_.destroy_tasks();
  }
  // a asks b.
  void link() {
    listener_ = std::move(network_.node("b").listen("b", 1).value());
    a_ = std::move(network_.node("a").connect("b", 1, in(1000)).value());
    b_ = std::move(listener_->accept(in(1000)).value());
  }
  Instant in(int64_t ms) { return os_.now() + milliseconds(ms); }
  void rest(int64_t ms) {
    const Instant until = in(ms);
    while (os_.now() < until) os_.park(until);
  }
  Errc error_of(const Result<size_t>& result) {
    EXPECT_FALSE(result.ok());
    return result.ok() ? Errc::kInvalid : result.error().code;
  }
  std::string heard(Link& link, int64_t ms = 10) {
    char buffer[4096];
    const auto got = link.receive(buffer, sizeof buffer, in(ms));
    return got.ok() ? std::string(buffer, *got) : std::string(to_string(got.error().code));
  }

  WorldState world_;
  SeededChoices choices_{3};
  Trace trace_;
  SimOs os_{world_, choices_, trace_, nullptr};
  SimNetwork network_{os_};
  std::unique_ptr<Listener> listener_;
  std::unique_ptr<Link> a_;
  std::unique_ptr<Link> b_;
};

TEST_F(SimNetTest, APartitionKeepsWhatIsSaidUntilItHeals) {
  run([&] {
    link();
    network_.partition("a", "b");
    EXPECT_EQ(a_->send("late", in(10)).value(), 4u);
    EXPECT_EQ(heard(*b_, 5000), to_string(Errc::kTimeout));
    EXPECT_EQ(b_->send("other way", in(10)).value(), 9u);
    EXPECT_EQ(heard(*a_), "other way") << "it is one direction that is partitioned";
    const auto made = network_.node("a").connect("b", 1, in(500));
    ASSERT_FALSE(made.ok());
    EXPECT_EQ(made.error().code, Errc::kTimeout);
    network_.heal();
    EXPECT_EQ(heard(*b_), "late");
  });
}

TEST_F(SimNetTest, WhatHadArrivedBeforeAPartitionIsReceivedInIt) {
  run([&] {
    link();
    EXPECT_EQ(a_->send("early", in(10)).value(), 5u);
    os_.park(in(10));
    network_.partition("a", "b");
    EXPECT_EQ(a_->send("late", in(10)).value(), 4u);
    EXPECT_EQ(heard(*b_), "early");
    EXPECT_EQ(heard(*b_, 5000), to_string(Errc::kTimeout));
    network_.heal();
    EXPECT_EQ(heard(*b_), "late");
  });
}

TEST_F(SimNetTest, AnEndDoesNotPassAPartitionEither) {
  run([&] {
    link();
    network_.partition_both("a", "b");
    a_.reset();
    EXPECT_EQ(heard(*b_, 5000), to_string(Errc::kTimeout));
    network_.heal();
    EXPECT_EQ(heard(*b_), "");
  });
}

TEST_F(SimNetTest, ACutLosesATailAndTellsBothEnds) {
  size_t whole = 0;
  size_t nothing = 0;
  run([&] {
    for (int round = 0; round < 40; ++round) {
      link();
      EXPECT_TRUE(a_->send("one ", in(10)).ok());
      EXPECT_TRUE(a_->send("two ", in(10)).ok());
      network_.cut("b", "a");
      EXPECT_EQ(error_of(a_->send("three", in(10))), Errc::kIo);
      std::string all;
      for (;;) {
        char buffer[100];
        const auto got = b_->receive(buffer, sizeof buffer, in(1000));
        if (!got.ok()) {
          EXPECT_EQ(got.error().code, Errc::kIo) << "and no end";
          break;
        }
        all.append(buffer, *got);
      }
      EXPECT_TRUE(std::string("one two ").starts_with(all)) << all;
      ++(all.empty() ? nothing : whole);
      listener_.reset();
    }
  });
  EXPECT_GT(whole, 0u);
  EXPECT_GT(nothing, 0u);
}

TEST_F(SimNetTest, OneEndIsToldOfALinkThatIsForgottenOnTheWay) {
  run([&] {
    link();
    EXPECT_TRUE(a_->send("x", in(10)).ok());
    rest(2);
    network_.forget_way("a", "b");
    char byte = 0;
    EXPECT_EQ(error_of(a_->receive(&byte, 1, in(10))), Errc::kIo);
    EXPECT_EQ(error_of(a_->send("y", in(10))), Errc::kIo);
    a_.reset();
    for (int i = 0; i < 3; ++i) {
      EXPECT_TRUE(b_->send("z", in(10)).ok()) << "b is never told";
      rest(2);
    }
    EXPECT_EQ(error_of(b_->receive(&byte, 1, in(10))), Errc::kTimeout);
    auto again = network_.node("a").connect("b", 1, in(1000));
    EXPECT_TRUE(again.ok());
  });
}

TEST_F(SimNetTest, NobodyIsToldThatANodeHasDied) {
  run([&] {
    link();
    EXPECT_TRUE(b_->send("last words", in(10)).ok());
    network_.kill("b");
    EXPECT_EQ(heard(*a_), "last words") << "it was under way";
    EXPECT_EQ(heard(*a_, 60'000), to_string(Errc::kTimeout));
    EXPECT_TRUE(a_->send("are you there?", in(10)).ok());
    const auto made = network_.node("a").connect("b", 1, in(500));
    ASSERT_FALSE(made.ok());
    EXPECT_EQ(made.error().code, Errc::kTimeout);
    EXPECT_EQ(error_of(b_->send("x", in(10))), Errc::kIo) << "of what is dead, nothing is heard";
  });
}

TEST_F(SimNetTest, WhoIsBackKnowsNoLinkOfBefore) {
  run([&] {
    link();
    network_.kill("b");
    network_.restart("b");
    const auto made = network_.node("a").connect("b", 1, in(500));
    ASSERT_FALSE(made.ok());
    EXPECT_EQ(made.error().code, Errc::kRefused) << "nobody listens there yet";
    EXPECT_EQ(heard(*a_, 5000), to_string(Errc::kTimeout)) << "half-open: silence";
    EXPECT_TRUE(a_->send("are you there?", in(10)).ok()) << "what tells is the answer to this";
    EXPECT_EQ(error_of(a_->send("x", in(10))), Errc::kIo);
    EXPECT_EQ(heard(*a_), to_string(Errc::kIo));
    listener_.reset();
    link();
    EXPECT_TRUE(a_->send("anew", in(10)).ok());
    EXPECT_EQ(heard(*b_), "anew");
  });
}

TEST_F(SimNetTest, TheDeadHearNothingAndReachNobody) {
  run([&] {
    link();
    EXPECT_TRUE(a_->send("lost with it", in(10)).ok());
    network_.partition_both("a", "b");
    bool reached = false;
    os_.spawn(
        "dead",
        [&] {  // it asks when its machine dies, and its machine is back when it could be answered
          (void)network_.node("b").connect("a", 1, in(5000));
          reached = true;
        });
    rest(10);
    network_.kill("b");
    network_.restart("b");
    network_.heal();
    EXPECT_TRUE(a_->send("behind a gap", in(10)).ok());
    rest(100);
    EXPECT_EQ(heard(*b_), to_string(Errc::kIo));
    EXPECT_FALSE(reached);
  });
}

TEST_F(SimNetTest, TwoLinksOvertakeEachOther) {
  int overtaken = 0;
  run([&] {
    listener_ = std::move(network_.node("b").listen("b", 1).value());
    for (int round = 0; round < 50; ++round) {
      std::unique_ptr<Link> ends[2][2];
      for (auto& pair : ends) {
        pair[0] = std::move(network_.node("a").connect("b", 1, in(1000)).value());
        pair[1] = std::move(listener_->accept(in(1000)).value());
      }
      EXPECT_TRUE(ends[0][0]->send("first", in(10)).ok());
      EXPECT_TRUE(ends[1][0]->send("second", in(10)).ok());
      char buffer[10];
      EXPECT_TRUE(ends[1][1]->receive(buffer, sizeof buffer, in(1000)).ok());
      overtaken += !ends[0][1]->receive(buffer, sizeof buffer, os_.now()).ok();
    }
  });
  EXPECT_GT(overtaken, 0);
  EXPECT_LT(overtaken, 50);
}

TEST_F(SimNetTest, TheSameChoicesGiveTheSameNetwork) {
  const auto life = [](uint64_t seed) {
    WorldState world;
    SeededChoices choices(seed);
    Trace trace;
    SimOs os(world, choices, trace, nullptr);
    SimNetwork network(os);
    std::string story;
    os.spawn("b", [&] {
      const auto listener = network.node("b").listen("b", 1);
      for (int i = 0; i < 5; ++i) {
        const auto link = (*listener)->accept(kForever);
        char buffer[2000];
        for (;;) {
          const auto got = (*link)->receive(buffer, sizeof buffer, kForever);
          story += std::to_string(os.now().ns) + (got.ok() ? "+" : "!");
          if (!got.ok() || *got == 0) break;
        }
      }
    });
    os.spawn("a", [&] {
      for (int i = 0; i < 5; ++i) {
        const auto link = network.node("a").connect("b", 1, os.now() + seconds(1));
        if (!link.ok()) continue;
        (void)(*link)->send(std::string(1400, 'x'), kForever);
        (void)(*link)->send(std::string(1400, 'y'), kForever);
        if (i % 2 == 0) network.cut("a", "b");
      }
    });
    os.run();
    os.destroy_tasks();
    return story;
  };
  EXPECT_EQ(life(1), life(1));
  EXPECT_NE(life(1), life(2));
}

}  // namespace
}  // namespace powercut::sim

namespace powercut::engine {
INSTANTIATE_TEST_SUITE_P(Sim, NetContract,
                         ::testing::Values(sim::factory(1), sim::factory(2), sim::factory(3)),
                         name_of_factory);
}  // namespace powercut::engine
