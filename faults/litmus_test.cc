// Litmus tests after Bornholt et al., ASPLOS'16 (Ferrite): distinct crash states of small programs,
// all crash points taken together. The counts are golden. Where one of ours differs from Ferrite's,
// the row says why; papers/ferrite.md has the published table.
#include <gtest/gtest.h>

#include <set>

#include "faults/calibrate.h"

namespace powercut::faults {
namespace {

// Of one model: as published (kNone: not), and ours.
struct Count {
  size_t published;
  size_t ours;
};
constexpr size_t kNone = 0;

using Steps = std::vector<std::string>;
struct Litmus {
  const char* name;
  Steps setup;
  Steps steps;
  Count sequential;   // ext4-journal: every micro-op in order
  Count adversarial;  // posix-min
  Count ext4;         // ext4-ordered-2014
  Count nodelalloc;   // ext4-nodelalloc-2014
  size_t today[4];    // ext4-ordered, ext4-noda, xfs, btrfs: what Linux 6.18 was seen to allow
  const char* why;    // each published count that is not ours
};

const Steps kF{"creat f", "append f o 100"};
constexpr const char* kAdversarial =
    "adversarial: ours lets every name, size and block survive for itself, a name without its "
    "inode's size and a size without its data among them: t, f or both, each empty, NUL or new";
constexpr const char* kAppends =
    "sequential: Ferrite's has size and data apart (NUL bytes in between), ours takes an append as "
    "one; adversarial: each of the sizes with each mixture of data";

// clang-format off
const Litmus kLitmusTable[] = {
    {"create, rename", {}, {"creat t", "append t N 100", "rename t g"},
     {4, 4}, {3, 10}, {5, 5}, {kNone, 4}, {7, 7, 5, 5}, kAdversarial},
    {"create, sync, rename", {}, {"creat t", "append t N 100", "fsync t", "rename t g"},
     {4, 4}, {4, 6}, {4, 4}, {kNone, 4}, {5, 5, 4, 4}, kAdversarial},
    {"replace by rename", kF, {"creat t", "append t N 100", "rename t f"},
     {4, 4}, {3, 10}, {kNone, 4}, {kNone, 4}, {6, 7, 5, 5}, kAdversarial},
    {"replace by rename, synced", kF, {"creat t", "append t N 100", "fsync t", "rename t f"},
     {4, 4}, {4, 6}, {kNone, 4}, {kNone, 4}, {5, 5, 4, 4}, kAdversarial},
    {"two appends", {"creat f"}, {"append f A 100", "append f B 100"},
     {5, 3}, {4, 6}, {kNone, 3}, {kNone, 3}, {6, 6, 3, 3}, kAppends},
    {"two appends, synced", {"creat f"}, {"append f A 100", "fsync f", "append f B 100"},
     {5, 3}, {5, 5}, {kNone, 3}, {kNone, 3}, {5, 5, 3, 3}, kAppends},
    {"Chrome's history file", {"creat f"}, {"append f A 2509", "append f B 13", "append f C 2500"},
     {3, 5}, {kNone, 18}, {7, 5}, {4, 5}, {18, 18, 8, 8},
     "sequential, nodelalloc: ours splits a write at the block's edge, so 4096 is a size of its "
     "own; and the empty file counts. ext4: ours of 2014 has appends in order, as ALICE's Table 1 "
     "says; Ferrite's real ext4 left sizes without data, as 6.18 does, and ext4-ordered has those"},
};
// clang-format on

size_t count(const Litmus& litmus, const char* persona) {
  sim::PersonaRules rules = find_persona(persona)->rules;
  rules.sector_bytes = sim::kBlockBytes;
  std::set<sim::Image> found;
  const auto keep = [&](const sim::Disk&, const sim::Image& image) { found.insert(image); };
  for (const Boundary& at : run_program({"", "", litmus.setup, litmus.steps, {}, {}}, rules))
    EXPECT_TRUE(sim::for_each_crash_state(at.during, 100'000, keep).complete);
  return found.size();
}

TEST(Litmus, EveryCount) {
  for (const Litmus& row : kLitmusTable) {
    EXPECT_EQ(count(row, "ext4-journal"), row.sequential.ours) << row.name;
    EXPECT_EQ(count(row, "posix-min"), row.adversarial.ours) << row.name;
    EXPECT_EQ(count(row, "ext4-ordered-2014"), row.ext4.ours) << row.name;
    EXPECT_EQ(count(row, "ext4-nodelalloc-2014"), row.nodelalloc.ours) << row.name;
    size_t i = 0;
    for (const char* persona : {"ext4-ordered", "ext4-noda", "xfs", "btrfs"})
      EXPECT_EQ(count(row, persona), row.today[i++]) << row.name << " on " << persona;
  }
}

// Every difference has a reason that names its model.
TEST(Litmus, EveryDifferenceIsExplained) {
  for (const Litmus& row : kLitmusTable) {
    const std::string why = row.why;
    const auto expect = [&](const Count& count, const char* model) {
      const bool differs = count.published != kNone && count.published != count.ours;
      EXPECT_TRUE(!differs || why.find(model) != std::string::npos) << row.name << ": " << model;
    };
    expect(row.sequential, "sequential");
    expect(row.adversarial, "adversarial");
    expect(row.ext4, "ext4");
    expect(row.nodelalloc, "nodelalloc");
  }
}

}  // namespace
}  // namespace powercut::faults
