#include "scenarios/run/last_words.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>

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

void on_fatal(int) {
  say("powercut: a bug in powercut itself");
  if (t_command[0] != '\0') {
    say(", in this run: ");
    say(t_command.data());
  }
  say("\n");
  ::_exit(kHarness);
}

}  // namespace

UnderWay::UnderWay(const RunSpec& spec) {
  copy(replay_command(g_program.data(), run_id(spec)), t_command);
}
UnderWay::~UnderWay() { t_command[0] = '\0'; }

void speak_last_words(const std::string& program) {
  copy(program, g_program);
  for (const int signal : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL}) std::signal(signal, on_fatal);
}

}  // namespace powercut::scenarios
