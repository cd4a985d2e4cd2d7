// Reads a segment: verifies batch by batch, hands over entry by entry, and tells a torn tail from
// corruption. It looks no further than it must, so that what follows a torn batch can stay unread.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/aof/format.h"
#include "engine/aof/segment_bytes.h"
#include "engine/base/result.h"

namespace powercut::engine {

// The commands of one entry. Views into the segment's bytes.
class EntryView {
 public:
  size_t size() const { return ends_.size(); }
  std::span<const std::string_view> command(size_t i) const {
    const size_t begin = i == 0 ? 0 : ends_[i - 1];
    return std::span(words_).subspan(begin, ends_[i] - begin);
  }
  void clear() {
    words_.clear();
    ends_.clear();
  }
  std::vector<std::string_view>& words() { return words_; }
  void end_command() { ends_.push_back(words_.size()); }

 private:
  std::vector<std::string_view> words_;
  std::vector<size_t> ends_;
};

struct SegmentExpectation {
  std::string name;
  uint64_t first_lsn = 1;                 // what must come next
  bool any_first_lsn = false;             // whatever the first batch says: nothing is known of it
  std::optional<uint64_t> ours;           // it must begin with our header, of this sequence number
  std::optional<uint64_t> nonce;          // and with this nonce
  std::optional<uint64_t> synced_length;  // the manifest says that much was synced
  uint64_t begin = 0;  // where its bytes begin in the file: what errors say counts from there
  bool truncate_corruption = false;  // on_corruption truncate: keep what precedes the damage
  std::optional<int64_t> until_unix_s = {};  // what a later timestamp precedes is given up likewise
};

struct SegmentScan {
  bool annotated = false;  // ours; false: written by Redis
  SegmentHeader header;
  bool closed = false;         // it ends with a closed mark, or did before Redis went on in it
  uint64_t closed_offset = 0;  // where that mark stands
  bool by_redis = false;       // redis-server has appended to it
  uint64_t good_end = 0;       // everything before is whole; what follows was dropped
  uint64_t next_lsn = 1;
  uint64_t entries = 0;
  uint64_t batches = 0;
  uint64_t synced_offset = 0;  // the highest that a batch of it, or a closed mark, vouches for
  std::string dropped_reason;  // why the tail was dropped; empty if nothing was
  bool corrupt = false;        // given up because of truncate_corruption, not as a torn tail
};

// Hears before each command of a batch which one comes next: who likes may look at those behind it.
using OnAhead = std::function<void(const EntryView& batch, size_t next)>;

// `on_entry` gets each entry's LSN and commands; its error ends the scan.
// Error: kCorrupt, naming file, offset and remedy.
Result<SegmentScan> scan_segment(
    SegmentBytes& bytes, const SegmentExpectation& expected,
    const std::function<Result<void>(uint64_t lsn, const EntryView& entry)>& on_entry,
    const OnAhead& on_ahead = {});

// One RESP command at `position`, or why there is none.
enum class Parse : unsigned char { kCommand, kCut, kBad };
Parse parse_command(std::string_view bytes, size_t& position, std::vector<std::string_view>& words);

}  // namespace powercut::engine
