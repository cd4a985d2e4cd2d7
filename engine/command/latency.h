// How long things took: a histogram a command (LATENCY HISTOGRAM, INFO latencystats), and the events that took
// longest (LATENCY LATEST, HISTORY).
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace powercut::engine {

class LatencyHistogram {
 public:
  void add(int64_t ns) {
    ++counts_[place_of(static_cast<uint64_t>(std::clamp<int64_t>(ns, 1, kMost)))];
    ++count_;
  }
  uint64_t count() const { return count_; }
  // The time, in nanoseconds, that so many per cent did not exceed; a sixteenth too long at most.
  uint64_t percentile_ns(double percent) const {
    const auto wanted = static_cast<uint64_t>(percent / 100 * static_cast<double>(count_) + 0.5);
    uint64_t seen = 0;
    for (size_t place = 0; place < kPlaces; ++place) {
      seen += counts_[place];
      if (seen >= std::max<uint64_t>(wanted, 1)) return last_of(place);
    }
    return 0;
  }
  // How many took at most 1, 2, 4, 8, ... microseconds; only where there are more than before.
  std::vector<std::pair<uint64_t, uint64_t>> by_powers_of_two() const {
    std::vector<std::pair<uint64_t, uint64_t>> found;
    uint64_t seen = 0;
    for (size_t place = 0; place < kPlaces; ++place) {
      if (counts_[place] == 0) continue;
      seen += counts_[place];
      const uint64_t us = std::bit_ceil(std::max<uint64_t>((last_of(place) + 1023) / 1024, 1));
      if (!found.empty() && found.back().first == us) {
        found.back().second = seen;
      } else {
        found.emplace_back(us, seen);
      }
    }
    return found;
  }

 private:
  static constexpr int kSteps = 4;  // of an octave, as a power of two
  static constexpr int64_t kMost = int64_t{1} << 40;
  static constexpr size_t kPlaces = (41 - kSteps + 1) << kSteps;
  static size_t place_of(uint64_t ns) {
    const int shift = std::max(0, static_cast<int>(std::bit_width(ns)) - kSteps - 1);
    return (static_cast<size_t>(shift) << kSteps) + (ns >> shift);
  }
  // The longest time that is counted there.
  static uint64_t last_of(size_t place) {
    const size_t steps = size_t{1} << kSteps;
    if (place < 2 * steps) return place;
    const size_t shift = place / steps - 1;
    return ((place - (shift << kSteps) + 1) << shift) - 1;
  }

  std::array<uint32_t, kPlaces> counts_{};
  uint64_t count_ = 0;
};

class LatencyEvents {
 public:
  struct Sample {
    int64_t unix_s = 0;
    int64_t ms = 0;
  };
  struct Event {
    std::deque<Sample> samples;  // the newest last, the worst of a second
    int64_t worst_ms = 0;
  };

  // What took at least so long is kept; 0: nothing is.
  void set_threshold(int64_t ms) { threshold_ms_ = ms; }
  int64_t threshold_ms() const { return threshold_ms_; }
  void add(std::string_view name, int64_t ms, int64_t unix_s) {
    if (threshold_ms_ == 0 || ms < threshold_ms_) return;
    Event& event = events_[std::string(name)];
    event.worst_ms = std::max(event.worst_ms, ms);
    if (!event.samples.empty() && event.samples.back().unix_s == unix_s) {
      event.samples.back().ms = std::max(event.samples.back().ms, ms);
      return;
    }
    event.samples.push_back({unix_s, ms});
    if (event.samples.size() > kMost) event.samples.pop_front();
  }
  const std::map<std::string, Event>& all() const { return events_; }
  // False if there was no such event.
  bool reset(const std::string& name) { return events_.erase(name) != 0; }
  size_t reset_all() {
    const size_t count = events_.size();
    events_.clear();
    return count;
  }

 private:
  static constexpr size_t kMost = 160;
  int64_t threshold_ms_ = 0;
  std::map<std::string, Event> events_;
};

}  // namespace powercut::engine
