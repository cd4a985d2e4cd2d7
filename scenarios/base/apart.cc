#include "scenarios/base/apart.h"

#include <poll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <map>

#include "engine/base/check.h"
#include "scenarios/base/terminal.h"

namespace powercut::scenarios {

namespace {

// Files in memory: they never fill, as a pipe would.
struct Child {
  size_t number;
  int told;
  int said;
  Stopwatch since = {};
};

// The next that has ended. Those that are out of time are killed: what they do with an alarm is not for us to say.
pid_t wait_for(const std::map<pid_t, Child>& running, const Limits& limits, int& status) {
  constexpr int kPatienceMs = 5;
  for (;;) {
    const pid_t pid = waitpid(-1, &status, WNOHANG);
    if (pid != 0) return pid;
    for (const auto& [each, child] : running)
      if (child.since.seconds() > limits.seconds) kill(each, SIGKILL);
    (void)poll(nullptr, 0, kPatienceMs);
  }
}

void limit(int resource, uint64_t most) {
  const rlimit both{most, most};
  CHECK(setrlimit(resource, &both) == 0);
}

void say_all(int file, const std::string& text) {
  CHECK(write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
}

std::string contents(int file) {
  std::string text;
  char buffer[4096];
  ssize_t count = 0;
  while ((count = pread(file, buffer, sizeof buffer, static_cast<off_t>(text.size()))) > 0)
    text.append(buffer, static_cast<size_t>(count));
  close(file);
  return text;
}

[[noreturn]] void live(const Child& child, const Limits& limits,
                       const std::function<void(size_t, const Tell&)>& work) noexcept {
  for (const int signal : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGINT})
    std::signal(signal, SIG_DFL);
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_CPU, limits.cpu_seconds);
#ifndef __SANITIZE_ADDRESS__  // which takes more address space than there is memory
  limit(RLIMIT_AS, limits.bytes);
#endif
  dup2(child.said, STDOUT_FILENO);
  dup2(child.said, STDERR_FILENO);
  work(child.number, [&](const std::string& text) { say_all(child.told, text); });
  _exit(0);
}

}  // namespace

void run_apart(size_t count, unsigned jobs, const Limits& limits,
               const std::function<void(size_t, const Tell&)>& work,
               const std::function<void(size_t, const Ended&)>& on_end,
               const std::atomic<bool>* stop) {
  std::map<pid_t, Child> running;
  for (size_t next = 0;;) {
    while (next < count && running.size() < std::max(jobs, 1u) && (stop == nullptr || !*stop)) {
      const Child child{next++, memfd_create("told", MFD_CLOEXEC),
                        memfd_create("said", MFD_CLOEXEC)};
      CHECK(child.told >= 0 && child.said >= 0);
      const pid_t pid = fork();
      CHECK(pid >= 0);
      if (pid == 0) live(child, limits, work);
      running.emplace(pid, child);
    }
    if (running.empty()) return;
    int status = 0;
    const auto ended = running.find(wait_for(running, limits, status));
    if (ended == running.end()) continue;  // a signal, or a child that is not ours
    Ended result;
    result.told = contents(ended->second.told);
    result.said = contents(ended->second.said);
    // The hard limit kills where the soft one, which is the same, was too late.
    const int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    result.hung = signal == SIGXCPU || signal == SIGKILL;
    result.died = WIFSIGNALED(status) && !result.hung;
    result.status = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
    const size_t number = ended->second.number;
    running.erase(ended);
    on_end(number, result);
  }
}

void become(const std::string& program, std::vector<std::string> environment) {
  std::string path = program;
  char* arguments[] = {path.data(), nullptr};
  std::vector<char*> variables;
  for (std::string& variable : environment) variables.push_back(variable.data());
  variables.push_back(nullptr);
  execve(path.c_str(), arguments, variables.data());
  _exit(127);
}

}  // namespace powercut::scenarios
