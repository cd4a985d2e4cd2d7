#include "scenarios/base/terminal.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <thread>

namespace powercut::scenarios {

namespace {

std::atomic<bool> g_interrupted{false};
static_assert(std::atomic<bool>::is_always_lock_free);

// `timeout` and shells may send one Ctrl-C twice: a second one counts a second later.
constexpr double kSecondPressS = 1;
const Stopwatch g_watch;
std::atomic<double> g_pressed_s{0};
static_assert(std::atomic<double>::is_always_lock_free);

void on_interrupt(int) {
  const double now = g_watch.seconds();
  if (!g_interrupted.exchange(true)) {
    g_pressed_s.store(now);
  } else if (now - g_pressed_s.load() > kSecondPressS) {
    std::signal(SIGINT, SIG_DFL);
    std::raise(SIGINT);
  }
}

// Between two lines of a log; between two pictures on a terminal.
constexpr double kLineEveryS = 30;
constexpr double kPictureEveryS = 0.2;

Colouring g_colouring = Colouring::kAuto;

bool has_colours(std::FILE* file) {
  if (g_colouring != Colouring::kAuto) return g_colouring == Colouring::kAlways;
  const char* refused = std::getenv("NO_COLOR");
  return (refused == nullptr || *refused == '\0') && is_terminal(file);
}

std::string duration(double seconds) {
  const auto whole = static_cast<uint64_t>(seconds + 0.5);
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  return fmt::format("{} h {:02} min", whole / 3600, whole / 60 % 60);
}

}  // namespace

bool is_terminal(std::FILE* file) { return ::isatty(fileno(file)) == 1; }

unsigned processors() { return std::max(1u, std::thread::hardware_concurrency()); }

void set_colouring(Colouring colouring) { g_colouring = colouring; }

std::string coloured(std::FILE* file, Colour colour, std::string_view text) {
  if (colour == Colour::kPlain || !has_colours(file)) return std::string(text);
  const int code = colour == Colour::kGood ? 32 : colour == Colour::kBad ? 31 : 2;
  return fmt::format("\x1b[{}m{}\x1b[0m", code, text);
}

void Progress::show(double done, double total, uint64_t runs, uint64_t violations) {
  const double now = watch_.seconds();
  if (first_runs_ == UINT64_MAX) {  // what an earlier invocation did says nothing about the rate
    first_runs_ = runs;
    first_done_ = done;
  }
  if (!is_due()) return;
  const double rate = now > 0 ? static_cast<double>(runs - first_runs_) / now : 0;
  const double part = std::clamp(total > 0 ? done / total : 0, 0.0, 1.0);
  const double pace = now > 0 ? (done - first_done_) / now : 0;
  constexpr int kWidth = 24;
  const int filled = static_cast<int>(part * kWidth);
  std::string bar(static_cast<size_t>(filled), '#');
  bar.resize(kWidth, '.');
  std::string line = fmt::format("[{}] {:3.0f}%  {} runs, {:.0f}/s", bar, part * 100, runs, rate);
  if (violations != 0) line += fmt::format(", {} violations", violations);
  if (pace > 0) line += fmt::format(", {} left", duration(std::max(0.0, total - done) / pace));
  show(line);
}

bool Progress::is_due() const {
  return watch_.seconds() - last_ >= (terminal_ ? kPictureEveryS : kLineEveryS);
}

void Progress::show(std::string_view how_far) {
  if (!is_due()) return;
  last_ = watch_.seconds();
  if (terminal_)
    fmt::print(file_, "\r\x1b[K{}", how_far);
  else
    fmt::print(file_, "{}: {}\n", what_, how_far);
  std::fflush(file_);
  shown_ = terminal_;
}

void Progress::clear() {
  if (!shown_) return;
  fmt::print(file_, "\r\x1b[K");
  std::fflush(file_);
  shown_ = false;
}

const std::atomic<bool>& interrupted() { return g_interrupted; }

void watch_for_interrupts() { std::signal(SIGINT, on_interrupt); }

}  // namespace powercut::scenarios
