#include "scenarios/store/starts/asked_starts.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/engine.h"
#include "engine/os/forwarding_os.h"
#include "scenarios/store/keyspace/digest.h"
#include "scenarios/store/starts/copied_starts.h"

namespace powercut::scenarios {

namespace {

using Words = std::vector<std::string>;

// A filesystem that can set space aside, as the simulated one cannot, and has so many bytes left. What a file has taken is
// its own until it is cut or removed.
class RoomyOs final : public engine::ForwardingOs {
 public:
  using ForwardingOs::ForwardingOs;

  Result<std::unique_ptr<engine::File>> open(std::string_view path, engine::Open mode) override;
  Result<void> rename(std::string_view from, std::string_view to) override {
    TRY(inner_.rename(from, to));
    if (const auto moved = held_.find(from); moved != held_.end()) {
      held_[std::string(to)] = moved->second;
      held_.erase(moved);
    }
    return {};
  }
  Result<void> remove(std::string_view path) override {
    TRY(inner_.remove(path));
    if (const auto gone = held_.find(path); gone != held_.end()) {
      free += *gone->second;
      held_.erase(gone);
    }
    return {};
  }

  uint64_t free = uint64_t{1} << 40;
  std::string in_vain;  // the log's file that was first gone on with where there was no space

 private:
  std::map<std::string, std::shared_ptr<uint64_t>, std::less<>> held_;
};

class RoomyFile final : public engine::ForwardingFile {
 public:
  RoomyFile(std::unique_ptr<File> file, RoomyOs& os, std::string path,
            std::shared_ptr<uint64_t> held)
      : ForwardingFile(std::move(file)), os_(os), path_(std::move(path)), held_(std::move(held)) {}
  Result<size_t> write_at(uint64_t offset, std::string_view data) override {
    const auto room = reserve(offset + data.size());
    if (room.ok()) return inner_->write_at(offset, data);
    // What begins a file has nothing set aside for it: then it is not made.
    const bool batch = path_.find(".incr.") != path_.npos && offset != 0;
    if (os_.in_vain.empty() && batch) os_.in_vain = path_;
    return room.error();
  }
  Result<void> truncate(uint64_t size) override {
    TRY(inner_->truncate(size));
    if (*held_ > size) os_.free += *held_ - size;
    *held_ = size;
    return {};
  }
  Result<void> reserve(uint64_t size) override {
    if (size <= *held_) return {};
    if (size - *held_ > os_.free) return Error{Errc::kNoSpace, "there is no space left"};
    os_.free -= size - *held_;
    *held_ = size;
    return {};
  }

 private:
  RoomyOs& os_;
  std::string path_;
  std::shared_ptr<uint64_t> held_;
};

Result<std::unique_ptr<engine::File>> RoomyOs::open(std::string_view path, engine::Open mode) {
  TRY_ASSIGN(auto file, inner_.open(path, mode));
  auto& held = held_[std::string(path)];
  if (held == nullptr) {
    TRY_ASSIGN(const uint64_t size, file->size());
    held = std::make_shared<uint64_t>(size);
  }
  return std::unique_ptr<engine::File>(
      std::make_unique<RoomyFile>(std::move(file), *this, std::string(path), held));
}

class AskedStarts final : CopiedStarts {
 public:
  explicit AskedStarts(const CopiedStarts& as) : CopiedStarts(as) {}
  std::optional<Violation> judge();

 private:
  void judge_switches();
  void judge_full_disk();
  void judge_watches();
  struct Watched {
    int db = 0;
    std::string key;
    int other_db = 0;
    std::string other;  // a key that may be there
  };
  std::string watch(engine::Engine& engine, uint64_t round);
  Watched draw_watched(const engine::Keyspace& keyspace, uint64_t round);
};

// --- How the log is kept from now on ---

// Left alone then, it does what the last of them says.
void AskedStarts::judge_switches() {
  if (!options_.append_only) return;
  std::string told = "whose log is to be kept";
  std::string undone;
  sim::WorldState copy = world_;
  const Came came = open(copy, nullptr, [&](engine::Os& os, engine::Engine& engine) {
    engine.set_active_expire(false);
    const auto session = engine.connect();
    for (uint64_t n = 0; n < 3; ++n) {
      constexpr std::string_view kPolicies[] = {"always", "everysec", "no"};
      const std::string policy(kPolicies[choices_.choose("asked.policy", n, std::size(kPolicies))]);
      (void)ask(*session, {"SET", "switched", std::to_string(n)});
      (void)ask(*session, {"CONFIG", "SET", "appendfsync", policy});
      told += " " + policy;
    }
    rest(os, seconds(5));
    const engine::AofLog& log = engine.aof();
    const bool syncs = engine.config().aof.policy != engine::SyncPolicy::kNo;
    const uint64_t reached = syncs ? log.synced_lsn() : log.written_lsn();
    if (reached != log.applied_lsn())
      undone = fmt::format("operation {} of {} is the last that is {}", reached, log.applied_lsn(),
                           syncs ? "synced" : "written");
  });
  expect_same(came, told);
  if (!wrong_ && !undone.empty()) wrong(Breach::kUnavailable, told, "left alone then, " + undone);
}

// --- More than there is space for ---

// Whatever was done before: a write is refused where there is no space for it, and no write of the log's comes to a place
// that was not set aside.
void AskedStarts::judge_full_disk() {
  if (!options_.append_only) return;
  static const std::vector<std::vector<Words>> kBefore = {
      {},
      {{"BGREWRITEAOF"}},
      {{"BGREWRITEAOF"}, {"BGREWRITEAOF"}},
      {{"CONFIG", "SET", "appendonly", "no"}, {"CONFIG", "SET", "appendonly", "yes"}}};
  const auto& before = kBefore[choices_.choose("asked.before", 0, kBefore.size())];
  const bool meanwhile =
      choices_.choose("asked.meanwhile", 0, 2) == 0;  // the last of these goes on
  RoomyOs* roomy = nullptr;
  std::string amiss;
  const auto over = [&](engine::Os& os) {
    auto made = std::make_unique<RoomyOs>(os);
    roomy = made.get();
    return made;
  };
  const auto then = [&](engine::Os& os, engine::Engine& engine) {
    engine.set_active_expire(false);
    const auto session = engine.connect();
    const Words write{"SET", "large", std::string(100'000, 'x')};
    if (ask(*session, write) != "+OK\r\n") return;
    const auto other = engine.connect();
    (void)ask(*other, {"MULTI"});
    (void)ask(*other, {"SET", "small", "x"});
    for (const Words& request : before) {
      (void)ask(*session, request);
      if (meanwhile && &request == &before.back()) break;
      wait_for_jobs(os, engine);
    }
    // Little: for what begins a file, and no batch.
    constexpr uint64_t kFree[] = {0, 50'000, 300'000, 900'000};
    roomy->free = kFree[choices_.choose("asked.free", 0, std::size(kFree))];
    std::string reply;
    uint64_t applied = 0;
    // A rewrite may make space again and again.
    for (int n = 0; n < 60 && !reply.starts_with("-"); ++n) {
      applied = engine.aof().applied_lsn();
      reply = ask(*session, write);
    }
    const bool refused = reply.starts_with("-");
    if (refused && !reply.starts_with("-MISCONF"))
      amiss = "a write is answered with " + reply.substr(0, 40);
    else if (refused && engine.aof().applied_lsn() != applied)
      amiss = "a write that is refused is done";
    else if (!roomy->in_vain.empty())
      amiss = roomy->in_vain + " is written to where no space was set aside";
    (void)ask(*other, {"EXEC"});
    if (const std::string ping = ask(*other, {"PING"}); amiss.empty() && ping != "+PONG\r\n")
      amiss = "PING behind an EXEC is answered with " + ping.substr(0, 40);
    roomy->free = uint64_t{1} << 40;
    rest(os, seconds(1));
    // What is small may find its place in what was set aside before.
    const bool small = choices_.choose("asked.small", 0, 2) == 0;
    if (amiss.empty() && ask(*session, small ? Words{"SET", "small", "y"} : write) != "+OK\r\n")
      amiss = "there is space again, and a write is refused";
  };
  sim::WorldState copy = world_;
  std::string told = "on a disk that is full";
  for (const Words& request : before) told += fmt::format(" behind {}", fmt::join(request, " "));
  expect_same(open_over(copy, over, then), told);
  if (!wrong_ && !amiss.empty()) wrong(Breach::kUntrue, told, amiss);
}

// --- What one client watches while another changes it ---

AskedStarts::Watched AskedStarts::draw_watched(const engine::Keyspace& keyspace, uint64_t round) {
  constexpr uint64_t kDatabases = 3;
  Watched watched;
  watched.db = static_cast<int>(choices_.choose("asked.db", round, kDatabases));
  watched.other_db = static_cast<int>(choices_.choose("asked.other_db", round, kDatabases));
  const auto key_of = [&](int db, Site site) -> std::string {
    const engine::Table& table = keyspace.database(db).table();
    if (table.empty() || choices_.choose(site, 2 * round, 4) == 0) return "nobody";
    return std::string(table.at(choices_.choose(site, 2 * round + 1, table.size())).key);
  };
  watched.key = key_of(choices_.choose("asked.same", round, 3) == 0 ? watched.other_db : watched.db,
                       "asked.key");
  watched.other = key_of(watched.other_db, "asked.other");
  return watched;
}

// What is wrong with one transaction.
std::string AskedStarts::watch(engine::Engine& engine, uint64_t round) {
  const engine::Keyspace& keyspace = engine.keyspace();
  const Watched it = draw_watched(keyspace, round);
  const std::string db = std::to_string(it.db), other_db = std::to_string(it.other_db);
  // In the watched key's database, or in the other one.
  const std::vector<std::pair<bool, Words>> may = {
      {true, {"SET", it.key, "w"}},
      {true, {"DEL", it.key}},
      {true, {"PEXPIRE", it.key, "100000000"}},
      {true, {"RENAME", it.key, it.other}},
      {true, {"RENAME", it.other, it.key}},
      {true, {"COPY", it.other, it.key, "REPLACE"}},
      {true, {"MOVE", it.key, other_db}},
      {true, {"APPEND", it.key, "w"}},
      {true, {"LPUSH", it.key, "w"}},
      {true, {"SUNIONSTORE", it.key, "nobody"}},
      {true, {"SORT", it.other, "BY", "nosort", "STORE", it.key}},
      {true, {"EXISTS", it.key}},
      {true, {"FLUSHDB"}},
      {false, {"SET", it.key, "w"}},
      {false, {"COPY", it.other, it.key, "DB", db, "REPLACE"}},
      {false, {"MOVE", it.key, db}},
      {false, {"SWAPDB", db, other_db}},
      {false, {"SWAPDB", other_db, db}},
      {false, {"FLUSHDB"}},
      {false, {"FLUSHALL"}}};
  const auto& [same, words] = may[choices_.choose("asked.words", round, may.size())];
  const auto hash = [&]() -> uint64_t {
    const engine::Object* object = keyspace.peek(it.db, it.key);
    return object == nullptr ? 0 : entry_hash(it.key, *object);
  };
  // One whose time comes meanwhile may break it or not.
  for (const int where : {it.db, it.other_db}) {
    const engine::Object* object = keyspace.peek(where, it.key);
    if (object != nullptr && object->expires()) return {};
  }
  const auto watcher = engine.connect();
  const auto changer = engine.connect();
  (void)ask(*watcher, {"SELECT", db});
  (void)ask(*watcher, {"WATCH", it.key});
  (void)ask(*changer, {"SELECT", same ? db : other_db});
  const uint64_t before = hash();
  const uint64_t applied = engine.aof().applied_lsn();
  (void)ask(*changer, words);
  const bool changed = hash() != before;
  const bool nothing = engine.aof().applied_lsn() == applied;
  (void)ask(*watcher, {"MULTI"});
  (void)ask(*watcher, {"PING"});
  const std::string reply = ask(*watcher, {"EXEC"});
  const bool done = reply.starts_with("*1");
  if (done ? !changed : !nothing) return {};
  return fmt::format(
      "a client watches a key of database {}, {} by {} in database {}, and its "
      "transaction is {}",
      db, changed ? "which is changed" : "where nothing is changed", words[0], same ? db : other_db,
      done ? "done" : "not done");
}

void AskedStarts::judge_watches() {
  std::string amiss;
  sim::WorldState copy = world_;
  const Came came = open(copy, nullptr, [&](engine::Os&, engine::Engine& engine) {
    engine.set_active_expire(false);
    constexpr uint64_t kRounds = 12;
    for (uint64_t round = 0; round < kRounds && amiss.empty(); ++round)
      amiss = watch(engine, round);
  });
  expect_same(came, "where keys are watched");
  if (!wrong_ && !amiss.empty()) wrong(Breach::kUntrue, "where keys are watched", amiss);
}

std::optional<Violation> AskedStarts::judge() {
  judge_switches();
  if (!wrong_) judge_full_disk();
  if (!wrong_) judge_watches();
  return wrong_;
}

}  // namespace

std::optional<Violation> judge_asked_starts(const CopiedStarts& as) {
  return AskedStarts(as).judge();
}

}  // namespace powercut::scenarios
