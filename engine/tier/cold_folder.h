// The cold tier's files: segments of values, written once and never changed.
//
//   FOLDER/7.cold   header   "PCCOLD1\n" nonce(u64) crc(u32)
//                   record*  crc(u32) size(u32) bytes      a value as RDB has it (its type first), LZ4 where that pays:
//                                                          `size` is that of the value, the record's length tells
//                   footer   "PCSEAL1\n" records(u32) crc(u32)
//
// Each checksum is a CRC-32C that begins with the nonce and the place: no record passes for another one, nor for one of
// an older file of that name. Little-endian. The block format is that of LZ4 (lz4.org).
//
// A segment is sealed: whole and synced, its name too, before anything refers to it. What survives a kill and a power cut
// is what a base of the log names (engine/generations.h); a start removes the others, once it has loaded all.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/os/os.h"
#include "engine/store/away.h"
#include "engine/store/keyspace.h"
#include "engine/tier/archive.h"

namespace powercut::engine {

class ColdFolder final : public ColdShelf {
 public:
  // An empty path: that of a backup, or else what the base says (a tool that only reads).
  ColdFolder(Os& os, std::string path) : os_(os), path_(std::move(path)) {}
  ~ColdFolder() override;
  ColdFolder(const ColdFolder&) = delete;
  ColdFolder& operator=(const ColdFolder&) = delete;

  const std::string& path() const { return path_; }

  // --- A start ---
  // Takes in the segments on which a base says that it rests (kRdbAuxCold), each held. Changes nothing. Yields.
  //   Errors: kCorrupt: one is missing, not sealed or another one; with the file and the remedy. As the seam's.
  Result<std::vector<SegmentHold>> adopt(std::string_view rests_on);
  // Reads all values that lie here back into memory, for a tool. Yields. Errors: as read().
  Result<void> bring_all_back(Keyspace& keyspace);
  // The folder stands, durably, and holds nothing but what was taken in. Yields. Errors: as the seam's.
  Result<void> settle();

  // --- The archive (engine/tier/archive.h) ---
  // Call it before adopt(). `store` outlives this.
  void set_archive(ObjectStore& store, const std::string& url) {
    archive_.emplace(os_, path_, store, url);
  }
  Archive* archive() { return archive_ ? &*archive_ : nullptr; }
  // Moves a segment's file there. Yields.
  //   Errors: kIo and others of the disk, `of_disk` set; those of the archive: the file stays, and counts.
  Result<void> move_to_archive(ColdSegment& segment, bool& of_disk);
  // Brings a segment's file back, durably, where it is not here, and keeps it here as long as this lives. Yields.
  //   Errors: those of the archive and of the disk; kCorrupt: what came is not the segment.
  Result<void> keep_here(ColdSegment& segment);
  // Segments whose note stands, and whose file here is not what was noted: the object counts, until it is seen not to be there.
  bool any_disputed() const { return !disputed_.empty(); }
  // Looks for the object of the first of them. It is there, whole: the file goes. It is not: the file counts, and what is damaged
  // in it is told when it is read. Yields. Errors: as the archive's: say it again.
  Result<void> settle_disputed();
  // Objects of segments that nobody holds any more.
  bool any_doomed() const { return !doomed_.empty(); }
  // Removes the first of them. Yields. Errors: as the archive's: say it again.
  Result<void> remove_doomed();
  // One that has a file here, may go, and was not used since; nullptr: none.
  ColdSegment* coldest_here(Instant not_since = kForever) const;
  // One of those that have a file here, and may go; nullptr: none.
  ColdSegment* any_here() const;
  uint64_t bytes_here() const;
  size_t count_archived() const;

  // --- Segments ---
  struct Record {
    uint64_t offset;
    uint64_t length;
  };
  // Puts a value behind those in `bytes`, which becomes a segment.
  class Draft {
   public:
    Draft(uint64_t sequence, uint64_t nonce);
    // REQUIRES: fits(value).
    Record add(const Value& value, bool compress);
    uint64_t size() const { return bytes_.size(); }

   private:
    friend class ColdFolder;
    uint64_t sequence_;
    uint64_t nonce_;
    uint32_t records_ = 0;
    std::string bytes_;
  };
  Draft begin();
  // Writes it; sealed and durable when this returns, and held. Yields.
  //   Errors: as the seam's: nothing rests on it. What stands of it is removed, or else by the next start.
  Result<SegmentHold> seal(Draft draft);
  // Reads a value, and verifies it. The segment is held meanwhile. Yields.
  //   Errors: kCorrupt, kIo, kNotFound: with the file and the place.
  Result<Value> read(Away away, const EncodingLimits& limits);
  // nullptr: there is none of that number.
  ColdSegment* find(uint64_t sequence) const;
  // One with a file here of which less than half is some key's; nullptr: there is none.
  ColdSegment* mostly_dead() const;
  // Those where values of some key lie, for a base that refers to them: held, and as kRdbAuxCold says them.
  std::vector<SegmentHold> in_use() const;
  std::string rests_on(const std::vector<SegmentHold>& segments) const;
  // Do their files stand, sealed? Before a base that rests on them takes the place of a log that has all. Yields.
  //   Errors: as adopt().
  Result<void> check_standing(const std::vector<SegmentHold>& segments);

  // Removes those that nobody holds. What cannot be removed now is by the next start. Yields.
  void remove_unheld();
  bool any_unheld() const { return !unheld_.empty(); }
  void set_on_unheld(std::function<void()> on_unheld) { on_unheld_ = std::move(on_unheld); }
  void unheld(ColdSegment& segment) override;

  std::string file_of(uint64_t sequence) const;
  uint64_t bytes() const;
  size_t count() const { return segments_.size(); }
  uint64_t values() const;  // that lie here

 private:
  Result<bool> check_found(uint64_t sequence, uint64_t nonce, uint64_t bytes);
  Result<void> check_sealed(File& file, uint64_t sequence, uint64_t nonce, uint64_t bytes);
  Result<bool> check_note(uint64_t sequence, uint64_t nonce, uint64_t bytes);
  Result<void> settle_note(uint64_t sequence);
  Result<void> write_sealed(const std::string& name, std::string_view bytes);
  // Durable are the names made since there had been `failed_before` of failed_syncs_. Yields. Errors: make them anew.
  Result<void> sync_names(uint64_t failed_before, Site fence);
  Result<std::string> read_record(const Away& away);
  bool may_go(const ColdSegment& segment) const;
  bool is_disputed(uint64_t sequence) const;
  Result<void> make_folder();
  void find_folder(std::string_view said, uint64_t sequence);
  SegmentHold take_in(uint64_t sequence, uint64_t nonce, uint64_t bytes);

  Os& os_;
  std::string path_;
  std::map<uint64_t, SegmentHold> segments_;
  std::vector<uint64_t> unheld_;  // perhaps held again since
  std::function<void()> on_unheld_;
  std::optional<Archive> archive_;
  struct Doomed {
    uint64_t sequence;
    uint64_t nonce;
  };
  std::vector<Doomed> doomed_;
  struct Disputed {
    uint64_t sequence;
    uint32_t crc;  // as noted
  };
  std::vector<Disputed> disputed_;
  uint64_t failed_syncs_ = 0;  // of the folder's names
  uint64_t next_ = 1;
};

// Is it the name of a folder in dir? "": there is no cold tier.
bool is_cold_path(std::string_view path);

}  // namespace powercut::engine
