#include <gtest/gtest.h>

#include "engine/checkpoint/rdb_dump.h"
#include "engine/command/command_harness.h"

namespace powercut::engine {
namespace {

class DumpTest : public ::testing::Test {
 protected:
  std::string payload_of(std::string_view key) {
    const std::string reply = client.run({"DUMP", key});
    const size_t begin = reply.find("\r\n") + 2;
    return reply.substr(begin, reply.size() - begin - 2);
  }

  CommandHarness client;
};

TEST_F(DumpTest, DumpsAndRestores) {
  client("SET s hello");
  client("RPUSH l a b 3");
  EXPECT_EQ(client("DUMP nothing"), "$-1\r\n");
  const std::string string = payload_of("s");
  const std::string list = payload_of("l");
  EXPECT_EQ(client.run({"RESTORE", "s2", "0", string}), "+OK\r\n");
  EXPECT_EQ(client.log, std::vector<std::string>{"0: RESTORE s2 0 " + string + " REPLACE ABSTTL"});
  EXPECT_EQ(client("GET s2"), "$5\r\nhello\r\n");
  EXPECT_EQ(client("PTTL s2"), ":-1\r\n");
  EXPECT_EQ(client.run({"RESTORE", "l2", "0", list, "IDLETIME", "7"}), "+OK\r\n");
  EXPECT_EQ(client("LRANGE l2 0 -1"), "*3\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\n3\r\n");
}

TEST_F(DumpTest, TimesAreLoggedAsInstants) {
  const std::string payload = dump_payload(Value(String("v")));
  EXPECT_EQ(client.run({"RESTORE", "k", "1500", payload}), "+OK\r\n");
  EXPECT_EQ(client.log,
            std::vector<std::string>{"0: RESTORE k 1700000001500 " + payload + " REPLACE ABSTTL"});
  EXPECT_EQ(client("PTTL k"), ":1500\r\n");
  EXPECT_EQ(client.run({"RESTORE", "k", "1700000000100", payload, "absttl", "replace"}), "+OK\r\n");
  EXPECT_EQ(client("PTTL k"), ":100\r\n");
  EXPECT_EQ(client.run({"RESTORE", "k", "0", payload, "REPLACE", "FREQ", "255"}), "+OK\r\n");
  EXPECT_EQ(client("PTTL k"), ":-1\r\n");
}

TEST_F(DumpTest, WhatHasExpiredIsNotRestoredExceptFromTheLog) {
  const std::string payload = dump_payload(Value(String("v")));
  EXPECT_EQ(client.run({"RESTORE", "k", "1", payload, "ABSTTL"}), "+OK\r\n");
  EXPECT_TRUE(client.log.empty());
  client("SET k old");
  EXPECT_EQ(client.run({"RESTORE", "k", "1", payload, "ABSTTL", "REPLACE"}), "+OK\r\n");
  EXPECT_EQ(client.log, std::vector<std::string>{"0: DEL k"});
  EXPECT_EQ(client("EXISTS k"), ":0\r\n");
  client.keyspace.set_loading(true);
  client.run({"RESTORE", "k", "1", payload, "REPLACE", "ABSTTL"});
  ASSERT_NE(client.keyspace.find(0, "k"), nullptr);
  EXPECT_EQ(client.keyspace.find(0, "k")->expire_at_ms, 1);
}

TEST_F(DumpTest, Errors) {
  const std::string payload = dump_payload(Value(String("v")));
  client("SET k old");
  EXPECT_EQ(client.run({"RESTORE", "k", "-1", "bad"}),
            "-BUSYKEY Target key name already exists.\r\n");
  EXPECT_EQ(client.run({"RESTORE", "n", "x", "bad"}),
            "-ERR value is not an integer or out of range\r\n");
  EXPECT_EQ(client.run({"RESTORE", "n", "-1", "bad"}), "-ERR Invalid TTL value, must be >= 0\r\n");
  EXPECT_EQ(client.run({"RESTORE", "n", "9223372036854775807", payload}),
            "-ERR Invalid TTL value, must be >= 0\r\n");
  EXPECT_EQ(client.run({"RESTORE", "n", "0", "bad"}),
            "-ERR DUMP payload version or checksum are wrong\r\n");
  EXPECT_EQ(client.run({"RESTORE", "n", "0", payload + "x"}),
            "-ERR DUMP payload version or checksum are wrong\r\n");
  // A list of no items: the footer is right, the value is not.
  auto empty = dump_payload(Value(List()));
  EXPECT_EQ(client.run({"RESTORE", "n", "0", empty}), "-ERR Bad data format\r\n");
  EXPECT_EQ(client.run({"RESTORE", "n", "0", payload, "SOON"}), "-ERR syntax error\r\n");
  EXPECT_EQ(client.run({"RESTORE", "n", "0", payload, "IDLETIME"}), "-ERR syntax error\r\n");
  EXPECT_EQ(client.run({"RESTORE", "n", "0", payload, "FREQ", "1", "IDLETIME", "1"}),
            "-ERR syntax error\r\n");
  EXPECT_EQ(client.run({"RESTORE", "n", "0", payload, "IDLETIME", "-1"}),
            "-ERR Invalid IDLETIME value, must be >= 0\r\n");
  EXPECT_EQ(client.run({"RESTORE", "n", "0", payload, "FREQ", "256"}),
            "-ERR Invalid FREQ value, must be >= 0 and <= 255\r\n");
  EXPECT_EQ(client("EXISTS n"), ":0\r\n");
  EXPECT_EQ(client("GET k"), "$3\r\nold\r\n");
}

}  // namespace
}  // namespace powercut::engine
