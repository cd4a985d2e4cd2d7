// What clients take together, and who is ended where that is more than maxmemory-clients.
#include "engine/command/client.h"

#include <gtest/gtest.h>

#include <string>

#include "engine/command/executor_harness.h"

namespace powercut::engine {
namespace {

constexpr size_t kLimit = 200'000;

class MemoryOfClients : public ExecutorTest {
 protected:
  MemoryOfClients() {
    session.client().no_evict = true;
    clients.limit_memory(kLimit);
  }
  // Begins a request of so many bytes, and does not end it.
  static void begin(Session& from, size_t bytes) {
    from.feed("*2\r\n$3\r\nGET\r\n$" + std::to_string(10 * bytes) + "\r\n" +
              std::string(bytes, 'x'));
  }
  bool lives(Session& from) { return !from.client().hung_up; }
  void say_until_ended(const std::function<std::string(int)>& line) {
    for (int i = 0; i < 10'000 && lives(other); ++i) ask(other, line(i));
    EXPECT_FALSE(lives(other));
    EXPECT_EQ(clients.evicted(), 1u);
  }
  Clients& clients = executor.clients();
};

TEST_F(MemoryOfClients, ARequestThatIsNotWhole) {
  begin(other, kLimit / 2);
  EXPECT_TRUE(lives(other));
  begin(other, kLimit / 2);
  EXPECT_FALSE(lives(other));
}

TEST_F(MemoryOfClients, ATransaction) {
  ask(other, "MULTI");
  say_until_ended([](int) { return "SET a " + std::string(10'000, 'v'); });
}

TEST_F(MemoryOfClients, ATransactionThatEndedIsNotCounted) {
  for (int i = 0; i < 50; ++i) {
    ask(other, "MULTI");
    ask(other, "SET a " + std::string(10'000, 'v'));
    ask(other, i % 2 == 0 ? "EXEC" : "DISCARD");
  }
  EXPECT_TRUE(lives(other));
}

TEST_F(MemoryOfClients, WhatItWatches) {
  say_until_ended([](int i) { return "WATCH " + std::to_string(i); });
}

TEST_F(MemoryOfClients, WhatItListensTo) {
  say_until_ended([](int i) { return "PSUBSCRIBE " + std::to_string(i); });
}

TEST_F(MemoryOfClients, WhatOthersTellIt) {
  ask(other, "SUBSCRIBE c");
  for (int i = 0; i < 100 && lives(other); ++i) ask("PUBLISH c " + std::string(10'000, 'v'));
  EXPECT_FALSE(lives(other));
}

TEST_F(MemoryOfClients, WhoTakesMostGoesAndNoMoreThanMust) {
  Session small(executor), large(executor);
  clients.limit_memory(0);
  begin(small, 30'000);
  begin(large, 150'000);
  begin(other, 100'000);
  EXPECT_TRUE(lives(large)) << "without a limit";
  clients.limit_memory(kLimit);
  EXPECT_FALSE(lives(large));
  EXPECT_TRUE(lives(other));
  EXPECT_TRUE(lives(small));
  EXPECT_EQ(clients.evicted(), 1u);
}

TEST_F(MemoryOfClients, WhoIsNotToBeEvictedStaysAndCounts) {
  other.client().no_evict = true;
  begin(other, kLimit);
  EXPECT_TRUE(lives(other));
  Session small(executor);
  ask(small, "PING");
  EXPECT_FALSE(lives(small)) << "it is the only one that may go";
  ask(other, "PING");
  EXPECT_TRUE(lives(other));
}

TEST_F(MemoryOfClients, WhoHasGoneIsNotCounted) {
  for (int i = 0; i < 10; ++i) {
    Session one(executor);
    begin(one, kLimit / 3);
    EXPECT_TRUE(lives(one));
  }
  EXPECT_EQ(clients.evicted(), 0u);
}

}  // namespace
}  // namespace powercut::engine
