// The database behind the store over files in memory: what stands in it behind each batch, and what it finds when it is opened.
#include "engine/sink/sqlite_database.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <string>
#include <utility>
#include <vector>

#include "engine/os/memory_os_testing.h"
#include "engine/sink/sink_database_contract.h"
#include "engine/sqlite/vfs.h"

namespace powercut::engine {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;
using ::testing::UnorderedElementsAre;

// What another program says to the file, and what it is answered: a line a row.
std::vector<std::string> say_to_sqlite(Os& os, const std::string& text) {
  sqlite::World world(os);
  const sqlite::Inside inside(world);
  sqlite3* db = nullptr;
  EXPECT_EQ(
      sqlite3_open_v2("sink.db", &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, sqlite::kVfs),
      SQLITE_OK);
  std::vector<std::string> rows;
  const auto take = [](void* to, int columns, char** values, char**) {
    std::string row;
    for (int i = 0; i < columns; ++i)
      row += (i == 0 ? "" : " ") + std::string(values[i] == nullptr ? "null" : values[i]);
    static_cast<std::vector<std::string>*>(to)->push_back(row);
    return 0;
  };
  EXPECT_EQ(sqlite3_exec(db, text.c_str(), take, &rows, nullptr), SQLITE_OK) << sqlite3_errmsg(db);
  EXPECT_EQ(sqlite3_close(db), SQLITE_OK);
  return rows;
}

class SqliteUnderTest final : public DatabaseUnderTest {
 public:
  std::unique_ptr<SinkDatabase> make(std::vector<SinkTable> tables) override {
    return std::make_unique<SqliteDatabase>(os_, "sink.db", std::move(tables));
  }
  void run(std::function<void()> body) override { body(); }  // its files let nobody wait
  std::vector<std::string> sql(const std::string& text) override {
    return say_to_sqlite(os_, text);
  }
  std::string as_text(const std::string& column) override { return column; }
  void refuse_value(const std::string& table, const std::string& value) override {
    refuse("INSERT ON " + table + " WHEN NEW.value = '" + value + "'", "no bad value");
  }
  void refuse_delete(const std::string& table) override { refuse("DELETE ON " + table, "stays"); }
  void refuse_update(const std::string& table) override { refuse("UPDATE ON " + table, "no"); }

 private:
  void refuse(const std::string& what, const std::string& why) {
    sql("CREATE TRIGGER no" + std::to_string(++triggers_) + " BEFORE " + what +
        " BEGIN SELECT RAISE(ABORT, '" + why + "'); END");
  }
  MemoryOs os_;
  int triggers_ = 0;
};

INSTANTIATE_TEST_SUITE_P(Sqlite, SinkDatabaseContract,
                         ::testing::Values(DatabaseFactory{
                             "Sqlite", [] { return std::make_unique<SqliteUnderTest>(); }}),
                         name_of_factory);

class SqliteDatabaseTest : public ::testing::Test, protected RowsToWrite {
 protected:
  std::vector<std::string> sql(const std::string& text) { return say_to_sqlite(os, text); }
  std::vector<std::string> strings() {
    return sql("SELECT db, key, value, expires_ms FROM kv ORDER BY db, key");
  }
  std::vector<std::string> fields() {
    return sql("SELECT db, key, field, value, expires_ms FROM kv_fields ORDER BY db, key, field");
  }
  std::vector<std::string> aside() {
    return sql("SELECT db, key, lsn, reason FROM powercut_set_aside ORDER BY db, key");
  }
  std::string lsn() { return sql("SELECT lsn FROM powercut_sink").at(0); }

  void write(uint64_t lsn, std::vector<SinkRows> keys, bool everything = false) {
    ASSERT_TRUE(database.is_open() || database.open().ok());
    const auto written = database.write({lsn, everything, std::move(keys)});
    ASSERT_TRUE(written.ok()) << written.error().message;
  }
  // Why another life does not open it.
  Error refusal(std::vector<SinkTable> tables = {{"*", "kv"}}) {
    SqliteDatabase again(os, "sink.db", std::move(tables));
    const auto found = again.open();
    EXPECT_FALSE(found.ok());
    EXPECT_FALSE(again.is_open());
    return found.ok() ? Error{} : found.error();
  }

  MemoryOs os;
  SqliteDatabase database{os, "sink.db", {{"*", "kv"}}};
};

// --- What stands in it ---

TEST_F(SqliteDatabaseTest, TextIsShownAsTextAndTheRestAsBytes) {
  const std::vector<std::string> texts = {"",
                                          "a",
                                          "\x7f",
                                          "\xc2\x80",
                                          "\xdf\xbf",
                                          "\xe0\xa0\x80",
                                          "\xed\x9f\xbf",
                                          "\xee\x80\x80",
                                          "\xef\xbf\xbf",
                                          "\xf0\x90\x80\x80",
                                          "\xf4\x8f\xbf\xbf",
                                          "a\xc3\xa4z"};
  const std::vector<std::string> blobs = {std::string("a\0b", 3),
                                          "\x80",
                                          "\xc1\xbf",
                                          "\xc2",
                                          "\xc2z",
                                          "\xc2\xc0",
                                          "\xe0\x9f\xbf",
                                          "\xe1\x80",
                                          "\xe1\x80z",
                                          "\xed\xa0\x80",
                                          "\xed\xbf\xbf",
                                          "\xf0\x8f\xbf\xbf",
                                          "\xf4\x90\x80\x80",
                                          "\xf5\x80\x80\x80",
                                          "\xff",
                                          "a\xc3\xa4\xff"};
  std::vector<SinkRows> keys;
  for (const auto* all : {&texts, &blobs})
    for (const std::string& bytes : *all)
      keys.push_back(text(static_cast<int>(keys.size()), bytes, bytes));
  write(1, std::move(keys));
  const auto types = sql("SELECT typeof(key), typeof(value) FROM kv ORDER BY db");
  ASSERT_EQ(types.size(), texts.size() + blobs.size());
  for (size_t i = 0; i < types.size(); ++i)
    EXPECT_EQ(types[i], i < texts.size() ? "text text" : "blob blob") << i;
  EXPECT_THAT(sql("SELECT count(*) FROM kv WHERE key=value"),
              ElementsAre(std::to_string(types.size())));
}

// --- Opening ---

TEST_F(SqliteDatabaseTest, OneThatIsNotItsOwnIsLeftAlone) {
  write(7, {});
  database.close();
  sql("UPDATE powercut_sink SET schema=9");
  EXPECT_EQ(refusal().code, Errc::kUnsupported);
  EXPECT_THAT(refusal().message, HasSubstr("it has schema 9, and this build writes schema 1"));
  for (const char* change : {"UPDATE powercut_sink SET schema=1, lsn=-1",
                             "UPDATE powercut_sink SET lsn='x'", "DELETE FROM powercut_sink"}) {
    sql(change);
    EXPECT_EQ(refusal().code, Errc::kCorrupt) << change;
    EXPECT_THAT(refusal().message, HasSubstr("has no row that says what it is at")) << change;
  }
  EXPECT_TRUE(os.there("sink.db"));
  sql("DROP TABLE powercut_sink; CREATE TABLE powercut_sink(x)");
  EXPECT_EQ(refusal().code, Errc::kUnsupported) << "a table without the column";
}

TEST_F(SqliteDatabaseTest, ADamagedOneIsSaidToBeAndPutAway) {
  os.put("sink.db", std::string(4096, 'x'));
  os.put("sink.db-journal", "old");
  EXPECT_EQ(refusal().code, Errc::kCorrupt);
  os.put("sink.db-journal", "old");
  EXPECT_TRUE(database.put_away().ok());
  EXPECT_EQ(os.at("sink.db.damaged"), std::string(4096, 'x'));
  EXPECT_FALSE(os.there("sink.db-journal"));
  EXPECT_FALSE(os.there("sink.db"));
  EXPECT_TRUE(database.open()->fresh);
  database.close();
  os.put("sink.db-journal", "old");
  os.fail_on("remove sink.db-journal");
  EXPECT_FALSE(database.put_away().ok()) << "it would meet the next one";
  EXPECT_TRUE(os.there("sink.db"));
}

TEST_F(SqliteDatabaseTest, ANewOneThatCannotBeMadeGetsAnotherName) {
  os.fail_on("sync sink.db");
  ASSERT_FALSE(database.open().ok());
  EXPECT_FALSE(database.is_open());
  EXPECT_THAT(os.names(), IsEmpty()) << "a power cut may take its name, whatever is synced later";
  os.breaks = nullptr;
  EXPECT_TRUE(database.open()->fresh);
}

// On a filesystem that gives its space away at once, it would come back with bytes of the next.
TEST_F(SqliteDatabaseTest, NothingIsMadeBeforeItIsCertainThatOneHalfMadeIsGone) {
  os.fail_on("sync sink.db");
  ASSERT_FALSE(database.open().ok());
  os.fail_on("sync /");
  EXPECT_FALSE(database.open().ok());
  EXPECT_THAT(os.names(), IsEmpty());
  os.breaks = nullptr;
  EXPECT_TRUE(database.open()->fresh);
}

TEST_F(SqliteDatabaseTest, OneThatStoodIsNotRemovedWhereItCannotBeOpened) {
  write(7, {text(0, "a", "1")});
  database.close();
  os.fail_on("read sink.db");
  EXPECT_EQ(refusal().code, Errc::kIo);
  os.fail_on("open sink.db");
  EXPECT_FALSE(database.open().ok());
  os.breaks = nullptr;
  EXPECT_EQ(lsn(), "7");
}

TEST_F(SqliteDatabaseTest, WhoseJournalCannotBeOpenedIsNotOpened) {
  write(7, {text(0, "a", "1")});
  database.close();
  os.fail_on("open sink.db-journal");
  EXPECT_EQ(refusal().code, Errc::kIo);
}

// Whichever read it is: what is thought damaged is put away.
TEST_F(SqliteDatabaseTest, WhatCannotBeReadIsNotThoughtDamaged) {
  write(7, {text(0, "a", "1")});
  database.close();
  bool failed = true;
  for (int before = 0; failed; ++before) {
    int reads = 0;
    failed = false;
    os.breaks = [&](const std::string& call) {
      const bool fails = call == "read sink.db" && reads++ == before;
      failed |= fails;
      return fails ? std::optional(Errc::kIo) : std::nullopt;
    };
    SqliteDatabase again(os, "sink.db", {{"*", "kv"}});
    const auto found = again.open();
    EXPECT_EQ(found.ok(), !failed) << before;
    EXPECT_TRUE(found.ok() || found.error().code == Errc::kIo) << found.error().message;
  }
}

TEST_F(SqliteDatabaseTest, WhatCannotBeReadIsNotThoughtUnexpired) {
  write(7, {text(0, "a", "1", 5)});
  database.close();
  ASSERT_TRUE(database.open().ok());
  os.fail_on("read sink.db");
  EXPECT_FALSE(database.expired_keys(9).ok());
}

// --- Writing that fails ---

TEST_F(SqliteDatabaseTest, ABatchThatFailsIsNotThereAndTheDatabaseIsClosed) {
  write(1, {text(0, "a", "1")});
  for (const auto& [call, code] :
       std::vector<std::pair<std::string, Errc>>{{"write sink.db", Errc::kNoSpace},
                                                 {"write sink.db-journal", Errc::kNoSpace},
                                                 {"sync sink.db-journal", Errc::kIo},
                                                 {"sync sink.db", Errc::kIo}}) {
    ASSERT_TRUE(database.is_open() || database.open().ok());
    os.fail_on(call, code);
    const auto written = database.write({2, false, {text(0, "a", "2")}});
    os.breaks = nullptr;
    ASSERT_FALSE(written.ok()) << call;
    EXPECT_EQ(written.error().code, code) << call << ": " << written.error().message;
    EXPECT_THAT(written.error().message, HasSubstr("sink.db")) << call;
    EXPECT_FALSE(database.is_open());
    EXPECT_THAT(strings(), ElementsAre("0 a 1 null")) << call;
  }
  write(3, {text(0, "a", "3")});
  EXPECT_EQ(lsn(), "3");
}

TEST_F(SqliteDatabaseTest, AFullDiskInTheMiddleOfABatchRefusesNoRow) {
  write(1, {text(0, "a", "1")});
  std::vector<SinkRows> keys;  // more than SQLite keeps in memory
  for (int i = 0; i < 100; ++i)
    keys.push_back(text(0, "k" + std::to_string(i), std::string(100'000, 'x')));
  os.fail_on("write sink.db", Errc::kNoSpace);
  const auto written = database.write({2, false, keys});
  os.breaks = nullptr;
  ASSERT_FALSE(written.ok());
  EXPECT_EQ(written.error().code, Errc::kNoSpace) << written.error().message;
  EXPECT_THAT(aside(), IsEmpty());
  EXPECT_THAT(strings(), ElementsAre("0 a 1 null"));
}

TEST_F(SqliteDatabaseTest, OneThatAnotherProcessHasIsRefusedForNow) {
  write(1, {text(0, "a", "1")});
  os.fail_on("lock sink.db", Errc::kRefused);
  const auto written = database.write({2, false, {text(0, "a", "2")}});
  ASSERT_FALSE(written.ok());
  EXPECT_EQ(written.error().code, Errc::kRefused) << written.error().message;
  EXPECT_EQ(refusal().code, Errc::kRefused);
  os.breaks = nullptr;
  write(3, {text(0, "a", "3")});
}

TEST_F(SqliteDatabaseTest, AReasonIsOneLine) {
  write(1, {});
  sql("CREATE TRIGGER no BEFORE INSERT ON kv BEGIN SELECT RAISE(ABORT, 'two\nlines'); END");
  write(2, {text(0, "a", "1", 0)});
  EXPECT_THAT(aside(),
              ElementsAre(AllOf(StartsWith("0 a 2 sink.db: two lines"), Not(HasSubstr("\n")))))
      << "with what SQLite notes of it";
  sql("DROP TRIGGER no");
  write(3, {text(0, "a", "1", 0)});
  EXPECT_THAT(strings(), ElementsAre("0 a 1 0")) << "the first millisecond is one too";
}

TEST_F(SqliteDatabaseTest, OneThatCannotBePutAwayStays) {
  os.put("sink.db", "damaged");
  os.fail_on("rename sink.db sink.db.damaged");
  EXPECT_EQ(database.put_away().error().code, Errc::kIo);
}

TEST_F(SqliteDatabaseTest, OthersRunWhileALongBatchIsWritten) {
  write(1, {});
  std::vector<SinkRows> keys;
  for (int i = 0; i < 200; ++i) keys.push_back(text(0, "k" + std::to_string(i), "v"));
  int turns = 0;
  bool written = false;
  os.spawn("sink", [&] {
    EXPECT_TRUE(database.write({2, false, keys}).ok());
    written = true;
  });
  os.spawn("other", [&] {
    for (; !written; ++turns) os.park(os.now());
  });
  os.rest(Duration{0});
  EXPECT_TRUE(written);
  EXPECT_EQ(turns, 3) << "behind each 64 keys";
}

// Who was killed may have ended its last transaction in the page cache alone.
TEST_F(SqliteDatabaseTest, WhatAJournalSaysIsSyncedBeforeAnythingIsWrittenThere) {
  ASSERT_TRUE(database.open().ok());
  database.close();
  os.calls.clear();
  ASSERT_TRUE(database.open().ok());
  const auto first_with = [&](std::string_view what) {
    return std::find_if(os.calls.begin(), os.calls.end(),
                        [&](const std::string& call) { return call.starts_with(what); });
  };
  const auto synced = first_with("sync sink.db-journal");
  ASSERT_NE(synced, os.calls.end());
  EXPECT_LT(synced, first_with("write"));
  database.close();
  os.fail_on("sync sink.db-journal");
  EXPECT_FALSE(database.open().ok());
  os.breaks = nullptr;
  EXPECT_TRUE(database.open().ok());
}

TEST_F(SqliteDatabaseTest, ItIsSyncedBeforeAndBehindItsChange) {
  write(1, {text(0, "a", "1")});
  os.calls.clear();
  write(2, {text(0, "a", "2")});
  const auto at = [&](const std::string& call) {
    return std::find(os.calls.begin(), os.calls.end(), call) - os.calls.begin();
  };
  EXPECT_LT(at("sync sink.db-journal"), at("write sink.db"));
  EXPECT_LT(at("write sink.db"), at("sync sink.db"));
  EXPECT_LT(at("sync sink.db"), static_cast<ptrdiff_t>(os.calls.size()));
  // Its end is a write that is synced, and nothing that may come to a part.
  ASSERT_GE(os.calls.size(), 2u);
  EXPECT_EQ(os.calls[os.calls.size() - 2], "write sink.db-journal");
  EXPECT_EQ(os.calls.back(), "sync sink.db-journal");
  EXPECT_EQ(at("truncate sink.db-journal"), static_cast<ptrdiff_t>(os.calls.size()));
}

}  // namespace
}  // namespace powercut::engine
