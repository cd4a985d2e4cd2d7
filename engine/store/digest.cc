#include "engine/store/digest.h"

#include <fmt/format.h>

#include <string>

#include "engine/store/list.h"
#include "engine/store/stream.h"
#include "engine/store/zset.h"

namespace powercut::engine {

namespace {

// In no order: each changes the digest by itself.
void add(Sha1& digest, std::string_view bytes) {
  const Sha1 hash = sha1(bytes);
  for (size_t i = 0; i < digest.size(); ++i) digest[i] ^= hash[i];
}

std::string_view text_of(const Sha1& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

// In order: what comes later changes what is there.
void mix(Sha1& digest, std::string_view bytes) {
  add(digest, bytes);
  digest = sha1(text_of(digest));
}

void mix(Sha1& digest, uint32_t number) {
  const char bytes[] = {static_cast<char>(number >> 24), static_cast<char>(number >> 16),
                        static_cast<char>(number >> 8), static_cast<char>(number)};
  mix(digest, std::string_view(bytes, sizeof bytes));
}

void mix(Sha1& digest, const Value& value) {
  switch (value.type()) {
    case Type::kString:
      return mix(digest, *value.string());
    case Type::kList:
      for (size_t i = 0; i < value.list()->size(); ++i) mix(digest, value.list()->at(i));
      return;
    case Type::kSet:
      for (size_t i = 0; i < value.set()->size(); ++i)
        add(digest, value.set()->entries().at(i).key);
      return;
    case Type::kHash:
      for (size_t i = 0; i < value.hash()->size(); ++i) {
        const auto& entry = value.hash()->entries().at(i);
        Sha1 one{};
        mix(one, entry.key);
        mix(one, entry.value);
        add(digest, text_of(one));
      }
      return;
    case Type::kZset:
      for (size_t i = 0; i < value.zset()->size(); ++i) {
        const auto& entry = value.zset()->entries().at(i);
        Sha1 one{};
        mix(one, entry.key);
        mix(one, fmt::format("{:.17g}", entry.value));
        add(digest, text_of(one));
      }
      return;
    case Type::kStream:
      value.stream()->for_range({}, StreamId::most(), false, [&](const StreamEntry& entry) {
        mix(digest, fmt::format("{}.{}", entry.id.ms, entry.id.seq));
        entry.for_each([&](std::string_view field, std::string_view text) {
          mix(digest, field);
          mix(digest, text);
        });
        return true;
      });
      return;
    case Type::kAway:
      CHECK(false);  // see mix_object
  }
}

// As Redis numbers them.
uint32_t number_of(Type type) {
  switch (type) {
    case Type::kString:
      return 0;
    case Type::kList:
      return 1;
    case Type::kSet:
      return 2;
    case Type::kZset:
      return 3;
    case Type::kHash:
      return 4;
    case Type::kStream:
      return 6;
    case Type::kAway:
      break;
  }
  return 0;
}

// Who asks brings back what is not had at once. One that cannot be read is like no value.
void mix_object(Sha1& digest, const Object& object) {
  mix(digest, number_of(object.value.kind()));
  if (const Away* away = object.value.away()) {
    const auto value = read_warm(*away, EncodingLimits());
    value.ok() ? mix(digest, *value) : add(digest, "!!not had!!");
  } else {
    mix(digest, object.value);
  }
  if (object.expires()) add(digest, "!!expire!!");
}

}  // namespace

Sha1 digest_of(const Object& object) {
  Sha1 digest{};
  mix_object(digest, object);
  return digest;
}

Sha1 digest_of(const Keyspace& keyspace) {
  Sha1 digest{};
  for (int db = 0; db < keyspace.databases(); ++db) {
    const Table& table = keyspace.database(db).table();
    if (table.empty()) continue;
    bool any = false;
    for (size_t i = 0; i < table.size(); ++i) {
      const auto& [key, object] = table.at(i);
      if (keyspace.expired(object)) continue;
      if (!any) mix(digest, static_cast<uint32_t>(db));
      any = true;
      Sha1 one{};
      mix(one, key);
      mix_object(one, object);
      add(digest, text_of(one));
    }
  }
  return digest;
}

}  // namespace powercut::engine
