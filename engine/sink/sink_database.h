// The SQLite file behind the store: the rows of its keys, and the last operation that they have in them.
//
// What it holds, beside the tables of the mapping (engine/sink/mapping.h):
//
//   NAME              db, key, value, expires_ms           a string
//   NAME_fields       db, key, field, value, expires_ms    a field of a hash
//   powercut_sink     schema, lsn, tables                  one row: the operation up to which all of it is
//   powercut_set_aside  db, key, lsn, reason               keys that have no row, and why
//
// Keys, fields and values are text where they are UTF-8 without NUL, else blobs; expires_ms is Unix milliseconds or NULL.
//
//   Kill-safe, Power-safe: a batch is one transaction with its LSN: it is there whole or not at all, and once
//               write() has returned it stays (journal_mode=truncate, synchronous=full).
//   Yields:     all but close().
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/os/os.h"
#include "engine/sink/mapping.h"
#include "engine/sqlite/world.h"

struct sqlite3;
struct sqlite3_stmt;

namespace powercut::engine {

inline constexpr int kSinkSchema = 1;
inline constexpr std::string_view kDamagedSuffix = ".damaged";

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

// The store between two operations.
struct SinkBatch {
  uint64_t lsn = 0;
  bool everything = false;  // what is in none of `keys` is nowhere
  std::vector<SinkRows> keys;
};

class SinkDatabase {
 public:
  // `os` outlives it.
  SinkDatabase(Os& os, std::string file, std::vector<SinkTable> tables)
      : os_(os), file_(std::move(file)), tables_(std::move(tables)) {}
  ~SinkDatabase() { close(); }
  SinkDatabase(const SinkDatabase&) = delete;
  SinkDatabase& operator=(const SinkDatabase&) = delete;

  struct Found {
    uint64_t lsn = 0;
    bool fresh = false;        // it was made just now, or other tables are asked for than it has
    std::string missing = {};  // a table that was there and is not
  };
  // Opens it, rolls back what a crash has left half done, and makes what is not there yet.
  //   Errors: kUnsupported: another schema, or a table without a column. kRefused: another process has it.
  //   kNoSpace, kIo, kCorrupt: what SQLite says.
  Result<Found> open();
  bool is_open() const { return db_ != nullptr; }
  // As the end of the process would: what is under way is rolled back by the next open().
  void close();

  // Gives the file another name, with kDamagedSuffix behind it: the next open() makes a new one. REQUIRES: !is_open().
  Result<void> put_away();

  // Writes the batch. A key that the database refuses is set aside.
  //   Errors: as open(): whether it was written is open then, and the database is closed.
  Result<void> write(const SinkBatch& batch);
  uint64_t set_aside() const { return set_aside_; }  // keys, since it was made

  // Keys with a row that had expired at that time.
  Result<std::vector<std::pair<int, std::string>>> expired_keys(int64_t unix_ms);

 private:
  struct Statements {
    sqlite3_stmt* put = nullptr;
    sqlite3_stmt* remove = nullptr;
    sqlite3_stmt* put_field = nullptr;
    sqlite3_stmt* remove_fields = nullptr;
  };
  bool is_there();
  Result<Found> connect();
  Result<Found> look();
  Result<void> make(bool first, uint64_t lsn);
  Result<void> prepare();
  Result<sqlite3_stmt*> statement(const std::string& sql);
  Result<void> run(const std::string& sql);
  Result<std::string> text_of(const std::string& sql);
  Result<void> begin(const SinkBatch& batch);
  Result<void> commit(const SinkBatch& batch);
  Result<void> put(const SinkRows& rows, uint64_t lsn);
  Result<std::string> put_rows(const SinkRows& rows);
  Result<void> remove(const SinkRows& rows);
  // Runs it to its end: why the row is refused, or nothing.
  Result<std::string> step(sqlite3_stmt* statement);
  Error error() const;

  Os& os_;
  const std::string file_;
  const std::vector<SinkTable> tables_;
  std::unique_ptr<sqlite::World> world_;
  sqlite3* db_ = nullptr;  // in the world's memory, as the statements: it goes with it, unasked
  std::vector<Statements> statements_;
  sqlite3_stmt* put_aside_ = nullptr;
  sqlite3_stmt* take_back_ = nullptr;
  sqlite3_stmt* set_lsn_ = nullptr;
  uint64_t set_aside_ = 0;
};

}  // namespace powercut::engine
