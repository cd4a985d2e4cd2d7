// Writes replies (https://redis.io/docs/reference/protocol-spec/) into a buffer, in RESP2 or RESP3, and counts
// whether what was written is one whole reply: a client that is told of three elements and gets two
// takes the next reply for the third.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/check.h"

namespace powercut::engine {

class Reply {
 public:
  // `protocol` is 2 or 3.
  explicit Reply(std::string& out, int protocol = 2)
      : out_(out), start_(out.size()), resp3_(protocol == 3) {}
  bool resp3() const { return resp3_; }
  // What is written from now on.
  void speak(int protocol) { resp3_ = protocol == 3; }

  void ok() {
    out_ += std::string_view("+OK\r\n");  // not with its length to be counted at each write
    --owed_;
  }
  void simple(std::string_view text);
  // `message` with its code: "ERR no such key". Line breaks become spaces.
  void error(std::string_view message);
  void integer(int64_t n);
  void bulk(std::string_view bytes);
  void null() {
    out_ += resp3_ ? "_\r\n" : "$-1\r\n";
    --owed_;
  }
  void null_array() {
    out_ += resp3_ ? "_\r\n" : "*-1\r\n";
    --owed_;
  }
  void array(size_t count) { aggregate('*', count, count); }
  // Keys and values, in turn; in RESP2 an array of both.
  void map(size_t entries) {
    aggregate(resp3_ ? '%' : '*', resp3_ ? entries : 2 * entries, 2 * entries);
  }
  // In no order; in RESP2 an array.
  void set(size_t count) { aggregate(resp3_ ? '~' : '*', count, count); }
  // So many pairs: in RESP2 one array of all, in RESP3 an array of arrays. Call pair() before each.
  void pairs(size_t count) { array(resp3_ ? count : 2 * count); }
  void pair() {
    if (resp3_) array(2);
  }
  // What nobody asked for, or who listens; in RESP2 an array.
  void push(size_t count) { aggregate(resp3_ ? '>' : '*', count, count); }
  // Stands before a reply in RESP3: so many keys and values, in turn, that say something of it.
  void attribute(size_t entries) {
    CHECK(resp3_);
    aggregate('|', entries, 2 * entries);
    ++owed_;  // it is no value itself
  }
  void boolean(bool value) {
    if (!resp3_) return integer(value ? 1 : 0);
    out_ += value ? "#t\r\n" : "#f\r\n";
    --owed_;
  }
  // A whole number of any length; in RESP2 a bulk string.
  void big_number(std::string_view digits);
  // So many replies in all, not one: SUBSCRIBE answers for each channel.
  void several(size_t replies) { owed_ += static_cast<int64_t>(replies) - 1; }
  // One whole reply, in the protocol that is spoken, written elsewhere.
  void whole(std::string_view reply) {
    CHECK(!reply.empty());
    failed_ |= reply.front() == '-';
    out_ += reply;
    --owed_;
  }
  // Text for people; in RESP2 a bulk string.
  void verbatim(std::string_view text);
  // Formatted as Redis 7.0 does (%.17g; inf, -inf); in RESP2 a bulk string.
  void number(double value);
  // The same, as written already; a decimal number.
  void number_as(std::string_view digits);
  // Drops what was written since construction.
  void reset() {
    out_.resize(start_);
    failed_ = false;
    owed_ = 1;
  }

  // True once error() was called.
  bool failed() const { return failed_; }
  // What was written.
  std::string_view text() const { return std::string_view(out_).substr(start_); }
  size_t length() const { return out_.size() - start_; }
  // One reply was written, with as many elements as its arrays announce.
  bool complete() const { return owed_ == 0; }
  // For an array whose count is known only later: remember begin_deferred(), then end_deferred(mark, count).
  size_t begin_deferred() const { return out_.size(); }
  void end_deferred(size_t mark, size_t count) { insert(mark, '*', count, count); }
  void end_deferred_set(size_t mark, size_t count) {
    insert(mark, resp3_ ? '~' : '*', count, count);
  }
  // In RESP3 alone.
  void end_deferred_map(size_t mark, size_t entries) {
    CHECK(resp3_);
    insert(mark, '%', entries, 2 * entries);
  }

 private:
  // `count` in its header, and `values` that it announces.
  void aggregate(char marker, size_t count, size_t values);
  void insert(size_t mark, char marker, size_t count, size_t values);

  std::string& out_;
  size_t start_;
  int64_t owed_ = 1;  // values announced, or begun, and not written yet
  bool resp3_;
  bool failed_ = false;
};

}  // namespace powercut::engine
