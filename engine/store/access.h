// When, or how often, a key was last used, in 24 bits of its object: what OBJECT IDLETIME and FREQ say, and what eviction
// goes by. As Redis keeps them: seconds; or, where frequencies are asked for, 16 bits of minutes when it was last counted
// down and 8 of a logarithmic counter. A use is no change: nothing of it is logged, and a crash forgets it.
#pragma once

#include <cstdint>
#include <functional>
#include <utility>

namespace powercut::engine {

class Accesses {
 public:
  static constexpr uint32_t kMask = 0xffffff;

  struct Rules {
    bool by_frequency = false;
    int64_t log_factor = 10;    // lfu-log-factor: how much rarer each further count is
    int64_t decay_minutes = 1;  // lfu-decay-time: a count less for so many; 0: never
  };
  // `draw(n)`: below n.
  void set_rules(const Rules& rules, std::function<uint64_t(uint64_t)> draw) {
    rules_ = rules;
    draw_ = std::move(draw);
  }
  bool by_frequency() const { return rules_.by_frequency; }
  void set_now(int64_t unix_ms) { now_s_ = unix_ms / 1000; }

  // Of a new key.
  uint32_t first() const { return rules_.by_frequency ? counted(kFirstCount) : seconds(); }
  // After one more use.
  uint32_t used(uint32_t access) const {
    return rules_.by_frequency ? used_once_more(access) : seconds();
  }
  // Of a key that is given another value.
  uint32_t replaced(uint32_t access) const { return rules_.by_frequency ? access : seconds(); }
  // As RESTORE and a checkpoint say it.
  uint32_t idle_since(int64_t idle_s) const {
    return static_cast<uint32_t>(now_s_ - idle_s) & kMask;
  }
  uint32_t counted(uint8_t count) const { return minutes() << 8 | count; }

  // Seconds since the last use. REQUIRES: not by frequency.
  int64_t idle_s(uint32_t access) const { return (seconds() - access) & kMask; }
  // The counter, counted down for the time since. REQUIRES: by frequency.
  uint8_t frequency(uint32_t access) const;

 private:
  static constexpr uint8_t kFirstCount = 5;  // or a new key would be the first to go
  uint32_t seconds() const { return static_cast<uint32_t>(now_s_) & kMask; }
  uint32_t minutes() const { return static_cast<uint32_t>(now_s_ / 60) & 0xffff; }
  uint32_t used_once_more(uint32_t access) const;

  Rules rules_;
  std::function<uint64_t(uint64_t)> draw_;
  int64_t now_s_ = 0;
};

}  // namespace powercut::engine
