// The database behind the store in a real PostgreSQL: engine/postgres/with_postgres.sh starts one.
#include "engine/postgres/postgres_database.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <libpq-fe.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "engine/postgres/lookup.h"
#include "engine/sink/sink_database_contract.h"

namespace powercut::engine {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

const std::string& server() {
  static const std::string url = [] {
    const char* given = std::getenv("POWERCUT_POSTGRES");
    CHECK(given != nullptr);  // start this by engine/postgres/with_postgres.sh
    return std::string(given);
  }();
  return url;
}

// Another program's connection; it waits, and everything with it.
class Psql {
 public:
  explicit Psql(const std::string& url) : connection_(PQconnectdb(url.c_str())) {
    EXPECT_EQ(PQstatus(connection_), CONNECTION_OK) << PQerrorMessage(connection_);
    PQsetNoticeReceiver(
        connection_, [](void*, const PGresult*) {}, nullptr);
  }
  ~Psql() { PQfinish(connection_); }
  Psql(const Psql&) = delete;
  std::vector<std::string> say(const std::string& text) {
    PGresult* const result = PQexec(connection_, text.c_str());
    std::vector<std::string> rows;
    EXPECT_THAT(PQresultStatus(result), ::testing::AnyOf(PGRES_COMMAND_OK, PGRES_TUPLES_OK))
        << text << ": " << PQerrorMessage(connection_);
    for (int row = 0; row < PQntuples(result); ++row) {
      std::string line;
      for (int i = 0; i < PQnfields(result); ++i)
        line += (i == 0 ? "" : " ") +
                std::string(PQgetisnull(result, row, i) != 0 ? "null" : PQgetvalue(result, row, i));
      rows.push_back(line);
    }
    PQclear(result);
    return rows;
  }

 private:
  PGconn* const connection_;
};

class PostgresUnderTest final : public DatabaseUnderTest {
 public:
  PostgresUnderTest() : os_(std::move(PosixOs::open(".").value())) {
    psql_.say("DROP SCHEMA IF EXISTS sink CASCADE");
    psql_.say("CREATE SCHEMA sink");
    psql_.say("SET search_path = sink");
    psql_.say("SET statement_timeout = '30s'");
  }
  static std::string url() { return server() + " options='-c search_path=sink'"; }
  PosixOs& os() { return *os_; }
  std::unique_ptr<SinkDatabase> make(std::vector<SinkTable> tables) override {
    return std::make_unique<PostgresDatabase>(*os_, url(), std::move(tables));
  }
  void run(std::function<void()> body) override {
    os_->spawn("test", std::move(body));
    EXPECT_EQ(os_->run(), RunEnd::kNoTasks);
  }
  std::vector<std::string> sql(const std::string& text) override { return psql_.say(text); }
  std::string as_text(const std::string& column) override {
    return "encode(" + column + ", 'escape')";
  }
  void refuse_value(const std::string& table, const std::string& value) override {
    refuse(table, "INSERT OR UPDATE", "NEW.value = '" + value + "'", "no bad value");
  }
  void refuse_delete(const std::string& table) override {
    refuse(table, "DELETE", "true", "stays");
  }
  void refuse_update(const std::string& table) override { refuse(table, "UPDATE", "true", "no"); }

 private:
  void refuse(const std::string& table, const std::string& what, const std::string& when,
              const std::string& why) {
    const std::string name = "no" + std::to_string(++triggers_);
    sql("CREATE FUNCTION " + name + "() RETURNS trigger AS $$ BEGIN RAISE EXCEPTION '" + why +
        "'; END $$ LANGUAGE plpgsql");
    sql("CREATE TRIGGER " + name + " BEFORE " + what + " ON " + table + " FOR EACH ROW WHEN (" +
        when + ") EXECUTE FUNCTION " + name + "()");
  }
  std::unique_ptr<PosixOs> os_;
  Psql psql_{server()};
  int triggers_ = 0;
};

INSTANTIATE_TEST_SUITE_P(Postgres, SinkDatabaseContract,
                         ::testing::Values(DatabaseFactory{
                             "Postgres", [] { return std::make_unique<PostgresUnderTest>(); }}),
                         name_of_factory);

class PostgresDatabaseTest : public ::testing::Test {
 protected:
  using Kind = SinkRows::Kind;
  static SinkRows text(std::string key, std::string value) {
    return {0, std::move(key), 0, Kind::kString, std::move(value)};
  }
  static SinkRows hash(std::string key, std::vector<std::pair<std::string, std::string>> of) {
    return {0, std::move(key), 0, Kind::kHash, "", std::move(of)};
  }
  void run(std::function<void()> body) { under_test.run(std::move(body)); }
  std::vector<std::string> sql(const std::string& text) { return under_test.sql(text); }
  PostgresDatabase make(const std::string& url) {
    return PostgresDatabase(under_test.os(), url, {{"*", "kv"}});
  }
  Error refusal(const std::string& url) {
    PostgresDatabase one = make(url);
    const auto found = one.open();
    EXPECT_FALSE(found.ok());
    EXPECT_FALSE(one.is_open());
    return found.ok() ? Error{} : found.error();
  }
  void write(uint64_t lsn, std::vector<SinkRows> keys) {
    if (!database.is_open()) {
      const auto opened = database.open();
      ASSERT_TRUE(opened.ok()) << opened.error().message;
    }
    const auto written = database.write({lsn, false, std::move(keys)});
    ASSERT_TRUE(written.ok()) << written.error().message;
  }

  PostgresUnderTest under_test;
  PostgresDatabase database = make(PostgresUnderTest::url());
};

TEST_F(PostgresDatabaseTest, TwoStoresDoNotWriteOne) {
  run([&] {
    write(1, {});
    EXPECT_THAT(refusal(PostgresUnderTest::url()).message,
                HasSubstr("another store writes it (session "));
    sql("CREATE SCHEMA IF NOT EXISTS elsewhere");
    PostgresDatabase other = make(server() + " options='-c search_path=elsewhere'");
    EXPECT_TRUE(other.open().ok()) << "another schema is another one";
    database.close();
    EXPECT_TRUE(make(PostgresUnderTest::url()).open().ok());
  });
}

// Whoever the other one is, and however it got past the lock.
TEST_F(PostgresDatabaseTest, WhatSomebodyElseHasMovedIsNotWritten) {
  run([&] {
    write(5, {text("a", "1")});
    sql("UPDATE powercut_sink SET lsn = 3");
    const auto written = database.write({6, false, {text("a", "2")}});
    ASSERT_FALSE(written.ok());
    EXPECT_THAT(written.error().message, HasSubstr("it is not at operation 5 any more"));
    EXPECT_FALSE(database.is_open());
    EXPECT_THAT(sql("SELECT encode(value, 'escape') FROM kv"), ElementsAre("1"));
    EXPECT_EQ(database.open()->lsn, 3u);
  });
}

TEST_F(PostgresDatabaseTest, ASessionThatIsEndedHasWrittenNothing) {
  run([&] {
    write(1, {text("a", "1")});
    sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = "
        "'powercut'");
    const auto written = database.write({2, false, {text("a", "2")}});
    ASSERT_FALSE(written.ok());
    EXPECT_THAT(written.error().message, AllOf(StartsWith(database.name()), Not(HasSubstr("\n"))));
    EXPECT_FALSE(database.is_open());
    EXPECT_EQ(database.open()->lsn, 1u);
    write(2, {text("a", "2")});
  });
}

// --- What a table takes ---

TEST_F(PostgresDatabaseTest, ATableOfTextGetsText) {
  run([&] {
    sql("CREATE TABLE kv(db int, key text, value varchar(5), expires_ms bigint, note text DEFAULT "
        "'mine', PRIMARY KEY(db, key))");
    sql("CREATE TABLE kv_fields(db int, key text, field text, value text, expires_ms bigint, "
        "PRIMARY KEY(db, key, field))");
    write(1, {text("a", "\xc3\xa4"),
              text("b", "toolong"),
              text("c", std::string("\0", 1)),
              text("\xff", "1"),
              hash("h", {{"f", "1"}, {"g", "2"}}),
              hash("i", {{"\xff", "1"}}),
              {0, "gone\xff"}});
    EXPECT_THAT(sql("SELECT key, value, note FROM kv"), ElementsAre("a \xc3\xa4 mine"));
    EXPECT_THAT(sql("SELECT key, field, value FROM kv_fields ORDER BY field"),
                ElementsAre("h f 1", "h g 2"));
    EXPECT_THAT(
        sql("SELECT encode(key, 'escape'), reason FROM powercut_set_aside ORDER BY key"),
        ElementsAre(AllOf(StartsWith("b "), HasSubstr("too long for type character varying(5)")),
                    "c the table takes text, and its value is none",
                    "i the table takes text, and its field is none",
                    "\\377 the table takes text, and its key is none"));
    write(2, {text("b", "short"), {0, "\xff"}, hash("h", {{"g", "3"}}), text("a", "\xff")});
    EXPECT_THAT(sql("SELECT key, value FROM kv"), ElementsAre("b short"));
    EXPECT_THAT(sql("SELECT field, value FROM kv_fields"), ElementsAre("g 3"));
    EXPECT_THAT(sql("SELECT encode(key, 'escape') FROM powercut_set_aside ORDER BY key"),
                ElementsAre("a", "c", "i"));
    EXPECT_EQ(database.set_aside(), 3u);
    sql("UPDATE kv SET expires_ms = 1");
    EXPECT_THAT(database.expired_keys(1).value(), ElementsAre(std::pair(0, std::string("b"))));
  });
}

TEST_F(PostgresDatabaseTest, AColumnThatCannotHoldItIsNamed) {
  run([&] {
    sql("CREATE TABLE kv(db int, key bytea, value jsonb, expires_ms bigint, PRIMARY KEY(db, key))");
    EXPECT_THAT(refusal(PostgresUnderTest::url()).message,
                HasSubstr("table kv: its column value is jsonb, and has to be bytea or text"));
    sql("ALTER TABLE kv DROP COLUMN value");
    EXPECT_THAT(refusal(PostgresUnderTest::url()).message,
                HasSubstr("table kv has no column named value"));
    sql("ALTER TABLE kv ADD COLUMN value bytea; ALTER TABLE kv DROP CONSTRAINT kv_pkey");
    ASSERT_TRUE(database.open().ok());
    const auto written = database.write({1, false, {text("a", "1")}});
    ASSERT_FALSE(written.ok());
    EXPECT_EQ(written.error().code, Errc::kUnsupported);
    EXPECT_THAT(written.error().message, HasSubstr("its PRIMARY KEY"));
  });
}

TEST_F(PostgresDatabaseTest, AKeyThatIsTooLongForAnIndexIsSetAside) {
  run([&] {
    std::string key;
    for (int i = 0; i < 2000; ++i) key += std::to_string(i * 7919 % 9973);  // nothing to compress
    write(1, {text(key, "1"), text("a", "1"), hash(key + "h", {{"f", "1"}})});
    EXPECT_THAT(sql("SELECT encode(key, 'escape') FROM kv"), ElementsAre("a"));
    EXPECT_EQ(database.set_aside(), 2u);
    write(2, {{0, key}, text("b", "1")});
    EXPECT_EQ(database.set_aside(), 1u);
  });
}

TEST_F(PostgresDatabaseTest, AConstraintThatWaitsForTheCommitIsAskedBefore) {
  run([&] {
    write(1, {});
    sql("CREATE TABLE values_there_are(value bytea PRIMARY KEY); INSERT INTO values_there_are "
        "VALUES('good')");
    sql("ALTER TABLE kv ADD FOREIGN KEY (value) REFERENCES values_there_are DEFERRABLE INITIALLY "
        "DEFERRED");
    write(2, {text("a", "good"), text("b", "bad")});
    EXPECT_THAT(sql("SELECT encode(key, 'escape') FROM kv"), ElementsAre("a"));
    EXPECT_EQ(database.set_aside(), 1u);
  });
}

TEST_F(PostgresDatabaseTest, LargeOnesGoInPieces) {
  run([&] {
    std::vector<std::pair<std::string, std::string>> fields;
    for (int i = 0; i < 300; ++i)
      fields.emplace_back("f" + std::to_string(i), std::string(100'000, 'x'));
    write(1, {hash("h", fields), text("a", std::string(20 << 20, 'y'))});
    EXPECT_THAT(sql("SELECT count(*), sum(length(value)) FROM kv_fields"),
                ElementsAre("300 30000000"));
    EXPECT_THAT(sql("SELECT length(value) FROM kv"), ElementsAre("20971520"));
    fields.resize(1);
    write(2, {hash("h", fields)});
    EXPECT_THAT(sql("SELECT count(*) FROM kv_fields"), ElementsAre("1"));
  });
}

TEST_F(PostgresDatabaseTest, FieldsThatDoNotChangeAreNotWritten) {
  run([&] {
    write(1, {hash("h", {{"f", "1"}, {"g", "1"}})});
    const auto before = sql("SELECT ctid FROM kv_fields WHERE field = 'f'");
    write(2, {hash("h", {{"f", "1"}, {"g", "2"}})});
    EXPECT_EQ(sql("SELECT ctid FROM kv_fields WHERE field = 'f'"), before);
  });
}

TEST_F(PostgresDatabaseTest, ItsCommitIsSyncedWhateverTheDefault) {
  run([&] {
    sql("CREATE TABLE seen(setting text)");
    write(1, {});
    sql("CREATE FUNCTION note() RETURNS trigger AS $$ BEGIN INSERT INTO sink.seen VALUES("
        "current_setting('synchronous_commit')); RETURN NEW; END $$ LANGUAGE plpgsql");
    sql("CREATE TRIGGER note BEFORE UPDATE ON powercut_sink FOR EACH ROW EXECUTE FUNCTION note()");
    PostgresDatabase lax =
        make(server() + " options='-c search_path=sink -c synchronous_commit=off'");
    database.close();
    ASSERT_TRUE(lax.open().ok());
    ASSERT_TRUE(lax.write({2, false, {}}).ok());
    EXPECT_THAT(sql("SELECT DISTINCT setting FROM seen"), ElementsAre("on"));
  });
}

// --- Nobody there, or nobody let in ---

// Listens, and never says a word: libpq by itself would wait for it for ever.
TEST_F(PostgresDatabaseTest, OneThatIsSilentIsLeftForTheNext) {
  const Descriptor silent(socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  ASSERT_EQ(bind(silent.get(), reinterpret_cast<sockaddr*>(&at), size), 0);
  ASSERT_EQ(listen(silent.get(), 1), 0);
  ASSERT_EQ(getsockname(silent.get(), reinterpret_cast<sockaddr*>(&at), &size), 0);
  const std::string host = server().substr(5, server().find(' ') - 5);
  const auto url = [&](const std::string& hosts, const std::string& ports) {
    return server() + " options='-c search_path=sink' connect_timeout=2 host=" + hosts +
           " port=" + ports;
  };
  run([&] {
    const std::string port = std::to_string(ntohs(at.sin_port));
    PostgresDatabase next = make(url("localhost,127.0.0.1,," + host, "1," + port + ",5432,5432"));
    const auto found = next.open();
    ASSERT_TRUE(found.ok()) << found.error().message;
    EXPECT_THAT(refusal(url("127.0.0.1", port)).message, HasSubstr("it does not answer"));
    EXPECT_THAT(refusal(url("a,b", "1,2,3")).message, HasSubstr("3 ports for 2 hosts"));
  });
}

TEST_F(PostgresDatabaseTest, WhyItCannotBeHadIsOneLine) {
  run([&] {
    EXPECT_THAT(refusal("host=/nowhere dbname=x").message,
                AllOf(StartsWith("host=/nowhere dbname=x: connection to server on socket"),
                      HasSubstr("No such file"), Not(HasSubstr("\n"))));
    EXPECT_EQ(refusal("postgresql://no.such.host.invalid/x").code, Errc::kNotFound);
    EXPECT_THAT(refusal("postgresql://localhost:1/x").message, HasSubstr("Connection refused"));
    EXPECT_EQ(refusal(server() + " dbname=nothing").code, Errc::kRefused);
    EXPECT_THAT(refusal(server() + " dbname=nothing").message,
                HasSubstr("database \"nothing\" does not exist"));
    sql("CREATE ROLE stranger LOGIN");
    const std::string url = PostgresUnderTest::url() + " user=stranger";
    EXPECT_THAT(refusal(url).message, HasSubstr("search_path names none that this user may use"));
    sql("GRANT USAGE ON SCHEMA sink TO stranger");
    EXPECT_THAT(refusal(url).message,
                HasSubstr("permission denied for schema sink: its owner can GRANT it"));
    write(1, {});
    database.close();
    EXPECT_THAT(refusal(url).message,
                HasSubstr("permission denied for table powercut_sink: its owner can GRANT it"));
  });
}

TEST_F(PostgresDatabaseTest, APasswordIsNotShown) {
  run([&] {
    const std::string url = "postgresql://ann:se%63ret@localhost:1/x?sslpassword=hidden";
    const Error error = refusal(url);
    EXPECT_THAT(error.message, AllOf(HasSubstr("ann:***@localhost"), Not(HasSubstr("cret")),
                                     Not(HasSubstr("hidden"))));
    for (const char* wrong : {"password=my secret", "postgresql://a:secret%zz@b/c", "nonsense"}) {
      const auto checked = postgres::check_url(wrong);
      ASSERT_FALSE(checked.ok()) << wrong;
      EXPECT_THAT(checked.error().message, Not(HasSubstr("secret"))) << wrong;
    }
    EXPECT_THAT(postgres::check_url("service=shop").error().message, HasSubstr("service files"));
    EXPECT_TRUE(postgres::check_url("host=a,b port=1,2 dbname=shop").ok());
  });
}

// Whose lock is held until it has said so.
TEST_F(PostgresDatabaseTest, OneThatIsSlowIsWaitedForAndSaidToBeWhileOthersRun) {
  PostgresDatabase slow(under_test.os(), PostgresUnderTest::url(), {{"*", "kv"}}, milliseconds(50));
  std::vector<std::string> said;
  bool locked = false;
  slow.set_on_slow([&](const std::string& line) {
    if (!locked) return;  // the disk is slow
    said.push_back(line);
    if (std::exchange(locked, false)) sql("COMMIT");
  });
  run([&] {
    ASSERT_TRUE(slow.open().ok());
    sql("BEGIN");
    sql("LOCK TABLE kv");
    locked = true;
    bool others = false;
    under_test.os().spawn("other", [&] { others = said.empty(); });
    EXPECT_TRUE(slow.write({2, false, {text("a", "2")}}).ok());
    EXPECT_TRUE(others);
    EXPECT_THAT(sql("SELECT encode(value, 'escape') FROM kv"), ElementsAre("2"));
    EXPECT_EQ(said.at(0), slow.name() + ": no answer for 50 ms: it is slow, or a lock is held");
  });
}

// What says nothing of a row is no reason to set it aside.
TEST_F(PostgresDatabaseTest, OneThatIsFullRefusesNoRow) {
  run([&] {
    write(1, {text("a", "1")});
    for (const auto& [state, code] :
         {std::pair("53100", Errc::kNoSpace), std::pair("40001", Errc::kIo),
          std::pair("57014", Errc::kIo)}) {
      sql(std::string("CREATE OR REPLACE FUNCTION full_disk() RETURNS trigger AS $$ BEGIN RAISE "
                      "EXCEPTION 'no space' USING ERRCODE = '") +
          state + "'; END $$ LANGUAGE plpgsql");
      sql("CREATE OR REPLACE TRIGGER full_disk BEFORE INSERT ON kv FOR EACH ROW EXECUTE FUNCTION "
          "full_disk()");
      ASSERT_TRUE(database.is_open() || database.open().ok());
      const auto written = database.write({2, false, {text("a", "2"), text("b", "2")}});
      ASSERT_FALSE(written.ok()) << state;
      EXPECT_EQ(written.error().code, code) << state;
    }
    EXPECT_EQ(database.open()->lsn, 1u);
    EXPECT_EQ(database.set_aside(), 0u);
    EXPECT_THAT(sql("SELECT encode(value, 'escape') FROM kv"), ElementsAre("1"));
  });
}

TEST_F(PostgresDatabaseTest, AStoreThatGivesUpLeavesTheLockToTheNext) {
  run([&] {
    write(1, {text("a", "1")});
    sql("BEGIN");
    sql("LOCK TABLE kv");
  });
  under_test.os().spawn("writer", [&] { (void)database.write({2, false, {text("a", "2")}}); });
  under_test.os().spawn("end", [&] {
    under_test.os().park(under_test.os().now() + milliseconds(100));
    under_test.os().stop();
  });
  EXPECT_EQ(under_test.os().run(), RunEnd::kStopped);
  under_test.os().destroy_tasks();  // as the end of the process
  database.close();
  sql("COMMIT");
  run([&] {
    PostgresDatabase next = make(PostgresUnderTest::url());
    const Instant last = under_test.os().now() + seconds(30);
    auto found = next.open();
    while (!found.ok() && under_test.os().now() < last) found = next.open();
    ASSERT_TRUE(found.ok()) << found.error().message;
    EXPECT_EQ(found->lsn, 1u);
  });
}

TEST_F(PostgresDatabaseTest, NamesOfTablesThatWouldBeCutAreRefused) {
  run([&] {
    PostgresDatabase one(under_test.os(), PostgresUnderTest::url(), {{"*", std::string(49, 'a')}});
    EXPECT_THAT(one.open().error().message, HasSubstr("48 letters"));
    PostgresDatabase other(under_test.os(), PostgresUnderTest::url(),
                           {{"*", std::string(48, 'a')}});
    EXPECT_TRUE(other.open().ok());
  });
}

TEST(PostgresLookup, FindsAddressesWhileOthersRun) {
  auto os = std::move(PosixOs::open(".").value());
  os->spawn("test", [&] {
    const auto found = postgres::addresses_of(*os, "localhost", os->now() + seconds(30));
    ASSERT_TRUE(found.ok()) << found.error().message;
    EXPECT_THAT(*found, ::testing::Contains(::testing::AnyOf("127.0.0.1", "::1")));
  });
  os->run();
}

}  // namespace
}  // namespace powercut::engine
