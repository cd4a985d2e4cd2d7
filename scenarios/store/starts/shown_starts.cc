#include "scenarios/store/starts/shown_starts.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/engine.h"
#include "scenarios/store/starts/copied_starts.h"
#include "scenarios/store/starts/shown_words.h"
#include "scenarios/store/starts/slow_os.h"
#include "scenarios/store/store_target.h"
#include "sim/request.h"

namespace powercut::scenarios {

namespace {

using Words = std::vector<std::string>;

constexpr std::string_view kWrites =
    "SET %s 6; SET %n 1; INCR %s; APPEND %t x; SETRANGE %t 1 q; SETBIT %s 7 1; GETSET %s 9; "
    "GETDEL %s; GETEX %t EX 99; MSET %s 1 %n 2; MSETNX %n 1 %m 2; INCRBYFLOAT %s 0.5; DEL %s; "
    "UNLINK %l; DEL %e %h; EXPIRE %s 100; PERSIST %t; PEXPIREAT %l 1; RENAME %s %n; RENAME %l %s; "
    "RENAMENX %e %n; COPY %l %n; COPY %h %s REPLACE; MOVE %s 1; MOVE %l 1; SWAPDB 0 1; SWAPDB 1 0; "
    "FLUSHDB; FLUSHALL; RPUSH %l 9; LPUSH %n 9; LPOP %l; LMOVE %l %n LEFT RIGHT; RPOPLPUSH %l %l; "
    "LSET %l 0 7; LTRIM %l 1 1; LREM %l 0 1; LINSERT %l BEFORE 1 8; LMPOP 2 %n %l LEFT; "
    "HSET %h f 2; HDEL %h f g; HINCRBY %h f 1; ZADD %z 9 a; ZREM %z a; ZINCRBY %z 1 b; ZPOPMIN %z; "
    "ZRANGESTORE %n %z 0 -1; ZUNIONSTORE %n 1 %z; ZREMRANGEBYRANK %z 0 1; SADD %e d; SREM %e a; "
    "SPOP %e; SMOVE %e %n a; SINTERSTORE %n %e; SORT %l STORE %n; BITOP NOT %n %t; PFADD %p c; "
    "PFMERGE %n %p; GEOADD %g 1 1 c; GEOSEARCHSTORE %n %g FROMMEMBER a BYRADIUS 1000 km; "
    "XADD %x 9-1 f w; XDEL %x 2-1; XTRIM %x MAXLEN 1; XSETID %x 50-1; XGROUP CREATE %x g2 0; "
    "XGROUP DESTROY %x g; XGROUP SETID %x g 0; XGROUP CREATECONSUMER %x g two; "
    "XGROUP DELCONSUMER %x g one; XACK %x g 1-1; XREADGROUP GROUP g two COUNT 1 STREAMS %x >; "
    "XCLAIM %x g two 0 1-1; XAUTOCLAIM %x g two 0 0; SET %w1 0; DEL %w2; FUNCTION LOAD REPLACE "
    "#!lua~name=shown\nredis.register_function('shown',function()return~1~end); FUNCTION FLUSH";

// What answers the same whenever it is asked, while nothing is written. Some are writes in vain.
constexpr std::string_view kReads =
    "GET %s; GET %n; STRLEN %t; GETRANGE %t 0 -1; MGET %n %t %s; EXISTS %s %t %l %n; "
    "TOUCH %s %e %n; TYPE %s; TYPE %n; PEXPIRETIME %t; EXPIRETIME %s; OBJECT ENCODING %s; "
    "MEMORY USAGE %l; DUMP %h; LRANGE %l 0 -1; LLEN %l; LINDEX %l 0; LPOS %l 1; HGETALL %h; "
    "HGET %h f; HLEN %h; HMGET %h f g; HSCAN %h 0; ZRANGE %z 0 -1 WITHSCORES; ZSCORE %z a; "
    "ZCARD %z; ZRANK %z b; ZCOUNT %z -inf +inf; ZDIFF 2 %z %n; ZINTERCARD 2 %z %z; SMEMBERS %e; "
    "SISMEMBER %e a; SCARD %e; SINTER %e %e; SUNION %n %e; SDIFF %e %n; SSCAN %e 0; XLEN %x; "
    "XRANGE %x - +; XREAD STREAMS %x 0; XINFO STREAM %x; XINFO GROUPS %x; XPENDING %x g; "
    "GEOPOS %g a c; GEOSEARCH %g FROMMEMBER a BYRADIUS 1000 km ASC; PFCOUNT %p; BITCOUNT %t; "
    "GETBIT %s 7; LCS %s %t; SORT %l; SORT %l BY %w*; SORT %l BY %w* GET # GET %w*; "
    "SORT_RO %l BY nosort GET %w*; KEYS %*; SCAN 0 COUNT 100000 MATCH %*; DBSIZE; FUNCTION LIST; "
    "FUNCTION DUMP; EVAL return~redis.call('EXISTS','%n') 0; "
    "EVAL return~redis.call('GET',KEYS[1]) 1 %s; EVAL_RO return~redis.call('DBSIZE') 0; "
    "SETNX %s 1; SET %n 1 XX; SET %s 1 NX GET; HSETNX %h f 9; SADD %e a; ZADD %z NX 1 a; "
    "ZADD %z XX 1 q; DEL %n; LPUSHX %n v; PERSIST %s; COPY %s %t; RENAMENX %s %t; SMOVE %n %e a; "
    "LPUSH %s v; INCR %t; MSETNX %s 1 %n 2; MOVE %t 1; XADD %x 3-1 f v; XGROUP CREATE %x g 0; "
    "XACK %x g 9-9; XDEL %x 7-7; XCLAIM %x g two 100000000 1-1; EXPIRE %n 100; RENAME %n %q; "
    "LPOP %n; LSET %l 99 x; SPOP %n; HDEL %h q; ZREM %z q; PFADD %p a; BITFIELD %s GET u8 0; "
    "FCALL shown 0";

constexpr std::string_view kWaits =
    "BLPOP %n 0; BRPOP %m %n 0; BLMOVE %n %m LEFT LEFT 0; BLMPOP 0 1 %n RIGHT; BRPOPLPUSH %n %m 0; "
    "BZPOPMIN %n 0; BZMPOP 0 1 %n MAX; XREAD BLOCK 0 STREAMS %x 3-1; "
    "XREADGROUP GROUP w one BLOCK 0 STREAMS %x >";

constexpr std::string_view kPrefix = "shown:";

class ShownStarts final : CopiedStarts {
 public:
  explicit ShownStarts(const CopiedStarts& as) : CopiedStarts(as) {}
  std::optional<Violation> judge();

 private:
  std::string look_at_unreleased(SlowOs& os, engine::Engine& engine);
  std::string look_at_round(SlowOs& os, engine::Engine& engine);
  std::string look_at_unsynced(SlowOs& os, engine::Engine& engine);
  bool lay_out(engine::Session& session);
  bool is_all_synced(SlowOs& os, engine::Engine& engine);
  std::string_view one_of(Site site, std::string_view lines) {
    const auto all = lines_in(lines);
    return all[draw(site, all.size())];
  }
};

// In databases 0 and 1, which are this client's alone. False: it is refused.
bool ShownStarts::lay_out(engine::Session& session) {
  std::string all = sim::encode_request({"MULTI"}) + sim::encode_request({"FLUSHALL"});
  size_t count = 2;
  const auto add = [&](const Words& words) {
    all += sim::encode_request(words);
    ++count;
  };
  for (const std::string_view db : {"1", "0"}) {
    add({"SELECT", std::string(db)});
    for (const std::string_view line : lines_in(kOneOfEach)) add(words_in(line, kPrefix));
    if (db == "1") add({"DEL", "shown:s", "shown:l"});
  }
  add({"EXEC"});
  session.feed(all);
  return take(session, count).find("\r\n-") == std::string::npos;
}

bool ShownStarts::is_all_synced(SlowOs& os, engine::Engine& engine) {
  os.sync_takes = {};
  for (const Instant last = os.now() + seconds(5); os.now() < last; rest(os, milliseconds(1)))
    if (engine.aof().active() && engine.aof().synced_lsn() == engine.aof().applied_lsn())
      return true;
  return false;
}

// --- What is not released ---

namespace {

// Asks one thing again and again, and notes when each answer came.
struct Reader {
  std::unique_ptr<engine::Session> session;
  std::string line;
  std::string request;
  size_t replies = 1;  // to one request
  std::string key;
  bool watches = false;  // that key, and what comes of it
  bool waits = false;    // and is answered when it is served
  bool once() const { return watches || waits; }
  std::string said;
  struct Answer {
    std::string text;
    uint64_t released = 0;  // by then
  };
  std::vector<Answer> answers;
  std::vector<uint64_t> asked;  // behind these operations
  // In one line; empty: it was told in time.
  std::string told_too_early(const std::string& wrote) const;
  void hear(uint64_t released) {
    const std::string_view ready = session->ready();
    said += ready;
    session->consume(ready.size());
    for (;;) {
      size_t length = 0;
      for (size_t n = 0; n < replies; ++n) {
        const size_t next = reply_length(std::string_view(said).substr(length));
        if (next == 0) return;
        length += next;
      }
      answers.push_back({said.substr(0, length), released});
      said.erase(0, length);
    }
  }
};

std::string Reader::told_too_early(const std::string& wrote) const {
  if (answers.size() < asked.size() && !waits)
    return fmt::format("who says {} is not answered", line);
  for (size_t i = 1; i < std::min(answers.size(), asked.size()); ++i)
    if (answers[i].text != answers[i - 1].text && answers[i].released < asked[i])
      return fmt::format(
          "who says {} is shown what came of {}, operation {}, and {} is the last released", line,
          wrote, asked[i], answers[i].released);
  return {};
}

}  // namespace

std::string ShownStarts::look_at_unreleased(SlowOs& os, engine::Engine& engine) {
  if (!options_.append_only) return {};
  const auto session = engine.connect();
  (void)ask(*session, {"CONFIG", "SET", "maxmemory", "0", "auto-aof-rewrite-percentage", "0"});
  (void)ask(*session, {"CONFIG", "SET", "appendfsync", "always"});
  for (int round = 0; round < 6; ++round)
    if (std::string amiss = look_at_round(os, engine); !amiss.empty()) return amiss;
  return {};
}

// Who asks before and behind each of some writes: the first answer that differs is told when that write may be.
std::string ShownStarts::look_at_round(SlowOs& os, engine::Engine& engine) {
  constexpr size_t kReaders = 8;
  constexpr int64_t kBetweenUs[] = {0, 30, 2'000};
  const engine::AofLog& log = engine.aof();
  const auto writer = engine.connect();
  if (!lay_out(*writer) || !is_all_synced(os, engine)) return {};
  std::vector<Reader> readers(kReaders);
  const auto hear = [&] {
    for (Reader& reader : readers) reader.hear(log.released_lsn());
  };
  bool disturbed = false;  // what they ask has changed something
  const auto ask_all = [&] {
    for (Reader& reader : readers) {
      const bool first = reader.asked.empty();
      if (disturbed || (reader.once() && reader.asked.size() > 1)) continue;
      reader.asked.push_back(log.applied_lsn());
      if (first && reader.watches) {
        (void)ask(*reader.session, {"WATCH", reader.key});
        if (draw("shown.db_then", 3) == 0) (void)ask(*reader.session, {"SELECT", "2"});
      }
      if (first ? !reader.watches : !reader.waits) reader.session->feed(reader.request);
      disturbed = log.applied_lsn() != reader.asked.back();
    }
  };
  for (Reader& reader : readers) {
    reader.session = engine.connect();
    if (draw("shown.db", 4) == 0) (void)ask(*reader.session, {"SELECT", "1"});
    const uint64_t way = draw("shown.way", 8);
    reader.waits = way == 7;
    reader.line = reader.waits ? one_of("shown.wait", kWaits) : one_of("shown.read", kReads);
    const Words words = words_in(reader.line, kPrefix);
    reader.watches = way == 6 && words.size() > 1;
    reader.request = wrapped(words, way < 3 ? way : 0, reader.replies);
    if (reader.waits) reader.answers.push_back({});
    if (!reader.watches) continue;
    // Whether its transaction is done shows whether the key has changed.
    reader.key = words.back();
    reader.line = "WATCH " + reader.key + ", and EXEC";
    reader.request = wrapped({"PING"}, 1, reader.replies);
    reader.answers.push_back({"+OK\r\n+QUEUED\r\n*1\r\n+PONG\r\n"});
  }
  ask_all();
  if (!is_all_synced(os, engine)) return {};
  hear();
  std::string wrote;
  os.sync_takes = milliseconds(300);
  for (uint64_t n = 1 + draw("shown.writes", 2); n != 0; --n) {
    const std::string_view line = one_of("shown.write", kWrites);
    size_t replies = 0;
    writer->feed(wrapped(words_in(line, kPrefix), draw("shown.way_of_write", 6), replies));
    wrote += fmt::format("{}{}", wrote.empty() ? "" : ", ", line.substr(0, line.find('\n')));
    ask_all();
    hear();
    rest(os, microseconds(kBetweenUs[draw("shown.between", std::size(kBetweenUs))]));
    hear();
  }
  for (const Instant last = os.now() + seconds(2); os.now() < last; rest(os, milliseconds(20)))
    hear();
  for (const Reader& reader : readers)
    if (std::string amiss = reader.told_too_early(wrote); !amiss.empty()) return amiss;
  return {};
}

// --- What is not synced ---

// However a client has come to what it did, WAITAOF tells it of the log when the log has synced that.
std::string ShownStarts::look_at_unsynced(SlowOs& os, engine::Engine& engine) {
  constexpr std::string_view kOwn =
      "SET %s 6; RPUSH %l 1; GETDEL %s; SPOP %e; DEL %h; EXPIRE %s 100; XADD %x * f v; COPY %s %n; "
      "XREADGROUP GROUP g two STREAMS %x >";
  constexpr std::pair<std::string_view, std::string_view> kServed[] = {
      {"BLPOP %n 0", "RPUSH %n a"},
      {"BLPOP %n 0", "RENAME %l %n"},
      {"BRPOP %n 0", "COPY %l %n"},
      {"BLMOVE %n %m LEFT LEFT 0", "LPUSH %n a b"},
      {"BLMPOP 0 1 %n RIGHT", "SORT %l STORE %n"},
      {"BZPOPMIN %n 0", "ZADD %n 1 a"},
      {"BZMPOP 0 1 %n MAX", "ZUNIONSTORE %n 1 %z"},
      {"XREADGROUP GROUP g two BLOCK 0 STREAMS %y >", "XADD %y * f v"}};
  if (!options_.append_only) return {};
  const engine::AofLog& log = engine.aof();
  const auto other = engine.connect();
  (void)ask(*other, {"CONFIG", "SET", "auto-aof-rewrite-percentage", "0"});
  (void)ask(*other, {"CONFIG", "SET", "appendfsync", "everysec"});
  for (int round = 0; round < 5; ++round) {
    if (!lay_out(*other)) return {};
    (void)ask(*other, {"XGROUP", "CREATE", "shown:y", "g", "0", "MKSTREAM"});
    if (!is_all_synced(os, engine)) return {};
    const auto client = engine.connect();
    os.sync_takes = milliseconds(900);
    std::string how;
    if (draw("shown.served", 2) == 0) {
      const auto& [wait, push] = kServed[draw("shown.serves", std::size(kServed))];
      client->feed(sim::encode_request(words_in(wait, kPrefix)));
      if (!client->waits()) return {};
      size_t replies = 0;
      other->feed(wrapped(words_in(push, kPrefix), draw("shown.pushes", 3), replies));
      how = fmt::format("waits with {}, and is served by {}", wait, push);
    } else {
      const std::string_view line = one_of("shown.own", kOwn);
      size_t replies = 0;
      client->feed(wrapped(words_in(line, kPrefix), draw("shown.way", 3), replies));
      how = fmt::format("says {}", line);
    }
    const uint64_t lsn = log.applied_lsn();
    rest(os, milliseconds(3));
    if (client->waits()) continue;
    client->consume(client->ready().size());
    client->feed(sim::encode_request({"WAITAOF", "1", "0", "1"}));
    std::string_view said;
    for (const Instant last = os.now() + milliseconds(400); os.now() < last && said.empty();
         rest(os, milliseconds(1)))
      said = client->ready();
    if (said.starts_with("*2\r\n:1\r\n") && log.synced_lsn() < lsn)
      return fmt::format("who {}, in operation {}, is told by WAITAOF that it is synced, and {} is",
                         how, lsn, log.synced_lsn());
    client->consume(said.size());
    os.sync_takes = {};
    if (ask(*client, {"WAITAOF", "1", "0", "5000"}) == "*2\r\n:0\r\n:0\r\n" &&
        log.synced_lsn() >= lsn)
      return fmt::format("who {}, in operation {}, is told by WAITAOF that it is not synced", how,
                         lsn);
  }
  return {};
}

std::optional<Violation> ShownStarts::judge() {
  see_slow("that is asked before and behind a write",
           [this](SlowOs& os, engine::Engine& engine) { return look_at_unreleased(os, engine); });
  see_slow("that is asked what is synced",
           [this](SlowOs& os, engine::Engine& engine) { return look_at_unsynced(os, engine); });
  return wrong_;
}

}  // namespace

std::optional<Violation> judge_shown_starts(const CopiedStarts& as) {
  return ShownStarts(as).judge();
}

}  // namespace powercut::scenarios
