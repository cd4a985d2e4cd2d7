// The person in front: is there a terminal, how long did it take, did they press Ctrl-C. The only
// place of the judge that knows the real clock; no decision of a run depends on it.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdio>
#include <string>
#include <string_view>

namespace powercut::scenarios {

class Stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
  }

 private:
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

bool is_terminal(std::FILE* file);

// How many threads there are to work with.
unsigned processors();

enum class Colour { kPlain, kGood, kBad, kFaint };
// `text` in a colour if `file` is a terminal, else as it is.
std::string coloured(std::FILE* file, Colour colour, std::string_view text);

// A line on a terminal that is written over itself; nothing anywhere else.
class Progress {
 public:
  Progress(std::FILE* file, bool wanted) : file_(file), on_(wanted && is_terminal(file)) {}
  ~Progress() { clear(); }
  // `done` of `total` runs, or seconds where the sweep is limited by time.
  void show(double done, double total, uint64_t runs, uint64_t violations);
  void clear();

 private:
  std::FILE* file_;
  bool on_;
  bool shown_ = false;
  Stopwatch watch_;
  double last_ = -1;
  uint64_t first_runs_ = UINT64_MAX;
  double first_done_ = 0;
};

// True once Ctrl-C was pressed; a second one ends the process at once.
const std::atomic<bool>& interrupted();
void watch_for_interrupts();

}  // namespace powercut::scenarios
