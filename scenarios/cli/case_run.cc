#include "scenarios/cli/case_run.h"

#include <filesystem>

namespace powercut::scenarios {

namespace fs = std::filesystem;

Result<void> run_case_file(const std::string& file, const std::string& text, TraceStudy& study,
                           CaseRun& run) {
  TRY_ASSIGN(run.stated, parse_trace_case(text, file));
  const TraceCase& stated = run.stated;
  const auto beside = [&](const std::string& name) {
    return (fs::path(file).parent_path() / name).string();
  };
  TraceArguments arguments;
  arguments.trace = beside(stated.first.trace);
  arguments.recover = stated.recover;
  arguments.observe = stated.observe;
  arguments.check = stated.check;
  arguments.ack = stated.ack;
  arguments.lost_most = stated.lost_most;
  arguments.window_ms = stated.window_ms;
  arguments.limit_s = stated.limit_s;
  TRY(study.prepare(arguments, std::string(stated.persona->name)));
  if (stated.second) {
    TRY_ASSIGN(run.recovery, read_trace(beside(stated.second->trace)));
  }
  TRY_ASSIGN(run.account, run_case(stated, study.spec, &run.recovery, study.outcomes));
  run.seen = print(stated, run.account, study.spec, study.outcomes);
  return {};
}

}  // namespace powercut::scenarios
