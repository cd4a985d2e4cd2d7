#include "scenarios/sqlite/sqlite_target.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "engine/base/hash.h"
#include "engine/sqlite/vfs.h"
#include "sim/request.h"

namespace powercut::scenarios {

using engine::sqlite::Inside;

namespace {

constexpr const char* kFile = "data.db";
constexpr size_t kLinesMost = 64;  // kept for people
constexpr size_t kLineMost = 80;   // bytes

// A value as it goes into the digest: what it is, and its bytes.
uint64_t hash_value(sqlite3_stmt* row, int column, uint64_t seed) {
  const int type = sqlite3_column_type(row, column);
  const auto hash = [&](const void* bytes, size_t size) {
    return hash_bytes({static_cast<const char*>(bytes), size},
                      seed * 31 + static_cast<uint64_t>(type));
  };
  if (type == SQLITE_INTEGER) {
    const sqlite3_int64 number = sqlite3_column_int64(row, column);
    return hash(&number, sizeof number);
  }
  if (type == SQLITE_FLOAT) {
    const double number = sqlite3_column_double(row, column);
    return hash(&number, sizeof number);
  }
  const void* bytes = sqlite3_column_blob(row, column);
  return hash(bytes == nullptr ? "" : bytes,
              static_cast<size_t>(sqlite3_column_bytes(row, column)));
}

std::string text_of(sqlite3_stmt* row, int column) {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(row, column));
  return text == nullptr ? "NULL" : text;
}

std::string line_of(sqlite3_stmt* row, const std::string& table) {
  std::string line = table + ":";
  for (int i = 0; i < sqlite3_column_count(row) && line.size() <= kLineMost; ++i)
    line += (i == 0 ? " " : ", ") + text_of(row, i);
  if (line.size() > kLineMost) line = line.substr(0, kLineMost) + "...";
  return line;
}

// Calls `visit` with each row. Nothing here has a destructor that calls SQLite: a crash may come in any of its
// calls, and then nothing more may be asked of it.
template <class Visit>
int for_each_row(sqlite3* db, const std::string& sql, const Visit& visit) {
  sqlite3_stmt* statement = nullptr;
  int code =
      sqlite3_prepare_v2(db, sql.c_str(), static_cast<int>(sql.size()) + 1, &statement, nullptr);
  if (code != SQLITE_OK) return code;
  while ((code = sqlite3_step(statement)) == SQLITE_ROW) visit(statement);
  return sqlite3_finalize(statement);
}

// What a client may not say: it would end the transaction, or reach another file.
int allow(void* of_client, int action, const char*, const char*, const char*, const char*) {
  const bool never = action == SQLITE_TRANSACTION || action == SQLITE_ATTACH ||
                     action == SQLITE_DETACH || action == SQLITE_PRAGMA;
  return never && *static_cast<const bool*>(of_client) ? SQLITE_DENY : SQLITE_OK;
}

}  // namespace

// --- Recovery ---

Result<std::unique_ptr<sim::Target>> SqliteTarget::open(engine::Os& os, Journal journal,
                                                        Synchronous synchronous) {
  std::unique_ptr<SqliteTarget> target(new SqliteTarget(os, journal, synchronous));
  TRY(target->recover());
  return std::unique_ptr<sim::Target>(std::move(target));
}

Result<void> SqliteTarget::recover() {
  const Inside inside(world_);
  TRY(connect());
  TRY(check());
  TRY(look_through());
  TRY_ASSIGN(const std::string version, value_of("PRAGMA user_version"));
  recovery.last = begun_ = committed_ = std::stoull(version);
  found_ = world_.take_notes();
  return {};
}

Result<void> SqliteTarget::connect() {
  constexpr int kFlags =
      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
  if (sqlite3_open_v2(kFile, &db_, kFlags, engine::sqlite::kVfs) != SQLITE_OK) return error();
  sqlite3_set_authorizer(db_, allow, &of_client_);
  TRY(run("PRAGMA temp_store=memory"));
  TRY_ASSIGN(const std::string pages, value_of("PRAGMA page_count"));
  const bool is_new = pages == "0";
  recovery.met.set(static_cast<size_t>(is_new ? sim::Met::kNothing : sim::Met::kWholeTail));
  if (is_new) TRY(make());
  const std::string_view journal = kJournals[static_cast<size_t>(journal_)];
  TRY_ASSIGN(const std::string mode, value_of(fmt::format("PRAGMA journal_mode={}", journal)));
  if (mode != journal)
    return Error{Errc::kCorrupt,
                 fmt::format("{}: journal_mode is {}, not {}", kFile, mode, journal)};
  return run(fmt::format("PRAGMA synchronous={}", kSynchronous[static_cast<size_t>(synchronous_)]));
}

// With the strongest setting, whatever comes after.
Result<void> SqliteTarget::make() {
  TRY(run("PRAGMA synchronous=extra; PRAGMA user_version=0"));
  if (journal_ != Journal::kWal) return {};
  return value_of("PRAGMA journal_mode=wal").ok() ? Result<void>() : error();
}

Result<void> SqliteTarget::check() {
  std::string found;
  const int code = for_each_row(db_, "PRAGMA integrity_check", [&](sqlite3_stmt* row) {
    if (found.empty()) found = text_of(row, 0);
  });
  if (code != SQLITE_OK) return error();
  if (found == "ok") return {};
  std::replace(found.begin(), found.end(), '\n', ' ');
  return Error{Errc::kCorrupt, fmt::format("{}: integrity_check: {}", kFile, found)};
}

Result<void> SqliteTarget::look_through() {
  uint64_t digest = 0;
  lines_.clear();
  std::vector<std::string> tables;
  const auto hash_row = [&](sqlite3_stmt* row) {
    for (int i = 0; i < sqlite3_column_count(row); ++i) digest = hash_value(row, i, digest);
  };
  int code = for_each_row(db_, "SELECT name, type, sql FROM sqlite_schema ORDER BY name",
                          [&](sqlite3_stmt* row) {
                            hash_row(row);
                            if (text_of(row, 1) == "table") tables.push_back(text_of(row, 0));
                          });
  for (const std::string& table : tables) {
    if (code != SQLITE_OK) break;
    code = for_each_row(db_, "SELECT * FROM \"" + table + "\"", [&](sqlite3_stmt* row) {
      hash_row(row);
      if (lines_.size() < kLinesMost) lines_.push_back(line_of(row, table));
    });
  }
  if (code != SQLITE_OK) return error();
  digest_ = digest;
  return {};
}

// --- Service ---

// Until COMMIT nothing of it can be on the disk for good; from then on it may be.
void SqliteTarget::apply(uint64_t client, std::string_view request) {
  while (busy_ || begun_ > committed_) {
    if (busy_)
      progress_.wait();
    else
      commit();
  }
  const auto words = sim::words_of(request);
  if (words.size() != 2 || !sim::same_word(words[0], "SQL"))
    return due_[client].push_back({0, "no SQL"});
  busy_ = true;
  const uint64_t before = begun_;
  std::string wrong = transact(words[1]);
  busy_ = false;
  progress_.notify_all();
  due_[client].push_back({begun_ > before ? begun_ : 0, std::move(wrong)});
  if (begun_ > before) happened(begun_);
}

// Runs it, and leaves the transaction open if it writes; else why not, in one line.
std::string SqliteTarget::transact(std::string_view statements) {
  const Inside inside(world_);
  const auto undone = [&] {
    std::string why = error().message;
    if (sqlite3_get_autocommit(db_) == 0) (void)run("ROLLBACK");
    return why;
  };
  if (!run("BEGIN").ok()) return undone();
  of_client_ = true;
  const bool done = run(std::string(statements)).ok();
  of_client_ = false;
  if (!done) return undone();
  if (sqlite3_txn_state(db_, "main") != SQLITE_TXN_WRITE) {
    if (!run("COMMIT").ok()) return undone();
    return {};
  }
  if (!run(fmt::format("PRAGMA user_version={}", begun_ + 1)).ok()) return undone();
  if (!look_through().ok()) return undone();
  ++begun_;
  (void)world_.take_notes();
  return {};
}

void SqliteTarget::commit() {
  busy_ = true;
  bool done;
  {
    const Inside inside(world_);
    done = run("COMMIT").ok();
  }
  if (!done) os_.park(kForever);  // nothing it could say would be true
  committed_ = begun_;
  busy_ = false;
  progress_.notify_all();
}

std::optional<sim::Reply> SqliteTarget::acknowledged(uint64_t client, Instant deadline) {
  std::deque<Due>& due = due_[client];
  if (due.empty()) return std::nullopt;
  while (due.front().number > committed_) {
    if (!busy_)
      commit();
    else if (!progress_.wait(deadline))
      return std::nullopt;
  }
  const bool wrong = !due.front().error.empty();
  reply_ = wrong ? "-ERR " + due.front().error : "+OK";
  due.pop_front();
  return sim::Reply{reply_, wrong};
}

sim::Promise SqliteTarget::promise() {
  const bool all = kept_by(journal_, synchronous_) == Kept::kAll;
  return {true, committed_, all ? committed_ : 0, 0, false};
}

Result<void> SqliteTarget::shut_down() {
  while (busy_) progress_.wait();
  if (begun_ > committed_) commit();
  const Inside inside(world_);
  if (sqlite3_close(db_) != SQLITE_OK) return error();
  db_ = nullptr;
  return {};
}

// --- For the judge ---

std::string SqliteTarget::recovery_summary() {
  if (recovery.met[static_cast<size_t>(sim::Met::kNothing)])
    return "There is no database: one is made.";
  std::string text =
      fmt::format("The database is whole, and holds {} transactions.", recovery.last);
  for (const std::string& note : found_) text += " SQLite says: " + note + ".";
  return text;
}

std::vector<std::string> SqliteTarget::contents(int64_t, size_t most) {
  const size_t shown = std::min(most, lines_.size());
  std::vector<std::string> lines(lines_.begin(), lines_.begin() + static_cast<ptrdiff_t>(shown));
  if (shown < lines_.size()) lines.push_back(fmt::format("and {} more", lines_.size() - shown));
  return lines;
}

// --- SQLite ---

Result<void> SqliteTarget::run(const std::string& sql) {
  return sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK ? Result<void>()
                                                                                : error();
}

Result<std::string> SqliteTarget::value_of(const std::string& sql) {
  std::string value;
  const int code = for_each_row(db_, sql, [&](sqlite3_stmt* row) { value = text_of(row, 0); });
  if (code != SQLITE_OK) return error();
  return value;
}

Error SqliteTarget::error() {
  std::string text = fmt::format("{}: {}", kFile, sqlite3_errmsg(db_));
  std::replace(text.begin(), text.end(), '\n', ' ');
  return {Errc::kCorrupt, std::move(text)};
}

}  // namespace powercut::scenarios
