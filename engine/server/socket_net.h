// The seam to other machines (engine/os/net.h) over TCP, and over TLS to where it connects. Names are looked up while everything else stands still: an
// address costs nothing.
#pragma once

#include "engine/os/net.h"
#include "engine/os/posix/posix_os.h"

namespace powercut::engine {

class TlsContext;

class SocketNet final : public Net {
 public:
  explicit SocketNet(PosixOs& os) : os_(os) {}
  // Links that are made from now on are TLS; the handshake is part of what is sent and received first. `client` outlives
  // them.
  void set_tls(const TlsContext* client) { tls_ = client; }
  Result<std::unique_ptr<Link>> connect(const std::string& host, int port,
                                        Instant deadline) override;
  Result<std::unique_ptr<Listener>> listen(const std::string& host, int port) override;

 private:
  PosixOs& os_;
  const TlsContext* tls_ = nullptr;
};

}  // namespace powercut::engine
