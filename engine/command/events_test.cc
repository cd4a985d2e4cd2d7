// What subscribers are told of keys: which events, on which channels, and when.
#include "engine/command/events.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "engine/command/executor_harness.h"

namespace powercut::engine {
namespace {

using Lines = std::vector<std::string>;

class KeyEvents : public ExecutorTest {
 protected:
  // Of all kinds, on the channel that is named for the event.
  KeyEvents() {
    tell("EA");
    ask(other, "PSUBSCRIBE __key*");
  }
  void tell(std::string_view letters) { executor.set_told_events(*Events::parse(letters)); }
  // "event key" of what a request of the first client tells the other.
  Lines told(const std::string& request) {
    ask(request);
    return heard();
  }
  Lines heard() {
    log.released = log.applied;
    return shown(taken(other));
  }
  static Lines shown(const std::string& bytes) {
    Lines events;
    const std::vector<std::string> words = bulks_of_all(bytes);
    for (size_t i = 0; i + 3 < words.size(); i += 4) {
      EXPECT_EQ(words[i], "pmessage");
      const std::string& channel = words[i + 2];
      events.push_back(channel.substr(channel.find("__:") + 3) + " " + words[i + 3]);
    }
    return events;
  }
  // Of several arrays in a row.
  static std::vector<std::string> bulks_of_all(const std::string& bytes) {
    std::vector<std::string> words;
    for (size_t at = bytes.find('$'); at != std::string::npos; at = bytes.find('$', at)) {
      const size_t length = std::stoul(bytes.substr(at + 1));
      at = bytes.find("\r\n", at) + 2;
      words.push_back(bytes.substr(at, length));
      at += length;
    }
    return words;
  }
};

TEST_F(KeyEvents, StringsSayWhatWasDone) {
  EXPECT_EQ(told("SET a 1"), Lines{"set a"});
  EXPECT_EQ(told("SET a 1 EX 10"), (Lines{"set a", "expire a"}));
  EXPECT_EQ(told("SET a 1 KEEPTTL"), Lines{"set a"});
  EXPECT_EQ(told("MSET a 1 b 2"), (Lines{"set a", "set b"}));
  EXPECT_EQ(told("INCR a"), Lines{"incrby a"});
  EXPECT_EQ(told("APPEND a x"), Lines{"append a"});
  EXPECT_EQ(told("SETNX a 3"), Lines{});
  EXPECT_EQ(told("GETEX b EX 10"), Lines{"expire b"});
  EXPECT_EQ(told("PERSIST b"), Lines{"persist b"});
  EXPECT_EQ(told("GETDEL b"), Lines{"del b"});
  EXPECT_EQ(told("BITOP NOT c nothing"), Lines{});
  EXPECT_EQ(told("BITOP NOT a nothing"), Lines{"del a"});
  EXPECT_EQ(told("XADD x MAXLEN 1 1-1 f 1"), Lines{"xadd x"});
  EXPECT_EQ(told("XADD x MAXLEN 1 1-2 f 1"), (Lines{"xadd x", "xtrim x"}));
}

TEST_F(KeyEvents, KeysSayWhereTheyWent) {
  ask("MSET a 1 b 2");
  (void)heard();
  EXPECT_EQ(told("RENAME a c"), (Lines{"rename_from a", "rename_to c"}));
  EXPECT_EQ(told("COPY c d DB 1"), Lines{"copy_to d"});
  EXPECT_EQ(told("MOVE c 2"), (Lines{"move_from c", "move_to c"}));
  EXPECT_EQ(told("EXPIRE b 100"), Lines{"expire b"});
  EXPECT_EQ(told("EXPIRE b -1"), Lines{"del b"});
  ask("SET b 1");
  (void)heard();
  EXPECT_EQ(told("DEL b nothing"), Lines{"del b"});
}

// What was taken out of it first, then that it is gone.
TEST_F(KeyEvents, AnEmptiedCollectionIsGone) {
  EXPECT_EQ(told("RPUSH l 1 2"), Lines{"rpush l"});
  EXPECT_EQ(told("LMOVE l m LEFT RIGHT"), (Lines{"rpush m", "lpop l"}));
  EXPECT_EQ(told("RPOP l"), (Lines{"rpop l", "del l"}));
  EXPECT_EQ(told("LMPOP 1 m LEFT"), (Lines{"lpop m", "del m"}));
  EXPECT_EQ(told("SADD s a b"), Lines{"sadd s"});
  EXPECT_EQ(told("SMOVE s t a"), (Lines{"srem s", "sadd t"}));
  EXPECT_EQ(told("SINTERSTORE s s t"), Lines{"del s"});
  EXPECT_EQ(told("SUNIONSTORE s t"), Lines{"sunionstore s"});
  EXPECT_EQ(told("ZADD z 1 a"), Lines{"zadd z"});
  EXPECT_EQ(told("ZADD z INCR 1 a"), Lines{"zincr z"});
  EXPECT_EQ(told("ZADD z 2 a"), Lines{});
  EXPECT_EQ(told("ZPOPMIN z"), (Lines{"zpopmin z", "del z"}));
  EXPECT_EQ(told("HSET h f 1"), Lines{"hset h"});
  EXPECT_EQ(told("HDEL h f"), (Lines{"hdel h", "del h"}));
  EXPECT_EQ(told("GEOADD g 13 38 a"), Lines{"zadd g"});
  EXPECT_EQ(told("GEOSEARCHSTORE f g FROMMEMBER a BYRADIUS 1 km"), Lines{"geosearchstore f"});
}

// A transaction's messages stand among its events in the order in which it did both.
TEST_F(KeyEvents, AMessageComesBehindWhatWasDoneBefore) {
  ask(other, "PSUBSCRIBE n*");
  for (const char* request : {"MULTI", "SET a 1", "PUBLISH n__:x y", "SET b 1"}) ask(request);
  EXPECT_EQ(told("EXEC"), (Lines{"set a", "x y", "set b"}));
}

// What takes another's place by its name is new; what is written over is not.
TEST_F(KeyEvents, AKeyIsNew) {
  tell("En");
  EXPECT_EQ(told("SET a 1"), Lines{"new a"});
  EXPECT_EQ(told("SET a 2"), Lines{});
  EXPECT_EQ(told("COPY a b"), Lines{"new b"});
  EXPECT_EQ(told("COPY a b REPLACE"), Lines{"new b"});
  EXPECT_EQ(told("RENAME a b"), Lines{"new b"});
  EXPECT_EQ(told("SORT b STORE b"), Lines{});
}

TEST_F(KeyEvents, AConsumerThatIsNewIsTold) {
  ask("XADD x 1-1 f v");
  ask("XGROUP CREATE x g 0");
  heard();
  const Lines made{"xgroup-createconsumer x"};
  EXPECT_EQ(told("XREADGROUP GROUP g a STREAMS x >"), made);
  EXPECT_EQ(told("XREADGROUP GROUP g a STREAMS x 0"), Lines{});
  EXPECT_EQ(told("XREADGROUP GROUP g b STREAMS x 0"), made);
  EXPECT_EQ(told("XCLAIM x g c 0 1-1"), made);
  EXPECT_EQ(told("XCLAIM x g c 0 1-1"), Lines{});
  EXPECT_EQ(told("XAUTOCLAIM x g d 0 0"), made);
}

TEST_F(KeyEvents, WhoWaitedIsHeardOfBehindWhoServedIt) {
  Session third(executor);
  ask(third, "BLPOP l 0");
  EXPECT_EQ(told("RPUSH l 1"), (Lines{"rpush l", "lpop l", "del l"}));
}

TEST_F(KeyEvents, WhatExpiredSaysSoWhenItIsFound) {
  ask("SET a 1 PX 10");
  (void)heard();
  os.unix_ms += 10;
  EXPECT_EQ(told("GET a"), Lines{"expired a"});
}

TEST_F(KeyEvents, NewKeysAndMissesAreToldToWhoAsks) {
  tell("En");
  EXPECT_EQ(told("SET a 1"), Lines{"new a"});
  EXPECT_EQ(told("SET a 2"), Lines{});
  tell("Em");
  EXPECT_EQ(told("MGET a b"), Lines{"keymiss b"});
  EXPECT_EQ(told("OBJECT ENCODING b"), Lines{});
  EXPECT_EQ(told("GETDEL b"), Lines{"keymiss b"});
  EXPECT_EQ(told("SUNIONSTORE c d"), Lines{"keymiss d"});
  EXPECT_EQ(told("APPEND e 1"), Lines{});
  tell("Emn");
  EXPECT_EQ(told("SET f 1 GET"), (Lines{"keymiss f", "new f"}));
}

TEST_F(KeyEvents, EachChannelIsAskedForByItsLetter) {
  tell("K$");
  ask("SET a 1");
  EXPECT_EQ(taken(other), array({"pmessage", "__key*", "__keyspace@0__:a", "set"}));
  tell("E$");
  ask("SET a 1");
  EXPECT_EQ(taken(other), array({"pmessage", "__key*", "__keyevent@0__:set", "a"}));
  tell("El");
  EXPECT_EQ(told("SET a 1"), Lines{});
  tell("");
  EXPECT_EQ(told("LPUSH l 1"), Lines{});
}

// What is not kept is not told: a cut takes back both.
TEST_F(KeyEvents, WaitForTheOperationTheyTellOf) {
  release_all = false;
  ask("SET a 1");
  EXPECT_EQ(taken(other), "");
  EXPECT_EQ(heard(), Lines{"set a"});
}

TEST(EventFlags, StandInRedissOrder) {
  EXPECT_EQ(Events::format(*Events::parse("mKEA")), "AKEm");
  EXPECT_EQ(Events::format(*Events::parse("KEzxg")), "gzxKE");
  EXPECT_EQ(Events::format(*Events::parse("")), "");
  EXPECT_FALSE(Events::parse("Kq").has_value());
}

}  // namespace
}  // namespace powercut::engine
