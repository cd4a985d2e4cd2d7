// Incremental parser of RESP2 requests and inline commands, with Redis's limits and error texts.
//
// Arguments are views into the parser's buffer. What was parsed of an incomplete command is kept,
// so no byte is looked at twice, however small the pieces are in which a request arrives.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/store/fetch_ahead.h"

namespace powercut::engine {

class RequestParser {
 public:
  enum class Outcome : unsigned char { kNeedMore, kCommand, kProtocolError };

  // Adds bytes. Views handed out by args() are invalid afterwards.
  void feed(std::string_view bytes);
  // The next complete command. kCommand: args() are valid until the next call of feed() or next().
  // kProtocolError is final: it is answered from then on. A stranger, who has yet to say the password, is let in with
  // few and short words only: what it announces costs memory.
  Outcome next(bool stranger = false);
  std::span<const std::string_view> args() const { return args_; }
  // What the next requests seek that have come whole, as far as they are written as clients write them: a guess, for who
  // fetches ahead. As many as there is room for; valid as args() are.
  std::span<const Sought> ahead(std::span<Sought, kFetchedAtOnce> room) const;
  const std::string& error() const { return error_; }  // "ERR Protocol error: ..."
  size_t buffered() const { return size_ - begin_; }
  size_t unparsed() const { return size_ - at_; }
  size_t room() const { return capacity_ - size_; }  // bytes that need no other buffer
  // Frees the buffer, if nothing is in it.
  void give_back();
  // What the parser holds, for the memory report.
  size_t memory_bytes() const { return capacity_ + args_.capacity() * sizeof(std::string_view); }

 private:
  enum class Step : unsigned char { kDone, kNeedMore, kFailed };

  Step parse_inline();
  Step parse_array_header();
  Step parse_bulk_header();
  Step parse_bulks(bool stranger);
  bool quick_header(char marker, int64_t& value);
  // Finds the line that begins at at_; `line` is without its end, which stands at `line_end`.
  Step find_line(char terminator, std::string_view too_big, size_t& line_end);
  Step fail(std::string message);
  void make_room(size_t more);
  void drop_consumed();
  void check_offsets() const;

  std::unique_ptr<char[]> data_;
  size_t capacity_ = 0;
  size_t size_ = 0;
  size_t begin_ = 0;          // the first byte not consumed
  size_t at_ = 0;             // the first byte not parsed; >= begin_
  size_t line_seen_ = 0;      // no line end stands between at_ and here
  size_t needed_ = 0;         // nothing can be parsed before the buffer has this many bytes
  uint64_t bulks_left_ = 0;   // of the array that is being parsed
  int64_t bulk_length_ = -1;  // of the bulk that is being parsed; -1: its header is not parsed yet
  std::vector<std::string_view> args_;
  std::vector<std::string> inline_args_;
  std::string error_;
};

}  // namespace powercut::engine
