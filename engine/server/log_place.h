// Where a log lies: what the check tools make of the path that they are given.
#pragma once

#include <string>

#include "engine/base/result.h"
#include "engine/config.h"

namespace powercut::engine {

struct LogPlace {
  std::string directory;  // the server's --dir
  ServiceConfig names;    // what its files are called there
  std::string file;       // only this one, in `directory`; "": the whole log
};

// A data directory, the directory of a log, its manifest, the single log of an older server beside no other, or any
// file of a log.
//   Errors: kNotFound: nothing is there, or no log in it.
Result<LogPlace> find_log(const std::string& path);

// Copies the log beside itself, and says under what name: "appendonlydir.kept", or with a number behind it.
//   Errors: kIo, kNoSpace; what was copied is gone again.
Result<std::string> keep_copy(const LogPlace& place);

}  // namespace powercut::engine
