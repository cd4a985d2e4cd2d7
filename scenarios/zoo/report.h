// What the zoo came to, for people and programs; of a part of it, and put together of parts.
#pragma once

#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "scenarios/base/named_values.h"
#include "scenarios/base/status.h"
#include "scenarios/zoo/zoo.h"

namespace powercut::scenarios {

struct ZooReport {
  struct Clean {  // the engine without a bug
    uint64_t seeds = 0;
    uint64_t states = 0;
    std::string first_violation;
    bool explored = false;  // the explorer broke a promise
  };
  uint64_t starts = 0;
  uint64_t seeds_most = 0;
  std::vector<nlohmann::ordered_json> mutants;  // as in the JSON
  std::optional<Clean> clean;                   // none: in another shard
  std::string harness_fault;
};
ZooReport report_of(const std::vector<ZooRow>& rows, const ZooOptions& options);
// kHeld: all that count were found, and nothing else.
Status status_of(const ZooReport& report);

// `elapsed_s`: none: of several machines.
nlohmann::ordered_json outcome_json(const ZooReport& report, const std::string& verb,
                                    std::optional<double> elapsed_s);
// The table, of what the JSON says.
void print_zoo(std::FILE* out, const nlohmann::ordered_json& json);

// Without the seconds, which are another machine's tomorrow.
nlohmann::json to_json(const ZooReport& report);
// Throws nlohmann::json::exception if it is not what to_json gave.
ZooReport zoo_report_from_json(const nlohmann::json& json);
ZooReport together(const std::map<uint64_t, ZooReport>& shards);

// What decides the results, but for the shard.
NamedValues named_options(const ZooOptions& options);
// Of the mutants, and of the engine without one, what is in this shard.
void take_part(ZooOptions& options, const Shard& shard);

}  // namespace powercut::scenarios
