// Tiers: values that are seldom used leave memory for segments on the disk, keys stay.
//
// The log has every write, wherever its value lies. So what a crash may take is what it may take without tiers: a base of
// the log refers to values in segments that were sealed before it, and rests on them (engine/tier/cold_folder.h); of a
// value that left memory behind the base, the log has what made it.
//
//   leaves    a task: while values take more than hot-tier-size, a batch of those that were not used for longest is
//             written into a segment; when that is sealed, each that has not changed since is replaced by where it lies.
//             A segment that cannot be written leaves all in memory, and is tried again later.
//   comes     a client whose command names the key waits while it is read and verified; others go on. The command then
//             runs as one step. A value that cannot be read is an error of that command, and of nothing else.
//   is gone   a segment that nobody holds (engine/store/away.h).
//
// Tiers need the log. Not together yet: a sink, and a store that follows a master.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/os/wait_queue.h"
#include "engine/store/keyspace.h"
#include "engine/tier/cold_folder.h"

namespace powercut::engine {

struct TierOptions {
  std::string path;        // cold-tier-path: in the Os's root; empty: no tiers
  uint64_t hot_bytes = 0;  // hot-tier-size: of values in memory; 0: any
  bool compress = true;    // cold-tier-compression
  // Of the archive (engine/tier/archiver.h):
  std::string archive_url = {};       // archive-url: s3://bucket/prefix; empty: there is none
  std::string archive_endpoint = {};  // archive-endpoint; empty: that of the region
  std::string archive_region = "us-east-1";  // archive-region
  int64_t archive_after_s = 3600;            // archive-after; 0: never for that
  uint64_t cold_bytes = 0;                   // cold-tier-size: of segments on the disk; 0: any
};

// Of the engine's own steps; see EngineSizes.
struct TierSizes {
  uint64_t segment_bytes = 8 << 20;  // a segment is sealed when it has these
  uint64_t slice_bytes = 256 << 10;  // encoded in one step
  uint64_t least_bytes = 64;         // what takes less in memory stays there
  bool restless =
      false;  // for the judge: some values leave behind each entry, however few there are
};

struct TierStats {
  uint64_t left = 0;      // values that went to the cold tier
  uint64_t came = 0;      // ... and came back
  uint64_t segments = 0;  // sealed
  uint64_t failures = 0;  // segments that could not be, and values that could not be read
  uint64_t not_had = 0;   // values that the archive did not give
  std::string last_error;
};

// A key of one database, whatever its number.
struct KeyAt {
  int database;  // its identity
  std::string key;
  auto operator<=>(const KeyAt&) const = default;
};

class Tier final : public KeyspaceObserver {
 public:
  using Draw = std::function<uint64_t(Site, uint64_t)>;
  Tier(Os& os, Keyspace& keyspace, ColdFolder& folder, const TierOptions& options,
       const TierSizes& sizes);
  ~Tier() override;
  Tier(const Tier&) = delete;
  Tier& operator=(const Tier&) = delete;

  // Told of a call that failed, in its step: a sync may have, and the log's with it (AofLog::distrust).
  void set_on_failure(std::function<void(const Error&)> on_failure) {
    on_failure_ = std::move(on_failure);
  }
  void set_log_line(std::function<void(std::string_view)> say) { say_ = std::move(say); }
  void set_options(const TierOptions& options);
  // Told when a segment has been sealed, or nobody holds one any more.
  void set_on_change(std::function<void()> on_change) { on_change_ = std::move(on_change); }
  const TierOptions& options() const { return options_; }

  // The task. Ends behind stop().
  void run();
  void stop();
  // Something has changed: are there too many in memory?
  void look() {
    if (sizes_.restless) restless_ = true;
    if (!wake_.empty() && due()) wake_.notify_all();
  }

  // Brings back the values of these keys that are away, all in one step. Yields if there are any.
  //   Errors: as ColdFolder::read(), with the key. Nothing has changed.
  Result<void> bring_back(std::span<const std::pair<int, std::string>> keys);

  ColdFolder& folder() { return folder_; }
  const ColdFolder& folder() const { return folder_; }
  const TierStats& stats() const { return stats_; }

  // --- KeyspaceObserver ---
  void before_change(Database& db, std::string_view key, Object* object) override;
  void before_flush(Database& db) override;

 private:
  struct Leaving {
    ColdFolder::Record record;
    uint8_t type;
  };
  bool due() const;
  uint64_t above(uint64_t mark) const;
  uint64_t excess() const;
  bool due_to_tidy() const;
  void tidy();
  void move_some_out();
  bool fill(ColdFolder::Draft& draft);
  Table::Entry* choose(Database*& of);
  void replace(const SegmentHold& segment);
  void fail(const Error& error);
  Database* database_of(int identity);

  Os& os_;
  Keyspace& keyspace_;
  ColdFolder& folder_;
  TierOptions options_;
  const TierSizes sizes_;
  std::function<void(const Error&)> on_failure_;
  std::function<void(std::string_view)> say_;
  std::function<void()> on_change_;
  WaitQueue wake_;
  std::map<KeyAt, Leaving> leaving_;  // in the segment that is being written, and not changed since
  std::multiset<KeyAt> wanted_;       // a client waits for them
  uint64_t leaving_bytes_ = 0;        // of memory
  uint64_t tidy_at_ = 0;              // of stats_.left
  bool restless_ = false;
  bool stopping_ = false;
  Instant not_before_{0};
  Duration retry_after_{0};
  TierStats stats_;
};

}  // namespace powercut::engine
