// Each judge of starts on copies can speak: beside the store with one bug each says what it looks at. What lies there at first is
// the log of a short life; the store without a bug holds.
#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <string_view>

#include "engine/engine.h"
#include "faults/mutants.h"
#include "faults/personas.h"
#include "scenarios/store/starts/copied_starts.h"
#include "scenarios/store/starts/other_starts.h"
#include "sim/sim_os.h"

namespace powercut::scenarios {
namespace {

struct Case {
  std::string_view mutant;
  std::string_view says;  // of which start
  friend void PrintTo(const Case& one, std::ostream* out) { *out << one.mutant; }
};

// A store has written, begun its log anew, and written on.
class ShortLife final : CopiedStarts {
 public:
  using CopiedStarts::CopiedStarts;
  sim::WorldState left() {
    sim::WorldState world = world_;
    (void)open(world, nullptr, [](engine::Os& os, engine::Engine& engine) {
      const auto session = engine.connect();
      (void)ask(*session, {"SET", "before", "1"});
      (void)ask(*session, {"BGREWRITEAOF"});
      wait_for_jobs(os, engine);
      (void)ask(*session, {"RPUSH", "behind", "1", "2"});
      EXPECT_TRUE(engine.shut_down(false).ok());
    });
    world.now = world.now + seconds(1);
    return world;
  }
};

// What is said of one of so many worlds, and has `of` in it; empty: nothing.
std::string said(std::string_view policy, uint64_t worlds, std::string_view of = "") {
  const sim::WorldState empty{
      sim::Disk(faults::find_persona("ext4-ordered")->rules), {}, 1'700'000'000'000};
  const sim::Settings settings{.policy = policy};
  sim::SeededChoices first(0);
  const sim::WorldState world = ShortLife(empty, settings, first).left();
  for (uint64_t seed = 1; seed <= worlds; ++seed) {
    sim::SeededChoices choices(seed);
    const auto found = other_starts_of_store(world, settings, choices);
    if (found.wrong && found.wrong->text.find(of) != std::string::npos) return found.wrong->text;
  }
  return {};
}

TEST(StartedOtherwiseTest, AStoreHolds) {
  EXPECT_EQ(said("always", 20), "");
  EXPECT_EQ(said("everysec", 20), "");
}

class SeenTest : public testing::TestWithParam<Case> {};

TEST_P(SeenTest, IsSeenWhereItIsLookedFor) {
  const faults::MutantInfo* page = faults::find_mutant(GetParam().mutant);
  ASSERT_NE(page, nullptr);
  active_mutant = page->planted;
  const std::string text = said("everysec", 300, GetParam().says);
  active_mutant = {};
  EXPECT_NE(text, "");
}

INSTANTIATE_TEST_SUITE_P(
    OfEachJudge, SeenTest,
    testing::Values(
        Case{"others-data-are-none", "upon another server's log without its manifest"},
        Case{"a-foreign-base-drops-what-has-expired", "upon another server's base"},
        Case{"full-disk-start-leaves-a-hole", "behind one on a full disk"},
        Case{"a-full-disk-ends-the-setting-aside-of-space", "on a disk that is full"},
        Case{"switch-keeps-replies-waiting", "whose log is to be kept otherwise"},
        Case{"last-save-rule-counts", "that saves by rules"},
        Case{"shorter-wait-not-noticed", "where clients wait"},
        Case{"looking-is-a-use", "where uses of a key are told"},
        Case{"a-second-backup-is-thought-sealed", "BACKUP"},
        Case{"a-waiter-at-several-streams-is-served-by-the-first-id", "who read several streams"},
        Case{"killed-waiter-is-served", "where clients go that wait"},
        Case{"broken-watch-outlives-unwatch", "where a client thinks better of it"},
        Case{"watch-forgets-what-is-swapped-in", "where keys are watched"},
        Case{"unsynced-since-the-latest", "where a sync hangs"},
        Case{"base-not-counted-at-start", "that says how much there is"},
        Case{"pool-forgets-persist", "that has too little memory"},
        Case{"events-told-too-early", "to which clients listen"},
        Case{"moved-to-where-it-is-already", "where keys have expired"},
        Case{"restores-no-library-and-keeps-all", "where libraries of functions come and go"},
        Case{"handed-over-amid-a-slice-into-its-database", "whose checkpoint is slow"},
        Case{"a-script-stays-in-the-database-it-began-in", "where much is said in one go"},
        Case{"who-waits-while-a-checkpoint-is-sent-waits-on", "that sends its data"},
        Case{"a-script-that-fails-leaves-its-protocol", "where one script is run behind another"}),
    [](const auto& info) {
      std::string name(info.param.mutant);
      for (char& c : name)
        if (c == '-') c = '_';
      return name;
    });

}  // namespace
}  // namespace powercut::scenarios
