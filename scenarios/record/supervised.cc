#include "scenarios/record/supervised.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>
#include <new>

#include "engine/base/check.h"
#include "scenarios/record/filter.h"

namespace powercut::scenarios {

// Between the child and us, until it is another program.
struct Supervised::Start {
  int listener;
  int failed;  // errno
  bool filtered;
};

namespace {

Error cannot(int error) {
  std::string why = std::strerror(error);
  if (error == EBUSY) why = "another seccomp listener is active: it is recorded already";
  if (error == EINVAL)
    why = "the kernel has no SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (Linux 5.19)";
  return {Errc::kUnsupported, "nothing can be recorded here: " + why};
}

Fd timer_of(uint64_t ms) {
  Fd timer(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC));
  itimerspec when{};
  when.it_value.tv_sec = static_cast<time_t>(ms / 1000);
  when.it_value.tv_nsec = static_cast<long>(ms % 1000 * 1'000'000);
  CHECK(::timerfd_settime(timer.get(), 0, &when, nullptr) == 0);
  return timer;
}

// As exec wants them. They are `words`'s own.
std::vector<char*> pointers_to(const std::vector<std::string>& words) {
  std::vector<char*> all;
  for (const std::string& word : words) all.push_back(const_cast<char*>(word.c_str()));
  all.push_back(nullptr);
  return all;
}

// Who asks waits for us, and we for whom we answer: the kernel wakes either on the other's core (Linux 6.6). Two cores that
// wake one another from idleness take four times as long. An older kernel refuses, and is slower.
void share_core(int listener) {
  constexpr uint64_t kSyncWakeUp = 1;                       // SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP
  constexpr unsigned long kSetFlags = _IOW('!', 4, __u64);  // SECCOMP_IOCTL_NOTIF_SET_FLAGS
  (void)::ioctl(listener, kSetFlags, kSyncWakeUp);
}

}  // namespace

void send_answer(int listener, uint64_t id, const CallAnswer& answer) {
  seccomp_notif_resp response{};
  response.id = id;
  if (answer.kind == CallAnswer::kContinue) response.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
  if (answer.kind == CallAnswer::kValue) response.val = answer.value;
  if (answer.kind == CallAnswer::kError) response.error = -static_cast<int>(answer.value);
  (void)::ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response);
}

struct Supervised::Becoming {
  const Command& command;
  const std::vector<sock_filter>& filter;
  char* const* arguments;
  char* const* environment;
  bool shares_files;  // with us, so that we have its listener
};

// Installs the filter and becomes the command. Runs between fork and exec, and after vfork's manner: it allocates nothing.
void Supervised::become(const Becoming& what, Start* start) {
  const auto settle = [&command = what.command] {
    if (!command.directory.empty() && ::chdir(command.directory.c_str()) != 0) ::_exit(127);
    if (command.quiet) ::dup2(::open("/dev/null", O_RDONLY), STDIN_FILENO);
    if (command.out >= 0) ::dup2(command.out, STDOUT_FILENO);
    if (command.err >= 0) ::dup2(command.err, STDERR_FILENO);
  };
  if (!what.shares_files) settle();
  sock_fprog program{static_cast<unsigned short>(what.filter.size()),
                     const_cast<sock_filter*>(what.filter.data())};
  const auto install = [&] {
    return static_cast<int>(::syscall(
        SYS_seccomp, SECCOMP_SET_MODE_FILTER,
        SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, &program));
  };
  // Without privileges it must give up those it could gain.
  int listener = install();
  if (listener < 0 && errno == EACCES) {
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    listener = install();
  }
  start->listener = listener;
  start->filtered = listener >= 0;
  start->failed = listener < 0 ? errno : 0;
  if (listener < 0) ::_exit(127);
  if (what.shares_files) ::unshare(CLONE_FILES);
  ::kill(::getpid(), SIGSTOP);  // until the parent has the listener
  if (what.shares_files) settle();
  ::execvpe(what.arguments[0], what.arguments, what.environment);
  start->failed = errno;
  ::_exit(127);
}

Supervised::~Supervised() {
  end_all();
  if (start_ != nullptr) ::munmap(start_, sizeof *start_);
}

int Supervised::failure() const { return start_->failed; }

Result<void> Supervised::start(const Command& command, const std::vector<sock_filter>& filter) {
  void* shared =
      ::mmap(nullptr, sizeof(Start), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  CHECK(shared != MAP_FAILED);
  start_ = new (shared) Start{-1, 0, false};
  // What it leaves behind becomes ours.
  ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  if (HandOver::is_needed()) TRY(hand_over_.emplace().open());
  const std::vector<std::string> given =
      hand_over_ ? hand_over_->environment() : std::vector<std::string>();
  const std::vector<char*> arguments = pointers_to(command.words), variables = pointers_to(given);
  const std::vector<sock_filter> program = hand_over_ ? with_hand_over(filter) : filter;
  const Becoming becoming{command, program, arguments.data(),
                          hand_over_ ? variables.data() : environ, hand_over_.has_value()};
  child_ = hand_over_ ? static_cast<pid_t>(::syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0))
                      : ::fork();
  CHECK(child_ >= 0);
  if (child_ == 0) become(becoming, start_);
  int state = 0;
  CHECK(::waitpid(child_, &state, WUNTRACED) == child_);
  if (!WIFSTOPPED(state)) return cannot(start_->failed);
  return take_listener();
}

Result<void> Supervised::take_listener() {
  leader_ = Fd(static_cast<int>(::syscall(SYS_pidfd_open, child_, 0)));
  if (!leader_) return cannot(errno);
  if (hand_over_) {
    listener_ = Fd(start_->listener);
    share_core(listener_.get());
    ::kill(child_, SIGCONT);
    return {};
  }
  listener_ = Fd(static_cast<int>(::syscall(SYS_pidfd_getfd, leader_.get(), start_->listener, 0)));
  if (!listener_ && errno == EPERM)
    return Error{Errc::kUnsupported,
                 "nothing can be recorded here: pidfd_getfd is not permitted (in Docker: run with "
                 "--cap-add SYS_PTRACE)"};
  if (!listener_) return cannot(errno);
  share_core(listener_.get());
  ::kill(child_, SIGCONT);
  return {};
}

// Kills what is left, generation by generation: who has lost its parent is ours.
void Supervised::end_all() {
  if (child_ < 0) return;
  for (;;) {
    std::ifstream in(fmt::format("/proc/self/task/{}/children", ::getpid()));
    for (pid_t pid = 0; in >> pid;) ::kill(pid, SIGKILL);
    int state = 0;
    const pid_t gone = ::waitpid(-1, &state, 0);
    if (gone < 0 && errno != EINTR) break;
  }
  child_ = -1;
}

bool Supervised::serve(uint64_t limit_ms,
                       const std::function<CallAnswer(const seccomp_notif&)>& answer,
                       const std::function<bool()>& go_on) {
  seccomp_notif_sizes sizes{};
  CHECK(::syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) == 0);
  // A newer kernel may write more than we know of.
  std::vector<uint64_t> room((std::max<size_t>(sizes.seccomp_notif, sizeof(seccomp_notif)) + 7) /
                             8);
  auto* call = reinterpret_cast<seccomp_notif*>(room.data());
  const Fd timer = limit_ms > 0 ? timer_of(limit_ms) : Fd();
  pollfd waited[] = {
      {listener_.get(), POLLIN, 0}, {leader_.get(), POLLIN, 0}, {timer.get(), POLLIN, 0}};
  while (!ended_ && go_on()) {
    if (::poll(waited, 3, -1) < 0 && errno != EINTR) break;
    if ((waited[2].revents & POLLIN) != 0) return false;
    if ((waited[0].revents & POLLIN) != 0) {
      std::fill(room.begin(), room.end(), 0);
      if (::ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_RECV, call) != 0) continue;
      const CallAnswer given = answer(*call);
      if (given.kind != CallAnswer::kLater) send_answer(listener_.get(), call->id, given);
    } else if ((waited[1].revents & POLLIN) != 0) {
      int state = 0;
      if (::waitpid(child_, &state, 0) != child_) continue;
      status_ = WIFEXITED(state) ? WEXITSTATUS(state) : 128 + WTERMSIG(state);
      ended_ = true;
    }
  }
  return true;
}

}  // namespace powercut::scenarios
