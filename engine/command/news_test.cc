// What clients are told unasked: CLIENT TRACKING, MONITOR, messages.
#include "engine/command/news.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "engine/command/executor_harness.h"

namespace powercut::engine {
namespace {

constexpr const char* kOk = "+OK\r\n";

std::string invalid(std::initializer_list<std::string_view> keys) {
  return ">2\r\n" + bulk("invalidate") + array(keys);
}
std::string message(std::string_view channel, std::string_view text) {
  return array({"message", channel, text});
}

class News : public ExecutorTest {
 protected:
  void talk_resp3(Session& from) { EXPECT_EQ(ask(from, "HELLO 3").substr(0, 1), "%"); }
  std::string heard() {
    log.released = log.applied;
    return taken(other);
  }
};

// --- CLIENT TRACKING ---

TEST_F(News, WhoReadAKeyIsToldOnceThatItChanged) {
  talk_resp3(other);
  EXPECT_EQ(ask(other, "CLIENT TRACKING ON"), kOk);
  EXPECT_EQ(ask(other, "GET a"), "_\r\n");
  ask("SET b 1");
  EXPECT_EQ(heard(), "");
  ask("SET a 1");
  EXPECT_EQ(heard(), invalid({"a"}));
  ask("SET a 2");
  EXPECT_EQ(heard(), "");  // it has not read that
  EXPECT_EQ(ask(other, "MGET a b"), "*2\r\n" + bulk("2") + bulk("1"));
  ask("DEL a b");
  EXPECT_EQ(heard(), invalid({"a"}) + invalid({"b"}));
  EXPECT_EQ(ask(other, "CLIENT TRACKING OFF"), kOk);
  EXPECT_EQ(ask(other, "GET a"), "_\r\n");
  ask("SET a 1");
  EXPECT_EQ(heard(), "");
}

TEST_F(News, WhatChangedNothingIsNoNews) {
  ask("SET a 1");
  talk_resp3(other);
  ask(other, "CLIENT TRACKING ON");
  ask(other, "GET a");
  ask("SETNX a 2");
  ask("LPUSH a x");  // an error
  EXPECT_EQ(heard(), "");
  ask("MULTI");
  ask("SET c 1");
  ask("SETNX a 3");
  ask("EXEC");
  EXPECT_EQ(heard(), "");
}

// As in Redis 7.0 by the keys that it was given, and by those that it read.
TEST_F(News, WhoRanAScriptThatReadsIsToldOfItsKeys) {
  const auto eval = [&](std::string_view script) {
    return "EVAL \"" + std::string(script) + "\" 2 a b";
  };
  talk_resp3(other);
  EXPECT_EQ(ask(other, "CLIENT TRACKING ON"), kOk);
  ask(other, eval("redis.call('set', 'c', '1')"));
  ask("MSET a 1 b 1");
  EXPECT_EQ(heard(), "");
  ask(other, eval("redis.call('get', 'c')"));
  ask("MSET b 2 a 2 c 2");
  EXPECT_EQ(heard(), invalid({"b"}) + invalid({"a"}) + invalid({"c"}));
}

// It would say what is not kept yet.
TEST_F(News, WaitUntilTheChangeMayBeShown) {
  talk_resp3(other);
  ask(other, "CLIENT TRACKING ON");
  ask(other, "GET a");
  release_all = false;
  EXPECT_EQ(ask("SET a 1"), "");
  EXPECT_EQ(taken(other), "");
  log.released = log.applied;
  EXPECT_EQ(taken(other), invalid({"a"}));
}

TEST_F(News, ComeBehindTheReplyToOnesOwnCommand) {
  talk_resp3(session);
  ask("CLIENT TRACKING ON");
  ask("SET a 1");
  ask("GET a");
  EXPECT_EQ(ask("INCR a"), ":2\r\n" + invalid({"a"}));
  ask("GET a");
  ask("MULTI");
  ask("INCR a");
  ask("GET a");
  EXPECT_EQ(ask("EXEC"), "*2\r\n:3\r\n" + bulk("3") + invalid({"a"}));
  EXPECT_EQ(ask("INCR a"), ":4\r\n" + invalid({"a"}));  // EXEC has read it, after it changed
  ask("CLIENT TRACKING OFF");
  ask("CLIENT TRACKING ON NOLOOP");
  ask("GET a");
  EXPECT_EQ(ask("INCR a"), ":5\r\n");
}

TEST_F(News, ByPrefixComeTogetherAndUnread) {
  talk_resp3(other);
  EXPECT_EQ(ask(other, "CLIENT TRACKING ON BCAST PREFIX a: PREFIX b:"), kOk);
  ask("MSET a:1 x c:1 x a:2 x b:1 x");
  EXPECT_EQ(heard(), invalid({"a:1", "a:2"}) + invalid({"b:1"}));
  EXPECT_EQ(ask(other, "CLIENT TRACKING ON BCAST PREFIX a").substr(0, 16), "-ERR Prefix 'a' ");
  EXPECT_EQ(ask(other, "CLIENT TRACKING ON").substr(0, 21), "-ERR You can't switch");
  EXPECT_EQ(ask(other, "CLIENT TRACKING ON BCAST"), kOk);  // of all keys besides
  EXPECT_EQ(ask(other, "CLIENT TRACKING ON BCAST PREFIX z").substr(0, 16), "-ERR Prefix 'z' ");
}

TEST_F(News, OnlyWhatIsToBeCachedIsRemembered) {
  talk_resp3(other);
  ask(other, "CLIENT TRACKING ON OPTIN");
  ask(other, "GET a");
  ask(other, "CLIENT CACHING YES");
  ask(other, "GET b");
  ask(other, "GET c");
  ask("MSET a 1 b 1 c 1");
  EXPECT_EQ(heard(), invalid({"b"}));
  ask(other, "CLIENT TRACKING OFF");
  ask(other, "CLIENT TRACKING ON OPTOUT");
  ask(other, "CLIENT CACHING NO");
  ask(other, "GET a");
  ask(other, "GET b");
  ask("MSET a 2 b 2");
  EXPECT_EQ(heard(), invalid({"b"}));
}

TEST_F(News, ExpiryIsNobodysDoing) {
  talk_resp3(session);
  ask("SET a 1 PX 10");
  ask("CLIENT TRACKING ON NOLOOP BCAST");
  os.unix_ms += 20;
  EXPECT_EQ(ask("GET b"), "_\r\n");
  EXPECT_EQ(executor.expire_some(10), 1u);
  EXPECT_EQ(ask("PING"), invalid({"a"}) + "+PONG\r\n");
}

TEST_F(News, AnEmptiedStoreIsToldToAll) {
  talk_resp3(other);
  ask(other, "CLIENT TRACKING ON");
  ask("FLUSHALL");
  EXPECT_EQ(heard(), ">2\r\n" + bulk("invalidate") + "_\r\n");
}

TEST_F(News, AreRedirectedUntilThatClientHasGone) {
  talk_resp3(session);
  {
    Session third(executor);
    ask(third, "SUBSCRIBE __redis__:invalidate");
    const std::string id = std::to_string(third.client().id());
    EXPECT_EQ(ask("CLIENT TRACKING ON REDIRECT " + id), kOk);
    ask("GET a");
    ask(other, "SET a 1");
    log.released = log.applied;
    EXPECT_EQ(taken(third),
              "*3\r\n" + bulk("message") + bulk("__redis__:invalidate") + array({"a"}));
    ask("GET a");
  }
  ask(other, "SET a 2");
  EXPECT_EQ(taken(session).substr(0, 30), ">2\r\n" + bulk("tracking-redir-broken").substr(0, 26));
  EXPECT_EQ(ask("CLIENT TRACKING OFF"), kOk);
  EXPECT_EQ(ask("CLIENT TRACKING ON REDIRECT 12345"),
            "-ERR The client ID you want redirect to does not exist\r\n");
}

TEST_F(News, NoMoreKeysAreRememberedThanMayBe) {
  executor.clients().tracking.set_most_keys(2);
  talk_resp3(other);
  ask(other, "CLIENT TRACKING ON");
  EXPECT_EQ(ask(other, "MGET a b"), "*2\r\n_\r\n_\r\n");
  EXPECT_EQ(ask(other, "GET c"), "_\r\n" + invalid({"a"}));
  EXPECT_EQ(executor.clients().tracking.keys(), 2u);
}

TEST_F(News, AClientThatGoesLeavesNothing) {
  {
    Session third(executor);
    ask(third, "CLIENT TRACKING ON BCAST PREFIX a");
    ask(third, "SUBSCRIBE x");
    ask(third, "PSUBSCRIBE y*");
    EXPECT_EQ(executor.clients().tracking.clients, 1u);
  }
  EXPECT_EQ(executor.clients().tracking.clients, 0u);
  EXPECT_TRUE(executor.clients().tracking.prefixes().empty());
  EXPECT_TRUE(executor.clients().channels.channels.empty());
  EXPECT_TRUE(executor.clients().channels.patterns.empty());
  EXPECT_EQ(ask("SET a 1"), kOk);
}

// --- MONITOR ---

TEST_F(News, WhoMonitorsSeesWhatRuns) {
  EXPECT_EQ(ask(other, "MONITOR"), kOk);
  ask("SET a \"x\\ny\\x01\"");
  EXPECT_EQ(heard(), "+1.000000 [0 local] \"SET\" \"a\" \"x\\ny\\x01\"\r\n");
  ask("MULTI");
  ask("GET a");
  ask("NOSUCH");
  ask("EXEC");
  EXPECT_EQ(heard(), "+1.000000 [0 local] \"MULTI\"\r\n+1.000000 [0 local] \"EXEC\"\r\n");
  ask("MULTI");
  ask("GET a");
  ask("EXEC");
  EXPECT_EQ(heard(),
            "+1.000000 [0 local] \"MULTI\"\r\n+1.000000 [0 local] \"GET\" \"a\"\r\n"
            "+1.000000 [0 local] \"EXEC\"\r\n");
  ask("AUTH me secret");
  EXPECT_EQ(heard(), "+1.000000 [0 local] \"AUTH\" \"(redacted)\" \"(redacted)\"\r\n");
  ask("CONFIG GET x");
  EXPECT_EQ(heard(), "");
  EXPECT_EQ(ask(other, "RESET"), "+RESET\r\n");
  ask("GET a");
  EXPECT_EQ(heard(), "");
  EXPECT_EQ(executor.clients().monitors, 0u);
}

TEST_F(News, WhoMonitorsSeesNoWriteBeforeItIsKept) {
  ask(other, "MONITOR");
  release_all = false;
  ask("SET a 1");
  EXPECT_EQ(taken(other), "");
  EXPECT_NE(heard(), "");
}

// --- Messages ---

TEST_F(News, MessagesGoToWhoListens) {
  EXPECT_EQ(ask(other, "SUBSCRIBE a b"), "*3\r\n" + bulk("subscribe") + bulk("a") + ":1\r\n*3\r\n" +
                                             bulk("subscribe") + bulk("b") + ":2\r\n");
  EXPECT_EQ(ask(other, "PSUBSCRIBE a*"), "*3\r\n" + bulk("psubscribe") + bulk("a*") + ":3\r\n");
  EXPECT_EQ(ask("PUBLISH a hello"), ":2\r\n");
  EXPECT_EQ(heard(), message("a", "hello") + array({"pmessage", "a*", "a", "hello"}));
  EXPECT_EQ(ask("PUBLISH c hello"), ":0\r\n");
  EXPECT_EQ(ask("PUBSUB CHANNELS"), array({"a", "b"}));
  EXPECT_EQ(ask("PUBSUB NUMPAT"), ":1\r\n");
  EXPECT_EQ(ask("PUBSUB NUMSUB a c"), "*4\r\n" + bulk("a") + ":1\r\n" + bulk("c") + ":0\r\n");
  EXPECT_EQ(ask(other, "GET a").substr(0, 25), "-ERR Can't execute 'get':");
  const std::string refused = ask(other, "EXEC");
  EXPECT_EQ(refused.substr(0, 11), "-EXECABORT ");
  EXPECT_NE(refused.find("because of: Can't execute 'exec'"), std::string::npos) << refused;
  EXPECT_EQ(ask(other, "PING"), array({"pong", ""}));
  EXPECT_EQ(ask(other, "UNSUBSCRIBE a"), "*3\r\n" + bulk("unsubscribe") + bulk("a") + ":2\r\n");
  ask(other, "PUNSUBSCRIBE");
  EXPECT_EQ(ask(other, "UNSUBSCRIBE"), "*3\r\n" + bulk("unsubscribe") + bulk("b") + ":0\r\n");
  EXPECT_EQ(ask(other, "UNSUBSCRIBE"), "*3\r\n" + bulk("unsubscribe") + "$-1\r\n:0\r\n");
  EXPECT_EQ(ask(other, "GET a"), "$-1\r\n");
}

// What it subscribed to is told also to who wants no replies.
TEST_F(News, SubscribingIsAnsweredBesideSilence) {
  EXPECT_EQ(ask(other, "CLIENT REPLY OFF"), "");
  EXPECT_EQ(ask(other, "SUBSCRIBE a"), "*3\r\n" + bulk("subscribe") + bulk("a") + ":1\r\n");
  EXPECT_EQ(ask("PUBLISH a hello"), ":1\r\n");
  EXPECT_EQ(heard(), message("a", "hello"));
  EXPECT_EQ(ask(other, "UNSUBSCRIBE"), "*3\r\n" + bulk("unsubscribe") + bulk("a") + ":0\r\n");
  EXPECT_EQ(ask(other, "GET a"), "");
}

TEST_F(News, ShardedChannelsAreNamesOfTheirOwn) {
  EXPECT_EQ(ask(other, "SSUBSCRIBE a b"), "*3\r\n" + bulk("ssubscribe") + bulk("a") +
                                              ":1\r\n*3\r\n" + bulk("ssubscribe") + bulk("b") +
                                              ":2\r\n");
  EXPECT_EQ(ask(other, "SUBSCRIBE a"), "*3\r\n" + bulk("subscribe") + bulk("a") + ":1\r\n");
  EXPECT_EQ(ask("SPUBLISH a hello"), ":1\r\n");
  EXPECT_EQ(heard(), array({"smessage", "a", "hello"}));
  EXPECT_EQ(ask("PUBLISH b hello"), ":0\r\n");
  EXPECT_EQ(ask("PUBSUB SHARDCHANNELS"), array({"a", "b"}));
  EXPECT_EQ(ask("PUBSUB SHARDNUMSUB a c"), "*4\r\n" + bulk("a") + ":1\r\n" + bulk("c") + ":0\r\n");
  EXPECT_EQ(ask(other, "UNSUBSCRIBE"), "*3\r\n" + bulk("unsubscribe") + bulk("a") + ":0\r\n");
  EXPECT_EQ(ask(other, "GET a").substr(0, 25), "-ERR Can't execute 'get':");
  EXPECT_EQ(ask(other, "SUNSUBSCRIBE b"), "*3\r\n" + bulk("sunsubscribe") + bulk("b") + ":1\r\n");
  ask(other, "SUNSUBSCRIBE");
  EXPECT_EQ(ask(other, "SUNSUBSCRIBE"), "*3\r\n" + bulk("sunsubscribe") + "$-1\r\n:0\r\n");
  EXPECT_EQ(ask(other, "GET a"), "$-1\r\n");
}

// It may tell of what stands before it.
TEST_F(News, AMessageWaitsForWhatWasAppliedBeforeIt) {
  ask(other, "SUBSCRIBE a");
  release_all = false;
  ask("SET x 1");
  ask("PUBLISH a done");
  EXPECT_EQ(taken(other), "");
  EXPECT_EQ(heard(), message("a", "done"));
}

}  // namespace
}  // namespace powercut::engine
