// The format of traces: read as written; and whatever is wrong with a file is said in one line, never taken
// for a trace.
#include "scenarios/trace/trace.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scenarios/trace/replay.h"
#include "scenarios/trace/report.h"

namespace powercut::scenarios {
namespace {

using testing::HasSubstr;

// One event of each kind.
Trace whole_trace() {
  Trace trace;
  trace.directory = "/where it was";
  trace.command = {"sh", "-c", "echo 100%\n", ""};
  trace.initial = {{TraceFile::kDirectory, 0, 0755, "d", {}},
                   {TraceFile::kFile, 1, 0640, "d/a b", std::string("x\n\0y", 4)},
                   {TraceFile::kName, 1, 0, "again", {}},
                   {TraceFile::kSymlink, 0, 0, "link", "d/a b"}};
  using E = TraceEvent;
  trace.events = {
      {.kind = E::kCreate, .ms = 3, .process = 7, .file = 2, .mode = 0644, .path = "new"},
      {.kind = E::kNameless, .file = 3, .mode = 0600},
      {.kind = E::kOpen, .file = 1},
      {.kind = E::kWrite, .file = 2, .offset = 5, .bytes = std::string("a\nend 1 2\n\0", 11)},
      {.kind = E::kZero, .file = 2, .offset = 1, .length = 2},
      {.kind = E::kTruncate, .file = 2, .length = 100},
      {.kind = E::kMakeDirectory, .mode = 0700, .path = "d/e"},
      {.kind = E::kRename, .path = "new", .other = "d/e/%"},
      {.kind = E::kExchange, .path = "again", .other = "d/e/%"},
      {.kind = E::kLink, .file = 3, .path = "named"},
      {.kind = E::kSymlink, .path = "s", .other = ""},
      {.kind = E::kRemove, .path = "s"},
      {.kind = E::kSync, .file = 2, .number = 1, .other = "fsync"},
      {.kind = E::kSyncDirectory, .number = 2, .path = "", .other = "fsync"},
      {.kind = E::kSynced, .number = 1},
      {.kind = E::kSynced, .number = 2},
      {.kind = E::kSyncAll, .number = 3, .other = "sync"},
      {.kind = E::kSynced, .number = 3},
      {.kind = E::kSync, .file = 2, .number = 4, .other = "fsync"},
      {.kind = E::kFailed, .number = 4, .other = "EIO"},
      {.kind = E::kClose, .file = 2},
      {.kind = E::kOut, .other = "stdout", .bytes = "done\n"},
      {.kind = E::kNote, .other = "a note of several words"},
      {.kind = E::kExit, .number = 0}};
  return trace;
}

std::string why_not(const std::string& text) {
  const auto trace = parse_trace(text, "T");
  return trace.ok() ? "" : trace.error().message;
}

TEST(Trace, IsReadAsItWasWritten) {
  const Trace trace = whole_trace();
  const auto read = parse_trace(print_trace(trace), "T");
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(read.value(), trace);
}

TEST(Trace, PlaysOnTheDisk) {
  const Trace trace = whole_trace();
  auto replay = Replay::begin(trace, sim::PersonaRules{});
  ASSERT_TRUE(replay.ok()) << replay.error().message;
  for (const TraceEvent& event : trace.events) {
    const auto done = replay->step(event);
    ASSERT_TRUE(done.ok()) << done.error().message;
  }
  std::vector<std::string> paths;
  for (const auto& file : sim::image_of(replay->disk())) paths.push_back(file.path);
  EXPECT_EQ(paths,
            (std::vector<std::string>{"again", "d/", "d/a b", "d/e/", "d/e/%", "link", "named"}));
  EXPECT_EQ(replay->disk().size(replay->disk().lookup("again").value()), 100u);
  EXPECT_EQ(
      symlink_target(replay->disk().read_whole(replay->disk().lookup("link").value()).value()),
      "d/a b");
}

TEST(Trace, CutAnywhereIsRefusedInOneLine) {
  const std::string text = print_trace(whole_trace());
  for (size_t size = 0; size < text.size(); ++size) {
    const std::string why = why_not(text.substr(0, size));
    EXPECT_NE(why, "") << size;
    EXPECT_EQ(why.find('\n'), std::string::npos) << size;
  }
  EXPECT_THAT(why_not(text.substr(0, text.size() / 2)), HasSubstr("it was cut; record again"));
}

TEST(Trace, AnyOtherByteIsRefusedInOneLine) {
  const std::string text = print_trace(whole_trace());
  for (size_t at = 0; at < text.size(); ++at) {
    std::string other = text;
    other[at] = static_cast<char>(other[at] ^ 4);
    const std::string why = why_not(other);
    EXPECT_NE(why, "") << at;
    EXPECT_EQ(why.find('\n'), std::string::npos) << at;
  }
}

TEST(Trace, OtherVersionsAndOtherFilesAreNamed) {
  const std::string text = print_trace(whole_trace());
  const std::string newer = "powercut trace 3" + text.substr(text.find('\n'));
  const auto read = parse_trace(newer, "T");
  ASSERT_FALSE(read.ok());
  EXPECT_EQ(read.error().code, Errc::kUnsupported);
  EXPECT_THAT(read.error().message, HasSubstr("version 3"));
  EXPECT_THAT(why_not("#!/bin/sh\n"), HasSubstr("is no trace"));
  EXPECT_THAT(why_not(""), HasSubstr("is no trace"));
  EXPECT_THAT(why_not(text + "x"), HasSubstr("damaged"));
}

// Failed syncs came with version 2; a trace without them is written as one of version 1, and read.
TEST(Trace, IsOfTheVersionThatItNeeds) {
  Trace trace = whole_trace();
  EXPECT_TRUE(print_trace(trace).starts_with("powercut trace 2\n"));
  std::erase_if(trace.events, [](const TraceEvent& event) { return event.number == 4; });
  const std::string text = print_trace(trace);
  EXPECT_TRUE(text.starts_with("powercut trace 1\n"));
  const auto read = parse_trace(text, "T");
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(read.value(), trace);
}

TEST(Trace, WhatIsNotModelledIsNamed) {
  Trace trace = whole_trace();
  EXPECT_TRUE(check_modelled(trace, "T").ok());
  trace.events.push_back(
      {.kind = TraceEvent::kUnmodelled, .path = "a to b", .other = "rename of a directory"});
  const auto why = check_modelled(trace, "T");
  ASSERT_FALSE(why.ok());
  EXPECT_EQ(why.error().code, Errc::kUnsupported);
  EXPECT_EQ(why.error().message, "T: event 25: rename of a directory on a to b is not modelled");
}

TEST(Trace, IsToldALineAnEvent) {
  const Trace trace = whole_trace();
  const std::string text = tell_trace(trace);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'),
            static_cast<ptrdiff_t>(trace.events.size()) + 4);  // and a command of two lines
  EXPECT_THAT(text, HasSubstr("write of 11 bytes at 5 of new"));
}

}  // namespace
}  // namespace powercut::scenarios
