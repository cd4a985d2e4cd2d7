// `powercut explore --trace`.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "scenarios/base/json_text.h"
#include "scenarios/base/table.h"
#include "scenarios/cli/trace_study.h"
#include "scenarios/trace/report.h"

namespace powercut::scenarios {

namespace {

using nlohmann::ordered_json;

std::string certificate_word(const TraceCertificate& one) {
  if (!one.held()) return fmt::format("BROKEN ({})", one.violations);
  return one.complete ? "held, exhaustive" : one.stopped ? "not all" : "held, sampled";
}

void print_table(std::FILE* out, const TraceExploration& all) {
  std::vector<Row> rows = {{"persona", "points", "images", "judged", "verdict"}};
  std::string below;
  for (const TraceCertificate& one : all.by_persona) {
    rows.push_back({std::string(one.persona->name), std::to_string(one.points), one.legal_images,
                    std::to_string(one.judged), certificate_word(one)});
    std::vector<std::string_view> verdicts;
    for (const TraceViolation& first : one.first) verdicts.push_back(code_of(first.breach));
    if (!verdicts.empty())
      below += folded(fmt::format("{}: {}", one.persona->name, fmt::join(verdicts, ", ")));
    if (!one.complete) below += folded(fmt::format("{}: {}", one.persona->name, one.because));
  }
  print_columns(out, rows);
  fmt::print(out, "{}", below);
}

ordered_json to_json(const TraceCertificate& one) {
  ordered_json row = {{"persona", one.persona->name},
                      {"crash_points", one.points},
                      {"disk_states", one.disks},
                      {"legal_images", one.legal_images},
                      {"judged", one.judged},
                      {"violations", one.violations},
                      {"certificate", one.complete  ? "exhaustive"
                                      : one.stopped ? "stopped"
                                                    : "sampled"}};
  if (!one.complete) row["because"] = one.because;
  for (const TraceViolation& first : one.first)
    row["found"].push_back({{"verdict", code_of(first.breach)}, {"event", first.event}});
  return row;
}

ordered_json to_json(const TraceStudy& study, const Triage& triage, const std::string& story,
                     double elapsed_s) {
  ordered_json rows = ordered_json::array();
  for (const TraceCertificate& one : study.all.by_persona) rows.push_back(to_json(one));
  ordered_json result = {{"version", POWERCUT_VERSION},
                         {"verb", "explore"},
                         {"events", study.trace.events.size()},
                         {"acknowledgements", study.spec.acks.size()},
                         {"recoveries_run", study.outcomes.executed() - study.outcomes.recorded()},
                         {"classes_run", study.classes.executed()},
                         {"complete", study.all.complete()},
                         {"violations", study.all.violations()},
                         {"elapsed_s", elapsed_s},
                         {"certificates", rows}};
  if (study.spec.depth > 1) result["recoveries_recorded"] = study.outcomes.recorded();
  result["failures"] = ordered_json::array();
  for (ordered_json& failure : failures_json(triage)) {
    for (const char* of_runs : {"operations", "variants"}) failure.erase(of_runs);
    result["failures"].push_back(std::move(failure));
  }
  result["known_not_seen"] = not_seen_json(triage);
  if (study.missing) {
    result["story"] = story;
    result["missing"] = to_json(study.missing->syncs);
  }
  return result;
}

// What is known, if that is asked for.
Result<Triage> triage_of(TraceStudy& study, const std::string& known_file) {
  std::vector<KnownFailure> known;
  if (!known_file.empty()) {
    TRY_ASSIGN(known, read_known(known_file));
  }
  TRY_ASSIGN(std::vector<Failure> failures, study.failures());
  return compare_with_known(std::move(failures), known);
}

// What is known is no reason to fail.
int status_of(const TraceStudy& study, const Triage& triage) {
  const auto is_news = [](const Failure& one) { return one.known.empty() || one.came_back; };
  if (std::any_of(triage.failures.begin(), triage.failures.end(), is_news)) return kBroken;
  return study.all.complete() ? kHeld : kIncomplete;
}

void print_study(std::FILE* out, const TraceStudy& study) {
  print_table(out, study.all);
  fmt::print(out, "\n{}",
             folded(fmt::format("{} acknowledgements in {} events; {} images that differ were "
                                "recovered, each twice, and {} classes of images that the "
                                "recovery cannot tell apart: {}",
                                study.spec.acks.size(), study.trace.events.size(),
                                study.outcomes.executed() - study.outcomes.recorded(),
                                study.classes.executed(),
                                study.all.violations() > 0 ? "a promise is broken"
                                : study.all.complete()     ? "every one was judged, and all pass"
                                                           : "not all were judged")));
  if (study.spec.depth > 1)
    fmt::print(out, "{}",
               folded(fmt::format("{} recoveries were recorded, and cut at every point as well",
                                  study.outcomes.recorded())));
}

}  // namespace

int explore_a_trace(const TraceArguments& a, const std::string& persona, const std::string& output,
                    bool json, const Streams& streams) {
  const Stopwatch watch;
  TraceStudy study(streams.err);
  if (const auto ready = study.prepare(a, persona); !ready.ok())
    return fail(streams, ready.error());
  if (const auto explored = study.explore(); !explored.ok()) return fail(streams, explored.error());
  const auto triaged = triage_of(study, a.known);
  if (!triaged.ok()) return fail(streams, triaged.error());
  const Triage& triage = triaged.value();
  const TraceViolation* first = study.first_violation();
  const std::string story = first == nullptr ? ""
                                             : tell(*first, study.spec, study.all, study.outcomes) +
                                                   tell(*study.missing, study.trace);
  if (json) {
    fmt::print(streams.out, "{}\n", json_text(to_json(study, triage, story, watch.seconds())));
  } else {
    print_study(streams.out, study);
    fmt::print(streams.out, "{}", failures_text(triage, ""));
    if (!story.empty()) fmt::print(streams.out, "\n{}", story);
  }
  if (first != nullptr && !output.empty()) {
    const sim::Disk& image = first->second ? first->second->image : first->image;
    const auto written = RecoveryProcess::write_out(image, output, modes_of(study.trace));
    if (!written.ok()) return fail(streams, written.error());
    fmt::print(streams.err, "written: {}, the files as that cut left them\n", output);
  }
  return status_of(study, triage);
}

}  // namespace powercut::scenarios
