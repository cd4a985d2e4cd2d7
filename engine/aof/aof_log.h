// The append-only file's writer: buffer, group commit, the three sync policies and the enforced
// window.
//
// An entry is *buffered* by end_entry(), *written* when its batch has been handed to the OS,
// *synced* when a sync that began after that has returned. Replies wait for the released mark:
//
//   policy    released is            a sync starts
//   --------  ---------------------  --------------------------------------------------------------
//   always    synced                 when a batch is written; one is in flight, and everything
//                                    buffered meanwhile goes with the next
//   everysec  written, within the    within a second of the first unsynced entry
//             window
//   no        written                at a rotation and at the end
//
// The window of everysec is enforced: where the entries released and not synced would span more,
// the mark stands still until a sync has caught up.
//
// The log is in one phase:
//
//   phase      what it means                           goes on to
//   ---------  --------------------------------------  ------------------------------------------
//   kOff       no segment: entries are counted, not    kOpen: use_segment; kFounding: begin_heal
//              kept
//   kFounding  entries wait in the buffer for a first  kOpen: replace_segment; kOff: abandon_heal
//              segment
//   kOpen      batches are written and synced, and     kPoisoned: a failure; kHealing: begin_heal,
//              the writer goes from one segment to     where everything is replaced; kOff:
//              the next                                deactivate
//   kPoisoned  a sync failed, or a write could not be  kHealing: begin_heal
//              cut off: the segment is never synced
//              again, and nothing rests on it
//   kHealing   entries wait in the buffer for another  kOpen: replace_segment
//              segment
//
// Beside it there may be one write and one sync in flight. Whether the writer is asked to end
// (finish) is apart: it can be asked in any phase, and an end that fails leaves the phase as it is.
//
// Who heals is the owner (engine/generations.h). A write that fails for want of space is cut off
// and tried again; until it succeeds blocked() says why.
//
// Invariants: synced <= written <= applied; released <= written; released never decreases.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/aof/format.h"
#include "engine/base/time.h"
#include "engine/os/os.h"
#include "engine/os/wait_queue.h"

namespace powercut::engine {

enum class SyncPolicy : unsigned char { kAlways, kEverysec, kNo };

struct AofOptions {
  SyncPolicy policy = SyncPolicy::kEverysec;
  Duration sync_interval = seconds(1);
  Duration window = seconds(2);  // everysec: what is acked and unsynced spans no more than this
  Duration retry_interval = milliseconds(10);  // after a failed write
  bool timestamps = false;                     // "#TS:" lines
};

// The segment that is appended to.
struct Segment {
  std::unique_ptr<File> file;
  uint64_t sequence = 0;
  uint64_t nonce = 0;
  uint64_t size = 0;  // where the next batch goes
  uint64_t synced_offset = 0;
  uint64_t reserved = 0;  // writes below this find space
};

class AofLog {
 public:
  AofLog(Os& os, const AofOptions& options);
  AofLog(const AofLog&) = delete;
  AofLog& operator=(const AofLog&) = delete;

  // --- Opening ---
  // The state recovery found: entries up to `lsn` are durable.
  void start_at(uint64_t lsn);
  // Appends go to `segment` from now on. REQUIRES: nothing is being written or synced.
  void use_segment(Segment segment);
  // Starts the writer and the syncer. Without a segment, entries are only counted (persistence
  // off).
  void start();
  bool active() const { return segment_.file != nullptr; }

  // --- Entries: begin, add, add, end ---
  void begin_entry(size_t commands);
  void add_command(int db, std::string_view resp);
  // Returns the entry's LSN.
  uint64_t end_entry();

  // Is there space on the disk for an entry of about so many bytes? Asked before anything is applied, so that whoever
  // meets a full disk is told, and nothing has to be taken back. If not, blocked() says why. True where the filesystem
  // cannot say.
  bool has_space(size_t bytes);

  // --- Marks ---
  uint64_t applied_lsn() const { return applied_; }
  uint64_t written_lsn() const { return written_; }
  uint64_t synced_lsn() const { return synced_; }
  uint64_t released_lsn() const { return released_; }
  // Notified whenever a mark moves or the state changes.
  WaitQueue& progress() { return progress_; }

  // --- Trouble ---
  // Why writes cannot be made durable at present; empty if they can.
  const std::string& blocked() const { return blocked_; }
  // When that was so, for the judge: D of the everysec promise includes it. The last may be open
  // (kForever).
  struct Span {
    Instant begin;
    Instant end;
  };
  const std::vector<Span>& blocked_spans() const { return blocked_spans_; }
  // A sync failed, or a write could not be cut off: heal.
  bool poisoned() const { return phase_ == Phase::kPoisoned || phase_ == Phase::kHealing; }
  // A call on another file failed, perhaps a sync, and that for the filesystem's journal: on ext4 a
  // later sync of ours would succeed, and what was written before would be gone (sim/DISK.md).
  // Poisons the log if it has any such. REQUIRES: no other call came between.
  void distrust(const Error& error);
  // Poisons the log if the segment's name does not lead to it any more: what is written would be lost with the process.
  void check_name();
  bool named() const { return !active() || segment_.file->named(); }
  // Called, in the step in which it happens, when the log is poisoned.
  void set_on_poison(std::function<void()> on_poison) { on_poison_ = std::move(on_poison); }

  // --- Rotation and healing, by the one task that rewrites ---
  struct Rotation {
    Segment next;                  // created, its header synced, its name durable
    std::function<void()> at_cut;  // runs in one step with the cut: applied_lsn() is the cut
    std::function<Result<void>(uint64_t old_length)>
        publish;  // makes `next` part of the store, durably
  };
  // Writes and syncs the old segment to its end, publishes, and goes on in `next`. Replies to
  // entries behind the cut wait for that. On an error the old segment stays in use, poisoned if its
  // sync or the publication failed. Yields.
  Result<void> rotate(Rotation rotation);
  // Heals: everything applied up to `cut` is durable by other means, and `next` holds what comes
  // after.
  void replace_segment(Segment next, uint64_t cut);
  // Waits for the write and the sync in flight, then drops what is buffered: from this moment the
  // buffer holds only entries behind the cut, for a segment yet to come. Returns the cut, in one
  // step with its return: the caller captures the keyspace before it yields. A heal that fails is
  // begun again, with a later cut.
  uint64_t begin_heal();
  // Counts an operation that stands in no entry, since the base that is about to be captured has it; its LSN. REQUIRES:
  // nothing is buffered, and no segment is written to.
  uint64_t count_without_entry();
  // The new segment that is waited for cannot be had now.
  void blame(const Error& error) { block(error.message); }
  // Gives up on a first generation: entries are only counted, as before begin_heal(). REQUIRES:
  // !active().
  void abandon_heal();

  // --- Ending ---
  // Writes and syncs everything applied when it is called, under every policy. On an error the log
  // goes on. Yields.
  Result<void> finish();
  // After finish(): entries are only counted from now on (persistence off).
  void deactivate();

  // --- Figures for INFO ---
  uint64_t segment_size() const { return segment_.size; }
  uint64_t segment_sequence() const { return segment_.sequence; }
  size_t buffered_bytes() const { return buffer_.size() + unwritten_.size(); }
  uint64_t delayed_replies() const { return delayed_replies_; }
  uint64_t syncs() const { return syncs_; }
  // How long the oldest entry that was released and is not synced has been so; 0: there is none.
  Duration unsynced_for() const;
  void reset_stats() { delayed_replies_ = syncs_ = 0; }
  const AofOptions& options() const { return options_; }
  void set_options(const AofOptions& options);

 private:
  enum class Phase : unsigned char { kOff, kFounding, kOpen, kPoisoned, kHealing };
  // The writer's end: finish() asks for it, start() begins anew.
  enum class Ending : unsigned char { kNone, kAsked, kOver };
  struct InFlight {
    bool write = false;
    bool sync = false;
    bool nothing() const { return !write && !sync; }
  };
  struct Release {
    uint64_t lsn;
    Instant at;
  };

  // The only place where the phase changes. CHECKs that the table above has it.
  void enter(Phase next);
  void check_marks() const;
  void poison(const Error& error);
  void block(std::string why);
  void unblock();
  void write_loop();
  void sync_loop();
  Result<void> cut_back();
  Result<void> write_batch();
  Result<void> sync_segment(Site fence);
  Result<void> finish_segment();
  void do_rotation();
  void release();
  bool can_write() const { return phase_ == Phase::kOpen; }
  bool keeps_entries() const { return phase_ != Phase::kOff; }
  void drop_buffer();
  // Beyond what is asked for, so that it is seldom done; and what an entry may need more than its request had.
  static constexpr uint64_t kReserve = 1 << 20;
  static constexpr uint64_t kSlack = 64 << 10;
  static constexpr size_t kKeptBuffer = 4 << 20;  // a larger one is given back once it is written
  bool has_unwritten() const { return !buffer_.empty() || !unwritten_.empty(); }

  Os& os_;
  AofOptions options_;
  Segment segment_;

  std::string buffer_;         // entries not yet taken by the writer
  uint64_t buffer_first_ = 1;  // the LSN of its first entry
  std::string unwritten_;      // the batch being written, or one whose write failed
  uint64_t unwritten_first_ = 1;
  uint64_t unwritten_last_ = 0;
  // Where what is buffered goes, while its predecessor is written to its end.
  Segment* behind_cut_ = nullptr;
  bool can_reserve_ = true;  // the filesystem can tell
  bool out_of_space_ = false;
  int selected_db_ = -1;  // of the last command buffered for this segment
  size_t open_commands_ = 0;
  int64_t last_timestamp_s_ = 0;

  uint64_t applied_ = 0;
  uint64_t written_ = 0;
  uint64_t synced_ = 0;
  uint64_t released_ = 0;
  std::deque<Release> unsynced_releases_;  // what was released and is not synced, oldest first
  uint64_t delayed_replies_ = 0;
  uint64_t syncs_ = 0;

  std::string blocked_;
  std::vector<Span> blocked_spans_;
  Phase phase_ = Phase::kOff;
  InFlight in_flight_;
  Ending ending_ = Ending::kNone;
  uint64_t finish_lsn_ = 0;  // finish() waits for this
  bool syncer_runs_ = false;
  Instant last_sync_start_{INT64_MIN / 2};
  Rotation* rotation_ = nullptr;  // asked for; the writer does it
  std::optional<Result<void>> rotation_outcome_;

  std::function<void()> on_poison_;
  WaitQueue wake_writer_;
  WaitQueue wake_syncer_;
  WaitQueue progress_;
};

}  // namespace powercut::engine
