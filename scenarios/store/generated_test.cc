#include "scenarios/workload/generated.h"

#include <gtest/gtest.h>

#include <set>

#include "engine/command/command_table.h"
#include "engine/command/request_parser.h"

namespace powercut::scenarios {
namespace {

std::string lower(std::string_view word) {
  std::string text(word);
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return text;
}

// What changes data and no generated workload says is judged by nobody.
TEST(GeneratedWorkloads, SayEveryCommandThatWrites) {
  std::set<std::string> said;
  for (const Builtin& builtin : generated_workloads()) {
    for (uint64_t seed = 1; seed <= 4; ++seed) {
      for (const Unit& unit : generate_workload(builtin.name, seed).units) {
        for (const std::string& request : unit.requests) {
          engine::RequestParser parser;
          parser.feed(request);
          ASSERT_EQ(parser.next(), engine::RequestParser::Outcome::kCommand);
          said.insert(lower(parser.args()[0]));
        }
      }
    }
  }
  // Who changes the frame of a run is said by the judge, not by a client: scenarios/run/manners.h.
  for (const engine::CommandSpec* spec : engine::all_commands()) {
    if ((spec->flags & engine::kWrite) == 0) continue;
    EXPECT_TRUE(said.count(std::string(spec->name))) << spec->name << " is said by no workload";
  }
}

}  // namespace
}  // namespace powercut::scenarios
