// How often each command was called, how long it took, and which errors were answered: INFO commandstats and errorstats.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "engine/base/check.h"
#include "engine/command/command_table.h"
#include "engine/command/latency.h"

namespace powercut::engine {

struct CommandTally {
  uint64_t calls = 0;
  int64_t took_ns = 0;
  uint64_t rejected = 0;                      // refused before it ran
  uint64_t failed = 0;                        // answered with an error
  std::unique_ptr<LatencyHistogram> latency;  // none: it did not run, or nobody wants to know

  void add_latency(int64_t ns) {
    if (latency == nullptr) latency = std::make_unique<LatencyHistogram>();
    latency->add(ns);
  }
};

class Tally {
 public:
  CommandTally& of(const CommandSpec* spec) {
    size_t at = (reinterpret_cast<uintptr_t>(spec) >> 4) % kPlaces;
    while (places_[at].spec != nullptr && places_[at].spec != spec) at = (at + 1) % kPlaces;
    places_[at].spec = spec;
    return places_[at].tally;
  }
  // By the error's first word.
  void count_error(std::string_view message) {
    std::string code(message.substr(0, message.find_first_of(" \r")));
    if (errors_.size() < kMostErrors || errors_.count(code) != 0) ++errors_[std::move(code)];
    ++total_errors_;
  }
  const std::map<std::string, uint64_t>& errors() const { return errors_; }
  uint64_t total_errors() const { return total_errors_; }
  void reset() {
    places_ = {};
    errors_.clear();
    total_errors_ = 0;
  }

 private:
  static constexpr size_t kPlaces = 1024;
  static constexpr size_t kMostErrors = 128;
  struct Place {
    const CommandSpec* spec = nullptr;
    CommandTally tally;
  };
  std::array<Place, kPlaces> places_{};
  std::map<std::string, uint64_t> errors_;
  uint64_t total_errors_ = 0;
};

}  // namespace powercut::engine
