// OBJECT: what Redis would say of a value's representation. Nothing here depends on it.
#include <algorithm>

#include "engine/command/keys/key_commands.h"
#include "engine/command/number.h"

namespace powercut::engine::keys {

namespace {

// Where Redis 7.0 leaves its compact encodings, as configured by default.
constexpr size_t kLongestEmbedded = 44;
constexpr size_t kMostHashFields = 512;
constexpr size_t kMostZsetMembers = 128;
constexpr size_t kMostIntsetMembers = 512;
constexpr size_t kLongestPacked = 64;

bool short_enough(std::string_view text) { return text.size() <= kLongestPacked; }

template <class V, class Fits>
bool all_fit(const SlabMap<V>& map, size_t most, Fits fits) {
  if (map.size() > most) return false;
  for (size_t i = 0; i < map.size(); ++i) {
    if (!fits(map.at(i))) return false;
  }
  return true;
}

std::string_view encoding(const Value& value) {
  switch (value.type()) {
    case Type::kString: {
      const String& text = *value.string();
      if (parse_integer(text)) return "int";
      return text.size() <= kLongestEmbedded ? "embstr" : "raw";
    }
    case Type::kList:
      return "quicklist";
    case Type::kHash: {
      const auto fits = [](const auto& e) { return short_enough(e.key) && short_enough(e.value); };
      return all_fit(value.hash()->entries(), kMostHashFields, fits) ? "listpack" : "hashtable";
    }
    case Type::kSet: {
      const auto fits = [](const auto& e) { return parse_integer(e.key).has_value(); };
      return all_fit(value.set()->entries(), kMostIntsetMembers, fits) ? "intset" : "hashtable";
    }
    case Type::kZset: {
      const auto fits = [](const auto& e) { return short_enough(e.key); };
      return all_fit(value.zset()->entries(), kMostZsetMembers, fits) ? "listpack" : "skiplist";
    }
  }
  return "raw";
}

void help(Call& call) {
  static constexpr std::string_view kLines[] = {
      "OBJECT <subcommand> <key>. Subcommands are:",
      "ENCODING: the representation that Redis would choose for the value.",
      "FREQ: an error, because there is no LFU policy.",
      "IDLETIME: always 0; accesses are not timed.",
      "REFCOUNT: always 1; values are never shared.",
      "HELP: this text.",
  };
  call.reply.array(std::size(kLines));
  for (const std::string_view line : kLines) call.reply.simple(line);
}

}  // namespace

void object(Call& call) {
  const bool is_encoding = call.is(1, "ENCODING");
  const bool is_freq = call.is(1, "FREQ");
  const bool is_idle_time = call.is(1, "IDLETIME");
  const bool is_refcount = call.is(1, "REFCOUNT");
  const bool is_help = call.is(1, "HELP");
  if (!is_encoding && !is_freq && !is_idle_time && !is_refcount && !is_help) {
    return call.fail("ERR unknown subcommand '" + std::string(call.arg(1).substr(0, 128)) +
                     "'. Try OBJECT HELP.");
  }
  if (call.argc() != (is_help ? 2 : 3)) {
    std::string name(call.arg(1));
    for (char& c : name) c = static_cast<char>(c | 0x20);
    return call.fail("ERR wrong number of arguments for 'object|" + name + "' command");
  }
  if (is_help) return help(call);
  const Object* found = call.keyspace.find(call.db, call.arg(2));
  if (found == nullptr) return call.reply.null();
  if (is_encoding) return call.reply.bulk(encoding(found->value));
  if (is_idle_time) return call.reply.integer(0);
  if (is_refcount) return call.reply.integer(1);
  call.fail(
      "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that "
      "when switching between policies at runtime LRU and LFU data will take some time to adjust.");
}

}  // namespace powercut::engine::keys
