#include "scenarios/store/database/shared_database.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>

#include "engine/sqlite/vfs.h"
#include "engine/sqlite/world.h"
#include "scenarios/store/database/behind_rows.h"

namespace powercut::scenarios {

namespace {

using engine::sqlite::Inside;
using engine::sqlite::World;
using Kind = RowState::Kind;

constexpr std::string_view kAtOperation = "(SELECT coalesce(max(lsn), 0) FROM powercut_sink)";

const RowName kOthersKeys[] = {
    {kGivenUpDatabase, "s:0"}, {kGivenUpDatabase, "s:1"}, {kGivenUpDatabase, "n:0"},
    {kGivenUpDatabase, "n:1"}, {kGivenUpDatabase, "h:0"}, {kGivenUpDatabase, "h:1"},
    {kKeptDatabase, "n:0"},    {kKeptDatabase, "n:1"},    {kKeptDatabase, "n:2"},
    {kKeptDatabase, "n:3"},    {kKeptDatabase, "h:0"},    {kKeptDatabase, "h:1"},
};

// A connection of its own. Nothing here has a destructor that calls SQLite: a crash may come in any call of it.
class Other {
 public:
  explicit Other(engine::Os& os) : world_(os) {}

  Result<void> say(const std::string& sql) {
    const Inside inside(world_);
    TRY(connect());
    if (sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) return error();
    return {};
  }
  // Each row as texts; NULL is "".
  Result<std::vector<std::vector<std::string>>> ask(const std::string& sql) {
    const Inside inside(world_);
    TRY(connect());
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v2(db_, sql.c_str(), -1, &statement, nullptr) != SQLITE_OK) return error();
    std::vector<std::vector<std::string>> rows;
    while (sqlite3_step(statement) == SQLITE_ROW) {
      auto& row = rows.emplace_back();
      for (int i = 0; i < sqlite3_column_count(statement); ++i) {
        const void* const bytes = sqlite3_column_blob(statement, i);
        const auto size = static_cast<size_t>(sqlite3_column_bytes(statement, i));
        row.emplace_back(bytes == nullptr ? "" : static_cast<const char*>(bytes), size);
      }
    }
    if (sqlite3_finalize(statement) != SQLITE_OK) return error();
    return rows;
  }

 private:
  Result<void> connect() {
    if (db_ != nullptr) return {};
    constexpr int kFlags =
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
    if (sqlite3_open_v2(kBehindFile, &db_, kFlags, engine::sqlite::kVfs) != SQLITE_OK)
      return error();
    if (sqlite3_exec(db_, "PRAGMA journal_mode=persist; PRAGMA synchronous=full", nullptr, nullptr,
                     nullptr) != SQLITE_OK)
      return error();
    return {};
  }
  Error error() const {
    std::string text = fmt::format("{}, for another program: {}", kBehindFile, sqlite3_errmsg(db_));
    std::replace(text.begin(), text.end(), '\n', ' ');
    return {Errc::kIo, std::move(text)};
  }

  World world_;
  sqlite3* db_ = nullptr;  // in the world's memory
};

int64_t expiry_of(const std::string& text) { return text.empty() ? -1 : std::stoll(text); }

RowState state_of_rows(const engine::SinkRows& rows) {
  RowState state;
  state.expires_ms = rows.expires_ms;
  if (rows.kind == engine::SinkRows::Kind::kString) {
    state.kind = Kind::kString;
    state.value = rows.value;
  } else if (rows.kind == engine::SinkRows::Kind::kHash) {
    state.kind = Kind::kHash;
    state.fields.insert(rows.fields.begin(), rows.fields.end());
  } else {
    return {};
  }
  return state;
}

std::string table(std::string_view name) {
  return fmt::format("CREATE TABLE IF NOT EXISTS {}(db INTEGER NOT NULL, key NOT NULL, ", name);
}

}  // namespace

SharedDatabase::SharedDatabase(engine::Os& os, std::vector<engine::SinkTable> tables)
    : os_(os), file_(os, kBehindFile, std::move(tables)) {}

// Values are numbers, so that what adds to them tells what it has read.
RowState SharedDatabase::draw(const RowName& name) {
  RowState state;
  const uint64_t kind = os_.choose("other.row", 8);
  if (kind == 0) return state;
  if (kind <= 2 && name.first != kKeptDatabase)
    state.expires_ms =
        os_.wall_now().unix_ms + 1 + static_cast<int64_t>(os_.choose("other.ms", 900));
  const std::string number = std::to_string(1000 * (1 + os_.choose("other.value", 900)));
  state.kind = name.second.starts_with("h:") ? Kind::kHash : Kind::kString;
  if (state.kind == Kind::kHash)
    state.fields = {{"m:0", number}, {"m:1", number}};
  else
    state.value = number;
  return state;
}

std::string SharedDatabase::put(const RowName& name, const RowState& state) const {
  const auto& [db, key] = name;
  std::string sql;
  for (const char* one : {"kv", "kv_fields", "other_rows"})
    sql += fmt::format("DELETE FROM {} WHERE db={} AND key='{}';", one, db, key);
  const std::string expires = state.expires_ms < 0 ? "NULL" : std::to_string(state.expires_ms);
  const auto note = [&](std::string_view field, std::string_view value) {
    return fmt::format("INSERT INTO other_rows VALUES({}, '{}', '{}', '{}', {}, {});", db, key,
                       field, value, expires, kAtOperation);
  };
  if (state.kind == Kind::kString)
    sql +=
        fmt::format("INSERT INTO kv VALUES({}, '{}', '{}', {});", db, key, state.value, expires) +
        note("", state.value);
  for (const auto& [field, value] : state.fields)
    sql += fmt::format("INSERT INTO kv_fields VALUES({}, '{}', '{}', '{}', {});", db, key, field,
                       value, expires) +
           note(field, value);
  return sql;
}

Result<void> SharedDatabase::prepare() {
  const auto opened = os_.open(kBehindFile, engine::Open::kRead);
  const bool was_there = opened.ok();
  if (!was_there && opened.error().code != Errc::kNotFound) return opened.error();
  auto made = make_first();
  // As the store does: behind a sync that failed a power cut may take its name, whatever is synced later.
  if (!made.ok() && !was_there)
    for (const std::string_view suffix : {"", "-journal"})
      (void)os_.remove(fmt::format("{}{}", kBehindFile, suffix));
  return made;
}

Result<void> SharedDatabase::make_first() {
  Other other(os_);
  TRY_ASSIGN(const auto known, other.ask("SELECT name FROM sqlite_schema WHERE name='other_rows'"));
  if (!known.empty()) return {};
  const std::string notes =
      table("other_rows") +
      "field NOT NULL, value NOT NULL, expires_ms INTEGER, lsn INTEGER, PRIMARY KEY(db, key, "
      "field)) WITHOUT ROWID;";
  // Where its first rows failed the store came first, and the keys of this database may be its own.
  TRY_ASSIGN(const auto store,
             other.ask("SELECT name FROM sqlite_schema WHERE name='powercut_sink'"));
  if (!store.empty()) return other.say(notes);
  std::string sql = "BEGIN IMMEDIATE;" + notes;
  sql += table("kv") + "value NOT NULL, expires_ms INTEGER, PRIMARY KEY(db, key)) WITHOUT ROWID;";
  sql += table("kv_fields") +
         "field NOT NULL, value NOT NULL, expires_ms INTEGER, PRIMARY KEY(db, key, field)) WITHOUT "
         "ROWID;";
  for (const RowName& name : kOthersKeys) {
    std::string rows = put(name, draw(name));
    // There is no store yet.
    for (size_t at = 0; (at = rows.find(kAtOperation)) != rows.npos;)
      rows.replace(at, kAtOperation.size(), "0");
    sql += rows;
  }
  return other.say(sql + "COMMIT");
}

Result<SharedRows> SharedDatabase::look() {
  Other other(os_);
  SharedRows found;
  TRY_ASSIGN(const auto lsn, other.ask("SELECT lsn FROM powercut_sink"));
  if (!lsn.empty()) found.lsn = std::stoull(lsn[0][0]);
  TRY_ASSIGN(const auto strings, other.ask("SELECT db, key, value, expires_ms FROM kv"));
  for (const auto& row : strings)
    found.rows[{std::stoi(row[0]), row[1]}] = {Kind::kString, row[2], {}, expiry_of(row[3])};
  const auto add = [](RowState& state, const std::string& field, const std::string& value,
                      const std::string& expires) {
    state.kind = Kind::kHash;
    state.fields[field] = value;
    state.expires_ms = expiry_of(expires);
  };
  TRY_ASSIGN(const auto fields,
             other.ask("SELECT db, key, field, value, expires_ms FROM kv_fields"));
  for (const auto& row : fields)
    add(found.rows[{std::stoi(row[0]), row[1]}], row[2], row[3], row[4]);
  TRY_ASSIGN(const auto others,
             other.ask("SELECT db, key, field, value, expires_ms, lsn FROM other_rows"));
  for (const auto& row : others) {
    OtherRow& one = found.others[{std::stoi(row[0]), row[1]}];
    one.behind = std::stoull(row[5]);
    if (row[2].empty())
      one.state = {Kind::kString, row[3], {}, expiry_of(row[4])};
    else
      add(one.state, row[2], row[3], row[4]);
  }
  return found;
}

void SharedDatabase::begin(May may, Seen seen, May deleted) {
  may_ = std::move(may);
  seen_ = std::move(seen);
  deleted_ = std::move(deleted);
}

// Clients that do not leave the rows of that database alone, as those of shared-rows do, may delete them.
void SharedDatabase::give_up(const RowName& name) {
  (void)Other(os_).say(
      fmt::format("DELETE FROM other_rows WHERE db={} AND key='{}'", name.first, name.second));
}

void SharedDatabase::meddle(Site site, uint64_t one_in) {
  if (!may_ || os_.choose(site, one_in) != 0) return;
  const RowName& name = kOthersKeys[os_.choose("other.key", std::size(kOthersKeys))];
  if (!may_(name)) return;
  const RowState state = draw(name);
  Other other(os_);
  const auto written = other.say("BEGIN IMMEDIATE;" + put(name, state) + "COMMIT");
  seen_(name, written.ok() ? std::optional(state) : std::nullopt, false);
}

Result<void> SharedDatabase::write(const engine::SinkBatch& batch) {
  meddle("other.writes", 6);
  for (const engine::SinkRows& rows : batch.keys)
    if (rows.db == kKeptDatabase && state_of_rows(rows).kind == Kind::kAbsent && deleted_ &&
        deleted_({rows.db, rows.key}))
      give_up({rows.db, rows.key});
  TRY(file_.write(batch));
  for (const engine::SinkRows& rows : batch.keys)
    if (seen_) seen_({rows.db, rows.key}, state_of_rows(rows), true);
  return {};
}

Result<std::vector<engine::SinkRows>> SharedDatabase::read_keys(const std::vector<KeyAt>& keys) {
  meddle("other.writes", 3);
  return file_.read_keys(keys);
}

}  // namespace powercut::scenarios
