#include "scenarios/run/last_words.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>
#include <ctime>

#include "scenarios/base/status.h"
#include "scenarios/run/catalog.h"

namespace powercut::scenarios {

namespace {

// Plain bytes, made before the signal: a handler may not allocate.
using Text = std::array<char, 1024>;
Text g_program;
thread_local Text t_command;

void copy(std::string_view from, Text& to) {
  const size_t length = std::min(from.size(), to.size() - 1);
  std::memcpy(to.data(), from.data(), length);
  to[length] = '\0';
}

void say(const char* text) { (void)!::write(STDERR_FILENO, text, std::strlen(text)); }

void end_with(const char* words) {
  say(words);
  if (t_command[0] != '\0') {
    say(", in this run: ");
    say(t_command.data());
  }
  say("\n");
  ::_exit(kHarness);
}

void on_fatal(int) { end_with("powercut: a bug in powercut itself"); }

// --- A run that does not come back ---

constexpr int kTickSignal = SIGPROF;
int g_most_ticks = 0;  // 0: nobody counts
thread_local int t_ticks = 0;

// Of the thread that runs, once in each second of its processor time.
void on_tick(int) {
  if (t_command[0] != '\0' && ++t_ticks > g_most_ticks)
    end_with("powercut: a run does not come back, of the engine or of powercut itself");
}

class Ticker {
 public:
  Ticker() {
    sigevent event{};
    event.sigev_notify = SIGEV_THREAD_ID;
    event.sigev_signo = kTickSignal;
    event._sigev_un._tid = static_cast<pid_t>(::syscall(SYS_gettid));
    made_ = ::timer_create(CLOCK_THREAD_CPUTIME_ID, &event, &timer_) == 0;
    const itimerspec every{{1, 0}, {1, 0}};
    if (made_) (void)::timer_settime(timer_, 0, &every, nullptr);
  }
  ~Ticker() {
    if (made_) (void)::timer_delete(timer_);
  }
  Ticker(const Ticker&) = delete;
  Ticker& operator=(const Ticker&) = delete;

 private:
  timer_t timer_{};
  bool made_ = false;
};

void count_ticks_of_this_thread() { thread_local const Ticker ticker; }

}  // namespace

UnderWay::UnderWay(const RunSpec& spec) {
  if (g_most_ticks != 0) count_ticks_of_this_thread();
  t_ticks = 0;
  copy(replay_command(g_program.data(), run_id(spec)), t_command);
}
UnderWay::~UnderWay() { t_command[0] = '\0'; }

void speak_last_words(const std::string& program, int most_seconds) {
  copy(program, g_program);
  struct sigaction tick {};
  tick.sa_handler = on_tick;
  tick.sa_flags = SA_RESTART;
  if (::sigaction(kTickSignal, &tick, nullptr) == 0) g_most_ticks = most_seconds;
  for (const int signal : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL}) std::signal(signal, on_fatal);
}

}  // namespace powercut::scenarios
