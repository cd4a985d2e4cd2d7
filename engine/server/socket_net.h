// The seam to other machines (engine/os/net.h) over TCP. Names are looked up while everything else stands still: an
// address costs nothing.
#pragma once

#include "engine/os/net.h"
#include "engine/os/posix/posix_os.h"

namespace powercut::engine {

class SocketNet final : public Net {
 public:
  explicit SocketNet(PosixOs& os) : os_(os) {}
  Result<std::unique_ptr<Link>> connect(const std::string& host, int port,
                                        Instant deadline) override;
  Result<std::unique_ptr<Listener>> listen(const std::string& host, int port) override;

 private:
  PosixOs& os_;
};

}  // namespace powercut::engine
