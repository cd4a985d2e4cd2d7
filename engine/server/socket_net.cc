#include "engine/server/socket_net.h"

#include <fmt/format.h>

#include "engine/server/tcp.h"
#include "engine/server/tls.h"

namespace powercut::engine {

namespace {

constexpr int kBacklog = 64;

Error timed_out(std::string_view what, std::string_view other) {
  return {Errc::kTimeout, fmt::format("{} {}: nothing came in time", what, other)};
}

class SocketLink final : public Link {
 public:
  // `tls` null: in plain.
  SocketLink(PosixOs& os, Descriptor fd, std::string other, std::unique_ptr<TlsChannel> tls)
      : os_(os), fd_(std::move(fd)), other_(std::move(other)), tls_(std::move(tls)) {}

  Result<size_t> receive(char* out, size_t size, Instant deadline) override {
    for (;;) {
      size_t count = 0;
      switch (tls_ ? tls_->receive(out, size, count)
                   : engine::receive(fd_.get(), out, size, count)) {
        case Io::kDone:
          return count;
        case Io::kClosed:
          if (tls_ && !tls_->trouble().empty()) return broken();
          return size_t{0};
        case Io::kBroken:
          return broken();
        case Io::kWouldBlock:
          if (!wait(false, deadline)) return timed_out("receive from", other_);
      }
    }
  }

  Result<size_t> send(std::string_view data, Instant deadline) override {
    if (data.empty()) return size_t{0};
    for (;;) {
      size_t count = 0;
      switch (gone_  ? Io::kBroken
              : tls_ ? tls_->send(data, count)
                     : send_some(fd_.get(), data, count)) {
        case Io::kDone:
          return count;
        case Io::kClosed:
        case Io::kBroken:
          return broken();
        case Io::kWouldBlock:
          if (wait(true, deadline)) continue;
          if (tls_ == nullptr) return timed_out("send to", other_);
          gone_ =
              true;  // a record of these bytes may have been begun, and must be ended with the same
          return broken();
      }
    }
  }

 private:
  // TLS may want the other direction meanwhile.
  bool wait(bool to_send, Instant deadline) {
    const bool writable = tls_ ? tls_->wants_write() : to_send;
    return writable ? os_.wait_writable(fd_.get(), deadline)
                    : os_.wait_readable(fd_.get(), deadline);
  }
  Error broken() const {
    const std::string why = tls_ ? tls_->trouble() : std::string();
    return {Errc::kIo, why.empty() ? fmt::format("the link to {} is broken", other_)
                                   : fmt::format("TLS with {}: {}", other_, why)};
  }

  PosixOs& os_;
  const Descriptor fd_;
  const std::string other_;
  const std::unique_ptr<TlsChannel> tls_;  // before the socket is closed
  bool gone_ = false;
};

class SocketListener final : public Listener {
 public:
  SocketListener(PosixOs& os, Descriptor fd) : os_(os), fd_(std::move(fd)) {}

  Result<std::unique_ptr<Link>> accept(Instant deadline) override {
    for (;;) {
      auto accepted = accept_from(fd_.get());
      if (accepted.ok()) {
        std::string other = peer_name(accepted->get());
        return std::unique_ptr<Link>(
            std::make_unique<SocketLink>(os_, std::move(*accepted), std::move(other), nullptr));
      }
      if (accepted.error().code != Errc::kNotFound)
        return Error{Errc::kIo, accepted.error().message};
      if (!os_.wait_readable(fd_.get(), deadline))
        return timed_out("accept at", local_name(fd_.get()));
    }
  }
  int port() const override { return local_port(fd_.get()); }

 private:
  PosixOs& os_;
  const Descriptor fd_;
};

}  // namespace

Result<std::unique_ptr<Link>> SocketNet::connect(const std::string& host, int port,
                                                 Instant deadline) {
  TRY_ASSIGN(auto fd, begin_to_connect(host, port));
  const std::string other = fmt::format("{}:{}", host, port);
  if (!os_.wait_writable(fd.get(), deadline)) return timed_out("connect to", other);
  TRY(connected(fd.get(), host, port));
  std::unique_ptr<TlsChannel> tls;
  if (tls_ != nullptr && (tls = tls_->connect(fd.get())) == nullptr)
    return Error{Errc::kIo, fmt::format("TLS with {}: out of memory", other)};
  return std::unique_ptr<Link>(
      std::make_unique<SocketLink>(os_, std::move(fd), other, std::move(tls)));
}

Result<std::unique_ptr<Listener>> SocketNet::listen(const std::string& host, int port) {
  TRY_ASSIGN(auto fd, listen_on(host, port, kBacklog));
  return std::unique_ptr<Listener>(std::make_unique<SocketListener>(os_, std::move(fd)));
}

}  // namespace powercut::engine
