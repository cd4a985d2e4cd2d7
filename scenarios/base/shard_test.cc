#include "scenarios/base/shard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace powercut::scenarios {
namespace {

using testing::HasSubstr;
using Variables = std::map<std::string, std::string>;

Result<Shard> from(const Variables& variables, const std::string& text = "auto") {
  return parse_shard(text, [&](const char* name) {
    const auto at = variables.find(name);
    return at == variables.end() ? nullptr : at->second.c_str();
  });
}

std::string why_not(const Result<Shard>& shard) {
  return shard.ok() ? "it is one: " + print(*shard) : shard.error().message;
}

TEST(Shard, ShardsArePartitionsOfAnyNumberOfPieces) {
  for (uint64_t count = 1; count <= 7; ++count) {
    for (uint64_t pieces = 0; pieces <= 30; ++pieces) {
      std::map<uint64_t, int> taken;
      for (uint64_t number = 1; number <= count; ++number) {
        const Shard shard{number, count};
        for (uint64_t k = 0; k < shard.share_of(pieces); ++k) {
          EXPECT_TRUE(shard.has(shard.piece(k)));
          ++taken[shard.piece(k)];
        }
      }
      ASSERT_EQ(taken.size(), pieces);
      for (const auto& [piece, times] : taken) {
        EXPECT_LT(piece, pieces);
        EXPECT_EQ(times, 1);
      }
    }
  }
}

TEST(Shard, IsReadAsItIsPrinted) {
  EXPECT_EQ(from({}, "2/8").value(), (Shard{2, 8}));
  EXPECT_EQ(print(from({}, "8/8").value()), "8/8");
  for (const char* wrong : {"", "8", "0/8", "9/8", "1/0", "a/b", "1/8/2", "-1/8", "1/99999999"})
    EXPECT_THAT(why_not(from({}, wrong)), HasSubstr("shard: ")) << wrong;
}

TEST(Shard, TheEnvironmentOfEachEngineSaysWhich) {
  EXPECT_EQ(from({{"SLURM_ARRAY_TASK_ID", "3"}, {"SLURM_ARRAY_TASK_COUNT", "4"}}).value(),
            (Shard{3, 4}));
  EXPECT_EQ(from({{"JOB_COMPLETION_INDEX", "0"}, {"POWERCUT_SHARDS", "4"}}).value(), (Shard{1, 4}));
  EXPECT_EQ(from({{"PARALLEL_SEQ", "4"}, {"POWERCUT_SHARDS", "4"}}).value(), (Shard{4, 4}));
  // One task of an array, run once more: it is still one of as many.
  EXPECT_EQ(
      from(
          {{"SLURM_ARRAY_TASK_ID", "3"}, {"SLURM_ARRAY_TASK_COUNT", "1"}, {"POWERCUT_SHARDS", "4"}})
          .value(),
      (Shard{3, 4}));
  EXPECT_THAT(why_not(from({{"SLURM_ARRAY_TASK_ID", "3"}, {"SLURM_ARRAY_TASK_COUNT", "1"}})),
              HasSubstr("SLURM_ARRAY_TASK_ID=3, SLURM_ARRAY_TASK_COUNT=1"));
  EXPECT_THAT(why_not(from({})), HasSubstr("none of SLURM_ARRAY_TASK_ID"));
  EXPECT_THAT(why_not(from({{"PARALLEL_SEQ", "4"}})), HasSubstr("POWERCUT_SHARDS"));
  EXPECT_THAT(why_not(from({{"PARALLEL_SEQ", "4"}, {"SLURM_ARRAY_TASK_ID", "1"}})),
              HasSubstr("both set"));
  EXPECT_THAT(why_not(from({{"PARALLEL_SEQ", "x"}, {"POWERCUT_SHARDS", "4"}})),
              HasSubstr("PARALLEL_SEQ=\"x\""));
}

}  // namespace
}  // namespace powercut::scenarios
