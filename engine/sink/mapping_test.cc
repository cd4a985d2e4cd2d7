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

}  // namespace
}  // namespace powercut::engine
