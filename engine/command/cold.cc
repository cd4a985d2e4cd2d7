// The executor and values that are not in memory (engine/tier/tier.h): a command waits until those that it names are, and
// then runs as one step.
#include <algorithm>

#include "engine/command/executor.h"

namespace powercut::engine {

namespace {
// Those that are not among them yet.
void add_names(const CommandSpec& spec, std::span<const std::string_view> args,
               std::vector<std::string>& names) {
  std::vector<size_t> positions;
  key_positions(spec, args, positions);
  for (const size_t i : positions)
    if (i < args.size() && std::find(names.begin(), names.end(), args[i]) == names.end())
      names.emplace_back(args[i]);
}
}  // namespace

void Executor::add_away(PlacedKeys& away, int db, std::string_view key) const {
  const auto* entry = keyspace_.database(db).table().find(key);
  if (entry != nullptr && entry->value.value.away() != nullptr) away.emplace_back(db, key);
}

// In each of the databases from the first to the last.
void Executor::add_away(PlacedKeys& away, const CommandSpec& spec,
                        std::span<const std::string_view> args, int first_db, int last_db) {
  // Of one key there is no need to make a list, and that is most that is said.
  if (spec.keys_of == nullptr && spec.first_key == spec.last_key && first_db == last_db) {
    const auto i = static_cast<size_t>(spec.first_key);
    if (i != 0 && i < args.size()) add_away(away, first_db, args[i]);
    return;
  }
  positions_.clear();
  key_positions(spec, args, positions_);
  for (const size_t i : positions_)
    for (int db = first_db; db <= last_db && i < args.size(); ++db) add_away(away, db, args[i]);
}

// Who waits with BLMOVE is served by another's command, as a part of it: what he names as well has to be there.
void Executor::add_away_of_waits(PlacedKeys& away, std::vector<std::string> keys, bool anywhere) {
  const int last = keyspace_.databases() - 1;
  for (size_t i = 0; i < keys.size(); ++i)
    for (int db = 0; db <= last; ++db)
      for (const uint64_t id : clients_.waiters.moving_at(db, keys[i])) {
        const Waiting& waiting = clients_.waiters.of(id);
        const std::vector<std::string_view> words(waiting.words.begin(), waiting.words.end());
        add_away(away, *waiting.spec, words, anywhere ? 0 : waiting.db,
                 anywhere ? last : waiting.db);
        add_names(*waiting.spec, words, keys);
      }
}

bool Executor::names_away(const Waiting& waiting) {
  if (!waiting.moves || bring_back_ == nullptr) return false;
  const std::vector<std::string_view> words(waiting.words.begin(), waiting.words.end());
  PlacedKeys away;
  add_away(away, *waiting.spec, words, waiting.db, waiting.db);
  return !away.empty();
}

// A transaction may move keys, choose databases and swap them before it reads: all that it names anywhere comes. So does
// what a command would move to where somebody waits for it.
Executor::PlacedKeys Executor::away_of(const Client& client, const CommandSpec& spec,
                                       std::span<const std::string_view> args) {
  PlacedKeys away;
  if (loading_) return away;
  const int last = keyspace_.databases() - 1;
  const bool any_moves = clients_.waiters.any_moves();
  std::vector<std::string> named;  // where somebody may wait, if somebody moves
  if (spec.name == "exec") {
    if (!client.in_multi || client.multi_failed || client.watch_broken) return away;
    std::vector<std::string_view> words;
    for (const auto& queued : client.queued) {
      words.assign(queued.begin(), queued.end());
      add_away(away, *resolve(words), words, 0, last);
      if (any_moves) add_names(*resolve(words), words, named);
    }
  } else if (spec.name == "swapdb") {
    for (int waits_in = 0; waits_in <= last && !clients_.waiters.empty(); ++waits_in)
      for (const Place& place : clients_.waiters.places(waits_in)) {
        for (int db = 0; db <= last; ++db) add_away(away, db, place.key);
        if (any_moves) named.push_back(place.key);
      }
  } else if (needs_values(spec, args.size()) || !clients_.waiters.empty()) {
    add_away(away, spec, args, client.db, client.db);
    if (any_moves) add_names(spec, args, named);
  }
  if (!named.empty())
    add_away_of_waits(away, std::move(named), spec.name == "exec" || spec.name == "swapdb");
  return away;
}

bool Executor::bring_back(Client& client, const CommandSpec& spec, const PlacedKeys& away) {
  const auto brought = bring_back_(away);
  if (brought.ok()) return true;
  reject(client, spec, "IOERR " + brought.error().message);
  return false;
}

// What a script asks for and nobody had named: what is had at once comes back. Of a command by itself it is known: nothing has
// run since it was looked for.
std::string Executor::reads_away(const Call& call, const CommandSpec& spec) {
  if (!call.client->in_exec || !needs_values(spec, call.argc())) return {};
  PlacedKeys away;
  add_away(away, spec, call.args, call.db, call.db);
  if (away.empty()) return {};
  for (const auto& [db, key] : away)
    if (!keyspace_.database(db).table().find(key)->value.value.away()->warm())
      return std::string(kUnnamedAway);
  const auto brought = bring_back_(away);
  return brought.ok() ? std::string() : "IOERR " + brought.error().message;
}

}  // namespace powercut::engine
