// Memory with a file behind it (engine/os/scratch.h): part of engine/os/os_contract.h, included by it alone.
#pragma once

#include <string>

#include "engine/os/os_contract.h"

namespace powercut::engine {

inline std::string read_scratch(Scratch& scratch, uint64_t offset, size_t size) {
  std::string bytes(size, 'x');
  EXPECT_TRUE(is_ok(scratch.read(offset, bytes.data(), size)));
  return bytes;
}

TEST_P(OsContract, ScratchHasWhatWasWrittenLastAndNulElsewhere) {
  run([&] {
    const auto scratch = os().open_scratch(100'000);
    ASSERT_TRUE(is_ok(scratch));
    EXPECT_EQ((*scratch)->size(), 100'000u);
    EXPECT_EQ(read_scratch(**scratch, 99'990, 10), std::string(10, '\0'));
    EXPECT_TRUE(is_ok((*scratch)->write(4'090, "across a page")));
    EXPECT_TRUE(is_ok((*scratch)->write(4'090, "ACROSS")));
    EXPECT_TRUE(is_ok((*scratch)->write(99'999, "z")));
    EXPECT_EQ(read_scratch(**scratch, 4'089, 15), std::string("\0ACROSS a page\0", 15));
    EXPECT_EQ(read_scratch(**scratch, 99'999, 1), "z");
    EXPECT_TRUE(is_ok((*scratch)->write(100'000, "")));
  });
}

TEST_P(OsContract, ScratchHasNoNameAndIsNobodyElses) {
  run([&] {
    const auto one = os().open_scratch(5'000);
    const auto two = os().open_scratch(5'000);
    ASSERT_TRUE(is_ok(one) && is_ok(two));
    EXPECT_TRUE(is_ok((*one)->write(0, "one")));
    EXPECT_TRUE(is_ok((*two)->write(0, "two")));
    EXPECT_EQ(read_scratch(**one, 0, 3), "one");
    EXPECT_EQ(os().list("").value(), std::vector<std::string>{});
  });
  under_test_->kill_and_restart();
  run([&] {
    EXPECT_EQ(os().list("").value(), std::vector<std::string>{});
    const auto scratch = os().open_scratch(5'000);
    ASSERT_TRUE(is_ok(scratch));
    EXPECT_EQ(read_scratch(**scratch, 0, 3), std::string(3, '\0'));
  });
}

TEST_P(OsContract, ScratchThatHasNoSpaceIsNotMade) {
  POWERCUT_INJECT(OsFault::kOpenNoSpace);
  run([&] {
    EXPECT_TRUE(fails_with(os().open_scratch(5'000), Errc::kNoSpace));
    EXPECT_TRUE(is_ok(os().open_scratch(5'000)));
  });
}

}  // namespace powercut::engine
