// The requests that took longest to run: SLOWLOG.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace powercut::engine {

struct SlowEntry {
  uint64_t id = 0;
  int64_t unix_s = 0;
  int64_t took_us = 0;
  std::vector<std::string> words;  // shortened
  std::string address;
  std::string name;
};

class SlowLog {
 public:
  // What takes at least so long is kept, below 0 nothing; and at most so many.
  void set_limits(int64_t slower_us, uint64_t most) {
    slower_us_ = slower_us;
    most_ = most;
    if (entries_.size() > most_) entries_.resize(most_);
  }
  bool wants(int64_t took_us) const {
    return slower_us_ >= 0 && took_us >= slower_us_ && most_ > 0;
  }

  void add(int64_t unix_s, int64_t took_us, std::span<const std::string_view> words,
           std::string address, std::string name) {
    SlowEntry entry{next_id_++, unix_s, took_us, {}, std::move(address), std::move(name)};
    const size_t shown = words.size() > kMostWords ? kMostWords - 1 : words.size();
    for (const std::string_view word : words.first(shown)) {
      entry.words.emplace_back(word.substr(0, kMostBytes));
      if (word.size() > kMostBytes)
        entry.words.back() += "... (" + std::to_string(word.size() - kMostBytes) + " more bytes)";
    }
    if (shown < words.size())
      entry.words.push_back("... (" + std::to_string(words.size() - shown) + " more arguments)");
    entries_.push_front(std::move(entry));
    if (entries_.size() > most_) entries_.pop_back();
  }
  const std::deque<SlowEntry>& entries() const { return entries_; }  // the newest first
  void reset() { entries_.clear(); }

 private:
  static constexpr size_t kMostWords = 32;
  static constexpr size_t kMostBytes = 128;
  int64_t slower_us_ = -1;
  uint64_t most_ = 0;
  uint64_t next_id_ = 0;
  std::deque<SlowEntry> entries_;
};

}  // namespace powercut::engine
