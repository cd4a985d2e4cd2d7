#include "scenarios/store/starts/expired_starts.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "engine/engine.h"
#include "scenarios/store/keyspace/digest.h"
#include "scenarios/store/starts/copied_starts.h"
#include "scenarios/store/starts/shown_words.h"

namespace powercut::scenarios {

namespace {

constexpr std::string_view kTold = "where keys have expired";
// One has, beside a key of each type, what is over; the other has not.
constexpr std::string_view kBoth[] = {"expired:", "without:"};
constexpr std::string_view kOver =
    "SET %n 1; RPUSH %m 5 4; SET %w1 9; SET %w3 8; HSET %q f 1; ZADD %o 1 a; SADD %r a b; "
    "XADD %y 1-1 f v; SET %w4 0";
constexpr std::string_view kSaid =
    "SORT %l BY %w*; SORT %l BY %w* STORE %d; SORT %l BY nosort GET %w* STORE %d; "
    "SORT %l BY nosort GET %w*; SORT %l BY nosort GET %q->f; SORT %l BY %q->f DESC GET #; "
    "SORT %m; SORT_RO %l GET %w*; EXISTS %n %m %q %o %r %y %w1; MGET %n %w1 %w2 %w3; KEYS %*; "
    "SCAN 0 COUNT 100000 MATCH %*; TYPE %n; TOUCH %n %r; DUMP %q; OBJECT ENCODING %m; "
    "COPY %n %d; COPY %l %m; COPY %s %w4; RENAME %m %d; RENAMENX %l %m; RENAMENX %s %n; "
    "MSETNX %n 1 %w4 2; SETNX %n 3; SET %n 3 XX; SET %w1 3 GET; SET %w4 3 KEEPTTL; APPEND %n x; "
    "INCR %n; GETDEL %n; GETEX %w3 PERSIST; SETRANGE %n 2 x; GETSET %w1 7; STRLEN %n; LCS %t %n; "
    "BITOP OR %d %n %t; PFCOUNT %p %n; PERSIST %m; EXPIRE %m 1000; EXPIRE %w1 1000 NX; "
    "DEL %n %m; UNLINK %q; LPUSHX %m 1; RPUSH %m 7; LPOP %m; LMOVE %m %l LEFT LEFT; "
    "LMOVE %l %m LEFT LEFT; LINSERT %m BEFORE 5 1; LMPOP 2 %m %l LEFT; HGETALL %q; "
    "HSETNX %q f 2; HINCRBY %q f 1; ZADD %o XX 2 a; ZADD %o NX 2 a; ZINCRBY %o 1 a; "
    "ZUNION 2 %z %o WITHSCORES; ZUNIONSTORE %d 2 %z %o; ZINTERSTORE %d 2 %z %o; ZDIFF 2 %z %o; "
    "ZRANGESTORE %d %o 0 -1; ZMPOP 2 %o %z MIN; SUNION %e %r; SDIFF %e %r; SINTERCARD 2 %e %r; "
    "SDIFFSTORE %d %e %r; SINTERSTORE %d %e %r; SUNIONSTORE %r %r %e; SMOVE %r %e a; "
    "SMOVE %e %r b; SADD %r a; SCARD %r; XADD %y NOMKSTREAM 2-1 f v; XADD %y 1-1 f w; XLEN %y; "
    "XREAD STREAMS %y 0; XGROUP CREATE %y g 0; XTRIM %y MAXLEN 0; "
    "GEOSEARCHSTORE %d %g FROMMEMBER a BYRADIUS 1000 km; "
    "EVAL return~redis.call('EXISTS','%n','%m') 0; "
    "EVAL return~redis.call('APPEND',KEYS[1],'x') 1 %n; "
    "EVAL return~{redis.call('DEL',KEYS[1]),redis.call('LPUSHX',KEYS[2],1)} 2 %n %m";
constexpr std::string_view kNames =
    "%s; %t; %l; %h; %z; %e; %g; %p; %n; %m; %q; %o; %r; %y; %w1; %w2; %w3; %w4; %d";

class ExpiredStarts final : CopiedStarts {
 public:
  explicit ExpiredStarts(const CopiedStarts& as) : CopiedStarts(as) {}
  std::optional<Violation> judge();

 private:
  bool lay_out(engine::Os& os, engine::Session& session);
  void say_of_both(engine::Session& session);
  std::string story_;
  std::string amiss_;
};

// Whosever keys it names, in whatever order.
std::string plain(std::string text) {
  for (size_t at; (at = text.find(kBoth[1])) != text.npos;)
    text.replace(at, kBoth[1].size(), kBoth[0]);
  if (text.find(kBoth[0]) == text.npos) return text;
  std::vector<std::string> lines;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find("\r\n", at), text.size());
    lines.push_back(text.substr(at, end - at));
    at = end + 2;
  }
  std::sort(lines.begin(), lines.end());
  return fmt::format("{}", fmt::join(lines, " "));
}

// False: something of it is refused.
bool ExpiredStarts::lay_out(engine::Os& os, engine::Session& session) {
  (void)ask(session, {"CONFIG", "SET", "maxmemory", "0"});
  for (const std::string_view prefix : kBoth)
    for (const std::string_view line : lines_in(kOneOfEach))
      if (ask(session, words_in(line, prefix)).starts_with('-')) return false;
  for (const std::string_view line : lines_in(kOver)) {
    if (ask(session, words_in(line, kBoth[0])).starts_with('-')) return false;
    (void)ask(session, {"PEXPIRE", words_in(line, kBoth[0])[1], "20"});
    (void)ask(session, {"DEL", words_in(line, kBoth[1])[1]});
  }
  rest(os, milliseconds(40));
  return true;
}

// Whatever is said of both, it is answered the same, and comes to the same.
void ExpiredStarts::say_of_both(engine::Session& session) {
  const auto all = lines_in(kSaid);
  for (int n = 0; n < 24; ++n) {
    const std::string_view line = all[draw("expired.said", all.size())];
    const uint64_t way = draw("expired.way", 6);
    story_ = fmt::format("{}{}{}", story_.size() > 300 ? "..." : story_, story_.empty() ? "" : ", ",
                         line);
    std::string replies[std::size(kBoth)];
    for (size_t i = 0; i < std::size(kBoth); ++i) {
      size_t count = 0;
      session.feed(wrapped(words_in(line, kBoth[i]), way, count));
      replies[i] = plain(take(session, count));
    }
    if (replies[0] == replies[1]) continue;
    amiss_ = fmt::format("it is answered {:?}, and {:?}", replies[0].substr(0, 80),
                         replies[1].substr(0, 80));
    return;
  }
  if (held_under(session, kNames, kBoth[0]) != held_under(session, kNames, kBoth[1]))
    amiss_ = "other values are there then";
}

std::optional<Violation> ExpiredStarts::judge() {
  sim::WorldState copy = world_;
  std::optional<uint64_t> digest;
  int64_t wall_ms = 0;
  const Came came = open(copy, nullptr, [&](engine::Os& os, engine::Engine& engine) {
    engine.set_active_expire(false);
    const auto session = engine.connect();
    if (!lay_out(os, *session)) return;
    say_of_both(*session);
    if (options_.append_only) (void)ask(*session, {"WAITAOF", "1", "0", "5000"});
    wall_ms = os.wall_now().unix_ms;
    digest = keyspace_digest(engine.keyspace(), wall_ms);
  });
  expect_same(came, kTold);
  const std::string said = "of keys that have expired, and of none, a client says " + story_ + ": ";
  if (!wrong_ && !amiss_.empty()) wrong(Breach::kUntrue, kTold, said + amiss_);
  if (wrong_ || !digest || !options_.append_only) return wrong_;
  copy.disk = copy.disk.after_kill();
  uint64_t again = 0;
  const Came then = open(copy, nullptr, [&](engine::Os&, engine::Engine& engine) {
    again = keyspace_digest(engine.keyspace(), wall_ms);
  });
  if (!then.started())
    wrong(Breach::kNoStart, kTold, then.text());
  else if (again != *digest)
    wrong(Breach::kUntrue, kTold, said + "behind a restart other values are there");
  return wrong_;
}

}  // namespace

std::optional<Violation> judge_expired_starts(const CopiedStarts& as) {
  return ExpiredStarts(as).judge();
}

}  // namespace powercut::scenarios
