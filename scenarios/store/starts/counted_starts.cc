#include "scenarios/store/starts/counted_starts.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/aof/manifest.h"
#include "engine/aof/replace.h"
#include "engine/engine.h"
#include "scenarios/store/starts/copied_starts.h"
#include "sim/request.h"

namespace powercut::scenarios {

namespace {

using Words = std::vector<std::string>;

constexpr std::string_view kHere = "counted:here", kNobody = "counted:nobody";

// A client, and what it has asked for.
struct Counted {
  std::unique_ptr<engine::Session> session;
  std::set<std::string> channels, patterns, shards;
  bool tracks = false;
  bool waits = false;
};

// What INFO should say.
struct Counts {
  std::vector<Counted> clients;
  std::set<std::string> scripts, libraries;
  uint64_t connections = 0, errors = 0, hits = 0, misses = 0;

  Counted& connect(engine::Engine& engine);
  // By INFO's names.
  std::map<std::string, uint64_t> all() const;
};

Counted& Counts::connect(engine::Engine& engine) {
  clients.push_back({engine.connect(), {}, {}, {}});
  ++connections;
  // So that who listens may ask for other things as well.
  (void)ask(*clients.back().session, {"HELLO", "3"});
  return clients.back();
}

std::map<std::string, uint64_t> Counts::all() const {
  std::set<std::string> channels, patterns, shards;
  uint64_t waiting = 0, tracking = 0;
  for (const Counted& client : clients) {
    channels.insert(client.channels.begin(), client.channels.end());
    patterns.insert(client.patterns.begin(), client.patterns.end());
    shards.insert(client.shards.begin(), client.shards.end());
    waiting += client.waits ? 1 : 0;
    tracking += client.tracks ? 1 : 0;
  }
  return {{"connected_clients", clients.size()},
          {"total_connections_received", connections},
          {"blocked_clients", waiting},
          {"tracking_clients", tracking},
          {"pubsub_channels", channels.size()},
          {"pubsub_patterns", patterns.size()},
          {"pubsubshard_channels", shards.size()},
          {"number_of_cached_scripts", scripts.size()},
          {"number_of_libraries", libraries.size()},
          {"total_error_replies", errors},
          {"keyspace_hits", hits},
          {"keyspace_misses", misses}};
}

std::string field_of(const std::string& info, std::string_view name) {
  const std::string line = fmt::format("\n{}:", name);
  const size_t at = info.find(line);
  if (at == info.npos) return {};
  const size_t from = at + line.size();
  return info.substr(from, info.find('\r', from) - from);
}

class CountedStarts final : CopiedStarts {
 public:
  explicit CountedStarts(const CopiedStarts& as) : CopiedStarts(as) {}
  std::optional<Violation> judge();

 private:
  std::string look(engine::Os& os, engine::Engine& engine);
  std::string step(engine::Engine& engine, Counts& counts);
  std::string listen(Counted& client);
  std::string find(engine::Session& session, Counts& counts);
  std::string keep(engine::Session& session, Counts& counts);
  std::string look_at_files(engine::Os& os, const std::string& info) const;
};

// --- What clients do ---

std::string CountedStarts::listen(Counted& client) {
  struct Kind {
    std::string_view begins, ends;
    std::set<std::string>* heard;
  };
  const Kind kinds[] = {{"SUBSCRIBE", "UNSUBSCRIBE", &client.channels},
                        {"PSUBSCRIBE", "PUNSUBSCRIBE", &client.patterns},
                        {"SSUBSCRIBE", "SUNSUBSCRIBE", &client.shards}};
  const Kind& kind = kinds[draw("counted.kind", std::size(kinds))];
  const std::string name = fmt::format("counted:{}", draw("counted.name", 3));
  const uint64_t how = draw("counted.listens", 5);
  if (how < 3) {
    kind.heard->insert(name);
    (void)ask(*client.session, {std::string(kind.begins), name});
    return std::string(kind.begins);
  }
  if (how == 3) kind.heard->erase(name);
  if (how == 4) kind.heard->clear();
  (void)ask(*client.session,
            how == 3 ? Words{std::string(kind.ends), name} : Words{std::string(kind.ends)});
  return std::string(kind.ends);
}

// Looks for keys, alone or in a transaction; what fails is counted.
std::string CountedStarts::find(engine::Session& session, Counts& counts) {
  struct Asks {
    Words words;
    uint64_t errors, hits, misses;
  };
  const std::string here(kHere), nobody(kNobody);
  const std::vector<Asks> all = {
      {{"GET", here}, 0, 1, 0},
      {{"GET", nobody}, 0, 0, 1},
      {{"MGET", here, nobody, here}, 0, 2, 1},
      {{"EXISTS", here, nobody}, 0, 1, 1},
      {{"STRLEN", here}, 0, 1, 0},
      {{"TTL", nobody}, 0, 0, 1},
      {{"GETRANGE", nobody, "0", "1"}, 0, 0, 1},
      {{"LRANGE", nobody, "0", "-1"}, 0, 0, 1},
      {{"LLEN", here}, 1, 1, 0},
      {{"HGET", nobody, "f"}, 0, 0, 1},
      {{"SMEMBERS", here}, 1, 1, 0},
      {{"GETEX", here}, 0, 1, 0},
      {{"GETDEL", nobody}, 0, 0, 1},
      {{"COPY", here, here}, 1, 0, 0},
      {{"COPY", nobody, here, "REPLACE"}, 0, 0, 1},
      {{"SUNIONSTORE", nobody, nobody, nobody}, 0, 0, 2},
      {{"SET", here, "v", "XX", "GET"}, 0, 1, 0},
      // Who may write looks, and that is neither.
      {{"APPEND", here, ""}, 0, 0, 0},
      {{"HDEL", nobody, "f"}, 0, 0, 0},
      {{"RENAMENX", here, here}, 0, 0, 0},
      {{"EVAL", "return redis.call('GET', KEYS[1])", "1", here}, 0, 1, 0},
      {{"NOSUCH"}, 1, 0, 0},
      {{"GET"}, 1, 0, 0},
      {{"PING"}, 0, 0, 0}};
  const Asks& one = all[draw("counted.asks", all.size())];
  counts.errors += one.errors;
  counts.hits += one.hits;
  counts.misses += one.misses;
  if (one.words[0] == "EVAL") counts.scripts.insert(one.words[1]);
  const bool queues = one.errors == 0 && draw("counted.queues", 3) == 0;
  if (queues) (void)ask(session, {"MULTI"});
  (void)ask(session, one.words);
  if (queues) (void)ask(session, {"EXEC"});
  return fmt::format("{}{}", fmt::join(one.words, " "), queues ? " in a transaction" : "");
}

// Scripts and libraries come and go, and so does what has a name and an expiry. Said by who is told nothing unasked.
std::string CountedStarts::keep(engine::Session& session, Counts& counts) {
  const std::string number = std::to_string(draw("counted.number", 3));
  const std::string text = "return " + number, library = "counted" + number;
  const std::string code = fmt::format(
      "#!lua name={}\nredis.register_function('{}', function() return 1 end)", library, library);
  const std::string key = "counted:key:" + number;
  const std::vector<Words> all = {{"SCRIPT", "LOAD", text},
                                  {"EVAL", text, "0"},
                                  {"SCRIPT", "FLUSH"},
                                  {"FUNCTION", "LOAD", "REPLACE", code},
                                  {"FUNCTION", "DELETE", library},
                                  {"SET", key, "v"},
                                  {"SET", key, "v", "EX", "10000"},
                                  {"SETEX", key, "10000", "v"},
                                  {"PERSIST", key},
                                  {"DEL", key},
                                  {"RENAME", key, "counted:moved"},
                                  {"MOVE", key, "5"},
                                  {"FLUSHALL"}};
  const size_t which = draw("counted.keeps", all.size());
  const std::string reply = ask(session, all[which]);
  if (reply.starts_with('-')) ++counts.errors;
  if (which < 2) counts.scripts.insert(text);
  if (which == 2) counts.scripts.clear();
  if (which == 3 && !reply.starts_with('-')) counts.libraries.insert(library);
  if (which == 4) counts.libraries.erase(library);
  return std::string(all[which][0]);
}

std::string CountedStarts::step(engine::Engine& engine, Counts& counts) {
  const uint64_t what = draw("counted.what", 16);
  if (counts.clients.size() < 2 || (what == 0 && counts.clients.size() < 8)) {
    (void)counts.connect(engine);
    return "a client comes";
  }
  const size_t i = 1 + draw("counted.who", counts.clients.size() - 1);
  Counted& client = counts.clients[i];
  if (what == 1) {
    counts.clients.erase(counts.clients.begin() + static_cast<ptrdiff_t>(i));
    return "a client goes";
  }
  if (client.waits) {
    if (what > 4) return "nothing";
    (void)ask(*counts.clients[0].session,
              {"CLIENT", "UNBLOCK", std::to_string(client.session->client().id())});
    client.waits = false;
    const std::string_view reply = client.session->ready();
    client.session->consume(reply.size());
    return "CLIENT UNBLOCK";
  }
  if (what == 2) {
    client.session->feed(sim::encode_request({"BLPOP", "counted:q", "0"}));
    client.waits = true;
    return "BLPOP";
  }
  if (what == 3) {
    client.tracks = draw("counted.tracks", 3) != 0;
    (void)ask(*client.session, {"CLIENT", "TRACKING", client.tracks ? "ON" : "OFF"});
    return "CLIENT TRACKING";
  }
  if (what < 8) return listen(client);
  return what < 12 ? find(*client.session, counts) : keep(*counts.clients[0].session, counts);
}

// --- What INFO says ---

// The bytes of the log's files.
std::string CountedStarts::look_at_files(engine::Os& os, const std::string& info) const {
  const auto text = engine::read_whole(os, engine::in_aof_directory(engine::kManifestName));
  if (!text.ok()) return {};
  const auto manifest = engine::parse_manifest(*text);
  if (!manifest.ok()) return {};
  std::vector<engine::ManifestFile> files = manifest->segments;
  if (manifest->base) files.push_back(*manifest->base);
  uint64_t bytes = 0;
  for (const engine::ManifestFile& file : files) {
    auto opened = os.open(engine::in_aof_directory(file.name), engine::Open::kRead);
    if (!opened.ok()) return {};
    const auto size = (*opened)->size();
    if (!size.ok()) return {};
    bytes += *size;
  }
  const std::string told = field_of(info, "aof_current_size");
  if (told == std::to_string(bytes)) return {};
  return fmt::format("aof_current_size is {}, and the log's files have {} bytes", told, bytes);
}

__extension__ using Wide = __int128;

std::string keys_told_otherwise(const engine::Keyspace& keyspace, const std::string& info) {
  const int64_t now_ms = std::stoll(field_of(info, "server_time_usec")) / 1000;
  for (int db = 0; db < keyspace.databases(); ++db) {
    const auto& table = keyspace.database(db).table();
    int64_t expire = 0;
    Wide at_ms = 0;  // of them all
    for (size_t i = 0; i < table.size(); ++i) {
      const engine::Object& object = table.at(i).value;
      if (!object.expires()) continue;
      ++expire;
      at_ms += object.expire_at_ms;
    }
    const std::string told = field_of(info, fmt::format("db{}", db));
    const auto mean = static_cast<int64_t>(at_ms / std::max<int64_t>(expire, 1));
    const int64_t left = expire == 0 ? 0 : std::max<int64_t>(mean - now_ms, 0);
    const std::string is =
        table.empty() ? std::string()
                      : fmt::format("keys={},expires={},avg_ttl={}", table.size(), expire, left);
    if (told != is)
      return fmt::format("INFO says of database {} {:?}, and it has {:?}", db, told, is);
  }
  return {};
}

std::string CountedStarts::look(engine::Os& os, engine::Engine& engine) {
  Counts counts;
  for (const auto& [name, text] : engine.keyspace().libraries()) counts.libraries.insert(name);
  engine::Session& asker = *counts.connect(engine).session;
  const auto info = [&] { return ask(asker, {"INFO", "EVERYTHING"}); };
  (void)ask(asker,
            {"CONFIG", "SET", "maxmemory", "0", "auto-aof-rewrite-percentage", "0", "save", ""});
  const auto files = [&]() -> std::string {
    rest(os, seconds(3));
    const engine::AofLog& log = engine.aof();
    const bool quiet = log.active() && log.written_lsn() == log.applied_lsn() &&
                       engine.keeper().busy(engine::Keeper::Job::kNone);
    return quiet ? look_at_files(os, info()) : std::string();
  };
  if (std::string wrong = files(); !wrong.empty()) return wrong;
  if (!ask(asker, {"SET", std::string(kHere), "v"}).starts_with('+')) return {};
  if (ask(asker, {"EXISTS", std::string(kNobody), "counted:q"}) != ":0\r\n") return {};
  counts.misses += 2;
  for (int n = 0; n < 80; ++n) {
    const std::string what = step(engine, counts);
    if (what == "FLUSHALL") (void)ask(asker, {"SET", std::string(kHere), "v"});
    const std::string told = info();
    for (const auto& [name, is] : counts.all())
      if (field_of(told, name) != std::to_string(is))
        return fmt::format("behind {} {} is {}, and the judge counts {}", what, name,
                           field_of(told, name), is);
    if (std::string wrong = keys_told_otherwise(engine.keyspace(), told); !wrong.empty())
      return fmt::format("behind {}: {}", what, wrong);
  }
  if (draw("counted.rewrites", 2) == 0) (void)ask(asker, {"BGREWRITEAOF"});
  return files();
}

std::optional<Violation> CountedStarts::judge() {
  see("that says how much there is",
      [this](engine::Os& os, engine::Engine& engine) { return look(os, engine); });
  return wrong_;
}

}  // namespace

std::optional<Violation> judge_counted_starts(const CopiedStarts& as) {
  return CountedStarts(as).judge();
}

}  // namespace powercut::scenarios
