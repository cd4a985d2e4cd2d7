// A program to be recorded, for tests: statically linked, with threads, and children by vfork.
//   program save [HOW]       the file `settings` is replaced by a new one. HOW: sync, durably; where that fails retry
//                            syncs again, and rewrite makes another file
//   program threads N K      N threads append K lines each to the file `log`
//   program child            `log` is appended to by a child of vfork, which runs this program again
//   program nameless         a file without a name gets the name `log`
//   program mapped           `log` is mapped shared and writable
//   program signals N        N lines are appended to `log` in a storm of signals
//   program odd              calls that go wrong or are seldom made; prints what came of each
//   program closes           closes whatever is open, gives `log` every other number, and appends by each
//   program hide             a write by a process that hides its memory
#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

extern char** environ;

namespace {

void put(int fd, const std::string& text) {
  if (::write(fd, text.data(), text.size()) != static_cast<ssize_t>(text.size())) std::exit(1);
}

void put_line(int fd, int thread, int number) {
  char line[32];
  std::snprintf(line, sizeof line, "%03d %05d\n", thread, number);
  put(fd, line);
}

int open_log() { return ::open("log", O_WRONLY | O_CREAT | O_APPEND, 0644); }

int write_new(const std::string& how) {
  const int file = ::open("settings.tmp", O_WRONLY | O_CREAT | O_TRUNC, 0644);
  put(file, "colour = blue\n");
  if (how.empty()) return file;
  if (::fsync(file) == 0) return file;
  if (how == "retry" && ::fsync(file) == 0) return file;
  if (how != "rewrite") std::exit(1);
  ::close(file);
  ::unlink("settings.tmp");
  return write_new("sync");
}

int save(const std::string& how) {
  ::close(write_new(how));
  if (std::rename("settings.tmp", "settings") != 0) return 1;
  const int directory = ::open(".", O_RDONLY | O_DIRECTORY);
  if (!how.empty() && ::fsync(directory) != 0) return 1;
  put(STDOUT_FILENO, "saved\n");
  return 0;
}

int threads(int count, int lines) {
  std::vector<std::thread> all;
  const int file = open_log();
  for (int n = 0; n < count; ++n)
    all.emplace_back([=] {
      for (int line = 0; line < lines; ++line) put_line(file, n, line);
      if (::fsync(file) != 0) std::exit(1);
    });
  for (std::thread& thread : all) thread.join();
  put(STDOUT_FILENO, "done\n");
  return 0;
}

// posix_spawn is a vfork.
int child(const char* self) {
  std::string name = self, what = "line";
  char* arguments[] = {name.data(), what.data(), nullptr};
  pid_t pid = 0;
  if (::posix_spawn(&pid, self, nullptr, nullptr, arguments, environ) != 0) return 1;
  int state = 0;
  return ::waitpid(pid, &state, 0) == pid ? WEXITSTATUS(state) : 1;
}

int line() {
  put(open_log(), "by a child\n");
  return 0;
}

int nameless() {
  const int file = ::open(".", O_TMPFILE | O_RDWR, 0644);
  if (file < 0) return 1;
  put(file, "named at last\n");
  if (::fsync(file) != 0) return 1;
  const std::string name = "/proc/self/fd/" + std::to_string(file);
  return ::linkat(AT_FDCWD, name.c_str(), AT_FDCWD, "log", AT_SYMLINK_FOLLOW) == 0 ? 0 : 1;
}

int mapped() {
  const int file = ::open("log", O_RDWR | O_CREAT, 0644);
  if (::ftruncate(file, 4096) != 0) return 1;
  const bool ok = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0) != MAP_FAILED;
  put(STDOUT_FILENO, ok ? "mapped\n" : "refused\n");
  return 0;
}

// Two pages through a mapping, the second behind a sync of the first, and one by a call between them.
int maps() {
  const int file = ::open("log", O_RDWR | O_CREAT, 0644);
  if (::ftruncate(file, 3 * 4096) != 0) return 1;
  void* memory = ::mmap(nullptr, 3 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (memory == MAP_FAILED) return 1;
  char* pages = static_cast<char*>(memory);
  std::memcpy(pages, "one", 3);
  if (::msync(pages, 4096, MS_SYNC) != 0) return 1;
  put(STDOUT_FILENO, "one\n");
  if (::pwrite(file, "two", 3, 4096) != 3) return 1;
  std::memcpy(pages + 8192, "three", 5);
  put(STDOUT_FILENO, "three\n");
  std::memcpy(pages + 8192, "end", 3);
  return 0;
}

int hide() {
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  return line();
}

int closes() {
  for (int fd = 3; fd < 1000; ++fd) ::close(fd);
  (void)::syscall(SYS_close_range, 3, ~0U, 0);
  const int file = open_log();
  put(file, "first\n");
  for (int fd = 890; fd < 910; ++fd) {
    if (::dup2(file, fd) != fd) return 1;
    put(fd, "more\n");
  }
  return ::fsync(905) == 0 ? 0 : 1;
}

int signals(int lines) {
  struct sigaction action {};
  action.sa_handler = [](int) {};
  action.sa_flags = SA_RESTART;
  ::sigaction(SIGALRM, &action, nullptr);
  const itimerval often{{0, 100}, {0, 100}};
  ::setitimer(ITIMER_REAL, &often, nullptr);
  const int file = open_log();
  for (int line = 0; line < lines; ++line) put_line(file, 0, line);
  return 0;
}

// The result of the call before, or what went wrong.
void say(const char* what, long result) {
  std::printf("%s: %ld %d\n", what, result < 0 ? -1 : result, result < 0 ? errno : 0);
}

int odd() {
  const int file = ::open("f", O_RDWR | O_CREAT, 0644);
  char bytes[] = "0123456789";
  const iovec two[] = {{bytes, 3}, {bytes + 5, 4}};
  char* nowhere =
      static_cast<char*>(::mmap(nullptr, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  ::munmap(nowhere + 4096, 4096);
  say("write", ::write(file, bytes, 10));
  say("of nothing", ::write(file, bytes, 0));
  say("from nowhere", ::syscall(SYS_write, file, nowhere + 4096, 5));
  say("up to the edge", ::syscall(SYS_pwrite64, file, nowhere + 4090, 10, 100));
  say("two pieces", ::writev(file, two, 2));
  say("pieces of nothing", ::writev(file, two, -1));
  say("pwrite", ::pwrite(file, bytes, 4, 20));
  say("before the file", ::pwrite(file, bytes, 4, -5));
  say("where it stands", ::pwritev2(file, two, 2, -1, 0));
  say("stands at", ::lseek(file, 0, SEEK_CUR));
  say("truncate", ::ftruncate(file, 15));
  say("to less than nothing", ::ftruncate(file, -1));
  say("by path", ::truncate("f", 30));
  say("reserve", ::fallocate(file, 0, 0, 50));
  say("reserve beyond", ::fallocate(file, FALLOC_FL_KEEP_SIZE, 0, 5000));
  say("reserve nothing", ::fallocate(file, 0, 0, 0));
  say("append", ::write(::open("f", O_WRONLY | O_APPEND), bytes, 3));
  say("only to be read", ::write(::open("f", O_RDONLY), bytes, 3));
  say("not open", ::write(999, bytes, 3));
  say("in no folder", ::open("no/f", O_WRONLY | O_CREAT, 0644));
  say("exclusively", ::open("f", O_WRONLY | O_CREAT | O_EXCL, 0644));
  say("with a slash", ::open("f/", O_WRONLY | O_CREAT, 0644));
  say("a folder", ::open(".", O_WRONLY));
  say("mkdir", ::mkdir("d/", 0755));
  say("mkdir again", ::mkdir("d", 0755));
  say("below a file", ::mkdir("f/d", 0755));
  say("symlink", ::symlink("g", "link"));
  say("to be made", ::write(::open("link", O_WRONLY | O_CREAT, 0600), bytes, 2));
  say("not followed", ::open("link", O_WRONLY | O_NOFOLLOW));
  say("link", ::link("f", "h"));
  say("link again", ::link("f", "h"));
  say("link of a link", ::link("link", "other"));
  say("rename to itself", ::rename("f", "h"));
  say("rename of nothing", ::rename("none", "some"));
  say("rename over a folder", ::rename("f", "d"));
  say("into", ::rename("h", "d/h"));
  say("exchange", ::renameat2(AT_FDCWD, "f", AT_FDCWD, "d/h", RENAME_EXCHANGE));
  say("no replacing", ::renameat2(AT_FDCWD, "f", AT_FDCWD, "d/h", RENAME_NOREPLACE));
  say("unlink a folder", ::unlink("d"));
  say("rmdir of a full one", ::rmdir("d"));
  say("unlink", ::unlink("d/h"));
  say("rmdir", ::rmdir("d"));
  say("rmdir of a file", ::rmdir("f"));
  say("by itself", ::open("/proc/self/fd/3", O_WRONLY | O_TRUNC));
  say("sync", ::fdatasync(file));
  say("sync of what is not open", ::fsync(999));
  const int direct = ::open("direct", O_WRONLY | O_CREAT | O_DIRECT, 0644);
  void* aligned = std::aligned_alloc(4096, 8192);
  std::memset(aligned, 'x', 8192);
  say("direct", ::write(direct, aligned, 8192));
  say("not aligned", ::write(direct, static_cast<char*>(aligned) + 1, 512));
  std::free(aligned);
  say("synced", ::write(::open("synced", O_WRONLY | O_CREAT | O_DSYNC, 0644), bytes, 5));
  std::vector<char> large(3'000'001, 'l');
  say("large", ::write(::open("large", O_WRONLY | O_CREAT, 0644), large.data(), large.size()));
  ::close(file);
  say("closed", ::write(file, bytes, 1));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  if (what == "save") return save(argc > 2 ? argv[2] : "");
  if (what == "threads" && argc > 3) return threads(std::atoi(argv[2]), std::atoi(argv[3]));
  if (what == "child") return child(argv[0]);
  if (what == "line") return line();
  if (what == "nameless") return nameless();
  if (what == "mapped") return mapped();
  if (what == "maps") return maps();
  if (what == "closes") return closes();
  if (what == "signals" && argc > 2) return signals(std::atoi(argv[2]));
  if (what == "odd") return odd();
  if (what == "hide") return hide();
  return 2;
}
