// Users, their rules, and what is denied to them.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "engine/command/executor_harness.h"
#include "engine/command/permission.h"
#include "engine/command/user/rules.h"

namespace powercut::engine {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr std::string_view kDone = "+OK\r\n";

class AclTest : public ExecutorTest {
 protected:
  void set_user(const std::string& rules) {
    EXPECT_EQ(ask("ACL SETUSER " + rules), kDone) << rules;
  }
  // What is wrong with rules of a user, who is as before.
  std::string wrong(const std::string& rules) {
    const std::string before = ask("ACL LIST");
    const std::string reply = ask("ACL SETUSER " + rules);
    EXPECT_EQ(ask("ACL LIST"), before);
    EXPECT_THAT(reply, StartsWith("-ERR "));
    return reply;
  }
  // What ACL LIST shows behind the name.
  std::string shown(const std::string& name) {
    const User* user = executor.clients().users.find(name);
    return user == nullptr ? "none" : describe(*user).substr(6 + name.size());
  }
  std::string dry(const std::string& request) { return ask("ACL DRYRUN " + request); }
  void log_in(Session& as, const std::string& name) {
    EXPECT_EQ(ask(as, "AUTH " + name + " any"), kDone);
  }
};

// --- Rules ---

TEST_F(AclTest, ConnectionsBeginAsDefaultWhoMayDoEverything) {
  EXPECT_EQ(ask("ACL WHOAMI"), bulk("default"));
  EXPECT_EQ(ask("ACL USERS"), array({"default"}));
  EXPECT_EQ(ask("ACL LIST"), array({"user default on nopass ~* &* +@all"}));
  EXPECT_TRUE(executor.clients().users.default_user().unrestricted);
}

TEST_F(AclTest, RulesAreShownAsTheyWereGiven) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"a", "off resetchannels -@all"},
      {"b on nopass ~* &* +@all", "on nopass ~* &* +@all"},
      {"c %R~r %W~w %RW~rw ~x", "off %R~r %W~w ~rw ~x resetchannels -@all"},
      {"d %R~x %W~x", "off ~x resetchannels -@all"},
      {"e allkeys allchannels allcommands", "off ~* &* +@all"},
      {"f ALLKEYS resetkeys +@all nocommands", "off resetchannels -@all"},
      {"g &one &two &one", "off resetchannels &one &two -@all"},
      {"h reset", "off sanitize-payload resetchannels -@all"},
      {"i skip-sanitize-payload", "off skip-sanitize-payload resetchannels -@all"},
      {"j +get (~a +set) (&c)",
       "off resetchannels -@all +get (~a resetchannels -@all +set) (resetchannels &c -@all)"},
      {"k (~a) clearselectors", "off resetchannels -@all"},
      {"l +SELECT|0 +select|1", "off resetchannels -@all +select|0 +select|1"},
  };
  for (const auto& [rules, expected] : cases) {
    set_user(rules);
    EXPECT_EQ(shown(rules.substr(0, 1)), expected) << rules;
  }
}

TEST_F(AclTest, CommandsAreShownByCategoriesAndWhatTheyLeave) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"+@all -@string", "+@all -@string"},
      {"+@string", "-@all +@string"},
      {"+@all -client +client|id", "+@all -client +client|id"},
      {"+@all -client|kill", "+@all -client|kill"},
      {"+config -config|set", "-@all +config -config|set"},
      {"+memory|doctor", "-@all +memory|doctor"},
      {"+memory|doctor +memory", "-@all +memory"},
      {"+memory +@all +client|id", "+@all"},
      {"-debug +debug|digest", "-@all +debug|digest"},
      {"+debug|a -debug", "-@all"},
      {"+debug|a +@admin", "-@all +@admin"},
      {"+@all -get +get", "+@all"},
  };
  for (const auto& [rules, expected] : cases) {
    set_user("u reset " + rules);
    EXPECT_EQ(describe_commands(executor.clients().users.find("u")->selectors[0]), expected);
  }
  for (const CommandCategory& category : command_categories()) {
    for (const std::string begin : {"+@all -@", "-@all +@"}) {
      const std::string rules = begin + std::string(category.name);
      set_user("u reset " + rules);
      EXPECT_EQ(describe_commands(executor.clients().users.find("u")->selectors[0]), rules);
    }
  }
}

// Whatever rules were given, what is shown makes the same again.
TEST_F(AclTest, WhatIsShownMakesTheSame) {
  uint64_t state = 1;
  const auto draw = [&](size_t n) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return static_cast<size_t>(state >> 33) % n;
  };
  for (int round = 0; round < 200; ++round) {
    Selector selector;
    for (size_t i = draw(12); i > 0; --i) {
      std::string rule = draw(2) == 0 ? "+" : "-";
      rule += draw(3) == 0
                  ? "@" + std::string(command_categories()[draw(command_categories().size())].name)
                  : std::string(command_names()[draw(command_names().size())].name);
      ASSERT_EQ(apply_selector_rule(selector, draw(9) == 0 ? rule.substr(0, 1) + "@all" : rule),
                "");
    }
    const std::string text = describe_commands(selector);
    Selector again;
    for (size_t begin = 0; begin < text.size();) {
      const size_t end = std::min(text.find(' ', begin), text.size());
      ASSERT_EQ(apply_selector_rule(again, text.substr(begin, end - begin)), "") << text;
      begin = end + 1;
    }
    for (size_t i = 0; i < command_names().size(); ++i)
      ASSERT_EQ(again.commands.test(i), selector.commands.test(i)) << text;
    ASSERT_EQ(again.unnamed_commands, selector.unnamed_commands);
  }
}

TEST_F(AclTest, AWrongRuleChangesNothing) {
  set_user("known on >one +get ~a");
  const std::string modifier = "-ERR Error in ACL SETUSER modifier ";
  EXPECT_EQ(wrong("known off nosuch"), modifier + "'nosuch': Syntax error\r\n");
  EXPECT_EQ(wrong("new +nosuch"),
            modifier + "'+nosuch': Unknown command or category name in ACL\r\n");
  for (const std::string rule : {"+@nosuch", "-nosuch", "+config|asdf", "-config|asdf",
                                 "+get|key1|key2", "-get|key1", "+", "-@"})
    EXPECT_THAT(wrong("known " + rule), EndsWith("Unknown command or category name in ACL\r\n"));
  EXPECT_THAT(wrong("known +config|get|x"),
              EndsWith("Allowing first-arg of a subcommand is not supported\r\n"));
  for (const std::string rule :
       {"+debug|", "%~a", "%RR~a", "%R", "%RX~a", "\"~a b\"", "\"&a b\"", ")", "\" () \"", "nopas"})
    EXPECT_THAT(wrong("known " + rule), EndsWith("Syntax error\r\n"));
  EXPECT_THAT(wrong("known ~* ~b"), HasSubstr("Try 'resetkeys' to start with an empty list"));
  EXPECT_THAT(wrong("known &* &b"), HasSubstr("Try 'resetchannels' to start with an empty list"));
  EXPECT_THAT(wrong("known <two"), HasSubstr("you are trying to remove from the user does not"));
  EXPECT_THAT(wrong("known #abc"), HasSubstr("must be exactly 64 characters"));
  EXPECT_THAT(wrong("known (+get"), HasSubstr("Unmatched parenthesis in acl selector starting at"));
  EXPECT_EQ(wrong("known (&* &fail)"),
            modifier +
                "'(&* &fail)': Adding a pattern after the * pattern (or the 'allchannels' "
                "flag) is not valid and does not have any effect. Try 'resetchannels' to "
                "start with an empty list of channels\r\n");
  EXPECT_EQ(wrong("\"a b\" on"), "-ERR Usernames can't contain spaces or null characters\r\n");
  EXPECT_EQ(ask("ACL GETUSER new"), "$-1\r\n");
}

TEST_F(AclTest, ASelectorMayStandInSeveralWords) {
  set_user("u \"(~key1 +get )\" \"( ~key2 +get )\" ( ~key3 +get ) (~key4 +get)");
  const User& user = *executor.clients().users.find("u");
  ASSERT_EQ(user.selectors.size(), 5u);
  EXPECT_EQ(describe_keys(user.selectors[1]), "~key1");
  EXPECT_EQ(describe_keys(user.selectors[4]), "~key4");
  EXPECT_EQ(bulks(ask("ACL GETUSER u")).back(), "");
}

TEST_F(AclTest, GetuserShowsAll) {
  set_user("u on >one +get ~a &c (+set %W~b)");
  const std::string digest = executor.clients().users.find("u")->passwords[0];
  EXPECT_EQ(digest.size(), 64u);
  EXPECT_THAT(bulks(ask("ACL GETUSER u")),
              ElementsAre("flags", "on", "passwords", digest, "commands", "-@all +get", "keys",
                          "~a", "channels", "&c", "selectors", "commands", "-@all +set", "keys",
                          "%W~b", "channels", ""));
  EXPECT_THAT(ask("ACL GETUSER u"), StartsWith("*12\r\n"));
  ask("HELLO 3");
  EXPECT_THAT(ask("ACL GETUSER u"), StartsWith("%6\r\n"));
  EXPECT_THAT(ask("ACL GETUSER nobody"), StartsWith("_"));
}

TEST_F(AclTest, NewUsersHearAllIfTheStoreSaysSo) {
  executor.clients().users.set_all_channels(true);
  set_user("u");
  EXPECT_EQ(shown("u"), "off &* -@all");
  EXPECT_THAT(wrong("v &one"), HasSubstr("start with an empty list of channels"));
  set_user("v resetchannels &one (+get)");
  EXPECT_EQ(shown("v"), "off resetchannels &one -@all (&* -@all +get)");
  executor.clients().users.set_all_channels(false);
  EXPECT_EQ(shown("u"), "off &* -@all");
}

// --- Logging in ---

TEST_F(AclTest, OnlyWithOneOfThePasswordsAndOn) {
  const std::string refused = "-WRONGPASS invalid username-password pair or user is disabled.\r\n";
  set_user("u >one >two +acl");
  EXPECT_EQ(ask("AUTH u one"), refused);
  set_user("u on");
  EXPECT_EQ(ask("AUTH u one"), kDone);
  EXPECT_EQ(ask("AUTH u two"), kDone);
  EXPECT_EQ(ask("AUTH u three"), refused);
  EXPECT_EQ(ask("ACL WHOAMI"), bulk("u"));
  set_user("u <one");
  EXPECT_EQ(ask("AUTH u one"), refused);
  set_user("u !" + executor.clients().users.find("u")->passwords[0]);
  EXPECT_EQ(ask("AUTH u two"), refused);
  set_user("u nopass");
  EXPECT_EQ(ask("AUTH u whatever"), kDone);
  set_user("u resetpass");
  EXPECT_EQ(ask("AUTH u whatever"), refused);
  EXPECT_EQ(ask("AUTH nobody x"), refused);
  EXPECT_EQ(ask("RESET"), "+RESET\r\n");
  EXPECT_EQ(ask("ACL WHOAMI"), bulk("default"));
}

TEST_F(AclTest, WhoIsToSayWhoItIsIsAskedOnce) {
  set_user("default off");
  Session late{executor};
  EXPECT_EQ(ask(late, "PING"), "-NOAUTH Authentication required.\r\n");
  EXPECT_EQ(ask("PING"), "+PONG\r\n");  // it came before
  EXPECT_THAT(ask(late, "HELLO 3"), StartsWith("-NOAUTH"));
  set_user("default on >secret");
  EXPECT_THAT(ask(late, "HELLO 3 AUTH default secret"), StartsWith("%7"));
  EXPECT_EQ(ask(late, "PING"), "+PONG\r\n");
  Session third{executor};
  EXPECT_EQ(ask(third, "PING"), "-NOAUTH Authentication required.\r\n");
  set_user("default nopass");
  EXPECT_EQ(ask(third, "PING"), "+PONG\r\n");
}

TEST_F(AclTest, WhoMayRunNothingMayStillLogIn) {
  set_user("other on nopass +@all");
  set_user("default -@all");
  EXPECT_THAT(ask("GET a"), StartsWith("-NOPERM"));
  EXPECT_THAT(ask("HELLO 2 AUTH other x"), StartsWith("*14"));
  EXPECT_EQ(ask("ACL SETUSER default +@all"), kDone);
}

// --- What is allowed ---

TEST_F(AclTest, CommandsAreAllowedByNameCategoryAndArgument) {
  const auto none = [](const std::string& command) {
    return "-NOPERM this user has no permissions to run the '" + command + "' command\r\n";
  };
  set_user("u on nopass ~* +@set -scard +client|id +select|0 +acl");
  log_in(session, "u");
  EXPECT_EQ(ask("SADD s a"), ":1\r\n");
  EXPECT_EQ(ask("SCARD s"), none("scard"));
  EXPECT_EQ(ask("GET a"), none("get"));
  EXPECT_EQ(ask("CLIENT ID"), ":1\r\n");
  EXPECT_EQ(ask("CLIENT LIST"), none("client|list"));
  EXPECT_EQ(ask("SELECT 0"), kDone);
  EXPECT_EQ(ask("SELECT 1"), none("select"));
  EXPECT_THAT(ask("NOSUCH"), StartsWith("-ERR unknown command"));
  EXPECT_THAT(ask("GET"), StartsWith("-ERR wrong number"));
  set_user("u +debug|object");
  EXPECT_EQ(ask("DEBUG SLEEP 0"), none("debug|sleep"));
  EXPECT_THAT(ask("DEBUG OBJECT s"), Not(StartsWith("-NOPERM")));
  EXPECT_EQ(ask("DEBUG SEGFAULT"), none("debug"));
  set_user("u reset on nopass +acl +@all -debug");
  EXPECT_EQ(ask("DEBUG OBJECT s"), none("debug|object"));
}

TEST_F(AclTest, KeysAreAllowedToBeReadOrWritten) {
  const std::string ok = "+OK\r\n";
  const auto no = [](const std::string& key) {
    return bulk("This user has no permissions to access the '" + key + "' key");
  };
  set_user("u +@all %R~read* %W~write* ~rw*");
  EXPECT_EQ(dry("u GET read"), ok);
  EXPECT_EQ(dry("u GET write"), no("write"));
  EXPECT_EQ(dry("u LPUSH write x"), ok);
  EXPECT_EQ(dry("u LPUSH read x"), no("read"));
  EXPECT_EQ(dry("u COPY read write"), ok);
  EXPECT_EQ(dry("u COPY write read"), no("write"));
  EXPECT_EQ(dry("u SET write v"), ok);
  EXPECT_EQ(dry("u SET write get"), ok);
  EXPECT_EQ(dry("u SET write v GET"), no("write"));
  EXPECT_EQ(dry("u SET rw v GET"), ok);
  // BITFIELD only reads where all of it is GET.
  EXPECT_EQ(dry("u BITFIELD read GET u4 0"), ok);
  EXPECT_EQ(dry("u BITFIELD read OVERFLOW SAT GET u4 0 GET i8 #1"), ok);
  EXPECT_EQ(dry("u BITFIELD write GET u4 0"), no("write"));
  EXPECT_EQ(dry("u BITFIELD read GET u4 0 SET u4 0 1"), no("read"));
  EXPECT_EQ(dry("u BITFIELD read GET u4"), no("read"));
  EXPECT_EQ(dry("u BITFIELD rw INCRBY u4 0 1"), ok);
  EXPECT_EQ(dry("u MGET read read2 other"), no("other"));
  EXPECT_EQ(dry("u EXISTS read write"), ok);
  EXPECT_EQ(dry("u EXISTS other"), no("other"));
  EXPECT_EQ(dry("u SINTERCARD 2 read write"), no("write"));
  EXPECT_EQ(dry("u ZUNIONSTORE write 2 read rw"), ok);
  EXPECT_EQ(dry("u ZUNIONSTORE read 2 read rw"), no("read"));
  EXPECT_EQ(dry("u SORT read STORE write"), ok);
  EXPECT_EQ(dry("u SORT read STORE read"), no("read"));
  EXPECT_EQ(dry("u MEMORY USAGE write"), ok);
  EXPECT_EQ(dry("u MSET write 1 read 2"), no("read"));
  EXPECT_EQ(dry("u KEYS *"), ok);
}

TEST_F(AclTest, DryrunSaysWhatIsWrongWithTheRequest) {
  set_user("u +get");
  EXPECT_EQ(dry("nobody GET a"), "-ERR User 'nobody' not found\r\n");
  EXPECT_EQ(dry("u NOSUCH a"), "-ERR Command 'NOSUCH' not found\r\n");
  EXPECT_EQ(dry("u XGROUP NOSUCH a"), "-ERR Command 'XGROUP' not found\r\n");
  EXPECT_EQ(dry("u GET"), "-ERR wrong number of arguments for 'get' command\r\n");
  EXPECT_EQ(dry("u SET a b"), bulk("This user has no permissions to run the 'set' command"));
  EXPECT_EQ(dry("u GET a"), bulk("This user has no permissions to access the 'a' key"));
}

TEST_F(AclTest, OneSelectorMustAllowTheWhole) {
  set_user("u on nopass (+@write ~w:*) (+@read ~r:*)");
  log_in(session, "u");
  EXPECT_EQ(ask("SET w:a 1"), kDone);
  EXPECT_EQ(ask("GET r:a"), "$-1\r\n");
  const std::string keys =
      "-NOPERM this user has no permissions to access one of the keys used as arguments\r\n";
  EXPECT_EQ(ask("GET w:a"), keys);
  EXPECT_EQ(ask("SET r:a 1"), keys);
  EXPECT_EQ(ask("COPY r:a w:b"), keys);
  EXPECT_EQ(ask("PING"), "-NOPERM this user has no permissions to run the 'ping' command\r\n");
}

TEST_F(AclTest, SortReadsPatternsOnlyForWhoMayReadEveryKey) {
  ask("LPUSH mylist 1");
  set_user("u on nopass (+sort ~mylist ~v*) (+sort ~mylist %W~*)");
  log_in(other, "u");
  EXPECT_EQ(ask(other, "SORT mylist"), array({"1"}));
  EXPECT_EQ(ask(other, "SORT mylist BY nosort"), array({"1"}));
  EXPECT_EQ(ask(other, "SORT mylist BY v*"),
            "-ERR BY option of SORT denied due to insufficient ACL permissions.\r\n");
  EXPECT_EQ(ask(other, "SORT mylist GET v*"),
            "-ERR GET option of SORT denied due to insufficient ACL permissions.\r\n");
  set_user("u (+sort ~mylist %R~*)");
  EXPECT_EQ(ask(other, "SORT mylist BY v*"), array({"1"}));
}

TEST_F(AclTest, ChannelsAreAllowedByPatternAndPatternsAsTheyStand) {
  const std::string no =
      "-NOPERM this user has no permissions to access one of the channels used as arguments\r\n";
  set_user("u on nopass resetchannels &foo:1 &bar:* +@all");
  log_in(other, "u");
  EXPECT_EQ(ask(other, "PUBLISH foo:1 x"), ":0\r\n");
  EXPECT_EQ(ask(other, "PUBLISH bar:2 x"), ":0\r\n");
  EXPECT_EQ(ask(other, "PUBLISH zap x"), no);
  EXPECT_EQ(ask(other, "SUBSCRIBE foo:1 zap"), no);
  EXPECT_EQ(ask(other, "PSUBSCRIBE bar:baz"), no);
  EXPECT_THAT(ask(other, "PSUBSCRIBE bar:*"), StartsWith("*3"));
  EXPECT_THAT(ask(other, "SUBSCRIBE bar:9"), StartsWith("*3"));
  EXPECT_THAT(ask(other, "UNSUBSCRIBE zap"), StartsWith("*3"));
}

// --- What happens to those who are logged in ---

TEST_F(AclTest, WhoListensToWhatIsTakenAwayIsEnded) {
  const auto listens = [&](const std::string& rules, const std::string& command,
                           const std::string& then) {
    Session listener{executor};
    set_user("u reset on nopass +@all " + rules);
    log_in(listener, "u");
    EXPECT_THAT(ask(listener, command), StartsWith("*3"));
    set_user("u " + then);
    return !listener.closing();
  };
  EXPECT_FALSE(listens("&foo", "SUBSCRIBE foo", "resetchannels"));
  EXPECT_FALSE(listens("&bar:*", "PSUBSCRIBE bar:*", "resetchannels &bar:1"));
  EXPECT_FALSE(listens("allchannels", "PSUBSCRIBE foo", "resetchannels"));
  EXPECT_TRUE(listens("&foo &bar", "SUBSCRIBE foo", "resetchannels &foo"));
  EXPECT_TRUE(listens("&foo", "SUBSCRIBE foo", "resetchannels &f*"));
  EXPECT_TRUE(listens("&foo", "SUBSCRIBE foo", "allchannels"));
  EXPECT_TRUE(listens("&foo", "SUBSCRIBE foo", "resetchannels (&foo)"));
}

TEST_F(AclTest, WhoseUserIsDeletedIsEnded) {
  set_user("u on nopass +@all");
  set_user("v on nopass +@all");
  log_in(other, "u");
  EXPECT_EQ(ask("ACL DELUSER default u"), "-ERR The 'default' user cannot be removed\r\n");
  EXPECT_FALSE(other.closing());
  EXPECT_EQ(ask("ACL DELUSER u nobody"), ":1\r\n");
  EXPECT_TRUE(other.closing());
  EXPECT_EQ(ask(other, "PING"), "");
  EXPECT_FALSE(session.closing());
  log_in(session, "v");
  EXPECT_EQ(ask("ACL DELUSER v"), ":1\r\n");  // told, and then ended
  EXPECT_TRUE(session.closing());
}

TEST_F(AclTest, ClientsAreKnownByTheirUsers) {
  set_user("u on nopass +@all");
  log_in(other, "u");
  EXPECT_THAT(ask("CLIENT LIST"), HasSubstr("user=u "));
  EXPECT_EQ(ask("CLIENT KILL USER nobody"), "-ERR No such user 'nobody'\r\n");
  other.client().hang_up = [] {};
  EXPECT_EQ(ask("CLIENT KILL USER u"), ":1\r\n");
  EXPECT_THAT(ask("CLIENT LIST"), Not(HasSubstr("user=u ")));
}

TEST_F(AclTest, ATransactionIsCheckedWhenItIsQueuedAndWhenItRuns) {
  set_user("u on nopass ~a +multi +exec +incr");
  log_in(other, "u");
  EXPECT_EQ(ask(other, "MULTI"), kDone);
  EXPECT_THAT(ask(other, "GET a"), StartsWith("-NOPERM"));
  EXPECT_THAT(ask(other, "EXEC"), StartsWith("-EXECABORT"));
  EXPECT_EQ(ask(other, "MULTI"), kDone);
  EXPECT_EQ(ask(other, "INCR a"), "+QUEUED\r\n");
  set_user("u -incr");
  EXPECT_EQ(ask(other, "EXEC"),
            "*1\r\n-NOPERM ACLs rules changed between the moment the transaction was accumulated "
            "and the EXEC call. This command is no longer allowed for the following reason: no "
            "permission to execute the command or subcommand\r\n");
  EXPECT_EQ(ask("GET a"), "$-1\r\n");
  set_user("u -exec");
  EXPECT_EQ(ask(other, "MULTI"), kDone);
  EXPECT_EQ(ask(other, "EXEC"),
            "-EXECABORT Transaction discarded because of: NOPERM this user has no permissions to "
            "run the 'exec' command\r\n");
  EXPECT_FALSE(other.client().in_multi);
}

// --- ACL LOG ---

TEST_F(AclTest, WhatIsDeniedIsNoted) {
  const auto newest = [&] {
    const auto words = bulks(ask("ACL LOG 1"));
    return words[2] + " " + words[4] + " " + words[6] + " " + words[8];
  };
  set_user("u on >p ~a resetchannels +set +publish +multi +exec");
  EXPECT_EQ(ask(other, "AUTH u p"), kDone);
  ask(other, "GET a");
  EXPECT_EQ(newest(), "command toplevel get u");
  ask(other, "SET b 1");
  EXPECT_EQ(newest(), "key toplevel b u");
  ask(other, "PUBLISH c x");
  EXPECT_EQ(newest(), "channel toplevel c u");
  ask(other, "AUTH v x");
  EXPECT_EQ(newest(), "auth toplevel AUTH v");
  ask(other, "MULTI");
  ask(other, "INCR a");
  EXPECT_EQ(newest(), "command multi incr u");
  EXPECT_THAT(ask("ACL LOG"), StartsWith("*5\r\n"));
  EXPECT_THAT(ask("ACL LOG 2"), StartsWith("*2\r\n"));
  EXPECT_EQ(ask("ACL LOG -1"), "*0\r\n");
  EXPECT_EQ(ask("ACL LOG RESET"), kDone);
  EXPECT_EQ(ask("ACL LOG"), "*0\r\n");
}

TEST_F(AclTest, TheSameWithinAMinuteIsOneEntry) {
  set_user("u on nopass +ping");
  log_in(other, "u");
  for (int i = 0; i < 3; ++i) ask(other, "GET a");
  ask(other, "SET a 1");
  ask(other, "GET a");
  EXPECT_THAT(ask("ACL LOG"), StartsWith("*2\r\n*14\r\n$5\r\ncount\r\n:4\r\n"));
  os.monotonic_ns += seconds(61).ns;
  ask(other, "GET a");
  EXPECT_THAT(ask("ACL LOG"), StartsWith("*3\r\n*14\r\n$5\r\ncount\r\n:1\r\n"));
  executor.clients().denials.set_most(2);
  ask(other, "GETDEL a");
  EXPECT_THAT(ask("ACL LOG"), StartsWith("*2\r\n"));
}

// The furthest that any selector came is what is told.
TEST_F(AclTest, OfSeveralSelectorsTheLastThingDeniedIsNoted) {
  set_user("u on nopass +mget ~key (+mget ~key ~otherkey)");
  log_in(other, "u");
  const auto object = [&] { return bulks(ask("ACL LOG 1"))[6]; };
  ask(other, "GET key");
  EXPECT_EQ(object(), "get");
  ask(other, "MGET otherkey someotherkey");
  EXPECT_EQ(object(), "someotherkey");
  ask("ACL LOG RESET");
  ask(other, "MGET key otherkey someotherkey");
  EXPECT_EQ(object(), "someotherkey");
}

// --- Categories ---

TEST_F(AclTest, EveryCommandIsFastOrSlow) {
  const CommandSet& fast = find_category("fast")->members;
  const CommandSet& slow = find_category("slow")->members;
  for (size_t i = 0; i < command_names().size(); ++i)
    EXPECT_NE(fast.test(i), slow.test(i)) << command_names()[i].name;
  EXPECT_EQ(command_categories().size(), 21u);
  EXPECT_EQ(bulks(ask("ACL CAT")).size(), 21u);
}

TEST_F(AclTest, ACategoryIsWhatItHasHere) {
  EXPECT_EQ(ask("ACL CAT transaction"), array({"discard", "exec", "multi", "unwatch", "watch"}));
  EXPECT_THAT(ask("ACL CAT stream"), HasSubstr("$13\r\nxgroup|create\r\n"));
  EXPECT_EQ(ask("ACL CAT NOSUCH"), "-ERR Unknown category 'NOSUCH'\r\n");
  EXPECT_EQ(ask("ACL CAT a b"),
            "-ERR unknown subcommand or wrong number of arguments for 'CAT'. Try ACL HELP.\r\n");
  set_user("u +@stream -eval +bitfield");  // there is none of it here, but in a user's rules
  EXPECT_EQ(describe_commands(executor.clients().users.find("u")->selectors[0]),
            "-@all +@stream +bitfield");
}

// --- A file of users ---

TEST_F(AclTest, AFileReplacesAllUsers) {
  Users& users = executor.clients().users;
  set_user("old on nopass +@all");
  set_user("kept on nopass +@all");
  const User* before = &users.default_user();
  const auto gone =
      users.replace("user kept on +get ~a\n\n  user new on nopass (+get ~b)\r\n", "f");
  ASSERT_TRUE(gone.ok()) << gone.error().message;
  EXPECT_EQ(gone->size(), 2u);  // who is logged in as one of them, is ended
  EXPECT_EQ(&users.default_user(), before);
  EXPECT_EQ(shown("default"), "on nopass ~* &* +@all");
  EXPECT_EQ(shown("kept"), "on ~a resetchannels -@all +get");
  EXPECT_EQ(shown("new"), "on nopass resetchannels -@all (~b resetchannels -@all +get)");
  EXPECT_EQ(shown("old"), "none");
  ASSERT_TRUE(users.replace("user default on >x ~* +@all", "f").ok());
  EXPECT_EQ(&users.default_user(), before);
  EXPECT_TRUE(users.must_log_in());
  EXPECT_FALSE(before->unrestricted);
  EXPECT_EQ(users.all().size(), 1u);
}

TEST_F(AclTest, AFileWithAWrongLineReplacesNothing) {
  Users& users = executor.clients().users;
  set_user("known on");
  const auto why = [&](const std::string& text) {
    const auto replaced = users.replace(text, "u.acl");
    EXPECT_FALSE(replaced.ok());
    EXPECT_EQ(users.all().size(), 2u);
    return replaced.ok() ? "" : replaced.error().message;
  };
  EXPECT_THAT(why("user a on\nuser a off"),
              StartsWith("WARNING: Duplicate user 'a' found on line 2"));
  EXPECT_THAT(why("user default on\nuser default on"), HasSubstr("Duplicate user 'default' found"));
  EXPECT_THAT(why("# a comment"), StartsWith("u.acl:1 should start with user keyword"));
  EXPECT_THAT(why("user a +nosuch"),
              StartsWith("u.acl:1: Error in applying operation '+nosuch': Unknown command"));
  EXPECT_THAT(why("\nuser a >secret #12"), Not(HasSubstr("secret")));
  EXPECT_THAT(why("user a (+get"), HasSubstr("Unmatched parenthesis"));
  EXPECT_THAT(why("user a x"),
              EndsWith("no change to the previously active ACL rules was performed"));
}

TEST_F(AclTest, WithoutAFileThereIsNothingToLoad) {
  EXPECT_THAT(ask("ACL LOAD"), HasSubstr("Redis instance is not configured to use an ACL file"));
  EXPECT_THAT(ask("ACL SAVE"), HasSubstr("Redis instance is not configured to use an ACL file"));
}

TEST_F(AclTest, AConfigurationDefinesEachUserOnce) {
  Users users;
  const std::string_view rules[] = {"on", "nopass", "~*", "+@all", "-flushdb"};
  ASSERT_TRUE(users.define("default", rules).ok());
  EXPECT_EQ(describe(users.default_user()),
            "user default on nopass sanitize-payload ~* resetchannels +@all -flushdb");
  ASSERT_TRUE(users.define("a", rules).ok());
  EXPECT_FALSE(users.define("a", rules).ok());
  users.set_default_password("secret");
  EXPECT_TRUE(users.must_log_in());
  EXPECT_TRUE(users.default_user().accepts("secret"));
  EXPECT_FALSE(users.default_user().accepts("guess"));
  users.set_default_password("");
  EXPECT_FALSE(users.must_log_in());
}

}  // namespace
}  // namespace powercut::engine
