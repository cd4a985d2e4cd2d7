// How a sweep, an exploration or a zoo is reported, whether it was made here or put together of shards.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "scenarios/cli/campaign_flags.h"
#include "scenarios/explore/certificate.h"
#include "scenarios/sweep/report.h"
#include "scenarios/zoo/report.h"

namespace powercut::scenarios {

// Of which shards the results are, where they were put together.
struct Parts {
  uint64_t count = 1;
  std::vector<uint64_t> missing;
};

struct Manner {
  std::string verb;
  bool json = false;
  std::optional<Parts> parts;
  std::optional<double> elapsed_s;
};

// Each prints the table or the JSON, writes what CI is to see, and returns the exit status.
int report_sweep(Outcome& outcome, const Manner& manner, const CiArguments& ci,
                 const std::string& program, const Streams& streams);
// `command`: makes the exploration again.
int report_explore(const ExploreOutcome& outcome, const Manner& manner, const CiArguments& ci,
                   const std::string& command, const Streams& streams);
int report_zoo(const ZooReport& report, const Manner& manner, const Streams& streams);

}  // namespace powercut::scenarios
