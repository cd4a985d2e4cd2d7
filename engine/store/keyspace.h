// The keyspace: databases (16 by default) of key -> object, expiry, and the one door through which everything changes.
//
// Every change of an object, by a command, an expiry, a rename or a flush, passes the observers *before* it
// happens. The fork-less checkpoint serialises the old object there; the judge's history learns there which
// keys an operation touched. There is no way to get a mutable object that avoids the door.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/check.h"
#include "engine/base/time.h"
#include "engine/store/access.h"
#include "engine/store/library.h"
#include "engine/store/value.h"

namespace powercut::engine {

class Database;

class KeyspaceObserver {
 public:
  virtual ~KeyspaceObserver() = default;
  // `key` of `db` is about to be created (object == nullptr), changed, replaced or removed.
  virtual void before_change(Database& db, std::string_view key, Object* object) = 0;
  // The whole of `db` is about to be emptied; an observer may move the table's content out.
  virtual void before_flush(Database& db) = 0;
  // Two databases are about to change numbers (SWAPDB). Database objects keep their identity.
  virtual void before_swap(int, int) {}
  // The value of `key` goes to the cold tier: what is stored stays what it is.
  virtual void before_leave(Database& /*db*/, std::string_view /*key*/, Object& /*object*/,
                            const Away& /*away*/) {}
  // An entry of `db` that is no part of what is stored comes or goes: others may move in the table.
  virtual void before_lend(Database& /*db*/) {}
  // A library of functions is about to be put in, replaced or removed.
  virtual void before_library(std::string_view /*name*/) {}
};

// Learns of keys that expired, so that a DEL is logged. Called after the removal.
class ExpiryListener {
 public:
  virtual ~ExpiryListener() = default;
  virtual void on_expired(int db, std::string_view key) = 0;
};

// Learns that a lent copy is about to be changed, and is part of what is stored from then on.
class Adopter {
 public:
  virtual ~Adopter() = default;
  virtual void on_adopted(int db, std::string_view key, const Object& copy) = 0;
};

using Table = SlabMap<Object>;

class Database {
 public:
  explicit Database(int identity) : identity_(identity) {}
  // Stays with the content when SWAPDB changes the number.
  int identity() const { return identity_; }
  const Table& table() const { return table_; }
  // For the checkpoint, which takes over a table that is about to be flushed.
  Table take_table();
  // For the checkpoint's stamps: changing an epoch is not a change of the object.
  void stamp(size_t position, uint32_t epoch) {
    CHECK(table_.at(position).value.epoch < epoch);
    table_.at(position).value.epoch = epoch;
  }
  size_t expires_count() const { return expires_count_; }
  // Of the keys that expire, how long they are there yet, on average; 0 if there are none, or if they are overdue.
  int64_t average_ttl_ms(int64_t now_ms) const;
  // A key that expires: the first at or behind a place of the queue, which has places(), and goes on at its begin.
  // REQUIRES: expires_count() > 0.
  const Table::Entry& expiring_at(size_t place) const;
  size_t places() const { return due_.size(); }
  // The heap bytes of the expiry queue.
  size_t due_bytes() const { return heap_bytes(due_.capacity() * sizeof(Due)) + due_key_bytes_; }

 private:
  friend class Keyspace;
  __extension__ using Sum = __int128;  // no number of instants in milliseconds is too much for it
  struct Due {
    int64_t at_ms;
    Text key;
    bool operator<(const Due& other) const { return at_ms > other.at_ms; }  // a heap, soonest first
  };
  void push_due(int64_t at_ms, std::string_view key);
  Due pop_due();
  // Drops the entries whose object no longer expires then, and doubles.
  void drop_stale_due();
  // One key more expires, then.
  void expires_then(int64_t at_ms) {
    ++expires_count_;
    expiries_ms_ += at_ms;
  }
  // One that expires then is gone, or does so no more.
  void expires_no_more(int64_t at_ms) {
    CHECK(expires_count_ > 0);
    --expires_count_;
    expiries_ms_ -= at_ms;
    CHECK(expires_count_ > 0 || expiries_ms_ == 0);
  }

  int identity_;
  Table table_;
  std::vector<Due> due_;  // may hold stale entries: the object says whether it still expires then
  size_t due_key_bytes_ = 0;
  size_t expires_count_ = 0;
  Sum expiries_ms_ = 0;  // of all that expire
};

class Keyspace {
 public:
  static constexpr int kDatabases = 16;  // unless told otherwise

  explicit Keyspace(int databases = kDatabases);
  ~Keyspace();
  Keyspace(const Keyspace&) = delete;
  Keyspace& operator=(const Keyspace&) = delete;

  // --- Time and observers ---
  // The wall clock of the command that runs; expiry is judged by it.
  void set_now(WallTime now) {
    now_ = now;
    accesses_.set_now(now.unix_ms);
  }
  WallTime now() const { return now_; }
  // While a log is replayed nothing expires: the log says what was deleted.
  void set_loading(bool loading) { loading_ = loading; }
  bool loading() const { return loading_; }
  // The same for what a master says, while it is done.
  void set_following(bool following) { following_ = following; }
  // What is done has been decided before, and is done as it stands: nothing expires by it.
  bool done_again() const { return loading_ || following_; }
  // While nothing may be written what has expired stays, and reads as absent. REQUIRES: then nothing is put.
  void keep_expired(bool keep) { keep_expired_ = keep; }
  bool keeps_expired() const { return keep_expired_; }
  void add_observer(KeyspaceObserver* observer);
  void remove_observer(KeyspaceObserver* observer);
  void set_expiry_listener(ExpiryListener* listener) { expiry_listener_ = listener; }
  // New and replaced objects are stamped with this epoch. REQUIRES: later than the one before.
  void set_epoch(uint32_t epoch) {
    CHECK(epoch > epoch_);
    epoch_ = epoch;
  }
  uint32_t epoch() const { return epoch_; }

  // Up to where collections are packed that change from now on.
  void set_encoding_limits(const EncodingLimits& limits) { encoding_limits_ = limits; }
  const EncodingLimits& encoding_limits() const { return encoding_limits_; }

  // --- Reading ---
  // The live object of a key; nullptr if absent. An expired one is removed and reported first.
  const Object* find(int db, std::string_view key);
  // As find, and is no use of it (OBJECT IDLETIME).
  const Object* look(int db, std::string_view key) { return look_up(db, key); }
  // As look, but leaves an expired object in place (it still reads as absent).
  const Object* peek(int db, std::string_view key) const;
  const Database& database(int db) const { return numbered(db); }
  Database& mutable_database(int db) { return numbered(db); }  // stamps only; see Database
  size_t size(int db) const { return numbered(db).table_.size(); }
  // Which SWAPDB may have changed. REQUIRES: it is one of these.
  int number_of(const Database& db) const;
  int databases() const { return static_cast<int>(databases_.size()); }
  const Accesses& accesses() const { return accesses_; }
  Accesses& accesses() { return accesses_; }

  // --- Changing; pointers are valid until the next removal ---
  // As find, and passes the door: the caller is about to change the object in place. Here and in put, `key`
  // must stay valid until settle(): an argument of the command, not a local string.
  Object* find_for_write(int db, std::string_view key);
  // The same for what a key has beside its value (the groups of a stream): no WATCH and no client's cache ask for it.
  Object* find_for_write_beside(int db, std::string_view key);
  // For who looks on at the door: it is passed for that.
  bool changes_beside() const { return changes_beside_; }
  // Creates or replaces. Replacing clears the expiry; see set_expiry.
  Object* put(int db, std::string_view key, Value value);
  // REQUIRES: `string` is not a view into what it replaces.
  Object* put(int db, std::string_view key, std::string_view string);
  bool remove(int db, std::string_view key);
  // REQUIRES: object came from find_for_write or put of the same key. kNoExpiry clears.
  void set_expiry(int db, std::string_view key, Object* object, int64_t expire_at_ms);
  // Takes the object out of the keyspace, for RENAME and MOVE.
  Object take(int db, std::string_view key);
  void flush(int db);
  void swap(int a, int b);
  // Everything in it is replaced by what `other` holds, which is empty then. REQUIRES: as many databases, nothing of
  // either is unsettled, and no checkpoint of this one is under way.
  void take_over(Keyspace& other);

  // --- Libraries of functions: of no database, so that no flush takes them ---
  const Libraries& libraries() const { return libraries_; }
  // Puts in, or replaces.
  void put_library(std::string_view name, std::string_view text);
  bool remove_library(std::string_view name);
  size_t library_bytes() const;  // on the heap
  // Another one after each change of them.
  uint64_t libraries_version() const { return libraries_version_; }

  // --- Expiry ---
  bool expired(const Object& object) const {
    return !done_again() && object.expires() && object.expire_at_ms <= now_.unix_ms && !object.lent;
  }
  // May a look-up find a key that has expired, and remove it?
  bool any_due() const {
    return !done_again() && !keep_expired_ && next_expiry_ms_ <= now_.unix_ms;
  }
  // Removes and reports up to `limit` expired keys; how many it removed.
  size_t remove_expired(size_t limit);
  // The earliest expiry that may be due, or INT64_MAX. May be stale, never late.
  int64_t next_expiry_ms() const { return next_expiry_ms_; }

  // --- The cold tier: where a value lies changes nothing of what is stored ---
  // The value of that entry of `db` lies there from now on. REQUIRES: it is in memory or in the warm tier, and no command is
  // under way.
  void move_out(Database& db, Table::Entry& entry, Away away);
  // ... and is in memory again. REQUIRES: it is away.
  void bring_back(Table::Entry& entry, Value value);
  Table::Entry* entry_of(Database& db, std::string_view key) { return db.table_.find(key); }

  // --- Copies of what is stored elsewhere: here while one command runs. No observer hears of them ---
  // Puts one in; it does not expire. Whoever changes it makes it a key like any: observers are told of one that is new.
  // REQUIRES: there is no such key, and nothing is unsettled.
  void lend(int db, std::string_view key, Value value, int64_t expire_at_ms);
  // Takes out what was lent last; nothing: it was changed. With `keep` it becomes a key like any, as if it were. REQUIRES:
  // something was lent, and nothing is unsettled.
  std::optional<Value> take_back(bool keep = false);
  size_t lent() const { return lent_.size(); }
  void set_adopter(Adopter* adopter) { adopter_ = adopter; }

  // --- Memory ---
  // The heap bytes of values alone.
  size_t value_bytes() const { return value_bytes_; }
  // Measures again what the command changed. Called once after each command.
  void settle();
  // The heap bytes of everything stored, tables and expiry queues included.
  size_t memory_bytes() const;
  // Of it, what goes with the keys, and not the room for more: what maxmemory limits.
  size_t used_bytes() const;

 private:
  Database& numbered(int db) const {
    CHECK(db >= 0 && db < databases());
    return *databases_[static_cast<size_t>(db)];
  }
  void before_change(Database& db, std::string_view key, Object* object);
  void expire(int db, std::string_view key);
  Object* look_up(int db, std::string_view key);
  Table::Entry* find_live(int db, std::string_view key, uint64_t hash);
  void forget_bytes(const Object& object);
  void check_out(Database& db, std::string_view key, uint64_t hash, Table::Entry& entry);
  Object& claim(int db, std::string_view key);
  void find_next_expiry();
  void erase_entry(Database& db, Table::Entry& entry);
  void adopt(Database& db, std::string_view key, Object& object);

  std::vector<Database> all_;         // by identity
  std::vector<Database*> databases_;  // by number
  std::vector<KeyspaceObserver*> observers_;
  ExpiryListener* expiry_listener_ = nullptr;
  WallTime now_;
  Accesses accesses_;
  EncodingLimits encoding_limits_;
  bool loading_ = false;
  bool changes_beside_ = false;
  bool following_ = false;
  bool keep_expired_ = false;
  uint32_t epoch_ = 1;
  struct Touched {
    Database* db;
    std::string_view key;
    uint64_t hash;        // of the key
    Table::Entry* entry;  // while nothing has been removed
  };
  std::vector<Touched> touched_;
  bool removed_ = false;  // an entry, since settle(): others may have moved
  int64_t next_expiry_ms_ = INT64_MAX;
  size_t value_bytes_ = 0;  // of the objects that are measured
  struct Lent {
    int db;
    std::string key;
  };
  std::vector<Lent> lent_;
  Adopter* adopter_ = nullptr;
  Libraries libraries_;
  uint64_t libraries_version_ = 0;
};

}  // namespace powercut::engine
