#include "scenarios/explore/explore.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "scenarios/explore/smallest.h"

namespace powercut::scenarios {
namespace {

ExploreSpec spec_of(const Workload& workload, std::string_view policy,
                    const std::vector<const char*>& personas, const char* mutant = nullptr) {
  ExploreSpec spec;
  spec.workload = &workload;
  spec.policy = find_policy(policy);
  for (const char* persona : personas) spec.personas.push_back(faults::find_persona(persona));
  if (mutant != nullptr) spec.mutant = faults::find_mutant(mutant);
  return spec;
}

class Certifies : public testing::TestWithParam<const char*> {};

TEST_P(Certifies, ADemoOnEveryFilesystemThatKeepsWhatIsSynced) {
  const auto demo = make_builtin(GetParam(), 1);
  for (const Policy& policy : all_policies()) {
    ExploreSpec spec = spec_of(*demo, policy.name, {});
    for (const faults::Persona& persona : faults::all_personas())
      if (persona.keeps_synced) spec.personas.push_back(&persona);
    const Exploration all = explore(spec);
    EXPECT_EQ(all.harness_fault, "");
    for (const Explored& found : all.by_persona) {
      SCOPED_TRACE(fmt::format("{} {}", policy.name, found.persona->name));
      EXPECT_TRUE(found.complete) << found.incomplete_because;
      EXPECT_EQ(found.violations, 0u);
      EXPECT_GT(found.crash_points, 0u);
      // Nothing is left to chance where power is protected.
      if (found.persona->name == "plp") {
        EXPECT_EQ(found.legal_images, std::to_string(found.crash_points));
        EXPECT_EQ(found.classes, found.crash_points);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Explore, Certifies, testing::Values("demo40", "demo80", "demo-backups"),
                         [](const auto& demo) {
                           std::string name = demo.param;
                           std::erase(name, '-');
                           return name;
                         });

TEST(Explore, JudgesTheBackupsInEachImage) {
  const auto demo = make_builtin("demo-backups", 1);
  struct Planted {
    const char* mutant;
    const char* persona;
  };
  for (const auto& [mutant, persona] : {Planted{"backup-files-go-first", "posix-min"},
                                        {"backup-mark-removed-early", "posix-min"},
                                        {"backup-removed-unmarked", "ext2"},
                                        {"no-sync:backup.directory", "posix-min"},
                                        {"no-sync:backup.manifest", "posix-min"},
                                        {"reused-block-taken-for-sealed", "ext4-writeback"}}) {
    const Exploration all = explore(spec_of(*demo, "everysec", {persona}, mutant));
    const auto& first = all.by_persona.at(0).first;
    ASSERT_FALSE(first.empty()) << mutant;
    EXPECT_EQ(first[0].violation.breach, Breach::kBackup) << mutant;
  }
}

TEST(Explore, CertifiesADeviceThatLies) {
  const auto demo8 = make_builtin("demo8", 1);
  const Exploration all = explore(spec_of(*demo8, "always", {"lying"}));
  ASSERT_EQ(all.by_persona.size(), 1u);
  EXPECT_TRUE(all.by_persona[0].complete) << all.by_persona[0].incomplete_because;
  EXPECT_EQ(all.by_persona[0].violations, 0u);
}

TEST(Explore, WhatIsTooMuchIsNotCalledComplete) {
  const auto demo40 = make_builtin("demo40", 1);
  ExploreSpec spec = spec_of(*demo40, "everysec", {"posix-min"});
  spec.classes_most = 100;
  const Exploration all = explore(spec);
  EXPECT_FALSE(all.by_persona.at(0).complete);
  EXPECT_EQ(all.by_persona.at(0).incomplete_because, "more than 100 classes");
}

TEST(Explore, WhatStopsAtAViolationIsNotCalledComplete) {
  const auto demo8 = make_builtin("demo8", 1);
  ExploreSpec spec = spec_of(*demo8, "always", {"posix-min"}, "no-sync:segment.commit");
  EXPECT_TRUE(explore(spec).by_persona.at(0).complete);
  spec.stop_at_violation = true;
  EXPECT_FALSE(explore(spec).by_persona.at(0).complete);
}

TEST(Explore, TheSameTwice) {
  const auto demo40 = make_builtin("demo40", 1);
  const ExploreSpec spec = spec_of(*demo40, "everysec", {"posix-min", "ext2"});
  const Exploration one = explore(spec);
  const Exploration two = explore(spec);
  for (size_t p = 0; p < spec.personas.size(); ++p) {
    EXPECT_EQ(one.by_persona[p].legal_images, two.by_persona[p].legal_images);
    EXPECT_EQ(one.by_persona[p].classes, two.by_persona[p].classes);
  }
  EXPECT_EQ(one.recoveries_run, two.recoveries_run);
}

// --- Planted bugs ---

struct Planted {
  const char* mutant;
  const char* policy;
  const char* oracle;
  unsigned depth = 1;
};

class ExplorePlanted : public testing::TestWithParam<Planted> {};

TEST_P(ExplorePlanted, IsFoundAndShrunkToAtMostEightOperations) {
  const Planted& planted = GetParam();
  const auto workload = make_builtin(planted.depth > 1 ? "demo8" : "demo40", 1);
  ExploreSpec spec = spec_of(*workload, planted.policy,
                             {"ext4-ordered", "posix-min", "ext4-writeback"}, planted.mutant);
  spec.depth = planted.depth;
  spec.stop_at_violation = true;
  const Exploration all = explore(spec);
  const Explored& found = all.by_persona.back();
  ASSERT_FALSE(found.first.empty());
  EXPECT_EQ(found.first[0].violation.breach, breach_of(planted.oracle));
  EXPECT_EQ(found.first[0].crashes.size(), planted.depth);

  auto shrunk = smallest(spec, found.first[0]);
  ASSERT_TRUE(shrunk.ok()) << shrunk.error().message;
  EXPECT_TRUE(shrunk->complete);
  EXPECT_LE(operations(shrunk->scenario), 8u);
  ASSERT_TRUE(shrunk->account.result.violation.has_value());
  EXPECT_EQ(shrunk->account.result.violation->breach, breach_of(planted.oracle));
  // Without the bug, the same case passes.
  shrunk->scenario.mutant = nullptr;
  CutManner bent;
  bent.illegal = sim::Illegal::kBent;
  const auto sound = run_scenario(shrunk->scenario, bent);
  ASSERT_TRUE(sound.ok()) << sound.error().message;
  EXPECT_FALSE(sound->result.violation.has_value()) << sound->result.violation->text;
}

INSTANTIATE_TEST_SUITE_P(Zoo, ExplorePlanted,
                         testing::Values(Planted{"no-sync:segment.commit", "always", "LAW"},
                                         Planted{"no-sync:segment.finish", "no", "BND"},
                                         Planted{"no-sync:checkpoint.rename", "checkpoint", "LAW"},
                                         Planted{"no-sync:manifest.rename", "hybrid-always", "NOS"},
                                         Planted{"rename-without-sync", "hybrid-everysec", "NOS"},
                                         Planted{"zero-tail-refused", "everysec", "NOS"},
                                         Planted{"recovery-crosses-hole", "everysec", "NPX"},
                                         Planted{"relative-expiry-logged", "always", "NPX"},
                                         Planted{"everysec-idle-tail", "everysec", "BND"},
                                         Planted{"acked-in-buffer", "no", "LAW"},
                                         Planted{"ack-before-sync", "always", "LAW"},
                                         Planted{"transaction-not-held", "always", "LAW"},
                                         Planted{"synced-offset-ahead", "everysec", "NOS"},
                                         Planted{"select-not-repeated", "hybrid-always", "NPX"},
                                         Planted{"stale-epoch", "hybrid-always", "NPX"},
                                         Planted{"getex-logged-as-persist", "always", "NPX"},
                                         Planted{"tail-not-synced", "checkpoint", "MON", 2},
                                         Planted{"no-sync:recovery.segment", "no", "MON", 2}),
                         [](const auto& info) {
                           std::string name = info.param.mutant;
                           for (char& c : name)
                             if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
                           return name;
                         });

}  // namespace
}  // namespace powercut::scenarios
