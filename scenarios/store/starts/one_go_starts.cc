#include "scenarios/store/starts/one_go_starts.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "engine/engine.h"
#include "scenarios/store/starts/copied_starts.h"
#include "scenarios/store/starts/shown_words.h"
#include "sim/request.h"

namespace powercut::scenarios {

namespace {

constexpr int kRoomsOfEach = 3;  // databases
// How it is said, and under what names, equally long.
constexpr std::string_view kWays[] = {"one-by-one:", "transacted:", "by-script::"};
constexpr std::string_view kChanges =
    "SET %s 7; SET %n new EX 9000; SET %t x KEEPTTL GET; APPEND %n tail; SETRANGE %t 5 mid; INCR "
    "%s; "
    "INCRBYFLOAT %s 1.5; GETDEL %t; GETEX %t PERSIST; EXPIRE %l 9000; PERSIST %t; DEL %h %n; "
    "UNLINK %z; "
    "RENAME %l %n; RENAMENX %l %n; COPY %l %n; COPY %s %n DB 1; COPY %h %n DB 2 REPLACE; MOVE %l "
    "1; "
    "MOVE %s 0; RPUSH %l z; RPUSH %n 1 2; LPOP %l 2; LTRIM %l 1 1; LINSERT %l BEFORE 1 x; "
    "LMOVE %l %n LEFT RIGHT; LREM %l 0 1; LSET %l 0 x; LMPOP 1 %l LEFT COUNT 2; HSET %h f 3 k 4; "
    "HDEL %h f g; HINCRBY %h f 4; HINCRBYFLOAT %h f 0.5; HSETNX %h k 1; SADD %e d; SREM %e a; "
    "SMOVE %e %n b; SINTERSTORE %n %e %e; SUNIONSTORE %n %e; ZADD %z 5 d; ZINCRBY %z 2 a; ZREM %z "
    "b; "
    "ZPOPMIN %z; ZRANGESTORE %n %z 0 1; ZUNIONSTORE %n 1 %z; ZREMRANGEBYSCORE %z 2 3; "
    "XADD %x 9-1 f v; XTRIM %x MAXLEN 1; XDEL %x 2-1; XACK %x g 1-1; XGROUP SETID %x w 0; "
    "XGROUP DESTROY %x g; PFADD %p q; PFMERGE %n %p; GEOADD %g 1 1 c; SETBIT %n 9 1; BITOP NOT %n "
    "%s; "
    "BITFIELD %s SET u8 0 9; SORT %l STORE %n; SORT %l BY %w* STORE %n; MSET %n 1 %s 2; "
    "MSETNX %n 1 %s 2; GETSET %s 3; EXISTS %n %s; TYPE %n; LLEN %l";
constexpr std::string_view kHeldKeys = "%s; %t; %l; %h; %z; %e; %g; %p; %n; %w1; %w2; %w3";
constexpr std::string_view kLooks = "XRANGE %x - +; XPENDING %x g; DBSIZE; TYPE %n";

struct Said {
  int db;
  std::string_view line;
};

class OneGoStarts final : CopiedStarts {
 public:
  explicit OneGoStarts(const CopiedStarts& as) : CopiedStarts(as) {}
  std::optional<Violation> judge() {
    see("where much is said in one go",
        [this](engine::Os&, engine::Engine& engine) { return look(engine); });
    see("where one script is run behind another",
        [this](engine::Os&, engine::Engine& engine) { return look_at_scripts(engine); });
    return wrong_;
  }

 private:
  std::string look(engine::Engine& engine);
  std::string look_at_scripts(engine::Engine& engine);
  std::vector<Said> draw_said();
};

std::string selecting(int db) { return sim::encode_request({"SELECT", std::to_string(db)}); }

// Whosever keys it names.
std::string without_names(std::string text, std::string_view prefix) {
  for (size_t at; (at = text.find(prefix)) != text.npos;) text.erase(at, prefix.size());
  return text;
}

std::vector<Said> OneGoStarts::draw_said() {
  const auto lines = lines_in(kChanges);
  std::vector<Said> all;
  for (uint64_t n = 2 + draw("one_go.number", 6); n > 0; --n)
    all.push_back({static_cast<int>(draw("one_go.db", kRoomsOfEach)),
                   lines[draw("one_go.line", lines.size())]});
  return all;
}

std::string one_by_one(engine::Session& session, const std::vector<Said>& all, int home) {
  std::string replies;
  for (const auto& [db, line] : all) {
    session.feed(selecting(db) + sim::encode_request(words_in(line, kWays[0])));
    replies += take(session, 2);
  }
  session.feed(selecting(home));
  return replies + take(session, 1);
}

std::string in_transaction(engine::Session& session, const std::vector<Said>& all, int home) {
  std::string requests = sim::encode_request({"MULTI"});
  for (const auto& [db, line] : all)
    requests += selecting(db) + sim::encode_request(words_in(line, kWays[1]));
  session.feed(requests + selecting(home));
  (void)take(session, 2 * all.size() + 2);
  session.feed(sim::encode_request({"EXEC"}));
  const std::string replies = take(session, 1);
  return replies.substr(std::min(replies.find("\r\n") + 2, replies.size()));
}

void by_script(engine::Session& session, const std::vector<Said>& all) {
  std::string text;
  for (const auto& [db, line] : all) {
    text += fmt::format("redis.call('SELECT',{}) redis.pcall(", db);
    for (const std::string& word : words_in(line, kWays[2]))
      text += fmt::format("{}'{}'", text.back() == '(' ? "" : ",", word);
    text += ") ";
  }
  (void)ask(session, {"EVAL", text, "0"});
}

std::string OneGoStarts::look(engine::Engine& engine) {
  const auto session = engine.connect();
  (void)ask(*session, {"CONFIG", "SET", "maxmemory", "0"});
  for (int db = 0; db < kRoomsOfEach; ++db) {
    (void)ask(*session, {"SELECT", std::to_string(db)});
    for (const std::string_view way : kWays)
      for (const std::string_view line : lines_in(kOneOfEach))
        if (ask(*session, words_in(line, way)).starts_with('-')) return {};
  }
  for (int round = 0; round < 3; ++round) {
    const std::vector<Said> all = draw_said();
    std::string story;
    for (const auto& [db, line] : all) story += fmt::format(" [{}] {},", db, line);
    const int home = static_cast<int>(draw("one_go.home", kRoomsOfEach));
    (void)ask(*session, {"SELECT", std::to_string(home)});
    const std::string replies = one_by_one(*session, all, home);
    const std::string others = in_transaction(*session, all, home);
    if (without_names(replies, kWays[0]) != without_names(others, kWays[1]))
      return fmt::format("a client says{} it is answered {:?}, and in a transaction {:?}", story,
                         replies.substr(0, 200), others.substr(0, 200));
    by_script(*session, all);
    for (const std::string_view way : kWays) (void)ask(*session, words_in("SET %after 1", way));
    for (int db = 0; db < kRoomsOfEach; ++db) {
      (void)ask(*session, {"SELECT", std::to_string(db)});
      std::string held[std::size(kWays)];
      for (size_t i = 0; i < std::size(kWays); ++i) {
        held[i] = held_under(*session, fmt::format("{}; %after", kHeldKeys), kWays[i]);
        for (const std::string_view line : lines_in(kLooks))
          held[i] += without_names(ask(*session, words_in(line, kWays[i])), kWays[i]);
        if (held[i] != held[0])
          return fmt::format("a client says{} one by one, and {}: database {} is not the same",
                             story, i == 1 ? "in a transaction" : "by a script", db);
      }
      (void)ask(*session, {"DEL", fmt::format("{}after", kWays[0]),
                           fmt::format("{}after", kWays[1]), fmt::format("{}after", kWays[2])});
    }
  }
  return {};
}

// What a script is answered does not depend on what another did before it, and whether that came to its end.
std::string OneGoStarts::look_at_scripts(engine::Engine& engine) {
  static constexpr std::string_view kScripts[] = {
      "return #redis.call('HGETALL','one_go')",
      "return redis.call('HGETALL','one_go')",
      "return redis.call('ZSCORE','one_go_z','m')",
      "return false",
      "return {1,2,nil,3}",
      "return redis.pcall('INCR','one_go')",
      "return {redis.call('GET','nobody'),redis.call('HGET','one_go','f')}",
      "return tostring(#ARGV)..type(KEYS)..redis.REDIS_VERSION",
      "redis.setresp(3) return redis.call('HGETALL','one_go')",
      "redis.setresp(3) return redis.call('GET','nobody')",
      "redis.setresp(3) error('x')",
      "redis.setresp(3) redis.call('INCR','one_go')",
      "redis.call('SELECT',3) error('x')",
      "redis.call('SELECT',3) return redis.call('EXISTS','one_go')",
      "undefined_here = 1",
      "return undefined_here",
      "KEYS[1]='k' ARGV[1]='a' error({err='MINE of it'})",
      "return redis.error_reply('MINE of it')"};
  const auto session = engine.connect();
  for (const std::string_view line :
       {"SELECT 5", "DEL one_go one_go_z", "HSET one_go f v g w", "ZADD one_go_z 1.5 m"})
    (void)reply_to(*session, std::string(line) + "\r\n");
  const auto run = [&](size_t script) {
    return ask(*session, {"EVAL", std::string(kScripts[script]), "0"});
  };
  std::vector<std::string> answers(std::size(kScripts));
  for (int round = 0; round < 24; ++round) {
    const size_t script = draw("one_go.script", std::size(kScripts));
    const std::string answer = run(script);
    if (!answers[script].empty() && answer != answers[script])
      return fmt::format("{} is answered {:?}, and behind other scripts {:?}", kScripts[script],
                         answers[script].substr(0, 100), answer.substr(0, 100));
    answers[script] = answer;
  }
  return {};
}

}  // namespace

std::optional<Violation> judge_one_go_starts(const CopiedStarts& as) {
  return OneGoStarts(as).judge();
}

}  // namespace powercut::scenarios
