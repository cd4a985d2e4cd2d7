// When segments go to the archive (engine/tier/archive.h): those of which nothing was read for archive-after, and the
// coldest while files of the cold tier take more than cold-tier-size; and objects that nobody rests on are removed.
//
// An archive that cannot be had delays that alone: files stay where they are, and it is tried again, at most every 30 s.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "engine/os/wait_queue.h"
#include "engine/tier/tier.h"

namespace powercut::engine {

struct ArchiverStats {
  uint64_t sent = 0;  // segments, in this life
  uint64_t sent_bytes = 0;
  uint64_t removed = 0;   // objects
  uint64_t failures = 0;  // of either
  std::string last_error;
  bool reached = true;  // by the last try
};

class Archiver {
 public:
  // `restless`: for the judge: any segment goes, behind each entry.
  Archiver(Os& os, ColdFolder& folder, const TierOptions& options, bool restless);

  // Told of a call of the disk that failed; see Tier.
  void set_on_failure(std::function<void(const Error&)> on_failure) {
    on_failure_ = std::move(on_failure);
  }
  void set_log_line(std::function<void(std::string_view)> say) { say_ = std::move(say); }
  void set_options(const TierOptions& options);

  // The task. Ends behind stop().
  void run();
  void stop();
  // Something has changed: is there one to go?
  void look();

  const ArchiverStats& stats() const { return stats_; }

 private:
  ColdSegment* next_to_go();
  Instant next_due() const;
  void move(ColdSegment& segment);
  void settle();
  void remove();
  void succeed();
  void fail(const Error& error);

  Os& os_;
  ColdFolder& folder_;
  TierOptions options_;
  const bool restless_;
  bool asked_ = false;  // restless
  std::function<void(const Error&)> on_failure_;
  std::function<void(std::string_view)> say_;
  WaitQueue wake_;
  bool stopping_ = false;
  Instant not_before_{0};
  Duration retry_after_{0};
  ArchiverStats stats_;
};

}  // namespace powercut::engine
