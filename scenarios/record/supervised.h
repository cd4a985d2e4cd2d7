// A command that runs under a seccomp filter, and all that it starts: this process is asked about its calls.
#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "scenarios/record/fd.h"
#include "scenarios/record/hand_over.h"

namespace powercut::scenarios {

// What the caller of a system call gets.
struct CallAnswer {
  enum Kind : uint8_t { kContinue, kValue, kError, kLater };  // kLater: somebody else answers
  Kind kind = kContinue;
  int64_t value = 0;  // kError: errno
};
inline CallAnswer let_run() { return {CallAnswer::kContinue, 0}; }
inline CallAnswer answer_with(int64_t value) { return {CallAnswer::kValue, value}; }
inline CallAnswer fail_with(int error) { return {CallAnswer::kError, error}; }

// Where the caller has died meanwhile, nobody is told.
void send_answer(int listener, uint64_t id, const CallAnswer& answer);

class Supervised {
 public:
  Supervised() = default;
  Supervised(const Supervised&) = delete;
  // Kills what is left of it. All children of this process are taken for its.
  ~Supervised();

  struct Command {
    std::vector<std::string> words;
    std::string directory = {};  // where it runs; empty: here
    bool quiet = false;          // its standard input is empty; else ours
    int out = -1;                // its standard output and error; below nought: ours
    int err = -1;
  };
  //   Errors: kUnsupported: nothing can be supervised here, and why.
  Result<void> start(const Command& command, const std::vector<sock_filter>& filter);

  int listener() const { return listener_.get(); }
  // How its open files are had where pidfd_getfd is not permitted; null: it is.
  HandOver* hand_over() { return hand_over_ ? &*hand_over_ : nullptr; }
  // Asks about each call until the command has ended. False: it was out of time (nought: it has all there is).
  bool serve(uint64_t limit_ms, const std::function<CallAnswer(const seccomp_notif&)>& answer,
             const std::function<bool()>& go_on);
  // Of the command, once it has ended: its status; beyond 128, a signal.
  int status() const { return status_; }
  bool has_ended() const { return ended_; }
  // Not nought: it could not be run at all, and errno.
  int failure() const;
  void end_all();

 private:
  struct Start;
  struct Becoming;
  [[noreturn]] static void become(const Becoming& what, Start* start);
  Result<void> take_listener();

  Start* start_ = nullptr;
  pid_t child_ = -1;
  bool ended_ = false;
  int status_ = 0;
  Fd leader_;
  Fd listener_;
  std::optional<HandOver> hand_over_;
};

}  // namespace powercut::scenarios
