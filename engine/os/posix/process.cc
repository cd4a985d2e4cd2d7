#include "engine/os/posix/process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <malloc.h>
#include <signal.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "engine/os/posix/os_error.h"

namespace powercut::engine {

int process_id() { return getpid(); }

void wait_outside_tasks(Duration duration) {
  const timespec left{duration.ns / 1'000'000'000, duration.ns % 1'000'000'000};
  nanosleep(&left, nullptr);
}

WallTime wall_clock_now() {
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return {int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000};
}

std::string local_time_text(WallTime at) {
  const time_t seconds = at.unix_ms / 1000;
  tm broken{};
  localtime_r(&seconds, &broken);
  char text[40];
  const size_t length = strftime(text, sizeof text, "%d %b %Y %H:%M:%S", &broken);
  std::string whole(text, length);
  snprintf(text, sizeof text, ".%03d", static_cast<int>(at.unix_ms % 1000));
  return whole + text;
}

std::string secret_bytes(size_t count) {
  std::string bytes(count, '\0');
  size_t filled = 0;
  while (filled < count) {
    const ssize_t got = getrandom(bytes.data() + filled, count - filled, 0);
    if (got > 0) filled += static_cast<size_t>(got);
  }
  return bytes;
}

namespace {

std::string human(uint64_t bytes) {
  if (bytes < 1024) return fmt::format("{}B", bytes);
  double scaled = static_cast<double>(bytes) / 1024;
  size_t unit = 0;
  for (; scaled >= 1024 && unit < 3; ++unit) scaled /= 1024;
  return fmt::format("{:.2f}{}", scaled, "KMGT"[unit]);
}

std::string cpu_info() {
  const auto line = [](const char* name, const timeval& t) {
    return fmt::format("{}:{}.{:06d}\r\n", name, t.tv_sec, static_cast<int>(t.tv_usec));
  };
  rusage own{};
  rusage thread{};
  getrusage(RUSAGE_SELF, &own);
  getrusage(RUSAGE_THREAD, &thread);
  return line("used_cpu_sys", own.ru_stime) + line("used_cpu_user", own.ru_utime) +
         line("used_cpu_sys_children", {}) + line("used_cpu_user_children", {}) +
         line("used_cpu_sys_main_thread", thread.ru_stime) +
         line("used_cpu_user_main_thread", thread.ru_utime);
}

std::string server_info() {
  utsname system{};
  uname(&system);
  char path[PATH_MAX];
  const ssize_t length = readlink("/proc/self/exe", path, sizeof path);
  static const std::string run_id = [] {
    std::string text;
    for (const char byte : secret_bytes(20))
      text += fmt::format("{:02x}", static_cast<unsigned char>(byte));
    return text;
  }();
  return fmt::format(
      "os:{} {} {}\r\nmultiplexing_api:epoll\r\natomicvar_api:c11-builtin\r\nprocess_id:{}\r\n"
      "process_supervised:no\r\nrun_id:{}\r\nexecutable:{}\r\n",
      system.sysname, system.release, system.machine, process_id(), run_id,
      std::string_view(path, length > 0 ? static_cast<size_t>(length) : 0));
}

std::string memory_info() {
  const uint64_t page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  uint64_t pages = 0;
  if (FILE* file = fopen("/proc/self/statm", "re")) {
    (void)!fscanf(file, "%*u %lu", &pages);
    fclose(file);
  }
  rusage own{};
  getrusage(RUSAGE_SELF, &own);
  const uint64_t resident = pages * page;
  const uint64_t total = page * static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES));
  const auto heap = mallinfo2();
  const uint64_t allocated = heap.uordblks + heap.hblkhd;
  const uint64_t active = heap.arena + heap.hblkhd;
  std::string text = fmt::format(
      "used_memory_rss:{}\r\nused_memory_rss_human:{}\r\nused_memory_rss_peak:{}\r\n"
      "total_system_memory:{}\r\ntotal_system_memory_human:{}\r\nmem_allocator:libc\r\n"
      "allocator_allocated:{}\r\nallocator_active:{}\r\nallocator_resident:{}\r\n",
      resident, human(resident), static_cast<uint64_t>(own.ru_maxrss) * 1024, total, human(total),
      allocated, active, resident);
  const auto compare = [&](const char* name, uint64_t more, uint64_t less) {
    text +=
        fmt::format("{0}_ratio:{1:.2f}\r\n{0}_bytes:{2}\r\n", name,
                    static_cast<double>(more) / static_cast<double>(std::max<uint64_t>(less, 1)),
                    static_cast<int64_t>(more) - static_cast<int64_t>(less));
  };
  compare("allocator_frag", active, allocated);
  compare("allocator_rss", resident, active);
  compare("rss_overhead", resident, resident);
  compare("mem_fragmentation", resident, allocated);
  return text;
}

}  // namespace

std::string process_info(std::string_view section) {
  if (section == "cpu") return cpu_info();
  if (section == "server") return server_info();
  if (section == "memory") return memory_info();
  return {};
}

void give_back_memory() { malloc_trim(0); }

uint64_t raise_descriptor_limit(uint64_t wanted) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
  if (limit.rlim_cur >= wanted) return limit.rlim_cur;
  rlimit more = limit;
  more.rlim_cur = wanted;
  more.rlim_max = std::max<rlim_t>(limit.rlim_max, wanted);
  if (setrlimit(RLIMIT_NOFILE, &more) == 0) return wanted;
  more = limit;
  more.rlim_cur = std::min<rlim_t>(wanted, limit.rlim_max);
  return setrlimit(RLIMIT_NOFILE, &more) == 0 ? more.rlim_cur : limit.rlim_cur;
}

void keep_standard_descriptors() {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    if (fcntl(fd, F_GETFD) >= 0) continue;
    (void)!::open("/dev/null", O_RDWR);  // the lowest number that is free
  }
}

void ignore_signals() {
  signal(SIGHUP, SIG_IGN);
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);  // a limit on a file's size is a full disk like any other
}

Result<Descriptor> open_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  if (sigprocmask(SIG_BLOCK, &signals, nullptr) != 0) return os_error("sigprocmask", "", errno);
  Descriptor fd(signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC));
  if (fd.get() < 0) return os_error("signalfd", "", errno);
  return fd;
}

int take_signal(int fd) {
  signalfd_siginfo info;
  // Not retried: a spurious wake-up leaves nothing to take.
  return ::read(fd, &info, sizeof info) == sizeof info ? static_cast<int>(info.ssi_signo) : 0;
}

Result<void> go_to_background() {
  const pid_t child = fork();
  if (child < 0) return os_error("fork", "", errno);
  if (child > 0) _exit(0);
  setsid();
  const int null = ::open("/dev/null", O_RDWR);
  if (null < 0) return os_error("open", "/dev/null", errno);
  for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) dup2(null, standard);
  if (null > STDERR_FILENO) ::close(null);
  return {};
}

void notify_supervisor(const std::string& state) {
  const char* path = getenv("NOTIFY_SOCKET");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path == nullptr || (path[0] != '/' && path[0] != '@') ||
      strlen(path) > sizeof address.sun_path) {  // unix(7): it may end without a NUL
    return;
  }
  std::memcpy(address.sun_path, path, strlen(path));
  if (path[0] == '@') address.sun_path[0] = '\0';
  const Descriptor fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (fd.get() < 0) return;
  (void)sendto(fd.get(), state.data(), state.size(), MSG_NOSIGNAL,
               reinterpret_cast<const sockaddr*>(&address),
               static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + strlen(path)));
}

Result<void> write_pid_file(const std::string& path) {
  const int64_t fd = retry_eintr(
      [&] { return ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644); });
  if (fd < 0) return os_error("open the pid file", path, static_cast<int>(-fd));
  const Descriptor file(static_cast<int>(fd));
  const std::string text = std::to_string(process_id()) + "\n";
  const int64_t written =
      retry_eintr([&] { return ::write(file.get(), text.data(), text.size()); });
  if (written < 0) return os_error("write the pid file", path, static_cast<int>(-written));
  return {};
}

void remove_file(const std::string& path) { ::unlink(path.c_str()); }

bool change_mode(const std::string& path, uint64_t mode) {
  return chmod(path.c_str(), static_cast<mode_t>(mode)) == 0;
}

std::string absolute_path(const std::string& path) {
  if (path.starts_with('/')) return path;
  char here[PATH_MAX];
  if (getcwd(here, sizeof here) == nullptr) return path;
  return path.empty() ? here : std::string(here) + '/' + path;
}

}  // namespace powercut::engine
