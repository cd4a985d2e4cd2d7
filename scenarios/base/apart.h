// Independent pieces of work, each in a process of its own: one that crashes, loops or eats all
// memory ends alone.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace powercut::scenarios {

struct Limits {
  uint64_t cpu_seconds;  // beyond: Ended::hung
  uint32_t seconds;      // the same by the clock, for what waits for ever
  uint64_t bytes;        // of address space: beyond, allocations fail
};

struct Ended {
  std::string told;   // what the work told, all that it did until it ended
  std::string said;   // on standard output and standard error
  bool hung = false;  // it was out of time
  bool died = false;  // by a signal
  int status = 0;     // else: 0 if it returned, or what it or a program in its place ended with
};

using Tell = std::function<void(const std::string&)>;

// Calls work(0) to work(count - 1), at most `jobs` at a time, and `on_end` here as each ends. The calling
// process must have one thread. `stop`: true: begin no more; may be null.
void run_apart(size_t count, unsigned jobs, const Limits& limits,
               const std::function<void(size_t number, const Tell& tell)>& work,
               const std::function<void(size_t number, const Ended& ended)>& on_end,
               const std::atomic<bool>* stop);

// In a process of run_apart(): runs a program in its place. Environment as given; 127 if it cannot.
[[noreturn]] void become(const std::string& program, std::vector<std::string> environment);

}  // namespace powercut::scenarios
