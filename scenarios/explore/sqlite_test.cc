// SQLite, every crash of a short run of each pair of journal_mode and synchronous: what is kept is what its
// documentation says, and each bug planted in its filesystem below it is seen.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "engine/os/forwarding_os.h"
#include "scenarios/base/workers.h"
#include "scenarios/explore/explore.h"
#include "scenarios/explore/fences.h"
#include "scenarios/explore/smallest.h"
#include "scenarios/run/targets.h"
#include "scenarios/story/story.h"
#include "scenarios/sweep/subject.h"

namespace powercut::scenarios::sqlite_test {
namespace {

using ::testing::HasSubstr;

// A page is written whole or not: sectors of 4 KiB.
constexpr const char* kPersonas[] = {"posix-min/sector=4096", "ext4/sector=4096", "xfs/sector=4096",
                                     "btrfs/sector=4096"};

std::shared_ptr<const Workload> rows() {
  for (const auto& own : find_target("sqlite:wal/full")->workloads())
    if (own->name == "rows") return own;
  return nullptr;
}

ExploreSpec held_to_always(const TargetType& type, const Workload& workload) {
  ExploreSpec spec;
  spec.target = &type;
  spec.workload = &workload;
  spec.policy = find_policy("always");
  for (const char* persona : kPersonas) spec.personas.push_back(faults::find_persona(persona));
  return spec;
}

// "keeps", "lost" (an older state is there) or "BROKEN" (none that ever was, or none at all).
std::string word(const Explored& found) {
  if (!found.complete) return "incomplete: " + found.incomplete_because;
  std::string said = "keeps";
  for (const ExploredViolation& one : found.first) {
    if (one.violation.breach != Breach::kLost) return "BROKEN";
    said = "lost";
  }
  return said;
}

TEST(Sqlite, EachPairKeepsWhatItsDocumentationSays) {
  const auto workload = rows();
  const std::map<std::string, std::string> expected = {
      {"delete/off", "BROKEN"},     {"delete/normal", "BROKEN"}, {"delete/full", "lost"},
      {"delete/extra", "keeps"},    {"truncate/off", "BROKEN"},  {"truncate/normal", "BROKEN"},
      {"truncate/full", "keeps"},   {"truncate/extra", "keeps"}, {"persist/off", "BROKEN"},
      {"persist/normal", "BROKEN"}, {"persist/full", "keeps"},   {"persist/extra", "keeps"},
      {"memory/off", "BROKEN"},     {"memory/normal", "BROKEN"}, {"memory/full", "BROKEN"},
      {"memory/extra", "BROKEN"},   {"off/off", "BROKEN"},       {"off/normal", "BROKEN"},
      {"off/full", "BROKEN"},       {"off/extra", "BROKEN"},     {"wal/off", "BROKEN"},
      {"wal/normal", "lost"},       {"wal/full", "keeps"},       {"wal/extra", "keeps"}};
  size_t pairs = 0;
  for (const TargetType* type : all_targets()) {
    if (!type->name().starts_with("sqlite:")) continue;
    ++pairs;
    const Exploration all = explore(held_to_always(*type, *workload));
    EXPECT_EQ(all.harness_fault, "");
    const std::string pair(type->name().substr(7));
    for (const Explored& found : all.by_persona) {
      // There a file that is cut off may be found as long as before, and half of it zeros: half a journal.
      const bool cut_off = pair == "truncate/full" || pair == "truncate/extra";
      const bool halves = cut_off && found.persona->name.starts_with("posix-min");
      EXPECT_EQ(word(found), halves ? "BROKEN" : expected.at(pair))
          << type->name() << " " << found.persona->name << ": "
          << (found.first.empty() ? "" : found.first[0].violation.text);
    }
  }
  EXPECT_EQ(pairs, expected.size());
}

// --- Bugs in its filesystem ---

// One bug below SQLite's files, as if engine/sqlite/vfs.cc had it.
enum class Bug { kTruncatesInsteadOfRemoving, kShortWriteTakenForWhole };

class BuggyFile final : public engine::File {
 public:
  BuggyFile(std::unique_ptr<engine::File> inner, Bug bug) : inner_(std::move(inner)), bug_(bug) {}
  Result<size_t> read_at(uint64_t offset, char* out, size_t size) override {
    return inner_->read_at(offset, out, size);
  }
  Result<size_t> write_at(uint64_t offset, std::string_view data) override {
    // A half of a page, and the whole is reported.
    if (bug_ != Bug::kShortWriteTakenForWhole || data.size() < 4096)
      return inner_->write_at(offset, data);
    for (size_t done = 0; done < data.size() / 2;) {
      TRY_ASSIGN(const size_t n,
                 inner_->write_at(offset + done, data.substr(done, data.size() / 2 - done)));
      done += n;
    }
    return data.size();
  }
  Result<void> truncate(uint64_t size) override { return inner_->truncate(size); }
  Result<void> sync(Site fence) override { return inner_->sync(fence); }
  Result<uint64_t> size() override { return inner_->size(); }

 private:
  std::unique_ptr<engine::File> inner_;
  Bug bug_;
};

class BuggyOs final : public engine::ForwardingOs {
 public:
  BuggyOs(engine::Os& inner, Bug bug) : ForwardingOs(inner), bug_(bug) {}
  Result<std::unique_ptr<engine::File>> open(std::string_view path, engine::Open mode) override {
    TRY_ASSIGN(auto file, inner_.open(path, mode));
    return std::unique_ptr<engine::File>(std::make_unique<BuggyFile>(std::move(file), bug_));
  }
  Result<void> remove(std::string_view path) override {
    if (bug_ != Bug::kTruncatesInsteadOfRemoving) return inner_.remove(path);
    TRY_ASSIGN(auto file, inner_.open(path, engine::Open::kReadWrite));
    return file->truncate(0);
  }

 private:
  Bug bug_;
};

class BuggyTarget final : public sim::Target, private sim::OperationObserver {
 public:
  static Result<std::unique_ptr<sim::Target>> open(engine::Os& os, Bug bug, const TargetType& type,
                                                   const sim::Settings& settings) {
    auto buggy = std::make_unique<BuggyOs>(os, bug);
    TRY_ASSIGN(auto inner, type.open(*buggy, settings));
    return std::unique_ptr<sim::Target>(new BuggyTarget(std::move(buggy), std::move(inner)));
  }
  void apply(uint64_t client, std::string_view request) override { inner_->apply(client, request); }
  std::optional<sim::Reply> acknowledged(uint64_t client, Instant deadline) override {
    return inner_->acknowledged(client, deadline);
  }
  uint64_t digest(int64_t wall_ms) override { return inner_->digest(wall_ms); }
  sim::Promise promise() override { return inner_->promise(); }
  Result<void> shut_down() override { return inner_->shut_down(); }

 private:
  BuggyTarget(std::unique_ptr<engine::Os> os, std::unique_ptr<sim::Target> inner)
      : os_(std::move(os)), inner_(std::move(inner)) {
    recovery = inner_->recovery;
    inner_->observe(this);
  }
  void on_operation(uint64_t number) override { happened(number); }

  std::unique_ptr<engine::Os> os_;
  std::unique_ptr<sim::Target> inner_;
};

class BuggyType final : public TargetType {
 public:
  BuggyType(const TargetType& inner, Bug bug) : inner_(inner), bug_(bug) {}
  std::string_view name() const override { return "buggy"; }
  std::string_view about() const override { return "SQLite with a bug below it"; }
  Result<std::unique_ptr<sim::Target>> open(engine::Os& os,
                                            const sim::Settings& settings) const override {
    return BuggyTarget::open(os, bug_, inner_, settings);
  }

 private:
  const TargetType& inner_;
  Bug bug_;
};

// Of all personas, the worst.
std::string worst(const Exploration& all) {
  std::string worst = "keeps";
  for (const Explored& found : all.by_persona)
    if (const std::string said = word(found); worst == "keeps" || said == "BROKEN") worst = said;
  return worst;
}

TEST(Sqlite, WhatItsFilesDoWrongIsSeen) {
  const auto workload = rows();
  const auto without = [&](const char* target, std::optional<Bug> bug) {
    const TargetType& sound = *find_target(target);
    const BuggyType buggy(sound, bug.value_or(Bug::kShortWriteTakenForWhole));
    return worst(explore(held_to_always(bug ? buggy : sound, *workload)));
  };
  for (const char* target : {"sqlite:delete/extra", "sqlite:persist/full", "sqlite:wal/full"})
    EXPECT_EQ(without(target, std::nullopt), "keeps") << target;
  EXPECT_NE(without("sqlite:delete/extra", Bug::kTruncatesInsteadOfRemoving), "keeps");
  EXPECT_EQ(without("sqlite:delete/extra", Bug::kShortWriteTakenForWhole), "BROKEN");
  EXPECT_EQ(without("sqlite:wal/full", Bug::kShortWriteTakenForWhole), "BROKEN");
}

// Each sync that it makes, left out of a mode that makes it.
TEST(Sqlite, EachSyncThatIsNotMadeIsMissed) {
  const auto workload = rows();
  const auto without = [&](const char* target, const std::string& fence) {
    ExploreSpec spec = held_to_always(*find_target(target), *workload);
    spec.mutant = faults::find_mutant("no-sync:" + fence);
    EXPECT_NE(spec.mutant, nullptr) << fence;
    return worst(explore(spec));
  };
  EXPECT_EQ(without("sqlite:delete/extra", "sqlite.database"), "BROKEN");
  EXPECT_EQ(without("sqlite:delete/extra", "sqlite.journal"), "BROKEN");
  EXPECT_EQ(without("sqlite:delete/extra", "sqlite.journal-made"), "BROKEN");
  EXPECT_EQ(without("sqlite:delete/extra", "sqlite.journal-removed"), "lost");
  EXPECT_EQ(without("sqlite:wal/full", "sqlite.wal"), "BROKEN");
  EXPECT_EQ(without("sqlite:wal/full", "sqlite.journal-made"), "BROKEN");
}

// --- Drawn runs ---

SweepOptions swept(const std::string& target, const std::string& faults) {
  CommonOptions common;
  common.target = target;
  common.faults = faults;
  common.operations = 30;
  auto options = look_up(common);
  EXPECT_TRUE(options.ok()) << (options.ok() ? "" : options.error().message);
  return std::move(options).value();
}

// Of so many runs, the first that breaks its promise.
std::string first_broken(const SweepOptions& options, uint64_t seeds) {
  for (uint64_t seed = 1; seed <= seeds; ++seed) {
    const RunSpec spec = spec_of(options, seed);
    if (!spec.persona->keeps_synced) continue;
    const RunResult result = run_once(spec);
    EXPECT_EQ(result.harness_fault, "") << run_id(spec);
    if (result.violation)
      return fmt::format("{} {}", code_of(result.violation->breach), run_id(spec));
  }
  return {};
}

TEST(Sqlite, PowerCutsAtAnyMomentBreakNoneOfItsPromises) {
  for (const char* target : {"sqlite:delete/extra", "sqlite:truncate/full", "sqlite:persist/full",
                             "sqlite:wal/full", "sqlite:wal/normal"})
    EXPECT_EQ(first_broken(swept(target, "power-cut,torn,short-io,recovery-cut"), 40), "")
        << target;
}

// A process dies with its transaction written and not synced. The next one shows it, and SQLite syncs nothing
// of what it finds: a power cut then takes what was shown.
TEST(Sqlite, WhatAKilledProcessHadWrittenIsShownAndMayBeGoneAfterACut) {
  const auto workload = rows();
  for (const char* target : {"sqlite:delete/extra", "sqlite:wal/full"}) {
    ExploreSpec spec = held_to_always(*find_target(target), *workload);
    spec.personas = {faults::find_persona("ext4/sector=4096")};
    spec.depth = 2;
    const Explored found = explore(spec).by_persona[0];
    EXPECT_TRUE(found.complete) << found.incomplete_because;
    std::vector<Breach> breaches;
    for (const ExploredViolation& one : found.first) {
      breaches.push_back(one.violation.breach);
      EXPECT_EQ(one.crashes[0].kind, sim::CrashKind::kKill);
    }
    EXPECT_EQ(breaches, std::vector{Breach::kServedIsGone}) << target;
  }
}

TEST(Sqlite, RunsBesideEachOtherDoNotMeet) {
  const SweepOptions options = swept("sqlite:wal/full", "power-cut");
  const auto hashes = [&](unsigned jobs) {
    std::vector<uint64_t> all(12);
    on_all_cores(all.size(), jobs,
                 [&](size_t n) { all[n] = run_once(spec_of(options, n + 1)).trace_hash; });
    return all;
  };
  EXPECT_EQ(hashes(2), hashes(1));
}

TEST(Sqlite, WhatItCannotBePutToIsRefusedByName) {
  const auto why = [](const std::string& policy, const std::string& faults) {
    CommonOptions common;
    common.target = "sqlite:wal/full";
    common.policy = policy;
    common.faults = faults;
    const auto options = look_up(common);
    return options.ok() ? "" : options.error().message;
  };
  EXPECT_EQ(why("all", "all"), "");
  EXPECT_EQ(why("everysec", "all"),
            "policy: sqlite:wal/full is not held to everysec, but to always, no");
  EXPECT_THAT(why("all", "power-cut,eio"),
              HasSubstr("faults: sqlite:wal/full has no answer to eio"));
}

// --- What is found is told, and its ID is one ---

TEST(Sqlite, ARunsIdNamesThePair) {
  const std::string id = run_id(spec_of(swept("sqlite:wal/normal", "power-cut"), 7));
  EXPECT_THAT(id, ::testing::StartsWith("sqlite:wal/normal+ledger:no:"));
  const auto recipe = parse_run_id(id);
  ASSERT_TRUE(recipe.ok()) << recipe.error().message;
  EXPECT_EQ(recipe->spec.target, find_target("sqlite:wal/normal"));
  EXPECT_EQ(run_id(recipe->spec), id);
}

TEST(Sqlite, WhatDeleteAndFullLoseShrinksToATransactionAndNamesTheSync) {
  const auto workload = rows();
  ExploreSpec spec = held_to_always(*find_target("sqlite:delete/full"), *workload);
  spec.personas.resize(1);
  const Exploration all = explore(spec);
  ASSERT_FALSE(all.by_persona[0].first.empty());
  const auto small = smallest(spec, all.by_persona[0].first[0]);
  ASSERT_TRUE(small.ok()) << small.error().message;
  EXPECT_EQ(operations(small->scenario), 1u);
  const std::string story =
      tell_story(small->scenario, small->account, missing_fences(small->scenario));
  EXPECT_THAT(story, HasSubstr("A sync of the directory that all is in (the root)"));
  EXPECT_THAT(story, HasSubstr("data.db-journal"));
  const std::string text = print(small->scenario, small->account);
  EXPECT_THAT(text, HasSubstr(" target=sqlite:delete/full"));
  const auto read = parse_scenario(text, "small.scn");
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(print(*read, *run_scenario(*read)), text);
}

}  // namespace
}  // namespace powercut::scenarios::sqlite_test
