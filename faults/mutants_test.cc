// The zoo is complete, and each decorator of the seam has its bug and no other.
#include "faults/mutants.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <sstream>

#include "faults/personas.h"
#include "faults/plan_injector.h"
#include "faults/splice/splice.h"
#include "sim/sim_os.h"

namespace powercut::faults {
namespace {

namespace fs = std::filesystem;
using engine::Open;

const fs::path kPages = fs::path(POWERCUT_SOURCE_DIR) / "faults/mutants";

std::string contents(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::set<std::string> matches(const std::string& text, const char* pattern) {
  const std::regex regex(pattern);
  std::set<std::string> found;
  for (std::sregex_iterator i(text.begin(), text.end(), regex), end; i != end; ++i) {
    found.insert((*i)[1].str());
  }
  return found;
}

// All sources of the store itself: what stands above the seam, without tests.
std::string engine_sources() {
  std::string text;
  for (const auto& entry :
       fs::recursive_directory_iterator(fs::path(POWERCUT_SOURCE_DIR) / "engine")) {
    const std::string path = entry.path().string();
    if (!path.ends_with(".cc") || path.ends_with("_test.cc")) continue;
    if (path.find("/engine/os/") != std::string::npos) continue;
    if (path.find("/engine/server/") != std::string::npos) continue;  // its files are no data
    text += contents(entry.path());
  }
  return text;
}

// --- The registry ---

TEST(Mutants, EveryFenceOfTheEngineHasItsMutant) {
  const std::string sources = engine_sources();
  // A sync's fence is a literal at the call or, through sync_segment, at the call of that.
  std::set<std::string> fences =
      matches(sources, "sync[a-z_]*\\((?:[^;]*?,)?\\s*\"([a-z_]+\\.[a-z_]+)\"\\)");
  for (const std::string& fence :
       matches(sources, "replace_durably\\([^;]*\"([a-z_]+\\.[a-z_]+)\"")) {
    fences.insert(fence);
  }
  EXPECT_GE(fences.size(), 16u);
  std::set<std::string> registered;
  for (const MutantInfo& mutant : all_mutants()) {
    if (mutant.decorator != DecoratorKind::kNoSync) continue;
    EXPECT_EQ(mutant.name, std::string("no-sync:") + mutant.fence.name);
    registered.insert(mutant.fence.name);
  }
  EXPECT_EQ(fences, registered) << "faults/mutants/: one no-sync page a fence, no more";
  // No sync whose fence this test cannot read.
  for (const std::string& argument : matches(sources, "(?:->|\\.)sync\\(([^)]*)\\)")) {
    EXPECT_TRUE(argument[0] == '"' || argument == "fence") << argument;
  }
}

TEST(Mutants, EveryPageOfTheTreeIsInTheBinaryAsItStands) {
  std::set<std::string> embedded;
  for (const auto& [path, text] : embedded_pages()) {
    embedded.insert(std::string(path));
    EXPECT_EQ(contents(fs::path(POWERCUT_SOURCE_DIR) / path), text) << path;
  }
  std::set<std::string> pages;
  for (const auto& entry : fs::directory_iterator(kPages))
    if (entry.path().extension() == ".mutant")
      pages.insert("faults/mutants/" + entry.path().filename().string());
  EXPECT_EQ(embedded, pages);
  EXPECT_EQ(all_mutants().size(), pages.size());
}

// The build would not be without them, but says so only where it looked.
TEST(Mutants, EveryChangeOfEveryPageIsSplicedIn) {
  std::map<std::string, std::vector<Page>> changed;
  std::map<std::string, size_t> wanted;
  for (const MutantInfo& mutant : all_mutants()) {
    for (const PageChange& change : mutant.page->changes) {
      std::vector<Page>& pages = changed[change.file];
      if (pages.empty() || pages.back().name != mutant.name) pages.push_back(*mutant.page);
      char before = ' ';
      for (const PageLine& line : change.lines) {
        if (before == ' ' && line.sign != ' ') ++wanted[std::string(mutant.name)];
        before = line.sign;
      }
    }
  }
  std::map<std::string, size_t> found;
  for (const auto& [file, pages] : changed) {
    const auto text = splice(file, contents(fs::path(POWERCUT_SOURCE_DIR) / file), pages);
    ASSERT_TRUE(text.ok()) << text.error().message;
    const std::regex asks("mutant\\(\"([^\"]+)\"\\)");
    for (std::sregex_iterator i(text->begin(), text->end(), asks), end; i != end; ++i)
      ++found[(*i)[1].str()];
  }
  EXPECT_GT(wanted.size(), 60u);
  EXPECT_EQ(found, wanted);
}

TEST(Mutants, EachHasOneNameAStoryAndASource) {
  std::set<std::string_view> names;
  for (const MutantInfo& mutant : all_mutants()) {
    EXPECT_TRUE(names.insert(mutant.name).second) << mutant.name;
    EXPECT_EQ(find_mutant(mutant.name), &mutant);
    EXPECT_FALSE(mutant.story.empty()) << mutant.name;
    EXPECT_FALSE(mutant.source.empty()) << mutant.name;
    EXPECT_NE(mutant.planted == Mutant(), mutant.decorator == DecoratorKind::kNone)
        << mutant.name << ": its seam is none of the decorators in mutants.cc";
    EXPECT_EQ(mutant.fence == Site("none"), mutant.decorator != DecoratorKind::kNoSync)
        << mutant.name << ": no-sync needs a fence, and nothing else has one";
  }
  EXPECT_EQ(find_mutant("none"), nullptr);
}

TEST(Mutants, AreSixtyAndMoreThatCanBeSeenAndAFewThatCannot) {
  size_t observable = 0;
  for (const MutantInfo& mutant : all_mutants()) {
    observable += mutant.observable() ? 1 : 0;
    EXPECT_TRUE(parse_fault_set(mutant.trigger).ok()) << mutant.name;
    // Where it was seen is on record if, and only if, anybody can see it.
    EXPECT_EQ(mutant.observed.personas.empty(), !mutant.observable()) << mutant.name;
    EXPECT_EQ(mutant.observed.policies.empty(), !mutant.observable()) << mutant.name;
    EXPECT_EQ(mutant.observed.oracles.empty(), !mutant.observable()) << mutant.name;
    // What is durable when it is written needs no sync.
    if (mutant.decorator == DecoratorKind::kNoSync) {
      EXPECT_FALSE(lists(mutant.observed.personas, "plp")) << mutant.name;
    }
  }
  EXPECT_GE(observable, 60u);
}

// Policies and oracles are the judge's: scenarios/zoo/zoo_test.cc.
TEST(Mutants, ThePersonasThatAreNamedExist) {
  for (const MutantInfo& mutant : all_mutants()) {
    std::istringstream names{std::string(mutant.observed.personas)};
    for (std::string name; names >> name;) {
      if (name == "all" || name == "but") continue;
      EXPECT_NE(find_persona(name), nullptr) << mutant.name << ": " << name;
    }
  }
}

TEST(Mutants, AChangeIsToldWithoutWhatStandsAround) {
  EXPECT_EQ(change_lines(*find_mutant("cover-read-late")),
            (std::vector<std::string>{"in engine/aof/aof_log.cc", "-  synced_ = covered;",
                                      "+  synced_ = written_;"}));
  EXPECT_TRUE(change_lines(*find_mutant("ack-first")).empty());
  const auto cut = change_lines(*find_mutant("first-commit-not-synced"));
  EXPECT_EQ(cut.size(), 14u);
  EXPECT_EQ(cut.back(), "... and 13 lines more: powercut list mutants first-commit-not-synced");
}

TEST(Mutants, ListsOfNames) {
  EXPECT_TRUE(lists("all", "xfs"));
  EXPECT_TRUE(lists("ext4-noda xfs", "xfs"));
  EXPECT_FALSE(lists("ext4-noda ext2", "ext4"));
  EXPECT_FALSE(lists("", "xfs"));
  EXPECT_FALSE(lists("all but ext2 xfs", "xfs"));
  EXPECT_TRUE(lists("all but ext2 xfs", "plp"));
}

// --- The decorators ---

struct World {
  explicit World(std::string_view mutant, std::string_view plan_text = "")
      : plan(parse_plan(plan_text).value()),
        injector(plan, 0, choices, state.now),
        os(state, choices, trace, &injector),
        seam(os, *find_mutant(mutant)) {}

  // Runs `body` and whatever it started.
  void run(std::function<void()> body) {
    os.spawn("store", std::move(body));
    os.run();
  }
  bool durable() const { return !state.disk.anything_pending(); }

  sim::WorldState state{sim::Disk(), Instant{0}, 0};
  Plan plan;
  sim::SeededChoices choices{7};
  sim::Trace trace;
  PlanInjector injector;
  sim::SimOs os;
  MutantOs seam;
};

TEST(MutantOs, NoSyncSkipsItsFenceAndNoOther) {
  for (const MutantInfo& mutant : all_mutants()) {
    if (mutant.decorator != DecoratorKind::kNoSync) continue;
    World world(mutant.name);
    world.run([&] {
      auto file = world.seam.open("f", Open::kCreateNew).value();
      CHECK(file->write_at(0, "abc").ok());
      EXPECT_TRUE(file->sync(mutant.fence).ok());
      EXPECT_TRUE(world.seam.sync_directory("", mutant.fence).ok());
      EXPECT_FALSE(world.durable());
      EXPECT_EQ(world.seam.fired(), 2u);
      EXPECT_TRUE(file->sync("another.fence").ok());
      EXPECT_TRUE(world.seam.sync_directory("", "another.fence").ok());
      EXPECT_TRUE(world.durable());
      EXPECT_EQ(world.seam.fired(), 2u);
    });
  }
}

// The calls of a store that does everything, and their outcomes.
std::string program(engine::Os& os) {
  std::string text;
  const auto note = [&](bool ok) { text += ok ? '+' : '-'; };
  note(os.make_directory("d").ok());
  auto file = os.open("d/f", Open::kCreateNew).value();
  note(file->write_at(0, "abcdef").ok());
  note(file->sync("s").ok());
  note(os.sync_directory("d", "s").ok());
  char bytes[8] = {};
  text += std::to_string(file->read_at(1, bytes, 3).value()) + bytes;
  text += std::to_string(file->size().value());
  note(os.open("no", Open::kRead).ok());
  note(os.remove("no").ok());
  note(os.sync_directory("no", "s").ok());
  const auto names = os.list("d").value();
  for (const std::string& name : names) text += name;
  int woken = 0;
  engine::Task* self = os.current();
  os.spawn("other", [&] {
    ++woken;
    os.unpark(self);
  });
  note(os.park(kForever));
  note(os.park(os.now() + milliseconds(1)));
  text += std::to_string(woken) + std::to_string(os.choose("x", 1'000));
  text += std::to_string(os.wall_now().unix_ms);
  return text;
}

TEST(MutantOs, IsTransparentWhereItsBugIsNot) {
  std::string plain, expected;
  World reference("ack-before-sync");
  reference.run([&] { expected = program(reference.os); });
  EXPECT_EQ(expected.substr(0, 4), "++++");
  for (const MutantInfo& mutant : all_mutants()) {
    if (mutant.decorator == DecoratorKind::kNone) continue;
    if (mutant.decorator == DecoratorKind::kSyncAckFirst ||
        mutant.decorator == DecoratorKind::kDirectorySyncAckFirst ||
        mutant.decorator == DecoratorKind::kSyncErrorIgnored ||
        mutant.decorator == DecoratorKind::kDirectorySyncErrorIgnored ||
        mutant.decorator == DecoratorKind::kSyncErrorRetried ||
        mutant.decorator == DecoratorKind::kNoSyncAfterError) {
      continue;  // the program's sync of no directory fails, or comes later
    }
    World world(mutant.name);
    world.run([&] { plain = program(world.seam); });
    EXPECT_EQ(plain, expected) << mutant.name;
    EXPECT_EQ(world.trace.hash(), reference.trace.hash()) << mutant.name;
    EXPECT_EQ(world.seam.fired(), 0u) << mutant.name;
  }
}

// Writes, and syncs three times: which syncs report success.
std::string three_syncs(World& world) {
  std::string text;
  world.run([&] {
    auto file = world.seam.open("f", Open::kCreateNew).value();
    CHECK(file->write_at(0, "abc").ok());
    for (int i = 0; i < 3; ++i) text += file->sync("s").ok() ? '+' : '-';
  });
  return text;
}

TEST(MutantOs, SyncErrors) {
  const char* plan = "eio@sync:0";
  World none("write-error-ignored", plan);
  EXPECT_EQ(three_syncs(none), "-++");
  World ignored("sync-error-ignored", plan);
  EXPECT_EQ(three_syncs(ignored), "+++");
  EXPECT_EQ(ignored.seam.fired(), 1u);
  World retried("sync-error-retried", plan);
  EXPECT_EQ(three_syncs(retried), "+++");
  EXPECT_EQ(retried.os.calls(), none.os.calls() + 1);
  World twice("sync-error-retried", "eio@sync:0 eio@sync:1");
  EXPECT_EQ(three_syncs(twice), "-++");
  World after("no-sync-after-error", plan);
  EXPECT_EQ(three_syncs(after), "-++");
  EXPECT_EQ(after.seam.fired(), 2u);
  EXPECT_EQ(after.os.calls(), none.os.calls() - 2);
}

TEST(MutantOs, ADirectorySyncErrorIsIgnoredAndNoOther) {
  World world("directory-sync-error-ignored", "eio@sync:0 eio@sync_directory:0");
  world.run([&] {
    auto file = world.seam.open("f", Open::kCreateNew).value();
    CHECK(file->write_at(0, "abc").ok());
    EXPECT_FALSE(file->sync("s").ok());
    EXPECT_TRUE(world.seam.sync_directory("", "s").ok());
    EXPECT_EQ(world.seam.fired(), 1u);
  });
}

TEST(MutantOs, AckFirstReturnsAtOnceAndSyncsLater) {
  World world("ack-first");
  world.run([&] {
    {
      auto file = world.seam.open("f", Open::kCreateNew).value();
      CHECK(file->write_at(0, "abc").ok());
      const uint64_t calls = world.os.calls();
      EXPECT_TRUE(file->sync("s").ok());
      EXPECT_EQ(world.os.calls(), calls);
    }  // the handle may go first
    EXPECT_FALSE(world.durable());
    world.os.park(world.os.now() + seconds(1));
    EXPECT_TRUE(world.seam.sync_directory("", "s").ok());
    EXPECT_TRUE(world.durable());
  });

  World directory("directory-ack-first");
  directory.run([&] {
    EXPECT_TRUE(directory.seam.make_directory("d").ok());
    EXPECT_TRUE(directory.seam.sync_directory("", "s").ok());
    EXPECT_FALSE(directory.durable());
    directory.os.park(directory.os.now() + seconds(1));
    EXPECT_TRUE(directory.durable());
  });
}

TEST(MutantOs, AnUnfinishedAckFirstDiesWithItsWorld) {
  World world("ack-first", "cut@call:1:after");
  world.run([&] {
    auto file = world.seam.open("f", Open::kCreateNew).value();
    EXPECT_TRUE(file->sync("s").ok());
    CHECK(file->write_at(0, "abc").ok());
  });
  EXPECT_TRUE(world.injector.crashed());
}

TEST(MutantOs, DirectorySyncs) {
  World renames("rename-without-sync");
  renames.run([&] {
    CHECK(renames.seam.make_directory("d").ok());
    CHECK(renames.seam.open("d/a", Open::kCreateNew).ok());
    CHECK(renames.seam.sync_directory("", "s").ok());
    CHECK(renames.seam.sync_directory("d", "s").ok());
    EXPECT_TRUE(renames.durable());
    CHECK(renames.seam.rename("d/a", "d/b").ok());
    CHECK(renames.seam.sync_directory("", "s").ok());
    EXPECT_EQ(renames.seam.fired(), 0u);
    CHECK(renames.seam.sync_directory("d", "s").ok());
    EXPECT_EQ(renames.seam.fired(), 1u);
    EXPECT_FALSE(renames.durable());
    CHECK(renames.seam.sync_directory("d", "s").ok());
    EXPECT_TRUE(renames.durable());
  });

  World first("directory-sync-only-first");
  first.run([&] {
    CHECK(first.seam.make_directory("d").ok());
    CHECK(first.seam.sync_directory("", "s").ok());
    CHECK(first.seam.sync_directory("d", "s").ok());
    EXPECT_TRUE(first.durable());
    CHECK(first.seam.make_directory("e").ok());
    CHECK(first.seam.sync_directory("", "s").ok());
    EXPECT_FALSE(first.durable());
    EXPECT_EQ(first.seam.fired(), 1u);
  });
}

TEST(MutantOs, Writes) {
  World writes("write-error-ignored", "enospc@write:0");
  writes.run([&] {
    auto file = writes.seam.open("f", Open::kCreateNew).value();
    EXPECT_EQ(file->write_at(0, "abc").value(), 3u);
    EXPECT_EQ(writes.seam.fired(), 1u);
    EXPECT_EQ(file->write_at(3, "def").value(), 3u);
    EXPECT_EQ(writes.seam.fired(), 1u);
  });
}

}  // namespace
}  // namespace powercut::faults
