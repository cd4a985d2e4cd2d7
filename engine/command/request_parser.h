// Incremental parser of RESP2 requests and inline commands, with Redis's limits and error texts.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace powercut::engine {

class RequestParser {
 public:
  enum class Outcome : unsigned char { kNeedMore, kCommand, kProtocolError };

  // Adds bytes. Views handed out by args() are invalid afterwards.
  void feed(std::string_view bytes);
  // The next complete command. kCommand: args() are valid until the next call of feed() or next().
  Outcome next();
  std::span<const std::string_view> args() const { return args_; }
  const std::string& error() const { return error_; }  // "ERR Protocol error: ..."
  size_t buffered() const { return buffer_.size() - begin_; }

 private:
  Outcome parse_inline(size_t line_end);
  Outcome parse_array();
  Outcome fail(std::string message);

  std::string buffer_;
  size_t begin_ = 0;   // the first byte not consumed
  size_t needed_ = 0;  // no command is complete before the buffer has this many bytes
  std::vector<std::string_view> args_;
  std::vector<std::string> inline_args_;
  std::string error_;
};

}  // namespace powercut::engine
