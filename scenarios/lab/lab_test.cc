// Of each lab: its answer is right for several students, and known wrong ones are wrong.
#include "scenarios/lab/lab.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <regex>

namespace powercut::scenarios {
namespace {

const Lab& lab(int number) { return all_labs()[static_cast<size_t>(number - 1)]; }

bool is_right(int number, const std::string& text, uint64_t student) {
  const auto grade = lab(number).check(text, student);
  EXPECT_TRUE(grade.ok()) << grade.error().message;
  return grade.ok() && grade->right;
}

TEST(Lab, EachAnswerIsRightForSeveralStudents) {
  for (const Lab& one : all_labs()) {
    for (const uint64_t student : {0u, 7u, 4711u}) {
      const bool takes_seconds = one.number == 1 || one.number == 3;
      if (takes_seconds && student != 7) continue;
      const auto grade = one.check(one.answer(student), student);
      ASSERT_TRUE(grade.ok()) << one.number << ": " << grade.error().message;
      EXPECT_TRUE(grade->right) << one.number << " student " << student;
      for (const std::string& line : grade->lines)
        EXPECT_TRUE(grade->right || line.empty()) << line;
    }
  }
}

TEST(Lab, TheQuestionAsItIsIsNoAnswer) {
  for (const Lab& one : all_labs()) {
    const auto grade = one.check(one.question(0), 0);
    EXPECT_TRUE(!grade.ok() || !grade->right) << one.number;
  }
}

TEST(Lab, StudentsGetDifferentQuestions) {
  for (const int number : {1, 2, 3, 4, 5, 6}) {
    bool differs = false;
    for (uint64_t student = 1; student < 20; ++student)
      differs = differs || lab(number).question(student) != lab(number).question(0);
    EXPECT_TRUE(differs) << number;
  }
}

// "Everysec loses one second", whatever the disk; the whole of a hung disk; or to be on the safe side.
TEST(Lab, OneSecondIsNotWhatPeopleSay) {
  const std::string rest = "hung_age_over_2000: yes\nhung_span_over_2000: no\n";
  // Of the fastest of the disks.
  EXPECT_FALSE(is_right(1, "age_ms: 1000\nspan_ms: 2000\n" + rest, 2));
  EXPECT_FALSE(is_right(1, "age_ms: 1010\nspan_ms: 1000\n" + rest, 2));
  EXPECT_FALSE(is_right(1, "age_ms: 500\nspan_ms: 2000\n" + rest, 3));
  EXPECT_FALSE(is_right(1, "age_ms: 60000\nspan_ms: 2000\n" + rest, 3));
  EXPECT_FALSE(is_right(1, "age_ms: 1100\nspan_ms: 60000\n" + rest, 3));
  EXPECT_FALSE(is_right(
      1, std::regex_replace(lab(1).answer(3), std::regex("over_2000: no"), "over_2000: yes"), 3));
}

TEST(Lab, ADiskThatKeepsEverythingBreaksNothing) {
  const std::string right = lab(2).answer(5);
  const auto with = [&](const std::string& cut) {
    return std::regex_replace(right, std::regex("rest lost"), cut);
  };
  EXPECT_FALSE(is_right(2, with("rest kept"), 5));
  EXPECT_FALSE(lab(2).check(with("rest lost\nsector nowhere 0 1"), 5).ok());
  const auto bent = std::regex_replace(with("rest lost\nsector nowhere 0 1"),
                                       std::regex("(store .*)"), "$1 cuts=nearest");
  EXPECT_FALSE(lab(2).check(bent, 5).ok());
  EXPECT_FALSE(lab(2).check(std::regex_replace(right, std::regex("always"), "no"), 5).ok());
  EXPECT_FALSE(lab(2).check(std::regex_replace(right, std::regex(" mutant=\\S+"), ""), 5).ok());
}

TEST(Lab, AKillFindsNeitherAllNorNothing) {
  for (const char* all : {"yes", "no"})
    EXPECT_FALSE(is_right(
        3, std::regex_replace(lab(3).answer(2), std::regex(": (yes|no)"), std::string(": ") + all),
        2))
        << all;
}

TEST(Lab, NeitherEveryFilesystemNeedsItNorNone) {
  for (const char* all : {"needed", "not"})
    EXPECT_FALSE(is_right(
        4,
        std::regex_replace(lab(4).answer(1), std::regex(": (needed|not)"), std::string(": ") + all),
        1))
        << all;
}

TEST(Lab, ARetryIsNoRemedy) {
  EXPECT_FALSE(is_right(5, std::regex_replace(lab(5).answer(0), std::regex("lost"), "kept"), 0));
  EXPECT_FALSE(is_right(5, std::regex_replace(lab(5).answer(0), std::regex("kept"), "lost"), 0));
}

TEST(Lab, ASyncInTheWrongPlaceRepairsNothing) {
  EXPECT_FALSE(is_right(6, "after: create of appendonly.aof.#.incr.aof\nsync: file\n", 0));
  EXPECT_FALSE(is_right(6, "after: rename of appendonly.aof.manifest\nsync: directory\n", 0));
  // Of a call that there is not it says so, not that it does not help.
  for (const char* nowhere : {"remove of nothing", "write of appendonly.aof.1.incr.aof"}) {
    const auto grade = lab(6).check(fmt::format("after: {}\nsync: file\n", nowhere), 0);
    ASSERT_TRUE(grade.ok() && !grade->right) << nowhere;
    EXPECT_NE(grade->lines.back().find("makes no"), std::string::npos) << grade->lines.back();
  }
}

TEST(Lab, AFileThatIsNoAnswerIsOneLine) {
  for (const char* text :
       {"", "age_ms: many\nspan_ms: 1\nhung_age_over_2000: yes\nhung_span_over_2000: no\n",
        "age_ms:\n", "age_ms: 1\nage_ms: 1\n", "what: 1\n"}) {
    const auto grade = lab(1).check(text, 0);
    ASSERT_FALSE(grade.ok()) << text;
    EXPECT_EQ(grade.error().message.find('\n'), std::string::npos);
  }
}

}  // namespace
}  // namespace powercut::scenarios
