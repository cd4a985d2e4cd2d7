// `powercut fences --trace`.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "scenarios/base/json_text.h"
#include "scenarios/base/table.h"
#include "scenarios/cli/trace_study.h"
#include "scenarios/trace/report.h"

namespace powercut::scenarios {

namespace {

using nlohmann::ordered_json;

void print_syncs(std::FILE* out, const Trace& trace, const std::vector<TriedSync>& syncs,
                 size_t personas) {
  std::vector<Row> rows = {{"sync", "needed on", "verdict"}};
  for (const TriedSync& one : syncs) {
    TraceNames names(trace);
    for (size_t i = 0; i < one.event; ++i) names.follow(trace.events[i]);
    const bool needed = !one.needed_by.empty();
    rows.push_back(
        {fmt::format("event {}: {}", one.event + 1, tell(trace.events[one.event], names)),
         fmt::format("{} of {}", one.needed_by.size(), personas),
         needed         ? fmt::format("needed, as on {}", one.needed_by.front()->name)
         : one.stopped  ? "not decided: the recoveries were used up"
         : one.complete ? "no persona needs it here, exhaustive"
                        : "no persona needs it here, sampled"});
  }
  for (size_t i = 1; i < rows.size(); ++i)
    fmt::print(out, "{}", folded(fmt::format("{}: {} ({})", rows[i][0], rows[i][2], rows[i][1])));
  if (personas == 0)
    fmt::print(out,
               "Whether a sync is needed shows where the promise holds: here it does nowhere.\n");
  else if (syncs.empty())
    fmt::print(out, "There is no sync in it.\n");
}

ordered_json to_json(const TraceStudy& study, const std::vector<TriedSync>& syncs) {
  ordered_json rows = ordered_json::array();
  for (const TriedSync& one : syncs) {
    ordered_json needed = ordered_json::array();
    for (const faults::Persona* by : one.needed_by) needed.push_back(by->name);
    rows.push_back({{"event", one.event + 1},
                    {"needed_by", needed},
                    {"evidence", one.complete  ? "exhaustive"
                                 : one.stopped ? "not decided"
                                               : "sampled"}});
  }
  ordered_json result = {{"version", POWERCUT_VERSION},
                         {"verb", "fences"},
                         {"violations", study.all.violations()},
                         {"syncs", rows},
                         {"missing", ordered_json::array()}};
  if (study.missing) result["missing"] = to_json(study.missing->syncs);
  return result;
}

}  // namespace

int fences_of_a_trace(const TraceArguments& a, const std::string& persona, bool json,
                      const Streams& streams) {
  TraceStudy study(streams.err);
  if (const auto ready = study.prepare(a, persona); !ready.ok())
    return fail(streams, ready.error());
  if (const auto explored = study.explore(); !explored.ok()) return fail(streams, explored.error());
  // What a sync is for shows where the promise holds with it.
  TraceSpec holding = study.spec_where(true);
  holding.recoveries_most += study.outcomes.executed() + study.classes.executed();
  auto tried = holding.personas.empty() ? Result<std::vector<TriedSync>>(std::vector<TriedSync>())
                                        : try_without_each(holding, study.outcomes);
  if (!tried.ok()) return fail(streams, tried.error());
  if (json) {
    fmt::print(streams.out, "{}\n", json_text(to_json(study, tried.value())));
    return study.status();
  }
  print_syncs(streams.out, study.trace, tried.value(), holding.personas.size());
  const size_t personas = study.all.by_persona.size();
  if (study.missing)
    fmt::print(streams.out, "\nIt breaks on {} of {} personas.\n{}",
               personas - holding.personas.size(), personas, tell(*study.missing, study.trace));
  return study.status();
}

}  // namespace powercut::scenarios
