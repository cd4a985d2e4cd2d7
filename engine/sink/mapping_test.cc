#include "engine/sink/mapping.h"

#include <gtest/gtest.h>

namespace powercut::engine {
namespace {

TEST(SinkMapping, TheFirstPatternThatMatchesCounts) {
  const auto tables = parse_sink_tables("user:* users  u* others").value();
  EXPECT_EQ(tables, (std::vector<SinkTable>{{"user:*", "users"}, {"u*", "others"}}));
  EXPECT_EQ(sink_table_of(tables, "user:1"), 0u);
  EXPECT_EQ(sink_table_of(tables, "u1"), 1u);
  EXPECT_EQ(sink_table_of(tables, "v"), std::nullopt);
  EXPECT_EQ(format_sink_tables(tables), "user:* users u* others");
}

TEST(SinkMapping, WhatIsNoMappingIsRefusedByItsWord) {
  for (const char* text : {"", "user:*", "* kv x"})
    EXPECT_FALSE(parse_sink_tables(text).ok()) << text;
  for (const char* name : {"1st", "a-b", "a\"b", "Powercut_sink", "sqlite_x"}) {
    const auto tables = parse_sink_tables(std::string("* ") + name);
    ASSERT_FALSE(tables.ok()) << name;
    EXPECT_NE(tables.error().message.find(name), std::string::npos);
  }
}

TEST(SinkMapping, ATableHasAPlainNameOfItsOwn) {
  for (const std::string& name :
       {std::string("a"), std::string("z"), std::string("A"), std::string("Z"), std::string("_"),
        std::string("a0"), std::string("a9_azAZ"), std::string(64, 'x'), std::string("powercut"),
        std::string("not_sqlite_x"), std::string("sqlite")})
    EXPECT_TRUE(parse_sink_tables("* " + name).ok()) << name;
  for (const std::string& name :
       {std::string("`"), std::string("{"), std::string("@"), std::string("["), std::string("a/"),
        std::string("a:"), std::string("0a"), std::string(65, 'x'), std::string("powercut_"),
        std::string("SQLITE_"), std::string("Sqlite_schema")})
    EXPECT_FALSE(parse_sink_tables("* " + name).ok()) << name;
}

TEST(SinkMapping, AllIsWhatAPatternOfOneStarTakes) {
  const auto tables = parse_sink_tables("* kv").value();
  EXPECT_EQ(sink_table_of(tables, ""), 0u);
  EXPECT_EQ(sink_table_of(tables, "any"), 0u);
}

}  // namespace
}  // namespace powercut::engine
