// A program to be recorded, for tests: statically linked, with threads, and children by vfork.
//   program save [sync]      the file `settings` is replaced by a new one; `sync`: durably
//   program threads N K      N threads append K lines each to the file `log`
//   program child            `log` is appended to by a child of vfork, which runs this program again
//   program nameless         a file without a name gets the name `log`
//   program mapped           `log` is mapped shared and writable
//   program hide             a write by a process that hides its memory
#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
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

int save(bool durably) {
  const int file = ::open("settings.tmp", O_WRONLY | O_CREAT | O_TRUNC, 0644);
  put(file, "colour = blue\n");
  if (durably && ::fsync(file) != 0) return 1;
  ::close(file);
  if (std::rename("settings.tmp", "settings") != 0) return 1;
  const int directory = ::open(".", O_RDONLY | O_DIRECTORY);
  if (durably && ::fsync(directory) != 0) return 1;
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

int hide() {
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  return line();
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  if (what == "save") return save(argc > 2);
  if (what == "threads" && argc > 3) return threads(std::atoi(argv[2]), std::atoi(argv[3]));
  if (what == "child") return child(argv[0]);
  if (what == "line") return line();
  if (what == "nameless") return nameless();
  if (what == "mapped") return mapped();
  if (what == "hide") return hide();
  return 2;
}
