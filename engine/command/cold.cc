// The executor and values that are not in memory (engine/tier/tier.h): a command waits until those that it names are, and
// then runs as one step.
#include "engine/command/executor.h"

namespace powercut::engine {

void Executor::add_away(int db, std::string_view key) {
  const auto* entry = keyspace_.database(db).table().find(key);
  if (entry != nullptr && entry->value.value.away() != nullptr) away_keys_.emplace_back(db, key);
}

// In each of the databases from the first to the last.
void Executor::add_away(const CommandSpec& spec, std::span<const std::string_view> args,
                        int first_db, int last_db) {
  // Of one key there is no need to make a list, and that is most that is said.
  if (spec.keys_of == nullptr && spec.first_key == spec.last_key && first_db == last_db) {
    const auto i = static_cast<size_t>(spec.first_key);
    if (i != 0 && i < args.size()) add_away(first_db, args[i]);
    return;
  }
  positions_.clear();
  key_positions(spec, args, positions_);
  for (const size_t i : positions_)
    for (int db = first_db; db <= last_db && i < args.size(); ++db) add_away(db, args[i]);
}

// A transaction may move keys, choose databases and swap them before it reads: all that it names anywhere comes. So does
// what a command would move to where somebody waits for it.
bool Executor::find_away(const Client& client, const CommandSpec& spec,
                         std::span<const std::string_view> args) {
  away_keys_.clear();
  if (loading_) return false;
  const int last = keyspace_.databases() - 1;
  if (spec.name == "exec") {
    if (!client.in_multi || client.multi_failed || client.watch_broken) return false;
    std::vector<std::string_view> words;
    for (const auto& queued : client.queued) {
      words.assign(queued.begin(), queued.end());
      add_away(*resolve(words), words, 0, last);
    }
  } else if (spec.name == "swapdb") {
    for (int waits_in = 0; waits_in <= last && !clients_.waiters.empty(); ++waits_in)
      for (const Place& place : clients_.waiters.places(waits_in))
        for (int db = 0; db <= last; ++db) add_away(db, place.key);
  } else if (needs_values(spec, args.size()) || !clients_.waiters.empty()) {
    add_away(spec, args, client.db, client.db);
  }
  return !away_keys_.empty();
}

// False: it was answered.
bool Executor::bring_back(Client& client, const CommandSpec& spec) {
  const auto keys = std::move(away_keys_);  // others look for theirs meanwhile
  const auto brought = bring_back_(keys);
  if (brought.ok()) return true;
  reject(client, spec, "IOERR " + brought.error().message);
  return false;
}

// What a script asks for and nobody had named: what is had at once comes back. Of a command by itself it is known: nothing has
// run since it was looked for.
std::string Executor::reads_away(const Call& call, const CommandSpec& spec) {
  if (!call.client->in_exec || !needs_values(spec, call.argc())) return {};
  away_keys_.clear();
  add_away(spec, call.args, call.db, call.db);
  if (away_keys_.empty()) return {};
  for (const auto& [db, key] : away_keys_)
    if (!keyspace_.database(db).table().find(key)->value.value.away()->warm())
      return std::string(kUnnamedAway);
  const auto brought = bring_back_(away_keys_);
  return brought.ok() ? std::string() : "IOERR " + brought.error().message;
}

}  // namespace powercut::engine
