// Judges of starts on copies that make worlds of their own: machines that change roles, a database that is not steady, tiers whose
// segments move, a row of words of backups. What lies there at first is nothing; the store holds, and each can speak.
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "faults/mutants.h"
#include "faults/personas.h"
#include "scenarios/store/starts/changing_roles.h"
#include "scenarios/store/starts/other_starts.h"
#include "scenarios/store/starts/sent_starts.h"
#include "scenarios/store/starts/sunk_starts.h"
#include "scenarios/store/starts/tiered_starts.h"
#include "scenarios/store/store_target.h"
#include "sim/sim_os.h"

namespace powercut::scenarios {
namespace {

using Judge = std::function<TargetType::OtherStarts(const sim::WorldState&, const sim::Settings&,
                                                    sim::Choices&)>;

// What they say of an empty disk, in so many worlds; empty: nothing.
std::string said(const Judge& judge, std::string_view policy, uint64_t worlds) {
  const sim::WorldState world{sim::Disk(faults::find_persona("ext4-ordered")->rules)};
  const sim::Settings settings{.policy = policy};
  for (uint64_t seed = 1; seed <= worlds; ++seed) {
    sim::SeededChoices choices(seed);
    if (const auto found = judge(world, settings, choices); found.wrong) return found.wrong->text;
  }
  return {};
}

// The same of a store with that bug.
std::string said_of(std::string_view mutant, const Judge& judge, std::string_view policy,
                    uint64_t worlds) {
  const faults::MutantInfo* page = faults::find_mutant(mutant);
  EXPECT_NE(page, nullptr);
  active_mutant = page->planted;
  std::string text = said(judge, policy, worlds);
  active_mutant = {};
  return text;
}

Judge sunk(bool reads) {
  return [reads](const auto& world, const auto& settings, auto& choices) {
    return sunk_starts_of_store(world, settings, {engine::SinkMode::kBehind}, reads, choices);
  };
}

Judge tiered(Tiers tiers) {
  return [tiers](const auto& world, const auto& settings, auto& choices) {
    return tiered_starts_of_store(world, settings, tiers, choices);
  };
}

TEST(CopiedWorldsTest, AStoreHolds) {
  EXPECT_EQ(said(changing_roles_of_store, "always", 10), "");
  EXPECT_EQ(said(changing_roles_of_store, "everysec", 10), "");
  EXPECT_EQ(said(sent_starts_of_store, "no", 50), "");
  EXPECT_EQ(said(sunk(false), "always", 5), "");
  EXPECT_EQ(said(sunk(true), "everysec", 5), "");
  EXPECT_EQ(said(tiered(Tiers::kArchived), "everysec", 5), "");
  EXPECT_EQ(said(tiered(Tiers::kWarm), "always", 5), "");
}

TEST(CopiedWorldsTest, WhoContinuesUnderTheOldNameIsSeen) {
  EXPECT_NE(said_of("repl-continues-under-old-name", changing_roles_of_store, "always", 100), "");
}

TEST(CopiedWorldsTest, WhoSendsTooEarlyIsSeen) {
  EXPECT_NE(said_of("repl-missed-rests-on-cut", changing_roles_of_store, "always", 100), "");
}

TEST(CopiedWorldsTest, AReaderWhoIsShownWhatIsNotSafeIsSeen) {
  EXPECT_NE(said_of("reads-run-ahead", changing_roles_of_store, "always", 400), "");
}

TEST(CopiedWorldsTest, WhatIsSentAndTheStreamBehindItAreOneState) {
  EXPECT_NE(said_of("stream-one-behind", sent_starts_of_store, "always", 60), "");
  EXPECT_NE(said_of("flushed-under-the-number-of-now", sent_starts_of_store, "always", 300), "");
}

TEST(CopiedWorldsTest, ADatabaseThatIsLookedForTooSeldomIsSeen) {
  EXPECT_NE(said_of("sink-waits-ever-longer", sunk(false), "always", 40), "");
}

TEST(CopiedWorldsTest, AFailureThatTheLogDoesNotHearOfIsSeen) {
  EXPECT_NE(said_of("tier-note-error-untold", tiered(Tiers::kArchived), "everysec", 40), "");
}

TEST(CopiedWorldsTest, ABackupThatWantsWhatIsBeingSentIsSeen) {
  EXPECT_NE(said_of("tier-stays-too-late", tiered(Tiers::kArchived), "no", 1500), "");
}

}  // namespace
}  // namespace powercut::scenarios
