#include "scenarios/store/read_through_target.h"

#include <fmt/format.h>

#include <algorithm>

#include "scenarios/store/database/behind_rows.h"
#include "sim/request.h"

namespace powercut::scenarios {

namespace {

// Where a batch is collected for a while a copy is seldom older than what it collects; where none is, it may be.
constexpr Duration judged_ttl(engine::SinkMode mode) {
  return mode == engine::SinkMode::kThrough ? milliseconds(400) : milliseconds(150);
}

const engine::Object* object_at(const engine::Keyspace& keyspace, const RowName& name) {
  const auto* entry = keyspace.database(name.first).table().find(name.second);
  return entry == nullptr ? nullptr : &entry->value;
}

std::string in_words(const RowName& name) {
  return fmt::format("key '{}' of database {}", name.second, name.first);
}

}  // namespace

// --- What crosses a crash ---

void ReadThroughHistory::before_change(engine::Database& db, std::string_view key,
                                       engine::Object* object) {
  changing_.emplace_back(of_->number_of(db), key);
  StoreHistory::before_change(db, key, object);
}

void ReadThroughHistory::before_flush(engine::Database& db) {
  for (size_t i = 0; i < db.table().size(); ++i)
    changing_.emplace_back(of_->number_of(db), db.table().at(i).key);
  StoreHistory::before_flush(db);
}

void ReadThroughHistory::on_operation(uint64_t lsn) {
  for (const RowName& name : std::exchange(changing_, {}))
    changes_[name].push_back({lsn, object_at(*of_, name) != nullptr});
  StoreHistory::on_operation(lsn);
}

void ReadThroughHistory::on_attach(sim::Target& target, uint64_t k) {
  StoreHistory::on_attach(target, k);
  auto& itself = dynamic_cast<ReadThroughTarget&>(target.itself());
  of_ = &itself.keyspace();
  changing_.clear();
  for (auto& [name, changes] : changes_) {
    while (!changes.empty() && changes.back().lsn > k) changes.pop_back();
    if (!changes.empty() && !changes.back().there) itself.deleted_before(name, changes.back().lsn);
  }
}

void ReadThroughHistory::on_detach() {
  StoreHistory::on_detach();
  of_ = nullptr;
}

// --- A start ---

Result<std::unique_ptr<sim::Target>> ReadThroughTarget::open(engine::Os& os,
                                                             const sim::Settings& settings,
                                                             engine::SinkMode mode) {
  engine::EngineConfig config = config_of(settings, Behind{mode, true});
  config.sink.read_through = true;
  config.sink.read_ttl = judged_ttl(mode);
  // Nearly all keys of the workload, and not that of TargetType::harmless_write(): a write that reads a row first is refused while
  // the database is away, and the log is well.
  config.sink.tables = {{"*:*", "kv"}};
  // Its rows are there before the store is; where the disk does not take them, it begins without.
  (void)SharedDatabase(os, config.sink.tables).prepare();
  SharedDatabase* shared = nullptr;
  config.sink.connect = [&](const engine::SinkOptions& options) {
    auto made = std::make_unique<SharedDatabase>(os, options.tables);
    shared = made.get();
    return made;
  };
  TRY_ASSIGN(auto engine, engine::Engine::open(os, config));
  std::unique_ptr<ReadThroughTarget> target(
      new ReadThroughTarget(os, std::move(engine), settings, shared));
  target->catch_up(os);
  return std::unique_ptr<sim::Target>(std::move(target));
}

ReadThroughTarget::~ReadThroughTarget() { engine().keyspace().remove_observer(this); }

// What stands in the database, now that it has caught up.
std::string ReadThroughTarget::difference_behind(engine::Os& os) {
  const auto content = read_behind(os);
  if (!content.ok()) return content.error().message;
  auto looked = shared_->look();
  if (!looked.ok()) return {};  // a call failed: nothing is known
  found_ = std::move(looked).value();
  if (found_->lsn != recovery.last)
    return fmt::format("the database says that it is at operation {}, and it was brought to {}",
                       found_->lsn, recovery.last);
  const int64_t now_ms = os.wall_now().unix_ms;
  for (int db = 0; db < keyspace().databases(); ++db) {
    const engine::Table& table = keyspace().database(db).table();
    for (size_t i = 0; i < table.size(); ++i) {
      const RowName name(db, table.at(i).key);
      const RowState state = state_of(&table.at(i).value);
      if (state.kind == RowState::Kind::kOther || !engine().sink()->has_table(name.second))
        continue;
      const auto row = found_->rows.find(name);
      if (row == found_->rows.end()) return "the database has not " + in_words(name);
      if (row->second != state) return "the database has another value of " + in_words(name);
    }
  }
  for (const auto& [name, state] : found_->rows) {
    if (object_at(keyspace(), name) != nullptr) continue;
    const auto other = found_->others.find(name);
    if (other == found_->others.end()) return "the database alone has " + in_words(name);
    if (other->second.state != state)
      return "a row that the store does not hold is not as it was written: " + in_words(name);
  }
  for (const auto& [name, other] : found_->others) {
    if (name.first != kKeptDatabase || object_at(keyspace(), name) != nullptr) continue;
    if (other.state.expires_ms >= 0 && other.state.expires_ms <= now_ms) continue;
    if (!found_->rows.contains(name))
      return "a row of another program is gone, and nobody deleted it: " + in_words(name);
  }
  return {};
}

void ReadThroughTarget::deleted_before(const RowName& name, uint64_t lsn) {
  if (!found_ || !found_->rows.contains(name)) return;
  const auto other = found_->others.find(name);
  if (other != found_->others.end() && other->second.behind < lsn)
    complain(
        fmt::format("{} was deleted by operation {}, and its row is back", in_words(name), lsn));
}

void ReadThroughTarget::begin(uint64_t) {
  engine().keyspace().add_observer(this);
  // What a life before left is known before anything changes it, also what has no row.
  for (int db = 0; db < keyspace().databases(); ++db) {
    const engine::Table& table = keyspace().database(db).table();
    for (size_t i = 0; i < table.size(); ++i)
      own_[RowName(db, table.at(i).key)] = {{0, Instant{0}, state_of(&table.at(i).value)}};
  }
  if (!found_) return;
  for (const auto& [name, state] : found_->rows) rows_[name] = {{Instant{0}, state}};
  shared_->begin([this](const RowName& name) { return may_touch(name); },
                 [this](const RowName& name, const std::optional<RowState>& state, bool by_store) {
                   seen(name, state, by_store);
                 },
                 [this](const RowName& name) {
                   const auto& all = own_[name];
                   return std::any_of(all.begin(), all.end(), [](const Own& own) {
                     return own.state.kind == RowState::Kind::kAbsent;
                   });
                 });
}

// --- What happens to keys and rows ---

bool ReadThroughTarget::may_touch(const RowName& name) {
  return object_at(keyspace(), name) == nullptr &&
         !engine().sink()->has_word(name.first, name.second);
}

void ReadThroughTarget::seen(const RowName& name, const std::optional<RowState>& state,
                             bool by_store) {
  if (!state) unknown_[name] = true;
  if (by_store && !own_.contains(name) && object_at(keyspace(), name) == nullptr)
    complain("a batch has a row of a key that no operation changed: " + in_words(name));
  if (state) rows_[name].push_back({os_.now(), *state});
}

void ReadThroughTarget::before_change(engine::Database& db, std::string_view key, engine::Object*) {
  changing_.emplace_back(keyspace().number_of(db), key);
}

void ReadThroughTarget::before_flush(engine::Database& db) {
  for (size_t i = 0; i < db.table().size(); ++i)
    changing_.emplace_back(keyspace().number_of(db), db.table().at(i).key);
}

void ReadThroughTarget::on_operation(uint64_t lsn) {
  bool there = false;
  for (const RowName& name : std::exchange(changing_, {})) {
    const engine::Object* object = object_at(keyspace(), name);
    there |= object != nullptr;
    own_[name].push_back({lsn, os_.now(), state_of(object)});
  }
  made_[os_.current()] = {lsn, there};
  StoreTarget::on_operation(lsn);
}

void ReadThroughTarget::complain(std::string text) {
  if (broken_.empty()) broken_ = std::move(text);
}

// --- Answers ---

// What the key may have held before operation `lsn`, which a command made that came at `since`.
std::vector<RowState> ReadThroughTarget::states_before(const RowName& name, uint64_t lsn,
                                                       Instant since) {
  const int64_t wall_ms = keyspace().now().unix_ms;
  Instant deleted{-1};
  if (const auto own = own_.find(name); own != own_.end()) {
    const Own* last = nullptr;
    for (const Own& one : own->second)
      if (one.lsn < lsn) last = &one;
    if (last != nullptr && last->state.kind != RowState::Kind::kAbsent)
      return {last->state.at(wall_ms)};
    if (last != nullptr) deleted = last->at;
  }
  const Instant from = std::min(since, os_.now() - engine().sink()->options().read_ttl);
  std::vector<RowState> states;
  if (deleted >= from || engine().sink()->has_word(name.first, name.second)) states.emplace_back();
  const auto versions = rows_.find(name);
  if (versions == rows_.end()) return {RowState{}};
  const auto& all = versions->second;
  if (all.front().from > from) states.emplace_back();  // it was not there
  for (size_t i = 0; i < all.size(); ++i) {
    const bool over = i + 1 < all.size() && all[i + 1].from < from;
    if (!over && all[i].from >= deleted) states.push_back(all[i].state.at(wall_ms));
  }
  return states;
}

void ReadThroughTarget::apply(uint64_t client, std::string_view request) {
  const Instant began = os_.now();
  made_.erase(os_.current());
  StoreTarget::apply(client, request);
  const auto made = made_.find(os_.current());
  await(client, request, began, made == made_.end() ? 0 : made->second.first);
}

// The command has just run.
void ReadThroughTarget::await(uint64_t client, std::string_view request, Instant began,
                              uint64_t made) {
  if (client >= awaited_.size()) {
    awaited_.resize(client + 1);
    db_of_.resize(client + 1);
    in_multi_.resize(client + 1);
  }
  Awaited& one = awaited_[client].emplace_back(Awaited{std::string(request), {}});
  const auto words = sim::words_of(one.request);
  if (words.empty()) return;
  if (sim::same_word(words[0], "MULTI")) in_multi_[client] = true;
  if (sim::same_word(words[0], "EXEC") || sim::same_word(words[0], "DISCARD"))
    in_multi_[client] = false;
  if (sim::same_word(words[0], "SELECT") && words.size() == 2)
    db_of_[client] = in_multi_[client] ? -1 : std::stoi(std::string(words[1]));
  if (in_multi_[client] || db_of_[client] < 0 || !has_answer(words)) return;
  if (only_reads(words) && made != 0 && made_[os_.current()].second)
    complain(fmt::format("{} {} became operation {}", words[0], words[1], made));
  const RowName name(db_of_[client], words[1]);
  if (!found_ || unknown_.contains(name)) return;
  const uint64_t lsn = made != 0 ? made : engine().applied_lsn() + 1;
  for (const RowState& state : states_before(name, lsn, began))
    one.allowed.push_back(answer_to(words, state));
}

std::optional<sim::Reply> ReadThroughTarget::acknowledged(uint64_t client, Instant deadline) {
  auto reply = StoreTarget::acknowledged(client, deadline);
  if (!reply || client >= awaited_.size() || awaited_[client].empty()) return reply;
  const Awaited one = std::move(awaited_[client].front());
  awaited_[client].erase(awaited_[client].begin());
  const std::string bytes(reply->bytes);
  const bool wrong_kind = bytes.starts_with("-WRONGTYPE") || bytes.starts_with("-ERR value is") ||
                          bytes.starts_with("-ERR hash value is");
  if (one.allowed.empty() || (reply->error && !wrong_kind)) return reply;
  if (std::find(one.allowed.begin(), one.allowed.end(), bytes) != one.allowed.end()) return reply;
  const auto words = sim::words_of(one.request);
  const auto line = [](std::string text) {
    std::replace(text.begin(), text.end(), '\r', ' ');
    std::replace(text.begin(), text.end(), '\n', ' ');
    return text.substr(0, 60);
  };
  complain(fmt::format("{} {} was answered {}, and what the key held says {}", words[0], words[1],
                       line(bytes), line(one.allowed.back())));
  return reply;
}

void ReadThroughTarget::hang_up(uint64_t client) {
  if (client < awaited_.size()) {
    awaited_[client].clear();
    db_of_[client] = 0;
    in_multi_[client] = false;
  }
  StoreTarget::hang_up(client);
}

}  // namespace powercut::scenarios
