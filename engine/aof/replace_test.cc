// A replacement whose calls fail: what is done after that, and what it says of itself.
#include "engine/aof/replace.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "engine/os/memory_os_testing.h"
#include "engine/os/no_disk_testing.h"

namespace powercut::engine {
namespace {

// Only the first link fails; every other call succeeds.
class FirstLinkFails final : public NoDiskOs {
 public:
  explicit FirstLinkFails(Errc code) : code_(code) {}
  std::vector<std::string> made;

  Result<std::unique_ptr<File>> open(std::string_view path, Open mode) override {
    made.push_back("open " + std::string(path));
    return Error{mode == Open::kCreateNew ? Errc::kExists : Errc::kNotFound, "open"};
  }
  Result<void> link(std::string_view, std::string_view name) override {
    made.push_back("link " + std::string(name));
    if (!std::exchange(failed_, true)) return Error{code_, "link"};
    return {};
  }
  Result<void> rename(std::string_view, std::string_view to) override {
    made.push_back("rename " + std::string(to));
    return {};
  }
  Result<void> sync_directory(std::string_view, Site) override {
    made.push_back("sync");
    return {};
  }
  Result<void> remove(std::string_view path) override {
    made.push_back("remove " + std::string(path));
    return Error{Errc::kNotFound, "remove"};
  }
  Instant now() override { return {}; }
  WallTime wall_now() override { return {}; }
  uint64_t choose(Site, uint64_t) override { return 0; }
  void spawn(std::string_view, std::function<void()>) override {}
  Task* current() override { return nullptr; }
  bool park(Instant) override { return false; }
  void unpark(Task*) override {}

 private:
  Errc code_;
  bool failed_ = false;
};

using Calls = std::vector<std::string>;

// Nothing would keep the blocks of what is replaced.
TEST(Replace, WhatCannotBeKeptIsNotReplaced) {
  for (const Errc code : {Errc::kIo, Errc::kNoSpace, Errc::kInvalid}) {
    FirstLinkFails os(code);
    Replaced left = Replaced::kMayStand;
    const auto outcome = replace_durably(os, "new", "name", "", "test", left);
    ASSERT_FALSE(outcome.ok());
    EXPECT_EQ(outcome.error().code, code);
    EXPECT_EQ(left, Replaced::kNo);
    EXPECT_EQ(os.made, Calls{"link name.replaced.1"});
  }
}

TEST(Replace, TheFirstNumberThatIsFreeIsTaken) {
  FirstLinkFails os(Errc::kExists);
  Replaced left = Replaced::kNo;
  EXPECT_TRUE(replace_durably(os, "new", "name", "", "test", left).ok());
  EXPECT_EQ(os.made, (Calls{"link name.replaced.1", "link name.replaced.2", "rename name", "sync",
                            "remove name.replaced.3", "remove name.replaced.2"}));
}

// A power cut may have taken those below them.
TEST(Replace, OfSeveralSecondNamesNoneIsLeft) {
  MemoryOs os;
  for (const char* name : {"new", "name", "name.replaced.2", "name.replaced.3"}) os.put(name, name);
  Replaced left = Replaced::kNo;
  EXPECT_TRUE(replace_durably(os, "new", "name", "", "test", left).ok());
  EXPECT_EQ(os.names(), Calls{"name"});
  EXPECT_EQ(os.at("name"), "new");
}

TEST(Replace, WithoutHardLinksAnEmptyFileStandsIn) {
  for (const Errc code : {Errc::kNotFound, Errc::kRefused, Errc::kUnsupported}) {
    FirstLinkFails os(code);
    Replaced left = Replaced::kNo;
    EXPECT_TRUE(replace_durably(os, "new", "name", "", "test", left).ok());
    EXPECT_EQ(os.made, (Calls{"link name.replaced.1", "open name.replaced.1", "rename name", "sync",
                              "remove name.replaced.2", "remove name.replaced.1"}));
  }
}

}  // namespace
}  // namespace powercut::engine
