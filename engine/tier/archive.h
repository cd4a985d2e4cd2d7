// The archive: segments of the cold tier that have moved on to an object store (engine/os/object_store.h), each whole,
// under a name that no other ever has: PREFIX/SEQUENCE-NONCE.cold.
//
// The log and its bases know nothing of it: they name segments, and a segment is where it is found.
//
//   FOLDER/7.cold     the file is here: it counts, and no other copy is needed
//   FOLDER/7.archive  the note: there is, or may be, an object of that name; durable before anything is sent
//   neither           the segment is gone, or never was
//
// A segment goes in four steps: the note is made durable; the object is put; it is read back whole and compared, for some
// stores answer before others can read it; the file is removed. So at each moment, and whatever of the last names a power cut
// back, a whole copy is found: the file, or behind the note an object that was read. A note beside its file says nothing of
// the object, which is then put again, with the same bytes under the same name; but the file must have the bytes that the
// note was written for: one that was removed and comes back may have others' (ext4 with data=writeback). One that has others
// counts only when no such object is found: then it was damaged before all was sent.
//
// An object is removed when nobody holds its segment (engine/store/away.h), and its note behind it. What has no note in this
// folder is never removed: it is another store's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/os/object_store.h"
#include "engine/os/os.h"

namespace powercut::engine {

// "s3://bucket/prefix", which may lack the prefix.
struct ArchiveUrl {
  std::string bucket;
  std::string prefix;
};
//   Error: kInvalid.
Result<ArchiveUrl> parse_archive_url(std::string_view url);

struct ArchiveNote {
  uint64_t sequence = 0;
  uint64_t nonce = 0;
  uint64_t bytes = 0;  // of the segment
  uint32_t crc = 0;    // CRC-32C of all of it
  std::string url;     // of the archive
};

class Archive {
 public:
  // Notes stand in `folder`; objects in `store`, which is known as `url`. All outlive this.
  Archive(Os& os, std::string folder, ObjectStore& store, std::string url);

  const std::string& url() const { return url_; }
  // Can it be had? Yields. Errors: as the seam's.
  Result<void> check();

  // --- Notes ---
  static std::string note_file(std::string_view folder, uint64_t sequence);
  // Nothing: there is no whole one. Yields. Errors: as the disk's.
  static Result<std::optional<ArchiveNote>> read_note(Os& os, const std::string& folder,
                                                      uint64_t sequence);
  // Durable when this returns, but for its name. Yields. Errors: as the disk's; a part of it may stand, which counts as none.
  Result<void> write_note(uint64_t sequence, uint64_t nonce, std::string_view bytes);

  // --- Objects ---
  // Stores a segment's bytes, and reads them back. Yields.
  //   Errors: the seam's; kCorrupt: others are read. It may be there or not.
  Result<void> send(uint64_t sequence, uint64_t nonce, const std::string& bytes);
  // A part of one. Yields. Errors: the seam's; kNotFound: it is gone, with its name.
  Result<std::string> read(uint64_t sequence, uint64_t nonce, uint64_t offset, uint64_t length);
  // The object, then its note. Yields. Errors: the seam's: say it again.
  Result<void> remove(uint64_t sequence, uint64_t nonce);

  // For people: "s3://bucket/prefix/7-00000000000000aa.cold".
  std::string object_of(uint64_t sequence, uint64_t nonce) const;

 private:
  std::string key_of(uint64_t sequence, uint64_t nonce) const;

  Os& os_;
  const std::string folder_;
  ObjectStore& store_;
  const std::string url_;
  std::string prefix_;
};

}  // namespace powercut::engine
