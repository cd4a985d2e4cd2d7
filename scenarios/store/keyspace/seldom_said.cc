#include "scenarios/store/keyspace/seldom_said.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <span>
#include <string_view>
#include <vector>

#include "engine/checkpoint/rdb_dump.h"
#include "engine/store/stream.h"
#include "scenarios/store/keyspace/digest.h"
#include "scenarios/store/keyspace/lone_keyspace.h"
#include "sim/request.h"

namespace powercut::scenarios {

using engine::EncodingLimits;
using engine::Object;
using engine::Type;
using engine::Value;

namespace {

using Lines = std::vector<std::string_view>;
using Words = std::vector<std::string>;

constexpr std::string_view kKeys[] = {"k", "o", "d"};
constexpr int kDatabases = 2;

// %k %o: the value, and another like it; %d: a key; %m: something in it; %n: a small number; %f: one that need not be whole;
// %t: a time; %i: an ID of a stream; %g %c: a group, a consumer.
constexpr std::string_view kString[] = {
    "SET %k v KEEPTTL GET",
    "SET %k v XX GET PX 5000",
    "SET %k v NX GET",
    "GETEX %k PXAT %t",
    "GETEX %k PERSIST",
    "GETDEL %k",
    "SETRANGE %k %n x",
    "APPEND %k y",
    "INCRBYFLOAT %k %f",
    "INCRBYFLOAT %d %f",
    "SETBIT %k 7%n 1",
    "BITOP XOR %d %k %o",
    "BITOP NOT %d %k",
    "BITFIELD %k OVERFLOW FAIL INCRBY u8 0 20%n SET i5 #3 7 OVERFLOW SAT INCRBY i4 2 %n",
    "BITFIELD %d GET u8 0 INCRBY u2 10%n 1",
    "PFADD d a b %n",
    "PFMERGE d d",
    "MSETNX d 1 n %n",
};
constexpr std::string_view kList[] = {
    "SORT %k BY nosort DESC STORE %d",
    "SORT %k ALPHA DESC LIMIT 1 3 STORE %d",
    "SORT %k BY w_* GET # GET w_* ALPHA STORE %d",
    "LINSERT %k BEFORE %m x",
    "LINSERT %k AFTER %m y",
    "LREM %k -%n %m",
    "LREM %k 1 %m",
    "LTRIM %k %n -%n",
    "LSET %k -1 z",
    "LPUSHX %k a b",
    "LMPOP 2 n %k RIGHT COUNT 1%n",
    "LPOP %k %n",
    "LMOVE %k %d LEFT RIGHT",
    "RPOPLPUSH %k %k",
    "BLMPOP 0 1 %k LEFT COUNT %n",
};
constexpr std::string_view kSet[] = {
    "SORT %k BY nosort STORE %d",
    "SORT %k BY nosort DESC LIMIT %n 3 STORE %d",
    "SORT %k ALPHA STORE %d",
    "SORT %k BY w_* ALPHA GET # STORE %d",
    "SPOP %k",
    "SPOP %k %n",
    "SMOVE %k %d %m",
    "SADD %k %n x%n 1000%n",
    "SREM %k %m",
    "SDIFFSTORE %d %k %o",
    "SINTERSTORE %d %k %o",
    "SUNIONSTORE %d %k %o",
};
constexpr std::string_view kHash[] = {
    "HINCRBYFLOAT %k n %f", "HINCRBYFLOAT %k %m %f", "HINCRBY %k n -%n",  "HSETNX %k %m v",
    "HSETNX %k n%n v",      "HDEL %k %m n",          "HMSET %k a 1 b %n",
};
constexpr std::string_view kZset[] = {
    "ZADD %k GT CH %f %m 2 x",
    "ZADD %k LT CH %f %m",
    "ZADD %k NX %f %m %n y",
    "ZADD %k XX INCR %f %m",
    "ZADD %k INCR %f z",
    "ZINCRBY %k %f %m",
    "ZPOPMAX %k %n",
    "ZPOPMIN %k",
    "ZMPOP 2 n %k MAX COUNT %n",
    "BZMPOP 0 1 %k MIN COUNT %n",
    "ZRANGESTORE %d %k (%n +inf BYSCORE LIMIT 1 2",
    "ZRANGESTORE %d %k +inf %n BYSCORE REV LIMIT 0 3",
    "ZRANGESTORE %d %k 0 -1 REV",
    "ZUNIONSTORE %d 2 %k %o WEIGHTS 2 -1 AGGREGATE MAX",
    "ZINTERSTORE %d 2 %k %o WEIGHTS %f 1",
    "ZDIFFSTORE %d 2 %k %o",
    "ZREMRANGEBYRANK %k -2 -1",
    "ZREMRANGEBYSCORE %k (%n 1%n",
    "ZREM %k %m x",
    "SORT %k BY nosort DESC STORE %d",
    "GEOADD %k 13.%n 38.1 town",
    "GEOSEARCHSTORE %d %k FROMLONLAT 13 38 BYRADIUS 2000%n km COUNT 2 ANY STOREDIST",
    "GEOSEARCHSTORE %d %k FROMLONLAT 13 38 BYBOX 400 %n0 km ASC",
};
constexpr std::string_view kStream[] = {
    "XADD %k * f v",
    "XADD %k MAXLEN ~ %n * f v",
    "XADD %k NOMKSTREAM MINID = %i * f v g w",
    "XADD n NOMKSTREAM * f v",
    "XADD %k MINID ~ %i LIMIT 100 * f v",
    "XADD %k MAXLEN ~ %n LIMIT %n 9999999999998-%n f v",
    "XTRIM %k MAXLEN ~ %n LIMIT %n",
    "XTRIM %k MAXLEN %n",
    "XTRIM %k MAXLEN ~ 1",
    "XTRIM %k MINID %i",
    "XDEL %k %i %i",
    "XSETID %k 9999999999999-%n",
    "XSETID %k 9999999999999-%n ENTRIESADDED 9%n MAXDELETEDID %i",
    "XGROUP CREATE %k %g %i",
    "XGROUP CREATE %k g%n $ ENTRIESREAD %n",
    "XGROUP SETID %k %g %i ENTRIESREAD %n",
    "XGROUP SETID %k %g $",
    "XGROUP CREATECONSUMER %k %g %c",
    "XGROUP DELCONSUMER %k %g %c",
    "XREADGROUP GROUP %g %c COUNT 1%n STREAMS %k >",
    "XREADGROUP GROUP %g %c COUNT 2 NOACK STREAMS %k >",
    "XREADGROUP GROUP %g %c STREAMS %k 0",
    "XREADGROUP GROUP %g %c NOACK STREAMS %k 0",
    "XACK %k %g %i %i",
    "XCLAIM %k %g %c 0 %i %i",
    "XCLAIM %k %g %c 0 %i FORCE JUSTID",
    "XCLAIM %k %g %c 0 %i LASTID %i",
    "XCLAIM %k %g %c 0 %i FORCE LASTID 9999999999998-%n",
    "XCLAIM %k %g %c 0 %i %i IDLE %n RETRYCOUNT %n LASTID %i",
    "XCLAIM %k %g %c 99999999999 %i TIME 5 LASTID 9999999999998-%n",
    "XAUTOCLAIM %k %g %c 0 0 COUNT 1%n",
    "XAUTOCLAIM %k %g %c 0 %i JUSTID",
};
constexpr std::string_view kNone[] = {"SET %d v"};

std::span<const std::string_view> lines_of(Type type) {
  switch (type) {
    case Type::kString:
      return kString;
    case Type::kList:
      return kList;
    case Type::kSet:
      return kSet;
    case Type::kHash:
      return kHash;
    case Type::kZset:
      return kZset;
    case Type::kStream:
      return kStream;
    case Type::kAway:
      break;
  }
  return kNone;
}

// Of any value.
constexpr std::string_view kOfKeys[] = {
    "COPY %k %d REPLACE",
    "COPY %k d DB 1 REPLACE",
    "MOVE %k 1",
    "RENAME %k %d",
    "RENAMENX %k n",
    "PEXPIREAT %k %t",
    "PEXPIREAT %k %t NX",
    "PEXPIREAT %k %t GT",
    "PEXPIREAT %k %t XX LT",
    "EXPIRE %k -1",
    "PERSIST %k",
    "SWAPDB 0 1",
    "DEL %d",
    "UNLINK n %o",
    "SETEX %d 50 v",
    "FLUSHDB",
};

// The same entries, so many in a block.
Value in_blocks_of(uint64_t most, const engine::Stream& stream) {
  auto made = std::make_unique<engine::Stream>(stream);
  (void)made->trim({});
  made->set_last_id({});
  stream.for_range({}, engine::StreamId::most(), false, [&](const engine::StreamEntry& entry) {
    Words words;
    entry.for_each([&](std::string_view field, std::string_view value) {
      words.emplace_back(field);
      words.emplace_back(value);
    });
    const std::vector<std::string_view> views(words.begin(), words.end());
    made->append(entry.id, views, {4096, most});
    return true;
  });
  made->set_last_id(stream.last_id());
  made->set_entries_added(stream.entries_added());
  made->set_max_deleted_id(stream.max_deleted_id());
  return Value(std::move(made));
}

// The value as a room holds it, written and read; or in another order, where that is nobody's promise.
Value held_in(const LoneKeyspace& room, const Value& value, bool turned) {
  const EncodingLimits& limits = room.keyspace.encoding_limits();
  engine::Set set;
  engine::Hash hash;
  const auto turn = [](const auto& all, const auto& add) {
    for (size_t i = all.size(); i-- > 0;) add(all.entries().at(i));
  };
  if (turned && value.set() != nullptr) {
    turn(*value.set(), [&](const auto& entry) { set.add(entry.key, limits); });
    return Value(std::move(set));
  }
  if (turned && value.hash() != nullptr) {
    turn(*value.hash(), [&](const auto& entry) { hash.set(entry.key, entry.value, limits); });
    return Value(std::move(hash));
  }
  auto read = engine::restore_payload(engine::dump_payload(value), limits);
  return read.ok() ? *std::move(read) : value.clone();  // is judged elsewhere
}

class Rooms {
 public:
  Rooms(const Object& object, int64_t now_ms, const Drawn& draw) : now_ms_(now_ms), draw_(draw) {
    const bool packed = draw_(2) == 0;
    live_.keyspace.set_encoding_limits(packed ? kPacked : kLoose);
    again_.keyspace.set_encoding_limits(packed ? kLoose : kPacked);
    const bool small_blocks = draw_(2) == 0;
    for (LoneKeyspace* room : {&live_, &again_}) {
      room->keyspace.set_now({now_ms});
      for (const std::string_view key : {kKeys[0], kKeys[1]})
        put(*room, key,
            object.value.stream() != nullptr && small_blocks
                ? in_blocks_of(room == &again_ ? 1 : 3, *object.value.stream())
                : held_in(*room, object.value, room == &again_),
            object);
    }
  }
  // What is wrong behind one more.
  std::string say();

 private:
  static void put(LoneKeyspace& room, std::string_view key, Value value, const Object& object) {
    Object* made = room.keyspace.put(0, key, std::move(value));
    if (object.expires()) room.keyspace.set_expiry(0, key, made, object.expire_at_ms);
    room.keyspace.settle();
  }
  // Of the three keys.
  static uint64_t held_by(const LoneKeyspace& room) {
    uint64_t sum = 0;
    for (int db = 0; db < kDatabases; ++db)
      for (const std::string_view key : kKeys)
        if (const Object* object = room.keyspace.peek(db, key))
          sum += (2 * static_cast<uint64_t>(db) + 1) * entry_hash(key, *object);
    return sum;
  }
  const Value* value() const {
    const Object* object = live_.keyspace.peek(0, kKeys[0]);
    return object == nullptr ? nullptr : &object->value;
  }
  std::string something() const;
  std::string id() const;
  std::string filled(char what) const;
  Words drawn_words() const;
  std::string do_again(std::string_view said);
  std::string read_back(std::string_view said) const;

  const int64_t now_ms_;
  const Drawn& draw_;
  LoneKeyspace live_, again_;
};

std::string Rooms::something() const {
  const Value* in = value();
  if (in == nullptr || draw_(5) == 0) return "nobody";
  const auto item = [&](const auto& all) {
    return all.size() == 0 ? std::string("nobody")
                           : std::string(all.entries().at(draw_(all.size())).key);
  };
  if (const engine::List* list = in->list())
    return list->size() == 0 ? "nobody" : std::string(list->at(draw_(list->size())));
  if (in->set() != nullptr) return item(*in->set());
  if (in->hash() != nullptr) return item(*in->hash());
  if (in->zset() != nullptr) return item(*in->zset());
  return "nobody";
}

// Of an entry, or near it.
std::string Rooms::id() const {
  const engine::Stream* stream = value() == nullptr ? nullptr : value()->stream();
  if (stream == nullptr || stream->size() == 0) return "0-1";
  uint64_t skip = draw_(stream->size());
  engine::StreamId found;
  stream->for_range({}, engine::StreamId::most(), false, [&](const engine::StreamEntry& entry) {
    found = entry.id;
    return skip-- != 0;
  });
  if (draw_(5) == 0) found.seq += 1;
  return found.text();
}

std::string Rooms::filled(char what) const {
  constexpr std::string_view kNumbers[] = {"0.1", "-2.5", "1e3", "3", "-inf"};
  switch (what) {
    case 'k':
      return "k";
    case 'o':
      return "o";
    case 'd':
      return std::string(kKeys[draw_(std::size(kKeys))]);
    case 'm':
      return something();
    case 'n':
      return std::to_string(draw_(7));
    case 'f':
      return std::string(kNumbers[draw_(std::size(kNumbers))]);
    case 't':
      return std::to_string(now_ms_ + 1'000 + static_cast<int64_t>(draw_(3)) * 1'000);
    case 'i':
      return id();
    case 'c':
      return draw_(2) == 0 ? "c1" : "c2";
    default:
      break;
  }
  const engine::Stream* stream = value() == nullptr ? nullptr : value()->stream();
  if (stream == nullptr || stream->groups().empty()) return "g";
  return std::next(stream->groups().begin(), static_cast<ptrdiff_t>(draw_(stream->groups().size())))
      ->first;
}

Words Rooms::drawn_words() const {
  const auto own = lines_of(value() == nullptr ? Type::kAway : value()->type());
  const std::span any(kOfKeys);
  const std::string_view line = draw_(4) == 0 ? any[draw_(any.size())] : own[draw_(own.size())];
  Words words(1);
  for (size_t i = 0; i < line.size(); ++i) {
    if (line[i] == ' ')
      words.emplace_back();
    else if (line[i] == '%')
      words.back() += filled(line[++i]);
    else
      words.back() += line[i];
  }
  return words;
}

// What was logged, as a start does it.
std::string Rooms::do_again(std::string_view said) {
  again_.keyspace.set_loading(true);
  std::string wrong;
  for (const auto& item : live_.effects.items()) {
    const std::string_view bytes = live_.effects.bytes_of(item);
    (void)again_.run(sim::words_of(bytes), item.db);
    if (wrong.empty() && again_.reply.starts_with('-'))
      wrong = fmt::format("{}: what is logged cannot be done again: {:?}", said, bytes);
  }
  again_.keyspace.set_loading(false);
  if (wrong.empty() && held_by(live_) != held_by(again_))
    wrong = fmt::format("{}: what is logged, done again, comes to something else", said);
  return wrong;
}

// What is held, written and read.
std::string Rooms::read_back(std::string_view said) const {
  for (const std::string_view key : kKeys) {
    const Object* object = live_.keyspace.peek(0, key);
    if (object == nullptr) continue;
    const auto read = engine::restore_payload(engine::dump_payload(object->value),
                                              live_.keyspace.encoding_limits());
    if (!read.ok())
      return fmt::format("{}: what is written of it cannot be read: {}", said,
                         read.error().message);
    if (value_hash(*read) != value_hash(object->value))
      return fmt::format("{}: what is written of it is read as something else", said);
  }
  return {};
}

std::string Rooms::say() {
  const Words words = drawn_words();
  const std::string said = fmt::format("{}", fmt::join(words, " ")).substr(0, 160);
  const uint64_t before = held_by(live_);
  if (!live_.run(std::vector<std::string_view>(words.begin(), words.end()))) return {};
  const bool changed = held_by(live_) != before;
  if (live_.effects.empty())
    return changed ? fmt::format("{}: it changes something, and logs nothing", said) : "";
  if (live_.reply.starts_with('-'))
    return fmt::format("{}: it is answered with an error, and logged", said);
  std::string wrong = do_again(said);
  return wrong.empty() ? read_back(said) : wrong;
}

}  // namespace

std::string logged_otherwise(const Object& object, int64_t now_ms, const Drawn& draw) {
  if (object.value.away() != nullptr) return {};
  Rooms rooms(object, now_ms, draw);
  std::string wrong;
  for (uint64_t n = 2 + draw(5); n > 0 && wrong.empty(); --n) wrong = rooms.say();
  return wrong;
}

// --- What is done and undone ---

namespace {

struct Undone {
  std::string_view fill;  // said some times, with %n for which; %x for a lot of bytes
  Lines undo;             // one of them undoes it, but for a little; with %n: said as often
  std::string_view first = {};
};

const std::vector<Undone>& all_undone() {
  static const std::vector<Undone> kAll = {
      {"XADD k * f %x", {"XTRIM k MAXLEN 1", "XTRIM k MINID 9999999999999", "XTRIM k MAXLEN ~ 1"}},
      {"XADD k %r-%n f %x", {"XDEL k %r-%n", "DEL k"}},
      {"XGROUP CREATE k g%n%x 0 MKSTREAM", {"DEL k", "XGROUP DESTROY k g%n%x"}},
      {"XGROUP CREATECONSUMER k g c%n%x",
       {"XGROUP DELCONSUMER k g c%n%x", "XGROUP DESTROY k g", "DEL k"},
       "XGROUP CREATE k g 0 MKSTREAM"},
      {"XADD k %r-%n f %x", {"XTRIM k MAXLEN 0"}, "XADD k %r-0 f v"},
      {"RPUSH k %n%x", {"LTRIM k 0 0", "LPOP k 100", "RPOP k 40", "LTRIM k 1 0"}},
      {"LPUSH k %n%x", {"LTRIM k -1 -1", "RPOP k 40"}},
      {"SADD k %n%x", {"SPOP k 40", "DEL k"}},
      {"SADD k %n", {"SREM k %n", "SPOP k 40", "SINTERSTORE k nobody"}},
      {"HSET k f%n %x", {"DEL k", "HDEL k f%n"}},
      {"ZADD k %n m%n%x", {"ZREMRANGEBYRANK k 1 -1", "ZPOPMAX k 40", "ZREMRANGEBYSCORE k 0 inf"}},
      {"APPEND k %x", {"SET k v", "DEL k"}},
      {"SET k%n %x PX 100000", {"FLUSHDB", "FLUSHALL", "DEL k%n", "PERSIST k%n", "GETDEL k%n"}},
      {"SET k %x", {"RENAME k j", "MOVE k 1", "SETEX k 100 v", "COPY k j REPLACE"}},
  };
  return kAll;
}

std::string said_with(std::string_view line, size_t which, size_t round, uint64_t lot) {
  std::string text;
  for (size_t i = 0; i < line.size(); ++i) {
    if (line[i] != '%') {
      text += line[i];
      continue;
    }
    const char what = line[++i];
    text += what == 'n'   ? std::to_string(which)
            : what == 'r' ? std::to_string(round)
                          : std::string(lot, 'x');
  }
  return text;
}

}  // namespace

std::string counted_again(int64_t now_ms, const Drawn& draw) {
  constexpr size_t kFill = 40, kFew = 4, kMany = 24;
  const Undone& one = all_undone()[draw(all_undone().size())];
  const std::string_view undo = one.undo[draw(one.undo.size())];
  const uint64_t lot = draw(2) == 0 ? 90 : 7;
  LoneKeyspace room;
  room.keyspace.set_now({now_ms});
  if (draw(2) == 0) room.keyspace.set_encoding_limits(kLoose);
  size_t few = 0;
  for (size_t round = 1; round <= kMany; ++round) {
    if (!one.first.empty()) (void)room.say(said_with(one.first, 0, round, lot));
    for (size_t n = 1; n <= kFill; ++n) (void)room.say(said_with(one.fill, n, round, lot));
    const size_t times = undo.find("%n") == undo.npos ? 1 : kFill;
    for (size_t n = 1; n <= times; ++n) (void)room.say(said_with(undo, n, round, lot));
    const size_t bytes = room.keyspace.memory_bytes();
    if (round <= kFew) few = std::max(few, bytes);
    if (round == kMany && bytes > few + few / 2 + 1024)
      return fmt::format("{}, and {}: the first times it counts {} bytes, then {}",
                         one.fill.substr(0, one.fill.find('%')), undo, few, bytes);
  }
  return {};
}

}  // namespace powercut::scenarios
