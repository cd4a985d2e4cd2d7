#include "scenarios/store/database/row_state.h"

#include <fmt/format.h>

#include "engine/base/decimal.h"
#include "sim/request.h"

namespace powercut::scenarios {

namespace {

using Kind = RowState::Kind;

constexpr std::string_view kWrongKind =
    "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n";

struct Known {
  std::string_view name;
  size_t words;
  bool reads;
  Kind of;  // kAbsent: of any
};
constexpr Known kKnown[] = {
    {"GET", 2, true, Kind::kString},     {"STRLEN", 2, true, Kind::kString},
    {"EXISTS", 2, true, Kind::kAbsent},  {"PEXPIRETIME", 2, true, Kind::kAbsent},
    {"HGET", 3, true, Kind::kHash},      {"HLEN", 2, true, Kind::kHash},
    {"INCR", 2, false, Kind::kString},   {"APPEND", 3, false, Kind::kString},
    {"HINCRBY", 4, false, Kind::kHash},  {"DEL", 2, false, Kind::kAbsent},
    {"GETDEL", 2, false, Kind::kString},
};

const Known* find(const std::vector<std::string_view>& words) {
  for (const Known& known : kKnown)
    if (!words.empty() && words.size() == known.words && sim::same_word(words[0], known.name))
      return &known;
  return nullptr;
}

std::string integer(int64_t n) { return fmt::format(":{}\r\n", n); }
std::string bulk(std::string_view text) { return fmt::format("${}\r\n{}\r\n", text.size(), text); }

std::string added(std::string_view text, std::string_view to_add, std::string_view error) {
  const auto before = parse_integer(text);
  const auto more = parse_integer(to_add);
  int64_t sum = 0;
  if (!more) return "-ERR value is not an integer or out of range\r\n";
  if (!before) return fmt::format("-ERR {}\r\n", error);
  if (__builtin_add_overflow(*before, *more, &sum))
    return "-ERR increment or decrement would overflow\r\n";
  return integer(sum);
}

}  // namespace

RowState state_of(const engine::Object* object) {
  RowState state;
  if (object == nullptr) return state;
  state.kind = Kind::kOther;
  state.expires_ms = object->expire_at_ms;
  if (const auto* string = object->value.string()) {
    state.kind = Kind::kString;
    state.value = std::string_view(*string);
  } else if (const auto* hash = object->value.hash()) {
    state.kind = Kind::kHash;
    for (size_t i = 0; i < hash->entries().size(); ++i) {
      const auto item = hash->entries().at(i);
      state.fields.emplace(item.key, item.value);
    }
  }
  return state;
}

bool has_answer(const std::vector<std::string_view>& words) { return find(words) != nullptr; }

bool only_reads(const std::vector<std::string_view>& words) {
  const Known* known = find(words);
  return known != nullptr && known->reads;
}

std::string answer_to(const std::vector<std::string_view>& words, const RowState& state) {
  const Known& known = *find(words);
  const bool absent = state.kind == Kind::kAbsent;
  if (known.of != Kind::kAbsent && !absent && state.kind != known.of)
    return std::string(kWrongKind);
  if (known.name == "GET" || known.name == "GETDEL") return absent ? "$-1\r\n" : bulk(state.value);
  if (known.name == "STRLEN") return integer(static_cast<int64_t>(state.value.size()));
  if (known.name == "EXISTS" || known.name == "DEL") return integer(absent ? 0 : 1);
  if (known.name == "PEXPIRETIME") return integer(absent ? -2 : state.expires_ms);
  if (known.name == "HLEN") return integer(static_cast<int64_t>(state.fields.size()));
  if (known.name == "INCR")
    return added(absent ? "0" : state.value, "1", "value is not an integer or out of range");
  if (known.name == "APPEND")
    return integer(static_cast<int64_t>(state.value.size() + words[2].size()));
  const auto field = state.fields.find(std::string(words[2]));
  if (known.name == "HGET") return field == state.fields.end() ? "$-1\r\n" : bulk(field->second);
  return added(field == state.fields.end() ? "0" : field->second, words[3],
               "hash value is not an integer");
}

}  // namespace powercut::scenarios
