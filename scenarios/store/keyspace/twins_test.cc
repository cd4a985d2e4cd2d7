// The keyspaces beside the store: whatever the workloads say, both answer alike, and what is said is understood.
#include "scenarios/store/keyspace/twins.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "scenarios/workload/generated.h"
#include "sim/request.h"

namespace powercut::scenarios {
namespace {

TEST(Twins, AnswerAlikeWhateverIsSaid) {
  for (const Builtin& builtin : generated_workloads()) {
    for (uint64_t seed = 1; seed <= (builtin.name == "mixed" ? 3u : 1u); ++seed) {
      const Workload workload = generate_workload(builtin.name, seed);
      Twins twins;
      int64_t wall_ms = workload.wall_start_ms;
      for (size_t i = 0; i < workload.units.size(); ++i, wall_ms += 20) {
        const uint64_t client = i % 3;
        const std::string select = std::to_string(workload.units[i].db);
        ASSERT_EQ(twins.hear(client, sim::encode_request({"SELECT", select}), wall_ms), "");
        for (const std::string& request : workload.units[i].requests)
          ASSERT_EQ(twins.hear(client, request, wall_ms), "") << builtin.name << " " << seed;
      }
      EXPECT_TRUE(builtin.name != "mixed" || twins.compared() > workload.units.size());
    }
  }
}

TEST(Twins, HearOfKeysAloneAndOfEachClientsDatabase) {
  Twins twins;
  const auto say = [&](uint64_t client, const std::vector<std::string>& words) {
    EXPECT_EQ(twins.hear(client, sim::encode_request(words), Workload{}.wall_start_ms), "");
    return twins.compared();
  };
  EXPECT_EQ(twins.hear(0, "no request", 0), "");
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"NOSUCH"},
                                             {"GET"},
                                             {"PING"},
                                             {"MULTI"},
                                             {"EXEC"},
                                             {"BGSAVE"},
                                             {"EVAL", "return 1", "0"},
                                             {"SPOP", "s"},
                                             {"SELECT", "99"},
                                             {"SELECT", "x"},
                                             {"OBJECT", "ENCODING", "s"}})
    EXPECT_EQ(say(0, words), 0u) << words[0];
  EXPECT_EQ(say(1, {"SELECT", "3"}), 0u);
  const uint64_t before = say(1, {"ZADD", "z", "1", "a"});
  EXPECT_GE(before, 1u);
  // Here there is none, and there is one there.
  EXPECT_EQ(say(0, {"ZREM", "z", "a"}), before + 1) << "nothing was written, and nothing is asked";
  EXPECT_GE(say(1, {"ZINCRBY", "z", "1", "a"}), before + 3) << "the answer, and what it left";
}

}  // namespace
}  // namespace powercut::scenarios
