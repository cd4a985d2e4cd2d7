// Writes RESP2 replies (https://redis.io/docs/reference/protocol-spec/) into a buffer.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace powercut::engine {

class Reply {
 public:
  explicit Reply(std::string& out) : out_(out), start_(out.size()) {}

  void ok() { out_ += "+OK\r\n"; }
  void simple(std::string_view text);
  // `message` with its code: "ERR no such key". Line breaks become spaces.
  void error(std::string_view message);
  void integer(int64_t n);
  void bulk(std::string_view bytes);
  void null() { out_ += "$-1\r\n"; }
  void null_array() { out_ += "*-1\r\n"; }
  void array(size_t count);
  // A double as a bulk string, formatted as Redis 7.0 does in RESP2 (%.17g; inf, -inf).
  void number(double value);
  // Drops what was written since construction.
  void reset() {
    out_.resize(start_);
    failed_ = false;
  }

  // True once error() was called.
  bool failed() const { return failed_; }
  size_t length() const { return out_.size() - start_; }
  // For an array whose count is known only later: remember begin_deferred(), then end_deferred(mark, count).
  size_t begin_deferred() const { return out_.size(); }
  void end_deferred(size_t mark, size_t count);

 private:
  std::string& out_;
  size_t start_;
  bool failed_ = false;
};

}  // namespace powercut::engine
