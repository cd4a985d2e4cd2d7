#include "scenarios/store/database/behind_rows.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <functional>
#include <vector>

#include "engine/sqlite/vfs.h"
#include "engine/sqlite/world.h"

namespace powercut::scenarios {

namespace {

using engine::sqlite::Inside;
using engine::sqlite::World;

constexpr size_t kShown = 80;  // bytes of a row

// Lengths, so that no two rows are one line.
std::string row(int db, std::string_view key, std::string_view field, std::string_view value,
                int64_t expires_ms) {
  return fmt::format("{} {}:{} {}:{} {}:{} {}", db, key.size(), key, field.size(), field,
                     value.size(), value, expires_ms);
}
std::string set_aside(int db, std::string_view key) {
  return fmt::format("{} {}:{} set aside", db, key.size(), key);
}

std::string_view bytes_of(sqlite3_stmt* row, int column) {
  const void* const bytes = sqlite3_column_blob(row, column);
  const auto size = static_cast<size_t>(sqlite3_column_bytes(row, column));
  return {bytes == nullptr ? "" : static_cast<const char*>(bytes), size};
}

int64_t expiry_of(sqlite3_stmt* row, int column) {
  return sqlite3_column_type(row, column) == SQLITE_NULL ? engine::Object::kNoExpiry
                                                         : sqlite3_column_int64(row, column);
}

// Nothing here has a destructor that calls SQLite: a crash may come in any call of it.
class Reader {
 public:
  explicit Reader(engine::Os& os) : world_(os) {}

  Result<void> say(const std::string& sql) {
    const Inside inside(world_);
    TRY(open());
    TRY(each("PRAGMA journal_mode=persist", [](sqlite3_stmt*) {}));
    if (sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) return error();
    return {};
  }

  Result<BehindContent> read() {
    const Inside inside(world_);
    TRY(open());
    std::string check;
    TRY(each("PRAGMA integrity_check", [&](sqlite3_stmt* row) {
      if (check.empty()) check = bytes_of(row, 0);
    }));
    if (check != "ok")
      return Error{Errc::kCorrupt, fmt::format("{}: integrity_check: {}", kBehindFile, check)};
    BehindContent content;
    const auto put = [&](std::string line) { content.rows.insert(std::move(line)); };
    TRY(each("SELECT lsn FROM powercut_sink", [&](sqlite3_stmt* row) {
      content.lsn = static_cast<uint64_t>(sqlite3_column_int64(row, 0));
    }));
    const std::string table = kBehindTable;
    TRY(each("SELECT db, key, value, expires_ms FROM " + table, [&](sqlite3_stmt* one) {
      put(row(sqlite3_column_int(one, 0), bytes_of(one, 1), "", bytes_of(one, 2),
              expiry_of(one, 3)));
    }));
    TRY(each("SELECT db, key, field, value, expires_ms FROM " + table + "_fields",
             [&](sqlite3_stmt* one) {
               put(row(sqlite3_column_int(one, 0), bytes_of(one, 1),
                       fmt::format("field {}", bytes_of(one, 2)), bytes_of(one, 3),
                       expiry_of(one, 4)));
             }));
    TRY(each("SELECT db, key FROM powercut_set_aside", [&](sqlite3_stmt* one) {
      put(set_aside(sqlite3_column_int(one, 0), bytes_of(one, 1)));
    }));
    return content;
  }

 private:
  Result<void> open() {
    constexpr int kFlags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
    if (sqlite3_open_v2(kBehindFile, &db_, kFlags, engine::sqlite::kVfs) != SQLITE_OK)
      return error();
    return {};
  }
  Result<void> each(const std::string& sql, const std::function<void(sqlite3_stmt*)>& visit) {
    sqlite3_stmt* statement = nullptr;
    const int size = static_cast<int>(sql.size()) + 1;
    if (sqlite3_prepare_v2(db_, sql.c_str(), size, &statement, nullptr) != SQLITE_OK)
      return error();
    while (sqlite3_step(statement) == SQLITE_ROW) visit(statement);
    if (sqlite3_finalize(statement) != SQLITE_OK) return error();
    return {};
  }
  Error error() const {
    std::string text = fmt::format("{}: {}", kBehindFile, sqlite3_errmsg(db_));
    std::replace(text.begin(), text.end(), '\n', ' ');
    return {Errc::kCorrupt, std::move(text)};
  }

  World world_;
  sqlite3* db_ = nullptr;  // in the world's memory
};

std::string shown(const std::string& line) {
  std::string text;
  for (const char c : line.substr(0, kShown))
    text += c >= ' ' && c <= '~' ? std::string(1, c)
                                 : fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
  return text + (line.size() > kShown ? "..." : "");
}

}  // namespace

BehindRows rows_to_be(const engine::Keyspace& keyspace) {
  BehindRows rows;
  for (int db = 0; db < keyspace.databases(); ++db) {
    const engine::Table& table = keyspace.database(db).table();
    for (size_t i = 0; i < table.size(); ++i) {
      const auto& entry = table.at(i);
      const engine::Value& value = entry.value.value;
      const std::string_view key = entry.key;
      const int64_t expires_ms = entry.value.expire_at_ms;
      if (value.string() != nullptr) {
        rows.insert(row(db, key, "", *value.string(), expires_ms));
      } else if (const engine::Hash* hash = value.hash()) {
        for (size_t at = 0; at < hash->entries().size(); ++at) {
          const auto item = hash->entries().at(at);
          rows.insert(row(db, key, fmt::format("field {}", item.key), item.value, expires_ms));
        }
      } else {
        rows.insert(set_aside(db, key));
      }
    }
  }
  return rows;
}

Result<BehindContent> read_behind(engine::Os& os) { return Reader(os).read(); }

Result<void> say_behind(engine::Os& os, const std::string& sql) { return Reader(os).say(sql); }

std::string difference(const BehindRows& database, const BehindRows& store) {
  for (const std::string& one : database)
    if (!store.contains(one)) return fmt::format("the database alone has {}", shown(one));
  for (const std::string& one : store)
    if (!database.contains(one)) return fmt::format("the database has not {}", shown(one));
  return {};
}

}  // namespace powercut::scenarios
