// How often each command was called, how long it took, and which errors were answered: INFO commandstats and errorstats.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

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
  // Valid until another command is asked for.
  CommandTally& of(const CommandSpec* spec) {
    Place* place = find(spec);
    return place != nullptr && place->spec != nullptr ? place->tally : add(spec);
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
    places_.clear();
    used_ = 0;
    errors_.clear();
    total_errors_ = 0;
  }

 private:
  static constexpr size_t kMostErrors = 128;
  struct Place {
    const CommandSpec* spec = nullptr;
    CommandTally tally;
  };
  // Where it is, or would be; null: there are no places yet.
  Place* find(const CommandSpec* spec) {
    if (places_.empty()) return nullptr;
    const size_t mask = places_.size() - 1;
    size_t at = (reinterpret_cast<uintptr_t>(spec) >> 4) & mask;
    while (places_[at].spec != nullptr && places_[at].spec != spec) at = (at + 1) & mask;
    return &places_[at];
  }
  [[gnu::noinline]] CommandTally& add(const CommandSpec* spec) {
    if (2 * (used_ + 1) > places_.size()) grow();
    ++used_;
    Place* place = find(spec);
    place->spec = spec;
    return place->tally;
  }
  void grow() {
    std::vector<Place> old(places_.empty() ? 16 : 2 * places_.size());
    old.swap(places_);
    for (Place& place : old)
      if (place.spec != nullptr) *find(place.spec) = std::move(place);
  }

  // A power of two of them, as many as the commands that came need: a store lives for a few calls, too.
  std::vector<Place> places_;
  size_t used_ = 0;
  std::map<std::string, uint64_t> errors_;
  uint64_t total_errors_ = 0;
};

}  // namespace powercut::engine
