// What explorations came to, without the runs behind it: to be printed, kept in a file, and put together of
// shards.
#pragma once

#include <cstdint>
#include <cstdio>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "scenarios/base/named_values.h"
#include "scenarios/explore/explore.h"

namespace powercut::scenarios {

// The first of an oracle.
struct FoundHere {
  std::string oracle;
  std::string text;
  uint64_t order = 0;  // as ExploredViolation::order
};

// One workload under one policy on one persona. Figures as in Explored.
struct Certificate {
  std::string workload;
  std::string policy;
  std::string persona;
  unsigned depth = 1;
  uint64_t crash_points = 0;
  uint64_t points_of_run = 0;
  uint64_t disk_states = 0;
  std::string legal_images = "0";
  uint64_t classes = 0;
  uint64_t deeper_points = 0;
  uint64_t deeper_classes = 0;
  uint64_t violations = 0;
  uint64_t lost_operations_max = 0;
  int64_t lost_ms_max = 0;
  int64_t lost_span_ms_max = 0;
  std::vector<FoundHere> found;         // in the order in which they come
  std::optional<FoundHere> run_broken;  // as in Explored
  bool outside_contract = false;
  bool complete = false;
  std::string because;  // if not
};

// The first violation, made small.
struct SmallCase {
  std::string oracle;
  uint64_t operations = 0;
  bool minimal = false;
  std::string scenario;
  std::string story;
};

struct ExploreOutcome {
  std::vector<Certificate> certificates;
  uint64_t recoveries_run = 0;
  uint64_t operations = 0;  // of the runs
  uint64_t sent = 0;        // requests in them
  std::optional<SmallCase> smallest;
  std::string harness_fault;

  // Over all certificates.
  uint64_t points() const;  // with those behind a first crash, of which there are:
  uint64_t deeper_points() const;
  uint64_t classes() const;
  uint64_t violations() const;
  std::string images() const;
  bool complete() const;
};

// specs[n] came to all[n].
ExploreOutcome outcome_of(const std::vector<ExploreSpec>& specs,
                          const std::vector<Exploration>& all,
                          std::optional<SmallCase> smallest = std::nullopt);

nlohmann::json to_json(const ExploreOutcome& outcome);
// Throws nlohmann::json::exception if it is not what to_json gave.
ExploreOutcome explore_outcome_from_json(const nlohmann::json& json);

// The sum of `shards`, of so many there are. A certificate is complete only if each of them is there and
// complete, and their crash points are those of the run, each once.
ExploreOutcome together(const std::map<uint64_t, ExploreOutcome>& shards, uint64_t count);

// One shard for itself, whose `complete` says that it judged all that is in it.
ExploreOutcome alone(ExploreOutcome shard);

// What decides the results, but for the shard: those of specs that make one command line.
NamedValues named_options(const std::vector<ExploreSpec>& specs, const std::string& added_fence);
// The version, and what the store does in the runs that are explored.
NamedValues named_build(const std::vector<ExploreSpec>& specs);

// `elapsed_s`: none: of several machines.
nlohmann::ordered_json outcome_json(const ExploreOutcome& outcome, const std::string& verb,
                                    std::optional<double> elapsed_s);
void print_table(std::FILE* out, const ExploreOutcome& outcome);

}  // namespace powercut::scenarios
