#include "engine/sink/sqlite_database.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>

#include "engine/base/check.h"
#include "engine/base/words.h"
#include "engine/command/number.h"
#include "engine/sink/text.h"
#include "engine/sqlite/vfs.h"

namespace powercut::engine {

using sqlite::Inside;

namespace {

constexpr size_t kKeysInARow = 64;  // then others run
constexpr int kDatabasesMost = 1 << 30;

// `bytes` stay until the statement has run.
void bind_bytes(sqlite3_stmt* statement, int place, std::string_view bytes) {
  const auto size = static_cast<sqlite3_uint64>(bytes.size());
  const char* const data = bytes.data() == nullptr ? "" : bytes.data();
  if (is_text(bytes))
    sqlite3_bind_text64(statement, place, data, size, SQLITE_STATIC, SQLITE_UTF8);
  else
    sqlite3_bind_blob64(statement, place, data, size, SQLITE_STATIC);
}

void bind_key(sqlite3_stmt* statement, const SinkRows& rows) {
  sqlite3_bind_int(statement, 1, rows.db);
  bind_bytes(statement, 2, rows.key);
}

void bind_expiry(sqlite3_stmt* statement, int place, int64_t expires_ms) {
  if (expires_ms < 0)
    sqlite3_bind_null(statement, place);
  else
    sqlite3_bind_int64(statement, place, expires_ms);
}

Errc code_of_sqlite(int code) {
  switch (code & 0xff) {
    case SQLITE_FULL:
      return Errc::kNoSpace;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return Errc::kRefused;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return Errc::kCorrupt;
    case SQLITE_ERROR:
      return Errc::kUnsupported;  // a statement that does not fit what is there
    default:
      return Errc::kIo;
  }
}

bool refuses_the_row(int code) {
  const int kind = code & 0xff;
  return kind == SQLITE_CONSTRAINT || kind == SQLITE_TOOBIG || kind == SQLITE_MISMATCH;
}

std::string quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("''") : std::string(1, c);
  return out + "'";
}
// As read_row() takes them: those of strings, or of the fields of hashes.
std::string rows_in(std::string_view table, bool fields) {
  return fmt::format("SELECT db, key, value, expires_ms{} FROM \"{}{}\"", fields ? ", field" : "",
                     table, fields ? "_fields" : "");
}

}  // namespace

// --- Opening ---

Result<SinkDatabase::Found> SqliteDatabase::open() {
  CHECK(db_ == nullptr);
  // Where nobody can tell, nothing is made: its name could be lost with the power, and nobody would know.
  TRY_ASSIGN(const bool was_there, is_there());
  if (unmade_) TRY(os_.sync_directory("", sqlite::kSyncRemoved));
  unmade_ = false;
  if (was_there) TRY(settle_journal());
  world_ = std::make_unique<sqlite::World>(os_);
  auto found = connect();
  if (found.ok()) return found;
  close();
  // After a sync that failed a power cut may take its name, whatever is synced later: it gets another.
  if (!was_there) {
    unmade_ = true;
    for (const std::string_view suffix : {"", "-journal"})
      (void)os_.remove(fmt::format("{}{}", file_, suffix));
  }
  return found;
}

Result<bool> SqliteDatabase::is_there() {
  const auto opened = os_.open(file_, Open::kRead);
  if (opened.ok()) return true;
  if (opened.error().code == Errc::kNotFound) return false;
  return opened.error();
}

// A process that was killed may have ended a transaction in the page cache alone. Behind a power cut its journal would count
// again, with some of what the next transaction had written over it: SQLite's checksums do not cover all of a page, nor its number.
Result<void> SqliteDatabase::settle_journal() {
  const auto journal = os_.open(file_ + "-journal", Open::kReadWrite);
  if (!journal.ok() && journal.error().code == Errc::kNotFound) return {};
  if (!journal.ok()) return journal.error();
  return (*journal)->sync("sink.journal");
}

// Its journal is of no use without it, and must not meet the next one.
Result<std::string> SqliteDatabase::put_away() {
  CHECK(db_ == nullptr);
  const auto removed = os_.remove(file_ + "-journal");
  if (!removed.ok() && removed.error().code != Errc::kNotFound) return removed.error();
  std::string name = fmt::format("{}{}", file_, kDamagedSuffix);
  TRY(os_.rename(file_, name));
  return name;
}

void SqliteDatabase::close() {
  db_ = nullptr;
  statements_.clear();
  put_aside_ = take_back_ = set_lsn_ = nullptr;
  world_.reset();
}

Result<SinkDatabase::Found> SqliteDatabase::connect() {
  constexpr int kFlags =
      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
  const Inside inside(*world_);
  if (sqlite3_open_v2(file_.c_str(), &db_, kFlags, sqlite::kVfs) != SQLITE_OK) return error();
  TRY(run("PRAGMA temp_store=memory"));
  // What ends a transaction is a write to the journal: a truncation, or a removal, may come to nothing in part.
  const std::string journal = "persist";
  TRY_ASSIGN(const std::string mode, text_of("PRAGMA journal_mode=" + journal));
  if (mode != journal)
    return Error{
        Errc::kUnsupported,
        fmt::format("{}: journal_mode stays {}: another program has it open", file_, mode)};
  TRY(run("PRAGMA synchronous=full"));
  TRY_ASSIGN(const Found found, look());
  TRY(prepare());
  return found;
}

Result<SinkDatabase::Found> SqliteDatabase::look() {
  Found found;
  const auto there = [&](std::string_view table) {
    return text_of(fmt::format(
        "SELECT count(*) FROM sqlite_schema WHERE type='table' AND name={} COLLATE NOCASE",
        quoted(table)));
  };
  TRY_ASSIGN(const std::string known, there("powercut_sink"));
  if (known == "0") {
    found.fresh = true;
    TRY(make(true, 0));
    return found;
  }
  TRY_ASSIGN(const std::string schema, text_of("SELECT schema FROM powercut_sink"));
  TRY_ASSIGN(const std::string lsn, text_of("SELECT lsn FROM powercut_sink"));
  const auto number = parse_integer(lsn);
  if (schema.empty() || !number || *number < 0)
    return Error{Errc::kCorrupt,
                 fmt::format("{}: powercut_sink has no row that says what it is at", file_)};
  found.alone = schema == std::to_string(kSinkSchemaAlone);
  if (!found.alone && schema != std::to_string(kSinkSchema))
    return Error{Errc::kUnsupported,
                 fmt::format("{}: it has schema {}, and this build writes schema {}: name another "
                             "file with sink-file, or start the server that made it",
                             file_, schema, kSinkSchema)};
  found.lsn = static_cast<uint64_t>(*number);
  TRY_ASSIGN(const std::string tables, text_of("SELECT tables FROM powercut_sink"));
  found.fresh = tables != format_sink_tables(tables_);
  for (const SinkTable& table : tables_)
    for (const std::string& name : {table.name, table.name + "_fields"}) {
      if (found.fresh || !found.missing.empty()) continue;
      TRY_ASSIGN(const std::string count, there(name));
      if (count == "0") found.missing = name;
    }
  if (keep_ && found.fresh && !tables.empty())
    return Error{Errc::kUnsupported, fmt::format("{}: its tables were written with sink-tables "
                                                 "\"{}\": start with that",
                                                 file_, tables)};
  if (keep_ && !found.missing.empty())
    return Error{Errc::kUnsupported,
                 fmt::format("{}: there is no {} any more", file_, found.missing)};
  if (!found.missing.empty()) found.lsn = 0;  // one that is empty has no operation
  if (found.fresh || !found.missing.empty()) TRY(make(false, found.lsn));
  TRY_ASSIGN(const std::string aside, text_of("SELECT count(*) FROM powercut_set_aside"));
  set_aside_ = static_cast<uint64_t>(parse_integer(aside).value_or(0));
  return found;
}

// One transaction: nobody finds half of it.
Result<void> SqliteDatabase::make(bool first, uint64_t lsn) {
  std::string sql = "BEGIN IMMEDIATE;";
  for (const SinkTable& table : tables_) {
    sql += fmt::format(
        "CREATE TABLE IF NOT EXISTS \"{0}\"(db INTEGER NOT NULL, key NOT NULL, value NOT NULL, "
        "expires_ms INTEGER, PRIMARY KEY(db, key)) WITHOUT ROWID;"
        "CREATE TABLE IF NOT EXISTS \"{0}_fields\"(db INTEGER NOT NULL, key NOT NULL, field NOT "
        "NULL, value NOT NULL, expires_ms INTEGER, PRIMARY KEY(db, key, field)) WITHOUT ROWID;"
        "CREATE INDEX IF NOT EXISTS \"{0}_expires\" ON \"{0}\"(expires_ms) WHERE expires_ms IS NOT "
        "NULL;"
        "CREATE INDEX IF NOT EXISTS \"{0}_fields_expires\" ON \"{0}_fields\"(expires_ms) WHERE "
        "expires_ms IS NOT NULL;",
        table.name);
  }
  if (first)
    sql += fmt::format(
        "CREATE TABLE powercut_sink(schema INTEGER NOT NULL, lsn INTEGER NOT NULL, tables TEXT NOT "
        "NULL);"
        "CREATE TABLE powercut_set_aside(db INTEGER NOT NULL, key NOT NULL, lsn INTEGER NOT NULL, "
        "reason TEXT NOT NULL, PRIMARY KEY(db, key)) WITHOUT ROWID;"
        "INSERT INTO powercut_sink VALUES({}, 0, '');",
        kSinkSchema);
  return run(sql + fmt::format("UPDATE powercut_sink SET lsn={}; COMMIT", lsn));
}

Result<void> SqliteDatabase::prepare() {
  statements_.clear();
  for (const SinkTable& table : tables_) {
    Statements& of = statements_.emplace_back();
    const auto into = [&](std::string_view suffix, std::string_view columns,
                          std::string_view values) {
      return statement(
          fmt::format("INSERT INTO \"{}{}\"({}) VALUES({})", table.name, suffix, columns, values));
    };
    const auto from = [&](std::string_view suffix) {
      return statement(
          fmt::format("DELETE FROM \"{}{}\" WHERE db=?1 AND key=?2", table.name, suffix));
    };
    TRY_ASSIGN(of.put, into("", "db, key, value, expires_ms", "?1, ?2, ?3, ?4"));
    TRY_ASSIGN(of.put_field,
               into("_fields", "db, key, field, value, expires_ms", "?1, ?2, ?3, ?4, ?5"));
    TRY_ASSIGN(of.remove, from(""));
    TRY_ASSIGN(of.remove_fields, from("_fields"));
    constexpr std::string_view kOfKey = " WHERE db=?1 AND key=?2";
    TRY_ASSIGN(of.get, statement(rows_in(table.name, false).append(kOfKey)));
    TRY_ASSIGN(of.get_fields, statement(rows_in(table.name, true).append(kOfKey)));
  }
  TRY_ASSIGN(put_aside_,
             statement("INSERT OR REPLACE INTO powercut_set_aside VALUES(?1, ?2, ?3, ?4)"));
  TRY_ASSIGN(take_back_, statement("DELETE FROM powercut_set_aside WHERE db=?1 AND key=?2"));
  TRY_ASSIGN(set_lsn_, statement("UPDATE powercut_sink SET lsn=?1, tables=?2, schema=?3"));
  return {};
}

// --- Writing ---

Result<void> SqliteDatabase::write(const SinkBatch& batch) {
  CHECK(db_ != nullptr);
  const auto all = [&]() -> Result<void> {
    TRY(begin(batch));
    size_t done = 0;
    for (const SinkRows& rows : batch.keys) {
      if (++done % kKeysInARow == 0) os_.park(os_.now());
      TRY(put(rows, batch));
    }
    return commit(batch);
  };
  const auto written = all();
  if (!written.ok()) close();
  return written;
}

Result<void> SqliteDatabase::begin(const SinkBatch& batch) {
  const Inside inside(*world_);
  TRY(run("BEGIN IMMEDIATE"));
  if (!batch.everything || batch.keeps) return {};
  for (const SinkTable& table : tables_)
    TRY(run(fmt::format("DELETE FROM \"{0}\"; DELETE FROM \"{0}_fields\"", table.name)));
  return run("DELETE FROM powercut_set_aside");
}

Result<void> SqliteDatabase::commit(const SinkBatch& batch) {
  const Inside inside(*world_);
  const std::string tables = format_sink_tables(tables_);
  // A row that is written as it is leaves its page as it is, and then there is nothing to sync.
  if (batch.alone && batch.keys.empty()) TRY(run("UPDATE powercut_sink SET lsn=lsn+1"));
  sqlite3_bind_int64(set_lsn_, 1, static_cast<sqlite3_int64>(batch.lsn));
  bind_bytes(set_lsn_, 2, tables);
  sqlite3_bind_int(set_lsn_, 3, batch.alone ? kSinkSchemaAlone : kSinkSchema);
  TRY_ASSIGN(const std::string refused, step(set_lsn_));
  if (!refused.empty()) return Error{Errc::kRefused, fmt::format("{}: {}", file_, refused)};
  TRY_ASSIGN(const std::string aside, text_of("SELECT count(*) FROM powercut_set_aside"));
  TRY(run("COMMIT"));
  set_aside_ = static_cast<uint64_t>(parse_integer(aside).value_or(0));
  return {};
}

Result<void> SqliteDatabase::put(const SinkRows& rows, const SinkBatch& batch) {
  const Inside inside(*world_);
  TRY(remove(rows));
  TRY_ASSIGN(const std::string refused, put_rows(rows));
  if (refused.empty()) return {};
  if (batch.alone)
    return Error{Errc::kRefused,
                 fmt::format("{}: table {} refuses key '{}' of database {}: {}: DEL it, or change "
                             "the table",
                             file_, tables_[rows.table].name, shown(rows.key), rows.db, refused)};
  TRY(remove(rows));  // of a hash, what was taken before
  bind_key(put_aside_, rows);
  sqlite3_bind_int64(put_aside_, 3, static_cast<sqlite3_int64>(batch.lsn));
  bind_bytes(put_aside_, 4, refused);
  TRY(step(put_aside_));
  return {};
}

Result<void> SqliteDatabase::remove(const SinkRows& rows) {
  const Statements& of = statements_[rows.table];
  for (sqlite3_stmt* one : {of.remove, of.remove_fields, take_back_}) {
    bind_key(one, rows);
    TRY_ASSIGN(const std::string refused, step(one));
    if (!refused.empty()) return Error{Errc::kRefused, fmt::format("{}: {}", file_, refused)};
  }
  return {};
}

Result<std::string> SqliteDatabase::put_rows(const SinkRows& rows) {
  const Statements& of = statements_[rows.table];
  if (rows.kind == SinkRows::Kind::kOther) return fmt::format("a {} has no table", rows.value);
  if (rows.kind == SinkRows::Kind::kString) {
    bind_key(of.put, rows);
    bind_bytes(of.put, 3, rows.value);
    bind_expiry(of.put, 4, rows.expires_ms);
    return step(of.put);
  }
  for (const auto& [field, value] : rows.fields) {
    bind_key(of.put_field, rows);
    bind_bytes(of.put_field, 3, field);
    bind_bytes(of.put_field, 4, value);
    bind_expiry(of.put_field, 5, rows.expires_ms);
    TRY_ASSIGN(std::string refused, step(of.put_field));
    if (!refused.empty()) return refused;
  }
  return std::string();
}

Result<std::vector<std::pair<int, std::string>>> SqliteDatabase::expired_keys(int64_t unix_ms) {
  const Inside inside(*world_);
  std::vector<std::pair<int, std::string>> keys;
  for (const SinkTable& table : tables_)
    for (const std::string_view suffix : {"", "_fields"}) {
      TRY_ASSIGN(
          sqlite3_stmt* const look,
          statement(fmt::format("SELECT DISTINCT db, key FROM \"{}{}\" WHERE expires_ms <= {}",
                                table.name, suffix, unix_ms)));
      while (sqlite3_step(look) == SQLITE_ROW) {
        const void* const bytes = sqlite3_column_blob(look, 1);
        const auto size = static_cast<size_t>(sqlite3_column_bytes(look, 1));
        keys.emplace_back(
            sqlite3_column_int(look, 0),
            std::string(bytes == nullptr ? "" : static_cast<const char*>(bytes), size));
      }
      if (sqlite3_finalize(look) != SQLITE_OK) return error();
    }
  return keys;
}

// --- Reading ---

Result<void> SqliteDatabase::read(const TakeRows& take) {
  CHECK(db_ != nullptr);
  {
    const Inside inside(*world_);
    TRY(run("BEGIN"));
  }
  for (size_t table = 0; table < tables_.size(); ++table)
    for (const bool fields : {false, true}) TRY(read_table(table, fields, take));
  const Inside inside(*world_);
  return run("COMMIT");
}

Result<std::vector<SinkRows>> SqliteDatabase::read_keys(const std::vector<KeyAt>& keys) {
  CHECK(db_ != nullptr);
  std::vector<SinkRows> found;
  const auto all = [&]() -> Result<void> {
    const Inside inside(*world_);
    TRY(run("BEGIN"));
    for (const KeyAt& at : keys) {
      TRY_ASSIGN(SinkRows rows, read_key(at));
      found.push_back(std::move(rows));
    }
    return run("COMMIT");
  };
  const auto read = all();
  if (read.ok()) return found;
  const Inside inside(*world_);
  for (const Statements& of : statements_)
    for (sqlite3_stmt* one : {of.get, of.get_fields}) sqlite3_reset(one);
  (void)run("ROLLBACK");
  return read.error();
}

Result<SinkRows> SqliteDatabase::read_key(const KeyAt& at) {
  const Statements& of = statements_[at.table];
  const SinkRows name{at.db, at.key, at.table};
  SinkRows whole = name;
  const auto wrong = [&](std::string_view why) {
    return Error{Errc::kUnsupported,
                 fmt::format("{}: table {}: key '{}' of database {}: {}", file_,
                             tables_[at.table].name, shown(at.key), at.db, why)};
  };
  for (const bool fields : {false, true}) {
    sqlite3_stmt* const look = fields ? of.get_fields : of.get;
    bind_key(look, name);
    for (;;) {
      SinkRows next;
      next.table = at.table;
      TRY_ASSIGN(const bool more, read_row(look, fields, next));
      if (!more) break;
      if (const char* why = add_row(whole, std::move(next), fields)) return wrong(why);
    }
    sqlite3_reset(look);
  }
  return whole;
}

// In the order of the primary key: the fields of a hash stand together.
Result<void> SqliteDatabase::read_table(size_t table, bool fields, const TakeRows& take) {
  sqlite3_stmt* look = nullptr;
  {
    const Inside inside(*world_);
    TRY_ASSIGN(look, statement(rows_in(tables_[table].name, fields).append(" ORDER BY db, key")));
  }
  SinkRows whole, next;
  for (size_t done = 0;;) {
    bool more = false;
    {
      const Inside inside(*world_);
      next = {};
      next.table = table;
      TRY_ASSIGN(more, read_row(look, fields, next));
      if (!more && sqlite3_finalize(look) != SQLITE_OK) return error();
    }
    const bool same = more && fields && whole.kind == SinkRows::Kind::kHash &&
                      whole.db == next.db && whole.key == next.key;
    if (same && whole.expires_ms != next.expires_ms)
      return Error{Errc::kUnsupported,
                   fmt::format("{}: table {}_fields: fields of key '{}' have different expires_ms",
                               file_, tables_[table].name, shown(next.key))};
    if (same) {
      whole.fields.push_back(std::move(next.fields[0]));
      continue;
    }
    if (whole.kind != SinkRows::Kind::kAbsent) TRY(take(std::move(whole)));
    if (!more) return {};
    whole = std::exchange(next, {});
    if (++done % kKeysInARow == 0) os_.park(os_.now());
  }
}

// One row; false: there are no more.
Result<bool> SqliteDatabase::read_row(sqlite3_stmt* look, bool fields, SinkRows& next) const {
  const int code = sqlite3_step(look);
  if (code == SQLITE_DONE) return false;
  if (code != SQLITE_ROW) return error();
  const auto bytes_of = [&](int column) {
    const void* const bytes = sqlite3_column_blob(look, column);
    const auto size = static_cast<size_t>(sqlite3_column_bytes(look, column));
    return std::string(bytes == nullptr ? "" : static_cast<const char*>(bytes), size);
  };
  const auto wrong = [&](std::string_view column, std::string_view wanted) {
    return Error{Errc::kUnsupported,
                 fmt::format("{}: table {}{}: the {} of key '{}' is not {}: no key can be made of "
                             "that row",
                             file_, tables_[next.table].name, fields ? "_fields" : "", column,
                             shown(bytes_of(1)), wanted)};
  };
  for (const auto& [column, name] :
       {std::pair(1, "key"), std::pair(2, "value"), std::pair(4, "field")}) {
    if (column == 4 && !fields) continue;
    const int type = sqlite3_column_type(look, column);
    if (type != SQLITE_TEXT && type != SQLITE_BLOB) return wrong(name, "text or a blob");
  }
  if (sqlite3_column_type(look, 0) != SQLITE_INTEGER) return wrong("db", "an integer");
  const int expires = sqlite3_column_type(look, 3);
  if (expires != SQLITE_INTEGER && expires != SQLITE_NULL)
    return wrong("expires_ms", "an integer or NULL");
  const sqlite3_int64 db = sqlite3_column_int64(look, 0);
  if (db < 0 || db > kDatabasesMost) return wrong("db", "the number of a database");
  next.db = static_cast<int>(db);
  next.key = bytes_of(1);
  next.expires_ms = expires == SQLITE_NULL ? -1 : sqlite3_column_int64(look, 3);
  if (expires == SQLITE_INTEGER && next.expires_ms < 0) return wrong("expires_ms", "a time");
  next.kind = fields ? SinkRows::Kind::kHash : SinkRows::Kind::kString;
  if (fields)
    next.fields.emplace_back(bytes_of(4), bytes_of(2));
  else
    next.value = bytes_of(2);
  return true;
}

// --- SQLite. Nothing here has a destructor that calls it: a crash may come in any call, and then it is not asked again. ---

Result<sqlite3_stmt*> SqliteDatabase::statement(const std::string& sql) {
  sqlite3_stmt* made = nullptr;
  const int code =
      sqlite3_prepare_v2(db_, sql.c_str(), static_cast<int>(sql.size()) + 1, &made, nullptr);
  if (code != SQLITE_OK) return error();
  return made;
}

Result<void> SqliteDatabase::run(const std::string& sql) {
  if (sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) return error();
  return {};
}

Result<std::string> SqliteDatabase::text_of(const std::string& sql) {
  TRY_ASSIGN(sqlite3_stmt* const look, statement(sql));
  std::string text;
  while (sqlite3_step(look) == SQLITE_ROW)
    if (const auto* found = reinterpret_cast<const char*>(sqlite3_column_text(look, 0)))
      text = found;
  if (sqlite3_finalize(look) != SQLITE_OK) return error();
  return text;
}

Result<std::string> SqliteDatabase::step(sqlite3_stmt* statement) {
  int code = sqlite3_step(statement);
  while (code == SQLITE_ROW) code = sqlite3_step(statement);
  if (code == SQLITE_DONE) {
    sqlite3_reset(statement);
    return std::string();
  }
  const Error why = error();
  sqlite3_reset(statement);
  if (!refuses_the_row(code) || sqlite3_get_autocommit(db_) != 0) return why;
  return why.message;
}

Error SqliteDatabase::error() const {
  std::string text = fmt::format("{}: {}", file_, sqlite3_errmsg(db_));
  for (const std::string& note : world_->take_notes())
    if (note.find(file_) == note.npos || text.find("disk I/O") != text.npos) text += "; " + note;
  std::replace(text.begin(), text.end(), '\n', ' ');  // a line of INFO
  return {code_of_sqlite(sqlite3_extended_errcode(db_)), std::move(text)};
}

}  // namespace powercut::engine
