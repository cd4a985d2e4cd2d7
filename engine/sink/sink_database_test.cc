// The database behind the store over files in memory: what stands in it behind each batch, and what it finds when it is opened.
#include "engine/sink/sink_database.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <string>
#include <utility>
#include <vector>

#include "engine/os/memory_os_testing.h"
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
using Kind = SinkRows::Kind;

class SinkDatabaseTest : public ::testing::Test {
 protected:
  // What another program says to the file, and what it is answered: a line a row.
  std::vector<std::string> sql(const std::string& text) {
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
    EXPECT_EQ(sqlite3_exec(db, text.c_str(), take, &rows, nullptr), SQLITE_OK)
        << sqlite3_errmsg(db);
    EXPECT_EQ(sqlite3_close(db), SQLITE_OK);
    return rows;
  }
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

  static SinkRows text(int db, std::string key, std::string value, int64_t expires_ms = -1) {
    return {db, std::move(key), 0, Kind::kString, std::move(value), {}, expires_ms};
  }
  static SinkRows hash(int db, std::string key, std::vector<std::pair<std::string, std::string>> of,
                       int64_t expires_ms = -1) {
    return {db, std::move(key), 0, Kind::kHash, "", std::move(of), expires_ms};
  }
  static SinkRows absent(int db, std::string key) { return {db, std::move(key)}; }
  static SinkRows other(int db, std::string key, std::string type) {
    return {db, std::move(key), 0, Kind::kOther, std::move(type)};
  }
  void write(uint64_t lsn, std::vector<SinkRows> keys, bool everything = false) {
    ASSERT_TRUE(database.is_open() || database.open().ok());
    const auto written = database.write({lsn, everything, std::move(keys)});
    ASSERT_TRUE(written.ok()) << written.error().message;
  }
  // Why another life does not open it.
  Error refusal(std::vector<SinkTable> tables = {{"*", "kv"}}) {
    SinkDatabase again(os, "sink.db", std::move(tables));
    const auto found = again.open();
    EXPECT_FALSE(found.ok());
    EXPECT_FALSE(again.is_open());
    return found.ok() ? Error{} : found.error();
  }

  MemoryOs os;
  SinkDatabase database{os, "sink.db", {{"*", "kv"}}};
};

// --- What stands in it ---

TEST_F(SinkDatabaseTest, ABatchIsThereWithItsOperation) {
  const auto found = database.open();
  ASSERT_TRUE(found.ok()) << found.error().message;
  EXPECT_TRUE(found->fresh);
  EXPECT_EQ(found->lsn, 0u);
  write(7, {text(0, "a", "1"), text(3, "a", "2", 9000), hash(0, "h", {{"f", "1"}, {"g", "2"}}),
            hash(1, "h", {{"f", "3"}}, 8000)});
  EXPECT_THAT(strings(), ElementsAre("0 a 1 null", "3 a 2 9000"));
  EXPECT_THAT(fields(), ElementsAre("0 h f 1 null", "0 h g 2 null", "1 h f 3 8000"));
  EXPECT_EQ(lsn(), "7");
  EXPECT_EQ(sql("SELECT schema, tables FROM powercut_sink").at(0), "1 * kv");
}

TEST_F(SinkDatabaseTest, AKeyIsWhatItWasLast) {
  write(1, {text(0, "a", "1", 5), text(0, "b", "1"), hash(0, "h", {{"f", "1"}, {"g", "2"}}),
            text(1, "a", "other")});
  write(2, {text(0, "a", "2"), absent(0, "b"), hash(0, "h", {{"g", "3"}})});
  EXPECT_THAT(strings(), ElementsAre("0 a 2 null", "1 a other null"));
  EXPECT_THAT(fields(), ElementsAre("0 h g 3 null"));
  write(3, {hash(0, "a", {{"f", "1"}}), text(0, "h", "text")});
  EXPECT_THAT(strings(), ElementsAre("0 h text null", "1 a other null"));
  EXPECT_THAT(fields(), ElementsAre("0 a f 1 null"));
  EXPECT_EQ(lsn(), "3");
}

TEST_F(SinkDatabaseTest, AllIsWrittenAnewInPlaceOfWhatThereWas) {
  write(1, {text(0, "a", "1"), hash(0, "h", {{"f", "1"}}), other(0, "l", "list")});
  write(2, {text(0, "b", "1")}, true);
  EXPECT_THAT(strings(), ElementsAre("0 b 1 null"));
  EXPECT_THAT(fields(), IsEmpty());
  EXPECT_THAT(aside(), IsEmpty());
  EXPECT_EQ(database.set_aside(), 0u);
}

TEST_F(SinkDatabaseTest, TextIsShownAsTextAndTheRestAsBytes) {
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

// --- What has no row ---

TEST_F(SinkDatabaseTest, AKeyOfAnotherTypeIsSetAsideUntilItIsOneThatHasATable) {
  write(4, {other(0, "l", "list"), other(1, "s", "set"), text(0, "a", "1")});
  EXPECT_THAT(aside(), ElementsAre("0 l 4 a list has no table", "1 s 4 a set has no table"));
  EXPECT_EQ(database.set_aside(), 2u);
  write(5, {other(0, "l", "list")});
  EXPECT_THAT(aside(), ElementsAre("0 l 5 a list has no table", "1 s 4 a set has no table"));
  database.close();
  SinkDatabase another(os, "sink.db", {{"*", "kv"}});
  ASSERT_TRUE(another.open().ok());
  EXPECT_EQ(another.set_aside(), 2u);
  another.close();
  write(6, {text(0, "l", "1"), absent(1, "s")});
  EXPECT_THAT(aside(), IsEmpty());
  EXPECT_EQ(database.set_aside(), 0u);
}

TEST_F(SinkDatabaseTest, WhatATableRefusesIsSetAsideWhole) {
  write(1, {hash(0, "h", {{"f", "old"}})});
  for (const char* of : {"kv", "kv_fields"})
    sql("CREATE TRIGGER no_" + std::string(of) + " BEFORE INSERT ON " + of +
        " WHEN NEW.value = 'bad' BEGIN SELECT RAISE(ABORT, 'no bad value'); END");
  write(2, {text(0, "a", "bad"), hash(0, "h", {{"e", "1"}, {"f", "bad"}, {"g", "1"}}),
            text(0, "z", "good")});
  EXPECT_THAT(strings(), ElementsAre("0 z good null"));
  EXPECT_THAT(fields(), IsEmpty()) << "neither what was taken before nor what it was";
  EXPECT_THAT(aside(), ElementsAre(StartsWith("0 a 2 sink.db: no bad value"),
                                   StartsWith("0 h 2 sink.db: no bad value")));
  EXPECT_EQ(lsn(), "2");
}

TEST_F(SinkDatabaseTest, OneThatRefusesWhatItIsAtIsNotWritten) {
  write(1, {text(0, "a", "1")});
  sql("CREATE TRIGGER no BEFORE UPDATE ON powercut_sink BEGIN SELECT RAISE(ABORT, 'no'); END");
  ASSERT_TRUE(database.is_open());
  const auto written = database.write({2, false, {text(0, "a", "2")}});
  ASSERT_FALSE(written.ok());
  EXPECT_EQ(written.error().code, Errc::kRefused);
  EXPECT_FALSE(database.is_open());
  EXPECT_THAT(strings(), ElementsAre("0 a 1 null"));
}

TEST_F(SinkDatabaseTest, OneThatDoesNotLetARowGoIsNotWritten) {
  write(1, {text(0, "a", "1")});
  sql("CREATE TRIGGER no BEFORE DELETE ON kv BEGIN SELECT RAISE(ABORT, 'stays'); END");
  const auto written = database.write({2, false, {absent(0, "a")}});
  ASSERT_FALSE(written.ok());
  EXPECT_EQ(written.error().code, Errc::kRefused);
  EXPECT_THAT(written.error().message, HasSubstr("stays"));
  EXPECT_EQ(lsn(), "1");
}

// --- What has expired ---

TEST_F(SinkDatabaseTest, SaysWhichKeysHadExpired) {
  write(1,
        {text(0, "a", "1", 100), text(2, "b", "1", 101), text(0, "c", "1"),
         hash(1, "h", {{"f", "1"}, {"g", "1"}}, 99), text(0, std::string("z\0\xff", 3), "1", 5)});
  EXPECT_THAT(database.expired_keys(100).value(),
              UnorderedElementsAre(std::pair(0, std::string("a")), std::pair(1, std::string("h")),
                                   std::pair(0, std::string("z\0\xff", 3))));
  EXPECT_THAT(database.expired_keys(4).value(), IsEmpty());
  os.breaks = [](const std::string& call) {
    return call.starts_with("read ") ? std::optional(Errc::kIo) : std::nullopt;
  };
  database.close();
  os.breaks = nullptr;
  ASSERT_TRUE(database.open().ok());
  sql("DROP TABLE kv_fields");
  EXPECT_FALSE(database.expired_keys(100).ok());
}

// --- Opening ---

TEST_F(SinkDatabaseTest, AnotherLifeFindsWhereItWas) {
  write(7, {text(0, "a", "1")});
  database.close();
  EXPECT_FALSE(database.is_open());
  const auto found = database.open();
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(found->lsn, 7u);
  EXPECT_FALSE(found->fresh);
  EXPECT_EQ(found->missing, "");
  write(8, {text(0, "b", "1")});
  EXPECT_THAT(strings(), ElementsAre("0 a 1 null", "0 b 1 null"));
}

TEST_F(SinkDatabaseTest, OtherTablesAreWrittenAnewUntilABatchHasThem) {
  write(7, {text(0, "a", "1")});
  database.close();
  const std::vector<SinkTable> tables = {{"user:*", "users"}, {"*", "kv"}};
  for (int life = 0; life < 2; ++life) {
    SinkDatabase again(os, "sink.db", tables);
    const auto found = again.open();
    ASSERT_TRUE(found.ok());
    EXPECT_TRUE(found->fresh) << "no batch has said yet that it has them";
    EXPECT_EQ(found->missing, "") << "they were never there";
    EXPECT_EQ(found->lsn, 7u);
    if (life == 0) {
      again.close();
      sql("DROP TABLE users");
    }
  }
  SinkDatabase again(os, "sink.db", tables);
  ASSERT_TRUE(again.open().ok());
  SinkRows user = text(0, "user:1", "u");
  SinkRows rest = text(0, "b", "r");
  rest.table = 1;
  ASSERT_TRUE(again.write({9, true, {user, rest}}).ok());
  again.close();
  EXPECT_THAT(sql("SELECT key FROM users"), ElementsAre("user:1"));
  EXPECT_THAT(strings(), ElementsAre("0 b r null"));
  EXPECT_FALSE(again.open()->fresh);
}

TEST_F(SinkDatabaseTest, ATableThatIsGoneIsNamedAndThereAgain) {
  for (const char* name : {"kv", "kv_fields"}) {
    write(7, {text(0, "a", "1"), hash(0, "h", {{"f", "1"}})});
    database.close();
    sql(std::string("DROP TABLE ") + name);
    auto found = database.open();
    ASSERT_TRUE(found.ok()) << found.error().message;
    EXPECT_EQ(found->missing, name);
    EXPECT_EQ(found->lsn, 0u);
    EXPECT_FALSE(found->fresh);
    EXPECT_EQ(lsn(), "0") << "a crash before the next batch must find that it is empty";
    database.close();
    EXPECT_EQ(database.open()->missing, "");
  }
  database.close();
  sql("DROP TABLE kv; DROP TABLE kv_fields");
  EXPECT_EQ(database.open()->missing, "kv") << "the first of them";
}

TEST_F(SinkDatabaseTest, OneThatIsNotItsOwnIsLeftAlone) {
  write(7, {});
  database.close();
  sql("UPDATE powercut_sink SET schema=2");
  EXPECT_EQ(refusal().code, Errc::kUnsupported);
  EXPECT_THAT(refusal().message, HasSubstr("it has schema 2, and this build writes schema 1"));
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

TEST_F(SinkDatabaseTest, ATableOfThatNameThatIsAnotherIsRefused) {
  write(7, {});
  database.close();
  sql("DROP TABLE kv; CREATE TABLE kv(other)");
  EXPECT_EQ(refusal().code, Errc::kUnsupported);
}

TEST_F(SinkDatabaseTest, ADamagedOneIsSaidToBeAndPutAway) {
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

TEST_F(SinkDatabaseTest, ANewOneThatCannotBeMadeGetsAnotherName) {
  os.fail_on("sync sink.db");
  ASSERT_FALSE(database.open().ok());
  EXPECT_FALSE(database.is_open());
  EXPECT_THAT(os.names(), IsEmpty()) << "a power cut may take its name, whatever is synced later";
  os.breaks = nullptr;
  EXPECT_TRUE(database.open()->fresh);
}

TEST_F(SinkDatabaseTest, OneThatStoodIsNotRemovedWhereItCannotBeOpened) {
  write(7, {text(0, "a", "1")});
  database.close();
  os.fail_on("read sink.db");
  EXPECT_EQ(refusal().code, Errc::kIo);
  os.fail_on("open sink.db");
  EXPECT_FALSE(database.open().ok());
  os.breaks = nullptr;
  EXPECT_EQ(lsn(), "7");
}

// --- Writing that fails ---

TEST_F(SinkDatabaseTest, ABatchThatFailsIsNotThereAndTheDatabaseIsClosed) {
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

TEST_F(SinkDatabaseTest, AFullDiskInTheMiddleOfABatchRefusesNoRow) {
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

TEST_F(SinkDatabaseTest, OneThatAnotherProcessHasIsRefusedForNow) {
  write(1, {text(0, "a", "1")});
  os.fail_on("lock sink.db", Errc::kRefused);
  const auto written = database.write({2, false, {text(0, "a", "2")}});
  ASSERT_FALSE(written.ok());
  EXPECT_EQ(written.error().code, Errc::kRefused) << written.error().message;
  EXPECT_EQ(refusal().code, Errc::kRefused);
  os.breaks = nullptr;
  write(3, {text(0, "a", "3")});
}

TEST_F(SinkDatabaseTest, AReasonIsOneLine) {
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

TEST_F(SinkDatabaseTest, OneThatCannotBePutAwayStays) {
  os.put("sink.db", "damaged");
  os.fail_on("rename sink.db sink.db.damaged");
  EXPECT_EQ(database.put_away().error().code, Errc::kIo);
}

TEST_F(SinkDatabaseTest, OthersRunWhileALongBatchIsWritten) {
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

TEST_F(SinkDatabaseTest, ItIsSyncedBeforeAndBehindItsChange) {
  write(1, {text(0, "a", "1")});
  os.calls.clear();
  write(2, {text(0, "a", "2")});
  const auto at = [&](const std::string& call) {
    return std::find(os.calls.begin(), os.calls.end(), call) - os.calls.begin();
  };
  EXPECT_LT(at("sync sink.db-journal"), at("write sink.db"));
  EXPECT_LT(at("write sink.db"), at("sync sink.db"));
  EXPECT_LT(at("sync sink.db"), at("truncate sink.db-journal"));
  EXPECT_LT(at("truncate sink.db-journal"), static_cast<ptrdiff_t>(os.calls.size()));
}

TEST_F(SinkDatabaseTest, ManyKeysAreOneBatch) {
  std::vector<SinkRows> keys;
  for (int i = 0; i < 1000; ++i) keys.push_back(text(0, "k" + std::to_string(i), "v"));
  write(1, keys);
  EXPECT_THAT(sql("SELECT count(*) FROM kv"), ElementsAre("1000"));
  keys.clear();
  for (int i = 0; i < 1000; ++i) keys.push_back(absent(0, "k" + std::to_string(i)));
  write(2, keys);
  EXPECT_THAT(strings(), IsEmpty());
}

}  // namespace
}  // namespace powercut::engine
