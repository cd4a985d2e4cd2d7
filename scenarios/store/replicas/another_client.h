// A client beside those of the run, which has seen all there is and asks on how many machines that is: WAIT or WAITAOF.
// Whatever it is told, also when it has waited long enough, is so.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "engine/engine.h"

namespace powercut::scenarios {

class AnotherClient {
 public:
  struct Told {
    uint64_t number;  // the last operation that there was when it asked
    bool synced;      // WAITAOF
    bool here;        // ... in the log of the one that was asked
    int64_t replicas;
  };

  // Nothing, while its last question is open or `master` runs a script.
  void ask(engine::Engine& master, const std::string& question, uint64_t number);
  // Once; nothing: it was told nothing since.
  std::optional<Told> hear();
  // Its question is open, and as many replicas as it asked for have confirmed what it has seen.
  bool is_kept_waiting(engine::Engine& master) const;

 private:
  std::unique_ptr<engine::Session> session_;
  bool asking_ = false;
  uint64_t number_ = 0;
  int64_t replicas_ = 0;  // of WAIT; -1: it has asked for what is synced
};

}  // namespace powercut::scenarios
