// Requests at a fixed rate, whether they are answered or not. Each wait counts from the moment at which its request was due,
// so that a server that stops for a second is charged with all that should have been sent meanwhile.
//
//   powercut-load PORT RATE SECONDS CONNECTIONS VALUE_BYTES KEYS [FILE]
//
// prints one line: sent,answered,errors,per_second,p50_us,p99_us,p999_us,max_us. RATE 0: each connection sends when it is
// answered, as fast as it goes; then waits are of that kind, and only per_second means something.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <deque>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/check.h"
#include "engine/base/time.h"

namespace powercut {
namespace {

Instant now() {
  return {std::chrono::duration_cast<std::chrono::nanoseconds>(
              std::chrono::steady_clock::now().time_since_epoch())
              .count()};
}

struct Arguments {
  uint16_t port;
  int64_t rate;
  int64_t seconds;
  size_t connections;
  size_t value_bytes;
  uint64_t keys;
  const char*
      file;  // for a line a reply, in the order of their coming: due and answered, us since 1970; or null
};

struct Connection {
  int fd = -1;
  std::string unsent;
  std::deque<Instant> due;  // of what is not answered
};

class Load {
 public:
  explicit Load(const Arguments& arguments)
      : arguments_(arguments), value_(arguments.value_bytes, 'x') {
    for (size_t i = 0; i < arguments.connections; ++i) {
      Connection& connection = connections_.emplace_back();
      connection.fd = connect_to(arguments.port);
      polls_.push_back({connection.fd, POLLIN, 0});
    }
  }

  void run() {
    begin_ = now();
    const Instant end = begin_ + seconds(arguments_.seconds);
    // What was due is waited for, but not for ever.
    const Instant last = end + seconds(60);
    while (now() < end || (outstanding() && now() < last)) {
      if (now() < end) send_due();
      wait(now() < end);
    }
    ended_ = std::min(now(), end);
    if (arguments_.file != nullptr) write_replies();
  }

  void print() {
    std::sort(waits_us_.begin(), waits_us_.end());
    CHECK(!waits_us_.empty());
    const auto at = [&](size_t per_mille) {
      return waits_us_[std::min(waits_us_.size() - 1, waits_us_.size() * per_mille / 1000)];
    };
    const auto taken_us = static_cast<uint64_t>((ended_ - begin_).ns / 1000);
    fmt::print("{},{},{},{},{},{},{},{}\n", sent_, waits_us_.size(), errors_,
               waits_us_.size() * 1'000'000 / taken_us, at(500), at(990), at(999),
               waits_us_.back());
  }

 private:
  static int connect_to(uint16_t port) {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    const int on = 1;
    CHECK(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0);
    return fd;
  }

  void write_replies() const {
    const int64_t unix_ns = std::chrono::duration_cast<std::chrono::nanoseconds>(
                                std::chrono::system_clock::now().time_since_epoch())
                                .count() -
                            now().ns;
    std::ofstream file(arguments_.file);
    for (const auto& [due, at] : replies_)
      file << fmt::format("{} {}\n", (due.ns + unix_ns) / 1000, (at.ns + unix_ns) / 1000);
    CHECK(file.good());
  }

  bool outstanding() const {
    return std::any_of(connections_.begin(), connections_.end(),
                       [](const Connection& one) { return !one.due.empty(); });
  }

  Instant due_at(uint64_t number) const {
    const auto n = static_cast<int64_t>(number);
    return begin_ + seconds(n / arguments_.rate) +
           nanoseconds(n % arguments_.rate * 1'000'000'000 / arguments_.rate);
  }

  void send_due() {
    if (arguments_.rate == 0) {
      for (Connection& connection : connections_)
        if (connection.due.empty()) request(connection, now());
      return;
    }
    for (; due_at(sent_) <= now();)
      request(connections_[sent_ % connections_.size()], due_at(sent_));
  }

  void request(Connection& connection, Instant due) {
    // Spread over the keys, the same in every run.
    const std::string key = fmt::format("key:{:010}", sent_ * 2'654'435'761u % arguments_.keys);
    connection.unsent += fmt::format("*3\r\n$3\r\nSET\r\n${}\r\n{}\r\n${}\r\n{}\r\n", key.size(),
                                     key, value_.size(), value_);
    connection.due.push_back(due);
    ++sent_;
    flush(connection);
  }

  static void flush(Connection& connection) {
    const ssize_t n = send(connection.fd, connection.unsent.data(), connection.unsent.size(),
                           MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n > 0) connection.unsent.erase(0, static_cast<size_t>(n));
    CHECK(n >= 0 || errno == EAGAIN);
  }

  void wait(bool sending) {
    Duration most = milliseconds(10);
    if (sending && arguments_.rate > 0) most = std::clamp(due_at(sent_) - now(), Duration{0}, most);
    const timespec timeout{0, most.ns};
    for (size_t i = 0; i < polls_.size(); ++i)
      polls_[i].events =
          static_cast<short>(connections_[i].unsent.empty() ? POLLIN : POLLIN | POLLOUT);
    if (ppoll(polls_.data(), polls_.size(), &timeout, nullptr) <= 0) return;
    for (size_t i = 0; i < polls_.size(); ++i) {
      if (polls_[i].revents & POLLOUT) flush(connections_[i]);
      if (polls_[i].revents & POLLIN) take(connections_[i]);
    }
  }

  void take(Connection& connection) {
    char bytes[65536];
    const ssize_t n = recv(connection.fd, bytes, sizeof bytes, MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN) return;
    CHECK(n > 0);
    const Instant at = now();
    for (ssize_t i = 0; i < n; ++i) {
      // A reply is a line.
      if (bytes[i] == '-') ++errors_;
      if (bytes[i] != '\n') continue;
      waits_us_.push_back((at - connection.due.front()).ns / 1000);
      replies_.emplace_back(connection.due.front(), at);
      connection.due.pop_front();
    }
  }

  Arguments arguments_;
  std::string value_;
  std::vector<Connection> connections_;
  std::vector<pollfd> polls_;
  std::vector<int64_t> waits_us_;
  std::vector<std::pair<Instant, Instant>> replies_;
  Instant begin_;
  Instant ended_;
  uint64_t sent_ = 0;
  uint64_t errors_ = 0;
};

}  // namespace
}  // namespace powercut

int main(int argc, char** argv) {
  if (argc != 7 && argc != 8) {
    fmt::print(stderr, "usage: {} PORT RATE SECONDS CONNECTIONS VALUE_BYTES KEYS [FILE]\n",
               argv[0]);
    return 2;
  }
  const auto number = [&](int i) { return std::strtoull(argv[i], nullptr, 10); };
  powercut::Load load({static_cast<uint16_t>(number(1)), static_cast<int64_t>(number(2)),
                       static_cast<int64_t>(number(3)), number(4), number(5), number(6),
                       argc == 8 ? argv[7] : nullptr});
  load.run();
  load.print();
}
