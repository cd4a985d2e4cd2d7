// `powercut zoo --automatic`: JSON, and the table of what the JSON says.
#pragma once

#include <cstdio>
#include <nlohmann/json.hpp>
#include <vector>

#include "scenarios/zoo/automatic.h"

namespace powercut::scenarios {

struct AutomaticRun {
  uint64_t asked = 0;
  uint64_t seed = 1;
  double elapsed_s = 0;
};

nlohmann::ordered_json automatic_json(const AutomaticRun& run,
                                      const std::vector<AutomaticRow>& rows,
                                      const Equivalents& equivalents);

// Whether `json` is one of these.
bool is_automatic(const nlohmann::ordered_json& json);
void print_automatic(std::FILE* out, const nlohmann::ordered_json& json);

}  // namespace powercut::scenarios
