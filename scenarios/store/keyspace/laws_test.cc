#include "scenarios/store/keyspace/laws.h"

#include <gtest/gtest.h>

#include <string>

#include "faults/splice/planted.h"
#include "sim/choices.h"

namespace powercut::scenarios {
namespace {

std::string broken() {
  uint64_t number = 0;
  sim::SeededChoices choices(11);
  const Drawn draw = [&](uint64_t n) { return choices.choose("test", number++, n); };
  for (int i = 0; i < 1'500; ++i)
    if (std::string wrong = broken_law(1'700'000'000'000, draw); !wrong.empty()) return wrong;
  return {};
}

TEST(Laws, Hold) { EXPECT_EQ(broken(), ""); }

TEST(Laws, AreSeenToBeBroken) {
  for (const char* const mutant :
       {"a-reverse-limit-counts-what-it-skips", "a-merge-into-a-counted-sketch-keeps-its-count",
        "an-overflow-rule-holds-for-one-number", "stored-distances-are-metres",
        "a-group-set-back-has-read-as-much", "a-copy-looks-for-its-target-in-its-own-database"}) {
    active_mutant = Mutant::named(Site::named(mutant));
    const std::string wrong = broken();
    active_mutant = {};
    EXPECT_NE(wrong, "") << mutant;
  }
}

}  // namespace
}  // namespace powercut::scenarios
