// `powercut shrink --trace`, and `powercut replay` of what it writes.
#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "scenarios/base/json_text.h"
#include "scenarios/campaign/artifacts.h"
#include "scenarios/cli/case_run.h"
#include "scenarios/cli/trace_study.h"
#include "scenarios/story/scenario_file.h"
#include "scenarios/trace/case.h"
#include "scenarios/trace/report.h"
#include "scenarios/trace/smallest.h"

namespace powercut::scenarios {

namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

struct MadeCase {
  SmallTrace small;
  TraceSpec spec;  // of it
  TraceCase written;
  std::string name;
  std::string text;
  std::string story;
};

Result<SmallTrace> make_small(TraceStudy& study, const std::string& ack, uint64_t tries) {
  const TraceViolation* first = study.first_violation();
  if (first == nullptr)
    return Error{Errc::kInvalid,
                 "every promise that was judged holds: there is nothing to make small"};
  TraceSpec spec = study.spec;
  spec.personas = {first->persona};
  spec.recoveries_most += study.outcomes.executed() + study.classes.executed();
  TRY_ASSIGN(const auto cause, cause_of(spec, first->breach, study.missing->syncs, study.outcomes));
  TRY_ASSIGN(const std::optional<std::regex> pattern, pattern_of(ack));
  return smallest_like(
      spec, *first, cause, [&](const Trace& trace) { return acknowledgements(trace, pattern); },
      study.outcomes, tries);
}

void write_down(MadeCase& made, const TraceArguments& a, TraceStudy& study) {
  const TraceViolation& violation = made.small.violation;
  made.spec = study.spec;
  made.spec.trace = &made.small.trace;
  made.spec.acks = made.small.acks;
  made.name =
      as_file_name(fmt::format("{}-{}", code_of(violation.breach), violation.persona->name));
  TraceCase& to = made.written;
  to.about = {fmt::format("Made small from {} events to {}.", study.trace.events.size(),
                          made.small.trace.events.size()),
              tell_cause(made.small.cause, made.small.trace) + "."};
  to.persona = violation.persona;
  to.recover = a.recover;
  to.observe = a.observe;
  to.check = a.check;
  to.ack = a.ack;
  to.lost_most = a.lost_most;
  to.window_ms = a.window_ms;
  to.limit_s = a.limit_s;
  to.first = {made.name + ".trace", violation.event, violation.within, violation.survival};
  if (violation.second)
    to.second = {made.name + ".recovery.trace", violation.second->event, violation.second->within,
                 violation.second->survival};
  made.text = print(to, {violation, true, made.small.all}, made.spec, study.outcomes);
  made.story = tell(violation, made.spec, made.small.all, study.outcomes);
  if (made.small.cause)
    made.story += "What would have kept it:\n  " + tell(*made.small.cause, made.small.trace) + "\n";
}

// The case, its traces, its story, and the files that the last cut left.
Result<void> write_files(const MadeCase& made, const std::string& directory) {
  const TraceViolation& violation = made.small.violation;
  const std::string base = directory + "/" + made.name;
  TRY(write_trace(made.small.trace, base + ".trace"));
  if (violation.second) TRY(write_trace(violation.second->recovery, base + ".recovery.trace"));
  TRY(write_file(base + ".scn", made.text));
  TRY(write_file(base + ".txt", made.story));
  std::error_code ignored;
  fs::remove_all(directory + "/disk", ignored);
  return RecoveryProcess::write_out(violation.second ? violation.second->image : violation.image,
                                    directory + "/disk", modes_of(made.small.trace));
}

ordered_json to_json(const MadeCase& made, size_t events_before) {
  const SmallTrace& small = made.small;
  ordered_json json = {{"version", POWERCUT_VERSION},
                       {"verb", "shrink"},
                       {"oracle", code_of(small.violation.breach)},
                       {"persona", small.violation.persona->name},
                       {"cause", tell_cause(small.cause, small.trace)},
                       {"events_before", events_before},
                       {"events", small.trace.events.size()},
                       {"acknowledgements", small.acks.size()},
                       {"crashes", small.violation.second ? 2 : 1},
                       {"tries", small.tries},
                       {"minimal", small.minimal},
                       {"scenario", made.text},
                       {"story", made.story}};
  return json;
}

}  // namespace

int shrink_a_trace(const TraceArguments& a, const std::string& persona,
                   const std::string& directory, uint64_t tries, bool json,
                   const Streams& streams) {
  TraceStudy study(streams.err);
  if (const auto ready = study.prepare(a, persona); !ready.ok())
    return fail(streams, ready.error());
  if (!directory.empty())
    if (const auto made = make_case_directory(directory); !made.ok())
      return fail(streams, made.error());
  if (const auto explored = study.explore(); !explored.ok()) return fail(streams, explored.error());
  auto small = make_small(study, a.ack, tries);
  if (!small.ok())
    return fail(streams, {small.error().code, a.trace + ": " + small.error().message});
  MadeCase made;
  made.small = std::move(small).value();
  write_down(made, a, study);
  const size_t before = study.trace.events.size();
  if (json)
    fmt::print(streams.out, "{}\n", json_text(to_json(made, before)));
  else
    fmt::print(streams.out, "{}", made.story);
  if (!directory.empty()) {
    const auto written = write_files(made, directory);
    if (!written.ok()) return fail(streams, written.error());
    fmt::print(
        streams.err,
        "written: {0}/{1}.scn, {0}/{1}.trace, {0}/{1}.txt, {0}/disk/; again: powercut replay "
        "{0}/{1}.scn\n",
        directory, made.name);
  }
  fmt::print(streams.err, "from {} events to {}, in {} tries{}\n", before,
             made.small.trace.events.size(), made.small.tries,
             made.small.minimal ? "; nothing more can be taken away, one at a time"
                                : "; stopped there, so it may not be the smallest: see --tries and "
                                  "--recoveries");
  return kBroken;
}

int replay_a_trace(const std::string& file, const std::string& text, const CaseTelling& telling,
                   const Streams& streams) {
  TraceStudy study(streams.err);
  CaseRun replayed;
  if (const auto run = run_case_file(file, text, study, replayed); !run.ok()) {
    const bool named = run.error().message.starts_with(file);
    return fail(streams,
                {Errc::kCorrupt, named ? run.error().message : file + ": " + run.error().message});
  }
  const CaseAccount& account = replayed.account;
  if (telling.rewrite)
    if (const auto written = write_file(file, replayed.seen); !written.ok())
      return fail(streams, written.error());
  if (telling.json) {
    ordered_json json = {
        {"version", POWERCUT_VERSION}, {"verb", "replay"}, {"violations", account.broken ? 1 : 0}};
    if (account.broken) json["oracle"] = code_of(account.cut.breach);
    json["verdict"] = account.broken ? code_of(account.cut.breach) : "held";
    json["mutant"] = nullptr;
    json["scenario"] = replayed.seen;
    fmt::print(streams.out, "{}\n", json_text(json));
  } else if (telling.story && account.broken) {
    fmt::print(streams.out, "{}", tell(account.cut, study.spec, account.all, study.outcomes));
  } else {
    fmt::print(streams.out, "{}", replayed.seen);
  }
  const bool was_seen = text.find("\n----") != std::string::npos;
  if (!telling.rewrite && was_seen && replayed.seen != text) {
    fmt::print(streams.err, "powercut: {}; `--rewrite` takes what is seen now\n",
               first_difference_line(file, text, replayed.seen));
    return kDiffers;
  }
  return account.broken ? kBroken : kHeld;
}

}  // namespace powercut::scenarios
