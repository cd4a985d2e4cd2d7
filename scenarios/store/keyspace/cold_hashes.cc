#include "scenarios/store/keyspace/cold_hashes.h"

#include <vector>

#include "scenarios/store/keyspace/digest.h"

namespace powercut::scenarios {

using engine::Away;

Result<void> ColdHashes::read(engine::Keyspace& keyspace, engine::ColdFolder& folder) {
  std::vector<Away> all;
  for (int db = 0; db < keyspace.databases(); ++db) {
    const engine::Table& table = keyspace.database(db).table();
    for (size_t i = 0; i < table.size(); ++i)
      if (const Away* away = table.at(i).value.value.away()) all.push_back(*away);
  }
  for (const Away& away : all) {
    TRY_ASSIGN(const engine::Value value, folder.read(away, keyspace.encoding_limits()));
    hashes_[{away.segment()->sequence, away.offset()}] = value_hash(value);
  }
  return {};
}

uint64_t ColdHashes::hash_of(const Away& away) const {
  constexpr uint64_t kUnknown = 0x636f6c64;
  const auto found = hashes_.find({away.segment()->sequence, away.offset()});
  return found == hashes_.end() ? kUnknown : found->second;
}

void ColdHashes::before_leave(engine::Database&, std::string_view, engine::Object& object,
                              const Away& away) {
  const Away* warm = object.value.away();
  hashes_[{away.segment()->sequence, away.offset()}] =
      warm == nullptr ? value_hash(object.value) : hash_of(*warm);
}

}  // namespace powercut::scenarios
