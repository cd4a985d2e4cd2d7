// What somebody else's CI shows of a campaign: a JUnit report, annotations and a summary of GitHub Actions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "scenarios/campaign/triage.h"
#include "scenarios/explore/certificate.h"
#include "scenarios/sweep/report.h"

namespace powercut::scenarios {

struct CiFailure {
  std::string promise;  // "an acknowledged write is lost (LAW)"
  std::string text;     // of one run
  std::string replay;   // the command that shows it again; empty: there is none
  bool known = false;
};
struct CiCase {
  std::string policy;
  std::string persona;
  uint64_t violations = 0;
  bool known = false;               // all that breaks on such filesystems is known
  std::vector<CiFailure> failures;  // of the violations, some
  std::string not_judged;           // why not, or not in full; else empty
};
struct CiReport {
  std::string title;  // "powercut sweep: 2,000 runs"
  std::vector<CiCase> cases;
};
// `triage` may be null.
CiReport ci_report(const Outcome& outcome, const Triage* triage, const std::string& program);
CiReport ci_report(const ExploreOutcome& outcome, const std::string& command);

// A suite a policy, a case a persona; known failures are skipped, and what was not judged as well.
std::string junit_text(const CiReport& report);
// Lines of GitHub's workflow commands: an error for each case that failed, ten at most, the last of which
// says how many more there are.
std::string github_annotations(const CiReport& report);
// Markdown.
std::string github_summary(const CiReport& report);

// Appends to a file, which the summary of a job is.
//   Errors: kIo.
Result<void> append_file(const std::string& path, const std::string& text);

}  // namespace powercut::scenarios
