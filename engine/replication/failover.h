// FAILOVER: a master hands over to one of its replicas, and follows it, so that nothing is lost on the way: writes wait, the
// replica confirms all there is, and is asked to take over by the PSYNC that makes its old master its replica.
//
//   state     what it means                                          goes on to
//   --------  -----------------------------------------------------  -----------------------------------------------------
//   none      nobody has asked for it                                waiting
//   waiting   writes wait until a replica has confirmed all          handing: one has, or it is forced; none: given up
//   handing   the replica is asked to take over                      none: it has; or not, and this store is a master again
//
// Whoever is killed in between leaves what a kill of a master, or of a replica, leaves: two masters at most for as long as
// nobody tells one of them to follow the other.
//
// Source: Redis 7.0, FAILOVER as its documentation says, and PSYNC ... FAILOVER as its wire protocol shows it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "engine/command/client.h"
#include "engine/command/control.h"
#include "engine/replication/master.h"
#include "engine/replication/replica.h"

namespace powercut::engine {

class Failover {
 public:
  // What it needs of the store.
  struct Store {
    std::function<void(const std::string& host, int port)> hand_over;
    std::function<void()> take_back;  // it is a master again, under another identity
    std::function<void(std::string_view)> log_line;
  };
  Failover(Os& os, Executor& executor, Master& master, Replica& replica, Store store)
      : os_(os),
        executor_(executor),
        master_(master),
        replica_(replica),
        store_(std::move(store)) {}

  // Begins one. Errors: kRefused: as Redis words it.
  Result<void> begin(FailoverWish wish);
  // Gives it up. Errors: kRefused: there is none.
  Result<void> abort();
  // As INFO says it.
  std::string_view state() const;

 private:
  enum class State : unsigned char { kNone, kWaiting, kHanding };
  Result<void> check(const FailoverWish& wish) const;
  bool is_meant(const Client& client) const;
  const Client* ready() const;
  void run();
  bool wait_for_one();
  void hand_over();

  Os& os_;
  Executor& executor_;
  Master& master_;
  Replica& replica_;
  const Store store_;
  FailoverWish wish_;
  State state_ = State::kNone;
  bool aborted_ = false;
};

}  // namespace powercut::engine
