// One run of a program in which syncs failed, as Linux left it, held against the simulated disk.
//
// Method: the steps are done on the disk, and what was observed (results of calls, bytes that were
// read, images of power cuts) keeps the states that it may come from: which kind of failure a sync
// met, which pages had been evicted. A run is contained if one state is left at the end.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sim/crash_images.h"
#include "sim/persona_rules.h"

namespace powercut::faults {

// Of files, by name: as in "size=8192 o*4096 ZERO*4096".
using FileContents = std::map<std::string, std::string>;

struct FailedSyncStep {
  std::string call;
  std::string result;  // empty: none was written down
};

struct FailedSyncRun {
  std::vector<FailedSyncStep> steps;
  std::map<std::string, FileContents> after_cut;  // by label
  std::optional<FileContents> after_remount;
};

struct FailedSyncProgram {
  std::string fs;
  std::string program;
  std::string variant;
  std::vector<FailedSyncRun> runs;  // distinct
};

// The first step, or shape, that we do not model; empty: none.
std::string not_modelled(const FailedSyncProgram& program);

struct ReplayedRun {
  std::string departs;  // where no state is left; empty: contained
  // By label: what a power cut may leave there, as far as it was counted.
  std::map<std::string, std::vector<sim::Image>> legal;
};
// REQUIRES: not_modelled() finds nothing.
ReplayedRun replay(const FailedSyncProgram& program, const FailedSyncRun& run,
                   const sim::PersonaRules& rules);
// The image of these files; nothing if it is not written as an image is.
std::optional<sim::Image> image_of(const FileContents& files);

}  // namespace powercut::faults
