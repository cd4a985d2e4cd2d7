#include "scenarios/store/starts/many_changes.h"

#include <fmt/format.h>

#include <iterator>
#include <string_view>
#include <vector>

#include "engine/command/session.h"
#include "scenarios/store/starts/copied_starts.h"
#include "scenarios/store/starts/shown_words.h"
#include "sim/request.h"

namespace powercut::scenarios {

namespace {

using Request = std::vector<std::string>;

constexpr std::string_view kPrefix = "walked:";
constexpr int kDatabases = 3;
constexpr std::string_view kOfAll =
    "SWAPDB 0 1; SWAPDB 1 2; SWAPDB 0 2; FLUSHDB; FLUSHDB SYNC; FLUSHALL; MOVE %L 1; MOVE %s 2; "
    "COPY %H %d DB 1 REPLACE; COPY %L %s DB 2 REPLACE; RENAME %H %Z; RENAME %S %t; RENAME %L %L; "
    "DEL %L %S %x; UNLINK %H %Z; FUNCTION FLUSH; FUNCTION DELETE walked; FCALL walked 1 %s; "
    "FUNCTION LOAD REPLACE "
    "#!lua~name=walked\nredis.register_function('walked',function(k)~"
    "return~redis.call('APPEND',k[1],'f')~end); "
    "EVAL redis.call('SELECT',1)~redis.call('SET',KEYS[1],'e')~redis.call('DEL',KEYS[2]) 2 %s %L; "
    "EVAL redis.call('SWAPDB',0,1)~return~redis.call('RPUSH',KEYS[1],'e') 1 %L; "
    "EVAL local~n=0~for~i=1,400~do~n=n+i~end~return~n 0; "
    "EVAL for~i=1,9~do~redis.call('INCR',KEYS[1])~end 1 %s; "
    "EVAL for~i=1,90~do~redis.call('INCR',KEYS[1])~end~redis.call('RPUSH',KEYS[2],'e') 2 %s %L";
// Others are let in meanwhile.
constexpr std::string_view kPauses = "EVAL local~n=0~for~i=1,400~do~n=n+i~end~return~n 0";
constexpr std::string_view kOfOne =
    "COPY %L %t REPLACE; RENAMENX %l %d; PERSIST %t; PEXPIRE %L 5; PEXPIRE %s 1; EXPIRE %H 100000; "
    "GETEX %s PX 3; SET %t x KEEPTTL; SET %s 6; SET %S x EX 50000; GETDEL %t; APPEND %S tail; "
    "SETRANGE %S 7 mid; SETBIT %S 77 1; INCR %s; BITFIELD %t INCRBY u8 0 9; RPUSH %L z; LPOP %L; "
    "LTRIM %L 3 9; LINSERT %L BEFORE 7 x; LREM %L 0 3; LSET %L 2 x; LMOVE %L %l LEFT RIGHT; "
    "LMOVE %l %d LEFT LEFT; HSET %H 3 x; HDEL %H 1 2; HDEL %h f g; HINCRBY %H n 1; SADD %E x; "
    "SREM %E 1 2; SPOP %E; SMOVE %E %e 3; SINTERSTORE %d %E %L; SUNIONSTORE %d %E %e; ZADD %Z 9 x; "
    "ZREM %Z 4; ZINCRBY %Z 1 5; ZPOPMIN %Z; ZREMRANGEBYRANK %z 0 -1; ZUNIONSTORE %d 2 %z %Z; "
    "XADD %x 9-1 f v; XTRIM %x MAXLEN 1; XDEL %x 1-1; XREADGROUP GROUP g two COUNT 2 STREAMS %x >; "
    "XACK %x g 1-1; XCLAIM %x g two 0 1-1 2-1; XAUTOCLAIM %x g two 0 0; XCLAIM %x w two 0 2-1 "
    "FORCE LASTID 5-1; XGROUP DELCONSUMER %x g "
    "one; XGROUP CREATE %x n 0; XGROUP DESTROY %x g; XGROUP SETID %x w 0; PFADD %p q; "
    "PFADD %p r s; PFMERGE %p %d; GEOADD %g 1 1 c; SORT %L ALPHA STORE %d; GET "
    "%s; GET %S; LRANGE %L 0 -1; "
    "HGETALL %H; SMEMBERS %E; ZRANGE %Z 0 -1; EXISTS %L; BGREWRITEAOF; "
    "BGSAVE";

}  // namespace

// The same in each of some databases, but for who looks at which.
void ManyChanges::lay_out(engine::Session& session) {
  (void)ask(session, {"CONFIG", "SET", "maxmemory", "0"});
  static constexpr const char* kSparse[] = {"3000", "100", "20"};
  const char* const sparse = kSparse[draw_("changes.sparse", std::size(kSparse))];
  (void)ask(session, {"CONFIG", "SET", "hll-sparse-max-bytes", sparse});
  const bool many = draw_("changes.many", 6) == 0;
  const int elements = many ? 250 + static_cast<int>(draw_("changes.elements", 20)) : 24;
  const Request entries = {"EVAL",
                           "for i=1,ARGV[1] do redis.call('XADD',KEYS[1],'*','f',i) end "
                           "redis.call('XGROUP','CREATE',KEYS[1],'g',0)",
                           "1", words_in("%X", kPrefix)[0], std::to_string(elements)};
  for (int db = 0; db < kDatabases; ++db) {
    (void)ask(session, {"SELECT", std::to_string(db)});
    for (const std::string_view line : lines_in(kOneOfEach))
      (void)ask(session, words_in(line, kPrefix));
    Request list = words_in("RPUSH %L", kPrefix);
    Request hash = words_in("HSET %H", kPrefix);
    Request set = words_in("SADD %E", kPrefix);
    Request sorted = words_in("ZADD %Z", kPrefix);
    for (int n = 0; n < elements; ++n) {
      const std::string number = std::to_string(n), text = fmt::format("{}-of-{}", n, db);
      list.insert(list.end(), {number, text});
      hash.insert(hash.end(), {number, text});
      set.insert(set.end(), {number, text});
      sorted.insert(sorted.end(), {number, number});
    }
    const Request taken = words_in("XREADGROUP GROUP g one STREAMS %X >", kPrefix);
    for (const Request& words : {list, hash, set, sorted, entries, taken})
      (void)ask(session, words);
    const std::string key = words_in("%S", kPrefix)[0];
    (void)ask(session, {"SET", key, std::string(300, static_cast<char>('a' + db))});
    for (const std::string_view name : lines_in("%s; %t; %l; %h; %z; %e; %x; %g; %p"))
      if (draw_("changes.dated", 3) == 0)
        (void)ask(session, {"EXPIRE", words_in(name, kPrefix)[0], "100000"});
  }
}

// One thing, or several at once. As a story has it.
std::string ManyChanges::say(engine::Session& session) {
  const auto of_all = lines_in(kOfAll), of_one = lines_in(kOfOne);
  const auto line = [&] {
    const auto& from = draw_("changes.all", 3) == 0 ? of_all : of_one;
    return from[draw_("changes.line", from.size())];
  };
  const std::string db = std::to_string(draw_("changes.db", kDatabases));
  (void)ask(session, {"SELECT", db});
  std::vector<std::string_view> lines;
  const bool together = draw_("changes.together", 4) == 0;
  for (uint64_t n = together ? 2 + draw_("changes.number", 3) : 1; n > 0; --n)
    lines.push_back(line());
  if (together && draw_("changes.pauses", 3) == 0) lines.push_back(kPauses);
  size_t replies = 0;
  if (!together) {
    session.feed(
        wrapped(words_in(lines[0], kPrefix), draw_("changes.way", 6) == 0 ? 2 : 0, replies));
  } else {
    std::string all = sim::encode_request({"MULTI"});
    for (const std::string_view one : lines) all += sim::encode_request(words_in(one, kPrefix));
    session.feed(all + sim::encode_request({"EXEC"}));
    replies = lines.size() + 2;
  }
  replies_ = take(session, replies);
  return fmt::format("[{}] {}", db, fmt::join(lines, together ? " + " : ""));
}

}  // namespace powercut::scenarios
