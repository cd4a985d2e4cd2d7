// OBJECT ENCODING: how Redis 7.0 would hold a value. Nothing here depends on it.
#pragma once

#include <cstdint>
#include <string_view>

#include "engine/store/value.h"

namespace powercut::engine {

// Where Redis leaves its compact encodings, under its directives' names.
struct EncodingLimits {
  uint64_t hash_entries = 512;    // hash-max-listpack-entries
  uint64_t hash_value = 64;       // hash-max-listpack-value
  uint64_t zset_entries = 128;    // zset-max-listpack-entries
  uint64_t zset_value = 64;       // zset-max-listpack-value
  uint64_t intset_entries = 512;  // set-max-intset-entries
};

std::string_view encoding_of(const Value& value, const EncodingLimits& limits);

}  // namespace powercut::engine
