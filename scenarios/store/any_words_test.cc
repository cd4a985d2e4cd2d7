// Whatever a client says: each request has one whole reply, the log has what it changed, nothing is
// done of what was answered with an error, and no answer rests on a key that the request does not
// name.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "engine/base/hash.h"
#include "engine/command/execute.h"
#include "scenarios/store/history_testing.h"
#include "scenarios/store/store_target.h"
#include "scenarios/workload/workload.h"
#include "sim/request.h"

namespace powercut::scenarios {
namespace {

constexpr int kRequests = 40'000;

// One key of each family now and then, so that many a request finds its type.
const std::vector<std::string> kSome = {
    "SET s one",
    "SET n 7 PX 5000",
    "RPUSH l a b 3 a",
    "HSET h f 1 g x",
    "SADD t 1 2 a",
    "SADD u a b",
    "ZADD z 1 a 2 b 2.5 c",
    "ZADD y 0 a 0 b 0 c",
    "XADD x 1-* f 1 g x",
    "XGROUP CREATE x g 0 MKSTREAM",
    "XREADGROUP GROUP g c COUNT 1 STREAMS x >",
};
const std::vector<std::string> kWords = {
    "s",
    "n",
    "l",
    "h",
    "t",
    "u",
    "z",
    "y",
    "new",
    "s",
    "l",
    "h",
    "t",
    "z",
    "a",
    "b",
    "f",
    "g",
    "",
    "0",
    "1",
    "2",
    "3",
    "-1",
    "-2",
    "7",
    "100",
    "0.5",
    "-inf",
    "(1",
    "[a",
    "(b",
    "-",
    "+",
    "*",
    "a*",
    "NX",
    "XX",
    "GT",
    "LT",
    "CH",
    "INCR",
    "EX",
    "PX",
    "EXAT",
    "KEEPTTL",
    "GET",
    "PERSIST",
    "REPLACE",
    "WITHSCORES",
    "WITHVALUES",
    "LIMIT",
    "BYSCORE",
    "BYLEX",
    "REV",
    "WEIGHTS",
    "AGGREGATE",
    "SUM",
    "MAX",
    "MIN",
    "LEFT",
    "RIGHT",
    "BEFORE",
    "AFTER",
    "COUNT",
    "MATCH",
    "TYPE",
    "BY",
    "STORE",
    "ALPHA",
    "DESC",
    "RANK",
    "MAXLEN",
    "AND",
    "NOT",
    "BIT",
    "BYTE",
    "IDX",
    "LEN",
    "MINMATCHLEN",
    "ABSTTL",
    "DB",
    "ENCODING",
    "ID",
    "LIST",
    "SETNAME",
    "USAGE",
    "SET",
    "RPUSH",
    "SORT",
    "x",
    "x",
    "1-1",
    "1-2",
    "1-*",
    "$",
    ">",
    "~",
    "=",
    "STREAMS",
    "GROUP",
    "NOACK",
    "BLOCK",
    "MINID",
    "CREATE",
    "SETID",
    "CREATECONSUMER",
    "MKSTREAM",
    "JUSTID",
    "FORCE",
    "LASTID",
    "FULL",
    std::string("\0\r\n", 3),
};

class Draws {
 public:
  size_t operator()(size_t n) {
    ++drawn_;
    return hash_bytes({reinterpret_cast<const char*>(&drawn_), sizeof drawn_}) % n;
  }

 private:
  uint64_t drawn_ = 0;
};

// Nobody is there afterwards, or who is says nothing but of channels, and has a reply for each.
bool ends_the_talk(std::string_view name) {
  return name == "quit" || name == "shutdown" || name.ends_with("subscribe");
}

std::vector<std::string> any_words(Draws& draw) {
  const auto& commands = engine::all_commands();
  std::vector<std::string> words = {std::string(commands[draw(commands.size())]->name)};
  for (size_t more = draw(7); more > 0; --more) words.push_back(kWords[draw(kWords.size())]);
  return words;
}

std::string shown(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += fmt::format("{:?} ", word);
  return text;
}

TEST(AnyWords, HaveOneReplyAndAreLoggedOrRefused) {
  StoreHistory history;
  HistoryStore store(&history);
  Draws draw;
  size_t changes = 0;
  for (int i = 0; i < kRequests; ++i) {
    if (i % 50 == 0) store.run(kSome[draw(kSome.size())]);
    if (i % 1000 == 0) store.set_wall(kWallMs + i);
    const auto words = any_words(draw);
    if (ends_the_talk(words[0])) continue;
    const uint64_t before = history.last_lsn();
    const std::string reply = store.run(sim::encode_request(words));
    ASSERT_FALSE(reply.empty()) << shown(words);
    ASSERT_EQ(reply_length(reply), reply.size()) << shown(words) << reply;
    ASSERT_FALSE(history.unlogged_change()) << shown(words) << reply;
    for (uint64_t lsn = before + 1; lsn <= history.last_lsn(); ++lsn) {
      ASSERT_TRUE(reply[0] != '-' || history.operation(lsn).expiry_only) << shown(words) << reply;
      ++changes;
    }
    if (i % 100 == 0) {
      ASSERT_EQ(history.self_check(), "") << shown(words);
    }
  }
  EXPECT_GT(changes, 500u);
}

// --- What an answer rests on ---

class SameDraws final : public engine::Chance {
 public:
  uint64_t choose(Site, uint64_t n) override { return ++drawn_ * 7919 % n; }

 private:
  uint64_t drawn_ = 0;
};

// The reply to `args` where there are only copies of the keys in `from` that `has` allows.
template <class Has>
std::string answer(const engine::Keyspace& from, const engine::CommandSpec& spec,
                   std::span<const std::string_view> args, const Has& has) {
  engine::Keyspace keyspace;
  keyspace.set_now({kWallMs});
  for (int db = 0; db < engine::Keyspace::kDatabases; ++db) {
    const auto& table = from.database(db).table();
    for (size_t i = 0; i < table.size(); ++i) {
      const auto& [key, object] = table.at(i);
      if (!has(key)) continue;
      engine::Object* copy = keyspace.put(db, key, object.value.clone());
      if (object.expires()) keyspace.set_expiry(db, key, copy, object.expire_at_ms);
      keyspace.settle();
    }
  }
  std::string out;
  engine::Reply reply(out);
  engine::Effects effects;
  SameDraws chance;
  engine::Call call(args, keyspace, 0, reply, effects, chance);
  engine::execute(call, spec);
  return out;
}

// A reply waits for the last entry that touched the keys its request names.
TEST(AnyWords, RestOnTheKeysTheyName) {
  HistoryStore store;
  Draws draw;
  size_t compared = 0;
  for (int i = 0; i < kRequests; ++i) {
    if (i % 50 == 0) store.run(kSome[draw(kSome.size())]);
    const auto words = any_words(draw);
    const engine::CommandSpec* spec = engine::find_command(words[0]);
    if (ends_the_talk(words[0])) continue;
    const std::vector<std::string_view> args(words.begin(), words.end());
    if ((spec->first_key != 0 || spec->keys_of != nullptr) &&
        (spec->flags & engine::kWholeKeyspace) == 0 && engine::arity_fits(*spec, args.size())) {
      std::vector<size_t> positions;
      engine::key_positions(*spec, args, positions);
      std::set<std::string_view> named;
      for (const size_t position : positions)
        if (position < args.size()) named.insert(args[position]);
      const auto& all = store.keyspace();
      ASSERT_EQ(answer(all, *spec, args, [](const auto&) { return true; }),
                answer(all, *spec, args, [&](const auto& key) { return named.count(key) != 0; }))
          << shown(words);
      ++compared;
    }
    store.run(sim::encode_request(words));
  }
  EXPECT_GT(compared, 10'000u);
}

}  // namespace
}  // namespace powercut::scenarios
