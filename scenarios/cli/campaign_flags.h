// Flags of the verbs that a campaign is made of: which part of it is made, where its results go, and what the
// machinery of somebody's CI gets to see.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "scenarios/base/named_values.h"
#include "scenarios/base/shard.h"
#include "scenarios/campaign/results.h"
#include "scenarios/cli/cli.h"

namespace CLI {
class Option;
}

namespace powercut::scenarios {

struct PartArguments {
  std::string shard = "1/1";
  std::string output;
};
struct PartFlags {
  CLI::Option* shard;
  CLI::Option* output;
};
PartFlags add_part(CLI::App& app, PartArguments& arguments);
// Writes the results of one shard to arguments.output. They are there whole or not at all.
Result<void> write_results(const PartArguments& arguments, const std::string& verb,
                           const NamedValues& build, const NamedValues& options, const Shard& shard,
                           nlohmann::json result);

struct CiArguments {
  std::string junit;
  bool github = false;
  std::string artifacts;
  std::string known;
  uint64_t variants = 3;
  std::string expected = "held";
};
void add_ci(CLI::App& app, CiArguments& arguments);
// Of a sweep, too: its violations are many, and can be told apart.
void add_triage(CLI::App& app, CiArguments& arguments);
// kHeld and kBroken as they were expected.
int as_expected(int status, const CiArguments& arguments);

}  // namespace powercut::scenarios
