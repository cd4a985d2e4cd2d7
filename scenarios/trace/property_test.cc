// An exploration of a trace against brute force, over drawn programs: at every point the same images, the
// same outcomes, the same verdicts.
//
// Method: from every point each power cut that an odometer can count through is carried out, and each image
// is judged on its own. Nothing is shared but the disk and how a trace is played on it.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <functional>
#include <map>
#include <set>

#include "scenarios/trace/judge.h"
#include "scenarios/trace/replay.h"
#include "scenarios/trace/syncs.h"
#include "sim/odometer.h"

namespace powercut::scenarios {
namespace {

using sim::Disk;
using sim::Image;

// Of one point: beyond, the program is left out.
constexpr uint64_t kTapesMost = 3'000;
constexpr uint64_t kTapesMostDeep = 40;  // where each image's recovery is cut as well

// What a recovery would print: one that reads all but fails without `a`, or one that reads `a` alone.
ImageOutcome recovered(const Image& image, bool all) {
  ImageOutcome outcome;
  outcome.status = 1;
  for (const sim::FoundFile& file : image) {
    if (file.path == "a") outcome.status = 0;
    if (all || file.path == "a") outcome.observed += fmt::format("{}={};", file.path, file.content);
  }
  if (outcome.status != 0) outcome.observed.clear();
  return outcome;
}

// Some syncs fail.
TraceEvent end_of(uint64_t sync, uint32_t word) {
  if (word / 128 % 3 != 0) return {.kind = TraceEvent::kSynced, .number = sync};
  return {.kind = TraceEvent::kFailed, .number = sync, .other = "EIO"};
}

// Programs of a few calls, which can be made whatever came before.
Trace drawn_trace(const std::vector<uint32_t>& words) {
  Trace trace;
  trace.initial.push_back({TraceFile::kFile, 1, 0644, "a", "old"});
  std::map<std::string, uint64_t> files{{"a", 1}};
  uint64_t next_file = 2, syncs = 0, said = 0;
  const auto add = [&](TraceEvent event) {
    event.ms = trace.events.size();
    trace.events.push_back(std::move(event));
  };
  for (const uint32_t word : words) {
    const std::string path = word / 16 % 2 == 0 ? "a" : "b";
    const std::string other = path == "a" ? "b" : "a";
    const bool there = files.count(path) != 0;
    const std::string bytes(word / 32 % 2 == 0 ? 3 : 600, static_cast<char>('c' + word / 64 % 20));
    switch (word % 10) {
      case 0:
      case 1:
        if (there) break;
        files[path] = next_file;
        add({.kind = TraceEvent::kCreate, .file = next_file++, .mode = 0644, .path = path});
        break;
      case 2:
      case 3:
        if (there) add({.kind = TraceEvent::kWrite, .file = files[path], .bytes = bytes});
        break;
      case 4:
        if (there)
          add({.kind = TraceEvent::kTruncate, .file = files[path], .length = word / 64 % 5});
        break;
      case 5:
        if (!there) break;
        files[other] = files[path];
        files.erase(path);
        add({.kind = TraceEvent::kRename, .path = path, .other = other});
        break;
      case 6:
        if (!there) break;
        files.erase(path);
        add({.kind = TraceEvent::kRemove, .path = path});
        break;
      case 7:
        if (there)
          add({.kind = TraceEvent::kSync,
               .file = files[path],
               .number = ++syncs,
               .other = "fsync"});
        if (there) add(end_of(syncs, word));
        break;
      case 8:
        add({.kind = TraceEvent::kSyncDirectory, .number = ++syncs, .path = "", .other = "fsync"});
        add(end_of(syncs, word));
        break;
      default:
        add({.kind = TraceEvent::kOut, .other = "stdout", .bytes = fmt::format("{}\n", ++said)});
    }
  }
  add({.kind = TraceEvent::kExit, .number = 0});
  return trace;
}

struct Brute {
  bool complete = true;
  uint64_t points = 0;
  uint64_t images = 0;                     // over all points
  std::map<std::string, uint64_t> broken;  // by verdict
};

// What a recovery does to an image: `b` comes into the place of `a`, which gets a line more.
Trace recovery_from(const Disk& image, bool syncs) {
  Trace trace;
  uint64_t a = 0, b = 0, size = 0;
  for (const sim::FoundFile& file : sim::image_of(image)) {
    const uint64_t number = trace.initial.size() + 1;
    trace.initial.push_back({TraceFile::kFile, number, 0644, file.path, file.content});
    if (file.path == "a") a = number;
    if (file.path == "b") b = number;
    if (file.path == "b" || b == 0) size = file.content.size();
  }
  if (b != 0) trace.events.push_back({.kind = TraceEvent::kRename, .path = "b", .other = "a"});
  const uint64_t file = b != 0 ? b : a;
  if (file != 0)
    trace.events.push_back(
        {.kind = TraceEvent::kWrite, .file = file, .offset = size, .bytes = "+"});
  if (file != 0 && syncs) {
    trace.events.push_back(
        {.kind = TraceEvent::kSync, .file = file, .number = 1, .other = "fsync"});
    trace.events.push_back({.kind = TraceEvent::kSynced, .number = 1});
  }
  trace.events.push_back({.kind = TraceEvent::kExit, .number = 0});
  return trace;
}

class BruteForce {
 public:
  // `recovery`: null at depth 1.
  BruteForce(const Trace& trace, const std::vector<Acknowledgement>& acks, bool all,
             std::function<Trace(const Disk&)> recovery = {})
      : trace_(trace), acks_(acks), all_(all), recovery_(std::move(recovery)) {
    Replay replay = Replay::begin(trace, sim::PersonaRules{}).value();
    note_state(replay.disk());
    for (size_t i = 0; i < trace.events.size(); ++i) {
      CHECK(replay.step(trace.events[i]).ok());
      for (const Acknowledgement& ack : acks)
        if (ack.event == i) note_state(replay.disk());
    }
    note_state(replay.disk());
  }

  Brute run(const sim::PersonaRules& rules) {
    Brute found;
    Replay replay = Replay::begin(trace_, rules).value();
    point(replay.disk(), 0, found);
    for (size_t i = 0; i < trace_.events.size(); ++i) {
      CHECK(replay.step(trace_.events[i], [&] { point(replay.disk(), i, found); }).ok());
      point(replay.disk(), i + 1, found);
    }
    return found;
  }

  std::vector<ImageOutcome> states;

 private:
  void note_state(const Disk& disk) { states.push_back(recovered(sim::image_of(disk), all_)); }

  // Calls `visit` for each image that a cut may leave now. False: there are too many.
  bool each_image(const Disk& disk, const std::function<void(const Disk&)>& visit) const {
    std::set<std::pair<Image, std::vector<sim::InodeId>>> seen;
    sim::Odometer odometer;
    uint64_t tapes = 0;
    do {
      if (++tapes > (recovery_ ? kTapesMostDeep : kTapesMost)) return false;
      const Disk after = disk.after_power_cut(odometer, 0, sim::CutStyle::kUniform);
      if (seen.insert(seen_on(after)).second) visit(after);
    } while (odometer.next());
    return true;
  }

  // Contents, and which paths are one file.
  static std::pair<Image, std::vector<sim::InodeId>> seen_on(const Disk& disk) {
    std::pair<Image, std::vector<sim::InodeId>> seen{sim::image_of(disk), {}};
    std::map<sim::InodeId, sim::InodeId> numbers;
    for (const sim::FoundFile& file : seen.first) {
      const auto number = static_cast<sim::InodeId>(numbers.size());
      seen.second.push_back(
          numbers.try_emplace(disk.lookup(file.path).value(), number).first->second);
    }
    return seen;
  }

  void point(const Disk& disk, size_t events, Brute& found) {
    ++found.points;
    if (!found.complete) return;
    size_t floor = 0;
    for (const Acknowledgement& ack : acks_) floor += ack.event < events ? 1 : 0;
    std::vector<ImageOutcome> outcomes;
    const auto come_to = [&](const Disk& image) {
      const ImageOutcome outcome = recovered(sim::image_of(image), all_);
      const auto same = [&](const ImageOutcome& one) { return one.same_as(outcome); };
      if (std::none_of(outcomes.begin(), outcomes.end(), same)) outcomes.push_back(outcome);
    };
    const bool all = each_image(disk, [&](const Disk& image) {
      ++found.images;
      come_to(image);
      if (recovery_) cut_recovery(image, found, come_to);
    });
    found.complete = found.complete && all;
    for (const ImageOutcome& outcome : outcomes) {
      bool legal = false, ever = false;
      for (size_t j = 0; j < states.size(); ++j) {
        ever |= states[j].same_as(outcome);
        legal |= j >= floor && states[j].same_as(outcome);
      }
      if (!legal)
        ++found.broken[ever ? "lost" : outcome.status != 0 ? "does not start" : "not a prefix"];
    }
  }

  void cut_recovery(const Disk& image, Brute& found,
                    const std::function<void(const Disk&)>& come_to) {
    const Trace recovery = recovery_(image);
    Replay replay = Replay::begin(recovery, image.rules()).value();
    const auto cut = [&] { found.complete = found.complete && each_image(replay.disk(), come_to); };
    cut();
    for (const TraceEvent& event : recovery.events) {
      CHECK(replay.step(event, cut).ok());
      cut();
    }
  }

  const Trace& trace_;
  const std::vector<Acknowledgement>& acks_;
  bool all_;
  std::function<Trace(const Disk&)> recovery_;
};

struct Compared {
  uint64_t traces = 0;
  uint64_t broken = 0;
};
// One drawn program, on every persona.
void compare_with_brute_force(int size, bool deep, Compared& compared) {
  const auto words = *rc::gen::resize(size, rc::gen::arbitrary<std::vector<uint32_t>>());
  const auto all_of_it = *rc::gen::arbitrary<bool>();
  const auto syncs = *rc::gen::arbitrary<bool>();
  const Trace trace = drawn_trace(words);
  const auto acks = acknowledgements(trace, std::nullopt);
  const auto recovery = [&](const Disk& disk) { return recovery_from(disk, syncs); };
  BruteForce brute(trace, acks, all_of_it, deep ? recovery : std::function<Trace(const Disk&)>());
  for (const faults::Persona& persona : faults::all_personas()) {
    if (!persona.keeps_synced) continue;
    const Brute expected = brute.run(persona.rules);
    if (!expected.complete) continue;
    TraceSpec spec;
    spec.trace = &trace;
    spec.personas = {&persona};
    spec.acks = acks;
    spec.images_most = kTapesMost;
    spec.recoveries_most = 1'000'000;
    spec.depth = deep ? 2 : 1;
    ImageOutcomes outcomes(
        [&](const Disk& disk) { return recovered(sim::image_of(disk), all_of_it); },
        [&](const Disk& disk) { return Result<Trace>(recovery(disk)); });
    const auto explored = explore_trace(spec, outcomes);
    if (!explored.ok()) {  // every state is the same, or none recovers: it says so
      RC_ASSERT(explored.error().message.starts_with("nothing is judged: "));
      continue;
    }
    const TraceCertificate& found = explored->by_persona.front();
    RC_ASSERT(found.complete);
    RC_ASSERT(found.points == expected.points);
    RC_ASSERT(found.judged == expected.images);
    RC_ASSERT(found.legal_images == std::to_string(expected.images));
    uint64_t violations = 0;
    std::set<std::string> verdicts, named;
    for (const auto& [verdict, count] : expected.broken) {
      violations += count;
      verdicts.insert(verdict);
    }
    for (const TraceViolation& one : found.first) named.emplace(code_of(one.breach));
    RC_ASSERT(found.violations == violations);
    RC_ASSERT(named == verdicts);
    // What is told of a violation is so.
    for (const TraceViolation& one : found.first) {
      const Disk& last = one.second ? one.second->image : one.image;
      RC_ASSERT(outcomes.of(last) == one.outcome);
      RC_ASSERT(deep || !one.second);
    }
    ++compared.traces;
    compared.broken += violations > 0 ? 1 : 0;
  }
}

TEST(TraceProperty, ExplorationsAreBruteForce) {
  Compared compared;
  EXPECT_TRUE(rc::check([&] { compare_with_brute_force(14, false, compared); }));
  EXPECT_GT(compared.traces, 200u);
  EXPECT_GT(compared.broken, 50u);
}

TEST(TraceProperty, CutsOfRecoveriesAreBruteForce) {
  Compared compared;
  EXPECT_TRUE(rc::check([&] { compare_with_brute_force(9, true, compared); }));
  EXPECT_GT(compared.traces, 200u);
  EXPECT_GT(compared.broken, 50u);
}

// --- Which sync is missing, and which is not needed ---

// A new file in the place of the old one, with the syncs that are asked for.
Trace saved(bool file_sync, bool directory_sync) {
  using E = TraceEvent;
  Trace trace;
  trace.initial.push_back({TraceFile::kFile, 1, 0644, "a", "old"});
  trace.events = {{.kind = E::kCreate, .file = 2, .mode = 0644, .path = "t"},
                  {.kind = E::kWrite, .file = 2, .bytes = "new"}};
  if (file_sync) {
    trace.events.push_back({.kind = E::kSync, .file = 2, .number = 1, .other = "fsync"});
    trace.events.push_back({.kind = E::kSynced, .number = 1});
  }
  trace.events.push_back({.kind = E::kRename, .path = "t", .other = "a"});
  if (directory_sync) {
    trace.events.push_back({.kind = E::kSyncDirectory, .number = 2, .other = "fsync"});
    trace.events.push_back({.kind = E::kSynced, .number = 2});
  }
  trace.events.push_back({.kind = E::kOut, .other = "stdout", .bytes = "saved\n"});
  return trace;
}

class Saving : public testing::Test {
 protected:
  TraceSpec spec_of(const Trace& trace) const {
    TraceSpec spec;
    spec.trace = &trace;
    spec.acks = acknowledgements(trace, std::nullopt);
    for (const faults::Persona& persona : faults::all_personas())
      if (persona.keeps_synced) spec.personas.push_back(&persona);
    return spec;
  }
  ImageOutcomes outcomes_{[](const Disk& disk) { return recovered(sim::image_of(disk), false); }};
};

TEST_F(Saving, TheRightRecipeHoldsOnEveryPersona) {
  const Trace trace = saved(true, true);
  const TraceSpec spec = spec_of(trace);
  const auto explored = explore_trace(spec, outcomes_);
  ASSERT_TRUE(explored.ok()) << explored.error().message;
  EXPECT_EQ(explored->violations(), 0u);
  EXPECT_TRUE(explored->complete());
  // And needs both of its syncs.
  const auto tried = try_without_each(spec, outcomes_);
  ASSERT_TRUE(tried.ok());
  ASSERT_EQ(tried->size(), 2u);
  for (const TriedSync& one : *tried) EXPECT_FALSE(one.needed_by.empty());
}

TEST_F(Saving, WhatIsMissingIsFoundWhereItBelongs) {
  for (const bool file_sync : {false, true}) {
    for (const bool directory_sync : {false, true}) {
      const Trace trace = saved(file_sync, directory_sync);
      const auto missing = missing_syncs(spec_of(trace), outcomes_);
      ASSERT_TRUE(missing.ok());
      std::vector<AddedSync> expected;
      if (!file_sync) expected.push_back({2, 2, "t"});
      if (!directory_sync) expected.push_back({file_sync ? 5u : 3u, 0, ""});
      EXPECT_EQ(missing->syncs, expected) << file_sync << directory_sync;
      EXPECT_TRUE(missing->hold);
      EXPECT_TRUE(missing->complete);
    }
  }
}

TEST_F(Saving, ASyncTooManyIsNeededByNobody) {
  Trace trace = saved(true, true);
  trace.events.insert(trace.events.begin() + 1,
                      {{.kind = TraceEvent::kSync, .file = 2, .number = 9, .other = "fsync"},
                       {.kind = TraceEvent::kSynced, .number = 9}});
  const auto tried = try_without_each(spec_of(trace), outcomes_);
  ASSERT_TRUE(tried.ok());
  ASSERT_EQ(tried->size(), 3u);
  EXPECT_TRUE(tried->front().needed_by.empty());
  EXPECT_TRUE(tried->front().complete);
}

TEST_F(Saving, WhereNothingCanFailNothingIsJudged) {
  Trace silent = saved(true, true);
  silent.events.pop_back();
  EXPECT_FALSE(explore_trace(spec_of(silent), outcomes_).ok());
  const Trace trace = saved(true, true);
  ImageOutcomes blind([](const Disk&) { return ImageOutcome{}; });
  EXPECT_FALSE(explore_trace(spec_of(trace), blind).ok());
  ImageOutcomes broken([](const Disk&) { return ImageOutcome{.status = 1}; });
  EXPECT_FALSE(explore_trace(spec_of(trace), broken).ok());
}

TEST_F(Saving, MoreImagesThanAllowedAreSampledAndSaid) {
  const Trace trace = saved(true, true);
  TraceSpec spec = spec_of(trace);
  spec.images_most = 1;
  const auto sampled = explore_trace(spec, outcomes_);
  ASSERT_TRUE(sampled.ok());
  EXPECT_FALSE(sampled->complete());
  spec = spec_of(trace);
  spec.recoveries_most = 3;
  ImageOutcomes few([](const Disk& disk) { return recovered(sim::image_of(disk), false); });
  const auto stopped = explore_trace(spec, few);
  ASSERT_TRUE(stopped.ok());
  EXPECT_FALSE(stopped->complete());
  EXPECT_LE(few.executed(), 3u);
}

TEST_F(Saving, WeakerPromisesAreTakenAtTheirWord) {
  const Trace trace = saved(true, false);  // on posix-min, `saved` may be lost
  TraceSpec spec = spec_of(trace);
  ASSERT_GT(explore_trace(spec, outcomes_)->violations(), 0u);
  spec.lost_most = 1;
  EXPECT_EQ(explore_trace(spec, outcomes_)->violations(), 0u);
  spec.lost_most = 0;
  spec.window_ms = 1000;
  EXPECT_EQ(explore_trace(spec, outcomes_)->violations(), 0u);
}

}  // namespace
}  // namespace powercut::scenarios
