// An operation as replicas read it: the commands that its log entry has, behind the database that they are for.
#pragma once

#include <string>

#include "engine/command/effects.h"

namespace powercut::engine {

class StreamEncoder {
 public:
  // Appends one operation: whole, and where it has several commands as a transaction, so that nobody applies half.
  void append(std::string& out, const Effects& effects);
  // The next operation says anew which database it is for: somebody begins to read in front of it.
  void begin_anew() { selected_db_ = -1; }

 private:
  int selected_db_ = -1;
};

}  // namespace powercut::engine
