#include <algorithm>

#include "engine/command/call.h"
#include "engine/command/collection.h"
#include "engine/command/list/list_commands.h"
#include "engine/command/number.h"

namespace powercut::engine {

namespace {

bool parse_end(Call& call, size_t i, bool& front) {
  front = call.is(i, "LEFT");
  if (!front && !call.is(i, "RIGHT")) return call.fail(kSyntaxError), false;
  return true;
}

// --- Moving ---

enum class Moved : uint8_t { kFailed, kNothing, kMoved };

Moved move_item(Call& call, bool from_front, bool to_front) {
  const std::string_view source = call.arg(1), destination = call.arg(2);
  const List* found = call.held<List>(source);
  if (call.failed()) return Moved::kFailed;
  if (found == nullptr) return Moved::kNothing;
  // This may remove an expired destination, after which `found` is stale.
  call.held<List>(destination);
  if (call.failed()) return Moved::kFailed;

  List* from = call.write<List>(source);
  const std::string item = from_front ? from->pop_front() : from->pop_back();
  List* to = source == destination ? from : call.write_or_create<List>(destination);
  to_front ? to->push_front(item) : to->push_back(item);
  call.announce('l', to_front ? "lpush" : "rpush", destination);
  if (from->size() == 0) call.keyspace.remove(call.db, source);
  call.announce_taken('l', from_front ? "lpop" : "rpop", source);
  call.reply.bulk(item);
  return Moved::kMoved;
}

// --- Popping from the first list that there is ---

// The first of args[first..last] that exists, 0 if none does. Fails if that is not a list.
size_t first_list(Call& call, size_t first, size_t last) {
  CHECK(first > 0);  // 0 says that there is none
  for (size_t i = first; i <= last; ++i) {
    if (call.held<List>(call.arg(i)) != nullptr) return i;
    if (call.failed()) return 0;
  }
  return 0;
}

void pop_blocking(Call& call, bool front) {
  const size_t last = call.argc() - 1;
  int64_t timeout_ms = 0;
  if (!timeout_arg(call, last, timeout_ms)) return;
  const size_t i = first_list(call, 1, last - 1);
  if (call.failed()) return;
  if (i == 0) return wait_or_null_array(call, {Type::kList, 1, last - 1, timeout_ms});
  List* list = call.write<List>(call.arg(i));
  const std::string item = front ? list->pop_front() : list->pop_back();
  if (list->size() == 0) call.keyspace.remove(call.db, call.arg(i));
  call.announce_taken('l', front ? "lpop" : "rpop", call.arg(i));
  call.reply.array(2);
  call.reply.bulk(call.arg(i));
  call.reply.bulk(item);
  call.log({front ? "LPOP" : "RPOP", call.arg(i)});
}

// numkeys key... LEFT|RIGHT [COUNT n], with numkeys at `at`, behind a timeout if it blocks.
void pop_multiple(Call& call, size_t at, bool blocking) {
  constexpr std::string_view kNumKeys = "ERR numkeys should be greater than 0";
  constexpr std::string_view kCount = "ERR count should be greater than 0";
  int64_t keys = 0;
  if (!bounded_arg(call, at, 1, INT64_MAX, keys, kNumKeys)) return;
  if (static_cast<uint64_t>(keys) >= call.argc() - at - 1) return call.fail(kSyntaxError);
  const size_t end = at + static_cast<size_t>(keys) + 1;
  bool front = false;
  if (!parse_end(call, end, front)) return;
  int64_t count = -1;
  for (size_t i = end + 1; i < call.argc(); i += 2) {
    if (count != -1 || !call.is(i, "COUNT") || i + 1 == call.argc()) return call.fail(kSyntaxError);
    if (!bounded_arg(call, i + 1, 1, INT64_MAX, count, kCount)) return;
  }
  int64_t timeout_ms = 0;
  if (blocking && !timeout_arg(call, at - 1, timeout_ms)) return;
  const size_t i = first_list(call, at + 1, end - 1);
  if (call.failed()) return;
  if (i == 0 && blocking)
    return wait_or_null_array(call, {Type::kList, at + 1, end - at - 1, timeout_ms});
  if (i == 0) return call.reply.null_array();
  List* list = call.write<List>(call.arg(i));
  const size_t popped = count == -1 ? 1 : std::min(static_cast<size_t>(count), list->size());
  CHECK(popped > 0);
  call.reply.array(2);
  call.reply.bulk(call.arg(i));
  call.reply.array(popped);
  for (size_t n = 0; n < popped; ++n) {
    call.reply.bulk(front ? list->pop_front() : list->pop_back());
  }
  if (list->size() == 0) call.keyspace.remove(call.db, call.arg(i));
  call.announce_taken('l', front ? "lpop" : "rpop", call.arg(i));
  call.log({front ? "LPOP" : "RPOP", call.arg(i), format_integer(static_cast<int64_t>(popped))});
}

// Where there is nothing to move. Whoever may not wait is told of no item, not of no pair.
void wait_for_source(Call& call, int64_t timeout_ms) {
  call.may_wait() ? call.wait({Type::kList, 1, 1, timeout_ms}) : call.reply.null();
}

}  // namespace

void lmove_command(Call& call) {
  bool from_front = false, to_front = false;
  if (!parse_end(call, 3, from_front) || !parse_end(call, 4, to_front)) return;
  const Moved moved = move_item(call, from_front, to_front);
  if (moved == Moved::kNothing) return call.reply.null();
  if (moved == Moved::kMoved) call.changed();
}

void rpoplpush_command(Call& call) {
  const Moved moved = move_item(call, false, true);
  if (moved == Moved::kNothing) return call.reply.null();
  if (moved == Moved::kMoved) call.changed();
}

void blmove_command(Call& call) {
  bool from_front = false, to_front = false;
  if (!parse_end(call, 3, from_front) || !parse_end(call, 4, to_front)) return;
  int64_t timeout_ms = 0;
  if (!timeout_arg(call, 5, timeout_ms)) return;
  const Moved moved = move_item(call, from_front, to_front);
  if (moved == Moved::kNothing) return wait_for_source(call, timeout_ms);
  if (moved == Moved::kMoved) {
    call.log({"LMOVE", call.arg(1), call.arg(2), from_front ? "LEFT" : "RIGHT",
              to_front ? "LEFT" : "RIGHT"});
  }
}

void brpoplpush_command(Call& call) {
  int64_t timeout_ms = 0;
  if (!timeout_arg(call, 3, timeout_ms)) return;
  const Moved moved = move_item(call, false, true);
  if (moved == Moved::kNothing) return wait_for_source(call, timeout_ms);
  if (moved == Moved::kMoved) call.log({"RPOPLPUSH", call.arg(1), call.arg(2)});
}

void lmpop_command(Call& call) { pop_multiple(call, 1, false); }
void blmpop_command(Call& call) { pop_multiple(call, 2, true); }
void blpop_command(Call& call) { pop_blocking(call, true); }
void brpop_command(Call& call) { pop_blocking(call, false); }

}  // namespace powercut::engine
