// The person in front: is there a terminal, how long did it take, did they press Ctrl-C. The only
// place of the judge that knows the real clock; no decision of a run depends on it.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <string>
#include <string_view>
#include <utility>

namespace powercut::scenarios {

class Stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
  }

 private:
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

// The processor's, of the thread that asks: another's load does not count.
class ThreadStopwatch {
 public:
  double seconds() const { return now() - begin_; }

 private:
  static double now() {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
  }
  double begin_ = now();
};

bool is_terminal(std::FILE* file);

// How many threads there are to work with.
unsigned processors();

enum class Colour { kPlain, kGood, kBad, kFaint };
// When there are colours: kAuto, on a terminal, unless NO_COLOR is set (no-color.org).
enum class Colouring { kAuto, kAlways, kNever };
// For the whole process, before it prints.
void set_colouring(Colouring colouring);
// `text` in a colour, or as it is.
std::string coloured(std::FILE* file, Colour colour, std::string_view text);

// A line on a terminal that is written over itself. Elsewhere, in a log that somebody watches, a line of its
// own every 30 s.
class Progress {
 public:
  Progress(std::FILE* file, std::string what)
      : file_(file), what_(std::move(what)), terminal_(is_terminal(file)) {}
  ~Progress() { clear(); }
  // `done` of `total` runs, or seconds where the sweep is limited by time.
  void show(double done, double total, uint64_t runs, uint64_t violations);
  // Any other work: how far it is.
  void show(std::string_view how_far);
  void clear();

 private:
  bool is_due() const;

  std::FILE* file_;
  std::string what_;
  bool terminal_;
  bool shown_ = false;
  Stopwatch watch_;
  double last_ = 0;
  uint64_t first_runs_ = UINT64_MAX;
  double first_done_ = 0;
};

// True once Ctrl-C was pressed; a second one ends the process at once.
const std::atomic<bool>& interrupted();
void watch_for_interrupts();

}  // namespace powercut::scenarios
