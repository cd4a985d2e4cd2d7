#include "scenarios/store/network_event.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/request.h"

namespace powercut::scenarios {
namespace {

using ::testing::HasSubstr;

Result<NetworkEvent> parsed(std::string_view line) {
  const std::string request = request_of(line);
  return parse_network_event(sim::words_of(request));
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
