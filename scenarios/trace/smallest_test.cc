// Traces made small, and written out as cases: what is left still breaks, for the same reason, and is told again from
// its file.
#include "scenarios/trace/smallest.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scenarios/trace/case.h"
#include "scenarios/trace/report.h"

namespace powercut::scenarios {
namespace {

using testing::HasSubstr;
using E = TraceEvent;

// Prints `a`, and nothing else counts.
ImageOutcome content_of_a(const sim::Disk& disk) {
  const auto inode = disk.lookup("a");
  if (!inode.ok()) return {.status = 1};
  return {.observed = disk.read_whole(*inode).value()};
}

// A file is saved three times; the last time its own sync is missing. About it there is much else.
Trace noisy() {
  Trace trace;
  trace.initial = {{TraceFile::kFile, 1, 0644, "a", "old"}, {TraceFile::kFile, 2, 0644, "b", "b"}};
  uint64_t file = 3, sync = 0;
  const auto add = [&](E event) { trace.events.push_back(std::move(event)); };
  for (int round = 1; round <= 3; ++round) {
    add({.kind = E::kWrite, .file = 2, .offset = static_cast<uint64_t>(round), .bytes = "noise"});
    add({.kind = E::kCreate, .file = file, .mode = 0644, .path = "t"});
    add({.kind = E::kWrite, .file = file, .bytes = fmt::format("text {}", round)});
    if (round < 3) {
      add({.kind = E::kSync, .file = file, .number = ++sync, .other = "fsync"});
      add({.kind = E::kSynced, .number = sync});
    }
    add({.kind = E::kRename, .path = "t", .other = "a"});
    add({.kind = E::kSyncDirectory, .number = ++sync, .path = "", .other = "fsync"});
    add({.kind = E::kSynced, .number = sync});
    add({.kind = E::kNote, .other = "nothing"});
    add({.kind = E::kOut, .other = "stdout", .bytes = fmt::format("saved {}\n", round)});
    ++file;
  }
  add({.kind = E::kRemove, .path = "b"});
  add({.kind = E::kExit, .number = 0});
  return trace;
}

class Smallest : public testing::Test {
 protected:
  Smallest() {
    spec_.trace = &trace_;
    spec_.acks = acks_of(trace_);
    spec_.personas = {faults::find_persona("posix-min")};
  }
  static std::vector<Acknowledgement> acks_of(const Trace& trace) {
    return acknowledgements(trace, std::nullopt);
  }
  SmallTrace small(TraceBreach breach, uint64_t tries = 10'000) {
    const auto all = explore_trace(spec_, outcomes_).value();
    const auto missing = missing_syncs(spec_, outcomes_).value();
    const auto& first = all.by_persona.front().first;
    const auto at = std::find_if(first.begin(), first.end(),
                                 [&](const TraceViolation& v) { return v.breach == breach; });
    EXPECT_NE(at, first.end());
    const auto cause = cause_of(spec_, breach, missing.syncs, outcomes_).value();
    EXPECT_TRUE(cause);
    return smallest_like(spec_, *at, cause, acks_of, outcomes_, tries).value();
  }

  Trace trace_ = noisy();
  ImageOutcomes outcomes_{content_of_a};
  TraceSpec spec_;
};

TEST_F(Smallest, WhatDoesNotMatterIsGoneAndTheCauseIsNot) {
  const SmallTrace found = small(TraceBreach::kNoPrefix);
  EXPECT_TRUE(found.minimal);
  EXPECT_EQ(tell_cause(found.cause, found.trace), "no sync of t after write of 6 bytes at 0 of t");
  // A file, a write, a rename; and something that was promised.
  EXPECT_LE(found.trace.events.size(), 6u) << tell_trace(found.trace);
  EXPECT_EQ(std::count_if(found.trace.events.begin(), found.trace.events.end(),
                          [](const E& event) { return event.bytes == "noise"; }),
            0);
  EXPECT_EQ(found.violation.breach, TraceBreach::kNoPrefix);
  EXPECT_EQ(outcomes_.of(found.violation.image), found.violation.outcome);
}

TEST_F(Smallest, NothingMoreCanBeTakenAway) {
  const SmallTrace once = small(TraceBreach::kNoPrefix);
  Trace again_of = once.trace;
  trace_ = again_of;
  spec_.acks = acks_of(trace_);
  EXPECT_EQ(small(TraceBreach::kNoPrefix).trace, again_of);
}

TEST_F(Smallest, WhereTriesAreUsedUpItSaysSo) {
  const SmallTrace found = small(TraceBreach::kNoPrefix, 3);
  EXPECT_FALSE(found.minimal);
  EXPECT_EQ(found.violation.breach, TraceBreach::kNoPrefix);
}

// --- Cases ---

class Case : public Smallest {
 protected:
  Case() : found_(small(TraceBreach::kNoPrefix)) {
    small_spec_ = spec_;
    small_spec_.trace = &found_.trace;
    small_spec_.acks = found_.acks;
    case_.about = {"Why.", ""};
    case_.persona = found_.violation.persona;
    case_.observe = "cat a";
    case_.ack = "^saved";
    case_.lost_most = 0;
    case_.first = {"small.trace", found_.violation.event, found_.violation.within,
                   found_.violation.survival};
  }
  std::string text() { return print(case_, account(case_), small_spec_, outcomes_); }
  CaseAccount account(const TraceCase& of) {
    return run_case(of, small_spec_, nullptr, outcomes_).value();
  }
  static std::string why_not(const std::string& text) {
    const auto parsed = parse_trace_case(text, "c.scn");
    return parsed.ok() ? "" : parsed.error().message;
  }

  SmallTrace found_;
  TraceSpec small_spec_;
  TraceCase case_;
};

TEST_F(Case, IsToldAgainFromItsFile) {
  const std::string written = text();
  EXPECT_TRUE(is_trace_case(written));
  EXPECT_THAT(written, HasSubstr("broken: not a prefix"));
  const auto parsed = parse_trace_case(written, "c.scn");
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  EXPECT_EQ(print(*parsed, account(*parsed), small_spec_, outcomes_), written);
}

TEST_F(Case, OneThatTakesNothingHolds) {
  case_.first.survival = {.rest_kept = true, .slots = {}};
  EXPECT_FALSE(account(case_).broken);
  EXPECT_THAT(text(), HasSubstr("held"));
}

TEST_F(Case, ByHandItNeedsNothingThatWasSeen) {
  const auto parsed = parse_trace_case(
      "trace t.trace persona=xfs\nobserve cat a\nlimit 3\n\ncut 5+2\nrest lost\n", "c.scn");
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  EXPECT_EQ(parsed->first.trace, "t.trace");
  EXPECT_EQ(parsed->limit_s, 3u);
  EXPECT_EQ(parsed->first.event, 5u);
  EXPECT_EQ(parsed->first.within, 2u);
  EXPECT_FALSE(parsed->second);
}

TEST_F(Case, WhatIsWrongIsSaidInOneLine) {
  EXPECT_THAT(why_not("trace t"), HasSubstr("c.scn:1: a case begins with"));
  EXPECT_THAT(why_not("trace t persona=none"), HasSubstr("persona"));
  EXPECT_THAT(why_not("trace t persona=xfs\nfloor x\n"), HasSubstr("c.scn:2: \"floor x\""));
  EXPECT_THAT(why_not("trace t persona=xfs\n"), HasSubstr("where it is cut is not said"));
  EXPECT_THAT(why_not("trace t persona=xfs\n\ncut x\n"), HasSubstr("c.scn:3"));
  EXPECT_THAT(why_not("trace t persona=xfs\n\ncut 1\nrest lost\n----\nheld\n\nstart\n"),
              HasSubstr("recovery FILE"));
  TraceCase beyond = case_;
  beyond.first.event = 99;
  EXPECT_FALSE(run_case(beyond, small_spec_, nullptr, outcomes_).ok());
  EXPECT_FALSE(is_trace_case("# A comment.\nstore policy=always persona=xfs\n"));
}

}  // namespace
}  // namespace powercut::scenarios
