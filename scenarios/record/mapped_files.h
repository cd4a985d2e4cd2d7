// Recorded files that are mapped shared and writable, where that is not refused: what is written through a mapping
// is no call, so it is found by comparing what a file holds with what was seen of it. Who looks seldom sees less: in which
// order pages were written between two looks, and what was overwritten meanwhile, is not known.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "scenarios/record/fd.h"
#include "scenarios/trace/trace.h"

namespace powercut::scenarios {

class MappedFiles {
 public:
  using Log = std::function<void(TraceEvent)>;

  // From now on it is looked at. `readable`: open on it. No more than that, where it is known.
  void add(Fd readable, uint64_t file);
  bool knows(uint64_t file) const { return files_.contains(file); }
  // Logs a write of each page that is another than it was, of files that have a name.
  void look(const Log& log);
  // One of these files was changed by a call, which is in the trace.
  void changed(const TraceEvent& event);

 private:
  struct File {
    Fd readable;
    std::string seen;
  };
  std::map<uint64_t, File> files_;  // by their numbers in the trace
};

}  // namespace powercut::scenarios
