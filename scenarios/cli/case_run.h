// A written-out cut of a recorded program (scenarios/trace/case.h), run again.
#pragma once

#include <string>

#include "engine/base/result.h"
#include "scenarios/cli/trace_study.h"
#include "scenarios/trace/case.h"

namespace powercut::scenarios {

struct CaseRun {
  TraceCase stated;
  Trace recovery;  // of the second cut, if there is one
  CaseAccount account;
  std::string seen;

  // That the last cut left.
  const sim::Disk& image() const {
    return account.cut.second ? account.cut.second->image : account.cut.image;
  }
};

// `text`: of `file`, beside which its traces stand.
//   Errors: those of parse_trace_case(), TraceStudy::prepare() and run_case().
Result<void> run_case_file(const std::string& file, const std::string& text, TraceStudy& study,
                           CaseRun& run);

}  // namespace powercut::scenarios
