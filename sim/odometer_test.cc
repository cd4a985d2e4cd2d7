#include "sim/odometer.h"

#include <gtest/gtest.h>

#include <set>
#include <vector>

namespace powercut::sim {
namespace {

TEST(Odometer, SeesEveryTapeOnceAndInOrder) {
  std::vector<std::vector<uint64_t>> tapes;
  Odometer odometer;
  do {
    std::vector<uint64_t> tape{odometer.choose("a", 0, 3)};
    if (tape[0] != 1) tape.push_back(odometer.choose("b", 0, tape[0] + 1));  // depends on the first
    tapes.push_back(tape);
  } while (odometer.next());
  EXPECT_EQ(tapes, (std::vector<std::vector<uint64_t>>{{0, 0}, {1}, {2, 0}, {2, 1}, {2, 2}}));
}

TEST(Odometer, ARunWithoutChoicesIsOneTape) {
  Odometer odometer;
  EXPECT_FALSE(odometer.next());
}

}  // namespace
}  // namespace powercut::sim
