// If a CHECK fails or memory is misused in the middle of a run, or a run does not come back, the process ends; its last
// words are the command that runs into it again.
#pragma once

#include <string>

#include "scenarios/run/run.h"

namespace powercut::scenarios {

// The run that this thread is in, while it lives.
class UnderWay {
 public:
  explicit UnderWay(const RunSpec& spec);
  ~UnderWay();
};

// From now on the process ends with status 4 and one line, instead of a core dump, or of a run that takes more than so
// many seconds of processor time: a loop without an end, in the engine or in powercut, yields to nobody who could judge it.
void speak_last_words(const std::string& program, int most_seconds = 120);

}  // namespace powercut::scenarios
