// A recovery as a real process: an image is written out as a directory on a memory filesystem, commands
// run in it, and what they print is what there is to see. Never in the user's directory.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "scenarios/trace/judge.h"
#include "sim/lazy_disk.h"

namespace powercut::scenarios {

struct RecoveryCommands {
  std::string recover = {};              // empty: nothing is to be recovered
  std::string observe = {};              // empty: what `recover` prints is observed
  std::string check = {};                // empty: there is none; else its status alone counts
  uint64_t limit_ms = 10'000;            // of each command
  std::vector<std::string> ignore = {};  // files that need not be kept, where it is recorded
};

// Makes the directory, and removes it at the end. Each image is recovered twice; what is not the same
// twice is `unsteady`.
class RecoveryProcess {
 public:
  // `modes`: those of files and directories that are not 0644 and 0755, by path.
  //   Errors: kIo, kNoSpace: there is no place for it.
  static Result<RecoveryProcess> begin(RecoveryCommands commands,
                                       std::map<std::string, uint64_t> modes);
  RecoveryProcess(RecoveryProcess&& other) noexcept;
  ~RecoveryProcess();

  ImageOutcome run(const sim::Disk& disk) const;
  // The same of an image that is settled as it is looked at (scenarios/record/looks.h), run once. None: it
  // looks at something else than before, or cannot be followed.
  std::optional<ImageOutcome> run(sim::LazyDisk& lazy, sim::Disk disk,
                                  const std::set<std::string>& symlinks) const;
  // What the first of the commands does to that disk, recorded.
  //   Errors: those of record(); kUnsupported: it is out of time, or does what cannot be recorded.
  Result<Trace> recorded(const sim::Disk& disk) const;
  // The commands, in a directory that is there. Run once.
  static ImageOutcome run_in(const RecoveryCommands& commands, const std::string& directory);
  // For people: the disk as files, there to stay.
  //   Errors: kIo.
  static Result<void> write_out(const sim::Disk& disk, const std::string& directory,
                                const std::map<std::string, uint64_t>& modes);

 private:
  RecoveryProcess() = default;
  ImageOutcome run_once(const sim::Disk& disk) const;
  Result<std::string> place(const sim::Disk& disk) const;  // the directory

  RecoveryCommands commands_;
  std::map<std::string, uint64_t> modes_;
  std::string root_;
};

// Every path that may lead to a symbolic link.
std::set<std::string> symlinks_of(const Trace& trace);
// The newest of each path.
std::map<std::string, uint64_t> modes_of(const Trace& trace);

}  // namespace powercut::scenarios
