#include "scenarios/store/keyspace/digest.h"

#include <bit>

#include "engine/base/hash.h"
#include "engine/store/list.h"
#include "engine/store/stream.h"
#include "engine/store/zset.h"
#include "scenarios/store/keyspace/cold_hashes.h"

namespace powercut::scenarios {

using engine::Object;
using engine::Type;

namespace {

uint64_t mix(uint64_t a, uint64_t b) {
  uint64_t x = (a ^ (b * 0x9e3779b97f4a7c15u)) * 0xbf58476d1ce4e5b9u;
  return x ^ (x >> 31);
}

uint64_t mix(uint64_t hash, engine::StreamId id) { return mix(mix(hash, id.ms), id.seq); }

// All but when a consumer was seen, which nothing rests on and no log has.
uint64_t group_hash(std::string_view name, const engine::StreamGroup& group) {
  uint64_t hash = mix(hash_bytes(name), group.last_id);
  hash = mix(hash, static_cast<uint64_t>(group.entries_read));
  for (const auto& [consumer, of] : group.consumers()) hash = mix(hash, hash_bytes(consumer));
  for (const auto& [id, pending] : group.pending()) {
    hash = mix(mix(hash, id), hash_bytes(pending.owner->first));
    hash = mix(mix(hash, static_cast<uint64_t>(pending.delivered_ms)), pending.deliveries);
  }
  return hash;
}

uint64_t stream_hash(const engine::Stream& stream) {
  uint64_t hash = mix(mix(stream.entries_added(), stream.last_id()), stream.max_deleted_id());
  stream.for_range({}, engine::StreamId::most(), false, [&](const engine::StreamEntry& entry) {
    hash = mix(hash, entry.id);
    entry.for_each([&](std::string_view field, std::string_view value) {
      hash = mix(mix(hash, hash_bytes(field)), hash_bytes(value));
    });
    return true;
  });
  for (const auto& [name, group] : stream.groups()) hash = mix(hash, group_hash(name, group));
  return hash;
}

}  // namespace

uint64_t value_hash(const engine::Value& value) {
  uint64_t hash = 0;
  switch (value.type()) {
    case Type::kString:
      return hash_bytes(*value.string());
    case Type::kList:
      for (size_t i = 0; i < value.list()->size(); ++i)
        hash = mix(hash, hash_bytes(value.list()->at(i)));
      return hash;
    case Type::kHash: {
      const auto& entries = value.hash()->entries();
      for (size_t i = 0; i < entries.size(); ++i) {
        hash += mix(hash_bytes(entries.at(i).key), hash_bytes(entries.at(i).value));
      }
      return hash;
    }
    case Type::kSet: {
      const auto& entries = value.set()->entries();
      for (size_t i = 0; i < entries.size(); ++i) hash += mix(hash_bytes(entries.at(i).key), 1);
      return hash;
    }
    case Type::kZset: {
      const auto entries = value.zset()->entries();
      for (size_t i = 0; i < entries.size(); ++i) {
        // Adding 0.0 makes one of the two zeros.
        hash +=
            mix(hash_bytes(entries.at(i).key), std::bit_cast<uint64_t>(entries.at(i).value + 0.0));
      }
      return hash;
    }
    case Type::kStream:
      return stream_hash(*value.stream());
    case Type::kAway:
      CHECK(false);
  }
  return hash;
}

uint64_t entry_hash(std::string_view key, const Object& object, const ColdHashes* cold) {
  const uint64_t head = hash_bytes(key, static_cast<uint64_t>(object.value.kind()) + 1);
  const engine::Away* away = object.value.away();
  const uint64_t value = away == nullptr   ? value_hash(object.value)
                         : cold == nullptr ? 0
                                           : cold->hash_of(*away);
  return mix(mix(head, value), static_cast<uint64_t>(object.expire_at_ms));
}

uint64_t library_hash(std::string_view name, std::string_view text) {
  constexpr uint64_t kSeed = 77;  // that of no type
  return mix(hash_bytes(name, kSeed), hash_bytes(text));
}

uint64_t database_hash(int db, uint64_t sum) {
  return sum == 0 ? 0 : mix(sum, static_cast<uint64_t>(db) + 1);
}

uint64_t keyspace_digest(const engine::Keyspace& keyspace, int64_t now_ms, const ColdHashes* cold) {
  uint64_t digest = 0;
  for (int db = 0; db < engine::Keyspace::kDatabases; ++db) {
    uint64_t sum = 0;
    keyspace.database(db).table().for_each([&](const engine::Table::Entry& entry) {
      if (entry.value.expires() && entry.value.expire_at_ms <= now_ms) return;
      sum += entry_hash(entry.key, entry.value, cold);
    });
    digest += database_hash(db, sum);
  }
  uint64_t libraries = 0;
  for (const auto& [name, text] : keyspace.libraries()) libraries += library_hash(name, text);
  return digest + database_hash(kLibraries, libraries);
}

}  // namespace powercut::scenarios
