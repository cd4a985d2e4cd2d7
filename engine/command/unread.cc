// The executor and rows of a database behind the store (engine/command/rows.h): a command waits until those that it names are
// read, and then runs as one step, with copies of them.
#include "engine/base/words.h"
#include "engine/command/execute.h"
#include "engine/command/executor.h"
#include "engine/command/number.h"

namespace powercut::engine {

namespace {

constexpr Duration kRowPatience = seconds(5);

// Does it ask nothing of the keys that it names?
bool is_blind(const CommandSpec& spec, size_t argc) {
  if ((spec.flags & kImmediate) != 0) return true;  // WATCH
  return (spec.name == "set" && argc == 3) || spec.name == "mset" || spec.name == "setex" ||
         spec.name == "psetex";
}

}  // namespace

// The keys that it names, and where MOVE and COPY put them.
void Executor::add_named(PlacedKeys& named, int db, const CommandSpec& spec,
                         std::span<const std::string_view> args) {
  if (is_blind(spec, args.size())) return;
  positions_.clear();
  key_positions(spec, args, positions_);
  for (const size_t i : positions_)
    if (i < args.size()) named.emplace_back(db, args[i]);
  const auto add_in = [&](std::string_view number, std::string_view key) {
    const auto other = parse_integer(number);
    if (other && *other >= 0 && *other < keyspace_.databases())
      named.emplace_back(static_cast<int>(*other), key);
  };
  if (spec.name == "move" && args.size() == 3) add_in(args[2], args[1]);
  if (spec.name == "copy")
    for (size_t i = 3; i + 1 < args.size(); ++i)
      if (equals_ignoring_case(args[i], "DB")) add_in(args[i + 1], args[2]);
}

// Of a transaction, in the databases where its commands will be.
Executor::PlacedKeys Executor::unread_of(const Client& client, const CommandSpec& spec,
                                         std::span<const std::string_view> args, Instant since) {
  PlacedKeys keys;
  if (loading_) return keys;
  rows_->begin();
  if (spec.name != "exec") {
    add_named(keys, client.db, spec, args);
  } else if (client.in_multi && !client.multi_failed && !client.watch_broken) {
    int db = client.db;
    for (const auto& queued : client.queued) {
      const std::vector<std::string_view> words(queued.begin(), queued.end());
      const CommandSpec& one = *resolve(words);
      const auto chosen = one.name == "select" ? parse_integer(words[1]) : std::nullopt;
      if (chosen && *chosen >= 0 && *chosen < keyspace_.databases()) db = static_cast<int>(*chosen);
      add_named(keys, db, one, words);
    }
  }
  std::erase_if(keys, [&](const auto& key) { return !rows_->lacks(key.first, key.second, since); });
  return keys;
}

bool Executor::read_unread(Client& client, const CommandSpec& spec, const PlacedKeys& keys,
                           Instant since) {
  const auto read = rows_->read(keys, since + kRowPatience);
  if (read.ok()) return true;
  const char* const kind = read.error().code == Errc::kUnsupported ? "ERR " : "IOERR ";
  reject(client, spec, kind + read.error().message);
  return false;
}

void Executor::execute_with_rows(Call& call, const CommandSpec& spec) {
  if (rows_ == nullptr || (spec.flags & kRunsScript) != 0) return execute(call, spec);
  PlacedKeys keys;
  add_named(keys, call.db, spec, call.args);
  for (const auto& [db, key] : keys)
    if (rows_->lacks(db, key, kForever)) return call.fail(kUnreadRow);
  for (const auto& [db, key] : keys) rows_->lend(db, key);
  const size_t at = call.effects.size();
  execute(call, spec);
  Effects adopted;
  rows_->take_back(call.dirty(), adopted);
  if (!adopted.empty()) call.effects.insert(at, adopted);
}

// Who has it in a cache of their own is told, as of one that changed.
void Executor::row_left(std::string_view key) {
  if (clients_.tracking.clients == 0) return;
  invalidate_remembered(clients_, {std::string(key), 0});
  send_news();
}

}  // namespace powercut::engine
