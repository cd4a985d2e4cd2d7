// Errors and short transfers, for an Os that can make them on purpose: part of
// engine/os/os_contract.h, included by it alone.
#pragma once

#include <string>
#include <vector>

#include "engine/os/os_contract.h"

namespace powercut::engine {

TEST_P(OsContract, ShortReadsAreNotTheEnd) {
  POWERCUT_INJECT(OsFault::kShortReads);
  run([&] {
    std::string content;
    for (int i = 0; i < 1000; ++i) content += std::to_string(i);
    ASSERT_TRUE(is_ok(write_new("f", content)));
    EXPECT_EQ(read_path("f").value(), content);
  });
}

TEST_P(OsContract, ShortWritesTakeAtLeastOneByte) {
  POWERCUT_INJECT(OsFault::kShortWrites);
  run([&] {
    std::string content;
    for (int i = 0; i < 1000; ++i) content += std::to_string(i);
    ASSERT_TRUE(is_ok(write_new("f", content)));
    EXPECT_EQ(read_path("f").value(), content);
  });
}

TEST_P(OsContract, AFailedReadLeavesTheFileAsItWas) {
  POWERCUT_INJECT(OsFault::kReadIo);
  run([&] {
    ASSERT_TRUE(is_ok(write_new("f", "abc")));
    EXPECT_TRUE(fails_with(read_path("f"), Errc::kIo));
    EXPECT_EQ(read_path("f").value(), "abc");
  });
}

// A failed write leaves old bytes, a prefix of the new ones and nothing behind them.
#define POWERCUT_FAILED_WRITE(name, fault, errc)                    \
  TEST_P(OsContract, name) {                                        \
    run([&] { ASSERT_TRUE(is_ok(write_new("f", "abc"))); });        \
    POWERCUT_INJECT(fault);                                         \
    run([&] {                                                       \
      auto file = os().open("f", Open::kReadWrite);                 \
      ASSERT_TRUE(is_ok(file));                                     \
      const std::string data(5000, 'x');                            \
      EXPECT_TRUE(fails_with((*file)->write_at(3, data), errc));    \
      const std::string found = read_all(**file).value();           \
      ASSERT_GE(found.size(), 3u);                                  \
      EXPECT_EQ(found, "abc" + std::string(found.size() - 3, 'x')); \
      EXPECT_LE(found.size(), 3 + data.size());                     \
      EXPECT_TRUE(is_ok((*file)->truncate(3)));                     \
      EXPECT_TRUE(is_ok(write_all(**file, 3, "def")));              \
      EXPECT_EQ(read_all(**file).value(), "abcdef");                \
    });                                                             \
  }
POWERCUT_FAILED_WRITE(AFailedWriteLeavesAPrefix, OsFault::kWriteIo, Errc::kIo)
POWERCUT_FAILED_WRITE(AWriteWithoutSpaceLeavesAPrefix, OsFault::kWriteNoSpace, Errc::kNoSpace)
#undef POWERCUT_FAILED_WRITE

TEST_P(OsContract, AFailedTruncateKeepsTheSize) {
  run([&] { ASSERT_TRUE(is_ok(write_new("f", "abc"))); });
  POWERCUT_INJECT(OsFault::kTruncateNoSpace);
  run([&] {
    auto file = os().open("f", Open::kReadWrite);
    ASSERT_TRUE(is_ok(file));
    EXPECT_TRUE(fails_with((*file)->truncate(5000), Errc::kNoSpace));
    EXPECT_EQ((*file)->size().value(), 3u);
  });
}

TEST_P(OsContract, AFailedSyncSaysSo) {
  run([&] { ASSERT_TRUE(is_ok(write_new("f", "abc"))); });
  POWERCUT_INJECT(OsFault::kSyncIo);
  run([&] {
    auto file = os().open("f", Open::kReadWrite);
    ASSERT_TRUE(is_ok(file));
    EXPECT_TRUE(fails_with((*file)->sync("contract"), Errc::kIo));
  });
}

TEST_P(OsContract, AFailedDirectorySyncSaysSo) {
  run([&] { ASSERT_TRUE(is_ok(write_new("f", "abc"))); });
  POWERCUT_INJECT(OsFault::kSyncDirectoryIo);
  run([&] {
    EXPECT_TRUE(fails_with(os().sync_directory("", "contract"), Errc::kIo));
    EXPECT_EQ(read_path("f").value(), "abc");
  });
}

TEST_P(OsContract, AFailedCreationCreatesNothing) {
  POWERCUT_INJECT(OsFault::kOpenNoSpace);
  run([&] {
    EXPECT_TRUE(fails_with(os().open("f", Open::kCreateNew), Errc::kNoSpace));
    EXPECT_EQ(os().list("").value(), std::vector<std::string>{});
    EXPECT_TRUE(is_ok(os().open("f", Open::kCreateNew)));
  });
}

TEST_P(OsContract, AFailedRenameRenamesNothing) {
  run([&] {
    ASSERT_TRUE(is_ok(write_new("a", "A")));
    ASSERT_TRUE(is_ok(write_new("b", "B")));
  });
  POWERCUT_INJECT(OsFault::kRenameIo);
  run([&] {
    EXPECT_TRUE(fails_with(os().rename("a", "b"), Errc::kIo));
    EXPECT_EQ(read_path("a").value(), "A");
    EXPECT_EQ(read_path("b").value(), "B");
  });
}

TEST_P(OsContract, AFailedLinkLinksNothing) {
  run([&] { ASSERT_TRUE(is_ok(write_new("a", "A"))); });
  POWERCUT_INJECT(OsFault::kLinkIo);
  run([&] {
    EXPECT_TRUE(fails_with(os().link("a", "b"), Errc::kIo));
    EXPECT_EQ(os().list("").value(), std::vector<std::string>{"a"});
    EXPECT_TRUE(is_ok(os().link("a", "b")));
  });
}

TEST_P(OsContract, AFailedRemoveRemovesNothing) {
  run([&] { ASSERT_TRUE(is_ok(write_new("f", "abc"))); });
  POWERCUT_INJECT(OsFault::kRemoveIo);
  run([&] {
    EXPECT_TRUE(fails_with(os().remove("f"), Errc::kIo));
    EXPECT_EQ(read_path("f").value(), "abc");
  });
}

}  // namespace powercut::engine
