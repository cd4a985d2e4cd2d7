// Records an unmodified program: it and all that it starts run under a seccomp filter, and each call
// that changes a file below one directory is performed here, on the program's own open file. So there
// is one order over threads and processes, with real results. No root, no FUSE, no kernel module.
//
// What is recorded, what is refused, what is not seen: scenarios/record/RECORD.md.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "faults/plan.h"
#include "scenarios/trace/trace.h"

namespace powercut::scenarios {

struct RecordOptions {
  std::vector<std::string> command;
  std::string directory = ".";
  // Patterns of a shell, of paths below it or of last components: what is so called need not be kept.
  std::vector<std::string> ignore = {};
  // Files that are not the program's, by path. They need not be there.
  std::vector<std::string> left_out = {};
  // Files may be mapped shared and writable; what is written there is found by looking, now and then (MappedFiles), so that
  // nothing which is judged by the trace is exhaustive.
  bool sample_mappings = false;
  // What goes wrong meanwhile (scenarios/record/call_faults.h).
  faults::Plan faults = {};
  // It runs in the directory, with no standard streams.
  bool in_background = false;
  uint64_t limit_ms = 0;  // that it may take; nought: all there is
  // What is to be known before it begins, a line each.
  std::function<void(const std::string&)> say = {};
};

struct Recording {
  Trace trace;
  int status = 0;                    // of the command; beyond 128, a signal
  std::vector<std::string> remarks;  // a line each
  bool unmodelled = false;           // something was done that the disk has no model of
};

// Runs the command to its end; what it has started and left behind is ended then. The caller's standard
// input, output and error are its own. REQUIRES: the process has one thread.
//   Errors: kInvalid: there is no such command, or directory. kUnsupported: this kernel, or who may do
//   what on it, does not let it be recorded; or the program does what cannot be: the line says what.
//   kCorrupt: the trace does not lead to the directory that is there: something changed it unseen.
Result<Recording> record(const RecordOptions& options);

}  // namespace powercut::scenarios
