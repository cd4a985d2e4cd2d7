// A file descriptor of this process, closed with its owner.
#pragma once

#include <unistd.h>

#include <string>
#include <utility>

namespace powercut::scenarios {

class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

// What the file holds now, as far as it can be read.
inline std::string contents(const Fd& file) {
  std::string text;
  char buffer[65'536];
  for (;;) {
    const ssize_t got = ::pread(file.get(), buffer, sizeof buffer, static_cast<off_t>(text.size()));
    if (got <= 0) return text;
    text.append(buffer, static_cast<size_t>(got));
  }
}

}  // namespace powercut::scenarios
