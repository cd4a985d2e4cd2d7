// Writes RESP2 replies (https://redis.io/docs/reference/protocol-spec/) into a buffer, and counts
// whether what was written is one whole reply: a client that is told of three elements and gets two
// takes the next reply for the third.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace powercut::engine {

class Reply {
 public:
  explicit Reply(std::string& out) : out_(out), start_(out.size()) {}

  void ok() {
    out_ += "+OK\r\n";
    --owed_;
  }
  void simple(std::string_view text);
  // `message` with its code: "ERR no such key". Line breaks become spaces.
  void error(std::string_view message);
  void integer(int64_t n);
  void bulk(std::string_view bytes);
  void null() {
    out_ += "$-1\r\n";
    --owed_;
  }
  void null_array() {
    out_ += "*-1\r\n";
    --owed_;
  }
  void array(size_t count);
  // A double as a bulk string, formatted as Redis 7.0 does in RESP2 (%.17g; inf, -inf).
  void number(double value);
  // Drops what was written since construction.
  void reset() {
    out_.resize(start_);
    failed_ = false;
    owed_ = 1;
  }

  // True once error() was called.
  bool failed() const { return failed_; }
  size_t length() const { return out_.size() - start_; }
  // One reply was written, with as many elements as its arrays announce.
  bool complete() const { return owed_ == 0; }
  // For an array whose count is known only later: remember begin_deferred(), then end_deferred(mark, count).
  size_t begin_deferred() const { return out_.size(); }
  void end_deferred(size_t mark, size_t count);

 private:
  std::string& out_;
  size_t start_;
  int64_t owed_ = 1;  // values announced, or begun, and not written yet
  bool failed_ = false;
};

}  // namespace powercut::engine
