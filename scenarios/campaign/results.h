// What the shards of a campaign came to, as a file: one shard's, or those of many put together. JSON lines:
//
//   {"powercut":"results","format":1,"verb":"sweep","build":{...},"options":{...},"shards":8}
//   {"shard":2,"result":{...}}
//
// What a shard comes to follows from build, options and shard alone; there is no time in it and no machine.
// So a shard that was run twice says the same twice, and putting files together is the union of their
// lines: whatever the order, however often.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "scenarios/base/named_values.h"
#include "scenarios/base/shard.h"
#include "scenarios/sweep/tally.h"

namespace powercut::scenarios {

struct Results {
  std::string name;  // of the file, for messages
  std::string verb;  // "sweep", "explore" or "zoo"
  NamedValues build;
  NamedValues options;
  uint64_t shards = 1;                         // that there are
  std::map<uint64_t, nlohmann::json> results;  // of those that are here, from 1

  std::vector<uint64_t> missing() const;
};

std::string print(const Results& results);
// The inverse; or a campaign's SQLite file, by its path.
//   Errors: kNotFound, kIo; kCorrupt: none of both, damaged, or a campaign that is not at its end.
Result<Results> parse_results(const std::string& text, const std::string& name);
Result<Results> read_results(const std::string& path);

// Makes `into` the union of both.
//   Errors: kRefused: of another verb, build, options or number of shards; or a shard came to something
//   else. The line names both files and the difference.
Result<void> merge(Results& into, Results other);

// What a shard of a sweep came to, without what only its own steering needs.
nlohmann::json result_of(const Tally& tally);

}  // namespace powercut::scenarios
