#include "scenarios/store/starts/sunk_starts.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/engine.h"
#include "scenarios/store/database/behind_rows.h"
#include "scenarios/store/starts/copied_starts.h"
#include "sim/request.h"

namespace powercut::scenarios {

namespace {

constexpr Duration kLook = milliseconds(1);
constexpr Duration kSoonBehind = seconds(5);  // a try each 2 s at least, and a batch once a second
constexpr Duration kJudgedTtl = milliseconds(150);
constexpr size_t kJudgedRows = 2;  // so that each is asked for again and again
constexpr uint64_t kSlowMs = 80;

std::string in_a_line(std::string_view answer) {
  std::string line(answer.substr(0, answer.find_last_not_of("\r\n") + 1));
  std::replace_if(
      line.begin(), line.end(), [](char c) { return c == '\r' || c == '\n'; }, ' ');
  return line;
}

// SQLite's file, and what is in the way.
class UnsteadyDatabase final : public engine::SinkDatabase {
 public:
  // `ages`: it may be an older one when it is opened again.
  UnsteadyDatabase(engine::Os& os, std::vector<engine::SinkTable> tables, bool ages)
      : os_(os), file_(os, kBehindFile, std::move(tables)), ages_(ages) {}

  const std::string& name() const override { return name_; }
  Result<Found> open() override {
    const Turn turn(*this);
    if (away || (!steady && hits("sunk.down", 6)))
      return Error{Errc::kIo, name_ + ": nobody answers"};
    if (!steady && ages_ && was_open_ && hits("sunk.older", 2)) {
      // As of before there was anything: that state it had.
      (void)say_behind(os_,
                       "BEGIN; DELETE FROM kv; DELETE FROM kv_fields; DELETE FROM "
                       "powercut_set_aside; UPDATE powercut_sink SET lsn=0; COMMIT");
    }
    auto found = file_.open();
    was_open_ |= found.ok();
    return found;
  }
  bool is_open() const override { return file_.is_open(); }
  void close() override { file_.close(); }
  Result<std::string> put_away() override { return file_.put_away(); }
  void keep_as_found(bool keep) override { file_.keep_as_found(keep); }
  uint64_t set_aside() const override { return file_.set_aside(); }
  Result<void> read(const TakeRows& take) override { return file_.read(take); }
  Result<std::vector<std::pair<int, std::string>>> expired_keys(int64_t unix_ms) override {
    const Turn turn(*this);
    return file_.expired_keys(unix_ms);
  }
  Result<void> write(const engine::SinkBatch& batch) override {
    const Turn turn(*this);
    const auto written = write_now(batch);
    if (!written.ok()) file_.close();
    return written;
  }
  Result<std::vector<engine::SinkRows>> read_keys(const std::vector<KeyAt>& keys) override {
    auto rows = [&] {
      const Turn turn(*this);
      return file_.read_keys(keys);
    }();
    lag();
    return rows;
  }
  // Of another program, which has its turn as well: the files of a world have no locks between connections.
  Result<void> say_in_turn(const std::string& sql) {
    const Turn turn(*this);
    return say_behind(os_, sql);
  }
  bool busy() const { return busy_; }

  bool away = false;       // nobody answers
  bool steady = false;     // from now on nothing is in the way
  uint64_t committed = 0;  // by any answer, or none
  bool fails = false;      // the last batch was said to have failed

 private:
  struct Turn {
    explicit Turn(UnsteadyDatabase& of) : database(of) {
      while (of.busy_) rest(of.os_, kLook);
      of.busy_ = true;
    }
    ~Turn() { database.busy_ = false; }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    UnsteadyDatabase& database;
  };
  bool hits(Site site, uint64_t one_in) { return os_.choose(site, one_in) == 0; }
  void lag() {
    if (steady) return;
    rest(os_, milliseconds(static_cast<int64_t>(os_.choose("sunk.lag", kSlowMs))));
  }
  Result<void> write_now(const engine::SinkBatch& batch) {
    lag();
    if (away) return Error{Errc::kIo, name_ + ": nobody answers"};
    const uint64_t fate = steady ? 9 : os_.choose("sunk.fate", 6);
    fails = fate <= 1;
    if (fate == 0) return Error{Errc::kIo, name_ + ": the connection broke"};
    TRY(file_.write(batch));
    committed = std::max(committed, batch.lsn);
    if (fate == 1) return Error{Errc::kIo, name_ + ": the answer is lost"};
    lag();
    return {};
  }

  engine::Os& os_;
  engine::SqliteDatabase file_;
  const std::string name_ = "remote";
  const bool ages_;
  bool was_open_ = false;
  bool busy_ = false;
};

class SunkStarts final : CopiedStarts, engine::OperationListener {
 public:
  SunkStarts(const sim::WorldState& world, const sim::Settings& settings, const Behind& behind,
             bool reads, sim::Choices& choices)
      : CopiedStarts(world, settings, choices), behind_(behind), reads_(reads) {}
  TargetType::OtherStarts judge();

 private:
  struct Version {
    Instant from;
    std::string value;  // empty: there is no row
  };
  // A client that asks for a row, or says anything, which may have to be waited for before it is done.
  struct Client {
    std::unique_ptr<engine::Session> session;
    std::string key = {};                   // of a row that it asked for
    std::vector<std::string> allowed = {};  // what it may be told; none: anything
    bool done = false;
  };

  void live();
  void begin();
  void step();
  void write_something();
  void write_others_row();
  void ask_for_row();
  void ask_on();
  void delete_row();
  void write_over_row();
  void be_away();
  void settle();
  void look();
  void look_at_age();
  void look_at_replies();
  void look_at_answers();
  std::vector<std::string> allowed(const std::string& key, Instant since) const;
  void compare();
  void on_operation(uint64_t lsn) override { done_at_[lsn] = os_->now(); }
  uint64_t draw(Site site, uint64_t n) { return os_->choose(site, n); }
  const engine::Sink& sink() const { return *engine_->sink(); }
  void say(const std::string& words, const std::string& key = {});
  void amiss(std::string text) {
    if (amiss_.empty()) amiss_ = std::move(text);
  }

  const Behind behind_;
  const bool reads_;
  engine::Os* os_ = nullptr;
  UnsteadyDatabase* database_ = nullptr;  // the engine's
  std::map<uint64_t, Instant> done_at_;   // operations of this start
  uint64_t released_ = 0;
  Instant looked_at_;
  std::map<std::string, Version> rows_;     // of the other program
  std::map<std::string, Instant> deleted_;  // by the store, and not written since
  std::set<std::string> left_alone_;        // rows that no client has written over, or deleted
  std::vector<std::unique_ptr<Client>> clients_;
  uint64_t values_ = 0;
  bool flushes_ = false;
  bool swaps_ = false;
  bool over_ = false;
  bool looks_ = false;
  bool asks_ = false;
  std::string did_;
  std::string amiss_;
};

// --- What happens ---

// Others go on meanwhile. What it may be told is so when it is done.
void SunkStarts::say(const std::string& words, const std::string& key) {
  did_ = words.substr(0, words.find('\r'));
  Client& client =
      *clients_.emplace_back(std::make_unique<Client>(Client{engine_->connect(), key}));
  os_->spawn("sunk.client", [this, &client, words] {
    const Instant since = os_->now();
    client.session->feed(words + "\r\n");
    if (!client.key.empty()) client.allowed = allowed(client.key, since);
    client.done = true;
  });
}

void SunkStarts::write_something() {
  constexpr std::string_view kWrites[] = {"SET t:{0} {1}",      "HSET t:{0} f {1}",
                                          "DEL t:{0}",          "APPEND t:{0} {1}",
                                          "SET t:{0} {1}",      "PEXPIRE t:{0} 900000",
                                          "RENAME t:{0} t:{2}", "COPY t:{0} t:{2} REPLACE",
                                          "HDEL t:{0} f",       "PERSIST t:{0}",
                                          "DEL t:{0} t:{2}",    "MOVE t:{0} 1",
                                          "SETEX t:{0} 900 {1}"};
  const std::string_view write = kWrites[draw("sunk.write", std::size(kWrites))];
  const std::string db = fmt::format("SELECT {}\r\n", draw("sunk.db", 2));
  say(db + fmt::format(fmt::runtime(write), draw("sunk.key", 4), ++values_, draw("sunk.key", 4)));
  did_ = std::string(write);
}

// Where the store has no word of it.
void SunkStarts::write_others_row() {
  const std::string key = fmt::format("o:{}", draw("sunk.row", kJudgedRows));
  const auto is_stores = [&] {
    return sink().has_word(0, key) || engine_->keyspace().peek(0, key) != nullptr;
  };
  if (database_->busy() || is_stores()) return;
  const std::string value = draw("sunk.gone", 4) == 0 ? "" : std::to_string(++values_);
  std::string sql = fmt::format("BEGIN IMMEDIATE; DELETE FROM kv WHERE db=0 AND key='{}';", key);
  if (!value.empty()) sql += fmt::format("INSERT INTO kv VALUES(0, '{}', '{}', NULL);", key, value);
  rows_.erase(key);  // what it is meanwhile nobody knows
  left_alone_.erase(key);
  deleted_.erase(key);
  const auto said = database_->say_in_turn(sql + "COMMIT");
  if (!said.ok() || is_stores()) return;
  rows_[key] = {os_->now(), value};
  if (!value.empty()) left_alone_.insert(key);
}

void SunkStarts::ask_for_row() {
  const std::string key = fmt::format("o:{}", draw("sunk.row", kJudgedRows));
  say("GET " + key, key);
}

// Again and again, so that what is shown too long is seen, and reads stand in a row.
void SunkStarts::ask_on() {
  asks_ = true;
  while (!over_) {
    const auto open = std::count_if(clients_.begin(), clients_.end(),
                                    [](const auto& client) { return !client->done; });
    if (open < 4) ask_for_row();
    rest(*os_, milliseconds(static_cast<int64_t>(5 + draw("sunk.ask", 60))));
  }
  asks_ = false;
}

// Its row was read before, if nobody knew whether there is one.
void SunkStarts::delete_row() {
  const std::string key = fmt::format("o:{}", draw("sunk.row", kJudgedRows));
  const auto session = engine_->connect();
  left_alone_.erase(key);
  session->feed(fmt::format("DEL {}\r\n", key));
  if (sink().has_word(0, key)) deleted_[key] = os_->now();
  while (session->wait_ready(os_->now() + kLook).empty()) {
  }
}

// What leaves a key alone that is there leaves a row alone that has stood for a while, and that the store has no word of.
void SunkStarts::write_over_row() {
  constexpr std::string_view kWrites[] = {"COPY t:8 {0}",          "COPY t:8 {0} DB 0",
                                          "RENAMENX t:8 {0}",      "SETNX {0} v",
                                          "MSETNX t:9 v {0} v",    "SET {0} v NX",
                                          "SET {0} v NX GET",      "SELECT 1\r\nCOPY t:8 {0} DB 0",
                                          "SELECT 1\r\nMOVE {0} 0"};
  const std::string key = fmt::format("o:{}", draw("sunk.row", kJudgedRows));
  const auto row = rows_.find(key);
  const auto stands = [&] {
    return row != rows_.end() && left_alone_.contains(key) && !sink().has_word(0, key) &&
           os_->now() - row->second.from > kJudgedTtl + kJudgedTtl;
  };
  if (flushes_ || swaps_ || !stands()) return;
  const auto session = engine_->connect();
  const std::string source = "SET t:8 v\r\n";
  const std::string made = reply_to(
      *session, source + fmt::format("SELECT 1\r\n{}SET {} v\r\nSELECT 0\r\n", source, key));
  rest(*os_, seconds(1));
  session->consume(session->ready().size());
  if (!made.starts_with('+') || !stands()) return;
  const std::string_view write = kWrites[draw("sunk.over", std::size(kWrites))];
  session->feed(fmt::format(fmt::runtime(write), key) + "\r\n");
  std::string said;
  for (const Instant last = os_->now() + seconds(3); os_->now() < last && !said.ends_with("\n");
       rest(*os_, kLook))
    said = session->ready();
  if (said.ends_with(":1\r\n") || (said.ends_with("+OK\r\n") && !write.starts_with("SELECT")))
    amiss(fmt::format("{} is done, and another program's row has stood there for {} ms",
                      in_a_line(fmt::format(fmt::runtime(write), key)),
                      (os_->now() - row->second.from).ms()));
}

void SunkStarts::step() {
  const uint64_t kind = draw("sunk.step", 12);
  if (reads_ && draw("sunk.of_rows", 2) == 0) {
    const uint64_t of_rows = draw("sunk.of_row", 8);
    if (of_rows < 3) ask_for_row();
    if (of_rows == 3) delete_row();
    if (of_rows == 4 || of_rows == 5) write_others_row();
    if (of_rows > 5) write_over_row();
  } else if (kind < 5) {
    write_something();
  } else if (kind == 5 && flushes_) {
    say(draw("sunk.all", 2) == 0 ? "FLUSHALL" : "SELECT 1\r\nFLUSHDB");
  } else if (kind == 6 && swaps_) {
    say("SWAPDB 0 1");
  } else if (kind == 7) {
    say("BGREWRITEAOF");
  }
  constexpr int64_t kRestMs[] = {0, 0, 1, 5, 20, 40, 80, 250};
  rest(*os_, milliseconds(kRestMs[draw("sunk.rest", std::size(kRestMs))]));
}

void SunkStarts::begin() {
  engine::EngineConfig config = config_of(settings_, Behind{behind_.mode, true, behind_.alone});
  config.sink.resync = draw("sunk.resync", 2) != 0;
  config.sink.read_through = reads_;
  config.sink.read_ttl = kJudgedTtl;
  if (reads_) config.sink.tables = {{"*:*", kBehindTable}};
  config.sink.connect = [this](const engine::SinkOptions& options) {
    auto made = std::make_unique<UnsteadyDatabase>(*os_, options.tables,
                                                   !options.alone && !options.read_through);
    made->steady = true;  // until it serves
    database_ = made.get();
    return made;
  };
  auto opened = engine::Engine::open(*os_, std::move(config));
  if (!opened.ok()) return amiss("it does not start: " + opened.error().message);
  engine_ = std::move(opened).value();
  engine_->set_active_expire(false);
  engine_->executor().set_listener(this);
}

void SunkStarts::live() {
  begin();
  if (!amiss_.empty()) return;
  database_->steady = draw("sunk.steady", 8) == 0;
  os_->spawn("sunk.look", [this] {
    looks_ = true;
    while (!over_) {
      look();
      rest(*os_, kLook);
    }
    looks_ = false;
  });
  // Behind one of these all is written anew, and nothing is missed that was lost before.
  flushes_ = draw("sunk.flushes", 3) == 0;
  swaps_ = !reads_ && draw("sunk.swaps", 3) == 0;
  if (reads_) os_->spawn("sunk.asks", [this] { ask_on(); });
  const uint64_t steps = 30 + draw("sunk.steps", 40);
  for (uint64_t n = 0; n < steps && amiss_.empty(); ++n) step();
  if (amiss_.empty() && draw("sunk.away", 3) == 0) be_away();
  settle();
  over_ = true;
  while (looks_ || asks_) rest(*os_, kLook);
  const auto all_done = [this] {
    return std::all_of(clients_.begin(), clients_.end(),
                       [](const auto& client) { return client->done; });
  };
  while (!all_done()) rest(*os_, kLook);
  clients_.clear();
}

// For long: it says so, and is noticed soon when it is back.
void SunkStarts::be_away() {
  database_->away = true;
  say("SET t:0 away");
  rest(*os_, seconds(15 + static_cast<int64_t>(draw("sunk.away_s", 10))));
  if (sink().trouble().empty() && sink().committed_lsn() < engine_->applied_lsn())
    amiss("nobody answers, and sink_status says that all is well");
  database_->away = false;
}

// Nothing is written any more, and nothing is in the way.
void SunkStarts::settle() {
  database_->steady = true;
  const auto session = engine_->connect();
  if (!sink().options().resync) (void)ask(*session, {"CONFIG", "SET", "sink-resync", "yes"});
  const Instant last = os_->now() + kSoonBehind;
  while (!sink().caught_up() && os_->now() < last && amiss_.empty()) rest(*os_, kLook);
  if (!amiss_.empty()) return;
  if (!sink().caught_up())
    return amiss(
        fmt::format("nothing is in its way, and the database stays at operation {} of {}: {}",
                    sink().committed_lsn(), engine_->applied_lsn(), sink().trouble()));
  rest(*os_, seconds(1));
  look();
  compare();
}

void SunkStarts::compare() {
  const auto found = read_behind(*os_);
  if (!found.ok()) return amiss(found.error().message);
  if (found->lsn != engine_->applied_lsn())
    return amiss(
        fmt::format("the database says that it is at operation {}, and it was brought to {}",
                    found->lsn, engine_->applied_lsn()));
  const BehindRows wanted = rows_to_be(engine_->keyspace());
  if (!reads_) {
    if (const std::string differs = difference(found->rows, wanted); !differs.empty())
      amiss(differs);
    return;
  }
  // Of others' rows some stay; of the keys of this start nobody else has any.
  BehindRows own, has;
  const auto is_own = [](const std::string& row) { return row.find(":t:") != row.npos; };
  std::copy_if(wanted.begin(), wanted.end(), std::inserter(own, own.end()), is_own);
  std::copy_if(found->rows.begin(), found->rows.end(), std::inserter(has, has.end()), is_own);
  if (const std::string differs = difference(has, own); !differs.empty()) amiss(differs);
}

// --- What is looked at ---

void SunkStarts::look() {
  if (!amiss_.empty()) return;
  look_at_age();
  look_at_replies();
  look_at_answers();
  looked_at_ = os_->now();
}

void SunkStarts::look_at_age() {
  const uint64_t committed = sink().committed_lsn();
  if (sink().caught_up() && sink().queued_for().ns != 0)
    return amiss("all is committed, and sink_queued_ms says that something waits");
  const auto oldest = done_at_.upper_bound(committed);
  if (oldest == done_at_.end()) return;
  const Duration age = os_->now() - oldest->second;
  if (sink().queued_for() < age)
    amiss(fmt::format("operation {} is not committed since {} ms, and sink_queued_ms says {}",
                      oldest->first, age.ms(), sink().queued_for().ms()));
}

void SunkStarts::look_at_replies() {
  const uint64_t released = engine_->released_lsn();
  const uint64_t before = std::exchange(released_, std::max(released_, released));
  if (released <= before || released <= database_->committed) return;
  const auto first = done_at_.upper_bound(database_->committed);
  if (first == done_at_.end() || released < first->first) return;
  if (behind_.mode == engine::SinkMode::kThrough)
    return amiss(fmt::format("replies up to operation {} may leave, and the database has {}",
                             released, database_->committed));
  if (!behind_.alone) return;
  const Duration age = looked_at_ - first->second;
  if (age > sink().options().window)
    amiss(
        fmt::format("replies up to operation {} may leave, and operation {} is not committed "
                    "since {} ms, with a window of {}",
                    released, first->first, age.ms(), sink().options().window.ms()));
}

void SunkStarts::look_at_answers() {
  std::erase_if(clients_, [](const auto& client) {
    return client->done && client->allowed.empty() && !client->session->ready().empty();
  });
  for (const auto& client : clients_) {
    if (!client->done || client->allowed.empty()) continue;
    const std::string_view answer = client->session->ready();
    if (answer.empty()) continue;
    const bool fits =
        answer.starts_with('-') ||
        std::find(client->allowed.begin(), client->allowed.end(), answer) != client->allowed.end();
    if (!fits)
      amiss(fmt::format("GET {} is answered {}, and its row says {}", client->key,
                        in_a_line(answer), in_a_line(client->allowed.back())));
    client->allowed.clear();
  }
}

// The answers that may be given now to who has asked since then.
std::vector<std::string> SunkStarts::allowed(const std::string& key, Instant since) const {
  const auto told = [](const std::string& value) {
    return value.empty() ? std::string("$-1\r\n")
                         : fmt::format("${}\r\n{}\r\n", value.size(), value);
  };
  if (deleted_.contains(key)) return {told("")};
  const auto row = rows_.find(key);
  // What was there before nobody knows, and it may be shown for a while.
  if (row == rows_.end() || row->second.from > std::min(since, os_->now() - kJudgedTtl)) return {};
  return {told(row->second.value)};
}

TargetType::OtherStarts SunkStarts::judge() {
  sim::WorldState copy = world_;
  const Came came = in_world(copy, nullptr, [&](engine::Os& os, Came&) {
    os_ = &os;
    live();
  });
  constexpr std::string_view kTold = "with a database that is not steady";
  const std::string behind = did_.empty() ? std::string() : fmt::format(", behind {}", did_);
  if (!came.died.empty()) {
    for (auto& client : clients_) (void)client.release();
    wrong(Breach::kDies, kTold, came.text() + behind);
  }
  if (came.hangs) wrong(Breach::kHangs, kTold, came.text() + behind);
  if (!amiss_.empty()) wrong(Breach::kBehind, kTold, amiss_ + behind);
  return {wrong_, {}, wall_ms_};
}

}  // namespace

TargetType::OtherStarts sunk_starts_of_store(const sim::WorldState& world,
                                             const sim::Settings& settings, const Behind& behind,
                                             bool reads, sim::Choices& choices) {
  return SunkStarts(world, settings, behind, reads, choices).judge();
}

}  // namespace powercut::scenarios
