// What goes wrong with a program's calls while it is recorded: the words of a fault plan (faults/plan.h), counted over
// the calls on recorded files that are performed. The program sees the error.
//
//   eio@sync:3        the fourth sync of a file fails with EIO; it is not done. `fsync` says the same
//   enospc@write:0    nothing of the first write is written
//   short@write       some writes write less than they were asked to
//   denied@rename:0   it happens, and fails with EIO
//
// A call is counted as the seam's kind of it: truncate is fallocate as well, link is symlink, remove is rmdir, open is one
// that creates, empties or writes; sync_directory is the sync of one. What a failed sync leaves is the persona's say,
// when the trace is played (scenarios/trace/replay.h).
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "faults/plan_injector.h"
#include "sim/choices.h"

namespace powercut::scenarios {

//   Errors: kInvalid: one line: the word, and why it is none here.
Result<faults::Plan> parse_call_faults(const std::string& text);

class CallFaults {
 public:
  explicit CallFaults(const faults::Plan& plan);
  CallFaults(const CallFaults&) = delete;

  // What befalls this call; `size`: that a write was asked for.
  sim::Injection ask(sim::Op op, std::string_view path, uint64_t size);
  // Words that struck nothing.
  std::vector<std::string> idle() const;

 private:
  struct One {
    faults::Plan plan;
    std::unique_ptr<faults::PlanInjector> injector;
  };
  sim::SeededChoices choices_{1};
  Instant now_{};
  uint64_t calls_ = 0;
  std::vector<One> all_;
};

// "EIO", as the number and as its name.
int errno_of(Errc error);
std::string errno_name(int error);

}  // namespace powercut::scenarios
