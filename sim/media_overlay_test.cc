#include "sim/media_overlay.h"

#include <gtest/gtest.h>

#include "sim/disk_testing.h"

namespace powercut::sim {
namespace {

TEST(DiskMediaFaults, AreAnOverlay) {
  Disk disk;
  const InodeId f = durable_file(disk, "f", "abcdef");
  const InodeId g = durable_file(disk, "g", "ghijkl");
  disk.flip_bit(f, 1, 0);
  EXPECT_EQ(content(disk, f), "accdef");
  disk.misdirect(f, 3, 2, g, 1);
  EXPECT_EQ(content(disk, f), std::string("acc\0\0f", 6));
  EXPECT_EQ(content(disk, g), "gdejkl");
  disk.make_unreadable(g, 4, 512);
  char out[6];
  EXPECT_EQ(disk.read(g, 0, out, 6).error().code, Errc::kIo);
  EXPECT_EQ(disk.read(g, 0, out, 4).value(), 4u);
  ASSERT_TRUE(disk.write(f, 3, "D").ok());  // heals what it covers
  EXPECT_EQ(content(disk, f), std::string("accD\0f", 6));
  disk.clear_media_faults();
  EXPECT_EQ(content(disk, f), "abcDef");
  EXPECT_EQ(content(disk, g), "ghijkl");
}

}  // namespace
}  // namespace powercut::sim
