// What every experiment writes: tables as CSV, and run.json beside them, which says how to get the
// same tables again. CSV is a function of the code and the seeds alone: integers, and decimals of a
// fixed number of digits; no times, no machine.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace powercut::experiments {

class Csv {
 public:
  // Column names, separated by commas.
  explicit Csv(std::string_view columns);
  // One row; a field for each column. Text must be free of commas and quotes.
  template <class... Fields>
  void row(const Fields&... fields) {
    check_fields(sizeof...(fields));
    std::string_view separator;
    ((add(separator, fmt::format("{}", fields)), separator = ","), ...);
    bytes_ += '\n';
  }
  const std::string& bytes() const { return bytes_; }

 private:
  void check_fields(size_t fields) const;
  void add(std::string_view separator, std::string_view field);

  size_t columns_;
  std::string bytes_;
};

// numerator / denominator with `digits` decimals, rounded to nearest: the same on every machine.
std::string ratio(uint64_t numerator, uint64_t denominator, int digits = 3);

struct RunInfo {
  std::string experiment;  // its folder
  uint64_t first_seed = 1;
  uint64_t seeds = 1;
  uint64_t runs = 0;
};

// The program of an experiment is called with the directory to write to.
class Output {
 public:
  // Ends the program with status 2 and one line if `argv` names no writable directory.
  Output(int argc, char** argv);
  // Only a part is wanted, of a second or two, whose rows are among those of the whole
  // (experiments/run.sh --check --sample).
  bool sample() const;
  void write(std::string_view file, std::string_view bytes) const;
  // run.json. The commit and the command come from experiments/run.sh, by the environment.
  void write_run(const RunInfo& info) const;

 private:
  std::string directory_;
};

}  // namespace powercut::experiments
