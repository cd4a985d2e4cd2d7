#include "scenarios/store/starts/timed_starts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/engine.h"
#include "scenarios/store/held_back.h"
#include "scenarios/store/starts/copied_starts.h"
#include "scenarios/store/starts/shown_words.h"
#include "scenarios/store/starts/slow_os.h"
#include "sim/request.h"

namespace powercut::scenarios {

namespace {

using Words = std::vector<std::string>;

class TimedStarts final : CopiedStarts {
 public:
  explicit TimedStarts(const CopiedStarts& as) : CopiedStarts(as) {}
  std::optional<Violation> judge();

 private:
  std::string look_at_saves(engine::Os& os, engine::Engine& engine);
  std::string look_at_waits(engine::Os& os, engine::Engine& engine);
  std::string look_at_watch(engine::Os& os, engine::Engine& engine);
  std::string look_at_expiries(engine::Os& os, engine::Engine& engine);
  std::string look_at_uses(engine::Os& os, engine::Engine& engine);
  std::string look_at_evictions(engine::Os& os, engine::Engine& engine);
  std::string look_at_replies(SlowOs& os, engine::Engine& engine);
};

// --- Checkpoints ---

// Of all rules that are met the one counts that is due first, in whatever order they stand.
std::string TimedStarts::look_at_saves(engine::Os& os, engine::Engine& engine) {
  constexpr Duration kSlack = milliseconds(700);
  std::vector<engine::SaveRule> rules = {{2, 6}, {4, 3}, {8, 1}, {3600, 1}, {1, 100'000}};
  rules.erase(rules.begin() + static_cast<ptrdiff_t>(draw("timed.left_out", rules.size())));
  std::string text;
  for (; !rules.empty(); rules.pop_back()) {
    std::swap(rules[draw("timed.rule", rules.size())], rules.back());
    text +=
        fmt::format("{}{} {}", text.empty() ? "" : " ", rules.back().seconds, rules.back().changes);
  }
  const auto session = engine.connect();
  if (ask(*session, {"SAVE"}) != "+OK\r\n") return {};
  (void)ask(*session, {"CONFIG", "SET", "save", text});
  const Instant saved = engine.generations().saved_at();
  const uint64_t saves = engine.keeper().stats().saves;
  const uint64_t changes = 1 + draw("timed.changes", 8);
  for (uint64_t n = 0; n < changes; ++n) (void)ask(*session, {"SET", "timed", std::to_string(n)});
  Duration due = seconds(3600);
  for (const engine::SaveRule& rule : engine.config().save)
    if (changes >= rule.changes) due = std::min(due, seconds(rule.seconds));
  due = std::min(due, seconds(20));  // there is none, and none comes
  const auto told = [&](std::string_view what) {
    return fmt::format("with save \"{}\" and {} changes {}", text, changes, what);
  };
  const auto rest_until = [&](Instant at) {
    if (os.now() < at) rest(os, at - os.now());
  };
  rest_until(saved + due - kSlack);
  if (engine.keeper().stats().saves != saves) return told("it saves too soon");
  if (due == seconds(20)) return {};
  rest_until(saved + due + kSlack);
  return engine.keeper().stats().saves == saves ? told("no save is made in time") : std::string();
}

// --- Waits ---

// Who came first is served first, and who is not served is told so in time.
std::string TimedStarts::look_at_waits(engine::Os& os, engine::Engine& engine) {
  constexpr Duration kSlack = milliseconds(60);
  struct Waiter {
    std::unique_ptr<engine::Session> session;
    Instant due;
    bool over = false;
  };
  const auto pusher = engine.connect();
  const std::string key = "timed:q";
  if (ask(*pusher, {"EXISTS", key}) != ":0\r\n") return {};
  std::vector<Waiter> waiters;
  const size_t count = 3 + draw("timed.waiters", 3);
  std::string told;
  for (size_t i = 0; i < count; ++i) {
    constexpr int64_t kMs[] = {100, 300, 700, 1'500, 4'000};
    const int64_t ms = kMs[draw("timed.wait", std::size(kMs))];
    const std::string text = fmt::format("{}", static_cast<double>(ms) / 1000);
    const Words words = draw("timed.which", 2) == 0
                            ? Words{"BLPOP", key, text}
                            : Words{"BLMPOP", text, "2", "timed:nothing", key, "LEFT"};
    waiters.push_back({engine.connect(), os.now() + milliseconds(ms)});
    told += fmt::format(" {}", text);
    waiters.back().session->feed(sim::encode_request(words));
    if (!waiters.back().session->waits()) return "who is to wait for what is not there does not";
    rest(os, milliseconds(static_cast<int64_t>(draw("timed.between", 60))));
  }
  const Instant push = os.now() + milliseconds(static_cast<int64_t>(draw("timed.push", 1'200)));
  bool pushed = false;
  for (const Instant end = os.now() + seconds(5); os.now() < end; rest(os, milliseconds(5))) {
    Waiter* next = nullptr;
    for (Waiter& one : waiters) {
      const bool waits = one.session->waits();
      if (!one.over && waits && os.now() > one.due + kSlack)
        return "of clients that wait for" + told +
               " s one is not told in time that there is nothing";
      if (!one.over && !waits && os.now() + kSlack < one.due)
        return "of clients that wait for" + told + " s one is told too soon that there is nothing";
      one.over = one.over || !waits;
      if (!one.over && next == nullptr) next = &one;
    }
    if (pushed || os.now() < push || next == nullptr) continue;
    pushed = true;
    if (os.now() + kSlack > next->due) continue;  // it may be either
    pusher->feed(sim::encode_request({"RPUSH", key, "one"}));
    if (next->session->waits() || engine.keyspace().peek(0, key) != nullptr)
      return "of clients that wait for" + told + " s not the first is served";
    next->over = true;
    next->due = os.now();
  }
  return {};
}

// --- What is watched, and expires ---

std::string TimedStarts::look_at_watch(engine::Os& os, engine::Engine& engine) {
  constexpr std::string_view kMeanwhile[] = {"PING",   "GET timed",   "EXISTS timed", "TTL timed",
                                             "DBSIZE", "SET other 1", "TYPE timed"};
  const auto watcher = engine.connect(), other = engine.connect();
  const int64_t ms = 20 + static_cast<int64_t>(draw("timed.expiry", 100));
  const int64_t passed = 20 + static_cast<int64_t>(draw("timed.passed", 200));
  if (passed >= ms - 15 && passed <= ms + 15) return {};  // it may be either
  engine.set_active_expire(draw("timed.active", 2) == 0);
  const std::string db = std::to_string(draw("timed.db", 3));
  const std::string db_then =
      draw("timed.moves", 2) == 0 ? db : std::to_string(draw("timed.db", 3));
  (void)ask(*watcher, {"SELECT", db});
  (void)ask(*watcher, {"SET", "timed", "v", "PX", std::to_string(ms)});
  const Instant expires = os.now() + milliseconds(ms);
  (void)ask(*watcher, {"WATCH", "nobody", "timed"});
  if (os.now() > expires) return {};
  (void)ask(*watcher, {"SELECT", db_then});
  const bool queued_before = draw("timed.queued", 2) == 0;
  if (queued_before) (void)ask(*watcher, {"MULTI"});
  if (queued_before) (void)ask(*watcher, {"PING"});
  rest(os, milliseconds(passed));
  const std::string_view words = kMeanwhile[draw("timed.meanwhile", std::size(kMeanwhile))];
  (void)reply_to(*other, std::string(words) + "\r\n");
  if (!queued_before) (void)ask(*watcher, {"MULTI"});
  if (!queued_before) (void)ask(*watcher, {"PING"});
  const std::string reply = ask(*watcher, {"EXEC"});
  const bool done = reply.starts_with("*1");
  // Replies may have taken a while.
  if (done == (passed < ms) || (passed < ms && os.now() > expires)) return {};
  return fmt::format(
      "a client watches a key that expires in {} ms, and behind {} ms and {} its "
      "transaction is {}",
      ms, passed, words, done ? "done" : "not done");
}

// --- What expires, and nobody looks at ---

// However it came by its time, it goes when that is over.
std::string TimedStarts::look_at_expiries(engine::Os& os, engine::Engine& engine) {
  constexpr std::string_view kWays[] = {"SET @ v PX #",
                                        "PSETEX @ # v",
                                        "PEXPIRE @ #",
                                        "PEXPIRE @ # GT",
                                        "PEXPIRE @ # LT",
                                        "PEXPIRE @ # NX",
                                        "PEXPIRE @ # XX",
                                        "GETEX @ PX #",
                                        "PERSIST @",
                                        "RENAME @ ^",
                                        "COPY @ ^ REPLACE",
                                        "COPY @ ^ DB 1 REPLACE",
                                        "MOVE @ 1",
                                        "SWAPDB 0 1",
                                        "SET @ w KEEPTTL",
                                        "SET @ w",
                                        "APPEND @ x",
                                        "DEL @",
                                        "SELECT 1",
                                        "SELECT 0",
                                        "FLUSHDB",
                                        "EXPIRE @ 1000",
                                        "GETEX @ PERSIST",
                                        "GETSET @ w",
                                        "EVAL redis.call('pexpire',KEYS[1],ARGV[1]) 1 @ #"};
  engine.set_active_expire(true);
  if (engine.replica().follows()) return {};
  const auto session = engine.connect();
  const auto key = [&] { return fmt::format("timed:{}", draw("timed.key", 4)); };
  std::string told;
  const uint64_t count = 8 + draw("timed.ways", 24);
  for (uint64_t n = 0; n < count; ++n) {
    Words words = words_in(kWays[draw("timed.expires", std::size(kWays))], {});
    for (std::string& word : words)
      if (word == "@" || word == "^")
        word = key();
      else if (word == "#")
        word = std::to_string(20 + draw("timed.expires_in", 1'500));
    (void)ask(*session, words);
    told += fmt::format("{}{}", told.empty() ? "" : ", ", fmt::join(words, " "));
    if (draw("timed.passes", 4) == 0)
      rest(os, milliseconds(static_cast<int64_t>(draw("timed.pause", 200))));
  }
  const Duration slack = engine.config().sizes.expire_lag + milliseconds(250);
  for (int n = 0; n < 24; ++n) {
    rest(os, milliseconds(100));
    if (!engine.aof().blocked().empty()) return {};
    const int64_t now_ms = os.wall_now().unix_ms;
    for (int db = 0; db < engine.keyspace().databases(); ++db) {
      const auto& table = engine.keyspace().database(db).table();
      for (size_t i = 0; i < table.size(); ++i) {
        const engine::Object& object = table.at(i).value;
        if (!object.expires() || object.expire_at_ms + slack.ms() > now_ms) continue;
        return fmt::format("a client says {}; {} is still there {} ms after its time", told,
                           std::string_view(table.at(i).key), now_ms - object.expire_at_ms);
      }
    }
  }
  return {};
}

// --- Uses ---

// Who looks whether a key is there, or how it is kept, does not use it; who reads it does.
std::string TimedStarts::look_at_uses(engine::Os& os, engine::Engine& engine) {
  constexpr std::string_view kLooks[] = {"OBJECT ENCODING timed", "TTL timed", "PTTL timed",
                                         "TYPE timed", "OBJECT REFCOUNT timed"};
  constexpr size_t kWrites = 3;  // the last of these
  constexpr std::string_view kUses[] = {"GET timed",          "STRLEN timed",      "TOUCH timed",
                                        "GETRANGE timed 0 0", "MGET timed nobody", "SET timed w",
                                        "APPEND timed x",     "GETSET timed y"};
  const auto session = engine.connect();
  const auto say = [&](std::string_view words) {
    return reply_to(*session, std::string(words) + "\r\n");
  };
  const bool counts = draw("timed.counts", 2) == 0;
  const std::string_view asks = counts ? "OBJECT FREQ timed" : "OBJECT IDLETIME timed";
  (void)say(counts ? "CONFIG SET maxmemory-policy allkeys-lfu lfu-decay-time 0"
                   : "CONFIG SET maxmemory-policy allkeys-lru");
  if (say("SET timed v") != "+OK\r\n") return {};
  (void)say("DEL timed");
  if (say("SET timed v") != "+OK\r\n") return {};
  rest(os, seconds(3));
  const std::string_view look = kLooks[draw("timed.look", std::size(kLooks))];
  std::string before = say(asks);
  for (int n = 0; n < 3; ++n) (void)say(asks), (void)say(look);
  const std::string then = say(asks);
  const bool fits = counts ? before == ":5\r\n" && then == before
                           : (before == ":3\r\n" || before == ":4\r\n") && then >= before;
  if (!fits)
    return fmt::format("a key was set 3 s ago: {} says {}, and behind {} {}", asks,
                       before.substr(0, before.find('\r')), look, then.substr(0, then.find('\r')));
  // By another value nobody counts more often.
  const size_t uses = std::size(kUses) - (counts ? kWrites : 0);
  const std::string_view use = kUses[draw("timed.use", uses)];
  (void)say(use);
  const std::string used = say(asks);
  if (counts ? used == ":6\r\n" : used == ":0\r\n" || used == ":1\r\n") return {};
  return fmt::format("behind {} {} says {}", use, asks, used.substr(0, used.find('\r')));
}

// --- What goes for want of memory ---

// Where only what expires may go, what was made to stay stays, whenever it was.
std::string TimedStarts::look_at_evictions(engine::Os&, engine::Engine& engine) {
  constexpr std::string_view kPolicies[] = {"volatile-lru", "volatile-lfu", "volatile-random",
                                            "volatile-ttl"};
  constexpr uint64_t kNumber = 16;
  const auto session = engine.connect();
  const std::string policy(kPolicies[draw("timed.policy", std::size(kPolicies))]);
  (void)ask(*session, {"CONFIG", "SET", "maxmemory", "0", "maxmemory-policy", policy});
  (void)ask(*session,
            {"CONFIG", "SET", "maxmemory-samples", draw("timed.samples", 2) ? "5" : "10"});
  const auto key_of = [](uint64_t n) { return fmt::format("timed:{}", n); };
  for (uint64_t n = 0; n < kNumber; ++n)
    (void)ask(*session, {"SET", key_of(n), std::string(400, 'x'), "PX",
                         std::to_string(1'000'000 + 1'000 * draw("timed.ttl", 100))});
  std::vector<uint64_t> stay;
  const auto less = [&](uint64_t bytes) {
    constexpr std::string_view kUsed = "\r\nused_memory:";
    const std::string info = ask(*session, {"INFO", "memory"});
    const uint64_t used =
        std::strtoull(info.c_str() + info.find(kUsed) + kUsed.size(), nullptr, 10);
    (void)ask(*session, {"CONFIG", "SET", "maxmemory", std::to_string(used - bytes)});
    (void)ask(*session, {"PING"});
    (void)ask(*session, {"CONFIG", "SET", "maxmemory", "0"});
  };
  for (int round = 0; round < 3; ++round) {
    less(600);
    for (uint64_t n = 0; n < kNumber; ++n)
      if (draw("timed.stays", 3) == 0 && ask(*session, {"PERSIST", key_of(n)}).starts_with(":1"))
        stay.push_back(n);
    less(1'500);
    for (const uint64_t n : stay)
      if (engine.keyspace().peek(0, key_of(n)) == nullptr)
        return fmt::format("maxmemory-policy is {}, and a key went that was made to stay", policy);
  }
  // And where none may go, nothing more comes, for as long as there is a limit.
  (void)ask(*session, {"CONFIG", "SET", "maxmemory", "1", "maxmemory-policy", "noeviction"});
  const std::string limited = ask(*session, {"SET", key_of(0), "more"});
  (void)ask(*session, {"CONFIG", "SET", "maxmemory", "0"});
  const std::string without = ask(*session, {"SET", key_of(0), "more"});
  if (limited.starts_with("-OOM") && without == "+OK\r\n") return {};
  return fmt::format("a write under maxmemory 1 is answered {:?}, and without a limit {:?}",
                     limited.substr(0, 40), without.substr(0, 40));
}

// --- Replies ---

// Whatever is under way, and however long a sync takes, when the log is to be kept otherwise: what may leave then leaves.
std::string TimedStarts::look_at_replies(SlowOs& os, engine::Engine& engine) {
  constexpr std::string_view kPolicies[] = {"always", "everysec", "no"};
  constexpr int64_t kUs[] = {0, 20, 100, 500, 3'000, 300'000};
  constexpr int64_t kSyncMs[] = {0, 0, 5, 1'000, 2'500};
  const auto writer = engine.connect(), other = engine.connect();
  std::string behind;
  for (uint64_t n = 0; n < 24; ++n) {
    os.sync_takes = milliseconds(kSyncMs[draw("timed.sync", std::size(kSyncMs))]);
    writer->feed(sim::encode_request({"SET", "timed", std::to_string(n)}));
    rest(os, microseconds(kUs[draw("timed.under_way", std::size(kUs))]));
    if (draw("timed.switches", 4) == 0) {
      const std::string policy(kPolicies[draw("timed.kept", std::size(kPolicies))]);
      other->feed(sim::encode_request({"CONFIG", "SET", "appendfsync", policy}));
      behind = "behind CONFIG SET appendfsync " + policy + ' ';
    }
    if (const std::string held = held_back(engine); !held.empty()) return behind + held;
  }
  os.sync_takes = {};
  return {};
}

std::optional<Violation> TimedStarts::judge() {
  see("that saves by rules",
      [this](engine::Os& os, engine::Engine& engine) { return look_at_saves(os, engine); });
  see("where clients wait",
      [this](engine::Os& os, engine::Engine& engine) { return look_at_waits(os, engine); });
  see("where a key that is watched expires",
      [this](engine::Os& os, engine::Engine& engine) { return look_at_watch(os, engine); });
  see("where keys expire that nobody looks at",
      [this](engine::Os& os, engine::Engine& engine) { return look_at_expiries(os, engine); });
  see("where uses of a key are told",
      [this](engine::Os& os, engine::Engine& engine) { return look_at_uses(os, engine); });
  see("that has too little memory",
      [this](engine::Os& os, engine::Engine& engine) { return look_at_evictions(os, engine); });
  see_slow("whose log is to be kept otherwise",
           [this](SlowOs& os, engine::Engine& engine) { return look_at_replies(os, engine); });
  return wrong_;
}

}  // namespace

std::optional<Violation> judge_timed_starts(const CopiedStarts& as) {
  return TimedStarts(as).judge();
}

}  // namespace powercut::scenarios
