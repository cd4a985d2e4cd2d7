#include "scenarios/store/keyspace/laws.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <iterator>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "scenarios/store/keyspace/lone_keyspace.h"

namespace powercut::scenarios {

namespace {

using Items = std::vector<std::string>;

// What was said last, and what came of it.
class Room {
 public:
  Room(int64_t now_ms, const Drawn& draw) : draw(draw) {
    alone_.keyspace.set_now({now_ms});
    if (draw(2) == 0) alone_.keyspace.set_encoding_limits(draw(2) == 0 ? kPacked : kLoose);
  }

  const std::string& say(const std::string& line) {
    said_.push_back(line.substr(0, 120));
    (void)alone_.say(line, db_);
    return alone_.reply;
  }
  // The words of the reply, whatever they stand in.
  Items ask(const std::string& line) {
    std::string_view reply = say(line);
    Items items;
    while (!reply.empty()) {
      const std::string_view head = reply.substr(0, reply.find("\r\n"));
      reply.remove_prefix(head.size() + 2);
      if (head[0] == '*') continue;
      if (head[0] != '$' || head == "$-1") {
        items.emplace_back(head);
        continue;
      }
      const size_t size = std::strtoull(head.data() + 1, nullptr, 10);
      items.emplace_back(reply.substr(0, size));
      reply.remove_prefix(size + 2);
    }
    return items;
  }
  // The value of `key` is written and read again, as `copy`.
  void keep(const std::string& key) {
    const Items dump = ask("DUMP " + key);
    const std::vector<std::string_view> words = {"RESTORE", "copy", "0", dump[0], "REPLACE"};
    said_.push_back("RESTORE copy 0 of that REPLACE");
    (void)alone_.run(words, *engine::resolve(words), db_);
    if (alone_.reply != "+OK\r\n") note(alone_.reply.substr(0, alone_.reply.find('\r')));
  }
  // Else that is what is amiss, with the last lines: what is noted first counts.
  void expect(const Items& one, const Items& other) {
    if (one == other) return;
    const auto text = [](const Items& items) {
      return fmt::format("[{}]", fmt::join(items, " ")).substr(0, 200);
    };
    note(fmt::format("{} and {}", text(one), text(other)));
  }
  void note(std::string_view what) {
    const auto shown = static_cast<ptrdiff_t>(std::min<size_t>(said_.size(), 4));
    if (amiss_.empty())
      amiss_ = fmt::format("{}: {}", fmt::join(said_.end() - shown, said_.end(), "; "), what);
  }
  const std::string& amiss() const { return amiss_; }
  bool fine() const { return amiss_.empty(); }

  const Drawn& draw;

 private:
  LoneKeyspace alone_;
  int db_ = 0;
  Items said_;
  std::string amiss_;
};

Items part(const Items& all, size_t from, size_t count) {
  const size_t first = std::min(from, all.size());
  return {all.begin() + static_cast<ptrdiff_t>(first),
          all.begin() + static_cast<ptrdiff_t>(first + std::min(count, all.size() - first))};
}

Items in_order(Items items) {
  std::sort(items.begin(), items.end());
  return items;
}

// --- Collections ---

void add_scored(Room& room, const std::string& key, uint64_t members, bool as_one) {
  std::string line = "ZADD " + key;
  for (uint64_t n = 0; n < members; ++n)
    line += fmt::format(" {} m{}", as_one ? 0 : room.draw(30), room.draw(3 * members + 1));
  (void)room.say(line);
}

// With LIMIT, a part of what there is without.
void limits_slice(Room& room) {
  static const char* const kByScore[] = {"ZRANGEBYSCORE z 3 (22",
                                         "ZREVRANGEBYSCORE z 25 (2",
                                         "ZRANGEBYSCORE z -inf +inf WITHSCORES",
                                         "ZREVRANGEBYSCORE z +inf -inf",
                                         "ZRANGE z (4 30 BYSCORE",
                                         "ZRANGE z 28 1 BYSCORE REV"};
  static const char* const kByName[] = {"ZRANGEBYLEX z - +", "ZREVRANGEBYLEX z + [m1",
                                        "ZRANGE z [m1 (m7 BYLEX", "ZRANGE z + - BYLEX REV"};
  const bool by_name = room.draw(3) == 0;
  add_scored(room, "z", 1 + room.draw(60), by_name);
  const std::string line = by_name ? one_of(kByName, room.draw) : one_of(kByScore, room.draw);
  const size_t each = line.find("WITHSCORES") == line.npos ? 1 : 2;
  const Items all = room.ask(line);
  const uint64_t from = room.draw(12), count = room.draw(12);
  const Items some = room.ask(fmt::format("{} LIMIT {} {}", line, from, count));
  room.expect(some, part(all, from * each, count * each));
  if (!line.starts_with("ZRANGE z")) return;
  (void)room.say(fmt::format("ZRANGESTORE kept z{} LIMIT {} {}", line.substr(8), from, count));
  room.expect(in_order(room.ask("ZRANGE kept 0 -1")), in_order(some));
}

// An element has the place that a row of them says.
void lists_have_places(Room& room) {
  std::deque<std::string> row;
  uint64_t next = 0;
  const auto push = [&](bool left, uint64_t count) {
    std::string line = left ? "LPUSH l" : "RPUSH l";
    for (; count > 0; --count) {
      line += fmt::format(" i{}", ++next);
      left ? row.push_front(fmt::format("i{}", next)) : row.push_back(fmt::format("i{}", next));
    }
    (void)room.say(line);
  };
  push(room.draw(2) == 0, 1 + room.draw(room.draw(3) == 0 ? 700 : 60));
  for (int n = 0; n < 24 && room.fine(); ++n) {
    const auto at = static_cast<ptrdiff_t>(room.draw(row.size()));
    switch (room.draw(7)) {
      case 0:
        push(room.draw(2) == 0, 1 + room.draw(4));
        break;
      case 1:
        (void)room.say(fmt::format("LINSERT l AFTER {} i{}", row[static_cast<size_t>(at)], ++next));
        row.insert(row.begin() + at + 1, fmt::format("i{}", next));
        break;
      case 2:
        (void)room.say(
            fmt::format("LSET l {} i{}", at - static_cast<ptrdiff_t>(row.size()), ++next));
        row[static_cast<size_t>(at)] = fmt::format("i{}", next);
        break;
      case 3:
        (void)room.say("LREM l 0 " + row[static_cast<size_t>(at)]);
        row.erase(row.begin() + at);
        break;
      case 4:
        (void)room.say("LPOP l");
        row.pop_front();
        break;
      case 5:
        (void)room.say("LMOVE l l RIGHT LEFT");
        row.push_front(row.back());
        row.pop_back();
        break;
      default:
        break;
    }
    if (row.empty()) push(false, 3);
    const size_t i = room.draw(row.size());
    room.expect(room.ask(fmt::format("LINDEX l {}", i)), {row[i]});
    room.expect(room.ask("LPOS l " + row[i]), {fmt::format(":{}", i)});
  }
  room.expect(room.ask("LRANGE l 0 -1"), Items(row.begin(), row.end()));
}

// A member has the rank at which it is found.
void members_have_ranks(Room& room) {
  std::set<std::pair<int64_t, std::string>> row;
  std::string line = "ZADD z";
  const uint64_t size = 1 + room.draw(room.draw(3) == 0 ? 600 : 60);
  const bool ascends = room.draw(2) == 0;
  for (uint64_t n = 0; n < size; ++n) {
    const auto score = static_cast<int64_t>(ascends ? n : room.draw(200));
    row.insert({score, fmt::format("m{:04}", n)});
    line += fmt::format(" {} m{:04}", score, n);
  }
  (void)room.say(line);
  for (int n = 0; n < 24 && !row.empty() && room.fine(); ++n) {
    const auto some = std::min<size_t>(1 + room.draw(30), row.size());
    const auto at = std::next(row.begin(), static_cast<ptrdiff_t>(room.draw(row.size())));
    switch (room.draw(5)) {
      case 0:
        (void)room.say(fmt::format("ZPOPMIN z {}", some));
        row.erase(row.begin(), std::next(row.begin(), static_cast<ptrdiff_t>(some)));
        break;
      case 1:
        (void)room.say(fmt::format("ZPOPMAX z {}", some));
        row.erase(std::prev(row.end(), static_cast<ptrdiff_t>(some)), row.end());
        break;
      case 2:
        (void)room.say("ZREM z " + at->second);
        row.erase(at);
        break;
      default: {
        const auto score = static_cast<int64_t>(room.draw(700));
        const std::string member = at->second;
        (void)room.say(fmt::format("ZADD z {} {}", score, member));
        row.erase(at);
        row.insert({score, member});
      }
    }
    if (row.empty()) break;
    const size_t rank = room.draw(row.size());
    const auto& [score, member] = *std::next(row.begin(), static_cast<ptrdiff_t>(rank));
    room.expect(room.ask("ZRANK z " + member), {fmt::format(":{}", rank)});
    room.expect(room.ask(fmt::format("ZRANGE z {} {} WITHSCORES", rank, rank)),
                {member, std::to_string(score)});
  }
}

// Of each set beside the others: how many there are is how many are shown.
void sets_count_what_they_show(Room& room) {
  for (const char* const key : {"a", "b"}) {
    std::string line = fmt::format("SADD {}", key);
    for (uint64_t n = 1 + room.draw(20); n > 0; --n) line += fmt::format(" {}", room.draw(25));
    (void)room.say(line);
    add_scored(room, fmt::format("z{}", key), 1 + room.draw(20), false);
  }
  const size_t both = room.ask("SINTER a b").size(), scored = room.ask("ZINTER 2 za zb").size();
  const uint64_t most = room.draw(8);
  const auto limited = [&](size_t count) {
    return Items{fmt::format(":{}", most == 0 ? count : std::min<size_t>(count, most))};
  };
  room.expect(room.ask(fmt::format("SINTERCARD 2 a b LIMIT {}", most)), limited(both));
  room.expect(room.ask(fmt::format("ZINTERCARD 2 za zb LIMIT {}", most)), limited(scored));
  const Items here = room.ask("SDIFF a b");
  room.expect(room.ask("SCARD a"), {fmt::format(":{}", here.size() + both)});
  (void)room.say("SDIFFSTORE d a b");
  room.expect(in_order(room.ask("SMEMBERS d")), in_order(here));
}

// --- Strings ---

// Several in one go are as many, one behind the other.
void fields_go_one_by_one(Room& room) {
  static const char* const kTypes[] = {"u8", "i8", "u5", "i16", "u33", "i64"};
  static const char* const kRules[] = {"WRAP", "SAT", "FAIL"};
  static const char* const kWords[] = {"INCRBY", "SET", "GET"};
  (void)room.say("SET one 0123456789");
  (void)room.say("SET other 0123456789");
  std::string whole = "BITFIELD one", rule = "WRAP";
  Items alone;
  for (uint64_t n = 2 + room.draw(5); n > 0; --n) {
    if (room.draw(3) == 0) rule = one_of(kRules, room.draw), whole += " OVERFLOW " + rule;
    const std::string word = one_of(kWords, room.draw);
    std::string field = fmt::format(" {} {} {}", word, one_of(kTypes, room.draw), room.draw(40));
    if (word != "GET") field += fmt::format(" {}", static_cast<int64_t>(room.draw(400)) - 150);
    whole += field;
    for (auto& item : room.ask("BITFIELD other OVERFLOW " + rule + field)) alone.push_back(item);
  }
  room.expect(room.ask(whole), alone);
  room.expect(room.ask("GET one"), room.ask("GET other"));
}

void bits_are_counted(Room& room) {
  std::string text;
  for (uint64_t n = 1 + room.draw(40); n > 0; --n)
    text += static_cast<char>(room.draw(3) == 0 ? '\xff' : 33 + room.draw(90));
  (void)room.say("SET s " + text);
  const uint64_t from = room.draw(text.size() * 8), to = from + room.draw(text.size() * 8 - from);
  uint64_t set = 0;
  std::string first = ":-1";
  for (uint64_t bit = from; bit <= to; ++bit) {
    if ((static_cast<unsigned char>(text[bit / 8]) >> (7 - bit % 8) & 1) == 0) continue;
    if (set++ == 0) first = fmt::format(":{}", bit);
  }
  room.expect(room.ask(fmt::format("BITCOUNT s {} {} BIT", from, to)), {fmt::format(":{}", set)});
  room.expect(room.ask(fmt::format("BITPOS s 1 {} {} BIT", from, to)), {first});
}

// A merge counts what was counted together, also where each has said its count before.
void sketches_merge(Room& room) {
  for (const char* const key : {"a", "b", "d"}) {
    std::string line = fmt::format("PFADD {}", key);
    const uint64_t most = room.draw(8) == 0 ? 4'000 : 60;  // one of more than some 1,500 is dense
    for (uint64_t n = room.draw(most); n > 0; --n) line += fmt::format(" {}", room.draw(5 * most));
    if (room.draw(4) != 0) (void)room.say(line);
    if (room.draw(2) == 0) (void)room.say(fmt::format("PFCOUNT {}", key));
  }
  const Items together = room.ask("PFCOUNT a b d");
  (void)room.say("PFMERGE d a b");
  room.expect(room.ask("PFCOUNT d"), together);
}

// --- Keys ---

// Of what is there, a copy is as it is; and nothing is written over but with REPLACE.
void copies_find_their_place(Room& room) {
  for (const int db : {0, 1})
    for (const char* const key : {"a", "b"}) {
      (void)room.say(fmt::format("SELECT {}", db));
      if (room.draw(2) == 0) (void)room.say(fmt::format("SET {} {}-{}", key, db, key));
    }
  const uint64_t to = room.draw(2);
  const char* const key = room.draw(2) == 0 ? "a" : "b";
  const bool replace = room.draw(3) == 0;
  (void)room.say(fmt::format("SELECT {}", to));
  const Items there = room.ask(fmt::format("GET {}", key));
  (void)room.say("SELECT 0");
  const Items here = room.ask("GET a");
  if (to == 0 && std::string_view(key) == "a") return;
  const bool may = here != Items{"$-1"} && (replace || there == Items{"$-1"});
  const Items said = room.ask(fmt::format("COPY a {} DB {}{}", key, to, replace ? " REPLACE" : ""));
  room.expect(said, {may ? ":1" : ":0"});
  (void)room.say(fmt::format("SELECT {}", to));
  room.expect(room.ask(fmt::format("GET {}", key)), may ? here : there);
}

// What is kept of a search is what it shows, in the unit that it was asked in.
void distances_are_kept(Room& room) {
  static const char* const kUnits[] = {"m", "km", "ft", "mi"};
  for (int n = 0; n < 8; ++n)
    (void)room.say(fmt::format("GEOADD g {:.4f} {:.4f} p{}",
                               10 + 0.01 * static_cast<double>(room.draw(100)),
                               50 + 0.01 * static_cast<double>(room.draw(100)), n));
  const std::string unit = one_of(kUnits, room.draw);
  const std::string by =
      fmt::format("FROMLONLAT 10.5 50.5 BYRADIUS {} {}", 1000 + room.draw(90'000), unit);
  const Items shown = room.ask(fmt::format("GEOSEARCH g {} ASC WITHDIST", by));
  (void)room.say(fmt::format("GEOSEARCHSTORE kept g {} STOREDIST", by));
  const Items kept = room.ask("ZRANGE kept 0 -1 WITHSCORES");
  if (shown.size() != kept.size()) return room.note("others are kept than are shown");
  const auto far = [](const std::string& one, const std::string& other) {
    return std::abs(std::strtod(one.c_str(), nullptr) - std::strtod(other.c_str(), nullptr)) > 1e-3;
  };
  for (size_t i = 1; i < shown.size(); i += 2)
    if (far(shown[i], kept[i])) return room.expect(kept, shown);
}

// --- Streams ---

// A group that is set back is as one that is made there.
void groups_are_set_back(Room& room) {
  const uint64_t entries = 1 + room.draw(6);
  (void)room.say("XGROUP CREATE s g 0 MKSTREAM");
  for (uint64_t n = 1; n <= entries; ++n) (void)room.say(fmt::format("XADD s {}-1 f v", n));
  (void)room.say(
      fmt::format("XREADGROUP GROUP g c COUNT {} NOACK STREAMS s >", 1 + room.draw(entries)));
  if (room.draw(3) == 0) (void)room.say(fmt::format("XDEL s {}-1", 1 + room.draw(entries)));
  (void)room.say("XGROUP DELCONSUMER s g c");
  std::string at = room.draw(3) == 0 ? "$" : fmt::format("{}-1", room.draw(entries + 1));
  if (room.draw(3) == 0) at += fmt::format(" ENTRIESREAD {}", room.draw(entries + 1));
  (void)room.say("XGROUP SETID s g " + at);
  const Items back = room.ask("XINFO GROUPS s");
  (void)room.say("XGROUP DESTROY s g");
  (void)room.say("XGROUP CREATE s g " + at);
  room.expect(back, room.ask("XINFO GROUPS s"));
}

// Entries of any length are the same behind DUMP and RESTORE, and a part of them is what COUNT shows; also where the last were
// deleted, the stream was set back, and others came.
void entries_are_kept(Room& room) {
  static constexpr uint64_t kLengths[] = {0, 60, 120, 125, 128, 250, 4'090, 16'380};
  const auto add = [&](uint64_t id) {
    const std::string value(kLengths[room.draw(std::size(kLengths))] + room.draw(10), 'x');
    (void)room.say(fmt::format("XADD s {}-1 f {}", id, value));
  };
  uint64_t last = 0;
  for (uint64_t n = 1 + room.draw(6); n > 0; --n) add(last += 1 + room.draw(4));
  if (room.draw(2) == 0) {
    const uint64_t first_gone = last - room.draw(last);
    for (uint64_t id = first_gone; id <= last; ++id) (void)room.say(fmt::format("XDEL s {}-1", id));
    (void)room.say(fmt::format("XSETID s {}-1", last = first_gone - 1 + room.draw(3)));
    for (uint64_t n = room.draw(4); n > 0; --n) add(last += 1 + room.draw(4));
  }
  const Items all = room.ask("XRANGE s - +");
  const uint64_t count = 1 + room.draw(4);
  room.expect(room.ask(fmt::format("XRANGE s - + COUNT {}", count)), part(all, 0, 3 * count));
  room.keep("s");
  room.expect(room.ask("XRANGE copy - +"), all);
}

}  // namespace

std::string broken_law(int64_t now_ms, const Drawn& draw) {
  constexpr void (*kLaws[])(Room&) = {
      limits_slice,         lists_have_places,   members_have_ranks, sets_count_what_they_show,
      fields_go_one_by_one, bits_are_counted,    sketches_merge,     copies_find_their_place,
      distances_are_kept,   groups_are_set_back, entries_are_kept};
  const size_t law = draw(std::size(kLaws));
  Room room(now_ms, draw);
  kLaws[law](room);
  return room.amiss();
}

}  // namespace powercut::scenarios
