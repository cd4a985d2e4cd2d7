// Another machine in the world of an Os: the same clock, scheduler and chance, and a disk of its own. The Os's own disk is
// that of the machine which the run judges; those of the others stand here.
//
// Models: latencies; a machine that loses its power or its process alone, at any moment, while the rest goes on.
// Does not model: errors of calls, a full disk, and what the kernel writes back by itself: nothing that is not synced
// survives that machine's power cut but by the disk's own choice.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/os/forwarding_os.h"
#include "sim/disk.h"

namespace powercut::sim {

class NodeOs final : public engine::ForwardingOs {
 public:
  // `host` outlives it.
  NodeOs(engine::Os& host, Disk disk) : ForwardingOs(host), disk_(std::move(disk)) {}

  // From its next call on no task of it goes on. What they hold stays until the world ends.
  void die() { dead_ = true; }
  // What it leaves, for the machine that starts again: of a process that was killed, or with the power cut.
  Disk left(bool power_cut);

  Result<std::unique_ptr<engine::File>> open(std::string_view path, engine::Open mode) override;
  Result<void> rename(std::string_view from, std::string_view to) override;
  Result<void> link(std::string_view existing, std::string_view name) override;
  Result<void> remove(std::string_view path) override;
  Result<void> make_directory(std::string_view path) override;
  Result<std::vector<std::string>> list(std::string_view path) override;
  Result<void> sync_directory(std::string_view path, Site fence) override;
  bool park(Instant deadline) override;

 private:
  friend class NodeFile;
  // Takes its time. Of a machine that has died it never returns.
  void pass(Duration latency);
  Duration sync_latency();
  Disk disk_;
  bool dead_ = false;
};

}  // namespace powercut::sim
