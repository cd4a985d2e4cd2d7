#include "scenarios/store/starts/client_starts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/engine.h"
#include "scenarios/store/starts/copied_starts.h"
#include "scenarios/store/starts/shown_words.h"
#include "scenarios/store/starts/slow_os.h"
#include "sim/request.h"

namespace powercut::scenarios {

namespace {

using Words = std::vector<std::string>;
using Sessions = std::unique_ptr<engine::Session>;

class ClientStarts final : CopiedStarts {
 public:
  explicit ClientStarts(const CopiedStarts& as) : CopiedStarts(as) {}
  std::optional<Violation> judge();

 private:
  std::string look_at_listeners(SlowOs& os, engine::Engine& engine);
  std::vector<Words> heard_of(const std::string& mark, const std::string& before);
  std::string look_at_gone(engine::Engine& engine);
  std::string look_at_readers(engine::Engine& engine);
  std::string look_at_waiters(engine::Engine& engine);
  std::string look_at_served(engine::Engine& engine);
  std::string look_at_thoughts(engine::Engine& engine);
  std::string look_at_window(SlowOs& os, engine::Engine& engine);
};

void say(engine::Session& session, const Words& words) { session.feed(sim::encode_request(words)); }

// --- Who listens ---

// What the next writes are, of a key or a message that bears the mark.
std::vector<Words> ClientStarts::heard_of(const std::string& mark, const std::string& before) {
  const std::vector<std::vector<Words>> all = {
      {{"SET", mark, "v"}},
      {{"PUBLISH", "news", mark}},
      {{"MULTI"}, {"SET", mark, "v"}, {"PUBLISH", "news", mark}, {"EXEC"}},
      {{"EVAL", "redis.call('SET', KEYS[1], 'v') redis.call('PUBLISH', 'news', KEYS[1])", "1",
        mark}},
      {{"RPUSH", mark, "v"}},
      {{"XADD", mark, "*", "f", "v"}},
      {{"ZADD", mark, "1", "m"}},
      {{"COPY", before, mark, "REPLACE"}},
      {{"RENAME", before, mark}}};
  return all[draw("client.heard", all.size())];
}

// Nobody hears of what is not released; and of what is, everybody who listens.
std::string ClientStarts::look_at_listeners(SlowOs& os, engine::Engine& engine) {
  constexpr int64_t kSyncMs[] = {0, 5, 400, 1'000};
  constexpr int64_t kUs[] = {0, 20, 100, 500, 3'000};
  constexpr std::string_view kWho[] = {"of events and messages", "of keys that change",
                                       "of what others say"};
  const auto writer = engine.connect();
  (void)ask(*writer, {"CONFIG", "SET", "notify-keyspace-events", "KEA"});
  if (draw("client.kept", 3) != 0) (void)ask(*writer, {"CONFIG", "SET", "appendfsync", "always"});
  Sessions listeners[std::size(kWho)];
  for (auto& listener : listeners) listener = engine.connect();
  (void)ask(*listeners[0], {"PSUBSCRIBE", "*"});
  (void)ask(*listeners[1], {"HELLO", "3"});
  (void)ask(*listeners[1], {"CLIENT", "TRACKING", "ON", "BCAST"});
  (void)ask(*listeners[2], {"MONITOR"});
  struct Said {
    std::string mark;
    uint64_t lsn;
    bool message;
  };
  std::vector<Said> all;
  std::string heard[std::size(kWho)];
  const auto early = [&]() -> std::string {
    for (size_t i = 0; i < std::size(kWho); ++i) {
      const std::string_view text = listeners[i]->ready();
      for (const Said& said : all)
        if (said.lsn > engine.aof().released_lsn() && text.find(said.mark) != text.npos)
          return fmt::format("who listens {} hears of operation {}, and {} is the last released",
                             kWho[i], said.lsn, engine.aof().released_lsn());
      heard[i] += text;
      listeners[i]->consume(text.size());
    }
    return {};
  };
  std::string before = "nobody";
  for (int n = 0; n < 16; ++n) {
    os.sync_takes = milliseconds(kSyncMs[draw("client.sync", std::size(kSyncMs))]);
    const std::string mark = fmt::format("heard:{}.", n);
    const uint64_t applied = engine.aof().applied_lsn();
    const std::vector<Words> requests = heard_of(mark, before);
    // Who listens may write as well.
    engine::Session& who = draw("client.writes", 3) == 0 ? *listeners[1] : *writer;
    for (const Words& words : requests) say(who, words);
    if (engine.aof().applied_lsn() == applied + 1) {
      all.push_back({mark, applied + 1, false});
      before = mark;
    } else if (requests[0][0] == "PUBLISH") {
      all.push_back({mark, applied, true});
    }
    rest(os, microseconds(kUs[draw("client.between", std::size(kUs))]));
    if (std::string wrong = early(); !wrong.empty()) return wrong;
  }
  os.sync_takes = {};
  rest(os, seconds(3));
  if (std::string wrong = early(); !wrong.empty()) return wrong;
  for (size_t i = 0; i < std::size(kWho); ++i)
    for (const Said& said : all)
      if (!(said.message && i == 1) && heard[i].find(said.mark) == heard[i].npos)
        return fmt::format("who listens {} never hears of operation {}", kWho[i], said.lsn);
  return {};
}

// --- Who goes while it waits ---

// What is pushed goes to those that are there, or stays.
std::string ClientStarts::look_at_gone(engine::Engine& engine) {
  const std::string key = "gone:q", to = "gone:to", user = "gone:user";
  const auto other = engine.connect();
  if (ask(*other, {"EXISTS", key, to}) != ":0\r\n") return {};
  (void)ask(*other, {"ACL", "SETUSER", user, "on", "nopass", "~*", "&*", "+@all"});
  const std::vector<Words> waits = {{"BLPOP", key, "0"},
                                    {"BRPOP", "gone:nothing", key, "0"},
                                    {"BLMPOP", "0", "1", key, "LEFT"},
                                    {"BLMOVE", key, to, "LEFT", "RIGHT", "0"}};
  std::vector<Sessions> waiters;
  const size_t count = 2 + draw("client.waiters", 4);
  for (size_t i = 0; i < count; ++i) {
    Sessions session = engine.connect();
    session->client().hang_up = [] {};
    if (draw("client.user", 4) == 0) (void)ask(*session, {"AUTH", user, "x"});
    say(*session, waits[draw("client.wait", waits.size())]);
    if (!session->waits()) return "who is to wait for what is not there does not";
    waiters.push_back(std::move(session));
  }
  size_t stay = count;
  std::string how;
  for (size_t i = 0; i < count; ++i) {
    if (waiters[i] == nullptr || !waiters[i]->waits() || draw("client.goes", 2) == 0) continue;
    engine::Client& client = waiters[i]->client();
    const std::string id = std::to_string(client.id());
    switch (draw("client.goes_how", 5)) {
      case 0:
        how += " CLIENT KILL,";
        (void)ask(*other, {"CLIENT", "KILL", "ID", id});
        break;
      case 1:
        how += " CLIENT KILL in a transaction,";
        for (const Words& words : std::vector<Words>{{"MULTI"}, {"CLIENT", "KILL", "ID", id}})
          (void)ask(*other, words);
        (void)ask(*other, {"EXEC"});
        break;
      case 2:
        how += " CLIENT UNBLOCK,";
        (void)ask(*other, {"CLIENT", "UNBLOCK", id});
        break;
      case 3:
        how += " ACL DELUSER,";
        (void)ask(*other, {"ACL", "DELUSER", user});
        break;
      default:
        how += " hanging up,";
        waiters[i].reset();
    }
  }
  stay = static_cast<size_t>(
      std::count_if(waiters.begin(), waiters.end(), [](const Sessions& session) {
        return session != nullptr && session->waits() && !session->closing();
      }));
  const size_t pushes = 1 + draw("client.pushes", 4);
  for (size_t n = 0; n < pushes; ++n) (void)ask(*other, {"RPUSH", key, fmt::format("e{}", n)});
  const std::string left = ask(*other, {"LLEN", key});
  const size_t to_be = pushes - std::min(pushes, stay);
  if (left == fmt::format(":{}\r\n", to_be)) return {};
  return fmt::format("{} clients wait,{} {} of them stay, and of {} elements {} are left, not {}",
                     count, how, stay, pushes, left.substr(1, left.find('\r') - 1), to_be);
}

// --- Who waits at keys ---

// Whatever comes there, and however: nobody waits where there is something for him.
std::string ClientStarts::look_at_waiters(engine::Engine& engine) {
  constexpr std::string_view kWaits[] = {"BLPOP %a %b 0",
                                         "BRPOP %b 0",
                                         "BLMOVE %a %b LEFT LEFT 0",
                                         "BLMOVE %b %c LEFT RIGHT 0",
                                         "BLMPOP 0 2 %c %a LEFT",
                                         "BRPOPLPUSH %c %a 0",
                                         "BZPOPMIN %z 0",
                                         "BZMPOP 0 1 %z MAX"};
  constexpr std::string_view kComes[] = {
      "RPUSH %a 1",      "LPUSH %b 1 2 3",      "RPUSH %c 1 2",          "RPUSH %d 1 2 3",
      "RENAME %d %a",    "COPY %d %b REPLACE",  "LMOVE %d %c LEFT LEFT", "SORT %d STORE %b",
      "ZADD %z 1 a 2 b", "ZUNIONSTORE %z 1 %y", "ZADD %y 3 c",           "LPUSHX %a 5",
      "RPOPLPUSH %d %a", "RENAME %y %z",        "LINSERT %a BEFORE 1 0", "RESTORE %e 0 x"};
  const auto other = engine.connect();
  (void)ask(*other, {"CONFIG", "SET", "maxmemory", "0"});
  for (const std::string_view name : {"%a", "%b", "%c", "%d", "%y", "%z"})
    (void)ask(*other, {"DEL", words_in(name, "wait:")[0]});
  std::vector<std::pair<std::string_view, Sessions>> waiters;
  std::string story;
  for (int n = 0; n < 24; ++n) {
    if (draw("client.wait_now", 2) == 0) {
      const std::string_view line = kWaits[draw("client.waits", std::size(kWaits))];
      waiters.emplace_back(line, engine.connect());
      say(*waiters.back().second, words_in(line, "wait:"));
      story += fmt::format(" {},", line);
    } else {
      const std::string_view line = kComes[draw("client.comes", std::size(kComes))];
      size_t replies = 0;
      other->feed(wrapped(words_in(line, "wait:"), draw("client.come_way", 6), replies));
      (void)take(*other, replies);
      story += fmt::format(" {},", line);
    }
    for (const auto& [line, session] : waiters) {
      if (!session->waits()) continue;
      const bool scores = line.starts_with("BZ");
      for (const std::string& word : words_in(line, "wait:")) {
        if (word.find(':') == word.npos) continue;
        const engine::Object* object = engine.keyspace().peek(0, word);
        if (object != nullptr &&
            (scores ? object->value.zset() != nullptr : object->value.list() != nullptr))
          return fmt::format("clients say{} and who said {} waits still, and {} is there", story,
                             line, word);
        if (line.starts_with("BLMOVE") || line.starts_with("BRPOPLPUSH")) break;  // only its source
      }
    }
  }
  return {};
}

// --- Who hears of what somebody is served ---

// As much as of one who had come behind it.
std::string ClientStarts::look_at_served(engine::Engine& engine) {
  struct Pair {
    std::string_view wait, come, behind;
  };
  constexpr Pair kPairs[] = {
      {"BLPOP %a 0", "RPUSH %a 1", "LPOP %a"},
      {"BRPOP %a 0", "LPUSH %a 1 2", "RPOP %a"},
      {"BLMOVE %a %b LEFT RIGHT 0", "RPUSH %a 1", "LMOVE %a %b LEFT RIGHT"},
      {"BLMPOP 0 1 %a LEFT COUNT 2", "RPUSH %a 1 2 3", "LMPOP 1 %a LEFT COUNT 2"},
      {"BZPOPMIN %z 0", "ZADD %z 1 a", "ZPOPMIN %z"},
      {"BZMPOP 0 1 %z MAX", "ZADD %z 1 a 2 b", "ZMPOP 1 %z MAX"}};
  const Pair& pair = kPairs[draw("client.pair", std::size(kPairs))];
  const auto listener = engine.connect(), writer = engine.connect(), waiter = engine.connect();
  (void)ask(*writer, {"CONFIG", "SET", "notify-keyspace-events", "KEA"});
  (void)ask(*listener, {"PSUBSCRIBE", "__keyspace@0__:served:*"});
  std::string heard[2];
  for (const bool waits : {false, true}) {
    (void)ask(*writer, {"DEL", "served:a", "served:b", "served:z"});
    listener->consume(listener->ready().size());
    if (waits) say(*waiter, words_in(pair.wait, "served:"));
    (void)ask(*writer, words_in(pair.come, "served:"));
    if (!waits) (void)ask(*waiter, words_in(pair.behind, "served:"));
    if (waits) (void)waiter->wait_ready();
    const std::string mark = fmt::format("served:mark{}", waits ? 1 : 0);
    (void)ask(*writer, {"SET", mark, "1"});
    std::string& text = heard[waits ? 1 : 0];
    do {
      const std::string_view ready = listener->wait_ready();
      text += ready;
      listener->consume(ready.size());
    } while (text.find(mark) == text.npos);
    text.resize(text.find(mark));
  }
  if (heard[0] == heard[1]) return {};
  return fmt::format(
      "who listens hears {:?} where one says {} and another {}, and {:?} where that "
      "one has said {} before",
      heard[0], pair.come, pair.behind, heard[1], pair.wait);
}

// --- Who reads several streams ---

// What is added to one of them is told to each that waits for later entries there, and to nobody else.
std::string ClientStarts::look_at_readers(engine::Engine& engine) {
  constexpr size_t kStreams = 3;
  const auto key_of = [](size_t n) { return fmt::format("read:{}", n); };
  const auto other = engine.connect();
  std::vector<uint64_t> last(kStreams);
  for (size_t n = 0; n < kStreams; ++n) {
    (void)ask(*other, {"DEL", key_of(n)});
    last[n] = draw("client.entries", 4) * 3;
    for (uint64_t id = 1; id <= last[n]; ++id)
      (void)ask(*other, {"XADD", key_of(n), fmt::format("{}-0", id), "f", "v"});
  }
  struct Reader {
    Sessions session;
    std::map<size_t, uint64_t> behind = {};  // which entry of which stream
    std::string said = {};
  };
  std::vector<Reader> readers;
  for (uint64_t count = 2 + draw("client.readers", 3); count > 0; --count) {
    Reader reader{engine.connect()};
    std::vector<size_t> of;
    for (size_t n = 0; n < kStreams; ++n)
      if (draw("client.of", 3) != 0)
        of.insert(of.begin() + (of.empty() ? 0 : draw("client.at", 2)), n);
    if (of.empty()) continue;
    Words words{"XREAD", "BLOCK", "0", "STREAMS"}, ids;
    for (const size_t n : of) {
      words.push_back(key_of(n));
      const bool later = draw("client.later", 3) == 0;
      reader.behind[n] = last[n] + (later ? 1 + draw("client.by", 4) : 0);
      ids.push_back(later || draw("client.plain", 2) == 0 ? fmt::format("{}-0", reader.behind[n])
                                                          : "$");
    }
    words.insert(words.end(), ids.begin(), ids.end());
    reader.said = fmt::format("{}", fmt::join(words, " "));
    say(*reader.session, words);
    if (!reader.session->waits())
      return "who reads what is not there does not wait: " + reader.said;
    readers.push_back(std::move(reader));
  }
  for (int pushes = 0; pushes < 6; ++pushes) {
    const size_t n = draw("client.stream", kStreams);
    const std::string id = fmt::format("{}-0", ++last[n]);
    (void)ask(*other, {"XADD", key_of(n), id, "f", "v"});
    for (Reader& reader : readers) {
      if (reader.session == nullptr) continue;
      const auto behind = reader.behind.find(n);
      const bool served = behind != reader.behind.end() && behind->second < last[n];
      if (served == reader.session->waits())
        return fmt::format("who says {} {} when {} is added to {}", reader.said,
                           served ? "still waits" : "is served", id, key_of(n));
      if (!served) continue;
      const std::string reply(reader.session->wait_ready());
      const std::string wanted =
          ask(*other, {"XREAD", "STREAMS", key_of(n), fmt::format("{}-0", behind->second)});
      if (reply != wanted)
        return fmt::format("who says {} is told {:?} when {} is added to {}, not {:?}", reader.said,
                           reply, id, key_of(n), wanted);
      reader.session.reset();
    }
  }
  return {};
}

// --- Who thinks better of it ---

namespace {

// What a client's earlier requests leave of it.
struct Thoughts {
  std::map<std::string, bool> watched;  // has it changed?
  bool in_multi = false;
  bool spoiled = false;
  size_t queued = 0;
  bool unwatches = false;  // what is queued

  void changes(const std::string& key) {
    if (const auto found = watched.find(key); found != watched.end()) found->second = true;
  }
  void forget() { *this = {}; }
  // What EXEC begins with.
  std::string done() const {
    if (!in_multi) return "-ERR EXEC without MULTI";
    if (spoiled) return "-EXECABORT";
    const bool broken =
        std::any_of(watched.begin(), watched.end(), [](auto& w) { return w.second; });
    return broken ? "*-1\r\n" : fmt::format("*{}\r\n", queued);
  }
};

}  // namespace

// A transaction is done unless a key changed that is watched still.
std::string ClientStarts::look_at_thoughts(engine::Engine& engine) {
  constexpr std::string_view kBefore[] = {"WATCH", "WATCH", "WATCH", "UNWATCH", "UNWATCH", "MULTI",
                                          "MULTI", "MULTI", "other", "other",   "other",   "other",
                                          "SET",   "EXEC",  "RESET", "NOSUCH"};
  constexpr std::string_view kWithin[] = {"EXEC",  "EXEC",  "EXEC",    "EXEC",    "PING",  "SET",
                                          "SET",   "PING",  "UNWATCH", "DISCARD", "other", "other",
                                          "MULTI", "WATCH", "RESET",   "NOSUCH"};
  static_assert(std::size(kBefore) == std::size(kWithin));
  const std::vector<Words> nonsense = {
      {"NOSUCH"},           {"GET"},      {"XGROUP", "NOSUCH", "k"},
      {"CONFIG", "NOSUCH"}, {"SET", "k"}, {"OBJECT"}};
  const auto session = engine.connect(), other = engine.connect();
  Thoughts is;
  std::string story;
  for (int n = 0; n < 200; ++n) {
    const std::string key = fmt::format("thought:{}", draw("client.key", 2));
    const auto& says = is.in_multi ? kWithin : kBefore;
    const std::string what(says[draw("client.says", std::size(says))]);
    story += " " + what;
    if (story.size() > 200) story.erase(0, story.find(' ', 100));
    if (what == "other") {
      if (!ask(*other, {"SET", key, std::to_string(n)}).starts_with('+')) return {};
      is.changes(key);
      continue;
    }
    Words words{what};
    if (what == "WATCH" || what == "SET") words.push_back(key);
    if (what == "SET") words.push_back(fmt::format("own {}", n));
    std::string to_be = "+";
    const bool queues = is.in_multi && (what == "UNWATCH" || what == "PING" || what == "SET");
    if (queues) {
      to_be = "+QUEUED";
      ++is.queued;
    } else if (what == "WATCH" && is.in_multi) {
      to_be = "-ERR WATCH inside MULTI";
    } else if (what == "WATCH") {
      is.watched.emplace(key, false);
    } else if (what == "UNWATCH") {
      is.watched.clear();
    } else if (what == "MULTI") {
      if (is.in_multi) to_be = "-ERR MULTI calls can not be nested";
      is.in_multi = true;
    } else if (what == "EXEC") {
      to_be = is.done();
      if (is.in_multi) is.forget();
    } else if (what == "DISCARD") {
      if (!is.in_multi) to_be = "-ERR DISCARD without MULTI";
      if (is.in_multi) is.forget();
    } else if (what == "RESET") {
      to_be = "+RESET";
      is.forget();
    } else if (what == "NOSUCH") {
      to_be = "-ERR ";
      words = nonsense[draw("client.nonsense", nonsense.size())];
      is.spoiled = is.in_multi;
    } else if (what == "SET") {
      is.changes(key);
    }
    const std::string reply = ask(*session, words);
    if (!reply.starts_with(to_be))
      return fmt::format("a client says at last{}: it is answered {:?}, and not {:?}", story,
                         reply.substr(0, 40), to_be);
  }
  return {};
}

// --- Who writes on while a sync hangs ---

// Whatever is said meanwhile: of what is released and not synced the oldest is no older than the window when more is.
std::string ClientStarts::look_at_window(SlowOs& os, engine::Engine& engine) {
  if (!options_.append_only) return {};
  constexpr Duration kSlack = milliseconds(60);
  constexpr std::string_view kUnsynced = "\r\naof_unsynced_ms:";
  const std::vector<Words> meanwhile = {{"CONFIG", "SET", "hz", "10"},
                                        {"CONFIG", "SET", "appendfsync", "everysec"},
                                        {"CONFIG", "SET", "maxmemory", "0"},
                                        {"CONFIG", "SET", "aof-timestamp-enabled", "yes"},
                                        {"CONFIG", "SET", "save", "3600 100000"},
                                        {"CONFIG", "RESETSTAT"},
                                        {"BGSAVE"},
                                        {"CLIENT", "UNPAUSE"},
                                        {"SCRIPT", "FLUSH"},
                                        {"FUNCTION", "FLUSH"},
                                        {"INFO"}};
  const auto writer = engine.connect(), other = engine.connect();
  (void)ask(*writer, {"CONFIG", "SET", "auto-aof-rewrite-percentage", "0"});
  (void)ask(*writer, {"CONFIG", "SET", "appendfsync", "everysec"});
  const Words& one = meanwhile[draw("client.meanwhile", meanwhile.size())];
  rest(os, seconds(3));
  const engine::AofLog& log = engine.aof();
  if (!log.active() || log.synced_lsn() != log.applied_lsn()) return {};
  // One hangs; or one takes long, and the next one hangs.
  constexpr int64_t kFirstMs[] = {30'000, 30'000, 400, 900, 1'500};
  os.sync_takes = milliseconds(kFirstMs[draw("client.first_sync", std::size(kFirstMs))]);
  const auto hangs_from = static_cast<int>(draw("client.hangs_from", 60));
  struct Released {
    uint64_t lsn;
    Instant at;
  };
  std::deque<Released> unsynced;
  uint64_t released = log.released_lsn();
  for (int n = 0; n < 300; ++n) {
    if (n == hangs_from) os.sync_takes = seconds(30);
    if (n % 10 == 0) say(*writer, {"SET", "window", std::to_string(n)});
    if (n % 25 == 0) say(*other, one);
    rest(os, milliseconds(20));
    while (!unsynced.empty() && unsynced.front().lsn <= log.synced_lsn()) unsynced.pop_front();
    const auto age = [&] {
      return unsynced.empty() ? Duration{0} : os.now() - unsynced.front().at;
    };
    if (log.released_lsn() > released) {
      released = log.released_lsn();
      if (age() > log.options().window + kSlack)
        return fmt::format(
            "while a sync hangs and a client says {}, operation {} is released {} ms "
            "behind the oldest that is not synced",
            fmt::join(one, " "), released, age().ms());
      if (released > log.synced_lsn()) unsynced.push_back({released, os.now()});
    }
    const auto asker = engine.connect();
    const std::string info = ask(*asker, {"INFO", "persistence"});
    const size_t at = info.find(kUnsynced);
    if (at == info.npos) return "INFO does not say how long replies have been unsynced";
    const int64_t told = std::strtoll(info.c_str() + at + kUnsynced.size(), nullptr, 10);
    if (told + 1 < age().ms() || told > age().ms() + kSlack.ms())
      return fmt::format("aof_unsynced_ms is {}, and the oldest was released {} ms ago", told,
                         age().ms());
  }
  return {};
}

std::optional<Violation> ClientStarts::judge() {
  see_slow("to which clients listen",
           [this](SlowOs& os, engine::Engine& engine) { return look_at_listeners(os, engine); });
  see("where clients go that wait",
      [this](engine::Os&, engine::Engine& engine) { return look_at_gone(engine); });
  see("that has clients who read several streams",
      [this](engine::Os&, engine::Engine& engine) { return look_at_readers(engine); });
  see("where clients wait at keys",
      [this](engine::Os&, engine::Engine& engine) { return look_at_waiters(engine); });
  see("where one is served and others listen",
      [this](engine::Os&, engine::Engine& engine) { return look_at_served(engine); });
  see("where a client thinks better of it",
      [this](engine::Os&, engine::Engine& engine) { return look_at_thoughts(engine); });
  see_slow("where a sync hangs",
           [this](SlowOs& os, engine::Engine& engine) { return look_at_window(os, engine); });
  return wrong_;
}

}  // namespace

std::optional<Violation> judge_client_starts(const CopiedStarts& as) {
  return ClientStarts(as).judge();
}

}  // namespace powercut::scenarios
