#include "faults/nearest.h"

#include <gtest/gtest.h>

namespace powercut::faults {
namespace {

const std::vector<std::string> kNames = {"ext4-ordered", "xfs", "btrfs", "posix-min"};

TEST(Nearest, IsTheNameThatWasMeant) {
  EXPECT_EQ(nearest("xsf", kNames), "xfs");
  EXPECT_EQ(nearest("BTRFS", kNames), "btrfs");
  EXPECT_EQ(nearest("btfrs", kNames), "btrfs");
  EXPECT_EQ(nearest("ext4-orderd", kNames), "ext4-ordered");
  EXPECT_EQ(nearest("posix", kNames), "posix-min");
}

TEST(Nearest, IsNoneWhereNoneIsNear) {
  EXPECT_EQ(nearest("", kNames), "");
  EXPECT_EQ(nearest("zfs-on-root", kNames), "");
  EXPECT_EQ(nearest("nonsense", kNames), "");
  EXPECT_EQ(nearest("q", {}), "");
}

TEST(Nearest, IsSaidInOneLine) {
  EXPECT_EQ(no_such("xsf", kNames, "personas"),
            "there is no \"xsf\"; did you mean xfs? `powercut list personas` names them all");
  EXPECT_EQ(no_such("nonsense", kNames, "personas"),
            "there is no \"nonsense\"; `powercut list personas` names them all");
  EXPECT_EQ(no_such("nonsense", kNames, ""), "there is no \"nonsense\"");
}

}  // namespace
}  // namespace powercut::faults
