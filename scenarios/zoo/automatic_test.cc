// The runner of automatic mutants, shown with bugs that have a page: their build is not this one.
#include "scenarios/zoo/automatic.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <csignal>

#include "faults/splice/planted.h"
#include "scenarios/base/apart.h"
#include "scenarios/zoo/reach.h"

namespace powercut::scenarios {
namespace {

using testing::HasSubstr;

// --- Apart ---

std::vector<Ended> run_all(const std::vector<std::function<void(const Tell&)>>& works) {
  std::vector<Ended> ended(works.size());
  run_apart(
      works.size(), 2, {1, 5, uint64_t{4} << 30},
      [&](size_t number, const Tell& tell) { works[number](tell); },
      [&](size_t number, const Ended& one) { ended[number] = one; }, nullptr);
  return ended;
}

TEST(Apart, EachEndsInItsOwnWayAndTheOthersGoOn) {
  const auto ended = run_all({[](const Tell& tell) { tell("one\n"); },
                              [](const Tell& tell) {
                                tell("two\n");
                                CHECK(1 + 1 == 3);
                              },
                              [](const Tell&) {
                                for (std::atomic<int> i = 0;;) ++i;
                              },
                              [](const Tell&) {
                                const std::vector<char> all(size_t{8} << 30);
                                CHECK(all.empty());
                              },
                              [](const Tell&) { become("/bin/false", {"A=1"}); },
                              [](const Tell&) { become("/bin/true", {"A=1"}); },
                              [](const Tell&) {
                                sigset_t all;
                                sigfillset(&all);
                                CHECK(sigprocmask(SIG_BLOCK, &all, nullptr) == 0);
                                const std::atomic<int> never = 0;
                                never.wait(0);
                              }});
  EXPECT_EQ(ended[0].told, "one\n");
  EXPECT_EQ(ended[0].status, 0);
  EXPECT_FALSE(ended[0].died || ended[0].hung);
  EXPECT_TRUE(ended[1].died);
  EXPECT_EQ(ended[1].told, "two\n");
  EXPECT_THAT(ended[1].said, HasSubstr("CHECK failed: 1 + 1 == 3"));
  EXPECT_TRUE(ended[2].hung);
  EXPECT_TRUE(ended[3].died || ended[3].status != 0);
  EXPECT_EQ(ended[4].status, 1);
  EXPECT_EQ(ended[5].status, 0);
  EXPECT_TRUE(ended[6].hung);
}

// --- The zoo of them ---

faults::AutomaticMutant as_automatic(std::string_view name, std::string_view file) {
  faults::AutomaticMutant mutant;
  mutant.info = *faults::find_mutant(name);
  mutant.file = file;
  return mutant;
}

TEST(AutomaticZoo, SaysWhatFoundEach) {
  const auto seen = as_automatic("stale-epoch", "engine/recovery/recovery.cc");
  const auto unseen = as_automatic("base-not-read-back", "engine/aof/replace.cc");
  const auto posix = as_automatic("stale-epoch", "engine/os/posix/posix_os.cc");
  AutomaticOptions options;
  options.mutants = {&seen, &unseen, &posix};
  options.seeds = 40;
  options.jobs = 2;
  const auto rows = run_automatic(options, {}).value();
  ASSERT_EQ(rows.size(), 2u);  // no run executes the third, and there are no tests
  EXPECT_EQ(rows[0].fate, Fate::kFound);
  EXPECT_EQ(rows[0].by, "mixed");
  EXPECT_GT(rows[0].runs, 0u);
  EXPECT_TRUE(breach_of(rows[0].what)) << rows[0].what;
  EXPECT_EQ(rows[1].fate, Fate::kSurvived);
  EXPECT_EQ(rows[1].by, "");
  EXPECT_TRUE(is_posix(posix));
  EXPECT_FALSE(is_posix(seen));
}

// A test program that fails anyway would find every mutant.
TEST(AutomaticZoo, RefusesTestsThatFailWithoutAMutant) {
  const auto unseen = as_automatic("base-not-read-back", "engine/aof/replace.cc");
  AutomaticOptions options;
  options.mutants = {&unseen};
  options.seeds = 4;
  options.tests = ::testing::TempDir();  // where none of them is
  const auto rows = run_automatic(options, {});
  ASSERT_FALSE(rows.ok());
  EXPECT_THAT(rows.error().message, HasSubstr("_test does not pass without a mutant"));
}

// Who is accused without a mutant says nothing of any.
TEST(AutomaticZoo, SaysWhatIsAccused) {
  AutomaticOptions options;
  options.seeds = 40;
  const std::string found = found_by_budget(options, faults::find_mutant("stale-epoch"));
  EXPECT_TRUE(found.starts_with("mixed ")) << found;
  EXPECT_TRUE(breach_of(found.substr(found.rfind(' ') + 1))) << found;
}

// --- Which run comes where ---

TEST(Reach, IsARowOfBitsARun) {
  const Reach reach(9, std::string("\x01\x00\x00\x01", 4));
  EXPECT_TRUE(reach.comes(0, 0));
  EXPECT_FALSE(reach.comes(0, 8));
  EXPECT_FALSE(reach.comes(1, 0));
  EXPECT_TRUE(reach.comes(1, 8));
  EXPECT_TRUE(reach.ever(8));
  EXPECT_FALSE(reach.ever(1));
  EXPECT_TRUE(Reach().comes(7, 7));
  EXPECT_TRUE(Reach().ever(7));
}

TEST(Reach, OfTestsIsAFilter) {
  const auto seen = as_automatic("stale-epoch", "engine/recovery/recovery.cc");
  const auto place = std::to_string(seen.info.planted.number() % kAskedBytes);
  EXPECT_EQ(TestReach().filter(seen), "*");
  EXPECT_EQ(TestReach::parse("A.b 1\nA.c\n").filter(seen), "");
  EXPECT_EQ(TestReach::parse("A.b 1 " + place + "\nA.c\nD.e/0 " + place + " 2\n").filter(seen),
            "A.b:D.e/0");
}

// --- Arguments ---

TEST(Equivalents, AreNamesAndArguments) {
  const auto all = parse_equivalents(
      "# why\na:f:drop:1 abcd\n  because\n  it is\n\nb:g:swap:2 ef01\n  so\n", "e");
  ASSERT_TRUE(all.ok()) << all.error().message;
  ASSERT_EQ(all->size(), 2u);
  EXPECT_EQ(all->at("a:f:drop:1").function, "abcd");
  EXPECT_EQ(all->at("a:f:drop:1").argument, "because it is");
}

TEST(Equivalents, WhatIsNoneIsNamed) {
  const auto said = [](std::string_view text) {
    const auto all = parse_equivalents(text, "e");
    return all.ok() ? "" : all.error().message;
  };
  EXPECT_THAT(said("  because\n"), HasSubstr("e:1: "));
  EXPECT_THAT(said("a 1\nb 2\n  so\n"), HasSubstr("e:2: the one before has no argument"));
  EXPECT_THAT(said("a 1\n"), HasSubstr("no argument"));
  EXPECT_THAT(said("a 1\n  so\na 1\n  so\n"), HasSubstr("e:3: a second time"));
  EXPECT_THAT(said("a\n"), HasSubstr("not \"NAME FUNCTION\""));
}

TEST(Equivalents, TheFileIsInOrder) {
  const auto all = read_equivalents();
  EXPECT_TRUE(all.ok()) << all.error().message;
}

}  // namespace
}  // namespace powercut::scenarios
