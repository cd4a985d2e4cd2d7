// Litmus tests after Bornholt et al., ASPLOS'16 (Ferrite): distinct crash states of small programs,
// all crash points taken together. The counts are golden.
//
// `ext4-journal` is our sequential model (every micro-op in order, an append's size and data as
// one), `posix-min` the weakest. Where a count differs from Ferrite's, the note at the test says
// why.
#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "faults/calibrate.h"

namespace powercut::faults {
namespace {

std::set<sim::Image> states(const char* persona, const std::vector<std::string>& setup,
                            const std::vector<std::string>& steps) {
  sim::PersonaRules rules = find_persona(persona)->rules;
  rules.sector_bytes = sim::kBlockBytes;
  std::string unsupported;
  std::set<sim::Image> found;
  for (const Boundary& at : run_program({"", "", setup, steps, {}}, rules, &unsupported)) {
    const sim::Enumeration done = sim::for_each_crash_state(
        at.during, 100'000,
        [&](const sim::Disk&, const sim::Image& image) { found.insert(image); });
    EXPECT_TRUE(done.complete);
  }
  EXPECT_EQ(unsupported, "");
  return found;
}

struct Counts {
  size_t sequential, ext4, noda, xfs, btrfs, posix_min;
  bool operator==(const Counts&) const = default;
};
std::ostream& operator<<(std::ostream& out, const Counts& c) {
  return out << "{" << c.sequential << ", " << c.ext4 << ", " << c.noda << ", " << c.xfs << ", "
             << c.btrfs << ", " << c.posix_min << "}";
}

Counts count(const std::vector<std::string>& setup, const std::vector<std::string>& steps) {
  const auto of = [&](const char* persona) { return states(persona, setup, steps).size(); };
  return {of("ext4-journal"), of("ext4-ordered"), of("ext4-noda"),
          of("xfs"),          of("btrfs"),        of("posix-min")};
}

// Ferrite: sequential 4, as here: old; old and an empty t; old and t; new. Its ext4 has 5: ours
// adds old with a NUL t, and a NUL f: size before data, as Linux 6.18 was seen to leave it.
// posix-min has old alone, and t, f or both with an inode that is empty, NUL or new: 1 + 3 * 3.
TEST(Litmus, ReplaceViaRename) {
  EXPECT_EQ(count({"creat f", "append f o 100"}, {"creat t", "append t N 100", "rename t f"}),
            (Counts{4, 6, 7, 5, 5, 10}));
}

// Ferrite: sequential 4, as here.
TEST(Litmus, ReplaceViaRenameWithSync) {
  EXPECT_EQ(
      count({"creat f", "append f o 100"}, {"creat t", "append t N 100", "fsync t", "rename t f"}),
      (Counts{4, 5, 5, 4, 4, 6}));
}

TEST(Litmus, CreateThenRename) {
  EXPECT_EQ(count({}, {"creat t", "append t N 100", "rename t g"}), (Counts{4, 7, 7, 5, 5, 10}));
}

// Ferrite: sequential 5, with size and data apart; ours takes them as one, hence 3. ext4 has sizes
// 0, 100 and 200 with 1, 2 and 3 versions of the data.
TEST(Litmus, TwoAppends) {
  EXPECT_EQ(count({"creat f"}, {"append f A 100", "append f B 100"}), (Counts{3, 6, 6, 3, 3, 6}));
}

// Chrome's history file. Ferrite: sequential 3, ext4 7 with delayed allocation and 4 without. Ours
// splits a write at the block's edge, which is a size of its own (4096), and lets every size meet
// every version of a block: 1 + 2 + 3 + 4 + 8.
TEST(Litmus, Append2509And13And2500) {
  EXPECT_EQ(count({"creat f"}, {"append f A 2509", "append f B 13", "append f C 2500"}),
            (Counts{5, 18, 18, 8, 8, 18}));
}

}  // namespace
}  // namespace powercut::faults
