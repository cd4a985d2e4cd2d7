// COMMAND, and what containers make of their subcommands.
#include <gtest/gtest.h>

#include <string>

#include "engine/command/command_harness.h"
#include "engine/command/facts.h"

namespace powercut::engine {
namespace {

class CommandTest : public ::testing::Test {
 protected:
  std::string run(std::string_view line) { return harness(line); }
  CommandHarness harness;
};

bool has_word(std::string_view words, std::string_view word) {
  return (" " + std::string(words) + " ").find(" " + std::string(word) + " ") != std::string::npos;
}

// What is told of a command is what the table does with it.
TEST_F(CommandTest, FactsAgreeWithTheTable) {
  size_t told = 0;
  for (const CommandSpec* spec : all_commands_and_subcommands()) {
    const CommandFacts* facts = find_facts(spec->name);
    if (facts == nullptr) continue;
    ++told;
    EXPECT_EQ(facts->name, spec->name);
    if (spec->subcommand_count == 0) {  // one of XGROUP's may write, so that a log may have XGROUP
      EXPECT_EQ(has_word(facts->flags, "write"), (spec->flags & kWrite) != 0) << spec->name;
    }
    if (has_word(facts->flags, "denyoom")) {
      EXPECT_TRUE(spec->flags & kDenyOom) << spec->name;
    }
    if (spec->subcommand_count == 0) {
      EXPECT_EQ(facts->keys.empty(), spec->first_key == 0 && spec->keys_of == nullptr)
          << spec->name;
    }
  }
  EXPECT_GT(told, 200u);
}

TEST_F(CommandTest, KeysAndWhatBecomesOfThem) {
  EXPECT_EQ(run("COMMAND GETKEYS MEMORY USAGE k"), array({"k"}));
  EXPECT_EQ(run("COMMAND GETKEYS GET"),
            "-ERR wrong number of arguments for 'command|getkeys' command\r\n");
  EXPECT_EQ(run("COMMAND GETKEYS GET a b"),
            "-ERR Invalid number of arguments specified for command\r\n");
  EXPECT_EQ(run("COMMAND GETKEYS PING x"), "-ERR The command has no key arguments\r\n");
  const auto key = [](std::string_view name, std::initializer_list<std::string_view> flags) {
    std::string out = "*2\r\n" + bulk(name) + "*" + std::to_string(flags.size()) + "\r\n";
    for (const std::string_view flag : flags) out += "+" + std::string(flag) + "\r\n";
    return out;
  };
  EXPECT_EQ(run("COMMAND GETKEYSANDFLAGS SET k v"), "*1\r\n" + key("k", {"OW", "update"}));
  EXPECT_EQ(run("COMMAND GETKEYSANDFLAGS SET k v GET"),
            "*1\r\n" + key("k", {"RW", "access", "update"}));
  EXPECT_EQ(run("COMMAND GETKEYSANDFLAGS BITFIELD k GET u4 0"),
            "*1\r\n" + key("k", {"RO", "access"}));
  EXPECT_EQ(run("COMMAND GETKEYSANDFLAGS BITFIELD k SET u4 0 1"),
            "*1\r\n" + key("k", {"RW", "access", "update"}));
  EXPECT_EQ(run("COMMAND GETKEYSANDFLAGS LMOVE a b LEFT LEFT"),
            "*2\r\n" + key("a", {"RW", "access", "delete"}) + key("b", {"RW", "insert"}));
  EXPECT_EQ(run("COMMAND GETKEYSANDFLAGS MSET a 1 b 2"),
            "*2\r\n" + key("a", {"OW", "update"}) + key("b", {"OW", "update"}));
  EXPECT_EQ(run("COMMAND GETKEYSANDFLAGS SORT a STORE b"),
            "*2\r\n" + key("a", {"RO", "access"}) + key("b", {"OW", "update"}));
  EXPECT_EQ(run("COMMAND GETKEYSANDFLAGS ZUNIONSTORE d 2 a b"),
            "*3\r\n" + key("d", {"OW", "update"}) + key("a", {"RO", "access"}) +
                key("b", {"RO", "access"}));
}

TEST_F(CommandTest, ListsByPatternAndCategory) {
  EXPECT_EQ(run("COMMAND LIST FILTERBY PATTERN config|re*"),
            array({"config|resetstat", "config|rewrite"}));
  EXPECT_EQ(run("COMMAND LIST FILTERBY ACLCAT transaction"),
            array({"discard", "exec", "multi", "unwatch", "watch"}));
  EXPECT_EQ(run("COMMAND LIST FILTERBY ACLCAT nosuch"), "*0\r\n");
  EXPECT_EQ(run("COMMAND LIST FILTERBY MODULE x"), "*0\r\n");
  EXPECT_EQ(run("COMMAND LIST FILTERBY x"), kSyntaxReply);
}

TEST_F(CommandTest, TellsOfSubcommandsByBothNames) {
  EXPECT_EQ(run("COMMAND INFO config|get").substr(0, 28), "*1\r\n*10\r\n$10\r\nconfig|get\r\n:-");
  EXPECT_EQ(run("COMMAND INFO get|key"), "*1\r\n*-1\r\n");
  EXPECT_EQ(run("COMMAND INFO config|get|key"), "*1\r\n*-1\r\n");
  EXPECT_EQ(run("COMMAND NOSUCH"), "-ERR unknown subcommand 'NOSUCH'. Try COMMAND HELP.\r\n");
  EXPECT_EQ(run("COMMAND COUNT x"),
            "-ERR wrong number of arguments for 'command|count' command\r\n");
}

TEST_F(CommandTest, TheNameOfASubcommandIsNoRequest) {
  const std::string_view args[] = {"client|list"};
  EXPECT_EQ(resolve(args), nullptr);
  const std::string_view nul[] = {"client", std::string_view("list\0", 5)};
  EXPECT_EQ(resolve(nul)->name, "client");
  const std::string_view any_case[] = {"CLIENT", "lIST"};
  EXPECT_EQ(resolve(any_case)->name, "client|list");
}

}  // namespace
}  // namespace powercut::engine
