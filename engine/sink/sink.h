// A database behind the store: what the log applied is carried to SQLite or PostgreSQL, in order and exactly once.
//
// The queue is a set of keys: those that operations touched since the last batch. A batch takes the values that they have
// between two operations, waits until the log is synced up to there, and writes rows and LSN in one transaction. So the
// database is the store as it was at its LSN, it is never ahead of what a power cut leaves of the log, and a batch that
// failed is merged into the next one. After a start the log says which keys come behind the database's LSN; where the log
// begins later, the tables are written anew from the keyspace, in one transaction (a resynchronisation).
//
//   mode      a reply waits for                                  lost with the power of what was acknowledged
//   --------  -------------------------------------------------  ----------------------------------------------
//   behind    the log alone                                      by the database nothing that the log has; it catches up
//   through   also the commit of the batch that has its          nothing, in the log and in the database
//             operation
//
// Without a log (SinkOptions::alone) the database is all that persists. A start reads its rows, and commits once more what it
// has read before anything is served; an operation is given up to nothing but a commit. Then
//
//   behind    the commit, where the oldest operation that  what was acknowledged within one window (sink-window-ms) of the
//             is not committed is older than the window    oldest that is not committed: no more than that, however long
//                                                          the database is away
//   through   the commit of its operation                  nothing
//
// No key is set aside then: a batch that has one which the database refuses fails, until the key or the table is another.
//
// A database that fails, is full, out of reach, or held by another process delays the queue alone (through: replies to writes too): it
// is opened again and again, and the queue waits, which costs the names of the keys in it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/aof/aof_log.h"
#include "engine/os/wait_queue.h"
#include "engine/sink/mapping.h"
#include "engine/sink/sink_database.h"
#include "engine/store/keyspace.h"

namespace powercut::engine {

enum class SinkMode : unsigned char { kBehind, kThrough };

struct SinkOptions {
  std::string file;      // sink-file: in the Os's root; empty: none
  std::string url = {};  // sink-url: of a PostgreSQL; empty: none. One of the two at most
  SinkMode mode = SinkMode::kBehind;
  std::vector<SinkTable> tables{{"*", "kv"}};
  Duration interval = milliseconds(100);  // behind: how long changes are collected
  Duration window =
      seconds(1);      // alone, behind: what is acknowledged and not committed spans no more
  bool alone = false;  // there is no log; the engine says so
  bool resync = true;  // a database whose next operation the log has no more is written anew
  // sink-read-through: others have rows in its tables as well, which commands are shown (engine/sink/copies.h): no table is
  // ever emptied, and a row is touched only where the store has changed its key.
  bool read_through = false;
  Duration read_ttl = seconds(60);  // sink-read-ttl-ms: a copy of a row is shown no longer
  // Makes the one that `url` names: the store itself speaks to none over a network.
  std::function<std::unique_ptr<SinkDatabase>(const SinkOptions& options)> connect = {};

  bool wanted() const { return !file.empty() || !url.empty(); }
};

// Why a configuration is refused.
inline constexpr std::string_view kSinkNeedsLog =
    "sink-file needs the log synced: appendfsync always or everysec; or no log (appendonly no), "
    "and the database is all that persists";
inline constexpr std::string_view kSinkUrlNeedsLog =
    "sink-url needs the log synced: appendfsync always or everysec; or no log (appendonly no), "
    "and the database is all that persists";
inline constexpr std::string_view why_sink_needs_log(const SinkOptions& options) {
  return options.url.empty() ? kSinkNeedsLog : kSinkUrlNeedsLog;
}

struct SinkStats {
  uint64_t batches = 0;
  uint64_t keys = 0;  // in them
  uint64_t resyncs = 0;
  uint64_t failures = 0;
  std::string last_error;
  uint64_t delayed_replies = 0;  // alone: operations that found the window used up
  Duration worst{0};             // from the oldest operation of a batch to its commit
};

class Sink final : public KeyspaceObserver {
 public:
  Sink(Os& os, Keyspace& keyspace, AofLog& log, SinkOptions options);
  ~Sink() override;
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;

  void set_log_line(std::function<void(std::string_view)> say) { say_ = std::move(say); }

  // --- The start ---
  // Looks which operation the database has, before the keyspace is loaded. One that cannot be had is looked for later.
  // Yields.
  void look();
  // Without a log, in place of look(): which operation the database has; nothing: it is new, and holds none. Yields.
  //   Errors: it cannot be had, or not as it is; nothing was changed.
  Result<std::optional<uint64_t>> open_alone();
  // Puts the rows into the keyspace, which is empty; how many keys. Yields.
  //   Errors: kUnsupported: a row that no key can be made of, by its name. Others as the database's.
  Result<uint64_t> load();
  // What was loaded is made durable as it is, and the tables are marked as all there is. Yields. Call it before begin().
  Result<void> settle_alone(uint64_t last);
  // The log is about to do this operation again.
  void replaying(uint64_t lsn);
  // The keyspace is loaded: up to `base` by a checkpoint, and from there to `last` by the log. Starts the task.
  // `renumbered`: another server wrote it, whose operations have other numbers.
  void begin(uint64_t base, uint64_t last, bool renumbered);

  // --- Beside the running store; none of it yields ---
  // An operation was appended to the log.
  void on_entry();
  // Up to where replies may go of those that the log releases.
  uint64_t released(uint64_t by_log) const;
  // While `hold`, what stands in the keyspace may be in no entry of the log: no batch is taken.
  void hold(bool hold);
  // sink-resync. With true, a database that waits for it is written anew.
  void set_resync(bool resync);

  // Why a log that ends with this operation may not go on behind this database; empty: it may. A store without a log
  // wrote more into it.
  std::string why_not_behind(uint64_t last) const;
  // --- Read-through ---
  std::optional<size_t> table_of(std::string_view key) const {
    return sink_table_of(options_.tables, key);
  }
  bool has_table(std::string_view key) const { return table_of(key).has_value(); }
  // Is there a change of that key which the database may not have yet?
  bool has_word(int db, std::string_view key) const;
  // Reads the rows of those keys, behind all that was committed, and hands each to `take`, in one step with the end of the
  // read; also when it was begun. Yields.
  //   Errors: kUnsupported: as SinkDatabase::read_keys(). kTimeout: not by `deadline`. kRefused: the store ends, or the
  //   database waits for sink-resync.
  using TakeRow = std::function<void(SinkRows&& rows, Instant read_at)>;
  Result<void> read_rows(std::vector<SinkDatabase::KeyAt> keys, Instant deadline, TakeRow take);
  // What a base of the log says of the queue: the keys that the database may lack, which the log behind it names no more.
  std::string queue_in_words() const;
  // Of the base that was loaded; before begin(). Empty: it says nothing, and has all up to `base`.
  void take_queue(uint64_t base, std::string_view words);

  // Returns when that operation is committed. Yields.
  //   Errors: the store ends.
  Result<void> wait_for(uint64_t lsn);
  // Writes all that was applied. Yields.
  //   Errors: why the database or the log cannot have it now; it has it after the next start.
  Result<void> finish();
  void stop();

  // --- For INFO and the judge ---
  const SinkOptions& options() const { return options_; }
  const std::string& name() const { return database_->name(); }
  // By a commit of this life; 0: there was none yet.
  uint64_t committed_lsn() const { return committed_; }
  // It has all that was applied, by a commit of this life.
  bool caught_up() const { return !first_ && !everything_ && committed_ == log_.applied_lsn(); }
  // When it could not be written, for the judge. The last may be open (kForever).
  const std::vector<std::pair<Instant, Instant>>& troubled() const { return troubled_; }
  // The longest that an operation was not committed, up to now.
  Duration worst() const { return std::max(stats_.worst, queued_for()); }
  // What the database was at when this life first saw it.
  uint64_t found_lsn() const { return found_.lsn; }
  bool looked() const { return looked_; }
  size_t queued_keys() const { return noted_.size() + in_flight_; }
  // How long the oldest operation waits that is not committed; 0: there is none.
  Duration queued_for() const;
  uint64_t set_aside() const { return database_->set_aside(); }
  // Why nothing is written at present; empty: it is.
  const std::string& trouble() const { return trouble_; }
  const SinkStats& stats() const { return stats_; }

  // --- KeyspaceObserver ---
  void before_change(Database& db, std::string_view key, Object* object) override;
  void before_flush(Database& db) override;
  void before_swap(int a, int b) override;

 private:
  struct Key {
    int database;  // its identity
    std::string name;
    auto operator<=>(const Key&) const = default;
  };

  struct Reading {
    std::vector<SinkDatabase::KeyAt> keys;
    TakeRow take;
    bool done = false;
    Result<void> outcome = {};
  };

  void run();
  void note(const Database& db, std::string_view key);
  void note_all(const Database& db);
  uint64_t complete_from() const;
  bool serve_readings();
  void end_reading(Reading& reading, Result<void> outcome);
  bool connect();
  Result<void> take_in(SinkRows&& rows);
  bool settle();
  bool note_expired();
  bool behind() const;
  Instant due_at() const;
  void release();
  void note_commit(const SinkBatch& batch);
  void end_batch(const SinkBatch& batch, bool written);
  std::vector<int> numbers_by_identity() const;
  void flush();
  SinkBatch take();
  SinkRows rows_of(int db, std::string_view key, size_t table) const;
  void give_back(const SinkBatch& batch);
  void fail(const Error& error);
  void replace_damaged();
  void say(const std::string& text);

  Os& os_;
  Keyspace& keyspace_;
  AofLog& log_;
  SinkOptions options_;
  std::unique_ptr<SinkDatabase> database_;
  std::function<void(std::string_view)> say_;
  WaitQueue wake_;

  SinkDatabase::Found found_;
  bool looked_ = false;      // found_ is what the database says
  bool settled_ = false;     // ... and it is known what it lacks
  bool cleared_ = false;     // ... and which of its rows have expired
  uint64_t older_than_ = 0;  // it was at this operation, and is no more; 0: it is
  bool gap_ = false;  // it lacks what the log has no more, and is not to be written anew unasked
  uint64_t base_ = 0;
  uint64_t last_ = 0;
  int64_t loaded_ms_ = 0;

  std::set<Key> noted_;
  bool noting_ = false;
  bool everything_ = false;
  size_t in_flight_ = 0;   // keys
  std::set<Key> writing_;  // read-through: these
  bool writing_everything_ = false;
  std::deque<std::shared_ptr<Reading>> readings_;
  WaitQueue read_ended_;
  uint64_t taken_ = 0;  // up to here in a batch
  bool first_ = true;   // nothing was committed yet
  uint64_t committed_ = 0;
  uint64_t released_ = 0;           // alone: replies up to here may go
  Instant since_ = kForever;        // the oldest operation in the queue
  Instant taken_since_ = kForever;  // ... in the batch that is written
  Instant retry_at_{0};
  Duration retry_after_{0};
  bool held_ = false;
  bool ending_ = false;
  bool stopping_ = false;
  bool damaged_ = false;  // by what the database says
  std::string trouble_;
  std::vector<std::pair<Instant, Instant>> troubled_;
  SinkStats stats_;
};

}  // namespace powercut::engine
