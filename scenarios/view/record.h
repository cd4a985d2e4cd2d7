// A run written down for a reader who steps through it: every moment of it, how far each operation had come,
// what the disk held and what of it was safe, what hung on each moment, and what each power cut could have
// left. One JSON value; the page (page.h) shows it.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "scenarios/run/catalog.h"
#include "scenarios/story/scenario.h"

namespace powercut::scenarios {

// What is to be viewed: a run by its ID, or a scenario.
struct ViewSubject {
  std::string title;  // as it was asked for
  std::string command;
  std::optional<Recipe> recipe;
  std::optional<Scenario> scenario;  // a run that breaks its promise is viewed as one
  // Beside its own: how the same run ends there.
  std::vector<const faults::Persona*> personas;
};

struct ViewLimits {
  uint64_t classes_most = 5'000;  // of one disk: beyond, what its images come to is not known
  size_t images_most = 512;       // of a cut: beyond, nobody chooses them one by one
  size_t frames_most = 20'000;    // beyond, the middle is left out, and says so
};

// Errors: kInvalid: a cut or a schedule that the scenario states cannot be.
Result<nlohmann::ordered_json> record_view(const ViewSubject& subject,
                                           const ViewLimits& limits = {});

}  // namespace powercut::scenarios
