// Tiers: values that are seldom used leave memory for segments on the disk, keys stay. Between the two there may be a warm
// tier: a mapped file of which values come back at once (engine/tier/warm_file.h).
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
// With a warm tier values leave memory for that, in one step, and go on to the cold one with its oldest region, when the last
// free one has been begun: what is read comes back to memory, so what lies longest there was not used for longest. A region
// is free when its values lie in a segment that is sealed. What is too long for it leaves for the cold tier. To the log and
// all that is written of the data a value there is one in memory.
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
#include "engine/tier/warm_file.h"

namespace powercut::engine {

struct TierOptions {
  std::string path;         // cold-tier-path: in the Os's root; empty: no tiers
  uint64_t hot_bytes = 0;   // hot-tier-size: of values in memory; 0: any
  uint64_t warm_bytes = 0;  // warm-tier-size: of the file behind them; 0: there is none
  bool compress = true;     // cold-tier-compression
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
  uint64_t warm_regions = 16;        // at least: none has more bytes than a segment
  uint64_t longest_warm = 1 << 20;   // what takes more, or half a region, leaves for the cold tier
  bool restless =
      false;  // for the judge: some values leave behind each entry, however few there are
};

struct TierStats {
  uint64_t left = 0;        // values that went to the cold tier
  uint64_t left_bytes = 0;  // of the segments they went to
  uint64_t came = 0;        // ... and came back
  uint64_t came_bytes = 0;
  uint64_t archive_came = 0;  // of these, from the archive
  uint64_t archive_came_bytes = 0;
  uint64_t segments = 0;  // sealed
  uint64_t failures = 0;  // segments that could not be, and values that could not be read
  uint64_t not_had = 0;   // values that the archive did not give
  std::string last_error;
  uint64_t warm_left = 0;  // values that went to the warm tier
  uint64_t warm_left_bytes = 0;
  uint64_t warm_came = 0;  // ... and came back
  uint64_t warm_came_bytes = 0;
  uint64_t warm_moved_on = 0;  // ... and went on to the cold one; they are in `left` as well
  uint64_t warm_failures = 0;  // values that could not be written there, or read
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
  // Makes a warm tier of that size, or leaves it; what lies in the one before moves on. Does not yield.
  //   Errors: kInvalid, kNoSpace and others of Os::open_scratch(), with what to do: all is as it was.
  Result<void> set_warm_bytes(uint64_t bytes);
  // Of what was made so, not the size of a warm tier.
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

  // Brings back the values of these keys that are away; those in the cold tier in one step. Yields if there are any of those.
  //   Errors: as ColdFolder::read() and WarmFile::read_now(), with the key. Nothing of the data has changed.
  Result<void> bring_back(std::span<const std::pair<int, std::string>> keys);

  ColdFolder& folder() { return folder_; }
  const ColdFolder& folder() const { return folder_; }
  const TierStats& stats() const { return stats_; }
  uint64_t warm_values() const;
  uint64_t warm_used() const;  // bytes of the file that are some value's

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
  // Values that are to leave, of a kind: with a warm tier, those that fit into it, or the others.
  enum class Fitting : unsigned char { kAny, kWarm, kLong };
  Table::Entry* choose(Fitting fitting, Database*& of);
  void replace(const SegmentHold& segment);
  // tier_warm.cc
  uint64_t warm_region_bytes(uint64_t bytes) const;
  bool move_to_warm();
  uint64_t longest_warm() const;
  Result<void> put_warm(Database& database, Table::Entry& entry);
  WarmFile* file_to_empty() const;
  void move_on();
  struct Moving {
    KeyAt at;
    uint64_t offset;  // in the region that it leaves
    Leaving leaving;
  };
  bool fill_from(const WarmFile& file, const ColdSegment& region, ColdFolder::Draft& draft,
                 std::vector<Moving>& moving);
  void replace_moved(const ColdSegment& region, const std::vector<Moving>& moving,
                     const SegmentHold& segment);
  void bring_all_back_from(const ColdSegment& region);
  Result<void> bring_back_warm(Table::Entry& entry);
  Table::Entry* lies_at(const ColdSegment& region, const KeyAt& at, uint64_t offset);
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
  std::unique_ptr<WarmFile> warm_;    // null: there is no warm tier
  std::vector<std::unique_ptr<WarmFile>> emptied_;  // those before it, while values lie there
  uint64_t warm_next_ = 0;                          // the number of the next one's first region
  uint64_t leaving_bytes_ = 0;                      // of memory
  uint64_t tidy_at_ = 0;                            // of stats_.left
  bool restless_ = false;
  bool stopping_ = false;
  Instant not_before_{0};
  Duration retry_after_{0};
  TierStats stats_;
};

}  // namespace powercut::engine
