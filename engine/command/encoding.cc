#include "engine/command/encoding.h"

#include "engine/command/number.h"
#include "engine/store/zset.h"

namespace powercut::engine {

namespace {

constexpr size_t kLongestEmbedded = 44;

template <class Map, class Fits>
bool all_fit(const Map& map, size_t most, Fits fits) {
  if (map.size() > most) return false;
  for (size_t i = 0; i < map.size(); ++i) {
    if (!fits(map.at(i))) return false;
  }
  return true;
}

}  // namespace

std::string_view encoding_of(const Value& value, const EncodingLimits& limits) {
  switch (value.type()) {
    case Type::kString: {
      const String& text = *value.string();
      if (parse_integer(text)) return "int";
      return text.size() <= kLongestEmbedded ? "embstr" : "raw";
    }
    case Type::kList:
      return "quicklist";
    case Type::kHash: {
      const auto fits = [&](const auto& e) {
        return e.key.size() <= limits.hash_value && e.value.size() <= limits.hash_value;
      };
      return all_fit(value.hash()->entries(), limits.hash_entries, fits) ? "listpack" : "hashtable";
    }
    case Type::kSet: {
      const auto fits = [](const auto& e) { return parse_integer(e.key).has_value(); };
      return all_fit(value.set()->entries(), limits.intset_entries, fits) ? "intset" : "hashtable";
    }
    case Type::kZset: {
      const auto fits = [&](const auto& e) { return e.key.size() <= limits.zset_value; };
      return all_fit(value.zset()->entries(), limits.zset_entries, fits) ? "listpack" : "skiplist";
    }
    case Type::kStream:
      return "stream";
    case Type::kAway:
      break;
  }
  return "raw";
}

}  // namespace powercut::engine
