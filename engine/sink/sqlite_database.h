// The SQLite file behind the store. Keys, fields and values are text where they are UTF-8 without NUL, else blobs. A batch that
// write() has returned from stays by journal_mode=persist and synchronous=full. Beside it lies the journal, as large as the
// largest batch has made it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/os/os.h"
#include "engine/sink/mapping.h"
#include "engine/sink/sink_database.h"
#include "engine/sqlite/world.h"

struct sqlite3;
struct sqlite3_stmt;

namespace powercut::engine {

inline constexpr std::string_view kDamagedSuffix = ".damaged";

class SqliteDatabase final : public SinkDatabase {
 public:
  // `os` outlives it.
  SqliteDatabase(Os& os, std::string file, std::vector<SinkTable> tables)
      : os_(os), file_(std::move(file)), tables_(std::move(tables)) {}
  ~SqliteDatabase() override { close(); }
  SqliteDatabase(const SqliteDatabase&) = delete;
  SqliteDatabase& operator=(const SqliteDatabase&) = delete;

  const std::string& name() const override { return file_; }
  Result<Found> open() override;
  bool is_open() const override { return db_ != nullptr; }
  void close() override;
  // With kDamagedSuffix behind its name.
  Result<std::string> put_away() override;
  Result<void> write(const SinkBatch& batch) override;
  Result<void> read(const TakeRows& take) override;
  Result<std::vector<SinkRows>> read_keys(const std::vector<KeyAt>& keys) override;
  void keep_as_found(bool keep) override { keep_ = keep; }
  uint64_t set_aside() const override { return set_aside_; }
  Result<std::vector<std::pair<int, std::string>>> expired_keys(int64_t unix_ms) override;

 private:
  struct Statements {
    sqlite3_stmt* put = nullptr;
    sqlite3_stmt* remove = nullptr;
    sqlite3_stmt* put_field = nullptr;
    sqlite3_stmt* remove_fields = nullptr;
    sqlite3_stmt* get = nullptr;
    sqlite3_stmt* get_fields = nullptr;
  };
  Result<bool> is_there();
  Result<void> settle_journal();
  Result<Found> connect();
  Result<Found> look();
  Result<void> make(bool first, uint64_t lsn);
  Result<void> prepare();
  Result<sqlite3_stmt*> statement(const std::string& sql);
  Result<void> run(const std::string& sql);
  Result<std::string> text_of(const std::string& sql);
  Result<void> begin(const SinkBatch& batch);
  Result<void> commit(const SinkBatch& batch);
  Result<void> put(const SinkRows& rows, const SinkBatch& batch);
  Result<std::string> put_rows(const SinkRows& rows);
  Result<void> remove(const SinkRows& rows);
  Result<void> read_table(size_t table, bool fields, const TakeRows& take);
  Result<bool> read_row(sqlite3_stmt* look, bool fields, SinkRows& next) const;
  Result<SinkRows> read_key(const KeyAt& at);
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
  bool keep_ = false;
  // One that was half made was removed, and may be back after a power cut: on ext4 with data=writeback with what has been
  // written in its place meanwhile.
  bool unmade_ = false;
};

}  // namespace powercut::engine
