#include "engine/command/latency.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace powercut::engine {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

// Never shorter than it was, and a sixteenth longer at most.
TEST(Latency, APercentileIsHardlyLongerThanWhatItTook) {
  for (uint64_t ns = 1; ns < uint64_t{1} << 39; ns += ns / 7 + 1) {
    LatencyHistogram histogram;
    histogram.add(static_cast<int64_t>(ns));
    const uint64_t said = histogram.percentile_ns(50);
    ASSERT_GE(said, ns);
    ASSERT_LE(said, ns + ns / 16);
  }
}

TEST(Latency, PercentilesAreInOrder) {
  LatencyHistogram histogram;
  for (int i = 0; i < 90; ++i) histogram.add(1'000);
  for (int i = 0; i < 9; ++i) histogram.add(100'000);
  histogram.add(50'000'000);
  EXPECT_LT(histogram.percentile_ns(50), 1'100u);
  EXPECT_LT(histogram.percentile_ns(90), 1'100u);
  EXPECT_GE(histogram.percentile_ns(95), 100'000u);
  EXPECT_GE(histogram.percentile_ns(100), 50'000'000u);
  EXPECT_LT(histogram.percentile_ns(0), 1'100u);
  EXPECT_THAT(histogram.by_powers_of_two(),
              ElementsAre(Pair(1, 90), Pair(128, 99), Pair(65536, 100)));
}

TEST(Latency, EventsKeepTheWorstOfASecond) {
  LatencyEvents events;
  events.add("command", 1000, 1);
  EXPECT_TRUE(events.all().empty());  // nobody asked
  events.set_threshold(10);
  events.add("command", 9, 1);
  EXPECT_TRUE(events.all().empty());
  events.add("command", 10, 1);
  events.add("command", 30, 1);
  events.add("command", 20, 1);
  events.add("command", 15, 2);
  const auto& event = events.all().at("command");
  ASSERT_EQ(event.samples.size(), 2u);
  EXPECT_EQ(event.samples[0].ms, 30);
  EXPECT_EQ(event.samples[1].ms, 15);
  EXPECT_EQ(event.worst_ms, 30);
  for (int64_t s = 3; s < 500; ++s) events.add("command", 11, s);
  EXPECT_EQ(event.samples.size(), 160u);
  EXPECT_EQ(event.samples.back().unix_s, 499);
  EXPECT_FALSE(events.reset("other"));
  EXPECT_EQ(events.reset_all(), 1u);
}

}  // namespace
}  // namespace powercut::engine
