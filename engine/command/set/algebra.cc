#include <algorithm>
#include <vector>

#include "engine/command/collection.h"
#include "engine/command/set/set_commands.h"

namespace powercut::engine {

namespace {

using Sets = std::vector<const Set*>;

// The sets of args [first, first + count); nullptr where there is none. False after WRONGTYPE.
bool read_sets(Call& call, size_t first, size_t count, Sets& sets) {
  for (size_t i = first; i < first + count; ++i) {
    sets.push_back(call.read<Set>(call.arg(i)));
    if (call.failed()) return false;
  }
  return true;
}

// Calls f(member) for what all sets have, until f returns false.
template <class F>
void for_common(Sets sets, F&& f) {
  CHECK(!sets.empty());
  if (std::find(sets.begin(), sets.end(), nullptr) != sets.end()) return;
  std::stable_sort(sets.begin(), sets.end(),
                   [](const Set* a, const Set* b) { return a->size() < b->size(); });
  const auto& smallest = sets[0]->entries();
  for (size_t i = 0; i < smallest.size(); ++i) {
    const auto entry = smallest.at(i);
    const std::string_view member = entry.key;
    const bool everywhere = std::all_of(sets.begin() + 1, sets.end(),
                                        [&](const Set* set) { return set->contains(member); });
    if (everywhere && !f(member)) return;
  }
}

using Operation = Set (*)(const Sets& sets, const EncodingLimits& limits);

Set intersection(const Sets& sets, const EncodingLimits& limits) {
  Set result;
  for_common(sets, [&](std::string_view member) {
    result.add(member, limits);
    return true;
  });
  return result;
}

Set union_of(const Sets& sets, const EncodingLimits& limits) {
  Set result;
  for (const Set* set : sets) {
    for (size_t i = 0; set != nullptr && i < set->size(); ++i)
      result.add(set->entries().at(i).key, limits);
  }
  return result;
}

Set difference(const Sets& sets, const EncodingLimits& limits) {
  Set result;
  for (size_t i = 0; sets[0] != nullptr && i < sets[0]->size(); ++i) {
    const auto entry = sets[0]->entries().at(i);
    const std::string_view member = entry.key;
    const bool elsewhere = std::any_of(sets.begin() + 1, sets.end(), [&](const Set* set) {
      return set != nullptr && set->contains(member);
    });
    if (!elsewhere) result.add(member, limits);
  }
  return result;
}

void reply_result(Call& call, Operation operation) {
  Sets sets;
  if (!read_sets(call, 1, call.argc() - 1, sets)) return;
  const Set result = operation(sets, call.keyspace.encoding_limits());
  call.reply.set(result.size());
  for (size_t i = 0; i < result.size(); ++i) call.reply.bulk(result.entries().at(i).key);
}

void store(Call& call, Operation operation) {
  Sets sets;
  if (!read_sets(call, 2, call.argc() - 2, sets)) return;
  store_result(call, call.arg(1), operation(sets, call.keyspace.encoding_limits()));
}

}  // namespace

void sinter_command(Call& call) { reply_result(call, intersection); }
void sunion_command(Call& call) { reply_result(call, union_of); }
void sdiff_command(Call& call) { reply_result(call, difference); }
void sinterstore_command(Call& call) { store(call, intersection); }
void sunionstore_command(Call& call) { store(call, union_of); }
void sdiffstore_command(Call& call) { store(call, difference); }

void sintercard_command(Call& call) {
  int64_t count = 0;
  if (!bounded_arg(call, 1, 1, INT64_MAX, count, "ERR numkeys should be greater than 0")) return;
  if (static_cast<uint64_t>(count) > call.argc() - 2) {
    return call.fail("ERR Number of keys can't be greater than number of args");
  }
  int64_t limit = 0;  // 0: none
  const size_t keys = static_cast<size_t>(count);
  for (size_t i = 2 + keys; i < call.argc(); i += 2) {
    if (!call.is(i, "LIMIT") || i + 1 == call.argc()) return call.fail(kSyntaxError);
    if (!bounded_arg(call, i + 1, 0, INT64_MAX, limit, "ERR LIMIT can't be negative")) return;
  }
  Sets sets;
  if (!read_sets(call, 2, keys, sets)) return;
  int64_t common = 0;
  for_common(sets, [&](std::string_view) { return ++common != limit; });
  call.reply.integer(common);
}

}  // namespace powercut::engine
