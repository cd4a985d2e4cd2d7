// Plays a trace on the simulated disk, one event after the other.
//
// A symbolic link is there a file whose content says so: it comes with its name, as a short one does
// that stands in its inode.
//
// A sync that failed leaves what a failed one leaves on that persona (sim/sync.h). Where the model reports late, the
// report is taken for this one's: the program has seen it. What it read of the file since is what it had written, so
// no page is evicted.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "scenarios/trace/trace.h"
#include "sim/crash_images.h"
#include "sim/disk.h"

namespace powercut::scenarios {

class Replay {
 public:
  // What was there before is durable. The trace must outlive this.
  //   Errors: kCorrupt: what is said of the beginning cannot be.
  static Result<Replay> begin(const Trace& trace, const sim::PersonaRules& rules);

  // `between` is called in the middle of the event, where the power may be cut there as well and it
  // matters: between the blocks of a write that goes through at once.
  //   Errors: kUnsupported: the disk has no model of it; kCorrupt: it cannot be.
  Result<void> step(const TraceEvent& event, const std::function<void()>& between = {});

  const sim::Disk& disk() const { return disk_; }

 private:
  explicit Replay(const sim::PersonaRules& rules) : disk_(rules) {}
  Result<void> place(const TraceFile& file);
  // None: it is gone, with its last name.
  std::optional<sim::InodeId> inode_of(uint64_t file) const;
  sim::InodeId add_nameless();
  Result<void> link(sim::InodeId inode, const std::string& path);
  Result<void> symlink(const std::string& path, const std::string& target);
  Result<void> change_name(const TraceEvent& event);
  Result<void> change_file(const TraceEvent& event, const std::function<void()>& between);
  void write(sim::InodeId file, uint64_t offset, std::string_view bytes,
             const std::function<void()>& between);
  Result<void> sync(const TraceEvent& event);
  void sync_all(uint64_t number);
  void fail(const sim::SyncTicket& ticket);
  void close_all();
  void forget_gone();

  sim::Disk disk_;
  std::map<uint64_t, sim::InodeId> files_;  // by number
  std::map<uint64_t, std::vector<sim::SyncTicket>> syncs_;
};

// What stands in the content of a symbolic link: where it leads. None: it is a file.
std::optional<std::string> symlink_target(std::string_view content);

}  // namespace powercut::scenarios
