// Files and directories: part of engine/os/os_contract.h, included by it alone.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "engine/os/os_contract.h"

namespace powercut::engine {

using Names = std::vector<std::string>;

TEST_P(OsContract, ANewFileIsEmpty) {
  run([&] {
    auto file = os().open("f", Open::kCreateNew);
    ASSERT_TRUE(is_ok(file));
    EXPECT_EQ((*file)->size().value(), 0u);
    char byte = 0;
    EXPECT_EQ((*file)->read_at(0, &byte, 1).value(), 0u);
    EXPECT_EQ(os().list("").value(), Names{"f"});
  });
}

TEST_P(OsContract, OpenModes) {
  run([&] {
    EXPECT_TRUE(fails_with(os().open("f", Open::kRead), Errc::kNotFound));
    EXPECT_TRUE(fails_with(os().open("f", Open::kReadWrite), Errc::kNotFound));
    EXPECT_EQ(os().list("").value(), Names{});
    ASSERT_TRUE(is_ok(write_new("f", "abc")));
    EXPECT_TRUE(fails_with(os().open("f", Open::kCreateNew), Errc::kExists));
    EXPECT_EQ(read_path("f").value(), "abc");
    auto file = os().open("f", Open::kReadWrite);
    ASSERT_TRUE(is_ok(file));
    ASSERT_TRUE(is_ok(write_all(**file, 1, "XY")));
    EXPECT_EQ(read_all(**file).value(), "aXY");
  });
}

TEST_P(OsContract, AFileOpenedForReadingRefusesWrites) {
  run([&] {
    ASSERT_TRUE(is_ok(write_new("f", "abc")));
    auto file = os().open("f", Open::kRead);
    ASSERT_TRUE(is_ok(file));
    EXPECT_FALSE((*file)->write_at(0, "x").ok());
    EXPECT_FALSE((*file)->truncate(0).ok());
    EXPECT_EQ(read_path("f").value(), "abc");
  });
}

TEST_P(OsContract, OpenOfADirectoryIsInvalid) {
  run([&] {
    ASSERT_TRUE(is_ok(os().make_directory("d")));
    EXPECT_TRUE(fails_with(os().open("d", Open::kRead), Errc::kInvalid));
    EXPECT_TRUE(fails_with(os().open("d", Open::kReadWrite), Errc::kInvalid));
    EXPECT_TRUE(fails_with(os().open("d", Open::kCreateNew), Errc::kExists));
    EXPECT_TRUE(fails_with(os().open("", Open::kRead), Errc::kInvalid));
  });
}

TEST_P(OsContract, WritesAreReadBackWhereTheyWereWritten) {
  run([&] {
    auto opened = os().open("f", Open::kCreateNew);
    ASSERT_TRUE(is_ok(opened));
    File& file = **opened;
    std::string expected;
    for (int i = 0; i < 3000; ++i) {  // past several blocks, at odd offsets
      const std::string line = "line " + std::to_string(i) + "\n";
      ASSERT_TRUE(is_ok(write_all(file, expected.size(), line)));
      expected += line;
    }
    EXPECT_EQ(file.size().value(), expected.size());
    EXPECT_EQ(read_all(file).value(), expected);
    for (const size_t offset : {0u, 511u, 4095u, 4096u, 12345u}) {
      ASSERT_TRUE(is_ok(write_all(file, offset, "<over>")));
      expected.replace(offset, 6, "<over>");
    }
    EXPECT_EQ(file.size().value(), expected.size());
    EXPECT_EQ(read_all(file).value(), expected);
    EXPECT_EQ(read_all(file, 20000).value(), expected.substr(20000));
  });
}

TEST_P(OsContract, EveryByteValueSurvives) {
  run([&] {
    std::string content;
    for (int i = 0; i < 256; ++i) content += static_cast<char>(i);
    ASSERT_TRUE(is_ok(write_new("f", content)));
    EXPECT_EQ(read_path("f").value(), content);
  });
}

TEST_P(OsContract, AnEmptyWriteChangesNothing) {
  run([&] {
    ASSERT_TRUE(is_ok(write_new("f", "abc")));
    auto file = os().open("f", Open::kReadWrite);
    ASSERT_TRUE(is_ok(file));
    EXPECT_EQ((*file)->write_at(100, "").value(), 0u);
    EXPECT_EQ((*file)->size().value(), 3u);
  });
}

TEST_P(OsContract, AWritePastTheEndFillsTheGapWithNul) {
  run([&] {
    ASSERT_TRUE(is_ok(write_new("f", "abc")));
    auto file = os().open("f", Open::kReadWrite);
    ASSERT_TRUE(is_ok(file));
    ASSERT_TRUE(is_ok(write_all(**file, 10000, "end")));
    EXPECT_EQ((*file)->size().value(), 10003u);
    EXPECT_EQ(read_all(**file).value(), "abc" + std::string(9997, '\0') + "end");
  });
}

TEST_P(OsContract, ReadsEndAtTheEndOfTheFile) {
  run([&] {
    ASSERT_TRUE(is_ok(write_new("f", "abcdef")));
    auto file = os().open("f", Open::kRead);
    ASSERT_TRUE(is_ok(file));
    std::array<char, 100> buffer;
    buffer.fill('#');
    const auto n = (*file)->read_at(4, buffer.data(), buffer.size());
    ASSERT_TRUE(is_ok(n));
    EXPECT_GE(*n, 1u);
    EXPECT_LE(*n, 2u);
    EXPECT_EQ(buffer[0], 'e');
    EXPECT_EQ(buffer[2], '#');
    EXPECT_EQ((*file)->read_at(6, buffer.data(), buffer.size()).value(), 0u);
    EXPECT_EQ((*file)->read_at(7000, buffer.data(), buffer.size()).value(), 0u);
  });
}

TEST_P(OsContract, TruncateCutsAndGrowsWithNul) {
  run([&] {
    ASSERT_TRUE(is_ok(write_new("f", "abcdef")));
    auto file = os().open("f", Open::kReadWrite);
    ASSERT_TRUE(is_ok(file));
    ASSERT_TRUE(is_ok((*file)->truncate(2)));
    EXPECT_EQ(read_all(**file).value(), "ab");
    ASSERT_TRUE(is_ok((*file)->truncate(5000)));  // what was cut off must not come back
    EXPECT_EQ((*file)->size().value(), 5000u);
    EXPECT_EQ(read_all(**file).value(), "ab" + std::string(4998, '\0'));
    ASSERT_TRUE(is_ok((*file)->truncate(0)));
    EXPECT_EQ((*file)->size().value(), 0u);
  });
}

TEST_P(OsContract, TwoOpenFilesOfOneNameSeeEachOther) {
  run([&] {
    ASSERT_TRUE(is_ok(write_new("f", "abc")));
    auto one = os().open("f", Open::kReadWrite);
    auto two = os().open("f", Open::kReadWrite);
    ASSERT_TRUE(is_ok(one));
    ASSERT_TRUE(is_ok(two));
    ASSERT_TRUE(is_ok(write_all(**one, 3, "def")));
    EXPECT_EQ(read_all(**two).value(), "abcdef");
    ASSERT_TRUE(is_ok((*two)->truncate(1)));
    EXPECT_EQ((*one)->size().value(), 1u);
  });
}

TEST_P(OsContract, SyncsSucceedAndChangeNothing) {
  run([&] {
    ASSERT_TRUE(is_ok(os().make_directory("d")));
    ASSERT_TRUE(is_ok(write_new("d/f", "abc")));
    auto file = os().open("d/f", Open::kReadWrite);
    ASSERT_TRUE(is_ok(file));
    EXPECT_TRUE(is_ok((*file)->sync("contract.file")));
    EXPECT_TRUE(is_ok((*file)->sync("contract.file")));
    EXPECT_TRUE(is_ok(os().sync_directory("d", "contract.directory")));
    EXPECT_TRUE(is_ok(os().sync_directory("", "contract.root")));
    EXPECT_EQ(read_all(**file).value(), "abc");
  });
}

TEST_P(OsContract, RenameMovesAndReplaces) {
  run([&] {
    ASSERT_TRUE(is_ok(os().make_directory("d")));
    ASSERT_TRUE(is_ok(write_new("a", "new")));
    ASSERT_TRUE(is_ok(write_new("d/b", "old")));
    auto replaced = os().open("d/b", Open::kReadWrite);
    auto moved = os().open("a", Open::kReadWrite);
    ASSERT_TRUE(is_ok(replaced));
    ASSERT_TRUE(is_ok(moved));
    ASSERT_TRUE(is_ok(os().rename("a", "d/b")));
    EXPECT_EQ(os().list("").value(), Names{"d"});
    EXPECT_EQ(os().list("d").value(), Names{"b"});
    EXPECT_EQ(read_path("d/b").value(), "new");
    // An open file is the file, not its name.
    EXPECT_EQ(read_all(**replaced).value(), "old");
    ASSERT_TRUE(is_ok(write_all(**moved, 3, "er")));
    EXPECT_EQ(read_path("d/b").value(), "newer");
    ASSERT_TRUE(is_ok(os().rename("d/b", "d/c")));
    EXPECT_EQ(os().list("d").value(), Names{"c"});
  });
}

TEST_P(OsContract, RenameOntoItselfChangesNothing) {
  run([&] {
    ASSERT_TRUE(is_ok(write_new("a", "abc")));
    EXPECT_TRUE(is_ok(os().rename("a", "a")));
    EXPECT_EQ(read_path("a").value(), "abc");
  });
}

TEST_P(OsContract, RenameOfAFileOntoADirectoryIsInvalid) {
  run([&] {
    ASSERT_TRUE(is_ok(os().make_directory("d")));
    ASSERT_TRUE(is_ok(write_new("a", "abc")));
    EXPECT_TRUE(fails_with(os().rename("a", "d"), Errc::kInvalid));
    EXPECT_EQ(os().list("").value(), (Names{"a", "d"}));
  });
}

TEST_P(OsContract, ALinkIsASecondNameOfTheFile) {
  run([&] {
    ASSERT_TRUE(is_ok(os().make_directory("d")));
    ASSERT_TRUE(is_ok(write_new("a", "old")));
    ASSERT_TRUE(is_ok(os().link("a", "d/b")));
    EXPECT_EQ(os().list("").value(), (Names{"a", "d"}));
    EXPECT_EQ(os().list("d").value(), Names{"b"});
    auto file = os().open("a", Open::kReadWrite);
    ASSERT_TRUE(is_ok(file));
    ASSERT_TRUE(is_ok(write_all(**file, 3, "er")));
    EXPECT_EQ(read_path("d/b").value(), "older");
    // What replaces one name, or removes it, leaves the other.
    ASSERT_TRUE(is_ok(write_new("t", "new")));
    ASSERT_TRUE(is_ok(os().rename("t", "a")));
    EXPECT_EQ(read_path("a").value(), "new");
    EXPECT_EQ(read_path("d/b").value(), "older");
    ASSERT_TRUE(is_ok(os().remove("a")));
    EXPECT_EQ(read_path("d/b").value(), "older");
  });
}

TEST_P(OsContract, ALinkReplacesNothing) {
  run([&] {
    ASSERT_TRUE(is_ok(os().make_directory("d")));
    ASSERT_TRUE(is_ok(write_new("a", "A")));
    ASSERT_TRUE(is_ok(write_new("b", "B")));
    EXPECT_TRUE(fails_with(os().link("a", "b"), Errc::kExists));
    EXPECT_TRUE(fails_with(os().link("a", "a"), Errc::kExists));
    EXPECT_TRUE(fails_with(os().link("a", "d"), Errc::kExists));
    EXPECT_EQ(read_path("b").value(), "B");
  });
}

TEST_P(OsContract, RemoveLeavesAnOpenFileUsable) {
  run([&] {
    ASSERT_TRUE(is_ok(write_new("f", "abc")));
    auto file = os().open("f", Open::kReadWrite);
    ASSERT_TRUE(is_ok(file));
    ASSERT_TRUE(is_ok(os().remove("f")));
    EXPECT_EQ(os().list("").value(), Names{});
    EXPECT_TRUE(fails_with(os().open("f", Open::kRead), Errc::kNotFound));
    ASSERT_TRUE(is_ok(write_all(**file, 3, "def")));
    EXPECT_EQ(read_all(**file).value(), "abcdef");
    EXPECT_EQ((*file)->size().value(), 6u);
    ASSERT_TRUE(is_ok(write_new("f", "another")));  // the name is free again
    EXPECT_EQ(read_all(**file).value(), "abcdef");
  });
}

TEST_P(OsContract, DirectoriesNestAndGoWhenEmpty) {
  run([&] {
    ASSERT_TRUE(is_ok(os().make_directory("d")));
    ASSERT_TRUE(is_ok(os().make_directory("d/e")));
    ASSERT_TRUE(is_ok(write_new("d/e/f", "abc")));
    EXPECT_TRUE(fails_with(os().make_directory("d"), Errc::kExists));
    EXPECT_TRUE(fails_with(os().make_directory("d/e/f"), Errc::kExists));
    EXPECT_TRUE(fails_with(os().remove("d"), Errc::kNotEmpty));
    EXPECT_TRUE(fails_with(os().remove("d/e"), Errc::kNotEmpty));
    EXPECT_EQ(read_path("d/e/f").value(), "abc");
    ASSERT_TRUE(is_ok(os().remove("d/e/f")));
    ASSERT_TRUE(is_ok(os().remove("d/e")));
    ASSERT_TRUE(is_ok(os().remove("d")));
    EXPECT_EQ(os().list("").value(), Names{});
  });
}

TEST_P(OsContract, ListIsInByteOrder) {
  run([&] {
    ASSERT_TRUE(is_ok(os().make_directory("d")));
    EXPECT_EQ(os().list("d").value(), Names{});
    for (const char* name : {"b", "a", "\xff", "B", "10", "9", "a.b", ".x"}) {
      ASSERT_TRUE(is_ok(write_new(std::string("d/") + name, "")));
    }
    ASSERT_TRUE(is_ok(os().make_directory("d/aa")));
    EXPECT_EQ(os().list("d").value(), (Names{".x", "10", "9", "B", "a", "a.b", "aa", "b", "\xff"}));
  });
}

TEST_P(OsContract, ListOfAFileIsInvalid) {
  run([&] {
    ASSERT_TRUE(is_ok(write_new("f", "abc")));
    EXPECT_TRUE(fails_with(os().list("f"), Errc::kInvalid));
  });
}

TEST_P(OsContract, WhatIsMissingIsNotFound) {
  run([&] {
    EXPECT_TRUE(fails_with(os().open("no/f", Open::kCreateNew), Errc::kNotFound));
    EXPECT_TRUE(fails_with(os().rename("no", "f"), Errc::kNotFound));
    EXPECT_TRUE(fails_with(os().link("no", "f"), Errc::kNotFound));
    EXPECT_TRUE(fails_with(os().remove("no"), Errc::kNotFound));
    EXPECT_TRUE(fails_with(os().make_directory("no/d"), Errc::kNotFound));
    EXPECT_TRUE(fails_with(os().list("no"), Errc::kNotFound));
    EXPECT_TRUE(fails_with(os().sync_directory("no", "contract"), Errc::kNotFound));
    ASSERT_TRUE(is_ok(write_new("f", "abc")));
    EXPECT_TRUE(fails_with(os().rename("f", "no/f"), Errc::kNotFound));
    EXPECT_TRUE(fails_with(os().link("f", "no/f"), Errc::kNotFound));
    EXPECT_EQ(os().list("").value(), Names{"f"});
  });
}

TEST_P(OsContract, AnErrorNamesItsPath) {
  run([&] {
    const auto missing = os().open("some/missing.file", Open::kRead);
    ASSERT_FALSE(missing.ok());
    EXPECT_NE(missing.error().message.find("some/missing.file"), std::string::npos)
        << missing.error().message;
  });
}

TEST_P(OsContract, AKillLosesNothingWritten) {
  run([&] {
    ASSERT_TRUE(is_ok(os().make_directory("d")));
    ASSERT_TRUE(is_ok(write_new("d/a", "never synced")));
    ASSERT_TRUE(is_ok(write_new("d/b", "renamed")));
    ASSERT_TRUE(is_ok(write_new("d/c", "removed")));
    ASSERT_TRUE(is_ok(write_new("d/t", "truncated")));
    auto file = os().open("d/t", Open::kReadWrite);
    ASSERT_TRUE(is_ok(file));
    ASSERT_TRUE(is_ok((*file)->truncate(5)));
    ASSERT_TRUE(is_ok(os().rename("d/b", "b")));
    ASSERT_TRUE(is_ok(os().remove("d/c")));
    ASSERT_TRUE(is_ok(os().link("d/a", "d/second")));
  });
  under_test_->kill_and_restart();
  run([&] {
    EXPECT_EQ(os().list("").value(), (Names{"b", "d"}));
    EXPECT_EQ(os().list("d").value(), (Names{"a", "second", "t"}));
    EXPECT_EQ(read_path("d/a").value(), "never synced");
    EXPECT_EQ(read_path("d/second").value(), "never synced");
    EXPECT_EQ(read_path("b").value(), "renamed");
    EXPECT_EQ(read_path("d/t").value(), "trunc");
  });
}

}  // namespace powercut::engine
