#include <algorithm>

#include "engine/command/call.h"
#include "engine/command/collection.h"
#include "engine/command/command_table.h"
#include "engine/command/list/list_commands.h"
#include "engine/command/number.h"

namespace powercut::engine {

namespace {

// --- Pushing and popping ---

void push(Call& call, bool front, bool create) {
  List* list = create ? call.write_or_create<List>(call.arg(1)) : call.write<List>(call.arg(1));
  if (call.failed()) return;
  if (list == nullptr) return call.reply.integer(0);
  for (size_t i = 2; i < call.argc(); ++i) {
    front ? list->push_front(call.arg(i)) : list->push_back(call.arg(i));
  }
  call.changed();
  call.reply.integer(static_cast<int64_t>(list->size()));
}

void lpush(Call& call) { push(call, true, true); }
void rpush(Call& call) { push(call, false, true); }
void lpushx(Call& call) { push(call, true, false); }
void rpushx(Call& call) { push(call, false, false); }

void pop(Call& call, bool front) {
  if (call.argc() > 3) {
    return call.fail(front ? "ERR wrong number of arguments for 'lpop' command"
                           : "ERR wrong number of arguments for 'rpop' command");
  }
  const bool has_count = call.argc() == 3;
  int64_t count = 1;
  if (has_count && !count_arg(call, 2, count)) return;
  const List* found = call.held<List>(call.arg(1));
  if (call.failed()) return;
  if (found == nullptr) return has_count ? call.reply.null_array() : call.reply.null();
  if (count == 0) return call.reply.array(0);
  List* list = call.write<List>(call.arg(1));
  const size_t popped = std::min(static_cast<size_t>(count), list->size());
  if (has_count) call.reply.array(popped);
  for (size_t i = 0; i < popped; ++i) {
    call.reply.bulk(front ? list->pop_front() : list->pop_back());
  }
  if (list->size() == 0) call.keyspace.remove(call.db, call.arg(1));
  call.changed();
}

void lpop(Call& call) { pop(call, true); }
void rpop(Call& call) { pop(call, false); }

// --- By index ---

void llen(Call& call) {
  const List* list = call.read<List>(call.arg(1));
  if (call.failed()) return;
  call.reply.integer(list == nullptr ? 0 : static_cast<int64_t>(list->size()));
}

// An index counted from either end; false if it is outside.
bool resolve_index(int64_t index, size_t size, size_t& out) {
  const auto n = static_cast<int64_t>(size);
  if (index < 0) index += n;
  if (index < 0 || index >= n) return false;
  out = static_cast<size_t>(index);
  CHECK(out < size);
  return true;
}

// The part of [first, last], counted from either end, that exists; false if none does.
bool resolve_range(int64_t first, int64_t last, size_t size, size_t& out_first, size_t& out_last) {
  const auto n = static_cast<int64_t>(size);
  if (first < 0) first = std::max<int64_t>(first + n, 0);
  if (last < 0) last += n;
  if (first > last || first >= n) return false;
  out_first = static_cast<size_t>(first);
  out_last = static_cast<size_t>(std::min(last, n - 1));
  CHECK(out_first <= out_last && out_last < size);
  return true;
}

void lindex(Call& call) {
  const List* list = call.read<List>(call.arg(1));
  if (call.failed()) return;
  if (list == nullptr) return call.reply.null();
  int64_t index = 0;
  if (!call.integer_arg(2, index)) return;
  size_t at = 0;
  if (!resolve_index(index, list->size(), at)) return call.reply.null();
  call.reply.bulk(list->at(at));
}

void lset(Call& call) {
  const List* found = call.held<List>(call.arg(1));
  if (call.failed()) return;
  if (found == nullptr) return call.fail(kNoSuchKey);
  int64_t index = 0;
  if (!call.integer_arg(2, index)) return;
  size_t at = 0;
  if (!resolve_index(index, found->size(), at)) return call.fail("ERR index out of range");
  call.write<List>(call.arg(1))->set(at, call.arg(3));
  call.changed();
  call.reply.ok();
}

void linsert(Call& call) {
  const bool after = call.is(2, "AFTER");
  if (!after && !call.is(2, "BEFORE")) return call.fail(kSyntaxError);
  const List* found = call.held<List>(call.arg(1));
  if (call.failed()) return;
  if (found == nullptr) return call.reply.integer(0);
  size_t at = 0;
  while (at < found->size() && found->at(at) != call.arg(3)) ++at;
  if (at == found->size()) return call.reply.integer(-1);
  List* list = call.write<List>(call.arg(1));
  list->insert(after ? at + 1 : at, call.arg(4));
  call.changed();
  call.reply.integer(static_cast<int64_t>(list->size()));
}

void lrange(Call& call) {
  int64_t first = 0, last = 0;
  if (!call.integer_arg(2, first) || !call.integer_arg(3, last)) return;
  const List* list = call.read<List>(call.arg(1));
  if (call.failed()) return;
  size_t from = 0, to = 0;
  if (list == nullptr || !resolve_range(first, last, list->size(), from, to)) {
    return call.reply.array(0);
  }
  call.reply.array(to - from + 1);
  for (size_t i = from; i <= to; ++i) call.reply.bulk(list->at(i));
}

void ltrim(Call& call) {
  int64_t first = 0, last = 0;
  if (!call.integer_arg(2, first) || !call.integer_arg(3, last)) return;
  const List* found = call.held<List>(call.arg(1));
  if (call.failed()) return;
  call.reply.ok();
  if (found == nullptr) return;
  size_t from = 0, to = 0;
  if (!resolve_range(first, last, found->size(), from, to)) {
    call.keyspace.remove(call.db, call.arg(1));
    call.announce_taken('l', "ltrim", call.arg(1));
    return call.changed();
  }
  call.announce('l', "ltrim", call.arg(1));
  List* list = call.write<List>(call.arg(1));  // a WATCH breaks all the same, as in Redis
  if (to - from + 1 == list->size()) return;
  list->trim(from, to);
  call.changed();
}

// --- By content ---

uint64_t magnitude(int64_t n) {
  return n < 0 ? ~static_cast<uint64_t>(n) + 1 : static_cast<uint64_t>(n);
}

void lrem(Call& call) {
  int64_t count = 0;
  if (!call.integer_arg(2, count)) return;
  const List* found = call.held<List>(call.arg(1));
  if (call.failed()) return;
  if (found == nullptr) return call.reply.integer(0);
  size_t first = 0;
  while (first < found->size() && found->at(first) != call.arg(3)) ++first;
  if (first == found->size()) return call.reply.integer(0);
  List* list = call.write<List>(call.arg(1));
  const size_t limit = count == 0 ? list->size() : magnitude(count);
  const size_t removed = list->remove_equal(call.arg(3), limit, count < 0);
  CHECK(removed > 0);
  if (list->size() == 0) call.keyspace.remove(call.db, call.arg(1));
  call.changed();
  call.reply.integer(static_cast<int64_t>(removed));
}

struct PositionOptions {
  int64_t rank = 1;
  int64_t count = -1;  // -1: not given, the first match alone
  int64_t max_length = 0;
};

bool parse_positions(Call& call, PositionOptions& options) {
  constexpr std::string_view kRankZero =
      "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use "
      "negative to start from the end of the list";
  for (size_t i = 3; i < call.argc(); i += 2) {
    if (i + 1 == call.argc()) return call.fail(kSyntaxError), false;
    if (call.is(i, "RANK")) {
      if (!call.integer_arg(i + 1, options.rank)) return false;
      if (options.rank == 0) return call.fail(kRankZero), false;
    } else if (call.is(i, "COUNT")) {
      constexpr std::string_view kNegative = "ERR COUNT can't be negative";
      if (!bounded_arg(call, i + 1, 0, INT64_MAX, options.count, kNegative)) return false;
    } else if (call.is(i, "MAXLEN")) {
      constexpr std::string_view kNegative = "ERR MAXLEN can't be negative";
      if (!bounded_arg(call, i + 1, 0, INT64_MAX, options.max_length, kNegative)) return false;
    } else {
      return call.fail(kSyntaxError), false;
    }
  }
  return true;
}

void lpos(Call& call) {
  PositionOptions options;
  if (!parse_positions(call, options)) return;
  const List* list = call.read<List>(call.arg(1));
  if (call.failed()) return;
  const bool single = options.count < 0;
  if (list == nullptr) return single ? call.reply.null() : call.reply.array(0);

  const size_t size = list->size();
  const size_t steps =
      options.max_length == 0 ? size : std::min(size, static_cast<size_t>(options.max_length));
  uint64_t to_skip = magnitude(options.rank) - 1;
  std::vector<size_t> matches;
  for (size_t i = 0; i < steps; ++i) {
    const size_t at = options.rank < 0 ? size - 1 - i : i;
    if (list->at(at) != call.arg(2)) continue;
    if (to_skip > 0) {
      --to_skip;
      continue;
    }
    matches.push_back(at);
    if (single || matches.size() == static_cast<size_t>(options.count)) break;
  }
  if (single) {
    return matches.empty() ? call.reply.null()
                           : call.reply.integer(static_cast<int64_t>(matches[0]));
  }
  call.reply.array(matches.size());
  for (const size_t at : matches) call.reply.integer(static_cast<int64_t>(at));
}

constexpr CommandSpec kListCommands[] = {
    {"lpush", lpush, -3, kWrite | kDenyOom, 1, 1, 1},
    {"rpush", rpush, -3, kWrite | kDenyOom, 1, 1, 1},
    {"lpushx", lpushx, -3, kWrite | kDenyOom, 1, 1, 1},
    {"rpushx", rpushx, -3, kWrite | kDenyOom, 1, 1, 1},
    {"lpop", lpop, -2, kWrite, 1, 1, 1},
    {"rpop", rpop, -2, kWrite, 1, 1, 1},
    {"llen", llen, 2, kReadOnly, 1, 1, 1},
    {"lindex", lindex, 3, kReadOnly, 1, 1, 1},
    {"lset", lset, 4, kWrite | kDenyOom, 1, 1, 1},
    {"linsert", linsert, 5, kWrite | kDenyOom, 1, 1, 1},
    {"lrange", lrange, 4, kReadOnly, 1, 1, 1},
    {"ltrim", ltrim, 4, kWrite, 1, 1, 1},
    {"lrem", lrem, 4, kWrite, 1, 1, 1},
    {"lpos", lpos, -3, kReadOnly, 1, 1, 1},
    {"lmove", lmove_command, 5, kWrite | kDenyOom, 1, 2, 1},
    {"rpoplpush", rpoplpush_command, 3, kWrite | kDenyOom, 1, 2, 1},
    {"lmpop", lmpop_command, -4, kWrite | kMovableKeys, 0, 0, 0, counted_keys<1, false>},
    {"blpop", blpop_command, -3, kWrite, 1, -2, 1},
    {"brpop", brpop_command, -3, kWrite, 1, -2, 1},
    {"blmove", blmove_command, 6, kWrite | kDenyOom, 1, 2, 1},
    {"brpoplpush", brpoplpush_command, 4, kWrite | kDenyOom, 1, 2, 1},
    {"blmpop", blmpop_command, -5, kWrite | kMovableKeys, 0, 0, 0, counted_keys<2, false>},
    {"sort", sort_command, -2, kWrite | kDenyOom | kMovableKeys | kWholeKeyspace, 0, 0, 0,
     sort_keys},
    {"sort_ro", sort_ro_command, -2, kReadOnly | kWholeKeyspace, 1, 1, 1},
};

}  // namespace

std::span<const CommandSpec> list_commands() { return kListCommands; }

}  // namespace powercut::engine
