// The warm tier's file: values that are not in memory and are had at once, uncompressed.
//
// It is scratch, as memory is (engine/os/scratch.h): nothing of it outlives the process, no start reads it, and no base of the
// log refers to it. It has regions, which are filled one after the other:
//
//   record   crc(u32) size(u32) database(u32) key's size(u32) key type+value
//            `size` is that of all behind the checksum, the database's number its identity, the value as RDB has it; the
//            checksum is a CRC-32C that begins with the region's nonce and the place in it
//
// A region is a segment (engine/store/away.h) from when it is begun until nobody holds it: then it is free, and what is begun
// there next is another segment, with another nonce. So no record is taken for what stood there before it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/result.h"
#include "engine/os/os.h"
#include "engine/store/value.h"

namespace powercut::engine {

class WarmFile final : public WarmShelf {
 public:
  // REQUIRES: `bytes` is enough for two regions.  Errors: as Os::open_scratch().
  static Result<std::unique_ptr<WarmFile>> open(Os& os, uint64_t bytes, uint64_t region_bytes,
                                                uint64_t first_sequence);
  ~WarmFile() override;
  WarmFile(const WarmFile&) = delete;
  WarmFile& operator=(const WarmFile&) = delete;

  // Writes a value; `database` is its identity. Does not yield.
  //   Errors: kNoSpace: not before a region is free. kInvalid: it is longer than a region. kIo: of the file.
  Result<Away> put(int database, std::string_view key, const Value& value);
  Result<Value> read_now(const Away& away, const EncodingLimits& limits) override;
  void unheld(ColdSegment& segment) override;

  // The region with values that was filled first, and is not being filled; nullptr: none. `filling`: that one, at last.
  ColdSegment* oldest(bool filling) const;
  struct Place {
    int database;
    std::string key;
    uint64_t offset;  // as Away has it
  };
  // The record at `offset` of a region, and where the next one is, in `offset`; false: there is none, or it is damaged.
  bool next_place(const ColdSegment& region, uint64_t& offset, Place& place) const;
  bool any_free() const { return free_regions() != 0; }
  // Does anybody rest on it?
  bool in_use() const;
  // Told when nobody holds a region any more.
  void set_on_free(std::function<void()> on_free) { on_free_ = std::move(on_free); }

  uint64_t bytes() const { return file_->size(); }
  uint64_t longest() const { return region_bytes_; }
  uint64_t values() const;
  uint64_t live_bytes() const;  // of these, keys and heads included
  uint64_t next_sequence() const { return next_; }

 private:
  struct Region {
    SegmentHold segment;  // none: it is free
    uint64_t filled = 0;
  };
  WarmFile(Os& os, std::unique_ptr<Scratch> file, uint64_t region_bytes, uint64_t first_sequence);
  size_t free_regions() const;
  bool begin_region();
  size_t index_of(const ColdSegment& segment) const;
  void free(Region& region);
  Result<std::string> read_whole(const ColdSegment& segment, uint64_t offset,
                                 uint64_t length) const;

  Os& os_;
  const std::unique_ptr<Scratch> file_;
  const uint64_t region_bytes_;
  std::vector<Region> regions_;
  size_t filling_ = SIZE_MAX;
  uint64_t next_;
  std::function<void()> on_free_;
};

}  // namespace powercut::engine
