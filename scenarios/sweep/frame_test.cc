// Clients that end, reconfigure or save a sound store, or leave it: no promise is broken by that, and
// those that are given are still held to.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "scenarios/run/targets.h"
#include "scenarios/sweep/sweep.h"
#include "scenarios/workload/script.h"
#include "sim/request.h"

namespace powercut::scenarios {
namespace {

using Lines = std::vector<std::string>;

WorkloadPtr recorded(const Lines& lines) {
  std::string bytes;
  for (const std::string& line : lines) {
    const Step step = parse_step(line).value();
    for (const std::string& request : step.unit.requests) bytes += request;
  }
  return std::make_shared<Workload>(parse_workload(bytes, "test").value());
}

SweepOptions everywhere(const Lines& lines) {
  SweepOptions options;
  options.workloads = {recorded(lines)};
  for (const Policy& policy : all_policies()) options.policies.push_back(&policy);
  for (const auto& persona : faults::all_personas()) options.personas.push_back(&persona);
  return options;
}

Tally swept(SweepOptions options, uint64_t seeds) {
  options.seeds = seeds;
  Tally tally;
  for (uint64_t chunk = 0; chunk * kChunkSeeds < seeds; ++chunk)
    tally.merge(run_chunk(options, chunk));
  EXPECT_FALSE(tally.harness_fault);
  return tally;
}

std::string broken(const Tally& tally) {
  std::string text;
  for (const auto& [seed, found] : tally.found) text += found.id + ": " + found.text + '\n';
  return text;
}

// Written around each of the frames below.
Lines framed(const Lines& frame) {
  Lines lines = {"SET a 1", "INCR n", "RPUSH l x"};
  lines.insert(lines.end(), frame.begin(), frame.end());
  lines.insert(lines.end(), {"SET b 1", "INCR n", "SET c 1"});
  return lines;
}

TEST(Frame, ASoundStoreIsNotAccused) {
  const std::vector<Lines> frames = {
      {"SHUTDOWN"},
      {"shutdown nosave"},
      {"SHUTDOWN SAVE"},
      {"SHUTDOWN NOW FORCE"},
      {"SHUTDOWN ABORT", "SHUTDOWN SAVE NOSAVE"},
      {"MULTI; SHUTDOWN; EXEC"},
      {"QUIT"},
      {"MULTI; SET x 1; quit"},
      {"CONFIG SET appendonly no"},
      {"CONFIG SET appendonly no", "SET x 1", "CONFIG SET appendonly yes"},
      {"CONFIG SET appendonly yes"},
      {"CONFIG SET appendonly no", "SAVE", "SHUTDOWN"},
      {"CONFIG SET appendfsync no"},
      {"CONFIG SET appendfsync always"},
      {"CONFIG SET appendfsync everysec", "SET x 1", "config set APPENDFSYNC no"},
      {"MULTI; CONFIG SET appendfsync no; SET x 1; EXEC"},
      {"CONFIG SET save \"1 1\"", "SET x 1", "CONFIG SET save \"\""},
      {"SAVE"},
      {"BGSAVE", "SET x 1", "BGREWRITEAOF"},
      {"SAVE", "CONFIG SET appendonly no", "SHUTDOWN"},
      {"BGSAVE", "SHUTDOWN SAVE", "CONFIG SET appendonly no"},
      {"MULTI; SET x 1; DISCARD"},
      {"MULTI; SELECT 3; EXEC", "SELECT 99"},
      {"RESET", "CONFIG RESETSTAT", "SHUTDOWN nonsense", "CONFIG SET appendfsync never"},
  };
  for (const Lines& frame : frames) {
    const Tally tally = swept(everywhere(framed(frame)), 308);
    EXPECT_EQ(tally.violations, 0u) << frame[0] << '\n' << broken(tally);
    EXPECT_GT(tally.acked, 308u) << frame[0];
  }
}

// What was acknowledged under a policy keeps its promise when another comes; and the other way round.
TEST(Frame, ABugIsStillFound) {
  const auto finds = [](std::string_view mutant, std::string_view policy, const Lines& lines) {
    SweepOptions options = everywhere(lines);
    options.policies = {find_policy(policy)};
    options.mutant = faults::find_mutant(mutant);
    const Tally tally = swept(options, 640);
    return tally.violations != 0;
  };
  const Lines writes = {"SET a 1", "SET b 1", "SET c 1", "SET d 1"};
  const auto with = [&](const std::string& frame) {
    Lines lines = {frame};
    lines.insert(lines.end(), writes.begin(), writes.end());
    return lines;
  };
  EXPECT_TRUE(finds("no-sync:segment.commit", "always", with("QUIT")));
  EXPECT_TRUE(finds("no-sync:segment.commit", "no", with("CONFIG SET appendfsync always")));
  Lines before = writes;
  before.emplace_back("CONFIG SET appendfsync no");
  EXPECT_TRUE(finds("no-sync:segment.commit", "always", before));
  EXPECT_TRUE(finds("no-sync:checkpoint.rename", "none", framed({"SAVE"})));
  EXPECT_TRUE(finds("no-sync:segment.finish", "no", framed({"SHUTDOWN"})));
  EXPECT_TRUE(finds("no-sync:segment.finish", "no", framed({"CONFIG SET appendonly no"})));
}

// Who asks for what the judge has no model of.
TEST(Frame, WhatIsNotModelledIsSaid) {
  const auto why = [](const std::string& line) {
    const auto step = parse_step(line);
    const std::string& request = step->unit.requests[0];
    size_t at = 0;
    std::vector<std::string_view> words;
    sim::parse_request(request, at, words);
    return store().not_modelled(words);
  };
  EXPECT_NE(why("CONFIG SET aof-loss-window-ms 60000"), "");
  EXPECT_NE(why("config set appendfsync always AOF-LOSS-WINDOW-MS 100"), "");
  for (const char* fine :
       {"CONFIG SET aof-loss-window-ms 2000", "CONFIG SET aof-loss-window-ms soon",
        "CONFIG SET aof-loss-window-ms", "CONFIG GET aof-loss-window-ms", "CONFIG", "SHUTDOWN",
        "CONFIG SET appendonly no", "SET CONFIG SET aof-loss-window-ms"})
    EXPECT_EQ(why(fine), "") << fine;
}

}  // namespace
}  // namespace powercut::scenarios
