#include "scenarios/store/keyspace/seldom_said.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "faults/splice/planted.h"
#include "scenarios/store/keyspace/lone_keyspace.h"
#include "sim/choices.h"

namespace powercut::scenarios {
namespace {

constexpr int64_t kNow = 1'700'000'000'000;

const std::vector<std::vector<std::string_view>> kValues = {
    {"SET", "k", "10"},
    {"RPUSH", "k", "a", "b", "3", "a"},
    {"SADD", "k", "30", "20", "10", "9"},
    {"HSET", "k", "f", "1", "n", "2"},
    {"ZADD", "k", "1", "a", "2.5", "b", "-1", "c"},
    {"XADD", "k", "5-1", "f", "v"},
};

// What is said of each of those, of so many draws.
std::string said(bool counted) {
  uint64_t number = 0;
  sim::SeededChoices choices(7);
  const Drawn draw = [&](uint64_t n) { return choices.choose("test", number++, n); };
  for (int round = 0; round < 200; ++round)
    for (const auto& words : kValues) {
      LoneKeyspace room;
      room.keyspace.set_now({kNow});
      (void)room.run(words);
      if (words[0] == "XADD")
        (void)room.run(std::vector<std::string_view>{"XGROUP", "CREATE", "k", "g", "0"});
      const std::string wrong = counted ? counted_again(kNow, draw)
                                        : logged_otherwise(*room.keyspace.peek(0, "k"), kNow, draw);
      if (!wrong.empty()) return wrong;
      if (counted && round == 60) return {};
    }
  return {};
}

TEST(SeldomSaid, AgreesWithWhatIsLogged) { EXPECT_EQ(said(false), ""); }

TEST(SeldomSaid, CountsTheSameAgain) { EXPECT_EQ(said(true), ""); }

TEST(SeldomSaid, SeesWhatIsLoggedOtherwise) {
  active_mutant = "unsorted-set-stored-as-it-lies";
  const std::string wrong = said(false);
  active_mutant = {};
  EXPECT_NE(wrong.find("SORT k BY nosort"), wrong.npos) << wrong;
}

TEST(SeldomSaid, SeesWhatIsCountedForEver) {
  active_mutant = "trimmed-blocks-still-count";
  const std::string wrong = said(true);
  active_mutant = {};
  EXPECT_NE(wrong.find("bytes, then"), wrong.npos) << wrong;
}

}  // namespace
}  // namespace powercut::scenarios
