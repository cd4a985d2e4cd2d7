#include "scenarios/store/replicas/network_event.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/request.h"

namespace powercut::scenarios {
namespace {

using ::testing::HasSubstr;

Result<NetworkEvent> parsed(std::string_view line, size_t replicas = 1) {
  const std::string request = request_of(line);
  return parse_network_event(sim::words_of(request), replicas);
}

TEST(NetworkEvent, WhatIsDrawnCanBeWritten) {
  for (const auto all : {network_events(), network_breaks(), network_questions()})
    for (const std::string_view line : all) {
      const auto event = parsed(line);
      ASSERT_TRUE(event.ok()) << line;
      EXPECT_FALSE(in_words(*event).empty());
    }
  EXPECT_EQ(parsed("network break 400us")->time, microseconds(400));
  EXPECT_EQ(parsed("network partition a>b 2s")->kind, NetworkEvent::Kind::kSilence);
  EXPECT_EQ(parsed("another WAITAOF 1 1 10")->question, "WAITAOF 1 1 10");
}

TEST(NetworkEvent, OfTwoReplicasMoreCanBeSaid) {
  for (const auto all : {network_events(2), network_breaks(), network_questions(2)})
    for (const std::string_view line : all) {
      const auto event = parsed(line, 2);
      ASSERT_TRUE(event.ok()) << line;
      EXPECT_FALSE(in_words(*event).empty());
    }
  EXPECT_EQ(parsed("node cut c", 2)->node, 'c');
  EXPECT_EQ(parsed("network partition c>a 2s", 2)->from, 'c');
  EXPECT_EQ(parsed("network half-open c", 2)->kind, NetworkEvent::Kind::kHalfOpen);
  for (const char* line : {"node cut c", "network partition a|c 30ms", "network partition b>a 2s",
                           "network half-open b", "another WAIT 2 500", "another WAITAOF 1 2 500"})
    EXPECT_FALSE(parsed(line).ok()) << line;
  for (const char* line : {"network partition a|a 2s", "network partition a|d 2s", "node cut a",
                           "network half-open a", "another WAIT 3 500"})
    EXPECT_FALSE(parsed(line, 2).ok()) << line;
}

TEST(NetworkEvent, WhatIsNoneIsSaid) {
  for (const char* line :
       {"network", "network heal", "network break 4", "network break -1ms", "network partition",
        "network partition b|a 1ms", "node kill a", "node kill", "another", "another SET a 1",
        "another WAIT 1", "another WAIT 2 10", "another WAITAOF 1 1 x", "another WAITAOF 2 1 10",
        "another WAIT 1 10; SET b 2", "NETWORK break"}) {
    const auto event = parsed(line);
    ASSERT_FALSE(event.ok()) << line;
    EXPECT_FALSE(event.error().message.empty());
  }
  EXPECT_THAT(parsed("node cut a").error().message, HasSubstr("falls with the life"));
}

}  // namespace
}  // namespace powercut::scenarios
