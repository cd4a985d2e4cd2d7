#include "scenarios/cli/campaign_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "scenarios/base/json_text.h"
#include "scenarios/base/table.h"
#include "scenarios/base/terminal.h"
#include "scenarios/campaign/artifacts.h"
#include "scenarios/campaign/ci.h"
#include "scenarios/story/scenario_file.h"
#include "scenarios/story/story.h"
#include "scenarios/sweep/vacuity.h"

namespace powercut::scenarios {

namespace {

using nlohmann::ordered_json;

// Of a merge, the whole stands in the object of what was merged.
void print_result(std::FILE* out, ordered_json result, const Manner& manner) {
  if (!manner.parts) {
    fmt::print(out, "{}\n", json_text(result));
    return;
  }
  fmt::print(out, "{}\n",
             json_text(ordered_json{{"version", POWERCUT_VERSION},
                                    {"verb", "merge"},
                                    {"of", manner.verb},
                                    {"shards", manner.parts->count},
                                    {"missing", manner.parts->missing},
                                    {"result", std::move(result)}}));
}

// First numbers of a long list.
std::string some_of(const std::vector<uint64_t>& numbers) {
  constexpr size_t kMost = 8;
  std::string text;
  for (size_t i = 0; i < std::min(numbers.size(), kMost); ++i)
    text += fmt::format("{}{}", i == 0 ? "" : ", ", numbers[i]);
  return numbers.size() > kMost ? text + ", ..." : text;
}

void print_parts(std::FILE* out, const Manner& manner) {
  if (!manner.parts) return;
  const Parts& parts = *manner.parts;
  fmt::print(out, "{}",
             folded(parts.missing.empty() ? fmt::format("all {} shards", parts.count)
                                          : fmt::format("{} of {} shards; missing: {}",
                                                        parts.count - parts.missing.size(),
                                                        parts.count, some_of(parts.missing))));
}

// What is not there was not judged.
int with_missing(int status, const Manner& manner) {
  const bool incomplete = manner.parts && !manner.parts->missing.empty();
  return status == kHeld && incomplete ? kIncomplete : status;
}

Result<void> tell_ci(const CiReport& report, const CiArguments& ci, std::FILE* err) {
  if (!ci.junit.empty()) TRY(write_file(ci.junit, junit_text(report)));
  if (!ci.github) return {};
  fmt::print(err, "{}", github_annotations(report));
  const char* summary = std::getenv("GITHUB_STEP_SUMMARY");
  if (summary == nullptr || *summary == '\0') return {};
  return append_file(summary, github_summary(report));
}

Result<void> write_artifacts(const Triage& triage, const std::string& directory) {
  for (const Failure& failure : triage.failures) {
    if (!failure.small) continue;
    const Scenario& scenario = failure.small->scenario;
    const Account& account = failure.small->account;
    TRY(write_artifact(directory, as_file_name(print(failure.signature)), scenario, account,
                       tell_story(scenario, account, missing_fences(scenario))));
  }
  return {};
}

// Where somebody wants to know failures apart.
Result<std::optional<Triage>> triage_of(const Tally& tally, const CiArguments& ci) {
  if (ci.known.empty() && ci.artifacts.empty()) return std::optional<Triage>();
  std::vector<KnownFailure> known;
  if (!ci.known.empty()) {
    TRY_ASSIGN(known, read_known(ci.known));
  }
  Triage found = triage(tally, known, {.variants = ci.variants});
  if (!ci.artifacts.empty()) TRY(write_artifacts(found, ci.artifacts));
  return std::optional<Triage>(std::move(found));
}

}  // namespace

int report_sweep(Outcome& outcome, const Manner& manner, const CiArguments& ci,
                 const std::string& program, const Streams& streams) {
  if (expects_everything(outcome.options, outcome.tally)) {
    outcome.vacuity_checked = true;
    outcome.vacuity_zeros = vacuity_zeros(outcome.tally);
  }
  const auto triaged = triage_of(outcome.tally, ci);
  if (!triaged.ok()) return fail(streams, triaged.error());
  const Triage* triage = *triaged ? &**triaged : nullptr;
  if (triage != nullptr) outcome.known = triage->known_violations;
  if (manner.json) {
    ordered_json json = outcome_json(outcome, manner.verb);
    if (triage != nullptr) {
      json["failures"] = failures_json(*triage);
      json["known_violations"] = triage->known_violations;
      json["known_not_seen"] = not_seen_json(*triage);
    }
    print_result(streams.out, std::move(json), manner);
  } else {
    print_table(streams.out, outcome, program);
    if (triage != nullptr) fmt::print(streams.out, "{}", failures_text(*triage, program));
    print_parts(streams.out, manner);
  }
  flush(streams.out);
  print_doubts(streams.err, outcome, program);
  const auto told = tell_ci(ci_report(outcome, triage, program), ci, streams.err);
  if (!told.ok()) return fail(streams, told.error());
  return as_expected(with_missing(status_of(outcome), manner), ci);
}

int report_explore(const ExploreOutcome& outcome, const Manner& manner, const CiArguments& ci,
                   const std::string& command, const Streams& streams) {
  if (manner.json) {
    print_result(streams.out, outcome_json(outcome, manner.verb, manner.elapsed_s), manner);
  } else {
    print_table(streams.out, outcome);
    print_parts(streams.out, manner);
  }
  flush(streams.out);
  if (!ci.artifacts.empty() && outcome.smallest) {
    const auto scenario = parse_scenario(outcome.smallest->scenario, "smallest");
    if (!scenario.ok()) return fail(streams, scenario.error());
    const auto account = run_scenario(*scenario);
    if (!account.ok()) return fail(streams, account.error());
    const auto written =
        write_artifact(ci.artifacts, as_file_name("smallest-" + outcome.smallest->oracle),
                       *scenario, *account, outcome.smallest->story);
    if (!written.ok()) return fail(streams, written.error());
  }
  const auto told = tell_ci(ci_report(outcome, command), ci, streams.err);
  if (!told.ok()) return fail(streams, told.error());
  const int status = outcome.violations() > 0 ? kBroken : outcome.complete() ? kHeld : kIncomplete;
  return as_expected(status_of(streams, outcome.harness_fault, with_missing(status, manner)), ci);
}

int report_zoo(const ZooReport& report, const Manner& manner, const Streams& streams) {
  ordered_json json = outcome_json(report, manner.verb, manner.elapsed_s);
  if (manner.json) {
    print_result(streams.out, std::move(json), manner);
  } else {
    print_zoo(streams.out, json);
    print_parts(streams.out, manner);
  }
  return status_of(streams, report.harness_fault, with_missing(status_of(report), manner));
}

}  // namespace powercut::scenarios
