#include "engine/os/fiber.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

namespace powercut::engine {
namespace {

struct AtEnd {
  std::function<void()> action;
  ~AtEnd() { action(); }
};

TEST(Fiber, RunsUntilItSuspendsAndOnWhenResumed) {
  std::vector<int> order;
  Fiber* self = nullptr;
  Fiber fiber([&] {
    order.push_back(1);
    self->suspend();
    order.push_back(3);
  });
  self = &fiber;
  EXPECT_TRUE(order.empty());
  fiber.resume();
  order.push_back(2);
  EXPECT_FALSE(fiber.done());
  fiber.resume();
  EXPECT_TRUE(fiber.done());
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
}

TEST(Fiber, DestroyedWhileSuspendedUnwinds) {
  std::vector<std::string> log;
  Fiber* self = nullptr;
  auto captured = std::make_shared<int>(7);
  auto fiber = std::make_unique<Fiber>([&, captured] {
    AtEnd outer{[&] { log.push_back("outer"); }};
    std::string on_the_heap(1000, 'x');
    [&] {
      AtEnd inner{[&] { log.push_back("inner"); }};
      self->suspend();
      log.push_back("never");
    }();
  });
  self = fiber.get();
  fiber->resume();
  EXPECT_EQ(captured.use_count(), 2);
  fiber.reset();
  EXPECT_EQ(log, (std::vector<std::string>{"inner", "outer"}));
  EXPECT_EQ(captured.use_count(), 1);
}

TEST(Fiber, DroppedStacksServeAgain) {
  int unwound = 0;
  int runs = 0;
  for (int i = 0; i < 3; ++i) {
    auto captured = std::make_shared<int>(7);
    Fiber* self = nullptr;
    auto fiber = std::make_unique<Fiber>([&, captured] {
      AtEnd end{[&] { ++unwound; }};
      self->suspend();
      ++runs;
    });
    self = fiber.get();
    fiber->resume();
    fiber->drop();
    fiber.reset();
    EXPECT_EQ(captured.use_count(), 1);

    fiber = std::make_unique<Fiber>([&] {
      self->suspend();
      ++runs;
    });
    self = fiber.get();
    fiber->resume();
    fiber->resume();
    EXPECT_TRUE(fiber->done());
  }
  EXPECT_EQ(runs, 3);
#ifndef __SANITIZE_ADDRESS__
  EXPECT_EQ(unwound, 0);
#endif
}

TEST(Fiber, DestroyedWhileAnExceptionIsOnItsWay) {
  bool unwound = false;
  Fiber* self = nullptr;
  try {
    Fiber fiber([&] {
      AtEnd end{[&] { unwound = true; }};
      self->suspend();
    });
    self = &fiber;
    fiber.resume();
    throw std::runtime_error("on its way");
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "on its way");
  }
  EXPECT_TRUE(unwound);
}

TEST(Fiber, DestroyedBeforeItRanNeverRuns) {
  auto captured = std::make_shared<int>(7);
  {
    Fiber fiber([captured] { ADD_FAILURE(); });
  }
  EXPECT_EQ(captured.use_count(), 1);
}

TEST(Fiber, BodyDiesWithItsEnd) {
  auto captured = std::make_shared<int>(7);
  Fiber fiber([captured] {});
  fiber.resume();
  EXPECT_TRUE(fiber.done());
  EXPECT_EQ(captured.use_count(), 1);
}

TEST(Fiber, SuspendWhileUnwindingReturnsAtOnce) {
  Fiber* self = nullptr;
  bool returned = false;
  {
    Fiber fiber([&] {
      AtEnd end{[&] {
        EXPECT_TRUE(self->unwinding());
        self->suspend();
        returned = true;
      }};
      self->suspend();
    });
    self = &fiber;
    fiber.resume();
  }
  EXPECT_TRUE(returned);
}

TEST(Fiber, DestructorOfAFiberMayRunOtherFibers) {
  int runs = 0;
  Fiber* self = nullptr;
  {
    Fiber fiber([&] {
      AtEnd end{[&] {
        Fiber* inner_self = nullptr;
        Fiber inner([&] {
          AtEnd inner_end{[&] { ++runs; }};
          inner_self->suspend();
        });
        inner_self = &inner;
        inner.resume();
      }};
      self->suspend();
    });
    self = &fiber;
    fiber.resume();
  }
  EXPECT_EQ(runs, 1);
}

TEST(Fiber, HandsOverWithoutItsResumer) {
  std::string log;
  std::unique_ptr<Fiber> a;
  std::unique_ptr<Fiber> b;
  a = std::make_unique<Fiber>([&] {
    AtEnd end{[&] { log += "a unwinds "; }};
    log += "a1 ";
    a->hand_over(*b);
    log += "a2 ";
    a->hand_over(*b);
    log += "never ";
  });
  b = std::make_unique<Fiber>([&] {
    log += "b1 ";
    b->hand_over(*a);
    log += "b2 ";
    b->suspend();
    log += "b3 ";
  });
  a->resume();
  EXPECT_EQ(log, "a1 b1 a2 b2 ");
  EXPECT_FALSE(a->done() || b->done());
  b->resume();
  EXPECT_TRUE(b->done());
  EXPECT_FALSE(a->done());
  a.reset();
  EXPECT_EQ(log, "a1 b1 a2 b2 b3 a unwinds ");
}

TEST(Fiber, WhoTookOverMayEnd) {
  std::string log;
  std::unique_ptr<Fiber> first;
  Fiber second([&] { log += "second "; });
  first = std::make_unique<Fiber>([&] {
    first->hand_over(second);
    log += "first ";
  });
  first->resume();
  EXPECT_TRUE(second.done());
  EXPECT_FALSE(first->done());
  first->resume();
  EXPECT_TRUE(first->done());
  EXPECT_EQ(log, "second first ");
}

TEST(Fiber, ExceptionsInsideAFiberWork) {
  Fiber* self = nullptr;
  int caught = 0;
  Fiber fiber([&] {
    for (int i = 0; i < 3; ++i) {
      try {
        self->suspend();
        throw std::runtime_error("inside");
      } catch (const std::runtime_error&) {
        ++caught;
      }
    }
  });
  self = &fiber;
  while (!fiber.done()) fiber.resume();
  EXPECT_EQ(caught, 3);
}

TEST(FiberDeathTest, ExceptionThatLeavesTheBodyTerminates) {
  EXPECT_DEATH(
      {
        Fiber fiber([] { throw std::runtime_error("nobody waits for it"); });
        fiber.resume();
      },
      "nobody waits for it");
}

// Touches `depth` frames of at least 1 KiB each, suspending at the bottom.
[[gnu::noinline]] uint64_t descend(Fiber* self, int depth) {
  volatile char frame[1024];
  for (size_t i = 0; i < sizeof frame; ++i) frame[i] = static_cast<char>(depth);
  if (depth == 0) {
    self->suspend();
    return 0;
  }
  const uint64_t below = descend(self, depth - 1);
  uint64_t sum = below;
  for (size_t i = 0; i < sizeof frame; ++i) sum += frame[i] == static_cast<char>(depth);
  return sum;
}

TEST(Fiber, DeepStacks) {
  constexpr int kDepth = 128;                // 128 KiB at least
  for (int round = 0; round < 3; ++round) {  // on a stack used before, too
    for (const bool finish : {true, false}) {
      Fiber* self = nullptr;
      uint64_t sum = 0;
      Fiber fiber([&] { sum = descend(self, kDepth); });
      self = &fiber;
      fiber.resume();
      if (finish) fiber.resume();
      EXPECT_EQ(fiber.done(), finish);
      EXPECT_EQ(sum, finish ? kDepth * 1024u : 0u);
    }
  }
}

TEST(FiberDeathTest, StackOverflowHitsTheGuardPage) {
  EXPECT_DEATH(
      {
        Fiber* self = nullptr;
        Fiber fiber([&] { descend(self, static_cast<int>(Fiber::kStackBytes / 1024) + 16); });
        self = &fiber;
        fiber.resume();
      },
      "");
}

TEST(Fiber, ManyAtOnce) {
  constexpr size_t kCount = 2000;
  for (int round = 0; round < 2; ++round) {
    std::vector<std::unique_ptr<Fiber>> fibers(kCount);
    size_t steps = 0;
    size_t unwound = 0;
    for (size_t i = 0; i < kCount; ++i) {
      fibers[i] = std::make_unique<Fiber>([&, i] {
        AtEnd end{[&] { ++unwound; }};
        for (size_t step = 0; step < i % 5; ++step) {
          ++steps;
          fibers[i]->suspend();
        }
      });
    }
    for (int pass = 0; pass < 3; ++pass) {
      for (auto& fiber : fibers) {
        if (!fiber->done()) fiber->resume();
      }
    }
    EXPECT_EQ(steps, kCount / 5 * (0 + 1 + 2 + 3 + 3));
    EXPECT_EQ(unwound, kCount / 5 * 3);
    fibers.clear();
    EXPECT_EQ(unwound, kCount);
  }
}

TEST(Fiber, EachThreadHasItsOwnPool) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([] {
      for (int i = 0; i < 200; ++i) {
        Fiber* self = nullptr;
        Fiber fiber([&] { self->suspend(); });
        self = &fiber;
        fiber.resume();
        if (i % 2 == 0) fiber.resume();
      }
    });
  }
  for (auto& thread : threads) thread.join();
}

}  // namespace
}  // namespace powercut::engine
