// The server's log: lines with process, time and level, as Redis writes them.
//
// A line that cannot be written is dropped: a full disk or a reader that has gone must not end the store.
#pragma once

#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

#include "engine/base/result.h"

namespace powercut::engine {

enum class LogLevel : unsigned char { kDebug, kVerbose, kNotice, kWarning };
LogLevel log_level_named(std::string_view name);

// A line on standard error: dropped where it cannot be written, as those of the log.
void say(std::string_view line);

class ServerLog {
 public:
  // To standard output, from kNotice on.
  ServerLog() = default;

  // Appends to a file from now on; "" is standard output.
  //   Errors: the file cannot be opened; nothing has changed.
  Result<void> open(const std::string& path);
  // To the system's log from now on. `facility`: "user", "local0" to "local7".
  void open_syslog(const std::string& ident, std::string_view facility);
  void set_level(LogLevel least) { least_ = least; }
  LogLevel level() const { return least_; }

  void line(LogLevel level, std::string_view text);
  void notice(std::string_view text) { line(LogLevel::kNotice, text); }
  void warning(std::string_view text) { line(LogLevel::kWarning, text); }

 private:
  std::unique_ptr<FILE, int (*)(FILE*)> file_{nullptr, fclose};
  LogLevel least_ = LogLevel::kNotice;
  std::string ident_;  // syslog keeps no copy
  bool syslog_ = false;
};

}  // namespace powercut::engine
