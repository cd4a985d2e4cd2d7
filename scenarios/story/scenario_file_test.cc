// Where results go: a file is replaced whole, everything else is written to.
#include "scenarios/story/scenario_file.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace powercut::scenarios {
namespace {

namespace fs = std::filesystem;

class WriteFile : public testing::Test {
 protected:
  WriteFile() {
    std::string name = (fs::temp_directory_path() / "powercut_write_XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    folder_ = name;
  }
  ~WriteFile() override { fs::remove_all(folder_); }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  fs::path folder_;
};

TEST_F(WriteFile, ReplacesAFileAndLeavesNothingBeside) {
  ASSERT_TRUE(write_file(path("a"), "old").ok());
  ASSERT_TRUE(write_file(path("a"), "new").ok());
  EXPECT_EQ(read_file(path("a")).value(), "new");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), {}), 1);
}

TEST_F(WriteFile, ALinkGoesOnLeadingWhereItLed) {
  ASSERT_TRUE(write_file(path("a"), "old").ok());
  fs::create_symlink("a", folder_ / "link");
  ASSERT_TRUE(write_file(path("link"), "new").ok());
  EXPECT_TRUE(fs::is_symlink(folder_ / "link"));
  EXPECT_EQ(read_file(path("a")).value(), "new");
}

TEST_F(WriteFile, ADeviceOrAPipeIsWrittenTo) {
  ASSERT_EQ(std::system(fmt::format("mkfifo '{}'", path("pipe")).c_str()), 0);
  std::fstream reader(path("pipe"));  // both ends, so that neither waits
  ASSERT_TRUE(write_file(path("pipe"), "text\n").ok());
  ASSERT_TRUE(fs::is_fifo(folder_ / "pipe"));
  std::string line;
  std::getline(reader, line);
  EXPECT_EQ(line, "text");

  // A link of our own to the device, so that a defect replaces no more than the link.
  fs::create_symlink("/dev/full", folder_ / "full");
  const auto full = write_file(path("full"), "text");
  ASSERT_FALSE(full.ok());
  EXPECT_NE(full.error().message.find("No space left"), std::string::npos) << full.error().message;
  EXPECT_TRUE(fs::is_symlink(folder_ / "full"));
}

TEST_F(WriteFile, WhatCannotBeWrittenIsNamedAndLeavesNothing) {
  fs::create_directory(folder_ / "d");
  for (const char* name : {"d", "no/such/folder"}) {
    const auto written = write_file(path(name), "text");
    ASSERT_FALSE(written.ok()) << name;
    EXPECT_NE(written.error().message.find(name), std::string::npos) << written.error().message;
  }
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), {}), 1);
}

}  // namespace
}  // namespace powercut::scenarios
