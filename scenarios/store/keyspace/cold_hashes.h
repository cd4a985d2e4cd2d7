// What the values in the cold tier, and in the warm one, are, as the judge saw them when they left memory, or read them: so that it need not bring
// them back to know the state.
#pragma once

#include <cstdint>
#include <map>
#include <utility>

#include "engine/base/result.h"
#include "engine/tier/tier.h"

namespace powercut::scenarios {

// Where a tiered store has them.
inline constexpr const char* kColdFolder = "cold";
// And what it takes for the address of the simulated object store.
inline constexpr const char* kBucketUrl = "s3://bucket/store";

class ColdHashes final : public engine::KeyspaceObserver {
 public:
  // Of those that lie there now, each read and verified. Yields.
  //   Errors: as ColdFolder::read().
  Result<void> read(engine::Keyspace& keyspace, engine::ColdFolder& folder);
  // One that is not known has the hash of nothing else.
  uint64_t hash_of(const engine::Away& away) const;

  void before_change(engine::Database&, std::string_view, engine::Object*) override {}
  void before_flush(engine::Database&) override {}
  void before_leave(engine::Database& db, std::string_view key, engine::Object& object,
                    const engine::Away& away) override;

 private:
  using Place =
      std::pair<uint64_t, uint64_t>;  // segment and offset: no other value ever lies there
  std::map<Place, uint64_t> hashes_;
};

}  // namespace powercut::scenarios
