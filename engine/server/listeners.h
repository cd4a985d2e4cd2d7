// The sockets that a server listens on.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/config.h"
#include "engine/os/posix/descriptor.h"
#include "engine/os/posix/posix_os.h"

namespace powercut::engine {

class Listeners {
 public:
  // On each address of `bind`, at `port` and at `tls-port`, and at `unixsocket`. A port that is taken is tried again for a while: a predecessor that
  // was killed may hold it a little longer. An address with "-" before it may be missing. Yields.
  //   Errors: the address, and why.
  static Result<std::unique_ptr<Listeners>> open(PosixOs& os, const ServiceConfig& config);
  // From now on as `config` has it, at once or not at all: where it listens already it goes on, and where it is to listen no
  // more, whoever accepts there is told (Listener::closed).
  //   Errors: the address, and why; nothing has changed.
  Result<void> change(PosixOs& os, const ServiceConfig& config);
  ~Listeners();

  struct Listener {
    std::string address;
    int port = 0;
    bool tls = false;
    bool accepted = false;  // by somebody: see all()
    bool closed = false;    // nobody is to be accepted any more
    Descriptor fd;
  };
  // Those that nobody accepts from yet. Shared with who does, since its call may be under way when the socket closes.
  std::vector<std::shared_ptr<Listener>> not_accepted();
  std::vector<std::string> names() const;

 private:
  using Sockets = std::vector<std::shared_ptr<Listener>>;
  Result<void> listen(PosixOs& os, const ServiceConfig& config, int port, bool tls,
                      Duration patience, Sockets& out);
  Result<std::shared_ptr<Listener>> listen(PosixOs& os, const std::string& address, int port,
                                           int backlog, bool tls, Duration patience);
  Result<Sockets> listen_everywhere(PosixOs& os, const ServiceConfig& config, Duration patience);

  Sockets sockets_;
  std::string unix_socket_;
};

}  // namespace powercut::engine
