// The contract of a database behind the store (engine/sink/sink_database.h) as tests that every SinkDatabase must pass. To put
// one under test, in exactly one *_test.cc of its room:
//
//   INSTANTIATE_TEST_SUITE_P(My, SinkDatabaseContract, ::testing::Values(DatabaseFactory{
//       "MyDatabase", [] { return std::make_unique<MyDatabaseUnderTest>(); }}), name_of_factory);
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/os/contract.h"
#include "engine/sink/mapping.h"
#include "engine/sink/sink_database.h"

namespace powercut::engine {

// A place where there is no database yet, and what another program says to the one that is made there.
class DatabaseUnderTest {
 public:
  virtual ~DatabaseUnderTest() = default;
  virtual std::unique_ptr<SinkDatabase> make(std::vector<SinkTable> tables) = 0;
  // Runs `body` in a task; returns when it has ended.
  virtual void run(std::function<void()> body) = 0;
  // The answer, a line a row: columns with a blank between, NULL is "null".
  virtual std::vector<std::string> sql(const std::string& text) = 0;
  // How the column reads as text.
  virtual std::string as_text(const std::string& column) = 0;
  // From now on `table` refuses a row with that value ("no bad value"); DELETE of a row, or UPDATE.
  virtual void refuse_value(const std::string& table, const std::string& value) = 0;
  virtual void refuse_delete(const std::string& table) = 0;
  virtual void refuse_update(const std::string& table) = 0;
};

using DatabaseFactory = FactoryOf<DatabaseUnderTest>;

// Rows of a batch, in the first table.
struct RowsToWrite {
  using Kind = SinkRows::Kind;
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
};

class SinkDatabaseContract : public ContractOf<DatabaseUnderTest>, protected RowsToWrite {
 protected:
  using Lines = std::vector<std::string>;

  SinkDatabaseContract() : database(under_test_->make(kTables)) {}

  Lines sql(const std::string& text) { return under_test_->sql(text); }
  Lines strings(const std::string& table = "kv") {
    return sql("SELECT db, " + text_of("key") + ", " + text_of("value") + ", expires_ms FROM " +
               table + " ORDER BY db, key");
  }
  Lines fields() {
    return sql("SELECT db, " + text_of("key") + ", " + text_of("field") + ", " + text_of("value") +
               ", expires_ms FROM kv_fields ORDER BY db, key, field");
  }
  Lines aside() {
    return sql("SELECT db, " + text_of("key") +
               ", lsn, reason FROM powercut_set_aside ORDER BY db, key");
  }
  std::string text_of(const std::string& column) { return under_test_->as_text(column); }
  std::string lsn() { return sql("SELECT lsn FROM powercut_sink").at(0); }

  void write(uint64_t lsn, std::vector<SinkRows> keys, bool everything = false) {
    if (!database->is_open()) {
      const auto opened = database->open();
      ASSERT_TRUE(opened.ok()) << opened.error().message;
    }
    const auto written = database->write({lsn, everything, std::move(keys)});
    ASSERT_TRUE(written.ok()) << written.error().message;
  }
  // Why another life does not open it.
  Error refusal() {
    const auto again = under_test_->make(kTables);
    const auto found = again->open();
    EXPECT_FALSE(found.ok());
    EXPECT_FALSE(again->is_open());
    return found.ok() ? Error{} : found.error();
  }

  const std::vector<SinkTable> kTables{{"*", "kv"}};
  const std::unique_ptr<SinkDatabase> database;
};

// --- What a start reads of it ---

TEST_P(SinkDatabaseContract, ItsRowsAreReadAsTheyWereWritten) {
  run([&] {
    const std::string bytes("\0\xff\n", 3);
    std::vector<SinkRows> all{
        text(0, "a", "1"),        text(0, "b", "", 9000),
        text(3, "a", bytes),      hash(0, "h", {{"f", "1"}, {"g", bytes}}, 8000),
        hash(1, "h", {{"", ""}}), text(2, "", "empty")};
    // So many that they come in pieces.
    for (int i = 0; i < 2'500; ++i) all.push_back(text(5, "k" + std::to_string(i), "v"));
    write(7, all);
    std::vector<SinkRows> found;
    const auto read = database->read([&](SinkRows&& rows) -> Result<void> {
      found.push_back(std::move(rows));
      return {};
    });
    ASSERT_TRUE(read.ok()) << read.error().message;
    const auto as_line = [](const SinkRows& rows) {
      auto fields = rows.fields;
      std::sort(fields.begin(), fields.end());
      std::string line = std::to_string(rows.db) + " " + rows.key + " " + rows.value + " " +
                         std::to_string(rows.expires_ms) + " " +
                         std::to_string(static_cast<int>(rows.kind));
      for (const auto& [field, value] : fields) line += " (" + field + ")=" + value;
      return line;
    };
    std::vector<std::string> expected, lines;
    for (const SinkRows& rows : all) expected.push_back(as_line(rows));
    for (const SinkRows& rows : found) lines.push_back(as_line(rows));
    EXPECT_THAT(lines, ::testing::UnorderedElementsAreArray(expected));
    EXPECT_TRUE(database->is_open());
    write(8, {absent(0, "a")});
  });
}

TEST_P(SinkDatabaseContract, WhoReadsMayStop) {
  run([&] {
    write(1, {text(0, "a", "1"), text(0, "b", "1")});
    int taken = 0;
    const auto read = database->read([&](SinkRows&&) -> Result<void> {
      ++taken;
      return Error{Errc::kUnsupported, "enough"};
    });
    ASSERT_FALSE(read.ok());
    EXPECT_EQ(read.error().message, "enough");
    EXPECT_EQ(taken, 1);
  });
}

TEST_P(SinkDatabaseContract, FieldsOfAHashExpireTogetherOrItIsNotRead) {
  run([&] {
    write(1, {hash(0, "h", {{"f", "1"}, {"g", "2"}}, 8000)});
    sql("UPDATE kv_fields SET expires_ms = 9000 WHERE " + text_of("field") + " = 'g'");
    const auto read = database->read([](SinkRows&&) { return Result<void>(); });
    ASSERT_FALSE(read.ok());
    EXPECT_EQ(read.error().code, Errc::kUnsupported);
    EXPECT_THAT(read.error().message, ::testing::HasSubstr("key 'h' have different expires_ms"));
  });
}

TEST_P(SinkDatabaseContract, WhereItIsAllThereIsNoKeyIsSetAside) {
  run([&] {
    write(1, {text(0, "a", "1")});
    under_test_->refuse_value("kv", "bad");
    const auto written =
        database->write({2, false, {text(0, "a", "2"), text(0, "b", "bad")}, true});
    ASSERT_FALSE(written.ok());
    EXPECT_THAT(written.error().message,
                ::testing::HasSubstr("table kv refuses key 'b' of database 0: "));
    EXPECT_FALSE(database->is_open());
    ASSERT_TRUE(database->open().ok());
    EXPECT_THAT(strings(), ::testing::ElementsAre("0 a 1 null"));
    EXPECT_EQ(lsn(), "1");
    ASSERT_TRUE(database->write({2, false, {text(0, "a", "2")}, true}).ok());
    database->close();
    const auto found = database->open();
    ASSERT_TRUE(found.ok()) << found.error().message;
    EXPECT_TRUE(found->alone);
    write(3, {text(0, "a", "3")});
    database->close();
    EXPECT_FALSE(database->open()->alone) << "a log has it now";
  });
}

TEST_P(SinkDatabaseContract, AsFoundMeansThatNothingIsMade) {
  run([&] {
    write(4, {text(0, "a", "1")});
    database->close();
    const auto other = under_test_->make({{"*", "other"}});
    other->keep_as_found(true);
    const auto asked = other->open();
    ASSERT_FALSE(asked.ok());
    EXPECT_EQ(asked.error().code, Errc::kUnsupported);
    EXPECT_THAT(asked.error().message, ::testing::HasSubstr("sink-tables \"* kv\""));
    sql("DROP TABLE kv");
    database->keep_as_found(true);
    const auto found = database->open();
    ASSERT_FALSE(found.ok());
    EXPECT_THAT(found.error().message, ::testing::HasSubstr("there is no kv any more"));
    EXPECT_EQ(lsn(), "4");
    database->keep_as_found(false);
    ASSERT_TRUE(database->open().ok());
  });
}

// --- What stands in it ---

TEST_P(SinkDatabaseContract, ABatchIsThereWithItsOperation) {
  run([&] {
    const auto found = database->open();
    ASSERT_TRUE(found.ok()) << found.error().message;
    EXPECT_TRUE(found->fresh);
    EXPECT_EQ(found->lsn, 0u);
    write(7, {text(0, "a", "1"), text(3, "a", "2", 9000), hash(0, "h", {{"f", "1"}, {"g", "2"}}),
              hash(1, "h", {{"f", "3"}}, 8000)});
    EXPECT_THAT(strings(), ::testing::ElementsAre("0 a 1 null", "3 a 2 9000"));
    EXPECT_THAT(fields(), ::testing::ElementsAre("0 h f 1 null", "0 h g 2 null", "1 h f 3 8000"));
    EXPECT_EQ(lsn(), "7");
    EXPECT_EQ(sql("SELECT schema, tables FROM powercut_sink").at(0), "1 * kv");
  });
}

TEST_P(SinkDatabaseContract, AKeyIsWhatItWasLast) {
  run([&] {
    write(1, {text(0, "a", "1", 5), text(0, "b", "1"), hash(0, "h", {{"f", "1"}, {"g", "2"}}),
              text(1, "a", "other")});
    write(2, {text(0, "a", "2"), absent(0, "b"), hash(0, "h", {{"g", "3"}})});
    EXPECT_THAT(strings(), ::testing::ElementsAre("0 a 2 null", "1 a other null"));
    EXPECT_THAT(fields(), ::testing::ElementsAre("0 h g 3 null"));
    write(3, {hash(0, "a", {{"f", "1"}}), text(0, "h", "text")});
    EXPECT_THAT(strings(), ::testing::ElementsAre("0 h text null", "1 a other null"));
    EXPECT_THAT(fields(), ::testing::ElementsAre("0 a f 1 null"));
    write(4, {hash(0, "a", {{"f", "1"}}, 6), text(0, "h", "text", 0)});
    EXPECT_THAT(strings(), ::testing::ElementsAre("0 h text 0", "1 a other null"))
        << "the first millisecond is one too";
    EXPECT_THAT(fields(), ::testing::ElementsAre("0 a f 1 6"));
    EXPECT_EQ(lsn(), "4");
  });
}

TEST_P(SinkDatabaseContract, AllIsWrittenAnewInPlaceOfWhatThereWas) {
  run([&] {
    write(1, {text(0, "a", "1"), hash(0, "h", {{"f", "1"}}), other(0, "l", "list")});
    write(2, {text(0, "b", "1"), other(0, "m", "set")}, true);
    EXPECT_THAT(strings(), ::testing::ElementsAre("0 b 1 null"));
    EXPECT_THAT(fields(), ::testing::IsEmpty());
    EXPECT_THAT(aside(), ::testing::ElementsAre("0 m 2 a set has no table"));
    EXPECT_EQ(database->set_aside(), 1u);
  });
}

TEST_P(SinkDatabaseContract, RowsAreReadByTheirKeys) {
  run([&] {
    write(1, {text(0, "a", "1", 7), text(1, "a", "other"), hash(0, "h", {{"f", "1"}, {"g", "2"}}),
              text(0, "b", "1")});
    const auto read = database->read_keys({{0, "a", 0}, {0, "none", 0}, {0, "h", 0}});
    ASSERT_TRUE(read.ok()) << read.error().message;
    ASSERT_EQ(read->size(), 3u);
    EXPECT_EQ((*read)[0].value, "1");
    EXPECT_EQ((*read)[0].expires_ms, 7);
    EXPECT_EQ((*read)[1].kind, SinkRows::Kind::kAbsent);
    EXPECT_EQ((*read)[2].fields.size(), 2u);
    sql("INSERT INTO kv_fields(db, key, field, value) VALUES(0, 'b', 'f', '1')");
    const auto both = database->read_keys({{0, "a", 0}, {0, "b", 0}});
    ASSERT_FALSE(both.ok());
    EXPECT_EQ(both.error().code, Errc::kUnsupported);
    EXPECT_THAT(both.error().message, ::testing::HasSubstr("it has a string, and fields as well"));
    EXPECT_TRUE(database->read_keys({{1, "a", 0}}).ok()) << "it goes on";
  });
}

TEST_P(SinkDatabaseContract, WhereOthersHaveRowsNoneIsCleared) {
  run([&] {
    write(1, {text(0, "a", "1"), text(0, "b", "1")});
    ASSERT_TRUE(database->is_open());
    const auto written = database->write({2, true, {text(0, "b", "2")}, false, true});
    ASSERT_TRUE(written.ok()) << written.error().message;
    EXPECT_THAT(strings(), ::testing::ElementsAre("0 a 1 null", "0 b 2 null"));
  });
}

TEST_P(SinkDatabaseContract, ManyKeysAreOneBatch) {
  run([&] {
    std::vector<SinkRows> keys;
    for (int i = 0; i < 2500; ++i) keys.push_back(text(0, "k" + std::to_string(i), "v"));
    write(1, keys);
    EXPECT_THAT(sql("SELECT count(*) FROM kv"), ::testing::ElementsAre("2500"));
    keys.clear();
    for (int i = 0; i < 2500; ++i) keys.push_back(absent(0, "k" + std::to_string(i)));
    write(2, keys);
    EXPECT_THAT(strings(), ::testing::IsEmpty());
  });
}

TEST_P(SinkDatabaseContract, BytesAreKeptAsTheyAre) {
  run([&] {
    std::string bytes;
    for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
    write(1, {text(0, bytes, bytes, 5), text(0, "", ""), hash(0, "h", {{bytes, bytes}}, 5)});
    EXPECT_THAT(sql("SELECT count(*) FROM kv WHERE key = value"), ::testing::ElementsAre("2"));
    EXPECT_THAT(sql("SELECT count(*) FROM kv_fields WHERE field = value"),
                ::testing::ElementsAre("1"));
    EXPECT_THAT(
        database->expired_keys(5).value(),
        ::testing::UnorderedElementsAre(std::pair(0, bytes), std::pair(0, std::string("h"))));
    write(2, {absent(0, bytes), absent(0, "")});
    EXPECT_THAT(strings(), ::testing::IsEmpty());
  });
}

// --- What has no row ---

TEST_P(SinkDatabaseContract, AKeyOfAnotherTypeIsSetAsideUntilItIsOneThatHasATable) {
  run([&] {
    write(3, {text(0, "l", "was")});
    write(4, {other(0, "l", "list"), other(1, "s", "set"), text(0, "a", "1")});
    EXPECT_THAT(strings(), ::testing::ElementsAre("0 a 1 null"));
    EXPECT_THAT(aside(),
                ::testing::ElementsAre("0 l 4 a list has no table", "1 s 4 a set has no table"));
    EXPECT_EQ(database->set_aside(), 2u);
    write(5, {other(0, "l", "list")});
    EXPECT_THAT(aside(),
                ::testing::ElementsAre("0 l 5 a list has no table", "1 s 4 a set has no table"));
    database->close();
    const auto another = under_test_->make(kTables);
    ASSERT_TRUE(another->open().ok());
    EXPECT_EQ(another->set_aside(), 2u);
    another->close();
    write(6, {text(0, "l", "1"), absent(1, "s")});
    EXPECT_THAT(aside(), ::testing::IsEmpty());
    EXPECT_EQ(database->set_aside(), 0u);
  });
}

TEST_P(SinkDatabaseContract, WhatATableRefusesIsSetAsideWhole) {
  run([&] {
    write(1, {hash(0, "h", {{"f", "old"}}), text(0, "a", "old")});
    under_test_->refuse_value("kv", "bad");
    under_test_->refuse_value("kv_fields", "bad");
    std::vector<SinkRows> keys = {text(0, "a", "bad"),
                                  hash(0, "h", {{"e", "1"}, {"f", "bad"}, {"g", "1"}}),
                                  text(0, "z", "good")};
    for (int i = 0; i < 9; ++i) keys.push_back(text(1, "k" + std::to_string(i), "good"));
    keys.push_back(text(2, "a", "bad"));
    write(2, keys);
    EXPECT_THAT(sql("SELECT count(*) FROM kv WHERE db = 1"), ::testing::ElementsAre("9"));
    EXPECT_THAT(sql("SELECT count(*) FROM kv WHERE db <> 1"), ::testing::ElementsAre("1"));
    EXPECT_THAT(fields(), ::testing::IsEmpty()) << "neither what was taken before nor what it was";
    const std::string why = database->name() + ": no bad value";
    EXPECT_THAT(aside(), ::testing::ElementsAre(::testing::StartsWith("0 a 2 " + why),
                                                ::testing::StartsWith("0 h 2 " + why),
                                                ::testing::StartsWith("2 a 2 " + why)));
    EXPECT_EQ(database->set_aside(), 3u);
    EXPECT_EQ(lsn(), "2");
    write(3, {text(0, "a", "good"), hash(0, "h", {{"f", "good"}})});
    EXPECT_EQ(database->set_aside(), 1u);
    EXPECT_THAT(fields(), ::testing::ElementsAre("0 h f good null"));
  });
}

TEST_P(SinkDatabaseContract, WhatIsRefusedWhileAllIsWrittenAnewIsSetAsideToo) {
  run([&] {
    write(1, {text(0, "a", "old")});
    under_test_->refuse_value("kv", "bad");
    write(2, {text(0, "a", "bad"), text(0, "b", "1")}, true);
    EXPECT_THAT(strings(), ::testing::ElementsAre("0 b 1 null"));
    EXPECT_EQ(database->set_aside(), 1u);
  });
}

TEST_P(SinkDatabaseContract, OneThatRefusesWhatItIsAtIsNotWritten) {
  run([&] {
    write(1, {text(0, "a", "1")});
    under_test_->refuse_update("powercut_sink");
    ASSERT_TRUE(database->is_open());
    const auto written = database->write({2, false, {text(0, "a", "2")}});
    ASSERT_FALSE(written.ok());
    EXPECT_EQ(written.error().code, Errc::kRefused);
    EXPECT_FALSE(database->is_open());
    EXPECT_THAT(strings(), ::testing::ElementsAre("0 a 1 null"));
  });
}

TEST_P(SinkDatabaseContract, OneThatDoesNotLetARowGoIsNotWritten) {
  run([&] {
    write(1, {text(0, "a", "1")});
    under_test_->refuse_delete("kv");
    const auto written = database->write({2, false, {absent(0, "a")}});
    ASSERT_FALSE(written.ok());
    EXPECT_EQ(written.error().code, Errc::kRefused);
    EXPECT_THAT(written.error().message, ::testing::HasSubstr("stays"));
    EXPECT_EQ(lsn(), "1");
  });
}

// --- What has expired ---

TEST_P(SinkDatabaseContract, SaysWhichKeysHadExpired) {
  run([&] {
    write(1, {text(0, "a", "1", 100), text(2, "b", "1", 101), text(0, "c", "1"),
              hash(1, "h", {{"f", "1"}, {"g", "1"}}, 99)});
    EXPECT_THAT(database->expired_keys(100).value(),
                ::testing::UnorderedElementsAre(std::pair(0, std::string("a")),
                                                std::pair(1, std::string("h"))));
    EXPECT_THAT(database->expired_keys(4).value(), ::testing::IsEmpty());
    sql("DROP TABLE kv_fields");
    EXPECT_FALSE(database->expired_keys(100).ok());
  });
}

// --- Opening ---

TEST_P(SinkDatabaseContract, AnotherLifeFindsWhereItWas) {
  run([&] {
    write(7, {text(0, "a", "1")});
    database->close();
    EXPECT_FALSE(database->is_open());
    const auto found = database->open();
    ASSERT_TRUE(found.ok()) << found.error().message;
    EXPECT_EQ(found->lsn, 7u);
    EXPECT_FALSE(found->fresh);
    EXPECT_EQ(found->missing, "");
    write(8, {text(0, "b", "1")});
    EXPECT_THAT(strings(), ::testing::ElementsAre("0 a 1 null", "0 b 1 null"));
  });
}

TEST_P(SinkDatabaseContract, OtherTablesAreWrittenAnewUntilABatchHasThem) {
  run([&] {
    write(7, {text(0, "a", "1")});
    database->close();
    const std::vector<SinkTable> tables = {{"user:*", "users"}, {"*", "kv"}};
    for (int life = 0; life < 2; ++life) {
      const auto again = under_test_->make(tables);
      const auto found = again->open();
      ASSERT_TRUE(found.ok()) << found.error().message;
      EXPECT_TRUE(found->fresh) << "no batch has said yet that it has them";
      EXPECT_EQ(found->missing, "") << "they were never there";
      EXPECT_EQ(found->lsn, 7u);
      again->close();
      if (life == 0) sql("DROP TABLE users");
    }
    const auto again = under_test_->make(tables);
    ASSERT_TRUE(again->open().ok());
    SinkRows user = text(0, "user:1", "u");
    SinkRows rest = text(0, "b", "r");
    rest.table = 1;
    ASSERT_TRUE(again->write({9, true, {user, rest}}).ok());
    again->close();
    EXPECT_THAT(strings("users"), ::testing::ElementsAre("0 user:1 u null"));
    EXPECT_THAT(strings(), ::testing::ElementsAre("0 b r null"));
    EXPECT_FALSE(again->open()->fresh);
    again->close();
  });
}

TEST_P(SinkDatabaseContract, ATableThatIsGoneIsNamedAndThereAgain) {
  run([&] {
    for (const char* name : {"kv", "kv_fields"}) {
      write(7, {text(0, "a", "1"), hash(0, "h", {{"f", "1"}})});
      database->close();
      sql(std::string("DROP TABLE ") + name);
      auto found = database->open();
      ASSERT_TRUE(found.ok()) << found.error().message;
      EXPECT_EQ(found->missing, name);
      EXPECT_EQ(found->lsn, 0u);
      EXPECT_FALSE(found->fresh);
      EXPECT_EQ(lsn(), "0") << "a crash before the next batch must find that it is empty";
      database->close();
      EXPECT_EQ(database->open()->missing, "");
    }
    database->close();
    sql("DROP TABLE kv");
    sql("DROP TABLE kv_fields");
    EXPECT_EQ(database->open()->missing, "kv") << "the first of them";
  });
}

TEST_P(SinkDatabaseContract, OneThatIsNotItsOwnIsLeftAlone) {
  run([&] {
    write(7, {});
    database->close();
    sql("UPDATE powercut_sink SET schema=9");
    EXPECT_EQ(refusal().code, Errc::kUnsupported);
    EXPECT_THAT(refusal().message,
                ::testing::HasSubstr("it has schema 9, and this build writes schema 1"));
    for (const char* change :
         {"UPDATE powercut_sink SET schema=1, lsn=-1", "DELETE FROM powercut_sink"}) {
      sql(change);
      EXPECT_THAT(refusal().message,
                  ::testing::HasSubstr("powercut_sink has no row that says what it is at"))
          << change;
    }
  });
}

TEST_P(SinkDatabaseContract, ATableOfThatNameThatIsAnotherIsRefused) {
  run([&] {
    write(7, {});
    database->close();
    sql("DROP TABLE kv");
    sql("CREATE TABLE kv(other integer)");
    EXPECT_EQ(refusal().code, Errc::kUnsupported);
    EXPECT_THAT(sql("SELECT count(*) FROM kv"), ::testing::ElementsAre("0"));
    sql("DROP TABLE powercut_sink");
    sql("CREATE TABLE powercut_sink(x integer)");
    EXPECT_EQ(refusal().code, Errc::kUnsupported);
  });
}

}  // namespace powercut::engine
