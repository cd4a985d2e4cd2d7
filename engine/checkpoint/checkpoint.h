// A checkpoint without fork: the keyspace as it was at one instant, written while commands go on.
//
// begin() raises the epoch; that instant is the cut. An object whose stamp is older than the epoch
// has not been serialised. A task walks the tables; whoever is about to change such an object first
// hands it over here (KeyspaceObserver), so each object is serialised once, as it was at the cut.
// What is created after the cut bears the new stamp. A flushed table is taken over whole.
//
// A value in the cold tier is referred to in the base of a log, and read for any other checkpoint. What lay in memory, or in
// the warm tier, at the cut is handed over when it goes there, so that a base refers to no segment that is younger than its
// cut. One in the warm tier is written as one in memory.
//
// Invariants: an object is stamped before anything yields; a walk goes from a table's end down, so
// objects that move are not missed (engine/store/slab_map.h); nothing is ever serialised twice.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/checkpoint/rdb_encode.h"
#include "engine/os/os.h"
#include "engine/os/wait_queue.h"
#include "engine/store/keyspace.h"

namespace powercut::engine {

struct CheckpointInfo {
  uint64_t bytes = 0;
  uint64_t keys = 0;
  uint64_t crc = 0;  // the file's own
};

struct CheckpointSizes {
  size_t slice_bytes = 64 << 10;  // serialised or written in one step
  size_t buffer_bytes = 1 << 20;  // a writer waits when this much is serialised and not yet written
};

class Checkpoint final : public KeyspaceObserver {
 public:
  Checkpoint(Os& os, Keyspace& keyspace, const CheckpointSizes& sizes = {});
  ~Checkpoint() override;

  // What becomes of it. A file is read back, and while it falls behind writers wait for it. What is sent as it is made is
  // neither: nobody waits for who reads it, and how much it may keep is its reader's matter.
  enum class For : unsigned char { kFile, kSending };

  // The cut, in one step.
  void begin(const RdbHeader& header, For what = For::kFile);
  // Writes the whole file, syncs nothing. Yields. The bytes are read back and verified, where they are for a file.
  //   Errors: of the file; kCorrupt if the count of keys or the checksum is not what it must be.
  Result<CheckpointInfo> write(File& file);
  // How values in the cold tier are read; may yield. Without it there are none.
  using ReadAway = std::function<Result<Value>(const Away&)>;
  void set_read_away(ReadAway read) { read_away_ = std::move(read); }
  // Gives up; what was handed over is dropped.
  void abandon();

  bool running() const { return writer_.has_value(); }
  bool full() const {
    return running() && for_ == For::kFile &&
           writer_->pending() + side_bytes_ > sizes_.buffer_bytes;
  }
  // Notified when the buffer has been written.
  WaitQueue& room() { return room_; }
  // What the checkpoint costs now: the buffer and the tables it keeps alive.
  size_t extra_bytes() const;
  uint64_t keys_done() const { return running() ? writer_->keys() : 0; }
  uint64_t keys_total() const { return expected_keys_; }

  // --- KeyspaceObserver ---
  void before_change(Database& db, std::string_view key, Object* object) override;
  void before_flush(Database& db) override;
  void before_leave(Database& db, std::string_view key, Object& object, const Away&) override;
  void before_lend(Database& db) override {
    if (&db == slicing_db_) finish_slicing();
  }

 private:
  struct Handed {
    int db;
    std::string entry;
  };
  struct Taken {
    int db;
    Table table;
  };

  struct KeptAway {
    int db;
    std::string key;
    Object object;
  };

  int number_of(const Database& db) const { return numbers_[static_cast<size_t>(db.identity())]; }
  void capture(int db, std::string_view key, const Object& object);
  void capture_warm(int db, std::string_view key, const Object& object);
  void finish_slicing();
  Result<void> walk(int identity, File& file);
  Result<void> walk_taken(File& file);
  Result<void> write_away(File& file);
  Result<void> write_out(File& file);
  Result<uint64_t> verify(File& file);

  Keyspace& keyspace_;
  const CheckpointSizes sizes_;
  WaitQueue room_;
  std::optional<RdbWriter> writer_;
  For for_ = For::kFile;
  uint32_t epoch_ = 0;
  uint64_t expected_keys_ = 0;
  std::vector<int> numbers_;  // by identity: the number at the cut
  std::vector<Taken> taken_;
  std::optional<Error> not_had_;  // why a value in the warm tier could not be read
  std::vector<KeptAway> away_;    // to be read
  bool refers_ = false;           // to them, instead
  ReadAway read_away_;
  std::vector<Handed> side_;  // handed over while an entry is being sliced
  size_t side_bytes_ = 0;
  const Database* slicing_db_ = nullptr;
  size_t slicing_position_ = 0;
  std::string out_;
  uint64_t offset_ = 0;
};

}  // namespace powercut::engine
