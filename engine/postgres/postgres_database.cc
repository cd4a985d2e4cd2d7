#include "engine/postgres/postgres_database.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "engine/base/check.h"
#include "engine/base/words.h"
#include "engine/command/number.h"
#include "engine/sink/text.h"
#include "engine/sink/url.h"

namespace powercut::engine {

using postgres::Array;
using postgres::kBytea;
using postgres::kInt4;
using postgres::kInt8;
using postgres::Statement;

namespace {

constexpr size_t kKeysInAChunk = 1000;      // a round trip
constexpr size_t kBytesInAChunk = 4 << 20;  // the same
constexpr size_t kNamesMost = 256 << 20;    // of fields, in one statement
constexpr size_t kNameMost = 48;            // with "_fields_expires" behind it: 63
constexpr std::string_view kDividedByZero = "22012";
constexpr int kDatabasesMost = 1 << 30;
constexpr int kLockClass = 0x706f7763;  // "powc"
constexpr Duration kLockPatience =
    seconds(1);  // an earlier session of this store may be about to end
constexpr Duration kLockLook = milliseconds(50);

std::string quoted(std::string_view name) { return fmt::format("\"{}\"", name); }

// The class of an SQLSTATE, and what it says of a row, or of the database.
bool refuses_the_row(const std::string& state) {
  const std::string kind = state.substr(0, 2);
  return kind == "22" || kind == "23" || kind == "44" || kind == "54" || kind == "P0";
}

Errc code_of(const std::string& state) {
  const std::string kind = state.substr(0, 2);
  if (state == "53100" || state == "53200") return Errc::kNoSpace;
  if (kind == "42" && state != "42501") return Errc::kUnsupported;  // it does not fit what is there
  if (kind == "28" || kind == "25" || kind == "53" || refuses_the_row(state) || state == "42501")
    return Errc::kRefused;
  return kind == "3D" || kind == "3F" ? Errc::kNotFound : Errc::kIo;
}

// What a user can do about it.
std::string_view advice(const std::string& state) {
  if (state == "42501") return ": its owner can GRANT it, or make the tables";
  if (state == "3F000") return ": its search_path names none that this user may use";
  if (state == "42P10") return ": make (db, key), or (db, key, field), its PRIMARY KEY";
  return "";
}

std::string column(std::string_view of, std::string_view name, bool text) {
  return text ? fmt::format("convert_from({}.{}, 'UTF8')", of, name)
              : fmt::format("{}.{}", of, name);
}

// The keys of a statement: unnest($1, $2) k(db, key).
struct KeyArrays {
  Array dbs{kInt4};
  Array keys{kBytea};
  void add(const SinkRows& rows) {
    dbs.add_int4(rows.db);
    keys.add(rows.key);
  }
};

Statement take_back(const KeyArrays& keys) {
  return Statement{
      "DELETE FROM powercut_set_aside t USING unnest($1, $2) k(db, key) WHERE t.db = k.db AND "
      "sha256(t.key) = sha256(k.key)"}
      .with(keys.dbs)
      .with(keys.keys);
}

size_t bytes_of(const SinkRows& rows) {
  size_t bytes = rows.key.size() + rows.value.size() + 32;
  for (const auto& [field, value] : rows.fields)
    bytes += rows.key.size() + field.size() + value.size() + 32;
  return bytes;
}

void add_expiry(Array& array, int64_t expires_ms) {
  if (expires_ms < 0)
    array.add_null();
  else
    array.add_int8(expires_ms);
}

// "\x00ff", as the server shows bytea.
std::string bytes_shown(std::string_view text) {
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  std::string bytes;
  for (size_t i = 2; i + 1 < text.size(); i += 2)
    bytes += static_cast<char>(digit(text[i]) * 16 + digit(text[i + 1]));
  return bytes;
}

}  // namespace

PostgresDatabase::PostgresDatabase(PosixOs& os, std::string url, std::vector<SinkTable> tables,
                                   Duration slow)
    : os_(os),
      url_(std::move(url)),
      name_(without_password(url_)),
      connection_(os, slow,
                  [this, slow] {
                    if (on_slow_)
                      on_slow_(fmt::format("{}: no answer for {} ms: it is slow, or a lock is held",
                                           name_, slow.ms()));
                  }),
      mapping_(format_sink_tables(tables)) {
  for (SinkTable& table : tables) tables_.push_back({std::move(table.name), {}, {}});
}

Error PostgresDatabase::error(Errc code, const std::string& text) const {
  return {code, fmt::format("{}: {}", name_, text)};
}

Error PostgresDatabase::error_of(const Outcome& outcome) const {
  return error(code_of(outcome.state), fmt::format("{}{}", outcome.message, advice(outcome.state)));
}

Result<postgres::Outcome> PostgresDatabase::run(std::span<const Statement> statements) {
  auto outcome = connection_.run(statements);
  if (!outcome.ok()) return error(outcome.error().code, outcome.error().message);
  if (!outcome->ok()) return error_of(*outcome);
  return outcome;
}

Result<std::string> PostgresDatabase::put_away() {
  return error(Errc::kUnsupported, "a database of others is not moved");
}

// --- Opening ---

Result<SinkDatabase::Found> PostgresDatabase::open() {
  for (const Table& table : tables_)
    if (table.name.size() > kNameMost)
      return error(Errc::kUnsupported, fmt::format("a table's name has {} letters here at most: {}",
                                                   kNameMost, table.name));
  if (const auto opened = connection_.open(url_); !opened.ok())
    return error(opened.error().code, opened.error().message);
  auto found = set_up();
  if (!found.ok()) close();
  return found;
}

Result<SinkDatabase::Found> PostgresDatabase::set_up() {
  // A server that somebody else made may have other defaults.
  std::vector<Statement> settings;
  for (const char* one :
       {"statement_timeout = 0", "lock_timeout = 0", "idle_in_transaction_session_timeout = 0",
        "bytea_output = hex", "standard_conforming_strings = on", "row_security = off"})
    settings.push_back({fmt::format("SET {}", one)});
  TRY(run(settings));
  // One that waits for a lock notices then that nobody waits for it. Not every server can.
  const Statement check{"SET client_connection_check_interval = '2s'"};
  if (const auto set = connection_.run(std::span(&check, 1)); !set.ok())
    return error(set.error().code, set.error().message);
  TRY(lock());
  return look();
}

Result<void> PostgresDatabase::lock() {
  const Statement take{fmt::format(
      "SELECT pg_try_advisory_lock({}, hashtext(coalesce(current_schema(), '')))", kLockClass)};
  const Instant patience = os_.now() + kLockPatience;
  for (;; os_.park(os_.now() + kLockLook)) {
    TRY_ASSIGN(const Outcome taken, run(take));
    if (taken.answers.at(0).rows.at(0).at(0) == "t") return {};
    if (os_.now() >= patience) break;
  }
  TRY_ASSIGN(const Outcome holder,
             run({fmt::format("SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND classid = "
                              "{} AND granted AND database = (SELECT oid FROM pg_database WHERE "
                              "datname = current_database())",
                              kLockClass)}));
  const auto& rows = holder.answers.at(0).rows;
  return error(Errc::kRefused,
               fmt::format("another store writes it (session {}): name another database, or "
                           "another schema in its search_path",
                           rows.empty() ? "unknown" : rows[0].at(0)));
}

Result<SinkDatabase::Found> PostgresDatabase::look() {
  Found found;
  TRY_ASSIGN(const Outcome known, run({"SELECT to_regclass('powercut_sink') IS NOT NULL, "
                                       "current_setting('server_encoding')"}));
  TRY(look_at_tables());
  const auto& answer = known.answers.at(0).rows.at(0);
  if (answer.at(0) != "t") {
    found.fresh = true;
    TRY(make(true, 0));
    lsn_ = set_aside_ = 0;
    return found;
  }
  const auto state = run({"SELECT schema, lsn, tables FROM powercut_sink"});
  if (!state.ok() && state.error().code == Errc::kUnsupported)
    return error(Errc::kUnsupported,
                 "its table powercut_sink is another program's: name another database, or another "
                 "schema in its search_path");
  if (!state.ok()) return state.error();
  const auto& rows = state->answers.at(0).rows;
  const auto number = rows.size() == 1 ? parse_integer(rows[0].at(1)) : std::nullopt;
  if (!number || *number < 0)
    return error(Errc::kUnsupported,
                 "powercut_sink has no row that says what it is at: DROP it, and all is written "
                 "anew");
  found.alone = rows[0].at(0) == std::to_string(kSinkSchemaAlone);
  if (!found.alone && rows[0].at(0) != std::to_string(kSinkSchema))
    return error(Errc::kUnsupported,
                 fmt::format("it has schema {}, and this build writes schema {}: name another "
                             "database with sink-url, or start the server that made it",
                             rows[0].at(0), kSinkSchema));
  found.lsn = static_cast<uint64_t>(*number);
  found.fresh = rows[0].at(2) != mapping_;
  for (const Table& table : tables_)
    for (const auto& [name, columns] :
         {std::pair(table.name, &table.strings), std::pair(table.name + "_fields", &table.fields)})
      if (!found.fresh && found.missing.empty() && !columns->there) found.missing = name;
  if (keep_ && found.fresh && !rows[0].at(2).empty())
    return error(Errc::kUnsupported,
                 fmt::format("its tables were written with sink-tables \"{}\": start with that",
                             rows[0].at(2)));
  if (keep_ && !found.missing.empty())
    return error(Errc::kUnsupported, fmt::format("there is no {} any more", found.missing));
  if (!found.missing.empty()) found.lsn = 0;  // one that is empty has no operation
  if (found.fresh || !found.missing.empty()) TRY(make(false, found.lsn));
  TRY_ASSIGN(const Outcome aside, run({"SELECT count(*) FROM powercut_set_aside"}));
  set_aside_ =
      static_cast<uint64_t>(parse_integer(aside.answers.at(0).rows.at(0).at(0)).value_or(0));
  lsn_ = found.lsn;
  return found;
}

Result<void> PostgresDatabase::look_at_tables() {
  for (Table& table : tables_) {
    TRY_ASSIGN(table.strings, columns_of(table.name, false));
    TRY_ASSIGN(table.fields, columns_of(table.name + "_fields", true));
  }
  return {};
}

Result<PostgresDatabase::Columns> PostgresDatabase::columns_of(const std::string& table,
                                                               bool fields) {
  Statement ask{
      "SELECT attname, format_type(atttypid, NULL), current_setting('server_encoding') FROM "
      "pg_attribute WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped"};
  ask.with_text(quoted(table));
  TRY_ASSIGN(const Outcome outcome, run(std::move(ask)));
  const auto& rows = outcome.answers.at(0).rows;
  if (rows.empty()) return Columns{};
  Columns columns{.there = true};
  const auto look_at = [&](std::string_view name, bool& text) -> Result<void> {
    const auto at =
        std::find_if(rows.begin(), rows.end(), [&](const auto& row) { return row.at(0) == name; });
    if (at == rows.end())
      return error(Errc::kUnsupported, fmt::format("table {} has no column named {}: name another "
                                                   "table in sink-tables",
                                                   table, name));
    text = at->at(1) == "text" || at->at(1) == "character varying";
    if (text && at->at(2) != "UTF8")
      return error(Errc::kUnsupported,
                   fmt::format("table {}: its column {} is {}, which the store fills in a database "
                               "with encoding UTF8 alone, and this one has {}: make it bytea",
                               table, name, at->at(1), at->at(2)));
    if (text || at->at(1) == "bytea") return {};
    return error(Errc::kUnsupported,
                 fmt::format("table {}: its column {} is {}, and has to be bytea or text", table,
                             name, at->at(1)));
  };
  TRY(look_at("key", columns.text_key));
  TRY(look_at("value", columns.text_value));
  if (fields) TRY(look_at("field", columns.text_field));
  for (const std::string_view name : {"db", "expires_ms"})
    if (std::none_of(rows.begin(), rows.end(), [&](const auto& row) { return row.at(0) == name; }))
      return error(Errc::kUnsupported, fmt::format("table {} has no column named {}: name another "
                                                   "table in sink-tables",
                                                   table, name));
  return columns;
}

// One transaction: nobody finds half of it. What is there is not asked for: that takes the right to make it.
Result<void> PostgresDatabase::make(bool first, uint64_t lsn) {
  std::vector<Statement> all{{"BEGIN"}, {"SET LOCAL synchronous_commit = on"}};
  const auto add = [&](const std::string& name, std::string_view field, std::string_view in_key) {
    all.push_back(
        {fmt::format("CREATE TABLE {}(db integer NOT NULL, key bytea NOT NULL, {}value "
                     "bytea NOT NULL, expires_ms bigint, PRIMARY KEY(db, key{}))",
                     quoted(name), field, in_key)});
    all.push_back({fmt::format("CREATE INDEX {} ON {}(expires_ms) WHERE expires_ms IS NOT NULL",
                               quoted(name + "_expires"), quoted(name))});
  };
  for (const Table& table : tables_) {
    if (!table.strings.there) add(table.name, "", "");
    if (!table.fields.there) add(table.name + "_fields", "field bytea NOT NULL, ", ", field");
  }
  if (first) {
    all.push_back(
        {"CREATE TABLE powercut_sink(schema integer NOT NULL, lsn bigint NOT NULL, tables "
         "text NOT NULL)"});
    // A key may be longer than an index takes.
    all.push_back(
        {"CREATE TABLE IF NOT EXISTS powercut_set_aside(db integer NOT NULL, key bytea NOT "
         "NULL, lsn bigint NOT NULL, reason text NOT NULL)"});
    all.push_back(
        {"CREATE UNIQUE INDEX IF NOT EXISTS powercut_set_aside_key ON "
         "powercut_set_aside(db, sha256(key))"});
    all.push_back({fmt::format("INSERT INTO powercut_sink VALUES({}, 0, '')", kSinkSchema)});
  }
  all.push_back({fmt::format("UPDATE powercut_sink SET lsn = {}", lsn)});
  all.push_back({"COMMIT"});
  TRY_ASSIGN(const Outcome outcome, run(all));
  if (outcome.answers.back().tag != "COMMIT")
    return error(Errc::kIo, "the tables were not made: it rolled them back");
  return look_at_tables();
}

// --- Writing ---

Result<void> PostgresDatabase::write(const SinkBatch& batch) {
  CHECK(is_open());
  refused_.clear();
  const auto written = write_all(batch);
  if (!written.ok()) close();
  return written;
}

Result<void> PostgresDatabase::write_all(const SinkBatch& batch) {
  // What a constraint that waits for the commit refuses could not be told from the rest of the batch.
  std::vector<Statement> begin{
      {"BEGIN"}, {"SET LOCAL synchronous_commit = on"}, {"SET CONSTRAINTS ALL IMMEDIATE"}};
  for (const Table& table : tables_)
    for (const std::string& name : {table.name, table.name + "_fields"})
      if (batch.everything && !batch.keeps)
        begin.push_back({fmt::format("DELETE FROM {}", quoted(name))});
  if (batch.everything && !batch.keeps) begin.push_back({"DELETE FROM powercut_set_aside"});
  TRY(run(begin));
  std::vector<Keys> by_table(tables_.size());
  for (const SinkRows& rows : batch.keys) by_table[rows.table].push_back(&rows);
  for (size_t i = 0; i < tables_.size(); ++i)
    TRY(put(tables_[i], std::move(by_table[i]), batch.everything && !batch.keeps));
  if (batch.alone && !refused_.empty()) {
    const auto& [rows, reason] = refused_.front();
    return error(Errc::kRefused,
                 fmt::format("table {} refuses key '{}' of database {}: {}: DEL it, or change the "
                             "table",
                             tables_[rows->table].name, shown(rows->key), rows->db, reason));
  }
  TRY(put_aside(batch.lsn));
  // Where nothing is moved it divides by zero, and what comes behind is not done.
  std::vector<Statement> end{{"WITH moved AS (UPDATE powercut_sink SET lsn = $1, tables = $2, "
                              "schema = $4 WHERE lsn = $3 RETURNING "
                              "1) "
                              "SELECT 1 / count(*) FROM moved"},
                             {"SELECT count(*) FROM powercut_set_aside"},
                             {"COMMIT"}};
  end[0]
      .with_int8(static_cast<int64_t>(batch.lsn))
      .with_text(mapping_)
      .with_int8(static_cast<int64_t>(lsn_))
      .with_int4(batch.alone ? kSinkSchemaAlone : kSinkSchema);
  const auto ended = connection_.run(end);
  if (!ended.ok()) return error(ended.error().code, ended.error().message);
  if (ended->state == kDividedByZero && ended->failed == 0)
    return error(Errc::kIo, fmt::format("it is not at operation {} any more: somebody else has "
                                        "written powercut_sink, or restored it",
                                        lsn_));
  if (!ended->ok()) return error_of(*ended);
  if (ended->answers.at(2).tag != "COMMIT")
    return error(Errc::kIo, "it rolled the batch back, and did not say why");
  lsn_ = batch.lsn;
  set_aside_ =
      static_cast<uint64_t>(parse_integer(ended->answers.at(1).rows.at(0).at(0)).value_or(0));
  return {};
}

Result<void> PostgresDatabase::put(const Table& table, Keys keys, bool everything) {
  // A key that is no text has no row in a table of text, and never had one.
  KeyArrays nameless;
  std::erase_if(keys, [&](const SinkRows* rows) {
    std::string why = why_no_text(table, *rows);
    const bool no_name = takes_text_keys(table) && !is_text(rows->key);
    if (no_name) nameless.add(*rows);
    if (!why.empty() && rows->kind != SinkRows::Kind::kAbsent)
      refused_.push_back({rows, std::move(why)});
    return no_name;
  });
  if (nameless.dbs.count() != 0 && set_aside_ != 0) TRY(run(take_back(nameless)));
  for (size_t begin = 0; begin < keys.size();) {
    size_t end = begin, bytes = 0;
    while (end < keys.size() && end - begin < kKeysInAChunk && bytes < kBytesInAChunk)
      bytes += bytes_of(*keys[end++]);
    TRY(put_chunk(table, std::span(keys).subspan(begin, end - begin), everything));
    begin = end;
  }
  return {};
}

std::string PostgresDatabase::why_no_text(const Table& table, const SinkRows& rows) const {
  using Kind = SinkRows::Kind;
  const bool hash = rows.kind == Kind::kHash;
  const Columns& to = hash ? table.fields : table.strings;
  const auto no = [](std::string_view what) {
    return fmt::format("the table takes text, and its {} is none", what);
  };
  if (rows.kind == Kind::kOther) return fmt::format("a {} has no table", rows.value);
  if (takes_text_keys(table) && !is_text(rows.key)) return no("key");
  if (rows.kind == Kind::kString && to.text_value && !is_text(rows.value)) return no("value");
  for (const auto& [field, value] : rows.fields) {
    if (to.text_field && !is_text(field)) return no("field");
    if (to.text_value && !is_text(value)) return no("value");
  }
  return {};
}

// Halves of a chunk that is refused, down to the key.
Result<void> PostgresDatabase::put_chunk(const Table& table, std::span<const SinkRows* const> keys,
                                         bool everything) {
  std::vector<Statement> all{{"SAVEPOINT chunk"}};
  if (!everything)
    for (Statement& one : removals(table, keys, false)) all.push_back(std::move(one));
  const size_t first_insert = all.size();
  for (Statement& one : inserts(table, keys)) all.push_back(std::move(one));
  const size_t behind_inserts = all.size();
  all.push_back({"RELEASE SAVEPOINT chunk"});
  auto outcome = connection_.run(all);
  if (!outcome.ok()) return error(outcome.error().code, outcome.error().message);
  if (outcome->ok()) return {};
  if (!refuses_the_row(outcome->state) || *outcome->failed < first_insert ||
      *outcome->failed >= behind_inserts)
    return error_of(*outcome);
  TRY(run(std::vector<Statement>{{"ROLLBACK TO SAVEPOINT chunk"}, {"RELEASE SAVEPOINT chunk"}}));
  if (keys.size() == 1) {
    refused_.push_back({keys[0], fmt::format("{}: {}", name_, outcome->message)});
    TRY(run(removals(table, keys, true)));
    return {};
  }
  TRY(put_chunk(table, keys.first(keys.size() / 2), everything));
  return put_chunk(table, keys.subspan(keys.size() / 2), everything);
}

// What the keys hold no more; with `whole` all that they held.
std::vector<postgres::Statement> PostgresDatabase::removals(const Table& table,
                                                            std::span<const SinkRows* const> keys,
                                                            bool whole) const {
  using Kind = SinkRows::Kind;
  KeyArrays every, no_string, no_hash, hash, names;
  Array fields(kBytea);
  const auto is_refused = [&](const SinkRows* rows) {
    return whole || !why_no_text(table, *rows).empty();
  };
  for (const SinkRows* rows : keys) {
    const bool refused = is_refused(rows);
    every.add(*rows);
    if (refused || rows->kind != Kind::kString) no_string.add(*rows);
    (refused || rows->kind != Kind::kHash ? no_hash : hash).add(*rows);
    if (refused || rows->kind != Kind::kHash) continue;
    for (const auto& [field, value] : rows->fields) {
      names.add(*rows);
      fields.add(field);
    }
  }
  std::vector<Statement> all;
  const auto remove = [&](const std::string& from, bool text, const KeyArrays& of,
                          const std::string& more = "") -> Statement& {
    all.push_back(Statement{fmt::format(
        "DELETE FROM {} t USING unnest($1, $2) k(db, key) WHERE t.db = k.db AND t.key = {}{}", from,
        column("k", "key", text), more)});
    return all.back().with(of.dbs).with(of.keys);
  };
  const std::string fields_table = quoted(table.name + "_fields");
  if (no_string.dbs.count() != 0) remove(quoted(table.name), table.strings.text_key, no_string);
  if (no_hash.dbs.count() != 0) remove(fields_table, table.fields.text_key, no_hash);
  if (hash.dbs.count() != 0 && fields.bytes() + names.keys.bytes() > kNamesMost) {
    remove(fields_table, table.fields.text_key, hash);
  } else if (hash.dbs.count() != 0) {
    remove(fields_table, table.fields.text_key, hash,
           fmt::format(" AND NOT EXISTS (SELECT FROM unnest($3, $4, $5) n(db, key, field) WHERE "
                       "n.db = t.db AND {} = t.key AND {} = t.field)",
                       column("n", "key", table.fields.text_key),
                       column("n", "field", table.fields.text_field)))
        .with(names.dbs)
        .with(names.keys)
        .with(fields);
  }
  if (set_aside_ != 0) all.push_back(take_back(every));
  return all;
}

std::vector<postgres::Statement> PostgresDatabase::inserts(
    const Table& table, std::span<const SinkRows* const> keys) const {
  using Kind = SinkRows::Kind;
  struct Rows {
    KeyArrays of;
    Array fields{kBytea}, values{kBytea}, expires{kInt8};
  };
  std::vector<Statement> all;
  const auto put_strings = [&](const Rows& rows) {
    all.push_back({fmt::format(
        "INSERT INTO {} AS t (db, key, value, expires_ms) SELECT n.db, {}, {}, n.expires_ms FROM "
        "unnest($1, $2, $3, $4) n(db, key, value, expires_ms) ON CONFLICT (db, key) DO UPDATE SET "
        "value = excluded.value, expires_ms = excluded.expires_ms",
        quoted(table.name), column("n", "key", table.strings.text_key),
        column("n", "value", table.strings.text_value))});
    all.back().with(rows.of.dbs).with(rows.of.keys).with(rows.values).with(rows.expires);
  };
  // Of a large hash few fields change: the rest is not written.
  const auto put_fields = [&](const Rows& rows) {
    all.push_back({fmt::format(
        "INSERT INTO {} AS t (db, key, field, value, expires_ms) SELECT n.db, {}, {}, {}, "
        "n.expires_ms FROM unnest($1, $2, $3, $4, $5) n(db, key, field, value, expires_ms) ON "
        "CONFLICT (db, key, field) DO UPDATE SET value = excluded.value, expires_ms = "
        "excluded.expires_ms WHERE (t.value, t.expires_ms) IS DISTINCT FROM (excluded.value, "
        "excluded.expires_ms)",
        quoted(table.name + "_fields"), column("n", "key", table.fields.text_key),
        column("n", "field", table.fields.text_field),
        column("n", "value", table.fields.text_value))});
    all.back().with(rows.of.dbs).with(rows.of.keys).with(rows.fields);
    all.back().with(rows.values).with(rows.expires);
  };
  Rows strings, fields;
  for (const SinkRows* rows : keys) {
    if (!why_no_text(table, *rows).empty()) continue;
    if (rows->kind == Kind::kString) {
      strings.of.add(*rows);
      strings.values.add(rows->value);
      add_expiry(strings.expires, rows->expires_ms);
    }
    for (const auto& [field, value] : rows->fields) {
      fields.of.add(*rows);
      fields.fields.add(field);
      fields.values.add(value);
      add_expiry(fields.expires, rows->expires_ms);
      if (fields.of.keys.bytes() + fields.fields.bytes() + fields.values.bytes() <
          2 * kBytesInAChunk)
        continue;
      put_fields(fields);
      fields = {};
    }
  }
  if (strings.of.dbs.count() != 0) put_strings(strings);
  if (fields.of.dbs.count() != 0) put_fields(fields);
  return all;
}

Result<void> PostgresDatabase::put_aside(uint64_t lsn) {
  for (size_t begin = 0; begin < refused_.size(); begin += kKeysInAChunk) {
    KeyArrays keys;
    Array reasons(kBytea);
    const size_t end = std::min(begin + kKeysInAChunk, refused_.size());
    for (const auto& [rows, reason] : std::span(refused_).subspan(begin, end - begin)) {
      keys.add(*rows);
      reasons.add(is_text(reason) ? reason : "it does not say");
    }
    Statement put{
        "INSERT INTO powercut_set_aside SELECT n.db, n.key, $4, convert_from(n.reason, 'UTF8') "
        "FROM "
        "unnest($1, $2, $3) n(db, key, reason) ON CONFLICT (db, sha256(key)) DO UPDATE SET lsn = "
        "excluded.lsn, reason = excluded.reason"};
    put.with(keys.dbs).with(keys.keys).with(reasons).with_int8(static_cast<int64_t>(lsn));
    TRY(run(std::move(put)));
  }
  return {};
}

// --- Reading ---

Result<void> PostgresDatabase::read(const TakeRows& take) {
  CHECK(is_open());
  TRY(run({"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"}));
  for (size_t table = 0; table < tables_.size(); ++table)
    for (const bool fields : {false, true}) TRY(read_table(table, fields, take));
  TRY(run({"COMMIT"}));
  return {};
}

// As key_of() takes them: those of strings, or of the fields of hashes.
std::string PostgresDatabase::rows_in(const Table& of, bool fields) {
  const Columns& columns = fields ? of.fields : of.strings;
  const auto bytes = [](std::string_view name, bool text) {
    return text ? fmt::format("convert_to({}, 'UTF8')", name) : std::string(name);
  };
  return fmt::format("SELECT db, {}, {}, expires_ms, value IS NULL{} FROM {}",
                     bytes("key", columns.text_key), bytes("value", columns.text_value),
                     fields ? ", " + bytes("field", columns.text_field) : "",
                     quoted(of.name + (fields ? "_fields" : "")));
}

// The fields of a hash stand together.
Result<void> PostgresDatabase::read_table(size_t table, bool fields, const TakeRows& take) {
  const Table& of = tables_[table];
  TRY(run({fmt::format("DECLARE found NO SCROLL CURSOR FOR {} ORDER BY db, key",
                       rows_in(of, fields))}));
  SinkRows whole;
  for (bool more = true; more;) {
    TRY_ASSIGN(const Outcome outcome, run({fmt::format("FETCH {} FROM found", kKeysInAChunk)}));
    const auto& rows = outcome.answers.at(0).rows;
    more = !rows.empty();
    for (const auto& row : rows) {
      TRY_ASSIGN(SinkRows next, key_of(row, table, fields));
      const bool same = fields && whole.kind == SinkRows::Kind::kHash && whole.db == next.db &&
                        whole.key == next.key;
      if (same && whole.expires_ms != next.expires_ms)
        return error(Errc::kUnsupported,
                     fmt::format("table {}_fields: fields of key '{}' have different expires_ms",
                                 of.name, shown(next.key)));
      if (same) {
        whole.fields.push_back(std::move(next.fields[0]));
        continue;
      }
      if (whole.kind != SinkRows::Kind::kAbsent) TRY(take(std::move(whole)));
      whole = std::move(next);
    }
  }
  if (whole.kind != SinkRows::Kind::kAbsent) TRY(take(std::move(whole)));
  TRY(run({"CLOSE found"}));
  return {};
}

Result<std::vector<SinkRows>> PostgresDatabase::read_keys(const std::vector<KeyAt>& keys) {
  CHECK(is_open());
  TRY(run({"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"}));
  std::vector<SinkRows> found;
  for (const KeyAt& at : keys) {
    auto rows = read_key(at);
    if (!rows.ok()) {
      if (is_open()) TRY(run({"ROLLBACK"}));
      return rows.error();
    }
    found.push_back(std::move(rows).value());
  }
  TRY(run({"COMMIT"}));
  return found;
}

Result<SinkRows> PostgresDatabase::read_key(const KeyAt& at) {
  const Table& of = tables_[at.table];
  SinkRows whole{at.db, at.key, at.table};
  const auto wrong = [&](std::string_view why) {
    return error(Errc::kUnsupported, fmt::format("table {}: key '{}' of database {}: {}", of.name,
                                                 shown(at.key), at.db, why));
  };
  for (const bool fields : {false, true}) {
    const bool text_key = (fields ? of.fields : of.strings).text_key;
    if (text_key && !is_text(at.key)) continue;
    Statement ask{fmt::format("{} WHERE db = $1 AND key = {}", rows_in(of, fields),
                              text_key ? "convert_from($2, 'UTF8')" : "$2")};
    ask.with_int8(at.db).with_bytes(at.key);
    TRY_ASSIGN(const Outcome outcome, run(std::move(ask)));
    for (const auto& row : outcome.answers.at(0).rows) {
      TRY_ASSIGN(SinkRows next, key_of(row, at.table, fields));
      if (const char* why = add_row(whole, std::move(next), fields)) return wrong(why);
    }
  }
  return whole;
}

Result<SinkRows> PostgresDatabase::key_of(const std::vector<std::string>& row, size_t table,
                                          bool fields) const {
  SinkRows next;
  next.table = table;
  next.key = bytes_shown(row.at(1));
  const auto wrong = [&](std::string_view column, std::string_view wanted) {
    return error(
        Errc::kUnsupported,
        fmt::format("table {}{}: the {} of key '{}' is not {}: no key can be made of that "
                    "row",
                    tables_[table].name, fields ? "_fields" : "", column, shown(next.key), wanted));
  };
  const auto db = parse_integer(row.at(0));
  if (!db || *db < 0 || *db > kDatabasesMost) return wrong("db", "the number of a database");
  if (row.at(4) == "t") return wrong("value", "there");
  const std::optional<int64_t> expires =
      row.at(3).empty() ? std::optional<int64_t>(-1) : parse_integer(row.at(3));
  if (!expires || (!row.at(3).empty() && *expires < 0)) return wrong("expires_ms", "a time");
  next.db = static_cast<int>(*db);
  next.expires_ms = *expires;
  next.kind = fields ? SinkRows::Kind::kHash : SinkRows::Kind::kString;
  if (fields)
    next.fields.emplace_back(bytes_shown(row.at(5)), bytes_shown(row.at(2)));
  else
    next.value = bytes_shown(row.at(2));
  return next;
}

Result<std::vector<std::pair<int, std::string>>> PostgresDatabase::expired_keys(int64_t unix_ms) {
  std::vector<Statement> asks;
  for (const Table& table : tables_)
    for (const auto& [name, text] : {std::pair(table.name, table.strings.text_key),
                                     std::pair(table.name + "_fields", table.fields.text_key)}) {
      asks.push_back({fmt::format("SELECT DISTINCT db, {} FROM {} WHERE expires_ms <= $1",
                                  text ? "convert_to(key, 'UTF8')" : "key", quoted(name))});
      asks.back().with_int8(unix_ms);
    }
  TRY_ASSIGN(const Outcome outcome, run(asks));
  std::vector<std::pair<int, std::string>> keys;
  for (const auto& answer : outcome.answers)
    for (const auto& row : answer.rows)
      keys.emplace_back(static_cast<int>(parse_integer(row.at(0)).value_or(0)),
                        bytes_shown(row.at(1)));
  return keys;
}

}  // namespace powercut::engine
