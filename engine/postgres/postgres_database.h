// The PostgreSQL behind the store. Keys, fields and values are bytea, which holds them exactly; a table that is there before
// the store, or was altered, may have columns of text or varchar: then what is not UTF-8 text without NUL is set aside.
//
// A batch is one transaction, with synchronous_commit on whatever the server's default: what it holds behind its own
// crash is for its fsync to keep. Its LSN is moved from the one that this connection saw last, so whoever else has
// moved it stops the batch.
//
// One store a schema: an advisory lock, which the session holds that writes. It ends with the session: when open() has it,
// what an earlier session was told to commit is committed or rolled back, and the LSN says which. So it must be a session: no
// pooler that hands each transaction to another one.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "engine/os/posix/posix_os.h"
#include "engine/postgres/connection.h"
#include "engine/sink/mapping.h"
#include "engine/sink/sink_database.h"

namespace powercut::engine {

class PostgresDatabase final : public SinkDatabase {
 public:
  // `os` outlives it. `slow`: after how long without an answer it is said.
  PostgresDatabase(PosixOs& os, std::string url, std::vector<SinkTable> tables,
                   Duration slow = seconds(10));

  const std::string& name() const override { return name_; }
  void set_on_slow(std::function<void(const std::string&)> on_slow) override {
    on_slow_ = std::move(on_slow);
  }
  Result<Found> open() override;
  bool is_open() const override { return connection_.is_open(); }
  void close() override { connection_.close(); }
  // kUnsupported: it is not the store's to move.
  Result<std::string> put_away() override;
  Result<void> write(const SinkBatch& batch) override;
  Result<void> read(const TakeRows& take) override;
  Result<std::vector<SinkRows>> read_keys(const std::vector<KeyAt>& keys) override;
  void keep_as_found(bool keep) override { keep_ = keep; }
  uint64_t set_aside() const override { return set_aside_; }
  Result<std::vector<std::pair<int, std::string>>> expired_keys(int64_t unix_ms) override;

 private:
  using Statement = postgres::Statement;
  using Outcome = postgres::Outcome;
  // Of one table, which columns are text.
  struct Columns {
    bool there = false;
    bool text_key = false;
    bool text_field = false;
    bool text_value = false;
  };
  struct Table {
    std::string name;
    Columns strings;
    Columns fields;
  };
  static bool takes_text_keys(const Table& table) {
    return table.strings.text_key || table.fields.text_key;
  }
  using Keys = std::vector<const SinkRows*>;
  struct Refused {
    const SinkRows* rows;
    std::string reason;
  };

  Result<Found> set_up();
  Result<void> lock();
  Result<Found> look();
  Result<Columns> columns_of(const std::string& table, bool fields);
  Result<void> look_at_tables();
  Result<void> make(bool first, uint64_t lsn);
  Result<void> write_all(const SinkBatch& batch);
  Result<void> put(const Table& table, Keys keys, bool everything);
  Result<void> put_chunk(const Table& table, std::span<const SinkRows* const> keys,
                         bool everything);
  std::vector<Statement> removals(const Table& table, std::span<const SinkRows* const> keys,
                                  bool whole) const;
  std::vector<Statement> inserts(const Table& table, std::span<const SinkRows* const> keys) const;
  std::string why_no_text(const Table& table, const SinkRows& rows) const;
  Result<void> put_aside(uint64_t lsn);
  Result<void> read_table(size_t table, bool fields, const TakeRows& take);
  static std::string rows_in(const Table& of, bool fields);
  Result<SinkRows> read_key(const KeyAt& at);
  Result<SinkRows> key_of(const std::vector<std::string>& row, size_t table, bool fields) const;
  // All of them, or the first that failed as an error.
  Result<Outcome> run(std::span<const Statement> statements);
  Result<Outcome> run(Statement statement) { return run(std::span(&statement, 1)); }
  Error error_of(const Outcome& outcome) const;
  Error error(Errc code, const std::string& text) const;

  PosixOs& os_;
  const std::string url_;
  const std::string name_;
  std::function<void(const std::string&)> on_slow_;
  postgres::Connection connection_;
  std::vector<Table> tables_;
  const std::string mapping_;
  uint64_t lsn_ = 0;  // what it is at
  uint64_t set_aside_ = 0;
  bool keep_ = false;
  std::vector<Refused> refused_;  // of the batch that is written
};

}  // namespace powercut::engine
