#include "scenarios/workload/generated.h"

#include <fmt/format.h>
#include <rapidcheck.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "scenarios/workload/script_texts.h"
#include "sim/request.h"

namespace powercut::scenarios {

namespace {

constexpr int kUnits = 20'000;
constexpr int kKeys = 24;           // of each family: few, so that commands meet
constexpr int kFewKeys = 4;         // where they are to meet a key that has just expired
constexpr int kCounters = 4;        // keys of them, and of bitmaps: what is changed is to be there
constexpr int kSketches = 4;        // keys of them: a sketch is to be counted between changes
constexpr int kStreams = 1;         // keys of them among others: with a group, and entries
constexpr int kMembers = 12;        // of a set, fields of a hash
constexpr int kUsualDatabases = 4;  // mostly; now and then any of kMostDatabases
constexpr int kMostDatabases = 16;

// A piece of a command: one word or several.
using Words = std::vector<std::string>;
using Piece = rc::Gen<Words>;

Piece word(std::string text) { return rc::gen::just(Words{std::move(text)}); }

// Now and then, or nothing.
Piece maybe(Piece piece) {
  return rc::gen::weightedOneOf<Words>({{1, std::move(piece)}, {1, rc::gen::just(Words{})}});
}

// Pieces one after the other.
Piece line(std::vector<Piece> pieces) {
  return Piece([pieces = std::move(pieces)](const rc::Random& random, int size) {
    rc::Random source = random;
    Words words;
    for (const Piece& piece : pieces) {
      for (std::string& one : piece(source.split(), size).value()) words.push_back(std::move(one));
    }
    return rc::shrinkable::just(std::move(words));
  });
}

// "SET" and the rest.
Piece say(std::string name, std::vector<Piece> pieces) {
  pieces.insert(pieces.begin(), word(std::move(name)));
  return line(std::move(pieces));
}

// `piece` once, or up to `most` times.
Piece some(int most, Piece piece) {
  return Piece([most, piece = std::move(piece)](const rc::Random& random, int size) {
    rc::Random source = random;
    const int count = rc::gen::inRange(1, most + 1)(source.split(), size).value();
    Words words;
    for (int i = 0; i < count; ++i) {
      for (std::string& one : piece(source.split(), size).value()) words.push_back(std::move(one));
    }
    return rc::shrinkable::just(std::move(words));
  });
}

using Weighted = std::initializer_list<std::pair<size_t, Piece>>;
Piece pick(Weighted choices) { return rc::gen::weightedOneOf<Words>(choices); }

Piece number(int64_t least, int64_t most) {
  return rc::gen::map(rc::gen::inRange<int64_t>(least, most + 1),
                      [](int64_t n) { return Words{std::to_string(n)}; });
}

Piece named(std::string prefix, int count) {
  return rc::gen::map(rc::gen::inRange(0, count), [prefix = std::move(prefix)](int n) {
    return Words{fmt::format("{}:{}", prefix, n)};
  });
}

// Mostly one of a family's own; now and then one that every family uses, so that types meet, or an odd one.
Piece key(const std::string& family, int count) {
  return pick({{30, named(family, count)},
               {2, named("any", 4)},
               {1, pick({{1, word("")}, {1, word(std::string("\0\r\n*$", 5))}})}});
}
// Now and then too long for what holds it to stay packed.
Piece member() {
  static const Piece piece = pick({{40, named("m", kMembers)}, {1, word(std::string(80, 'm'))}});
  return piece;
}

// Where an encoding ends and the next begins.
Piece edge() {
  return pick({{1, word("0")},
               {1, word("-1")},
               {1, word("12")},
               {1, word("13")},
               {1, word("127")},
               {1, word("-128")},
               {1, word("128")},
               {1, word("4095")},
               {1, word("-4096")},
               {1, word("32767")},
               {1, word("32768")},
               {1, word("65535")},
               {1, word("-32769")},
               {1, word("8388608")},
               {1, word("2147483647")},
               {1, word("4294967295")},
               {1, word("-2147483649")},
               {1, word("9223372036854775807")},
               {1, word("-9223372036854775808")},
               {1, word("9223372036854775808")},
               {1, word("007")},
               {1, word("-0")}});
}

// Where a length needs more bits in a file, text is compressed, or a block, a buffer or a slice ends: one less, just so
// much, one more.
Piece edge_of_size() {
  return rc::gen::map(rc::gen::pair(rc::gen::element(12, 20, 64, 512, 1'024, 4'096, 16'384),
                                    rc::gen::inRange(-1, 2)),
                      [](std::pair<int, int> of) {
                        std::string text(static_cast<size_t>(of.first + of.second), 'e');
                        for (size_t i = 0; i < text.size(); ++i)  // so that it does not shrink much
                          text[i] = static_cast<char>('!' + (i * i * 31 + i / 7) % 90);
                        return Words{std::move(text)};
                      });
}

// Mostly short text; now and then a number, nothing, binary, or longer than a block of the disk or a slice of a
// checkpoint.
Piece value() {
  static const Piece piece = pick({
      {12, rc::gen::map(rc::gen::inRange(0, 1'000'000),
                        [](int n) { return Words{fmt::format("value-{}", n)}; })},
      {3, rc::gen::map(rc::gen::container<std::string>(rc::gen::arbitrary<char>()),
                       [](std::string s) { return Words{std::move(s)}; })},
      {2, rc::gen::map(rc::gen::inRange(100, 2'000),
                       [](int n) {
                         return Words{
                             std::string(static_cast<size_t>(n), static_cast<char>('a' + n % 26))};
                       })},
      {1, rc::gen::map(rc::gen::inRange(4'000, 12'000),
                       [](int n) { return Words{std::string(static_cast<size_t>(n), 'L')}; })},
      {2, edge()},
      {1, word("")},
      {1, edge_of_size()},
  });
  return piece;
}

// In the past as well: of the workload's clock, in units of so many milliseconds.
Piece moment(int64_t unit_ms) {
  return rc::gen::map(rc::gen::inRange<int64_t>(-1'000, 60'000), [unit_ms](int64_t n) {
    return Words{std::to_string((Workload{}.wall_start_ms + n) / unit_ms)};
  });
}

// When a key is to expire, as SET and GETEX take it.
Piece expires_at() {
  return pick({{3, line({word("PX"), number(1, 400)})},
               {1, line({word("EX"), number(1, 3)})},
               {1, line({word("PXAT"), moment(1)})},
               {1, line({word("EXAT"), moment(1'000)})}});
}

Piece score() {
  static const Piece piece = pick({
      {8, number(-100, 100)},
      {2, rc::gen::map(rc::gen::inRange(-4'000, 4'000),
                       [](int n) {
                         return Words{fmt::format("{}.{}", n / 8, (n < 0 ? -n : n) % 8 * 125)};
                       })},
      {1, pick({{1, word("inf")}, {1, word("-inf")}})},
  });
  return piece;
}

// How long a client waits for a key. For ever is until it loses patience: scenarios/run/clients.cc.
Piece briefly() {
  static const Piece piece = pick({{4, word("0.01")}, {2, word("0.05")}, {1, word("0")}});
  return piece;
}

// DUMP of the string "10", as redis-server 7.0.15 answers it.
constexpr char kDumpOfTen[] = "\x00\xc0\x0a\x0a\x00\x6e\x9f\x57\x45\x0e\xae\x63\xbb";

// One of BITFIELD's: narrow and wide, so that some overflow, with and without a sign.
Piece bit_operation() {
  const Piece type = pick({{2, word("u4")}, {2, word("i5")}, {1, word("i16")}, {1, word("u63")}});
  const Piece offset = pick({{3, number(0, 400)}, {1, word("#3")}});
  return pick({
      {3, line({word("SET"), type, offset, number(-20, 20)})},
      {4, line({word("INCRBY"), type, offset, number(-9, 9)})},
      {2, line({word("OVERFLOW"), pick({{1, word("FAIL")}, {1, word("SAT")}, {1, word("WRAP")}})})},
      {1, line({word("GET"), type, offset})},
  });
}

// A place: a few, far apart and near each other, so that a search finds some of them.
Piece place() {
  return pick({{3, line({number(10, 14), number(36, 39)})},
               {1, line({number(-180, 180), number(-85, 85)})},
               {1, line({word("13.361389"), word("38.115556")})}});
}

// What a search looks for, and how much it takes of it.
Piece around() { return pick({{3, word("200")}, {2, word("50")}, {1, word("5000")}}); }
Piece so_many() {
  return pick({{2, word("ASC")},
               {1, line({word("COUNT"), number(1, 4)})},
               {1, line({word("COUNT"), number(1, 4), word("ANY"), word("DESC")})}});
}

// Of any key: it is gone when somebody comes back to it, or soon after.
Piece soon_gone(const Piece& k) { return say("PEXPIRE", {k, number(1, 400)}); }

// SET with what goes together.
Piece set_with_options(const Piece& k) {
  return say("SET", {k, value(), maybe(pick({{1, word("NX")}, {3, word("XX")}})),
                     maybe(word("GET")), maybe(pick({{2, word("KEEPTTL")}, {1, expires_at()}}))});
}

// RESTORE: onto what is there or not, to expire or not, and perhaps expired already.
Piece restore(const Piece& k) {
  const Piece dump = word(std::string(kDumpOfTen, sizeof kDumpOfTen - 1));
  return pick({{1, say("RESTORE", {k, word("0"), dump, maybe(word("REPLACE"))})},
               {1, say("RESTORE", {k, number(1, 400), dump, word("REPLACE")})},
               {1, say("RESTORE", {k, moment(1), dump, word("REPLACE"), word("ABSTTL")})}});
}

// --- One family each ---

// Sketches that count what was added. Few elements, so that some change nothing; now and then so many that a sketch
// outgrows its sparse form; where the limit is what an empty one takes, with the first element.
Piece sketches() {
  const Piece k = key("p", kSketches);
  static const Piece crowd = rc::gen::map(rc::gen::inRange(0, 1'000), [](int from) {
    Words words;
    for (int i = 0; i < 400; ++i) words.push_back(fmt::format("e{}", from + i * 7));
    return words;
  });
  return pick({
      {16, say("PFADD", {k, some(4, named("m", 200))})},
      {1, say("PFADD", {k})},
      {1, say("PFADD", {k, crowd})},
      {12, say("PFCOUNT", {k})},
      {1, say("PFCOUNT", {k, k})},
      {4, say("PFMERGE", {k, some(3, k)})},
      {1, say("PFDEBUG", {pick({{1, word("TODENSE")}, {1, word("GETREG")}}), k})},
      {1, say("GETRANGE", {k, word("0"), word("15")})},
      {1, say("SETRANGE", {k, number(0, 30), value()})},
      {1, say("CONFIG", {word("SET"), word("hll-sparse-max-bytes"),
                         pick({{1, word("3000")}, {1, word("64")}, {2, word("18")}})})},
      {1, soon_gone(k)},
      {1, say("DEL", {k})},
  });
}

Piece strings(int keys) {
  const Piece k = key("s", keys);
  return pick({
      {6, sketches()},
      {10, say("SET", {k, value()})},
      {2, say("SET", {k, value(),
                      pick({{1, word("NX")},
                            {1, word("XX")},
                            {1, word("KEEPTTL")},
                            {1, word("GET")},
                            {1, line({word("XX"), word("GET")})}})})},
      {1, set_with_options(k)},
      {1, restore(k)},
      {1, say("SUBSTR", {k, number(-3, 3), number(-3, 9)})},
      {1, say("SETNX", {k, value()})},
      {2, say("MSET", {some(4, line({k, value()}))})},
      {1, say("MSETNX", {some(2, line({k, value()}))})},
      {3, say("APPEND", {k, value()})},
      {2, say("SETRANGE", {k, number(0, 300), value()})},
      {2, say("GETSET", {k, value()})},
      {2, say("GETDEL", {k})},
      {3, say("INCR", {key("n", kCounters)})},
      {2, say("INCRBY", {key("n", kCounters), number(-1'000, 1'000)})},
      {1, say("DECR", {key("n", kCounters)})},
      {1, say("DECRBY", {key("n", kCounters), edge()})},
      {1, say("SET", {key("n", kCounters), edge()})},
      {1, say("INCRBYFLOAT", {key("n", kCounters), word("0.5")})},
      {2, say("SETBIT", {key("b", kCounters), number(0, 4'000), number(0, 1)})},
      {1,
       say("BITOP", {word("XOR"), key("b", kCounters), key("b", kCounters), key("b", kCounters)})},
      {1, say("BITOP", {pick({{1, word("AND")}, {1, word("OR")}}), key("b", kCounters),
                        key("b", kCounters), key("b", kCounters)})},
      {1, say("BITOP", {word("NOT"), key("b", kCounters), key("b", kCounters)})},
      {2, say("BITFIELD", {key("b", kCounters), some(3, bit_operation())})},
      {2, say("GET", {k})},
      {2, say("SET", {k, value(), word("PX"), number(1, 400)})},
      {1, soon_gone(k)},
      {2, say("DEL", {some(3, k)})},
  });
}

Piece hashes(int keys) {
  const Piece k = key("h", keys);
  return pick({
      {8, say("HSET", {k, some(6, line({member(), value()}))})},
      {2, say("HSETNX", {k, member(), value()})},
      {3, say("HDEL", {k, some(3, member())})},
      {3, say("HINCRBY", {k, named("c", 3), number(-50, 50)})},
      {1, say("HINCRBYFLOAT", {k, named("c", 3), word("1.25")})},
      {1, say("HMSET", {k, some(3, line({member(), value()}))})},
      {2, say("HGETALL", {k})},
      {1, soon_gone(k)},
      {1, say("DEL", {k})},
  });
}

Piece lists(int keys) {
  const Piece k = key("l", keys);
  const Piece end = pick({{1, word("LEFT")}, {1, word("RIGHT")}});
  return pick({
      {6, say("RPUSH", {k, some(5, value())})},
      {5, say("LPUSH", {k, some(5, value())})},
      {1, say("LPUSHX", {k, value()})},
      {1, say("RPUSHX", {k, some(2, value())})},
      {1, say("BLPOP", {k, k, briefly()})},
      {1, say("BRPOP", {k, briefly()})},
      {1, say("BLMOVE", {k, k, end, end, briefly()})},
      {1, say("BRPOPLPUSH", {k, k, briefly()})},
      {1, say("BLMPOP", {briefly(), word("1"), k, end, word("COUNT"), number(1, 3)})},
      {3, say("LPOP", {k})},
      {2, say("RPOP", {k, number(1, 3)})},
      {2, say("LSET", {k, number(-3, 3), value()})},
      {2, say("LINSERT", {k, word("BEFORE"), word("value-1"), value()})},
      {1, say("LREM", {k, number(-2, 2), value()})},
      {1, say("LINSERT", {k, word("AFTER"), edge(), value()})},
      {1, say("SORT", {k, word("ALPHA"), word("LIMIT"), word("0"), number(1, 4), word("DESC"),
                       word("STORE"), k})},
      {2, say("LTRIM", {k, number(-8, 2), number(-2, 8)})},
      {2, say("LMOVE", {k, k, end, end})},
      {1, say("RPOPLPUSH", {k, k})},
      {1, say("LMPOP", {word("2"), k, k, end})},
      {2, say("LRANGE", {k, word("0"), word("-1")})},
      {1, soon_gone(k)},
      {1, say("DEL", {k})},
  });
}

Piece sets(int keys) {
  const Piece k = key("t", keys);
  const Piece numbers = key("tn", 1);  // of numbers alone, until a member comes
  return pick({
      {8,
       say("SADD", {k, some(6, pick({{3, member()}, {2, number(-1'000, 1'000)}, {1, value()}}))})},
      {3, say("SREM", {k, some(3, member())})},
      {3, say("SPOP", {k})},
      {2, say("SPOP", {k, number(1, 4)})},
      {2, say("SMOVE", {k, k, member()})},
      {1, say("SINTERSTORE", {k, k, k})},
      {2, say("SUNIONSTORE", {k, k, k})},
      {1, say("SDIFFSTORE", {k, k, k})},
      {1, say("SADD", {k, some(4, edge())})},
      {3, say("SADD", {numbers, some(9, edge())})},
      {3, say("SREM", {numbers, some(9, pick({{4, edge()}, {1, member()}}))})},
      {1, say("SMOVE", {numbers, k, edge()})},
      {1, say("SPOP", {numbers, number(1, 4)})},
      {1, say("SUNIONSTORE", {k, some(3, k)})},
      {1, say("SRANDMEMBER", {k})},
      {1, say("SMEMBERS", {k})},
      {1, soon_gone(k)},
      {1, say("DEL", {k})},
  });
}

Piece zsets(int keys) {
  const Piece k = key("z", keys);
  return pick({
      {8, say("ZADD", {k, some(5, line({score(), member()}))})},
      {2,
       say("ZADD", {k, pick({{1, word("NX")}, {1, word("XX")}, {1, word("GT")}, {1, word("LT")}}),
                    score(), member()})},
      {3, say("ZINCRBY", {k, number(-20, 20), member()})},
      {3, say("ZREM", {k, some(3, member())})},
      {2, say("ZPOPMIN", {k})},
      {1, say("ZPOPMAX", {k, number(1, 3)})},
      {1, say("ZREMRANGEBYRANK", {k, number(0, 3), number(0, 3)})},
      {1, say("ZREMRANGEBYSCORE", {k, number(-100, 0), number(0, 50)})},
      {1, say("ZREMRANGEBYLEX", {k, pick({{1, word("-")}, {1, word("[m:1")}, {1, word("(m:2")}}),
                                 pick({{1, word("+")}, {1, word("[m:3")}})})},
      {1, say("ZADD", {k, word("XX"), word("INCR"), score(), member()})},
      {1, say("ZADD", {k, word("GT"), word("CH"), score(), member()})},
      {1, say("ZMPOP", {word("2"), k, k, word("MIN")})},
      {1, say("BZPOPMIN", {k, briefly()})},
      {1, say("BZPOPMAX", {k, briefly()})},
      {1, say("BZMPOP", {briefly(), word("1"), k, word("MAX"), word("COUNT"), number(1, 3)})},
      {1, say("ZUNIONSTORE", {k, word("2"), k, k, word("WEIGHTS"), word("2"), word("-1"),
                              word("AGGREGATE"), pick({{1, word("MIN")}, {1, word("MAX")}})})},
      {1, say("ZDIFFSTORE", {k, word("2"), k, k})},
      {1, say("ZUNIONSTORE", {k, word("2"), k, k})},
      {1, say("ZINTERSTORE", {k, word("2"), k, k})},
      {1, say("ZRANGESTORE", {k, k, word("0"), word("4")})},
      {3, say("GEOADD", {k, some(4, line({place(), member()}))})},
      {1,
       say("GEOADD", {k, pick({{1, word("NX")}, {1, word("XX")}}), word("CH"), place(), member()})},
      {2, say("GEOSEARCHSTORE", {k, k, word("FROMLONLAT"), place(), word("BYRADIUS"), around(),
                                 word("km"), so_many()})},
      {1, say("GEOSEARCHSTORE", {k, k, word("FROMMEMBER"), member(), word("BYBOX"), around(),
                                 around(), word("km"), word("STOREDIST")})},
      {1, say("GEORADIUS", {k, place(), around(), word("km"), so_many(),
                            pick({{1, word("STORE")}, {1, word("STOREDIST")}}), k})},
      {1, say("GEORADIUSBYMEMBER", {k, member(), around(), word("mi"), word("STORE"), k})},
      {1, say("GEOSEARCH", {k, word("FROMLONLAT"), place(), word("BYRADIUS"), around(), word("km"),
                            word("WITHDIST"), so_many()})},
      {2, say("ZRANGE", {k, word("0"), word("-1"), word("WITHSCORES")})},
      {1, soon_gone(k)},
      {1, say("DEL", {k})},
  });
}

// Producers and consumers. Jobs are taken from lists and by their rank, moved to where they are worked on and back; a
// queue changes its name, its type and its database, expires, or is filled by a command that is none of its family.
Piece queues(int keys) {
  const Piece q = key("q", keys);
  const Piece p = key("p", keys / 2);
  const Piece taken = key("taken", keys / 2);
  const Piece any = pick({{3, q}, {1, p}, {1, taken}});
  const Piece end = pick({{1, word("LEFT")}, {1, word("RIGHT")}});
  const Piece who = number(1, 8);  // clients count from 1
  return pick({
      {9, say("RPUSH", {q, some(3, value())})},
      {4, say("LPUSH", {q, some(3, value())})},
      {6, say("BLPOP", {q, briefly()})},
      {4, say("BRPOP", {some(3, q), briefly()})},
      {2, say("BLPOP", {some(3, any), briefly()})},
      {6, say("BLMOVE", {q, taken, end, end, briefly()})},
      {2, say("BLMOVE", {any, any, end, end, briefly()})},
      {3, say("BRPOPLPUSH", {taken, q, briefly()})},
      {4, say("BLMPOP", {briefly(), word("2"), q, q, end, word("COUNT"), number(1, 3)})},
      {5, say("ZADD", {p, some(3, line({score(), member()}))})},
      {4, say("BZPOPMIN", {p, briefly()})},
      {2, say("BZPOPMAX", {some(2, any), briefly()})},
      {3, say("BZMPOP", {briefly(), word("2"), p, p, word("MIN"), word("COUNT"), number(1, 3)})},
      {2, say("LPOP", {taken})},
      {2, say("LREM", {taken, word("1"), word("value-1")})},
      {2, say("CLIENT", {word("UNBLOCK"), who})},
      {1, say("CLIENT", {word("UNBLOCK"), who, word("ERROR")})},
      {2, say("RENAME", {any, any})},
      {1, say("COPY", {any, any, word("REPLACE")})},
      {1, say("COPY", {any, any, word("DB"), number(0, kUsualDatabases - 1)})},
      {1, say("MOVE", {any, number(0, kUsualDatabases - 1)})},
      {1, say("SWAPDB", {number(0, kUsualDatabases - 1), number(0, kUsualDatabases - 1)})},
      {1, say("SORT", {taken, word("ALPHA"), word("STORE"), q})},
      {1, say("ZUNIONSTORE", {p, word("2"), p, p})},
      {1, say("ZRANGESTORE", {p, p, word("0"), word("4")})},
      {1, say("SET", {any, value()})},
      {1, say("RPUSH", {p, value()})},
      {1, say("ZADD", {q, score(), member()})},
      {2, say("LLEN", {any})},
      {2, soon_gone(any)},
      {2, say("EVAL", {word(std::string(kPushes)), word("2"), q, any, value()})},
      {3, say("DEL", {some(3, any)})},
  });
}

// Streams have entries whose IDs others can name, so that they are acknowledged, claimed and deleted; or, in `y`, those
// whose IDs the clock makes.
Piece stream_id() {
  const auto up_to = [](int most) {
    return rc::gen::map(rc::gen::inRange(0, most + 1),
                        [](int n) { return Words{fmt::format("1-{}", n)}; });
  };
  return pick({{6, up_to(4)}, {4, up_to(30)}, {1, word("0")}});
}
Piece clocked_stream(int keys) { return key("y", std::max(1, keys / 2)); }
Piece any_stream(int keys) {
  return keys == 1 ? key("x", keys) : pick({{3, key("x", keys)}, {1, clocked_stream(keys)}});
}
Piece group_of_stream(int keys) { return named("g", std::max(1, keys / 2)); }

// Few entries fill a block, so that trimming in round numbers has some to take.
Piece stream_entries(int keys) {
  const Piece k = key("x", keys);
  const Piece any = any_stream(keys);
  const Piece id = stream_id();
  const Piece next = pick({{12, word("1-*")}, {1, word("*")}});
  const Piece made = pick({{5, word("1-*")}, {1, word("*")}});
  const Piece entry = pick({{4, line({word("job"), value()})},
                            {1, some(3, line({member(), pick({{2, value()}, {1, edge()}})}))}});
  const Piece about = pick({{1, word("~")}, {1, word("=")}});
  const Piece ms = pick({{4, word("10")}, {2, word("50")}, {1, word("0")}});
  return pick({
      {14, say("XADD", {k, next, entry})},
      {4, say("XADD", {clocked_stream(keys), word("*"), entry})},
      {1, say("XADD", {any, word("NOMKSTREAM"), made, entry})},
      {1, say("XADD", {k, id, entry})},
      {2, say("XADD", {any, word("MAXLEN"), about, number(0, 9), made, entry})},
      {1, say("XADD", {any, word("MAXLEN"), number(0, 9), made, entry})},
      {1, say("XADD", {any, word("MAXLEN"), word("~"), number(0, 9), word("LIMIT"), number(0, 5),
                       made, entry})},
      {2, say("XADD", {k, word("MINID"), about, id, next, entry})},
      {2, say("XTRIM", {any, word("MAXLEN"), about, number(0, 9)})},
      {1,
       say("XTRIM", {any, word("MAXLEN"), word("~"), number(0, 4), word("LIMIT"), number(1, 5)})},
      {2, say("XTRIM", {k, word("MINID"), about, id})},
      {5, say("XDEL", {k, some(3, id)})},
      {1, say("XSETID", {k, id})},
      {1, say("XSETID",
              {k, word("1-40"), word("ENTRIESADDED"), number(20, 60), word("MAXDELETEDID"), id})},
      {1, say("XREAD", {word("COUNT"), number(1, 4), word("STREAMS"), k, k, id, word("0")})},
      {2, say("XREAD", {word("BLOCK"), ms, word("STREAMS"), any, word("$")})},
      {1, say("XRANGE", {any, word("-"), word("+"), word("COUNT"), number(1, 5)})},
      {1, say("XREVRANGE", {k, word("+"), id})},
      {1, say("XLEN", {any})},
      {2, say("CONFIG", {word("SET"), word("stream-node-max-entries"),
                         pick({{1, word("100")}, {3, word("3")}, {2, word("1")}})})},
  });
}

Piece stream_groups(int keys) {
  const Piece any = any_stream(keys);
  const Piece k = key("x", keys);
  const Piece id = stream_id();
  const Piece group = group_of_stream(keys);
  const Piece from = pick({{2, word("0")}, {1, word("$")}, {1, id}});
  return pick({
      {6, say("XGROUP", {word("CREATE"), any, group, from, word("MKSTREAM")})},
      {1, say("XGROUP", {word("CREATE"), any, group, from})},
      {1, say("XGROUP", {word("CREATE"), k, group, id, word("ENTRIESREAD"), number(-1, 9)})},
      {2, say("XGROUP", {word("SETID"), any, group, from})},
      {1, say("XGROUP", {word("SETID"), k, group, id, word("ENTRIESREAD"), number(-1, 9)})},
      {1, say("XGROUP", {word("DESTROY"), any, group})},
      {2, say("XGROUP", {word("CREATECONSUMER"), any, group, named("c", 1 + keys / 2)})},
      {2, say("XGROUP", {word("DELCONSUMER"), any, group, named("c", 1 + keys / 2)})},
      {1, say("XINFO", {pick({{1, word("STREAM")}, {1, word("GROUPS")}}), any})},
  });
}

// What a group's consumers read, acknowledge, and claim of each other.
Piece stream_consumers(int keys) {
  const Piece k = key("x", keys);
  const Piece any = any_stream(keys);
  const Piece group = group_of_stream(keys);
  const Piece consumer = named("c", 1 + keys / 2);
  const Piece id = stream_id();
  const Piece ms = pick({{4, word("10")}, {2, word("50")}, {1, word("0")}});
  const Piece idle = pick({{3, word("0")}, {1, number(1, 60)}});
  const auto reads = [&](std::vector<Piece> rest) {
    rest.insert(rest.begin(), {word("GROUP"), group, consumer});
    return say("XREADGROUP", std::move(rest));
  };
  const Piece claims = pick({
      {1, line({word("IDLE"), number(0, 90)})},
      {1, line({word("TIME"), number(1'699'999'999'000, 1'700'000'001'000)})},
      {1, line({word("RETRYCOUNT"), number(0, 9)})},
      {2, word("FORCE")},
      {1, word("JUSTID")},
      {1, line({word("LASTID"), id})},
  });
  return pick({
      {8, reads({word("COUNT"), number(1, 4), word("STREAMS"), any, word(">")})},
      {3, reads({word("STREAMS"), k, k, word(">"), word(">")})},
      {2, reads({word("NOACK"), word("COUNT"), number(1, 4), word("STREAMS"), any, word(">")})},
      {4, reads({word("STREAMS"), any, pick({{2, word("0")}, {1, id}})})},
      {4, reads({word("BLOCK"), ms, word("STREAMS"), any, word(">")})},
      {1, reads({word("BLOCK"), ms, word("NOACK"), word("STREAMS"), any, word(">")})},
      {12, say("XACK", {k, group, some(4, id)})},
      {3, say("XCLAIM", {k, group, consumer, idle, some(3, id)})},
      {4, say("XCLAIM", {k, group, consumer, idle, some(3, id), some(3, claims)})},
      {2, say("XAUTOCLAIM", {any, group, consumer, idle, word("0")})},
      {2, say("XAUTOCLAIM", {any, group, consumer, idle, pick({{1, word("-")}, {1, id}}),
                             word("COUNT"), number(1, 3), word("JUSTID")})},
      {1, say("XPENDING", {any, group})},
      {1, say("XPENDING", {any, group, word("IDLE"), number(0, 20), word("-"), word("+"),
                           word("10"), consumer})},
  });
}

Piece streams(int keys) {
  const Piece any = any_stream(keys);
  return pick({
      {44, stream_entries(keys)},
      {17, stream_groups(keys)},
      {48, stream_consumers(keys)},
      {1, say("RENAME", {any, any})},
      {1, say("COPY", {any, any, word("REPLACE")})},
      {1, say("MOVE", {any, number(0, kUsualDatabases - 1)})},
      {1, say("SET", {any, value()})},
      {2, soon_gone(any)},
      {2, say("DEL", {any})},
  });
}

// From a few milliseconds, which pass within a run, to minutes, which a clock may jump over.
Piece expiry(int) {
  const Piece k = key("e", kFewKeys);
  const Piece h = key("h", kFewKeys);
  const Piece l = key("l", kFewKeys);
  const Piece t = key("t", kFewKeys);
  const Piece z = key("z", kFewKeys);
  const Piece any = pick({{4, k}, {1, h}, {1, l}, {1, t}, {1, z}});
  const Piece ms = pick({{3, number(1, 50)}, {3, number(50, 3'000)}, {1, number(3'000, 300'000)}});
  const Piece at_ms = moment(1);
  const Piece if_it_expires =
      maybe(pick({{1, word("NX")}, {1, word("XX")}, {1, word("GT")}, {1, word("LT")}}));
  return pick({
      {6, say("SET", {k, value(), word("PX"), ms})},
      {2, say("SET", {k, value(), word("EX"), number(1, 100)})},
      {2, say("SET", {k, value()})},
      {1, say("SETEX", {k, number(1, 30), value()})},
      {4, say("PEXPIRE", {any, ms})},
      {2, say("EXPIRE", {any, number(-1, 60)})},
      {2, say("PEXPIREAT", {any, at_ms})},
      {1, say("PEXPIRE", {any, ms, if_it_expires})},
      {1, say("PEXPIREAT", {any, at_ms, if_it_expires})},
      {1, say("EXPIREAT", {any, moment(1'000), if_it_expires})},
      {1, set_with_options(k)},
      {1, restore(any)},
      {1, say("SET", {k, value(), word("PXAT"), at_ms})},
      {1, say("SET", {k, value(), word("EX"), number(1, 3), word("GET")})},
      {1, say("PSETEX", {k, number(1, 60), value()})},
      {1, say("GETEX", {k, word("PERSIST")})},
      {2, say("COPY", {any, any})},
      {2, say("COPY", {any, any, word("REPLACE")})},
      {2, say("RENAME", {any, any})},
      {1, say("SADD", {t, member()})},
      {1, say("ZADD", {z, score(), member()})},
      {1, say("SMOVE", {t, t, member()})},
      {1, say("LMOVE", {l, l, word("LEFT"), word("RIGHT")})},
      {1, say("SINTERSTORE", {t, t, t})},
      {1, say("ZUNIONSTORE", {z, word("2"), z, t})},
      {1, say("SETRANGE", {k, number(0, 9), value()})},
      {1, say("INCR", {k})},
      {2, say("PERSIST", {any})},
      {2, say("GETEX", {k, word("PX"), ms})},
      {1, say("GETEX", {k, maybe(expires_at())})},
      {2, say("HSET", {h, member(), value()})},
      {2, say("RPUSH", {l, value()})},
      {3, say("GET", {k})},
      {1, say("APPEND", {k, value()})},
      {1, say("DEL", {any})},
  });
}

// Whole keys and whole databases.
Piece whole_keys(int keys) {
  const Piece any = pick({{2, key("s", keys)},
                          {1, key("h", keys)},
                          {1, key("l", keys)},
                          {1, key("t", keys)},
                          {1, key("z", keys)},
                          {1, key("p", kSketches)},
                          {1, key("x", kStreams)},
                          {1, key("e", keys)}});
  return pick({
      {6, say("RENAME", {any, any})},
      {3, say("RENAMENX", {any, any})},
      {2, say("COPY", {any, any})},
      {4, say("COPY", {any, any, word("REPLACE")})},
      {1, say("COPY", {any, any, word("DB"), number(0, kMostDatabases - 1), word("REPLACE")})},
      {4, say("MOVE", {any, number(0, kUsualDatabases - 1)})},
      {3, say("UNLINK", {some(3, any)})},
      {2, say("SORT", {key("l", keys), word("ALPHA"), word("STORE"), key("l", keys)})},
      {3, say("TYPE", {any})},
      {1, say("SWAPDB", {number(0, kUsualDatabases - 1), number(0, kUsualDatabases - 1)})},
      {3, say("FLUSHDB", {})},
      {1, say("FLUSHALL", {})},
      {1, say("FLUSHDB", {pick({{1, word("ASYNC")}, {1, word("SYNC")}})})},
      {1, say("SWAPDB", {number(0, kMostDatabases - 1), number(0, kMostDatabases - 1)})},
  });
}

// A script by its text or its digest, with its keys and arguments. Keys are those of every family, so that types meet
// and a script fails halfway.
Piece script(int keys, int number_of_keys, std::vector<Piece> arguments, std::string_view text) {
  const Piece k = pick({{3, key("s", keys)},
                        {2, key("h", kFewKeys)},
                        {2, key("l", kFewKeys)},
                        {2, key("t", kFewKeys)},
                        {1, key("z", kFewKeys)},
                        {2, key("n", kFewKeys)},
                        {1, key("e", kFewKeys)}});
  std::vector<Piece> rest = {word(std::to_string(number_of_keys))};
  for (int i = 0; i < number_of_keys; ++i) rest.push_back(k);
  for (Piece& argument : arguments) rest.push_back(std::move(argument));
  return line({pick({{4, line({word("EVAL"), word(std::string(text))})},
                     {1, line({word("EVALSHA"), word(digest_of_script(text))})}}),
               line(std::move(rest))});
}

// Libraries of functions come, are replaced and go, and are called.
Piece functions(int keys) {
  constexpr int kLibraries = 3;
  const auto text_of = [](int one) { return library_text(one % kLibraries, one / kLibraries); };
  const Piece texts = rc::gen::map(rc::gen::inRange(0, 3 * kLibraries),
                                   [text_of](int one) { return Words{text_of(one)}; });
  const Piece payload = rc::gen::map(rc::gen::inRange(0, 2 * kLibraries), [text_of](int one) {
    return Words{libraries_payload({text_of(one), text_of((one + 1) % kLibraries)})};
  });
  const Piece policy = pick({{1, word("FLUSH")}, {1, word("APPEND")}, {2, word("REPLACE")}});
  const Piece name = rc::gen::map(rc::gen::inRange(0, kLibraries),
                                  [](int one) { return Words{library_name(one)}; });
  const Piece called = rc::gen::map(rc::gen::inRange(0, kLibraries),
                                    [](int one) { return Words{function_name(one)}; });
  const Piece load = pick({{2, word("LOAD")}, {3, line({word("LOAD"), word("REPLACE")})}});
  return pick({
      {5, say("FUNCTION", {load, texts})},
      {8, say("FCALL", {called, word("2"), key("s", keys), key("n", kFewKeys), value()})},
      {1, say("FCALL_RO", {called, word("2"), key("s", keys), key("n", kFewKeys), value()})},
      {2, say("FUNCTION", {word("DELETE"), name})},
      {2, say("FUNCTION", {word("RESTORE"), payload, policy})},
      {1, say("FUNCTION", {word("FLUSH")})},
      {1, say("FUNCTION", {pick({{1, word("LIST")}, {1, word("DUMP")}})})},
  });
}

// What a script does is one operation: several writes, also where it fails halfway; by chance, by what it finds, and on
// keys that expire.
Piece scripts(int keys) {
  const Piece ms = number(1, 60);
  return pick({
      {5, script(keys, 3, {value(), value()}, kSeveralWrites)},
      {4, script(keys, 2, {value()}, kFailsHalfway)},
      {3, script(keys, 1, {value()}, kRaisesHalfway)},
      {4, script(keys, 2, {value(), ms}, kExpires)},
      {4, script(keys, 0, {key("e", kFewKeys), value(), ms}, kIfAbsent)},
      {3, script(keys, 3, {}, kByChance)},
      {2, script(keys, 2, {}, kCatches)},
      {2, script(keys, 2, {value()}, kOtherDatabase)},
      {1, script(keys, 0, {}, kFlushes)},
      {1, say("EVAL_RO", {word(std::string(kReads)), word("1"), key("s", keys)})},
      {1, say("SCRIPT", {word("LOAD"), word(std::string(kSeveralWrites))})},
      {1, say("SCRIPT", {word("FLUSH")})},
      {6, functions(keys)},
      {2, say("SADD", {key("t", kFewKeys), some(4, member())})},
      {2, say("SET", {key("s", keys), value(), word("PX"), ms})},
      {1, say("GET", {key("s", keys)})},
  });
}

// Of any family.
Piece families(int keys) {
  return pick({
      {3, scripts(keys)},
      {10, strings(keys)},
      {4, sketches()},
      {6, hashes(keys)},
      {6, lists(keys)},
      {6, sets(keys)},
      {6, zsets(keys)},
      {7, streams(kStreams)},
      {6, expiry(keys)},
      {4, whole_keys(keys)},
  });
}

// So many of something that a table has several pieces, and a length two bytes.
Piece crowd(int most, std::function<Words(int)> one) {
  return rc::gen::map(rc::gen::pair(rc::gen::inRange(60, most), rc::gen::inRange(0, 1'000)),
                      [one = std::move(one)](std::pair<int, int> of) {
                        Words words;
                        for (int i = 0; i < of.first; ++i)
                          for (std::string& word : one(of.second + i))
                            words.push_back(std::move(word));
                        return words;
                      });
}
Piece crowds(int keys) {
  const auto many = [](int n) { return Words{fmt::format("many:{}", n)}; };
  const auto pair = [](int n) {
    return Words{fmt::format("many:{}", n), fmt::format("value-{}", n)};
  };
  const auto scored = [](int n) { return Words{std::to_string(n % 7), fmt::format("m:{}", n)}; };
  return pick({
      {2, say("MSET", {crowd(1'200, pair)})},
      {1, say("DEL", {crowd(1'200, many)})},
      {1, say("HSET", {key("h", keys), crowd(1'200, pair)})},
      {1, say("RPUSH", {key("l", keys), crowd(300, many)})},
      {1, say("SADD", {key("t", keys), crowd(1'200, many)})},
      {1, say("ZADD", {key("z", keys), crowd(300, scored)})},
      {1, say("SPOP", {key("t", keys), number(100, 1'000)})},
  });
}

// Who may do what, and when: denied, or held back for a moment.
Piece permissions() {
  return pick({
      {1, say("ACL", {word("SETUSER"), word("some"), word("on"), word(">secret"), word("+@all"),
                      pick({{1, line({word("~s:*"), word("~l:*"), word("%R~h:*")})},
                            {1, word("allkeys")},
                            {1, line({word("resetkeys"), word("~e:*"), word("~q:*")})}})})},
      {2, say("AUTH", {word("some"), word("secret")})},
      {4, say("AUTH", {word("default"), word("none")})},
      {3,
       say("CLIENT", {word("PAUSE"), number(1, 60), pick({{2, word("WRITE")}, {1, word("ALL")}})})},
      {1, say("CLIENT", {word("UNPAUSE")})},
  });
}

Piece mixed(int keys) {
  return pick({
      {100, families(keys)},
      {1, permissions()},
  });
}

// Copies of the log while it is written to; by one name and by none.
Piece backups(int keys) {
  const Piece name =
      rc::gen::map(rc::gen::inRange(0, 5), [](int n) { return Words{fmt::format("day-{}", n)}; });
  return pick({
      {50, mixed(keys)},
      {3, say("BACKUP", {word("START")})},
      {6, say("BACKUP", {word("START"), name})},
      {9, say("BACKUP", {word("SEAL")})},
      {1, say("BACKUP", {pick({{2, word("ABORT")}, {1, word("LIST")}, {1, word("STATUS")}})})},
      {3, say("BACKUP", {word("REMOVE"), name})},
      {2, say("CONFIG", {word("SET"), word("backup-retain-count"),
                         pick({{1, word("0")}, {1, word("1")}, {20, word("2")}})})},
      {1, say("BGREWRITEAOF", {})},
  });
}

// Some keys are hot and most are not; now and then there are many.
Piece hot_and_cold(int keys) {
  return pick({{300, mixed(keys)}, {300, mixed(kFewKeys)}, {1, crowds(kFewKeys)}});
}

// What a database has rows for, and now and then what it has none for.
Piece rows(int keys) {
  const Piece k = key("s", keys);
  const Piece h = key("h", kFewKeys);
  const Piece any = pick({{2, k}, {2, h}, {1, key("n", kCounters)}});
  const Piece ms = pick({{3, number(1, 50)}, {3, number(50, 3'000)}, {2, number(3'000, 300'000)}});
  const Piece fields = line({member(), value()});
  return pick({
      {12, strings(keys)},
      {10, hashes(kFewKeys)},
      {6, say("HDEL", {h, some(4, member())})},
      {4, say("HSET", {h, some(4, fields)})},
      {4, say("SET", {k, value(), word("PX"), ms})},
      {3, say("PEXPIRE", {any, ms})},
      {1, say("PERSIST", {any})},
      {3, say("RENAME", {any, any})},
      {2, say("COPY", {any, any, word("REPLACE")})},
      {1, say("COPY", {any, any, word("DB"), number(0, kUsualDatabases - 1), word("REPLACE")})},
      {2, say("MOVE", {any, number(0, kUsualDatabases - 1)})},
      {1, say("SWAPDB", {number(0, kUsualDatabases - 1), number(0, kUsualDatabases - 1)})},
      {1, pick({{6, say("DEL", {any})}, {1, say("FLUSHDB", {})}})},
      {2, say("HGETALL", {h})},
      {2, script(keys, 2, {value(), ms}, kExpires)},
      {2, pick({{1, say("RPUSH", {any, value()})},
                {1, say("SADD", {any, member()})},
                {1, say("XADD", {any, word("*"), fields})},
                {1, say("SORT", {any, word("STORE"), any})}})},
  });
}

// What the judge knows the answer to.
Piece asked(const Piece& text, const Piece& hash) {
  return pick({{8, say("GET", {text})},
               {2, say("STRLEN", {text})},
               {2, say("EXISTS", {pick({{2, text}, {1, hash}})})},
               {3, say("PEXPIRETIME", {pick({{2, text}, {1, hash}})})},
               {4, say("HGET", {hash, named("m", 3)})},
               {1, say("HLEN", {hash})},
               {6, say("INCR", {text})},
               {2, say("APPEND", {text, word("7")})},
               {4, say("HINCRBY", {hash, named("m", 3), number(1, 9)})}});
}

// Keys of which another program has rows: few, so that it meets the clients.
Piece shared_rows(int) {
  const Piece text = pick({{1, key("s", 3)}, {2, key("n", 3)}});
  const Piece hash = key("h", 3);
  const Piece any = pick({{3, text}, {1, hash}});
  const Piece ms = pick({{3, number(1, 400)}, {1, number(3'000, 300'000)}});
  return pick({{30, asked(text, hash)},
               {8, say("DEL", {any})},
               {2, say("GETDEL", {text})},
               {3, say("SET", {text, number(1, 99)})},
               {2, say("SET", {text, number(1, 99), word("PX"), ms})},
               {2, say("HSET", {hash, named("m", 3), number(1, 99)})},
               {2, say("PEXPIRE", {any, ms})},
               {1, say("PERSIST", {any})},
               {1, say("RENAME", {any, any})},
               {1, say("COPY", {any, any, word("REPLACE")})},
               {1, say("MGET", {text, text})},
               {1, say("RPUSH", {key("l", 2), value()})},
               {1, script(3, 2, {number(1, 99), ms}, kExpires)}});
}

// Whose rows are never deleted.
Piece kept_rows(int) { return asked(key("n", 4), key("h", 2)); }

// --- Units ---

enum class Shape { kSingle, kTransactions, kMixed };

struct Grammar {
  Builtin builtin;
  Piece (*command)(int keys);
  Shape shape;
  int keys = kKeys;
  uint64_t clients_at_least = 1;
};

const std::vector<Grammar>& grammars() {
  static const std::vector<Grammar> list = {
      {{"mixed", "every family, transactions, several databases, renames, flushes"},
       hot_and_cold,
       Shape::kMixed},
      {{"crowded", "the same on a few keys, so that whoever works on one meets others"},
       mixed,
       Shape::kMixed,
       kFewKeys},
      {{"strings", "strings, counters and bitmaps"}, strings, Shape::kSingle},
      {{"hashes", "hashes"}, hashes, Shape::kSingle},
      {{"lists", "lists, moves between them"}, lists, Shape::kSingle},
      {{"sets", "sets, with random pops and stored unions"}, sets, Shape::kSingle},
      {{"zsets", "sorted sets, with pops and ranges"}, zsets, Shape::kSingle},
      {{"expiry", "keys that expire: within the run, at once, or after minutes"},
       expiry,
       Shape::kSingle},
      {{"transactions", "MULTI to EXEC, two to six commands of every family"},
       mixed,
       Shape::kTransactions},
      {{"scripts", "scripts and functions: several writes each, failures halfway, chance, expiry"},
       scripts,
       Shape::kMixed},
      {{"queues", "producers and consumers: clients that wait for a key, and what serves them"},
       queues,
       Shape::kMixed,
       kFewKeys,
       3},
      {{"streams", "streams and their groups: who was given what, and has not acknowledged it"},
       streams,
       Shape::kMixed,
       kFewKeys,
       2},
      {{"backup", "backups that are begun, sealed, given up and removed while clients write"},
       backups,
       Shape::kMixed,
       kFewKeys},
  };
  return list;
}

int draw(rc::Random& source, int count) {
  return rc::gen::inRange(0, count)(source.split(), rc::kNominalSize).value();
}

Unit draw_unit(rc::Random& source, const Piece& command, Shape shape) {
  const auto next = [&] { return command(source.split(), rc::kNominalSize).value(); };
  Unit unit;
  if (shape == Shape::kMixed && draw(source, 4) == 0)
    unit.db = draw(source, draw(source, 8) == 0 ? kMostDatabases : kUsualDatabases);
  if (shape == Shape::kSingle || (shape == Shape::kMixed && draw(source, 10) != 0)) {
    const Words words = next();
    // What changes a key in its place has to keep when it expires, also one that expires long after the run.
    if (shape == Shape::kMixed && words.size() > 1 && draw(source, 8) == 0)
      unit.requests.push_back(
          sim::encode_request({"PEXPIRE", words[1], std::to_string(1'000'000 + draw(source, 9))}));
    unit.requests.push_back(sim::encode_request(words));
    return unit;
  }
  const bool watches = draw(source, 4) == 0;
  if (watches) unit.requests.push_back(sim::encode_request({"WATCH", "any:0", "s:1", "e:1"}));
  unit.requests.push_back(sim::encode_request({"MULTI"}));
  // One that only reads shows what others have just written.
  const bool reads = draw(source, 6) == 0;
  for (int i = 2 + draw(source, 5); i > 0; --i) {
    const Words words = next();
    unit.requests.push_back(
        sim::encode_request(reads && words.size() > 1 ? Words{"DUMP", words[1]} : words));
  }
  unit.requests.push_back(sim::encode_request({draw(source, 16) == 0 ? "DISCARD" : "EXEC"}));
  if (watches) unit.requests.push_back(sim::encode_request({"UNWATCH"}));
  return unit;
}

}  // namespace

const std::vector<Builtin>& generated_workloads() {
  static const std::vector<Builtin> list = [] {
    std::vector<Builtin> builtins;
    for (const Grammar& grammar : grammars()) builtins.push_back(grammar.builtin);
    return builtins;
  }();
  return list;
}

namespace {
Workload generate(const Grammar& grammar, uint64_t seed) {
  Workload workload;
  workload.name = grammar.builtin.name;
  workload.about = grammar.builtin.about;
  workload.clients_at_least = grammar.clients_at_least;
  rc::Random source(seed);
  const Piece command = grammar.command(grammar.keys);
  for (int i = 0; i < kUnits; ++i)
    workload.units.push_back(draw_unit(source, command, grammar.shape));
  return workload;
}
}  // namespace

Workload generate_workload(std::string_view name, uint64_t seed) {
  for (const Grammar& grammar : grammars())
    if (grammar.builtin.name == name) return generate(grammar, seed);
  CHECK(false);
}

// The databases as scenarios/store/database/shared_database.h has them.
Workload generate_shared_rows(uint64_t seed) {
  Workload given_up =
      generate({{"shared-rows", "keys of which another program has rows: read, changed, deleted"},
                shared_rows,
                Shape::kMixed},
               seed);
  const Workload kept = generate({{"", ""}, kept_rows, Shape::kTransactions}, seed + 1);
  const Workload singly = generate({{"", ""}, kept_rows, Shape::kSingle}, seed + 2);
  constexpr int kKept = 9;
  for (size_t i = 0; i < given_up.units.size(); ++i) {
    Unit& unit = given_up.units[i];
    if (i % 3 == 0) unit = i % 12 == 0 ? kept.units[i] : singly.units[i];
    unit.db = i % 3 == 0 ? kKept : i % 17 == 0 ? 1 : 0;
  }
  return given_up;
}

Workload generate_rows(uint64_t seed) {
  return generate({{"rows", "strings and hashes in several databases, and what has no row"},
                   rows,
                   Shape::kMixed},
                  seed);
}

}  // namespace powercut::scenarios
