// The database behind the store: the rows of its keys, and the last operation that they have in them. One contract, two
// implementations, SQLite (engine/sink/sqlite_database.h) and PostgreSQL (engine/postgres/postgres_database.h), and one suite
// tests both (engine/sink/sink_database_contract.h).
//
// What it holds, beside the tables of the mapping (engine/sink/mapping.h):
//
//   NAME              db, key, value, expires_ms           a string
//   NAME_fields       db, key, field, value, expires_ms    a field of a hash
//   powercut_sink     schema, lsn, tables                  one row: the operation up to which all of it is
//   powercut_set_aside  db, key, lsn, reason               keys that have no row, and why
//
// `schema` also says whose word counts: kSinkSchema, that of a log, which the database follows; kSinkSchemaAlone: there is no
// log, and these rows are all there is.
//
// expires_ms is Unix milliseconds or NULL.
//
//   Kill-safe, Power-safe: a batch is one transaction with its LSN: it is there whole or not at all, and once
//               write() has returned it stays.
//   Yields:     all but close() and what is const.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/result.h"

namespace powercut::engine {

inline constexpr int kSinkSchema = 1;
inline constexpr int kSinkSchemaAlone = 2;

// One key, as it is to stand in the database.
struct SinkRows {
  enum class Kind : uint8_t { kAbsent, kString, kHash, kOther };
  int db = 0;
  std::string key;
  size_t table = 0;  // of the mapping
  Kind kind = Kind::kAbsent;
  std::string value = {};  // kOther: the name of its type
  std::vector<std::pair<std::string, std::string>> fields = {};
  int64_t expires_ms = -1;  // -1: never
};

// Puts together what the rows of one key hold, its string before its fields: `next` comes to what those before it gave.
// Returns why no key can be made of both, or nullptr.
const char* add_row(SinkRows& whole, SinkRows&& next, bool is_field);

// The store between two operations.
struct SinkBatch {
  uint64_t lsn = 0;
  bool everything = false;  // what is in none of `keys` is nowhere
  std::vector<SinkRows> keys;
  bool alone = false;  // there is no log: no key may be set aside
  bool keeps =
      false;  // `everything` is what the store holds, and others have rows there: what is in none of `keys` stays
};

class SinkDatabase {
 public:
  virtual ~SinkDatabase() = default;

  // How lines for people name it: without its password.
  virtual const std::string& name() const = 0;
  // Whom to tell, in a line, that it is long in answering. Then it goes on waiting.
  virtual void set_on_slow(std::function<void(const std::string&)>) {}

  struct Found {
    uint64_t lsn = 0;
    bool fresh = false;        // it was made just now, or other tables are asked for than it has
    std::string missing = {};  // a table that was there and is not
    bool alone = false;        // a store without a log wrote it
  };
  // While `keep`, open() makes nothing of a database that somebody has written but what it is: tables that are missing, or
  // asked for otherwise than they were, are kUnsupported, and nothing is changed.
  virtual void keep_as_found(bool /*keep*/) {}
  // Opens it, makes what is not there yet, and keeps other stores out. What an earlier life or connection has left half done is
  // rolled back, or was committed, when it returns: it is not decided later.
  //   Errors: kUnsupported: another schema, or a table without a column. kRefused: another process has it, or it lets
  //   nobody in. kNoSpace, kIo, kNotFound, kTimeout, kCorrupt: what the database says.
  virtual Result<Found> open() = 0;
  virtual bool is_open() const = 0;
  // As the end of the process would.
  virtual void close() = 0;

  // Of one that open() has called kCorrupt: gives it another name, which it returns; the next open() makes a new one.
  // REQUIRES: !is_open().
  virtual Result<std::string> put_away() = 0;

  // Writes the batch. A key that the database refuses is set aside; where it is `alone` that is an error, with its name.
  //   Errors: as open(): whether it was written is open then, and the database is closed. The next open() tells.
  virtual Result<void> write(const SinkBatch& batch) = 0;
  // Hands over all rows, a key at a time, as of one moment: what is in memory is one piece of them. A key that has a string
  // and fields comes twice.
  //   Errors: as open(), and that of `take`, which ends it. kUnsupported: a row that no key can be made of, by its name.
  using TakeRows = std::function<Result<void>(SinkRows&& rows)>;
  virtual Result<void> read(const TakeRows& /*take*/) {
    return Error{Errc::kUnsupported, name() + ": no store can start from it"};
  }
  // The rows of those keys, in their order, as of one moment; kAbsent: there are none.
  //   Errors: kUnsupported: one that no key can be made of, by table and name; all is as before. kRefused: another process
  //   has it just now; the same. Others as open().
  struct KeyAt {
    int db = 0;
    std::string key;
    size_t table = 0;  // of the mapping
  };
  virtual Result<std::vector<SinkRows>> read_keys(const std::vector<KeyAt>& /*keys*/) {
    return Error{Errc::kUnsupported, name() + ": no row of it can be read by itself"};
  }
  virtual uint64_t set_aside() const = 0;  // keys, since it was made

  // Keys with a row that had expired at that time.
  virtual Result<std::vector<std::pair<int, std::string>>> expired_keys(int64_t unix_ms) = 0;
};

}  // namespace powercut::engine
