#include "scenarios/store/walked_starts.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/engine.h"
#include "scenarios/store/copied_starts.h"
#include "scenarios/store/digest.h"
#include "scenarios/store/shown_words.h"
#include "scenarios/store/slow_os.h"
#include "scenarios/store/store_target.h"
#include "scenarios/store/strike.h"
#include "sim/request.h"

namespace powercut::scenarios {

namespace {

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
    "EVAL for~i=1,9~do~redis.call('INCR',KEYS[1])~end 1 %s";
constexpr std::string_view kOfOne =
    "COPY %L %t REPLACE; RENAMENX %l %d; PERSIST %t; PEXPIRE %L 5; PEXPIRE %s 1; EXPIRE %H 100000; "
    "GETEX %s PX 3; SET %t x KEEPTTL; SET %s 6; SET %S x EX 50000; GETDEL %t; APPEND %S tail; "
    "SETRANGE %S 7 mid; SETBIT %S 77 1; INCR %s; BITFIELD %t INCRBY u8 0 9; RPUSH %L z; LPOP %L; "
    "LTRIM %L 3 9; LINSERT %L BEFORE 7 x; LREM %L 0 3; LSET %L 2 x; LMOVE %L %l LEFT RIGHT; "
    "LMOVE %l %d LEFT LEFT; HSET %H 3 x; HDEL %H 1 2; HDEL %h f g; HINCRBY %H n 1; SADD %E x; "
    "SREM %E 1 2; SPOP %E; SMOVE %E %e 3; SINTERSTORE %d %E %L; SUNIONSTORE %d %E %e; ZADD %Z 9 x; "
    "ZREM %Z 4; ZINCRBY %Z 1 5; ZPOPMIN %Z; ZREMRANGEBYRANK %z 0 -1; ZUNIONSTORE %d 2 %z %Z; "
    "XADD %x 9-1 f v; XTRIM %x MAXLEN 1; XDEL %x 1-1; XREADGROUP GROUP g two COUNT 2 STREAMS %x >; "
    "XACK %x g 1-1; XCLAIM %x g two 0 1-1 2-1; XAUTOCLAIM %x g two 0 0; XGROUP DELCONSUMER %x g "
    "one; XGROUP CREATE %x n 0; XGROUP DESTROY %x g; XGROUP SETID %x w 0; PFADD %p q; "
    "PFMERGE %p %d; GEOADD %g 1 1 c; SORT %L ALPHA STORE %d; GET %s; EXISTS %L; BGREWRITEAOF; "
    "BGSAVE";

using Words = std::vector<std::string>;

class WalkedStarts final : CopiedStarts {
 public:
  explicit WalkedStarts(const CopiedStarts& as) : CopiedStarts(as) {}
  std::optional<Violation> judge();

 private:
  // What was there behind an operation, and when that was.
  struct Moment {
    uint64_t digest;
    int64_t wall_ms;
  };
  enum class Pass { kWhole, kFails, kDies };
  uint64_t again(Site site, uint64_t n) { return choices_.choose(site, next_++, n); }
  void lay_out(engine::Session& session);
  std::string say_something(engine::Session& session);
  void change(SlowOs& os, engine::Engine& engine, engine::Session& session);
  void walk(SlowOs& os, engine::Engine& engine, Pass pass);
  void note(engine::Os& os, engine::Engine& engine);
  Came go(sim::WorldState& world, Strike& strike, Pass pass);
  void judge_after(sim::WorldState& world, Pass pass, const std::string& told);
  void judge_pass(const sim::WorldState& durable, Pass pass, Strike& strike);

  uint64_t next_ = 0;
  std::string story_;
  std::string refused_;
  std::map<uint64_t, Moment> moments_;  // by its last operation
  uint64_t told_ = 0;                   // the last operation that somebody may have been told of
  uint64_t least_ = 0;                  // that a checkpoint must have, which was made
  bool kept_ = true;                    // what is there in the end is promised
  uint64_t walk_begins_ = 0;            // the calls of the one that goes well
  uint64_t walk_ends_ = 0;
};

// The same in each of some databases, but for who looks at which.
void WalkedStarts::lay_out(engine::Session& session) {
  (void)ask(session, {"CONFIG", "SET", "maxmemory", "0"});
  const bool many = again("walked.many", 6) == 0;
  const int elements = many ? 250 + static_cast<int>(again("walked.elements", 20)) : 24;
  const Words entries = {"EVAL",
                         "for i=1,ARGV[1] do redis.call('XADD',KEYS[1],'*','f',i) end "
                         "redis.call('XGROUP','CREATE',KEYS[1],'g',0)",
                         "1", words_in("%X", kPrefix)[0], std::to_string(elements)};
  for (int db = 0; db < kDatabases; ++db) {
    (void)ask(session, {"SELECT", std::to_string(db)});
    for (const std::string_view line : lines_in(kOneOfEach))
      (void)ask(session, words_in(line, kPrefix));
    Words list = words_in("RPUSH %L", kPrefix);
    Words hash = words_in("HSET %H", kPrefix);
    Words set = words_in("SADD %E", kPrefix);
    Words sorted = words_in("ZADD %Z", kPrefix);
    for (int n = 0; n < elements; ++n) {
      const std::string number = std::to_string(n), text = fmt::format("{}-of-{}", n, db);
      list.insert(list.end(), {number, text});
      hash.insert(hash.end(), {number, text});
      set.insert(set.end(), {number, text});
      sorted.insert(sorted.end(), {number, number});
    }
    const Words taken = words_in("XREADGROUP GROUP g one STREAMS %X >", kPrefix);
    for (const Words& words : {list, hash, set, sorted, entries, taken}) (void)ask(session, words);
    const std::string key = words_in("%S", kPrefix)[0];
    (void)ask(session, {"SET", key, std::string(300, static_cast<char>('a' + db))});
  }
}

// One thing, or several at once. As a story has it.
std::string WalkedStarts::say_something(engine::Session& session) {
  const auto of_all = lines_in(kOfAll), of_one = lines_in(kOfOne);
  const auto line = [&] {
    const auto& from = again("walked.all", 3) == 0 ? of_all : of_one;
    return from[again("walked.line", from.size())];
  };
  const std::string db = std::to_string(again("walked.db", kDatabases));
  (void)ask(session, {"SELECT", db});
  std::vector<std::string_view> lines;
  const bool together = again("walked.together", 4) == 0;
  for (uint64_t n = together ? 2 + again("walked.number", 3) : 1; n > 0; --n)
    lines.push_back(line());
  size_t replies = 0;
  if (!together) {
    session.feed(
        wrapped(words_in(lines[0], kPrefix), again("walked.way", 6) == 0 ? 2 : 0, replies));
  } else {
    std::string all = sim::encode_request({"MULTI"});
    for (const std::string_view one : lines) all += sim::encode_request(words_in(one, kPrefix));
    session.feed(all + sim::encode_request({"EXEC"}));
    replies = lines.size() + 2;
  }
  (void)take(session, replies);
  return fmt::format("[{}] {}", db, fmt::join(lines, together ? " + " : ""));
}

void WalkedStarts::note(engine::Os& os, engine::Engine& engine) {
  // A checkpoint alone is read without what has expired by then.
  constexpr int64_t kLater = 3'600'000;
  const int64_t wall_ms = os.wall_now().unix_ms + (options_.append_only ? 0 : kLater);
  moments_[engine.applied_lsn()] = {keyspace_digest(engine.keyspace(), wall_ms), wall_ms};
}

// While it walks, as a rule.
void WalkedStarts::change(SlowOs& os, engine::Engine& engine, engine::Session& session) {
  constexpr int kChanges = 16;
  for (int n = 0; n < kChanges; ++n) {
    const std::string said = say_something(session);
    if (story_.size() < 500) story_ += (story_.empty() ? "" : ", ") + said;
    told_ = engine.applied_lsn();
    note(os, engine);
    if (again("walked.rests", 2) == 0)
      rest(os, microseconds(static_cast<int64_t>(100 + again("walked.rest", 3'000))));
  }
}

void WalkedStarts::walk(SlowOs& os, engine::Engine& engine, Pass pass) {
  engine.set_active_expire(false);
  const auto session = engine.connect();
  lay_out(*session);
  told_ = engine.applied_lsn();
  note(os, engine);
  os.checkpoint_write_takes = microseconds(static_cast<int64_t>(50 + again("walked.slow", 1'000)));
  const std::string_view asked = options_.append_only ? "BGREWRITEAOF" : "BGSAVE";
  const uint64_t saves = engine.keeper().stats().saves;
  (void)reply_to(*session, std::string(asked) + "\r\n");
  change(os, engine, *session);
  do rest(os, milliseconds(1));
  while (!engine.keeper().busy(engine::Keeper::Job::kNone));
  os.checkpoint_write_takes = {};
  if (engine.keeper().stats().saves != saves) least_ = moments_.begin()->first;
  note(os, engine);
  if (pass != Pass::kWhole) {
    rest(os, seconds(12));
    if (const std::string reply = reply_to(*session, "SET walked 1\r\n"); reply != "+OK\r\n")
      refused_ = reply;
  }
  rest(os, seconds(3));
  note(os, engine);
  told_ = engine.applied_lsn();
  kept_ = !options_.append_only || engine.aof().active();
}

Came WalkedStarts::go(sim::WorldState& world, Strike& strike, Pass pass) {
  next_ = 0;
  story_.clear();
  refused_.clear();
  moments_.clear();
  told_ = least_ = 0;
  kept_ = true;
  SlowOs* slow = nullptr;
  const Over over = [&](engine::Os& os) {
    auto made = std::make_unique<SlowOs>(os);
    slow = made.get();
    return made;
  };
  return open_over(
      world, over, [&](engine::Os&, engine::Engine& engine) { walk(*slow, engine, pass); },
      &strike);
}

// Where nothing died it is as it was; else as it was at some moment behind the last reply.
void WalkedStarts::judge_after(sim::WorldState& world, Pass pass, const std::string& told) {
  uint64_t last = 0, digest = 0;
  const Came came = open(world, nullptr, [&](engine::Os&, engine::Engine& engine) {
    engine.set_active_expire(false);
    last = engine.recovery().last_lsn;
    const auto moment = moments_.find(last);
    if (moment != moments_.end())
      digest = keyspace_digest(engine.keyspace(), moment->second.wall_ms);
  });
  const std::string behind = fmt::format("behind one {}, where clients say {}", told, story_);
  if (!came.started()) return wrong(Breach::kNoStart, behind, came.text());
  const bool whole = options_.append_only && pass != Pass::kDies;
  const uint64_t least = options_.append_only ? told_ : least_;
  if (last < least || (whole && last != told_))
    return wrong(Breach::kLost, behind, fmt::format("{}, and it held {}", came.text(), told_));
  const auto moment = moments_.find(last);
  if (moment == moments_.end()) return;  // between what one client said in one go
  if (digest != moment->second.digest)
    wrong(Breach::kNoPrefix, behind, came.text() + ", and other values are there");
}

void WalkedStarts::judge_pass(const sim::WorldState& durable, Pass pass, Strike& strike) {
  sim::WorldState copy = durable;
  const Came came = go(copy, strike, pass);
  const std::string told =
      fmt::format("whose checkpoint is slow{}{}", strike.met.empty() ? "" : ", with ", strike.met);
  if (!came.crashed) expect_same(came, told);
  if (!wrong_ && !refused_.empty())
    wrong(Breach::kUnavailable, told, "left alone then, a write is refused with " + refused_);
  if (wrong_ || !kept_) return;
  const bool synced = config_of(settings_).aof.policy != engine::SyncPolicy::kNo;
  const bool cut = !came.crashed && (synced || !options_.append_only) &&
                   choices_.choose("walked.cut", static_cast<uint64_t>(pass), 2) == 0;
  copy.disk = cut ? copy.disk.after_power_cut(choices_, 40 + static_cast<uint64_t>(pass))
                  : copy.disk.after_kill();
  judge_after(copy, pass, told);
  if (pass != Pass::kWhole) return;
  walk_begins_ = came.calls_of_start;
  walk_ends_ = came.calls;
}

std::optional<Violation> WalkedStarts::judge() {
  settings_.sizes.step_bytes = uint64_t{32} << draw("walked.step", 5);
  settings_.sizes.script_step = static_cast<int>(20 + draw("walked.script_step", 200));
  sim::WorldState durable = world_;
  durable.disk = world_.disk.after_power_cut(choices_, 39);
  sim::WorldState undisturbed = durable;
  plain_ = open(undisturbed, nullptr);
  if (!plain_.started()) return {};  // is judged elsewhere
  Strike none(choices_);
  judge_pass(durable, Pass::kWhole, none);
  for (const Pass pass : {Pass::kFails, Pass::kDies}) {
    const bool data_goes = world_.disk.rules().sync_failure == sim::SyncFailure::kExt4Data2020;
    if (wrong_ || (pass == Pass::kFails && data_goes)) continue;
    if (pass == Pass::kDies && !options_.append_only) continue;
    const auto key = 50 + static_cast<uint64_t>(pass);
    const auto call = Strike::draw(none.kinds, walk_begins_, walk_ends_, key, choices_);
    if (!call) continue;
    Strike strike(choices_, *call, pass == Pass::kDies);
    judge_pass(durable, pass, strike);
  }
  return wrong_;
}

}  // namespace

std::optional<Violation> judge_walked_starts(const CopiedStarts& as) {
  return WalkedStarts(as).judge();
}

}  // namespace powercut::scenarios
