// Violations told apart: two are the same failure if they have one signature, however many runs show it. Of
// each the first case is made small, once, and a few more are named.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "scenarios/shrink/shrink.h"
#include "scenarios/sweep/tally.h"

namespace powercut::scenarios {

struct Signature {
  std::string promise;   // the oracle's code
  std::string cause;     // the planted bug; else the first sync that would have kept the promise
  std::string personas;  // persona_class()
  auto operator<=>(const Signature&) const = default;
};
std::string print(const Signature& signature);  // "LAW, no-sync:segment.commit, ext4"

// A file of those that somebody has seen before: [{"promise":"LAW","cause":"...","personas":"ext4",
// "note":"issue 12","fixed":false}, ...]. What is said to be fixed and is seen again has come back, and is
// not known any more.
struct KnownFailure {
  Signature signature;
  std::string note;
  bool fixed = false;
};
//   Errors: kNotFound, kIo; kCorrupt: not such a list.
Result<std::vector<KnownFailure>> read_known(const std::string& path);

struct Failure {
  Signature signature;
  uint64_t alike = 0;           // violations of this promise on personas of this class
  std::string id;               // of the run that was made small; of a trace: where, in words
  std::optional<Shrunk> small;  // none: it could not be, because
  std::string not_small;
  std::vector<std::string> variants;  // further IDs
  std::string known;                  // the note; empty: not known
  bool came_back = false;
};

struct Triage {
  std::vector<Failure> failures;  // by signature
  std::vector<KnownFailure> not_seen;
  std::set<ViolationKind> known_kinds;  // all that was looked at of them is known
  uint64_t known_violations = 0;        // of these kinds

  bool knows(const FoundViolation& found) const;
};
// Of a scenario with no bug planted: the first sync that would have kept the promise, without the numbers of
// files.
std::string cause_of(const Scenario& scenario);

// Says of each failure what is known of it, and lists what is known and was not seen. By signature.
Triage compare_with_known(std::vector<Failure> failures, const std::vector<KnownFailure>& known);
// Generations and temporary files have numbers in their names, which are others in each run: each is "#".
std::string without_numbers(const std::string& text);

struct TriageOptions {
  uint64_t variants = 3;        // kept of each failure
  uint64_t tries_max = 20'000;  // as ShrinkOptions
};
Triage triage(const Tally& tally, const std::vector<KnownFailure>& known,
              const TriageOptions& options = {});

// A list of failures, and one of what is known and was not seen.
nlohmann::ordered_json failures_json(const Triage& triage);
nlohmann::ordered_json not_seen_json(const Triage& triage);
// A few lines each; nothing if there is nothing to say. `program`: that replays IDs; empty: they are words.
std::string failures_text(const Triage& triage, const std::string& program);

}  // namespace powercut::scenarios
