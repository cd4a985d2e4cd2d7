#include "engine/server/server_log.h"

#include <fmt/format.h>
#include <syslog.h>

#include <cerrno>

#include "engine/os/posix/os_error.h"
#include "engine/os/posix/process.h"

namespace powercut::engine {

LogLevel log_level_named(std::string_view name) {
  if (name == "debug") return LogLevel::kDebug;
  if (name == "verbose") return LogLevel::kVerbose;
  return name == "warning" ? LogLevel::kWarning : LogLevel::kNotice;
}

void say(std::string_view line) {
  const std::string whole = std::string(line) + "\n";
  if (fwrite(whole.data(), 1, whole.size(), stderr) != whole.size()) clearerr(stderr);
}

Result<void> ServerLog::open(const std::string& path) {
  if (path.empty()) {
    file_.reset();
    return {};
  }
  std::unique_ptr<FILE, int (*)(FILE*)> file(fopen(path.c_str(), "ae"), fclose);
  if (file == nullptr) return os_error("open the log file", path, errno);
  setvbuf(file.get(), nullptr, _IONBF, 0);
  file_ = std::move(file);
  return {};
}

void ServerLog::open_syslog(const std::string& ident, std::string_view facility) {
  ident_ = ident;
  const int number = facility == "user" ? LOG_USER : LOG_LOCAL0 + ((facility.back() - '0') << 3);
  openlog(ident_.c_str(), LOG_PID | LOG_NDELAY, number);
  syslog_ = true;
}

void ServerLog::line(LogLevel level, std::string_view text) {
  if (level < least_) return;
  if (syslog_) {
    static constexpr int kPriorities[] = {LOG_DEBUG, LOG_INFO, LOG_NOTICE, LOG_WARNING};
    return syslog(kPriorities[static_cast<size_t>(level)], "%.*s", static_cast<int>(text.size()),
                  text.data());
  }
  static constexpr char kMarks[] = {'.', '-', '*', '#'};
  const std::string whole =
      fmt::format("{}:M {} {} {}\n", process_id(), local_time_text(wall_clock_now()),
                  kMarks[static_cast<size_t>(level)], text);
  FILE* const to = file_ != nullptr ? file_.get() : stdout;
  if (fwrite(whole.data(), 1, whole.size(), to) != whole.size() || fflush(to) != 0) clearerr(to);
}

}  // namespace powercut::engine
