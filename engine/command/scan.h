// What SCAN, HSCAN, SSCAN and ZSCAN share. A cursor is the number of positions of the slab map that
// are still to be visited, from the highest down: see engine/store/slab_map.h for why that misses
// no entry. 0 starts and ends.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>

#include "engine/command/call.h"
#include "engine/command/number.h"
#include "engine/store/slab_map.h"

namespace powercut::engine {

struct ScanOptions {
  size_t count = 10;
  std::optional<std::string_view> match;
  std::optional<std::string_view> type;
};

// The cursor at `at`. Answers the error itself and returns false.
bool parse_cursor(Call& call, size_t at, uint64_t& cursor);
// The options from `at` on; TYPE only where `allow_type`. Answers the error itself and returns false.
bool parse_scan_options(Call& call, size_t at, bool allow_type, ScanOptions& options);

// Answers [next cursor, [elements...]]: visits options.count entries from the cursor on.
// `emit(entry)` is called for those whose key fits MATCH; it writes the entry's elements and
// returns how many they are.
//
//   scan_reply(call, hash->entries(), cursor, options, [&](const auto& entry) {
//     call.reply.bulk(entry.key);
//     call.reply.bulk(entry.value);
//     return 2;
//   });
template <class Map, class Emit>
void scan_reply(Call& call, const Map& map, uint64_t cursor, const ScanOptions& options,
                Emit&& emit) {
  const size_t start = cursor == 0 ? map.size() : std::min<uint64_t>(cursor, map.size());
  CHECK(options.count > 0);  // or the cursor would stand still
  // What is packed is answered at once, since its entries move when one comes or goes.
  bool at_once = false;
  if constexpr (requires { map.packed(); }) at_once = map.packed();
  const size_t next = at_once ? 0 : start - std::min(start, options.count);
  call.reply.array(2);
  call.reply.bulk(format_integer(static_cast<int64_t>(next)));
  const size_t mark = call.reply.begin_deferred();
  size_t elements = 0;
  for (size_t visited = 0; visited < start - next; ++visited) {
    const auto& entry = map.at(at_once ? visited : start - visited - 1);
    if (options.match && !glob_match(*options.match, entry.key)) continue;
    elements += static_cast<size_t>(emit(entry));
  }
  CHECK(map.size() >= start);  // a look at an entry removes none
  call.reply.end_deferred(mark, elements);
}

// HSCAN, SSCAN, ZSCAN: COMMAND key cursor [options]. Of a key that is not there no option is wrong, as in Redis.
template <class T, class Emit>
void scan_collection(Call& call, Emit&& emit) {
  uint64_t cursor = 0;
  ScanOptions options;
  if (!parse_cursor(call, 2, cursor)) return;
  const T* collection = call.read<T>(call.arg(1));
  if (call.failed()) return;
  if (collection == nullptr) {
    call.reply.array(2);
    call.reply.bulk("0");
    call.reply.array(0);
    return;
  }
  if (!parse_scan_options(call, 3, false, options)) return;
  scan_reply(call, collection->entries(), cursor, options, emit);
}

}  // namespace powercut::engine
