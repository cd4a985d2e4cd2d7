// What a recording becomes: one client's connection, in units that others may come between.
#include "scenarios/workload/workload.h"

#include <gtest/gtest.h>

#include "scenarios/workload/script.h"
#include "sim/request.h"

namespace powercut::scenarios {
namespace {

using Lines = std::vector<std::string>;

// Of commands as a scenario writes them.
std::string recording(const Lines& lines) {
  std::string bytes;
  for (const std::string& line : lines) bytes += parse_step(line).value().unit.requests[0];
  return bytes;
}

// The units, each with its database.
Lines units_of(const Lines& lines) {
  Lines units;
  const Workload workload = parse_workload(recording(lines), "test").value();
  for (const Unit& unit : workload.units)
    units.push_back("db" + std::to_string(unit.db) + " " + print(unit));
  return units;
}

TEST(Recording, ATransactionIsOneUnitHoweverItEnds) {
  EXPECT_EQ(units_of({"MULTI", "SET a 1", "EXEC", "SET b 1"}),
            (Lines{"db0 MULTI; SET a 1; EXEC", "db0 SET b 1"}));
  EXPECT_EQ(units_of({"MULTI", "SET a 1", "discard", "SET b 1"}),
            (Lines{"db0 MULTI; SET a 1; discard", "db0 SET b 1"}));
  EXPECT_EQ(units_of({"MULTI", "SET a 1", "QUIT", "SET b 1"}),
            (Lines{"db0 MULTI; SET a 1; QUIT", "db0 SET b 1"}));
  EXPECT_EQ(units_of({"MULTI", "RESET", "SET b 1"}), (Lines{"db0 MULTI; RESET", "db0 SET b 1"}));
}

TEST(Recording, WhatIsAnsweredWithAnErrorBeginsAndEndsNothing) {
  EXPECT_EQ(units_of({"MULTI now", "SET a 1"}), (Lines{"db0 MULTI now", "db0 SET a 1"}));
  EXPECT_EQ(units_of({"EXEC", "DISCARD", "SET a 1"}),
            (Lines{"db0 EXEC", "db0 DISCARD", "db0 SET a 1"}));
  EXPECT_EQ(units_of({"MULTI", "EXEC now", "MULTI", "EXEC"}),
            (Lines{"db0 MULTI; EXEC now; MULTI; EXEC"}));
  EXPECT_FALSE(parse_workload(recording({"MULTI", "DISCARD now"}), "test").ok());
}

TEST(Recording, ASelectThatFailsLeavesTheDatabase) {
  EXPECT_EQ(
      units_of({"SELECT 3", "SET a 1", "SELECT 99", "SET b 1", "SELECT x", "SELECT 03", "SET c 1"}),
      (Lines{"db3 SET a 1", "db3 SELECT 99", "db3 SET b 1", "db3 SELECT x", "db3 SELECT 03",
             "db3 SET c 1"}));
  EXPECT_EQ(units_of({"SELECT 3", "RESET", "SET a 1", "SELECT 4", "QUIT", "SET b 1"}),
            (Lines{"db3 RESET", "db0 SET a 1", "db4 QUIT", "db0 SET b 1"}));
}

TEST(Recording, ATransactionMovesItsConnectionOnceItHasRun) {
  EXPECT_EQ(units_of({"MULTI", "SELECT 2", "SET a 1", "EXEC", "SET b 1"}),
            (Lines{"db0 MULTI; SELECT 2; SET a 1; EXEC", "db2 SET b 1"}));
  EXPECT_EQ(units_of({"MULTI", "SELECT 2", "DISCARD", "SET b 1"}),
            (Lines{"db0 MULTI; SELECT 2; DISCARD", "db0 SET b 1"}));
  const auto workload = parse_workload(recording({"MULTI", "SELECT 2", "EXEC", "SET b 1"}), "test");
  EXPECT_TRUE(workload->units[0].leaves_database) << "nobody sends it a SELECT for the next unit";
  EXPECT_FALSE(workload->units[1].leaves_database);
}

TEST(Recording, AnObjectionNamesTheRequest) {
  const auto objects = [](const std::vector<std::string_view>& words) -> std::string {
    return words[0] == "no" ? "who knows" : "";
  };
  const Lines before = {"SELECT 1", "MULTI", "SET a 1"};
  Lines lines = before;
  lines.insert(lines.end(), {"no way \"a\\nb\"", "EXEC"});
  const auto refused = parse_workload(recording(lines), "file.aof", objects);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Errc::kCorrupt);
  EXPECT_EQ(refused.error().message, "file.aof request 4, offset " +
                                         std::to_string(recording(before).size()) +
                                         ": no way \"a\\nb\": not judged: who knows");
}

}  // namespace
}  // namespace powercut::scenarios
