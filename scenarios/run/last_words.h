// If a CHECK fails or memory is misused in the middle of a run, the process ends; its last words
// are the command that runs into it again.
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

// From now on the process ends with status 4 and one line, instead of a core dump.
void speak_last_words(const std::string& program);

}  // namespace powercut::scenarios
