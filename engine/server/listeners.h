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
  ~Listeners();

  struct Listener {
    int fd;
    bool tls;
  };
  std::vector<Listener> all() const;
  const std::vector<std::string>& names() const { return names_; }

 private:
  Result<void> listen(PosixOs& os, const ServiceConfig& config, int port, bool tls);
  Result<void> listen(PosixOs& os, const std::string& address, int& port, int backlog, bool tls);

  struct Socket {
    Descriptor fd;
    bool tls;
  };
  std::vector<Socket> sockets_;
  std::vector<std::string> names_;
  std::string unix_socket_;
};

}  // namespace powercut::engine
