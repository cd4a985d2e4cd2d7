// TLS by OpenSSL, between a socket and its connection. What it decrypts is fed to sessions as what a plain socket gives.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/config.h"
#include "engine/server/tcp.h"

struct ssl_st;

namespace powercut::engine {

// One connection's. The handshake is part of the first receive() and send().
class TlsChannel {
 public:
  ~TlsChannel();
  TlsChannel(const TlsChannel&) = delete;

  // As receive() and send_some() of engine/server/tcp.h.
  Io receive(char* out, size_t size, size_t& count);
  Io send(std::string_view data, size_t& count);
  // Why it is closed, as OpenSSL says it; empty: it does not, or it is open.
  const std::string& trouble() const { return trouble_; }
  // It goes on when the socket can be written, though nobody has anything to send.
  bool wants_write() const { return wants_write_; }

 private:
  friend class TlsContext;
  struct Connection;
  explicit TlsChannel(std::unique_ptr<Connection> connection);
  Io outcome(int result, size_t& count);

  std::unique_ptr<Connection> connection_;
  bool wants_write_ = false;
  std::string trouble_;
};

// Certificate, key and whom to trust, for all of them.
class TlsContext {
 public:
  // Reads the files of tls-cert-file, tls-key-file, tls-ca-cert-file, tls-ca-cert-dir.
  //   Errors: kInvalid: the directive, its file, and OpenSSL's reason.
  static Result<std::unique_ptr<TlsContext>> open(const TlsConfig& config);
  // Of a replica: the certificate that it shows, if there is one, and whom it trusts. As with Redis the master's
  // certificate must be signed by one of those, and may be of any name.
  //   Errors: as open().
  static Result<std::unique_ptr<TlsContext>> open_client(const TlsConfig& config);
  ~TlsContext();

  // The server's end of an accepted socket, which it does not own; the client's of a connected one. nullptr: out of memory.
  std::unique_ptr<TlsChannel> accept(int fd) const;
  std::unique_ptr<TlsChannel> connect(int fd) const;

 private:
  struct Library;
  explicit TlsContext(std::unique_ptr<Library> library);
  std::unique_ptr<TlsChannel> channel(int fd, void (*begin)(ssl_st*)) const;
  std::unique_ptr<Library> library_;
};

}  // namespace powercut::engine
